/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_walk.h"

void flow_run_begin(struct flow_run *r, struct worker *w, struct burst *b, uint32_t i, const struct flow_switch *sw,
		    uint16_t number, uint32_t in_of)
{
	const struct fwd_port *const fp = fwd_port_find(w, b->in_port[i]);

	r->w = w;
	r->b = b;
	r->i = i;
	r->sw = sw;
	r->entry = NULL;
	r->number = number;
	r->in_port = b->in_port[i];
	r->depth = 0;
	r->clone = r->over = false;
	r->packet_ins = fp == NULL || !fp->flow_no_packet_in;
	r->sent = 0;
	r->pending.port = 0;
	flow_packet_init(&r->p, b->pkt[i], port_pool(), in_of);
}

void flow_run_keep(struct flow_run *r)
{
	r->b->changed |= r->b->pkt[r->i] != r->p.m || r->b->len[r->i] != r->p.m->pkt_len;
	r->b->pkt[r->i] = r->p.m;
	r->b->longest = RTE_MAX(r->b->longest, r->p.m->pkt_len);
}

// The packet itself has a place in its burst: it leaves by the lanes.
static void leave(struct flow_run *r)
{
	flow_run_keep(r);
	r->over = true;
}

void flow_out_drop(struct flow_run *r, struct rte_mbuf *m, enum drop_reason reason)
{
	r->w->count[r->in_port].drops[reason]++;
	rte_pktmbuf_free(m);
}

static void drop(struct flow_run *r, enum drop_reason reason)
{
	if (!r->clone) {
		leave(r);
		burst_drop(r->w, r->b, UINT64_C(1) << r->i, reason);
		return;
	}
	flow_out_drop(r, r->p.m, reason);
	r->over = true;
}

static struct rte_mbuf *reference(struct flow_run *r)
{
	r->w->count[r->in_port].copies++;
	r->sent++;
	rte_pktmbuf_refcnt_update(r->p.m, 1);
	return r->p.m;
}

void flow_run_clone(struct flow_run *r, struct flow_run *clone)
{
	reference(r);
	*clone = *r;
	clone->clone = true;
	clone->sent = 0;
	clone->pending.port = 0;
}

uint16_t flow_port_id(const struct flow_run *r, uint32_t port)
{
	const struct fwd_port *fp;
	uint16_t id = 0;

	if (port < r->sw->nports)
		id = r->sw->port[port];
	else if (port == FLOW_OUT_LOCAL)
		id = r->sw->local;
	else if (port == FLOW_OUT_IN_PORT)
		id = r->in_port;
	// To send it back takes the reserved port's number.
	if (id == 0 || (id == r->in_port && port != FLOW_OUT_IN_PORT))
		return 0;
	fp = fwd_port_find(r->w, id);
	return fp == NULL || fp->flow_no_fwd ? 0 : id;
}

// To all ports but the one it came in by. Returns the last one, which has not got it yet; 0: there is none.
static uint16_t send_all_but_last(struct flow_run *r)
{
	uint16_t last = 0;

	for (uint32_t k = 0; k < r->sw->nflood; k++) {
		const uint16_t id = r->sw->flood[k];
		const struct fwd_port *const fp = fwd_port_find(r->w, id);

		if (id == r->in_port || fp == NULL || fp->flow_no_fwd || !fp->up ||
		    !__atomic_load_n(&fp->port->link_up, __ATOMIC_RELAXED))
			continue;
		if (last != 0)
			flow_out_port(r, reference(r), last);
		last = id;
	}
	return last;
}

void flow_run_flush(struct flow_run *r)
{
	const struct flow_pending to = r->pending;
	uint16_t id;

	r->pending.port = 0;
	if (to.port == 0)
		return;
	if (to.port == FLOW_OUT_CONTROLLER) {
		if (r->packet_ins)
			flow_out_controller(r, reference(r), &to);
		return;
	}
	if (to.port == FLOW_OUT_NORMAL) {
		flow_out_normal(r, reference(r));
		return;
	}
	if (to.port == FLOW_OUT_TABLE) {
		struct flow_run clone;

		flow_run_clone(r, &clone);
		flow_walk_one(&clone);
		return;
	}
	id = to.port == FLOW_OUT_FLOOD || to.port == FLOW_OUT_ALL ? send_all_but_last(r) : flow_port_id(r, to.port);
	if (id != 0)
		flow_out_port(r, reference(r), id);
	else if (to.port != FLOW_OUT_FLOOD && to.port != FLOW_OUT_ALL)
		flow_out_drop(r, reference(r), DROP_FLOW_NO_PORT);
}

// The packet itself goes to a port.
static void end_port(struct flow_run *r, uint16_t id)
{
	if (r->clone) {
		flow_out_port(r, r->p.m, id);
		r->over = true;
		return;
	}
	leave(r);
	r->b->out_port[r->i] = id;
	r->b->vid[r->i] = VLAN_NONE;
	lane_give(r->b, LANE_FLOW, LANE_EGRESS, UINT64_C(1) << r->i);
}

static void end_normal(struct flow_run *r)
{
	const struct fwd_port *const fp = fwd_port_find(r->w, r->in_port);

	if (r->clone || fp == NULL) {
		if (!r->clone)
			leave(r);
		flow_out_normal(r, r->p.m);
		r->over = true;
		return;
	}
	leave(r);
	if (ingress_enter(r->w, r->b, r->i, fp))
		lane_give(r->b, LANE_FLOW, LANE_BRIDGE, UINT64_C(1) << r->i);
}

static void end_pending(struct flow_run *r, enum drop_reason reason)
{
	const struct flow_pending to = r->pending;
	uint16_t id = 0;

	r->pending.port = 0;
	switch (to.port) {
	case FLOW_OUT_CONTROLLER:
		if (!r->packet_ins)
			break; // nowhere then
		if (!r->clone)
			leave(r);
		flow_out_controller(r, r->p.m, &to);
		r->over = true;
		return;
	case FLOW_OUT_NORMAL:
		end_normal(r);
		return;
	case FLOW_OUT_TABLE:
		flow_walk_one(r);
		return;
	case FLOW_OUT_FLOOD:
	case FLOW_OUT_ALL:
		id = send_all_but_last(r);
		reason = DROP_BRIDGE_NO_MEMBER;
		break;
	default:
		id = flow_port_id(r, to.port);
		reason = DROP_FLOW_NO_PORT;
		break;
	}
	if (id != 0)
		end_port(r, id);
	else
		drop(r, reason);
}

void flow_run_end(struct flow_run *r, enum drop_reason reason)
{
	if (r->over)
		return;
	if (r->pending.port != 0) {
		end_pending(r, reason);
	} else if (r->sent > 0) {
		// What was sent were all of it: it is itself one of those.
		r->w->count[r->in_port].copies--;
		if (!r->clone)
			leave(r);
		rte_pktmbuf_free(r->p.m);
		r->over = true;
	} else {
		drop(r, reason);
	}
}

// An end before the last action; an output that waits still goes.
static bool stop(struct flow_run *r, enum drop_reason reason)
{
	flow_run_flush(r);
	if (reason == DROP_FLOW_TTL && r->packet_ins) {
		const struct flow_pending to = {.max_len = UINT16_MAX, .reason = FLOW_REASON_TTL};

		if (!r->clone)
			leave(r);
		flow_out_controller(r, r->p.m, &to);
		r->over = true;
		return false;
	}
	drop(r, reason);
	return false;
}

static bool rewrite(struct flow_run *r, const struct flow_op *op)
{
	flow_run_flush(r);
	switch (flow_exec_op(&r->p, op)) {
	case FLOW_EXEC_DONE:
		return true;
	case FLOW_EXEC_TTL:
		return stop(r, DROP_FLOW_TTL);
	case FLOW_EXEC_SEGMENT:
	case FLOW_EXEC_OFFLOAD:
		return stop(r, DROP_BAD_OFFLOAD);
	case FLOW_EXEC_NO_MBUF:
		break;
	}
	return stop(r, DROP_NO_MBUF);
}

static void meter_count(struct worker *w, uint32_t counter, uint64_t lanes, const uint32_t bytes[BURST_MAX])
{
	uint64_t sum = 0;
	uint32_t i;

	lane_foreach (i, lanes)
		sum += bytes[i];
	flow_count_add(&w->flow->count[FLOW_COUNT_METER][counter], (uint32_t)__builtin_popcountll(lanes), sum);
}

const struct flow_meter *flow_meter_lanes(struct worker *w, uint32_t number, uint64_t lanes,
					  const uint32_t bytes[BURST_MAX], struct flow_meter_hits *hits)
{
	struct flow_meter *const m = __atomic_load_n(&w->flow->tables->meter[number], __ATOMIC_ACQUIRE);

	if (m == NULL)
		return NULL;
	meter_count(w, flow_meter_counter(number, 0), lanes, bytes);
	flow_meter_run(m, w->tsc, lanes, bytes, hits);
	for (uint32_t i = 0; i < m->nbands; i++) {
		if (hits->band[i] != 0)
			meter_count(w, flow_meter_counter(number, 1 + i), hits->band[i], bytes);
	}
	return m;
}

bool flow_run_meter(struct flow_run *r, uint32_t number)
{
	const uint32_t bytes[BURST_MAX] = {r->p.m->pkt_len};
	struct flow_meter_hits hits;
	const struct flow_meter *const m = flow_meter_lanes(r->w, number, 1, bytes, &hits);

	if (m == NULL)
		return stop(r, DROP_FLOW_METER);
	for (uint32_t i = 0; i < m->nbands; i++) {
		if (hits.band[i] == 0)
			continue;
		if (!m->band[i].remark)
			return stop(r, DROP_FLOW_METER);
		return flow_run_remark(r, m->band[i].level);
	}
	return true;
}

bool flow_run_remark(struct flow_run *r, uint8_t level)
{
	struct flow_op op = {.type = FLOW_OP_SET_FIELD, .field = FLOW_FIELD_IP_DSCP};
	uint8_t dscp;

	flow_packet_parse(&r->p);
	dscp = (uint8_t)flow_key_get(&r->p.key, FLOW_FIELD_IP_DSCP).lo;
	op.value.lo = flow_meter_remark(dscp, level);
	return op.value.lo == dscp || rewrite(r, &op);
}

static void output(struct flow_run *r, const struct flow_act *act)
{
	flow_run_flush(r);
	r->pending = (struct flow_pending){.port = act->op.arg,
					   .max_len = act->max_len,
					   .reason = r->entry != NULL && r->entry->miss ? FLOW_REASON_NO_MATCH
											: FLOW_REASON_ACTION};
}

bool flow_run_acts(struct flow_run *r, const struct flow_act *act, uint32_t n, bool last)
{
	for (uint32_t k = 0; k < n; k++) {
		switch ((enum flow_act_type)act[k].type) {
		case FLOW_ACT_REWRITE:
			if (!rewrite(r, &act[k].op))
				return false;
			break;
		case FLOW_ACT_OUTPUT:
			output(r, &act[k]);
			break;
		case FLOW_ACT_GROUP:
			if (!flow_run_group(r, act[k].op.arg, last && k + 1 == n))
				return false;
			break;
		case FLOW_ACT_QUEUE: // ports have one queue of each class
			break;
		}
	}
	return true;
}

void flow_run_metadata(struct flow_run *r)
{
	const struct flow_entry *const e = r->entry;

	if (e == NULL || e->metadata_mask == 0)
		return;
	r->p.metadata = (r->p.metadata & ~e->metadata_mask) | (e->metadata & e->metadata_mask);
	if (r->p.parsed)
		flow_key_set(&r->p.key, NULL, FLOW_FIELD_METADATA, (struct flow_value){.lo = r->p.metadata},
			     flow_field_ones(FLOW_FIELD_METADATA));
}
