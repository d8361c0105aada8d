/* SPDX-License-Identifier: BSD-3-Clause */
// Frames that control made leave by the last stages of the pipeline: flood, egress, tx, drop.
//
// They are counted as generated at the port they leave by, or, where the FDB decides that and for what cannot be sent,
// in row 0 of the counters, which is no port's.
#include "flow_worker.h"
#include "stage.h"

// Puts frame i, in a domain that is there, into its lane.
static enum lane inject_lane(struct worker *w, struct burst *b, uint32_t i, uint16_t port_id)
{
	uint32_t value;

	if (port_id) {
		b->out_port[i] = fwd_port_find(w, port_id) ? port_id : 0;
		return LANE_EGRESS;
	}
	value = hash64_find(w->fdb_hash, b->dmac_key[i]);
	if (!value)
		return LANE_FLOOD;
	b->out_port[i] = FDB_PORT(value);
	if (FDB_PORT(value) != PORT_ROUTER && FDB_PORT(value) != b->in_port[i])
		return LANE_EGRESS;
	burst_drop(w, b, UINT64_C(1) << i, DROP_BRIDGE_HAIRPIN);
	return LANE_DROP;
}

static void inject_add(struct worker *w, struct burst *b, uint32_t i, const struct inject *in)
{
	const struct fwd_domain *d = in->domain < w->state->ndomains ? w->state->domain[in->domain] : NULL;
	enum drop_reason reason = !d ? DROP_BRIDGE_NO_MEMBER : DROP_RX_RUNT;

	b->pkt[i] = in->m;
	b->in_port[i] = fwd_port_find(w, in->but_port) ? in->but_port : 0;
	b->out_port[i] = 0;
	if (!d || in->m->data_len < RTE_ETHER_HDR_LEN) {
		w->count[0].generated++;
		burst_drop(w, b, UINT64_C(1) << i, reason);
		return;
	}
	b->vid[i] = d->vid;
	b->dmac_key[i] = fdb_key(rte_pktmbuf_mtod(in->m, const uint8_t *), in->domain);
	b->longest = RTE_MAX(b->longest, in->m->pkt_len);
	b->lane[inject_lane(w, b, i, in->port_id)] |= UINT64_C(1) << i;
	w->count[in->port_id ? b->out_port[i] : 0].generated++;
}

void burst_leave(struct worker *w, struct burst *b)
{
	stage_flood(w, b);
	stage_egress(w, b);
	stage_tx(w, b);
	stage_drop(w, b);
}

void burst_bridge(struct worker *w, struct burst *b)
{
	stage_bridge(w, b);
	stage_route(w, b);
	stage_ip4(w, b);
	stage_ip6(w, b);
	stage_nexthop(w, b);
	burst_leave(w, b);
	stage_punt(w, b);
	stage_drop(w, b);
}

// Executes the packet-outs among the frames, and takes them out. Returns how many.
static uint32_t inject_flows(struct worker *w, struct inject in[BURST_MAX], uint32_t n)
{
	uint32_t others = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!in[i].out) {
			in[others++] = in[i];
			continue;
		}
		flow_packet_out_run(w, in[i].m, in[i].out);
		__atomic_store_n(&in[i].out->done, true, __ATOMIC_RELEASE);
	}
	return n - others;
}

uint32_t inject_run(struct worker *w)
{
	struct inject in[BURST_MAX];
	struct burst *b = &w->burst;
	const uint32_t got = rte_ring_sc_dequeue_burst_elem(w->injects, in, sizeof(in[0]), BURST_MAX, NULL);
	uint32_t n = got;

	n -= inject_flows(w, in, n);
	b->n = n;
	b->tagged = b->priority = b->segment = b->routed = 0;
	b->longest = 0;
	b->changed = b->injected = true;
	for (uint32_t i = 0; i < n; i++)
		inject_add(w, b, i, &in[i]);
	b->offload = burst_offloads(b, 0, n);
	burst_leave(w, b);
	b->n = 0;
	return got;
}
