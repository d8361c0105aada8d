/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_hash64_isa.h"

#include "../../tables/hash64.h"

static uint64_t bulk(const struct hash64 *h, const uint64_t *keys, uint64_t n)
{
	uint32_t values[HASH64_BURST];
	uint64_t hits = 0;

	for (uint64_t i = 0; i < n; i++)
		hits += (uint64_t)__builtin_popcountll(
			hash64_lookup_bulk(h, &keys[i * HASH64_BURST], HASH64_BURST, values));
	return hits;
}

static uint64_t scalar(const struct hash64 *h, const uint64_t *keys, uint64_t n)
{
	uint32_t values[HASH64_BURST];
	uint64_t hits = 0;

	for (uint64_t i = 0; i < n; i++)
		hits += (uint64_t)__builtin_popcountll(
			hash64_lookup_with(h, &keys[i * HASH64_BURST], HASH64_BURST, values, &hash64_scalar));
	return hits;
}

static uint64_t lanes(const struct hash64 *h, const uint64_t *keys, uint64_t n)
{
	uint32_t values[HASH64_BURST];
	uint64_t hits = 0;

	for (uint64_t i = 0; i < n; i++)
		hits += (uint64_t)__builtin_popcountll(
			hash64_lookup_lanes(h, &keys[i * HASH64_BURST], 0x5555555555555555, values));
	return hits;
}

const struct bench_isa BENCH_ISA = {.name = BENCH_NAME, .bulk = bulk, .scalar = scalar, .lanes = lanes};
