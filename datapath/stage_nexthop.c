/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes NEXTHOP; sets EGRESS (by a port), FLOOD (by a bridge that does not know the station), PUNT, DROP.
//
// Most packets are forwarded as they are but for MAC addresses and time to live: one loop finds their next hops, one
// writes. Tagged, shared, large and expired ones are forwarded one by one, and so is what other kinds of next hops
// get.
#include <rte_ip.h>

#include "flow_hash.h"
#include "frame.h"
#include "lanes_ip.h"
#include "route.h"

// What number 0, and one that has no contents any more, come to.
static const struct nexthop no_route = {.kind = NEXTHOP_REJECT};

// Writes what every hop changes: the MAC addresses, the time to live and the header's checksum (RFC 1624).
static inline void rewrite(uint8_t *frame, const struct nexthop *nh, bool ip6)
{
	uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	unaligned_uint32_t *word = (unaligned_uint32_t *)(ip + offsetof(struct rte_ipv4_hdr, time_to_live));

	memcpy(frame, nh->rewrite, sizeof(nh->rewrite));
	if (ip6)
		ip[offsetof(struct rte_ipv6_hdr, hop_limits)]--;
	else // little-endian: the checksum is in the upper half, and one more there is 0x100 in network order
		*word += 0xffff + (*word >= 0xfffe0000 ? 0x10000 : 0);
}

// Where it goes on.
static inline void leave(struct burst *b, uint32_t i, const struct nexthop *nh)
{
	b->out_port[i] = nh->port_id;
	b->vid[i] = nh->vid;
}

static inline const struct nexthop *get(const struct nexthop_table *t, uint32_t number)
{
	return nexthop_get(t, number) ?: &no_route;
}

// The next hop that packet i takes of one that may be a group: the member that its flow has.
static inline const struct nexthop *member(const struct nexthop_table *t, struct burst *b, uint32_t i, uint32_t l3,
					   bool ip6, const struct nexthop *nh)
{
	uint32_t hash;

	if (nh->kind != NEXTHOP_GROUP)
		return nh;
	hash = ip6 ? flow_hash_ip6(b->pkt[i], l3) : flow_hash_ip4(b->pkt[i], l3);
	b->nexthop[i] = nh->slot[hash & (nh->nslots - 1)];
	return get(t, b->nexthop[i]);
}

// The plain packets of one family: finds their next hops, nh[i], and forwards those that can be at once. Returns the
// others, untouched.
static inline uint64_t forward(const struct worker *w, struct burst *b, uint64_t mask,
			       const struct nexthop *nh[BURST_MAX], bool ip6)
{
	// Any of the stores into frames could be one to these, for all that the compiler knows.
	const struct nexthop_table *t = w->state->nexthops;
	const uint32_t longest = b->longest;
	uint64_t odd = 0;
	uint32_t i;

	lane_foreach (i, mask) {
		struct rte_mbuf *m = b->pkt[i];
		const struct nexthop *to = get(t, b->nexthop[i]);

		// What forwards none by itself has no MTU.
		if (longest > (uint32_t)to->mtu + RTE_ETHER_HDR_LEN)
			to = member(t, b, i, RTE_ETHER_HDR_LEN, ip6, to);
		nh[i] = to;
		if (unlikely(longest > (uint32_t)to->mtu + RTE_ETHER_HDR_LEN || rte_mbuf_refcnt_read(m) != 1)) {
			odd |= UINT64_C(1) << i;
			continue;
		}
		rewrite(rte_pktmbuf_mtod(m, uint8_t *), to, ip6);
		leave(b, i, to);
	}
	return odd;
}

static void punt(struct burst *b, uint32_t i, enum punt_class class)
{
	b->punt_class[i] = (uint8_t) class;
	lane_give(b, LANE_NEXTHOP, LANE_PUNT, UINT64_C(1) << i);
}

// An error that the sender is to be told, unless that is about what no error may be told of (RFC 1812, 4.3.2.7).
static void tell(struct worker *w, struct burst *b, uint32_t i, enum punt_class class, enum drop_reason silent)
{
	if (frame_tellable(b->pkt[i], frame_l3_at(b, i)))
		punt(b, i, class);
	else
		burst_drop(w, b, UINT64_C(1) << i, silent);
}

// Bytes of the largest IP packet that packet i leaves as.
static uint32_t size(const struct burst *b, uint32_t i)
{
	const struct rte_mbuf *m = b->pkt[i];

	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return (uint32_t)m->l3_len + m->l4_len + m->tso_segsz;
	return m->pkt_len - frame_l3_at(b, i);
}

static bool may_fragment(const struct burst *b, uint32_t i)
{
	const struct rte_mbuf *m = b->pkt[i];
	uint32_t at = frame_l3_at(b, i) + (uint32_t)offsetof(struct rte_ipv4_hdr, fragment_offset);

	if (b->ip6 >> i & 1 || m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return false;
	return !(*rte_pktmbuf_mtod_offset(m, const unaligned_uint16_t *, at) & RTE_BE16(RTE_IPV4_HDR_DF_FLAG));
}

// Where a packet goes that leaves by a bridge: by the FDB, as all that is bridged.
static enum lane bridged(struct worker *w, struct burst *b, uint32_t i, uint32_t value)
{
	b->routed |= UINT64_C(1) << i;
	if (!value)
		return LANE_FLOOD;
	b->out_port[i] = FDB_PORT(value);
	if (likely(FDB_PORT(value) != PORT_ROUTER))
		return LANE_EGRESS;
	burst_drop(w, b, UINT64_C(1) << i, DROP_ROUTE_LOOP);
	return LANE_DROP;
}

// Makes the look-up key of a packet that leaves by a bridge; false, and it is dropped, if that is gone.
static inline bool bridge_key(struct worker *w, struct burst *b, uint32_t i, const struct nexthop *nh)
{
	b->dmac_key[i] = fdb_key(nh->rewrite, nh->domain);
	if (likely(nh->domain < w->state->ndomains && w->state->domain[nh->domain]))
		return true;
	burst_drop(w, b, UINT64_C(1) << i, DROP_ROUTE_IFACE_DOWN);
	return false;
}

// The forwarded packets that leave by bridges.
static void leave_by_bridge(struct worker *w, struct burst *b, uint64_t mask, const struct nexthop *const nh[BURST_MAX])
{
	uint32_t value[BURST_MAX], i;
	uint64_t there = 0;

	lane_foreach (i, mask)
		there |= (uint64_t)bridge_key(w, b, i, nh[i]) << i;
	hash64_lookup_lanes(w->fdb_hash, b->dmac_key, there, value);
	lane_foreach (i, there)
		b->lane[bridged(w, b, i, value[i])] |= UINT64_C(1) << i;
}

// Too long for its next hop, and may be sent in parts.
static void forward_parts(struct worker *w, struct burst *b, uint32_t i, const struct nexthop *nh)
{
	enum lane lane = LANE_EGRESS;
	enum drop_reason reason;

	rewrite(rte_pktmbuf_mtod(b->pkt[i], uint8_t *), nh, false);
	leave(b, i, nh);
	if (!nh->port_id) {
		if (!bridge_key(w, b, i, nh))
			return;
		lane = bridged(w, b, i, hash64_find(w->fdb_hash, b->dmac_key[i]));
	}
	if (lane == LANE_DROP)
		return;
	reason = route_fragment(w, b, i, nh->mtu, lane);
	if (reason != DROP_COUNT)
		burst_drop(w, b, UINT64_C(1) << i, reason);
}

// Returns whether packet i was forwarded and is to leave by nh.
static bool forward_one(struct worker *w, struct burst *b, uint32_t i, const struct nexthop *nh)
{
	uint64_t bit = UINT64_C(1) << i;
	bool large = size(b, i) > nh->mtu;

	if (b->link_local & bit) {
		burst_drop(w, b, bit, DROP_ROUTE_LINK_LOCAL);
		return false;
	}
	if (large && !may_fragment(b, i)) {
		b->punt_mtu[i] = nh->mtu;
		tell(w, b, i, PUNT_MTU, DROP_ROUTE_MTU);
		return false;
	}
	if (egress_own(&b->pkt[i])) {
		burst_drop(w, b, bit, DROP_NO_MBUF);
		return false;
	}
	if (b->tagged & bit)
		route_untag(b, i);
	if (large) {
		forward_parts(w, b, i, nh);
		return false;
	}
	rewrite(rte_pktmbuf_mtod(b->pkt[i], uint8_t *), nh, b->ip6 >> i & 1);
	leave(b, i, nh);
	return true;
}

// Any packet. Returns whether it was forwarded and is to leave by nh.
static bool odd_packet(struct worker *w, struct burst *b, uint32_t i, const struct nexthop *nh)
{
	uint64_t bit = UINT64_C(1) << i;

	if (nh->kind == NEXTHOP_LOCAL) {
		punt(b, i, frame_class(b->pkt[i], frame_l3_at(b, i)));
	} else if (nh->kind == NEXTHOP_REJECT) {
		tell(w, b, i, PUNT_UNREACHABLE, DROP_ROUTE_UNREACHABLE);
	} else if (nh->kind != NEXTHOP_CONNECTED && nh->kind != NEXTHOP_UNRESOLVED && nh->kind != NEXTHOP_FORWARD) {
		burst_drop(w, b, bit, DROP_ROUTE_BLACKHOLE);
	} else if (b->expired & bit) {
		tell(w, b, i, PUNT_TTL, DROP_ROUTE_TTL);
	} else if (nh->kind == NEXTHOP_FORWARD) {
		return forward_one(w, b, i, nh);
	} else if (b->link_local & bit) {
		burst_drop(w, b, bit, DROP_ROUTE_LINK_LOCAL);
	} else {
		punt(b, i, PUNT_RESOLVE);
	}
	return false;
}

// Of what was forwarded, control gets a copy if it leaves by the interface that it came in by, to tell its sender.
static void redirects(struct worker *w, struct burst *b, uint64_t mask, const struct nexthop *const nh[BURST_MAX])
{
	uint32_t i;

	lane_foreach (i, mask) {
		const uint16_t in = w->state->domain[(uint16_t)b->dmac_key[i]]->iface;

		if (nh[i]->iface == in && w->state->iface[in]->redirects)
			punt_copy(w, b, i, PUNT_REDIRECT);
	}
}

void stage_nexthop(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_NEXTHOP), odd, plain, by_bridge;
	const struct nexthop *nh[BURST_MAX];
	uint32_t i;

	if (!mask)
		return;
	odd = mask & (b->expired | b->link_local | b->tagged);
	lane_foreach (i, odd)
		nh[i] = member(w->state->nexthops, b, i, frame_l3_at(b, i), b->ip6 >> i & 1,
			       get(w->state->nexthops, b->nexthop[i]));
	plain = mask & ~odd;
	odd |= forward(w, b, plain & ~b->ip6, nh, false) | forward(w, b, plain & b->ip6, nh, true);
	lane_foreach (i, odd) {
		if (!odd_packet(w, b, i, nh[i]))
			mask &= ~(UINT64_C(1) << i);
	}
	if (unlikely(w->state->redirects))
		redirects(w, b, mask, nh);
	by_bridge = mask & lanes_equal16(b->out_port, 0);
	lane_give(b, LANE_NEXTHOP, LANE_EGRESS, mask & ~by_bridge);
	if (by_bridge)
		leave_by_bridge(w, b, by_bridge, nh);
	if (unlikely(w->parts->n))
		route_fragments_flush(w);
}
