/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes IP4; sets NEXTHOP, DROP.
//
// One pass loads the headers into arrays, one test of all lanes finds the odd ones, and only those are looked at one by
// one. Then one look-up per VRF, of which a burst has mostly one.
#include <rte_ip.h>

#include "../tables/fib4.h"
#include "ip_check.h"
#include "lanes_ip.h"
#include "route.h"

// Loads a header, which is not checked to be there; an mbuf has room for it whatever its length.
static inline void header_load(struct lanes_ip4 *h, uint32_t i, const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);

	h->head[i] = *(const unaligned_uint64_t *)ip;
	h->tail[i] = *(const unaligned_uint64_t *)(ip + 8);
	h->dst[i] = *(const unaligned_uint32_t *)(ip + 16);
	h->len[i] = m->pkt_len - l3;
}

// Returns the lanes whose headers are not whole in the first segment.
static uint64_t headers_load(const struct burst *b, uint64_t mask, struct lanes_ip4 *h)
{
	uint64_t shorter = 0;
	uint32_t i;

	lane_foreach (i, mask) {
		const struct rte_mbuf *m = b->pkt[i];
		uint32_t l3 = frame_l3_at(b, i);

		header_load(h, i, m, l3);
		shorter |= (uint64_t)(m->data_len < l3 + sizeof(struct rte_ipv4_hdr)) << i;
	}
	return shorter;
}

// The same for a whole burst without tags, most of which will be looked up in one FIB, whose memory comes meanwhile.
static uint64_t headers_load_all(const struct burst *b, struct fib_root root, struct lanes_ip4 *h)
{
	uint32_t shortest = UINT32_MAX;

	for (uint32_t i = 0; i < b->n; i++) {
		header_load(h, i, b->pkt[i], RTE_ETHER_HDR_LEN);
		rte_prefetch0(&root.entry[rte_be_to_cpu_32(h->dst[i]) >> root.shift]);
		shortest = RTE_MIN(shortest, (uint32_t)b->pkt[i]->data_len);
	}
	return likely(shortest >= RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr)) ? 0 : burst_all(b->n);
}

// Looks at the odd lanes one by one; returns those that may not go on, all dropped by name.
static uint64_t odd_packets(struct worker *w, struct burst *b, uint64_t odd)
{
	uint64_t lost = 0;
	uint32_t i;

	lane_foreach (i, odd) {
		uint64_t bit = UINT64_C(1) << i;
		struct ip_verdict v;
		enum drop_reason reason = ip4_check(b->pkt[i], frame_l3_at(b, i), &v);

		if (reason == DROP_COUNT)
			reason = route_accept(b, i, &v);
		if (reason != DROP_COUNT) {
			burst_drop(w, b, bit, reason);
			lost |= bit;
		}
	}
	return lost;
}

// NULL: the VRF has no routes.
static const struct fib4 *fib_of(const struct worker *w, uint16_t vrf)
{
	return vrf < w->state->nvrfs ? w->state->vrf[vrf].fib4 : NULL;
}

void stage_ip4(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_IP4), odd, todo;
	const struct fib4 *fib;
	struct lanes_ip4 h;

	if (!mask)
		return;
	fib = fib_of(w, b->vrf[__builtin_ctzll(mask)]);
	if (mask == burst_all(b->n) && !b->tagged && fib)
		odd = headers_load_all(b, fib_root(&fib->trie), &h);
	else
		odd = headers_load(b, mask, &h);
	odd |= mask & lanes_ip4_odd(&h, b->n);
	if (unlikely(odd))
		mask &= ~odd_packets(w, b, odd);
	for (todo = mask; todo;) {
		uint16_t vrf = b->vrf[__builtin_ctzll(todo)];
		uint64_t same = todo & lanes_equal16(b->vrf, vrf);

		fib = fib_of(w, vrf);
		if (likely(fib))
			fib4_lookup_lanes(fib, h.dst, same, b->nexthop);
		else
			lanes_set32(b->nexthop, same, 0);
		todo &= ~same;
	}
	lane_give(b, LANE_IP4, LANE_NEXTHOP, mask);
}
