/* SPDX-License-Identifier: BSD-3-Clause */
// The rules of one mask: their hash table, and how many there are of each priority.
#include "classifier_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 8
#define BUCKET_RULES 4 // on average, at most: more become twice as many buckets
#define SPARE_SHARE 8  // of the buckets: lines for those that overflow, twice as many as it takes on average

// A table of this many times the buckets that it needs, and still a chain that is too long: that is no bad luck.
#define SPARSE_MAX 64

uint64_t classifier_hash_words(const struct classifier_tuple *tuple, const uint64_t *word)
{
	uint64_t sum = 0;

	for (uint32_t j = 0; j < tuple->nwords; j++)
		sum += classifier_product(word[j], tuple->secret[j]);
	return classifier_finish(sum, tuple->salt);
}

// Priorities of a tuple ---------------------------------------------------------------------------------------------

// The place of a priority among the levels, which are in descending order.
static uint32_t level_at(const struct classifier_tuple *tuple, uint16_t priority)
{
	uint32_t low = 0, high = tuple->nlevels;

	while (low < high) {
		const uint32_t middle = (low + high) / 2;

		if (tuple->level[middle].priority > priority)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t classifier_level_count(const struct classifier_tuple *tuple, uint16_t priority)
{
	const uint32_t i = level_at(tuple, priority);

	return i < tuple->nlevels && tuple->level[i].priority == priority ? tuple->level[i].count : 0;
}

// Makes room for one more level.
int classifier_level_alloc(struct classifier_tuple *tuple)
{
	const uint32_t room = tuple->levels_room * 2 + 4;
	struct classifier_level *level;

	if (tuple->nlevels < tuple->levels_room)
		return 0;
	level = realloc(tuple->level, room * sizeof(*level));
	if (level == NULL)
		return -ENOMEM;
	tuple->level = level;
	tuple->levels_room = room;
	return 0;
}

void classifier_level_enter(struct classifier_tuple *tuple, uint16_t priority)
{
	const uint32_t i = level_at(tuple, priority);

	if (i == tuple->nlevels || tuple->level[i].priority != priority) {
		memmove(&tuple->level[i + 1], &tuple->level[i], (tuple->nlevels++ - i) * sizeof(tuple->level[0]));
		tuple->level[i] = (struct classifier_level){.priority = priority};
	}
	tuple->level[i].count++;
}

void classifier_level_leave(struct classifier_tuple *tuple, uint16_t priority)
{
	const uint32_t i = level_at(tuple, priority);

	if (--tuple->level[i].count == 0)
		memmove(&tuple->level[i], &tuple->level[i + 1], (--tuple->nlevels - i) * sizeof(tuple->level[0]));
}

// Hash tables -------------------------------------------------------------------------------------------------------

static struct classifier_table *table_alloc(struct classifier *c, uint32_t buckets)
{
	const uint32_t nspare = buckets / SPARE_SHARE + CLASSIFIER_CHAIN_MAX;
	const size_t head = RTE_ALIGN_CEIL(sizeof(struct classifier_table), (size_t)RTE_CACHE_LINE_SIZE);
	const size_t filter = RTE_ALIGN_CEIL(buckets * sizeof(uint64_t), (size_t)RTE_CACHE_LINE_SIZE);
	uint8_t *const at = flow_pool_block_alloc(
		c->pool, head + filter + ((size_t)buckets + nspare) * sizeof(struct classifier_bucket));
	struct classifier_table *const t = (struct classifier_table *)at;

	if (t == NULL)
		return NULL;
	t->bucket_mask = buckets - 1;
	t->filter = (uint64_t *)(at + head);
	t->bucket = (struct classifier_bucket *)(at + head + filter);
	t->spare = t->bucket + buckets;
	t->nspare = nspare;
	return t;
}

// A free slot of a bucket, NULL if it has none and may have no more lines.
static uint64_t *slot_take(struct classifier_table *t, uint32_t bucket)
{
	struct classifier_bucket *b = &t->bucket[bucket], *last = b;
	uint32_t lines = 0;

	for (; b != NULL; last = b, b = b->overflow, lines++)
		for (uint32_t i = 0; i < CLASSIFIER_SLOTS; i++)
			if (b->slot[i] == 0)
				return &b->slot[i];
	if (lines == CLASSIFIER_CHAIN_MAX || t->nspare == 0)
		return NULL;
	b = &t->spare[--t->nspare];
	__atomic_store_n(&last->overflow, b, __ATOMIC_RELEASE);
	return &b->slot[0];
}

// The summary first: a reader that sees the slot's rule by then finds its way to it.
void classifier_slot_fill(struct classifier_table *t, uint64_t *slot, uint64_t hash, const struct classifier_rule *rule)
{
	const uint16_t tag = classifier_tag(hash);
	uint64_t *const filter = &t->filter[classifier_bucket_of(t, hash)];

	__atomic_store_n(filter, *filter | classifier_filter_bits(tag), __ATOMIC_RELEASE);
	__atomic_store_n(slot, (uint64_t)tag << 48 | (uint64_t)(uintptr_t)rule, __ATOMIC_RELEASE);
}

void classifier_slot_clear(struct classifier_table *t, uint32_t bucket, uint64_t *slot)
{
	uint64_t bits = 0;

	__atomic_store_n(slot, 0, __ATOMIC_RELEASE);
	for (const struct classifier_bucket *b = &t->bucket[bucket]; b != NULL; b = b->overflow)
		for (uint32_t i = 0; i < CLASSIFIER_SLOTS; i++)
			if (b->slot[i] != 0)
				bits |= classifier_filter_bits((uint16_t)(b->slot[i] >> 48));
	__atomic_store_n(&t->filter[bucket], bits, __ATOMIC_RELEASE);
}

// Copies the rules of one bucket into a table that no reader sees yet.
static bool bucket_copy(const struct classifier_tuple *tuple, const struct classifier_bucket *b,
			struct classifier_table *to)
{
	for (; b != NULL; b = b->overflow) {
		for (uint32_t i = 0; i < CLASSIFIER_SLOTS; i++) {
			const struct classifier_rule *const rule = classifier_slot_rule(b->slot[i]);
			uint64_t hash, *slot;

			if (rule == NULL)
				continue;
			hash = classifier_hash_words(tuple, rule->word);
			slot = slot_take(to, classifier_bucket_of(to, hash));
			if (slot == NULL)
				return false;
			classifier_slot_fill(to, slot, hash, rule);
		}
	}
	return true;
}

// Replaces the table by one of so many buckets.
static int table_resize(struct classifier *c, struct classifier_tuple *tuple, uint32_t buckets)
{
	struct classifier_table *const old = tuple->table, *const table = table_alloc(c, buckets);

	if (table == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i <= old->bucket_mask; i++) {
		if (!bucket_copy(tuple, &old->bucket[i], table)) {
			flow_pool_block_free(c->pool, &table->block);
			return -ENOSPC;
		}
	}
	__atomic_store_n(&tuple->table, table, __ATOMIC_RELEASE);
	flow_pool_block_retire(c->pool, &old->block);
	return 0;
}

// A slot for one more rule of this hash, in a table that is made larger if need be.
int classifier_slot_find(struct classifier *c, struct classifier_tuple *tuple, uint64_t hash, uint64_t **slot)
{
	uint32_t buckets = tuple->table->bucket_mask + 1;
	int ret = 0;

	if (tuple->rules >= buckets * BUCKET_RULES) {
		ret = table_resize(c, tuple, buckets * 2);
		if (ret == -ENOMEM)
			return ret;
	}
	for (;;) {
		*slot = slot_take(tuple->table, classifier_bucket_of(tuple->table, hash));
		if (*slot != NULL)
			return 0;
		buckets *= 2;
		if (buckets > (tuple->rules + BUCKETS_MIN) * (SPARSE_MAX / BUCKET_RULES))
			return -ENOSPC;
		ret = table_resize(c, tuple, buckets);
		if (ret == -ENOMEM)
			return ret;
	}
}

// Tuples ------------------------------------------------------------------------------------------------------------

struct classifier_tuple *classifier_tuple_create(struct classifier *c, const struct flow_key *mask)
{
	struct classifier_tuple *const tuple = flow_pool_block_alloc(c->pool, sizeof(*tuple));

	if (tuple == NULL)
		return NULL;
	tuple->full_mask = *mask;
	tuple->words = flow_key_words(mask);
	tuple->salt = flow_pool_salt(c->pool);
	for (uint32_t words = tuple->words; words != 0; words &= words - 1) {
		const uint32_t i = (uint32_t)__builtin_ctz(words);

		tuple->at[tuple->nwords] = (uint8_t)i;
		tuple->mask[tuple->nwords] = mask->word[i];
		tuple->secret[tuple->nwords++] = flow_pool_secret(c->pool)->word[i];
	}
	tuple->table = table_alloc(c, BUCKETS_MIN);
	if (tuple->table == NULL) {
		flow_pool_block_free(c->pool, &tuple->block);
		return NULL;
	}
	return tuple;
}

// Of one that no reader has seen.
void classifier_tuple_destroy(struct classifier *c, struct classifier_tuple *tuple)
{
	free(tuple->level);
	flow_pool_block_free(c->pool, &tuple->table->block);
	flow_pool_block_free(c->pool, &tuple->block);
}

void classifier_tuple_destroy_later(struct classifier *c, struct classifier_tuple *tuple)
{
	free(tuple->level);
	flow_pool_block_retire(c->pool, &tuple->table->block);
	flow_pool_block_retire(c->pool, &tuple->block);
}
