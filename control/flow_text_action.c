/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flow_text_priv.h"
#include "flow_value.h"

#define TYPE_VLAN 0x8100
#define CONTROLLER_MAX_LEN 0xffff // of "controller" alone

// Actions of one number, or of none (max 0).
static const struct {
	const char *word;
	uint8_t type;
	uint32_t max;
} simple[] = {
	{"output", FLOW_ACTION_OUTPUT, UINT32_MAX},
	{"group", FLOW_ACTION_GROUP, UINT32_MAX},
	{"set_queue", FLOW_ACTION_SET_QUEUE, UINT32_MAX},
	{"push_vlan", FLOW_ACTION_PUSH_VLAN, UINT16_MAX},
	{"push_mpls", FLOW_ACTION_PUSH_MPLS, UINT16_MAX},
	{"pop_mpls", FLOW_ACTION_POP_MPLS, UINT16_MAX},
	{"push_pbb", FLOW_ACTION_PUSH_PBB, UINT16_MAX},
	{"mod_nw_ttl", FLOW_ACTION_SET_NW_TTL, UINT8_MAX},
	{"set_nw_ttl", FLOW_ACTION_SET_NW_TTL, UINT8_MAX},
	{"set_mpls_ttl", FLOW_ACTION_SET_MPLS_TTL, UINT8_MAX},
	{"pop_vlan", FLOW_ACTION_POP_VLAN, 0},
	{"strip_vlan", FLOW_ACTION_POP_VLAN, 0},
	{"pop_pbb", FLOW_ACTION_POP_PBB, 0},
	{"dec_ttl", FLOW_ACTION_DEC_NW_TTL, 0},
	{"dec_mpls_ttl", FLOW_ACTION_DEC_MPLS_TTL, 0},
	{"copy_ttl_out", FLOW_ACTION_COPY_TTL_OUT, 0},
	{"copy_ttl_in", FLOW_ACTION_COPY_TTL_IN, 0},
};

// Older words for setting a field. Those of ports are of the protocol that the match names.
static const struct {
	const char *word;
	enum flow_field field;
} setters[] = {
	{"mod_dl_src", FLOW_FIELD_ETH_SRC},     {"mod_dl_dst", FLOW_FIELD_ETH_DST},
	{"mod_nw_src", FLOW_FIELD_IPV4_SRC},    {"mod_nw_dst", FLOW_FIELD_IPV4_DST},
	{"mod_nw_ecn", FLOW_FIELD_IP_ECN},      {"mod_tp_src", FLOW_FIELD_TCP_SRC},
	{"mod_tp_dst", FLOW_FIELD_TCP_DST},     {"set_tunnel", FLOW_FIELD_TUNNEL_ID},
	{"set_tunnel64", FLOW_FIELD_TUNNEL_ID}, {"set_mpls_label", FLOW_FIELD_MPLS_LABEL},
	{"set_mpls_tc", FLOW_FIELD_MPLS_TC},
};

struct reader {
	struct flow_actions *actions;
	struct flow_instructions *instructions; // NULL: none may come
	const struct flow_match *match;         // NULL: unknown
	struct flow_error *e;
};

static int bad_argument(struct reader *r, const char *word, const char *allowed)
{
	return flow_text_refuse(r->e, OFPBAC_BAD_ARGUMENT, word, allowed, "no argument of this action");
}

static int add(struct reader *r, struct flow_action action)
{
	struct flow_action *a = flow_actions_add(r->actions);

	if (a == NULL)
		return flow_error_set(r->e, OFPBAC_TOO_MANY, "text", NULL, NULL, "no memory for the actions");
	*a = action;
	return 1;
}

static int add_number(struct reader *r, uint8_t type, uint32_t arg)
{
	return add(r, (struct flow_action){.type = type, .arg = arg});
}

static int add_set(struct reader *r, enum flow_field field, const char *text)
{
	struct flow_value v, mask;

	if (text == NULL || !flow_value_parse(field, text, &v, &mask) || !flow_match_exact(field, mask))
		return bad_argument(r, text != NULL ? text : flow_field_info[field].name, flow_field_info[field].name);
	return add(r, (struct flow_action){.type = FLOW_ACTION_SET_FIELD, .field = (uint8_t)field, .value = v});
}

static int setter(struct reader *r, enum flow_field field, const char *value)
{
	const bool source = field == FLOW_FIELD_TCP_SRC;

	if ((source || field == FLOW_FIELD_TCP_DST) && r->match != NULL) {
		const enum flow_field udp = source ? FLOW_FIELD_UDP_SRC : FLOW_FIELD_UDP_DST,
				      sctp = source ? FLOW_FIELD_SCTP_SRC : FLOW_FIELD_SCTP_DST;

		if (flow_key_prereq_ok(&r->match->key, &r->match->mask, udp))
			field = udp;
		else if (flow_key_prereq_ok(&r->match->key, &r->match->mask, sctp))
			field = sctp;
	}
	return add_set(r, field, value);
}

// "VALUE->FIELD"
static int set_field(struct reader *r, char *value)
{
	char *arrow = value != NULL ? strstr(value, "->") : NULL;
	int field;

	if (arrow == NULL)
		return bad_argument(r, value != NULL ? value : "set_field", "set_field:VALUE->FIELD");
	*arrow = '\0';
	if (strcmp(arrow + 2, "tp_src") == 0)
		return setter(r, FLOW_FIELD_TCP_SRC, value);
	if (strcmp(arrow + 2, "tp_dst") == 0)
		return setter(r, FLOW_FIELD_TCP_DST, value);
	field = flow_text_field(arrow + 2);
	if (field < 0)
		return flow_text_refuse(r->e, OFPBAC_BAD_SET_TYPE, arrow + 2, NULL, "unknown field");
	return add_set(r, (enum flow_field)field, value);
}

// Whether a tag is there to be changed: the match asks for one, or one was pushed.
static bool has_tag(const struct reader *r)
{
	for (uint32_t i = r->actions->n; i-- > 0;) {
		if (r->actions->v[i].type == FLOW_ACTION_PUSH_VLAN)
			return true;
		if (r->actions->v[i].type == FLOW_ACTION_POP_VLAN)
			return false;
	}
	return r->match != NULL && flow_key_prereq_ok(&r->match->key, &r->match->mask, FLOW_FIELD_VLAN_PCP);
}

// mod_vlan_vid and mod_vlan_pcp give a tag to frames that have none.
static int mod_vlan(struct reader *r, enum flow_field field, const char *value)
{
	const bool vid = field == FLOW_FIELD_VLAN_VID;
	uint64_t number;
	int rc = 1;

	if (value == NULL || !flow_number_parse(value, vid ? 0xfff : 7, &number))
		return bad_argument(r, value != NULL ? value : "mod_vlan", vid ? "0..4095" : "0..7");
	if (!has_tag(r))
		rc = add_number(r, FLOW_ACTION_PUSH_VLAN, TYPE_VLAN);
	if (rc < 0)
		return rc;
	number |= vid ? FLOW_VLAN_PRESENT : 0;
	return add(r, (struct flow_action){
			      .type = FLOW_ACTION_SET_FIELD, .field = (uint8_t)field, .value = {.lo = number}});
}

static int controller(struct reader *r, const char *value)
{
	uint64_t len = CONTROLLER_MAX_LEN;

	if (value != NULL && strncmp(value, "max_len=", 8) == 0)
		value += 8;
	if (value != NULL && value[0] != '\0' && !flow_number_parse(value, UINT16_MAX, &len))
		return bad_argument(r, value, "0..65535");
	return add(r, (struct flow_action){
			      .type = FLOW_ACTION_OUTPUT, .arg = FLOW_PORT_CONTROLLER, .max_len = (uint16_t)len});
}

static int simple_action(struct reader *r, const char *key, const char *value)
{
	uint32_t port;
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
		if (strcmp(key, simple[i].word) != 0)
			continue;
		if (simple[i].type == FLOW_ACTION_OUTPUT) {
			if (value == NULL || !flow_port_parse(value, &port))
				return bad_argument(r, value != NULL ? value : key, "a port");
			if (port == FLOW_PORT_CONTROLLER)
				return controller(r, NULL);
			return add_number(r, FLOW_ACTION_OUTPUT, port);
		}
		if (simple[i].max == 0 ? value != NULL && value[0] != '\0'
				       : value == NULL || !flow_number_parse(value, simple[i].max, &number))
			return bad_argument(r, value != NULL ? value : key, simple[i].max == 0 ? "none" : "a number");
		return add_number(r, simple[i].type, (uint32_t)number);
	}
	return 0;
}

// Words that are not of a table. 1 if it was one, 0 if not, or -errno.
static int other_action(struct reader *r, const char *key, char *value)
{
	uint64_t tos;
	uint32_t port;

	if (strcmp(key, "set_field") == 0)
		return set_field(r, value);
	if (strcmp(key, "mod_vlan_vid") == 0)
		return mod_vlan(r, FLOW_FIELD_VLAN_VID, value);
	if (strcmp(key, "mod_vlan_pcp") == 0)
		return mod_vlan(r, FLOW_FIELD_VLAN_PCP, value);
	if (strcmp(key, "mod_nw_tos") == 0) {
		if (value == NULL || !flow_number_parse(value, 0xff, &tos) || (tos & 3) != 0)
			return bad_argument(r, value != NULL ? value : key, "0..252, a multiple of 4");
		return add(r, (struct flow_action){.type = FLOW_ACTION_SET_FIELD,
						   .field = FLOW_FIELD_IP_DSCP,
						   .value = {.lo = tos >> 2}});
	}
	if (strcasecmp(key, "controller") == 0)
		return controller(r, value);
	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++)
		if (strcmp(key, setters[i].word) == 0)
			return setter(r, setters[i].field, value);
	// A port alone is where to output.
	if (value == NULL && flow_port_parse(key, &port))
		return add_number(r, FLOW_ACTION_OUTPUT, port);
	return 0;
}

// --- instructions ----------------------------------------------------------------------------------------------------

static int metadata(struct reader *r, struct flow_instructions *i, const char *value)
{
	struct flow_value v, mask;

	if (value == NULL || !flow_value_parse(FLOW_FIELD_METADATA, value, &v, &mask))
		return bad_argument(r, value != NULL ? value : "write_metadata", "VALUE[/MASK]");
	i->metadata = v.lo;
	i->metadata_mask = mask.lo;
	return 1;
}

static int instruction(struct reader *r, const char *key, char *value)
{
	static const struct {
		const char *word;
		enum flow_instruction kind;
	} words[] = {
		{"goto_table", FLOW_INST_GOTO},     {"write_metadata", FLOW_INST_METADATA}, {"meter", FLOW_INST_METER},
		{"clear_actions", FLOW_INST_CLEAR}, {"write_actions", FLOW_INST_WRITE},
	};
	struct flow_instructions *i = r->instructions;
	enum flow_instruction kind = 0;
	uint64_t number = 0;

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (strcmp(key, words[k].word) == 0)
			kind = words[k].kind;
	if (kind == 0 || i == NULL)
		return 0;
	if (i->has & kind)
		return flow_text_refuse(r->e, OFPBIC_UNSUP_INST, key, NULL, "an instruction comes twice");
	i->has |= (uint8_t)kind;
	switch (kind) {
	case FLOW_INST_CLEAR:
		return value == NULL ? 1 : bad_argument(r, value, "none");
	case FLOW_INST_METADATA:
		return metadata(r, i, value);
	case FLOW_INST_WRITE:
		if (value == NULL)
			return bad_argument(r, key, "write_actions(ACTIONS)");
		return flow_text_actions(value, &i->write, NULL, r->match, r->e) < 0 ? r->e->fault.err : 1;
	default:
		if (value == NULL ||
		    !flow_number_parse(value, kind == FLOW_INST_GOTO ? UINT8_MAX : UINT32_MAX, &number))
			return bad_argument(r, value != NULL ? value : key, "a number");
	}
	if (kind == FLOW_INST_GOTO)
		i->goto_table = (uint8_t)number;
	else
		i->meter = (uint32_t)number;
	return 1;
}

int flow_text_actions(char *text, struct flow_actions *a, struct flow_instructions *i, const struct flow_match *m,
		      struct flow_error *e)
{
	struct reader r = {.actions = a, .instructions = i, .match = m, .e = e};
	bool drop = false;
	unsigned int n = 0;
	char *key;

	while ((key = flow_text_word(&text)) != NULL) {
		char *value = flow_text_value(key);
		int rc;

		n++;
		drop |= strcmp(key, "drop") == 0 && value == NULL;
		rc = drop ? 1 : instruction(&r, key, value);
		if (rc == 0)
			rc = simple_action(&r, key, value);
		if (rc == 0)
			rc = other_action(&r, key, value);
		if (rc == 0)
			return flow_text_refuse(e, OFPBAC_BAD_TYPE, key, NULL, "unknown action");
		if (rc < 0)
			return rc;
	}
	if (drop && n > 1)
		return flow_text_refuse(e, OFPBAC_BAD_TYPE, "drop", "drop alone", "drop with other actions");
	return 0;
}

// --- writing ---------------------------------------------------------------------------------------------------------

static void action_print(FILE *out, const struct flow_action *a)
{
	const struct flow_value ones = flow_field_ones(a->type == FLOW_ACTION_SET_FIELD ? a->field : 0);

	switch (a->type) {
	case FLOW_ACTION_OUTPUT:
		if (a->arg == FLOW_PORT_CONTROLLER) {
			fprintf(out, "CONTROLLER:%u", a->max_len);
		} else {
			fputs(a->arg > FLOW_PORT_MAX ? "" : "output:", out);
			flow_port_print(out, a->arg);
		}
		return;
	case FLOW_ACTION_SET_FIELD:
		fputs("set_field:", out);
		flow_value_print(out, a->field, a->value, ones);
		fprintf(out, "->%s", flow_text_field_name(a->field));
		return;
	case FLOW_ACTION_PUSH_VLAN:
	case FLOW_ACTION_PUSH_MPLS:
	case FLOW_ACTION_POP_MPLS:
	case FLOW_ACTION_PUSH_PBB:
		fprintf(out, "%s:0x%04" PRIx32, flow_action_name(a->type), a->arg);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
		if (simple[i].type != a->type)
			continue;
		fputs(simple[i].word, out);
		if (simple[i].max > 0)
			fprintf(out, ":%" PRIu32, a->arg);
		return;
	}
}

void flow_text_actions_print(FILE *out, const struct flow_actions *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (i > 0)
			fputc(',', out);
		action_print(out, &a->v[i]);
	}
}

void flow_text_instructions_print(FILE *out, const struct flow_instructions *i)
{
	const char *comma = "";

	if (i->has & FLOW_INST_METER) {
		fprintf(out, "meter:%" PRIu32, i->meter);
		comma = ",";
	}
	if (i->apply.n > 0) {
		fputs(comma, out);
		flow_text_actions_print(out, &i->apply);
		comma = ",";
	}
	if (i->has & FLOW_INST_CLEAR) {
		fprintf(out, "%sclear_actions", comma);
		comma = ",";
	}
	if (i->has & FLOW_INST_WRITE) {
		fprintf(out, "%swrite_actions(", comma);
		if (i->write.n == 0)
			fputs("drop", out);
		flow_text_actions_print(out, &i->write);
		fputc(')', out);
		comma = ",";
	}
	if (i->has & FLOW_INST_METADATA) {
		fprintf(out, "%swrite_metadata:", comma);
		flow_value_print(out, FLOW_FIELD_METADATA, (struct flow_value){.lo = i->metadata},
				 (struct flow_value){.lo = i->metadata_mask});
		comma = ",";
	}
	if (i->has & FLOW_INST_GOTO) {
		fprintf(out, "%sgoto_table:%u", comma, i->goto_table);
		comma = ",";
	}
	if (comma[0] == '\0')
		fputs("drop", out);
}
