/* SPDX-License-Identifier: BSD-3-Clause */
// hash64's readers beside its writer: first with a writer that acts between any two steps of a look-up, in one thread
// and so the same in every run, then with threads. Built again with ThreadSanitizer.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "../../tables/hash64.h"

// All keys have both their buckets among the first few, so that they push each other about all the time.
#define HOT_BUCKETS 8
#define KEYS 64
#define STABLE 20  // of the keys: always present
#define PRESENT 38 // of 40 slots
#define READERS 2

// ThreadSanitizer makes everything some 30 times as slow, and is there for the threads.
#ifdef __SANITIZE_THREAD__
#define LOOKUPS 50000
#define BURSTS 1000
#define BURSTS_RACING 2000
#else
#define LOOKUPS 1000000
#define BURSTS 50000
#define BURSTS_RACING 20000
#endif

static struct hash64 *h;
static uint64_t keys[KEYS];
static bool present[KEYS];
static unsigned int npresent;

static uint64_t rng(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t writer_rng = 88172645463325252ull;

// The upper 24 bits of a key's values are the key's own; the lower 8 change with each store.
static uint32_t value_of(unsigned int k, uint64_t random)
{
	return (k + 1) * 0x10907u << 8 | (uint8_t)random;
}

static bool is_value_of(unsigned int k, uint32_t value)
{
	return value >> 8 == value_of(k, 0) >> 8;
}

// Inserts, replaces or removes one key; insertions move others, as next to no slot is free.
static void writer_step(void)
{
	const uint64_t r = rng(&writer_rng);
	const unsigned int k = (unsigned int)(r >> 8) % KEYS;
	int ret;

	if (present[k] && k >= STABLE && (r & 0xf) != 0) {
		assert_int_equal(hash64_delete(h, keys[k]), 0);
		present[k] = false;
		npresent--;
	} else if (present[k] || npresent < PRESENT) {
		ret = hash64_put(h, keys[k], value_of(k, r >> 32), NULL);
		// Some sets of keys do not fit their buckets.
		if (ret == -ENOSPC)
			return;
		assert_int_equal(ret, present[k]);
		npresent += !present[k];
		present[k] = true;
	}
}

static bool is_hot(uint64_t key)
{
	const uint64_t hash = hash64_hash(h, key);
	const uint32_t primary = hash64_primary(h, hash);

	return primary < HOT_BUCKETS && hash64_other(h, hash, primary) < HOT_BUCKETS;
}

static int setup(void **state)
{
	const struct hash64_conf conf = {.capacity = 1, .seed = 0x5eed};
	uint64_t key = 1;

	assert_int_equal(hash64_create(&h, &conf), 0);
	npresent = 0;
	for (unsigned int k = 0; k < KEYS; k++, key++) {
		while (!is_hot(key))
			key++;
		keys[k] = key;
		present[k] = k < STABLE;
		if (present[k])
			assert_int_equal(hash64_put(h, key, value_of(k, 0), NULL), 0);
		npresent += present[k];
	}
	return 0;
}

static int teardown(void **state)
{
	hash64_destroy(h);
	return 0;
}

static unsigned int steps_left;

static void disturb(void)
{
	unsigned int n = (unsigned int)(rng(&writer_rng) >> 20) % 4;

	for (; n > 0 && steps_left > 0; n--, steps_left--)
		writer_step();
}

static unsigned int match_disturbed(const struct hash64_bucket *b, uint64_t key)
{
	disturb();
	const unsigned int match = hash64_match_scalar(b, key);

	disturb();
	return match;
}

static void a_writer_between_any_two_steps_misleads_no_look_up(void **state)
{
	for (unsigned int n = 0; n < LOOKUPS; n++) {
		const unsigned int k = n % KEYS;

		steps_left = 12;
		const uint32_t value = hash64_find_hashed(h, keys[k], hash64_hash(h, keys[k]), match_disturbed);

		if (value != 0 ? !is_value_of(k, value) : k < STABLE)
			fail_msg("look-up %u: key %u has value 0x%x", n, k, value);
	}
	assert_true(h->moves > LOOKUPS / 10);
}

static void a_writer_between_any_two_steps_misleads_no_burst(void **state)
{
	uint32_t values[KEYS];

	for (unsigned int n = 0; n < BURSTS; n++) {
		steps_left = 200;
		const uint64_t hits = hash64_lookup_with(h, keys, ~0ull, values, match_disturbed);

		for (unsigned int k = 0; k < KEYS; k++) {
			assert_int_equal(hits >> k & 1, values[k] != 0);
			if (values[k] != 0 ? !is_value_of(k, values[k]) : k < STABLE)
				fail_msg("burst %u: key %u has value 0x%x", n, k, values[k]);
		}
	}
}

struct reader {
	pthread_t thread;
	uint64_t lookups, errors, rng;
};

static bool stop;

static void *read_all_the_time(void *arg)
{
	struct reader *r = arg;
	uint32_t values[KEYS];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const uint64_t lanes = rng(&r->rng) | 1;

		if (r->lookups % 2 == 0) {
			hash64_lookup_lanes(h, keys, lanes, values);
		} else {
			for (uint64_t m = lanes; m != 0; m &= m - 1)
				values[__builtin_ctzll(m)] = hash64_find(h, keys[__builtin_ctzll(m)]);
		}
		for (uint64_t m = lanes; m != 0; m &= m - 1) {
			const unsigned int k = (unsigned int)__builtin_ctzll(m);

			r->errors += values[k] != 0 ? !is_value_of(k, values[k]) : k < STABLE;
		}
		__atomic_store_n(&r->lookups, r->lookups + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void threads_find_what_is_there_and_no_mixed_value(void **state)
{
	struct reader reader[READERS] = {0};
	const uint64_t start = now_ms();
	uint64_t least = 0, errors = 0;

	stop = false;
	for (unsigned int i = 0; i < READERS; i++) {
		reader[i].rng = i + 1;
		assert_int_equal(pthread_create(&reader[i].thread, NULL, read_all_the_time, &reader[i]), 0);
	}
	// At least a second and, on a busy machine, until both sides have done enough to get in each other's way.
	while ((now_ms() - start < 1000 || least < BURSTS_RACING) && now_ms() - start < 30000) {
		for (unsigned int i = 0; i < 1000; i++)
			writer_step();
		least = UINT64_MAX;
		for (unsigned int i = 0; i < READERS; i++)
			least = RTE_MIN(least, __atomic_load_n(&reader[i].lookups, __ATOMIC_RELAXED));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(reader[i].thread, NULL);
		errors += reader[i].errors;
	}
	assert_int_equal(errors, 0);
	assert_true(least >= BURSTS_RACING);
	assert_true(h->moves >= 10000);
}

int main(void)
{
#if defined(__AVX512F__)
	if (!__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw"))
		return 77;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_writer_between_any_two_steps_misleads_no_look_up, setup, teardown),
		cmocka_unit_test_setup_teardown(a_writer_between_any_two_steps_misleads_no_burst, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_find_what_is_there_and_no_mixed_value, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
