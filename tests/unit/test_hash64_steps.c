/* SPDX-License-Identifier: BSD-3-Clause */
// hash64's readers beside its writer, store by store: the writer is a coroutine that may stop after any of its stores,
// and the reader lets it go on for some stores before any of its loads. The same in every run, so what fails can be
// looked at.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <cmocka.h>

static void before_load(void);
static void after_store(void);

// All that either side does to shared memory goes by these two.
#define __atomic_load_n(ptr, order) (before_load(), __atomic_load_n(ptr, order))
#define __atomic_store_n(ptr, value, order) (__atomic_store_n(ptr, value, order), after_store())

#include "../../tables/hash64.c"
#include "hash64_crowd.h"

#define LOOKUPS 250000
#define BURSTS 6000
#define STACK_BYTES (256 << 10)

static struct crowd crowd;
static ucontext_t reader, writer;
static uint8_t writer_stack[STACK_BYTES];
static bool in_writer;
static unsigned int stores_now;  // stores until the writer stops
static unsigned int stores_left; // stores that the writer may make during this look-up
static unsigned int pause = 1;   // loads for each time that the writer gets on
static uint64_t schedule = 7;

static void after_store(void)
{
	if (!in_writer || --stores_now > 0)
		return;
	in_writer = false;
	swapcontext(&writer, &reader);
}

static void let_writer_store(unsigned int stores)
{
	stores_now = stores;
	in_writer = true;
	swapcontext(&reader, &writer);
}

static void before_load(void)
{
	const uint64_t r = rng_next(&schedule) >> 16;
	const unsigned int stores = 1 + (unsigned int)(r >> 16) % 8;

	if (in_writer || r % pause != 0 || stores_left < stores)
		return;
	stores_left -= stores;
	let_writer_store(stores);
}

// Lets the writer make up to so many stores during the next look-up: a few before each load, or more before some loads,
// so that it stands still for long in between.
static void schedule_stores(unsigned int stores)
{
	stores_left = stores;
	pause = 1u << rng_next(&schedule) % 5;
}

static void write_all_the_time(void)
{
	for (;;)
		crowd_step(&crowd);
}

static int setup(void **state)
{
	stores_left = 0;
	in_writer = false;
	crowd_create(&crowd);
	getcontext(&writer);
	writer.uc_stack.ss_sp = writer_stack;
	writer.uc_stack.ss_size = sizeof(writer_stack);
	makecontext(&writer, write_all_the_time, 0);
	return 0;
}

static int teardown(void **state)
{
	hash64_destroy(crowd.h);
	return 0;
}

static void a_look_up_is_right_whatever_is_stored_before_its_loads(void **state)
{
	for (unsigned int n = 0; n < LOOKUPS; n++) {
		// Mostly of those keys that must be there.
		const unsigned int k = n % 4 == 0 ? n % KEYS : n % STABLE;

		schedule_stores(40);
		const uint32_t value = hash64_find_with(crowd.h, crowd.keys[k], &hash64_scalar);

		if (!crowd_may_be(k, value))
			fail_msg("look-up %u: key %u has value 0x%x", n, k, value);
	}
	assert_null(crowd.error);
	assert_true(crowd.h->moves > LOOKUPS / 100);
}

static void a_burst_is_right_whatever_is_stored_before_its_loads(void **state)
{
	uint32_t values[KEYS];

	for (unsigned int n = 0; n < BURSTS; n++) {
		schedule_stores(1000);
		const uint64_t hits = hash64_lookup_with(crowd.h, crowd.keys, KEYS, values, &hash64_scalar);

		for (unsigned int k = 0; k < KEYS; k++) {
			assert_int_equal(hits >> k & 1, values[k] != 0);
			if (!crowd_may_be(k, values[k]))
				fail_msg("burst %u: key %u has value 0x%x", n, k, values[k]);
		}
	}
	assert_null(crowd.error);
	assert_true(crowd.h->moves > BURSTS / 10);
}

static void a_writer_that_stops_after_any_store_keeps_no_reader_waiting(void **state)
{
	for (unsigned int n = 0; n < LOOKUPS; n++) {
		let_writer_store(1);
		for (unsigned int k = n % 3; k < KEYS; k += 3)
			assert_true(crowd_may_be(k, hash64_find_with(crowd.h, crowd.keys[k], &hash64_scalar)));
	}
	assert_null(crowd.error);
	assert_true(crowd.h->moves > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_look_up_is_right_whatever_is_stored_before_its_loads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_burst_is_right_whatever_is_stored_before_its_loads, setup, teardown),
		cmocka_unit_test_setup_teardown(a_writer_that_stops_after_any_store_keeps_no_reader_waiting, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
