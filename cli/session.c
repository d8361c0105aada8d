/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "describe.h"
#include "session.h"
#include "text.h"

double session_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_interrupt(int sig)
{
	client_interrupted = 1;
}

void session_catch_interrupt(struct sigaction *old)
{
	struct sigaction sa = {.sa_handler = on_interrupt}; // without SA_RESTART: what waits is to end

	client_interrupted = 0;
	sigaction(SIGINT, &sa, old);
}

static void put_where(const struct session *s)
{
	fflush(stdout); // so that what went before an error is read before it
	fputs("sluicectl: ", stderr);
	if (s->file != NULL)
		fprintf(stderr, "%s:%u: ", s->file, s->line);
}

enum status session_fail(struct session *s, enum status status, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL, *safe;

	if (s->quiet)
		return status;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text_safe(text != NULL ? text : fmt);
	put_where(s);
	fprintf(stderr, "%s\n", safe);
	free(safe);
	free(text);
	return status;
}

static void put_detail(const json_t *data, const char *key, const char **gap)
{
	const json_t *v = json_object_get(data, key);
	char *raw, *text;

	if (v == NULL || json_is_null(v))
		return;
	// A value is shown as JSON, to tell 1 from "1"; the other two are words.
	raw = json_is_string(v) && strcmp(key, "value") != 0 ? strdup(json_string_value(v))
							     : json_dumps(v, JSON_ENCODE_ANY);
	text = text_safe(raw != NULL ? raw : "?");
	fprintf(stderr, "%s%s %s", *gap, key, text);
	*gap = ", ";
	free(text);
	free(raw);
}

void session_report(struct session *s, const char *method, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *gap = " (";
	char *text;

	if (s->quiet)
		return;
	if (s->json) {
		fflush(stdout);
		json_dumpf(error, stderr, JSON_COMPACT);
		putc('\n', stderr);
		return;
	}
	put_where(s);
	text = text_safe(describe_text(error, "message"));
	fprintf(stderr, "%s: %s", method, *text != '\0' ? text : "refused");
	free(text);
	put_detail(data, "field", &gap);
	put_detail(data, "value", &gap);
	put_detail(data, "allowed", &gap);
	fputs(*gap == ',' ? ")\n" : "\n", stderr);
}

void session_disconnect(struct session *s)
{
	client_close(s->client);
	s->client = NULL;
	s->stale = true;
}

void session_close(struct session *s)
{
	session_disconnect(s);
	json_decref(s->schema);
	s->schema = NULL;
	json_decref(s->memory);
	s->memory = NULL;
}

static enum status session_connect(struct session *s)
{
	int err;

	// The daemon may have been started anew since the last command, with other methods too.
	if (s->client != NULL && !client_alive(s->client))
		session_disconnect(s);
	if (s->client != NULL)
		return STATUS_DONE;
	if (s->fd == SESSION_FD_LOST)
		return session_fail(s, STATUS_NO_DAEMON, "the daemon at %s is gone", s->socket);
	if (s->fd >= 0) {
		err = client_adopt(&s->client, s->fd);
		s->fd = SESSION_FD_LOST;
		return err == 0
			       ? STATUS_DONE
			       : session_fail(s, STATUS_NO_DAEMON, "the connection cannot be used: %s", strerror(-err));
	}
	err = client_open(&s->client, s->socket, s->timeout);
	if (err == 0)
		return STATUS_DONE;
	if (err == -ENAMETOOLONG)
		return session_fail(s, STATUS_USAGE, "the path of the socket is longer than 107 bytes: %s", s->socket);
	if (err == -ETIMEDOUT)
		return session_fail(s, STATUS_NO_DAEMON, "the daemon at %s takes no connection within %g s", s->socket,
				    s->timeout);
	return session_fail(s, STATUS_NO_DAEMON, "no daemon at %s: %s", s->socket, strerror(-err));
}

// Says why an exchange failed, and drops the connection where it is of no more use.
static enum status session_lost(struct session *s, int err, const char *method)
{
	if (err == -ETIMEDOUT)
		return session_fail(s, STATUS_NO_DAEMON, "%s: no answer within %g s; what became of it is not known",
				    method, s->timeout);
	if (err == -EINTR)
		return session_fail(s, STATUS_NO_DAEMON, "%s: interrupted; what became of it is not known", method);
	session_disconnect(s);
	if (err == -ECONNRESET)
		return session_fail(s, STATUS_NO_DAEMON, "%s: the daemon closed the connection before it answered",
				    method);
	if (err == -ECONNABORTED)
		return session_fail(s, STATUS_NO_DAEMON, "%s: the daemon did not take the whole request", method);
	if (err == -EPROTO)
		return session_fail(s, STATUS_NO_DAEMON, "%s: what answers at %s does not speak JSON-RPC", method,
				    s->socket);
	return session_fail(s, STATUS_NO_DAEMON, "%s: %s", method, strerror(-err));
}

enum status session_try(struct session *s, const char *method, const json_t *params, json_t **result, json_t **error)
{
	enum status st = session_connect(s);
	int err;

	*result = *error = NULL;
	if (st != STATUS_DONE)
		return st;
	err = client_call(s->client, method, params, s->timeout, result, error);
	if (err != 0)
		return session_lost(s, err, method);
	return *error != NULL ? STATUS_REFUSED : STATUS_DONE;
}

enum status session_call(struct session *s, const char *method, const json_t *params, json_t **result)
{
	json_t *error;
	enum status st = session_try(s, method, params, result, &error);

	if (error != NULL)
		session_report(s, method, error);
	json_decref(error);
	return st;
}

enum status session_event(struct session *s, double timeout, json_t **event)
{
	json_t *msg;
	int err;

	if (s->client == NULL)
		return STATUS_NO_DAEMON;
	err = client_event(s->client, timeout, &msg);
	if (err == -ETIMEDOUT || err == -EINTR || err == -EPIPE)
		return STATUS_REFUSED;
	if (err != 0)
		return session_lost(s, err, "events");
	*event = json_incref(json_object_get(msg, "params"));
	json_decref(msg);
	return STATUS_DONE;
}

enum status session_describe(struct session *s)
{
	enum status st = session_connect(s);
	json_t *schema;

	if (st != STATUS_DONE || (s->schema != NULL && !s->stale))
		return st;
	st = session_call(s, "rpc.describe", NULL, &schema);
	if (st != STATUS_DONE)
		return st;
	json_decref(s->schema);
	s->schema = schema;
	s->stale = false;
	return STATUS_DONE;
}
