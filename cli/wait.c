/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "command.h"
#include "describe.h"
#include "text.h"

#define WAIT_DEFAULT 60 // seconds
#define RECHECK_S 0.25  // for what no event tells
#define DAEMON_RECHECK_NS 20000000

// "wait port vm1 link=up": what the list is asked for, and what an object of it must show.
struct wait {
	char method[64];
	json_t *params; // known to the list method
	json_t *topics; // of events.subscribe
	json_t *fields; // compared here: key -> text
	bool gone;
	double timeout, end;
};

// Whether a member shows as `want`, be it as its text or, of a truth value, as any word for it.
static bool shows(const json_t *v, const char *want)
{
	char *text, why[8];
	json_t *b;
	bool same;

	if (json_is_boolean(v)) {
		b = args_value("bool",
			       strcasecmp(want, "up") == 0     ? "yes"
			       : strcasecmp(want, "down") == 0 ? "no"
							       : want,
			       why, sizeof(why));
		return b != NULL && json_is_true(b) == json_is_true(v);
	}
	text = text_value(v, TEXT_PLAIN);
	same = strcmp(text, want) == 0;
	free(text);
	return same;
}

static bool matches(const struct wait *w, const json_t *object)
{
	const char *key;
	const json_t *want;

	json_object_foreach (w->fields, key, want) {
		if (!shows(text_member(object, key), json_string_value(want)))
			return false;
	}
	return true;
}

// Whether the wait is over. `seen`: the first listed object, a new reference, for the message.
static enum status check(struct session *s, const struct wait *w, bool *over, json_t **seen)
{
	json_t *list, *error;
	const json_t *o;
	size_t i;
	bool found = false;
	enum status st = session_try(s, w->method, w->params, &list, &error);

	json_decref(*seen);
	*seen = NULL;
	// An object that is not there yet may be listed as an error.
	if (st == STATUS_REFUSED && json_integer_value(json_object_get(error, "code")) == -32001)
		st = STATUS_DONE;
	else if (st == STATUS_REFUSED)
		session_report(s, w->method, error);
	json_array_foreach (list, i, o)
		found = found || matches(w, o);
	*seen = json_incref(json_array_get(list, 0));
	*over = found != w->gone;
	json_decref(list);
	json_decref(error);
	return st;
}

static enum status time_is_over(struct session *s, const struct wait *w, const json_t *seen)
{
	char *want = text_value(w->fields, TEXT_PLAIN), *params = text_value(w->params, TEXT_PLAIN),
	     *last = text_value(seen, TEXT_PLAIN);

	session_fail(s, STATUS_REFUSED, "waited %g s for %s %s%s%s; last seen: %s", w->timeout, w->method, params,
		     w->gone ? " to be without " : " to show ", strcmp(want, "-") != 0 ? want : "any object", last);
	free(want);
	free(params);
	free(last);
	return STATUS_REFUSED;
}

static enum status wait_object(struct session *s, struct wait *w)
{
	json_t *seen = NULL, *event, *result = NULL, *error = NULL;
	bool over = false;
	enum status st;

	// Events make the wait end at once; where there are none, the list is asked for again and again.
	st = session_try(s, "events.subscribe", w->topics, &result, &error);
	json_decref(result);
	json_decref(error);
	while (st != STATUS_NO_DAEMON) {
		double left = w->end - session_now();

		st = check(s, w, &over, &seen);
		if (st != STATUS_DONE || over)
			break;
		if (left <= 0) {
			st = time_is_over(s, w, seen);
			break;
		}
		st = session_event(s, left < RECHECK_S ? left : RECHECK_S, &event);
		if (st == STATUS_DONE)
			json_decref(event);
		if (client_interrupted)
			break;
	}
	json_decref(seen);
	return st;
}

// Waits until rpc.ping is answered: for what starts a daemon and goes on with it.
static enum status wait_daemon(struct session *s, const struct wait *w)
{
	struct timespec pause = {.tv_nsec = DAEMON_RECHECK_NS};
	json_t *result, *error;
	enum status st;
	bool quiet = s->quiet;

	for (;;) {
		s->quiet = true;
		st = session_try(s, "rpc.ping", NULL, &result, &error);
		s->quiet = quiet;
		json_decref(result);
		json_decref(error);
		if (st == STATUS_DONE || client_interrupted)
			return st;
		if (session_now() >= w->end)
			return session_fail(s, STATUS_NO_DAEMON, "no daemon at %s within %g s", s->socket, w->timeout);
		nanosleep(&pause, NULL);
	}
}

// One word of the condition.
static enum status parse_word(struct session *s, struct wait *w, const json_t *method, const char *word, bool first)
{
	const char *eq = strchr(word, '=');
	const json_t *p;
	json_t *v;
	char key[64], why[256], *end;

	if (strcmp(word, "gone") == 0) {
		w->gone = true;
		return STATUS_DONE;
	}
	if (eq == NULL && !first)
		return session_fail(s, STATUS_USAGE, "wait: '%s' is not key=value or gone", word);
	snprintf(key, sizeof(key), "%.*s", eq != NULL ? (int)(eq - word) : 4, eq != NULL ? word : "name");
	word = eq != NULL ? eq + 1 : word;
	if (strcmp(key, "timeout") == 0) {
		w->timeout = strtod(word, &end);
		if (end == word || *end != '\0' || !(w->timeout >= 0 && w->timeout < 1e9))
			return session_fail(s, STATUS_USAGE, "wait: timeout: '%s' is not a number of seconds", word);
		return STATUS_DONE;
	}
	p = describe_param(s->schema, method, NULL, key);
	if (p == NULL) {
		json_object_set_new(w->fields, key, json_string(word));
		return STATUS_DONE;
	}
	v = args_value(describe_text(p, "type"), word, why, sizeof(why));
	if (v == NULL)
		return session_fail(s, STATUS_USAGE, "wait: %s: %s", key, why);
	json_object_set_new(w->params, key, v);
	return STATUS_DONE;
}

static enum status parse(struct session *s, struct wait *w, char *const *words, size_t n)
{
	const json_t *method = NULL;
	enum status st = STATUS_DONE;
	bool daemon = strcmp(words[1], "daemon") == 0;

	if (!daemon) {
		st = session_describe(s);
		if (st != STATUS_DONE)
			return st;
		snprintf(w->method, sizeof(w->method), "%s.list", words[1]);
		method = describe_method(s->schema, w->method);
		if (method == NULL)
			return session_fail(s, STATUS_USAGE, "wait: nothing lists '%s'", words[1]);
	}
	for (size_t i = 2; i < n && st == STATUS_DONE; i++)
		st = parse_word(s, w, method, words[i], i == 2 && !daemon);
	if (st == STATUS_DONE && daemon && (w->gone || json_object_size(w->fields) > 0))
		st = session_fail(s, STATUS_USAGE, "wait daemon: takes timeout=SECONDS only");
	// A link that comes up is an event of the port's, too.
	if (!daemon)
		w->topics = strcmp(words[1], "port") == 0 ? json_pack("{s:[s, s]}", "topics", "port", "link")
							  : json_pack("{s:[s]}", "topics", words[1]);
	w->end = session_now() + w->timeout;
	return st;
}

enum status wait_run(struct session *s, char *const *words, size_t n)
{
	struct wait w = {.timeout = WAIT_DEFAULT};
	enum status st;

	if (n < 2)
		return session_fail(s, STATUS_USAGE, "wait: what for? (see: sluicectl help wait)");
	w.params = json_object();
	w.fields = json_object();
	st = parse(s, &w, words, n);
	if (st == STATUS_DONE)
		st = strcmp(words[1], "daemon") == 0 ? wait_daemon(s, &w) : wait_object(s, &w);
	json_decref(w.params);
	json_decref(w.fields);
	json_decref(w.topics);
	return st;
}
