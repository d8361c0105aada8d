/* SPDX-License-Identifier: BSD-3-Clause */
// Keys of which a worker knows that they are in order, by a mark that is a tenth of a look-up's size.
//
// Purpose: a bridge compares the source of each packet with the FDB, nearly always to find that nothing is to be done.
// A key that was found in order is marked here, and not looked up again while all that it depends on stays the same.
//
// Design: a set-associative table of 32-bit tags without keys or values, 16 KiB, so that it stays in the first-level
// cache. Set and tag come from one hash of the key and of everything that the verdict depends on (port, second,
// generations: `context` and `port`), by secret seeds; when one of these changes, the marks made before match no more
// and are pushed out in time. Two keys have the same tag in one set once in 2^31 pairs: such a key is held to be in
// order for the rest of the second, which costs it a refresh, or delays its move by that second.
// Where there are more keys than marks, looking for them is a loss, so a caller who finds few leaves the table alone
// for some bursts (`skip`).
//
// Threads: belongs to one worker.
#ifndef SEEN_H
#define SEEN_H

#include <stdint.h>
#include <string.h>

#include "hash64.h"

#define SEEN_SETS 1024
#define SEEN_WAYS 4
#define SEEN_SKIP 15 // bursts

struct seen {
	uint64_t seed[2]; // random, by the owner
	uint32_t skip;    // bursts for which to leave it alone, counted down by the user
	uint32_t tag[SEEN_SETS][SEEN_WAYS] __rte_cache_aligned; // 0: none; newest first
};

// Where the keys of a burst are to be found.
struct seen_place {
	uint32_t set[HASH64_BURST], tag[HASH64_BURST];
};

// Computes the places of keys[0..n-1] (n <= 64), each with its port, in a context. Cost: a cycle per key.
static __rte_always_inline void seen_locate(const struct seen *s, const uint64_t *keys, const uint16_t *port,
					    uint64_t context, unsigned int n, struct seen_place *place)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t x = hash64_round(keys[i], s->seed[0]) ^ context ^ (uint64_t)port[i] << 16;
		const uint64_t hash = hash64_round(x, s->seed[1]);

		place->set[i] = (uint32_t)(hash >> 32) % SEEN_SETS;
		place->tag[i] = (uint32_t)hash | 1;
	}
}

// Which of the n places are marked: bit i for place i.
static __rte_always_inline uint64_t seen_find_scalar(const struct seen *s, const struct seen_place *place,
						     unsigned int n)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < n; i++) {
		const uint32_t *const set = s->tag[place->set[i]];
		bool hit = false;

		for (unsigned int way = 0; way < SEEN_WAYS; way++)
			hit |= set[way] == place->tag[i];
		found |= (uint64_t)hit << i;
	}
	return found;
}

#ifdef __SSE4_1__
static __rte_always_inline uint64_t seen_find(const struct seen *s, const struct seen_place *place, unsigned int n)
{
	uint8_t match[HASH64_BURST] __rte_aligned(16);
	uint64_t found = 0;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++) {
		const __m128i set = _mm_load_si128((const __m128i *)s->tag[place->set[i]]);
		const __m128i equal = _mm_cmpeq_epi32(set, _mm_set1_epi32((int)place->tag[i]));

		match[i] = (uint8_t)_mm_movemask_ps(_mm_castsi128_ps(equal));
	}
	for (unsigned int i = 0; i < n; i += 16) {
		const __m128i none = _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)&match[i]), _mm_setzero_si128());

		found |= (uint64_t)(uint16_t)~_mm_movemask_epi8(none) << i;
	}
	return n < HASH64_BURST ? found & ((UINT64_C(1) << n) - 1) : found;
}
#else
#define seen_find seen_find_scalar
#endif

// Marks place i, at the cost of the oldest mark of its set.
static inline void seen_add(struct seen *s, const struct seen_place *place, unsigned int i)
{
	uint32_t *const set = s->tag[place->set[i]];

	memmove(&set[1], &set[0], (SEEN_WAYS - 1) * sizeof(set[0]));
	set[0] = place->tag[i];
}

#endif
