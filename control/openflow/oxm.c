/* SPDX-License-Identifier: BSD-3-Clause */
#include "oxm.h"

#include <stdio.h>

#define OXM_HEADER 4
#define HAS_MASK 0x100u // of a header

uint32_t oxm_header(enum flow_field field)
{
	return (uint32_t)OFPXMC_OPENFLOW_BASIC << 16 | (uint32_t)field << 9 | flow_field_info[field].bytes;
}

int oxm_field(uint32_t header)
{
	const uint32_t field = header >> 9 & 0x7f;

	return header >> 16 == OFPXMC_OPENFLOW_BASIC && field < FLOW_FIELD_COUNT ? (int)field : -1;
}

struct flow_value oxm_value_get(enum flow_field field, const uint8_t *p)
{
	struct flow_value v = {.lo = 0};

	if (flow_field_info[field].bytes == 16)
		return (struct flow_value){.hi = wire_u64(p), .lo = wire_u64(p + 8)};
	for (unsigned int i = 0; i < flow_field_info[field].bytes; i++)
		v.lo = v.lo << 8 | p[i];
	return v;
}

void oxm_value_put(enum flow_field field, uint8_t *p, struct flow_value value)
{
	if (flow_field_info[field].bytes == 16) {
		wire_set64(p, value.hi);
		wire_set64(p + 8, value.lo);
		return;
	}
	for (unsigned int i = flow_field_info[field].bytes; i-- > 0; value.lo >>= 8)
		p[i] = (uint8_t)value.lo;
}

static int refuse(struct flow_error *e, enum flow_errno what, uint32_t header, const char *message)
{
	char text[16];

	snprintf(text, sizeof(text), "\"0x%08x\"", header);
	return flow_error_set(e, what, "match", text, NULL, "%s", message);
}

// Reads one TLV of at most `len` bytes; *used: its length.
static int tlv_decode(const uint8_t *p, size_t len, struct flow_match *m, size_t *used, struct flow_error *e)
{
	struct flow_value value, mask;
	uint32_t header;
	size_t size;
	bool masked;
	int field;

	if (len < OXM_HEADER)
		return flow_error_set(e, OFPBMC_BAD_LEN, "match", NULL, NULL, "a field ends before its header does");
	header = wire_u32(p);
	masked = (header & HAS_MASK) != 0;
	field = oxm_field(header);
	*used = OXM_HEADER + (header & 0xff);
	if (*used > len)
		return refuse(e, OFPBMC_BAD_LEN, header, "a field goes beyond the match");
	if (field < 0)
		return refuse(e, OFPBMC_BAD_FIELD, header, "unknown field");
	size = flow_field_info[field].bytes;
	if (*used != OXM_HEADER + (masked ? 2 * size : size))
		return refuse(e, OFPBMC_BAD_LEN, header, "a field of another length");
	value = oxm_value_get((enum flow_field)field, p + OXM_HEADER);
	if (masked)
		mask = oxm_value_get((enum flow_field)field, p + OXM_HEADER + size);
	return flow_match_add(m, (enum flow_field)field, value, masked ? &mask : NULL, e);
}

int oxm_match_decode(const uint8_t *p, size_t len, struct flow_match *m, size_t *used, struct flow_error *e)
{
	size_t end, size = 0;
	int rc = 0;

	*m = (struct flow_match){.given = 0};
	if (len < 8)
		return flow_error_set(e, OFPBMC_BAD_LEN, "match", NULL, NULL, "the match is cut off");
	if (wire_u16(p) != OFPMT_OXM)
		return flow_error_int(e, OFPBMC_BAD_TYPE, "match.type", wire_u16(p), "1 (OXM)",
				      "a match of another type");
	end = wire_u16(p + 2);
	*used = wire_pad8(end);
	if (end < 4 || *used > len)
		return flow_error_int(e, OFPBMC_BAD_LEN, "match.length", end, NULL, "the match is cut off");
	for (size_t at = 4; rc == 0 && at < end; at += size)
		rc = tlv_decode(p + at, end - at, m, &size, e);
	return rc;
}

static void tlv_encode(struct wire *w, const struct flow_match *m, enum flow_field field)
{
	const struct flow_value mask = flow_key_get(&m->mask, field);
	const bool exact = flow_match_exact(field, mask);
	const unsigned int size = flow_field_info[field].bytes;
	uint8_t *p = wire_put(w, OXM_HEADER + (exact ? size : 2 * size));

	wire_set32(p, exact ? oxm_header(field) : oxm_header(field) + size + HAS_MASK);
	oxm_value_put(field, p + OXM_HEADER, flow_key_get(&m->key, field));
	if (!exact)
		oxm_value_put(field, p + OXM_HEADER + size, mask);
}

void oxm_match_encode(struct wire *w, const struct flow_match *m)
{
	const size_t start = w->len;
	uint64_t fields = flow_key_fields(&m->key, &m->mask);
	uint8_t *p = wire_put(w, 4);

	wire_set16(p, OFPMT_OXM);
	for (; fields != 0; fields &= fields - 1)
		tlv_encode(w, m, (enum flow_field)__builtin_ctzll(fields));
	wire_set16(p + 2, (uint16_t)(w->len - start));
	wire_align(w, start);
}
