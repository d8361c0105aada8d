/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes PUNT; sets DROP.
//
// What is for the host goes to control, each class through a ring and at a rate of its own, so that the worker's cost
// and control's are bounded whatever comes.
#include "offload.h"
#include "stage.h"

// Whether a bucket has a token. One that was full for long is no fuller for it.
static bool has_token(uint64_t *due, uint64_t slack, uint64_t now)
{
	if ((int64_t)(now - *due) > (int64_t)slack)
		*due = now - slack;
	return (int64_t)(*due - now) <= 0;
}

// Whether the class has a token for a packet of this port, which is then taken. A port that has had its share leaves
// half of the bucket to the others.
static bool punt_allow(const struct worker *w, struct worker_punt *p, uint16_t in_port)
{
	uint64_t *port_due = &p->port_due[in_port % PUNT_PORTS];
	const bool share = has_token(port_due, p->slack, w->tsc);

	if (!has_token(&p->due, p->slack, w->tsc) || (!share && w->tsc - p->due < p->slack / 2))
		return false;
	p->due += p->interval;
	if (share)
		*port_due += p->interval * PUNT_SHARES;
	return true;
}

static enum drop_reason punt_put(struct worker *w, struct punt *punt)
{
	if (rte_ring_sp_enqueue_elem(w->punt[punt->class].ring, punt, sizeof(*punt)))
		return DROP_PUNT_FULL;
	w->self.punted++;
	w->self.punts[punt->class]++;
	w->punted = true;
	return DROP_COUNT;
}

static bool by_nexthop(enum punt_class class)
{
	return class == PUNT_RESOLVE || class == PUNT_UNREACHABLE || class == PUNT_REDIRECT;
}

static enum drop_reason punt_enqueue(struct worker *w, const struct burst *b, uint32_t i, enum punt_class class,
				     struct rte_mbuf *m)
{
	uint16_t domain = (uint16_t)b->dmac_key[i];
	struct punt punt = {.m = m,
			    .class = (uint16_t) class,
			    .in_port = b->in_port[i],
			    .domain = domain,
			    .iface = w->state->domain[domain]->iface,
			    .mtu = class == PUNT_MTU ? b->punt_mtu[i] : 0,
			    .nexthop = by_nexthop(class) ? b->nexthop[i] : 0,
			    .l3 = (uint16_t)(RTE_ETHER_HDR_LEN + (b->tagged >> i & 1) * RTE_VLAN_HLEN)};

	return punt_put(w, &punt);
}

enum drop_reason punt_send(struct worker *w, const struct burst *b, uint32_t i, enum punt_class class,
			   struct rte_mbuf *m)
{
	enum drop_reason reason =
		punt_allow(w, &w->punt[class], b->in_port[i]) ? punt_enqueue(w, b, i, class, m) : DROP_PUNT_RATE;

	w->self.punts_lost[class] += reason != DROP_COUNT;
	return reason;
}

void punt_copy(struct worker *w, struct burst *b, uint32_t i, enum punt_class class)
{
	struct port_counters *in = &w->count[b->in_port[i]];
	struct rte_mbuf *copy;
	enum drop_reason reason = DROP_PUNT_RATE;

	in->copies++;
	if (punt_allow(w, &w->punt[class], b->in_port[i])) {
		copy = rte_pktmbuf_copy(b->pkt[i], port_pool(), 0, UINT32_MAX);
		reason = copy ? punt_enqueue(w, b, i, class, copy) : DROP_NO_MBUF;
		if (reason == DROP_PUNT_FULL)
			rte_pktmbuf_free(copy);
	}
	if (reason == DROP_COUNT)
		return;
	in->drops[reason]++;
	w->self.punts_lost[class]++;
}

enum drop_reason punt_flow(struct worker *w, uint16_t in_port, enum punt_class class, const struct flow_packet_in *in,
			   struct rte_mbuf **m)
{
	struct punt punt = {.class = (uint16_t) class, .in_port = in_port, .flow = *in};
	enum drop_reason reason = DROP_COUNT;

	if (!punt_allow(w, &w->punt[class], in_port))
		reason = DROP_PUNT_RATE;
	else if (egress_own(m))
		reason = DROP_NO_MBUF;
	else if ((*m)->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM) &&
		 !((*m)->ol_flags & RTE_MBUF_F_TX_TCP_SEG) && offload_checksum(*m))
		reason = DROP_BAD_OFFLOAD;
	if (reason == DROP_COUNT) {
		punt.m = *m;
		reason = punt_put(w, &punt);
	}
	w->self.punts_lost[class] += reason != DROP_COUNT;
	return reason;
}

void stage_punt(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_PUNT);
	uint32_t i;

	if (likely(!mask))
		return;
	lane_foreach (i, mask) {
		enum drop_reason reason = DROP_NO_MBUF;

		if (!egress_own(&b->pkt[i]))
			reason = punt_send(w, b, i, (enum punt_class)b->punt_class[i], b->pkt[i]);
		if (reason != DROP_COUNT)
			burst_drop(w, b, UINT64_C(1) << i, reason);
	}
}
