/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_text.h"
#include "flow_value.h"

#define VALUE_TEXT 120 // JSON text of a value at fault

static int refuse(struct flow_error *e, enum flow_errno what, const char *field, const json_t *value,
		  const char *allowed, const char *message)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	int rc;

	// The beginning of a JSON text is none.
	if (text != NULL && strlen(text) >= VALUE_TEXT) {
		free(text);
		text = NULL;
	}
	rc = flow_error_set(e, what, field, text, allowed, "%s: %s", field, message);
	free(text);
	return rc;
}

// --- values ----------------------------------------------------------------------------------------------------------

int flow_json_number(const json_t *in, const char *field, uint64_t max, uint64_t *out, struct flow_error *e)
{
	char allowed[64];

	if (json_is_integer(in) && json_integer_value(in) >= 0 && (uint64_t)json_integer_value(in) <= max) {
		*out = (uint64_t)json_integer_value(in);
		return 0;
	}
	if (json_is_string(in) && flow_number_parse(json_string_value(in), max, out))
		return 0;
	snprintf(allowed, sizeof(allowed), "0..%" PRIu64 ", as a number or a text", max);
	return refuse(e, OFPBMC_BAD_VALUE, field, in, allowed, "no number that fits");
}

static bool named_port(const void *arg, const char *name, uint32_t *port)
{
	const struct flow_bridge *fb = arg;
	const struct port_obj *p = fb != NULL ? port_obj_find(name) : NULL;

	if (p == NULL || p->bp == NULL || p->bp->bridge != fb->bridge)
		return false;
	*port = p->bp->of_no;
	return true;
}

void flow_json_names(const struct flow_bridge *fb)
{
	flow_port_names(fb != NULL ? named_port : NULL, fb);
}

int flow_json_port(const struct flow_bridge *fb, const json_t *in, const char *field, uint32_t *port,
		   struct flow_error *e)
{
	const json_int_t number = json_integer_value(in);
	const char *text = json_string_value(in);

	if (text != NULL ? flow_port_parse(text, port) || named_port(fb, text, port)
			 : json_is_integer(in) && number >= 0 && number <= UINT32_MAX) {
		*port = text != NULL ? *port : (uint32_t)number;
		return 0;
	}
	return refuse(e, OFPBAC_BAD_OUT_PORT, field, in,
		      "a number, a reserved name, or the name of a port of the bridge", "this is no port");
}

static bool is_port(enum flow_field field)
{
	return field == FLOW_FIELD_IN_PORT || field == FLOW_FIELD_IN_PHY_PORT;
}

static int value_read(const struct flow_bridge *fb, enum flow_field field, const char *name, const json_t *in,
		      struct flow_value *value, struct flow_value *mask, struct flow_error *e)
{
	const char *text = json_string_value(in);
	uint32_t port;

	*mask = flow_field_ones(field);
	if (json_is_integer(in) && json_integer_value(in) >= 0) {
		*value = (struct flow_value){.lo = (uint64_t)json_integer_value(in)};
		return 0;
	}
	if (text != NULL && flow_value_parse(field, text, value, mask))
		return 0;
	if (text != NULL && is_port(field) && named_port(fb, text, &port)) {
		*value = (struct flow_value){.lo = port};
		return 0;
	}
	return refuse(e, OFPBMC_BAD_VALUE, name, in, "a number, or a text: VALUE[/MASK]", "no value of this field");
}

// --- matches ---------------------------------------------------------------------------------------------------------

int flow_json_match(const struct flow_bridge *fb, const json_t *in, struct flow_match *m, struct flow_error *e)
{
	struct flow_value value[FLOW_FIELD_COUNT], mask[FLOW_FIELD_COUNT];
	uint64_t given = 0;
	const char *key;
	json_t *member;
	int rc = 0;

	memset(m, 0, sizeof(*m));
	if (in != NULL && !json_is_object(in))
		return refuse(e, OFPBMC_BAD_TYPE, "match", in, "an object from field to value", "this is no match");
	json_object_foreach ((json_t *)(uintptr_t)in, key, member) {
		const int field = flow_match_field(key);
		char name[64];

		snprintf(name, sizeof(name), "match.%.48s", key);
		if (field < 0)
			return refuse(e, OFPBMC_BAD_FIELD, name, member, "an OXM field: eth_type, ipv4_dst, ...",
				      "unknown field");
		rc = value_read(fb, (enum flow_field)field, name, member, &value[field], &mask[field], e);
		if (rc < 0)
			return rc;
		given |= UINT64_C(1) << field;
	}
	// In the order of the OXM numbers prerequisites come first.
	for (; given != 0 && rc == 0; given &= given - 1) {
		const enum flow_field field = (enum flow_field)__builtin_ctzll(given);
		const bool exact = flow_match_exact(field, mask[field]);

		rc = flow_match_add(m, field, value[field], exact ? NULL : &mask[field], e);
	}
	return rc;
}

// Numbers are shown as numbers, addresses as texts.
static bool is_number(enum flow_field field)
{
	switch (field) {
	case FLOW_FIELD_ETH_DST:
	case FLOW_FIELD_ETH_SRC:
	case FLOW_FIELD_IPV4_SRC:
	case FLOW_FIELD_IPV4_DST:
	case FLOW_FIELD_ARP_SPA:
	case FLOW_FIELD_ARP_TPA:
	case FLOW_FIELD_ARP_SHA:
	case FLOW_FIELD_ARP_THA:
	case FLOW_FIELD_IPV6_SRC:
	case FLOW_FIELD_IPV6_DST:
	case FLOW_FIELD_IPV6_ND_TARGET:
	case FLOW_FIELD_IPV6_ND_SLL:
	case FLOW_FIELD_IPV6_ND_TLL:
		return false;
	default:
		return true;
	}
}

static json_t *value_write(enum flow_field field, struct flow_value value, struct flow_value mask)
{
	const bool reserved = is_port(field) && value.lo > FLOW_PORT_MAX;
	json_t *json = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (is_number(field) && !reserved && flow_match_exact(field, mask) && value.lo <= INT64_MAX)
		return json_integer((json_int_t)value.lo);
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	flow_value_print(out, field, value, mask);
	if (fclose(out) == 0)
		json = json_string(text);
	free(text);
	return json;
}

json_t *flow_json_of_match(const struct flow_match *m)
{
	uint64_t fields = flow_key_fields(&m->key, &m->mask);
	json_t *o = json_object();

	for (; fields != 0; fields &= fields - 1) {
		const enum flow_field field = (enum flow_field)__builtin_ctzll(fields);

		json_object_set_new(o, flow_field_info[field].name,
				    value_write(field, flow_key_get(&m->key, field), flow_key_get(&m->mask, field)));
	}
	return o;
}

json_t *flow_json_hex(uint64_t number)
{
	return json_sprintf("0x%" PRIx64, number);
}

// --- actions ---------------------------------------------------------------------------------------------------------

// The member that an action's argument is in; NULL: it has none.
static const char *argument_name(uint8_t type)
{
	switch (type) {
	case FLOW_ACTION_OUTPUT:
		return "port";
	case FLOW_ACTION_GROUP:
		return "group";
	case FLOW_ACTION_SET_QUEUE:
		return "queue";
	case FLOW_ACTION_PUSH_VLAN:
	case FLOW_ACTION_PUSH_MPLS:
	case FLOW_ACTION_PUSH_PBB:
	case FLOW_ACTION_POP_MPLS:
		return "ethertype";
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_SET_NW_TTL:
		return "ttl";
	default:
		return NULL;
	}
}

static uint64_t argument_max(uint8_t type)
{
	switch (type) {
	case FLOW_ACTION_SET_MPLS_TTL:
	case FLOW_ACTION_SET_NW_TTL:
		return UINT8_MAX;
	case FLOW_ACTION_GROUP:
	case FLOW_ACTION_SET_QUEUE:
		return UINT32_MAX;
	default:
		return UINT16_MAX;
	}
}

static int type_of(const char *name)
{
	for (int i = 0; name != NULL && i < FLOW_ACTION_TYPES; i++)
		if (flow_action_name((uint8_t)i) != NULL && strcmp(flow_action_name((uint8_t)i), name) == 0)
			return i;
	return -1;
}

static int set_field_read(const struct flow_bridge *fb, const json_t *in, const char *field, struct flow_action *a,
			  struct flow_error *e)
{
	const char *name = json_string_value(json_object_get(in, "field"));
	const json_t *value = json_object_get(in, "value");
	const int number = name != NULL ? flow_match_field(name) : -1;
	struct flow_value mask;
	int rc;

	if (number < 0)
		return refuse(e, OFPBAC_BAD_SET_TYPE, field, in, "field: an OXM field, value", "unknown field");
	a->field = (uint8_t)number;
	rc = value_read(fb, (enum flow_field)number, field, value, &a->value, &mask, e);
	if (rc == 0 && !flow_match_exact((enum flow_field)number, mask))
		rc = refuse(e, OFPBAC_BAD_SET_ARGUMENT, field, value, "a value without a mask",
			    "set_field takes no mask");
	return rc;
}

static int argument_read(const struct flow_bridge *fb, const json_t *in, const char *field, struct flow_action *a,
			 size_t *members, struct flow_error *e)
{
	const char *name = argument_name(a->type);
	const json_t *argument = name != NULL ? json_object_get(in, name) : NULL;
	const json_t *max_len = json_object_get(in, "max_len");
	uint64_t number = 0;
	int rc;

	if (a->type == FLOW_ACTION_SET_FIELD) {
		*members = 3;
		return set_field_read(fb, in, field, a, e);
	}
	*members = name != NULL ? 2 : 1;
	if (name == NULL)
		return 0;
	if (a->type != FLOW_ACTION_OUTPUT) {
		rc = flow_json_number(argument, field, argument_max(a->type), &number, e);
		a->arg = (uint32_t)number;
		return rc;
	}
	rc = flow_json_port(fb, argument, field, &a->arg, e);
	// Only what goes to the controller has a length.
	a->max_len = rc == 0 && a->arg == FLOW_PORT_CONTROLLER ? FLOW_MAX_LEN_NO_BUFFER : 0;
	if (rc < 0 || max_len == NULL)
		return rc;
	*members = 3;
	rc = flow_json_number(max_len, field, UINT16_MAX, &number, e);
	a->max_len = (uint16_t)number;
	return rc;
}

static int action_read(const struct flow_bridge *fb, const json_t *in, const char *field, struct flow_action *a,
		       struct flow_error *e)
{
	const int type = type_of(json_string_value(json_object_get(in, "type")));
	size_t members;
	int rc;

	if (type < 0)
		return refuse(e, OFPBAC_BAD_TYPE, field, in, "type: output, group, set_field, push_vlan, ...",
			      "unknown type of action");
	a->type = (uint8_t)type;
	rc = argument_read(fb, in, field, a, &members, e);
	if (rc == 0 && json_object_size(in) > members)
		rc = refuse(e, OFPBAC_BAD_ARGUMENT, field, in, NULL,
			    "has a member that this type of action does not take");
	return rc;
}

int flow_json_actions(const struct flow_bridge *fb, const json_t *in, const char *field, struct flow_actions *a,
		      struct flow_error *e)
{
	const json_t *item;
	size_t i;
	int rc;

	if (!json_is_array(in))
		return refuse(e, OFPBAC_BAD_TYPE, field, in, "an array of actions", "this is no list of actions");
	json_array_foreach (in, i, item) {
		struct flow_action *action = flow_actions_add(a);
		char name[64];

		if (action == NULL)
			return flow_error_set(e, OFPBAC_TOO_MANY, field, NULL, NULL, "no memory for the actions");
		snprintf(name, sizeof(name), "%s[%zu]", field, i);
		rc = action_read(fb, item, name, action, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static json_t *port_write(uint32_t port)
{
	json_t *json = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (port <= FLOW_PORT_MAX)
		return json_integer(port);
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	flow_port_print(out, port);
	if (fclose(out) == 0)
		json = json_string(text);
	free(text);
	return json;
}

static json_t *action_write(const struct flow_action *a)
{
	json_t *o = json_pack("{s:s}", "type", flow_action_name(a->type));
	const char *name = argument_name(a->type);

	if (a->type == FLOW_ACTION_SET_FIELD) {
		const enum flow_field field = (enum flow_field)a->field;

		json_object_set_new(o, "field", json_string(flow_field_info[field].name));
		json_object_set_new(o, "value", value_write(field, a->value, flow_field_ones(field)));
	} else if (a->type == FLOW_ACTION_OUTPUT) {
		json_object_set_new(o, "port", port_write(a->arg));
		if (a->arg == FLOW_PORT_CONTROLLER)
			json_object_set_new(o, "max_len", json_integer(a->max_len));
	} else if (name != NULL) {
		json_object_set_new(o, name, json_integer(a->arg));
	}
	return o;
}

json_t *flow_json_of_actions(const struct flow_actions *a)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < a->n; i++)
		json_array_append_new(array, action_write(&a->v[i]));
	return array;
}
