/* SPDX-License-Identifier: BSD-3-Clause */
// What the routing stages share: route, ip4, ip6, nexthop.
//
// Threads: all of it runs on the worker that owns `w` and `b`.
#ifndef ROUTE_H
#define ROUTE_H

#include "../tables/nexthop.h"
#include "ip_check.h"
#include "stage.h"

// Where the IP header of packet i begins, which is in lane ROUTE or a later one.
static inline uint32_t frame_l3_at(const struct burst *b, uint32_t i)
{
	return RTE_ETHER_HDR_LEN + (uint32_t)(b->tagged >> i & 1) * RTE_VLAN_HLEN;
}

// Notes what a check found of packet i, and cuts off padding. DROP_COUNT, or the reason why it is to be dropped.
enum drop_reason route_accept(struct burst *b, uint32_t i, const struct ip_verdict *v);

// Removes the VLAN tag of packet i, which nobody else holds.
void route_untag(struct burst *b, uint32_t i);

// Sends packet i, an IPv4 packet that is finished but for being longer than its next hop's mtu allows, in parts, by the
// lane and port that are given (FLOOD: of the domain of its dmac_key). It is taken; or DROP_COUNT is not returned, and
// it stays where it is.
enum drop_reason route_fragment(struct worker *w, struct burst *b, uint32_t i, uint16_t mtu, enum lane lane);
// Sends the parts that wait: before w's burst goes on.
void route_fragments_flush(struct worker *w);

#endif
