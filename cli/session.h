/* SPDX-License-Identifier: BSD-3-Clause */
// What one run of sluicectl knows: where the daemon is, how to print, and where the command came from.
//
// Purpose: commands call methods through it and hand on the exit status; connecting, fetching the schema and saying
// what went wrong happen here, once.
//
// Design: the connection is opened by the first call that needs it, and again after it was lost, so an interactive
// session survives a daemon's restart.
//
// Threads: one.
#ifndef SESSION_H
#define SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "client.h"

// Exit statuses.
enum status {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1,   // the daemon said no, or what was waited for did not come
	STATUS_USAGE = 2,     // the command makes no sense, or its output could not be written
	STATUS_NO_DAEMON = 3, // nobody at the socket, or the daemon went away or fell silent before it answered
};

#define SESSION_FD_NONE (-1)
#define SESSION_FD_LOST (-2) // there was one, and it was taken

struct session {
	const char *socket;
	int fd;                // an open connection to use instead, the only one there will be; SESSION_FD_NONE, _LOST
	double timeout;        // seconds to wait for an answer; 0: for ever
	bool json;             // print results as JSON
	bool quiet;            // say nothing of errors (completion)
	const char *file;      // of the script that is running, or NULL
	unsigned int line;     // in it
	struct client *client; // NULL while not connected
	json_t *schema;        // of rpc.describe; NULL until asked for
	bool stale;            // the schema is of a connection that was lost
	bool lone;             // there is one command, from the shell, and none after it
	unsigned int depth;    // of files that load files
	bool over;             // `quit` was among the commands
	json_t *memory;        // what testpmd's commands keep from one to the next; NULL: nothing yet
};

// Calls `method`; `params` is borrowed and may be NULL. STATUS_DONE with *result a new reference; otherwise the reason
// was printed to standard error.
enum status session_call(struct session *s, const char *method, const json_t *params, json_t **result);

// As session_call(), but a refusal is handed back: STATUS_REFUSED with *error a new reference and nothing printed.
enum status session_try(struct session *s, const char *method, const json_t *params, json_t **result, json_t **error);

// The next event (a new reference: the notification's params) within `timeout` seconds (0: for ever). STATUS_DONE,
// STATUS_REFUSED when the time is over or Ctrl-C came (nothing printed), STATUS_NO_DAEMON.
enum status session_event(struct session *s, double timeout, json_t **event);

// Fetches the schema, unless it came by the present connection. What was borrowed from the schema of a connection that
// was lost stays valid until then.
enum status session_describe(struct session *s);

// Prints "sluicectl: [file:line: ]..." to standard error and returns `status`.
enum status session_fail(struct session *s, enum status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// Prints the daemon's error object to standard error.
void session_report(struct session *s, const char *method, const json_t *error);

// Drops the connection; the next call makes another.
void session_disconnect(struct session *s);

// Drops the connection and the schema.
void session_close(struct session *s);

// From now on Ctrl-C ends a wait (client_interrupted) and not the process. `old`: what to give sigaction(2) afterwards.
void session_catch_interrupt(struct sigaction *old);

// Seconds of a clock that never jumps.
double session_now(void);

#endif
