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

#endif
