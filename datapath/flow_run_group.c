/* SPDX-License-Identifier: BSD-3-Clause */
// Groups: which buckets get the packet.
#include "flow_run.h"

// What is asked about a bucket's life.
struct watcher {
	const struct flow_run *run;
	const struct flow_group *group;
};

static bool group_alive(const struct flow_run *r, uint32_t number, uint32_t depth);

static bool port_alive(const struct flow_run *r, uint32_t port)
{
	const uint16_t id = port < r->sw->nports ? r->sw->port[port] : port == FLOW_OUT_LOCAL ? r->sw->local : 0;
	const struct fwd_port *const fp = id != 0 ? fwd_port_find(r->w, id) : NULL;

	return fp != NULL && fp->up && __atomic_load_n(&fp->port->link_up, __ATOMIC_RELAXED);
}

static bool bucket_alive(const struct flow_run *r, const struct flow_bucket *k, uint32_t depth)
{
	if (k->watch_port == 0 && k->watch_group == 0)
		return true;
	return (k->watch_port != 0 && port_alive(r, k->watch_port)) ||
	       (k->watch_group != 0 && group_alive(r, k->watch_group, depth + 1));
}

static const struct flow_group *group_at(const struct flow_run *r, uint32_t number)
{
	return __atomic_load_n(&r->w->flow->tables->group[number], __ATOMIC_ACQUIRE);
}

static bool group_alive(const struct flow_run *r, uint32_t number, uint32_t depth)
{
	const struct flow_group *const g = group_at(r, number);

	for (uint32_t i = 0; g != NULL && depth < FLOW_GROUP_DEPTH && i < g->nbuckets; i++) {
		if (bucket_alive(r, &g->bucket[i], depth))
			return true;
	}
	return false;
}

static bool alive(const void *arg, uint32_t bucket)
{
	const struct watcher *const watcher = arg;

	return bucket_alive(watcher->run, &watcher->group->bucket[bucket], 0);
}

static uint32_t choose(struct flow_run *r, const struct flow_group *g)
{
	const struct watcher watcher = {.run = r, .group = g};

	switch ((enum flow_group_type)g->type) {
	case FLOW_GROUP_TYPE_SELECT:
		if (g->nslots == 0)
			return FLOW_NO_BUCKET;
		flow_packet_parse(&r->p);
		return flow_group_select(g->slot, g->nslots, alive, &watcher, g->nbuckets,
					 flow_group_hash(&r->p.key, r->w->flow->tables->seed));
	case FLOW_GROUP_TYPE_FF:
		for (uint32_t i = 0; i < g->nbuckets; i++) {
			if (alive(&watcher, i))
				return i;
		}
		return FLOW_NO_BUCKET;
	case FLOW_GROUP_TYPE_ALL:
	case FLOW_GROUP_TYPE_INDIRECT:
		break;
	}
	return g->nbuckets > 0 ? 0 : FLOW_NO_BUCKET;
}

static void count(const struct flow_run *r, uint32_t counter)
{
	flow_count_add(&r->w->flow->count[FLOW_COUNT_GROUP][counter], 1, r->p.m->pkt_len);
}

// The packet itself, or a reference to it, goes through a bucket.
static bool bucket_run(struct flow_run *r, const struct flow_group *g, uint32_t i, bool last)
{
	const struct flow_acts *const acts = g->bucket[i].acts;
	struct flow_run clone;
	bool on = true;

	count(r, g->counters + 1 + i);
	if (last) {
		r->depth++;
		on = acts == NULL || flow_run_acts(r, acts->act, acts->n, true);
		r->depth--;
		return on;
	}
	flow_run_clone(r, &clone);
	clone.depth++;
	if (acts == NULL || flow_run_acts(&clone, acts->act, acts->n, true))
		flow_run_end(&clone, DROP_FLOW_NO_ACTION);
	return true;
}

bool flow_run_group(struct flow_run *r, uint32_t number, bool last)
{
	const struct flow_group *const g = group_at(r, number);
	uint32_t i;

	flow_run_flush(r);
	if (g == NULL || r->depth >= FLOW_GROUP_DEPTH)
		return true;
	count(r, g->counters);
	if (g->type == FLOW_GROUP_TYPE_ALL) {
		for (i = 0; i < g->nbuckets; i++) {
			if (!bucket_run(r, g, i, last && i + 1 == g->nbuckets))
				return false;
		}
		return true;
	}
	i = choose(r, g);
	return i == FLOW_NO_BUCKET || bucket_run(r, g, i, last);
}

// The port id that a bucket's packets leave by, if it says that and nothing else; else 0.
static uint16_t bucket_port(const struct worker *w, const struct flow_switch *sw, const struct flow_bucket *k)
{
	const struct flow_acts *const acts = k->acts;
	const struct fwd_port *fp;
	uint16_t id;

	if (acts == NULL || acts->n != 1 || acts->act[0].type != FLOW_ACT_OUTPUT || acts->act[0].op.arg >= sw->nports)
		return 0;
	id = sw->port[acts->act[0].op.arg];
	fp = id != 0 ? fwd_port_find(w, id) : NULL;
	return fp == NULL || fp->flow_no_fwd ? 0 : id;
}

uint64_t flow_group_lanes(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw,
			  uint32_t number)
{
	const struct flow_run run = {.w = w, .sw = sw};
	const struct flow_group *const g = group_at(&run, number);
	const struct watcher watcher = {.run = &run, .group = g};
	struct flow_count *const counts = w->flow->count[FLOW_COUNT_GROUP];
	uint64_t chosen = 0, bytes = 0;
	uint32_t i;

	if (g == NULL || g->type != FLOW_GROUP_TYPE_SELECT || g->nslots == 0)
		return 0;
	lane_foreach (i, lanes) {
		const struct rte_mbuf *const m = b->pkt[i];
		struct flow_layers layers;
		struct flow_key key;
		uint32_t bucket;
		uint16_t port;

		flow_key_extract(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, 0, &key, &layers);
		bucket = flow_group_select(g->slot, g->nslots, alive, &watcher, g->nbuckets,
					   flow_group_hash(&key, w->flow->tables->seed));
		port = bucket != FLOW_NO_BUCKET ? bucket_port(w, sw, &g->bucket[bucket]) : 0;
		if (port == 0)
			continue;
		flow_count_add(&counts[g->counters + 1 + bucket], 1, m->pkt_len);
		b->out_port[i] = port;
		bytes += m->pkt_len;
		chosen |= UINT64_C(1) << i;
	}
	flow_count_add(&counts[g->counters], (uint32_t)__builtin_popcountll(chosen), bytes);
	return chosen;
}
