/* SPDX-License-Identifier: BSD-3-Clause */
#include "mode.h"

static const mode_fn modes[] = {
#define X(id, name, fn, help) [FWD_MODE_##id] = fn,
	FWD_MODES(X)
#undef X
		[FWD_MODE_PKTGEN] = mode_pktgen,
};

uint32_t mode_run(struct worker *w, struct rxq *q)
{
	const struct fwd_port *in = w->state->port[q->port_id];

	return modes[in->mode](w, q, in);
}

uint32_t mode_rx(struct worker *w, struct rxq *q)
{
	struct port_counters *c = &w->count[q->port_id];
	struct burst *b = &w->burst;
	uint32_t n = rxq_poll(q, b->pkt, w->state->burst), longest = 0;
	uint64_t bytes = 0, flags = 0;

	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct rte_mbuf *m = b->pkt[i];

		bytes += m->pkt_len;
		longest = RTE_MAX(longest, m->pkt_len);
		flags |= m->ol_flags;
	}
	for (uint32_t i = 0; i < BURST_MAX; i++)
		b->in_port[i] = q->port_id;
	b->n = n;
	b->bytes = bytes;
	b->longest = longest;
	b->offload = flags & OFFLOADS ? burst_offloads(b, 0, n) : 0;
	c->rx_packets += n;
	c->rx_bytes += bytes;
	q->packets += n;
	q->bytes += bytes;
	w->self.burst_fill[31 - __builtin_clz(n)]++;
	return n;
}

uint64_t mode_writable(struct worker *w)
{
	struct burst *b = &w->burst;
	uint64_t good = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (unlikely(b->pkt[i]->data_len < RTE_ETHER_HDR_LEN))
			burst_drop(w, b, bit, DROP_RX_RUNT);
		else if (unlikely(egress_own(&b->pkt[i])))
			burst_drop(w, b, bit, DROP_NO_MBUF);
		else
			good |= bit;
	}
	return good;
}

// What is not a whole burst of ordinary packets, by the rules of the pipeline: those of a rest domain, where tags stay
// as they are.
static void tx_by_stages(struct worker *w, uint16_t port_id, uint64_t mask)
{
	struct burst *b = &w->burst;

	for (uint32_t i = 0; i < BURST_MAX; i++) {
		b->out_port[i] = port_id;
		b->vid[i] = VLAN_NONE;
	}
	b->tagged = b->priority = b->segment = 0;
	b->changed = false;
	if (unlikely(b->longest > SEGMENTED_MAX)) {
		uint64_t giants = burst_longer(b, mask, SEGMENTED_MAX);

		burst_drop(w, b, giants, DROP_RX_GIANT);
		mask &= ~giants;
	}
	b->lane[LANE_EGRESS] = mask;
	stage_egress(w, b);
	stage_tx(w, b);
	stage_drop(w, b);
}

void mode_tx(struct worker *w, uint16_t port_id, uint64_t mask)
{
	const struct fwd_port *out = fwd_port_find(w, port_id);
	struct burst *b = &w->burst;

	if (likely(mask == burst_all(b->n) && out && out->up && b->longest <= out->max_frame && !b->offload &&
		   !w->tx[port_id].n))
		tx_send(w, port_id, b->pkt, (uint16_t)b->n, b->bytes);
	else
		tx_by_stages(w, port_id, mask);
	b->n = 0;
}

void mode_udp_frame(struct mode_udp_frame *f, uint16_t len)
{
	uint16_t ip_len = (uint16_t)(len - sizeof(f->eth));

	f->eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	f->ip.version_ihl = RTE_IPV4_VHL_DEF;
	f->ip.total_length = rte_cpu_to_be_16(ip_len);
	f->ip.time_to_live = 64;
	f->ip.next_proto_id = IPPROTO_UDP;
	f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	f->udp.dgram_len = rte_cpu_to_be_16((uint16_t)(ip_len - sizeof(f->ip)));
}

uint32_t mode_generate(struct worker *w, const struct rxq *q, const struct mode_udp_frame *f, uint16_t len)
{
	struct burst *b = &w->burst;
	uint32_t n = w->state->burst;

	if (!__atomic_load_n(&q->port->link_up, __ATOMIC_RELAXED))
		return 0;
	if (rte_pktmbuf_alloc_bulk(port_pool(), b->pkt, n))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = b->pkt[i];

		memcpy(rte_pktmbuf_mtod(m, void *), f, sizeof(*f));
		if (len > sizeof(*f))
			memset(rte_pktmbuf_mtod_offset(m, void *, sizeof(*f)), 0, len - sizeof(*f));
		m->data_len = len;
		m->pkt_len = len;
		b->in_port[i] = q->port_id;
	}
	b->n = n;
	b->bytes = (uint64_t)len * n;
	b->longest = len;
	b->offload = 0;
	w->count[q->port_id].generated += n;
	return n;
}

struct rte_ether_addr mode_peer_mac(uint16_t port_id)
{
	return (struct rte_ether_addr){
		{RTE_ETHER_LOCAL_ADMIN_ADDR, 0, 0, 0, (uint8_t)(port_id >> 8), (uint8_t)port_id}};
}

static void parse_ipv4(const uint8_t *data, uint32_t len, struct mode_headers *h)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(data + h->l3);
	uint32_t size;

	if (len < h->l3 + sizeof(*ip))
		return;
	size = rte_ipv4_hdr_len(ip);
	if (ip->version != 4 || size < sizeof(*ip) || len < h->l3 + size)
		return;
	h->ipv4 = true;
	h->protocol = ip->next_proto_id;
	h->fragment = ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	if (!(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)))
		h->l4 = (uint16_t)(h->l3 + size);
}

static void parse_ipv6(const uint8_t *data, uint32_t len, struct mode_headers *h)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(data + h->l3);

	if (len < h->l3 + sizeof(*ip) || data[h->l3] >> 4 != 6)
		return;
	h->ipv6 = true;
	h->protocol = ip->proto;
	h->l4 = (uint16_t)(h->l3 + sizeof(*ip));
}

void mode_parse(const struct rte_mbuf *m, struct mode_headers *h)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t at = 2 * RTE_ETHER_ADDR_LEN;

	*h = (struct mode_headers){0};
	while (type_is_vlan(*(const unaligned_uint16_t *)(data + at)) &&
	       m->data_len >= at + RTE_VLAN_HLEN + sizeof(uint16_t))
		at += RTE_VLAN_HLEN;
	h->type_be = *(const unaligned_uint16_t *)(data + at);
	h->l3 = (uint16_t)(at + sizeof(uint16_t));
	if (h->type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		parse_ipv4(data, m->data_len, h);
	else if (h->type_be == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		parse_ipv6(data, m->data_len, h);
}
