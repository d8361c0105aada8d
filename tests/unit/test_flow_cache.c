/* SPDX-License-Identifier: BSD-3-Clause */
// Built for each instruction set level.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../tables/flow_cache.h"
#include "classifier_model.h"
#include "flow_frames.h"
#include "isa.h"

#define RULES 200
#define FRAMES 512

static uint64_t rng_state = RNG_SEED;

static uint32_t rng(uint32_t below)
{
	return frame_random(&rng_state, below);
}

// A burst of frames, each of them in the heap, so that a sanitizer sees a read beyond it.
struct burst {
	uint8_t *data[FLOW_CACHE_BURST];
	uint16_t len[FLOW_CACHE_BURST], context[FLOW_CACHE_BURST];
	uint32_t verdict[FLOW_CACHE_BURST];
};

static void burst_make(struct burst *b, const struct frame *frames, uint32_t n)
{
	for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++) {
		const struct frame *const f = &frames[rng(n)];

		b->data[i] = malloc(f->len + 1u);
		memcpy(b->data[i], f->byte, f->len);
		b->len[i] = f->len;
		b->context[i] = (uint16_t)(1 + rng(2));
		b->verdict[i] = 0xdeadbeef;
	}
}

static void burst_free(struct burst *b)
{
	for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
		free(b->data[i]);
}

static uint64_t lookup(struct flow_cache *c, const struct flow_window_masks *masks, struct burst *b, uint64_t lanes)
{
	return flow_cache_lookup_lanes(c, masks, (const uint8_t *const *)b->data, b->len, b->context, lanes,
				       b->verdict);
}

// Whatever the vector bodies find, their scalar twins find it, too.
static void check_twin(struct flow_cache *c, const struct flow_window_masks *masks, const struct burst *b,
		       uint64_t lanes, uint64_t hits)
{
	struct flow_cache_key wanted[FLOW_CACHE_BURST];
	const uint64_t keyed = c->keyed;
	uint32_t verdict[FLOW_CACHE_BURST];

	memcpy(wanted, c->wanted, sizeof(wanted));
	assert_int_equal(flow_cache_lookup_with(c, masks, (const uint8_t *const *)b->data, b->len, b->context, lanes,
						verdict, &flow_cache_scalar),
			 hits);
	assert_int_equal(c->keyed, keyed);
	for (uint64_t m = lanes; m != 0; m &= m - 1)
		assert_int_equal(verdict[__builtin_ctzll(m)], b->verdict[__builtin_ctzll(m)]);
	for (uint64_t m = keyed; m != 0; m &= m - 1)
		assert_memory_equal(&wanted[__builtin_ctzll(m)], &c->wanted[__builtin_ctzll(m)], sizeof(wanted[0]));
}

static struct flow_cache *cache(uint32_t entries)
{
	struct flow_cache *c;

	assert_int_equal(flow_cache_create(&c, entries, 1), 0);
	return c;
}

static uint32_t ways_in_use(const struct flow_cache *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= c->set_mask; i++)
		for (uint32_t w = 0; w < FLOW_CACHE_WAYS; w++)
			n += c->set[i].way[w] != 0;
	return n;
}

static void frame_of_some_shape(struct frame *f)
{
	do {
		frame_make(f, &rng_state);
	} while (flow_shape(f->byte, f->len) == FLOW_SHAPE_NONE);
}

static void what_is_kept_is_found_until_the_tables_change(void **state)
{
	struct flow_cache *const c = cache(64);
	static struct flow_window_masks masks;
	const struct flow_used none = {0};
	struct frame f;
	struct burst b;

	flow_window_masks_make(&none, &masks);
	frame_of_some_shape(&f);
	burst_make(&b, &f, 1);
	b.context[1] = (uint16_t)~b.context[0];
	assert_true(flow_cache_sync(c, 7));
	assert_int_equal(lookup(c, &masks, &b, 1), 0);
	assert_int_equal(b.verdict[0], 0);
	assert_int_equal(b.verdict[1], 0xdeadbeef);
	flow_cache_insert(c, 0, 42);
	flow_cache_insert(c, 1, 43); // was not looked up
	assert_false(flow_cache_sync(c, 7));
	assert_int_equal(lookup(c, &masks, &b, 3), 1);
	assert_int_equal(b.verdict[0], 42);
	assert_int_equal(b.verdict[1], 0);
	flow_cache_insert(c, 0, 44);
	assert_int_equal(lookup(c, &masks, &b, 1), 1);
	assert_int_equal(b.verdict[0], 44);
	assert_int_equal(ways_in_use(c), 1);
	assert_true(flow_cache_sync(c, 6));
	assert_int_equal(lookup(c, &masks, &b, 1), 0);
	burst_free(&b);
	flow_cache_destroy(c);
}

// An epoch's number comes again after 65535 changes; what was kept in it before must not.
static void epochs_that_come_again_bring_nothing_back(void **state)
{
	struct flow_cache *const c = cache(4096);
	static struct flow_window_masks masks;
	const struct flow_used none = {0};
	struct frame frames[FLOW_CACHE_BURST];
	struct burst b;

	flow_window_masks_make(&none, &masks);
	for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
		frame_make(&frames[i], &rng_state);
	burst_make(&b, frames, FLOW_CACHE_BURST);
	lookup(c, &masks, &b, UINT64_MAX);
	for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
		flow_cache_insert(c, i, i + 1);
	assert_true(lookup(c, &masks, &b, UINT64_MAX) != 0);
	for (uint32_t i = 0; i < 2 * 65535; i++) {
		flow_cache_flush(c);
		if (i % 1021 == 0 || c->epoch == 1)
			assert_int_equal(lookup(c, &masks, &b, UINT64_MAX), 0);
	}
	assert_int_equal(c->epoch, 1);
	burst_free(&b);
	flow_cache_destroy(c);
}

static void a_full_set_makes_room_now_and_then(void **state)
{
	struct flow_cache *const c = cache(64);
	static struct flow_window_masks masks;
	const struct flow_used none = {0};
	struct frame f;
	struct burst b;
	uint32_t kept = 0;

	flow_window_masks_make(&none, &masks);
	frame_of_some_shape(&f);
	burst_make(&b, &f, 1);
	for (uint32_t round = 0; round < 40; round++) {
		for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
			b.context[i] = (uint16_t)(round * FLOW_CACHE_BURST + i);
		lookup(c, &masks, &b, UINT64_MAX);
		for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
			flow_cache_insert(c, i, b.context[i] + 1u);
		kept += (uint32_t)__builtin_popcountll(lookup(c, &masks, &b, UINT64_MAX));
		for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
			assert_true(b.verdict[i] == 0 || b.verdict[i] == b.context[i] + 1u);
	}
	assert_int_equal(ways_in_use(c), 64);
	assert_in_range(kept, 40 * FLOW_CACHE_BURST / 8, 40 * FLOW_CACHE_BURST / 2);
	assert_in_range(c->evicted, 40 * FLOW_CACHE_BURST / 5, 40 * FLOW_CACHE_BURST / 3);
	burst_free(&b);
	flow_cache_destroy(c);
}

// Keeps a verdict for each of so many contexts, from 1 on, and returns how many of them are found then.
static uint32_t keep_and_find(struct flow_cache *c, const struct flow_window_masks *masks, struct burst *b, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t pass = 0; pass < 4; pass++) {
		found = 0;
		for (uint32_t first = 1; first <= n; first += FLOW_CACHE_BURST) {
			uint64_t hits;

			for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
				b->context[i] = (uint16_t)(first + i);
			hits = lookup(c, masks, b, UINT64_MAX);
			check_twin(c, masks, b, UINT64_MAX, hits);
			found += (uint32_t)__builtin_popcountll(hits);
			for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++) {
				assert_true(b->verdict[i] == 0 || b->verdict[i] == b->context[i] + 1u);
				if ((hits >> i & 1) == 0)
					flow_cache_insert(c, i, b->context[i] + 1u);
			}
		}
	}
	return found;
}

static void what_is_in_use_grows_and_shrinks_with_the_flows(void **state)
{
	struct flow_cache *const c = cache(65536);
	static struct flow_window_masks masks;
	const struct flow_used none = {0};
	const uint32_t first = c->set_mask;
	struct frame f;
	struct burst b;

	flow_window_masks_make(&none, &masks);
	frame_of_some_shape(&f);
	burst_make(&b, &f, 1);
	assert_int_equal(first + 1, FLOW_CACHE_ENTRIES_FIRST / FLOW_CACHE_WAYS);
	for (uint32_t round = 0; round < 3; round++) {
		assert_true(keep_and_find(c, &masks, &b, 1024) >= 1024 - 8);
		assert_int_equal(c->set_mask, first);
		assert_true(keep_and_find(c, &masks, &b, 30720) >= 30720 - 640);
		assert_int_equal(c->set_mask, 65536 / FLOW_CACHE_WAYS - 1);
		// What lay in sets that come into use again belongs to no other epoch.
		while (c->set_mask > first)
			flow_cache_flush(c);
	}
	burst_free(&b);
	flow_cache_destroy(c);
}

// A rule about some fields of a frame that there is, with what these must have besides.
static void rule_make(const struct frame *f, struct model_rule *r)
{
	struct flow_key key, exact;
	struct flow_layers layers;

	*r = (struct model_rule){.priority = (uint16_t)rng(50)};
	flow_key_extract(f->byte, f->len, 1 + rng(2), &key, &layers);
	memset(&exact, 0xff, sizeof(exact));
	for (uint32_t n = rng(5); n > 0; n--) {
		const enum flow_field field = rng(FLOW_FIELD_COUNT);
		struct flow_value mask = flow_field_ones(field);

		if (!flow_key_prereq_ok(&key, &exact, field) || field == FLOW_FIELD_METADATA)
			continue;
		if (flow_field_info[field].maskable && rng(2) != 0)
			mask.lo <<= rng(flow_field_info[field].bits < 64 ? flow_field_info[field].bits : 64);
		if (flow_field_info[field].pre != FLOW_PRE_NONE)
			flow_key_set(&r->key, &r->mask, FLOW_FIELD_ETH_TYPE, flow_key_get(&key, FLOW_FIELD_ETH_TYPE),
				     flow_field_ones(FLOW_FIELD_ETH_TYPE));
		if (flow_field_info[field].pre >= FLOW_PRE_TCP)
			flow_key_set(&r->key, &r->mask, FLOW_FIELD_IP_PROTO, flow_key_get(&key, FLOW_FIELD_IP_PROTO),
				     flow_field_ones(FLOW_FIELD_IP_PROTO));
		flow_key_set(&r->key, &r->mask, field, flow_key_get(&key, field), mask);
	}
}

// A flow table as a bridge has it, beside the naive model: rules, cache, masks and generation.
struct bridge {
	struct flow_pool *pool;
	struct classifier *table;
	struct flow_cache *cache;
	struct flow_window_masks masks;
	uint64_t generation, used_version;
	struct model model;
};

static void bridge_change(struct bridge *br, const struct frame *frames)
{
	const uint32_t slot = rng(RULES);
	struct model_rule *const r = &br->model.rule[slot];

	if (r->value != 0) {
		assert_int_equal(classifier_remove(br->table, &r->key, &r->mask, r->priority), r->value);
		r->value = 0;
	} else {
		struct model_rule fresh;

		rule_make(&frames[rng(FRAMES)], &fresh);
		if (classifier_insert(br->table, &fresh.key, &fresh.mask, fresh.priority, slot + 1) == -EEXIST)
			return;
		fresh.value = slot + 1;
		*r = fresh;
	}
	br->generation++;
	if (br->used_version != classifier_used_version(br->table)) {
		struct flow_used used = {0};

		br->used_version = classifier_used_version(br->table);
		classifier_used(br->table, &used);
		flow_window_masks_make(&used, &br->masks);
	}
}

// Whether the table may come to this value, 0 for none, by the naive model.
static bool may_be(const struct bridge *br, const struct flow_key *key, uint32_t value)
{
	const int32_t best = model_lookup(&br->model, key);

	if (value == 0)
		return best < 0;
	return br->model.rule[value - 1].value == value && br->model.rule[value - 1].priority == best &&
	       model_meets(&br->model.rule[value - 1], key);
}

// One burst as a worker does it. Returns the hits of the cache.
static uint32_t bridge_burst(struct bridge *br, const struct frame *frames)
{
	struct flow_key key[FLOW_CACHE_BURST];
	const struct flow_key *ptr[FLOW_CACHE_BURST];
	const uint64_t lanes = rng(3) == 0 ? rng_next(&rng_state) : UINT64_MAX;
	uint32_t value[FLOW_CACHE_BURST];
	uint64_t hits;
	struct burst b;

	burst_make(&b, frames, FRAMES);
	flow_cache_sync(br->cache, br->generation);
	hits = lookup(br->cache, &br->masks, &b, lanes);
	check_twin(br->cache, &br->masks, &b, lanes, hits);
	for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++) {
		struct flow_layers layers;

		flow_key_extract(b.data[i], b.len[i], b.context[i], &key[i], &layers);
		ptr[i] = &key[i];
	}
	classifier_lookup_lanes(br->table, ptr, lanes & ~hits, value);
	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const uint32_t i = (uint32_t)__builtin_ctzll(m);

		// A verdict is never 0: that no rule matches is one, too.
		if (hits >> i & 1)
			value[i] = b.verdict[i] - 1;
		else
			flow_cache_insert(br->cache, i, value[i] + 1);
		assert_true(may_be(br, &key[i], value[i]));
	}
	burst_free(&b);
	return (uint32_t)__builtin_popcountll(hits);
}

static void every_verdict_is_what_a_scan_of_all_rules_says(void **state)
{
	static struct bridge br;
	static struct frame frames[FRAMES];
	uint64_t hits = 0;

	br = (struct bridge){.cache = cache(1024)};
	assert_int_equal(flow_pool_create(&br.pool, RULES, 1), 0);
	assert_int_equal(
		classifier_create(&br.table,
				  &(struct classifier_conf){.pool = br.pool, .rules_max = RULES, .masks_max = RULES}),
		0);
	flow_window_masks_make(&(struct flow_used){0}, &br.masks);
	for (uint32_t i = 0; i < FRAMES; i++)
		frame_make(&frames[i], &rng_state);
	for (uint32_t round = 0; round < 2500; round++) {
		// Times of many changes and times of few.
		for (uint32_t n = round % 500 < 60 ? 10 : round % 20 == 0; n > 0; n--)
			bridge_change(&br, frames);
		hits += bridge_burst(&br, frames);
	}
	// Some frames have no shape; all others are found but for the first time after a change.
	assert_true(hits > 2500 * FLOW_CACHE_BURST / 3);
	flow_cache_destroy(br.cache);
	classifier_destroy(br.table);
	flow_pool_destroy(br.pool);
}

static void odd_sizes_are_refused(void **state)
{
	struct flow_cache *c;

	assert_int_equal(flow_cache_create(&c, 63, 1), -EINVAL);
	assert_int_equal(flow_cache_create(&c, FLOW_CACHE_ENTRIES_MAX + 1, 1), -EINVAL);
	c = cache(65);
	assert_int_equal(flow_cache_entries(c), 128);
	assert_true(flow_cache_memory_bytes(c) >= 128 * 72);
	flow_cache_destroy(c);
	flow_cache_destroy(NULL);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_found_until_the_tables_change),
		cmocka_unit_test(epochs_that_come_again_bring_nothing_back),
		cmocka_unit_test(what_is_in_use_grows_and_shrinks_with_the_flows),
		cmocka_unit_test(a_full_set_makes_room_now_and_then),
		cmocka_unit_test(every_verdict_is_what_a_scan_of_all_rules_says),
		cmocka_unit_test(odd_sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
