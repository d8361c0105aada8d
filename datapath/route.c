/* SPDX-License-Identifier: BSD-3-Clause */
#include "route.h"

#include <rte_ip.h>

#include "ip_fragment.h"
#include "offload.h"

// Makes a packet of one or more segments shorter.
static void cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *s = m;
	uint16_t segments = 1;

	m->pkt_len = len;
	for (; len > s->data_len; s = s->next, segments++)
		len -= s->data_len;
	s->data_len = (uint16_t)len;
	rte_pktmbuf_free(s->next);
	s->next = NULL;
	m->nb_segs = segments;
}

enum drop_reason route_accept(struct burst *b, uint32_t i, const struct ip_verdict *v)
{
	uint32_t len = frame_l3_at(b, i) + v->len;

	b->expired |= (uint64_t)v->expired << i;
	b->link_local |= (uint64_t)v->link_local << i;
	if (b->pkt[i]->pkt_len == len)
		return DROP_COUNT;
	if (egress_own(&b->pkt[i]))
		return DROP_NO_MBUF;
	b->bytes -= b->pkt[i]->pkt_len - len;
	cut(b->pkt[i], len);
	return DROP_COUNT;
}

void route_untag(struct burst *b, uint32_t i)
{
	struct rte_mbuf *m = b->pkt[i];
	char *data = rte_pktmbuf_mtod(m, char *);

	memmove(data + RTE_VLAN_HLEN, data, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(m, RTE_VLAN_HLEN);
	m->l2_len -= RTE_VLAN_HLEN; // means something only with offload flags
	b->bytes -= RTE_VLAN_HLEN;
	b->tagged &= ~(UINT64_C(1) << i);
	b->priority &= ~(UINT64_C(1) << i);
}

void route_fragments_flush(struct worker *w)
{
	struct burst *parts = w->parts;

	burst_leave(w, parts);
	parts->n = 0;
	parts->longest = 0;
}

enum drop_reason route_fragment(struct worker *w, struct burst *b, uint32_t i, uint16_t mtu, enum lane lane)
{
	struct rte_mbuf *m = b->pkt[i], *part[IP_FRAGMENTS_MAX];
	struct burst *to = w->parts;
	int n;

	if (offload_checksum(m))
		return DROP_BAD_OFFLOAD;
	n = ip_fragment(m, RTE_ETHER_HDR_LEN, mtu, port_pool(), part);
	if (n < 0)
		return n == -ENOMEM ? DROP_NO_MBUF : DROP_ROUTE_MTU;
	for (int k = 0; k < n; k++) {
		uint32_t j = to->n++;

		to->pkt[j] = part[k];
		to->dmac_key[j] = b->dmac_key[i];
		to->in_port[j] = b->in_port[i];
		to->out_port[j] = b->out_port[i];
		to->vid[j] = b->vid[i];
		to->longest = RTE_MAX(to->longest, part[k]->pkt_len);
		to->lane[lane] |= UINT64_C(1) << j;
		if (to->n == BURST_MAX)
			route_fragments_flush(w);
	}
	w->count[b->in_port[i]].copies += (uint64_t)n - 1;
	rte_pktmbuf_free(m);
	return DROP_COUNT;
}

// Addresses and ports come from outside, and the mixing is no secret: who wants all flows to take one way may.
static inline uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

// The ports behind the headers, if they are there and belong to a protocol that has them.
static uint32_t ports_load(const struct rte_mbuf *m, uint32_t l4, uint8_t protocol)
{
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP)
		return 0;
	return l4 + 4 <= m->data_len ? *rte_pktmbuf_mtod_offset(m, const unaligned_uint32_t *, l4) : 0;
}

static uint32_t ip4_hash(const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	bool fragment =
		*(const unaligned_uint16_t *)(ip + 6) & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	uint64_t addresses = *(const unaligned_uint64_t *)(ip + 12);
	uint32_t ports = fragment ? 0 : ports_load(m, l3 + (ip[0] & 0xf) * 4u, ip[9]);

	return (uint32_t)mix(mix(addresses) + ((uint64_t)ports << 8) + ip[9]);
}

static uint32_t ip6_hash(const struct rte_mbuf *m, uint32_t l3)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const unaligned_uint64_t *address = (const unaligned_uint64_t *)(ip + 8);
	uint32_t label = *(const unaligned_uint32_t *)ip & RTE_BE32(0xfffff);
	uint64_t ports = ports_load(m, l3 + (uint32_t)sizeof(struct rte_ipv6_hdr), ip[6]);

	return (uint32_t)mix(mix(mix(address[0]) + address[1]) + mix(mix(address[2]) + address[3] + 1) + label +
			     (ports << 32 | ip[6]));
}

uint32_t route_flow_hash(const struct burst *b, uint32_t i)
{
	return b->ip6 >> i & 1 ? ip6_hash(b->pkt[i], frame_l3_at(b, i)) : ip4_hash(b->pkt[i], frame_l3_at(b, i));
}
