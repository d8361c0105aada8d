/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_request.h"

#include <stdlib.h>

#include "of_agent_priv.h"
#include "ofp_mod.h"
#include "ofp_stats.h"

#define EXPERIMENTER_LEN 16

static struct wire answer;

static uint32_t xid_of(const uint8_t *p)
{
	return wire_u32(p + 4);
}

static void answer_send(struct of_session *s)
{
	wire_end(&answer);
	of_session_send(s, &answer);
}

// Changes that came before must be seen by what comes now.
static void flush(struct of_session *s)
{
	if (s->dirty)
		s->agent->ops->flush(s->agent->sw);
	s->dirty = false;
}

static int ignore(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	return 0;
}

static int echo_request(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	wire_begin(&answer, OFPT_ECHO_REPLY, xid_of(p));
	wire_bytes(&answer, p + OFP_HEADER, len - OFP_HEADER);
	answer_send(s);
	return 0;
}

static int experimenter(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	return of_bundle_run(s, p, len, e);
}

static int features_request(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_features f = {.tables = 0};
	uint8_t *at;

	s->agent->ops->features(s->agent->sw, &f);
	wire_begin(&answer, OFPT_FEATURES_REPLY, xid_of(p));
	at = wire_put(&answer, 24);
	wire_set64(at, f.datapath_id);
	wire_set32(at + 8, OF_BUFFERS);
	at[12] = f.tables;
	wire_set32(at + 16, f.capabilities);
	answer_send(s);
	return 0;
}

static int get_config(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	uint8_t *at;

	wire_begin(&answer, OFPT_GET_CONFIG_REPLY, xid_of(p));
	at = wire_put(&answer, 4);
	wire_set16(at, s->agent->ops->config(s->agent->sw));
	wire_set16(at + 2, s->miss_send_len);
	answer_send(s);
	return 0;
}

static int set_config(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint16_t flags = wire_u16(p + 8);
	int rc = 0;

	if (flags > OFPC_FRAG_REASM)
		return flow_error_int(e, OFPSCFC_BAD_FLAGS, "flags", flags, "0..2", "unknown flags");
	// A slave may say what it wants for itself, not for the switch.
	if (flags != s->agent->ops->config(s->agent->sw) && s->role == OFPCR_ROLE_SLAVE)
		return flow_error_set(e, OFPSCFC_EPERM, NULL, NULL, NULL, "a slave cannot change the switch");
	if (flags != s->agent->ops->config(s->agent->sw))
		rc = s->agent->ops->set_config(s->agent->sw, flags, e);
	if (rc == 0)
		s->miss_send_len = wire_u16(p + 10);
	return rc;
}

// The packet that waited in a buffer goes through the tables, as if it had come now.
static int buffer_send(struct of_session *s, const struct of_buffer *b, struct flow_error *e)
{
	struct flow_action table = {.type = FLOW_ACTION_OUTPUT, .arg = FLOW_PORT_TABLE};
	const struct of_packet_out out = {
		.in_port = b->in_port, .actions = {.v = &table, .n = 1}, .data = b->data, .size = b->size};

	flush(s);
	return s->agent->ops->packet_out(s->agent->sw, &out, e);
}

static int packet_out(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_buffer b = {.data = NULL};
	struct of_packet_out out;
	uint32_t buffer_id;
	int rc = ofp_packet_out_decode(p, len, &out, &buffer_id, e);

	if (rc < 0 || (buffer_id == FLOW_NO_BUFFER && out.size == 0))
		return rc;
	if (buffer_id != FLOW_NO_BUFFER) {
		rc = of_agent_buffer_take(s->agent, buffer_id, &b, e);
		out.data = b.data;
		out.size = b.size;
	}
	flush(s);
	if (rc == 0)
		rc = s->agent->ops->packet_out(s->agent->sw, &out, e);
	free(b.data);
	flow_actions_clear(&out.actions);
	return rc;
}

static int flow_mod(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_buffer b = {.data = NULL};
	struct flow_mod m;
	int rc = ofp_flow_mod_decode(p, len, &m, e);

	if (rc < 0)
		return rc;
	// Before anything changes: the buffer may not be there.
	if (m.buffer_id != FLOW_NO_BUFFER && m.command <= FLOW_MODIFY_STRICT)
		rc = of_agent_buffer_take(s->agent, m.buffer_id, &b, e);
	if (rc == 0)
		rc = s->agent->ops->flow_mod(s->agent->sw, &m, e);
	s->dirty |= rc == 0;
	if (rc == 0 && b.data != NULL)
		rc = buffer_send(s, &b, e);
	free(b.data);
	flow_mod_clear(&m);
	return rc;
}

static int group_mod(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct group_mod m;
	int rc = ofp_group_mod_decode(p, len, &m, e);

	if (rc < 0)
		return rc;
	rc = s->agent->ops->group_mod(s->agent->sw, &m, e);
	s->dirty |= rc == 0;
	group_mod_clear(&m);
	return rc;
}

static int meter_mod(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct meter_mod m;
	int rc = ofp_meter_mod_decode(p, len, &m, e);

	if (rc == 0)
		rc = s->agent->ops->meter_mod(s->agent->sw, &m, e);
	s->dirty |= rc == 0;
	return rc;
}

static int port_mod(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_port_mod m;
	int rc = ofp_port_mod_decode(p, len, &m, e);

	if (rc == 0)
		rc = s->agent->ops->port_mod(s->agent->sw, &m, e);
	s->dirty |= rc == 0;
	return rc;
}

static int table_mod(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint32_t config = wire_u32(p + 12);
	struct of_features f = {.tables = 0};
	int rc;

	s->agent->ops->features(s->agent->sw, &f);
	if (p[8] >= f.tables && p[8] != FLOW_TABLE_ALL)
		return flow_error_int(e, OFPTMFC_BAD_TABLE, "table", p[8], NULL, "there is no such table");
	if (config & ~(uint32_t)OFPTC_DEPRECATED_MASK)
		return flow_error_int(e, OFPTMFC_BAD_CONFIG, "config", config, "0..3", "unknown configuration");
	rc = s->agent->ops->table_mod(s->agent->sw, p[8], config, e);
	s->dirty |= rc == 0;
	return rc;
}

static int queue_get_config(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint32_t port = wire_u32(p + 8);
	struct of_cursor c = {.at = {0}};
	struct of_queue q;
	int rc;

	wire_begin(&answer, OFPT_QUEUE_GET_CONFIG_REPLY, xid_of(p));
	wire_set32(wire_put(&answer, 8), port);
	while ((rc = s->agent->ops->queue_next(s->agent->sw, port, &c, &q, e)) > 0) {
		const size_t end = answer.len;

		ofp_queue_encode(&answer, &q);
		// The only reply that cannot be sent in parts.
		if (answer.full) {
			answer.len = end;
			break;
		}
	}
	if (rc < 0)
		return rc;
	answer_send(s);
	return 0;
}

static int role_request(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_agent *a = s->agent;
	const uint32_t role = wire_u32(p + 8);
	const uint64_t generation = wire_u64(p + 16);
	struct of_session *other;
	uint8_t *at;

	if (role > OFPCR_ROLE_SLAVE)
		return flow_error_int(e, OFPRRFC_BAD_ROLE, "role", role, "0..3", "unknown role");
	if (role == OFPCR_ROLE_MASTER || role == OFPCR_ROLE_SLAVE) {
		// The distance on a circle says which is newer.
		if (a->generation_known && (int64_t)(generation - a->generation) < 0)
			return flow_error_int(e, OFPRRFC_STALE, "generation_id", generation, NULL,
					      "another controller has a newer generation id");
		a->generation = generation;
		a->generation_known = true;
	}
	if (role == OFPCR_ROLE_MASTER)
		TAILQ_FOREACH (other, &a->sessions, all)
			if (other->role == OFPCR_ROLE_MASTER)
				other->role = OFPCR_ROLE_SLAVE;
	if (role != OFPCR_ROLE_NOCHANGE)
		s->role = (uint8_t)role;
	wire_begin(&answer, OFPT_ROLE_REPLY, xid_of(p));
	at = wire_put(&answer, 16);
	wire_set32(at, s->role);
	wire_set64(at + 8, a->generation_known ? a->generation : UINT64_MAX);
	answer_send(s);
	return 0;
}

static int get_async(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	uint8_t *at;

	wire_begin(&answer, OFPT_GET_ASYNC_REPLY, xid_of(p));
	at = wire_put(&answer, 24);
	for (unsigned int i = 0; i < OF_ASYNC_KINDS; i++) {
		wire_set32(at + 8 * i, s->async[0][i]);
		wire_set32(at + 8 * i + 4, s->async[1][i]);
	}
	answer_send(s);
	return 0;
}

static int set_async(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	for (unsigned int i = 0; i < OF_ASYNC_KINDS; i++) {
		s->async[0][i] = wire_u32(p + OFP_HEADER + 8 * i);
		s->async[1][i] = wire_u32(p + OFP_HEADER + 8 * i + 4);
	}
	return 0;
}

static const struct {
	int (*run)(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e);
	uint16_t min, max;       // bytes
	enum flow_errno bad_len; // 0: OFPBRC_BAD_LEN
	bool changes;            // not for slaves
} requests[] = {
	[OFPT_HELLO] = {ignore, 8, UINT16_MAX, 0, false},
	[OFPT_ERROR] = {ignore, 8, UINT16_MAX, 0, false},
	[OFPT_ECHO_REQUEST] = {echo_request, 8, UINT16_MAX, 0, false},
	[OFPT_ECHO_REPLY] = {ignore, 8, UINT16_MAX, 0, false},
	[OFPT_EXPERIMENTER] = {experimenter, EXPERIMENTER_LEN, UINT16_MAX, 0, false},
	[OFPT_FEATURES_REQUEST] = {features_request, 8, 8, 0, false},
	[OFPT_GET_CONFIG_REQUEST] = {get_config, 8, 8, 0, false},
	[OFPT_SET_CONFIG] = {set_config, 12, 12, OFPSCFC_BAD_LEN, false},
	[OFPT_PACKET_OUT] = {packet_out, 8, UINT16_MAX, 0, true},
	[OFPT_FLOW_MOD] = {flow_mod, 8, UINT16_MAX, 0, true},
	[OFPT_GROUP_MOD] = {group_mod, 8, UINT16_MAX, 0, true},
	[OFPT_PORT_MOD] = {port_mod, 8, UINT16_MAX, 0, true},
	[OFPT_TABLE_MOD] = {table_mod, 16, 16, 0, true},
	[OFPT_MULTIPART_REQUEST] = {of_multipart_request, 16, UINT16_MAX, 0, false},
	[OFPT_BARRIER_REQUEST] = {of_request_barrier, 8, 8, 0, false},
	[OFPT_QUEUE_GET_CONFIG_REQUEST] = {queue_get_config, 16, 16, 0, false},
	[OFPT_ROLE_REQUEST] = {role_request, 24, 24, 0, false},
	[OFPT_GET_ASYNC_REQUEST] = {get_async, 8, 8, 0, false},
	[OFPT_SET_ASYNC] = {set_async, 32, 32, 0, false},
	[OFPT_METER_MOD] = {meter_mod, 8, UINT16_MAX, 0, true},
};

int of_request_run(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint8_t type = p[1];

	if (type >= sizeof(requests) / sizeof(requests[0]) || requests[type].run == NULL)
		return flow_error_int(e, OFPBRC_BAD_TYPE, "type", type, NULL, "this is no request to a switch");
	if (len < requests[type].min || len > requests[type].max)
		return flow_error_int(e, requests[type].bad_len != 0 ? requests[type].bad_len : OFPBRC_BAD_LEN,
				      "length", len, NULL, "the message is of a length that cannot be");
	if (requests[type].changes && s->role == OFPCR_ROLE_SLAVE)
		return flow_error_set(e, OFPBRC_IS_SLAVE, NULL, NULL, NULL, "a slave changes nothing");
	return requests[type].run(s, p, len, e);
}
