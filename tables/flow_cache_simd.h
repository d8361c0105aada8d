/* SPDX-License-Identifier: BSD-3-Clause */
// The vector bodies of the flow cache's look-ups, for flow_cache.h alone; it says what each does and has their scalar
// twins.
//
// Design: AVX-512, one window to a vector, and eight lanes to a vector of what is known of them. Masked loads read no
// byte beyond a frame.
#ifndef FLOW_CACHE_SIMD_H
#define FLOW_CACHE_SIMD_H

#define FLOW_CACHE_ISA flow_cache_scalar

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#include <immintrin.h>

// Whether eight frames are IPv4 without tags, of any shape that such have; type: bytes 12..19, fragment: bytes 20..27
// of each. *classes receives the shapes of those that are.
static __rte_always_inline __mmask8 flow_cache_ip4_avx512(__m512i type, __m512i fragment, __m512i len, __m512i *classes)
{
	const __m512i type_ihl = _mm512_and_si512(type, _mm512_set1_epi64(0xffffff));
	const __m512i proto = _mm512_and_si512(_mm512_srli_epi64(fragment, 24), _mm512_set1_epi64(0xff));
	// The total length is bytes 16 and 17; all other bytes of the shuffle are 0.
	const __m512i total = _mm512_shuffle_epi8(type, _mm512_set1_epi64((long long)0x8080808080800405));
	const __m512i l3_len = _mm512_sub_epi64(len, _mm512_set1_epi64(14));
	// What must be there, and in the upper half the class.
	__m512i need = _mm512_set1_epi64(20 | (long long)FLOW_CLASS_IP4 << 32);

#define FLOW_CACHE_PROTO(number, bytes, class)                                                                         \
	need = _mm512_mask_mov_epi64(need, _mm512_cmpeq_epi64_mask(proto, _mm512_set1_epi64(number)),                  \
				     _mm512_set1_epi64((20 + (bytes)) | (long long)(class) << 32))
	FLOW_CACHE_PROTO(1, 8, FLOW_CLASS_IP4_ICMP);
	FLOW_CACHE_PROTO(6, 20, FLOW_CLASS_IP4_PORTS);
	FLOW_CACHE_PROTO(17, 8, FLOW_CLASS_IP4_PORTS);
	FLOW_CACHE_PROTO(132, 12, FLOW_CLASS_IP4_PORTS);
#undef FLOW_CACHE_PROTO
	*classes = _mm512_srli_epi64(need, 32);
	return _mm512_cmpeq_epi64_mask(type_ihl, _mm512_set1_epi64(0x450008)) &
	       _mm512_testn_epi64_mask(fragment, _mm512_set1_epi64(0xff3f)) &
	       _mm512_cmpge_epi64_mask(_mm512_min_epi64(total, l3_len),
				       _mm512_and_si512(need, _mm512_set1_epi64(UINT32_MAX)));
}

// IPv4 without tags, eight frames at once and whatever their protocols; the others one by one.
static __rte_always_inline uint64_t flow_cache_shapes_avx512(struct flow_cache_burst *b, uint64_t lanes)
{
	uint64_t type[FLOW_CACHE_BURST], fragment[FLOW_CACHE_BURST], known = 0;

	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		type[i] = 0;
		if (unlikely(b->len[i] < 34))
			continue;
		memcpy(&type[i], b->data[i] + 12, sizeof(type[i]));
		memcpy(&fragment[i], b->data[i] + 20, sizeof(fragment[i]));
	}
	for (unsigned int i = 0; i < FLOW_CACHE_BURST; i += 8) {
		const __m512i len = _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)&b->len[i]));
		__m512i classes;

		if ((lanes >> i & 0xff) == 0)
			continue;
		known |= (uint64_t)flow_cache_ip4_avx512(_mm512_loadu_si512(&type[i]), _mm512_loadu_si512(&fragment[i]),
							 len, &classes)
			 << i;
		_mm_storel_epi64((__m128i *)&b->shape[i], _mm512_cvtepi64_epi8(classes));
	}
	known &= lanes;
	return known == lanes ? known : known | flow_cache_shapes_scalar(b, lanes & ~known);
}

// The sums of the eight words of each of eight vectors.
static __rte_always_inline __m512i flow_cache_sums_avx512(const __m512i v[8])
{
	__m512i pair[4], quad[2];

	for (unsigned int i = 0; i < 4; i++)
		pair[i] = _mm512_add_epi64(_mm512_unpacklo_epi64(v[2 * i], v[2 * i + 1]),
					   _mm512_unpackhi_epi64(v[2 * i], v[2 * i + 1]));
	for (unsigned int i = 0; i < 2; i++)
		quad[i] = _mm512_add_epi64(_mm512_shuffle_i64x2(pair[2 * i], pair[2 * i + 1], 0x88),
					   _mm512_shuffle_i64x2(pair[2 * i], pair[2 * i + 1], 0xdd));

	const __m512i sum = _mm512_add_epi64(_mm512_shuffle_i64x2(quad[0], quad[1], 0x88),
					     _mm512_shuffle_i64x2(quad[0], quad[1], 0xdd));

	return sum;
}

// The products that a key's hash is the sum of; keeps the key.
static __rte_always_inline __m512i flow_cache_products_avx512(struct flow_cache *c, const uint8_t mask[FLOW_WINDOW],
							      const uint8_t *data, __mmask64 bytes, uint16_t context,
							      struct flow_cache_key *key)
{
	const __m512i frame = _mm512_maskz_loadu_epi8(bytes, data);
	const __m512i whole = _mm512_mask_set1_epi16(frame, UINT32_C(1) << 31, (short)context);
	const __m512i w = _mm512_and_si512(whole, _mm512_load_si512(mask));
	const __m512i sum = _mm512_add_epi32(w, _mm512_load_si512(&c->secret));

	_mm512_store_si512(key, w);
	return _mm512_mul_epu32(sum, _mm512_srli_epi64(sum, 32));
}

static __rte_always_inline void flow_cache_keys_avx512(struct flow_cache *c, const struct flow_window_masks *masks,
						       struct flow_cache_burst *b, uint64_t keyed)
{
	const __m512i salt = _mm512_set1_epi64((long long)c->salt);
	const __m512i set_mask = _mm512_set1_epi64((long long)c->set_mask);
	const __m512i sets = _mm512_set1_epi64((long long)(uintptr_t)c->set);
	const __m512i ones = _mm512_set1_epi64(-1), all = _mm512_set1_epi64(64),
		      most = _mm512_set1_epi64(FLOW_WINDOW_DATA);
	__m512i product[8] = {0};
	uint64_t bytes[8];

	for (unsigned int i = 0; i < FLOW_CACHE_BURST; i += 8) {
		const __m512i len = _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)&b->len[i]));

		if ((keyed >> i & 0xff) == 0)
			continue;
		_mm512_storeu_si512(bytes, _mm512_srlv_epi64(ones, _mm512_sub_epi64(all, _mm512_min_epi64(len, most))));
		for (uint64_t m = keyed >> i & 0xff; m != 0; m &= m - 1) {
			const unsigned int k = (unsigned int)__builtin_ctzll(m), lane = i + k;

			product[k] = flow_cache_products_avx512(c, masks->byte[b->shape[lane]], b->data[lane], bytes[k],
								b->context[lane], &c->wanted[lane]);
		}

		// As flow_cache_finish().
		const __m512i sum = flow_cache_sums_avx512(product), salted = _mm512_add_epi32(sum, salt);
		const __m512i hash = _mm512_xor_si512(_mm512_mul_epu32(salted, _mm512_srli_epi64(salted, 32)),
						      _mm512_rol_epi64(sum, 32));
		const __m512i set = _mm512_slli_epi64(_mm512_and_si512(_mm512_srli_epi64(hash, 32), set_mask), 6);

		_mm512_storeu_si512(&c->hash[i], hash);
		_mm512_storeu_si512(&b->place[i], _mm512_add_epi64(sets, set));
		for (uint64_t m = keyed >> i & 0xff; m != 0; m &= m - 1)
			rte_prefetch0((void *)(uintptr_t)b->place[i + (unsigned int)__builtin_ctzll(m)]);
	}
}

static __rte_always_inline uint64_t flow_cache_find_avx512(struct flow_cache *c, struct flow_cache_burst *b,
							   uint64_t keyed, uint32_t *verdict)
{
	// Where a set's keys are, by where the set is: both are in the same order, the keys eight times as large.
	const uint64_t keys = (uint64_t)(uintptr_t)c->key - (uint64_t)(uintptr_t)c->set * FLOW_CACHE_WAYS;
	uint64_t hits = 0;

	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const uint32_t *const half = (const uint32_t *)(uintptr_t)b->place[i];
		const __mmask16 match = _mm512_mask_cmpeq_epi32_mask(
			0xaaaa, _mm512_load_si512(half), _mm512_set1_epi32((int)flow_cache_mark(c, c->hash[i])));
		// Without a match it is the first key of the next set, which is none that belongs into this one.
		const unsigned int at = (unsigned int)__builtin_ctz(match | 1u << 16);

		verdict[i] = half[at - 1];
		b->place[i] = keys + b->place[i] * FLOW_CACHE_WAYS + at / 2 * sizeof(struct flow_cache_key);
		rte_prefetch0((void *)(uintptr_t)b->place[i]);
	}
	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const __mmask8 differ = _mm512_cmpneq_epi64_mask(_mm512_load_si512(&c->wanted[i]),
								 _mm512_load_si512((void *)(uintptr_t)b->place[i]));

		hits |= (uint64_t)(differ == 0) << i;
	}
	for (unsigned int i = 0; i < FLOW_CACHE_BURST; i += 16)
		_mm512_mask_storeu_epi32(&verdict[i], (__mmask16)((keyed & ~hits) >> i), _mm512_setzero_si512());
	return hits;
}

static const struct flow_cache_isa flow_cache_avx512 = {flow_cache_shapes_avx512, flow_cache_keys_avx512,
							flow_cache_find_avx512};
#undef FLOW_CACHE_ISA
#define FLOW_CACHE_ISA flow_cache_avx512
#endif

#endif
