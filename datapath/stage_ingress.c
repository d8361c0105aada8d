/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes INGRESS; sets FLOW (ports of bridges in mode flow), BRIDGE, DROP.
//
// A burst comes in segments, each from one port, whose configuration is loaded once. One pass over the packets takes
// the frame's first 14 bytes as two overlapping words, the lengths and flags; the checks are then done on all lanes at
// once, and only what they find odd, tagged frames among it, is looked at packet by packet.
#include <rte_byteorder.h>

#include "stage.h"

#define TAG_LEN 4

// A frame longer than MTU + Ethernet header is a giant, unless its tags (two at most) explain it or it is to be
// segmented.
static bool is_giant(const struct rte_mbuf *m, const struct fwd_port *fp)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t allowed = fp->max_frame;
	uint32_t at = 12;

	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return m->pkt_len > SEGMENTED_MAX;
	for (int tags = 0; tags < 2 && m->data_len >= at + TAG_LEN; tags++) {
		if (!type_is_vlan(*(const unaligned_uint16_t *)(data + at)))
			break;
		allowed += TAG_LEN;
		at += TAG_LEN;
	}
	return m->pkt_len > allowed;
}

// The domain of a tagged frame, or 0 and the reason to drop it.
static uint16_t tagged_domain(const struct rte_mbuf *m, const struct fwd_port *fp, uint16_t *tag_vid,
			      enum drop_reason *reason)
{
	if (m->data_len < RTE_ETHER_HDR_LEN + TAG_LEN) {
		*reason = DROP_RX_RUNT;
		return 0;
	}
	*tag_vid = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(m, const unaligned_uint16_t *, RTE_ETHER_HDR_LEN)) & 0xfff;
	if (*tag_vid == 0) { // a priority tag: the frame counts as untagged
		*reason = DROP_RX_VLAN_UNTAGGED;
		return fp->untagged_domain;
	}
	if (fp->access) {
		*reason = DROP_RX_VLAN_TAGGED;
		return 0;
	}
	*reason = DROP_RX_VLAN_DENIED;
	return fp->vid_domain ? fp->vid_domain[*tag_vid] : 0;
}

// Enters a tagged frame into its domain; the keys' lower half is there to be filled in.
static void tagged_enter(const struct worker *w, struct burst *b, uint32_t i, uint16_t domain, uint16_t tag_vid)
{
	uint64_t bit = UINT64_C(1) << i;

	b->vid[i] = w->state->domain[domain]->vid;
	b->dmac_key[i] = (b->dmac_key[i] & ~UINT64_C(0xffff)) | domain;
	b->smac_key[i] = (b->smac_key[i] & ~UINT64_C(0xffff)) | domain;
	b->tagged |= bit;
	if (tag_vid == 0 && b->vid[i] != 0 && b->vid[i] != VLAN_NONE)
		b->priority |= bit;
}

// Whether a frame that is not a plain untagged one of ordinary size goes on. If not, it was dropped by name.
static bool odd_packet(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp)
{
	const struct rte_mbuf *m = b->pkt[i];
	uint64_t dst = b->dmac_key[i] >> 16, src = b->smac_key[i] >> 16;
	enum drop_reason reason = DROP_RX_VLAN_UNTAGGED;
	uint16_t domain = fp->untagged_domain, tag_vid;

	if (!fp->untagged_domain && !fp->vid_domain)
		reason = DROP_RX_NO_BRIDGE;
	else if (m->data_len < RTE_ETHER_HDR_LEN)
		reason = DROP_RX_RUNT;
	else if (src & 1)
		reason = DROP_RX_SMAC_MULTICAST;
	else if (!src)
		reason = DROP_RX_SMAC_ZERO;
	else if ((dst & LANES_RESERVED_MASK) == LANES_RESERVED_MAC)
		reason = DROP_RX_RESERVED;
	else if (m->pkt_len > fp->max_frame && is_giant(m, fp))
		reason = DROP_RX_GIANT;
	else if (type_is_vlan(rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type)) {
		domain = tagged_domain(m, fp, &tag_vid, &reason);
		if (domain) {
			tagged_enter(w, b, i, domain, tag_vid);
			return true;
		}
	} else if (domain) {
		return true;
	}
	burst_drop(w, b, UINT64_C(1) << i, reason);
	return false;
}

bool ingress_enter(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp)
{
	const struct rte_mbuf *const m = b->pkt[i];
	const uint8_t *const data = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint16_t domain = fp->untagged_domain;
	const uint64_t bit = UINT64_C(1) << i;
	uint64_t odd;

	b->tagged &= ~bit;
	b->priority &= ~bit;
	b->bridged = (b->bridged & ~bit) | (fp->bridge ? bit : 0);
	b->dmac_key[i] = *(const unaligned_uint64_t *)data;
	b->smac_key[i] = *(const unaligned_uint64_t *)(data + RTE_ETHER_ADDR_LEN);
	b->vid[i] = domain ? w->state->domain[domain]->vid : 0;
	odd = lanes_keys(b->dmac_key, b->smac_key, b->type, i, i + 1, domain);
	if (likely(!odd && domain && m->pkt_len <= fp->max_frame && m->data_len >= RTE_ETHER_HDR_LEN))
		return true;
	return odd_packet(w, b, i, fp);
}

static void segment_count(struct worker *w, struct burst *b, struct rxq *q, uint32_t n, uint64_t bytes,
			  uint32_t longest)
{
	struct port_counters *c = &w->count[q->port_id];

	b->longest = RTE_MAX(b->longest, longest);
	b->bytes += bytes;
	c->rx_packets += n;
	c->rx_bytes += bytes;
	q->packets += n;
	q->bytes += bytes;
}

// Which packets of a port whose bridge is in mode flow are lost here: it has runts, giants, or is to receive nothing.
static uint64_t flow_odd(struct worker *w, struct burst *b, uint64_t lanes, const struct fwd_port *fp)
{
	uint64_t runt = 0, giant = 0;
	uint32_t i;

	if (fp->flow_no_recv) {
		burst_drop(w, b, lanes, DROP_FLOW_NO_RECV);
		return lanes;
	}
	lane_foreach (i, lanes) {
		runt |= (uint64_t)(b->data_len[i] < RTE_ETHER_HDR_LEN) << i;
		giant |= (uint64_t)(b->len[i] > fp->max_frame && is_giant(b->pkt[i], fp)) << i;
	}
	giant &= ~runt;
	burst_drop(w, b, runt, DROP_RX_RUNT);
	burst_drop(w, b, giant, DROP_RX_GIANT);
	return runt | giant;
}

// The packets [first, end) of queue q, of a port whose bridge is in mode flow: whatever has an Ethernet header and is
// no giant goes to its tables. Returns those that go on.
static uint64_t segment_flow(struct worker *w, struct burst *b, uint32_t first, uint32_t end, struct rxq *q,
			     const struct fwd_port *fp)
{
	uint32_t longest = 0, shortest = UINT32_MAX;
	uint64_t flags = 0, bytes = 0, good = lanes_range(first, end);

	for (uint32_t i = first; i < end; i++) {
		const struct rte_mbuf *m = b->pkt[i];

		b->data[i] = rte_pktmbuf_mtod(m, const uint8_t *);
		b->data_len[i] = m->data_len;
		b->len[i] = m->pkt_len;
		longest = RTE_MAX(longest, m->pkt_len);
		shortest = RTE_MIN(shortest, (uint32_t)m->data_len);
		bytes += m->pkt_len;
		flags |= m->ol_flags;
	}
	for (uint32_t i = first; i < end; i++) {
		b->in_port[i] = q->port_id;
		b->vid[i] = VLAN_NONE;
	}
	if (flags & OFFLOADS)
		b->offload |= burst_offloads(b, first, end);
	segment_count(w, b, q, end - first, bytes, longest);
	if (unlikely(longest > fp->max_frame || shortest < RTE_ETHER_HDR_LEN || fp->flow_no_recv))
		good &= ~flow_odd(w, b, good, fp);
	return good;
}

// The packets [first, end), all from queue q. Returns those that go on.
static uint64_t segment_ingress(struct worker *w, struct burst *b, uint32_t first, uint32_t end, struct rxq *q)
{
	const struct fwd_port *fp = w->state->port[q->port_id];
	uint16_t domain = fp->untagged_domain;
	uint16_t vid = domain ? w->state->domain[domain]->vid : 0;
	uint32_t longest = 0, shortest = UINT32_MAX;
	uint64_t flags = 0, bytes = 0, odd, good = lanes_range(first, end);
	uint32_t i;

	for (i = first; i < end; i++) {
		const struct rte_mbuf *m = b->pkt[i];
		// An mbuf has room for these 14 bytes whatever its length, so they may be loaded before it is checked.
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

		b->dmac_key[i] = *(const unaligned_uint64_t *)data;
		b->smac_key[i] = *(const unaligned_uint64_t *)(data + RTE_ETHER_ADDR_LEN);
		longest = RTE_MAX(longest, m->pkt_len);
		shortest = RTE_MIN(shortest, (uint32_t)m->data_len);
		bytes += m->pkt_len;
		flags |= m->ol_flags;
	}
	for (i = first; i < end; i++) {
		b->in_port[i] = q->port_id;
		b->vid[i] = vid;
	}
	if (flags & OFFLOADS)
		b->offload |= burst_offloads(b, first, end);
	if (fp->bridge)
		b->bridged |= good;
	segment_count(w, b, q, end - first, bytes, longest);
	odd = lanes_keys(b->dmac_key, b->smac_key, b->type, first, end, domain);
	if (unlikely(!domain || longest > fp->max_frame || shortest < RTE_ETHER_HDR_LEN))
		odd = good;
	lane_foreach (i, odd) {
		if (!odd_packet(w, b, i, fp))
			good &= ~(UINT64_C(1) << i);
	}
	return good;
}

void stage_ingress(struct worker *w, struct burst *b)
{
	uint64_t good = 0, flow = 0;

	lane_take(b, LANE_INGRESS);
	b->tagged = b->priority = b->bridged = b->offload = b->segment = b->routed = b->bytes = 0;
	b->longest = 0;
	b->changed = b->injected = false;
	for (uint32_t s = 0; s < b->nsegments; s++) {
		uint32_t end = s + 1 < b->nsegments ? b->from[s + 1].first : b->n;

		const struct fwd_port *fp = w->state->port[b->from[s].q->port_id];

		if (fp->flow)
			flow |= segment_flow(w, b, b->from[s].first, end, b->from[s].q, fp);
		else
			good |= segment_ingress(w, b, b->from[s].first, end, b->from[s].q);
	}
	lane_give(b, LANE_INGRESS, LANE_FLOW, flow);
	lane_give(b, LANE_INGRESS, LANE_BRIDGE, good);
}
