/* SPDX-License-Identifier: BSD-3-Clause */
// Tests of all lanes of a burst at once, as bit masks.
//
// Design: each is a loop over a burst's arrays; the one with _scalar is the meaning, and its AVX-512 (for lanes_equal16
// also AVX2) twin is what runs on CPUs that have it. test_lanes compares the twins. Arrays are read in whole vectors,
// so what lies behind packet n is read and ignored.
//
// Threads: pure functions.
#ifndef LANES_H
#define LANES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#define LANES 64 // BURST_MAX
#define LANES_MAC_MASK UINT64_C(0xffffffffffff)
#define LANES_RESERVED_MASK UINT64_C(0xf0ffffffffff) // as loaded little-endian: 01:80:c2:00:00:0X
#define LANES_RESERVED_MAC UINT64_C(0x000000c28001)

static inline bool type_is_vlan(uint16_t type_be)
{
	return type_be == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type_be == RTE_BE16(RTE_ETHER_TYPE_QINQ);
}

// Bits first..end-1.
static inline uint64_t lanes_range(uint32_t first, uint32_t end)
{
	uint64_t below = end >= LANES ? UINT64_MAX : (UINT64_C(1) << end) - 1;

	return first >= LANES ? 0 : below & (UINT64_MAX << first);
}

// Which of v[0..63] equal x.
static inline uint64_t lanes_equal16_scalar(const uint16_t v[LANES], uint16_t x)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < LANES; i++)
		mask |= (uint64_t)(v[i] == x) << i;
	return mask;
}

// Turns the frames' first words into look-up keys. dst[i]: the 8 bytes from the destination MAC on, src[i]: the 8 from
// the source MAC on (so with the EtherType); both become MAC << 16 | domain for i = first..end-1, and type[i] the
// EtherType, in network order. Returns those of them that a stage must look at closer: a group or zero source, a
// reserved destination, a VLAN tag.
static inline uint64_t lanes_keys_scalar(uint64_t dst[LANES], uint64_t src[LANES], uint16_t type[LANES], uint32_t first,
					 uint32_t end, uint16_t domain)
{
	uint64_t odd = 0;

	for (uint32_t i = first; i < end; i++) {
		uint64_t d = dst[i] & LANES_MAC_MASK, s = src[i] & LANES_MAC_MASK;
		bool is_odd = (s & 1) | !s | ((d & LANES_RESERVED_MASK) == LANES_RESERVED_MAC) |
			      type_is_vlan((uint16_t)(src[i] >> 48));

		odd |= (uint64_t)is_odd << i;
		type[i] = (uint16_t)(src[i] >> 48);
		dst[i] = d << 16 | domain;
		src[i] = s << 16 | domain;
	}
	return odd;
}

// Which of a[0..63] equal b[0..63].
static inline uint64_t lanes_match16_scalar(const uint16_t a[LANES], const uint16_t b[LANES])
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < LANES; i++)
		mask |= (uint64_t)(a[i] == b[i]) << i;
	return mask;
}

// Which of the first n lanes' values are not "behind the port it came from, seen this second".
static inline uint64_t lanes_moved_scalar(const uint32_t value[LANES], const uint16_t in_port[LANES], uint16_t now_s,
					  uint32_t n)
{
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i++)
		odd |= (uint64_t)(value[i] != ((uint32_t)in_port[i] << 16 | now_s)) << i;
	return odd;
}

// out_port[i] = port of value[i] for the first n lanes. Lanes from n on may be written too.
static inline void lanes_ports_scalar(uint16_t out_port[LANES], const uint32_t value[LANES], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out_port[i] = (uint16_t)(value[i] >> 16);
}

// v[i] = x for the lanes of mask.
static inline void lanes_set32(uint32_t v[LANES], uint64_t mask, uint32_t x)
{
	for (; mask; mask &= mask - 1)
		v[__builtin_ctzll(mask)] = x;
}

// Whether the first n (at least 1) keys are all the same.
static inline bool lanes_same64_scalar(const uint64_t key[LANES], uint32_t n)
{
	uint64_t differ = 0;

	for (uint32_t i = 1; i < n; i++)
		differ |= key[i] ^ key[0];
	return !differ;
}

#ifdef __AVX512BW__
static inline uint64_t lanes_equal16(const uint16_t v[LANES], uint16_t x)
{
	__m512i want = _mm512_set1_epi16((short)x);

	return _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(v), want) |
	       (uint64_t)_mm512_cmpeq_epi16_mask(_mm512_loadu_si512(v + 32), want) << 32;
}

static inline uint64_t lanes_match16(const uint16_t a[LANES], const uint16_t b[LANES])
{
	return _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(a), _mm512_loadu_si512(b)) |
	       (uint64_t)_mm512_cmpeq_epi16_mask(_mm512_loadu_si512(a + 32), _mm512_loadu_si512(b + 32)) << 32;
}

static inline uint64_t lanes_keys(uint64_t dst[LANES], uint64_t src[LANES], uint16_t type[LANES], uint32_t first,
				  uint32_t end, uint16_t domain)
{
	const __m512i low = _mm512_set1_epi64(domain);
	const __m512i group = _mm512_set1_epi64(1 << 16), mac = _mm512_set1_epi64((long long)(LANES_MAC_MASK << 16));
	const __m512i reserved_mask = _mm512_set1_epi64((long long)(LANES_RESERVED_MASK << 16));
	const __m512i reserved = _mm512_set1_epi64((long long)(LANES_RESERVED_MAC << 16));
	const __m512i vlan = _mm512_set1_epi64(RTE_BE16(RTE_ETHER_TYPE_VLAN));
	const __m512i qinq = _mm512_set1_epi64(RTE_BE16(RTE_ETHER_TYPE_QINQ));
	uint64_t odd = 0;

	for (uint32_t i = first & ~7U; i < end; i += 8) {
		// Lanes before `first` belong to another segment and are keys already.
		__mmask8 ours = (__mmask8)(lanes_range(first, end) >> i);
		__m512i s = _mm512_loadu_si512(src + i), t = _mm512_srli_epi64(s, 48);
		__m512i d = _mm512_slli_epi64(_mm512_loadu_si512(dst + i), 16);
		__mmask8 tagged = _mm512_cmpeq_epi64_mask(t, vlan) | _mm512_cmpeq_epi64_mask(t, qinq);

		s = _mm512_slli_epi64(s, 16);
		__mmask8 bad = _mm512_test_epi64_mask(s, group) | _mm512_testn_epi64_mask(s, mac) |
			       _mm512_cmpeq_epi64_mask(_mm512_and_si512(d, reserved_mask), reserved);

		_mm_mask_storeu_epi16(type + i, ours, _mm512_cvtepi64_epi16(t));
		_mm512_mask_storeu_epi64(dst + i, ours, _mm512_or_si512(d, low));
		_mm512_mask_storeu_epi64(src + i, ours, _mm512_or_si512(s, low));
		odd |= (uint64_t)((tagged | bad) & ours) << i;
	}
	return odd;
}

static inline uint64_t lanes_moved(const uint32_t value[LANES], const uint16_t in_port[LANES], uint16_t now_s,
				   uint32_t n)
{
	const __m512i now = _mm512_set1_epi32(now_s);
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i += 16) {
		__m512i port = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(in_port + i)));
		__m512i want = _mm512_or_si512(_mm512_slli_epi32(port, 16), now);

		odd |= (uint64_t)_mm512_cmpneq_epi32_mask(_mm512_loadu_si512(value + i), want) << i;
	}
	return odd & lanes_range(0, n);
}

static inline void lanes_ports(uint16_t out_port[LANES], const uint32_t value[LANES], uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 16)
		_mm256_storeu_si256((__m256i *)(out_port + i),
				    _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_loadu_si512(value + i), 16)));
}

static inline bool lanes_same64(const uint64_t key[LANES], uint32_t n)
{
	const __m512i want = _mm512_set1_epi64((long long)key[0]);
	uint64_t same = UINT64_MAX;

	for (uint32_t i = 0; i < n; i += 8) {
		__mmask8 ours = (__mmask8)(lanes_range(0, n) >> i);

		same &= (uint64_t)!_mm512_mask_cmpneq_epi64_mask(ours, want, _mm512_loadu_si512(key + i));
	}
	return same;
}
#else
#define lanes_match16 lanes_match16_scalar
#define lanes_keys lanes_keys_scalar
#define lanes_moved lanes_moved_scalar
#define lanes_ports lanes_ports_scalar
#define lanes_same64 lanes_same64_scalar
#ifdef __AVX2__
static inline uint64_t lanes_equal16(const uint16_t v[LANES], uint16_t x)
{
	__m256i want = _mm256_set1_epi16((short)x);
	uint64_t mask = 0;

	for (uint32_t i = 0; i < LANES; i += 32) {
		__m256i lo = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(v + i)), want);
		__m256i hi = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(v + i + 16)), want);
		// packs works within 128-bit halves; the permutation puts the quarters back in order.
		__m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(lo, hi), 0xd8);

		mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << i;
	}
	return mask;
}
#else
#define lanes_equal16 lanes_equal16_scalar
#endif
#endif

#endif
