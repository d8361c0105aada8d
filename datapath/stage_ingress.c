/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes INGRESS; sets BRIDGE, DROP.
//
// A burst comes in segments, each from one port, whose configuration is loaded once per segment. The frame's first 16
// bytes are loaded as two overlapping words: destination, then source and type.
#include <rte_byteorder.h>

#include "stage.h"

#define MAC_MASK UINT64_C(0xffffffffffff)
#define RESERVED_MASK UINT64_C(0xf0ffffffffff) // as loaded little-endian: 01:80:c2:00:00:0X
#define RESERVED_MAC UINT64_C(0x000000c28001)
#define TAG_LEN 4

static inline bool is_vlan_type(uint16_t type_be)
{
	return type_be == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type_be == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

// Sets one packet's fields. The keys' lower half is the domain; 0 there means that the frame is to be dropped.
static inline void packet_set(struct burst *b, uint32_t i, const struct fwd_port *fp, uint64_t dst, uint64_t src,
			      uint16_t domain, uint16_t vid)
{
	b->in_port[i] = fp->port->id;
	b->vid[i] = vid;
	b->dmac_key[i] = dst << 16 | domain;
	b->smac_key[i] = src << 16 | domain;
}

// A frame longer than MTU + Ethernet header is a giant, unless its tags (two at most) explain it or it is to be
// segmented.
static bool is_giant(const struct rte_mbuf *m, const struct fwd_port *fp)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t allowed = fp->max_frame;
	uint32_t at = 12;

	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return false;
	for (int tags = 0; tags < 2 && m->data_len >= at + TAG_LEN; tags++) {
		if (!is_vlan_type(*(const unaligned_uint16_t *)(data + at)))
			break;
		allowed += TAG_LEN;
		at += TAG_LEN;
	}
	return m->pkt_len > allowed;
}

// The domain of a tagged frame, or 0 and the reason to drop it.
static uint16_t tagged_domain(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp, uint16_t *vid,
			      enum drop_reason *reason)
{
	const struct rte_mbuf *m = b->pkt[i];
	uint64_t bit = UINT64_C(1) << i;
	uint16_t tag_vid, domain;

	if (m->data_len < RTE_ETHER_HDR_LEN + TAG_LEN) {
		*reason = DROP_RX_RUNT;
		return 0;
	}
	tag_vid = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(m, const unaligned_uint16_t *, RTE_ETHER_HDR_LEN)) & 0xfff;
	if (tag_vid == 0) { // a priority tag: the frame counts as untagged
		domain = fp->untagged_domain;
		*reason = DROP_RX_VLAN_UNTAGGED;
	} else if (fp->access) {
		*reason = DROP_RX_VLAN_TAGGED;
		return 0;
	} else {
		domain = fp->vid_domain ? fp->vid_domain[tag_vid] : 0;
		*reason = DROP_RX_VLAN_DENIED;
	}
	if (!domain)
		return 0;
	*vid = w->state->domain[domain]->vid;
	b->tagged |= bit;
	if (tag_vid == 0 && *vid != 0 && *vid != VLAN_NONE)
		b->priority |= bit;
	return domain;
}

// Handles the rare: everything that is not a plain untagged unicast-sourced frame of ordinary size. Returns true if the
// packet goes on.
static bool odd_packet(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp, uint64_t dst, uint64_t src,
		       uint16_t type_be)
{
	const struct rte_mbuf *m = b->pkt[i];
	enum drop_reason reason = DROP_RX_VLAN_UNTAGGED;
	uint16_t domain = fp->untagged_domain;
	uint16_t vid = domain ? w->state->domain[domain]->vid : 0;

	packet_set(b, i, fp, dst, src, domain, vid);
	if (!fp->bridge)
		reason = DROP_RX_NO_BRIDGE;
	else if (m->data_len < RTE_ETHER_HDR_LEN)
		reason = DROP_RX_RUNT;
	else if (src & 1)
		reason = DROP_RX_SMAC_MULTICAST;
	else if (!src)
		reason = DROP_RX_SMAC_ZERO;
	else if ((dst & RESERVED_MASK) == RESERVED_MAC)
		reason = DROP_RX_RESERVED;
	else if (m->pkt_len > fp->max_frame && is_giant(m, fp))
		reason = DROP_RX_GIANT;
	else if (is_vlan_type(type_be)) {
		domain = tagged_domain(w, b, i, fp, &vid, &reason);
		packet_set(b, i, fp, dst, src, domain, vid);
		if (domain)
			return true;
	} else if (domain) {
		return true;
	}
	burst_drop(w, b, UINT64_C(1) << i, reason);
	return false;
}

// The packets [first, end), all from one port.
static uint64_t segment_ingress(struct worker *w, struct burst *b, uint32_t first, uint32_t end, const struct fwd_port *fp)
{
	uint16_t domain = fp->untagged_domain;
	uint16_t vid = domain ? w->state->domain[domain]->vid : 0;
	uint64_t good = burst_all(end) & ~burst_all(first);

	for (uint32_t i = first; i < end; i++) {
		const struct rte_mbuf *m = b->pkt[i];
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
		// An mbuf has room for these 14 bytes whatever its length, so they may be loaded before it is checked.
		uint64_t dst = *(const unaligned_uint64_t *)data & MAC_MASK;
		uint64_t src_type = *(const unaligned_uint64_t *)(data + 6);
		uint64_t src = src_type & MAC_MASK;
		uint16_t type_be = (uint16_t)(src_type >> 48);

		bool odd = (m->data_len < RTE_ETHER_HDR_LEN) | (m->pkt_len > fp->max_frame) | (src & 1) | !src |
			   ((dst & RESERVED_MASK) == RESERVED_MAC) | is_vlan_type(type_be) | !domain;

		if (unlikely(odd)) {
			if (!odd_packet(w, b, i, fp, dst, src, type_be))
				good &= ~(UINT64_C(1) << i);
			continue;
		}
		packet_set(b, i, fp, dst, src, domain, vid);
	}
	return good;
}

void stage_ingress(struct worker *w, struct burst *b)
{
	uint64_t good = 0;

	lane_take(b, LANE_INGRESS);
	b->tagged = b->priority = b->segment = 0;
	for (uint32_t s = 0; s < b->nsegments; s++) {
		uint32_t end = s + 1 < b->nsegments ? b->from[s + 1].first : b->n;

		good |= segment_ingress(w, b, b->from[s].first, end, w->state->port[b->from[s].port_id]);
	}
	lane_give(b, LANE_INGRESS, LANE_BRIDGE, good);
}
