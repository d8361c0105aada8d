/* SPDX-License-Identifier: BSD-3-Clause */
// Routes of one IPv4 VRF: from prefixes to 31-bit values, by longest match.
//
// Purpose, design and threads: fib_trie.h. A table of 50 routes takes a few KiB, one of a million 80 MiB.
#ifndef FIB4_H
#define FIB4_H

#include <stdbool.h>
#include <stdint.h>

#include "fib_lanes.h"

#define FIB4_BITS 32

struct fib4 {
	struct fib_trie trie; // and nothing else
};

// Creates an empty table, with its blocks out of pool. 0, -ENOMEM, -ENOSPC (the pool is full). Writer.
int fib4_create(struct fib4 **out, struct fib_pool *pool);

// Frees it with all routes; f may be NULL. No reader may be left. Cost: 150 ns a route.
void fib4_destroy(struct fib4 *f);

// Sets the value (1..FIB_VALUE_MAX) of a prefix: an address in host order without bits behind the first `depth`
// (0..32). 0; -ENOSPC: no memory, nothing changed; -EINVAL. Writer. Cost: 0.2 to 1 µs, and for a short prefix more,
// by the blocks that it covers.
int fib4_set(struct fib4 *f, uint32_t prefix, uint8_t depth, uint32_t value);

// Removes a prefix: its addresses belong to the next shorter one from then on. 0, -ENOENT, -EINVAL. Needs no memory.
// Writer.
int fib4_del(struct fib4 *f, uint32_t prefix, uint8_t depth);

// The value of exactly this prefix. 0, -ENOENT, -EINVAL. Writer.
int fib4_get(const struct fib4 *f, uint32_t prefix, uint8_t depth, uint32_t *value);

// The longest prefix of at most max_depth bits that covers addr, and its value. 0, -ENOENT. Writer.
int fib4_match(const struct fib4 *f, uint32_t addr, uint8_t max_depth, uint32_t *prefix, uint8_t *depth,
	       uint32_t *value);

// The routes in order, by prefix and then by depth: the one that follows (*prefix, *depth), which need not exist, or,
// for *depth FIB_FIRST, the first one. 0 with it in *prefix, *depth and *value; -ENOENT after the last; -EINVAL.
// Writer. Cost: as fib4_get().
int fib4_next(const struct fib4 *f, uint32_t *prefix, uint8_t *depth, uint32_t *value);

// Routes in the table and bytes of memory that they take: blocks and prefixes. Writer.
uint32_t fib4_count(const struct fib4 *f);
uint64_t fib4_bytes(const struct fib4 *f);

// The entry that the way of an address ends in, from an entry on and with the bits that it has not chosen by yet.
static __rte_always_inline uint32_t fib4_walk(const struct fib_trie *t, uint32_t entry, uint32_t word)
{
	while ((entry & FIB_ENTRY_BLOCK) != 0) {
		uint32_t stride;

		entry = fib_step(t, entry, word, false, &stride);
		word = (uint32_t)((uint64_t)word << stride);
	}
	return entry;
}

// The value of the longest prefix that covers addr (host order), 0 if none does. Any thread. Cost: up to four dependent
// memory accesses; in a table of a million routes two or three.
static inline uint32_t fib4_lookup(const struct fib4 *f, uint32_t addr)
{
	const struct fib_trie *const t = &f->trie;

	for (;;) {
		const uint64_t fallback = fib_fallback(t);
		const uint32_t value = fib4_walk(t, __atomic_load_n(&t->root, __ATOMIC_ACQUIRE), addr);

		if (value != 0)
			return value;
		if (fib_fallback(t) == fallback)
			return (uint32_t)fallback;
	}
}

// All lanes take the first step, which is the same for all and mostly in a cache, and ask for what the second will
// read; then each goes its way.
static inline void fib4_lookup_lanes_scalar(const struct fib4 *f, const uint32_t addr[FIB_LANES], uint64_t mask,
					    uint32_t value[FIB_LANES])
{
	const struct fib_trie *const t = &f->trie;
	uint64_t fallback;

	do {
		fallback = fib_fallback(t);
		const uint32_t root = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE), stride = fib_stride(root);

		for (uint64_t m = mask; m != 0; m &= m - 1) {
			const unsigned int i = (unsigned int)__builtin_ctzll(m);
			uint32_t taken;

			value[i] = fib_step(t, root, addr[i], false, &taken);
			fib_prefetch(t, value[i], addr[i] << stride);
		}
		for (uint64_t m = mask; m != 0; m &= m - 1) {
			const unsigned int i = (unsigned int)__builtin_ctzll(m);

			value[i] = fib4_walk(t, value[i], addr[i] << stride);
		}
	} while (!fib_finish_scalar(t, fallback, mask, value));
}

// Looks up lanes: for each bit i of mask, value[i] becomes fib4_lookup() of addr[i]. Other lanes of addr may be
// anything, and those of value stay. Any thread. Cost: 4 cycles a lane from the caches (AVX-512), 17 at a million
// routes and addresses.
static inline void fib4_lookup_lanes(const struct fib4 *f, const uint32_t addr[FIB_LANES], uint64_t mask,
				     uint32_t value[FIB_LANES])
{
#ifdef FIB_LANES_AVX512
	const struct fib_trie *const t = &f->trie;
	__m512i word[FIB_VECTORS], entry[FIB_VECTORS];
	uint64_t fallback;

	do {
		fallback = fib_fallback(t);
		const __m512i root = _mm512_set1_epi32((int)__atomic_load_n(&t->root, __ATOMIC_ACQUIRE));

		for (unsigned int v = 0; v < FIB_VECTORS; v++) {
			word[v] = _mm512_loadu_si512(&addr[16 * v]);
			entry[v] = root;
		}
		fib_word_avx512(t, mask, word, entry, true, false);
	} while (!fib_finish_avx512(t, fallback, mask, entry, value));
#else
	fib4_lookup_lanes_scalar(f, addr, mask, value);
#endif
}

#endif
