/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_rib.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

static void *at(const struct fib_rib *rib, uint32_t unit)
{
	return rib->base + (size_t)unit * FIB_POOL_UNIT;
}

static unsigned int rank(uint32_t map, unsigned int bit)
{
	return (unsigned int)__builtin_popcount(map & ((1u << bit) - 1));
}

// Makes room in an array of n elements for one more at index i, or takes that one out. 0 or -ENOSPC, with nothing
// changed; taking out always succeeds.
static int array_insert(struct fib_rib *rib, uint32_t *array, unsigned int n, unsigned int i, size_t element)
{
	const uint32_t had = fib_pool_units(rib->pool, *array);
	const uint32_t units = (uint32_t)((n + 1) * element + FIB_POOL_UNIT - 1) / FIB_POOL_UNIT;
	uint32_t to = *array;

	if (units > had) {
		to = fib_pool_alloc(rib->pool, units);
		if (to == 0)
			return -ENOSPC;
		rib->bytes += (uint64_t)(fib_pool_units(rib->pool, to) - had) * FIB_POOL_UNIT;
		memcpy(at(rib, to), at(rib, *array), i * element);
	}
	memmove((uint8_t *)at(rib, to) + (i + 1) * element, (uint8_t *)at(rib, *array) + i * element,
		(n - i) * element);
	if (to != *array)
		fib_pool_free(rib->pool, *array);
	*array = to;
	return 0;
}

static void array_remove(struct fib_rib *rib, uint32_t *array, unsigned int n, unsigned int i, size_t element)
{
	const uint32_t had = fib_pool_units(rib->pool, *array);
	const uint32_t units = (uint32_t)((n - 1) * element + FIB_POOL_UNIT - 1) / FIB_POOL_UNIT;
	uint32_t to = *array;

	if (units < had) {
		// Without memory for a smaller one it stays as it is.
		to = units != 0 ? fib_pool_alloc(rib->pool, units) : 0;
		if (to == 0 && units != 0)
			to = *array;
		rib->bytes -= (uint64_t)(had - fib_pool_units(rib->pool, to)) * FIB_POOL_UNIT;
		if (to != *array)
			memcpy(at(rib, to), at(rib, *array), i * element);
	}
	memmove((uint8_t *)at(rib, to) + i * element, (uint8_t *)at(rib, *array) + (i + 1) * element,
		(n - i - 1) * element);
	if (to != *array)
		fib_pool_free(rib->pool, *array);
	*array = to;
}

uint32_t fib_rib_value(const struct fib_rib *rib, const struct fib_rib_node *node, unsigned int heap)
{
	return ((const uint32_t *)at(rib, node->value_at))[rank(node->routes, heap)];
}

struct fib_rib_node *fib_rib_kid(const struct fib_rib *rib, const struct fib_rib_node *node, unsigned int j)
{
	if ((node->kids >> j & 1) == 0)
		return NULL;
	return &((struct fib_rib_node *)at(rib, node->kid_at))[rank(node->kids, j)];
}

int fib_rib_put(struct fib_rib *rib, struct fib_rib_node *node, unsigned int heap, uint32_t value)
{
	const unsigned int i = rank(node->routes, heap), n = (unsigned int)__builtin_popcount(node->routes);
	const bool is_new = (node->routes >> heap & 1) == 0;

	if (is_new && array_insert(rib, &node->value_at, n, i, sizeof(value)) < 0)
		return -ENOSPC;
	node->routes |= 1u << heap;
	((uint32_t *)at(rib, node->value_at))[i] = value;
	return is_new ? 0 : 1;
}

void fib_rib_remove(struct fib_rib *rib, struct fib_rib_node *node, unsigned int heap)
{
	array_remove(rib, &node->value_at, (unsigned int)__builtin_popcount(node->routes), rank(node->routes, heap),
		     sizeof(uint32_t));
	node->routes &= ~(1u << heap);
}

static void node_free(struct fib_rib *rib, const struct fib_rib_node *node)
{
	const unsigned int n = (unsigned int)__builtin_popcount(node->kids);

	for (unsigned int i = 0; i < n; i++)
		node_free(rib, &((const struct fib_rib_node *)at(rib, node->kid_at))[i]);
	rib->bytes -= (uint64_t)(fib_pool_units(rib->pool, node->kid_at) + fib_pool_units(rib->pool, node->value_at)) *
		      FIB_POOL_UNIT;
	fib_pool_free(rib->pool, node->kid_at);
	fib_pool_free(rib->pool, node->value_at);
}

void fib_rib_free(struct fib_rib *rib)
{
	node_free(rib, &rib->top);
	rib->top = (struct fib_rib_node){0};
}

static int kid_insert(struct fib_rib *rib, struct fib_rib_node *node, unsigned int j, const struct fib_rib_node *kid)
{
	const unsigned int i = rank(node->kids, j), n = (unsigned int)__builtin_popcount(node->kids);

	if (array_insert(rib, &node->kid_at, n, i, sizeof(*kid)) < 0)
		return -ENOSPC;
	node->kids |= (uint16_t)(1u << j);
	((struct fib_rib_node *)at(rib, node->kid_at))[i] = *kid;
	return 0;
}

int fib_rib_grow(struct fib_rib *rib, struct fib_rib_node *node, unsigned int level, const struct fib6_addr *key,
		 unsigned int depth, uint32_t value)
{
	struct fib_rib_node kid = {0};

	// From the lowest node up, so that nothing shows before it is complete.
	if (fib_rib_put(rib, &kid, fib_rib_heap(key, depth), value) < 0)
		return -ENOSPC;
	for (unsigned int i = fib_rib_level(depth) - 1; i > level; i--) {
		struct fib_rib_node above = {0};

		if (kid_insert(rib, &above, fib_key_nibble(key, i), &kid) < 0)
			goto free_kid;
		kid = above;
	}
	if (kid_insert(rib, node, fib_key_nibble(key, level), &kid) < 0)
		goto free_kid;
	return 0;

free_kid:
	node_free(rib, &kid);
	return -ENOSPC;
}

void fib_rib_prune(struct fib_rib *rib, struct fib_rib_node *node, unsigned int j)
{
	node_free(rib, fib_rib_kid(rib, node, j));
	array_remove(rib, &node->kid_at, (unsigned int)__builtin_popcount(node->kids), rank(node->kids, j),
		     sizeof(*node));
	node->kids &= (uint16_t) ~(1u << j);
}

static void key_set(struct fib6_addr *key, unsigned int level, unsigned int nibble)
{
	const unsigned int shift = 60 - level % 16 * 4;
	uint64_t *const half = level < 16 ? &key->hi : &key->lo;

	// What follows the nibble is cleared, too.
	*half = (*half & ~(UINT64_MAX >> (60 - shift))) | (uint64_t)nibble << shift;
	if (level < 16)
		key->lo = 0;
}

// The first prefix of node that is in heaps and covers slots from `from` on, or is in a next node from there on.
static bool first_from(const struct fib_rib *rib, const struct fib_rib_node *node, unsigned int level,
		       unsigned int from, uint32_t heaps, struct fib6_addr *key, unsigned int *depth, uint32_t *value)
{
	for (unsigned int j = from; j < 16; j++) {
		// Those that begin with slot j, the shortest first.
		for (unsigned int length = 1; length <= 4; length++) {
			const unsigned int heap = 1u << length | j >> (4 - length);

			if ((node->routes & heaps & 1u << heap) == 0 || (j & ((1u << (4 - length)) - 1)) != 0)
				continue;
			key_set(key, level, j);
			*depth = 4 * level + length;
			*value = fib_rib_value(rib, node, heap);
			return true;
		}
		if ((node->kids >> j & 1) != 0) {
			key_set(key, level, j);
			return first_from(rib, fib_rib_kid(rib, node, j), level + 1, 0, UINT32_MAX, key, depth, value);
		}
		// The prefixes given were those of the first slot.
		heaps = UINT32_MAX;
	}
	return false;
}

int fib_rib_next(const struct fib_rib *rib, struct fib6_addr *key, unsigned int *depth, uint32_t *value)
{
	const struct fib_rib_node *path[FIB_RIB_LEVELS] = {&rib->top};
	const struct fib6_addr from = *key;
	const unsigned int goal = *depth != 0 ? fib_rib_level(*depth) : 0;
	unsigned int level = 0;

	while (level < goal && fib_rib_kid(rib, path[level], fib_key_nibble(&from, level)) != NULL) {
		path[level + 1] = fib_rib_kid(rib, path[level], fib_key_nibble(&from, level));
		level++;
	}
	// In the prefix's own node what is longer follows; in one above it, what begins behind it.
	if (level == goal) {
		const unsigned int length = *depth != 0 ? (*depth - 1) % 4 + 1 : 0;

		if (first_from(rib, path[level], level, fib_key_nibble(&from, level), fib_rib_longer(length), key,
			       depth, value))
			return 0;
	} else {
		level++;
	}
	while (level-- > 0) {
		if (first_from(rib, path[level], level, fib_key_nibble(&from, level) + 1, UINT32_MAX, key, depth,
			       value))
			return 0;
	}
	return -ENOENT;
}
