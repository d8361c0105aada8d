/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_window.h"

#define PORTS 1 // class offsets
#define ICMP 2

const struct flow_proto flow_proto_ip4[256] = {
	[1] = {ICMP, 8},
	[6] = {PORTS, 20},
	[17] = {PORTS, 8},
	[132] = {PORTS, 12},
};

const struct flow_proto flow_proto_ip6[256] = {
	[6] = {PORTS, 20},
	[17] = {PORTS, 8},
	[132] = {PORTS, 12},
	[58] = {ICMP, 4},
	// Extension headers: hop-by-hop, routing, fragment, ESP, authentication, none, destination options.
	[0] = {FLOW_PROTO_NONE, 0},
	[43] = {FLOW_PROTO_NONE, 0},
	[44] = {FLOW_PROTO_NONE, 0},
	[50] = {FLOW_PROTO_NONE, 0},
	[51] = {FLOW_PROTO_NONE, 0},
	[59] = {FLOW_PROTO_NONE, 0},
	[60] = {FLOW_PROTO_NONE, 0},
};

uint32_t flow_shape_other(const uint8_t *p, uint32_t n, uint32_t type)
{
	static const uint8_t arp[6] = {0, 1, 8, 0, 6, 4};

	switch (type) {
	case 0x0800:
	case 0x86dd:
		return FLOW_SHAPE_NONE;
	case 0x0806:
		return n >= 28 && memcmp(p, arp, sizeof(arp)) == 0 ? FLOW_CLASS_ARP : FLOW_SHAPE_NONE;
	case 0x8847:
	case 0x8848:
		return n >= 4 ? FLOW_CLASS_MPLS : FLOW_SHAPE_NONE;
	case 0x88e7:
		return n >= 4 ? FLOW_CLASS_PBB : FLOW_SHAPE_NONE;
	default:
		return type >= 0x600 ? FLOW_CLASS_OTHER : FLOW_SHAPE_NONE;
	}
}

// The classes of an IP version: all three, unless the match names the protocol.
static uint32_t classes_of_ip(enum flow_class first, const struct flow_proto *protos, const struct flow_key *key,
			      const struct flow_key *mask)
{
	const uint8_t proto = (uint8_t)flow_key_get(key, FLOW_FIELD_IP_PROTO).lo;

	if (flow_key_get(mask, FLOW_FIELD_IP_PROTO).lo != UINT8_MAX)
		return 7u << first;
	// Those that are always parsed are in the class of all others.
	return 1u << first << (protos[proto].class_offset == FLOW_PROTO_NONE ? 0 : protos[proto].class_offset);
}

uint32_t flow_class_of(const struct flow_key *key, const struct flow_key *mask)
{
	if (flow_key_get(mask, FLOW_FIELD_ETH_TYPE).lo != UINT16_MAX)
		return FLOW_CLASS_ALL;
	switch (flow_key_get(key, FLOW_FIELD_ETH_TYPE).lo) {
	case 0x0800:
		return classes_of_ip(FLOW_CLASS_IP4, flow_proto_ip4, key, mask);
	case 0x86dd:
		return classes_of_ip(FLOW_CLASS_IP6, flow_proto_ip6, key, mask);
	case 0x0806:
		return 1u << FLOW_CLASS_ARP;
	case 0x8847:
	case 0x8848:
		return 1u << FLOW_CLASS_MPLS;
	case 0x88e7:
		return 1u << FLOW_CLASS_PBB;
	default:
		return 1u << FLOW_CLASS_OTHER;
	}
}

// A mask under construction.
struct window {
	uint8_t *byte; // [FLOW_WINDOW]
	bool fits;
};

// Adds the bits of a number of `bytes` bytes, in network order, at an offset.
static void put(struct window *w, uint32_t offset, uint32_t bytes, uint64_t bits)
{
	for (uint32_t i = 0; i < bytes; i++) {
		const uint8_t byte = (uint8_t)(bits >> 8 * (bytes - 1 - i));

		if (byte == 0)
			continue;
		if (offset + i < FLOW_WINDOW_DATA)
			w->byte[offset + i] |= byte;
		else
			w->fits = false;
	}
}

static void put_l4(struct window *w, uint32_t l4, uint32_t class_offset, const struct flow_key *m)
{
	if (class_offset == PORTS)
		put(w, l4, 4, m->word[1] >> 32);
	if (class_offset == ICMP) {
		put(w, l4, 1, flow_key_get(m, FLOW_FIELD_ICMPV4_TYPE).lo);
		put(w, l4 + 1, 1, flow_key_get(m, FLOW_FIELD_ICMPV4_CODE).lo);
	}
}

static uint64_t tos_of(const struct flow_key *m)
{
	return flow_key_get(m, FLOW_FIELD_IP_DSCP).lo << 2 | flow_key_get(m, FLOW_FIELD_IP_ECN).lo;
}

static void put_ip4(struct window *w, uint32_t l3, uint32_t class_offset, const struct flow_key *m)
{
	put(w, l3 + 1, 1, tos_of(m));
	put(w, l3 + 9, 1, UINT8_MAX);
	put(w, l3 + 12, 8, m->word[2]);
	put_l4(w, l3 + 20, class_offset, m);
}

static void put_ip6(struct window *w, uint32_t l3, uint32_t class_offset, const struct flow_key *m)
{
	put(w, l3, 4, tos_of(m) << 20 | flow_key_get(m, FLOW_FIELD_IPV6_FLABEL).lo);
	put(w, l3 + 6, 1, UINT8_MAX);
	put(w, l3 + 8, 8, m->word[6]);
	put(w, l3 + 16, 8, m->word[7]);
	put(w, l3 + 24, 8, m->word[2]);
	put(w, l3 + 32, 8, m->word[3]);
	put_l4(w, l3 + 40, class_offset, m);
}

static void put_arp(struct window *w, uint32_t l3, const struct flow_key *m)
{
	put(w, l3 + 6, 2, flow_key_get(m, FLOW_FIELD_ARP_OP).lo);
	put(w, l3 + 8, 6, flow_key_get(m, FLOW_FIELD_ARP_SHA).lo);
	put(w, l3 + 14, 4, flow_key_get(m, FLOW_FIELD_ARP_SPA).lo);
	put(w, l3 + 18, 6, flow_key_get(m, FLOW_FIELD_ARP_THA).lo);
	put(w, l3 + 24, 4, flow_key_get(m, FLOW_FIELD_ARP_TPA).lo);
}

static void put_class(struct window *w, uint32_t l3, enum flow_class class, const struct flow_key *m)
{
	switch (class) {
	case FLOW_CLASS_IP4:
	case FLOW_CLASS_IP4_PORTS:
	case FLOW_CLASS_IP4_ICMP:
		put_ip4(w, l3, class - FLOW_CLASS_IP4, m);
		break;
	case FLOW_CLASS_IP6:
	case FLOW_CLASS_IP6_PORTS:
	case FLOW_CLASS_IP6_ICMP:
		put_ip6(w, l3, class - FLOW_CLASS_IP6, m);
		break;
	case FLOW_CLASS_ARP:
		put_arp(w, l3, m);
		break;
	case FLOW_CLASS_MPLS:
		// Label, traffic class and bottom of stack are in a row in both.
		put(w, l3, 4, m->word[1] >> 40 << 8);
		break;
	case FLOW_CLASS_PBB:
		put(w, l3, 4, flow_key_get(m, FLOW_FIELD_PBB_ISID).lo);
		break;
	case FLOW_CLASS_OTHER:
	case FLOW_CLASS_COUNT:
		break;
	}
}

void flow_window_masks_make(const struct flow_used *used, struct flow_window_masks *masks)
{
	*masks = (struct flow_window_masks){0};
	for (uint32_t shape = 0; shape < FLOW_SHAPES; shape++) {
		const uint32_t tags = shape / FLOW_CLASS_COUNT, class = shape % FLOW_CLASS_COUNT;
		const struct flow_key *const m = &used->mask[class];
		// Of the bits in the key, the tag has all in their places but the one that says that it is there.
		const uint64_t tci = m->word[0] & 0xefff;
		struct window w = {.byte = masks->byte[shape], .fits = true};

		put(&w, 0, 6, flow_key_get(m, FLOW_FIELD_ETH_DST).lo);
		put(&w, 6, 6, flow_key_get(m, FLOW_FIELD_ETH_SRC).lo);
		put(&w, 12, 2, UINT16_MAX);
		for (uint32_t t = 0; t < tags; t++) {
			put(&w, 14 + 4 * t, 2, tci);
			put(&w, 16 + 4 * t, 2, UINT16_MAX);
		}
		put_class(&w, 14 + 4 * tags, class, m);
		memset(&w.byte[FLOW_WINDOW_DATA], 0xff, FLOW_WINDOW - FLOW_WINDOW_DATA);
		masks->shapes |= (uint32_t)w.fits << shape;
	}
}
