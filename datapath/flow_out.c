/* SPDX-License-Identifier: BSD-3-Clause */
// Where outputs lead: ports, the controller, the bridge.
#include "flow_run.h"
#include "offload.h"

void flow_out_port(struct flow_run *r, struct rte_mbuf *m, uint16_t port_id)
{
	const struct fwd_port *const fp = fwd_port_find(r->w, port_id);
	enum drop_reason reason = DROP_TX_DOWN;
	bool segment;

	r->b->vid[r->i] = VLAN_NONE;
	if (fp != NULL && fp->up)
		reason = egress_apply(r->b, r->i, fp, &m, &segment);
	if (reason == DROP_COUNT) {
		tx_add(r->w, port_id, r->in_port, m, segment);
		return;
	}
	r->w->nports = RTE_MAX(r->w->nports, port_id + 1u);
	r->w->count[reason <= DROP_INGRESS_LAST ? r->in_port : port_id].drops[reason]++;
	rte_pktmbuf_free(m);
}

void flow_out_controller(struct flow_run *r, struct rte_mbuf *m, const struct flow_pending *to)
{
	static const enum punt_class classes[] = {[FLOW_REASON_NO_MATCH] = PUNT_FLOW_MISS,
						  [FLOW_REASON_ACTION] = PUNT_FLOW_ACTION,
						  [FLOW_REASON_TTL] = PUNT_FLOW_TTL};
	const struct flow_packet_in in = {.reason = to->reason,
					  .table = r->entry != NULL ? r->entry->table : FLOW_NO_TABLE,
					  .max_len = to->max_len,
					  .number = r->number,
					  .in_port = r->p.in_port,
					  .cookie = r->entry != NULL ? r->entry->cookie : UINT64_MAX,
					  .metadata = r->p.metadata,
					  .tunnel_id = r->p.tunnel_id};
	const enum drop_reason reason = punt_flow(r->w, r->in_port, classes[to->reason], &in, &m);

	if (reason != DROP_COUNT)
		flow_out_drop(r, m, reason);
}

// Without a port that it came in by, the packet is one of any port's VLANs, and nobody learns from it.
static enum lane lane_from_nowhere(struct worker *w, struct burst *b, uint32_t i)
{
	const uint32_t value = hash64_find(w->fdb_hash, b->dmac_key[i]);

	if (value == 0)
		return LANE_FLOOD;
	b->out_port[i] = FDB_PORT(value);
	return FDB_PORT(value) == PORT_ROUTER ? LANE_ROUTE : LANE_EGRESS;
}

void flow_out_normal(struct flow_run *r, struct rte_mbuf *m)
{
	struct worker *const w = r->w;
	struct burst *const b = &w->flow->side;
	const struct fwd_port *fp = fwd_port_find(w, r->in_port);
	const bool from_port = fp != NULL;
	const uint32_t i = b->n;
	const uint64_t bit = UINT64_C(1) << i;
	enum lane lane = LANE_BRIDGE;

	if (!from_port && r->sw->nflood > 0)
		fp = fwd_port_find(w, r->sw->flood[0]);
	if (fp == NULL || egress_own(&m)) {
		flow_out_drop(r, m, fp == NULL ? DROP_FLOW_NO_PORT : DROP_NO_MBUF);
		return;
	}
	if (i == 0)
		b->tagged = b->priority = b->offload = b->segment = b->routed = b->longest = 0;
	b->pkt[i] = m;
	b->in_port[i] = r->in_port;
	b->longest = RTE_MAX(b->longest, m->pkt_len);
	b->offload |= m->ol_flags & OFFLOADS ? bit : 0;
	b->changed = true;
	b->n++;
	if (ingress_enter(w, b, i, fp)) {
		if (!from_port)
			lane = lane_from_nowhere(w, b, i);
		b->lane[lane] |= bit;
	}
	if (b->n == BURST_MAX)
		flow_out_flush(w);
}

void flow_out_flush(struct worker *w)
{
	struct burst *const b = &w->flow->side;

	if (likely(b->n == 0))
		return;
	burst_bridge(w, b);
	b->n = 0;
}

// The packet is a reference of none, so that it leaves at once, as it came to no burst.
void flow_packet_out_run(struct worker *w, struct rte_mbuf *m, const struct flow_packet_out *out)
{
	const struct flow_switch *const sw = __atomic_load_n(&w->flow->tables->sw[out->number], __ATOMIC_ACQUIRE);
	struct burst *const b = &w->burst;
	uint16_t in_port = 0;
	struct flow_run r;

	if (sw != NULL && out->in_port < sw->nports)
		in_port = sw->port[out->in_port];
	else if (sw != NULL && out->in_port == FLOW_OUT_LOCAL)
		in_port = sw->local;
	if (fwd_port_find(w, in_port) == NULL)
		in_port = 0;
	w->count[in_port].generated++;
	b->pkt[0] = m;
	b->in_port[0] = in_port;
	flow_run_begin(&r, w, b, 0, sw, out->number, out->in_port);
	r.clone = true;
	if (sw == NULL || m->data_len < RTE_ETHER_HDR_LEN)
		flow_out_drop(&r, m, sw == NULL ? DROP_FLOW_NO_MATCH : DROP_RX_RUNT);
	else if (flow_run_acts(&r, out->acts.act, out->acts.n, true))
		flow_run_end(&r, DROP_FLOW_NO_ACTION);
	flow_out_flush(w);
}
