/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbour discovery on interfaces (RFC 4861): solicitations and advertisements; ra.h has those of routers.
//
// Design: a message is believed only with hop limit 255, code 0, a right checksum, options of right lengths and the
// addresses that its type allows (7.1.1, 7.1.2, 6.1.1). Who asks for our address becomes a neighbour; other messages
// update those that are there. At most ARP_ANSWER_RATE answers per second and interface.
//
// Threads: control only.
#ifndef ND_H
#define ND_H

#include "../datapath/punt.h"
#include "l3.h"

enum nd_type { ND_RS = 133, ND_RA, ND_NS, ND_NA, ND_REDIRECT };
enum nd_option { ND_SOURCE_MAC = 1, ND_TARGET_MAC, ND_PREFIX, ND_REDIRECTED, ND_MTU };

#define ND_FLAG_ROUTER 0x80
#define ND_FLAG_SOLICITED 0x40
#define ND_FLAG_OVERRIDE 0x20

// A checked message.
struct nd_message {
	enum nd_type type;
	uint8_t flags; // ND_NA
	struct ip_addr src, dst, target;
	bool has_mac; // its option named one: of the source (ND_RS, ND_NS), or the target (ND_NA)
	struct rte_ether_addr mac;
};

// Reads a message: `ip` is an IPv6 packet of at most `len` bytes. false: malformed.
bool nd_parse(const uint8_t *ip, uint32_t len, struct nd_message *out);

// A punted packet of neighbour discovery; takes it.
void nd_input(const struct punt *p, struct iface *i);
// Asks for an address, of its group (mac NULL) or of one station.
void nd_ask(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac);
// Asks whether anybody has an address that we are about to use.
void nd_ask_duplicate(struct iface *i, const struct ip_addr *a);
// Tells all stations our address's MAC.
void nd_announce(struct iface *i, const struct ip_addr *a);
// An answer in another's name (arp_suppress), from `mac`, which has what was asked for: a frame. NULL: no buffer.
struct rte_mbuf *nd_answer_for(const struct nd_message *question, const struct rte_ether_addr *mac);

// An ICMPv6 message's packet of `len` bytes behind its IP header, all zero, but for its type; nd_finish() fills in the
// rest. NULL: no buffer.
struct rte_mbuf *nd_compose(enum nd_type type, uint16_t len, const struct ip_addr *src, const struct ip_addr *dst);
void nd_finish(struct rte_mbuf *m);
// The option that names a MAC: 8 bytes.
void nd_put_mac(uint8_t *option, enum nd_option type, const struct rte_ether_addr *mac);
// Ethernet address of an IPv6 group (RFC 2464, 7).
void nd_group_mac(const struct ip_addr *group, struct rte_ether_addr *mac);
extern const struct ip_addr nd_all_nodes;

#endif
