/* SPDX-License-Identifier: BSD-3-Clause */
// Multipart requests. An answer is a walk: entry after entry is appended, a message that is full goes out with the MORE
// flag, and when the reader has too much unread the walk rests until it has read.
#include <errno.h>
#include <stdlib.h>

#include "of_agent_priv.h"
#include "ofp_stats.h"
#include "ofp_table_features.h"
#include "oxm.h"

#define MULTIPART_LEN 16 // bytes up to the body
#define FLOW_REQUEST_LEN 32

static struct wire part;

// Appends the next entry: 1, 0 at the end, or -errno.
typedef int (*entry_fn)(struct of_session *s, struct of_reply *r, struct flow_error *e);

static uint8_t tables_of(struct of_session *s)
{
	struct of_features f = {.tables = 0};

	s->agent->ops->features(s->agent->sw, &f);
	return f.tables;
}

// --- entries ---------------------------------------------------------------------------------------------------------

static int desc_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_desc d = {.manufacturer = ""};

	s->agent->ops->desc(s->agent->sw, &d);
	ofp_desc_encode(&part, &d);
	return 0;
}

static int flow_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_flow f;
	const int rc = s->agent->ops->flow_next(s->agent->sw, &r->flow, &r->cursor, &f);

	if (rc > 0)
		ofp_flow_encode(&part, &f);
	return rc;
}

static int aggregate_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_aggregate a = {.flows = 0};

	s->agent->ops->aggregate(s->agent->sw, &r->flow, &a);
	ofp_aggregate_encode(&part, &a);
	return 0;
}

static int table_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_table t;
	const int rc = s->agent->ops->table_next(s->agent->sw, &r->cursor, &t);

	if (rc > 0)
		ofp_table_encode(&part, &t);
	return rc;
}

static int table_features_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_table t;
	const int rc = s->agent->ops->table_next(s->agent->sw, &r->cursor, &t);

	if (rc > 0)
		ofp_table_features_encode(&part, &t, (uint8_t)r->arg[0]);
	return rc;
}

static int port_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_port p;
	const int rc = s->agent->ops->port_next(s->agent->sw, &r->cursor, &p);

	if (rc > 0)
		ofp_port_encode(&part, &p);
	return rc;
}

static int port_stats_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_port_stats p;
	const int rc = s->agent->ops->port_stats_next(s->agent->sw, r->arg[0], &r->cursor, &p, e);

	if (rc > 0)
		ofp_port_stats_encode(&part, &p);
	return rc;
}

static int queue_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_queue_stats q;
	const int rc = s->agent->ops->queue_stats_next(s->agent->sw, r->arg[0], r->arg[1], &r->cursor, &q, e);

	if (rc > 0)
		ofp_queue_stats_encode(&part, &q);
	return rc;
}

static int group_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_group g;
	const int rc = s->agent->ops->group_next(s->agent->sw, r->arg[0], &r->cursor, &g);

	if (rc > 0 && r->type == OFPMP_GROUP)
		ofp_group_encode(&part, &g);
	else if (rc > 0)
		ofp_group_desc_encode(&part, &g);
	return rc;
}

static int group_features_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_group_features f = {.types = 0};

	s->agent->ops->group_features(s->agent->sw, &f);
	ofp_group_features_encode(&part, &f);
	return 0;
}

static int meter_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_meter m;
	const int rc = s->agent->ops->meter_next(s->agent->sw, r->arg[0], &r->cursor, &m, e);

	if (rc > 0 && r->type == OFPMP_METER)
		ofp_meter_encode(&part, &m);
	else if (rc > 0)
		ofp_meter_config_encode(&part, &m);
	return rc;
}

static int meter_features_entry(struct of_session *s, struct of_reply *r, struct flow_error *e)
{
	struct of_meter_features f = {.max_meter = 0};

	s->agent->ops->meter_features(s->agent->sw, &f);
	ofp_meter_features_encode(&part, &f);
	return 0;
}

// --- requests --------------------------------------------------------------------------------------------------------

// Each reads the body of its request into the reply. 0 or -errno.
static int no_body(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e)
{
	return 0;
}

// A port, group or meter, for queues with the queue behind it.
static int id_body(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e)
{
	r->arg[0] = wire_u32(p);
	r->arg[1] = wire_u32(p + 4);
	return 0;
}

static int all_groups(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e)
{
	r->arg[0] = FLOW_GROUP_ALL;
	return 0;
}

static int flow_body(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e)
{
	size_t used;
	int rc;

	r->flow.table = p[0];
	r->flow.out_port = wire_u32(p + 4);
	r->flow.out_group = wire_u32(p + 8);
	r->flow.cookie = wire_u64(p + 16);
	r->flow.cookie_mask = wire_u64(p + 24);
	rc = oxm_match_decode(p + FLOW_REQUEST_LEN, len - FLOW_REQUEST_LEN, &r->flow.match, &used, e);
	if (rc < 0)
		return rc;
	if (used != len - FLOW_REQUEST_LEN)
		return flow_error_int(e, OFPBRC_BAD_LEN, "length", len, NULL, "bytes behind the match");
	if (r->flow.table != FLOW_TABLE_ALL && r->flow.table >= tables_of(s))
		return flow_error_int(e, OFPBRC_BAD_TABLE_ID, "table", r->flow.table, NULL, "there is no such table");
	return 0;
}

static int tables_body(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e)
{
	r->arg[0] = tables_of(s);
	return 0;
}

static const struct {
	entry_fn entry;
	int (*body)(struct of_session *s, const uint8_t *p, size_t len, struct of_reply *r, struct flow_error *e);
	uint16_t min, max; // bytes of the request's body
	bool counts;       // waits for the counters
} kinds[] = {
	[OFPMP_DESC] = {desc_entry, no_body, 0, 0, false},
	[OFPMP_FLOW] = {flow_entry, flow_body, FLOW_REQUEST_LEN + 8, UINT16_MAX, true},
	[OFPMP_AGGREGATE] = {aggregate_entry, flow_body, FLOW_REQUEST_LEN + 8, UINT16_MAX, true},
	[OFPMP_TABLE] = {table_entry, no_body, 0, 0, true},
	[OFPMP_PORT_STATS] = {port_stats_entry, id_body, 8, 8, false},
	[OFPMP_QUEUE] = {queue_entry, id_body, 8, 8, false},
	[OFPMP_GROUP] = {group_entry, id_body, 8, 8, true},
	[OFPMP_GROUP_DESC] = {group_entry, all_groups, 0, 0, false},
	[OFPMP_GROUP_FEATURES] = {group_features_entry, no_body, 0, 0, false},
	[OFPMP_METER] = {meter_entry, id_body, 8, 8, true},
	[OFPMP_METER_CONFIG] = {meter_entry, id_body, 8, 8, false},
	[OFPMP_METER_FEATURES] = {meter_features_entry, no_body, 0, 0, false},
	[OFPMP_TABLE_FEATURES] = {table_features_entry, tables_body, 0, UINT16_MAX, false},
	[OFPMP_PORT_DESC] = {port_entry, no_body, 0, 0, false},
};

// --- answers ---------------------------------------------------------------------------------------------------------

static void part_send(struct of_session *s, bool more)
{
	wire_set16(part.data + 10, more ? OFPMPF_MORE : 0);
	wire_end(&part);
	of_session_send(s, &part);
}

// Fills one message with entries and sends it. `part_is_first`: an error may still be the answer.
static int part_write(struct of_session *s, bool first, struct flow_error *e)
{
	struct of_reply *r = &s->reply;
	int rc;

	wire_begin(&part, OFPT_MULTIPART_REPLY, r->xid);
	wire_set16(wire_put(&part, 8), r->type);
	do {
		const struct of_cursor before = r->cursor;
		const size_t end = part.len;

		rc = kinds[r->type].entry(s, r, e);
		if (part.full) {
			part.len = end;
			// What is longer than a message is left out; flow_mod_check() sees to it that there is none.
			if (end > MULTIPART_LEN)
				r->cursor = before;
			break;
		}
	} while (rc > 0);
	// Something that went away during the walk ends it.
	r->active = rc > 0;
	if (rc < 0 && first)
		return rc;
	part_send(s, r->active);
	return 0;
}

void of_multipart_resume(struct of_session *s)
{
	while (s->reply.active && !s->broken && evbuffer_get_length(s->out) <= OF_OUT_HIGH)
		part_write(s, false, NULL);
}

// Counters are exact now. What has gone meanwhile is no error any more.
static void counted(struct of_session *s, uint32_t xid)
{
	struct flow_error e;

	part_write(s, false, &e);
	of_multipart_resume(s);
}

// Whether the switch refuses the request, which need not wait.
static int refused(struct of_session *s, struct flow_error *e)
{
	struct of_cursor c = s->reply.cursor;
	struct of_meter m;

	if (s->reply.type != OFPMP_METER)
		return 0;
	return s->agent->ops->meter_next(s->agent->sw, s->reply.arg[0], &c, &m, e) < 0 ? -ENOENT : 0;
}

static int reply_begin(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_reply *r = &s->reply;
	const uint16_t type = wire_u16(p + 8);
	int rc;

	*r = (struct of_reply){.type = type, .xid = wire_u32(p + 4)};
	rc = kinds[type].body(s, p + MULTIPART_LEN, len - MULTIPART_LEN, r, e);
	if (rc == 0 && kinds[type].counts) {
		rc = refused(s, e);
		if (rc == 0)
			of_session_wait(s, r->xid, counted, s->agent->ops->counts);
		return rc;
	}
	if (rc == 0)
		rc = part_write(s, true, e);
	if (rc == 0)
		of_multipart_resume(s);
	return rc;
}

// --- table features, the only request of several parts ---------------------------------------------------------------

static void tables_end(struct of_tables_request *t)
{
	free(t->tables);
	*t = (struct of_tables_request){.tables = NULL};
}

static int tables_add(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct of_tables_request *t = &s->tables;
	const uint8_t tables = tables_of(s);
	size_t used;

	for (size_t at = 0; at < len; at += used) {
		struct of_table_config config;
		int rc = ofp_table_features_decode(p + at, len - at, tables, &config, &used, e);

		for (unsigned int i = 0; rc == 0 && i < t->n; i++)
			if (t->tables[i].table == config.table)
				rc = flow_error_int(e, OFPTFFC_BAD_TABLE, "table_features", config.table, NULL,
						    "a table comes twice");
		if (rc < 0)
			return rc;
		// Twice is refused, so there are no more than the switch has.
		if (t->tables == NULL)
			t->tables = calloc(tables, sizeof(*t->tables));
		if (t->tables == NULL)
			return flow_error_set(e, OFPBRC_MULTIPART_BUFFER_OVERFLOW, NULL, NULL, NULL, "no memory");
		t->tables[t->n++] = config;
	}
	return 0;
}

static int tables_request(struct of_session *s, const uint8_t *p, size_t len, bool more, struct flow_error *e)
{
	struct of_tables_request *t = &s->tables;
	const uint32_t xid = wire_u32(p + 4);
	int rc;

	if (t->active && t->xid != xid)
		return flow_error_set(e, OFPBRC_MULTIPART_BUFFER_OVERFLOW, NULL, NULL, NULL,
				      "another request of several parts is under way");
	t->active = true;
	t->xid = xid;
	// Of a request of which a part was refused, the rest is not looked at.
	rc = t->failed ? 0 : tables_add(s, p + MULTIPART_LEN, len - MULTIPART_LEN, e);
	if (rc == 0 && !more && !t->failed) {
		if (t->n > 0)
			rc = s->agent->ops->table_features(s->agent->sw, t->tables, t->n, e);
		s->dirty |= t->n > 0 && rc == 0;
		tables_end(t);
		return rc < 0 ? rc : reply_begin(s, p, len, e);
	}
	t->failed |= rc < 0;
	if (!more)
		tables_end(t);
	return rc;
}

int of_multipart_request(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint16_t type = wire_u16(p + 8);
	const bool more = (wire_u16(p + 10) & OFPMPF_MORE) != 0;
	const size_t body = len - MULTIPART_LEN;

	if (type == OFP_EXPERIMENTER)
		return flow_error_int(e, body < 8 ? OFPBRC_BAD_LEN : OFPBRC_BAD_EXPERIMENTER, "experimenter",
				      body < 8 ? 0 : wire_u32(p + MULTIPART_LEN), NULL, "unknown experimenter");
	if (type >= sizeof(kinds) / sizeof(kinds[0]))
		return flow_error_int(e, OFPBRC_BAD_MULTIPART, "type", type, "0..13", "unknown type of multipart");
	if (more && type != OFPMP_TABLE_FEATURES)
		return flow_error_int(e, OFPBRC_BAD_MULTIPART, "flags", OFPMPF_MORE, "0",
				      "a request of this type has one part");
	if (body < kinds[type].min || body > kinds[type].max)
		return flow_error_int(e, OFPBRC_BAD_LEN, "length", len, NULL, "the request is of another length");
	if (type != OFPMP_TABLE_FEATURES)
		return reply_begin(s, p, len, e);
	if (body > 0 && s->role == OFPCR_ROLE_SLAVE)
		return flow_error_set(e, OFPBRC_IS_SLAVE, NULL, NULL, NULL, "a slave changes nothing");
	return tables_request(s, p, len, more, e);
}
