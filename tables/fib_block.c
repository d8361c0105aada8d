/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_block.h"

#include <errno.h>

// A node whose next four bits lead to at least so many others gets a block of eight bits. (With 4 in place of 2, a
// million routes take as much memory, and a look-up among a million addresses 28 cycles, not 20: it meets more blocks
// that are in no cache.)
#define WIDE_KIDS 2

static const struct fib_place nowhere = {0};

static uint32_t *entries(const struct fib_trie *t, uint32_t entry)
{
	return (uint32_t *)(uintptr_t)fib_entries(t, entry);
}

static bool is_block(uint32_t entry)
{
	return (entry & FIB_ENTRY_BLOCK) != 0;
}

static bool is_path(uint32_t entry)
{
	return fib_stride(entry) > FIB_STRIDE_MAX;
}

static uint32_t make(struct fib_trie *t, uint32_t stride, uint32_t n)
{
	const uint32_t line = fib_pool_make(t->rib.pool, n / FIB_LINE_ENTRIES);

	return line != 0 ? FIB_ENTRY_BLOCK | stride << FIB_STRIDE_SHIFT | line : 0;
}

uint32_t fib_block_make(struct fib_trie *t, uint32_t stride)
{
	const uint32_t entry = make(t, stride, 1u << stride);

	if (entry != 0)
		fib_put_range(entries(t, entry), 1u << stride, 0);
	return entry;
}

void fib_block_kill(struct fib_trie *t, uint32_t entry)
{
	fib_pool_kill(t->rib.pool, entry & FIB_LINE_MASK);
}

void fib_block_commit(struct fib_trie *t)
{
	t->bytes = (uint64_t)((int64_t)t->bytes + fib_pool_commit(t->rib.pool));
}

void fib_block_free(struct fib_trie *t, uint32_t entry)
{
	const uint32_t *const at = entries(t, entry);
	const uint32_t first = is_path(entry) ? FIB_PATH_HIT : 0, n = is_path(entry) ? 1 : 1u << fib_stride(entry);

	for (uint32_t i = first; i < first + n; i++) {
		if (is_block(at[i]))
			fib_block_free(t, at[i]);
	}
	fib_pool_free(t->rib.pool, (entry & FIB_LINE_MASK) * (FIB_POOL_LINE / FIB_POOL_UNIT));
}

struct fib_place fib_place_of(const struct fib_trie *t, uint32_t entry)
{
	return (struct fib_place){.at = entries(t, entry), .span = is_path(entry) ? 0 : 1u << (fib_stride(entry) - 4)};
}

struct fib_place fib_place_kid(const struct fib_trie *t, struct fib_place place, unsigned int j, uint32_t **cell)
{
	*cell = NULL;
	if (place.at == NULL)
		return nowhere;
	if (place.span > 1)
		return (struct fib_place){.at = &place.at[j * place.span], .span = place.span / 16};
	if (place.span == 0) {
		// Beside the path there is nothing.
		if (j != (place.at[FIB_PATH_EXPECT] >> (28 - 4 * place.done) & 15))
			return nowhere;
		if (place.done + 1 < place.at[FIB_PATH_LEVELS])
			return (struct fib_place){.at = place.at, .done = place.done + 1};
	}
	uint32_t *const own = &place.at[place.span == 0 ? FIB_PATH_HIT : j];

	if (!is_block(*own))
		return nowhere;
	*cell = own;
	return fib_place_of(t, *own);
}

// A block must not go beyond the address, nor from one of its 32-bit words into the next.
static unsigned int levels_left(unsigned int level)
{
	return 8 - level % 8;
}

static uint32_t stride_for(const struct fib_rib_node *node, unsigned int level)
{
	return levels_left(level) > 1 && __builtin_popcount(node->kids) >= WIDE_KIDS ? 8 : 4;
}

// Only for long addresses: in tables of short ones, a compare for each step costs more than it saves.
static bool wants_path(const struct fib_trie *t, const struct fib_rib_node *node)
{
	return t->bits > 32 && node->routes == 0 && (node->kids & (node->kids - 1)) == 0;
}

bool fib_block_suits(const struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t entry)
{
	if (is_path(entry) || wants_path(t, node))
		return is_path(entry) && wants_path(t, node);
	return fib_stride(entry) == stride_for(node, level);
}

// A path from a node on, as far as there is nothing to choose and the word goes: to the entry of the node at its end,
// or, if that has nothing but one prefix of four bits, to the value of it.
static int path_build(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t inherit,
		      struct fib_place old, uint32_t *cell)
{
	const uint32_t entry = make(t, 0, FIB_LINE_ENTRIES);
	uint32_t expect = 0, levels = 0, hit = 0, *own = NULL;
	int ret = 0;

	if (entry == 0)
		return -ENOSPC;
	while (levels < levels_left(level) && wants_path(t, node)) {
		const unsigned int j = (unsigned int)__builtin_ctz(node->kids);

		if (own != NULL)
			fib_block_kill(t, *own);
		expect |= j << (28 - 4 * levels++);
		old = fib_place_kid(t, old, j, &own);
		node = fib_rib_kid(&t->rib, node, j);
	}
	if (levels < levels_left(level) && node->kids == 0 && (node->routes & (node->routes - 1)) == 0 &&
	    node->routes >= 1u << 16) {
		if (own != NULL)
			fib_block_kill(t, *own);
		expect |= ((uint32_t)__builtin_ctz(node->routes) & 15) << (28 - 4 * levels++);
		hit = fib_rib_best(&t->rib, node, node->routes, 0);
	} else if (own != NULL) {
		hit = *own;
	} else {
		ret = fib_block_build(t, node, level + levels, 0, inherit, old, &hit);
	}
	uint32_t *const at = entries(t, entry);

	fib_put(&at[FIB_PATH_EXPECT], expect);
	fib_put(&at[FIB_PATH_HIT], hit);
	fib_put(&at[FIB_PATH_MISS], inherit);
	fib_put(&at[FIB_PATH_LEVELS], levels);
	if (ret == 0)
		fib_put(cell, entry | (FIB_STRIDE_MAX + levels) << FIB_STRIDE_SHIFT);
	return ret;
}

int fib_block_build(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t stride,
		    uint32_t inherit, struct fib_place old, uint32_t *cell)
{
	const uint32_t bits = stride != 0 ? stride : stride_for(node, level);

	if (stride == 0 && wants_path(t, node))
		return path_build(t, node, level, inherit, old, cell);
	const uint32_t entry = make(t, bits, 1u << bits);

	if (entry == 0 || fib_block_fill(t, node, level, fib_place_of(t, entry), inherit, old) < 0)
		return -ENOSPC;
	fib_put(cell, entry);
	return 0;
}

int fib_block_fill(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, struct fib_place to,
		   uint32_t inherit, struct fib_place old)
{
	int ret = 0;

	for (unsigned int j = 0; j < 16 && ret == 0; j++) {
		const uint32_t value = fib_rib_best(&t->rib, node, fib_rib_path(j), inherit);
		const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, node, j);
		uint32_t *const at = &to.at[j * to.span], *own;

		if (kid == NULL) {
			fib_put_range(at, to.span, value);
			continue;
		}
		const struct fib_place kid_old = fib_place_kid(t, old, j, &own);

		if (to.span == 1 && own != NULL) {
			fib_put(at, *own);
		} else if (to.span == 1) {
			ret = fib_block_build(t, kid, level + 1, 0, value, kid_old, at);
		} else {
			const struct fib_place kid_to = {.at = at, .span = to.span / 16};

			ret = fib_block_fill(t, kid, level + 1, kid_to, value, kid_old);
			if (own != NULL)
				fib_block_kill(t, *own);
		}
	}
	return ret;
}

static void node_paint(struct fib_trie *t, const struct fib_rib_node *node, struct fib_place place, uint32_t value);

static void slot_paint(struct fib_trie *t, const struct fib_rib_node *node, struct fib_place place, unsigned int j,
		       uint32_t value)
{
	const struct fib_rib_node *const kid = fib_rib_kid(&t->rib, node, j);
	uint32_t *own;

	if (kid == NULL)
		fib_put_range(&place.at[j * place.span], place.span, value);
	else
		node_paint(t, kid, fib_place_kid(t, place, j, &own), value);
}

// Stores value in all entries of a node that belong to no prefix of it or below.
static void node_paint(struct fib_trie *t, const struct fib_rib_node *node, struct fib_place place, uint32_t value)
{
	// A path misses into what is around it, and hits what may be around a prefix at its end.
	if (place.span == 0) {
		const uint32_t levels = place.at[FIB_PATH_LEVELS], hit = place.at[FIB_PATH_HIT];

		fib_put(&place.at[FIB_PATH_MISS], value);
		for (uint32_t i = 0; i < levels && is_block(hit); i++)
			node = fib_rib_kid(&t->rib, node, (unsigned int)__builtin_ctz(node->kids));
		if (is_block(hit))
			node_paint(t, node, fib_place_of(t, hit), value);
		return;
	}
	for (unsigned int j = 0; j < 16; j++) {
		if ((node->routes & fib_rib_path(j)) == 0)
			slot_paint(t, node, place, j, value);
	}
}

void fib_block_paint(struct fib_trie *t, const struct fib_step *s, unsigned int heap, uint32_t value)
{
	const unsigned int length = 31 - (unsigned int)__builtin_clz(heap);
	const unsigned int first = heap << (4 - length) & 15, n = 1u << (4 - length);
	const uint32_t longer = s->node->routes & fib_rib_longer(length);

	for (unsigned int j = first; j < first + n; j++) {
		if ((longer & fib_rib_path(j)) == 0)
			slot_paint(t, s->node, s->place, j, value);
	}
}
