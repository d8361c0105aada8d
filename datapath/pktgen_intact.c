/* SPDX-License-Identifier: BSD-3-Clause */
// Whether a generated frame arrived as it was made, as far as its own checksums tell: every IPv4 header's, and that of
// the innermost payload, be it UDP, TCP or just zeros and a stamp.
#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "pktgen.h"

#define HEADERS_MAX 256

struct walk {
	const struct rte_mbuf *m;
	const uint8_t *h; // the headers, in one piece
	uint32_t have;    // bytes of them
	uint32_t at, end; // of the layer, and of the packet it carries
};

// What a layer's check says of it.
enum verdict { BAD, GOOD, GO_ON };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// The ones' complement sum of the bytes [from, end) of a packet, folded; -1 if they are not there.
static int32_t sum_of(const struct walk *w, uint32_t from)
{
	uint16_t sum;

	if (from > w->end || w->end > w->m->pkt_len || rte_raw_cksum_mbuf(w->m, from, w->end - from, &sum))
		return -1;
	return sum;
}

static enum verdict payload(const struct walk *w)
{
	return sum_of(w, w->at) == 0xffff ? GOOD : BAD;
}

static enum verdict l4(struct walk *w, uint8_t proto, uint32_t addresses, uint32_t addresses_len)
{
	uint32_t sum_at = proto == IPPROTO_UDP ? 6 : 16;
	int32_t sum;
	uint32_t all;

	if (w->at + sum_at + 2 > w->have)
		return BAD;
	if (proto == IPPROTO_UDP && get16(w->h + w->at + sum_at) == 0)
		return get16(w->h + w->at + 2) == 4789 ? GO_ON : BAD; // VXLAN; all else has a checksum
	sum = sum_of(w, w->at);
	if (sum < 0)
		return BAD;
	all = (uint32_t)sum + rte_raw_cksum(w->h + addresses, addresses_len) +
	      rte_cpu_to_be_16((uint16_t)(w->end - w->at)) + (uint32_t)rte_cpu_to_be_16(proto);
	return pktgen_fold(all) == 0xffff ? GOOD : BAD;
}

static enum verdict ethertype(struct walk *w, uint16_t type, unsigned int depth);

static enum verdict ip_payload(struct walk *w, uint8_t proto, uint32_t addresses, uint32_t addresses_len,
			       unsigned int depth)
{
	enum verdict v;
	uint32_t at = w->at;

	switch (proto) {
	case IPPROTO_UDP:
	case IPPROTO_TCP:
		v = l4(w, proto, addresses, addresses_len);
		if (v != GO_ON)
			return v;
		w->at += 16 + 14; // UDP, VXLAN, Ethernet
		return w->at <= w->have ? ethertype(w, get16(w->h + w->at - 2), depth) : BAD;
	case IPPROTO_GRE:
		w->at += at + 4 <= w->have && w->h[at] & 0x20 ? 8 : 4;
		return w->at <= w->have ? ethertype(w, get16(w->h + at + 2), depth) : BAD;
	case IPPROTO_IPIP:
		return ethertype(w, RTE_ETHER_TYPE_IPV4, depth);
	case IPPROTO_IPV6:
		return ethertype(w, RTE_ETHER_TYPE_IPV6, depth);
	default:
		return payload(w);
	}
}

static enum verdict ipv4(struct walk *w, unsigned int depth)
{
	const uint8_t *ip = w->h + w->at;
	uint32_t at = w->at, len;

	if (at + 20 > w->have || ip[0] != 0x45 || rte_raw_cksum(ip, 20) != 0xffff)
		return BAD;
	len = get16(ip + 2);
	if (len < 20 || at + len > w->end)
		return BAD;
	w->end = at + len;
	w->at += 20;
	return ip_payload(w, ip[9], at + 12, 8, depth);
}

static enum verdict ipv6(struct walk *w, unsigned int depth)
{
	const uint8_t *ip = w->h + w->at;
	uint32_t at = w->at, len;

	if (at + 40 > w->have || ip[0] >> 4 != 6)
		return BAD;
	len = get16(ip + 4);
	if (at + 40 + len > w->end)
		return BAD;
	w->end = at + 40 + len;
	w->at += 40;
	return ip_payload(w, ip[6], at + 8, 32, depth);
}

static enum verdict mpls(struct walk *w, unsigned int depth)
{
	bool bottom = false;

	while (!bottom && w->at + 5 <= w->have) {
		bottom = w->h[w->at + 2] & 1;
		w->at += 4;
	}
	if (!bottom)
		return BAD;
	return ethertype(w, w->h[w->at] >> 4 == 6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, depth);
}

static enum verdict ethertype(struct walk *w, uint16_t type, unsigned int depth)
{
	if (depth == 0)
		return BAD;
	switch (type) {
	case RTE_ETHER_TYPE_VLAN:
	case RTE_ETHER_TYPE_QINQ:
		w->at += 4;
		return w->at <= w->have ? ethertype(w, get16(w->h + w->at - 2), depth - 1) : BAD;
	case RTE_ETHER_TYPE_IPV4:
		return ipv4(w, depth - 1);
	case RTE_ETHER_TYPE_IPV6:
		return ipv6(w, depth - 1);
	case RTE_ETHER_TYPE_MPLS:
		return mpls(w, depth - 1);
	case RTE_ETHER_TYPE_TEB:
		w->at += 14;
		return w->at <= w->have ? ethertype(w, get16(w->h + w->at - 2), depth - 1) : BAD;
	default:
		return payload(w);
	}
}

bool pktgen_intact(const struct rte_mbuf *m)
{
	uint32_t have = RTE_MIN(m->pkt_len, (uint32_t)HEADERS_MAX);
	uint8_t copy[HEADERS_MAX];
	struct walk w = {.m = m, .have = have, .at = 14, .end = m->pkt_len};

	w.h = rte_pktmbuf_read(m, 0, have, copy);
	return w.h && have >= 14 && ethertype(&w, get16(w.h + 12), 16) == GOOD;
}
