/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "state.h"

#define EXTENSIONS_MAX 8 // more headers than any honest packet has

// The byte at `at`, or -1.
static int byte_at(const struct rte_mbuf *m, uint32_t at)
{
	return at < m->data_len ? *rte_pktmbuf_mtod_offset(m, const uint8_t *, at) : -1;
}

static int word_at(const struct rte_mbuf *m, uint32_t at)
{
	int low = byte_at(m, at + 1);

	return low < 0 ? -1 : byte_at(m, at) << 8 | low;
}

uint32_t frame_l3(const struct rte_mbuf *m, bool tagged, uint16_t vid)
{
	if (!tagged)
		return RTE_ETHER_HDR_LEN;
	if (vid == VLAN_NONE && (word_at(m, RTE_ETHER_HDR_LEN) & 0xfff) != 0)
		return 0;
	return RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
}

// The type of the ICMP message right behind an IPv4 header, or -1.
static int icmp_type(const struct rte_mbuf *m, uint32_t l3)
{
	uint32_t len = (uint32_t)(byte_at(m, l3) & 0xf) * RTE_IPV4_IHL_MULTIPLIER;

	if (byte_at(m, l3 + offsetof(struct rte_ipv4_hdr, next_proto_id)) != IPPROTO_ICMP)
		return -1;
	if (word_at(m, l3 + offsetof(struct rte_ipv4_hdr, fragment_offset)) & RTE_IPV4_HDR_OFFSET_MASK)
		return -1;
	return byte_at(m, l3 + len);
}

// The type of the ICMPv6 message right behind an IPv6 header, or -1. Neighbour discovery has no other headers in
// between (RFC 6980 forbids fragments of it, and nobody has use for the rest).
static int icmp6_type(const struct rte_mbuf *m, uint32_t l3)
{
	if (byte_at(m, l3 + offsetof(struct rte_ipv6_hdr, proto)) != IPPROTO_ICMPV6)
		return -1;
	return byte_at(m, l3 + (uint32_t)sizeof(struct rte_ipv6_hdr));
}

enum punt_class frame_class(const struct rte_mbuf *m, uint32_t l3)
{
	int type;

	switch (word_at(m, l3 - 2)) {
	case RTE_ETHER_TYPE_ARP:
		return PUNT_ARP;
	case RTE_ETHER_TYPE_IPV4:
		return icmp_type(m, l3) == RTE_IP_ICMP_ECHO_REQUEST ? PUNT_ECHO : PUNT_LOCAL;
	case RTE_ETHER_TYPE_IPV6:
		type = icmp6_type(m, l3);
		if (type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT)
			return PUNT_ND;
		return type == ICMP6_ECHO_REQUEST ? PUNT_ECHO : PUNT_LOCAL;
	}
	return PUNT_LOCAL;
}

bool frame_asks(const struct rte_mbuf *m, uint32_t l3)
{
	if (word_at(m, l3 - 2) == RTE_ETHER_TYPE_ARP)
		return word_at(m, l3 + offsetof(struct rte_arp_hdr, arp_opcode)) == RTE_ARP_OP_REQUEST;
	return word_at(m, l3 - 2) == RTE_ETHER_TYPE_IPV6 && icmp6_type(m, l3) == ND_NEIGHBOR_SOLICIT;
}

static bool ip4_tellable(const struct rte_mbuf *m, uint32_t l3)
{
	int field = word_at(m, l3 + offsetof(struct rte_ipv4_hdr, fragment_offset));
	int type;

	if (field < 0 || field & RTE_IPV4_HDR_OFFSET_MASK)
		return false;
	if (byte_at(m, l3 + offsetof(struct rte_ipv4_hdr, next_proto_id)) != IPPROTO_ICMP)
		return true;
	type = icmp_type(m, l3);
	return type == RTE_IP_ICMP_ECHO_REQUEST || type == RTE_IP_ICMP_ECHO_REPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

static bool ip6_tellable(const struct rte_mbuf *m, uint32_t l3)
{
	uint32_t at = l3 + (uint32_t)sizeof(struct rte_ipv6_hdr);
	int next = byte_at(m, l3 + offsetof(struct rte_ipv6_hdr, proto));

	for (unsigned int n = 0; n < EXTENSIONS_MAX; n++) {
		int size = next == IPPROTO_FRAGMENT ? 0 : byte_at(m, at + 1);

		if (next == IPPROTO_ICMPV6)
			return byte_at(m, at) >= ICMP6_ECHO_REQUEST && byte_at(m, at) != ND_REDIRECT;
		if (next == IPPROTO_FRAGMENT && (word_at(m, at + 2) < 0 || word_at(m, at + 2) & ~7))
			return false;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			return true;
		if (size < 0)
			return false;
		next = byte_at(m, at);
		at += ((uint32_t)size + 1) * 8;
	}
	return false;
}

bool frame_tellable(const struct rte_mbuf *m, uint32_t l3)
{
	return word_at(m, l3 - 2) == RTE_ETHER_TYPE_IPV4 ? ip4_tellable(m, l3) : ip6_tellable(m, l3);
}
