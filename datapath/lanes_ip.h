/* SPDX-License-Identifier: BSD-3-Clause */
// Tests of all lanes' IP headers at once, as bit masks: what lanes.h is for frames.
//
// Design: the headers lie in arrays of words as they were loaded, so in network order within each word. A test finds
// the lanes that a stage must look at closer; those it passes are as RFC 1812 (5.2.2, 5.3.7) and RFC 4291 (2.5) want
// packets to be that are to be forwarded. What is found odd may still be good: it has options, padding or a link-local
// address.
//
// Threads: pure functions.
#ifndef LANES_IP_H
#define LANES_IP_H

#include "lanes.h"

// IPv4 headers without options. `len` is in bytes from the header to the end of the frame.
struct lanes_ip4 {
	uint64_t head[LANES]; // version, length, identification, fragment
	uint64_t tail[LANES]; // time to live, protocol, checksum, source
	uint32_t dst[LANES];
	uint32_t len[LANES];
} __rte_cache_aligned;

// IPv6 headers; the lower half of the source plays no part.
struct lanes_ip6 {
	uint64_t head[LANES]; // version, class, flow label, payload length, next header, hop limit
	uint64_t src[LANES];  // upper half
	uint64_t dst[2][LANES];
	uint32_t len[LANES];
} __rte_cache_aligned;

// 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3: never a source, nor a destination of what is routed. And 169.254.0.0/16, which
// is not forwarded (RFC 3927, 2.7).
static inline bool ip4_is_odd(uint32_t addr_be)
{
	const uint32_t low = rte_le_to_cpu_32(addr_be), first = low & 0xff;

	return first - 1 >= 223 || first == 127 || (low & 0xffff) == 0xfea9;
}

// ::/64, which has the unspecified, the loopback and the mapped addresses, ff00::/8, fe80::/10.
static inline bool ip6_is_odd(uint64_t upper)
{
	return !upper || (upper & 0xff) == 0xff || (upper & 0xc0ff) == 0x80fe;
}

// Which of the first n lanes are odd. dst comes out in host order.
static inline uint64_t lanes_ip4_odd_scalar(struct lanes_ip4 *h, uint32_t n)
{
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t head = h->head[i], tail = h->tail[i];
		const uint32_t len = rte_bswap16((uint16_t)(head >> 16));
		uint64_t sum = (uint32_t)head + (head >> 32) + (uint32_t)tail + (tail >> 32) + h->dst[i];

		sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
		sum = (sum & 0xffff) + (sum >> 16);
		odd |= (uint64_t)((head & 0xff) != 0x45 || sum != 0xffff || len != h->len[i] || (tail & 0xff) < 2 ||
				  ip4_is_odd((uint32_t)(tail >> 32)) || ip4_is_odd(h->dst[i]))
		       << i;
		h->dst[i] = rte_bswap32(h->dst[i]);
	}
	return odd;
}

static inline uint64_t lanes_ip6_odd_scalar(struct lanes_ip6 *h, uint32_t n)
{
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t head = h->head[i];
		const uint32_t len = rte_bswap16((uint16_t)(head >> 32)) + 40u;

		odd |= (uint64_t)((head & 0xf0) != 0x60 || len != h->len[i] || head >> 56 < 2 ||
				  ip6_is_odd(h->src[i]) || ip6_is_odd(h->dst[0][i]))
		       << i;
		h->dst[0][i] = rte_bswap64(h->dst[0][i]);
		h->dst[1][i] = rte_bswap64(h->dst[1][i]);
	}
	return odd;
}

// Which of key[0..63] have x for their lower 16 bits.
static inline uint64_t lanes_low16_scalar(const uint64_t key[LANES], uint16_t x)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < LANES; i++)
		mask |= (uint64_t)((uint16_t)key[i] == x) << i;
	return mask;
}

#ifdef __AVX512BW__
// The bytes of each 32- or 64-bit element in reverse.
#define LANES_REVERSE32 _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3))
#define LANES_REVERSE64 _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))

// 16 times ip4_is_odd().
static inline __mmask16 lanes_ip4_addr_odd(__m512i addr)
{
	const __m512i first = _mm512_and_si512(addr, _mm512_set1_epi32(0xff));
	const __m512i two = _mm512_and_si512(addr, _mm512_set1_epi32(0xffff));

	return _mm512_cmpge_epu32_mask(_mm512_sub_epi32(first, _mm512_set1_epi32(1)), _mm512_set1_epi32(223)) |
	       _mm512_cmpeq_epi32_mask(first, _mm512_set1_epi32(127)) |
	       _mm512_cmpeq_epi32_mask(two, _mm512_set1_epi32(0xfea9));
}

// The halves of eight 64-bit words, added.
static inline __m512i lanes_halves_sum(__m512i words)
{
	return _mm512_add_epi64(_mm512_and_si512(words, _mm512_set1_epi64(0xffffffff)), _mm512_srli_epi64(words, 32));
}

// Which of eight headers are odd but for their addresses. dst, len: 32 bits in each 64.
static inline __mmask8 lanes_ip4_header_odd(__m512i head, __m512i tail, __m512i dst, __m512i len)
{
	const __m512i low16 = _mm512_set1_epi64(0xffff), low8 = _mm512_set1_epi64(0xff);
	__m512i sum = _mm512_add_epi64(_mm512_add_epi64(lanes_halves_sum(head), lanes_halves_sum(tail)), dst);
	const __m512i said = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi64(head, 24), low8),
					     _mm512_and_si512(_mm512_srli_epi64(head, 8), _mm512_set1_epi64(0xff00)));

	sum = _mm512_add_epi64(
		_mm512_and_si512(sum, low16),
		_mm512_add_epi64(_mm512_and_si512(_mm512_srli_epi64(sum, 16), low16), _mm512_srli_epi64(sum, 32)));
	sum = _mm512_add_epi64(_mm512_and_si512(sum, low16), _mm512_srli_epi64(sum, 16));
	return _mm512_cmpneq_epi64_mask(sum, low16) | _mm512_cmpneq_epi64_mask(said, len) |
	       _mm512_cmpneq_epi64_mask(_mm512_and_si512(head, low8), _mm512_set1_epi64(0x45)) |
	       _mm512_cmplt_epu64_mask(_mm512_and_si512(tail, low8), _mm512_set1_epi64(2));
}

static inline uint64_t lanes_ip4_odd(struct lanes_ip4 *h, uint32_t n)
{
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i += 16) {
		const __m512i tail[2] = {_mm512_loadu_si512(h->tail + i), _mm512_loadu_si512(h->tail + i + 8)};
		const __m512i dst = _mm512_loadu_si512(h->dst + i);
		const __m512i src = _mm512_inserti64x4(
			_mm512_castsi256_si512(_mm512_cvtepi64_epi32(_mm512_srli_epi64(tail[0], 32))),
			_mm512_cvtepi64_epi32(_mm512_srli_epi64(tail[1], 32)), 1);
		__mmask16 bad = lanes_ip4_addr_odd(src) | lanes_ip4_addr_odd(dst);

		for (uint32_t k = 0; k < 2; k++) {
			const __m256i *to = (const __m256i *)(h->dst + i + 8 * k);
			const __m256i *len = (const __m256i *)(h->len + i + 8 * k);

			bad |= (__mmask16)(lanes_ip4_header_odd(_mm512_loadu_si512(h->head + i + 8 * k), tail[k],
								_mm512_cvtepu32_epi64(_mm256_loadu_si256(to)),
								_mm512_cvtepu32_epi64(_mm256_loadu_si256(len)))
					   << 8 * k);
		}
		_mm512_storeu_si512(h->dst + i, _mm512_shuffle_epi8(dst, LANES_REVERSE32));
		odd |= (uint64_t)bad << i;
	}
	return odd & lanes_range(0, n);
}

// Eight times ip6_is_odd().
static inline __mmask8 lanes_ip6_addr_odd(__m512i upper)
{
	return _mm512_testn_epi64_mask(upper, upper) |
	       _mm512_cmpeq_epi64_mask(_mm512_and_si512(upper, _mm512_set1_epi64(0xff)), _mm512_set1_epi64(0xff)) |
	       _mm512_cmpeq_epi64_mask(_mm512_and_si512(upper, _mm512_set1_epi64(0xc0ff)), _mm512_set1_epi64(0x80fe));
}

static inline uint64_t lanes_ip6_odd(struct lanes_ip6 *h, uint32_t n)
{
	const __m512i low8 = _mm512_set1_epi64(0xff);
	uint64_t odd = 0;

	for (uint32_t i = 0; i < n; i += 8) {
		const __m512i head = _mm512_loadu_si512(h->head + i), to = _mm512_loadu_si512(h->dst[0] + i);
		const __m512i len = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(h->len + i)));
		const __m512i said =
			_mm512_or_si512(_mm512_and_si512(_mm512_srli_epi64(head, 40), low8),
					_mm512_and_si512(_mm512_srli_epi64(head, 24), _mm512_set1_epi64(0xff00)));
		const __mmask8 bad = _mm512_cmpneq_epi64_mask(_mm512_add_epi64(said, _mm512_set1_epi64(40)), len) |
				     _mm512_cmpneq_epi64_mask(_mm512_and_si512(head, _mm512_set1_epi64(0xf0)),
							      _mm512_set1_epi64(0x60)) |
				     _mm512_cmplt_epu64_mask(_mm512_srli_epi64(head, 56), _mm512_set1_epi64(2)) |
				     lanes_ip6_addr_odd(_mm512_loadu_si512(h->src + i)) | lanes_ip6_addr_odd(to);

		_mm512_storeu_si512(h->dst[0] + i, _mm512_shuffle_epi8(to, LANES_REVERSE64));
		_mm512_storeu_si512(h->dst[1] + i,
				    _mm512_shuffle_epi8(_mm512_loadu_si512(h->dst[1] + i), LANES_REVERSE64));
		odd |= (uint64_t)bad << i;
	}
	return odd & lanes_range(0, n);
}

static inline uint64_t lanes_low16(const uint64_t key[LANES], uint16_t x)
{
	const __m512i low = _mm512_set1_epi64(0xffff), want = _mm512_set1_epi64(x);
	uint64_t mask = 0;

	for (uint32_t i = 0; i < LANES; i += 8)
		mask |= (uint64_t)_mm512_cmpeq_epi64_mask(_mm512_and_si512(_mm512_loadu_si512(key + i), low), want)
			<< i;
	return mask;
}
#else
#define lanes_ip4_odd lanes_ip4_odd_scalar
#define lanes_ip6_odd lanes_ip6_odd_scalar
#define lanes_low16 lanes_low16_scalar
#endif

#endif
