/* SPDX-License-Identifier: BSD-3-Clause */
// One client of the RPC server: bytes in, answers out. It knows of no socket, so tests and fuzzers drive it directly.
//
// Purpose: the protocol (JSON-RPC 2.0, batches, notifications, errors) and its bounds for one client.
//
// Design: input gathers in one buffer, which json_scan cuts into texts. A text is parsed and run, a batch one request
// at a time, so that a turn is short whatever the client sent. Answers gather in `held` until the server has synced the
// store and calls rpc_client_release(): to `out`, from which the server writes. If the sync failed, the answers that
// told of a change become errors on the way. Events wait in a buffer of their own, because they must not come between
// the answers of a batch.
//
// Threads: control only.
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "json_scan.h"
#include "../ports/fault.h"

#define RPC_REQUEST_MAX (64 << 20)         // bytes of one text
#define RPC_PARSED_MAX ((size_t)1 << 30)   // bytes of one text as parsed, about
#define RPC_ANSWER_MAX ((size_t)256 << 20) // bytes of one answer
#define RPC_OUT_HIGH (1 << 20)             // with so many bytes unread, a client's next request waits
#define RPC_EVENTS_MAX (16 << 20)          // with so many bytes of events unread, a client is cut off

enum rpc_client_state {
	RPC_CLIENT_IDLE,  // waits for input
	RPC_CLIENT_READY, // has more to do
	RPC_CLIENT_FULL,  // waits until its answers are read
};

// An answer in `held` that tells of a change.
struct rpc_changed {
	size_t at, size; // in bytes of `held`
	json_t *id;
};

struct rpc_client {
	struct json_scan scan;
	char *in;
	size_t in_size;                // bytes allocated
	size_t in_text, in_at, in_end; // where the text begins, where to scan on, where the bytes end
	bool eof;                      // nothing more will come
	json_t *batch;                 // NULL: none under way
	size_t batch_at;               // its next request
	bool batch_open;               // the answer's "[" is written
	struct evbuffer *held, *events, *out;
	struct rpc_changed *changed;
	size_t nchanged, changed_size;
	bool broken; // out of memory or over a bound: to be cut off

	uint32_t topics; // events.c: bits of the topics subscribed to
	TAILQ_ENTRY(rpc_client) subscribers;
	// Called when an event was added, so that somebody releases it; NULL: nobody.
	void (*wake)(struct rpc_client *c);
};

// 0 or -ENOMEM.
int rpc_client_create(struct rpc_client *c);
void rpc_client_clear(struct rpc_client *c);

// Room for input, some tens of KiB at least; NULL if there is no memory. Then how many bytes came; or that no more
// come.
char *rpc_client_room(struct rpc_client *c, size_t *size);
void rpc_client_input(struct rpc_client *c, size_t size);
void rpc_client_eof(struct rpc_client *c);

// Runs requests until `deadline_ns` (CLOCK_MONOTONIC) is past; at least one.
enum rpc_client_state rpc_client_turn(struct rpc_client *c, uint64_t deadline_ns);

// Lets the answers go. `sync_fault`: why the changes they tell of are not on disk, NULL if they are.
void rpc_client_release(struct rpc_client *c, const struct fault *sync_fault);

// Adds an event (a JSON text without newline).
void rpc_client_event(struct rpc_client *c, const char *text, size_t size);

// Bytes that the client has yet to read.
size_t rpc_client_unread(const struct rpc_client *c);

// Whether its next request waits until it has read more.
bool rpc_client_full(const struct rpc_client *c);

uint64_t rpc_now_ns(void);

// Writes one error answer outside of any request, as for a client that is turned away.
void rpc_client_refuse(struct evbuffer *out, int code, const json_t *id, const struct fault *f);

// events.c: adds topics or takes them away, by bits of their index; rpc_client_clear() takes away all.
void event_subscribe(struct rpc_client *c, uint32_t topics);
void event_unsubscribe(struct rpc_client *c, uint32_t topics);
extern const char *const event_topics[]; // ends with NULL

#endif
