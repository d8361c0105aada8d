/* SPDX-License-Identifier: BSD-3-Clause */
// Readers of fib4 and fib6 beside their writer, as threads. Built for each instruction set level and with
// ThreadSanitizer.
//
// Every other route stays as it is, and the rest come and go: an address may have the answer of its longest route that
// stays or that of a longer one, and no other. The upper bits of a value are its route's own.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "fib_family.h"
#include "fib_model.h"
#include "isa.h"

#define READERS 2
#define ROUTES 400
#define GROUPS 16 // bursts of addresses

// ThreadSanitizer makes everything some 30 times as slow.
#ifdef __SANITIZE_THREAD__
#define BURSTS 2000
#else
#define BURSTS 20000
#endif

struct reader {
	pthread_t thread;
	uint64_t bursts, errors;
	uint64_t seen; // the grace period that had begun when this reader last held nothing
};

static const struct fib_family *fam;
static void *f;
static struct model model;
static struct fib6_addr addr[GROUPS][FIB_LANES];
static unsigned int stays[GROUPS][FIB_LANES]; // the longest route that stays, index + 1; 0: none
static struct reader reader[READERS];
static uint64_t period = 1;
static bool stop;

static uint64_t grace_start(void *arg)
{
	return __atomic_add_fetch(&period, 1, __ATOMIC_ACQ_REL);
}

static bool grace_over(void *arg, uint64_t token)
{
	for (unsigned int i = 0; i < READERS; i++) {
		if (__atomic_load_n(&reader[i].seen, __ATOMIC_ACQUIRE) < token)
			return false;
	}
	return true;
}

static bool may_be(unsigned int group, unsigned int lane, uint32_t value)
{
	const unsigned int least = stays[group][lane], i = value >> 8;

	if (value == 0 || i > model.n)
		return value == 0 && least == 0;
	if (i == least)
		return true;
	return i % 2 != 0 && model_covers(&model.route[i - 1], addr[group][lane]) && (least == 0 || i < least);
}

static void *read_all_the_time(void *arg)
{
	struct reader *const r = arg;
	uint32_t value[FIB_LANES];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const unsigned int g = (unsigned int)(r->bursts % GROUPS);

		__atomic_store_n(&r->seen, __atomic_load_n(&period, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
		if (r->bursts / GROUPS % 2 == 0) {
			fam->lanes(f, addr[g], UINT64_MAX, value);
		} else {
			for (unsigned int i = 0; i < FIB_LANES; i++)
				value[i] = fam->lookup(f, addr[g][i]);
		}
		for (unsigned int i = 0; i < FIB_LANES; i++)
			r->errors += !may_be(g, i, value[i]);
		__atomic_store_n(&r->bursts, r->bursts + 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&r->seen, UINT64_MAX, __ATOMIC_RELEASE);
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// Route i stays if i + 1 is even.
static void route_change(unsigned int i, bool set)
{
	const struct model_route *const r = &model.route[i];

	if (set)
		assert_int_equal(fam->set(f, r->prefix, r->depth, (i + 1) << 8 | (uint8_t)rng_next(&model.rng)), 0);
	else
		fam->del(f, r->prefix, r->depth);
}

static void begin(const struct fib_family *family, struct fib_pool *pool)
{
	fam = family;
	stop = false;
	assert_int_equal(fam->create(&f, pool), 0);
	fib_pool_grace(pool, grace_start, grace_over, NULL);
	model_init(&model, fam->bits, ROUTES, 5);
	for (unsigned int i = 1; i < model.n; i += 2) {
		route_change(i, true);
		model.route[i].value = i + 1;
	}
	for (unsigned int i = 0; i < GROUPS * FIB_LANES; i++) {
		struct fib6_addr *const a = &addr[i / FIB_LANES][i % FIB_LANES];
		const struct model_route *r;

		*a = model_addr(&model);
		r = model_match(&model, *a, fam->bits);
		stays[i / FIB_LANES][i % FIB_LANES] = r != NULL ? r->value : 0;
	}
	for (unsigned int i = 0; i < READERS; i++) {
		reader[i] = (struct reader){0};
		assert_int_equal(pthread_create(&reader[i].thread, NULL, read_all_the_time, &reader[i]), 0);
	}
}

// The writer's changes: routes that come and go, more of the one for a while and then more of the other.
static void change(unsigned int steps)
{
	const uint64_t r = rng_next(&model.rng);
	const unsigned int i = (unsigned int)(r % model.n) & ~1u;

	route_change(i, r >> 32 & 7 ? steps / 4096 % 2 == 0 : steps / 4096 % 2 != 0);
}

static void race(const struct fib_family *family)
{
	const uint64_t start = now_ms();
	uint64_t least = 0, errors = 0;
	struct fib_pool *pool;

	assert_int_equal(fib_pool_create(&pool, 64 << 20), 0);
	begin(family, pool);
	// At least half a second and, on a busy machine, until both sides have done enough to get in each other's way.
	for (unsigned int steps = 0; (now_ms() - start < 500 || least < BURSTS) && now_ms() - start < 20000;) {
		for (unsigned int k = 0; k < 1000; k++)
			change(steps++);
		fib_pool_reclaim(pool);
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
	assert_true(least >= BURSTS);
	assert_true(period > 10);
	assert_int_equal(fib_pool_reclaim(pool), 0);
	fam->destroy(f);
	assert_int_equal(fib_pool_used(pool), 0);
	fib_pool_destroy(pool);
}

static void threads_find_only_what_is_or_may_be_there(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(fib_families); i++)
		race(&fib_families[i]);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads_find_only_what_is_or_may_be_there)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
