/* SPDX-License-Identifier: BSD-3-Clause */
// The burst: up to 64 packets that stay where they are while bits move between lanes.
//
// Purpose: the one data structure of the fast path. A stage takes the packets whose bit is set in its lane, fills in
// fields, and sets bits in later lanes.
//
// Design: a structure of arrays, one per worker, reused. "All packets go the same way" is a compare of two words; a stage
// with an empty lane costs one test. A stage sets bits in later lanes only, so one pass finishes a burst. The only way to
// lose a packet is burst_drop(), which counts it by reason.
//
// Threads: owned by one worker.
#ifndef BURST_H
#define BURST_H

#include <assert.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define BURST_MAX 64

// In the order of the pipeline: pipeline.c calls one stage for each.
enum lane {
	LANE_INGRESS,
	LANE_BRIDGE,
	LANE_FLOOD,
	LANE_EGRESS,
	LANE_TX,
	LANE_DROP,
	LANE_COUNT,
};

// Packets that came from one queue together: pkt[first] up to the next segment's first.
struct burst_segment {
	uint16_t first;
	uint16_t port_id;
};

struct burst {
	uint64_t lane[LANE_COUNT]; // bit i: packet i waits for that stage
	uint32_t n;
	uint32_t nsegments;
	uint64_t tagged;   // bit i: an 802.1Q or 802.1ad tag is outermost
	uint64_t priority; // bit i: that tag has VID 0, yet the packet is in a VLAN of its own number
	uint64_t segment;  // bit i: to be split by TCP segmentation before it is sent
	struct rte_mbuf *pkt[BURST_MAX];
	uint64_t dmac_key[BURST_MAX]; // destination MAC << 16 | domain, see fdb.h
	uint64_t smac_key[BURST_MAX]; // source MAC << 16 | domain
	uint16_t in_port[BURST_MAX];
	uint16_t out_port[BURST_MAX];
	uint16_t vid[BURST_MAX]; // the VLAN of its domain; VLAN_NONE in a rest domain
	struct burst_segment from[BURST_MAX];
} __rte_cache_aligned;

// for (i = each set bit of mask, lowest first)
#define lane_foreach(i, mask)                                                                                            \
	for (uint64_t lane_left_ = (mask); lane_left_ && ((i) = (uint32_t)__builtin_ctzll(lane_left_), 1);             \
	     lane_left_ &= lane_left_ - 1)

// Packets of a full or partial burst: bits 0..n-1.
static inline uint64_t burst_all(uint32_t n)
{
	return n >= BURST_MAX ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

// Takes the packets of a lane: they wait there no longer.
static inline uint64_t lane_take(struct burst *b, enum lane lane)
{
	uint64_t mask = b->lane[lane];

	b->lane[lane] = 0;
	return mask;
}

// Moves packets on from the stage `from` to a later one.
static inline void lane_give(struct burst *b, enum lane from, enum lane to, uint64_t mask)
{
	assert(to > from);
	b->lane[to] |= mask;
}

// Which of v[0..63] equal x. All 64 are read whatever they hold.
static inline uint64_t lanes_equal16_scalar(const uint16_t v[BURST_MAX], uint16_t x)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < BURST_MAX; i++)
		mask |= (uint64_t)(v[i] == x) << i;
	return mask;
}

#ifdef __AVX512BW__
#include <immintrin.h>
static inline uint64_t lanes_equal16(const uint16_t v[BURST_MAX], uint16_t x)
{
	__m512i want = _mm512_set1_epi16((short)x);

	return _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(v), want) |
	       (uint64_t)_mm512_cmpeq_epi16_mask(_mm512_loadu_si512(v + 32), want) << 32;
}
#elif defined(__AVX2__)
#include <immintrin.h>
static inline uint64_t lanes_equal16(const uint16_t v[BURST_MAX], uint16_t x)
{
	__m256i want = _mm256_set1_epi16((short)x);
	uint64_t mask = 0;

	for (uint32_t i = 0; i < BURST_MAX; i += 32) {
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
