/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_agent_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "ofp_stats.h"

int of_agent_create(struct of_agent **out, const struct of_switch_ops *ops, void *sw)
{
	struct of_agent *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->ops = ops;
	a->sw = sw;
	a->rate = OF_PACKET_IN_RATE;
	TAILQ_INIT(&a->sessions);
	*out = a;
	return 0;
}

void of_agent_destroy(struct of_agent *a)
{
	if (a == NULL)
		return;
	for (unsigned int i = 0; i < OF_BUFFERS; i++)
		free(a->buffers[i].data);
	free(a);
}

void of_agent_limit(struct of_agent *a, uint32_t rate)
{
	a->rate = rate;
}

void of_agent_opened(struct of_agent *a, bool controls)
{
	a->open++;
	if (controls && a->controllers++ == 0)
		a->ops->connected(a->sw, true);
}

void of_agent_closed(struct of_agent *a, bool controls)
{
	a->open--;
	if (controls && --a->controllers == 0)
		a->ops->connected(a->sw, false);
}

void of_agent_stats(const struct of_agent *a, struct of_agent_stats *out)
{
	const struct of_session *s;

	*out = a->stats;
	out->sessions = a->open;
	TAILQ_FOREACH (s, &a->sessions, all)
		out->masters += s->open && s->role == OFPCR_ROLE_MASTER;
}

// --- buffers ---------------------------------------------------------------------------------------------------------

// Keeps a packet until its controller says what to do with it, or 256 others came. FLOW_NO_BUFFER: no memory.
static uint32_t buffer_put(struct of_agent *a, const struct of_packet_in *p)
{
	struct of_buffer *b = &a->buffers[a->buffer_next % OF_BUFFERS];
	uint8_t *data = malloc(p->size);

	if (data == NULL)
		return FLOW_NO_BUFFER;
	memcpy(data, p->data, p->size);
	free(b->data);
	// Ids are used again after 2^31 packets; 0 and FLOW_NO_BUFFER never are.
	*b = (struct of_buffer){.id = (a->buffer_next & 0x7fffffff) + 1, .size = p->size, .data = data};
	b->in_port = (uint32_t)flow_key_get(&p->match.key, FLOW_FIELD_IN_PORT).lo;
	a->buffer_next++;
	return b->id;
}

int of_agent_buffer_take(struct of_agent *a, uint32_t id, struct of_buffer *out, struct flow_error *e)
{
	struct of_buffer *b = &a->buffers[(id - 1) % OF_BUFFERS];

	if (id == 0 || b->id != id)
		return flow_error_int(e, OFPBRC_BUFFER_UNKNOWN, "buffer_id", id, NULL, "there is no such buffer");
	if (b->data == NULL)
		return flow_error_int(e, OFPBRC_BUFFER_EMPTY, "buffer_id", id, NULL, "the buffer was used already");
	*out = *b;
	b->data = NULL;
	return 0;
}

// --- events ----------------------------------------------------------------------------------------------------------

static struct wire event_message;

static bool wants(const struct of_session *s, enum of_async_kind kind, uint8_t reason)
{
	return s->open && !s->closed && (s->async[s->role == OFPCR_ROLE_SLAVE][kind] >> reason & 1) != 0;
}

static bool anybody_wants(const struct of_agent *a, enum of_async_kind kind, uint8_t reason)
{
	const struct of_session *s;

	TAILQ_FOREACH (s, &a->sessions, all)
		if (wants(s, kind, reason))
			return true;
	return false;
}

static void event_send(struct of_session *s)
{
	of_session_send(s, &event_message);
	s->wake(s->arg);
}

static void event_send_all(struct of_agent *a, enum of_async_kind kind, uint8_t reason)
{
	struct of_session *s, *next;

	wire_end(&event_message);
	for (s = TAILQ_FIRST(&a->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, all);
		if (wants(s, kind, reason))
			event_send(s);
	}
}

static bool limit_passes(struct of_agent *a, uint8_t reason)
{
	struct of_limit *l = &a->limits[reason % OF_REASONS];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (l->second != (uint64_t)now.tv_sec)
		*l = (struct of_limit){.second = (uint64_t)now.tv_sec};
	return l->used++ < a->rate;
}

// Writes the message for one session; *buffer_id: where the packet waits, once some session gets a part of it only.
static void packet_in_write(struct of_agent *a, const struct of_session *s, const struct of_packet_in *p,
			    uint32_t *buffer_id)
{
	// No action says how much of a packet with a bad TTL is wanted: the controller's configuration does.
	const uint16_t max_len = p->reason == OFPR_INVALID_TTL ? s->miss_send_len : p->max_len;
	const bool whole = max_len >= p->size;

	if (!whole && *buffer_id == FLOW_NO_BUFFER)
		*buffer_id = buffer_put(a, p);
	wire_begin(&event_message, OFPT_PACKET_IN, 0);
	ofp_packet_in_encode(&event_message, p, whole ? FLOW_NO_BUFFER : *buffer_id, max_len);
	wire_end(&event_message);
}

void of_agent_packet_in(struct of_agent *a, const struct of_packet_in *p)
{
	struct of_session *s, *next;
	uint32_t buffer_id = FLOW_NO_BUFFER;
	bool sent = false;

	if (!anybody_wants(a, OF_ASYNC_PACKET_IN, p->reason))
		return;
	if (!limit_passes(a, p->reason)) {
		a->stats.packet_ins_limited++;
		return;
	}
	for (s = TAILQ_FIRST(&a->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, all);
		if (!wants(s, OF_ASYNC_PACKET_IN, p->reason))
			continue;
		if (evbuffer_get_length(s->out) > OF_OUT_HIGH) {
			a->stats.packet_ins_unread++;
			continue;
		}
		packet_in_write(a, s, p, &buffer_id);
		if (event_message.full)
			continue;
		event_send(s);
		sent = true;
	}
	a->stats.packet_ins += sent;
}

void of_agent_flow_removed(struct of_agent *a, const struct of_flow_removed *r)
{
	if (!anybody_wants(a, OF_ASYNC_FLOW_REMOVED, r->reason))
		return;
	wire_begin(&event_message, OFPT_FLOW_REMOVED, 0);
	ofp_flow_removed_encode(&event_message, r);
	event_send_all(a, OF_ASYNC_FLOW_REMOVED, r->reason);
}

void of_agent_port_status(struct of_agent *a, const struct of_port *port, uint8_t reason)
{
	if (!anybody_wants(a, OF_ASYNC_PORT_STATUS, reason))
		return;
	wire_begin(&event_message, OFPT_PORT_STATUS, 0);
	ofp_port_status_encode(&event_message, port, reason);
	event_send_all(a, OF_ASYNC_PORT_STATUS, reason);
}
