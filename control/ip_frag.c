/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_frag.h"

#include <errno.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_random.h>

#include "../datapath/offload.h"
#include "../ports/port.h"

#define FRAG6_LEN 8u
#define COPIED 0x80 // RFC 791, 3.1: the option is in every fragment

// The header of the second and later fragments: of the options, those with the copied flag, padded to a word.
static uint32_t later_header(const uint8_t *first, uint32_t len, uint8_t out[60])
{
	uint32_t at = sizeof(struct rte_ipv4_hdr), n = at;

	memcpy(out, first, at);
	while (at < len && first[at] != 0) {
		uint32_t size = first[at] == 1 ? 1 : at + 1 < len ? first[at + 1] : 0;

		if (size == 0 || (size == 1 && first[at] != 1) || at + size > len)
			break; // what cannot be told apart is left out
		if (first[at] & COPIED) {
			memcpy(out + n, first + at, size);
			n += size;
		}
		at += size;
	}
	while (n % 4 != 0)
		out[n++] = 0;
	out[0] = (uint8_t)(0x40 | n / 4);
	return n;
}

static struct rte_mbuf *part(const struct rte_mbuf *m, const uint8_t *header, uint32_t header_len, uint32_t at,
			     uint32_t len)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, port_pool(), at, len);
	void *room = copy ? rte_pktmbuf_prepend(copy, (uint16_t)header_len) : NULL;

	if (!room) {
		rte_pktmbuf_free(copy);
		return NULL;
	}
	memcpy(room, header, header_len);
	copy->ol_flags = 0;
	return copy;
}

static void finish(struct rte_mbuf *f, uint32_t offset, bool last)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(f, struct rte_ipv4_hdr *);

	ip->total_length = rte_cpu_to_be_16((uint16_t)f->pkt_len);
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)(offset / 8 | (last ? 0 : RTE_IPV4_HDR_MF_FLAG)));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

// The transport's checksum is over the whole packet, so it is completed before that is split.
static int checksum(struct rte_mbuf *m)
{
	if (!(m->ol_flags & RTE_MBUF_F_TX_L4_MASK))
		return 0;
	m->l2_len = 0;
	return offload_checksum(m);
}

int ip_frag_split(struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf *out[IP_FRAG_MAX])
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t first_len = (ip[0] & 0x0f) * 4u;
	const uint16_t field = (uint16_t)(ip[6] << 8 | ip[7]);
	uint32_t offset = (field & RTE_IPV4_HDR_OFFSET_MASK) * 8u, at = first_len, header_len = first_len;
	bool more = field & RTE_IPV4_HDR_MF_FLAG;
	uint8_t later[60];
	int n = 0, rc = checksum(m);

	if (rc < 0 || m->data_len < first_len || first_len < sizeof(struct rte_ipv4_hdr) || mtu < first_len + 8)
		return -EINVAL;
	memcpy(later, ip, first_len);
	while (at < m->pkt_len) {
		uint32_t len = RTE_MIN(m->pkt_len - at, (uint32_t)(mtu - header_len) & ~7u);

		rc = -ENOSPC;
		if (n == IP_FRAG_MAX)
			goto free_parts;
		rc = -ENOMEM;
		out[n] = part(m, later, header_len, at, len);
		if (!out[n])
			goto free_parts;
		at += len;
		finish(out[n], offset, at == m->pkt_len && !more);
		offset += len;
		n++;
		if (n == 1)
			header_len = later_header(rte_pktmbuf_mtod(m, const uint8_t *), first_len, later);
	}
	return n;

free_parts:
	rte_pktmbuf_free_bulk(out, (unsigned int)n);
	return rc;
}

int ip_frag_split6(struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf *out[IP_FRAG_MAX])
{
	const uint32_t header_len = sizeof(struct rte_ipv6_hdr), room = (mtu - header_len - FRAG6_LEN) & ~7u;
	uint8_t headers[sizeof(struct rte_ipv6_hdr) + FRAG6_LEN] = {0};
	const rte_be32_t id = (rte_be32_t)rte_rand();
	int n = 0, rc;

	if (m->data_len < header_len || mtu < header_len + FRAG6_LEN + 8)
		return -EINVAL;
	memcpy(headers, rte_pktmbuf_mtod(m, const void *), header_len);
	headers[header_len] = headers[6];
	headers[6] = IPPROTO_FRAGMENT;
	memcpy(headers + header_len + 4, &id, sizeof(id));
	for (uint32_t at = header_len; at < m->pkt_len; at += room) {
		uint32_t len = RTE_MIN(m->pkt_len - at, room);
		uint32_t field = (at - header_len) | (at + len < m->pkt_len);

		headers[4] = (uint8_t)((len + FRAG6_LEN) >> 8);
		headers[5] = (uint8_t)(len + FRAG6_LEN);
		headers[header_len + 2] = (uint8_t)(field >> 8);
		headers[header_len + 3] = (uint8_t)field;
		rc = -ENOSPC;
		if (n == IP_FRAG_MAX)
			goto free_parts;
		rc = -ENOMEM;
		out[n] = part(m, headers, sizeof(headers), at, len);
		if (!out[n])
			goto free_parts;
		n++;
	}
	return n;

free_parts:
	rte_pktmbuf_free_bulk(out, (unsigned int)n);
	return rc;
}
