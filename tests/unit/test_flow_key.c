/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tables/flow_key.h"
#include "../rng.h"

static uint64_t rng_state = RNG_SEED;

static struct flow_value random_value(void)
{
	return (struct flow_value){.hi = rng_next(&rng_state), .lo = rng_next(&rng_state)};
}

static void set_exact(struct flow_key *key, struct flow_key *mask, enum flow_field field, uint64_t value)
{
	flow_key_set(key, mask, field, (struct flow_value){.lo = value}, flow_field_ones(field));
}

// Makes a match that may speak of field; variant picks one of several ways to do so.
static void set_prereq(struct flow_key *key, struct flow_key *mask, enum flow_field field, unsigned int variant)
{
	const enum flow_prereq pre = flow_field_info[field].pre;
	const bool ip6 = pre == FLOW_PRE_IP6 || pre >= FLOW_PRE_ICMP6 || (pre != FLOW_PRE_IP4 && variant % 2 != 0);
	const uint16_t type = pre == FLOW_PRE_ARP            ? 0x0806
			      : pre == FLOW_PRE_MPLS         ? 0x8847 + variant % 2
			      : pre == FLOW_PRE_PBB          ? 0x88e7
			      : ip6 && pre != FLOW_PRE_ICMP4 ? 0x86dd
							     : 0x0800;
	static const uint8_t proto[] = {
		[FLOW_PRE_TCP] = 6,    [FLOW_PRE_UDP] = 17, [FLOW_PRE_SCTP] = 132,  [FLOW_PRE_ICMP4] = 1,
		[FLOW_PRE_ICMP6] = 58, [FLOW_PRE_ND] = 58,  [FLOW_PRE_ND_SLL] = 58, [FLOW_PRE_ND_TLL] = 58};

	if (pre == FLOW_PRE_IN_PORT)
		set_exact(key, mask, FLOW_FIELD_IN_PORT, 7);
	if (pre == FLOW_PRE_VLAN)
		set_exact(key, mask, FLOW_FIELD_VLAN_VID, FLOW_VLAN_PRESENT | 5);
	if (pre >= FLOW_PRE_IP)
		set_exact(key, mask, FLOW_FIELD_ETH_TYPE, type);
	if (pre >= FLOW_PRE_TCP)
		set_exact(key, mask, FLOW_FIELD_IP_PROTO, proto[pre]);
	if (pre >= FLOW_PRE_ND)
		set_exact(key, mask, FLOW_FIELD_ICMPV6_TYPE,
			  pre == FLOW_PRE_ND_SLL || (pre == FLOW_PRE_ND && variant % 2 != 0) ? 135 : 136);
}

static void what_is_set_is_read_back(void **state)
{
	for (unsigned int round = 0; round < 1000; round++) {
		const enum flow_field f = rng_next(&rng_state) % FLOW_FIELD_COUNT;
		const struct flow_value v = random_value(), m = random_value(), ones = flow_field_ones(f);
		struct flow_key key = {0}, mask = {0};

		flow_key_set(&key, &mask, f, v, m);
		assert_int_equal(flow_key_get(&mask, f).lo, m.lo & ones.lo);
		assert_int_equal(flow_key_get(&mask, f).hi, m.hi & ones.hi);
		assert_int_equal(flow_key_get(&key, f).lo, v.lo & m.lo & ones.lo);
		assert_int_equal(flow_key_get(&key, f).hi, v.hi & m.hi & ones.hi);
		flow_key_set(&key, &mask, f, v, (struct flow_value){0});
		assert_int_equal(flow_key_get(&mask, f).lo | flow_key_get(&mask, f).hi, 0);
	}
}

static void every_field_asks_for_what_it_needs(void **state)
{
	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		for (unsigned int variant = 0; variant < 2; variant++) {
			struct flow_key key = {0}, mask = {0};

			if (flow_field_info[f].pre != FLOW_PRE_NONE)
				assert_false(flow_key_prereq_ok(&key, &mask, f));
			set_prereq(&key, &mask, f, variant);
			assert_true(flow_key_prereq_ok(&key, &mask, f));
		}
	}
}

// Fields share bits only if no match can have both; so a match's fields are known from its bits.
static void fields_are_told_apart(void **state)
{
	for (enum flow_field a = 0; a < FLOW_FIELD_COUNT; a++) {
		for (unsigned int variant = 0; variant < 2; variant++) {
			struct flow_key key = {0}, mask = {0};
			uint64_t before;

			set_prereq(&key, &mask, a, variant);
			before = flow_key_fields(&key, &mask);
			// A value that keeps the prerequisites of others as they are.
			if ((before >> a & 1) == 0)
				set_exact(&key, &mask, a, 0);
			assert_int_equal(flow_key_fields(&key, &mask), before | UINT64_C(1) << a);
		}
	}
}

static void fields_that_may_meet_share_no_bit(void **state)
{
	for (unsigned int round = 0; round < 100000; round++) {
		const enum flow_field a = rng_next(&rng_state) % FLOW_FIELD_COUNT;
		const enum flow_field b = rng_next(&rng_state) % FLOW_FIELD_COUNT;
		const unsigned int variant = (unsigned int)rng_next(&rng_state);
		struct flow_key key = {0}, mask = {0};
		struct flow_value was;

		set_prereq(&key, &mask, a, variant);
		set_prereq(&key, &mask, b, variant >> 1);
		if (a == b || !flow_key_prereq_ok(&key, &mask, a) || !flow_key_prereq_ok(&key, &mask, b))
			continue;
		was = flow_key_get(&key, b);
		flow_key_set(&key, &mask, a, random_value(), flow_field_ones(a));
		assert_int_equal(flow_key_get(&key, b).lo, was.lo);
		assert_int_equal(flow_key_get(&key, b).hi, was.hi);
	}
}

static void a_masked_compare_sees_the_mask_alone(void **state)
{
	for (unsigned int round = 0; round < 10000; round++) {
		struct flow_key a, b, mask = {0};
		const unsigned int bit = rng_next(&rng_state) % (FLOW_KEY_WORDS * 64);

		for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++) {
			if (rng_next(&rng_state) % 2 != 0)
				mask.word[i] = rng_next(&rng_state) & rng_next(&rng_state);
			a.word[i] = rng_next(&rng_state);
			b.word[i] = a.word[i] ^ (rng_next(&rng_state) & ~mask.word[i]);
		}
		assert_true(flow_key_equal(&a, &b, &mask, flow_key_words(&mask)));
		b.word[bit / 64] ^= UINT64_C(1) << bit % 64;
		assert_int_equal(flow_key_equal(&a, &b, &mask, flow_key_words(&mask)),
				 (mask.word[bit / 64] >> bit % 64 & 1) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_is_read_back),
		cmocka_unit_test(every_field_asks_for_what_it_needs),
		cmocka_unit_test(fields_are_told_apart),
		cmocka_unit_test(fields_that_may_meet_share_no_bit),
		cmocka_unit_test(a_masked_compare_sees_the_mask_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
