/* SPDX-License-Identifier: BSD-3-Clause */
// Marks of keys: found until what they depend on changes, or newer ones push them out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tables/seen.h"
#include "../rng.h"
#include "isa.h"

static uint64_t rng_state = RNG_SEED;
static struct seen s;
static uint64_t keys[HASH64_BURST];
static uint16_t port[HASH64_BURST];

static uint64_t rng(void)
{
	return rng_next(&rng_state);
}

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	s.seed[0] = rng();
	s.seed[1] = rng();
	for (unsigned int i = 0; i < HASH64_BURST; i++) {
		keys[i] = rng();
		port[i] = (uint16_t)(rng() % 4);
	}
}

static uint64_t find(uint64_t context, struct seen_place *place)
{
	seen_locate(&s, keys, port, context, HASH64_BURST, place);
	return seen_find(&s, place, HASH64_BURST);
}

static void mark_all(uint64_t context)
{
	struct seen_place place;

	find(context, &place);
	for (unsigned int i = 0; i < HASH64_BURST; i++)
		seen_add(&s, &place, i);
}

static void nothing_is_seen_at_first(void **state)
{
	struct seen_place place;

	reset();
	assert_int_equal(find(0, &place), 0);
}

// Of 64 keys in 4096 places all stay: that five meet in one of 1024 sets is a matter of one in 140 000.
static void marks_hold_for_their_context_and_port(void **state)
{
	struct seen_place place;

	reset();
	mark_all(7);
	assert_true(find(7, &place) == UINT64_MAX);
	for (unsigned int bit = 0; bit < 64; bit++)
		assert_int_equal(find(7 ^ UINT64_C(1) << bit, &place), 0);
	for (unsigned int i = 0; i < HASH64_BURST; i++)
		port[i]++;
	assert_int_equal(find(7, &place), 0);
	for (unsigned int i = 0; i < HASH64_BURST; i++) {
		port[i]--;
		keys[i] ^= UINT64_C(1) << i;
	}
	assert_int_equal(find(7, &place), 0);
}

static void newer_marks_push_out_the_oldest_of_their_set(void **state)
{
	struct seen_place place = {0};

	reset();
	for (unsigned int i = 0; i < SEEN_WAYS + 1; i++) {
		place.set[i] = 5;
		place.tag[i] = i + 1;
		seen_add(&s, &place, i);
	}
	assert_int_equal(seen_find(&s, &place, SEEN_WAYS + 1), ((1 << (SEEN_WAYS + 1)) - 1) & ~1);
}

static void findings_are_those_of_the_scalar_twin(void **state)
{
	struct seen_place place;

	for (unsigned int round = 0; round < 20000; round++) {
		const unsigned int n = (unsigned int)(rng() % 65);

		if (round % 100 == 0)
			reset();
		for (unsigned int i = 0; i < HASH64_BURST; i++) {
			place.set[i] = (uint32_t)(rng() % 4 * 341);
			place.tag[i] = (uint32_t)(rng() % 12) + 1;
		}
		assert_int_equal(seen_find(&s, &place, n), seen_find_scalar(&s, &place, n));
		if (n > 0)
			seen_add(&s, &place, n - 1);
	}
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_seen_at_first),
		cmocka_unit_test(marks_hold_for_their_context_and_port),
		cmocka_unit_test(newer_marks_push_out_the_oldest_of_their_set),
		cmocka_unit_test(findings_are_those_of_the_scalar_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
