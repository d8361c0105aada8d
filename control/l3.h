/* SPDX-License-Identifier: BSD-3-Clause */
// The router's objects as its parts see each other: VRFs, interfaces, next hops, neighbours.
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

#include "../tables/nexthop.h"
#include "bridge.h"
#include "ip.h"

#define VRF_MAX 4097 // ids are 1..4096; 0 is none
#define IFACE_MAX 65535

struct vrf {
	char name[PORT_NAME_LEN]; // first: names.h
	uint16_t id;
	bool deleted;
	json_t *conf;
	struct fib4 *fib4;
	struct fib6 *fib6;
	uint32_t nifaces, nroutes; // what uses it, and what it holds
};

struct iface {
	char name[PORT_NAME_LEN]; // first: names.h
	uint16_t id;
	bool deleted;
	bool up;              // administratively, and its port's link (or any of its bridge's) is up; loopback: always
	const char *down_why; // while it is not: "admin", "port failed", "link"
	struct vrf *vrf;
	struct port_obj *port; // on a port (or its VLAN `vid`), or
	struct bridge *bridge; // on a bridge (its VLAN `vid`, 0: where untagged frames are), or neither: loopback
	uint16_t vid;          // 0: untagged
	struct domain *domain; // NULL: loopback
	struct rte_ether_addr mac;
	uint16_t mtu; // bytes of an IP packet
	uint16_t naddrs;
	struct ip_prefix *addr; // [naddrs], address and prefix length; the link-local one of IPv6 among them
	json_t *conf;
	void *neighs; // neigh.c's
	void *host;   // host_tap.c's
};

// iface.c
struct iface *iface_by_id(uint16_t id); // NULL: none
const struct names *iface_names(void);
int iface_get(const char *field, const char *name, struct iface **out, struct fault *f);
// One of its own addresses that is best to speak to `to` from (same prefix, else of the same scope); NULL: none.
const struct ip_prefix *iface_source(const struct iface *i, const struct ip_addr *to);
bool iface_owns(const struct iface *i, const struct ip_addr *a);
// The interface of an address of a VRF; NULL: not ours.
struct iface *iface_owner(const struct vrf *v, const struct ip_addr *a);

// vrf.c
const struct names *vrf_names(void);
int vrf_get(const char *field, const char *name, struct vrf **out, struct fault *f);
struct vrf *vrf_by_id(uint16_t id);

// nexthop.c: numbers and their contents, as workers see them; every change is atomic for them.
int nexthop_alloc(uint32_t *number);                         // 0, -ENOSPC; no contents until nexthop_set()
void nexthop_set(uint32_t number, struct nexthop *contents); // takes contents (garbage_alloc)
void nexthop_free(uint32_t number);                          // contents and number are free after a grace period
const struct nexthop *nexthop_at(uint32_t number);
const struct nexthop_table *nexthop_table(void);
// fn(arg, alive) whenever the next hop begins or ceases to be FORWARD.
struct nexthop_watch;
struct nexthop_watch *nexthop_watch(uint32_t number, void (*fn)(void *arg, bool alive), void *arg);
void nexthop_unwatch(struct nexthop_watch *w);

// route.c: what neigh.c and iface.c put into the FIB by themselves. A host route of a resolved neighbour stands below a
// configured one of the same prefix.
int route_host_set(struct vrf *v, const struct ip_addr *a, uint32_t number);
void route_host_del(struct vrf *v, const struct ip_addr *a);

// neigh.c: called by route.c and iface.c.
struct neigh;
// The neighbour of an address on an interface, made (unresolved) if need be; holds a reference. 0, -ENOSPC, -ENOMEM.
int neigh_hold(struct iface *i, const struct ip_addr *a, struct neigh **out);
void neigh_release(struct neigh *n);
uint32_t neigh_nexthop(const struct neigh *n); // its number, the same for life
void neigh_iface_changed(struct iface *i);     // up, down, MAC, MTU or addresses: contents are made anew, or flushed
void neigh_iface_gone(struct iface *i);

#endif
