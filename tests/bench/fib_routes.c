/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_routes.h"

#include <stdlib.h>

#include <rte_common.h>

#include "../rng.h"

struct share {
	uint8_t depth;
	uint16_t per_10000;
};

static const struct share shares4[] = {{8, 1},    {9, 1},    {10, 1},    {11, 1},   {12, 3},    {13, 6},
				       {14, 12},  {15, 20},  {16, 130},  {17, 80},  {18, 135},  {19, 240},
				       {20, 420}, {21, 480}, {22, 1060}, {23, 950}, {24, 6160}, {25, 40},
				       {26, 40},  {27, 40},  {28, 40},   {29, 40},  {30, 40},   {32, 60}};
static const struct share shares6[] = {{19, 2},   {20, 5},    {22, 5},    {24, 10},  {26, 10},   {28, 60},  {29, 400},
				       {30, 80},  {31, 40},   {32, 1200}, {33, 170}, {34, 150},  {35, 90},  {36, 450},
				       {38, 170}, {40, 900},  {42, 200},  {43, 60},  {44, 1100}, {45, 110}, {46, 270},
				       {47, 300}, {48, 3418}, {52, 50},   {56, 250}, {60, 50},   {64, 350}, {128, 100}};

// The /12 that the registries give to their members.
static const uint16_t pools6[] = {0x2001, 0x2400, 0x2600, 0x2610, 0x2800, 0x2a00, 0x2a10, 0x2c00};

static uint64_t mask_of(unsigned int bits)
{
	return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

static struct fib6_addr cut(struct fib6_addr addr, unsigned int depth)
{
	return (struct fib6_addr){addr.hi & mask_of(RTE_MIN(depth, 64u)),
				  addr.lo & mask_of(depth > 64 ? depth - 64 : 0)};
}

static uint8_t depth_of(unsigned int bits, uint64_t random)
{
	const struct share *const shares = bits == 32 ? shares4 : shares6;
	const unsigned int n = bits == 32 ? RTE_DIM(shares4) : RTE_DIM(shares6);
	unsigned int at = (unsigned int)(random % 10000), i = 0;

	while (i + 1 < n && at >= shares[i].per_10000)
		at -= shares[i++].per_10000;
	return shares[i].depth;
}

static struct fib6_addr any(unsigned int bits, uint64_t *rng)
{
	const uint64_t r = rng_next(rng);

	// 1.0.0.0 to 223.255.255.255, most of it given away in large blocks.
	if (bits == 32)
		return (struct fib6_addr){.hi = (1 + (r >> 32) % 223) << 56 | (r & 0xffffff) << 32};
	return (struct fib6_addr){(uint64_t)pools6[r % RTE_DIM(pools6)] << 48 | rng_next(rng) >> 14, rng_next(rng)};
}

struct fib6_addr fib_routes_addr(const struct fib_route *route, unsigned int bits, uint64_t *rng)
{
	const struct fib6_addr random = {rng_next(rng), rng_next(rng)}, fixed = cut(random, route->depth);
	struct fib6_addr addr = {route->prefix.hi | (random.hi ^ fixed.hi), route->prefix.lo | (random.lo ^ fixed.lo)};

	if (bits == 32)
		addr = cut(addr, 32);
	return addr;
}

// Two of three prefixes are near one before: the next one of its length, as where an allocation is announced in pieces,
// or a part of it. With many of the larger ones missing, as they are few, parts would be all over.
static struct fib_route draw(const struct fib_route *before, uint32_t n, unsigned int bits, uint64_t *rng)
{
	struct fib_route r = {.depth = depth_of(bits, rng_next(rng))};
	const struct fib_route *const near = n != 0 ? &before[rng_next(rng) % n] : NULL;
	const uint64_t kind = rng_next(rng) % 3;

	if (near == NULL || kind == 0 || near->depth > r.depth) {
		r.prefix = any(bits, rng);
	} else if (kind == 1 && near->depth == r.depth && r.depth <= 64) {
		r.prefix = near->prefix;
		r.prefix.hi += UINT64_C(1) << (64 - r.depth);
	} else {
		r.prefix = fib_routes_addr(near, bits, rng);
	}
	r.prefix = cut(r.prefix, r.depth);
	return r;
}

static int by_prefix(const void *a, const void *b)
{
	const struct fib_route *const x = a, *const y = b;

	if (x->prefix.hi != y->prefix.hi)
		return x->prefix.hi < y->prefix.hi ? -1 : 1;
	if (x->prefix.lo != y->prefix.lo)
		return x->prefix.lo < y->prefix.lo ? -1 : 1;
	return x->depth - y->depth;
}

struct fib_route *fib_routes(unsigned int bits, uint32_t n, uint64_t seed)
{
	struct fib_route *const r = malloc(((size_t)n + 1) * sizeof(*r));
	uint64_t rng = seed;
	uint32_t have = 0;

	if (r == NULL)
		return NULL;
	while (have < n) {
		uint32_t kept = 0;

		for (; have < n; have++)
			r[have] = draw(r, have, bits, &rng);
		qsort(r, n, sizeof(*r), by_prefix);
		for (uint32_t i = 0; i < n; i++) {
			if (kept == 0 || by_prefix(&r[i], &r[kept - 1]) != 0)
				r[kept++] = r[i];
		}
		have = kept;
	}
	for (uint32_t i = n - 1; i > 0; i--) {
		const uint32_t k = (uint32_t)(rng_next(&rng) % (i + 1));
		const struct fib_route swap = r[i];

		r[i] = r[k];
		r[k] = swap;
	}
	return r;
}
