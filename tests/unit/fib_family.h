/* SPDX-License-Identifier: BSD-3-Clause */
// fib4 and fib6 behind one set of functions, with all addresses as those of fib6, so that one test does for both. Those
// of fib4 are in the upper half of hi.
#ifndef FIB_FAMILY_H
#define FIB_FAMILY_H

#include "../../tables/fib4.h"
#include "../../tables/fib6.h"

struct fib_family {
	const char *name;
	unsigned int bits;
	int (*create)(void **out, struct fib_pool *pool);
	void (*destroy)(void *f);
	int (*set)(void *f, struct fib6_addr prefix, uint8_t depth, uint32_t value);
	int (*del)(void *f, struct fib6_addr prefix, uint8_t depth);
	int (*get)(const void *f, struct fib6_addr prefix, uint8_t depth, uint32_t *value);
	int (*match)(const void *f, struct fib6_addr addr, uint8_t max_depth, struct fib6_addr *prefix, uint8_t *depth,
		     uint32_t *value);
	int (*next)(const void *f, struct fib6_addr *prefix, uint8_t *depth, uint32_t *value);
	uint32_t (*count)(const void *f);
	uint64_t (*bytes)(const void *f);
	uint32_t (*lookup)(const void *f, struct fib6_addr addr);
	void (*lanes)(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask, uint32_t value[FIB_LANES]);
	void (*lanes_scalar)(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask,
			     uint32_t value[FIB_LANES]);
};

static inline uint32_t family_addr4(struct fib6_addr addr)
{
	return (uint32_t)(addr.hi >> 32);
}

static int family4_create(void **out, struct fib_pool *pool)
{
	struct fib4 *f = NULL;
	const int ret = fib4_create(&f, pool);

	*out = f;
	return ret;
}

static void family4_destroy(void *f)
{
	fib4_destroy(f);
}

static int family4_set(void *f, struct fib6_addr prefix, uint8_t depth, uint32_t value)
{
	return fib4_set(f, family_addr4(prefix), depth, value);
}

static int family4_del(void *f, struct fib6_addr prefix, uint8_t depth)
{
	return fib4_del(f, family_addr4(prefix), depth);
}

static int family4_get(const void *f, struct fib6_addr prefix, uint8_t depth, uint32_t *value)
{
	return fib4_get(f, family_addr4(prefix), depth, value);
}

static int family4_match(const void *f, struct fib6_addr addr, uint8_t max_depth, struct fib6_addr *prefix,
			 uint8_t *depth, uint32_t *value)
{
	uint32_t p;
	const int ret = fib4_match(f, family_addr4(addr), max_depth, &p, depth, value);

	*prefix = (struct fib6_addr){.hi = (uint64_t)p << 32};
	return ret;
}

static int family4_next(const void *f, struct fib6_addr *prefix, uint8_t *depth, uint32_t *value)
{
	uint32_t p = family_addr4(*prefix);
	const int ret = fib4_next(f, &p, depth, value);

	*prefix = (struct fib6_addr){.hi = (uint64_t)p << 32};
	return ret;
}

static uint32_t family4_count(const void *f)
{
	return fib4_count(f);
}

static uint64_t family4_bytes(const void *f)
{
	return fib4_bytes(f);
}

static uint32_t family4_lookup(const void *f, struct fib6_addr addr)
{
	return fib4_lookup(f, family_addr4(addr));
}

static void family4_lanes(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask,
			  uint32_t value[FIB_LANES])
{
	uint32_t a[FIB_LANES];

	for (unsigned int i = 0; i < FIB_LANES; i++)
		a[i] = family_addr4(addr[i]);
	fib4_lookup_lanes(f, a, mask, value);
}

static void family4_lanes_scalar(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask,
				 uint32_t value[FIB_LANES])
{
	uint32_t a[FIB_LANES];

	for (unsigned int i = 0; i < FIB_LANES; i++)
		a[i] = family_addr4(addr[i]);
	fib4_lookup_lanes_scalar(f, a, mask, value);
}

static int family6_create(void **out, struct fib_pool *pool)
{
	struct fib6 *f = NULL;
	const int ret = fib6_create(&f, pool);

	*out = f;
	return ret;
}

static void family6_destroy(void *f)
{
	fib6_destroy(f);
}

static int family6_set(void *f, struct fib6_addr prefix, uint8_t depth, uint32_t value)
{
	return fib6_set(f, prefix, depth, value);
}

static int family6_del(void *f, struct fib6_addr prefix, uint8_t depth)
{
	return fib6_del(f, prefix, depth);
}

static int family6_get(const void *f, struct fib6_addr prefix, uint8_t depth, uint32_t *value)
{
	return fib6_get(f, prefix, depth, value);
}

static int family6_match(const void *f, struct fib6_addr addr, uint8_t max_depth, struct fib6_addr *prefix,
			 uint8_t *depth, uint32_t *value)
{
	return fib6_match(f, addr, max_depth, prefix, depth, value);
}

static int family6_next(const void *f, struct fib6_addr *prefix, uint8_t *depth, uint32_t *value)
{
	return fib6_next(f, prefix, depth, value);
}

static uint32_t family6_count(const void *f)
{
	return fib6_count(f);
}

static uint64_t family6_bytes(const void *f)
{
	return fib6_bytes(f);
}

static uint32_t family6_lookup(const void *f, struct fib6_addr addr)
{
	return fib6_lookup(f, addr);
}

static void family6_split(const struct fib6_addr addr[FIB_LANES], uint64_t hi[FIB_LANES], uint64_t lo[FIB_LANES])
{
	for (unsigned int i = 0; i < FIB_LANES; i++) {
		hi[i] = addr[i].hi;
		lo[i] = addr[i].lo;
	}
}

static void family6_lanes(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask,
			  uint32_t value[FIB_LANES])
{
	uint64_t hi[FIB_LANES], lo[FIB_LANES];

	family6_split(addr, hi, lo);
	fib6_lookup_lanes(f, hi, lo, mask, value);
}

static void family6_lanes_scalar(const void *f, const struct fib6_addr addr[FIB_LANES], uint64_t mask,
				 uint32_t value[FIB_LANES])
{
	uint64_t hi[FIB_LANES], lo[FIB_LANES];

	family6_split(addr, hi, lo);
	fib6_lookup_lanes_scalar(f, hi, lo, mask, value);
}

#define FIB_FAMILY(n)                                                                                                  \
	{                                                                                                              \
		.name = "fib" #n, .bits = FIB##n##_BITS, .create = family##n##_create, .destroy = family##n##_destroy, \
		.set = family##n##_set, .del = family##n##_del, .get = family##n##_get, .match = family##n##_match,    \
		.next = family##n##_next, .count = family##n##_count, .bytes = family##n##_bytes,                      \
		.lookup = family##n##_lookup, .lanes = family##n##_lanes, .lanes_scalar = family##n##_lanes_scalar,    \
	}

static const struct fib_family fib_families[] = {FIB_FAMILY(4), FIB_FAMILY(6)};

#endif
