/* SPDX-License-Identifier: BSD-3-Clause */
// Routes of one IPv6 VRF: from prefixes to 31-bit values, by longest match.
//
// Purpose, design and threads: fib_trie.h. fib4.h says more of the functions, which are the same but for the addresses.
#ifndef FIB6_H
#define FIB6_H

#include <stdbool.h>
#include <stdint.h>

#include "fib_lanes.h"

#define FIB6_BITS 128

struct fib6 {
	struct fib_trie trie; // and nothing else
};

int fib6_create(struct fib6 **out, struct fib_pool *pool);
void fib6_destroy(struct fib6 *f);
int fib6_set(struct fib6 *f, struct fib6_addr prefix, uint8_t depth, uint32_t value);
int fib6_del(struct fib6 *f, struct fib6_addr prefix, uint8_t depth);
int fib6_get(const struct fib6 *f, struct fib6_addr prefix, uint8_t depth, uint32_t *value);
int fib6_match(const struct fib6 *f, struct fib6_addr addr, uint8_t max_depth, struct fib6_addr *prefix, uint8_t *depth,
	       uint32_t *value);
int fib6_next(const struct fib6 *f, struct fib6_addr *prefix, uint8_t *depth, uint32_t *value);
uint32_t fib6_count(const struct fib6 *f);
uint64_t fib6_bytes(const struct fib6 *f);

// Word i (0..3, 32 bits each) of an address.
static __rte_always_inline uint32_t fib6_word(uint64_t hi, uint64_t lo, unsigned int i)
{
	return (uint32_t)((i < 2 ? hi : lo) >> (i % 2 == 0 ? 32 : 0));
}

static inline uint32_t fib6_lookup(const struct fib6 *f, struct fib6_addr addr)
{
	const struct fib_trie *const t = &f->trie;

	for (;;) {
		const uint64_t fallback = fib_fallback(t);
		uint32_t entry = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE), at = 0;

		while ((entry & FIB_ENTRY_BLOCK) != 0) {
			uint32_t stride;

			entry = fib_step(t, entry, fib6_word(addr.hi, addr.lo, at / 32) << at % 32, true, &stride);
			at += stride;
		}
		if (entry != 0)
			return entry;
		if (fib_fallback(t) == fallback)
			return (uint32_t)fallback;
	}
}

static inline void fib6_lookup_lanes_scalar(const struct fib6 *f, const uint64_t hi[FIB_LANES],
					    const uint64_t lo[FIB_LANES], uint64_t mask, uint32_t value[FIB_LANES])
{
	const struct fib_trie *const t = &f->trie;
	uint32_t word[FIB_LANES];
	uint64_t fallback;

	do {
		fallback = fib_fallback(t);
		const uint32_t root = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE);
		uint64_t active = mask;

		for (uint64_t m = mask; m != 0; m &= m - 1)
			value[__builtin_ctzll(m)] = root;
		for (unsigned int w = 0; w < 4 && active != 0; w++) {
			for (uint64_t m = active; m != 0; m &= m - 1) {
				const unsigned int i = (unsigned int)__builtin_ctzll(m);

				word[i] = fib6_word(hi[i], lo[i], w);
			}
			active = fib_word_scalar(t, active, word, value, true);
		}
	} while (!fib_finish_scalar(t, fallback, mask, value));
}

// As fib4_lookup_lanes(), with the halves of the addresses in two arrays. Cost: 16 cycles a lane from the caches
// (AVX-512), 50 at 250 000 routes and a million addresses.
static inline void fib6_lookup_lanes(const struct fib6 *f, const uint64_t hi[FIB_LANES], const uint64_t lo[FIB_LANES],
				     uint64_t mask, uint32_t value[FIB_LANES])
{
#ifdef FIB_LANES_AVX512
	const struct fib_trie *const t = &f->trie;
	__m512i word[FIB_VECTORS], entry[FIB_VECTORS];
	uint64_t fallback;

	do {
		fallback = fib_fallback(t);
		const __m512i root = _mm512_set1_epi32((int)__atomic_load_n(&t->root, __ATOMIC_ACQUIRE));
		uint64_t active = mask;

		for (unsigned int v = 0; v < FIB_VECTORS; v++)
			entry[v] = root;
		for (unsigned int w = 0; w < 4 && active != 0; w++) {
			const uint64_t *const half = w < 2 ? hi : lo;
			const unsigned int shift = w % 2 == 0 ? 32 : 0;

			for (unsigned int v = 0; v < FIB_VECTORS; v++) {
				const __m512i a = _mm512_srli_epi64(_mm512_loadu_si512(&half[16 * v]), shift);
				const __m512i b = _mm512_srli_epi64(_mm512_loadu_si512(&half[16 * v + 8]), shift);

				word[v] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(a)),
							     _mm512_cvtepi64_epi32(b), 1);
			}
			active = fib_word_avx512(t, active, word, entry, w == 3, true);
		}
	} while (!fib_finish_avx512(t, fallback, mask, entry, value));
#else
	fib6_lookup_lanes_scalar(f, hi, lo, mask, value);
#endif
}

#endif
