/* SPDX-License-Identifier: BSD-3-Clause */
// Set-field.
#include <netinet/in.h>

#include "flow_edit.h"
#include "flow_exec_priv.h"

#define STEPS_MAX 16 // extension headers and options that are looked at, as the parser does
#define TAG 14       // the outermost VLAN tag's control information
#define ND_SOLICIT 135

// What the chain of an IPv6 packet's extension headers says.
struct chain {
	uint32_t next; // offset of the next header field of the last one
	bool routed;   // a routing header has another destination, which the checksum covers
};

static struct chain chain_walk(const struct flow_packet *p)
{
	const uint8_t *const data = rte_pktmbuf_mtod(p->m, const uint8_t *);
	struct chain c = {.next = p->layers.l3 + 6u};
	uint32_t at = p->layers.l3 + 40u;

	for (uint32_t i = 0; i < STEPS_MAX && at + 8 <= p->layers.end; i++) {
		const uint8_t type = data[c.next];
		uint32_t bytes = (data[at + 1] + 1u) * 8;

		if (type == IPPROTO_FRAGMENT)
			bytes = 8;
		else if (type == IPPROTO_AH)
			bytes = (data[at + 1] + 2u) * 4;
		else if (type != IPPROTO_HOPOPTS && type != IPPROTO_DSTOPTS && type != IPPROTO_ROUTING)
			break;
		if (at + bytes > p->layers.end)
			break;
		c.routed |= type == IPPROTO_ROUTING && data[at + 3] != 0;
		c.next = at;
		at += bytes;
		if (type == IPPROTO_FRAGMENT && (flow_edit_get(data + c.next + 2, 2) & 0xfff8) != 0)
			break;
	}
	return c;
}

// The offset of the link layer address in the option that the parser found.
static uint32_t nd_address(const struct flow_packet *p)
{
	const uint8_t *const data = rte_pktmbuf_mtod(p->m, const uint8_t *);
	const uint8_t option = data[p->layers.l4] == ND_SOLICIT ? 1 : 2;
	uint32_t at = p->layers.l4 + 24u;

	while (data[at] != option || data[at + 1] != 1)
		at += data[at + 1] * 8u;
	return at + 2;
}

static bool is_ip4(const struct flow_packet *p)
{
	return (*rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->layers.l3) >> 4) == 4;
}

static void set_address6(struct flow_packet *p, uint32_t at, struct flow_value value, uint32_t cover)
{
	flow_edit(p, at, 8, UINT64_MAX, value.hi, cover);
	flow_edit(p, at + 8, 8, UINT64_MAX, value.lo, cover);
}

static void set_l2(struct flow_packet *p, enum flow_field field, uint64_t value)
{
	switch (field) {
	case FLOW_FIELD_ETH_DST:
		flow_edit(p, 0, 6, UINT64_MAX, value, 0);
		break;
	case FLOW_FIELD_ETH_SRC:
		flow_edit(p, 6, 6, UINT64_MAX, value, 0);
		break;
	case FLOW_FIELD_ETH_TYPE:
		flow_edit(p, p->layers.l3 - 2u, 2, UINT64_MAX, value, 0);
		break;
	case FLOW_FIELD_VLAN_VID:
		flow_edit(p, TAG, 2, 0x0fff, value, 0);
		break;
	case FLOW_FIELD_VLAN_PCP:
		flow_edit(p, TAG, 2, 0xe000, value << 13, 0);
		break;
	default:
		break;
	}
}

static void set_ip(struct flow_packet *p, enum flow_field field, struct flow_value value)
{
	const uint32_t l3 = p->layers.l3;

	switch (field) {
	case FLOW_FIELD_IP_DSCP:
		if (is_ip4(p))
			flow_edit(p, l3 + 1, 1, 0xfc, value.lo << 2, FLOW_COVER_IP4);
		else
			flow_edit(p, l3, 2, 0x0fc0, value.lo << 6, 0);
		break;
	case FLOW_FIELD_IP_ECN:
		if (is_ip4(p))
			flow_edit(p, l3 + 1, 1, 0x03, value.lo, FLOW_COVER_IP4);
		else
			flow_edit(p, l3, 2, 0x0030, value.lo << 4, 0);
		break;
	case FLOW_FIELD_IP_PROTO:
		if (is_ip4(p))
			flow_edit_proto(p, l3 + 9, (uint8_t)value.lo, FLOW_COVER_IP4);
		else
			flow_edit_proto(p, chain_walk(p).next, (uint8_t)value.lo, 0);
		break;
	case FLOW_FIELD_IPV4_SRC:
		flow_edit(p, l3 + 12, 4, UINT64_MAX, value.lo, FLOW_COVER_IP4 | FLOW_COVER_PSEUDO);
		break;
	case FLOW_FIELD_IPV4_DST:
		flow_edit(p, l3 + 16, 4, UINT64_MAX, value.lo, FLOW_COVER_IP4 | FLOW_COVER_PSEUDO);
		break;
	case FLOW_FIELD_IPV6_SRC:
		set_address6(p, l3 + 8, value, FLOW_COVER_PSEUDO);
		break;
	case FLOW_FIELD_IPV6_DST:
		set_address6(p, l3 + 24, value, chain_walk(p).routed ? 0 : FLOW_COVER_PSEUDO);
		break;
	case FLOW_FIELD_IPV6_FLABEL:
		flow_edit(p, l3, 4, 0xfffff, value.lo, 0);
		break;
	default:
		break;
	}
}

static void set_l4(struct flow_packet *p, enum flow_field field, struct flow_value value)
{
	const uint32_t l4 = p->layers.l4;

	switch (field) {
	case FLOW_FIELD_TCP_SRC:
	case FLOW_FIELD_UDP_SRC:
	case FLOW_FIELD_SCTP_SRC:
		flow_edit(p, l4, 2, UINT64_MAX, value.lo, FLOW_COVER_L4);
		break;
	case FLOW_FIELD_TCP_DST:
	case FLOW_FIELD_UDP_DST:
	case FLOW_FIELD_SCTP_DST:
		flow_edit(p, l4 + 2, 2, UINT64_MAX, value.lo, FLOW_COVER_L4);
		break;
	case FLOW_FIELD_ICMPV4_TYPE:
	case FLOW_FIELD_ICMPV6_TYPE:
		flow_edit(p, l4, 1, UINT64_MAX, value.lo, FLOW_COVER_L4);
		break;
	case FLOW_FIELD_ICMPV4_CODE:
	case FLOW_FIELD_ICMPV6_CODE:
		flow_edit(p, l4 + 1, 1, UINT64_MAX, value.lo, FLOW_COVER_L4);
		break;
	case FLOW_FIELD_IPV6_ND_TARGET:
		set_address6(p, l4 + 8, value, FLOW_COVER_L4);
		break;
	case FLOW_FIELD_IPV6_ND_SLL:
	case FLOW_FIELD_IPV6_ND_TLL:
		flow_edit(p, nd_address(p), 6, UINT64_MAX, value.lo, FLOW_COVER_L4);
		break;
	default:
		break;
	}
}

static void set_arp(struct flow_packet *p, enum flow_field field, uint64_t value)
{
	static const struct {
		uint8_t at, bytes;
	} place[FLOW_FIELD_COUNT] = {
		[FLOW_FIELD_ARP_OP] = {6, 2},   [FLOW_FIELD_ARP_SHA] = {8, 6},  [FLOW_FIELD_ARP_SPA] = {14, 4},
		[FLOW_FIELD_ARP_THA] = {18, 6}, [FLOW_FIELD_ARP_TPA] = {24, 4},
	};

	flow_edit(p, p->layers.l3 + (uint32_t)place[field].at, place[field].bytes, UINT64_MAX, value, 0);
}

static void set_shim(struct flow_packet *p, enum flow_field field, uint64_t value)
{
	const uint32_t l3 = p->layers.l3;

	switch (field) {
	case FLOW_FIELD_MPLS_LABEL:
		flow_edit(p, l3, 4, 0xfffff000, value << 12, 0);
		break;
	case FLOW_FIELD_MPLS_TC:
		flow_edit(p, l3, 4, 0x00000e00, value << 9, 0);
		break;
	case FLOW_FIELD_MPLS_BOS:
		flow_edit(p, l3, 4, 0x00000100, value << 8, 0);
		break;
	case FLOW_FIELD_PBB_ISID:
		flow_edit(p, l3, 4, 0x00ffffff, value, 0);
		break;
	default:
		break;
	}
}

enum flow_exec_end flow_exec_set_field(struct flow_packet *p, enum flow_field field, struct flow_value value)
{
	// What says how the rest of the packet is to be read.
	const bool selects = field == FLOW_FIELD_ETH_TYPE || field == FLOW_FIELD_IP_PROTO ||
			     field == FLOW_FIELD_ICMPV6_TYPE || field == FLOW_FIELD_ICMPV6_CODE;
	enum flow_exec_end end = FLOW_EXEC_DONE;

	if (field == FLOW_FIELD_TUNNEL_ID)
		p->tunnel_id = value.lo;
	if (!flow_exec_has(p, field))
		return FLOW_EXEC_DONE;
	if (selects)
		end = flow_exec_finish(p);
	if (end != FLOW_EXEC_DONE)
		return end;
	if (field == FLOW_FIELD_VLAN_VID)
		value.lo |= FLOW_VLAN_PRESENT;
	if (field >= FLOW_FIELD_ARP_OP && field <= FLOW_FIELD_ARP_THA) {
		set_arp(p, field, value.lo);
	} else {
		set_l2(p, field, value.lo);
		set_ip(p, field, value);
		set_l4(p, field, value);
		set_shim(p, field, value.lo);
	}
	flow_key_set(&p->key, NULL, field, value, flow_field_ones(field));
	p->parsed &= !selects;
	return FLOW_EXEC_DONE;
}
