/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes EGRESS; sets TX, DROP.
//
// Most packets leave as they came, which is tested for all of an output port's at once. The others get or lose a VLAN
// tag, have a checksum completed in software for a port that will not, or are marked to be segmented on sending. A
// packet that has other references (flooding) is copied before it is changed.
#include "offload.h"
#include "stage.h"

#define TAG_LEN ((uint32_t)sizeof(struct rte_vlan_hdr))

// Bytes of the frame beyond Ethernet header and MTU that its tags (two at most) account for.
static uint32_t tag_bytes(const struct rte_mbuf *m)
{
	uint32_t bytes = 0;

	while (bytes < 2 * TAG_LEN && m->data_len >= RTE_ETHER_HDR_LEN + bytes) {
		uint16_t type = *rte_pktmbuf_mtod_offset(m, const unaligned_uint16_t *, 12 + bytes);

		if (type != RTE_BE16(RTE_ETHER_TYPE_VLAN) && type != RTE_BE16(RTE_ETHER_TYPE_QINQ))
			break;
		bytes += TAG_LEN;
	}
	return bytes;
}

// Whether the frame fits the port: a frame to be segmented, by its segments.
static bool fits(const struct rte_mbuf *m, const struct fwd_port *fp)
{
	uint32_t len = m->pkt_len;

	if (len <= fp->max_frame)
		return true;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		len = (uint32_t)m->l2_len + m->l3_len + m->l4_len + m->tso_segsz;
	return len <= fp->max_frame + tag_bytes(m);
}

static int tag_push(struct rte_mbuf *m, uint16_t vid)
{
	char *data = rte_pktmbuf_prepend(m, TAG_LEN);
	struct rte_vlan_hdr *tag;

	if (!data)
		return -ENOMEM;
	memmove(data, data + TAG_LEN, 2 * RTE_ETHER_ADDR_LEN);
	*(unaligned_uint16_t *)(data + 12) = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag = (struct rte_vlan_hdr *)(data + RTE_ETHER_HDR_LEN);
	tag->vlan_tci = rte_cpu_to_be_16(vid);
	m->l2_len += TAG_LEN; // means something only with offload flags, as below
	return 0;
}

static void tag_pop(struct rte_mbuf *m)
{
	char *data = rte_pktmbuf_mtod(m, char *);

	memmove(data + TAG_LEN, data, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(m, TAG_LEN);
	m->l2_len -= TAG_LEN;
}

static void tag_set_vid(struct rte_mbuf *m, uint16_t vid)
{
	struct rte_vlan_hdr *tag = rte_pktmbuf_mtod_offset(m, struct rte_vlan_hdr *, RTE_ETHER_HDR_LEN);

	tag->vlan_tci = (tag->vlan_tci & RTE_BE16(0xf000)) | rte_cpu_to_be_16(vid);
}

static int tag_fix(struct rte_mbuf *m, uint16_t vid, bool tagged, bool priority, const struct fwd_port *fp)
{
	bool want = vid != fp->untagged_vid;

	if (want && !tagged)
		return tag_push(m, vid);
	if (!want && tagged)
		tag_pop(m);
	else if (want && priority)
		tag_set_vid(m, vid);
	return 0;
}

int egress_own(struct rte_mbuf **m)
{
	struct rte_mbuf *copy;

	if (rte_mbuf_refcnt_read(*m) == 1)
		return 0;
	copy = rte_pktmbuf_copy(*m, port_pool(), 0, UINT32_MAX);
	if (!copy)
		return -ENOMEM;
	rte_pktmbuf_free(*m);
	*m = copy;
	return 0;
}

enum drop_reason egress_apply(const struct burst *b, uint32_t i, const struct fwd_port *fp, struct rte_mbuf **m,
			      bool *segment)
{
	bool tagged = b->tagged >> i & 1, priority = b->priority >> i & 1;
	uint16_t vid = b->vid[i];
	bool retag = vid != VLAN_NONE && (tagged != (vid != fp->untagged_vid) || (priority && vid != fp->untagged_vid));
	uint32_t has = __atomic_load_n(&fp->port->offloads, __ATOMIC_RELAXED);
	uint64_t flags = (*m)->ol_flags;

	*segment = false;
	if (flags & RTE_MBUF_F_TX_UDP_SEG)
		return DROP_BAD_OFFLOAD; // nothing of ours offers that to a guest, and no other guest expects it
	if (!fits(*m, fp))
		return DROP_TX_MTU;
	if (flags & RTE_MBUF_F_TX_TCP_SEG)
		*segment = !(has & (flags & RTE_MBUF_F_TX_IPV6 ? PORT_OFFLOAD_TSO6 : PORT_OFFLOAD_TSO4));
	bool checksum = !(flags & RTE_MBUF_F_TX_TCP_SEG) && !(has & PORT_OFFLOAD_CSUM) &&
			flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM);

	if ((retag || checksum) && egress_own(m))
		return DROP_NO_MBUF;
	if (retag && tag_fix(*m, vid, tagged, priority, fp))
		return DROP_NO_MBUF;
	if (checksum && offload_checksum(*m))
		return DROP_BAD_OFFLOAD;
	return DROP_COUNT;
}

// Packets of one burst and output port that are not to leave as they came.
static void odd_packets(struct worker *w, struct burst *b, uint64_t odd, const struct fwd_port *fp)
{
	uint32_t i;

	b->changed = true;
	lane_foreach (i, odd) {
		uint64_t bit = UINT64_C(1) << i;
		bool segment;
		enum drop_reason reason = egress_apply(b, i, fp, &b->pkt[i], &segment);

		if (segment)
			b->segment |= bit;
		if (reason == DROP_COUNT)
			lane_give(b, LANE_EGRESS, LANE_TX, bit);
		else
			burst_drop(w, b, bit, reason);
	}
}

// All packets of the burst that leave by one port. `numbered`: lanes in domains of one VLAN, where tags may differ.
static void port_egress(struct worker *w, struct burst *b, uint64_t mask, uint64_t numbered, uint16_t port_id)
{
	const struct fwd_port *fp = fwd_port_find(w, port_id);
	uint64_t odd = mask & b->offload;

	if (unlikely(!fp || !fp->up)) {                       // its FDB entries are about to be flushed
		w->nports = RTE_MAX(w->nports, port_id + 1U); // a next hop may name a port that this state has not
		burst_drop(w, b, mask, DROP_TX_DOWN);
		return;
	}
	if (unlikely(b->longest > fp->max_frame))
		odd |= burst_longer(b, mask, fp->max_frame);
	if (mask & numbered) {
		uint64_t wants_tag = ~lanes_equal16(b->vid, fp->untagged_vid);

		odd |= mask & numbered & ((b->tagged ^ wants_tag) | b->priority);
	}
	lane_give(b, LANE_EGRESS, LANE_TX, mask & ~odd);
	if (unlikely(odd))
		odd_packets(w, b, odd, fp);
}

void stage_egress(struct worker *w, struct burst *b)
{
	uint64_t todo = lane_take(b, LANE_EGRESS);
	uint64_t numbered = ~lanes_equal16(b->vid, VLAN_NONE);

	while (todo) {
		uint16_t port_id = b->out_port[__builtin_ctzll(todo)];
		uint64_t same = todo & lanes_equal16(b->out_port, port_id);

		port_egress(w, b, same, numbered, port_id);
		todo &= ~same;
	}
}
