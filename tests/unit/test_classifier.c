/* SPDX-License-Identifier: BSD-3-Clause */
// Built for each instruction set level.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "classifier_model.h"
#include "isa.h"

static struct flow_pool *pool;

static struct model *model(void)
{
	static struct model m;

	m = (struct model){.rng = RNG_SEED};
	return &m;
}

static struct classifier *table(uint32_t rules_max, uint32_t masks_max)
{
	struct classifier *c;

	assert_int_equal(flow_pool_create(&pool, rules_max, 1), 0);
	assert_int_equal(
		classifier_create(
			&c, &(struct classifier_conf){.pool = pool, .rules_max = rules_max, .masks_max = masks_max}),
		0);
	return c;
}

static void table_free(struct classifier *c)
{
	classifier_destroy(c);
	assert_int_equal(flow_pool_count(pool), 0);
	flow_pool_destroy(pool);
}

static uint32_t lookup(const struct classifier *c, const struct flow_key *key)
{
	const struct flow_key *keys[CLASSIFIER_BURST] = {[7] = key};
	uint32_t value[CLASSIFIER_BURST];

	if (classifier_lookup_lanes(c, keys, 1 << 7, value) == 0)
		assert_int_equal(value[7], 0);
	return value[7];
}

static void a_key_meets_the_rule_of_highest_priority(void **state)
{
	struct classifier *const c = table(10, 10);
	struct flow_key key = {0}, mask = {0}, any = {0};

	flow_key_set(&key, &mask, FLOW_FIELD_IPV4_DST, (struct flow_value){.lo = 0x0a000000},
		     (struct flow_value){.lo = 0xff000000});
	assert_int_equal(lookup(c, &key), 0);
	assert_int_equal(classifier_insert(c, &any, &any, 1, 11), 0);
	assert_int_equal(classifier_insert(c, &key, &mask, 5, 22), 0);
	key.word[2] |= 0x123456;
	assert_int_equal(lookup(c, &key), 22);
	assert_int_equal(lookup(c, &any), 11);
	// The same match at other priorities.
	assert_int_equal(classifier_insert(c, &key, &mask, 7, 33), 0);
	assert_int_equal(classifier_insert(c, &key, &mask, 6, 44), 0);
	assert_int_equal(classifier_insert(c, &key, &mask, 6, 55), -EEXIST);
	assert_int_equal(lookup(c, &key), 33);
	assert_int_equal(classifier_remove(c, &key, &mask, 7), 33);
	assert_int_equal(lookup(c, &key), 44);
	assert_int_equal(classifier_set(c, &key, &mask, 6, 66), 44);
	assert_int_equal(lookup(c, &key), 66);
	assert_int_equal(classifier_remove(c, &key, &mask, 6), 66);
	assert_int_equal(classifier_remove(c, &key, &mask, 6), 0);
	assert_int_equal(lookup(c, &key), 22);
	assert_int_equal(classifier_remove(c, &key, &mask, 5), 22);
	assert_int_equal(classifier_masks(c), 1);
	assert_int_equal(lookup(c, &key), 11);
	table_free(c);
}

static void limits_are_kept_and_a_refusal_changes_nothing(void **state)
{
	struct classifier *const c = table(3, 2);
	struct flow_key key = {0}, any = {0}, mask[2] = {{.word[0] = 1}, {.word[1] = 1}}, spare = {.word[15] = 1};

	assert_int_equal(classifier_insert(c, &any, &any, 0, 0), -EINVAL);
	assert_int_equal(classifier_insert(c, &any, &spare, 0, 1), -EINVAL);
	assert_int_equal(classifier_insert(c, &any, &any, 0, 1), 0);
	assert_int_equal(classifier_insert(c, &key, &mask[0], 1, 2), 0);
	assert_int_equal(classifier_insert(c, &key, &mask[1], 2, 3), -ENOSPC);
	assert_int_equal(lookup(c, &key), 2);
	assert_int_equal(classifier_insert(c, &key, &mask[0], 3, 4), 0);
	assert_int_equal(classifier_insert(c, &key, &mask[0], 4, 5), -ENOSPC);
	assert_int_equal(classifier_rules(c), 3);
	assert_int_equal(lookup(c, &key), 4);
	assert_int_equal(classifier_remove(c, &any, &any, 0), 1);
	assert_int_equal(classifier_insert(c, &key, &mask[1], 9, 6), 0);
	assert_int_equal(lookup(c, &key), 6);
	table_free(c);
}

static void two_tables_share_what_the_pool_has(void **state)
{
	struct classifier *const a = table(2, 2);
	struct flow_key key = {0};
	struct classifier *b;

	assert_int_equal(classifier_create(&b, &(struct classifier_conf){.pool = pool, .rules_max = 9, .masks_max = 9}),
			 0);
	assert_int_equal(classifier_insert(a, &key, &key, 1, 1), 0);
	assert_int_equal(classifier_insert(b, &key, &key, 1, 2), 0);
	assert_int_equal(classifier_insert(b, &key, &key, 2, 3), -ENOSPC);
	assert_int_equal(lookup(a, &key), 1);
	assert_int_equal(lookup(b, &key), 2);
	classifier_destroy(a);
	assert_int_equal(classifier_insert(b, &key, &key, 2, 3), 0);
	table_free(b);
}

// Compares a burst's look-ups, on all kinds of lanes, with the model.
static void check_lookups(struct model *m, const struct classifier *c, uint16_t *priority_of)
{
	struct flow_key keys[CLASSIFIER_BURST];
	const struct flow_key *ptr[CLASSIFIER_BURST];
	uint32_t value[CLASSIFIER_BURST], twin[CLASSIFIER_BURST];
	uint64_t lanes = model_random(m), hits;

	if (model_random(m) % 4 == 0)
		lanes = ~0ull;
	for (uint32_t i = 0; i < CLASSIFIER_BURST; i++) {
		model_key(m, &keys[i]);
		ptr[i] = &keys[i];
		value[i] = twin[i] = 0xdeadbeef;
	}
	hits = classifier_lookup_lanes(c, ptr, lanes, value);
	assert_int_equal(classifier_lookup_with(c, ptr, lanes, twin, &classifier_scalar), hits);
	for (uint32_t i = 0; i < CLASSIFIER_BURST; i++) {
		const int32_t best = lanes >> i & 1 ? model_lookup(m, &keys[i]) : -1;

		assert_int_equal(hits >> i & 1, best >= 0);
		assert_int_equal(value[i], twin[i]);
		if ((lanes >> i & 1) == 0)
			assert_int_equal(value[i], 0xdeadbeef);
		else if (best < 0)
			assert_int_equal(value[i], 0);
		else
			assert_int_equal(priority_of[value[i]], best);
		if (best >= 0)
			assert_true(model_meets(&m->rule[value[i] - 1], &keys[i]));
	}
}

static void change(struct model *m, struct classifier *c, uint16_t *priority_of, uint32_t priorities)
{
	const uint32_t slot = (uint32_t)(model_random(m) % MODEL_RULES);
	struct model_rule *const r = &m->rule[slot];
	struct model_rule fresh;

	if (r->value != 0) {
		assert_int_equal(classifier_remove(c, &r->key, &r->mask, r->priority), r->value);
		r->value = 0;
		return;
	}
	model_random_rule(m, priorities, &fresh);
	const struct model_rule *const there = model_find(m, &fresh);
	const int ret = classifier_insert(c, &fresh.key, &fresh.mask, fresh.priority, slot + 1);

	assert_int_equal(ret, there != NULL ? -EEXIST : 0);
	assert_int_equal(classifier_find(c, &fresh.key, &fresh.mask, fresh.priority),
			 there != NULL ? there->value : slot + 1);
	if (ret < 0)
		return;
	fresh.value = slot + 1;
	*r = fresh;
	priority_of[fresh.value] = fresh.priority;
}

static void look_ups_agree_with_a_scan_of_all_rules(void **state)
{
	static const struct {
		uint32_t masks, priorities, changes;
	} kinds[] = {{1, 8, 1500}, {2, 3, 2000}, {6, 65536, 3000}, {24, 20, 6000}, {24, 65536, 6000}};

	for (uint32_t k = 0; k < RTE_DIM(kinds); k++) {
		static uint16_t priority_of[MODEL_RULES + 1];
		struct classifier *const c = table(MODEL_RULES, MODEL_MASKS);
		struct model *const m = model();
		uint32_t rules = 0;

		model_masks(m, kinds[k].masks);
		for (uint32_t i = 0; i < kinds[k].changes; i++) {
			change(m, c, priority_of, kinds[k].priorities);
			if (i % 97 == 0)
				check_lookups(m, c, priority_of);
		}
		for (uint32_t i = 0; i < MODEL_RULES; i++)
			rules += m->rule[i].value != 0;
		assert_int_equal(classifier_rules(c), rules);
		assert_int_equal(flow_pool_count(pool), rules);
		table_free(c);
	}
}

struct visits {
	struct model *m;
	const struct model_rule *like;
	uint32_t n;
	bool remove; // each third
};

static bool includes(const struct model_rule *r, const struct model_rule *like)
{
	for (uint32_t w = 0; w < FLOW_KEY_WORDS; w++)
		if ((like->mask.word[w] & ~r->mask.word[w]) != 0 ||
		    ((r->key.word[w] ^ like->key.word[w]) & like->mask.word[w]) != 0)
			return false;
	return true;
}

static enum classifier_verdict visit(void *arg, const struct classifier_entry *e)
{
	struct visits *const v = arg;
	struct model_rule *const r = &v->m->rule[e->value - 1];

	assert_true(includes(r, v->like));
	assert_int_equal(r->priority, e->priority);
	assert_memory_equal(&r->key, &e->key, sizeof(r->key));
	assert_memory_equal(&r->mask, &e->mask, sizeof(r->mask));
	v->n++;
	if (!v->remove || e->value % 3 != 0)
		return CLASSIFIER_GO_ON;
	r->value = 0;
	return CLASSIFIER_REMOVE;
}

static enum classifier_verdict visit_two(void *arg, const struct classifier_entry *e)
{
	return ++*(uint32_t *)arg == 2 ? CLASSIFIER_STOP : CLASSIFIER_GO_ON;
}

static enum classifier_verdict remove_visited(void *arg, const struct classifier_entry *e)
{
	return CLASSIFIER_REMOVE;
}

static bool overlaps(const struct model_rule *r, const struct model_rule *like)
{
	for (uint32_t w = 0; w < FLOW_KEY_WORDS; w++)
		if (((r->key.word[w] ^ like->key.word[w]) & like->mask.word[w] & r->mask.word[w]) != 0)
			return false;
	return r->value != 0 && r->priority == like->priority;
}

static void walks_and_overlaps_agree_with_a_scan(void **state)
{
	static uint16_t priority_of[MODEL_RULES + 1];
	struct classifier *const c = table(MODEL_RULES, MODEL_MASKS);
	struct model *const m = model();
	uint32_t two = 0;

	model_masks(m, MODEL_MASKS);
	for (uint32_t i = 0; i < 3000; i++)
		change(m, c, priority_of, 200);
	for (uint32_t i = 0; i < 200; i++) {
		struct model_rule like;
		struct visits v = {.m = m, .like = &like, .remove = i % 10 == 9};
		uint32_t expected = 0, overlap, value;

		model_random_rule(m, 200, &like);
		overlap = 0;
		for (uint32_t k = 0; k < MODEL_RULES; k++) {
			expected += m->rule[k].value != 0 && includes(&m->rule[k], &like);
			overlap += overlaps(&m->rule[k], &like);
		}
		value = classifier_overlap(c, &like.key, &like.mask, like.priority);
		assert_int_equal(value != 0, overlap != 0);
		assert_true(value == 0 || overlaps(&m->rule[value - 1], &like));
		assert_true(classifier_walk(c, &like.key, &like.mask, visit, &v));
		assert_int_equal(v.n, expected);
		check_lookups(m, c, priority_of);
	}
	assert_false(classifier_walk(c, &m->masks[0], &m->masks[0], visit_two, &two));
	assert_int_equal(two, 2);
	table_free(c);
}

static void what_rules_ask_for_is_known_by_class(void **state)
{
	struct classifier *const c = table(4, 4);
	struct flow_key key = {0}, any = {0}, mac = {0}, udp = {0}, arp = {0};
	const struct flow_value ones = {.lo = UINT64_MAX};
	struct flow_used used = {0};

	flow_key_set(&key, &mac, FLOW_FIELD_ETH_DST, (struct flow_value){.lo = 5}, ones);
	assert_int_equal(classifier_insert(c, &key, &mac, 1, 1), 0);
	flow_key_set(&key, &udp, FLOW_FIELD_ETH_TYPE, (struct flow_value){.lo = 0x0800}, ones);
	flow_key_set(&key, &udp, FLOW_FIELD_IP_PROTO, (struct flow_value){.lo = 17}, ones);
	flow_key_set(&key, &udp, FLOW_FIELD_UDP_DST, (struct flow_value){.lo = 53}, ones);
	assert_int_equal(classifier_insert(c, &key, &udp, 1, 2), 0);
	flow_key_set(&key, &arp, FLOW_FIELD_ETH_TYPE, (struct flow_value){.lo = 0x0806}, ones);
	flow_key_set(&key, &arp, FLOW_FIELD_ARP_OP, (struct flow_value){.lo = 1}, ones);
	assert_int_equal(classifier_insert(c, &key, &arp, 1, 3), 0);
	const uint64_t version = classifier_used_version(c);

	assert_int_equal(classifier_insert(c, &key, &arp, 2, 4), 0);
	assert_int_equal(classifier_used_version(c), version);
	classifier_used(c, &used);
	for (uint32_t class = 0; class < FLOW_CLASS_COUNT; class ++)
		for (uint32_t w = 0; w < FLOW_KEY_WORDS; w++)
			assert_int_equal(used.mask[class].word[w],
					 mac.word[w] | (class == FLOW_CLASS_IP4_PORTS ? udp.word[w] : 0) |
						 (class == FLOW_CLASS_ARP ? arp.word[w] : 0));
	assert_int_equal(classifier_remove(c, &key, &arp, 2), 4);
	assert_int_equal(classifier_used_version(c), version);
	assert_int_equal(classifier_remove(c, &key, &arp, 1), 3);
	assert_true(classifier_used_version(c) != version);
	used = (struct flow_used){0};
	classifier_used(c, &used);
	assert_memory_equal(&used.mask[FLOW_CLASS_ARP], &mac, sizeof(mac));
	assert_int_equal(classifier_walk(c, &any, &any, remove_visited, NULL), true);
	used = (struct flow_used){0};
	classifier_used(c, &used);
	assert_memory_equal(&used.mask[FLOW_CLASS_IP4_PORTS], &any, sizeof(any));
	table_free(c);
}

// A grace period that ends when the test says so.
struct grace {
	uint64_t started, ended;
};

static uint64_t grace_start(void *arg)
{
	return ++((struct grace *)arg)->started;
}

static bool grace_over(void *arg, uint64_t token)
{
	return ((struct grace *)arg)->ended >= token;
}

static void what_readers_may_see_waits_for_them(void **state)
{
	struct classifier *const c = table(1000, 4);
	struct flow_key key = {0}, mask = {.word[1] = UINT64_MAX};
	struct grace g = {0};

	flow_pool_grace(pool, grace_start, grace_over, &g);
	for (uint32_t i = 0; i < 1000; i++) {
		key.word[1] = i;
		assert_int_equal(classifier_insert(c, &key, &mask, 1, i + 1), 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		key.word[1] = i;
		assert_int_equal(classifier_remove(c, &key, &mask, 1), i + 1);
	}
	// Rules, hash tables and lists of tuples: nothing comes back as long as the first grace period lasts.
	assert_true(flow_pool_reclaim(pool) > 1000);
	assert_int_equal(g.started, 1);
	g.ended = 1;
	assert_true(flow_pool_reclaim(pool) > 900);
	assert_int_equal(g.started, 2);
	g.ended = 2;
	assert_int_equal(flow_pool_reclaim(pool), 0);

	const uint64_t bytes = flow_pool_memory_bytes(pool);

	for (uint32_t i = 0; i < 1000; i++) {
		key.word[1] = i;
		assert_int_equal(classifier_insert(c, &key, &mask, 1, i + 1), 0);
	}
	g.ended = UINT64_MAX;
	flow_pool_reclaim(pool);
	flow_pool_reclaim(pool);
	// The cells are the same again.
	assert_true(flow_pool_memory_bytes(pool) < bytes + 200000);
	table_free(c);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_meets_the_rule_of_highest_priority),
		cmocka_unit_test(limits_are_kept_and_a_refusal_changes_nothing),
		cmocka_unit_test(two_tables_share_what_the_pool_has),
		cmocka_unit_test(look_ups_agree_with_a_scan_of_all_rules),
		cmocka_unit_test(walks_and_overlaps_agree_with_a_scan),
		cmocka_unit_test(what_rules_ask_for_is_known_by_class),
		cmocka_unit_test(what_readers_may_see_waits_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
