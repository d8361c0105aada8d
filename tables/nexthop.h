/* SPDX-License-Identifier: BSD-3-Clause */
// Next hops: what a route's number stands for.
//
// Purpose: a FIB (fib4.h, fib6.h) answers with a number; this table says what is done with the packet. A million routes
// share a few next hops, so what changes at a neighbour or in a group changes here, in one place.
//
// Design: an array of pointers to immutable next hops. Control builds a new one, stores the pointer and frees the old
// one after a grace period, so a reader sees all of a next hop or of the one before. A next hop is a finished answer:
// the MAC addresses of the rewritten frame are in it, and a group's slots name next hops that are no groups.
//
// Threads: read by workers; written by control.
#ifndef NEXTHOP_H
#define NEXTHOP_H

#include <stdint.h>

#define NEXTHOP_MAX (1u << 20) // numbers are 1..NEXTHOP_MAX-1; 0 is no route
#define NEXTHOP_SLOTS_MAX 4096

enum nexthop_kind {
	NEXTHOP_DROP,       // lost by name, nobody told
	NEXTHOP_REJECT,     // lost by name, the sender told (ICMP administratively prohibited)
	NEXTHOP_LOCAL,      // one of our own addresses
	NEXTHOP_CONNECTED,  // the destination is on the link of `iface` and its neighbour is not known yet
	NEXTHOP_UNRESOLVED, // by a neighbour of `iface` whose MAC is not known yet
	NEXTHOP_FORWARD,    // to a neighbour: rewrite and send
	NEXTHOP_GROUP,      // slot[flow hash & (nslots - 1)] decides
};

struct nexthop {
	uint8_t kind;        // enum nexthop_kind
	uint8_t rewrite[12]; // FORWARD: destination and source MAC
	uint16_t iface;      // id of the interface it leaves by: CONNECTED, UNRESOLVED, FORWARD
	uint16_t port_id;    // FORWARD: the port; 0: the bridge of `domain` decides by the destination MAC
	uint16_t domain;     // FORWARD: the interface's broadcast domain
	uint16_t vid;        // FORWARD: of that domain (VLAN_NONE: leaves untagged)
	uint16_t mtu;        // FORWARD: of the interface, bytes of the IP packet; all others: 0, so nothing fits
	uint32_t nslots;     // GROUP: a power of two
	uint32_t slot[];     // GROUP: numbers of next hops
};

// One array for all VRFs; at[i] is NULL where there is none (the packet is then lost as one without route).
struct nexthop_table {
	const struct nexthop *at[NEXTHOP_MAX];
};

static inline const struct nexthop *nexthop_get(const struct nexthop_table *t, uint32_t number)
{
	return __atomic_load_n(&t->at[number], __ATOMIC_ACQUIRE);
}

#endif
