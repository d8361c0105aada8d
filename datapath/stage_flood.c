/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes FLOOD; sets EGRESS, PUNT, DROP.
//
// A packet goes to every other port of its broadcast domain whose link is up, by reference: all but the last member get
// theirs here, the last one takes the packet itself through the stages that follow. Where a domain has an L3 interface,
// or control answers for its stations, control gets what it has to know of the group-addressed ones.
#include "frame.h"
#include "stage.h"

// One more reference to packet i leaves by fp. Charged as a copy to the port it came in by, whatever becomes of it.
static void flood_to(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp)
{
	struct rte_mbuf *m = b->pkt[i];
	struct port_counters *in = &w->count[b->in_port[i]];
	enum drop_reason reason;
	bool segment;

	in->copies++;
	rte_pktmbuf_refcnt_update(m, 1);
	reason = egress_apply(b, i, fp, &m, &segment);
	if (reason == DROP_COUNT) {
		tx_add(w, fp->port->id, b->in_port[i], m, segment);
		return;
	}
	if (reason <= DROP_INGRESS_LAST)
		in->drops[reason]++;
	else
		w->count[fp->port->id].drops[reason]++;
	rte_pktmbuf_free(m);
}

// Returns false if there is nobody to send it to.
static bool flood_packet(struct worker *w, struct burst *b, uint32_t i, const struct fwd_domain *d)
{
	const struct fwd_port *last = NULL;
	uint16_t not_to = b->routed >> i & 1 ? 0 : b->in_port[i];

	for (uint32_t k = 0; k < d->nmembers; k++) {
		const struct fwd_port *fp = w->state->port[d->member[k].port_id];

		if (fp->port->id == not_to || !__atomic_load_n(&fp->port->link_up, __ATOMIC_RELAXED))
			continue;
		if (last)
			flood_to(w, b, i, last);
		last = fp;
	}
	if (last)
		b->out_port[i] = last->port->id;
	return last;
}

// Hands packet i to control, if that wants it. Returns true if it is not to be flooded.
static bool flood_punt(struct worker *w, struct burst *b, uint32_t i, const struct fwd_domain *d)
{
	const struct fwd_iface *iface = d->iface ? w->state->iface[d->iface] : NULL;
	const struct rte_mbuf *m = b->pkt[i];
	uint32_t l3 = frame_l3(m, b->tagged >> i & 1, b->vid[i]);
	enum punt_class class = frame_class(m, l3);
	bool alone;

	if (!l3 || (class != PUNT_ARP && class != PUNT_ND && !(iface && iface->listens)))
		return false;
	b->punt_class[i] = (uint8_t) class;
	// The link of an interface on a port has that port alone.
	alone = d->nmembers == 0 || (d->nmembers == 1 && d->member[0].port_id == b->in_port[i]);
	if (alone || (d->suppress && frame_asks(m, l3)))
		return true;
	punt_copy(w, b, i, class);
	return false;
}

void stage_flood(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_FLOOD);
	uint64_t alone = 0, punt = 0;
	uint32_t i;

	if (likely(!mask))
		return;
	lane_foreach (i, mask) {
		const struct fwd_domain *d = w->state->domain[(uint16_t)b->dmac_key[i]];
		bool watched = (d->iface || d->suppress) && b->dmac_key[i] >> 16 & 1 && !b->injected;

		if (watched && flood_punt(w, b, i, d))
			punt |= UINT64_C(1) << i;
		else if (!flood_packet(w, b, i, d))
			alone |= UINT64_C(1) << i;
	}
	burst_drop(w, b, alone, DROP_BRIDGE_NO_MEMBER);
	lane_give(b, LANE_FLOOD, LANE_PUNT, punt);
	lane_give(b, LANE_FLOOD, LANE_EGRESS, mask & ~(alone | punt));
}
