/* SPDX-License-Identifier: BSD-3-Clause */
// ICMP and ICMPv6: echo for our addresses, and errors about packets that could not be forwarded.
//
// Design: who may be told of an error, and with how much of the packet, is RFC 1122, 3.2.2, and RFC 1812, 4.3.2, for
// IPv4, and RFC 4443, 2.4, for IPv6. An error's source is an address of the interface that the packet came in by, so
// that traceroute shows that interface. ICMP_ERROR_RATE errors per second and interface; what exceeds that is
// "limited".
//
// Threads: control only.
#ifndef ICMP_H
#define ICMP_H

#include "../datapath/punt.h"
#include "l3.h"

#define ICMP_ERROR_RATE 1000
#define ICMP_ERROR_BURST 200
#define ICMP_QUOTE4_MAX 576  // bytes of an error as IP packet (RFC 1812, 4.3.2.3)
#define ICMP_QUOTE6_MAX 1280 // RFC 4443, 2.4 (c)

enum icmp_error {
	ICMP_ERROR_TTL,
	ICMP_ERROR_TOO_BIG, // fragmentation needed, packet too big
	ICMP_ERROR_NET,     // no route
	ICMP_ERROR_HOST,    // the neighbour does not answer
	ICMP_ERROR_PORT,
	ICMP_ERROR_ADMIN,
	ICMP_ERROR_REASS, // the rest of a datagram did not come in time
};

// An echo request to one of our addresses: answers it. Takes the packet.
void icmp_echo(const struct punt *p, struct iface *in);
// The same of an ICMP or ICMPv6 packet for us that begins with its IP header.
void icmp_input(struct rte_mbuf *m, struct iface *in);

// Whom nobody may answer: groups, broadcast, the unspecified and the loopback's addresses are no host's.
bool icmp_is_one_host(const struct ip_addr *a);

// Tells the sender of a punted packet why it was not forwarded, if that may be. Takes the packet.
void icmp_error(const struct punt *p, struct iface *in, enum icmp_error what);
// The same of a packet that begins with its IP header. mtu: of the next link, for ICMP_ERROR_TOO_BIG.
void icmp_error_about(struct rte_mbuf *m, struct iface *in, enum icmp_error what, uint16_t mtu);
// Of a packet that waited for a neighbour in vain; in_iface 0: our own, which is freed.
void icmp_no_neighbour(struct rte_mbuf *m, uint16_t in_iface);

// The message that tells `to` to send by `gateway` what it sent as m, an IPv4 packet that begins with its IP header.
// NULL: no buffer (counted).
struct rte_mbuf *icmp_redirect4(const struct rte_mbuf *m, const struct ip_addr *gateway, const struct ip_addr *from,
				const struct ip_addr *to);

// What is behind the extension headers of an IPv6 packet of `len` bytes: the protocol, and in *at where it begins. -1:
// the headers are cut, or it is not in this fragment.
int icmp_ip6_payload(const uint8_t *ip, uint32_t len, uint32_t *at);

// The checksum of an ICMPv6 message that lies in a row: complete ones give 0.
uint16_t icmp6_checksum(const uint8_t *ip, const void *message, uint32_t len);

#endif
