/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_peer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void on_wake(void *arg)
{
	((struct of_peer *)arg)->wakes++;
}

struct of_session *peer_session(struct of_peer *p)
{
	struct of_session *s;

	assert_int_equal(of_session_create(&s, p->agent, evbuffer_new(), true, on_wake, p), 0);
	assert_int_equal(peer_receive_from(p, s), OFPT_HELLO);
	peer_send_to(p, s, OFPT_HELLO, "", 0);
	return s;
}

void peer_session_end(struct of_session *s)
{
	struct evbuffer *out = s->out;

	of_session_destroy(s);
	evbuffer_free(out);
}

void peer_start(struct of_peer *p, bool hello)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(of_agent_create(&p->agent, &model_ops, &p->model), 0);
	if (hello) {
		p->session = peer_session(p);
		assert_int_equal(peer_receive(p), -1);
		return;
	}
	assert_int_equal(of_session_create(&p->session, p->agent, evbuffer_new(), true, on_wake, p), 0);
}

void peer_stop(struct of_peer *p)
{
	peer_session_end(p->session);
	model_clear(&p->model);
	of_agent_destroy(p->agent);
}

struct of_peer peer;

int peer_setup(void **state)
{
	peer_start(&peer, true);
	return 0;
}

int peer_teardown(void **state)
{
	peer_stop(&peer);
	return 0;
}

size_t peer_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (*text != '\0') {
		unsigned int byte;

		if (*text == ' ' || *text == '|') {
			text++;
			continue;
		}
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		assert_true(isxdigit((unsigned char)text[1]) && n < size);
		out[n++] = (uint8_t)byte;
		text += 2;
	}
	return n;
}

void peer_send_to(struct of_peer *p, struct of_session *s, uint8_t type, const void *body, size_t size)
{
	uint8_t *bytes = malloc(OFP_HEADER + size);

	assert_non_null(bytes);
	bytes[0] = OFP_VERSION;
	bytes[1] = type;
	wire_set16(bytes + 2, (uint16_t)(OFP_HEADER + size));
	wire_set32(bytes + 4, ++p->xid);
	memcpy(bytes + OFP_HEADER, body, size);
	assert_int_equal(of_session_input(s, bytes, OFP_HEADER + size, 10), OFP_HEADER + size);
	free(bytes);
}

void peer_send_bytes(struct of_peer *p, uint8_t type, const void *body, size_t size)
{
	peer_send_to(p, p->session, type, body, size);
}

void peer_send(struct of_peer *p, uint8_t type, const char *body)
{
	static uint8_t bytes[OFP_MESSAGE_MAX - OFP_HEADER];

	peer_send_bytes(p, type, bytes, peer_hex(body, bytes, sizeof(bytes)));
}

int peer_receive_from(struct of_peer *p, struct of_session *s)
{
	if (evbuffer_get_length(s->out) == 0)
		of_session_resume(s);
	if (evbuffer_get_length(s->out) == 0)
		return -1;
	assert_int_equal(evbuffer_remove(s->out, p->in, OFP_HEADER), OFP_HEADER);
	p->len = wire_u16(p->in + 2);
	assert_true(p->len >= OFP_HEADER);
	assert_int_equal(evbuffer_remove(s->out, p->in + OFP_HEADER, p->len - OFP_HEADER), p->len - OFP_HEADER);
	return p->in[1];
}

int peer_receive(struct of_peer *p)
{
	return peer_receive_from(p, p->session);
}

void peer_expect_nothing(struct of_peer *p)
{
	assert_int_equal(peer_receive(p), -1);
}

void peer_expect_error(struct of_peer *p, enum flow_errno what)
{
	assert_int_equal(peer_receive(p), OFPT_ERROR);
	assert_string_equal(flow_error_name(wire_u16(p->in + 8), wire_u16(p->in + 10)),
			    flow_error_name((uint16_t)(what >> 16), (uint16_t)what));
	assert_int_equal(wire_u32(p->in + 4), p->xid);
	// The request, or 64 bytes of it at least.
	assert_true(p->len > 12 + OFP_HEADER - 1);
	assert_int_equal(wire_u32(p->in + 12 + 4), p->xid);
	assert_true(p->len - 12 >= 64 || p->len - 12 == wire_u16(p->in + 12 + 2));
	peer_expect_nothing(p);
}

void peer_expect(struct of_peer *p, int type, const char *body)
{
	static uint8_t want[OFP_MESSAGE_MAX];
	const size_t n = peer_hex(body, want, sizeof(want));

	assert_int_equal(peer_receive(p), type);
	assert_int_equal(p->in[0], OFP_VERSION);
	assert_int_equal(wire_u32(p->in + 4), p->xid);
	assert_int_equal(p->len, OFP_HEADER + n);
	assert_memory_equal(p->in + OFP_HEADER, want, n);
}

const uint8_t *peer_flow_mod(uint8_t command, uint8_t table, uint16_t priority, const char *oxm,
			     const char *instructions, size_t *size)
{
	static uint8_t body[OFP_MESSAGE_MAX];
	size_t match;

	memset(body, 0, 48 - OFP_HEADER + 2048);
	body[16] = table;
	body[17] = command;
	wire_set16(body + 22, priority);
	wire_set32(body + 24, FLOW_NO_BUFFER);
	wire_set32(body + 28, FLOW_PORT_ANY);
	wire_set32(body + 32, FLOW_GROUP_ANY);
	match = 4 + peer_hex(oxm, body + 44, 2000);
	wire_set16(body + 40, 1);
	wire_set16(body + 42, (uint16_t)match);
	*size = 40 + wire_pad8(match);
	*size += peer_hex(instructions, body + *size, sizeof(body) - *size);
	return body;
}
