/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash64.h"

#include <errno.h>
#include <stdlib.h>

#include "random64.h"

// Up to this share of the slots, a chain of moves that makes room has been found in every test with random keys.
#define LOAD_NUM 7
#define LOAD_DEN 8

// With fewer buckets, a few keys that share both of theirs could fill them before the table is full.
#define BUCKETS_MIN 64

// Buckets that one insertion looks at; a chain of moves is at most five long then.
#define SEARCH_MAX 1024

#define NO_SLOT UINT32_MAX

// A bucket on the way of the search: to make room in `bucket` makes room for what is in slot `slot` of the parent.
struct search_node {
	uint32_t bucket;
	int16_t parent; // index, -1 for the two buckets of the new key
	uint8_t slot;
};

// Makes the secret numbers of the hash function from one.
static void seed_set(struct hash64 *h, uint64_t seed)
{
	for (unsigned int i = 0; i < RTE_DIM(h->seed); i++)
		h->seed[i] = random64_next(&seed);
}

int hash64_create(struct hash64 **out, const struct hash64_conf *conf)
{
	uint64_t buckets = BUCKETS_MIN;
	struct hash64 *h;
	int ret;

	if (conf->capacity == 0 || conf->capacity > HASH64_CAPACITY_MAX)
		return -EINVAL;
	while (buckets * HASH64_WAYS * LOAD_NUM / LOAD_DEN < conf->capacity)
		buckets *= 2;

	h = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	*h = (struct hash64){.bucket_mask = (uint32_t)(buckets - 1),
			     .capacity = (uint32_t)(buckets * HASH64_WAYS * LOAD_NUM / LOAD_DEN)};
	seed_set(h, conf->seed != 0 ? conf->seed : random64());

	ret = hugemem_alloc(&h->bucket_mem, buckets * sizeof(*h->bucket));
	if (ret < 0)
		goto free_table;
	h->bucket = h->bucket_mem.addr;
	if (conf->aux) {
		ret = hugemem_alloc(&h->aux_mem, buckets * HASH64_WAYS * sizeof(*h->aux));
		if (ret < 0)
			goto free_buckets;
		h->aux = h->aux_mem.addr;
	}
	*out = h;
	return 0;

free_buckets:
	hugemem_free(&h->bucket_mem);
free_table:
	free(h);
	return ret;
}

void hash64_destroy(struct hash64 *h)
{
	if (h == NULL)
		return;
	hugemem_free(&h->aux_mem);
	hugemem_free(&h->bucket_mem);
	free(h);
}

uint64_t hash64_memory_bytes(const struct hash64 *h)
{
	return sizeof(*h) + h->bucket_mem.bytes + h->aux_mem.bytes;
}

static void meta_set(struct hash64_bucket *b, uint32_t count)
{
	const uint32_t version = (b->meta & ~HASH64_META_COUNT) + HASH64_META_VERSION;

	__atomic_store_n(&b->meta, version | count, __ATOMIC_RELEASE);
}

static uint32_t displaced(const struct hash64_bucket *b)
{
	return b->meta & HASH64_META_COUNT;
}

static void displaced_inc(struct hash64_bucket *b)
{
	const uint32_t n = displaced(b);

	meta_set(b, n == HASH64_META_COUNT ? n : n + 1);
}

static void displaced_dec(struct hash64_bucket *b)
{
	const uint32_t n = displaced(b);

	// How many more than it can say is not known, so from then on the bucket says that there are some.
	meta_set(b, n == HASH64_META_COUNT ? n : n - 1);
}

// The order of the stores in these two is what readers rely on, see the header.
static void slot_fill(struct hash64_bucket *b, unsigned int way, uint64_t key, uint32_t value)
{
	meta_set(b, displaced(b));
	__atomic_store_n(&b->value[way], value, __ATOMIC_RELEASE);
	__atomic_store_n(&b->key[way], key, __ATOMIC_RELEASE);
}

static void slot_free(struct hash64_bucket *b, unsigned int way)
{
	__atomic_store_n(&b->key[way], 0, __ATOMIC_RELEASE);
}

static int free_way(const struct hash64_bucket *b)
{
	const unsigned int match = HASH64_ISA.match(b, 0);

	return match != 0 ? __builtin_ctz(match) : -1;
}

// The slot of key, NO_SLOT if it is not there. For the writer only: nothing changes meanwhile.
static uint32_t slot_find(const struct hash64 *h, uint64_t key, uint64_t hash)
{
	uint32_t bucket = hash64_primary(h, hash);
	unsigned int match = HASH64_ISA.match(&h->bucket[bucket], key);

	if (match == 0 && displaced(&h->bucket[bucket]) != 0) {
		bucket = hash64_other(h, hash, bucket);
		match = HASH64_ISA.match(&h->bucket[bucket], key);
	}
	return match != 0 ? bucket * HASH64_WAYS + (uint32_t)__builtin_ctz(match) : NO_SLOT;
}

int64_t hash64_slot_of(const struct hash64 *h, uint64_t key)
{
	const uint32_t slot = slot_find(h, key, hash64_hash(h, key));

	return slot != NO_SLOT ? (int64_t)slot : -ENOENT;
}

// Moves a key from one of its buckets to a free slot of its other one.
static void slot_move(struct hash64 *h, uint32_t from, unsigned int from_way, uint32_t to, unsigned int to_way)
{
	struct hash64_bucket *const src = &h->bucket[from], *const dst = &h->bucket[to];
	const uint64_t key = src->key[from_way];

	slot_fill(dst, to_way, key, __atomic_load_n(&src->value[from_way], __ATOMIC_RELAXED));
	if (hash64_primary(h, hash64_hash(h, key)) == from)
		displaced_inc(src);
	else
		displaced_dec(dst);
	if (h->aux != NULL)
		h->aux[to * HASH64_WAYS + to_way] = h->aux[from * HASH64_WAYS + from_way];
	slot_free(src, from_way);
	h->moves++;
}

static bool on_path(const struct search_node *node, int i, uint32_t bucket)
{
	for (; i >= 0; i = node[i].parent) {
		if (node[i].bucket == bucket)
			return true;
	}
	return false;
}

// Finds the bucket with a free slot that is the fewest moves away from the new key's two, node[0] and node[1].
// Returns its node, or -1.
static int search_room(const struct hash64 *h, struct search_node *node)
{
	int n = 2;

	for (int i = 0; i < n; i++) {
		if (free_way(&h->bucket[node[i].bucket]) >= 0)
			return i;
	}
	for (int i = 0; i < n; i++) {
		const struct hash64_bucket *const b = &h->bucket[node[i].bucket];

		if (free_way(b) >= 0)
			return i;
		for (unsigned int way = 0; way < HASH64_WAYS && n < SEARCH_MAX; way++) {
			const uint32_t next = hash64_other(h, hash64_hash(h, b->key[way]), node[i].bucket);

			// A chain that meets itself would move away what it has just moved there.
			if (on_path(node, i, next))
				continue;
			rte_prefetch0(&h->bucket[next]);
			node[n++] = (struct search_node){.bucket = next, .parent = (int16_t)i, .slot = (uint8_t)way};
		}
	}
	return -1;
}

// Frees a slot in one of the two buckets of a new key. Returns it, or NO_SLOT.
static uint32_t make_room(struct hash64 *h, uint32_t primary, uint32_t alternate)
{
	struct search_node node[SEARCH_MAX];
	int i;

	node[0] = (struct search_node){.bucket = primary, .parent = -1};
	node[1] = (struct search_node){.bucket = alternate, .parent = -1};
	i = search_room(h, node);
	if (i < 0)
		return NO_SLOT;
	// From the far end: each move leaves room for the one before it.
	unsigned int way = (unsigned int)free_way(&h->bucket[node[i].bucket]);

	while (node[i].parent >= 0) {
		const struct search_node *const parent = &node[node[i].parent];

		slot_move(h, parent->bucket, node[i].slot, node[i].bucket, way);
		way = node[i].slot;
		i = node[i].parent;
	}
	return node[i].bucket * HASH64_WAYS + way;
}

int hash64_put(struct hash64 *h, uint64_t key, uint32_t value, uint32_t *slot)
{
	const uint64_t hash = hash64_hash(h, key);
	const uint32_t primary = hash64_primary(h, hash);
	uint32_t at;

	if (key == 0 || value == 0)
		return -EINVAL;
	at = slot_find(h, key, hash);
	if (at != NO_SLOT) {
		__atomic_store_n(hash64_slot_value_ptr(h, at), value, __ATOMIC_RELEASE);
		if (slot != NULL)
			*slot = at;
		return 1;
	}
	if (h->count == h->capacity)
		return -ENOSPC;
	at = make_room(h, primary, hash64_other(h, hash, primary));
	if (at == NO_SLOT)
		return -ENOSPC;
	if (h->aux != NULL)
		h->aux[at] = 0;
	if (at / HASH64_WAYS != primary)
		displaced_inc(&h->bucket[primary]);
	slot_fill(&h->bucket[at / HASH64_WAYS], at % HASH64_WAYS, key, value);
	h->count++;
	if (slot != NULL)
		*slot = at;
	return 0;
}

void hash64_slot_delete(struct hash64 *h, uint32_t slot)
{
	const uint64_t key = hash64_slot_key(h, slot);

	if (key == 0)
		return;
	const uint32_t primary = hash64_primary(h, hash64_hash(h, key));

	slot_free(&h->bucket[slot / HASH64_WAYS], slot % HASH64_WAYS);
	if (slot / HASH64_WAYS != primary)
		displaced_dec(&h->bucket[primary]);
	h->count--;
}

int hash64_delete(struct hash64 *h, uint64_t key)
{
	const uint32_t slot = key != 0 ? slot_find(h, key, hash64_hash(h, key)) : NO_SLOT;

	if (slot == NO_SLOT)
		return -ENOENT;
	hash64_slot_delete(h, slot);
	return 0;
}

uint32_t *hash64_value_ptr(const struct hash64 *h, uint64_t key)
{
	const uint64_t hash = hash64_hash(h, key);
	const uint32_t primary = hash64_primary(h, hash);

	// A key that is just being moved may be missed: the caller's store would have been lost with the old slot, too.
	for (unsigned int i = 0; i < 2; i++) {
		struct hash64_bucket *const b = &h->bucket[i == 0 ? primary : hash64_other(h, hash, primary)];
		const unsigned int match = HASH64_ISA.match(b, key);

		if (match != 0)
			return &b->value[__builtin_ctz(match)];
	}
	return NULL;
}
