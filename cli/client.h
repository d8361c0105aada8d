/* SPDX-License-Identifier: BSD-3-Clause */
// A JSON-RPC 2.0 client on a unix stream socket.
//
// Purpose: sends one request at a time and waits for its answer; keeps the notifications that arrive in between.
//
// Design: one JSON text a line in both directions. Answers to requests that were given up (time-out, Ctrl-C) are
// skipped when they come, so the connection stays usable. What the daemon sends is bounded: a line of at most 1 GiB, at
// most 10000 notifications waiting, the oldest dropped and counted.
//
// Threads: one.
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>

struct client;
struct timespec;

// Set by a SIGINT handler: waits end with -EINTR. Whoever starts a new command clears it.
extern volatile sig_atomic_t client_interrupted;

// ppoll(2) that no SIGINT slips past: how many are ready, 0 when `left` is over (NULL: never), -EINTR only for
// client_interrupted, or another -errno.
int client_poll(struct pollfd *p, nfds_t n, const struct timespec *left);

// Connects to the socket `path`, waiting up to `timeout` seconds (0: for ever) for a daemon that is busy. 0;
// -ENAMETOOLONG, -ETIMEDOUT, or the -errno of connect(2) (-ENOENT and -ECONNREFUSED: no daemon).
int client_open(struct client **out, const char *path, double timeout);
// The same on a connected stream socket, which it owns from then on. 0 or -errno.
int client_adopt(struct client **out, int fd);
void client_close(struct client *c); // accepts NULL

// Whether the daemon has not closed the connection yet.
bool client_alive(const struct client *c);

// Calls `method` with `params` (borrowed; NULL: none) and waits up to `timeout` seconds (0: for ever). 0 when an answer
// came, and then *result or *error (the JSON-RPC error object) is a new reference and the other NULL. -ETIMEDOUT and
// -EINTR: none yet, the connection goes on. Otherwise the connection is of no more use: -ECONNRESET the daemon closed
// it, -EPROTO what it sent is no JSON-RPC, -EMSGSIZE an answer over 1 GiB, -EPIPE standard output lost its reader
// (client_watch_stdout), or another -errno.
int client_call(struct client *c, const char *method, const json_t *params, double timeout, json_t **result,
		json_t **error);

// The next notification (a new reference: the whole message), waiting up to `timeout` seconds (0: for ever). Returns as
// client_call().
int client_event(struct client *c, double timeout, json_t **event);

// How many notifications were dropped since the last time of asking.
unsigned long client_events_lost(struct client *c);

// From now on waits end with -EPIPE once nobody reads standard output any more, so that `events | head` ends.
void client_watch_stdout(struct client *c);

#endif
