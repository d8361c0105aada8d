/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_walk.h"

#include <errno.h>

#include "offload.h"

static void walk_lanes(struct flow_walk *walk, uint64_t lanes, const struct flow_switch *sw, bool keep);

static void begin(struct flow_walk *k)
{
	k->path.number = k->run.number;
	k->path.nsteps = 0;
	k->set = 0;
	k->table = 0;
	k->cacheable = true;
	k->done = k->part = false;
	k->bytes = k->run.p.m->pkt_len;
	flow_packet_parse(&k->run.p);
}

// Whether an action leaves headers that the packet's key in the cache says nothing of, and of which no device knows
// where they are.
static bool uncovers(const struct flow_acts *acts)
{
	for (uint32_t i = 0; acts != NULL && i < acts->n; i++) {
		const struct flow_op *const op = &acts->act[i].op;

		if (acts->act[i].type != FLOW_ACT_REWRITE)
			continue;
		switch ((enum flow_op_type)op->type) {
		case FLOW_OP_PUSH_MPLS:
		case FLOW_OP_POP_MPLS:
		case FLOW_OP_PUSH_PBB:
		case FLOW_OP_POP_PBB:
			return true;
		case FLOW_OP_SET_FIELD:
			if (op->field == FLOW_FIELD_ETH_TYPE || op->field == FLOW_FIELD_IP_PROTO ||
			    op->field == FLOW_FIELD_ICMPV6_TYPE || op->field == FLOW_FIELD_ICMPV6_CODE)
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

static bool meter_remarks(const struct flow_worker *f, uint32_t number)
{
	const struct flow_meter *const m = __atomic_load_n(&f->tables->meter[number], __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; m != NULL && i < m->nbands; i++) {
		if (m->band[i].remark)
			return true;
	}
	return false;
}

static void set_write(uint64_t *set, const struct flow_act **set_act, const struct flow_entry *e)
{
	if (e->clear)
		*set = 0;
	for (uint32_t i = 0; e->write != NULL && i < e->write->n; i++) {
		const uint32_t place = flow_act_place(&e->write->act[i]);

		*set |= UINT64_C(1) << place;
		set_act[place] = &e->write->act[i];
	}
}

// What is executed of an action set: no output if there is a group.
static uint64_t set_executed(uint64_t set)
{
	return set >> FLOW_PLACE_GROUP & 1 ? set & ~(UINT64_C(1) << FLOW_PLACE_OUTPUT) : set;
}

static void set_run(struct flow_walk *k)
{
	uint64_t set = set_executed(k->set);

	for (; set != 0; set &= set - 1) {
		if (!flow_run_acts(&k->run, k->set_act[__builtin_ctzll(set)], 1, (set & (set - 1)) == 0))
			return;
	}
	flow_run_end(&k->run, DROP_FLOW_NO_ACTION);
	k->done = true;
}

// The packet met an entry. Returns whether it goes on to another table.
static bool enter(struct flow_walk *k, const struct flow_entry *e)
{
	struct flow_run *const r = &k->run;
	const bool goes_on = e->goto_table != FLOW_NO_TABLE;

	r->entry = e;
	if (e->meter != 0 && !flow_run_meter(r, e->meter))
		return false;
	set_write(&k->set, k->set_act, e);
	if (e->apply != NULL && !flow_run_acts(r, e->apply->act, e->apply->n, !goes_on && k->set == 0))
		return false;
	if (!goes_on) {
		set_run(k);
		return false;
	}
	k->cacheable &= !uncovers(e->apply) && !(e->meter != 0 && meter_remarks(r->w->flow, e->meter));
	flow_packet_parse(&r->p);
	k->table = e->goto_table;
	return true;
}

// The packet met an entry, and writes metadata before the next table is asked.
static bool go(struct flow_walk *k, const struct flow_entry *e)
{
	if (!enter(k, e))
		return false;
	flow_run_metadata(&k->run);
	return true;
}

// Whether actions give a packet that a device was to segment a form in which none can. What groups do is not looked at.
static bool splits(const struct flow_walk *k, const struct flow_acts *acts)
{
	for (uint32_t i = 0; acts != NULL && i < acts->n; i++) {
		const uint8_t type = acts->act[i].type;

		if (type == FLOW_ACT_GROUP ||
		    (type == FLOW_ACT_REWRITE && acts->act[i].op.type == FLOW_OP_PUSH_VLAN && k->run.p.layers.tags > 0))
			return true;
	}
	return uncovers(acts);
}

// A packet that a device was to segment goes on from an entry as its segments. They count as the one packet that came.
static void split(struct flow_walk *k, const struct flow_entry *e)
{
	struct flow_run *const r = &k->run;
	struct rte_mbuf *part[SEGMENTS_MAX];
	int n;

	flow_run_flush(r);
	n = offload_segment(r->p.m, port_pool(), part, SEGMENTS_MAX);
	for (int i = 0; i < n; i++) {
		struct flow_walk one = *k;

		r->w->count[r->in_port].copies++;
		r->sent++;
		one.run.clone = one.part = true;
		one.run.sent = 0;
		one.run.p.m = part[i];
		one.run.p.parsed = false;
		flow_packet_parse(&one.run.p);
		if (go(&one, e))
			walk_lanes(&one, 1, r->sw, false);
		if (i == 0)
			k->path = one.path;
	}
	flow_run_end(r, n == -ENOMEM ? DROP_NO_MBUF : DROP_BAD_OFFLOAD);
}

// The entry of a number, as it is for a switch; NULL: none.
static const struct flow_entry *entry_of(const struct flow_worker *f, const struct flow_switch *sw, uint32_t number)
{
	const struct flow_entry *e = number != 0 ? __atomic_load_n(&f->tables->entry[number], __ATOMIC_ACQUIRE) : NULL;

	while (e != NULL && unlikely(e->since > sw->version))
		e = e->older;
	return e;
}

// The packet was looked up in its table, and met the entry of a number; 0: none. Returns whether it goes on.
static bool step(struct flow_walk *k, uint32_t value)
{
	const struct flow_entry *const e = entry_of(k->run.w->flow, k->run.sw, value);
	uint8_t table = k->table;

	k->path.step[k->path.nsteps++] = flow_step(table, e != NULL ? value : 0);
	if (e == NULL) {
		flow_run_end(&k->run, DROP_FLOW_NO_MATCH);
		k->done = true;
		return false;
	}
	if (unlikely(k->run.p.m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) && (splits(k, e->apply) || splits(k, e->write))) {
		split(k, e);
		return false;
	}
	return go(k, e);
}

// Whether packets that a device is to segment may have to be split first.
static bool code_splits(const struct flow_acts *acts)
{
	for (uint32_t i = 0; acts != NULL && i < acts->n; i++) {
		if (acts->act[i].type == FLOW_ACT_GROUP ||
		    (acts->act[i].type == FLOW_ACT_REWRITE && acts->act[i].op.type == FLOW_OP_PUSH_VLAN))
			return true;
	}
	return uncovers(acts);
}

// Adds the code of a path. False: an entry has gone.
static bool code_make(const struct flow_run *r, struct flow_verdict_conf *conf)
{
	const struct flow_act *set_act[FLOW_PLACES];
	uint64_t set = 0;

	conf->ncode = 0;
	for (uint32_t i = 0; i < conf->path->nsteps; i++) {
		const uint32_t number = conf->path->step[i] & 0xffffff;
		const struct flow_entry *const e = entry_of(r->w->flow, r->sw, number);

		if (number == 0)
			break;
		if (e == NULL)
			return false;
		if (i == 0)
			conf->meter = e->meter;
		conf->code[conf->ncode++] = (uintptr_t)e | FLOW_CODE_ENTRY;
		if (e->apply != NULL && e->apply->n > 0)
			conf->code[conf->ncode++] = (uintptr_t)e->apply | FLOW_CODE_APPLY;
		set_write(&set, set_act, e);
		conf->splits |= code_splits(e->apply) || code_splits(e->write);
	}
	// A packet that meets nothing in a later table is dropped with its action set.
	if ((conf->path->step[conf->path->nsteps - 1] & 0xffffff) == 0)
		set = 0;
	for (set = set_executed(set); set != 0; set &= set - 1)
		conf->code[conf->ncode++] = (uintptr_t)set_act[__builtin_ctzll(set)] | FLOW_CODE_ACT;
	return true;
}

// Finds out whether the code is something simpler.
static void code_simplify(const struct flow_run *r, struct flow_verdict_conf *conf)
{
	const struct flow_act *only = NULL;
	uint32_t acts = 0;

	for (uint32_t i = 0; i < conf->ncode; i++) {
		const void *const at = (const void *)(uintptr_t)(conf->code[i] & ~(uint64_t)FLOW_CODE_MASK);

		switch ((enum flow_code)(conf->code[i] & FLOW_CODE_MASK)) {
		case FLOW_CODE_ENTRY:
			if (i > 0 && ((const struct flow_entry *)at)->meter != 0)
				return;
			break;
		case FLOW_CODE_APPLY:
			acts += ((const struct flow_acts *)at)->n;
			only = ((const struct flow_acts *)at)->act;
			break;
		default:
			acts++;
			only = at;
			break;
		}
	}
	if (acts == 0) {
		conf->kind = FLOW_VERDICT_DROP;
	} else if (acts == 1 && only->type == FLOW_ACT_OUTPUT && only->op.arg == FLOW_OUT_NORMAL) {
		conf->kind = FLOW_VERDICT_NORMAL;
	} else if (acts == 1 && only->type == FLOW_ACT_GROUP) {
		conf->kind = FLOW_VERDICT_GROUP;
		conf->out_port = (uint16_t)only->op.arg;
		return;
	} else if (acts == 1 && only->type == FLOW_ACT_OUTPUT && only->op.arg < r->sw->nports) {
		const uint16_t id = r->sw->port[only->op.arg];
		const struct fwd_port *const fp = id != 0 ? fwd_port_find(r->w, id) : NULL;

		if (fp == NULL || fp->flow_no_fwd)
			return;
		conf->kind = FLOW_VERDICT_OUTPUT;
		conf->out_port = id;
	}
	if (conf->kind != FLOW_VERDICT_CODE)
		conf->ncode = 0;
}

static uint32_t verdict_make(struct flow_walk *k, uint32_t hash)
{
	struct flow_worker *const f = k->run.w->flow;
	const bool met = (k->path.step[k->path.nsteps - 1] & 0xffffff) != 0;
	struct flow_verdict_conf conf;
	uint32_t id;
	bool flush;

	conf.path = &k->path;
	conf.kind = FLOW_VERDICT_CODE;
	conf.reason = met ? DROP_FLOW_NO_ACTION : DROP_FLOW_NO_MATCH;
	conf.out_port = 0;
	conf.meter = 0;
	conf.splits = false;
	if (!code_make(&k->run, &conf))
		return 0;
	code_simplify(&k->run, &conf);
	id = flow_verdict_make(&f->verdicts, &conf, hash, &flush);
	if (id == 0 && flush) {
		flow_cache_flush(f->cache);
		flow_verdicts_flush(&f->verdicts);
		id = flow_verdict_make(&f->verdicts, &conf, hash, &flush);
	}
	return id;
}

// The packet is over: counts it on its entries, and keeps what was decided.
static void conclude(struct flow_walk *k, bool keep)
{
	struct flow_worker *const f = k->run.w->flow;
	uint32_t id = 0;

	if (k->part)
		return;

	if (keep && k->done && k->cacheable && (f->cache->keyed >> k->run.i & 1)) {
		const uint32_t hash = flow_path_hash(&k->path);

		id = flow_verdict_find(&f->verdicts, &k->path, hash);
		if (id == 0)
			id = verdict_make(k, hash);
	}
	if (id == 0) {
		flow_steps_count(f->count, k->path.number, k->path.step, k->path.nsteps, 1, k->bytes, k->run.w->tsc);
		return;
	}
	flow_cache_insert(f->cache, k->run.i, id);
	flow_verdict_count(&f->verdicts, id, 1, k->bytes);
}

// The lanes that wait for the first table that any waits for.
static uint64_t lanes_of_first(const struct flow_walk *walk, uint64_t lanes, uint8_t *table)
{
	uint64_t first = 0;
	uint32_t i;

	*table = FLOW_NO_TABLE;
	lane_foreach (i, lanes) {
		if (walk[i].table < *table) {
			*table = walk[i].table;
			first = 0;
		}
		if (walk[i].table == *table)
			first |= UINT64_C(1) << i;
	}
	return first;
}

static void walk_lanes(struct flow_walk *walk, uint64_t lanes, const struct flow_switch *sw, bool keep)
{
	const struct flow_key *key[BURST_MAX];
	uint32_t value[BURST_MAX], i;
	uint8_t table;

	lane_foreach (i, lanes)
		key[i] = &walk[i].run.p.key;
	while (lanes != 0) {
		const uint64_t at = lanes_of_first(walk, lanes, &table);
		const uint64_t met =
			sw->table[table] != NULL ? classifier_lookup_lanes(sw->table[table], key, at, value) : 0;

		lane_foreach (i, at) {
			if (step(&walk[i], met >> i & 1 ? value[i] : 0))
				continue;
			conclude(&walk[i], keep);
			lanes &= ~(UINT64_C(1) << i);
		}
	}
}

void flow_walk(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw, uint16_t number)
{
	struct flow_walk *const walk = w->flow->walk;
	uint64_t left = lanes;
	uint32_t i;

	lane_foreach (i, lanes) {
		struct flow_run *const r = &walk[i].run;

		flow_run_begin(r, w, b, i, sw, number, w->state->port[b->in_port[i]]->flow_port);
		begin(&walk[i]);
		if (sw->drop_fragments && r->p.layers.fragment) {
			flow_run_end(r, DROP_FLOW_FRAGMENT);
			left &= ~(UINT64_C(1) << i);
		}
	}
	walk_lanes(walk, left, sw, true);
}

void flow_walk_one(struct flow_run *r)
{
	struct flow_walk walk;

	walk.run = *r;
	walk.run.sent = 0;
	begin(&walk);
	walk_lanes(&walk, 1, r->sw, false);
	r->over = true;
}
