/* SPDX-License-Identifier: BSD-3-Clause */
// What agent and sessions know of each other.
//
// Threads: control only.
#ifndef OF_AGENT_PRIV_H
#define OF_AGENT_PRIV_H

#include <sys/queue.h>

#include "of_agent.h"
#include "of_session.h"

#define OF_REASONS 3 // of packet-ins

// A packet that waits; id 0: never used.
struct of_buffer {
	uint32_t id, in_port, size;
	uint8_t *data; // NULL: sent already
};

struct of_limit {
	uint64_t second; // of the clock
	uint32_t used;
};

struct of_agent {
	const struct of_switch_ops *ops;
	void *sw;
	TAILQ_HEAD(, of_session) sessions;
	unsigned int open, controllers; // sessions that have said hello, and those of them that control
	uint64_t generation;
	bool generation_known;
	uint32_t rate;
	struct of_limit limits[OF_REASONS];
	struct of_agent_stats stats;
	uint32_t buffer_next;
	struct of_buffer buffers[OF_BUFFERS];
};

// Hands out a waiting packet, which the caller frees. 0, or -ENOENT and OFPBRC_BUFFER_UNKNOWN or _BUFFER_EMPTY.
int of_agent_buffer_take(struct of_agent *a, uint32_t id, struct of_buffer *out, struct flow_error *e);

// A session has said hello, or is gone.
void of_agent_opened(struct of_agent *a, bool controls);
void of_agent_closed(struct of_agent *a, bool controls);

// of_multipart.c: begins the answer to a multipart request, and goes on with one, until its reader has too much unread.
// Of the first, an error is the answer.
int of_multipart_request(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e);
void of_multipart_resume(struct of_session *s);

// Holds up the messages behind this one until the switch is done with what `begin`, one of its calls, asks of it; then
// calls then(s, xid), perhaps at once, unless the session has gone.
void of_session_wait(struct of_session *s, uint32_t xid, void (*then)(struct of_session *s, uint32_t xid),
		     void (*begin)(void *sw, void (*done)(void *arg), void *arg));

// Puts a finished message into the session's output.
void of_session_send(struct of_session *s, struct wire *w);
void of_session_error(struct of_session *s, const uint8_t *p, size_t len, const struct flow_error *e);

#endif
