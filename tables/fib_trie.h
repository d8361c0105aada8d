/* SPDX-License-Identifier: BSD-3-Clause */
// Longest-prefix match for fib4 and fib6: a multibit trie for bursts of look-ups by many threads beside one writer.
//
// Purpose: a look-up costs few dependent memory accesses, and those of a burst overlap; a small table takes little
// memory, and one of a million routes takes updates at more than a million a second.
//
// Design: an entry is 32 bits, either a value (0: no route) or the index of a block and how many bits of the address
// choose among its entries. Values are pushed down to the leaves, so the entry that a look-up ends in is the answer.
// Blocks take 4 or 8 bits, the root 4, 8, 12 or 16: eight where two or more of the sixteen parts of a four-bit block
// would be blocks again, and the root by the number of routes. (Compressing nodes by counting bits, as Poptrie does:
// Asai and Ohara, SIGCOMM 2015, takes less memory, but two accesses a level and no vector gathers of entries.) In
// tables of long addresses, blocks with a single way on are replaced by a path, one line that says which bits lead to
// the entry at its end, and what all others lead to. The default route is beside the trie, so that changing it does not
// touch every entry that nothing else covers.
//
// The exact prefixes are in a fib_rib, with four bits a level as well: blocks are filled from it, and it says which
// part of a prefix belongs to longer ones.
//
// The writer changes an entry by one store, from the right answer of before to that of after, for each address that it
// stands for; what a block is to be replaced by is complete before the one store that makes it visible. So at any
// instant each address has either its old or its new answer, and one whose route does not change has no other. Blocks
// taken out of use are freed after a grace period (fib_pool.h).
//
// Threads: look-ups: any. The rest: one writer.
#ifndef FIB_TRIE_H
#define FIB_TRIE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "fib_rib.h"

#define FIB_LANES 64
#define FIB_VALUE_MAX 0x7fffffffu

// An entry that is not a value: 1, five bits of stride, 26 bits of line (fib_pool.h). Strides above the largest one of
// a block are those of paths, in fours.
#define FIB_ENTRY_BLOCK 0x80000000u
#define FIB_STRIDE_SHIFT 26
#define FIB_STRIDE_MASK 31u
#define FIB_STRIDE_MAX 16u
#define FIB_LINE_MASK 0x03ffffffu
#define FIB_LINE_ENTRIES 16u

// The words of a path: bits of the address, from the uppermost on; the entry for those and the value for all others;
// and for the writer how many bits, in fours. HIT + 1 is MISS.
enum { FIB_PATH_EXPECT, FIB_PATH_HIT, FIB_PATH_MISS, FIB_PATH_LEVELS };

struct fib_trie {
	// Read by all.
	const uint32_t *base; // the pool's arena. Constant
	uint32_t root;        // an entry that is a block. Written by the writer (RCU)
	uint64_t fallback;    // version << 32 | the default route's value, 0: none. Written by the writer

	// The writer's own.
	uint32_t count __rte_cache_aligned; // routes, the default one included
	unsigned int bits;                  // of an address
	uint64_t bytes;                     // of blocks in use
	struct fib_rib rib;
};

// fib4_next() and fib6_next(): a depth that comes before all.
#define FIB_FIRST 255

// What fib4.h says of its functions holds for these, with prefixes of up to `bits` (32 or 128) bits. Writer.
int fib_trie_create(struct fib_trie **out, struct fib_pool *pool, unsigned int bits);
void fib_trie_destroy(struct fib_trie *t);
int fib_trie_set(struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t value);
int fib_trie_del(struct fib_trie *t, const struct fib6_addr *key, unsigned int depth);
int fib_trie_get(const struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t *value);
int fib_trie_match(const struct fib_trie *t, const struct fib6_addr *addr, unsigned int max_depth,
		   struct fib6_addr *key, unsigned int *depth, uint32_t *value);
int fib_trie_next(const struct fib_trie *t, struct fib6_addr *key, unsigned int *depth, uint32_t *value);
uint64_t fib_trie_bytes(const struct fib_trie *t);

static __rte_always_inline uint32_t fib_stride(uint32_t entry)
{
	return entry >> FIB_STRIDE_SHIFT & FIB_STRIDE_MASK;
}

static __rte_always_inline const uint32_t *fib_entries(const struct fib_trie *t, uint32_t entry)
{
	return t->base + (size_t)(entry & FIB_LINE_MASK) * FIB_LINE_ENTRIES;
}

static __rte_always_inline uint64_t fib_fallback(const struct fib_trie *t)
{
	// The gathers of a look-up are no atomic accesses, so the compiler has to be told to leave them in their place.
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	const uint64_t fallback = __atomic_load_n(&t->fallback, __ATOMIC_ACQUIRE);
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	return fallback;
}

#endif
