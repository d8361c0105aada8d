/* SPDX-License-Identifier: BSD-3-Clause */
// The first 64 bytes of a frame, without what no rule asks for: what a flow cache tells flows apart by.
//
// Purpose: packets that no rule of a bridge can tell apart shall share one cache entry, and to find it must cost no
// parsing: one masked load.
//
// Design: frames are of a *class* (by EtherType and IP protocol) and have 0 to 2 VLAN tags. For each of these shapes
// there is a mask of the window's bits. It always holds the EtherTypes and the IP protocol, so that windows of two
// shapes are never equal, and besides that what the rules that can meet this class ask for (struct flow_used). Whatever
// a fixed mask does not describe has no shape and is to be parsed: IPv4 options, fragments, IPv6 extension headers,
// neighbour discovery, headers that are cut off or contradict their lengths, more tags, frames without EtherType.
//   So: two frames of the same shape whose masked windows are equal have keys that agree in all bits that any rule asks
// for. It holds for the fields as the frame came in. A verdict that depends on more must not be kept by this key: one
// that goes on to another table after the frame's class has changed or a header has come to light (push or pop of
// MPLS or PBB, set-field of eth_type or ip_proto). What lies beneath a popped VLAN tag is in the window.
//
// Threads: pure functions.
#ifndef FLOW_WINDOW_H
#define FLOW_WINDOW_H

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include "flow_key.h"

#define FLOW_WINDOW 64      // bytes
#define FLOW_WINDOW_DATA 62 // of them from the frame; the last two are the caller's, such as the port
#define FLOW_WINDOW_TAGS 2

enum flow_class {
	FLOW_CLASS_IP4,       // of another protocol than the following
	FLOW_CLASS_IP4_PORTS, // TCP, UDP, SCTP
	FLOW_CLASS_IP4_ICMP,
	FLOW_CLASS_IP6,
	FLOW_CLASS_IP6_PORTS,
	FLOW_CLASS_IP6_ICMP,
	FLOW_CLASS_ARP,
	FLOW_CLASS_MPLS,
	FLOW_CLASS_PBB,
	FLOW_CLASS_OTHER,
	FLOW_CLASS_COUNT
};

#define FLOW_CLASS_ALL ((1u << FLOW_CLASS_COUNT) - 1)
#define FLOW_SHAPES ((FLOW_WINDOW_TAGS + 1) * FLOW_CLASS_COUNT) // shape: tags * FLOW_CLASS_COUNT + class
#define FLOW_SHAPES_ALL ((1u << FLOW_SHAPES) - 1)
#define FLOW_SHAPE_NONE UINT32_MAX

// For each class, all bits that rules that can meet it ask for.
struct flow_used {
	struct flow_key mask[FLOW_CLASS_COUNT];
};

// The masks of a set of flow tables.
struct flow_window_masks {
	uint8_t byte[FLOW_SHAPES][FLOW_WINDOW]; // the last two bytes are 0xff
	uint32_t shapes;                        // bit i: what rules ask of shape i lies within the window
} __rte_cache_aligned;

// The classes whose packets a rule can meet: bit i for class i.
uint32_t flow_class_of(const struct flow_key *key, const struct flow_key *mask);

// Makes the masks. Cost: some us.
void flow_window_masks_make(const struct flow_used *used, struct flow_window_masks *masks);

static inline uint32_t flow_window_be16(const uint8_t *b)
{
	uint16_t v;

	memcpy(&v, b, sizeof(v));
	return rte_be_to_cpu_16(v);
}

// By IP protocol: how long the header is that holds the fields of its class, and how far the class is from the first of
// its IP version; FLOW_PROTO_NONE: it is to be parsed.
#define FLOW_PROTO_NONE 0xff

struct flow_proto {
	uint8_t class_offset, l4_bytes;
};

extern const struct flow_proto flow_proto_ip4[256], flow_proto_ip6[256];

// The shape of an IPv4 packet at p with n bytes from there on, n at least 20.
static __rte_always_inline uint32_t flow_shape_ip4(const uint8_t *p, uint32_t n)
{
	const struct flow_proto proto = flow_proto_ip4[p[9]];
	const uint32_t total = RTE_MIN(flow_window_be16(p + 2), n);

	if (p[0] != 0x45 || (flow_window_be16(p + 6) & 0x3fff) != 0 || total < 20u + proto.l4_bytes)
		return FLOW_SHAPE_NONE;
	return FLOW_CLASS_IP4 + proto.class_offset;
}

static __rte_always_inline uint32_t flow_shape_ip6(const uint8_t *p, uint32_t n)
{
	const struct flow_proto proto = flow_proto_ip6[p[6]];

	if (p[0] >> 4 != 6 || proto.class_offset == FLOW_PROTO_NONE || n < 40u + proto.l4_bytes ||
	    flow_window_be16(p + 4) < proto.l4_bytes)
		return FLOW_SHAPE_NONE;
	// Neighbour discovery has more fields, and options.
	if (proto.class_offset == 2 && (p[40] == 135 || p[40] == 136))
		return FLOW_SHAPE_NONE;
	return FLOW_CLASS_IP6 + proto.class_offset;
}

// All but IP: rare enough for a function.
uint32_t flow_shape_other(const uint8_t *p, uint32_t n, uint32_t type);

// The shape of a frame, FLOW_SHAPE_NONE if it has to be parsed. Reads nothing from len on. Cost: some cycles.
static __rte_always_inline uint32_t flow_shape(const uint8_t *data, uint32_t len)
{
	uint32_t l3 = 14, tags = 0, type, class;

	// What is read below without further checks: the bytes up to the IPv4 protocol or EtherType behind two tags.
	if (unlikely(len < 34))
		return FLOW_SHAPE_NONE;
	type = flow_window_be16(data + 12);
	while (type == 0x8100 || type == 0x88a8) {
		if (tags++ == FLOW_WINDOW_TAGS)
			return FLOW_SHAPE_NONE;
		type = flow_window_be16(data + l3 + 2);
		l3 += 4;
	}
	if (type == 0x0800 && len >= l3 + 20)
		class = flow_shape_ip4(data + l3, len - l3);
	else if (type == 0x86dd && len >= l3 + 40)
		class = flow_shape_ip6(data + l3, len - l3);
	else
		class = flow_shape_other(data + l3, len - l3, type);
	return class == FLOW_SHAPE_NONE ? class : tags * FLOW_CLASS_COUNT + class;
}

#endif
