/* SPDX-License-Identifier: BSD-3-Clause */
// Look-ups of a burst in a fib_trie, all lanes a step at a time, so that their memory accesses overlap.
//
// Design: addresses go through the trie by 32-bit words, which no block crosses: the lanes that have come to the end of
// a word with a block for an entry wait for the others, and then all go on with the next word. The AVX-512 body has all
// 64 lanes in registers and fetches 16 entries at once; the scalar twin is its meaning, and what runs elsewhere.
//
// Threads: any.
#ifndef FIB_LANES_H
#define FIB_LANES_H

#include <rte_prefetch.h>

#include "fib_trie.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && !defined(__SANITIZE_THREAD__)
#define FIB_LANES_AVX512
#include <immintrin.h>
#endif

// The entry that follows `entry`, a block or path, for an address whose next bits are the upper ones of word, and in
// *stride how many of them it took. paths: whether there may be any in the table.
static __rte_always_inline uint32_t fib_step(const struct fib_trie *t, uint32_t entry, uint32_t word, bool paths,
					     uint32_t *stride)
{
	const uint32_t *const at = fib_entries(t, entry);
	const uint32_t bits = fib_stride(entry);
	uint32_t slot = word >> (32 - bits);

	*stride = bits;
	if (paths && bits > FIB_STRIDE_MAX) {
		const uint32_t expect = __atomic_load_n(&at[FIB_PATH_EXPECT], __ATOMIC_ACQUIRE);

		*stride = 4 * (bits - FIB_STRIDE_MAX);
		slot = (word ^ expect) >> (32 - *stride) == 0 ? FIB_PATH_HIT : FIB_PATH_MISS;
	}
	return __atomic_load_n(&at[slot], __ATOMIC_ACQUIRE);
}

// Asks for the memory that fib_step() will read. Of an entry that is a value, for some of the table.
static __rte_always_inline void fib_prefetch(const struct fib_trie *t, uint32_t entry, uint32_t word)
{
	const uint32_t is_block = 0 - (entry >> 31);

	rte_prefetch0(&fib_entries(t, entry & is_block)[(word >> (32 - fib_stride(entry)) % 32) & is_block]);
}

// The block that all look-ups begin with, for those who ask for its entries ahead of a look-up: that of an address's
// upper 32 bits is entry[word >> shift].
struct fib_root {
	const uint32_t *entry;
	unsigned int shift;
};

static __rte_always_inline struct fib_root fib_root(const struct fib_trie *t)
{
	const uint32_t root = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE);

	return (struct fib_root){fib_entries(t, root), 32 - fib_stride(root)};
}

// Takes the entries of the lanes `active`, all of them blocks at the beginning of this word of their addresses, through
// the word. Returns the lanes whose entries are blocks still.
static __rte_always_inline uint64_t fib_word_scalar(const struct fib_trie *t, uint64_t active,
						    const uint32_t word[FIB_LANES], uint32_t entry[FIB_LANES],
						    bool paths)
{
	uint8_t consumed[FIB_LANES];
	uint64_t blocks = 0;

	for (uint64_t m = active; m != 0; m &= m - 1)
		consumed[__builtin_ctzll(m)] = 0;
	while (active != 0) {
		uint64_t done = 0;

		for (uint64_t m = active; m != 0; m &= m - 1) {
			const unsigned int i = (unsigned int)__builtin_ctzll(m);
			uint32_t stride;
			const uint32_t e = fib_step(t, entry[i], word[i] << consumed[i], paths, &stride);

			consumed[i] = (uint8_t)(consumed[i] + stride);
			entry[i] = e;
			blocks |= (uint64_t)(consumed[i] == 32) << i & (uint64_t)(e >> 31) << i;
			done |= (uint64_t)((consumed[i] == 32) | !(e >> 31)) << i;
		}
		active &= ~done;
	}
	return blocks;
}

// value[i] becomes what entry[i] says, for the lanes of mask; false if the default route has changed meanwhile.
static __rte_always_inline bool fib_finish_scalar(const struct fib_trie *t, uint64_t fallback, uint64_t mask,
						  uint32_t value[FIB_LANES])
{
	uint64_t none = 0;

	for (uint64_t m = mask; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		none |= (uint64_t)(value[i] == 0) << i;
	}
	// An address may have lost its own route before its entry was read and got a default route since, or the other
	// way.
	if (none != 0 && fib_fallback(t) != fallback)
		return false;
	for (uint64_t m = none; m != 0; m &= m - 1)
		value[__builtin_ctzll(m)] = (uint32_t)fallback;
	return true;
}

#ifdef FIB_LANES_AVX512
#define FIB_VECTORS (FIB_LANES / 16)

// As fib_word_scalar(), on vectors. `word` is used up. last: addresses end with this word.
static __rte_always_inline uint64_t fib_word_avx512(const struct fib_trie *t, uint64_t active,
						    __m512i word[FIB_VECTORS], __m512i entry[FIB_VECTORS], bool last,
						    bool paths)
{
	const __m512i line_mask = _mm512_set1_epi32((int)(FIB_LINE_MASK * FIB_LINE_ENTRIES));
	const __m512i stride_mask = _mm512_set1_epi32(FIB_STRIDE_MASK), most = _mm512_set1_epi32(FIB_STRIDE_MAX);
	const __m512i full = _mm512_set1_epi32(32);
	__m512i left[FIB_VECTORS];
	uint64_t blocks = 0;

	for (unsigned int v = 0; v < FIB_VECTORS; v++)
		left[v] = full;
	while (active != 0) {
		uint64_t next = 0;

		for (unsigned int v = 0; v < FIB_VECTORS; v++) {
			const __mmask16 lanes = (__mmask16)(active >> 16 * v);

			if (lanes == 0)
				continue;
			const __m512i first = _mm512_and_si512(_mm512_slli_epi32(entry[v], 4), line_mask);
			__m512i stride = _mm512_and_si512(_mm512_srli_epi32(entry[v], FIB_STRIDE_SHIFT), stride_mask);
			__m512i slot = _mm512_srlv_epi32(word[v], _mm512_sub_epi32(full, stride));
			const __mmask16 path = paths ? _mm512_mask_cmpgt_epu32_mask(lanes, stride, most) : 0;

			if (path != 0) {
				const __m512i expect = _mm512_mask_i32gather_epi32(word[v], path, first, t->base, 4);
				const __m512i bits = _mm512_slli_epi32(_mm512_sub_epi32(stride, most), 2);
				const __m512i differ = _mm512_srlv_epi32(_mm512_xor_si512(word[v], expect),
									 _mm512_sub_epi32(full, bits));
				const __mmask16 miss = _mm512_test_epi32_mask(differ, differ);

				stride = _mm512_mask_mov_epi32(stride, path, bits);
				slot = _mm512_mask_mov_epi32(slot, path, _mm512_set1_epi32(FIB_PATH_HIT));
				slot = _mm512_mask_mov_epi32(slot, path & miss, _mm512_set1_epi32(FIB_PATH_MISS));
			}
			entry[v] =
				_mm512_mask_i32gather_epi32(entry[v], lanes, _mm512_add_epi32(first, slot), t->base, 4);
			word[v] = _mm512_sllv_epi32(word[v], stride);
			const __mmask16 block = lanes & _mm512_movepi32_mask(entry[v]);

			if (last) {
				next |= (uint64_t)block << 16 * v;
				continue;
			}
			left[v] = _mm512_sub_epi32(left[v], stride);
			const __mmask16 more = _mm512_mask_test_epi32_mask(block, left[v], left[v]);

			next |= (uint64_t)more << 16 * v;
			blocks |= (uint64_t)(__mmask16)(block & ~more) << 16 * v;
		}
		active = next;
	}
	return blocks;
}

static __rte_always_inline bool fib_finish_avx512(const struct fib_trie *t, uint64_t fallback, uint64_t mask,
						  const __m512i entry[FIB_VECTORS], uint32_t value[FIB_LANES])
{
	const __m512i fill = _mm512_set1_epi32((int)fallback);
	uint64_t none = 0;

	for (unsigned int v = 0; v < FIB_VECTORS; v++) {
		const __mmask16 lanes = (__mmask16)(mask >> 16 * v),
				empty = _mm512_testn_epi32_mask(entry[v], entry[v]);

		none |= lanes & empty;
		_mm512_mask_storeu_epi32(&value[16 * v], lanes, _mm512_mask_mov_epi32(entry[v], empty, fill));
	}
	return none == 0 || fib_fallback(t) == fallback;
}
#endif

#endif
