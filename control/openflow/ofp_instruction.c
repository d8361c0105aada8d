/* SPDX-License-Identifier: BSD-3-Clause */
// Instructions, buckets and bands: what holds lists of actions, and lists of its own.
#include "ofp_action.h"

#define INSTRUCTION_LEN 8
#define METADATA_LEN 24
#define BUCKET_LEN 16
#define BAND_LEN 16

static int length_refuse(struct flow_error *e, uint64_t len)
{
	return flow_error_int(e, OFPBIC_BAD_LEN, "instructions", len, NULL,
			      "an instruction of a length that cannot be");
}

static int body_decode(const uint8_t *p, size_t len, enum flow_instruction kind, struct flow_instructions *i,
		       struct flow_error *e)
{
	const size_t want = kind == FLOW_INST_METADATA ? METADATA_LEN : INSTRUCTION_LEN;

	switch (kind) {
	case FLOW_INST_WRITE:
		return ofp_actions_decode(p + 8, len - 8, &i->write, e);
	case FLOW_INST_APPLY:
		return ofp_actions_decode(p + 8, len - 8, &i->apply, e);
	default:
		if (len != want)
			return length_refuse(e, len);
	}
	if (kind == FLOW_INST_GOTO)
		i->goto_table = p[4];
	if (kind == FLOW_INST_METER)
		i->meter = wire_u32(p + 4);
	if (kind == FLOW_INST_METADATA) {
		i->metadata = wire_u64(p + 8);
		i->metadata_mask = wire_u64(p + 16);
	}
	return 0;
}

static int instruction_decode(const uint8_t *p, size_t left, struct flow_instructions *i, size_t *len,
			      struct flow_error *e)
{
	const unsigned int type = left >= 4 ? wire_u16(p) : 0;
	enum flow_instruction kind;

	*len = left >= 4 ? wire_u16(p + 2) : 0;
	if (*len < INSTRUCTION_LEN || *len % 8 != 0 || *len > left)
		return length_refuse(e, *len);
	if (type == OFP_EXPERIMENTER)
		return flow_error_int(e, OFPBIC_BAD_EXPERIMENTER, "instructions", wire_u32(p + 4), NULL,
				      "an instruction of an unknown experimenter");
	if (type < OFPIT_GOTO_TABLE || type > OFPIT_METER)
		return flow_error_int(e, OFPBIC_UNKNOWN_INST, "instructions", type, NULL,
				      "unknown type of instruction");
	kind = (enum flow_instruction)(1u << (type - OFPIT_GOTO_TABLE));
	if (i->has & kind)
		return flow_error_int(e, OFPBIC_UNSUP_INST, "instructions", type, NULL, "an instruction comes twice");
	i->has |= (uint8_t)kind;
	return body_decode(p, *len, kind, i, e);
}

int ofp_instructions_decode(const uint8_t *p, size_t len, struct flow_instructions *i, struct flow_error *e)
{
	size_t used = 0;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += used)
		rc = instruction_decode(p + at, len - at, i, &used, e);
	if (rc < 0)
		flow_instructions_clear(i);
	return rc;
}

static void list_encode(struct wire *w, uint16_t type, const struct flow_actions *a)
{
	const size_t start = w->len;
	uint8_t *p = wire_put(w, INSTRUCTION_LEN);

	wire_set16(p, type);
	ofp_actions_encode(w, a);
	wire_set16(p + 2, (uint16_t)(w->len - start));
}

static void number_encode(struct wire *w, uint16_t type, uint32_t number)
{
	uint8_t *p = wire_put(w, INSTRUCTION_LEN);

	wire_set16(p, type);
	wire_set16(p + 2, INSTRUCTION_LEN);
	wire_set32(p + 4, number);
}

void ofp_instructions_encode(struct wire *w, const struct flow_instructions *i)
{
	if (i->has & FLOW_INST_METER)
		number_encode(w, OFPIT_METER, i->meter);
	if (i->has & FLOW_INST_APPLY)
		list_encode(w, OFPIT_APPLY_ACTIONS, &i->apply);
	if (i->has & FLOW_INST_CLEAR)
		number_encode(w, OFPIT_CLEAR_ACTIONS, 0);
	if (i->has & FLOW_INST_WRITE)
		list_encode(w, OFPIT_WRITE_ACTIONS, &i->write);
	if (i->has & FLOW_INST_METADATA) {
		uint8_t *p = wire_put(w, METADATA_LEN);

		wire_set16(p, OFPIT_WRITE_METADATA);
		wire_set16(p + 2, METADATA_LEN);
		wire_set64(p + 8, i->metadata);
		wire_set64(p + 16, i->metadata_mask);
	}
	if (i->has & FLOW_INST_GOTO)
		number_encode(w, OFPIT_GOTO_TABLE, (uint32_t)i->goto_table << 24);
}

// --- buckets ---------------------------------------------------------------------------------------------------------

static int bucket_decode(const uint8_t *p, size_t left, struct group_mod *m, size_t *len, struct flow_error *e)
{
	struct group_bucket *b;

	*len = left >= 2 ? wire_u16(p) : 0;
	if (*len < BUCKET_LEN || *len % 8 != 0 || *len > left)
		return flow_error_int(e, OFPGMFC_BAD_BUCKET, "buckets", *len, NULL,
				      "a bucket of a length that cannot be");
	b = group_mod_add(m);
	if (b == NULL)
		return flow_error_set(e, OFPGMFC_OUT_OF_BUCKETS, "buckets", NULL, NULL, "no memory for the buckets");
	b->weight = wire_u16(p + 2);
	b->watch_port = wire_u32(p + 4);
	b->watch_group = wire_u32(p + 8);
	return ofp_actions_decode(p + BUCKET_LEN, *len - BUCKET_LEN, &b->actions, e);
}

int ofp_buckets_decode(const uint8_t *p, size_t len, struct group_mod *m, struct flow_error *e)
{
	size_t used = 0;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += used)
		rc = bucket_decode(p + at, len - at, m, &used, e);
	if (rc < 0)
		group_mod_clear(m);
	return rc;
}

void ofp_buckets_encode(struct wire *w, const struct group_mod *m)
{
	for (uint32_t i = 0; i < m->nbuckets; i++) {
		const struct group_bucket *b = &m->buckets[i];
		const size_t start = w->len;
		uint8_t *p = wire_put(w, BUCKET_LEN);

		wire_set16(p + 2, b->weight);
		wire_set32(p + 4, b->watch_port);
		wire_set32(p + 8, b->watch_group);
		ofp_actions_encode(w, &b->actions);
		wire_set16(p, (uint16_t)(w->len - start));
	}
}

// --- bands -----------------------------------------------------------------------------------------------------------

int ofp_bands_decode(const uint8_t *p, size_t len, struct meter_mod *m, struct flow_error *e)
{
	for (size_t at = 0; at < len; at += BAND_LEN, p += BAND_LEN) {
		struct meter_band *b = &m->bands[m->nbands];
		const size_t left = len - at;

		// All bands are of one length, those of experimenters and of types to come perhaps not.
		if (left < 4 || wire_u16(p + 2) < 4 || wire_u16(p + 2) > left)
			return flow_error_int(e, OFPBRC_BAD_LEN, "bands", left, NULL, "a band is cut off");
		if (wire_u16(p) != METER_DROP && wire_u16(p) != METER_DSCP_REMARK)
			return flow_error_int(e, OFPMMFC_BAD_BAND, "bands.type", wire_u16(p), "drop or dscp_remark",
					      "unknown type of band");
		if (wire_u16(p + 2) != BAND_LEN)
			return flow_error_int(e, OFPBRC_BAD_LEN, "bands", wire_u16(p + 2), "16",
					      "a band of another length");
		if (m->nbands == METER_BANDS_MAX)
			return flow_error_int(e, OFPMMFC_OUT_OF_BANDS, "bands", len / BAND_LEN, "16 bands at most",
					      "too many bands");
		*b = (struct meter_band){.type = wire_u16(p), .rate = wire_u32(p + 4), .burst = wire_u32(p + 8)};
		if (b->type == METER_DSCP_REMARK)
			b->prec_level = p[12];
		m->nbands++;
	}
	return 0;
}

void ofp_bands_encode(struct wire *w, const struct meter_mod *m)
{
	for (uint32_t i = 0; i < m->nbands; i++) {
		const struct meter_band *b = &m->bands[i];
		uint8_t *p = wire_put(w, BAND_LEN);

		wire_set16(p, b->type);
		wire_set16(p + 2, BAND_LEN);
		wire_set32(p + 4, b->rate);
		wire_set32(p + 8, b->burst);
		p[12] = b->prec_level;
	}
}
