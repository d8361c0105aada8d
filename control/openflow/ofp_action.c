/* SPDX-License-Identifier: BSD-3-Clause */
#include "ofp_action.h"

#include "oxm.h"

#define ACTION_MIN 8 // bytes; all lengths are multiples of it
#define OUTPUT_LEN 16
#define SET_FIELD_AT 8 // of the value

static int bad_len(struct flow_error *e, uint64_t len)
{
	return flow_error_int(e, OFPBAC_BAD_LEN, "actions", len, NULL, "an action of a length that cannot be");
}

// The value and its length; `len` is the action's, padded.
static int set_field_decode(const uint8_t *p, size_t len, struct flow_action *a, struct flow_error *e)
{
	const uint32_t header = wire_u32(p + 4);
	const int field = oxm_field(header);

	if (field < 0)
		return flow_error_int(e, OFPBAC_BAD_SET_TYPE, "actions", header, NULL, "set_field of an unknown field");
	if (header & 0x100)
		return flow_error_int(e, OFPBAC_BAD_SET_ARGUMENT, "actions", header, "no mask",
				      "set_field with a mask");
	if ((header & 0xff) != flow_field_info[field].bytes ||
	    len != wire_pad8(SET_FIELD_AT + flow_field_info[field].bytes))
		return flow_error_int(e, OFPBAC_BAD_SET_LEN, "actions", header & 0xff, NULL,
				      "set_field of another length");
	a->field = (uint8_t)field;
	a->value = oxm_value_get((enum flow_field)field, p + SET_FIELD_AT);
	return 0;
}

// What stands behind type and length.
static int argument_decode(const uint8_t *p, size_t len, struct flow_action *a, struct flow_error *e)
{
	const size_t want = a->type == FLOW_ACTION_OUTPUT ? OUTPUT_LEN : ACTION_MIN;

	if (a->type == FLOW_ACTION_SET_FIELD)
		return set_field_decode(p, len, a, e);
	if (len != want)
		return bad_len(e, len);
	switch (a->type) {
	case FLOW_ACTION_OUTPUT:
		a->max_len = wire_u16(p + 8);
		a->arg = wire_u32(p + 4);
		break;
	case FLOW_ACTION_GROUP:
	case FLOW_ACTION_SET_QUEUE:
		a->arg = wire_u32(p + 4);
		break;
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_SET_NW_TTL:
		a->arg = p[4];
		break;
	case FLOW_ACTION_PUSH_VLAN:
	case FLOW_ACTION_PUSH_MPLS:
	case FLOW_ACTION_POP_MPLS:
	case FLOW_ACTION_PUSH_PBB:
		a->arg = wire_u16(p + 4);
		break;
	}
	return 0;
}

static int action_decode(const uint8_t *p, size_t left, struct flow_actions *list, size_t *len, struct flow_error *e)
{
	const unsigned int type = left >= 4 ? wire_u16(p) : 0;
	struct flow_action a = {.type = (uint8_t)type}, *slot;
	int rc;

	*len = left >= 4 ? wire_u16(p + 2) : 0;
	if (*len < ACTION_MIN || *len % 8 != 0 || *len > left)
		return bad_len(e, *len);
	if (type == OFP_EXPERIMENTER)
		return flow_error_int(e, OFPBAC_BAD_EXPERIMENTER, "actions", wire_u32(p + 4), NULL,
				      "an action of an unknown experimenter");
	if (type >= FLOW_ACTION_TYPES || flow_action_name((uint8_t)type) == NULL)
		return flow_error_int(e, OFPBAC_BAD_TYPE, "actions", type, NULL, "unknown type of action");
	rc = argument_decode(p, *len, &a, e);
	if (rc < 0)
		return rc;
	slot = flow_actions_add(list);
	if (slot == NULL)
		return flow_error_set(e, OFPBAC_TOO_MANY, "actions", NULL, NULL, "no memory for the actions");
	*slot = a;
	return 0;
}

int ofp_actions_decode(const uint8_t *p, size_t len, struct flow_actions *a, struct flow_error *e)
{
	size_t used = 0;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += used)
		rc = action_decode(p + at, len - at, a, &used, e);
	if (rc < 0)
		flow_actions_clear(a);
	return rc;
}

static void action_encode(struct wire *w, const struct flow_action *a)
{
	const size_t bytes = a->type == FLOW_ACTION_SET_FIELD ? flow_field_info[a->field].bytes : 0;
	const size_t len = a->type == FLOW_ACTION_OUTPUT ? OUTPUT_LEN
			   : bytes > 0                   ? wire_pad8(SET_FIELD_AT + bytes)
							 : ACTION_MIN;
	uint8_t *p = wire_put(w, len);

	wire_set16(p, a->type);
	wire_set16(p + 2, (uint16_t)len);
	switch (a->type) {
	case FLOW_ACTION_OUTPUT:
		wire_set32(p + 4, a->arg);
		wire_set16(p + 8, a->max_len);
		break;
	case FLOW_ACTION_GROUP:
	case FLOW_ACTION_SET_QUEUE:
		wire_set32(p + 4, a->arg);
		break;
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_SET_NW_TTL:
		p[4] = (uint8_t)a->arg;
		break;
	case FLOW_ACTION_PUSH_VLAN:
	case FLOW_ACTION_PUSH_MPLS:
	case FLOW_ACTION_POP_MPLS:
	case FLOW_ACTION_PUSH_PBB:
		wire_set16(p + 4, (uint16_t)a->arg);
		break;
	case FLOW_ACTION_SET_FIELD:
		wire_set32(p + 4, oxm_header((enum flow_field)a->field));
		oxm_value_put((enum flow_field)a->field, p + SET_FIELD_AT, a->value);
		break;
	}
}

void ofp_actions_encode(struct wire *w, const struct flow_actions *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		action_encode(w, &a->v[i]);
}
