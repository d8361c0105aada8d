/* SPDX-License-Identifier: BSD-3-Clause */
// The vector bodies of the classifier's look-ups, for classifier.h alone; it says what each does and has their scalar
// twins.
//
// Design: AVX-512, eight keys to a vector. A vector load or gather is no atomic access, but each aligned 64-bit word in
// it is one as the hardware does it. ThreadSanitizer does not know that, so under it only the scalar twins are used.
#ifndef CLASSIFIER_SIMD_H
#define CLASSIFIER_SIMD_H

#define CLASSIFIER_ISA classifier_scalar

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
