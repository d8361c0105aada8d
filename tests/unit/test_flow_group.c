/* SPDX-License-Identifier: BSD-3-Clause */
// Groups: shares by weight, and who moves when buckets change.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "../../datapath/flow_group.h"
#include "../rng.h"

#define SLOTS 1024

static uint16_t slot[SLOTS];

static bool is_alive(const void *alive, uint32_t bucket)
{
	return ((const uint64_t *)alive)[bucket / 64] >> bucket % 64 & 1;
}

static void forget(void)
{
	for (uint32_t s = 0; s < SLOTS; s++)
		slot[s] = FLOW_NO_BUCKET;
}

static uint32_t owned(uint16_t bucket)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < SLOTS; s++)
		n += slot[s] == bucket;
	return n;
}

static void shares_are_by_weight(void **state)
{
	uint64_t rng = RNG_SEED;

	for (int round = 0; round < 200; round++) {
		const uint32_t n = 1 + (uint32_t)(rng_next(&rng) % 60);
		uint16_t weight[60];
		uint64_t total = 0;

		for (uint32_t i = 0; i < n; i++)
			total += weight[i] = (uint16_t)(rng_next(&rng) % 100 + (i == 0));
		// From nothing, or from what the round before left.
		if (round % 2)
			forget();
		flow_group_assign(slot, SLOTS, weight, n);
		for (uint32_t i = 0; i < n; i++) {
			const double share = (double)SLOTS * weight[i] / (double)total;

			assert_true(owned((uint16_t)i) > share - 1 && owned((uint16_t)i) < share + 1);
		}
	}
}

static void few_slots_move(void **state)
{
	static const uint16_t weight[] = {1, 1, 1, 1, 1};
	uint16_t before[SLOTS];
	uint32_t moved = 0;

	forget();
	flow_group_assign(slot, SLOTS, weight, 4);
	memcpy(before, slot, sizeof(slot));
	flow_group_assign(slot, SLOTS, weight, 5);
	for (uint32_t s = 0; s < SLOTS; s++) {
		moved += slot[s] != before[s];
		assert_true(slot[s] == before[s] || slot[s] == 4 || owned(slot[s]) <= SLOTS / 5 + 1);
	}
	assert_in_range(moved, SLOTS / 5 - 1, SLOTS / 5 + 5);
}

static void a_dead_buckets_flows_alone_move(void **state)
{
	static const uint16_t weight[] = {2, 1, 1};
	const uint64_t all = 7, some = 5, none = 0;
	uint32_t to[3] = {0};
	uint64_t rng = RNG_SEED;

	forget();
	flow_group_assign(slot, SLOTS, weight, 3);
	for (uint32_t i = 0; i < 30000; i++) {
		const uint64_t hash = rng_next(&rng);
		const uint16_t was = flow_group_select(slot, SLOTS, is_alive, &all, 3, hash);
		const uint16_t is = flow_group_select(slot, SLOTS, is_alive, &some, 3, hash);

		assert_int_equal(flow_group_select(slot, SLOTS, is_alive, &none, 3, hash), FLOW_NO_BUCKET);
		assert_true(is == was || was == 1);
		assert_int_not_equal(is, 1);
		if (was == 1)
			to[is]++;
	}
	// By weight, too.
	assert_in_range(to[0], 2 * to[2] * 9 / 10, 2 * to[2] * 11 / 10);
}

static void one_of_many_that_lives_is_found(void **state)
{
	uint64_t alive[FLOW_BUCKETS_MAX / 64] = {0};
	uint16_t weight[FLOW_BUCKETS_MAX];

	for (uint32_t i = 0; i < FLOW_BUCKETS_MAX; i++)
		weight[i] = 1;
	forget();
	flow_group_assign(slot, SLOTS, weight, FLOW_BUCKETS_MAX);
	alive[700 / 64] = UINT64_C(1) << 700 % 64;
	for (uint64_t hash = 0; hash < 1000; hash++)
		assert_int_equal(flow_group_select(slot, SLOTS, is_alive, alive, FLOW_BUCKETS_MAX, hash), 700);
}

// Flows that differ in one field of any layer spread; what is no flow's does not count.
static void flows_are_told_apart(void **state)
{
	static const enum flow_field fields[] = {FLOW_FIELD_ETH_DST,  FLOW_FIELD_ETH_SRC,  FLOW_FIELD_VLAN_VID,
						 FLOW_FIELD_IPV4_SRC, FLOW_FIELD_IPV4_DST, FLOW_FIELD_IPV6_SRC,
						 FLOW_FIELD_IPV6_DST, FLOW_FIELD_TCP_SRC,  FLOW_FIELD_UDP_DST,
						 FLOW_FIELD_ARP_SPA,  FLOW_FIELD_ARP_TPA,  FLOW_FIELD_ARP_SHA};
	static const enum flow_field others[] = {FLOW_FIELD_IN_PORT, FLOW_FIELD_METADATA, FLOW_FIELD_IP_ECN,
						 FLOW_FIELD_IP_DSCP};

	for (size_t f = 0; f < RTE_DIM(fields); f++) {
		uint32_t count[4] = {0};

		for (uint64_t v = 0; v < 400; v++) {
			struct flow_key key = {.word = {0}};

			flow_key_set(&key, NULL, fields[f], (struct flow_value){.lo = v}, flow_field_ones(fields[f]));
			count[flow_group_hash(&key, 1) % 4]++;
		}
		for (int i = 0; i < 4; i++)
			assert_in_range(count[i], 60, 140);
	}
	for (size_t f = 0; f < RTE_DIM(others); f++) {
		struct flow_key a = {.word = {0}}, b = {.word = {0}};

		flow_key_set(&a, NULL, others[f], (struct flow_value){.lo = 1}, flow_field_ones(others[f]));
		assert_int_equal(flow_group_hash(&a, 1), flow_group_hash(&b, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_by_weight),
		cmocka_unit_test(few_slots_move),
		cmocka_unit_test(a_dead_buckets_flows_alone_move),
		cmocka_unit_test(one_of_many_that_lives_is_found),
		cmocka_unit_test(flows_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
