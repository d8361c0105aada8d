/* SPDX-License-Identifier: BSD-3-Clause */
// IP packets that leave by control: those that waited for a neighbour, answers, errors.
//
// Purpose: route look-up, neighbour, frame, and the workers' ring, as one call.
//
// Design: every function takes a packet that begins with its IP header, complete in the first segment and ours alone,
// and takes it in any case. in_iface: the interface where a punted packet came in, so that its end is accounted for
// (slow_end()), its TTL is decremented and its sender is told of what hinders it; 0: a packet of our own.
//
// Threads: control only.
#ifndef IP_OUT_H
#define IP_OUT_H

#include <rte_mbuf.h>

#include "l3.h"

// An empty packet of our own with room for `len` bytes, all zero, and headers in front. NULL: no buffer (counted).
struct rte_mbuf *ip_out_alloc(uint16_t len);

// By a route of the VRF, to the destination in the packet's header. Our own only.
void ip_out(struct vrf *v, struct rte_mbuf *m);
// To a destination on the interface's own link, by no route (link-local addresses; or as a packet's sender is answered
// whose route is not known). Our own only.
void ip_out_onlink(struct iface *i, struct rte_mbuf *m);
// By a next hop that a FIB or a group gave.
void ip_out_nexthop(uint32_t number, struct rte_mbuf *m, uint16_t in_iface);
// On an interface's link to a MAC: fragments IPv4, or tells, what is longer than the interface's MTU.
void ip_out_link(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t in_iface);
// An Ethernet frame of `type` with the packet behind it, on the interface's link. 0 or -ENOBUFS.
int ip_out_frame(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t type);

// The number of the next hop of an address; 0: no route.
uint32_t ip_out_lookup(const struct vrf *v, const struct ip_addr *a);
// Source and destination of a packet.
void ip_out_addrs(const struct rte_mbuf *m, struct ip_addr *src, struct ip_addr *dst);

#endif
