/* SPDX-License-Identifier: BSD-3-Clause */
// fib4 and fib6 without memory: where each single block that an operation asks for is refused, the operation fails and
// has changed nothing, or does without; and a pool that is full takes routes again when others go.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../tables/fib_pool.c"

static unsigned int asked, refused;

static bool refuse(void)
{
	return ++asked == refused;
}

// All that the tables allocate goes by these two.
#define fib_pool_alloc(pool, units) (refuse() ? 0 : fib_pool_alloc(pool, units))
#define fib_pool_make(pool, lines) (refuse() ? 0 : fib_pool_make(pool, lines))

#include "../../tables/fib_rib.c"
#include "../../tables/fib_block.c"
#include "../../tables/fib_trie.c"
#include "../../tables/fib4.c"
#include "../../tables/fib6.c"
#include "fib_family.h"
#include "fib_model.h"

#define STEPS 4000

static void check(const struct fib_family *fam, const void *f, struct model *m, uint32_t count)
{
	assert_int_equal(fam->count(f), count);
	for (unsigned int i = 0; i < 32; i++) {
		const struct fib6_addr addr = model_addr(m);
		const struct model_route *const r = model_match(m, addr, m->bits);

		assert_int_equal(fam->lookup(f, addr), r != NULL ? r->value : 0);
	}
}

// Refuses the first block that is asked for, then the second one, and so on, until an operation has enough.
static void change(const struct fib_family *fam, void *f, struct model_route *r, uint32_t value, struct model *m,
		   uint32_t *count)
{
	const uint64_t bytes = fam->bytes(f);
	int ret = -ENOSPC;

	for (unsigned int i = 1; ret == -ENOSPC; i++) {
		asked = 0;
		refused = i;
		ret = value != 0 ? fam->set(f, r->prefix, r->depth, value) : fam->del(f, r->prefix, r->depth);
		refused = 0;
		if (ret < 0) {
			// Undoing may have made an array smaller that there was no memory to make smaller before.
			assert_true(fam->bytes(f) <= bytes);
			check(fam, f, m, *count);
		}
	}
	assert_int_equal(ret, value != 0 || r->value != 0 ? 0 : -ENOENT);
	*count += (uint32_t)(value != 0) - (uint32_t)(r->value != 0);
	r->value = value;
	check(fam, f, m, *count);
}

static void a_refused_block_leaves_the_table_as_it_was(void **state)
{
	static struct model m;

	for (unsigned int i = 0; i < RTE_DIM(fib_families); i++) {
		const struct fib_family *const fam = &fib_families[i];
		struct fib_pool *pool;
		uint32_t count = 0;
		void *f = NULL;

		assert_int_equal(fib_pool_create(&pool, 64 << 20), 0);
		asked = 0;
		refused = 1;
		assert_int_equal(fam->create(&f, pool), -ENOSPC);
		assert_int_equal(fam->create(&f, pool), 0);
		model_init(&m, fam->bits, 300, i + 1);
		for (unsigned int k = 0; k < STEPS; k++) {
			struct model_route *const r = &m.route[rng_next(&m.rng) % m.n];
			const bool set = rng_next(&m.rng) % 8 < (k / 1000 % 2 == 0 ? 7 : 1);

			change(fam, f, r, set ? 1 + (uint32_t)(rng_next(&m.rng) % FIB_VALUE_MAX) : 0, &m, &count);
		}
		fam->destroy(f);
		fib_pool_reclaim(pool);
		assert_int_equal(fib_pool_used(pool), 0);
		fib_pool_destroy(pool);
	}
}

// Adds routes of one address each, far from each other, until the pool is full. Returns how many.
static uint32_t fill(struct fib4 *f)
{
	for (uint32_t n = 0;; n++) {
		const int ret = fib4_set(f, n * 0x9e3779b1, 32, n + 1);

		if (ret < 0) {
			assert_int_equal(ret, -ENOSPC);
			return n;
		}
	}
}

static void a_full_pool_refuses_and_takes_again_what_has_gone(void **state)
{
	struct fib_pool *pool;
	struct fib4 *f = NULL;
	uint32_t n;

	assert_int_equal(fib_pool_create(&pool, 4 << 20), 0);
	assert_int_equal(fib4_create(&f, pool), 0);
	n = fill(f);
	assert_true(n > 1000);
	assert_int_equal(fib_pool_used(pool), fib_pool_max(pool));
	assert_int_equal(fib4_count(f), n);
	// To undo changes there is some more.
	fib_pool_overdraw(pool, true);
	assert_int_equal(fib4_set(f, n * 0x9e3779b1, 32, n + 1), 0);
	fib_pool_overdraw(pool, false);
	assert_int_equal(fib4_del(f, n * 0x9e3779b1, 32), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(fib4_lookup(f, i * 0x9e3779b1), i + 1);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(fib4_del(f, i * 0x9e3779b1, 32), 0);
	assert_int_equal(fib4_count(f), 0);
	assert_true(fill(f) >= n - n / 100);
	fib4_destroy(f);
	fib_pool_reclaim(pool);
	assert_int_equal(fib_pool_used(pool), 0);
	fib_pool_destroy(pool);
}

static uint64_t never_start(void *arg)
{
	return 1;
}

static bool never_over(void *arg, uint64_t token)
{
	return *(bool *)arg;
}

// Blocks that readers may still be in count as used until they are not.
static void blocks_wait_for_the_end_of_the_grace_period(void **state)
{
	struct fib_pool *pool;
	struct fib4 *f = NULL;
	bool over = false;

	assert_int_equal(fib_pool_create(&pool, 4 << 20), 0);
	fib_pool_grace(pool, never_start, never_over, &over);
	assert_int_equal(fib4_create(&f, pool), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		if (fib4_set(f, 0x0a000001, 32, 1) < 0)
			break;
		assert_int_equal(fib4_del(f, 0x0a000001, 32), 0);
	}
	assert_true(fib_pool_reclaim(pool) > 1000);
	assert_true(fib_pool_used(pool) > 1000000);
	over = true;
	assert_int_equal(fib_pool_reclaim(pool), 0);
	assert_true(fib_pool_used(pool) <= 3 * FIB_POOL_PAGE);
	fib4_destroy(f);
	assert_int_equal(fib_pool_used(pool), 0);
	fib_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_block_leaves_the_table_as_it_was),
		cmocka_unit_test(a_full_pool_refuses_and_takes_again_what_has_gone),
		cmocka_unit_test(blocks_wait_for_the_end_of_the_grace_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
