/* SPDX-License-Identifier: BSD-3-Clause */
#include "ofp_table_features.h"

#include "oxm.h"

#define ENTRY_LEN 64 // up to the properties
#define HAS_MASK 0x100u

// --- writing ---------------------------------------------------------------------------------------------------------

static size_t property_begin(struct wire *w, uint16_t type)
{
	const size_t start = w->len;

	wire_set16(wire_put(w, 4), type);
	return start;
}

static void property_end(struct wire *w, size_t start)
{
	if (w->full)
		return;
	wire_set16(w->data + start + 2, (uint16_t)(w->len - start));
	wire_align(w, start);
}

static void id_put(struct wire *w, uint16_t type)
{
	uint8_t *p = wire_put(w, 4);

	wire_set16(p, type);
	wire_set16(p + 2, 4);
}

static void actions_put(struct wire *w, uint16_t property)
{
	const size_t start = property_begin(w, property);

	for (uint8_t i = 0; i < FLOW_ACTION_TYPES; i++)
		if (flow_action_name(i) != NULL)
			id_put(w, i);
	property_end(w, start);
}

static void fields_put(struct wire *w, uint16_t property)
{
	const bool set = property >= OFPTFPT_WRITE_SETFIELD;
	const size_t start = property_begin(w, property);

	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		const bool masked = property == OFPTFPT_MATCH && flow_field_info[f].maskable;

		if (!set || flow_action_settable(f))
			wire_set32(wire_put(w, 4), oxm_header(f) + (masked ? HAS_MASK + flow_field_info[f].bytes : 0));
	}
	property_end(w, start);
}

static void instructions_put(struct wire *w, bool last)
{
	const size_t start = property_begin(w, OFPTFPT_INSTRUCTIONS);

	for (uint16_t i = last ? OFPIT_WRITE_METADATA : OFPIT_GOTO_TABLE; i <= OFPIT_METER; i++)
		id_put(w, i);
	property_end(w, start);
}

void ofp_table_features_encode(struct wire *w, const struct of_table *t, uint8_t tables)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, ENTRY_LEN);
	size_t next;

	p[2] = t->table;
	memcpy(p + 8, t->name, strnlen(t->name, sizeof(t->name) - 1));
	wire_set64(p + 40, t->metadata_match);
	wire_set64(p + 48, t->metadata_write);
	wire_set32(p + 60, t->max_entries);
	instructions_put(w, t->table + 1 >= tables);
	next = property_begin(w, OFPTFPT_NEXT_TABLES);
	for (unsigned int i = t->table + 1u; i < tables; i++)
		*wire_put(w, 1) = (uint8_t)i;
	property_end(w, next);
	actions_put(w, OFPTFPT_WRITE_ACTIONS);
	actions_put(w, OFPTFPT_APPLY_ACTIONS);
	fields_put(w, OFPTFPT_MATCH);
	fields_put(w, OFPTFPT_WILDCARDS);
	fields_put(w, OFPTFPT_WRITE_SETFIELD);
	fields_put(w, OFPTFPT_APPLY_SETFIELD);
	wire_set16(p, (uint16_t)(w->len - start));
}

// --- reading ---------------------------------------------------------------------------------------------------------

static int refuse(struct flow_error *e, enum flow_errno what, unsigned int value, const char *message)
{
	return flow_error_int(e, what, "table_features", value, NULL, message);
}

static int ids_check(const uint8_t *p, size_t len, bool actions, struct flow_error *e)
{
	for (size_t at = 0; at < len; at += 4) {
		const unsigned int type = len - at >= 4 ? wire_u16(p + at) : 0;

		if (len - at < 4 || wire_u16(p + at + 2) < 4 || wire_u16(p + at + 2) > len - at)
			return refuse(e, OFPTFFC_BAD_LEN, (unsigned int)len, "a list of a length that cannot be");
		// Experimenters' are longer, and not ours.
		if (actions ? type >= FLOW_ACTION_TYPES || flow_action_name((uint8_t)type) == NULL
			    : type < OFPIT_GOTO_TABLE || type > OFPIT_METER)
			return refuse(e, OFPTFFC_BAD_ARGUMENT, type, "an instruction or action that there is not");
		if (wire_u16(p + at + 2) != 4)
			return refuse(e, OFPTFFC_BAD_LEN, wire_u16(p + at + 2), "a list of a length that cannot be");
	}
	return 0;
}

static int oxms_check(const uint8_t *p, size_t len, unsigned int property, struct flow_error *e)
{
	if (len % 4 != 0)
		return refuse(e, OFPTFFC_BAD_LEN, (unsigned int)len, "a list of a length that cannot be");
	for (size_t at = 0; at < len; at += 4) {
		const uint32_t header = wire_u32(p + at);
		const int field = oxm_field(header);
		const bool masked = (header & HAS_MASK) != 0;

		if (field < 0 || (masked && !flow_field_info[field].maskable) ||
		    (property >= OFPTFPT_WRITE_SETFIELD && !flow_action_settable((enum flow_field)field)))
			return refuse(e, OFPTFFC_BAD_ARGUMENT, header, "a field that there is not");
	}
	return 0;
}

static int next_check(const uint8_t *p, size_t len, uint8_t table, uint8_t tables, struct flow_error *e)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] <= table || p[i] >= tables)
			return refuse(e, OFPTFFC_BAD_ARGUMENT, p[i], "a next table that this one cannot go to");
	return 0;
}

static int property_check(const uint8_t *p, size_t len, uint8_t table, uint8_t tables, struct flow_error *e)
{
	const unsigned int type = wire_u16(p);

	p += 4;
	len -= 4;
	switch (type) {
	case OFPTFPT_INSTRUCTIONS:
	case OFPTFPT_INSTRUCTIONS_MISS:
		return ids_check(p, len, false, e);
	case OFPTFPT_NEXT_TABLES:
	case OFPTFPT_NEXT_TABLES_MISS:
		return next_check(p, len, table, tables, e);
	case OFPTFPT_WRITE_ACTIONS:
	case OFPTFPT_WRITE_ACTIONS_MISS:
	case OFPTFPT_APPLY_ACTIONS:
	case OFPTFPT_APPLY_ACTIONS_MISS:
		return ids_check(p, len, true, e);
	case OFPTFPT_MATCH:
	case OFPTFPT_WILDCARDS:
	case OFPTFPT_WRITE_SETFIELD:
	case OFPTFPT_WRITE_SETFIELD_MISS:
	case OFPTFPT_APPLY_SETFIELD:
	case OFPTFPT_APPLY_SETFIELD_MISS:
		return oxms_check(p, len, type, e);
	default:
		return refuse(e, OFPTFFC_BAD_TYPE, type, "unknown property of a table");
	}
}

int ofp_table_features_decode(const uint8_t *p, size_t len, uint8_t tables, struct of_table_config *t, size_t *used,
			      struct flow_error *e)
{
	int rc = 0;

	*used = len >= 2 ? wire_u16(p) : 0;
	if (*used < ENTRY_LEN || *used > len || *used % 8 != 0)
		return refuse(e, OFPTFFC_BAD_LEN, (unsigned int)*used, "a table of a length that cannot be");
	*t = (struct of_table_config){.table = p[2],
				      .metadata_match = wire_u64(p + 40),
				      .metadata_write = wire_u64(p + 48),
				      .config = wire_u32(p + 56),
				      .max_entries = wire_u32(p + 60)};
	memcpy(t->name, p + 8, sizeof(t->name));
	t->name[sizeof(t->name) - 1] = '\0';
	if (t->table >= tables)
		return refuse(e, OFPTFFC_BAD_TABLE, t->table, "there is no such table");
	for (size_t at = ENTRY_LEN, size; rc == 0 && at < *used; at += wire_pad8(size)) {
		size = *used - at >= 4 ? wire_u16(p + at + 2) : 0;
		if (size < 4 || wire_pad8(size) > *used - at)
			return refuse(e, OFPTFFC_BAD_LEN, (unsigned int)size, "a property of a length that cannot be");
		rc = property_check(p + at, size, t->table, tables, e);
	}
	return rc;
}
