/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_bundle.h"

#include <errno.h>
#include <stdlib.h>

#include "of_agent_priv.h"
#include "ofp_mod.h"

#define CONTROL_LEN 24 // bytes up to the properties
#define ADD_LEN 24     // bytes up to the message

struct message {
	STAILQ_ENTRY(message) link;
	size_t len;
	uint8_t data[];
};

struct of_bundle {
	STAILQ_ENTRY(of_bundle) link;
	uint32_t id;
	uint16_t flags;
	bool closed;
	STAILQ_HEAD(, message) messages;
};

// A commit under way: the message that the switch works at.
struct commit {
	const struct message *at, *next;
	struct of_change change;
	union {
		struct flow_mod flow;
		struct group_mod group;
		struct meter_mod meter;
	} mod;
};

static struct wire answer;

void of_bundles_init(struct of_bundles *b)
{
	STAILQ_INIT(&b->list);
}

static struct of_bundle *find(const struct of_bundles *all, uint32_t id)
{
	struct of_bundle *b;

	STAILQ_FOREACH (b, &all->list, link)
		if (b->id == id)
			return b;
	return NULL;
}

static void end(struct of_bundles *all, struct of_bundle *b)
{
	struct message *m;

	STAILQ_REMOVE(&all->list, b, of_bundle, link);
	all->n--;
	while ((m = STAILQ_FIRST(&b->messages)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->messages, link);
		all->bytes -= m->len;
		free(m);
	}
	free(b);
}

void of_bundles_clear(struct of_bundles *b)
{
	while (!STAILQ_EMPTY(&b->list))
		end(b, STAILQ_FIRST(&b->list));
}

static int begin(struct of_bundles *all, uint32_t id, uint16_t flags, struct of_bundle **out, struct flow_error *e)
{
	struct of_bundle *b;

	if (all->n == OF_BUNDLES_MAX)
		return flow_error_int(e, OFPBFC_OUT_OF_BUNDLES, "bundle_id", id, "16 bundles at most",
				      "the connection has as many bundles as it may");
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return flow_error_set(e, OFPBFC_OUT_OF_BUNDLES, NULL, NULL, NULL, "no memory for another bundle");
	b->id = id;
	b->flags = flags;
	STAILQ_INIT(&b->messages);
	STAILQ_INSERT_TAIL(&all->list, b, link);
	all->n++;
	*out = b;
	return 0;
}

static int flags_known(uint16_t flags, struct flow_error *e)
{
	if (flags & ~(uint16_t)(OFPBF_ATOMIC | OFPBF_ORDERED))
		return flow_error_int(e, OFPBFC_BAD_FLAGS, "flags", flags, "0..3", "unknown flags");
	return 0;
}

// The bundle that a message after the first one is about; what does not fit it ends it.
static int consistent(struct of_bundles *all, struct of_bundle *b, uint16_t flags, bool closed_too,
		      struct flow_error *e)
{
	if (b->closed && !closed_too) {
		end(all, b);
		return flow_error_set(e, OFPBFC_BUNDLE_CLOSED, NULL, NULL, NULL, "the bundle is closed");
	}
	if (b->flags != flags) {
		end(all, b);
		return flow_error_int(e, OFPBFC_BAD_FLAGS, "flags", flags, NULL, "the bundle began with other flags");
	}
	return 0;
}

// --- messages --------------------------------------------------------------------------------------------------------

// Reads a message as the change that it is. A bundle has no packets that wait.
static int decode(struct commit *c, const uint8_t *p, size_t len, struct flow_error *e)
{
	int rc;

	c->change = (struct of_change){.flow = NULL};
	switch (p[1]) {
	case OFPT_FLOW_MOD:
		rc = ofp_flow_mod_decode(p, len, &c->mod.flow, e);
		c->change.flow = rc == 0 ? &c->mod.flow : NULL;
		break;
	case OFPT_GROUP_MOD:
		rc = ofp_group_mod_decode(p, len, &c->mod.group, e);
		c->change.group = rc == 0 ? &c->mod.group : NULL;
		break;
	case OFPT_METER_MOD:
		rc = ofp_meter_mod_decode(p, len, &c->mod.meter, e);
		c->change.meter = rc == 0 ? &c->mod.meter : NULL;
		break;
	default:
		rc = flow_error_int(e, OFPBFC_MSG_UNSUP, "type", p[1], "a flow, group or meter-mod",
				    "no bundle has messages of this type");
		break;
	}
	return rc;
}

static void clear(struct commit *c)
{
	if (c->change.flow != NULL)
		flow_mod_clear(&c->mod.flow);
	if (c->change.group != NULL)
		group_mod_clear(&c->mod.group);
	c->change = (struct of_change){.flow = NULL};
}

static int check(const uint8_t *p, const uint8_t *m, size_t len, struct flow_error *e)
{
	struct commit c;
	int rc;

	if (wire_u32(m + 4) != wire_u32(p + 4))
		return flow_error_int(e, OFPBFC_MSG_BAD_XID, "xid", wire_u32(m + 4), NULL,
				      "the message has another transaction id than what carries it");
	if (m[0] != OFP_VERSION)
		return flow_error_int(e, OFPBRC_BAD_VERSION, "version", m[0], "4", "another version than agreed upon");
	rc = decode(&c, m, len, e);
	if (rc == 0 && c.change.flow != NULL && c.mod.flow.buffer_id != FLOW_NO_BUFFER)
		rc = flow_error_int(e, OFPBFC_MSG_UNSUP, "buffer_id", c.mod.flow.buffer_id, "0xffffffff",
				    "entries of a bundle take no packet that waits");
	clear(&c);
	return rc;
}

static int keep(struct of_bundles *all, struct of_bundle *b, const uint8_t *p, size_t len, struct flow_error *e)
{
	struct message *m = all->bytes + len <= OF_BUNDLE_BYTES_MAX ? malloc(sizeof(*m) + len) : NULL;

	if (m == NULL)
		return flow_error_set(e, OFPBFC_MSG_TOO_MANY, NULL, NULL, NULL,
				      "the connection's bundles have as many messages as they may");
	m->len = len;
	memcpy(m->data, p, len);
	STAILQ_INSERT_TAIL(&b->messages, m, link);
	all->bytes += len;
	return 0;
}

static int add(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint16_t flags = wire_u16(p + 22);
	struct of_bundle *b;
	size_t inner;
	int rc;

	inner = len >= ADD_LEN + OFP_HEADER ? wire_u16(p + ADD_LEN + 2) : 0;
	// Behind the message there may be properties, which change nothing.
	if (inner < OFP_HEADER || inner > len - ADD_LEN)
		return flow_error_int(e, OFPBFC_MSG_BAD_LEN, "length", inner, NULL, "the message has no such length");
	rc = flags_known(flags, e);
	if (rc == 0)
		rc = check(p, p + ADD_LEN, inner, e);
	if (rc < 0)
		return rc;
	b = find(&s->bundles, wire_u32(p + 16));
	rc = b != NULL ? consistent(&s->bundles, b, flags, false, e)
		       : begin(&s->bundles, wire_u32(p + 16), flags, &b, e);
	return rc == 0 ? keep(&s->bundles, b, p + ADD_LEN, inner, e) : rc;
}

// --- control ---------------------------------------------------------------------------------------------------------

static const struct of_change *commit_next(void *arg)
{
	struct commit *c = arg;
	struct flow_error e;

	clear(c);
	c->at = c->next;
	if (c->at == NULL)
		return NULL;
	c->next = STAILQ_NEXT(c->at, link);
	// It was read before; only memory can lack, and then the change is none.
	(void)decode(c, c->at->data, c->at->len, &e);
	return &c->change;
}

static int commit(struct of_session *s, struct of_bundle *b, struct flow_error *e)
{
	struct commit c = {.next = STAILQ_FIRST(&b->messages)};
	int rc = s->agent->ops->bundle(s->agent->sw, commit_next, &c, e);

	// The message that failed is told of first.
	if (rc < 0 && c.at != NULL) {
		of_session_error(s, c.at->data, c.at->len, e);
		rc = flow_error_set(e, OFPBFC_MSG_FAILED, NULL, NULL, NULL, "a message of the bundle failed");
	}
	clear(&c);
	end(&s->bundles, b);
	return rc;
}

static int control_run(struct of_session *s, uint16_t type, uint32_t id, uint16_t flags, struct flow_error *e)
{
	struct of_bundle *b = find(&s->bundles, id);
	int rc;

	if (type == OFPBCT_OPEN_REQUEST) {
		if (b == NULL)
			return begin(&s->bundles, id, flags, &b, e);
		end(&s->bundles, b);
		return flow_error_int(e, OFPBFC_BAD_ID, "bundle_id", id, NULL, "there is a bundle of this id");
	}
	if (b == NULL)
		return flow_error_int(e, OFPBFC_BAD_ID, "bundle_id", id, NULL, "there is no such bundle");
	if (type == OFPBCT_DISCARD_REQUEST) {
		end(&s->bundles, b);
		return 0;
	}
	rc = consistent(&s->bundles, b, flags, type == OFPBCT_COMMIT_REQUEST, e);
	if (rc < 0)
		return rc;
	if (type == OFPBCT_COMMIT_REQUEST)
		return commit(s, b, e);
	b->closed = true;
	return 0;
}

static int control(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint16_t type = wire_u16(p + 20), flags = wire_u16(p + 22);
	uint8_t *at;
	int rc;

	if (type > OFPBCT_DISCARD_REQUEST || type % 2 != 0)
		return flow_error_int(e, OFPBFC_BAD_TYPE, "type", type, "0, 2, 4, 6", "this is no request of bundles");
	rc = flags_known(flags, e);
	if (rc == 0)
		rc = control_run(s, type, wire_u32(p + 16), flags, e);
	if (rc < 0)
		return rc;
	wire_begin(&answer, OFPT_EXPERIMENTER, wire_u32(p + 4));
	at = wire_put(&answer, CONTROL_LEN - OFP_HEADER);
	memcpy(at, p + OFP_HEADER, CONTROL_LEN - OFP_HEADER);
	wire_set16(at + 12, type + 1);
	wire_end(&answer);
	of_session_send(s, &answer);
	return 0;
}

int of_bundle_run(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e)
{
	const uint32_t type = wire_u32(p + 12);

	if (wire_u32(p + 8) != ONF_EXPERIMENTER)
		return flow_error_int(e, OFPBRC_BAD_EXPERIMENTER, "experimenter", wire_u32(p + 8), NULL,
				      "unknown experimenter");
	if (type != ONF_BUNDLE_CONTROL && type != ONF_BUNDLE_ADD)
		return flow_error_int(e, OFPBRC_BAD_EXP_TYPE, "exp_type", type, "2300, 2301",
				      "unknown message of this experimenter");
	if (len < CONTROL_LEN)
		return flow_error_int(e, OFPBRC_BAD_LEN, "length", len, NULL, "shorter than a message of bundles");
	if (s->role == OFPCR_ROLE_SLAVE)
		return flow_error_set(e, OFPBRC_IS_SLAVE, NULL, NULL, NULL, "a slave changes nothing");
	return type == ONF_BUNDLE_CONTROL ? control(s, p, len, e) : add(s, p, len, e);
}
