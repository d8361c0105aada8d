/* SPDX-License-Identifier: BSD-3-Clause */
// The hash that chooses a group's member for a flow.
//
// Design: CRC32C, which every CPU of x86-64-v2 computes eight bytes at a time, and a product that spreads it over all
// bits. It is no secret: who wants all his flows to take one way may.
//
// Threads: pure functions.
#ifndef FLOW_HASH_H
#define FLOW_HASH_H

#include <nmmintrin.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

// More fragments and the offset, in the first eight bytes of an IPv4 header as a word.
#define FLOW_FRAGMENT ((uint64_t)RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK) << 48)

static inline uint32_t flow_spread(uint64_t crc)
{
	return (uint32_t)((crc ^ crc >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

// The ports behind the headers, if they are there and belong to a protocol that has them.
static inline uint32_t flow_ports(const struct rte_mbuf *m, uint32_t l4, uint8_t protocol)
{
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP)
		return 0;
	return l4 + 4 <= m->data_len ? *rte_pktmbuf_mtod_offset(m, const unaligned_uint32_t *, l4) : 0;
}

// A number from 0 to 2^32 - 1 that is the same for all packets of a flow: of the addresses, the protocol, the ports of
// TCP, UDP and SCTP, and IPv6's flow label; of fragments only the addresses and the protocol. The IP header at l3 was
// checked. Cost: some 10 cycles.
static inline uint32_t flow_hash_ip4(const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	uint64_t head = *(const unaligned_uint64_t *)ip, addresses = *(const unaligned_uint64_t *)(ip + 12);
	uint8_t protocol = ip[9];
	uint32_t ports = 0;

	// Neither options nor a part of a packet: one compare.
	if (likely((head & (FLOW_FRAGMENT | 0xf)) == RTE_IPV4_MIN_IHL))
		ports = flow_ports(m, l3 + (uint32_t)sizeof(struct rte_ipv4_hdr), protocol);
	else if (!(head & FLOW_FRAGMENT))
		ports = flow_ports(m, l3 + (uint32_t)(head & 0xf) * RTE_IPV4_IHL_MULTIPLIER, protocol);
	return flow_spread(_mm_crc32_u64(_mm_crc32_u64(protocol, addresses), ports));
}

static inline uint32_t flow_hash_ip6(const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const unaligned_uint64_t *address = (const unaligned_uint64_t *)(ip + 8);
	uint32_t label = *(const unaligned_uint32_t *)ip & RTE_BE32(0xfffff);
	uint64_t ports = flow_ports(m, l3 + (uint32_t)sizeof(struct rte_ipv6_hdr), ip[6]);

	uint64_t src = _mm_crc32_u64(_mm_crc32_u64(label, address[0]), address[1]);
	uint64_t dst = _mm_crc32_u64(_mm_crc32_u64(_mm_crc32_u64(0, ports << 8 | ip[6]), address[2]), address[3]);

	return flow_spread(src << 32 | dst);
}

#endif
