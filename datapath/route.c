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
