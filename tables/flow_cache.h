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
// each burst, and any change begins a new epoch: so every entry becomes invalid at once, and with it every id of a
// verdict.
// Epochs have 16 bits; with each new one a part of the sets is swept, so that what is left of an epoch is gone long
// before its number is used again.
//   Where all ways of a set are in use, a new entry takes one in one of four cases: a scan that never hits costs less,
// and leaves the others' entries more time.
//   At first only the first sets are used; twice as many when half of their ways are taken, and half as many after an
// epoch that took few. So few flows lie close together, on few pages, however much room there is. With more sets
// begins a new epoch here, too, while the caller's verdicts stay.
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
#define FLOW_CACHE_ENTRIES_FIRST 4096u // in use at first
#define FLOW_CACHE_ENTRIES_MAX (1u << 26)

struct flow_cache_set {
	uint64_t way[FLOW_CACHE_WAYS]; // epoch << 48 | tag << 32 | verdict; epoch 0: free
} __rte_cache_aligned;

struct flow_cache_key {
	uint64_t word[FLOW_WINDOW / sizeof(uint64_t)];
} __rte_cache_aligned;

struct flow_cache {
	struct flow_cache_set *set; // [sets]
	struct flow_cache_key *key; // [sets * FLOW_CACHE_WAYS + 1]; the last one is nobody's
	uint32_t sets;
	uint32_t set_mask; // of those in use
	uint32_t taken;    // ways, in this epoch
	uint32_t epoch;    // 1..65535
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

// Creates an empty cache. entries: FLOW_CACHE_ENTRIES_MIN..MAX, rounded up to a power of two; 72 bytes each. seed: of
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

// A burst under way, by lane.
struct flow_cache_burst {
	const uint8_t *const *data;
	const uint16_t *len, *context;
	uint8_t shape[FLOW_CACHE_BURST];
	uint64_t place[FLOW_CACHE_BURST]; // addresses: of the set, and then of the key that its mark points to
};

// The parts of a look-up that have a vector body in flow_cache_simd.h, and a scalar twin.
struct flow_cache_isa {
	// Finds the shapes of frames, and returns the lanes that have one.
	uint64_t (*shapes)(struct flow_cache_burst *b, uint64_t lanes);
	// Makes keys and hashes, and asks for the sets.
	void (*keys)(struct flow_cache *c, const struct flow_window_masks *masks, struct flow_cache_burst *b,
		     uint64_t keyed);
	// Looks for the marks in the sets, and asks for the keys; and reads those. The verdicts of lanes that are no
	// hit become 0.
	uint64_t (*find)(struct flow_cache *c, struct flow_cache_burst *b, uint64_t keyed, uint32_t *verdict);
};

static __rte_always_inline uint64_t flow_cache_shapes_scalar(struct flow_cache_burst *b, uint64_t lanes)
{
	uint64_t keyed = 0;

	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const uint32_t shape = flow_shape(b->data[i], b->len[i]);

		b->shape[i] = (uint8_t)shape;
		keyed |= (uint64_t)(shape != FLOW_SHAPE_NONE) << i;
	}
	return keyed;
}

// Bytes 8 * i .. 8 * i + 7 of a frame; those from len on, which is 8 or more, are 0 and not read.
static __rte_always_inline uint64_t flow_cache_word(const uint8_t *data, uint32_t len, uint32_t i)
{
	const uint32_t end = 8 * i + 8;
	uint64_t word = 0;

	if (len >= end) {
		memcpy(&word, data + end - 8, sizeof(word));
	} else if (len > end - 8) {
		memcpy(&word, data + len - 8, sizeof(word));
		word >>= 8 * (end - len);
	}
	return word;
}

static __rte_always_inline uint64_t flow_cache_key_scalar(const struct flow_cache *c, const uint8_t mask[FLOW_WINDOW],
							  const uint8_t *data, uint32_t len, uint16_t context,
							  struct flow_cache_key *key)
{
	const uint32_t last = RTE_DIM(key->word) - 1;
	struct flow_cache_key m;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < last; i++)
		key->word[i] = flow_cache_word(data, len, i);
	// The last two bytes are the caller's.
	key->word[last] = flow_cache_word(data, RTE_MIN(len, (uint32_t)FLOW_WINDOW_DATA), last) | (uint64_t)context
													  << 48;
	memcpy(&m, mask, sizeof(m));
	for (uint32_t i = 0; i <= last; i++) {
		const uint64_t w = key->word[i] & m.word[i], s = c->secret.word[i];

		key->word[i] = w;
		sum += (uint64_t)((uint32_t)w + (uint32_t)s) * ((uint32_t)(w >> 32) + (uint32_t)(s >> 32));
	}
	return flow_cache_finish(sum, c->salt);
}

static __rte_always_inline void flow_cache_keys_scalar(struct flow_cache *c, const struct flow_window_masks *masks,
						       struct flow_cache_burst *b, uint64_t keyed)
{
	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		c->hash[i] = flow_cache_key_scalar(c, masks->byte[b->shape[i]], b->data[i], b->len[i], b->context[i],
						   &c->wanted[i]);
		b->place[i] = (uint64_t)(uintptr_t)&c->set[flow_cache_set_of(c, c->hash[i])];
		rte_prefetch0((void *)(uintptr_t)b->place[i]);
	}
}

static __rte_always_inline unsigned int flow_cache_match_scalar(const struct flow_cache_set *s, uint32_t mark)
{
	unsigned int match = 0;

	for (unsigned int i = 0; i < FLOW_CACHE_WAYS; i++)
		match |= (unsigned int)(s->way[i] >> 32 == mark) << i;
	return match;
}

static __rte_always_inline uint64_t flow_cache_find_scalar(struct flow_cache *c, struct flow_cache_burst *b,
							   uint64_t keyed, uint32_t *verdict)
{
	uint64_t hits = 0;

	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const struct flow_cache_set *const s = (const struct flow_cache_set *)(uintptr_t)b->place[i];
		const unsigned int match = flow_cache_match_scalar(s, flow_cache_mark(c, c->hash[i]));
		const unsigned int way = (unsigned int)__builtin_ctz(match | 1u << (FLOW_CACHE_WAYS - 1));

		verdict[i] = (uint32_t)s->way[way] & (0 - (uint32_t)(match != 0));
		b->place[i] = (uint64_t)(uintptr_t)&c->key[flow_cache_set_of(c, c->hash[i]) * FLOW_CACHE_WAYS + way];
		rte_prefetch0((void *)(uintptr_t)b->place[i]);
	}
	for (uint64_t m = keyed; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const bool equal = memcmp(&c->wanted[i], (void *)(uintptr_t)b->place[i], sizeof(c->wanted[i])) == 0;

		verdict[i] &= 0 - (uint32_t)equal;
		hits |= (uint64_t)(verdict[i] != 0) << i;
	}
	return hits;
}

static const struct flow_cache_isa flow_cache_scalar = {flow_cache_shapes_scalar, flow_cache_keys_scalar,
							flow_cache_find_scalar};

// Defines FLOW_CACHE_ISA, the best that the compiler may use here.
#include "flow_cache_simd.h"

static __rte_always_inline uint64_t flow_cache_lookup_with(struct flow_cache *c, const struct flow_window_masks *masks,
							   const uint8_t *const data[FLOW_CACHE_BURST],
							   const uint16_t len[FLOW_CACHE_BURST],
							   const uint16_t context[FLOW_CACHE_BURST], uint64_t lanes,
							   uint32_t verdict[FLOW_CACHE_BURST],
							   const struct flow_cache_isa *isa)
{
	struct flow_cache_burst b = {.data = data, .len = len, .context = context};
	uint64_t keyed = isa->shapes(&b, lanes);

	// Seldom does anything lie outside of the window.
	if (unlikely(masks->shapes != FLOW_SHAPES_ALL))
		for (uint64_t m = keyed; m != 0; m &= m - 1)
			if ((masks->shapes >> b.shape[__builtin_ctzll(m)] & 1) == 0)
				keyed &= ~(m & -m);
	c->keyed = keyed;
	isa->keys(c, masks, &b, keyed);
	for (uint64_t m = lanes & ~keyed; m != 0; m &= m - 1)
		verdict[__builtin_ctzll(m)] = 0;
	return isa->find(c, &b, keyed, verdict);
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
