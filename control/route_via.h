/* SPDX-License-Identifier: BSD-3-Clause */
// What routes' gateways come to: neighbours, found through other routes if need be, and the numbers that FIBs hold.
//
// Design: a gateway of a VRF is one object however many routes name it. It is on the link of an interface (and holds
// that neighbour), or is found through another route, or nowhere, and is looked up anew when a route that covers it
// changes. A via is what one description (hops.h) comes to: its leaves are the neighbours at the ends of its gateways.
// One gateway on a link: routes have the neighbour's own number. Otherwise a number of the via's own, of a group
// (route_group.h) over the leaves, so that only this one place changes with what is behind it. A via that leads nowhere
// has a number without contents: packets are lost as without a route.
//
// Threads: control only.
#ifndef ROUTE_VIA_H
#define ROUTE_VIA_H

#include <sys/queue.h>

#include "hops.h"
#include "l3.h"
#include "route_set.h"

#define LEAVES_MAX 1024
#define RECURSION_MAX 8

struct leaf {
	uint32_t number; // of a next hop that is no group
	uint32_t seed;   // the same for a neighbour at all times
	double share;    // of all; the sum is 1
	bool alive;
	struct nexthop_watch *watch;
	struct via *via;
};

struct gateway {
	struct vrf *vrf;
	struct ip_addr addr;     // family 0: the link of `iface`
	char name[HOP_NAME_LEN]; // of the interface that is asked for, "": any
	uint32_t id, refs;
	struct iface *iface;  // it is on the link of
	struct neigh *neigh;  // there; NULL if family 0
	struct hops *through; // or it is found through, held
	const char *why;      // or not, because
	bool waiting;
	TAILQ_ENTRY(gateway) wait_link;
	LIST_ENTRY(gateway) named_link;   // of its VRF
	LIST_ENTRY(gateway) through_link; // of the via that it is found through
	LIST_HEAD(, via_hop) users;
};

struct via_hop {
	struct gateway *gateway;
	struct via *via;
	LIST_ENTRY(via_hop) user_link;
};

struct via {
	struct hops *hops;
	struct vrf *vrf;
	uint32_t number; // what FIBs hold; 0 before it is known
	uint32_t own;    // a number of its own, 0: none was needed yet
	uint32_t nleaves, nslots;
	struct leaf *leaf;
	uint16_t *home; // [nslots] index of the leaf that has the slot while it is alive
	bool updating;
	uint32_t moved;  // it has another number since that round of via_settle()
	const char *why; // it has no leaves, because
	LIST_HEAD(, gateway) dependents;
	struct via_hop hop[];
};

// Makes h->via, with its gateways looked up, if it is not there. 0, -ENOMEM.
int via_make(struct hops *h);
uint32_t via_number(const struct hops *h);

// route_find.c

// Where an address is to be found.
struct place {
	struct iface *iface; // on its link,
	struct hops *hops;   // or through this way,
	const char *why;     // or nowhere, because
	bool missing;        // because there is no such interface
};

struct place route_find(const struct vrf *v, const struct hop *hop);
// Whether all ways of `h` end at a link or in a word. NULL: yes; else why not, *k being the hop of `h`. *steps counts.
const char *route_dead_end(const struct hops *h, const struct vrf *v, unsigned int depth, unsigned int *steps,
			   uint32_t *k, bool *missing);
// Whether a dead end is one that another route, address or interface could open, and no loop.
bool route_ends(const char *why);

// Whether all gateways of `h` lead somewhere by the routes as they are now. 0, or -EINVAL with a fault that names hop k
// of routes[i]; -ENOENT for interfaces that do not exist.
int via_check(const struct hops *h, struct vrf *v, size_t i, struct fault *f);

// A route of this prefix came, went or changed: gateways that it covers are looked up anew by via_settle().
void via_mark(struct vrf *v, const struct rib_entry *key);
// The same for all gateways that name interfaces.
void via_mark_named(struct vrf *v);
extern uint32_t via_round;
// Looks up what is marked, and puts routes whose number is another now into the FIBs.
void via_settle(void);
// Whether a route of the desired state names the interface.
bool via_names_iface(const struct iface *i);

// As at the end.
void via_destroy(void);

// The gateway of hop k. NULL before via_make().
const struct gateway *via_gateway(const struct hops *h, uint32_t k);

#endif
