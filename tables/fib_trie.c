/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_trie.h"

#include <errno.h>
#include <stdlib.h>

#include "fib_block.h"

// How many routes make a root of 4 * (i + 1) bits worth its memory; a quarter of it, and it goes back.
static const uint32_t root_routes[] = {0, 8, 128, 2048};

// Replaces what a node has by what suits it now, or by a block of `stride` bits. 0; -ENOSPC: nothing changed.
static int convert(struct fib_trie *t, const struct fib_step *s, unsigned int level, uint32_t stride)
{
	const uint32_t old = *s->cell;

	if (fib_block_build(t, s->node, level, stride, s->inherit, s->place, s->cell) < 0) {
		fib_pool_abort(t->rib.pool);
		return -ENOSPC;
	}
	fib_block_kill(t, old);
	fib_block_commit(t);
	return 0;
}

static struct fib_step top_step(const struct fib_trie *t)
{
	return (struct fib_step){.node = (struct fib_rib_node *)(uintptr_t)&t->rib.top,
				 .place = fib_place_of(t, t->root),
				 .cell = (uint32_t *)(uintptr_t)&t->root};
}

// Lets blocks follow after routes came or went: that of a node, and the root. Without memory they stay.
static void adapt(struct fib_trie *t, const struct fib_step *s, unsigned int level)
{
	const uint32_t root = fib_stride(t->root) / 4 - 1;
	const struct fib_step top = top_step(t);

	if (level != 0 && s->cell != NULL && !fib_block_suits(t, s->node, level, *s->cell))
		(void)convert(t, s, level, 0);
	// Not with every route, as it may fail.
	if (root + 1 < RTE_DIM(root_routes) && t->count >= root_routes[root + 1] &&
	    t->count % (root_routes[root + 1] / 8) == 0)
		(void)convert(t, &top, 0, 4 * (root + 2));
	else if (t->count < root_routes[root] / 4 && t->count % (root_routes[root] / 8) == 0)
		(void)convert(t, &top, 0, 4 * root);
}

int fib_trie_create(struct fib_trie **out, struct fib_pool *pool, unsigned int bits)
{
	struct fib_trie *const t = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	*t = (struct fib_trie){.base = fib_pool_base(pool), .bits = bits};
	t->rib.pool = pool;
	t->rib.base = (uint8_t *)(uintptr_t)t->base;
	t->root = fib_block_make(t, 4);
	if (t->root == 0) {
		free(t);
		return -ENOSPC;
	}
	fib_block_commit(t);
	*out = t;
	return 0;
}

void fib_trie_destroy(struct fib_trie *t)
{
	if (t == NULL)
		return;
	fib_block_free(t, t->root);
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
static unsigned int descend(const struct fib_trie *t, const struct fib6_addr *key, unsigned int goal,
			    struct fib_step *step)
{
	step[0] = top_step(t);
	for (unsigned int level = 0; level < goal; level++) {
		const struct fib_step *const s = &step[level];
		const unsigned int j = fib_key_nibble(key, level);
		struct fib_step *const next = &step[level + 1];

		next->node = fib_rib_kid(&t->rib, s->node, j);
		if (next->node == NULL)
			return level;
		next->place = fib_place_kid(t, s->place, j, &next->cell);
		next->inherit = fib_rib_best(&t->rib, s->node, fib_rib_path(j), s->inherit);
	}
	return goal;
}

// Makes the path that a node of `level` is inside of anew: something has come to be on it.
static int path_convert(struct fib_trie *t, const struct fib_step *step, unsigned int level)
{
	while (step[level].cell == NULL)
		level--;
	return convert(t, &step[level], level, 0);
}

static void fallback_set(struct fib_trie *t, uint32_t value)
{
	__atomic_store_n(&t->fallback, ((t->fallback >> 32) + 1) << 32 | value, __ATOMIC_RELEASE);
}

// Adds a prefix whose node does not exist yet: step[level] is the last one on the way.
static int grow(struct fib_trie *t, const struct fib_step *step, unsigned int level, const struct fib6_addr *key,
		unsigned int depth, uint32_t value)
{
	const struct fib_step *const s = &step[level];
	const unsigned int j = fib_key_nibble(key, level);
	const uint32_t inherit = fib_rib_best(&t->rib, s->node, fib_rib_path(j), s->inherit);
	const struct fib_place nowhere = {0};
	int ret = fib_rib_grow(&t->rib, s->node, level, key, depth, value);

	if (ret < 0)
		return ret;
	const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, s->node, j);
	uint32_t *const at = &s->place.at[j * s->place.span];
	const struct fib_place inside = {.at = at, .span = s->place.span / 16};

	// Only the block with the new prefix can fail; what is written around it is what is there.
	if (s->place.span == 0)
		ret = path_convert(t, step, level);
	else if (s->place.span == 1)
		ret = fib_block_build(t, kid, level + 1, 0, inherit, nowhere, at);
	else
		ret = fib_block_fill(t, kid, level + 1, inside, inherit, nowhere);
	if (ret < 0) {
		fib_pool_abort(t->rib.pool);
		fib_rib_prune(&t->rib, s->node, j);
		return ret;
	}
	fib_block_commit(t);
	return 0;
}

// Adds a prefix to its node, the last of step[], or changes its value (returns 1 then).
static int put(struct fib_trie *t, struct fib_step *step, const struct fib6_addr *key, unsigned int depth,
	       uint32_t value)
{
	const unsigned int level = fib_rib_level(depth), heap = fib_rib_heap(key, depth);
	const int ret = fib_rib_put(&t->rib, step[level].node, heap, value);

	if (ret < 0)
		return ret;
	if (step[level].place.span == 0 && ret == 1) {
		// The only prefix of a node inside of a path is that at its end.
		fib_put(&step[level].place.at[FIB_PATH_HIT], value);
		return ret;
	}
	if (step[level].place.span == 0) {
		if (path_convert(t, step, level) < 0) {
			fib_rib_remove(&t->rib, step[level].node, heap);
			return -ENOSPC;
		}
		// The blocks below are still those of before.
		descend(t, key, level, step);
	}
	fib_block_paint(t, &step[level], heap, value);
	return ret;
}

int fib_trie_set(struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t value)
{
	struct fib_step step[FIB_RIB_LEVELS];
	unsigned int level;
	int ret;

	if (!is_prefix(t, key, depth) || value == 0 || value > FIB_VALUE_MAX)
		return -EINVAL;
	if (depth == 0) {
		t->count += (uint32_t)t->fallback == 0;
		fallback_set(t, value);
		return 0;
	}
	level = descend(t, key, fib_rib_level(depth), step);
	if (level < fib_rib_level(depth))
		ret = grow(t, step, level, key, depth, value);
	else
		ret = put(t, step, key, depth, value);
	if (ret == 0) {
		t->count++;
		adapt(t, &step[level], level);
	}
	return RTE_MIN(ret, 0);
}

// Which node stays when the last one of the path loses its only prefix: the lowest that has anything else.
static unsigned int stays(const struct fib_step *step, unsigned int level)
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
	struct fib_step step[FIB_RIB_LEVELS];
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
		fib_block_paint(t, &step[level], heap, cover);
	} else {
		const unsigned int j = fib_key_nibble(key, level);

		const struct fib_place *const place = &step[level].place;

		for (unsigned int i = level + 1; i <= goal; i++) {
			if (step[i].cell != NULL)
				fib_block_kill(t, *step[i].cell);
		}
		// What stays is not inside of a path: it has more than the one next node.
		fib_put_range(&place->at[j * place->span], place->span, cover);
		fib_rib_prune(&t->rib, step[level].node, j);
		fib_block_commit(t);
	}
	t->count--;
	adapt(t, &step[level], level);
	return 0;
}

int fib_trie_get(const struct fib_trie *t, const struct fib6_addr *key, unsigned int depth, uint32_t *value)
{
	struct fib_step step[FIB_RIB_LEVELS];

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
	struct fib_step step[FIB_RIB_LEVELS];
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
