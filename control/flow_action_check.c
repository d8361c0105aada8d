/* SPDX-License-Identifier: BSD-3-Clause */
// Walks a list with what is known of the packet, which starts as the match and changes with each action.
#include "flow_action.h"

#include <stdio.h>

#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TYPE_MPLS 0x8847
#define TYPE_MPLS_MC 0x8848
#define TYPE_PBB 0x88e7

struct context {
	struct flow_key key, mask;
	unsigned int tags; // VLAN tags that are known to be there
};

static int inconsistent(const struct flow_action *a, const char *needs, struct flow_error *e)
{
	return flow_error_set(e, OFPBAC_MATCH_INCONSISTENT, "actions", NULL, needs,
			      "%s%s%s: the match and the actions before do not say that the packet has this header",
			      flow_action_name(a->type), a->type == FLOW_ACTION_SET_FIELD ? " " : "",
			      a->type == FLOW_ACTION_SET_FIELD ? flow_field_info[a->field].name : "");
}

static void context_set(struct context *c, enum flow_field field, uint64_t value, uint64_t mask)
{
	flow_key_set(&c->key, &c->mask, field, (struct flow_value){.lo = value}, (struct flow_value){.lo = mask});
}

static void context_tags(struct context *c, unsigned int tags)
{
	c->tags = tags;
	context_set(c, FLOW_FIELD_VLAN_VID, FLOW_VLAN_PRESENT, tags > 0 ? FLOW_VLAN_PRESENT : 0);
}

static bool context_has(const struct context *c, enum flow_field field)
{
	return flow_key_prereq_ok(&c->key, &c->mask, field);
}

static int set_field_context(struct context *c, const struct flow_action *a, struct flow_error *e)
{
	if (a->field == FLOW_FIELD_VLAN_VID && c->tags == 0)
		return inconsistent(a, flow_match_prereq_text(FLOW_PRE_VLAN), e);
	if (!context_has(c, a->field))
		return inconsistent(a, flow_match_prereq_text(flow_field_info[a->field].pre), e);
	if (a->field == FLOW_FIELD_ETH_TYPE || a->field == FLOW_FIELD_IP_PROTO || a->field == FLOW_FIELD_ICMPV6_TYPE)
		flow_key_set(&c->key, &c->mask, a->field, a->value, flow_field_ones(a->field));
	return 0;
}

// What the action needs of the packet, and what it makes of it.
static int action_context(struct context *c, const struct flow_action *a, struct flow_error *e)
{
	switch (a->type) {
	case FLOW_ACTION_SET_FIELD:
		return set_field_context(c, a, e);
	case FLOW_ACTION_PUSH_VLAN:
		context_tags(c, c->tags + 1);
		return 0;
	case FLOW_ACTION_POP_VLAN:
		if (c->tags == 0)
			return inconsistent(a, flow_match_prereq_text(FLOW_PRE_VLAN), e);
		context_tags(c, c->tags - 1);
		return 0;
	case FLOW_ACTION_POP_MPLS:
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_DEC_MPLS_TTL:
		if (!context_has(c, FLOW_FIELD_MPLS_LABEL))
			return inconsistent(a, flow_match_prereq_text(FLOW_PRE_MPLS), e);
		if (a->type == FLOW_ACTION_POP_MPLS)
			context_set(c, FLOW_FIELD_ETH_TYPE, a->arg, UINT64_MAX);
		return 0;
	case FLOW_ACTION_SET_NW_TTL:
	case FLOW_ACTION_DEC_NW_TTL:
		if (!context_has(c, FLOW_FIELD_IP_PROTO))
			return inconsistent(a, flow_match_prereq_text(FLOW_PRE_IP), e);
		return 0;
	case FLOW_ACTION_PUSH_MPLS:
		context_set(c, FLOW_FIELD_ETH_TYPE, a->arg, UINT64_MAX);
		return 0;
	case FLOW_ACTION_PUSH_PBB:
		context_set(c, FLOW_FIELD_ETH_TYPE, a->arg, UINT64_MAX);
		context_tags(c, 0);
		return 0;
	case FLOW_ACTION_POP_PBB:
		if (!context_has(c, FLOW_FIELD_PBB_ISID))
			return inconsistent(a, flow_match_prereq_text(FLOW_PRE_PBB), e);
		context_set(c, FLOW_FIELD_ETH_TYPE, 0, 0);
		return 0;
	default:
		return 0;
	}
}

bool flow_action_settable(enum flow_field field)
{
	switch (field) {
	case FLOW_FIELD_IN_PORT:
	case FLOW_FIELD_IN_PHY_PORT:
	case FLOW_FIELD_METADATA:
	case FLOW_FIELD_IPV6_EXTHDR:
		return false;
	default:
		return field < FLOW_FIELD_COUNT;
	}
}

static int set_field_check(const struct flow_action *a, struct flow_error *e)
{
	const char *const name = a->field < FLOW_FIELD_COUNT ? flow_field_info[a->field].name : "?";

	if (!flow_action_settable(a->field))
		return flow_error_set(e, OFPBAC_BAD_SET_TYPE, "actions", NULL, NULL, "%s cannot be set", name);
	if (flow_match_value(a->field, a->value, NULL) < 0)
		return flow_error_set(e, OFPBAC_BAD_SET_ARGUMENT, "actions", NULL, NULL,
				      "the value does not fit %s, which has %u bits", name,
				      flow_field_info[a->field].bits);
	if (a->field == FLOW_FIELD_VLAN_VID && (a->value.lo & FLOW_VLAN_PRESENT) == 0)
		return flow_error_set(e, OFPBAC_BAD_SET_ARGUMENT, "actions", NULL, "a VLAN ID plus 0x1000",
				      "vlan_vid is set without OFPVID_PRESENT");
	return 0;
}

static bool output_ok(uint32_t port, enum flow_actions_use use)
{
	if (port == FLOW_PORT_TABLE)
		return use == FLOW_USE_PACKET_OUT;
	return (port >= 1 && port <= FLOW_PORT_MAX) || (port >= FLOW_PORT_IN_PORT && port <= FLOW_PORT_LOCAL);
}

static int type_check(const struct flow_action *a, uint32_t one, uint32_t other, struct flow_error *e)
{
	char text[16], allowed[32];

	if (a->arg == one || a->arg == other)
		return 0;
	snprintf(text, sizeof(text), "\"0x%04x\"", a->arg);
	snprintf(allowed, sizeof(allowed), other != one ? "0x%04x or 0x%04x" : "0x%04x", one, other);
	return flow_error_set(e, OFPBAC_BAD_ARGUMENT, "actions", text, allowed, "%s of another EtherType",
			      flow_action_name(a->type));
}

static int action_check(const struct flow_action *a, enum flow_actions_use use, struct flow_error *e)
{
	switch (a->type) {
	case FLOW_ACTION_OUTPUT:
		if (!output_ok(a->arg, use))
			return flow_error_int(e, OFPBAC_BAD_OUT_PORT, "actions", a->arg,
					      "1..0xffffff00 or a reserved port; TABLE for packet-outs only",
					      "output to what is no port");
		return 0;
	case FLOW_ACTION_GROUP:
		if (a->arg > FLOW_GROUP_MAX)
			return flow_error_int(e, OFPBAC_BAD_OUT_GROUP, "actions", a->arg, "0..0xffffff00",
					      "this is no group");
		return 0;
	case FLOW_ACTION_SET_QUEUE:
		if (a->arg == FLOW_QUEUE_ALL)
			return flow_error_int(e, OFPBAC_BAD_QUEUE, "actions", a->arg, "0..0xfffffffe",
					      "this is no queue");
		return 0;
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_SET_NW_TTL:
		if (a->arg > UINT8_MAX)
			return flow_error_int(e, OFPBAC_BAD_ARGUMENT, "actions", a->arg, "0..255", "this is no TTL");
		return 0;
	case FLOW_ACTION_POP_MPLS:
		if (a->arg > UINT16_MAX)
			return flow_error_int(e, OFPBAC_BAD_ARGUMENT, "actions", a->arg, "0..0xffff",
					      "this is no EtherType");
		return 0;
	case FLOW_ACTION_PUSH_VLAN:
		return type_check(a, TYPE_VLAN, TYPE_QINQ, e);
	case FLOW_ACTION_PUSH_MPLS:
		return type_check(a, TYPE_MPLS, TYPE_MPLS_MC, e);
	case FLOW_ACTION_PUSH_PBB:
		return type_check(a, TYPE_PBB, TYPE_PBB, e);
	case FLOW_ACTION_SET_FIELD:
		return set_field_check(a, e);
	default:
		return 0;
	}
}

int flow_actions_check(const struct flow_actions *a, enum flow_actions_use use, const struct flow_match *m,
		       struct flow_error *e)
{
	struct context c = {.tags = 0};
	int rc = 0;

	if (a->n > FLOW_ACTIONS_MAX)
		return flow_error_int(e, OFPBAC_TOO_MANY, "actions", a->n, "1024 actions at most", "too many actions");
	if (m != NULL) {
		c.key = m->key;
		c.mask = m->mask;
		c.tags = flow_key_prereq_ok(&m->key, &m->mask, FLOW_FIELD_VLAN_PCP);
	}
	for (uint32_t i = 0; rc == 0 && i < a->n; i++) {
		rc = action_check(&a->v[i], use, e);
		if (rc == 0 && m != NULL)
			rc = action_context(&c, &a->v[i], e);
	}
	return rc;
}

int flow_instructions_check(const struct flow_instructions *i, const struct flow_match *m, uint8_t table,
			    struct flow_error *e)
{
	int rc = flow_actions_check(&i->apply, FLOW_USE_ENTRY, m, e);

	// The action set runs behind the last table, on a packet that other entries may have changed.
	if (rc == 0)
		rc = flow_actions_check(&i->write, FLOW_USE_ENTRY, NULL, e);
	if (rc < 0)
		return rc;
	if ((i->has & FLOW_INST_GOTO) && (i->goto_table <= table || i->goto_table > FLOW_TABLE_MAX))
		return flow_error_int(e, OFPBIC_BAD_TABLE_ID, "instructions.goto_table", i->goto_table,
				      "a table behind this one", "goto must lead forward");
	if ((i->has & FLOW_INST_METER) && (i->meter == 0 || i->meter > FLOW_METER_MAX))
		return flow_error_int(e, OFPMMFC_INVALID_METER, "instructions.meter", i->meter, "1..0xffff0000",
				      "this is no meter");
	return 0;
}
