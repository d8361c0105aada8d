/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_key.h"

#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP4 1
#define PROTO_ICMP6 58
#define PROTO_SCTP 132
#define ND_SOLICIT 135
#define ND_ADVERTISE 136

const struct flow_field_info flow_field_info[FLOW_FIELD_COUNT] = {
#define X(oxm, NAME, text, w, low, width, size, may_mask, prereq, presence)                                            \
	[oxm] = {.name = (text),                                                                                       \
		 .word = (w),                                                                                          \
		 .shift = (low),                                                                                       \
		 .bits = (width),                                                                                      \
		 .bytes = (size),                                                                                      \
		 .maskable = (may_mask),                                                                               \
		 .pre = FLOW_PRE_##prereq,                                                                             \
		 .has = (presence)},
	FLOW_FIELDS(X)
#undef X
};

static uint64_t low_bits(uint32_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

struct flow_value flow_field_ones(enum flow_field field)
{
	const uint32_t bits = flow_field_info[field].bits;

	return (struct flow_value){.hi = bits > 64 ? UINT64_MAX : 0, .lo = low_bits(bits)};
}

struct flow_value flow_key_get(const struct flow_key *key, enum flow_field field)
{
	const struct flow_field_info *const f = &flow_field_info[field];

	if (f->bits > 64)
		return (struct flow_value){.hi = key->word[f->word], .lo = key->word[f->word + 1]};
	return (struct flow_value){.lo = key->word[f->word] >> f->shift & low_bits(f->bits)};
}

static void put(struct flow_key *key, const struct flow_field_info *f, struct flow_value value)
{
	if (f->bits > 64) {
		key->word[f->word] = value.hi;
		key->word[f->word + 1] = value.lo;
		return;
	}
	uint64_t *const w = &key->word[f->word];

	*w = (*w & ~(low_bits(f->bits) << f->shift)) | (value.lo & low_bits(f->bits)) << f->shift;
}

void flow_key_set(struct flow_key *key, struct flow_key *mask, enum flow_field field, struct flow_value value,
		  struct flow_value value_mask)
{
	const struct flow_field_info *const f = &flow_field_info[field];
	const struct flow_value ones = flow_field_ones(field);

	if (mask == NULL) {
		put(key, f, value);
		key->word[1] |= f->has;
		return;
	}
	put(key, f, (struct flow_value){.hi = value.hi & value_mask.hi, .lo = value.lo & value_mask.lo});
	put(mask, f, value_mask);
	if (((value_mask.hi & ones.hi) | (value_mask.lo & ones.lo)) == 0)
		return;
	key->word[1] |= f->has;
	mask->word[1] |= f->has;
}

// Whether the match asks for exactly this value of a field.
static bool says(const struct flow_key *key, const struct flow_key *mask, enum flow_field field, uint64_t value)
{
	return flow_key_get(mask, field).lo == flow_field_ones(field).lo && flow_key_get(key, field).lo == value;
}

static bool says_type(const struct flow_key *key, const struct flow_key *mask, uint64_t type)
{
	return says(key, mask, FLOW_FIELD_ETH_TYPE, type);
}

static bool says_ip(const struct flow_key *key, const struct flow_key *mask)
{
	return says_type(key, mask, TYPE_IP4) || says_type(key, mask, TYPE_IP6);
}

static bool says_proto(const struct flow_key *key, const struct flow_key *mask, uint64_t proto)
{
	return says(key, mask, FLOW_FIELD_IP_PROTO, proto);
}

static bool says_nd(const struct flow_key *key, const struct flow_key *mask, uint64_t type)
{
	return says_type(key, mask, TYPE_IP6) && says_proto(key, mask, PROTO_ICMP6) &&
	       says(key, mask, FLOW_FIELD_ICMPV6_TYPE, type);
}

bool flow_key_prereq_ok(const struct flow_key *key, const struct flow_key *mask, enum flow_field field)
{
	switch (flow_field_info[field].pre) {
	case FLOW_PRE_NONE:
		return true;
	case FLOW_PRE_IN_PORT:
		return flow_key_get(mask, FLOW_FIELD_IN_PORT).lo != 0;
	case FLOW_PRE_VLAN:
		// Any VLAN will do, too: the presence bit, masked.
		return (flow_key_get(mask, FLOW_FIELD_VLAN_VID).lo & flow_key_get(key, FLOW_FIELD_VLAN_VID).lo &
			FLOW_VLAN_PRESENT) != 0;
	case FLOW_PRE_IP:
		return says_ip(key, mask);
	case FLOW_PRE_IP4:
		return says_type(key, mask, TYPE_IP4);
	case FLOW_PRE_IP6:
		return says_type(key, mask, TYPE_IP6);
	case FLOW_PRE_ARP:
		return says_type(key, mask, 0x0806);
	case FLOW_PRE_MPLS:
		return says_type(key, mask, 0x8847) || says_type(key, mask, 0x8848);
	case FLOW_PRE_PBB:
		return says_type(key, mask, 0x88e7);
	case FLOW_PRE_TCP:
		return says_ip(key, mask) && says_proto(key, mask, PROTO_TCP);
	case FLOW_PRE_UDP:
		return says_ip(key, mask) && says_proto(key, mask, PROTO_UDP);
	case FLOW_PRE_SCTP:
		return says_ip(key, mask) && says_proto(key, mask, PROTO_SCTP);
	case FLOW_PRE_ICMP4:
		return says_type(key, mask, TYPE_IP4) && says_proto(key, mask, PROTO_ICMP4);
	case FLOW_PRE_ICMP6:
		return says_type(key, mask, TYPE_IP6) && says_proto(key, mask, PROTO_ICMP6);
	case FLOW_PRE_ND:
		return says_nd(key, mask, ND_SOLICIT) || says_nd(key, mask, ND_ADVERTISE);
	case FLOW_PRE_ND_SLL:
		return says_nd(key, mask, ND_SOLICIT);
	case FLOW_PRE_ND_TLL:
		return says_nd(key, mask, ND_ADVERTISE);
	}
	return false;
}

uint64_t flow_key_fields(const struct flow_key *key, const struct flow_key *mask)
{
	uint64_t fields = 0;

	for (enum flow_field i = 0; i < FLOW_FIELD_COUNT; i++) {
		const struct flow_value m = flow_key_get(mask, i);

		if ((m.hi | m.lo) != 0 && flow_key_prereq_ok(key, mask, i))
			fields |= UINT64_C(1) << i;
	}
	return fields;
}
