/* SPDX-License-Identifier: BSD-3-Clause */
// Readers of fib4 and fib6 beside their writer, store by store: the writer is a coroutine that may stop after any of
// its stores, and the reader lets it go on for some stores before any of its loads. The same in every run. Each look-up
// must come to an answer that was right at some instant while it lasted.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "steps.h"

#include "../../tables/fib_pool.c"
#include "../../tables/fib_rib.c"
#include "../../tables/fib_block.c"
#include "../../tables/fib_trie.c"
#include "../../tables/fib4.c"
#include "../../tables/fib6.c"
#include "fib_family.h"
#include "fib_model.h"

#define LOOKUPS 30000
#define BURSTS 1000

static const struct fib_family *fam;
static struct fib_pool *pool;
static void *f;
static struct model model; // as it is to be after the operation under way
static uint64_t lookups, operations;
static bool no_grace;

// The operation under way or just done, and what its route was before.
static struct model_route *changing;
static uint32_t changing_from;

// The addresses being looked up, and the answers that have been right since.
static struct fib6_addr addr[FIB_LANES];
static uint32_t right[FIB_LANES][4096];
static unsigned int naddr, nright;

static void answers_add(void)
{
	assert_true(nright < RTE_DIM(right[0]));
	for (unsigned int i = 0; i < naddr; i++) {
		const struct model_route *const r = model_match(&model, addr[i], fam->bits);

		right[i][nright] = r != NULL ? r->value : 0;
	}
	nright++;
}

static void write_all_the_time(void)
{
	for (;; operations++) {
		struct model_route *const r = &model.route[rng_next(&model.rng) % model.n];
		const bool set = rng_next(&model.rng) % 8 < (operations / 1024 % 2 == 0 ? 7 : 1);

		changing = r;
		changing_from = r->value;
		r->value = set ? 1 + (uint32_t)(rng_next(&model.rng) % FIB_VALUE_MAX) : 0;
		if (r->value != changing_from)
			answers_add();
		if (set)
			assert_int_equal(fam->set(f, r->prefix, r->depth, r->value), 0);
		else if (changing_from != 0)
			assert_int_equal(fam->del(f, r->prefix, r->depth), 0);
		if (operations % 2 == 0)
			fib_pool_reclaim(pool);
	}
}

static uint64_t grace_start(void *arg)
{
	return lookups + 1;
}

// A look-up that was going on when the period began is over now.
static bool grace_over(void *arg, uint64_t token)
{
	return no_grace || lookups >= token;
}

static void lookups_begin(unsigned int n, unsigned int stores)
{
	naddr = n;
	nright = 0;
	for (unsigned int i = 0; i < n; i++)
		addr[i] = model_addr(&model);
	answers_add();
	if (changing != NULL) {
		const uint32_t now = changing->value;

		changing->value = changing_from;
		answers_add();
		changing->value = now;
	}
	steps_allow(stores);
}

// Whether each value was the right answer at some instant.
static bool lookups_end(const uint32_t *value)
{
	unsigned int good = 0;

	lookups++;
	for (unsigned int i = 0; i < naddr; i++) {
		for (unsigned int k = 0; k < nright; k++) {
			if (value[i] == right[i][k]) {
				good++;
				break;
			}
		}
	}
	return good == naddr;
}

static void begin(const struct fib_family *family, unsigned int routes)
{
	fam = family;
	lookups = operations = 0;
	changing = NULL;
	assert_int_equal(fib_pool_create(&pool, 64 << 20), 0);
	fib_pool_grace(pool, grace_start, grace_over, NULL);
	assert_int_equal(fam->create(&f, pool), 0);
	model_init(&model, fam->bits, routes, routes);
	steps_begin(write_all_the_time);
}

static void end(void)
{
	// The writer stands in the midst of an operation, so the table cannot be freed but with the pool.
	free(f);
	fib_pool_destroy(pool);
}

// Returns the number of the first look-up that came to a wrong answer, or n.
static unsigned int single_lookups(unsigned int n)
{
	uint32_t value;

	for (unsigned int i = 0; i < n; i++) {
		lookups_begin(1, 200);
		value = fam->lookup(f, addr[0]);
		if (!lookups_end(&value))
			return i;
	}
	return n;
}

static unsigned int burst_lookups(unsigned int n)
{
	uint32_t value[FIB_LANES];

	for (unsigned int i = 0; i < n; i++) {
		lookups_begin(FIB_LANES, 2000);
		fam->lanes_scalar(f, addr, UINT64_MAX, value);
		if (!lookups_end(value))
			return i;
	}
	return n;
}

// Few routes, so that addresses change between their own and the default one, and more, so that blocks come and go.
static const unsigned int sizes[] = {3, 8, 40, 200};

static void a_look_up_is_right_whatever_is_stored_before_its_loads(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(fib_families) * RTE_DIM(sizes); i++) {
		begin(&fib_families[i / RTE_DIM(sizes)], sizes[i % RTE_DIM(sizes)]);
		assert_int_equal(single_lookups(LOOKUPS), LOOKUPS);
		assert_true(operations > LOOKUPS / 8);
		end();
	}
}

static void a_burst_is_right_whatever_is_stored_before_its_loads(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(fib_families) * RTE_DIM(sizes); i++) {
		begin(&fib_families[i / RTE_DIM(sizes)], sizes[i % RTE_DIM(sizes)]);
		assert_int_equal(burst_lookups(BURSTS), BURSTS);
		assert_true(operations > BURSTS);
		end();
	}
}

// In a process of its own: what a reader makes of memory that is another's by now may be outside of the pool.
static void blocks_reused_without_a_grace_period_mislead_readers(void **state)
{
	for (unsigned int i = 0; i < RTE_DIM(fib_families); i++) {
		int status;
		const pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			no_grace = true;
			begin(&fib_families[i], 200);
			// One that never ends is wrong, too.
			alarm(20);
			_exit(burst_lookups(BURSTS) == BURSTS ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_up_is_right_whatever_is_stored_before_its_loads),
		cmocka_unit_test(a_burst_is_right_whatever_is_stored_before_its_loads),
		cmocka_unit_test(blocks_reused_without_a_grace_period_mislead_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
