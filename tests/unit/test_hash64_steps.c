/* SPDX-License-Identifier: BSD-3-Clause */
// hash64's readers beside its writer, store by store (steps.h).
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "steps.h"

#include "../../tables/hash64.c"
#include "hash64_crowd.h"

#define LOOKUPS 250000
#define BURSTS 6000

static struct crowd crowd;

static void write_all_the_time(void)
{
	for (;;)
		crowd_step(&crowd);
}

static int setup(void **state)
{
	crowd_create(&crowd);
	steps_begin(write_all_the_time);
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

		steps_allow(40);
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
		steps_allow(1000);
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
		steps_let_store(1);
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
