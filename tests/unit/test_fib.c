/* SPDX-License-Identifier: BSD-3-Clause */
// fib4 and fib6 against a naive model. Built for each instruction set level.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../bench/fib_routes.h"
#include "fib_family.h"
#include "fib_model.h"
#include "isa.h"

#define POOL_BYTES (64u << 20)

static void the_longest_prefix_wins(void **state)
{
	struct fib_pool *pool;
	struct fib4 *f;
	uint32_t value;

	assert_int_equal(fib_pool_create(&pool, POOL_BYTES), 0);
	assert_int_equal(fib4_create(&f, pool), 0);
	assert_int_equal(fib4_lookup(f, 0x0a000001), 0);
	assert_int_equal(fib4_set(f, 0, 0, 1), 0);
	assert_int_equal(fib4_set(f, 0x0a000000, 8, 2), 0);
	assert_int_equal(fib4_set(f, 0x0a010200, 24, 3), 0);
	assert_int_equal(fib4_set(f, 0x0a010203, 32, 4), 0);
	assert_int_equal(fib4_lookup(f, 0x0b000000), 1);
	assert_int_equal(fib4_lookup(f, 0x0a000001), 2);
	assert_int_equal(fib4_lookup(f, 0x0a010201), 3);
	assert_int_equal(fib4_lookup(f, 0x0a010203), 4);
	assert_int_equal(fib4_del(f, 0x0a010200, 24), 0);
	assert_int_equal(fib4_lookup(f, 0x0a010201), 2);
	assert_int_equal(fib4_lookup(f, 0x0a010203), 4);
	assert_int_equal(fib4_get(f, 0x0a010200, 24, &value), -ENOENT);
	assert_int_equal(fib4_get(f, 0x0a000000, 8, &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(fib4_count(f), 3);
	fib4_destroy(f);
	assert_int_equal(fib_pool_used(pool), 0);
	fib_pool_destroy(pool);
}

static void what_is_no_prefix_or_value_is_refused(void **state)
{
	struct fib_pool *pool;
	struct fib4 *f4;
	struct fib6 *f6;
	uint32_t value;

	assert_int_equal(fib_pool_create(&pool, FIB_POOL_PAGE - 1), -EINVAL);
	assert_int_equal(fib_pool_create(&pool, FIB_POOL_MAX_BYTES + 1), -EINVAL);
	assert_int_equal(fib_pool_create(&pool, POOL_BYTES), 0);
	assert_int_equal(fib4_create(&f4, pool), 0);
	assert_int_equal(fib6_create(&f6, pool), 0);
	assert_int_equal(fib4_set(f4, 0x0a000001, 31, 1), -EINVAL);
	assert_int_equal(fib4_set(f4, 0x0a000000, 33, 1), -EINVAL);
	assert_int_equal(fib4_set(f4, 1, 0, 1), -EINVAL);
	assert_int_equal(fib4_set(f4, 0, 8, 0), -EINVAL);
	assert_int_equal(fib4_set(f4, 0, 8, FIB_VALUE_MAX + 1), -EINVAL);
	assert_int_equal(fib4_del(f4, 0, 8), -ENOENT);
	assert_int_equal(fib4_del(f4, 0, 0), -ENOENT);
	assert_int_equal(fib4_del(f4, 1, 8), -EINVAL);
	assert_int_equal(fib4_get(f4, 1, 8, &value), -EINVAL);
	assert_int_equal(fib6_set(f6, (struct fib6_addr){0, 1}, 127, 1), -EINVAL);
	assert_int_equal(fib6_set(f6, (struct fib6_addr){1, 0}, 63, 1), -EINVAL);
	assert_int_equal(fib6_set(f6, (struct fib6_addr){0, 0}, 129, 1), -EINVAL);
	assert_int_equal(fib6_set(f6, (struct fib6_addr){1, 0}, 64, FIB_VALUE_MAX), 0);
	assert_int_equal(fib6_lookup(f6, (struct fib6_addr){1, 5}), FIB_VALUE_MAX);
	fib4_destroy(f4);
	fib6_destroy(f6);
	fib4_destroy(NULL);
	fib_pool_destroy(pool);
}

// One table and what it is to hold.
struct pair {
	const struct fib_family *fam;
	struct fib_pool *pool;
	void *f;
	struct model m;
};

static void pair_create(struct pair *p, const struct fib_family *fam, uint64_t pool_bytes, unsigned int n,
			uint64_t seed)
{
	p->fam = fam;
	assert_int_equal(fib_pool_create(&p->pool, pool_bytes), 0);
	assert_int_equal(fam->create(&p->f, p->pool), 0);
	model_init(&p->m, fam->bits, n, seed);
}

static void pair_destroy(struct pair *p)
{
	p->fam->destroy(p->f);
	assert_int_equal(fib_pool_used(p->pool), 0);
	fib_pool_destroy(p->pool);
}

// All ways to look up a burst of addresses near routes must come to the same.
static void check_addresses(struct pair *p)
{
	struct fib6_addr addr[FIB_LANES];
	uint32_t value[FIB_LANES], scalar[FIB_LANES];
	const uint64_t mask = rng_next(&p->m.rng) | (rng_next(&p->m.rng) % 4 == 0 ? UINT64_MAX : 0);

	for (unsigned int i = 0; i < FIB_LANES; i++) {
		addr[i] = model_addr(&p->m);
		value[i] = scalar[i] = UINT32_MAX;
	}
	p->fam->lanes(p->f, addr, mask, value);
	p->fam->lanes_scalar(p->f, addr, mask, scalar);
	assert_memory_equal(value, scalar, sizeof(value));
	for (unsigned int i = 0; i < FIB_LANES; i++) {
		const struct model_route *const want = model_match(&p->m, addr[i], p->fam->bits);

		assert_int_equal(p->fam->lookup(p->f, addr[i]), want != NULL ? want->value : 0);
		if ((mask >> i & 1) != 0)
			assert_int_equal(value[i], want != NULL ? want->value : 0);
		else
			assert_int_equal(value[i], UINT32_MAX);
	}
}

static void check_match(struct pair *p)
{
	const struct fib6_addr addr = model_addr(&p->m);
	const uint8_t most = (uint8_t)(rng_next(&p->m.rng) % (p->fam->bits + 1));
	const struct model_route *const want = model_match(&p->m, addr, most);
	struct fib6_addr prefix;
	uint32_t value;
	uint8_t depth;

	if (want == NULL) {
		assert_int_equal(p->fam->match(p->f, addr, most, &prefix, &depth, &value), -ENOENT);
		return;
	}
	assert_int_equal(p->fam->match(p->f, addr, most, &prefix, &depth, &value), 0);
	assert_memory_equal(&prefix, &want->prefix, sizeof(prefix));
	assert_int_equal(depth, want->depth);
	assert_int_equal(value, want->value);
}

static int walk_order(const void *a, const void *b)
{
	const struct model_route *const x = a, *const y = b;

	if (x->prefix.hi != y->prefix.hi)
		return x->prefix.hi < y->prefix.hi ? -1 : 1;
	if (x->prefix.lo != y->prefix.lo)
		return x->prefix.lo < y->prefix.lo ? -1 : 1;
	return x->depth - y->depth;
}

// A walk gives the routes in order, from the first, and from any prefix on, whether it is there or not.
static void check_walk(struct pair *p)
{
	static struct model_route sorted[MODEL_MAX];
	struct fib6_addr prefix = {0};
	uint8_t depth = FIB_FIRST;
	uint32_t value;

	memcpy(sorted, p->m.route, sizeof(sorted));
	qsort(sorted, p->m.n, sizeof(*sorted), walk_order);
	for (unsigned int i = 0; i <= p->m.n; i++) {
		if (i < p->m.n && sorted[i].value == 0)
			continue;
		if (i == p->m.n) {
			assert_int_equal(p->fam->next(p->f, &prefix, &depth, &value), -ENOENT);
			break;
		}
		assert_int_equal(p->fam->next(p->f, &prefix, &depth, &value), 0);
		assert_memory_equal(&prefix, &sorted[i].prefix, sizeof(prefix));
		assert_int_equal(depth, sorted[i].depth);
		assert_int_equal(value, sorted[i].value);
	}
	for (unsigned int i = 0; i < p->m.n; i++) {
		unsigned int k = i + 1;

		prefix = sorted[i].prefix;
		depth = sorted[i].depth;
		while (k < p->m.n && sorted[k].value == 0)
			k++;
		if (k == p->m.n) {
			assert_int_equal(p->fam->next(p->f, &prefix, &depth, &value), -ENOENT);
			continue;
		}
		assert_int_equal(p->fam->next(p->f, &prefix, &depth, &value), 0);
		assert_memory_equal(&prefix, &sorted[k].prefix, sizeof(prefix));
		assert_int_equal(depth, sorted[k].depth);
	}
}

static void route_set(struct pair *p, struct model_route *r, uint32_t value)
{
	assert_int_equal(p->fam->set(p->f, r->prefix, r->depth, value), 0);
	p->m.present += r->value == 0;
	r->value = value;
}

static void route_del(struct pair *p, struct model_route *r)
{
	assert_int_equal(p->fam->del(p->f, r->prefix, r->depth), r->value != 0 ? 0 : -ENOENT);
	p->m.present -= r->value != 0;
	r->value = 0;
}

// Sets or removes one prefix; more of the one for a while and then more of the other.
static void step(struct pair *p, unsigned int i, unsigned int period)
{
	struct model_route *const r = &p->m.route[rng_next(&p->m.rng) % p->m.n];
	const unsigned int share = i / period % 2 == 0 ? 7 : 1;
	uint32_t value;

	assert_int_equal(p->fam->get(p->f, r->prefix, r->depth, &value), r->value != 0 ? 0 : -ENOENT);
	if (r->value != 0)
		assert_int_equal(value, r->value);
	if (rng_next(&p->m.rng) % 8 < share)
		route_set(p, r, 1 + (uint32_t)(rng_next(&p->m.rng) % FIB_VALUE_MAX));
	else
		route_del(p, r);
	assert_int_equal(p->fam->count(p->f), p->m.present);
}

static void random_operations(const struct fib_family *fam, unsigned int n, unsigned int steps, uint64_t seed)
{
	static struct pair p;

	pair_create(&p, fam, POOL_BYTES, n, seed);
	const uint64_t used = fib_pool_used(p.pool), bytes = fam->bytes(p.f);

	for (unsigned int i = 0; i < steps; i++) {
		step(&p, i, n * 4);
		if (i % 64 == 0)
			check_addresses(&p);
		check_match(&p);
		if (i % 8192 == 0)
			check_walk(&p);
	}
	for (unsigned int i = 0; i < p.m.n; i++)
		route_del(&p, &p.m.route[i]);
	check_addresses(&p);
	fib_pool_reclaim(p.pool);
	assert_int_equal(fam->count(p.f), 0);
	assert_int_equal(fam->bytes(p.f), bytes);
	assert_int_equal(fib_pool_used(p.pool), used);
	pair_destroy(&p);
}

static void random_operations_agree_with_the_model(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(fib_families); i++) {
		for (uint64_t seed = 1; seed <= 4; seed++) {
			random_operations(&fib_families[i], 12, 30000, seed);
			random_operations(&fib_families[i], 60, 30000, seed + 100);
			random_operations(&fib_families[i], 500, 60000, seed + 200);
		}
	}
}

#define LARGE 30000u

static void check_large(const struct fib_family *fam, const void *f, const struct fib_route *route, uint64_t *rng)
{
	struct fib6_addr addr[FIB_LANES], prefix;
	uint32_t value[FIB_LANES], want;
	uint8_t depth;

	for (unsigned int n = 0; n < 2000; n++) {
		for (unsigned int i = 0; i < FIB_LANES; i++)
			addr[i] = fib_routes_addr(&route[rng_next(rng) % LARGE], fam->bits, rng);
		fam->lanes(f, addr, UINT64_MAX, value);
		for (unsigned int i = 0; i < FIB_LANES; i++) {
			if (fam->match(f, addr[i], FIB6_BITS, &prefix, &depth, &want) < 0)
				want = 0;
			assert_int_equal(value[i], want);
		}
	}
}

// The look-ups of a table whose root has grown to its largest agree with its prefixes, which are kept apart.
static void a_large_table_agrees_with_its_prefixes(void **state)
{
	uint64_t rng = RNG_SEED;

	for (unsigned int k = 0; k < RTE_DIM(fib_families); k++) {
		const struct fib_family *const fam = &fib_families[k];
		struct fib_route *const r = fib_routes(fam->bits, LARGE, k + 1);
		struct fib_pool *pool;
		void *f;

		assert_non_null(r);
		assert_int_equal(fib_pool_create(&pool, POOL_BYTES), 0);
		assert_int_equal(fam->create(&f, pool), 0);
		const uint64_t bytes = fam->bytes(f);

		for (uint32_t i = 0; i < LARGE; i++)
			assert_int_equal(fam->set(f, r[i].prefix, r[i].depth, i + 1), 0);
		check_large(fam, f, r, &rng);
		for (uint32_t i = 0; i < LARGE; i += 2)
			assert_int_equal(fam->del(f, r[i].prefix, r[i].depth), 0);
		assert_int_equal(fam->count(f), LARGE / 2);
		check_large(fam, f, r, &rng);
		for (uint32_t i = 1; i < LARGE; i += 2)
			assert_int_equal(fam->del(f, r[i].prefix, r[i].depth), 0);
		assert_int_equal(fam->bytes(f), bytes);
		fam->destroy(f);
		fib_pool_reclaim(pool);
		assert_int_equal(fib_pool_used(pool), 0);
		fib_pool_destroy(pool);
		free(r);
	}
}

#define VRFS 4096
#define VRF_ROUTES 50

// Each table has two families of routes; an eighth of the tables must do with an eighth of the memory.
static void small_tables_take_little_memory(void **state)
{
	static void *f[VRFS / 8][RTE_DIM(fib_families)];
	struct fib_pool *pool;

	assert_int_equal(fib_pool_create(&pool, (UINT64_C(512) << 20) / 8), 0);
	for (unsigned int i = 0; i < VRFS / 8 * RTE_DIM(fib_families); i++) {
		const struct fib_family *const fam = &fib_families[i % 2];
		struct fib_route *const r = fib_routes(fam->bits, VRF_ROUTES, i + 1);

		assert_non_null(r);
		assert_int_equal(fam->create(&f[i / 2][i % 2], pool), 0);
		for (uint32_t k = 0; k < VRF_ROUTES; k++)
			assert_int_equal(fam->set(f[i / 2][i % 2], r[k].prefix, r[k].depth, k + 1), 0);
		free(r);
	}
	assert_true(fib_pool_used(pool) < fib_pool_max(pool) / 2);
	for (unsigned int i = 0; i < VRFS / 8 * RTE_DIM(fib_families); i++)
		fib_families[i % 2].destroy(f[i / 2][i % 2]);
	fib_pool_reclaim(pool);
	assert_int_equal(fib_pool_used(pool), 0);
	fib_pool_destroy(pool);
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(what_is_no_prefix_or_value_is_refused),
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(a_large_table_agrees_with_its_prefixes),
		cmocka_unit_test(small_tables_take_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
