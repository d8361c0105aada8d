/* SPDX-License-Identifier: BSD-3-Clause */
// Workers with their caches in front of one classifier, beside its writer: what was taken away is found no more, and
// what was put there is found, from the generation on that says so. Built for each instruction set level and with
// ThreadSanitizer.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_pause.h>

#include "../../tables/classifier.h"
#include "../../tables/flow_cache.h"
#include "../rng.h"
#include "grace_threads.h"
#include "isa.h"

#define FLOWS 128u    // each with a destination address of its own
#define PRIORITIES 4u // rules of each flow; that of priority 0 is always there
#define RULES (FLOWS * PRIORITIES)
#define FRAME 60

// ThreadSanitizer makes everything some 30 times as slow.
#ifdef __SANITIZE_THREAD__
#define BURSTS 1000
#else
#define BURSTS 10000
#endif

struct worker {
	pthread_t thread;
	unsigned int index;
	uint64_t bursts, hits, errors, rng;
	struct flow_cache *cache;
};

static struct classifier *table;
static struct flow_window_masks masks;
static struct grace_threads grace;
static struct worker worker[GRACE_READERS];
static uint8_t frame[FLOWS][FRAME];
static uint64_t generation = 1;
static uint64_t there_since[RULES], gone_since[RULES]; // generations; UINT64_MAX: it is not
static bool stop;

static uint64_t since(const uint64_t *what)
{
	return __atomic_load_n(what, __ATOMIC_ACQUIRE);
}

// Whether a packet of this flow, looked up under generation g, may have met the rule with this value. Rule i is of flow
// i % FLOWS and has priority i / FLOWS.
static bool may_be(uint32_t flow, uint32_t value, uint64_t g)
{
	const uint32_t rule = value - 1;

	if (value == 0 || rule >= RULES || rule % FLOWS != flow || since(&gone_since[rule]) <= g)
		return false;
	for (uint32_t better = rule + FLOWS; better < RULES; better += FLOWS)
		if (since(&there_since[better]) <= g)
			return false;
	return true;
}

static void classify(struct worker *w, const uint8_t *const *data, uint64_t lanes, uint32_t *value)
{
	struct flow_key key[FLOW_CACHE_BURST];
	const struct flow_key *ptr[FLOW_CACHE_BURST];

	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const uint32_t i = (uint32_t)__builtin_ctzll(m);
		struct flow_layers layers;

		flow_key_extract(data[i], FRAME, 1, &key[i], &layers);
		ptr[i] = &key[i];
	}
	classifier_lookup_lanes(table, ptr, lanes, value);
	for (uint64_t m = lanes; m != 0; m &= m - 1)
		flow_cache_insert(w->cache, (uint32_t)__builtin_ctzll(m), value[__builtin_ctzll(m)]);
}

static void *work(void *arg)
{
	struct worker *const w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const uint8_t *data[FLOW_CACHE_BURST];
		uint16_t len[FLOW_CACHE_BURST], context[FLOW_CACHE_BURST];
		uint32_t flow[FLOW_CACHE_BURST], value[FLOW_CACHE_BURST];
		uint64_t g, hits;

		grace_threads_quiesce(&grace, w->index);
		for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++) {
			flow[i] = (uint32_t)(rng_next(&w->rng) % FLOWS);
			data[i] = frame[flow[i]];
			len[i] = FRAME;
			context[i] = 1;
		}
		g = since(&generation);
		flow_cache_sync(w->cache, g);
		hits = flow_cache_lookup_lanes(w->cache, &masks, data, len, context, UINT64_MAX, value);
		if (hits != UINT64_MAX)
			classify(w, data, ~hits, value);
		for (uint32_t i = 0; i < FLOW_CACHE_BURST; i++)
			w->errors += !may_be(flow[i], value[i], g);
		w->hits += (uint64_t)__builtin_popcountll(hits);
		__atomic_store_n(&w->bursts, w->bursts + 1, __ATOMIC_RELAXED);
	}
	grace_threads_leave(&grace, w->index);
	return NULL;
}

static void frame_make(uint8_t *f, uint32_t flow)
{
	static const uint8_t udp[] = {2, 0, 0,  0,  0, 1, 2,  0, 0, 0, 0,  2, 8, 0, 0x45, 0, 0, 46, 0, 0,
				      0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 11, 0, 0, 0, 0,    9, 0, 9,  0, 26};

	memcpy(f, udp, sizeof(udp));
	f[33] = (uint8_t)flow;
}

// Adds or removes a rule, and says since when.
static bool toggle(uint32_t rule)
{
	const struct flow_value dst = {.lo = 0x0b000000 | rule % FLOWS};
	const bool there = since(&there_since[rule]) != UINT64_MAX;
	const uint64_t next = generation + 1;
	struct flow_key key = {0}, mask = {0};
	bool ok;

	flow_key_set(&key, &mask, FLOW_FIELD_ETH_TYPE, (struct flow_value){.lo = 0x0800},
		     flow_field_ones(FLOW_FIELD_ETH_TYPE));
	flow_key_set(&key, &mask, FLOW_FIELD_IPV4_DST, dst, flow_field_ones(FLOW_FIELD_IPV4_DST));
	__atomic_store_n(there ? &there_since[rule] : &gone_since[rule], UINT64_MAX, __ATOMIC_RELEASE);
	if (there)
		ok = classifier_remove(table, &key, &mask, (uint16_t)(rule / FLOWS)) == rule + 1;
	else
		ok = classifier_insert(table, &key, &mask, (uint16_t)(rule / FLOWS), rule + 1) == 0;
	__atomic_store_n(&generation, next, __ATOMIC_RELEASE);
	__atomic_store_n(there ? &gone_since[rule] : &there_since[rule], next, __ATOMIC_RELEASE);
	return ok;
}

static void caches_follow_the_tables(void **state)
{
	uint64_t start = grace_now_ms(), least = 0, errors = 0, hits = 0, failed = 0, rng = RNG_SEED;
	struct flow_used used = {0};
	struct flow_pool *pool;

	assert_int_equal(flow_pool_create(&pool, RULES, 1), 0);
	assert_int_equal(
		classifier_create(&table, &(struct classifier_conf){.pool = pool, .rules_max = RULES, .masks_max = 4}),
		0);
	flow_pool_grace(pool, grace_threads_start, grace_threads_over, &grace);
	for (uint32_t i = 0; i < RULES; i++)
		there_since[i] = gone_since[i] = UINT64_MAX;
	for (uint32_t i = 0; i < FLOWS; i++) {
		frame_make(frame[i], i);
		assert_true(toggle(i));
	}
	classifier_used(table, &used);
	flow_window_masks_make(&used, &masks);
	for (unsigned int i = 0; i < GRACE_READERS; i++) {
		worker[i] = (struct worker){.index = i, .rng = i + 1};
		assert_int_equal(flow_cache_create(&worker[i].cache, 256, 1), 0);
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	while ((grace_now_ms() - start < 1000 || least < BURSTS) && grace_now_ms() - start < 30000) {
		// One change, and some time for the caches to be of use.
		failed += !toggle(FLOWS + (uint32_t)(rng_next(&rng) % (RULES - FLOWS)));
		flow_pool_reclaim(pool);
		for (uint64_t pause = rng_next(&rng) % 500; pause > 0; pause--)
			rte_pause();
		least = UINT64_MAX;
		for (unsigned int i = 0; i < GRACE_READERS; i++)
			least = RTE_MIN(least, __atomic_load_n(&worker[i].bursts, __ATOMIC_RELAXED));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < GRACE_READERS; i++) {
		pthread_join(worker[i].thread, NULL);
		errors += worker[i].errors;
		hits += worker[i].hits;
		flow_cache_destroy(worker[i].cache);
	}
	assert_int_equal(errors, 0);
	assert_int_equal(failed, 0);
	assert_true(least >= BURSTS);
	assert_true(hits > BURSTS);
	assert_true(generation > 500);
	classifier_destroy(table);
	flow_pool_destroy(pool);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {cmocka_unit_test(caches_follow_the_tables)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
