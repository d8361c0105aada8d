/* SPDX-License-Identifier: BSD-3-Clause */
// A router of a few interfaces for pipeline tests, and the packets that go through it.
//
// Design: the same topology for all tests.
//   port 1: interface 1, VRF 1            ports 4, 6: access ports, and 5: a trunk, of VLAN 5 of a bridge,
//   port 2: interface 2, VRF 1            which has interface 4 in it, VRF 1
//   port 3: interface 3 in VLAN 30, VRF 2
// Next hops have fixed numbers, and each VRF and family has routes to them: 10.N.0.0/16 and 2001:db8:N::/48 by number N
// in VRF 1. VRF 2 has 10.1.0.0/16 and 2001:db8:1::/48 too, but to interface 1.
#ifndef ROUTER_H
#define ROUTER_H

#include "../../tables/nexthop.h"
#include "harness.h"

enum router_nexthop {
	NH_NONE,
	NH_PORT2,  // by port 2, untagged
	NH_VLAN30, // by port 3, VLAN 30
	NH_BRIDGE, // by the bridge
	NH_LOCAL,
	NH_CONNECTED,  // on the link of interface 2
	NH_UNRESOLVED, // by a neighbour on interface 2
	NH_DROP,
	NH_REJECT,
	NH_GROUP,     // empty: router_group()
	NH_PORT1,     // by port 1
	NH_OURSELVES, // by the bridge, to our own MAC address
	NH_MEMBER,    // and up: members of groups, by port 2
};

enum { VRF_NONE, VRF_ONE, VRF_TWO, VRF_EMPTY, ROUTER_VRFS };
enum { DOMAIN_1 = 11, DOMAIN_2, DOMAIN_VLAN30, DOMAIN_BRIDGE };
#define BRIDGE_VID 5

extern const uint8_t router_mac[5][6]; // of interface 1..4
extern const uint8_t router_neighbour[8][6], router_sender[6];

void router_build(void);
void router_forget(void); // after the last test: frees what router_build() made
// Contents of a next hop. nh is copied; NULL: none.
void router_nexthop(uint32_t number, const struct nexthop *nh);
struct nexthop *router_nexthop_at(uint32_t number);
void router_group(const uint32_t *slot, uint32_t nslots);
void router_route4(uint16_t vrf, uint32_t prefix, uint8_t depth, uint32_t number);

struct packet {
	uint8_t iface; // it is to be routed by: its MAC address, and 1..3 the port
	uint16_t port; // 0: the interface's
	int vid;       // tag, -1 none
	uint8_t version;
	uint8_t src[16], dst[16];
	uint8_t ttl, protocol;
	uint32_t label;         // of IPv6
	uint16_t id, fragment;  // of IPv4
	uint8_t options[40];    // of IPv4
	uint8_t noptions;       // bytes
	const uint8_t *payload; // NULL: counting bytes
	uint16_t npayload;
	uint32_t padding;
	uint8_t bytes[10000]; // packet_make()
	uint32_t len, l3, l4;
};

// A packet from a neighbour of interface 1 to 10.N.0.1 or 2001:db8:N::1: UDP of 26 bytes of payload.
struct packet packet4(uint8_t nexthop);
struct packet packet6(uint8_t nexthop);
void packet_make(struct packet *p);                                       // bytes, len, l3, l4
void packet_send(struct packet *p);                                       // makes it and puts it in
void packet_in(const struct packet *p);                                   // puts in what was made
void packet_checksum(struct packet *p);                                   // of IPv4, anew
void packet_routed(struct packet *p, const uint8_t rewrite[12], int vid); // makes of what went in what has to come out
// Exactly that, and nothing else, came out of the port.
void packet_expect(uint16_t port, const struct packet *p);
void expect_nothing_sent(void);
void expect_drop(enum drop_reason reason); // one, at port 1..3, and none else

#endif
