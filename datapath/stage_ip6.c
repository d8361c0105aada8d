/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes IP6; sets NEXTHOP, PUNT (to a link-local address), DROP.
//
// As stage_ip4.c. Extension headers play no part: those hop by hop are for routers that want to look at them (RFC 8200,
// 4.3), which this one does not.
#include <rte_ip.h>

#include "../tables/fib6.h"
#include "frame.h"
#include "ip_check.h"
#include "lanes_ip.h"
#include "route.h"

static inline void header_load(struct lanes_ip6 *h, uint32_t i, const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);

	h->head[i] = *(const unaligned_uint64_t *)ip;
	h->src[i] = *(const unaligned_uint64_t *)(ip + 8);
	h->dst[0][i] = *(const unaligned_uint64_t *)(ip + 24);
	h->dst[1][i] = *(const unaligned_uint64_t *)(ip + 32);
	h->len[i] = m->pkt_len - l3;
}

static uint64_t headers_load(const struct burst *b, uint64_t mask, struct lanes_ip6 *h)
{
	uint64_t shorter = 0;
	uint32_t i;

	lane_foreach (i, mask) {
		const struct rte_mbuf *m = b->pkt[i];
		uint32_t l3 = frame_l3_at(b, i);

		header_load(h, i, m, l3);
		shorter |= (uint64_t)(m->data_len < l3 + sizeof(struct rte_ipv6_hdr)) << i;
	}
	return shorter;
}

static uint64_t headers_load_all(const struct burst *b, struct fib_root root, struct lanes_ip6 *h)
{
	uint32_t shortest = UINT32_MAX;

	for (uint32_t i = 0; i < b->n; i++) {
		header_load(h, i, b->pkt[i], RTE_ETHER_HDR_LEN);
		rte_prefetch0(&root.entry[rte_be_to_cpu_32((uint32_t)h->dst[0][i]) >> root.shift]);
		shortest = RTE_MIN(shortest, (uint32_t)b->pkt[i]->data_len);
	}
	return likely(shortest >= RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv6_hdr)) ? 0 : burst_all(b->n);
}

// Looks at the odd lanes one by one; returns those that do not go on: dropped by name, or for the host of this link.
static uint64_t odd_packets(struct worker *w, struct burst *b, uint64_t odd)
{
	uint64_t away = 0;
	uint32_t i;

	lane_foreach (i, odd) {
		uint64_t bit = UINT64_C(1) << i;
		struct ip_verdict v;
		enum drop_reason reason = ip6_check(b->pkt[i], frame_l3_at(b, i), &v);

		if (reason == DROP_COUNT)
			reason = route_accept(b, i, &v);
		if (reason != DROP_COUNT) {
			burst_drop(w, b, bit, reason);
			away |= bit;
		} else if (v.link_local_dst) {
			b->punt_class[i] = (uint8_t)frame_class(b->pkt[i], frame_l3_at(b, i));
			lane_give(b, LANE_IP6, LANE_PUNT, bit);
			away |= bit;
		}
	}
	return away;
}

// NULL: the VRF has no routes.
static const struct fib6 *fib_of(const struct worker *w, uint16_t vrf)
{
	return vrf < w->state->nvrfs ? w->state->vrf[vrf].fib6 : NULL;
}

void stage_ip6(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_IP6), odd, todo;
	const struct fib6 *fib;
	struct lanes_ip6 h;

	if (!mask)
		return;
	fib = fib_of(w, b->vrf[__builtin_ctzll(mask)]);
	if (mask == burst_all(b->n) && !b->tagged && fib)
		odd = headers_load_all(b, fib_root(&fib->trie), &h);
	else
		odd = headers_load(b, mask, &h);
	odd |= mask & lanes_ip6_odd(&h, b->n);
	if (unlikely(odd))
		mask &= ~odd_packets(w, b, odd);
	for (todo = mask; todo;) {
		uint16_t vrf = b->vrf[__builtin_ctzll(todo)];
		uint64_t same = todo & lanes_equal16(b->vrf, vrf);

		fib = fib_of(w, vrf);
		if (likely(fib))
			fib6_lookup_lanes(fib, h.dst[0], h.dst[1], same, b->nexthop);
		else
			lanes_set32(b->nexthop, same, 0);
		todo &= ~same;
	}
	lane_give(b, LANE_IP6, LANE_NEXTHOP, mask);
}
