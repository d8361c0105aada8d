/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_group.h"

#include <math.h>

#define SLOTS_MIN 64
#define SLOTS_MAX 4096
#define SLOTS_PER_LEAF 32

uint32_t group_slots(uint32_t nleaves)
{
	uint32_t n = SLOTS_MIN;

	if (nleaves <= 1)
		return 1;
	while (n < SLOTS_MAX && n < SLOTS_PER_LEAF * nleaves)
		n *= 2;
	return n;
}

static uint64_t mix(uint32_t slot, uint32_t seed)
{
	uint64_t h = ((uint64_t)slot << 32 | seed) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

// Largest remainders; nobody with a share gets nothing.
static void quotas(uint32_t nleaves, const double *share, uint32_t nslots, uint32_t *quota)
{
	uint32_t given = 0;

	for (uint32_t i = 0; i < nleaves; i++) {
		quota[i] = (uint32_t)(share[i] * nslots);
		if (quota[i] == 0)
			quota[i] = 1;
		given += quota[i];
	}
	while (given != nslots) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < nleaves; i++) {
			double lack = share[i] * nslots - quota[i], most = share[best] * nslots - quota[best];

			if (given < nslots ? lack > most : (quota[best] == 1 || lack < most) && quota[i] > 1)
				best = i;
		}
		if (given < nslots) {
			quota[best]++;
			given++;
		} else {
			quota[best]--;
			given--;
		}
	}
}

void group_homes(uint32_t nleaves, const double *share, const uint32_t *seed, uint32_t nslots, uint16_t *home)
{
	uint32_t quota[nleaves];

	quotas(nleaves, share, nslots, quota);
	for (uint32_t s = 0; s < nslots; s++) {
		uint64_t highest = 0;
		uint32_t best = UINT32_MAX;

		for (uint32_t i = 0; i < nleaves; i++) {
			uint64_t score = mix(s, seed[i]);

			if (quota[i] && (best == UINT32_MAX || score > highest)) {
				best = i;
				highest = score;
			}
		}
		quota[best]--;
		home[s] = (uint16_t)best;
	}
}

// By weight: -share / ln(u), u uniform in (0, 1).
uint16_t group_owner(uint32_t s, uint16_t home, uint32_t nleaves, const bool *alive, const double *share,
		     const uint32_t *seed)
{
	double highest = 0;
	uint16_t best = home;

	if (alive[home])
		return home;
	for (uint32_t i = 0; i < nleaves; i++) {
		double u = ((double)(mix(s, seed[i]) >> 12) + 0.5) / (double)(UINT64_C(1) << 52);
		double score = -share[i] / log(u);

		if (alive[i] && score > highest) {
			best = (uint16_t)i;
			highest = score;
		}
	}
	return best;
}
