/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "command.h"
#include "text.h"

struct watch {
	json_t *topics;
	long count;     // how many to print; 0: no end
	double timeout; // seconds; 0: no end
};

static enum status parse(struct session *s, struct watch *w, char *const *words, size_t n)
{
	char *end;

	for (size_t i = 1; i < n; i++) {
		const char *eq = strchr(words[i], '=');

		if (eq == NULL) {
			char *copy = strdup(words[i]), *rest = copy, *topic;

			while ((topic = strsep(&rest, ",")) != NULL)
				json_array_append_new(w->topics, json_string(topic));
			free(copy);
			continue;
		}
		end = NULL;
		if (strncmp(words[i], "count=", 6) == 0)
			w->count = strtol(eq + 1, &end, 10);
		else if (strncmp(words[i], "timeout=", 8) == 0)
			w->timeout = strtod(eq + 1, &end);
		if (end == NULL || end == eq + 1 || *end != '\0' || w->count < 0 ||
		    !(w->timeout >= 0 && w->timeout < 1e9))
			return session_fail(s, STATUS_USAGE, "events: '%s' is not a topic, count=N or timeout=SECONDS",
					    words[i]);
	}
	return STATUS_DONE;
}

// "12:34:56.789 port added name=a type=tap": the topic, what happened, and the rest.
static void print_event(const struct session *s, const json_t *event)
{
	struct timeval now;
	struct tm tm;
	char clock[16];
	const char *key;
	const json_t *v;

	if (s->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		return;
	}
	gettimeofday(&now, NULL);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now.tv_sec, &tm));
	printf("%s.%03ld", clock, now.tv_usec / 1000);
	json_object_foreach ((json_t *)event, key, v) {
		char *text = text_value(v, TEXT_PLAIN);

		if (strcmp(key, "topic") == 0 || json_is_object(v) || strcmp(key, "what") == 0 ||
		    strcmp(key, "event") == 0)
			printf(" %s", text);
		else
			printf(" %s=%s", key, text);
		free(text);
	}
	putchar('\n');
	fflush(stdout);
}

static enum status watch(struct session *s, const struct watch *w)
{
	double end = w->timeout > 0 ? session_now() + w->timeout : 0;
	unsigned long lost;

	client_watch_stdout(s->client);
	for (long left = w->count; w->count == 0 || left > 0; left--) {
		double now = session_now();
		json_t *event;
		enum status st;

		// A wait of 0 would be one without end.
		st = session_event(s, end == 0 ? 0 : end > now ? end - now : 1e-6, &event);
		if (st == STATUS_REFUSED) // the time is over; only a count that was asked for makes that a failure
			return w->count > 0 && !client_interrupted ? STATUS_REFUSED : STATUS_DONE;
		if (st != STATUS_DONE)
			return st;
		lost = client_events_lost(s->client);
		if (lost > 0)
			session_fail(s, STATUS_DONE, "%lu events were dropped: they came faster than they were printed",
				     lost);
		print_event(s, event);
		json_decref(event);
	}
	return STATUS_DONE;
}

enum status events_run(struct session *s, char *const *words, size_t n)
{
	struct watch w = {.topics = json_array()};
	json_t *params = NULL, *result = NULL;
	enum status st = parse(s, &w, words, n);

	if (st != STATUS_DONE)
		goto free_topics;
	if (json_array_size(w.topics) > 0)
		params = json_pack("{s:O}", "topics", w.topics);
	// A connection of its own: subscriptions of an earlier command of this session are not asked for now.
	session_disconnect(s);
	st = session_call(s, "events.subscribe", params, &result);
	if (st == STATUS_DONE)
		st = watch(s, &w);
	session_disconnect(s);
free_topics:
	json_decref(result);
	json_decref(params);
	json_decref(w.topics);
	return st;
}
