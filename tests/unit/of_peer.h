/* SPDX-License-Identifier: BSD-3-Clause */
// A controller of a model switch, without sockets: messages in as bytes or hexadecimal digits, answers out one by one.
#ifndef OF_PEER_H
#define OF_PEER_H

#include "../../control/openflow/of_agent_priv.h"
#include "of_model.h"

struct of_peer {
	struct model model;
	struct of_agent *agent;
	struct of_session *session;
	uint32_t xid;       // of the last request
	unsigned int wakes; // how often the session asked to be looked at
	size_t len;         // of the answer in `in`
	uint8_t in[OFP_MESSAGE_MAX];
};

// Makes a model, an agent and a session; `hello`: says it, too. Then destroys them.
void peer_start(struct of_peer *p, bool hello);
void peer_stop(struct of_peer *p);
// A test that finds `peer` started, with its hello said.
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, peer_setup, peer_teardown)
extern struct of_peer peer;
int peer_setup(void **state);
int peer_teardown(void **state);
// Another controller of the same agent, and its end.
struct of_session *peer_session(struct of_peer *p);
void peer_session_end(struct of_session *s);

// Bytes of hexadecimal digits, with spaces and '|' between them as one likes; returns how many.
size_t peer_hex(const char *text, uint8_t *out, size_t size);

// Sends a message whose header is made here, and whose body is given in digits; the answers wait.
void peer_send(struct of_peer *p, uint8_t type, const char *body);
void peer_send_bytes(struct of_peer *p, uint8_t type, const void *body, size_t size);
void peer_send_to(struct of_peer *p, struct of_session *s, uint8_t type, const void *body, size_t size);

// Takes the next answer: its type, or -1 if there is none.
int peer_receive(struct of_peer *p);
int peer_receive_from(struct of_peer *p, struct of_session *s);

// Takes an answer that must be this error to the last request, and the last answer; aborts the test otherwise.
void peer_expect_error(struct of_peer *p, enum flow_errno what);
// Takes an answer that must be of this type and have this body, in digits.
void peer_expect(struct of_peer *p, int type, const char *body);
void peer_expect_nothing(struct of_peer *p);

// The body of a flow-mod, in a static buffer: its fixed part filled in, then match and instructions from digits. *size:
// its bytes.
const uint8_t *peer_flow_mod(uint8_t command, uint8_t table, uint16_t priority, const char *oxm,
			     const char *instructions, size_t *size);

#endif
