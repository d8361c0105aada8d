/* SPDX-License-Identifier: BSD-3-Clause */
// Packets from workers to control (punt) and from control to the wire (inject).
//
// Purpose: what is for the host itself (ARP, neighbour discovery, our own addresses, errors to be told) is handled by
// control, and what control sends goes through the same transmit path and the same accounts.
//
// Design: one X-macro list of classes. Each worker has, for every class, a bounded ring and a token bucket of its own,
// so that a flood of one class starves no other and control's work is bounded. A full ring or an empty bucket loses the
// packet by name (DROP_PUNT_FULL, DROP_PUNT_RATE). A worker that punts while control sleeps rings a bell (an eventfd,
// at most once per loop), so that control comes within microseconds. Injected packets are counted as `generated` of the
// port they leave by.
//
// Threads: as said at each function.
#ifndef PUNT_H
#define PUNT_H

#include <rte_mbuf.h>

// X(id, name, packets/s per worker, burst, help)
#define PUNT_CLASSES(X)                                                                                                \
	X(ARP, "arp", 20000, 1024, "ARP at an interface, or to be answered for on a bridge")                           \
	X(ND, "nd", 20000, 1024, "neighbour and router discovery (ICMPv6 133 to 137)")                                 \
	X(RESOLVE, "resolve", 20000, 1024, "to a neighbour whose MAC is not known yet; held until it is")              \
	X(ECHO, "echo", 50000, 1024, "ICMP and ICMPv6 echo requests to our addresses")                                 \
	X(LOCAL, "local", 50000, 1024, "all else to our addresses, and link-local multicast")                          \
	X(TTL, "ttl", 2000, 256, "time to live exceeded: the sender is told")                                          \
	X(MTU, "mtu", 2000, 256, "too big for the next link and not to be fragmented: the sender is told")             \
	X(UNREACHABLE, "unreachable", 2000, 256, "no route, or a route that rejects: the sender is told")

enum punt_class {
#define X(id, name, rate, burst, help) PUNT_##id,
	PUNT_CLASSES(X)
#undef X
		PUNT_CLASS_COUNT,
};

// A punted packet. Its data begins at the Ethernet header; a tag that belongs to the domain's VLAN is still there, and
// l3 says where the network header begins.
struct punt {
	struct rte_mbuf *m;
	uint16_t class;   // enum punt_class
	uint16_t in_port; // where it came in
	uint16_t domain;  // broadcast domain it came in by
	uint16_t iface;   // interface it came in by; 0: none (ARP on a bridge without one)
	uint16_t l3;      // bytes before the network header
	uint16_t mtu;     // PUNT_MTU: of the next link
	uint32_t nexthop; // PUNT_RESOLVE: the number that the FIB or the group gave; PUNT_UNREACHABLE: likewise, 0 no
			  // route
};

// Takes up to n packets of a class, from all workers; they are the caller's. Control.
unsigned int workers_punts(enum punt_class class, struct punt *punt, unsigned int n);

// The eventfd that becomes readable when packets were punted. workers_punts_arm() is called when control has found
// nothing more and is about to sleep; it returns false if something came in between (then look again). Control.
int workers_punts_fd(void);
bool workers_punts_arm(void);

// Sends a finished frame, untagged, that nobody else holds. port_id not 0: by that port, with the tag that `domain`'s
// VLAN has there; 0: by the bridge of `domain`, as its FDB says, flooded if unknown or a group address, but not to
// `but_port` (0: to all). Takes m in any case. 0, or -ENOBUFS: the ring is full (m is freed and counted as
// inject_lost). Control.
int worker_inject(struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port);

const char *punt_class_name(enum punt_class class);
const char *punt_class_help(enum punt_class class);

#endif
