/* SPDX-License-Identifier: BSD-3-Clause */
// hash64's readers beside its writer, as threads. Built for each instruction set level and with ThreadSanitizer.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "../../tables/hash64.h"
#include "hash64_crowd.h"
#include "isa.h"

#define READERS 2

// ThreadSanitizer makes everything some 30 times as slow.
#ifdef __SANITIZE_THREAD__
#define BURSTS 2000
#else
#define BURSTS 20000
#endif

struct reader {
	const struct crowd *crowd;
	pthread_t thread;
	uint64_t bursts, errors, rng;
};

static bool stop;

static void *read_all_the_time(void *arg)
{
	struct reader *r = arg;
	const uint64_t *const keys = r->crowd->keys;
	uint32_t values[KEYS] = {0};

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const uint64_t lanes = r->bursts % 3 == 0 ? ~0ull : rng_next(&r->rng);

		if (r->bursts % 3 == 0)
			hash64_lookup_bulk(r->crowd->h, keys, KEYS, values);
		else if (r->bursts % 3 == 1)
			hash64_lookup_lanes(r->crowd->h, keys, lanes, values);
		for (uint64_t m = lanes; m != 0; m &= m - 1) {
			const unsigned int k = (unsigned int)__builtin_ctzll(m);

			if (r->bursts % 3 == 2)
				values[k] = hash64_find(r->crowd->h, keys[k]);
			r->errors += !crowd_may_be(k, values[k]);
		}
		__atomic_store_n(&r->bursts, r->bursts + 1, __ATOMIC_RELAXED);
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
	static struct crowd crowd;
	struct reader reader[READERS] = {0};
	const uint64_t start = now_ms();
	uint64_t least = 0, errors = 0;

	crowd_create(&crowd);
	for (unsigned int i = 0; i < READERS; i++) {
		reader[i] = (struct reader){.crowd = &crowd, .rng = i + 1};
		assert_int_equal(pthread_create(&reader[i].thread, NULL, read_all_the_time, &reader[i]), 0);
	}
	// At least a second and, on a busy machine, until both sides have done enough to get in each other's way.
	while ((now_ms() - start < 1000 || least < BURSTS || crowd.h->moves < 1000) && now_ms() - start < 30000) {
		for (unsigned int i = 0; i < 1000; i++)
			crowd_step(&crowd);
		least = UINT64_MAX;
		for (unsigned int i = 0; i < READERS; i++)
			least = RTE_MIN(least, __atomic_load_n(&reader[i].bursts, __ATOMIC_RELAXED));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(reader[i].thread, NULL);
		errors += reader[i].errors;
	}
	assert_int_equal(errors, 0);
	assert_null(crowd.error);
	assert_true(least >= BURSTS);
	assert_true(crowd.h->moves >= 1000);
	hash64_destroy(crowd.h);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads_find_what_is_there_and_no_mixed_value)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
