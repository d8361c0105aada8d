/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes BRIDGE; sets ROUTE (to an interface), EGRESS (known destination), FLOOD (unknown or group destination),
// DROP.
//
// Source and destination are looked up for the whole burst at once, so that the table's cache misses overlap. A source
// that is where the table says, seen this second, costs a share of one compare, and is marked (tables/seen.h), so that
// for the rest of the second it is not looked up again.
#include "stage.h"

// Looks up the keys of all lanes in mask; returns those found. A port's packets often have one source (a VM's own
// address) or one destination (its gateway): one look-up then.
static uint64_t lookup(struct worker *w, const uint64_t key[BURST_MAX], uint64_t mask, uint32_t n,
		       uint32_t value[BURST_MAX])
{
	if (mask != burst_all(n))
		return hash64_lookup_lanes(w->fdb_hash, key, mask, value);
	if (lanes_same64(key, n)) {
		uint32_t found = hash64_find(w->fdb_hash, key[0]);

		for (uint32_t i = 0; i < n; i++)
			value[i] = found;
		return found ? mask : 0;
	}
	return hash64_lookup_bulk(w->fdb_hash, key, n, value);
}

// A source that is unknown, elsewhere, or was last seen in an earlier second. Returns whether it is in order now.
static bool source_odd(struct worker *w, struct burst *b, uint32_t i, uint32_t value)
{
	const struct fwd_domain *d = w->state->domain[(uint16_t)b->smac_key[i]];

	if (FDB_PORT(value) == b->in_port[i]) {
		if (FDB_SEEN(value))
			fdb_touch(w->fdb, b->smac_key[i], w->now_s);
		return true;
	}
	if (value && !FDB_SEEN(value)) // static: control put it there, and no frame moves it
		return true;
	if (!d->learning)
		return true;
	worker_learn(w, b->smac_key[i], b->in_port[i]);
	return false;
}

// Looks up sources and has the odd ones seen to. Returns those in order.
static uint64_t verify_sources(struct worker *w, struct burst *b, uint64_t mask)
{
	uint64_t odd, bad = 0;
	uint32_t value[BURST_MAX];
	uint32_t i;

	lookup(w, b->smac_key, mask, b->n, value);
	odd = mask & lanes_moved(value, b->in_port, w->now_s, b->n);
	lane_foreach (i, odd)
		bad |= (uint64_t)!source_odd(w, b, i, value[i]) << i;
	return mask & ~bad;
}

// The verdict on a source holds for this second, port, FDB and configuration.
static void check_sources(struct worker *w, struct burst *b, uint64_t mask)
{
	uint64_t context = (uint64_t)(fdb_generation(w->fdb) + (uint32_t)w->state->generation) << 32 | w->now_s;
	struct seen_place place;
	uint64_t known, good;
	uint32_t i;

	if (w->seen.skip || lanes_same64(b->smac_key, b->n)) {
		w->seen.skip -= !!w->seen.skip;
		verify_sources(w, b, mask);
		return;
	}
	seen_locate(&w->seen, b->smac_key, b->in_port, context, b->n, &place);
	known = seen_find(&w->seen, &place, b->n) & mask;
	if (known == mask)
		return;
	if (__builtin_popcountll(mask & ~known) > BURST_MAX / 2) // too many sources for it, or all are new
		w->seen.skip = SEEN_SKIP;
	good = verify_sources(w, b, mask & ~known);
	lane_foreach (i, good)
		seen_add(&w->seen, &place, i);
}

void stage_bridge(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_BRIDGE);
	uint32_t value[BURST_MAX];
	uint64_t hit, hairpin, routed;

	if (!mask)
		return;
	if (mask & b->bridged)
		check_sources(w, b, mask & b->bridged);

	hit = lookup(w, b->dmac_key, mask, b->n, value) & mask;
	lanes_ports(b->out_port, value, b->n);
	hairpin = hit & lanes_match16(b->out_port, b->in_port);
	if (unlikely(hairpin))
		burst_drop(w, b, hairpin, DROP_BRIDGE_HAIRPIN);
	routed = hit & lanes_equal16(b->out_port, PORT_ROUTER);
	lane_give(b, LANE_BRIDGE, LANE_ROUTE, routed);
	lane_give(b, LANE_BRIDGE, LANE_EGRESS, hit & ~(hairpin | routed));
	lane_give(b, LANE_BRIDGE, LANE_FLOOD, mask & ~hit);
}
