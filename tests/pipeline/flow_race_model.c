/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_race.h"

#include <stddef.h>

#include <rte_common.h>

#include "../../control/flow_mod.h"

struct race_rule race_rule[RULES_MAX];
struct race_version race_version[VERSIONS_MAX];

// What may have left, each way as one number that does not depend on the order.
struct ways {
	uint32_t n, nended;
	uint64_t way[32], ended[32];
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

static void ways_end(struct ways *w)
{
	for (uint32_t i = 0; i < w->n && w->nended < RTE_DIM(w->ended); i++)
		w->ended[w->nended++] = w->way[i];
}

static void run_group(struct ways *w, const struct race_group *g, uint32_t dscp)
{
	const struct ways before = *w;

	if (g->type != GROUP_SELECT) {
		for (uint32_t i = 0; i < g->n; i++)
			ways_send(w, g->out[i].port, g->out[i].dscp ? g->out[i].dscp : dscp);
		return;
	}
	w->n = 0;
	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t k = 0; k < before.n && w->n < RTE_DIM(w->way); k++)
			w->way[w->n++] =
				before.way[k] + race_sent(g->out[i].port, g->out[i].dscp ? g->out[i].dscp : dscp);
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

// Entries as of one version, groups and the meter as of another one.
static void interpret(uint32_t entries, uint32_t others, struct race_fields f, struct ways *w)
{
	uint8_t dscp = 0, metadata = 0, write_port = 0, table = 0;
	const struct race_rule *r;

	*w = (struct ways){.n = 1};
	do {
		r = scan(entries, table, f, metadata);
		if (r == NULL) {
			ways_end(w);
			return;
		}
		if (r->meter && race_version[others].closed)
			ways_end(w);
		for (uint32_t i = 0; i < RTE_DIM(r->out) && r->out[i].port != 0; i++) {
			dscp = r->out[i].dscp ? r->out[i].dscp : dscp;
			ways_send(w, r->out[i].port, dscp);
		}
		if (r->group != 0)
			run_group(w, &race_version[others].group[r->group - 1], dscp);
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
	struct ways w;

	for (uint32_t a = to + 1; a-- > from;) {
		interpret(a, a, f, &w);
		if (is_one_of(&w, got))
			return true;
	}
	for (uint32_t a = to + 1; a-- > from;)
		for (uint32_t b = to + 1; b-- > from;) {
			interpret(a, b, f, &w);
			if (is_one_of(&w, got))
				return true;
		}
	return false;
}
