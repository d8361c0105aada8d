/* SPDX-License-Identifier: BSD-3-Clause */
// Hash table from 64-bit keys to 32-bit values, both non-zero, for bursts of look-ups by many threads beside one
// writer.
//
// Purpose: the look-up of a packet's address in one cache line, with as many of those lines in flight at once as the
// CPU can hold, while another thread inserts, removes and moves entries.
//
// Design: buckets of one cache line with five entries each. A key has two buckets, the primary and the alternate one,
// and lives in one of them (bucketed cuckoo hashing: Pagh and Rodler 2004; the search for a chain of moves that makes
// room goes breadth first, as in MemC3, Fan et al. 2013). A bucket counts the keys whose primary bucket it is and that
// live in their alternate one; where that is 0, a look-up that finds nothing ends after one line.
//
// Readers take no lock and never wait, not even for a writer that was interrupted half-way. Every single store of the
// writer leaves the table valid, and `meta` of a bucket gets a new version with each store that could mislead a reader
// half-way through it:
//   fill a slot    new version, value, key                                    (so no reader pairs a key with another's
//   value) free a slot    key = 0; the value stays until the next fill key primary -> alternate     fill the alternate;
//   count + 1, new version in the primary; free the old slot key alternate -> primary     fill the primary; count - 1,
//   new version in the primary; free the old slot
// A reader loads meta, keys, value and meta again, and starts over if the two differ. If it finds nothing and the count
// is not 0, it probes the alternate bucket, and starts over if meta of the primary one has changed by then: a key
// leaves either bucket only after the version of its primary bucket has changed, so a key that is there all the time is
// found. All this needs loads to be in order and stores to be in order, which the acquire and release accesses say; on
// x86 they are plain moves. A version has 24 bits: to be misled, a reader must stand still for exactly 2^24 changes of
// one bucket.
//
// Threads: one writer at a time; any number of readers at any time. "Any thread" below means both.
#ifndef HASH64_H
#define HASH64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include "hugemem.h"

#define HASH64_WAYS 5
#define HASH64_BURST 64
#define HASH64_CAPACITY_MAX (1u << 28)

#define HASH64_META_COUNT 0xffu    // saturates; a count that has reached 255 stays there
#define HASH64_META_VERSION 0x100u // one version

struct hash64_bucket {
	uint64_t key[HASH64_WAYS];   // 0: the slot is free. Written by the writer, read by all
	uint32_t value[HASH64_WAYS]; // written by the writer, in part by owners of a hash64_value_ptr(), read by all
	uint32_t meta;               // version << 8 | keys displaced from here. Written by the writer, read by all
} __rte_cache_aligned;

struct hash64 {
	// Constant, read by all.
	struct hash64_bucket *bucket; // [bucket_mask + 1]
	uint32_t bucket_mask;
	uint64_t seed[2];

	// The writer's own.
	uint32_t count __rte_cache_aligned;
	uint32_t capacity;
	uint64_t moves; // keys displaced since creation
	uint32_t *aux;  // [slots], or NULL
	struct hugemem bucket_mem, aux_mem;
};

struct hash64_conf {
	uint32_t capacity; // entries, 1..HASH64_CAPACITY_MAX
	bool aux;          // keep 32 more bits for the writer beside each slot, see hash64_aux()
	uint64_t seed;     // of the hash function; 0: random, as it is to be wherever keys come from outside
};

// Creates an empty table. All memory is allocated here: 64 bytes (with aux 84) for 4.4 entries of capacity, and up to
// twice that as the number of buckets is a power of two. 0, -EINVAL or -ENOMEM. Writer.
int hash64_create(struct hash64 **out, const struct hash64_conf *conf);

// Frees the table; h may be NULL. No reader may be left.
void hash64_destroy(struct hash64 *h);

// Sets the value of key, both non-zero. *slot (may be NULL) receives where it is.
// Returns 0 for a new key, 1 for one that was there; -ENOSPC when the table is full, -EINVAL. A new key's aux is 0.
// Writer. Cost: about 50 ns, some µs where a chain of keys has to move.
int hash64_put(struct hash64 *h, uint64_t key, uint32_t value, uint32_t *slot);

// Removes key. 0 or -ENOENT. Writer.
int hash64_delete(struct hash64 *h, uint64_t key);

// Slots, for walks: 0..hash64_slots()-1. The slot of a key stays the same until the next insertion of a new key.
// hash64_slot_of() returns a slot or -ENOENT. hash64_slot_delete() removes what is there, if anything. Writer.
int64_t hash64_slot_of(const struct hash64 *h, uint64_t key);
void hash64_slot_delete(struct hash64 *h, uint32_t slot);

static inline uint32_t hash64_slots(const struct hash64 *h)
{
	return (h->bucket_mask + 1) * HASH64_WAYS;
}

// The key in a slot, 0 if it is free. Writer.
static inline uint64_t hash64_slot_key(const struct hash64 *h, uint32_t slot)
{
	return h->bucket[slot / HASH64_WAYS].key[slot % HASH64_WAYS];
}

// The value in a slot, by reference. Access it by __atomic built-ins. Writer.
static inline uint32_t *hash64_slot_value_ptr(const struct hash64 *h, uint32_t slot)
{
	return &h->bucket[slot / HASH64_WAYS].value[slot % HASH64_WAYS];
}

// The writer's 32 bits of a slot; they move with the key. Only if the table was created with aux. Writer.
static inline uint32_t *hash64_aux(const struct hash64 *h, uint32_t slot)
{
	return &h->aux[slot];
}

// Entries in the table, entries it is sure to take, and bytes it occupies. Writer.
static inline uint32_t hash64_count(const struct hash64 *h)
{
	return h->count;
}

static inline uint32_t hash64_capacity(const struct hash64 *h)
{
	return h->capacity;
}

uint64_t hash64_memory_bytes(const struct hash64 *h);

// The hash function: two rounds that multiply the halves of the key, a secret number added to each, and fold the halves
// of the key back in, crosswise. (In place of secret factors, products of the key with itself: addresses that count up
// are no arithmetic progression then, which meets few buckets for some factors. A CRC cannot be kept secret: keys that
// collide do so for every seed.) 32-bit multiplications, because every instruction set has them for vectors. Any
// thread.
static __rte_always_inline uint64_t hash64_round(uint64_t x, uint64_t secret)
{
	const uint32_t low = (uint32_t)x + (uint32_t)secret;
	const uint32_t high = (uint32_t)(x >> 32) + (uint32_t)(secret >> 32);

	return (uint64_t)low * high ^ (x >> 32 | x << 32);
}

static __rte_always_inline uint64_t hash64_hash(const struct hash64 *h, uint64_t key)
{
	return hash64_round(hash64_round(key, h->seed[0]), h->seed[1]);
}

// The primary bucket takes the upper half's lower bits, and the alternate one other bits than those: the lowest few of
// a product are the least mixed.
static __rte_always_inline uint32_t hash64_primary(const struct hash64 *h, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & h->bucket_mask;
}

// The other bucket of a key that has this hash, for either of its two.
static __rte_always_inline uint32_t hash64_other(const struct hash64 *h, uint64_t hash, uint32_t bucket)
{
	return bucket ^ (((uint32_t)(hash >> 7) & h->bucket_mask) | 1);
}

// The parts of a look-up that have a body for each level of instruction sets, in hash64_simd.h, and a scalar twin.
struct hash64_isa {
	// Which slots of a bucket hold key: bit i for slot i.
	unsigned int (*match)(const struct hash64_bucket *b, uint64_t key);
	// bucket[i]: the primary bucket of keys[i], i < n <= 64.
	void (*locate)(const struct hash64 *h, const uint64_t *keys, unsigned int n,
		       const struct hash64_bucket **bucket);
	// What the first probes of a burst came to: the lanes with a value other than 0, and in *again those whose meta
	// differs before and after the probe, or that have no value while the bucket has displaced keys.
	uint64_t (*verdict)(const uint32_t *values, const uint32_t *meta, const uint32_t *meta_after, unsigned int n,
			    uint64_t *again);
};

static __rte_always_inline unsigned int hash64_match_scalar(const struct hash64_bucket *b, uint64_t key)
{
	unsigned int match = 0;

	for (unsigned int i = 0; i < HASH64_WAYS; i++)
		match |= (unsigned int)(__atomic_load_n(&b->key[i], __ATOMIC_ACQUIRE) == key) << i;
	return match;
}

static __rte_always_inline void hash64_locate_scalar(const struct hash64 *h, const uint64_t *keys, unsigned int n,
						     const struct hash64_bucket **bucket)
{
	for (unsigned int i = 0; i < n; i++)
		bucket[i] = &h->bucket[hash64_primary(h, hash64_hash(h, keys[i]))];
}

static __rte_always_inline uint64_t hash64_verdict_scalar(const uint32_t *values, const uint32_t *meta,
							  const uint32_t *meta_after, unsigned int n, uint64_t *again)
{
	uint64_t hits = 0;

	*again = 0;
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t displaced = values[i] != 0 ? 0 : meta[i] & HASH64_META_COUNT;

		hits |= (uint64_t)(values[i] != 0) << i;
		*again |= (uint64_t)(((meta[i] ^ meta_after[i]) | displaced) != 0) << i;
	}
	return hits;
}

static const struct hash64_isa hash64_scalar = {hash64_match_scalar, hash64_locate_scalar, hash64_verdict_scalar};

// Defines HASH64_ISA, the best that the compiler may use here.
#include "hash64_simd.h"

static __rte_always_inline uint32_t hash64_meta(const struct hash64_bucket *b)
{
	// The vector loads of a match are no atomic accesses, so the compiler has to be told to leave them in their
	// place.
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	const uint32_t meta = __atomic_load_n(&b->meta, __ATOMIC_ACQUIRE);
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	return meta;
}

// Looks for key in one bucket: its value or 0. *meta and *meta_after receive what was read before and after; what was
// found holds only if they are equal.
static __rte_always_inline uint32_t hash64_probe(const struct hash64_bucket *b, uint64_t key,
						 const struct hash64_isa *isa, uint32_t *meta, uint32_t *meta_after)
{
	*meta = hash64_meta(b);
	const unsigned int match = isa->match(b, key);
	// Without a match the value of the last slot is read in vain: cheaper than a branch that is hard to foretell.
	const size_t slot = (size_t)__builtin_ctzll((uint64_t)match | 1u << (HASH64_WAYS - 1));
	const uint32_t value = __atomic_load_n(&b->value[slot], __ATOMIC_ACQUIRE);

	*meta_after = hash64_meta(b);
	// Again no branch, which a conditional expression becomes here and there.
	return value & (0 - (uint32_t)(match != 0));
}

// Looks for key, which is not in its primary bucket `first` while that has `meta`, in its alternate one. Returns
// whether *value, 0 if it is not there either, holds.
static __rte_always_inline bool hash64_probe_second(const struct hash64_bucket *first,
						    const struct hash64_bucket *second, uint64_t key, uint32_t meta,
						    const struct hash64_isa *isa, uint32_t *value)
{
	uint32_t meta2, meta2_after;

	*value = hash64_probe(second, key, isa, &meta2, &meta2_after);
	return (meta2 == meta2_after) & ((*value != 0) | (hash64_meta(first) == meta));
}

static __rte_always_inline uint32_t hash64_find_with(const struct hash64 *h, uint64_t key, const struct hash64_isa *isa)
{
	const uint64_t hash = hash64_hash(h, key);
	const uint32_t primary = hash64_primary(h, hash);
	const struct hash64_bucket *const first = &h->bucket[primary];
	const struct hash64_bucket *const second = &h->bucket[hash64_other(h, hash, primary)];
	uint32_t meta, meta_after, value;

	// Goes round again only after the writer got on meanwhile, so it cannot be kept here by a writer that stands
	// still.
	for (;;) {
		value = hash64_probe(first, key, isa, &meta, &meta_after);
		if (meta != meta_after)
			continue;
		if (value != 0 || (meta & HASH64_META_COUNT) == 0)
			return value;
		if (hash64_probe_second(first, second, key, meta, isa, &value))
			return value;
	}
}

// The value of key, 0 if it is not there. Any thread. Cost: one or two cache lines.
static inline uint32_t hash64_find(const struct hash64 *h, uint64_t key)
{
	return hash64_find_with(h, key, &HASH64_ISA);
}

// Where the value of key is, for stores to a part of it by others than the writer; NULL if key is not there. As soon as
// this returns, the slot may be another key's: the caller's store must be harmless there. Any thread.
uint32_t *hash64_value_ptr(const struct hash64 *h, uint64_t key);

// Looks up once more the lanes `again` of a burst, whose first probe read meta before. Returns those found.
static __rte_always_inline uint64_t hash64_lookup_again(const struct hash64 *h, const uint64_t *keys, uint64_t again,
							uint32_t *values, const uint32_t *meta,
							const struct hash64_isa *isa)
{
	const struct hash64_bucket *first[HASH64_BURST], *second[HASH64_BURST];
	uint64_t hits = 0;

	for (uint64_t m = again; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		const uint64_t hash = hash64_hash(h, keys[i]);

		first[i] = &h->bucket[hash64_primary(h, hash)];
		second[i] = &h->bucket[hash64_other(h, hash, hash64_primary(h, hash))];
		rte_prefetch0(second[i]);
	}
	for (uint64_t m = again; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		// Fails, too, if meta changed during the first probe: versions do not come back.
		if (!hash64_probe_second(first[i], second[i], keys[i], meta[i], isa, &values[i]))
			values[i] = hash64_find_with(h, keys[i], isa);
		hits |= (uint64_t)(values[i] != 0) << i;
	}
	return hits;
}

// In passes, so that a burst waits for memory once: all primary lines are asked for; each is probed, without a branch
// on what it holds; and the lanes with a displaced key, or a writer at work, are looked up further.
static __rte_always_inline uint64_t hash64_lookup_with(const struct hash64 *h, const uint64_t *keys, unsigned int n,
						       uint32_t *values, const struct hash64_isa *isa)
{
	const struct hash64_bucket *bucket[HASH64_BURST];
	uint32_t meta[HASH64_BURST], meta_after[HASH64_BURST];
	uint64_t hits, again;

	isa->locate(h, keys, n, bucket);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0(bucket[i]);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < n; i++)
		values[i] = hash64_probe(bucket[i], keys[i], isa, &meta[i], &meta_after[i]);
	hits = isa->verdict(values, meta, meta_after, n, &again);
	if (again != 0)
		hits = (hits & ~again) | hash64_lookup_again(h, keys, again, values, meta, isa);
	return hits;
}

// Looks up the first n (up to 64) keys, none of them 0: values[i] becomes the value of keys[i], or 0. Returns the hits,
// bit i for keys[i]. Any thread. Cost: 4 to 7 cycles a key from the caches (AVX2, AVX-512), 12 at a million entries.
static inline uint64_t hash64_lookup_bulk(const struct hash64 *h, const uint64_t *keys, unsigned int n,
					  uint32_t *values)
{
	return hash64_lookup_with(h, keys, n, values, &HASH64_ISA);
}

// As hash64_lookup_bulk() for each bit i of lanes; what is in other lanes of keys does not matter, and those of values
// are left alone.
static inline uint64_t hash64_lookup_lanes(const struct hash64 *h, const uint64_t keys[HASH64_BURST], uint64_t lanes,
					   uint32_t values[HASH64_BURST])
{
	uint64_t dense_keys[HASH64_BURST], hits = 0;
	uint32_t dense_values[HASH64_BURST];
	unsigned int n = 0;

	for (uint64_t m = lanes; m != 0; m &= m - 1)
		dense_keys[n++] = keys[__builtin_ctzll(m)];
	hash64_lookup_with(h, dense_keys, n, dense_values, &HASH64_ISA);
	n = 0;
	for (uint64_t m = lanes; m != 0; m &= m - 1, n++) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		values[i] = dense_values[n];
		hits |= (uint64_t)(dense_values[n] != 0) << i;
	}
	return hits;
}

#endif
