/* SPDX-License-Identifier: BSD-3-Clause */
// Packets from workers to control (punt) and from control to the wire (inject).
//
// Purpose: what is for the host itself (ARP, neighbour discovery, our own addresses, errors to be told) is handled by
// control, and what control sends goes through the same transmit path and the same accounts.
//
// Design: one X-macro list of classes. Each worker has, for every class, a bounded ring and a token bucket of its own,
// so that a flood of one class starves no other and control's work is bounded. A port may always have an eighth of a
// class's rate and burst; what it has beyond that leaves half of the bucket to the other ports. A full ring or an empty
// bucket loses the packet by name (DROP_PUNT_FULL, DROP_PUNT_RATE). A worker that punts while control sleeps rings a
// bell (an eventfd, at most once per loop), so that control comes within microseconds. Injected packets are counted as
// `generated` of the port they leave by.
//
// Threads: as said at each function.
#ifndef PUNT_H
#define PUNT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define PUNT_RING 1024 // packets of one class that one worker may have waiting for control

// X(id, name, packets/s per worker, burst, help)
#define PUNT_CLASSES(X)                                                                                                \
	X(ARP, "arp", 20000, 1024, "ARP at an interface, or to be answered for on a bridge")                           \
	X(ND, "nd", 20000, 1024, "neighbour and router discovery (ICMPv6 133 to 137)")                                 \
	X(RESOLVE, "resolve", 20000, 1024, "to a neighbour whose MAC is not known yet; held until it is")              \
	X(ECHO, "echo", 50000, 1024, "ICMP and ICMPv6 echo requests to our addresses")                                 \
	X(LOCAL, "local", 50000, 1024, "all else to our addresses, and link-local multicast")                          \
	X(TTL, "ttl", 2000, 256, "time to live exceeded: the sender is told")                                          \
	X(MTU, "mtu", 2000, 256, "too big for the next link and not to be fragmented: the sender is told")             \
	X(UNREACHABLE, "unreachable", 2000, 256, "no route, or a route that rejects: the sender is told")              \
	X(REDIRECT, "redirect", 500, 64, "a copy of what leaves where it came in, by an interface with redirects")     \
	X(FLOW_MISS, "flow_miss", 20000, 1024, "to the controller of a flow bridge, by a table-miss entry")            \
	X(FLOW_ACTION, "flow_action", 20000, 1024, "to the controller of a flow bridge, by an action")                 \
	X(FLOW_TTL, "flow_ttl", 2000, 256, "to the controller of a flow bridge, as its time to live is over")

enum punt_class {
#define X(id, name, rate, burst, help) PUNT_##id,
	PUNT_CLASSES(X)
#undef X
		PUNT_CLASS_COUNT,
};

// Why a packet goes to the controller. Values are OFPR_*.
enum flow_reason { FLOW_REASON_NO_MATCH, FLOW_REASON_ACTION, FLOW_REASON_TTL };

// What goes with a packet to the controller, in struct punt of the classes FLOW_MISS, FLOW_ACTION and FLOW_TTL.
// The packet is whole, as it was when it was sent; a checksum that was left to a device is filled in, but in packets to
// be segmented.
struct flow_packet_in {
	uint8_t reason; // enum flow_reason
	uint8_t table;  // FLOW_NO_TABLE: from a packet-out
	uint16_t max_len;
	uint16_t number;  // of the switch
	uint32_t in_port; // OpenFlow number, FLOW_OUT_* too
	uint64_t cookie;  // all ones: of no entry
	uint64_t metadata, tunnel_id;
};

// A punted packet, which nobody else holds. Its data begins at the Ethernet header; a tag that belongs to the domain's
// VLAN is still there, and l3 says where the network header begins. Only the Ethernet header is sure to be in it, and
// in its first segment; of a packet that was routed (to an interface's MAC address), the IP header is too, and it was
// checked, and padding behind the IP packet was cut off.
struct punt {
	struct rte_mbuf *m;
	uint16_t class;   // enum punt_class
	uint16_t in_port; // where it came in
	uint16_t domain;  // broadcast domain it came in by
	uint16_t iface;   // interface it came in by; 0: none (ARP on a bridge without one)
	uint16_t l3;      // bytes before the network header
	uint16_t mtu;     // PUNT_MTU: of the next link
	uint32_t nexthop; // RESOLVE, UNREACHABLE, REDIRECT: the number that the FIB or the group gave, 0 no route
	struct flow_packet_in flow; // PUNT_FLOW_*; of the rest above, these have class and in_port alone
};

// Takes up to n packets of a class, from all workers in turn; they are the caller's. Control.
unsigned int workers_punts(enum punt_class class, struct punt *punt, unsigned int n);

// The eventfd that becomes readable when packets were punted while the bell was armed; the caller reads it.
// workers_punts_arm() is called when control has found nothing more and is about to sleep; it returns false if
// something waits after all (then look again). Control.
int workers_punts_fd(void);
bool workers_punts_arm(void);

// Sends a finished frame, untagged, that nobody else holds. port_id not 0: by that port, with the tag that `domain`'s
// VLAN has there; 0: by the bridge of `domain`, as its FDB says, flooded if unknown or a group address, but not to
// `but_port` (0: to all). Checksum and segmentation flags are honoured. Takes m in any case. 0, or -ENOBUFS: the ring
// is full (m is freed and counted, see workers_inject_lost()). Frames to one port, or one domain, keep their order.
// Control. Cost: some 50 ns here; the frame leaves with the next loop of a worker.
int worker_inject(struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port);
uint64_t workers_inject_lost(void); // since start. Control

const char *punt_class_name(enum punt_class class);
const char *punt_class_help(enum punt_class class);

#endif
