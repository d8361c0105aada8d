/* SPDX-License-Identifier: BSD-3-Clause */
// The vector bodies of the flow cache's look-ups, for flow_cache.h alone; it says what each does and has their scalar
// twins.
//
// Design: AVX-512, one window to a vector. The masked load reads no byte beyond the frame.
#ifndef FLOW_CACHE_SIMD_H
#define FLOW_CACHE_SIMD_H

#define FLOW_CACHE_ISA flow_cache_scalar

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>

static __rte_always_inline uint64_t flow_cache_key_avx512(const struct flow_cache *c, const uint8_t mask[FLOW_WINDOW],
							  const uint8_t *data, uint32_t len, uint16_t context,
							  struct flow_cache_key *key)
{
	const uint32_t n = RTE_MIN(len, (uint32_t)FLOW_WINDOW_DATA);
	const __m512i frame = _mm512_maskz_loadu_epi8(UINT64_MAX >> (64 - n), data);
	const __m512i whole = _mm512_mask_set1_epi16(frame, UINT32_C(1) << 31, (short)context);
	const __m512i w = _mm512_and_si512(whole, _mm512_load_si512(mask));
	const __m512i sum = _mm512_add_epi32(w, _mm512_load_si512(&c->secret));
	const __m512i product = _mm512_mul_epu32(sum, _mm512_srli_epi64(sum, 32));

	_mm512_store_si512(key, w);
	return flow_cache_finish((uint64_t)_mm512_reduce_add_epi64(product), c->salt);
}

static __rte_always_inline unsigned int flow_cache_match_avx512(const struct flow_cache_set *s, uint32_t mark)
{
	const __m512i marks = _mm512_srli_epi64(_mm512_load_si512(s), 32);

	return _mm512_cmpeq_epi64_mask(marks, _mm512_set1_epi64(mark));
}

static __rte_always_inline bool flow_cache_equal_avx512(const struct flow_cache_key *a, const struct flow_cache_key *b)
{
	return _mm512_cmpneq_epi64_mask(_mm512_load_si512(a), _mm512_load_si512(b)) == 0;
}

static const struct flow_cache_isa flow_cache_avx512 = {flow_cache_key_avx512, flow_cache_match_avx512,
							flow_cache_equal_avx512};
#undef FLOW_CACHE_ISA
#define FLOW_CACHE_ISA flow_cache_avx512
#endif

#endif
