/* SPDX-License-Identifier: BSD-3-Clause */
// ARP on interfaces (RFC 826, 5227).
//
// Design: who asks for one of our addresses becomes a neighbour, as he will want an answer; everyone else's messages
// only update neighbours that are there. A sender with our own address is a conflict: an event tells, and our address
// is announced, at most every ARP_DEFEND_MS (RFC 5227, 2.4 c). With the interface's "proxy_arp", requests for addresses
// that are routed out of another interface are answered too. At most ARP_ANSWER_RATE answers per second and interface.
//
// Threads: control only.
#ifndef ARP_H
#define ARP_H

#include "../datapath/punt.h"
#include "l3.h"

#define ARP_DEFEND_MS 10000
#define ARP_ANSWER_RATE 5000
#define ARP_ANSWER_BURST 1000

// An ARP message in a frame, checked: Ethernet and IPv4, one station's addresses. `frame` begins at the ARP header.
struct arp_message {
	bool request;
	struct rte_ether_addr sender_mac, target_mac;
	struct ip_addr sender, target; // sender 0.0.0.0: a probe (RFC 5227)
};

// Reads a message of `len` bytes. false: malformed.
bool arp_parse(const uint8_t *frame, uint32_t len, struct arp_message *out);

// A punted ARP frame; takes it.
void arp_input(const struct punt *p, struct iface *i);
// Asks for an address, of all (mac NULL) or of one station.
void arp_ask(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac);
// Tells all stations our address's MAC (gratuitous ARP).
void arp_announce(struct iface *i, const struct ip_addr *a);
// An answer in another's name (arp_suppress), to who asked: a frame from `mac`, which has `asked`. NULL: no buffer.
struct rte_mbuf *arp_answer_for(const struct arp_message *question, const struct rte_ether_addr *mac);

#endif
