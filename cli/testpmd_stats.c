/* SPDX-License-Identifier: BSD-3-Clause */
// show port stats|xstats|summary, show fwd stats, and the clearing of them.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "describe.h"
#include "testpmd.h"
#include "text.h"

#define FIRST_LOOK_NS 200000000 // between two looks, where there was no show before

static const char hashes[] = "########################";

// Of each port what port.stats tells, by name, from one snapshot; each with the time of it as `at`.
static enum status take(struct session *s, json_t **by_name)
{
	json_t *all, *o;
	size_t i;
	enum status st = session_call(s, "stats.get", NULL, &all);

	*by_name = NULL;
	if (st != STATUS_DONE)
		return st;
	*by_name = json_object();
	json_array_foreach (json_object_get(all, "ports"), i, o) {
		json_object_set_new(o, "at", json_real(session_now()));
		json_object_set(*by_name, describe_text(o, "name"), o);
	}
	json_decref(all);
	return STATUS_DONE;
}

static json_t *of_port(const json_t *by_name, const json_t *port)
{
	return json_object_get(by_name, describe_text(port, "name"));
}

// How much a counter grew; one that was cleared began from zero.
static unsigned long long grown(const json_t *now, const json_t *before, const char *key)
{
	unsigned long long a = testpmd_count(now, key), b = testpmd_count(before, key);

	return a >= b ? a - b : a;
}

static unsigned long long rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
	return seconds > 0 ? (unsigned long long)((double)grown(now, before, key) / seconds) : 0;
}

static void print_stats(unsigned int number, const json_t *now, const json_t *before)
{
	double seconds = json_real_value(json_object_get(now, "at")) - json_real_value(json_object_get(before, "at"));
	unsigned long long nombuf = testpmd_count(now, "rx_nombuf");

	printf("\n  %s NIC statistics for port %-2u %s\n", hashes, number, hashes);
	printf("  RX-packets: %-10llu RX-missed: %-10llu RX-bytes:  %-llu\n", testpmd_count(now, "rx_packets"),
	       testpmd_count(now, "rx_missed") - nombuf, testpmd_count(now, "rx_bytes"));
	printf("  RX-errors: %-llu\n", testpmd_count(now, "rx_errors"));
	printf("  RX-nombuf:  %-10llu\n", nombuf);
	printf("  TX-packets: %-10llu TX-errors: %-10llu TX-bytes:  %-llu\n", testpmd_count(now, "tx_packets"),
	       testpmd_count(now, "tx_errors"), testpmd_count(now, "tx_bytes"));
	printf("\n  Throughput (since last show)\n");
	printf("  Rx-pps: %12llu          Rx-bps: %12llu\n", rate(now, before, "rx_packets", seconds),
	       rate(now, before, "rx_bytes", seconds / 8));
	printf("  Tx-pps: %12llu          Tx-bps: %12llu\n", rate(now, before, "tx_packets", seconds),
	       rate(now, before, "tx_bytes", seconds / 8));
	printf("  %s%s%s####\n", hashes, hashes, hashes);
}

enum status testpmd_show_stats(struct session *s, char *const *words, size_t n)
{
	const struct timespec pause = {.tv_nsec = FIRST_LOOK_NS};
	json_t *shown = testpmd_memory(s, "shown"), *ports, *now = NULL, *before = NULL, *p;
	bool first = false;
	size_t i;
	enum status st = testpmd_pick(s, "show port stats", words[3], &ports);

	if (st == STATUS_DONE)
		st = take(s, &now);
	json_array_foreach (ports, i, p)
		first = first || of_port(shown, p) == NULL;
	// A rate since nothing would read as "no traffic".
	if (st == STATUS_DONE && first) {
		before = now;
		now = NULL;
		nanosleep(&pause, NULL);
		st = take(s, &now);
	}
	for (i = 0; st == STATUS_DONE && i < json_array_size(ports); i++) {
		p = json_array_get(ports, i);
		if (of_port(now, p) == NULL)
			continue; // removed meanwhile
		print_stats(testpmd_number(p), of_port(now, p),
			    of_port(shown, p) != NULL ? of_port(shown, p) : of_port(before, p));
		json_object_set(shown, describe_text(p, "name"), of_port(now, p));
	}
	json_decref(before);
	json_decref(now);
	json_decref(ports);
	return st;
}

static enum status print_xstats(struct session *s, const json_t *port)
{
	json_t *all;
	const json_t *v;
	const char *name;
	enum status st = testpmd_port_call(s, "port.xstats", port, NULL, &all);

	if (st != STATUS_DONE)
		return st;
	printf("###### NIC extended statistics for port %-2u\n", testpmd_number(port));
	json_object_foreach (all, name, v)
		printf("%s: %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(v));
	json_decref(all);
	return STATUS_DONE;
}

enum status testpmd_show_xstats(struct session *s, char *const *words, size_t n)
{
	return testpmd_for_ports(s, "show port xstats", words[3], print_xstats);
}

static enum status clear_one(struct session *s, const json_t *port)
{
	enum status st = testpmd_port_call(s, "port.clear", port, NULL, NULL);

	if (st == STATUS_DONE)
		printf("\n  NIC statistics for port %u cleared\n", testpmd_number(port));
	return st;
}

enum status testpmd_clear_stats(struct session *s, char *const *words, size_t n)
{
	return testpmd_for_ports(s, "clear port stats", words[3], clear_one);
}

static enum status print_summary(struct session *s, const json_t *port)
{
	json_t *driver;
	enum status st = testpmd_driver(s, port, &driver);
	bool known = json_object_size(driver) > 0;
	const char *speed = describe_text(driver, "link_speed");
	char *device = text_safe(known ? describe_text(driver, "device") : describe_text(port, "name"));

	if (st == STATUS_DONE)
		printf("%-4u %-17s %-12s %-14s %-8s %s\n", testpmd_number(port), testpmd_mac(port).text, device,
		       known ? describe_text(driver, "driver") : describe_text(port, "type"),
		       describe_text(port, "link"), *speed != '\0' ? speed : "Unknown");
	free(device);
	json_decref(driver);
	return st;
}

enum status testpmd_show_summary(struct session *s, char *const *words, size_t n)
{
	json_t *ports;
	enum status st = testpmd_ports(s, &ports);

	if (st != STATUS_DONE)
		return st;
	printf("Number of available ports: %zu\n", json_array_size(ports));
	printf("%-4s %-17s %-12s %-14s %-8s %s\n", "Port", "MAC Address", "Name", "Driver", "Status", "Link");
	json_decref(ports);
	return testpmd_for_ports(s, "show port summary", words[3], print_summary);
}

// --- forwarding ------------------------------------------------------------------------------------------------------

// What forwarding did to packets at a port: testpmd's words for our counters.
struct fwd {
	unsigned long long rx, rx_missed, tx, tx_dropped, lost;
};

static void fwd_add(struct fwd *sum, const json_t *now, const json_t *base)
{
	const json_t *drops = json_object_get(now, "drops"), *drops_base = json_object_get(base, "drops"), *v;
	const char *reason;

	sum->rx += grown(now, base, "rx_packets");
	sum->rx_missed += grown(now, base, "rx_missed");
	sum->tx += grown(now, base, "tx_packets");
	// Reasons that begin with tx_ are counted at the port to leave by, the others where the packet came in.
	json_object_foreach ((json_t *)drops, reason, v) {
		unsigned long long lost = grown(drops, drops_base, reason);

		if (strncmp(reason, "tx_", 3) == 0)
			sum->tx_dropped += lost;
		else
			sum->lost += lost;
	}
}

static void print_fwd(const struct fwd *f)
{
	printf("  RX-packets: %-14llu RX-dropped: %-14lluRX-total: %-llu\n", f->rx, f->rx_missed, f->rx + f->rx_missed);
	printf("  TX-packets: %-14llu TX-dropped: %-14lluTX-total: %-llu\n", f->tx, f->tx_dropped,
	       f->tx + f->tx_dropped);
	// testpmd has no such packets; ours are not to vanish.
	if (f->lost > 0)
		printf("  FWD-dropped: %-14llu(received, and not to be forwarded: show drops)\n", f->lost);
}

enum status testpmd_print_fwd(struct session *s)
{
	static const char dashes[] = "----------------------", pluses[] = "+++++++++++++++";
	const json_t *base = testpmd_memory(s, "fwd"), *p;
	struct fwd total = {0};
	json_t *ports, *now = NULL;
	size_t i;
	enum status st = testpmd_ports(s, &ports);

	if (st == STATUS_DONE)
		st = take(s, &now);
	for (i = 0; st == STATUS_DONE && i < json_array_size(ports); i++) {
		struct fwd f = {0};

		p = json_array_get(ports, i);
		fwd_add(&f, of_port(now, p), of_port(base, p));
		fwd_add(&total, of_port(now, p), of_port(base, p));
		printf("\n  %s Forward statistics for port %-2u %s\n", dashes, testpmd_number(p), dashes);
		print_fwd(&f);
		printf("  %s%s%s----------\n", dashes, dashes, dashes);
	}
	if (st == STATUS_DONE) {
		printf("\n  %s Accumulated forward statistics for all ports%s\n", pluses, pluses);
		print_fwd(&total);
		printf("  %s%s%s%s%s+\n", pluses, pluses, pluses, pluses, pluses);
	}
	json_decref(now);
	json_decref(ports);
	return st;
}

enum status testpmd_fwd_zero(struct session *s)
{
	json_t *now;
	enum status st = take(s, &now);

	if (st == STATUS_DONE)
		json_object_update(testpmd_memory(s, "fwd"), now);
	json_decref(now);
	return st;
}

static enum status only_all(struct session *s, char *const *words, size_t n)
{
	return strcmp(words[3], "all") == 0
		       ? STATUS_DONE
		       : session_fail(s, STATUS_USAGE, "%s fwd stats: Bad arguments (all)", words[0]);
}

enum status testpmd_show_fwd(struct session *s, char *const *words, size_t n)
{
	enum status st = only_all(s, words, n);

	return st == STATUS_DONE ? testpmd_print_fwd(s) : st;
}

enum status testpmd_clear_fwd(struct session *s, char *const *words, size_t n)
{
	enum status st = only_all(s, words, n);

	if (st != STATUS_DONE)
		return st;
	if (s->lone)
		return testpmd_refuse(s, words, n,
				      "a command by itself cannot remember what to count from (clear port stats all)");
	return testpmd_fwd_zero(s);
}
