/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_race.h"

#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "../../control/flow_mod.h"

#define WAYS_MAX 4096

struct race_rule race_rule[RULES_MAX];
struct race_version race_version[VERSIONS_MAX];

// What may have left, each way as one number that does not depend on the order.
struct ways {
	uint32_t n, nended;
	uint64_t way[WAYS_MAX], ended[WAYS_MAX];
};

uint64_t race_sent(uint32_t port, uint32_t dscp)
{
	uint64_t x = port << 6 | dscp;

	x = (x + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static void ways_send(struct ways *w, uint32_t port, uint32_t dscp)
{
	for (uint32_t i = 0; i < w->n; i++)
		w->way[i] += race_sent(port, dscp);
}

// Adds one that is not there yet. Whoever makes more of them than there is room for does not find what it looks for.
static void way_add(uint64_t *way, uint32_t *n, uint64_t x)
{
	for (uint32_t i = 0; i < *n; i++)
		if (way[i] == x)
			return;
	if (*n < WAYS_MAX)
		way[(*n)++] = x;
}

static void ways_end(struct ways *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		way_add(w->ended, &w->nended, w->way[i]);
}

static uint64_t bucket(const struct race_output *o, uint32_t dscp)
{
	return race_sent(o->port, o->dscp ? o->dscp : dscp);
}

// A group as it was at some time: all of its buckets, or one of them.
static void run_group(struct ways *w, const struct ways *before, const struct race_group *g, uint32_t dscp)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < g->n; i++)
		all += bucket(&g->out[i], dscp);
	for (uint32_t k = 0; k < before->n; k++)
		for (uint32_t i = 0; i < (g->type == GROUP_SELECT ? g->n : 1); i++)
			way_add(w->way, &w->n,
				before->way[k] + (g->type == GROUP_SELECT ? bucket(&g->out[i], dscp) : all));
}

static void run_groups(struct ways *w, uint32_t number, uint32_t from, uint32_t to, uint32_t dscp)
{
	static struct ways before;

	before = *w;
	w->n = 0;
	for (uint32_t v = from; v <= to; v++) {
		const struct race_group *const g = &race_version[v].group[number];

		if (v == from || memcmp(g, &race_version[v - 1].group[number], sizeof(*g)) != 0)
			run_group(w, &before, g, dscp);
	}
}

static bool was_closed(uint32_t from, uint32_t to)
{
	while (from < to && !race_version[from].closed)
		from++;
	return race_version[from].closed;
}

bool race_covers(const struct race_rule *r, struct race_fields f, uint8_t metadata)
{
	return (((f.src ^ r->key.src) & r->mask.src) | ((f.dst ^ r->key.dst) & r->mask.dst) |
		((f.port ^ r->key.port) & r->mask.port) | ((metadata ^ r->metadata) & r->metadata_mask)) == 0;
}

static const struct race_rule *scan(uint32_t at, uint32_t table, struct race_fields f, uint8_t metadata)
{
	const struct race_rule *best = NULL;

	for (uint32_t i = race_version[at].first; i < race_version[at].end; i++) {
		const struct race_rule *const r = &race_rule[i];

		if (r->table != table || r->from > at || __atomic_load_n(&r->until, __ATOMIC_RELAXED) <= at ||
		    (best != NULL && best->priority > r->priority) || !race_covers(r, f, metadata))
			continue;
		best = r;
	}
	return best;
}

// Entries as of one version; groups and the meter, each time that they are met, as of some version from..to.
static void interpret(uint32_t entries, uint32_t from, uint32_t to, struct race_fields f, struct ways *w)
{
	uint8_t dscp = 0, metadata = 0, write_port = 0, table = 0;
	const struct race_rule *r;

	w->n = 1;
	w->way[0] = w->nended = 0;
	do {
		r = scan(entries, table, f, metadata);
		if (r == NULL) {
			ways_end(w);
			return;
		}
		if (r->meter && was_closed(from, to))
			ways_end(w);
		for (uint32_t i = 0; i < RTE_DIM(r->out) && r->out[i].port != 0; i++) {
			dscp = r->out[i].dscp ? r->out[i].dscp : dscp;
			ways_send(w, r->out[i].port, dscp);
		}
		if (r->group != 0)
			run_groups(w, r->group - 1, from, to, dscp);
		write_port = r->write_port ? r->write_port : write_port;
		metadata = r->write_metadata != 0xff ? r->write_metadata : metadata;
		table = r->go;
	} while (r->go != 0);
	if (write_port != 0)
		ways_send(w, write_port, dscp);
	ways_end(w);
}

static bool is_one_of(const struct ways *w, uint64_t got)
{
	for (uint32_t i = 0; i < w->nended; i++)
		if (w->ended[i] == got)
			return true;
	return false;
}

bool race_may_be(struct race_fields f, uint64_t got, uint32_t from, uint32_t to)
{
	static struct ways w; // of one thread

	// Mostly all of it is of the same one.
	for (uint32_t a = to + 1; a-- > from;) {
		interpret(a, a, a, f, &w);
		if (is_one_of(&w, got))
			return true;
	}
	for (uint32_t a = to + 1; a-- > from;) {
		interpret(a, from, to, f, &w);
		if (is_one_of(&w, got))
			return true;
	}
	return false;
}
