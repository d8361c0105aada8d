/* SPDX-License-Identifier: BSD-3-Clause */
// Instructions and whole flow-mods as JSON.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_json.h"
#include "flow_text.h"
#include "flow_value.h"

static const struct {
	const char *name;
	uint16_t flag;
} flag_names[] = {
	{"send_flow_rem", FLOW_SEND_FLOW_REM}, {"check_overlap", FLOW_CHECK_OVERLAP},
	{"reset_counts", FLOW_RESET_COUNTS},   {"no_pkt_counts", FLOW_NO_PKT_COUNTS},
	{"no_byt_counts", FLOW_NO_BYT_COUNTS},
};

static int metadata_read(const json_t *in, struct flow_instructions *i, struct flow_error *e)
{
	const char *text = json_string_value(in);
	struct flow_value value, mask;

	i->has |= FLOW_INST_METADATA;
	if (text != NULL && flow_value_parse(FLOW_FIELD_METADATA, text, &value, &mask)) {
		i->metadata = value.lo;
		i->metadata_mask = mask.lo;
		return 0;
	}
	i->metadata_mask = UINT64_MAX;
	return flow_json_number(in, "instructions.write_metadata", UINT64_MAX, &i->metadata, e);
}

static int instruction_read(const struct flow_bridge *fb, const char *name, const json_t *in,
			    struct flow_instructions *i, struct flow_error *e)
{
	uint64_t number = 0;
	int rc;

	if (strcmp(name, "apply_actions") == 0) {
		i->has |= FLOW_INST_APPLY;
		return flow_json_actions(fb, in, "instructions.apply_actions", &i->apply, e);
	}
	if (strcmp(name, "write_actions") == 0) {
		i->has |= FLOW_INST_WRITE;
		return flow_json_actions(fb, in, "instructions.write_actions", &i->write, e);
	}
	if (strcmp(name, "write_metadata") == 0)
		return metadata_read(in, i, e);
	if (strcmp(name, "clear_actions") == 0 && json_is_boolean(in)) {
		i->has |= json_is_true(in) ? FLOW_INST_CLEAR : 0;
		return 0;
	}
	if (strcmp(name, "goto_table") == 0) {
		i->has |= FLOW_INST_GOTO;
		rc = flow_json_number(in, "instructions.goto_table", UINT8_MAX, &number, e);
		i->goto_table = (uint8_t)number;
		return rc;
	}
	if (strcmp(name, "meter") == 0) {
		i->has |= FLOW_INST_METER;
		rc = flow_json_number(in, "instructions.meter", UINT32_MAX, &number, e);
		i->meter = (uint32_t)number;
		return rc;
	}
	return flow_error_set(e, OFPBIC_UNKNOWN_INST, "instructions", NULL,
			      "meter, apply_actions, clear_actions (true), write_actions, write_metadata, goto_table",
			      "unknown instruction %.40s", name);
}

int flow_json_instructions(const struct flow_bridge *fb, const json_t *in, struct flow_instructions *i,
			   struct flow_error *e)
{
	const char *name;
	json_t *member;
	int rc = 0;

	if (!json_is_object(in))
		return flow_error_set(e, OFPBIC_UNKNOWN_INST, "instructions", NULL, "an object",
				      "these are no instructions");
	json_object_foreach ((json_t *)(uintptr_t)in, name, member) {
		rc = instruction_read(fb, name, member, i, e);
		if (rc < 0)
			break;
	}
	return rc;
}

json_t *flow_json_of_instructions(const struct flow_instructions *i)
{
	json_t *o = json_object();

	if (i->has & FLOW_INST_METER)
		json_object_set_new(o, "meter", json_integer(i->meter));
	if (i->has & FLOW_INST_APPLY)
		json_object_set_new(o, "apply_actions", flow_json_of_actions(&i->apply));
	if (i->has & FLOW_INST_CLEAR)
		json_object_set_new(o, "clear_actions", json_true());
	if (i->has & FLOW_INST_WRITE)
		json_object_set_new(o, "write_actions", flow_json_of_actions(&i->write));
	if ((i->has & FLOW_INST_METADATA) && i->metadata_mask == UINT64_MAX)
		json_object_set_new(o, "write_metadata", flow_json_hex(i->metadata));
	else if (i->has & FLOW_INST_METADATA)
		json_object_set_new(o, "write_metadata",
				    json_sprintf("0x%llx/0x%llx", (unsigned long long)i->metadata,
						 (unsigned long long)i->metadata_mask));
	if (i->has & FLOW_INST_GOTO)
		json_object_set_new(o, "goto_table", json_integer(i->goto_table));
	return o;
}

json_t *flow_json_of_flags(uint16_t flags)
{
	json_t *array = json_array();

	for (size_t i = 0; i < RTE_DIM(flag_names); i++)
		if (flags & flag_names[i].flag)
			json_array_append_new(array, json_string(flag_names[i].name));
	return array;
}

// --- flow-mods -------------------------------------------------------------------------------------------------------

static int flags_read(const json_t *in, uint16_t *flags, struct flow_error *e)
{
	const json_t *item;
	size_t i, k;

	if (!json_is_array(in))
		return flow_error_set(e, OFPFMFC_BAD_FLAGS, "flags", NULL, "an array of flags", "these are no flags");
	json_array_foreach (in, i, item) {
		const char *name = json_string_value(item);

		for (k = 0; k < RTE_DIM(flag_names) && (name == NULL || strcmp(name, flag_names[k].name) != 0); k++)
			;
		if (k == RTE_DIM(flag_names))
			return flow_error_set(
				e, OFPFMFC_BAD_FLAGS, "flags", NULL,
				"send_flow_rem, check_overlap, reset_counts, no_pkt_counts, no_byt_counts",
				"unknown flag");
		*flags |= flag_names[k].flag;
	}
	return 0;
}

static int number_member(const char *name, const json_t *in, struct flow_mod *m, struct flow_error *e)
{
	const struct {
		const char *name;
		void *to;
		size_t size;
	} numbers[] = {
		{"table", &m->table, 1},
		{"priority", &m->priority, 2},
		{"idle_timeout", &m->idle_timeout, 2},
		{"hard_timeout", &m->hard_timeout, 2},
		{"importance", &m->importance, 2},
		{"out_group", &m->out_group, 4},
		{"cookie", &m->cookie, 8},
		{"cookie_mask", &m->cookie_mask, 8},
	};
	uint64_t number;
	size_t i;
	int rc;

	for (i = 0; i < RTE_DIM(numbers) && strcmp(numbers[i].name, name) != 0; i++)
		;
	if (i == RTE_DIM(numbers))
		return flow_error_set(e, OFPFMFC_UNKNOWN, name, NULL, NULL, "%.40s is no parameter here", name);
	rc = flow_json_number(in, name, numbers[i].size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * numbers[i].size) - 1,
			      &number, e);
	// The machine is little-endian: x86-64.
	if (rc == 0)
		memcpy(numbers[i].to, &number, numbers[i].size);
	return rc;
}

static int member_read(const struct flow_bridge *fb, const char *name, const json_t *in, struct flow_mod *m,
		       struct flow_error *e)
{
	if (strcmp(name, "match") == 0)
		return flow_json_match(fb, in, &m->match, e);
	if (strcmp(name, "instructions") == 0)
		return flow_json_instructions(fb, in, &m->instructions, e);
	if (strcmp(name, "actions") == 0) {
		m->instructions.has |= FLOW_INST_APPLY;
		return flow_json_actions(fb, in, "actions", &m->instructions.apply, e);
	}
	if (strcmp(name, "flags") == 0)
		return flags_read(in, &m->flags, e);
	if (strcmp(name, "out_port") == 0)
		return flow_json_port(fb, in, name, &m->out_port, e);
	return number_member(name, in, m, e);
}

int flow_json_mod(const struct flow_bridge *fb, const json_t *in, enum flow_command command, struct flow_mod *m,
		  struct flow_error *e)
{
	const bool is_delete = command == FLOW_DELETE || command == FLOW_DELETE_STRICT;
	const json_t *text = json_object_get(in, "text");
	const char *name;
	json_t *member;
	int rc = 0;

	if (text != NULL && json_object_size(in) > 1)
		return flow_error_set(e, OFPBAC_BAD_ARGUMENT, "text", NULL, "text alone",
				      "an element with a text has no other members");
	if (text != NULL && !json_is_string(text))
		return flow_error_set(e, OFPBAC_BAD_ARGUMENT, "text", NULL, "a text", "this is no text");
	if (text != NULL) {
		flow_json_names(fb);
		rc = flow_text_parse(json_string_value(text), command, m, e);
		flow_json_names(NULL);
		return rc;
	}
	*m = (struct flow_mod){.command = (uint8_t)command,
			       .table = is_delete ? FLOW_TABLE_ALL : 0,
			       .priority = FLOW_PRIORITY_DEFAULT,
			       .buffer_id = FLOW_NO_BUFFER,
			       .out_port = FLOW_PORT_ANY,
			       .out_group = FLOW_GROUP_ANY};
	json_object_foreach ((json_t *)(uintptr_t)in, name, member) {
		rc = member_read(fb, name, member, m, e);
		if (rc < 0)
			break;
	}
	// Without a mask, a cookie that is asked for is asked for in all bits.
	if (command != FLOW_ADD && json_object_get(in, "cookie") && !json_object_get(in, "cookie_mask"))
		m->cookie_mask = UINT64_MAX;
	// Applying nothing is no instruction, as in the text syntax.
	if (m->instructions.apply.n == 0)
		m->instructions.has &= (uint8_t)~FLOW_INST_APPLY;
	if (rc == 0)
		rc = flow_mod_check(m, e);
	if (rc < 0)
		flow_mod_clear(m);
	return rc;
}
