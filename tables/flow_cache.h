/* SPDX-License-Identifier: BSD-3-Clause */
// The flow cache of one worker: from what the rules ask of a packet to what was decided about its like before.
//
// Purpose: the answer of all flow tables in the time of one hash look-up, without parsing the packet.
//
// Design: set-associative, eight ways. The key is the masked window of the frame (flow_window.h) with the caller's 16
// bits (the port that it came in by) in its last two bytes, compared in full. A set is one cache line of eight words:
// 16 bits of hash, the epoch in which the entry was made, and the verdict's id; the keys are lines of their own, of
// which a look-up reads the one that the hash points to. The burst is gone through in passes, so that all its sets, and
// then all its keys, are asked for at once.
//   Entries are valid in the epoch in which they were made. The caller hands in the generation of the tables before
//   each
// burst, and any change begins a new epoch: so every entry becomes invalid at once, and with it every id of a verdict.
// Epochs have 16 bits; with each new one a part of the sets is swept, so that what is left of an epoch is gone long
// before its number is used again.
//   Where all ways of a set are in use, a new entry takes one in one of four cases: a scan that never hits costs less,
//   and
// leaves the others' entries more time.
//
// Threads: one.
#ifndef FLOW_CACHE_H
#define FLOW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_prefetch.h>

#include "flow_window.h"
#include "hugemem.h"

#define FLOW_CACHE_BURST 64
#define FLOW_CACHE_WAYS 8
#define FLOW_CACHE_ENTRIES_MIN 64u
#define FLOW_CACHE_ENTRIES_MAX (1u << 26)

struct flow_cache_set {
	uint64_t way[FLOW_CACHE_WAYS]; // epoch << 48 | tag << 32 | verdict; epoch 0: free
} __rte_cache_aligned;

struct flow_cache_key {
	uint64_t word[FLOW_WINDOW / sizeof(uint64_t)];
} __rte_cache_aligned;

struct flow_cache {
	struct flow_cache_set *set; // [set_mask + 1]
	struct flow_cache_key *key; // [(set_mask + 1) * FLOW_CACHE_WAYS]
	uint32_t set_mask;
	uint32_t epoch; // 1..65535
	struct flow_cache_key secret;
	uint64_t salt;
	uint64_t generation;
	uint32_t sweep, sweep_sets; // the set to be swept next; how many are with each new epoch
	uint32_t turn;              // which way goes next where all are in use
	uint64_t evicted;           // entries that were valid and made room
	uint64_t flushes;           // epochs
	struct hugemem mem;

	// Of the last look-up, for insertions: lanes that have a key, their keys and hashes.
	uint64_t keyed;
	uint64_t hash[FLOW_CACHE_BURST];
	struct flow_cache_key wanted[FLOW_CACHE_BURST];
};

// Creates an empty cache. entries: FLOW_CACHE_ENTRIES_MIN..MAX, rounded up to a power of two; 72 bytes each. seed of
// the hash function, 0: random, as it is to be wherever packets come from outside. 0, -EINVAL or -ENOMEM.
int flow_cache_create(struct flow_cache **out, uint32_t entries, uint64_t seed);
void flow_cache_destroy(struct flow_cache *c);

uint32_t flow_cache_entries(const struct flow_cache *c);
uint64_t flow_cache_memory_bytes(const struct flow_cache *c);

// Begins a new epoch: nothing that is in the cache counts any more. For when the caller's verdicts have to go while the
// tables stay as they are. Cost: a constant few lines.
void flow_cache_flush(struct flow_cache *c);

// Says what the tables' generation is now; returns whether it is another one than before, and everything was flushed.
// To be read before the tables are, and called before each look-up: then what is found was decided by these tables.
static __rte_always_inline bool flow_cache_sync(struct flow_cache *c, uint64_t generation)
{
	if (likely(c->generation == generation))
		return false;
	c->generation = generation;
	flow_cache_flush(c);
	return true;
}

// Keeps a verdict, not 0, for the packets like that of a lane of the last look-up; without effect for a lane that has
// no key. The tables it was decided by must be those of flow_cache_sync().
void flow_cache_insert(struct flow_cache *c, uint32_t lane, uint32_t verdict);

static __rte_always_inline uint64_t flow_cache_finish(uint64_t sum, uint64_t salt)
{
	const uint32_t low = (uint32_t)sum + (uint32_t)salt;
	const uint32_t high = (uint32_t)(sum >> 32) + (uint32_t)(salt >> 32);

	return (uint64_t)low * high ^ (sum >> 32 | sum << 32);
}

static __rte_always_inline uint32_t flow_cache_set_of(const struct flow_cache *c, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & c->set_mask;
}

// The upper half of a way's word.
static __rte_always_inline uint32_t flow_cache_mark(const struct flow_cache *c, uint64_t hash)
{
	return c->epoch << 16 | (uint32_t)(hash >> 8 & 0xffff);
}

// The parts of a look-up that have a vector body in flow_cache_simd.h, and a scalar twin.
struct flow_cache_isa {
	// Makes the key of a frame of a shape, and its hash.
	uint64_t (*key)(const struct flow_cache *c, const uint8_t mask[FLOW_WINDOW], const uint8_t *data, uint32_t len,
			uint16_t context, struct flow_cache_key *key);
	// Which ways have the mark in their upper half.
	unsigned int (*match)(const struct flow_cache_set *s, uint32_t mark);
	bool (*equal)(const struct flow_cache_key *a, const struct flow_cache_key *b);
};

static __rte_always_inline uint64_t flow_cache_key_scalar(const struct flow_cache *c, const uint8_t mask[FLOW_WINDOW],
							  const uint8_t *data, uint32_t len, uint16_t context,
							  struct flow_cache_key *key)
{
	struct flow_cache_key m;
	uint64_t sum = 0;
	uint8_t *const byte = (uint8_t *)key->word;

	memset(key, 0, sizeof(*key));
	if (likely(len >= FLOW_WINDOW_DATA))
		memcpy(byte, data, FLOW_WINDOW_DATA);
	else
		memcpy(byte, data, len);
	memcpy(byte + FLOW_WINDOW_DATA, &context, sizeof(context));
	memcpy(&m, mask, sizeof(m));
	for (unsigned int i = 0; i < RTE_DIM(key->word); i++) {
		const uint64_t w = key->word[i] & m.word[i], s = c->secret.word[i];

		key->word[i] = w;
		sum += (uint64_t)((uint32_t)w + (uint32_t)s) * ((uint32_t)(w >> 32) + (uint32_t)(s >> 32));
	}
	return flow_cache_finish(sum, c->salt);
}

static __rte_always_inline unsigned int flow_cache_match_scalar(const struct flow_cache_set *s, uint32_t mark)
{
	unsigned int match = 0;

	for (unsigned int i = 0; i < FLOW_CACHE_WAYS; i++)
		match |= (unsigned int)(s->way[i] >> 32 == mark) << i;
	return match;
}

static __rte_always_inline bool flow_cache_equal_scalar(const struct flow_cache_key *a, const struct flow_cache_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static const struct flow_cache_isa flow_cache_scalar = {flow_cache_key_scalar, flow_cache_match_scalar,
							flow_cache_equal_scalar};

// Defines FLOW_CACHE_ISA, the best that the compiler may use here.
#include "flow_cache_simd.h"

static __rte_always_inline uint64_t flow_cache_lookup_with(struct flow_cache *c, const struct flow_window_masks *masks,
							   const uint8_t *const data[FLOW_CACHE_BURST],
							   const uint16_t len[FLOW_CACHE_BURST],
							   const uint16_t context[FLOW_CACHE_BURST], uint64_t lanes,
							   uint32_t verdict[FLOW_CACHE_BURST],
							   const struct flow_cache_isa *isa)
{
	uint32_t at[FLOW_CACHE_BURST]; // index of the key that the hash points to
	uint64_t keyed = 0, hits = 0;

	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const uint32_t shape = flow_shape(data[i], len[i]);

		if (unlikely(shape == FLOW_SHAPE_NONE || (masks->shapes >> shape & 1) == 0)) {
			verdict[i] = 0;
			continue;
		}
		c->hash[i] = isa->key(c, masks->byte[shape], data[i], len[i], context[i], &c->wanted[i]);
		rte_prefetch0(&c->set[flow_cache_set_of(c, c->hash[i])]);
		keyed |= m & -m;
	}
	c->keyed = keyed;
	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const uint32_t index = flow_cache_set_of(c, c->hash[i]);
		const unsigned int match = isa->match(&c->set[index], flow_cache_mark(c, c->hash[i]));
		// Without a match the key of the last way is read in vain: no branch that is hard to foretell.
		const unsigned int way = (unsigned int)__builtin_ctz(match | 1u << (FLOW_CACHE_WAYS - 1));

		at[i] = index * FLOW_CACHE_WAYS + way;
		verdict[i] = (uint32_t)c->set[index].way[way] & (0 - (uint32_t)(match != 0));
		rte_prefetch0(&c->key[at[i]]);
	}
	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const bool hit = isa->equal(&c->wanted[i], &c->key[at[i]]) & (verdict[i] != 0);

		verdict[i] &= 0 - (uint32_t)hit;
		hits |= (uint64_t)hit << i;
	}
	return hits;
}

// For each bit i of lanes: verdict[i] becomes what was kept for packets like that of data[i], of which len[i] bytes are
// in one piece, that came with context[i]; 0 if there is none. masks: of the tables that say what happens to it; a
// context always goes with the same masks until flow_cache_sync() sees another generation. Returns the lanes found;
// other lanes are left alone. Cost: see docs/performance.md.
static inline uint64_t flow_cache_lookup_lanes(struct flow_cache *c, const struct flow_window_masks *masks,
					       const uint8_t *const data[FLOW_CACHE_BURST],
					       const uint16_t len[FLOW_CACHE_BURST],
					       const uint16_t context[FLOW_CACHE_BURST], uint64_t lanes,
					       uint32_t verdict[FLOW_CACHE_BURST])
{
	return flow_cache_lookup_with(c, masks, data, len, context, lanes, verdict, &FLOW_CACHE_ISA);
}

#endif
