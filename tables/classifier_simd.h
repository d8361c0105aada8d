/* SPDX-License-Identifier: BSD-3-Clause */
// The vector bodies of the classifier's look-ups, for classifier.h alone; it says what each does and has their scalar
// twins.
//
// Design: AVX-512, eight keys to a vector, or AVX2 and four. A vector load or gather is no atomic access, but each
// aligned 64-bit word in it is one as the hardware does it. ThreadSanitizer does not know that, so under it only the
// scalar twins are used.
#ifndef CLASSIFIER_SIMD_H
#define CLASSIFIER_SIMD_H

#define CLASSIFIER_ISA classifier_scalar

#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
#include <immintrin.h>

static __rte_always_inline uint64_t classifier_below_avx2(const int32_t best[CLASSIFIER_BURST], int32_t max)
{
	const __m256i limit = _mm256_set1_epi32(max);
	uint64_t below = 0;

	for (unsigned int i = 0; i < CLASSIFIER_BURST; i += 8) {
		const __m256i less = _mm256_cmpgt_epi32(limit, _mm256_loadu_si256((const __m256i *)&best[i]));

		below |= (uint64_t)(uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(less)) << i;
	}
	return below;
}

static __rte_always_inline __m256i classifier_product_avx2(__m256i word, __m256i secret)
{
	const __m256i sum = _mm256_add_epi32(word, secret);

	return _mm256_mul_epu32(sum, _mm256_srli_epi64(sum, 32));
}

// The hashes of the keys d..d+3.
static __rte_always_inline __m256i classifier_hash_avx2(const struct classifier_tuple *tuple,
							const struct classifier_columns *columns, unsigned int d)
{
	__m256i sum = _mm256_setzero_si256();

	for (unsigned int j = 0; j < tuple->nwords; j++) {
		const __m256i word = _mm256_load_si256((const __m256i *)&columns->word[tuple->at[j]][d]);
		const __m256i masked = _mm256_and_si256(word, _mm256_set1_epi64x((long long)tuple->mask[j]));

		sum = _mm256_add_epi64(
			sum, classifier_product_avx2(masked, _mm256_set1_epi64x((long long)tuple->secret[j])));
	}
	const __m256i product = classifier_product_avx2(sum, _mm256_set1_epi64x((long long)tuple->salt));

	return _mm256_xor_si256(product, _mm256_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
}

static __rte_always_inline void classifier_filter_avx2(const struct classifier_tuple *tuple,
						       const struct classifier_table *table,
						       const struct classifier_columns *columns, uint64_t pending,
						       uint64_t base, struct classifier_candidates *out)
{
	const __m256i bucket_mask = _mm256_set1_epi64x((long long)table->bucket_mask);
	const __m256i low6 = _mm256_set1_epi64x(63), one = _mm256_set1_epi64x(1);

	for (unsigned int d = 0; d < CLASSIFIER_BURST; d += 4) {
		uint64_t index_of[4], hash_of[4];

		if ((pending >> d & 0xf) == 0)
			continue;
		const __m256i hash = classifier_hash_avx2(tuple, columns, d);
		const __m256i index = _mm256_and_si256(_mm256_srli_epi64(hash, 32), bucket_mask);
		const __m256i bits =
			_mm256_or_si256(_mm256_sllv_epi64(one, _mm256_and_si256(_mm256_srli_epi64(hash, 8), low6)),
					_mm256_sllv_epi64(one, _mm256_and_si256(_mm256_srli_epi64(hash, 14), low6)));
		const __m256i summary = _mm256_i64gather_epi64((const long long *)table->filter, index, 8);
		const __m256i match = _mm256_cmpeq_epi64(_mm256_and_si256(summary, bits), bits);
		uint64_t left = (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(match)) & (pending >> d);

		if (left == 0)
			continue;
		_mm256_storeu_si256((__m256i *)index_of, index);
		_mm256_storeu_si256((__m256i *)hash_of, hash);
		for (; left != 0; left &= left - 1) {
			const unsigned int k = (unsigned int)__builtin_ctzll(left);

			out->bucket[out->n] = (uint64_t)(uintptr_t)&table->bucket[index_of[k]];
			out->what[out->n++] = base | (d + k) << 16 | classifier_tag(hash_of[k]);
		}
	}
}

static __rte_always_inline unsigned int classifier_match_avx2(const struct classifier_bucket *b, uint16_t tag)
{
	const __m256i wanted = _mm256_set1_epi64x(tag);
	const __m256i low = _mm256_srli_epi64(_mm256_load_si256((const __m256i *)&b->slot[0]), 48);
	const __m256i high = _mm256_srli_epi64(_mm256_load_si256((const __m256i *)&b->slot[4]), 48);
	const int match = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(low, wanted))) |
			  _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(high, wanted))) << 4;

	return (unsigned int)match & ((1u << CLASSIFIER_SLOTS) - 1);
}

static const struct classifier_isa classifier_avx2 = {classifier_below_avx2, classifier_filter_avx2,
						      classifier_match_avx2};
#undef CLASSIFIER_ISA
#define CLASSIFIER_ISA classifier_avx2
#endif

#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && !defined(__SANITIZE_THREAD__)
#include <immintrin.h>

static __rte_always_inline uint64_t classifier_below_avx512(const int32_t best[CLASSIFIER_BURST], int32_t max)
{
	const __m512i limit = _mm512_set1_epi32(max);
	uint64_t below = 0;

	for (unsigned int i = 0; i < CLASSIFIER_BURST; i += 16)
		below |= (uint64_t)_mm512_cmplt_epi32_mask(_mm512_loadu_si512(&best[i]), limit) << i;
	return below;
}

static __rte_always_inline __m512i classifier_product_avx512(__m512i word, __m512i secret)
{
	const __m512i sum = _mm512_add_epi32(word, secret);

	return _mm512_mul_epu32(sum, _mm512_srli_epi64(sum, 32));
}

// The hashes of the keys d..d+7.
static __rte_always_inline __m512i classifier_hash_avx512(const struct classifier_tuple *tuple,
							  const struct classifier_columns *columns, unsigned int d)
{
	__m512i sum = _mm512_setzero_si512();

	for (unsigned int j = 0; j < tuple->nwords; j++) {
		const __m512i word = _mm512_loadu_si512(&columns->word[tuple->at[j]][d]);
		const __m512i masked = _mm512_and_si512(word, _mm512_set1_epi64((long long)tuple->mask[j]));

		sum = _mm512_add_epi64(
			sum, classifier_product_avx512(masked, _mm512_set1_epi64((long long)tuple->secret[j])));
	}
	const __m512i product = classifier_product_avx512(sum, _mm512_set1_epi64((long long)tuple->salt));

	return _mm512_xor_si512(product, _mm512_rol_epi64(sum, 32));
}

static __rte_always_inline void classifier_filter_avx512(const struct classifier_tuple *tuple,
							 const struct classifier_table *table,
							 const struct classifier_columns *columns, uint64_t pending,
							 uint64_t base, struct classifier_candidates *out)
{
	const __m512i bucket_mask = _mm512_set1_epi64((long long)table->bucket_mask);
	const __m512i first = _mm512_set1_epi64((long long)(uintptr_t)table->bucket);
	const __m512i low6 = _mm512_set1_epi64(63), one = _mm512_set1_epi64(1), tag_bits = _mm512_set1_epi64(0x7fff);
	const __m512i lane = _mm512_slli_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), 16);
	uint32_t n = out->n;

	for (unsigned int d = 0; d < CLASSIFIER_BURST; d += 8) {
		const __mmask8 here = (__mmask8)(pending >> d);

		if (here == 0)
			continue;
		const __m512i hash = classifier_hash_avx512(tuple, columns, d);
		const __m512i index = _mm512_and_si512(_mm512_srli_epi64(hash, 32), bucket_mask);
		const __m512i tag = _mm512_and_si512(_mm512_srli_epi64(hash, 8), tag_bits);
		const __m512i bits =
			_mm512_or_si512(_mm512_sllv_epi64(one, _mm512_and_si512(tag, low6)),
					_mm512_sllv_epi64(one, _mm512_and_si512(_mm512_srli_epi64(tag, 6), low6)));
		const __m512i summary =
			_mm512_mask_i64gather_epi64(_mm512_setzero_si512(), here, index, table->filter, 8);
		const __mmask8 left = _mm512_cmpeq_epi64_mask(_mm512_and_si512(summary, bits), bits);

		if (left == 0)
			continue;
		const __m512i what = _mm512_or_si512(_mm512_or_si512(tag, lane),
						     _mm512_set1_epi64((long long)(base | d << 16 | 0x8000)));
		const __m512i bucket = _mm512_add_epi64(first, _mm512_slli_epi64(index, 6));

		_mm512_storeu_si512(&out->bucket[n], _mm512_maskz_compress_epi64(left, bucket));
		_mm512_storeu_si512(&out->what[n], _mm512_maskz_compress_epi64(left, what));
		n += (uint32_t)__builtin_popcount(left);
	}
	out->n = n;
}

static __rte_always_inline unsigned int classifier_match_avx512(const struct classifier_bucket *b, uint16_t tag)
{
	const __m512i slots = _mm512_srli_epi64(_mm512_load_si512(b), 48);

	return _mm512_mask_cmpeq_epi64_mask((1u << CLASSIFIER_SLOTS) - 1, slots, _mm512_set1_epi64(tag));
}

static const struct classifier_isa classifier_avx512 = {classifier_below_avx512, classifier_filter_avx512,
							classifier_match_avx512};
#undef CLASSIFIER_ISA
#define CLASSIFIER_ISA classifier_avx512
#endif

#endif
