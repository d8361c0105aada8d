/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_fragment.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#define HEADER_MAX 60
#define OPTION_COPIED 0x80 // RFC 791, 3.1: goes into every fragment

// Makes the header of `len` bytes that of the second and later fragments: of its options, those to be copied stay.
// Returns its new length.
static uint32_t later_options(uint8_t *ip, uint32_t len)
{
	uint32_t from = sizeof(struct rte_ipv4_hdr), to = from;

	while (from < len && ip[from] != RTE_IPV4_HDR_OPT_EOL) {
		bool single = ip[from] == RTE_IPV4_HDR_OPT_NOP;
		uint32_t size = single ? 1 : from + 1 < len ? ip[from + 1] : 0;

		if (size == 0 || (size == 1 && !single) || from + size > len)
			break; // not to be told apart, and so not to be copied
		if (ip[from] & OPTION_COPIED) {
			memmove(ip + to, ip + from, size);
			to += size;
		}
		from += size;
	}
	while (to % RTE_IPV4_IHL_MULTIPLIER)
		ip[to++] = RTE_IPV4_HDR_OPT_EOL;
	ip[0] = (uint8_t)(IPVERSION << 4 | to / RTE_IPV4_IHL_MULTIPLIER);
	return to;
}

// A frame of `len` bytes of m's payload from `at` on, behind the headers given.
static struct rte_mbuf *part(const struct rte_mbuf *m, struct rte_mempool *pool, const uint8_t *headers,
			     uint32_t headers_len, uint32_t at, uint32_t len)
{
	struct rte_mbuf *p = rte_pktmbuf_copy(m, pool, at, len);
	char *room = p ? rte_pktmbuf_prepend(p, (uint16_t)headers_len) : NULL;

	if (!room) {
		rte_pktmbuf_free(p);
		return NULL;
	}
	memcpy(room, headers, headers_len);
	p->ol_flags = 0;
	return p;
}

static void part_finish(struct rte_mbuf *p, uint32_t l3, uint32_t header_len, uint16_t field)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(p, struct rte_ipv4_hdr *, l3);

	ip->total_length = rte_cpu_to_be_16((uint16_t)(p->pkt_len - l3));
	ip->fragment_offset = rte_cpu_to_be_16(field);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, header_len);
}

int ip_fragment(const struct rte_mbuf *m, uint32_t l3, uint16_t mtu, struct rte_mempool *pool,
		struct rte_mbuf *out[IP_FRAGMENTS_MAX])
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3);
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset); // offset and flags of the next part
	bool more = field & RTE_IPV4_HDR_MF_FLAG;
	uint32_t len = rte_ipv4_hdr_len(ip), at = l3 + len;
	uint8_t headers[RTE_PKTMBUF_HEADROOM];
	int n = 0, ret;

	if (mtu < len + 8 || l3 + len > sizeof(headers))
		return -EINVAL;
	memcpy(headers, rte_pktmbuf_mtod(m, const void *), l3 + len);
	while (at < m->pkt_len) {
		uint32_t left = m->pkt_len - at;
		uint32_t size = left <= mtu - len ? left : (mtu - len) & ~7u;

		ret = -ENOSPC;
		if (n == IP_FRAGMENTS_MAX)
			goto free_parts;
		ret = -ENOMEM;
		out[n] = part(m, pool, headers, l3 + len, at, size);
		if (!out[n])
			goto free_parts;
		at += size;
		field = (uint16_t)(at == m->pkt_len && !more ? field & ~RTE_IPV4_HDR_MF_FLAG
							     : field | RTE_IPV4_HDR_MF_FLAG);
		part_finish(out[n++], l3, len, field);
		field = (uint16_t)(field + size / 8);
		if (n == 1)
			len = later_options(headers + l3, len);
	}
	return n;

free_parts:
	rte_pktmbuf_free_bulk(out, (unsigned int)n);
	return ret;
}
