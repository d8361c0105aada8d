/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_trie.h"

#include <errno.h>
#include <stdlib.h>

// A node whose next four bits lead to at least so many others gets a block of eight bits; one with at most so few, of
// four.
#define WIDE_KIDS 2
#define NARROW_KIDS 1

// How many routes make a root of 4 * (i + 1) bits worth its memory; a quarter of it, and it goes back.
static const uint32_t root_routes[] = {0, 8, 128, 2048};

// A node of the RIB on the way to a prefix, and where its entries are.
struct step {
	struct fib_rib_node *node;
	uint32_t *at;     // entries of its first slot
	uint32_t span;    // entries of each of its 16 slots
	uint32_t *cell;   // the entry that is its block, NULL if it is inside of that of a node above
	uint32_t inherit; // the value of the longest prefix above the node
};

static uint32_t *entries(const struct fib_trie *t, uint32_t entry)
{
	return (uint32_t *)(uintptr_t)fib_entries(t, entry);
}

static uint32_t span_of(uint32_t entry)
{
	return 1u << (fib_stride(entry) - 4);
}

// Readers that see a block by this entry see what was written to the block before.
static void put(uint32_t *at, uint32_t entry)
{
	__atomic_store_n(at, entry, __ATOMIC_RELEASE);
}

static void put_range(uint32_t *at, uint32_t n, uint32_t entry)
{
	for (uint32_t i = 0; i < n; i++)
		put(&at[i], entry);
}

static uint32_t block_make(struct fib_trie *t, uint32_t stride)
{
	const uint32_t line = fib_pool_make(t->rib.pool, (1u << stride) / FIB_LINE_ENTRIES);

	return line != 0 ? FIB_ENTRY_BLOCK | stride << FIB_STRIDE_SHIFT | line : 0;
}

static void block_kill(struct fib_trie *t, uint32_t entry)
{
	fib_pool_kill(t->rib.pool, entry & FIB_LINE_MASK);
}

static void commit(struct fib_trie *t)
{
	t->bytes = (uint64_t)((int64_t)t->bytes + fib_pool_commit(t->rib.pool));
}

// A block of eight bits must not go beyond the address, nor from one of its 32-bit words into the next.
static bool may_be_wide(unsigned int level)
{
	return level % 8 != 7;
}

static int block_fill(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t *at,
		      uint32_t span, uint32_t inherit, const uint32_t *old, uint32_t old_span);

// Makes the block of a node, and those below, and stores it in *cell. old (may be NULL): the node's entries so far.
static int block_build(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t stride,
		       uint32_t inherit, const uint32_t *old, uint32_t old_span, uint32_t *cell)
{
	const uint32_t entry = block_make(t, stride);

	if (entry == 0 || block_fill(t, node, level, entries(t, entry), span_of(entry), inherit, old, old_span) < 0)
		return -ENOSPC;
	put(cell, entry);
	return 0;
}

static uint32_t stride_for(const struct fib_rib_node *node, unsigned int level)
{
	return may_be_wide(level) && __builtin_popcount(node->kids) >= WIDE_KIDS ? 8 : 4;
}

// Writes a node's entries, with those of the nodes below that are inside the same block. Blocks below that exist
// already are kept where they can stay blocks, and killed where they come to be inside. -ENOSPC: the caller aborts.
static int block_fill(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t *at,
		      uint32_t span, uint32_t inherit, const uint32_t *old, uint32_t old_span)
{
	int ret = 0;

	for (unsigned int j = 0; j < 16 && ret == 0; j++) {
		const uint32_t value = fib_rib_best(&t->rib, node, fib_rib_path(j), inherit);
		const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, node, j);
		const uint32_t block = old != NULL && old_span == 1 ? old[j] : 0;
		const uint32_t *kid_old = old != NULL ? &old[j * old_span] : NULL;
		uint32_t kid_span = old_span / 16;

		if (kid == NULL) {
			put_range(&at[j * span], span, value);
			continue;
		}
		if (block != 0) {
			kid_old = entries(t, block);
			kid_span = span_of(block);
		}
		if (span == 1 && block != 0) {
			put(&at[j], block);
		} else if (span == 1) {
			ret = block_build(t, kid, level + 1, stride_for(kid, level + 1), value, kid_old, kid_span,
					  &at[j]);
		} else {
			ret = block_fill(t, kid, level + 1, &at[j * span], span / 16, value, kid_old, kid_span);
			if (block != 0)
				block_kill(t, block);
		}
	}
	return ret;
}

// Replaces a node's block by one of another stride, if there is memory.
static void block_convert(struct fib_trie *t, const struct step *s, unsigned int level, uint32_t stride)
{
	const uint32_t old = *s->cell;

	if (block_build(t, s->node, level, stride, s->inherit, s->at, s->span, s->cell) < 0) {
		fib_pool_abort(t->rib.pool);
		return;
	}
	block_kill(t, old);
	commit(t);
}

// Lets the strides follow after routes came or went: that of a node, and that of the root.
static void adapt(struct fib_trie *t, const struct step *s, unsigned int level)
{
	const int kids = __builtin_popcount(s->node->kids);
	const uint32_t root = fib_stride(t->root) / 4 - 1;
	const struct step top = {
		.node = &t->rib.top, .at = entries(t, t->root), .span = span_of(t->root), .cell = &t->root};

	if (level != 0 && s->cell != NULL) {
		if (kids >= WIDE_KIDS && s->span == 1 && may_be_wide(level))
			block_convert(t, s, level, 8);
		else if (kids <= NARROW_KIDS && s->span > 1)
			block_convert(t, s, level, 4);
	}
	// Not with every route, as it may fail.
	if (root + 1 < RTE_DIM(root_routes) && t->count >= root_routes[root + 1] &&
	    t->count % (root_routes[root + 1] / 8) == 0)
		block_convert(t, &top, 0, 4 * (root + 2));
	else if (t->count < root_routes[root] / 4 && t->count % (root_routes[root] / 8) == 0)
		block_convert(t, &top, 0, 4 * root);
}

int fib_trie_create(struct fib_trie **out, struct fib_pool *pool, unsigned int bits)
{
	struct fib_trie *const t = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	*t = (struct fib_trie){.base = fib_pool_base(pool), .bits = bits};
	t->rib.pool = pool;
	t->rib.base = (uint8_t *)(uintptr_t)t->base;
	t->root = block_make(t, 4);
	if (t->root == 0) {
		free(t);
		return -ENOSPC;
	}
	put_range(entries(t, t->root), 1u << 4, 0);
	commit(t);
	*out = t;
	return 0;
}

static void block_free(struct fib_trie *t, uint32_t entry)
{
	const uint32_t *const at = entries(t, entry);

	for (uint32_t i = 0; i < 1u << fib_stride(entry); i++) {
		if ((at[i] & FIB_ENTRY_BLOCK) != 0)
			block_free(t, at[i]);
	}
	fib_pool_free(t->rib.pool, (entry & FIB_LINE_MASK) * (FIB_POOL_LINE / FIB_POOL_UNIT));
}

void fib_trie_destroy(struct fib_trie *t)
{
	if (t == NULL)
		return;
	block_free(t, t->root);
	fib_rib_free(&t->rib);
	free(t);
}

uint64_t fib_trie_bytes(const struct fib_trie *t)
{
	return sizeof(*t) + t->bytes + t->rib.bytes;
}

static uint64_t mask_of(unsigned int bits)
{
	return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

static struct fib6_addr prefix_of(const struct fib6_addr *addr, unsigned int depth)
{
	return (struct fib6_addr){.hi = addr->hi & mask_of(RTE_MIN(depth, 64u)),
				  .lo = addr->lo & mask_of(depth > 64 ? depth - 64 : 0)};
}

static bool is_prefix(const struct fib_trie *t, const struct fib6_addr *key, unsigned int depth)
{
	if (depth > t->bits)
		return false;
	const struct fib6_addr prefix = prefix_of(key, depth);

	return prefix.hi == key->hi && prefix.lo == key->lo;
}

// Follows a key down to the node of `goal` level, or the last one on the way. Returns its level.
static unsigned int descend(const struct fib_trie *t, const struct fib6_addr *key, unsigned int goal, struct step *step)
{
	step[0] = (struct step){.node = (struct fib_rib_node *)(uintptr_t)&t->rib.top,
				.at = entries(t, t->root),
				.span = span_of(t->root),
				.cell = (uint32_t *)(uintptr_t)&t->root};
	for (unsigned int level = 0; level < goal; level++) {
		const struct step *const s = &step[level];
		const unsigned int j = fib_key_nibble(key, level);
		struct fib_rib_node *const kid = fib_rib_kid(&t->rib, s->node, j);
		struct step *const next = &step[level + 1];

		if (kid == NULL)
			return level;
		*next = (struct step){.node = kid, .at = &s->at[j * s->span], .span = s->span / 16};
		next->inherit = fib_rib_best(&t->rib, s->node, fib_rib_path(j), s->inherit);
		if (s->span == 1) {
			next->cell = &s->at[j];
			next->at = entries(t, *next->cell);
			next->span = span_of(*next->cell);
		}
	}
	return goal;
}

// Stores value in all entries of slot j that belong to no prefix below the node.
static void slot_paint(struct fib_trie *t, const struct step *s, unsigned int j, uint32_t value)
{
	const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, s->node, j);
	uint32_t *const at = &s->at[j * s->span];

	if (kid == NULL) {
		put_range(at, s->span, value);
		return;
	}
	struct step next = {.node = (struct fib_rib_node *)(uintptr_t)kid, .at = at, .span = s->span / 16};

	if (s->span == 1) {
		next.at = entries(t, *at);
		next.span = span_of(*at);
	}
	for (unsigned int k = 0; k < 16; k++) {
		if ((kid->routes & fib_rib_path(k)) == 0)
			slot_paint(t, &next, k, value);
	}
}

// Stores value in all entries of a prefix in its node that belong to no longer prefix.
static void prefix_paint(struct fib_trie *t, const struct step *s, unsigned int heap, uint32_t value)
{
	const unsigned int length = 31 - (unsigned int)__builtin_clz(heap);
	const unsigned int first = heap << (4 - length) & 15, n = 1u << (4 - length);
	const uint32_t longer = s->node->routes & fib_rib_longer(length);

	for (unsigned int j = first; j < first + n; j++) {
		if ((longer & fib_rib_path(j)) == 0)
			slot_paint(t, s, j, value);
	}
}

static void fallback_set(struct fib_trie *t, uint32_t value)
{
	__atomic_store_n(&t->fallback, ((t->fallback >> 32) + 1) << 32 | value, __ATOMIC_RELEASE);
}

// Adds a prefix where the nodes below `level` do not exist yet.
static int grow(struct fib_trie *t, const struct step *s, unsigned int level, const struct fib6_addr *key,
		unsigned int depth, uint32_t value)
{
	const unsigned int j = fib_key_nibble(key, level);
	const uint32_t inherit = fib_rib_best(&t->rib, s->node, fib_rib_path(j), s->inherit);
	int ret = fib_rib_grow(&t->rib, s->node, level, key, depth, value);

	if (ret < 0)
		return ret;
	const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, s->node, j);

	// Only the block with the new prefix can fail; what is written around it is what is there.
	if (s->span == 1)
		ret = block_build(t, kid, level + 1, 4, inherit, NULL, 0, &s->at[j]);
	else
		ret = block_fill(t, kid, level + 1, &s->at[j * s->span], s->span / 16, inherit, NULL, 0);
	if (ret < 0) {
		fib_pool_abort(t->rib.pool);
		fib_rib_prune(&t->rib, s->node, j);
		return ret;
	}
	commit(t);
	return 0;
}

int fib_trie_set(struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t value)
{
	struct step step[FIB_RIB_LEVELS];
	unsigned int level;
	int ret = 0;

	if (!is_prefix(t, key, depth) || value == 0 || value > FIB_VALUE_MAX)
		return -EINVAL;
	if (depth == 0) {
		t->count += (uint32_t)t->fallback == 0;
		fallback_set(t, value);
		return 0;
	}
	level = descend(t, key, fib_rib_level(depth), step);
	if (level < fib_rib_level(depth)) {
		ret = grow(t, &step[level], level, key, depth, value);
		if (ret < 0)
			return ret;
	} else {
		ret = fib_rib_put(&t->rib, step[level].node, fib_rib_heap(key, depth), value);
		if (ret < 0)
			return ret;
		prefix_paint(t, &step[level], fib_rib_heap(key, depth), value);
	}
	if (ret == 0) {
		t->count++;
		adapt(t, &step[level], level);
	}
	return 0;
}

// Which node stays when the last one of the path loses its only prefix: the lowest that has anything else.
static unsigned int stays(const struct step *step, unsigned int level)
{
	if (step[level].node->kids != 0 || (step[level].node->routes & (step[level].node->routes - 1)) != 0)
		return level;
	while (level > 0) {
		const struct fib_rib_node *const node = step[--level].node;

		if (node->routes != 0 || (node->kids & (node->kids - 1)) != 0)
			break;
	}
	return level;
}

int fib_trie_del(struct fib_trie *t, const struct fib6_addr *key, unsigned int depth)
{
	struct step step[FIB_RIB_LEVELS];
	unsigned int level;

	if (!is_prefix(t, key, depth))
		return -EINVAL;
	if (depth == 0 && (uint32_t)t->fallback == 0)
		return -ENOENT;
	if (depth == 0) {
		fallback_set(t, 0);
		t->count--;
		return 0;
	}
	const unsigned int goal = fib_rib_level(depth), heap = fib_rib_heap(key, depth);

	level = descend(t, key, goal, step);
	if (level < goal || (step[level].node->routes >> heap & 1) == 0)
		return -ENOENT;
	const uint32_t heaps = fib_rib_path(fib_key_nibble(key, level)) & fib_rib_shorter((depth - 1) % 4 + 1);
	const uint32_t cover = fib_rib_best(&t->rib, step[level].node, heaps, step[level].inherit);

	level = stays(step, level);
	if (level == goal) {
		fib_rib_remove(&t->rib, step[level].node, heap);
		prefix_paint(t, &step[level], heap, cover);
	} else {
		const unsigned int j = fib_key_nibble(key, level);

		for (unsigned int i = level + 1; i <= goal; i++) {
			if (step[i].cell != NULL)
				block_kill(t, *step[i].cell);
		}
		put_range(&step[level].at[j * step[level].span], step[level].span, cover);
		fib_rib_prune(&t->rib, step[level].node, j);
		commit(t);
	}
	t->count--;
	adapt(t, &step[level], level);
	return 0;
}

int fib_trie_get(const struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t *value)
{
	struct step step[FIB_RIB_LEVELS];

	if (!is_prefix(t, key, depth))
		return -EINVAL;
	if (depth == 0) {
		*value = (uint32_t)t->fallback;
		return *value != 0 ? 0 : -ENOENT;
	}
	const unsigned int goal = fib_rib_level(depth), heap = fib_rib_heap(key, depth);

	if (descend(t, key, goal, step) < goal || (step[goal].node->routes >> heap & 1) == 0)
		return -ENOENT;
	*value = fib_rib_value(&t->rib, step[goal].node, heap);
	return 0;
}

int fib_trie_match(const struct fib_trie *t, const struct fib6_addr *addr, unsigned int max_depth,
		   struct fib6_addr *key, unsigned int *depth, uint32_t *value)
{
	struct step step[FIB_RIB_LEVELS];
	const unsigned int most = RTE_MIN(max_depth, t->bits);
	const unsigned int goal = most != 0 ? fib_rib_level(most) : 0;

	for (unsigned int level = descend(t, addr, goal, step) + 1; level-- > 0;) {
		const unsigned int length = most - 4 * level;
		const uint32_t heaps = length < 4 ? fib_rib_shorter(length + 1) : UINT32_MAX;
		const uint32_t found = step[level].node->routes & heaps & fib_rib_path(fib_key_nibble(addr, level));

		if (found == 0)
			continue;
		const unsigned int heap = 31 - (unsigned int)__builtin_clz(found);

		*depth = 4 * level + 31 - (unsigned int)__builtin_clz(heap);
		*key = prefix_of(addr, *depth);
		*value = fib_rib_value(&t->rib, step[level].node, heap);
		return 0;
	}
	*depth = 0;
	*key = (struct fib6_addr){0};
	*value = (uint32_t)t->fallback;
	return *value != 0 ? 0 : -ENOENT;
}

int fib_trie_next(const struct fib_trie *t, struct fib6_addr *key, unsigned int *depth, uint32_t *value)
{
	if (*depth == FIB_FIRST) {
		*key = (struct fib6_addr){0};
		*depth = 0;
		*value = (uint32_t)t->fallback;
		if (*value != 0)
			return 0;
	}
	if (!is_prefix(t, key, *depth))
		return -EINVAL;
	return fib_rib_next(&t->rib, key, depth, value);
}
