/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes FLOW (packets of ports of bridges in mode flow); sets BRIDGE (to NORMAL), EGRESS, DROP.
//
// All packets of a switch are looked up in the flow cache at once. Most verdicts say one port and nothing else, which
// moves a bit. The others have code, which is gone through packet by packet; what the cache does not know goes through
// the tables (flow_walk.c).
#include "flow_walk.h"

// The packet's path ended before its verdict did: counts what it met alone.
static void count_part(struct worker *w, uint32_t id, uint32_t steps, uint64_t bytes)
{
	struct flow_worker *const f = w->flow;
	struct flow_verdict *const d = flow_verdict_at(&f->verdicts, id);

	d->packets--;
	d->bytes -= bytes;
	flow_steps_count(f->count, d->number, d->step, steps, 1, bytes, w->tsc);
}

// Executes a verdict's code on a packet. Returns how many of its entries were met before the end.
static uint32_t code_run(struct flow_run *r, const struct flow_verdict *d)
{
	const uint64_t *const code = flow_verdict_code(d);
	uint32_t steps = 0;

	for (uint32_t c = 0; c < d->ncode; c++) {
		const void *const at = (const void *)(uintptr_t)(code[c] & ~(uint64_t)FLOW_CODE_MASK);
		const bool last = c + 1 == d->ncode;
		const struct flow_acts *acts;

		switch ((enum flow_code)(code[c] & FLOW_CODE_MASK)) {
		case FLOW_CODE_ENTRY:
			flow_run_metadata(r);
			r->entry = at;
			if (steps++ > 0 && r->entry->meter != 0 && !flow_run_meter(r, r->entry->meter))
				return steps;
			break;
		case FLOW_CODE_APPLY:
			acts = at;
			if (!flow_run_acts(r, acts->act, acts->n, last))
				return steps;
			break;
		default:
			if (!flow_run_acts(r, at, 1, last))
				return d->nsteps;
			break;
		}
	}
	flow_run_end(r, (enum drop_reason)d->reason);
	return d->nsteps;
}

static void packet_run(struct worker *w, struct burst *b, uint32_t i, const struct flow_switch *sw, uint32_t id)
{
	const struct flow_verdict *const d = flow_verdict_at(&w->flow->verdicts, id);
	const struct fwd_port *const fp = w->state->port[b->in_port[i]];
	const uint64_t bytes = b->len[i];
	struct flow_run run;
	uint32_t steps;

	flow_run_begin(&run, w, b, i, sw, d->number, fp->flow_port);
	steps = code_run(&run, d);
	if (unlikely(steps < d->nsteps))
		count_part(w, id, steps, bytes);
}

// Takes packets of one verdict through the meter of its first entry; returns those that go on.
static uint64_t meter(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw, uint32_t id)
{
	const struct flow_verdict *const d = flow_verdict_at(&w->flow->verdicts, id);
	uint32_t i;
	struct flow_meter_hits hits;
	uint64_t on = lanes;
	const struct flow_meter *m;

	m = flow_meter_lanes(w, d->meter, lanes, b->len, &hits);
	for (uint32_t k = 0; m != NULL && k < m->nbands; k++) {
		lane_foreach (i, hits.band[k]) {
			struct flow_run run;

			if (!m->band[k].remark)
				continue;
			flow_run_begin(&run, w, b, i, sw, d->number, 0);
			if (flow_run_remark(&run, m->band[k].level))
				flow_run_keep(&run);
			else
				on &= ~(UINT64_C(1) << i);
		}
		if (!m->band[k].remark) {
			burst_drop(w, b, hits.band[k], DROP_FLOW_METER);
			on &= ~hits.band[k];
		}
	}
	if (m == NULL) {
		burst_drop(w, b, lanes, DROP_FLOW_METER);
		on = 0;
	}
	lane_foreach (i, lanes & ~on)
		if (d->nsteps > 1)
			count_part(w, id, 1, b->len[i]);
	return on;
}

// Packets that came in by the port they are to leave by stay here.
static void output(struct worker *w, struct burst *b, uint64_t lanes)
{
	const uint64_t back = lanes & lanes_match16(b->out_port, b->in_port);

	if (unlikely(back))
		burst_drop(w, b, back, DROP_FLOW_NO_PORT);
	lane_give(b, LANE_FLOW, LANE_EGRESS, lanes & ~back);
}

static void normal(struct worker *w, struct burst *b, uint64_t lanes)
{
	uint64_t good = 0;
	uint32_t i;

	lane_foreach (i, lanes)
		good |= (uint64_t)ingress_enter(w, b, i, w->state->port[b->in_port[i]]) << i;
	lane_give(b, LANE_FLOW, LANE_BRIDGE, good);
}

// Packets of one verdict, which are counted already.
static void verdict_run(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw, uint32_t id)
{
	const struct flow_verdict *const d = flow_verdict_at(&w->flow->verdicts, id);
	uint64_t chosen;
	uint32_t i;

	if (d->meter != 0)
		lanes = meter(w, b, lanes, sw, id);
	switch ((enum flow_verdict_kind)d->kind) {
	case FLOW_VERDICT_OUTPUT:
		lane_foreach (i, lanes)
			b->out_port[i] = d->out_port;
		output(w, b, lanes);
		break;
	case FLOW_VERDICT_NORMAL:
		normal(w, b, lanes);
		break;
	case FLOW_VERDICT_DROP:
		burst_drop(w, b, lanes, (enum drop_reason)d->reason);
		break;
	case FLOW_VERDICT_GROUP:
		chosen = flow_group_lanes(w, b, lanes, sw, d->out_port);
		output(w, b, chosen);
		lanes &= ~chosen;
		// fall through
	case FLOW_VERDICT_CODE:
		lane_foreach (i, lanes)
			packet_run(w, b, i, sw, id);
		break;
	}
}

// Counts packets, and sends those on that leave by one port as they came. Returns the others.
static uint64_t hits_simple(struct worker *w, struct burst *b, uint64_t hits, const uint32_t id[BURST_MAX])
{
	struct flow_verdicts *const v = &w->flow->verdicts;
	uint64_t simple = 0;
	uint32_t i;

	lane_foreach (i, hits)
		rte_prefetch0(flow_verdict_at(v, id[i]));
	lane_foreach (i, hits) {
		const struct flow_verdict *const d = flow_verdict_at(v, id[i]);

		b->out_port[i] = d->out_port;
		simple |= (uint64_t)d->simple << i;
		flow_verdict_count(v, id[i], 1, b->len[i]);
	}
	output(w, b, simple);
	return hits & ~simple;
}

// Packets to be segmented, which actions may give a form that no device knows: they go through the tables, which see to
// that. Their verdicts take them back.
static uint64_t hits_segmented(struct worker *w, struct burst *b, uint64_t hits, const uint32_t id[BURST_MAX])
{
	uint64_t segmented = 0;
	uint32_t i;

	lane_foreach (i, hits & b->offload) {
		if (!(b->pkt[i]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) ||
		    !flow_verdict_at(&w->flow->verdicts, id[i])->splits)
			continue;
		count_part(w, id[i], 0, b->len[i]);
		segmented |= UINT64_C(1) << i;
	}
	return segmented;
}

static uint64_t same_verdict(const uint32_t id[BURST_MAX], uint64_t lanes)
{
	const uint32_t first = id[__builtin_ctzll(lanes)];
	uint64_t same = 0;
	uint32_t i;

	lane_foreach (i, lanes)
		same |= (uint64_t)(id[i] == first) << i;
	return same;
}

static void switch_run(struct worker *w, struct burst *b, uint64_t lanes, uint16_t number)
{
	struct flow_worker *const f = w->flow;
	const struct flow_switch *const sw = __atomic_load_n(&f->tables->sw[number], __ATOMIC_ACQUIRE);
	uint32_t id[BURST_MAX];
	uint64_t hits, left;

	if (sw == NULL) {
		burst_drop(w, b, lanes, DROP_FLOW_NO_MATCH);
		return;
	}
	if (sw->standalone) {
		normal(w, b, lanes);
		return;
	}
	hits = flow_cache_lookup_lanes(f->cache, &sw->masks, b->data, b->data_len, b->in_port, lanes, id);
	left = hits ? hits_simple(w, b, hits, id) : 0;
	if (unlikely(left & b->offload)) {
		const uint64_t segmented = hits_segmented(w, b, left, id);

		left &= ~segmented;
		hits &= ~segmented;
	}
	while (left != 0) {
		const uint64_t same = same_verdict(id, left);

		verdict_run(w, b, same, sw, id[__builtin_ctzll(same)]);
		left &= ~same;
	}
	if (unlikely(lanes & ~hits))
		flow_walk(w, b, lanes & ~hits, sw, number);
}

void stage_flow(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_FLOW);
	struct flow_worker *f;

	if (likely(!mask))
		return;
	f = w->flow;
	// A verdict is one of tables and ports as they are now.
	if (flow_cache_sync(f->cache, __atomic_load_n(&f->tables->generation, __ATOMIC_SEQ_CST) << 32 |
					      (uint32_t)w->state->generation))
		flow_verdicts_flush(&f->verdicts);
	while (mask != 0) {
		const uint16_t number = w->state->port[b->in_port[__builtin_ctzll(mask)]]->flow;
		uint64_t same = 0;

		for (uint32_t s = 0; s < b->nsegments; s++) {
			const uint32_t end = s + 1 < b->nsegments ? b->from[s + 1].first : b->n;

			if (w->state->port[b->from[s].q->port_id]->flow == number)
				same |= lanes_range(b->from[s].first, end);
		}
		switch_run(w, b, mask & same, number);
		mask &= ~same;
	}
	flow_out_flush(w);
}
