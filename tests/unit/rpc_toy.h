/* SPDX-License-Identifier: BSD-3-Clause */
// Toy objects for tests of the RPC core: boxes, and items that lie in boxes. Kept in memory and changed through real
// transactions, so that what the store says can be compared with them.
#ifndef RPC_TOY_H
#define RPC_TOY_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

// The objects: name -> parameters.
extern json_t *toy_boxes, *toy_items;
extern unsigned int toy_published; // calls of publish()

void toy_reset(void);

// A client of a real server in this process. Everything runs in this thread: waiting runs the server's loop.
struct toy_server {
	struct event_base *base;
	char dir[64], socket[96], state[96];
	unsigned int stall_s; // as in rpc_server_conf
};

struct toy_client {
	int fd;
	char *in; // what was received and not yet taken
	size_t in_size, in_len;
	bool closed; // the server closed the connection
};

void toy_server_start(struct toy_server *s, bool on_disk);
void toy_server_stop(struct toy_server *s);  // the state file stays
void toy_server_clean(struct toy_server *s); // removes the folder

void toy_connect(struct toy_server *s, struct toy_client *c);
void toy_disconnect(struct toy_client *c);
// Sends all bytes, running the loop while the server takes them; gives up when the connection is closed.
void toy_send(struct toy_server *s, struct toy_client *c, const char *bytes, size_t size);
void toy_text(struct toy_server *s, struct toy_client *c, const char *text);
// Takes the next line as JSON; NULL if none came within some seconds, or the connection is closed.
json_t *toy_answer(struct toy_server *s, struct toy_client *c);
// Runs the loop for a moment; whether an answer is there then.
bool toy_silent(struct toy_server *s, struct toy_client *c);
// Sends one request and takes its answer's result, NULL if it was an error; *error is then the error object (may be
// NULL).
json_t *toy_call(struct toy_server *s, struct toy_client *c, const char *method, json_t *params, json_t **error);

// The server and the client of a test whose setup and teardown are these. In memory, unless the test makes its own.
extern struct toy_server toy_server;
extern struct toy_client toy_client;
int toy_setup(void **state);
int toy_teardown(void **state);

// The code of an answer's error, 0 if it is none, and a member of its data as text, "" if there is none.
int toy_code(const json_t *answer);
const char *toy_data(const json_t *answer, const char *name);

#define TOY_PING "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"rpc.ping\"}"
#define TOY_PONG "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"pong\"}"

// The next answer of toy_server must be this (JSON).
void toy_expect_answer(struct toy_client *c, const char *json);
// Sends a ping; the next answer must be its.
void toy_expect_pong(struct toy_client *c);
// Sends a text by toy_client; the answer must be an error of this code and id (JSON).
void toy_expect_error(const char *text, int code, const char *id);

#endif
