/* SPDX-License-Identifier: BSD-3-Clause */
// hash64 alone, by one thread. Built once for each instruction set level.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tables/hash64.h"
#include "../rng.h"
#include "isa.h"

#define SEED 0x5eed

static uint64_t rng_state = RNG_SEED;

static uint64_t rng(void)
{
	return rng_next(&rng_state);
}

static struct hash64 *table(uint32_t capacity, uint64_t seed)
{
	const struct hash64_conf conf = {.capacity = capacity, .aux = true, .seed = seed};
	struct hash64 *h;

	assert_int_equal(hash64_create(&h, &conf), 0);
	return h;
}

// Keys as a bridge sees them: MAC addresses that count up in their last octets, loaded little-endian, above a domain.
static uint64_t mac_key(uint32_t i, uint16_t domain)
{
	return (uint64_t)__builtin_bswap32(i) << 32 | 0x5452ull << 16 | domain;
}

static uint32_t value_of(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15 >> 32) | 1;
}

static void finds_what_was_put(void **state)
{
	struct hash64 *h = table(1, SEED);

	assert_int_equal(hash64_find(h, 42), 0);
	assert_int_equal(hash64_put(h, 42, 7, NULL), 0);
	assert_int_equal(hash64_find(h, 42), 7);
	assert_int_equal(hash64_find(h, 43), 0);
	assert_int_equal(hash64_count(h), 1);
	assert_int_equal(hash64_delete(h, 42), 0);
	assert_int_equal(hash64_find(h, 42), 0);
	assert_int_equal(hash64_delete(h, 42), -ENOENT);
	assert_int_equal(hash64_count(h), 0);
	hash64_destroy(h);
}

static void replaces_the_value_of_a_key(void **state)
{
	struct hash64 *h = table(1, SEED);
	uint32_t slot, again;

	assert_int_equal(hash64_put(h, 42, 7, &slot), 0);
	*hash64_aux(h, slot) = 5;
	assert_int_equal(hash64_put(h, 42, 8, &again), 1);
	assert_int_equal(again, slot);
	assert_int_equal(*hash64_aux(h, slot), 5);
	assert_int_equal(hash64_find(h, 42), 8);
	assert_int_equal(hash64_count(h), 1);
	*hash64_value_ptr(h, 42) = 9;
	assert_int_equal(hash64_find(h, 42), 9);
	assert_null(hash64_value_ptr(h, 43));
	hash64_destroy(h);
}

static void refuses_zero_and_bad_capacities(void **state)
{
	struct hash64_conf conf = {.capacity = 0};
	struct hash64 *h = table(1, SEED), *none = NULL;

	assert_int_equal(hash64_put(h, 0, 1, NULL), -EINVAL);
	assert_int_equal(hash64_put(h, 1, 0, NULL), -EINVAL);
	assert_int_equal(hash64_delete(h, 0), -ENOENT);
	assert_int_equal(hash64_slot_of(h, 1), -ENOENT);
	assert_int_equal(hash64_create(&none, &conf), -EINVAL);
	conf.capacity = HASH64_CAPACITY_MAX + 1;
	assert_int_equal(hash64_create(&none, &conf), -EINVAL);
	assert_null(none);
	hash64_destroy(h);
	hash64_destroy(NULL);
}

static void tables_differ_in_their_secret(void **state)
{
	struct hash64 *a = table(1, 0), *b = table(1, 0);

	assert_int_not_equal(hash64_hash(a, 42), hash64_hash(b, 42));
	assert_memory_not_equal(a->seed, b->seed, sizeof(a->seed));
	hash64_destroy(a);
	hash64_destroy(b);
}

// Every form of look-up against the model: model[i] is the value of mac_key(i, 1), 0 for none.
static void check_burst(const struct hash64 *h, const uint32_t *model, uint32_t space)
{
	const uint64_t lanes = rng() & rng();
	const unsigned int n = (unsigned int)(rng() % 65);
	uint64_t keys[64], hits = 0;
	uint32_t expect[64], got[64], scalar[64];

	for (unsigned int i = 0; i < 64; i++) {
		const uint32_t k = (uint32_t)(rng() % space);

		keys[i] = mac_key(k, 1);
		expect[i] = model[k];
		hits |= (uint64_t)(expect[i] != 0) << i;
		assert_int_equal(hash64_find(h, keys[i]), expect[i]);
		assert_int_equal(hash64_slot_of(h, keys[i]) >= 0, expect[i] != 0);
	}
	memset(got, 0xff, sizeof(got));
	assert_int_equal(hash64_lookup_bulk(h, keys, n, got), n < 64 ? hits & ((1ull << n) - 1) : hits);
	assert_memory_equal(got, expect, n * sizeof(got[0]));
	for (unsigned int i = n; i < 64; i++)
		assert_int_equal(got[i], UINT32_MAX);
	memset(scalar, 0xff, sizeof(scalar));
	hash64_lookup_with(h, keys, n, scalar, &hash64_scalar);
	assert_memory_equal(got, scalar, sizeof(got));

	memset(got, 0xff, sizeof(got));
	assert_int_equal(hash64_lookup_lanes(h, keys, lanes, got), hits & lanes);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(got[i], (lanes >> i & 1) != 0 ? expect[i] : UINT32_MAX);
}

static void agrees_with_a_model_under_random_operations(void **state)
{
	enum { SPACE = 6000, OPERATIONS = 2000000 };
	struct hash64 *h = table(4000, SEED);
	uint32_t *model = calloc(SPACE, sizeof(*model));
	uint32_t count = 0;

	for (unsigned int n = 0; n < OPERATIONS; n++) {
		const uint32_t k = (uint32_t)(rng() % SPACE), value = (uint32_t)rng() | 1;
		const uint64_t key = mac_key(k, 1);

		// Long phases of growth to a full table and of shrinking.
		if (rng() % 100 < (n / 100000 % 2 == 0 ? 70 : 30)) {
			const int ret = hash64_put(h, key, value, NULL);

			if (model[k] == 0 && count == hash64_capacity(h)) {
				assert_int_equal(ret, -ENOSPC);
				continue;
			}
			assert_int_equal(ret, model[k] != 0 ? 1 : 0);
			count += model[k] == 0;
			model[k] = value;
		} else {
			assert_int_equal(hash64_delete(h, key), model[k] != 0 ? 0 : -ENOENT);
			count -= model[k] != 0;
			model[k] = 0;
		}
		assert_int_equal(hash64_count(h), count);
		assert_int_equal(hash64_find(h, key), model[k]);
		if (n % 256 == 0)
			check_burst(h, model, SPACE);
	}
	assert_true(h->moves > 1000);
	free(model);
	hash64_destroy(h);
}

// Key i of one of several families that real networks and address generators have.
static uint64_t family_key(unsigned int family, uint32_t i)
{
	switch (family) {
	case 0:
		return mac_key(i, 1);
	case 1: // one MAC in many domains
		return 0x525400123456ull << 16 | (i & 0xffff) | (uint64_t)(i >> 16) << 40;
	case 2: // counting from the first octet on
		return (uint64_t)i << 18 | 0x2ull << 16 | 77;
	case 3: // in steps of 256
		return (uint64_t)__builtin_bswap32(i << 8) << 32 | (uint64_t)(i >> 24) << 24 | 9;
	default:
		return ((uint64_t)i + 1) * 0x9e3779b97f4a7c15;
	}
}

static void takes_its_whole_capacity_of_any_keys(void **state)
{
	static const uint32_t capacities[] = {1, 1000, 1024, 20000, 300000};

	for (unsigned int c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		for (unsigned int round = 0; round < (capacities[c] > 50000 ? 5 : 50); round++) {
			struct hash64 *h = table(capacities[c], round + 1);
			const uint32_t capacity = hash64_capacity(h);
			const unsigned int family = round % 5;

			assert_true(capacity >= capacities[c]);
			assert_true(capacity >= 0.85 * hash64_slots(h));
			for (uint32_t i = 0; i < capacity; i++) {
				const uint64_t key = family_key(family, i);

				assert_int_equal(hash64_put(h, key, value_of(key), NULL), 0);
			}
			assert_int_equal(hash64_count(h), capacity);
			const uint64_t one_more = family_key(family, capacity), first = family_key(family, 0);

			assert_int_equal(hash64_put(h, one_more, 1, NULL), -ENOSPC);
			for (uint32_t i = 0; i < capacity; i++) {
				const uint64_t key = family_key(family, i);

				assert_int_equal(hash64_find(h, key), value_of(key));
			}
			assert_int_equal(hash64_put(h, first, 2, NULL), 1);
			assert_int_equal(hash64_delete(h, first), 0);
			assert_int_equal(hash64_put(h, one_more, 1, NULL), 0);
			assert_int_equal(hash64_find(h, one_more), 1);
			hash64_destroy(h);
		}
	}
}

static void survives_more_displaced_keys_than_a_bucket_counts(void **state)
{
	enum { KEYS = 400 };
	struct hash64 *h = table(17000, SEED);
	uint64_t keys[KEYS], other = 1;

	for (uint32_t i = 0, n = 0; n < KEYS; i++) {
		if (hash64_primary(h, hash64_hash(h, mac_key(i, 3))) == 5)
			keys[n++] = mac_key(i, 3);
	}
	while (hash64_primary(h, hash64_hash(h, other)) != 5)
		other++;
	for (unsigned int n = 0; n < KEYS; n++)
		assert_int_equal(hash64_put(h, keys[n], value_of(keys[n]), NULL), 0);
	assert_int_equal(h->bucket[5].meta & HASH64_META_COUNT, HASH64_META_COUNT);
	for (unsigned int n = 0; n < KEYS; n++) {
		for (unsigned int i = n; i < KEYS; i++)
			assert_int_equal(hash64_find(h, keys[i]), value_of(keys[i]));
		assert_int_equal(hash64_find(h, other), 0);
		assert_int_equal(hash64_delete(h, keys[n]), 0);
		assert_int_equal(hash64_find(h, keys[n]), 0);
	}
	assert_int_equal(hash64_count(h), 0);
	hash64_destroy(h);
}

static void buckets_count_exactly_what_was_displaced(void **state)
{
	struct hash64 *h = table(4000, SEED);
	const uint32_t buckets = h->bucket_mask + 1;
	uint32_t *displaced = calloc(buckets, sizeof(*displaced));

	for (uint32_t i = 0; i < 400000; i++) {
		const uint64_t key = mac_key((uint32_t)(rng() % 6000), 1);

		if (rng() % 100 < 70)
			hash64_put(h, key, 1, NULL);
		else
			hash64_delete(h, key);
	}
	for (uint32_t slot = 0; slot < hash64_slots(h); slot++) {
		const uint64_t key = hash64_slot_key(h, slot);
		const uint32_t primary = hash64_primary(h, hash64_hash(h, key));

		displaced[primary] += key != 0 && slot / HASH64_WAYS != primary;
	}
	for (uint32_t i = 0; i < buckets; i++)
		assert_int_equal(h->bucket[i].meta & HASH64_META_COUNT, displaced[i]);
	free(displaced);
	hash64_destroy(h);
}

static void slots_list_each_key_once_and_keep_its_aux(void **state)
{
	struct hash64 *h = table(4000, SEED);
	const uint32_t capacity = hash64_capacity(h);
	uint8_t *seen = calloc(capacity, 1);
	uint32_t slot, n = 0;

	for (uint32_t i = 0; i < capacity; i++) {
		assert_int_equal(hash64_put(h, mac_key(i, 1), i + 1, &slot), 0);
		assert_int_equal(hash64_slot_key(h, slot), mac_key(i, 1));
		assert_int_equal(*hash64_aux(h, slot), 0);
		*hash64_aux(h, slot) = value_of(mac_key(i, 1));
	}
	assert_true(h->moves > 100);
	for (slot = 0; slot < hash64_slots(h); slot++) {
		const uint64_t key = hash64_slot_key(h, slot);

		if (key == 0)
			continue;
		const uint32_t i = *hash64_slot_value_ptr(h, slot) - 1;

		assert_true(i < capacity);
		assert_int_equal(key, mac_key(i, 1));
		assert_int_equal(*hash64_aux(h, slot), value_of(key));
		assert_int_equal(hash64_slot_of(h, key), slot);
		assert_int_equal(seen[i], 0);
		seen[i] = 1;
		n++;
	}
	assert_int_equal(n, capacity);
	for (slot = 0; slot < hash64_slots(h); slot++)
		hash64_slot_delete(h, slot);
	assert_int_equal(hash64_count(h), 0);
	free(seen);
	hash64_destroy(h);
}

static void matches_are_those_of_the_scalar_twin(void **state)
{
	struct hash64_bucket b = {.meta = 0};

	for (unsigned int n = 0; n < 200000; n++) {
		for (unsigned int i = 0; i < HASH64_WAYS; i++)
			b.key[i] = rng() % 3 * 0x0123456789abcdef;
		// Values that look like half a key must not match.
		for (unsigned int i = 0; i < HASH64_WAYS; i++)
			b.value[i] = (uint32_t)(b.key[0] >> rng() % 2 * 32);
		const uint64_t key = rng() % 3 * 0x0123456789abcdef;

		assert_int_equal(HASH64_ISA.match(&b, key), hash64_match_scalar(&b, key));
	}
}

static void buckets_are_those_of_the_scalar_twin(void **state)
{
	struct hash64 *h = table(100000, SEED);
	const struct hash64_bucket *got[64], *scalar[64];
	uint64_t keys[64];

	for (unsigned int round = 0; round < 50000; round++) {
		const unsigned int n = (unsigned int)(rng() % 65);

		for (unsigned int i = 0; i < n; i++)
			keys[i] = rng() % 2 != 0 ? rng() : mac_key((uint32_t)rng(), (uint16_t)rng());
		HASH64_ISA.locate(h, keys, n, got);
		hash64_locate_scalar(h, keys, n, scalar);
		assert_memory_equal(got, scalar, n * sizeof(got[0]));
	}
	hash64_destroy(h);
}

static void verdicts_are_those_of_the_scalar_twin(void **state)
{
	uint32_t values[64], meta[64], meta_after[64];
	uint64_t again, scalar_again;

	for (unsigned int round = 0; round < 50000; round++) {
		const unsigned int n = (unsigned int)(rng() % 65);

		for (unsigned int i = 0; i < 64; i++) {
			values[i] = (uint32_t)(rng() % 2 << rng() % 32);
			meta[i] = (uint32_t)(rng() % 2 << rng() % 32);
			meta_after[i] = rng() % 4 != 0 ? meta[i] : (uint32_t)(rng() % 2 << rng() % 32);
		}
		assert_int_equal(HASH64_ISA.verdict(values, meta, meta_after, n, &again),
				 hash64_verdict_scalar(values, meta, meta_after, n, &scalar_again));
		assert_int_equal(again, scalar_again);
	}
}

// 1024 keys over 1024 buckets of each choice: at random, 10 in one bucket or more are a matter of one in 10 000 tables.
static void spreads_families_of_keys_with_any_seed(void **state)
{
	enum { SEEDS = 400, KEYS = 1024 };
	unsigned int crowded = 0;

	for (unsigned int n = 0; n < SEEDS; n++) {
		struct hash64 *h = table(4480, n + 1);
		uint16_t load[2][1024] = {0};

		assert_int_equal(h->bucket_mask, 1023);
		for (uint32_t i = 0; i < KEYS; i++) {
			const uint64_t hash = hash64_hash(h, family_key(n % 4, i));
			const uint32_t primary = hash64_primary(h, hash);

			load[0][primary]++;
			load[1][hash64_other(h, hash, primary)]++;
		}
		for (unsigned int i = 0; i < 1024; i++)
			crowded += (load[0][i] >= 10) + (load[1][i] >= 10);
		hash64_destroy(h);
	}
	assert_true(crowded <= 5);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(replaces_the_value_of_a_key),
		cmocka_unit_test(refuses_zero_and_bad_capacities),
		cmocka_unit_test(tables_differ_in_their_secret),
		cmocka_unit_test(matches_are_those_of_the_scalar_twin),
		cmocka_unit_test(buckets_are_those_of_the_scalar_twin),
		cmocka_unit_test(verdicts_are_those_of_the_scalar_twin),
		cmocka_unit_test(agrees_with_a_model_under_random_operations),
		cmocka_unit_test(takes_its_whole_capacity_of_any_keys),
		cmocka_unit_test(survives_more_displaced_keys_than_a_bucket_counts),
		cmocka_unit_test(buckets_count_exactly_what_was_displaced),
		cmocka_unit_test(slots_list_each_key_once_and_keep_its_aux),
		cmocka_unit_test(spreads_families_of_keys_with_any_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
