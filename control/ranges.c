/* SPDX-License-Identifier: BSD-3-Clause */
#include "ranges.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static uint32_t words(const struct ranges *r, uint32_t order)
{
	return ((1u << (r->order - order)) + 63) / 64;
}

static void bit_set(uint64_t *map, uint32_t i)
{
	map[i / 64] |= UINT64_C(1) << i % 64;
}

// Clears it; whether it was set.
static bool bit_take(uint64_t *map, uint32_t i)
{
	const bool was = map[i / 64] >> i % 64 & 1;

	map[i / 64] &= ~(UINT64_C(1) << i % 64);
	return was;
}

static int maps_alloc(struct ranges *r)
{
	for (uint32_t o = 0; o <= r->order; o++) {
		r->free[o] = calloc(words(r, o), sizeof(uint64_t));
		if (r->free[o] == NULL) {
			ranges_free(r);
			return -ENOMEM;
		}
	}
	bit_set(r->free[r->order], 0);
	return 0;
}

// The number of a free range of the order, taken; UINT32_MAX: none.
static uint32_t order_take(struct ranges *r, uint32_t order)
{
	for (uint32_t w = 0; w < words(r, order); w++)
		if (r->free[order][w] != 0) {
			const uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(r->free[order][w]);

			bit_take(r->free[order], i);
			return i;
		}
	return UINT32_MAX;
}

int ranges_take(struct ranges *r, uint32_t n, struct range *out)
{
	uint32_t order = 0, from, i = UINT32_MAX;

	if (r->free[0] == NULL && maps_alloc(r) < 0)
		return -ENOMEM;
	while (order < r->order && 1u << order < n)
		order++;
	if (1u << order < n)
		return -ENOSPC;
	for (from = order; from <= r->order && (i = order_take(r, from)) == UINT32_MAX;)
		from++;
	if (i == UINT32_MAX)
		return -ENOSPC;
	// The second halves of what was cut are free.
	while (from > order) {
		from--;
		i *= 2;
		bit_set(r->free[from], i + 1);
	}
	*out = (struct range){.first = i << order, .order = order};
	return 0;
}

void ranges_give(struct ranges *r, struct range range)
{
	uint32_t o = range.order, i = range.first >> o;

	while (o < r->order && bit_take(r->free[o], i ^ 1)) {
		i /= 2;
		o++;
	}
	bit_set(r->free[o], i);
}

void ranges_free(struct ranges *r)
{
	for (uint32_t o = 0; o < RANGES_ORDERS; o++) {
		free(r->free[o]);
		r->free[o] = NULL;
	}
}
