/* SPDX-License-Identifier: BSD-3-Clause */
// One controller's side of an agent: bytes in, bytes out. It knows of no socket, so tests and fuzzers drive it
// directly.
//
// Purpose: version negotiation, framing, the check of every message, and the answers.
//
// Design: whole messages are run in order. While a barrier or counters are awaited, or an answer is written that its
// reader has not yet read enough of, the next message waits in the caller's buffer, which is thereby bounded too. What
// cannot be understood is answered by an error; a peer whose framing or version is lost is closed.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 6.2, 6.3, 7.3, 7.5.
#ifndef OF_SESSION_H
#define OF_SESSION_H

#include <event2/buffer.h>
#include <sys/queue.h>

#include "of_agent.h"
#include "of_bundle.h"
#include "wire.h"

enum of_async_kind { OF_ASYNC_PACKET_IN, OF_ASYNC_PORT_STATUS, OF_ASYNC_FLOW_REMOVED, OF_ASYNC_KINDS };

struct of_session;

// What the switch holds while a session waits for it, so that it may outlive the session.
struct of_wait {
	struct of_session *session; // NULL: gone
	uint32_t xid;
	void (*then)(struct of_session *s, uint32_t xid);
};

// A multipart answer under way.
struct of_reply {
	struct of_flow_query flow;
	struct of_cursor cursor;
	uint32_t xid, arg[2];
	uint16_t type; // OFPMP_*
	bool active;
};

// A request for table features under way, of which parts may be missing.
struct of_tables_request {
	struct of_table_config *tables;
	unsigned int n;
	uint32_t xid;
	bool active, failed;
};

struct of_session {
	struct of_reply reply; // first, for its alignment
	struct of_agent *agent;
	TAILQ_ENTRY(of_session) all;
	struct evbuffer *out; // the caller's
	bool controls;        // counts as a controller: without any, the switch is on its own
	bool open, closed; // hello was exchanged; nothing more is read, and the connection ends when `out` is written
	bool broken;       // it ends at once
	bool dirty;        // changes wait for a flush
	uint8_t role;      // OFPCR_*
	uint16_t miss_send_len;
	uint32_t async[2][OF_ASYNC_KINDS]; // of master and equal, of slave
	struct of_wait *wait;              // for a barrier, or for counters; NULL: for nothing
	struct of_tables_request tables;
	struct of_bundles bundles;
	uint64_t messages; // whole ones received
	// Called when there is something new to write or to go on with, from outside of of_session_input().
	void (*wake)(void *arg);
	void *arg;
};

// Says hello into `to`, where all answers and events go. `controls`: its peer is a controller, not somebody who looks
// in. 0 or -ENOMEM.
int of_session_create(struct of_session **out, struct of_agent *a, struct evbuffer *to, bool controls,
		      void (*wake)(void *arg), void *arg);
void of_session_destroy(struct of_session *s);

// Runs the whole messages at `p`, as many as there are and as may be run now, up to `max`; returns their bytes.
size_t of_session_input(struct of_session *s, const uint8_t *p, size_t n, unsigned int max);

// Whether the next message has to wait.
bool of_session_waits(const struct of_session *s);

// Its reader has read: goes on with an answer under way.
void of_session_resume(struct of_session *s);

// Asks whether the peer is alive.
void of_session_echo(struct of_session *s);

#endif
