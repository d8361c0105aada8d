/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_session.h"

#include <errno.h>
#include <stdlib.h>

#include "of_agent_priv.h"
#include "of_request.h"
#include "ofp_mod.h"

#define ERROR_DATA 1024 // bytes of the request that an error quotes; the specification asks for 64 at least
#define MISS_SEND_LEN 128

static struct wire reply;

void of_session_send(struct of_session *s, struct wire *w)
{
	if (evbuffer_get_length(s->out) > OF_OUT_MAX || evbuffer_add(s->out, w->data, w->len) != 0)
		s->broken = true;
}

// A message of no body, or of the body given.
static void send_plain(struct of_session *s, uint8_t type, uint32_t xid, const void *body, size_t size)
{
	wire_begin(&reply, type, xid);
	wire_bytes(&reply, body, size);
	wire_end(&reply);
	of_session_send(s, &reply);
}

void of_session_error(struct of_session *s, const uint8_t *p, size_t len, const struct flow_error *e)
{
	uint8_t *at;

	wire_begin(&reply, OFPT_ERROR, wire_u32(p + 4));
	at = wire_put(&reply, 4);
	wire_set16(at, e->type);
	wire_set16(at + 2, e->code);
	if (e->type == OFP_EXPERIMENTER)
		wire_set32(wire_put(&reply, 4), ONF_EXPERIMENTER);
	wire_bytes(&reply, p, len < ERROR_DATA ? len : ERROR_DATA);
	wire_end(&reply);
	of_session_send(s, &reply);
}

void of_session_echo(struct of_session *s)
{
	send_plain(s, OFPT_ECHO_REQUEST, 0, "", 0);
}

static void hello_send(struct of_session *s)
{
	uint8_t body[8] = {0};

	wire_set16(body, OFPHET_VERSIONBITMAP);
	wire_set16(body + 2, sizeof(body));
	wire_set32(body + 4, 1u << OFP_VERSION);
	send_plain(s, OFPT_HELLO, 0, body, sizeof(body));
}

int of_session_create(struct of_session **out, struct of_agent *a, struct evbuffer *to, bool controls,
		      void (*wake)(void *arg), void *arg)
{
	struct of_session *s = aligned_alloc(_Alignof(struct of_session), sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->agent = a;
	s->out = to;
	s->controls = controls;
	s->wake = wake;
	s->arg = arg;
	s->role = OFPCR_ROLE_EQUAL;
	s->miss_send_len = MISS_SEND_LEN;
	// All but packets with a bad TTL; and of these a slave sees changes of ports alone.
	s->async[0][OF_ASYNC_PACKET_IN] = 1u << OFPR_NO_MATCH | 1u << OFPR_ACTION;
	s->async[0][OF_ASYNC_PORT_STATUS] = s->async[1][OF_ASYNC_PORT_STATUS] = 0x7;
	s->async[0][OF_ASYNC_FLOW_REMOVED] = 0xf;
	of_bundles_init(&s->bundles);
	TAILQ_INSERT_TAIL(&a->sessions, s, all);
	hello_send(s);
	*out = s;
	return 0;
}

void of_session_destroy(struct of_session *s)
{
	if (s == NULL)
		return;
	if (s->wait != NULL)
		s->wait->session = NULL;
	TAILQ_REMOVE(&s->agent->sessions, s, all);
	if (s->open)
		of_agent_closed(s->agent, s->controls);
	free(s->tables.tables);
	of_bundles_clear(&s->bundles);
	free(s);
}

bool of_session_waits(const struct of_session *s)
{
	return s->wait != NULL || s->reply.active || s->closed || evbuffer_get_length(s->out) > OF_OUT_HIGH;
}

// --- hello -----------------------------------------------------------------------------------------------------------

// Whether the peer speaks our version: its bitmap says so, or without one that its highest is ours or above.
static bool hello_agrees(const uint8_t *p, size_t len)
{
	for (size_t at = OFP_HEADER, size; at + 4 <= len; at += wire_pad8(size)) {
		size = wire_u16(p + at + 2);
		if (size < 4 || at + size > len)
			break;
		if (wire_u16(p + at) == OFPHET_VERSIONBITMAP && size >= 8)
			return (wire_u32(p + at + 4) >> OFP_VERSION & 1) != 0;
	}
	return p[0] >= OFP_VERSION;
}

static void hello_refuse(struct of_session *s, const uint8_t *p)
{
	static const char text[] = "only OpenFlow 1.3 (0x04) is spoken here";
	uint8_t body[4 + sizeof(text) - 1] = {0};

	wire_set16(body, OFPHFC_INCOMPATIBLE >> 16);
	wire_set16(body + 2, OFPHFC_INCOMPATIBLE & 0xffff);
	memcpy(body + 4, text, sizeof(text) - 1);
	wire_begin(&reply, OFPT_ERROR, wire_u32(p + 4));
	// In the peer's version, if that is below ours: it is to be able to read why.
	if (p[0] > 0 && p[0] < OFP_VERSION)
		reply.data[0] = p[0];
	wire_bytes(&reply, body, sizeof(body));
	wire_end(&reply);
	of_session_send(s, &reply);
	s->closed = true;
}

static void hello_receive(struct of_session *s, const uint8_t *p, size_t len)
{
	struct flow_error e;

	if (p[1] != OFPT_HELLO) {
		flow_error_set(&e, OFPBRC_BAD_TYPE, NULL, NULL, NULL, "the first message must be a hello");
		of_session_error(s, p, len, &e);
		s->closed = true;
	} else if (!hello_agrees(p, len)) {
		hello_refuse(s, p);
	} else {
		s->open = true;
		of_agent_opened(s->agent, s->controls);
	}
}

// --- what takes its time ---------------------------------------------------------------------------------------------

static void flush(struct of_session *s)
{
	if (s->dirty)
		s->agent->ops->flush(s->agent->sw);
	s->dirty = false;
}

static void wait_done(void *arg)
{
	struct of_wait *wait = arg;
	struct of_session *s = wait->session;

	if (s != NULL) {
		s->wait = NULL;
		wait->then(s, wait->xid);
		s->wake(s->arg);
	}
	free(wait);
}

void of_session_wait(struct of_session *s, uint32_t xid, void (*then)(struct of_session *s, uint32_t xid),
		     void (*begin)(void *sw, void (*done)(void *arg), void *arg))
{
	struct of_wait *wait = malloc(sizeof(*wait));

	if (wait == NULL) {
		s->broken = true; // a barrier that is not answered is no barrier
		return;
	}
	*wait = (struct of_wait){.session = s, .xid = xid, .then = then};
	s->wait = wait;
	flush(s);
	begin(s->agent->sw, wait_done, wait);
}

static void barrier_done(struct of_session *s, uint32_t xid)
{
	send_plain(s, OFPT_BARRIER_REPLY, xid, "", 0);
}

int of_request_barrier(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	of_session_wait(s, wire_u32(p + 4), barrier_done, s->agent->ops->barrier);
	return 0;
}

// --- input -----------------------------------------------------------------------------------------------------------

static void message_receive(struct of_session *s, const uint8_t *p, size_t len)
{
	struct flow_error e = {.type = 0};
	int rc;

	s->messages++;
	if (!s->open) {
		hello_receive(s, p, len);
		return;
	}
	if (p[1] == OFPT_HELLO && !hello_agrees(p, len)) {
		hello_refuse(s, p);
		return;
	}
	if (p[0] != OFP_VERSION && p[1] != OFPT_HELLO)
		rc = flow_error_int(&e, OFPBRC_BAD_VERSION, "version", p[0], "4", "another version than agreed upon");
	else
		rc = of_request_run(s, p, len, &e);
	if (rc < 0)
		of_session_error(s, p, len, &e);
}

size_t of_session_input(struct of_session *s, const uint8_t *p, size_t n, unsigned int max)
{
	size_t used = 0;

	while (max-- > 0 && n - used >= OFP_HEADER && !of_session_waits(s) && !s->broken) {
		const size_t len = wire_u16(p + used + 2);
		struct flow_error e;

		if (len < OFP_HEADER) {
			flow_error_set(&e, OFPBRC_BAD_LEN, NULL, NULL, NULL, "shorter than a header");
			of_session_error(s, p + used, OFP_HEADER, &e);
			s->closed = true;
			break;
		}
		if (n - used < len)
			break;
		message_receive(s, p + used, len);
		used += len;
	}
	flush(s);
	return used;
}

void of_session_resume(struct of_session *s)
{
	if (s->reply.active)
		of_multipart_resume(s);
}
