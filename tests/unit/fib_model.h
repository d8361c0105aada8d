/* SPDX-License-Identifier: BSD-3-Clause */
// The meaning of a table of routes: a list of prefixes that may be present, and longest match by looking at each.
//
// The prefixes are clustered: most of them are near some others, of all depths, so that they cover each other, fill
// blocks and leave them again.
#ifndef FIB_MODEL_H
#define FIB_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "../../tables/fib_rib.h"
#include "../rng.h"

#define MODEL_MAX 512

struct model_route {
	struct fib6_addr prefix;
	uint8_t depth;
	uint32_t value; // 0: not present
};

struct model {
	struct model_route route[MODEL_MAX]; // the longest first
	unsigned int n, present, bits;
	uint64_t rng;
};

static uint64_t model_mask(unsigned int bits)
{
	return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

static bool model_covers(const struct model_route *r, struct fib6_addr addr)
{
	return ((addr.hi ^ r->prefix.hi) & model_mask(r->depth < 64 ? r->depth : 64)) == 0 &&
	       ((addr.lo ^ r->prefix.lo) & model_mask(r->depth > 64 ? r->depth - 64u : 0)) == 0;
}

// What the address shares with `near` is random in length, and what follows is random.
static struct fib6_addr model_near(struct model *m, struct fib6_addr near)
{
	const unsigned int same = (unsigned int)rng_next(&m->rng) % (m->bits + 1);
	const uint64_t hi = model_mask(same < 64 ? same : 64), lo = model_mask(same > 64 ? same - 64 : 0);

	return (struct fib6_addr){(near.hi & hi) | (rng_next(&m->rng) & ~hi),
				  m->bits > 64 ? (near.lo & lo) | (rng_next(&m->rng) & ~lo) : 0};
}

static struct fib6_addr model_addr(struct model *m)
{
	struct fib6_addr addr = model_near(m, m->route[rng_next(&m->rng) % m->n].prefix);

	if (m->bits == 32)
		addr.hi &= UINT64_MAX << 32;
	return addr;
}

static int model_order(const void *a, const void *b)
{
	const struct model_route *const x = a, *const y = b;

	if (x->depth != y->depth)
		return y->depth - x->depth;
	if (x->prefix.hi != y->prefix.hi)
		return x->prefix.hi < y->prefix.hi ? -1 : 1;
	return (x->prefix.lo > y->prefix.lo) - (x->prefix.lo < y->prefix.lo);
}

// n prefixes, none of them present, around a few addresses.
static void model_init(struct model *m, unsigned int bits, unsigned int n, uint64_t seed)
{
	unsigned int kept = 1;

	*m = (struct model){.n = n, .bits = bits, .rng = seed * 0x9e3779b97f4a7c15 | 1};
	for (unsigned int i = 0; i < n; i++) {
		const struct fib6_addr any = {rng_next(&m->rng), rng_next(&m->rng)};
		struct model_route *const r = &m->route[i];

		r->prefix = i % 64 == 0 ? any : model_near(m, m->route[i / 64 * 64].prefix);
		// Among them the default route.
		r->depth = i != 0 ? (uint8_t)(rng_next(&m->rng) % (bits + 1)) : 0;
		r->prefix.hi &= model_mask(r->depth < 64 ? r->depth : 64);
		r->prefix.lo &= model_mask(r->depth > 64 ? r->depth - 64u : 0);
	}
	qsort(m->route, n, sizeof(*m->route), model_order);
	for (unsigned int i = 1; i < n; i++) {
		if (model_order(&m->route[i], &m->route[kept - 1]) != 0)
			m->route[kept++] = m->route[i];
	}
	m->n = kept;
}

// The longest route present of at most max_depth bits that covers addr; NULL if there is none.
static const struct model_route *model_match(const struct model *m, struct fib6_addr addr, unsigned int max_depth)
{
	for (unsigned int i = 0; i < m->n; i++) {
		if (m->route[i].value != 0 && m->route[i].depth <= max_depth && model_covers(&m->route[i], addr))
			return &m->route[i];
	}
	return NULL;
}

#endif
