/* SPDX-License-Identifier: BSD-3-Clause */
// The router's objects as its parts see each other: next hops, routes, neighbours. VRFs and interfaces have headers of
// their own.
//
// Design: vrf.c, iface.c, nexthop.c and route.c keep what was asked for and turn it into FIBs and next hops; neigh.c
// resolves neighbours, and tells by neigh_ops' functions below; slow.c handles what workers punt. A neighbour has one
// next hop number for life, whose contents follow its state (UNRESOLVED, FORWARD), so a route by a gateway and the
// connected host route both just name that number. Groups watch their members by nexthop_watch().
//
// Threads: control only.
#ifndef L3_H
#define L3_H

#include <rte_ether.h>

#include "iface.h"
#include "ip.h"
#include "nexthop.h"
#include "vrf.h"

// route.c: what neigh.c and iface.c put into the FIB by themselves. A host route of a resolved neighbour stands below a
// configured one of the same prefix.
int route_host_set(struct vrf *v, const struct ip_addr *a, uint32_t number);
void route_host_del(struct vrf *v, const struct ip_addr *a);

// A route that Linux has, learned by netlink (linux_sync.c): of source "linux", not part of the desired state, below a
// configured one of the same prefix. Adds it or replaces the one before. via[0..n-1]: where it goes, over which of
// the VRF's interfaces; n 0: nowhere (blackhole). Fast, since a hundred thousand come at once: no JSON, and routes with
// the same via share a next hop or group. Held by the interface's neighbours as any route; when an interface is deleted
// linux_sync.c takes its routes back first. 0, -ENOSPC, -ENOMEM.
struct route_via {
	struct iface *iface;
	struct ip_addr gateway; // family 0: on the link itself
	uint16_t weight;        // 1 or more
};
int route_linux_set(struct vrf *v, const struct ip_prefix *p, const struct route_via *via, unsigned int n);
void route_linux_del(struct vrf *v, const struct ip_prefix *p); // none: nothing

// neigh.c: called by route.c and iface.c.
struct neigh;
// The neighbour of an address on an interface, made (unresolved) if need be; holds a reference. 0, -ENOSPC, -ENOMEM.
// As long as somebody holds it, it is resolved without traffic, tried again while it is not, and kept fresh: the
// members of a group are held, and one that is not alive gets no packets that could ask for it.
int neigh_hold(struct iface *i, const struct ip_addr *a, struct neigh **out);
void neigh_release(struct neigh *n);
uint32_t neigh_nexthop(const struct neigh *n); // its number, the same for life
// Interfaces tell neigh.c what happens to them by iface_listen() (iface.h).

#endif
