/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes ROUTE (frames to the MAC address of their domain's interface); sets IP4, IP6, PUNT (ARP), DROP.
//
// A burst's frames are mostly of one domain, whose interface says their VRF.
#include "frame.h"
#include "lanes_ip.h"
#include "stage.h"

// Replaces the EtherTypes of tagged frames by the inner ones; 0 where the tag is another VLAN's.
static void types_inner(struct burst *b, uint64_t mask)
{
	uint32_t i;

	lane_foreach (i, mask) {
		uint32_t l3 = frame_l3(b->pkt[i], true, b->vid[i]);

		// An mbuf has room for these bytes whatever its length; the IP stages check that.
		b->type[i] = l3 ? *rte_pktmbuf_mtod_offset(b->pkt[i], const unaligned_uint16_t *, l3 - 2) : 0;
	}
}

// The packets of one domain. Returns those that have an interface to be routed by.
static uint64_t domain_enter(struct worker *w, struct burst *b, uint64_t mask, uint16_t domain)
{
	uint16_t id = w->state->domain[domain]->iface;
	const struct fwd_iface *iface = id ? w->state->iface[id] : NULL;
	uint32_t i;

	if (unlikely(!iface || !iface->up)) { // the FDB's entry is about to go, if there is none
		burst_drop(w, b, mask, DROP_ROUTE_IFACE_DOWN);
		return 0;
	}
	if (mask == burst_all(b->n)) {
		for (i = 0; i < BURST_MAX; i++)
			b->vrf[i] = iface->vrf;
	} else {
		lane_foreach (i, mask)
			b->vrf[i] = iface->vrf;
	}
	return mask;
}

// What is neither IPv4 nor IPv6.
static void others(struct worker *w, struct burst *b, uint64_t mask)
{
	uint32_t i;

	lane_foreach (i, mask) {
		uint64_t bit = UINT64_C(1) << i;

		b->punt_class[i] = PUNT_ARP;
		if (b->type[i] == RTE_BE16(RTE_ETHER_TYPE_ARP))
			lane_give(b, LANE_ROUTE, LANE_PUNT, bit);
		else
			burst_drop(w, b, bit, b->type[i] ? DROP_ROUTE_NOT_IP : DROP_ROUTE_VLAN);
	}
}

void stage_route(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_ROUTE), todo = mask, good = 0, ip4, ip6;

	if (!mask)
		return;
	while (todo) {
		uint16_t domain = (uint16_t)b->dmac_key[__builtin_ctzll(todo)];
		uint64_t same = todo & lanes_low16(b->dmac_key, domain);

		good |= domain_enter(w, b, same, domain);
		todo &= ~same;
	}
	if (unlikely(good & b->tagged))
		types_inner(b, good & b->tagged);
	ip4 = good & lanes_equal16(b->type, RTE_BE16(RTE_ETHER_TYPE_IPV4));
	ip6 = good & lanes_equal16(b->type, RTE_BE16(RTE_ETHER_TYPE_IPV6));
	b->ip6 = ip6;
	b->expired = b->link_local = 0;
	lane_give(b, LANE_ROUTE, LANE_IP4, ip4);
	lane_give(b, LANE_ROUTE, LANE_IP6, ip6);
	if (unlikely(good & ~(ip4 | ip6)))
		others(w, b, good & ~(ip4 | ip6));
}
