/* SPDX-License-Identifier: BSD-3-Clause */
// The classifier's readers beside its writer, as threads. Built for each instruction set level and with
// ThreadSanitizer.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "classifier_model.h"
#include "grace_threads.h"
#include "isa.h"

#define RULES 1024
#define STABLE 64 // of the rules: always there
#define KEYS 256
#define PRIORITIES 16

// ThreadSanitizer makes everything some 30 times as slow.
#ifdef __SANITIZE_THREAD__
#define BURSTS 500
#else
#define BURSTS 10000
#endif

struct reader {
	pthread_t thread;
	unsigned int index;
	uint64_t bursts, errors, rng;
};

static struct model model = {.rng = RNG_SEED};
static bool present[RULES];
static struct flow_key keys[KEYS];
static int32_t at_least[KEYS]; // the priority that a look-up must come to, thanks to the stable rules
static struct classifier *table;
static struct reader reader[GRACE_READERS];
static struct grace_threads grace;
static bool stop;

static bool may_be(uint32_t k, uint32_t value)
{
	if (value == 0)
		return at_least[k] < 0;
	return value <= RULES && model_meets(&model.rule[value - 1], &keys[k]) &&
	       model.rule[value - 1].priority >= at_least[k];
}

static void *read_all_the_time(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const struct flow_key *ptr[CLASSIFIER_BURST];
		const uint64_t lanes = rng_next(&r->rng) | rng_next(&r->rng);
		uint32_t at[CLASSIFIER_BURST], value[CLASSIFIER_BURST];

		grace_threads_quiesce(&grace, r->index);
		for (uint32_t i = 0; i < CLASSIFIER_BURST; i++) {
			at[i] = (uint32_t)(rng_next(&r->rng) % KEYS);
			ptr[i] = &keys[at[i]];
		}
		classifier_lookup_lanes(table, ptr, lanes, value);
		for (uint64_t m = lanes; m != 0; m &= m - 1)
			r->errors += !may_be(at[__builtin_ctzll(m)], value[__builtin_ctzll(m)]);
		__atomic_store_n(&r->bursts, r->bursts + 1, __ATOMIC_RELAXED);
	}
	grace_threads_leave(&grace, r->index);
	return NULL;
}

// Distinct rules, so that each can come and go by itself.
static void rules_make(void)
{
	model_masks(&model, 12);
	for (uint32_t i = 0; i < RULES; i++) {
		struct model_rule r;

		do {
			model_random_rule(&model, i < STABLE ? PRIORITIES / 2 : PRIORITIES, &r);
		} while (model_find(&model, &r) != NULL);
		r.value = i + 1;
		model.rule[i] = r;
	}
}

static bool toggle(uint32_t i)
{
	const struct model_rule *const r = &model.rule[i];

	present[i] = !present[i];
	if (!present[i])
		return classifier_remove(table, &r->key, &r->mask, r->priority) == r->value;
	return classifier_insert(table, &r->key, &r->mask, r->priority, r->value) == 0;
}

// Grows from few rules to many and shrinks again, so that tables double and tuples come and go.
static bool change(uint64_t step)
{
	const bool up = step / (4 * RULES) % 2 == 0;
	const uint32_t i = STABLE + (uint32_t)(model_random(&model) % (RULES - STABLE));

	if (present[i] == up && model_random(&model) % 8 != 0)
		return true;
	return toggle(i);
}

static void threads_see_what_is_there_and_nothing_that_was_freed(void **state)
{
	const uint64_t start = grace_now_ms();
	uint64_t least = 0, errors = 0, steps = 0, failed = 0;
	struct flow_pool *pool;

	rules_make();
	assert_int_equal(flow_pool_create(&pool, RULES, 1), 0);
	assert_int_equal(
		classifier_create(
			&table, &(struct classifier_conf){.pool = pool, .rules_max = RULES, .masks_max = MODEL_MASKS}),
		0);
	flow_pool_grace(pool, grace_threads_start, grace_threads_over, &grace);
	for (uint32_t i = 0; i < STABLE; i++)
		assert_true(toggle(i));
	for (uint32_t k = 0; k < KEYS; k++) {
		model_key(&model, &keys[k]);
		at_least[k] = -1;
		for (uint32_t i = 0; i < STABLE; i++)
			if (model_meets(&model.rule[i], &keys[k]))
				at_least[k] = RTE_MAX(at_least[k], (int32_t)model.rule[i].priority);
	}
	for (unsigned int i = 0; i < GRACE_READERS; i++) {
		reader[i].index = i;
		reader[i].rng = i + 1;
		assert_int_equal(pthread_create(&reader[i].thread, NULL, read_all_the_time, &reader[i]), 0);
	}
	// At least a second and, on a busy machine, until both sides have done enough to get in each other's way.
	while ((grace_now_ms() - start < 1000 || least < BURSTS) && grace_now_ms() - start < 30000) {
		for (unsigned int i = 0; i < 1000; i++)
			failed += !change(steps++);
		flow_pool_reclaim(pool);
		least = UINT64_MAX;
		for (unsigned int i = 0; i < GRACE_READERS; i++)
			least = RTE_MIN(least, __atomic_load_n(&reader[i].bursts, __ATOMIC_RELAXED));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < GRACE_READERS; i++) {
		pthread_join(reader[i].thread, NULL);
		errors += reader[i].errors;
	}
	assert_int_equal(errors, 0);
	assert_int_equal(failed, 0);
	assert_true(least >= BURSTS);
	assert_true(grace.started > 10);
	classifier_destroy(table);
	flow_pool_destroy(pool);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads_see_what_is_there_and_nothing_that_was_freed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
