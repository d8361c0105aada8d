/* SPDX-License-Identifier: BSD-3-Clause */
// The vector bodies of hash64's look-ups, for hash64.h alone; it says what each does and has their scalar twins.
//
// Design: one set for each x86-64 level, chosen by what the compiler may use, as callers are compiled once per level. A
// vector load of keys is no atomic access, but each key in it is one as the hardware does it (aligned 64-bit words).
// ThreadSanitizer does not know that, so under it only the scalar twins are used.
#ifndef HASH64_SIMD_H
#define HASH64_SIMD_H

#define HASH64_ISA hash64_scalar

#if defined(__SSE4_1__) && !defined(__SANITIZE_THREAD__)
#include <immintrin.h>

static __rte_always_inline unsigned int hash64_match_sse41(const struct hash64_bucket *b, uint64_t key)
{
	const __m128i wanted = _mm_set1_epi64x((long long)key);
	const __m128i k01 = _mm_cmpeq_epi64(_mm_load_si128((const __m128i *)&b->key[0]), wanted);
	const __m128i k23 = _mm_cmpeq_epi64(_mm_load_si128((const __m128i *)&b->key[2]), wanted);
	const int match = _mm_movemask_ps(_mm_castsi128_ps(_mm_packs_epi32(k01, k23)));

	return (unsigned int)match | (unsigned int)(b->key[4] == key) << 4;
}

static __rte_always_inline __m128i hash64_round_sse41(__m128i x, __m128i secret)
{
	const __m128i sum = _mm_add_epi32(x, secret);
	const __m128i product = _mm_mul_epu32(sum, _mm_srli_epi64(sum, 32));

	return _mm_xor_si128(product, _mm_shuffle_epi32(x, _MM_SHUFFLE(2, 3, 0, 1)));
}

static __rte_always_inline void hash64_locate_sse41(const struct hash64 *h, const uint64_t *keys, unsigned int n,
						    const struct hash64_bucket **bucket)
{
	const __m128i seed0 = _mm_set1_epi64x((long long)h->seed[0]), seed1 = _mm_set1_epi64x((long long)h->seed[1]);
	const __m128i base = _mm_set1_epi64x((long long)(uintptr_t)h->bucket);
	const __m128i mask = _mm_set1_epi64x((long long)h->bucket_mask * (long long)sizeof(*h->bucket));
	unsigned int i = 0;

	for (; i + 2 <= n; i += 2) {
		const __m128i x = hash64_round_sse41(_mm_loadu_si128((const __m128i *)&keys[i]), seed0);
		const __m128i at = _mm_and_si128(_mm_srli_epi64(hash64_round_sse41(x, seed1), 26), mask);

		_mm_storeu_si128((__m128i *)&bucket[i], _mm_add_epi64(at, base));
	}
	hash64_locate_scalar(h, &keys[i], n - i, &bucket[i]);
}

static __rte_always_inline uint64_t hash64_verdict_sse41(const uint32_t *values, const uint32_t *meta,
							 const uint32_t *meta_after, unsigned int n, uint64_t *again)
{
	const __m128i zero = _mm_setzero_si128(), count = _mm_set1_epi32(HASH64_META_COUNT);
	uint64_t hits = 0, tail_again = 0;
	unsigned int i = 0;

	*again = 0;
	for (; i + 4 <= n; i += 4) {
		const __m128i m = _mm_loadu_si128((const __m128i *)&meta[i]);
		const __m128i after = _mm_loadu_si128((const __m128i *)&meta_after[i]);
		const __m128i miss = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)&values[i]), zero);
		const __m128i doubt =
			_mm_or_si128(_mm_xor_si128(m, after), _mm_and_si128(_mm_and_si128(m, count), miss));
		const int sure = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(doubt, zero)));

		hits |= (uint64_t)(_mm_movemask_ps(_mm_castsi128_ps(miss)) ^ 0xf) << i;
		*again |= (uint64_t)(sure ^ 0xf) << i;
	}
	if (i < n) {
		hits |= hash64_verdict_scalar(&values[i], &meta[i], &meta_after[i], n - i, &tail_again) << i;
		*again |= tail_again << i;
	}
	return hits;
}

static const struct hash64_isa hash64_sse41 = {hash64_match_sse41, hash64_locate_sse41, hash64_verdict_sse41};
#undef HASH64_ISA
#define HASH64_ISA hash64_sse41
#endif

#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
static __rte_always_inline unsigned int hash64_match_avx2(const struct hash64_bucket *b, uint64_t key)
{
	const __m256i line = _mm256_load_si256((const __m256i *)b->key);
	const __m256i equal = _mm256_cmpeq_epi64(line, _mm256_set1_epi64x((long long)key));

	return (unsigned int)_mm256_movemask_pd(_mm256_castsi256_pd(equal)) | (unsigned int)(b->key[4] == key) << 4;
}

static __rte_always_inline __m256i hash64_round_avx2(__m256i x, __m256i secret)
{
	const __m256i sum = _mm256_add_epi32(x, secret);
	const __m256i product = _mm256_mul_epu32(sum, _mm256_srli_epi64(sum, 32));

	return _mm256_xor_si256(product, _mm256_shuffle_epi32(x, _MM_SHUFFLE(2, 3, 0, 1)));
}

static __rte_always_inline void hash64_locate_avx2(const struct hash64 *h, const uint64_t *keys, unsigned int n,
						   const struct hash64_bucket **bucket)
{
	const __m256i seed0 = _mm256_set1_epi64x((long long)h->seed[0]),
		      seed1 = _mm256_set1_epi64x((long long)h->seed[1]);
	const __m256i base = _mm256_set1_epi64x((long long)(uintptr_t)h->bucket);
	const __m256i mask = _mm256_set1_epi64x((long long)h->bucket_mask * (long long)sizeof(*h->bucket));
	unsigned int i = 0;

	for (; i + 4 <= n; i += 4) {
		const __m256i x = hash64_round_avx2(_mm256_loadu_si256((const __m256i *)&keys[i]), seed0);
		const __m256i at = _mm256_and_si256(_mm256_srli_epi64(hash64_round_avx2(x, seed1), 26), mask);

		_mm256_storeu_si256((__m256i *)&bucket[i], _mm256_add_epi64(at, base));
	}
	hash64_locate_scalar(h, &keys[i], n - i, &bucket[i]);
}

static __rte_always_inline uint64_t hash64_verdict_avx2(const uint32_t *values, const uint32_t *meta,
							const uint32_t *meta_after, unsigned int n, uint64_t *again)
{
	const __m256i zero = _mm256_setzero_si256(), count = _mm256_set1_epi32(HASH64_META_COUNT);
	uint64_t hits = 0, tail_again = 0;
	unsigned int i = 0;

	*again = 0;
	for (; i + 8 <= n; i += 8) {
		const __m256i m = _mm256_loadu_si256((const __m256i *)&meta[i]);
		const __m256i after = _mm256_loadu_si256((const __m256i *)&meta_after[i]);
		const __m256i miss = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)&values[i]), zero);
		const __m256i doubt =
			_mm256_or_si256(_mm256_xor_si256(m, after), _mm256_and_si256(_mm256_and_si256(m, count), miss));
		const int sure = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(doubt, zero)));

		hits |= (uint64_t)(_mm256_movemask_ps(_mm256_castsi256_ps(miss)) ^ 0xff) << i;
		*again |= (uint64_t)(sure ^ 0xff) << i;
	}
	if (i < n) {
		hits |= hash64_verdict_scalar(&values[i], &meta[i], &meta_after[i], n - i, &tail_again) << i;
		*again |= tail_again << i;
	}
	return hits;
}

static const struct hash64_isa hash64_avx2 = {hash64_match_avx2, hash64_locate_avx2, hash64_verdict_avx2};
#undef HASH64_ISA
#define HASH64_ISA hash64_avx2
#endif

#if defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && !defined(__SANITIZE_THREAD__)
static __rte_always_inline unsigned int hash64_match_avx512(const struct hash64_bucket *b, uint64_t key)
{
	return _mm512_mask_cmpeq_epi64_mask((1 << HASH64_WAYS) - 1, _mm512_load_si512(b),
					    _mm512_set1_epi64((long long)key));
}

static __rte_always_inline __m512i hash64_round_avx512(__m512i x, __m512i secret)
{
	const __m512i sum = _mm512_add_epi32(x, secret);
	const __m512i product = _mm512_mul_epu32(sum, _mm512_srli_epi64(sum, 32));

	return _mm512_xor_si512(product, _mm512_rol_epi64(x, 32));
}

static __rte_always_inline void hash64_locate_avx512(const struct hash64 *h, const uint64_t *keys, unsigned int n,
						     const struct hash64_bucket **bucket)
{
	const __m512i seed0 = _mm512_set1_epi64((long long)h->seed[0]),
		      seed1 = _mm512_set1_epi64((long long)h->seed[1]);
	const __m512i base = _mm512_set1_epi64((long long)(uintptr_t)h->bucket);
	const __m512i mask = _mm512_set1_epi64((long long)h->bucket_mask * (long long)sizeof(*h->bucket));

	for (unsigned int i = 0; i < n; i += 8) {
		const __mmask8 lanes = n - i < 8 ? (__mmask8)((1 << (n - i)) - 1) : 0xff;
		const __m512i x = hash64_round_avx512(_mm512_maskz_loadu_epi64(lanes, &keys[i]), seed0);
		const __m512i at = _mm512_and_si512(_mm512_srli_epi64(hash64_round_avx512(x, seed1), 26), mask);

		_mm512_storeu_si512(&bucket[i], _mm512_add_epi64(at, base));
	}
}

static __rte_always_inline uint64_t hash64_verdict_avx512(const uint32_t *values, const uint32_t *meta,
							  const uint32_t *meta_after, unsigned int n, uint64_t *again)
{
	const __m512i count = _mm512_set1_epi32(HASH64_META_COUNT);
	uint64_t hits = 0;

	*again = 0;
	for (unsigned int i = 0; i < n; i += 16) {
		const __mmask16 lanes = n - i < 16 ? (__mmask16)((1 << (n - i)) - 1) : 0xffff;
		const __m512i v = _mm512_maskz_loadu_epi32(lanes, &values[i]);
		const __m512i m = _mm512_maskz_loadu_epi32(lanes, &meta[i]);
		const __mmask16 changed = _mm512_mask_cmpneq_epi32_mask(lanes, m, _mm512_loadu_si512(&meta_after[i]));
		const __mmask16 hit = _mm512_test_epi32_mask(v, v);
		const __mmask16 displaced = _mm512_test_epi32_mask(m, count);

		hits |= (uint64_t)hit << i;
		*again |= (uint64_t)(uint16_t)(changed | (displaced & ~hit)) << i;
	}
	return hits;
}

static const struct hash64_isa hash64_avx512 = {hash64_match_avx512, hash64_locate_avx512, hash64_verdict_avx512};
#undef HASH64_ISA
#define HASH64_ISA hash64_avx512
#endif

#endif
