/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "table.h"

#define CLEAR "\x1b[H\x1b[J"

struct top {
	long count;   // how often to print; 0: no end
	double delay; // seconds between two looks
	bool screen;  // standard output is a terminal to be cleared, and standard input one to take keys from
	double at;    // when `last` was taken
	json_t *last; // the stats.get before; NULL at first
};

static const struct column port_columns[] = {
	{.title = "PORT", .path = "name"},
	{.title = "RX-PPS", .path = "rx_packets", .format = TEXT_SCALED},
	{.title = "RX-BPS", .path = "rx_bits", .format = TEXT_SCALED},
	{.title = "TX-PPS", .path = "tx_packets", .format = TEXT_SCALED},
	{.title = "TX-BPS", .path = "tx_bits", .format = TEXT_SCALED},
	{.title = "DROP-PPS", .path = "drops", .format = TEXT_SCALED},
	{.title = "MOST", .path = "most"},
	{.title = NULL},
};

static const struct column worker_columns[] = {
	{.title = "LCORE", .path = "lcore"},
	{.title = "CPU", .path = "cpu"},
	{.title = "BUSY", .path = "busy", .format = TEXT_PERCENT},
	{.title = "QUEUES", .path = "queues", .format = TEXT_COUNT},
	{.title = "LOOPS/S", .path = "loops", .format = TEXT_SCALED},
	{.title = "SLEEPS/S", .path = "sleeps", .format = TEXT_SCALED},
	{.title = "MAX-GAP-US", .path = "poll_gap_max_us", .format = TEXT_SCALED},
	{.title = NULL},
};

// How much a counter grew. One that was cleared, or whose owner is new, began from zero.
static double grown(const json_t *now, const json_t *before, const char *key)
{
	double a = json_number_value(json_object_get(now, key)), b = json_number_value(json_object_get(before, key));

	return a >= b ? a - b : a;
}

// The element of `list` with the same `key`, or NULL.
static const json_t *same(const json_t *list, const json_t *object, const char *key)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (json_equal(json_object_get(o, key), json_object_get(object, key)))
			return o;
	}
	return NULL;
}

static json_t *port_row(const json_t *port, const json_t *before, double seconds)
{
	const json_t *drops = json_object_get(port, "drops"), *drops_before = json_object_get(before, "drops"), *v;
	double lost = 0, most = 0;
	const char *reason, *worst = "";

	json_object_foreach ((json_t *)drops, reason, v) {
		double n = grown(drops, drops_before, reason);

		lost += n;
		if (n > most) {
			most = n;
			worst = reason;
		}
	}
	return json_pack("{s:O, s:f, s:f, s:f, s:f, s:f, s:s}", "name", json_object_get(port, "name"), "rx_packets",
			 grown(port, before, "rx_packets") / seconds, "rx_bits",
			 grown(port, before, "rx_bytes") * 8 / seconds, "tx_packets",
			 grown(port, before, "tx_packets") / seconds, "tx_bits",
			 grown(port, before, "tx_bytes") * 8 / seconds, "drops", lost / seconds, "most", worst);
}

static json_t *worker_row(const json_t *worker, const json_t *before, double seconds)
{
	double busy = grown(worker, before, "busy_cycles"), idle = grown(worker, before, "idle_cycles");
	json_t *row = json_copy((json_t *)worker);

	json_object_set_new(row, "busy", json_real(busy + idle > 0 ? busy / (busy + idle) : 0));
	json_object_set_new(row, "loops", json_real(grown(worker, before, "loops") / seconds));
	json_object_set_new(row, "sleeps", json_real(grown(worker, before, "sleeps") / seconds));
	return row;
}

static double traffic(const json_t *row)
{
	return json_real_value(json_object_get(row, "rx_packets")) +
	       json_real_value(json_object_get(row, "tx_packets")) + json_real_value(json_object_get(row, "drops"));
}

static int by_traffic(const void *a, const void *b)
{
	double x = traffic(*(json_t *const *)a), y = traffic(*(json_t *const *)b);

	return x != y ? (x < y ? 1 : -1)
		      : strcmp(json_string_value(json_object_get(*(json_t *const *)a, "name")),
			       json_string_value(json_object_get(*(json_t *const *)b, "name")));
}

// The busiest ports first, at most `most` of them.
static json_t *port_rows(const json_t *now, const json_t *before, double seconds, size_t most)
{
	const json_t *ports = json_object_get(now, "ports"), *p;
	size_t n = json_array_size(ports), i;
	json_t **row = calloc(n + 1, sizeof(*row)), *rows = json_array();

	json_array_foreach (ports, i, p)
		row[i] = port_row(p, same(json_object_get(before, "ports"), p, "name"), seconds);
	qsort(row, n, sizeof(*row), by_traffic);
	for (i = 0; i < n; i++) {
		if (i < most)
			json_array_append(rows, row[i]);
		json_decref(row[i]);
	}
	free(row);
	return rows;
}

static json_t *worker_rows(const json_t *now, const json_t *before, double seconds)
{
	const json_t *workers = json_object_get(now, "workers"), *w;
	json_t *rows = json_array();
	size_t i;

	json_array_foreach (workers, i, w)
		json_array_append_new(rows,
				      worker_row(w, same(json_object_get(before, "workers"), w, "lcore"), seconds));
	return rows;
}

// How many lines the terminal has; unlimited if it is none.
static size_t height(const struct top *t)
{
	struct winsize w;

	return t->screen && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 ? w.ws_row : SIZE_MAX;
}

static void print_top(struct session *s, const struct top *t, const json_t *now, double seconds)
{
	json_t *workers = worker_rows(now, t->last, seconds), *ports;
	size_t all = json_array_size(json_object_get(now, "ports")), taken = json_array_size(workers) + 6;
	size_t room = height(t) > taken ? height(t) - taken : 1;
	const json_t *audit = json_object_get(now, "audit");

	ports = port_rows(now, t->last, seconds, s->json ? SIZE_MAX : room);
	if (s->json) {
		json_t *o = json_pack("{s:f, s:O, s:O}", "seconds", seconds, "ports", ports, "workers", workers);

		command_print(s, o);
		json_decref(o);
	} else {
		printf("%sports %zu%s, workers %zu, over %.3g s, audit %s%s\n\n", t->screen ? CLEAR : "", all,
		       all > json_array_size(ports) ? " (busiest shown)" : "", json_array_size(workers), seconds,
		       json_is_true(json_object_get(audit, "ok")) ? "ok" : "NOT OK", t->screen ? ", q quits" : "");
		table_rows(stdout, workers, worker_columns, table_width());
		putchar('\n');
		table_rows(stdout, ports, port_columns, table_width());
	}
	fflush(stdout);
	json_decref(workers);
	json_decref(ports);
}

// Waits for the time of the next look. False: a key or Ctrl-C says to end.
static bool pause_for(const struct top *t, double seconds)
{
	struct pollfd p = {.fd = t->screen ? STDIN_FILENO : -1, .events = POLLIN};
	double end = session_now() + seconds, left;
	char key;

	while ((left = end - session_now()) > 0) {
		struct timespec ts = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
		int n = client_poll(&p, 1, &ts);

		if (n < 0 || (n > 0 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 4)))
			return false;
	}
	return true;
}

static enum status look(struct session *s, struct top *t, bool print)
{
	json_t *now;
	double at;
	enum status st = session_call(s, "stats.get", NULL, &now);

	if (st != STATUS_DONE)
		return st;
	at = session_now();
	if (print)
		print_top(s, t, now, at - t->at);
	json_decref(t->last);
	t->last = now;
	t->at = at;
	return STATUS_DONE;
}

static enum status run(struct session *s, struct top *t)
{
	enum status st = look(s, t, false);

	for (long n = 0; st == STATUS_DONE && (t->count == 0 || n < t->count); n++) {
		if (!pause_for(t, t->delay))
			break;
		st = look(s, t, true);
	}
	return client_interrupted ? STATUS_DONE : st;
}

static enum status parse(struct session *s, struct top *t, char *const *words, size_t n)
{
	for (size_t i = 1; i < n; i += 2) {
		char *end = NULL;

		if (i + 1 < n && strcmp(words[i], "-n") == 0)
			t->count = strtol(words[i + 1], &end, 10);
		else if (i + 1 < n && strcmp(words[i], "-d") == 0)
			t->delay = strtod(words[i + 1], &end);
		if (end == NULL || *end != '\0' || end == words[i + 1] || t->count < 0 ||
		    !(t->delay >= 0.1 && t->delay <= 3600))
			return session_fail(s, STATUS_USAGE, "top: takes -n COUNT and -d SECONDS (0.1 to 3600)");
	}
	return STATUS_DONE;
}

enum status top_run(struct session *s, char *const *words, size_t n)
{
	struct top t = {.delay = 1};
	struct termios before, raw;
	struct sigaction old;
	enum status st = parse(s, &t, words, n);

	if (st != STATUS_DONE)
		return st;
	t.screen = !s->json && t.count != 1 && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	session_catch_interrupt(&old);
	if (t.screen) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}

	st = run(s, &t);

	if (t.screen)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	sigaction(SIGINT, &old, NULL);
	json_decref(t.last);
	return st;
}
