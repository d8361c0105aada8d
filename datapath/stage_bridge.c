/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes BRIDGE; sets EGRESS (known destination), FLOOD (unknown or group destination), DROP.
//
// Source and destination are looked up for the whole burst at once, so that the table's cache misses overlap. A source
// that is where the table says, seen this second, costs one compare.
#include "stage.h"

static uint64_t lookup(struct worker *w, const uint64_t *key, uint64_t mask, uint32_t n, uint32_t *value)
{
	if (mask == burst_all(n))
		return hash64_lookup_bulk(w->fdb_hash, key, n, value);
	return hash64_lookup_lanes(w->fdb_hash, key, mask, value);
}

// A source that is unknown, elsewhere, or was last seen in an earlier second.
static void source_odd(struct worker *w, struct burst *b, uint32_t i, uint32_t value)
{
	const struct fwd_domain *d = w->state->domain[(uint16_t)b->smac_key[i]];

	if (FDB_PORT(value) == b->in_port[i]) {
		if (FDB_SEEN(value))
			fdb_touch(w->fdb, b->smac_key[i], w->now_s);
		return;
	}
	if (value && !FDB_SEEN(value)) // static: control put it there, and no frame moves it
		return;
	if (d->learning)
		worker_learn(w, b->smac_key[i], b->in_port[i]);
}

static void sources(struct worker *w, struct burst *b, uint64_t mask)
{
	uint32_t value[BURST_MAX];
	uint32_t i;

	lookup(w, b->smac_key, mask, b->n, value);
	lane_foreach(i, mask) {
		if (unlikely(value[i] != ((uint32_t)b->in_port[i] << 16 | w->now_s)))
			source_odd(w, b, i, value[i]);
	}
}

void stage_bridge(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_BRIDGE);
	uint64_t flood, hit, hairpin = 0, down = 0;
	uint32_t value[BURST_MAX];
	uint32_t i;

	if (!mask)
		return;
	sources(w, b, mask);

	hit = lookup(w, b->dmac_key, mask, b->n, value) & mask;
	flood = mask & ~hit;
	lane_foreach(i, hit) {
		uint16_t out = FDB_PORT(value[i]);
		const struct fwd_port *fp = w->state->port[out];
		uint64_t bit = UINT64_C(1) << i;

		b->out_port[i] = out;
		if (unlikely(!fp || !fp->up)) // its entries are about to be flushed
			down |= bit;
		else if (unlikely(out == b->in_port[i]))
			hairpin |= bit;
	}
	if (unlikely(hairpin | down)) {
		burst_drop(w, b, hairpin, DROP_BRIDGE_HAIRPIN);
		burst_drop(w, b, down, DROP_TX_DOWN);
	}
	lane_give(b, LANE_BRIDGE, LANE_EGRESS, hit & ~hairpin & ~down);
	lane_give(b, LANE_BRIDGE, LANE_FLOOD, flood);
}
