/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_group.h"

#define SECRET_STEP UINT64_C(0x9e3779b97f4a7c15) // from one word's secret to the next
#define DRAWS 8                                  // at random, before those that are alive are counted

// Murmur3's finalizer (Appleby 2011).
static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

void flow_group_assign(uint16_t *slot, uint32_t nslots, const uint16_t *weight, uint32_t n)
{
	uint32_t quota[FLOW_BUCKETS_MAX], next = 0;
	uint64_t total = 0, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		total += weight[i];
	// Rounded sums, so that the shares add up.
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t before = sum * nslots / total;

		sum += weight[i];
		quota[i] = (uint32_t)(sum * nslots / total - before);
	}
	for (uint32_t s = 0; s < nslots; s++) {
		if (slot[s] < n && quota[slot[s]] > 0)
			quota[slot[s]]--;
		else
			slot[s] = FLOW_NO_BUCKET;
	}
	for (uint32_t s = 0; s < nslots; s++) {
		if (slot[s] != FLOW_NO_BUCKET)
			continue;
		while (quota[next] == 0)
			next++;
		quota[next]--;
		slot[s] = (uint16_t)next;
	}
}

uint16_t flow_group_select(const uint16_t *slot, uint32_t nslots, flow_group_alive_fn alive, const void *arg,
			   uint32_t n, uint64_t hash)
{
	uint32_t count = 0, nth;

	for (uint32_t i = 0; i < DRAWS; i++) {
		const uint16_t bucket = slot[hash & (nslots - 1)];

		if (alive(arg, bucket))
			return bucket;
		hash = mix(hash + 1);
	}
	for (uint32_t i = 0; i < n; i++)
		count += alive(arg, i);
	if (count == 0)
		return FLOW_NO_BUCKET;
	// One may have died since.
	nth = (uint32_t)(hash % count);
	for (uint32_t i = 0; i < n; i++) {
		if (alive(arg, i) && nth-- == 0)
			return (uint16_t)i;
	}
	return FLOW_NO_BUCKET;
}

// NH (UMAC, Black et al. 1999): a product for each word, which do not wait for each other.
static uint64_t product(uint64_t word, uint64_t secret)
{
	const uint32_t low = (uint32_t)word + (uint32_t)secret;
	const uint32_t high = (uint32_t)(word >> 32) + (uint32_t)(secret >> 32);

	return (uint64_t)low * high;
}

uint64_t flow_group_hash(const struct flow_key *key, uint64_t seed)
{
	// Word 0 without the port, word 1 without DSCP, ECN and presence; addresses of all kinds.
	uint64_t sum = product(key->word[0] & UINT32_MAX, seed + 8 * SECRET_STEP);

	sum += product(key->word[1] & UINT64_C(0xffffffffff000000), seed + SECRET_STEP);
	for (uint32_t i = 2; i <= 7; i++)
		sum += product(key->word[i], seed + i * SECRET_STEP);
	return mix(sum ^ seed);
}
