/* SPDX-License-Identifier: BSD-3-Clause */
// The ordered set of a VRF's routes, against an array that is searched from end to end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/rib.h"
#include "../rng.h"

#define MODEL 3000
#define ROUNDS 60000

static struct rib rib;
static struct rib_entry model[MODEL];
static size_t nmodel;

static struct rib_entry random_key(uint64_t *rng)
{
	struct ip_prefix p = {.addr.family = rng_next(rng) % 2 ? 4 : 6};

	// Few address bits, so that prefixes nest and meet.
	p.addr.bytes[0] = (uint8_t)(rng_next(rng) & 0x0f);
	p.addr.bytes[1] = (uint8_t)(rng_next(rng) & 0xc0);
	p.depth = (uint8_t)(rng_next(rng) % (p.addr.family == 4 ? 33 : 129));
	if (p.depth > 24)
		p.addr.bytes[2] = (uint8_t)rng_next(rng);
	if (p.depth > 100)
		p.addr.bytes[12] = (uint8_t)(rng_next(rng) & 3);
	ip_mask(&p);
	return rib_key(&p, rng_next(rng) % 4);
}

static int order(const void *x, const void *y)
{
	const struct rib_entry *a = x, *b = y;
	struct ip_prefix p, q;
	int bytes;

	rib_prefix(a, &p);
	rib_prefix(b, &q);
	bytes = memcmp(p.addr.bytes, q.addr.bytes, sizeof(p.addr.bytes));
	return a->family != b->family ? a->family - b->family
	       : bytes                ? bytes
	       : a->depth != b->depth ? a->depth - b->depth
				      : a->source - b->source;
}

static struct rib_entry *model_find(const struct rib_entry *key)
{
	for (size_t i = 0; i < nmodel; i++)
		if (order(&model[i], key) == 0)
			return &model[i];
	return NULL;
}

static void check_match(const struct rib_entry *key)
{
	const struct rib_entry *best = NULL, *got = rib_match(&rib, key, key->family == 4 ? 32 : 128);
	struct ip_prefix p, q;

	rib_prefix(key, &p);
	for (size_t i = 0; i < nmodel; i++) {
		rib_prefix(&model[i], &q);
		if (ip_in(&p.addr, &q) && (!best || model[i].depth > best->depth ||
					   (model[i].depth == best->depth && model[i].source < best->source)))
			best = &model[i];
	}
	assert_int_equal(got == NULL, best == NULL);
	if (got)
		assert_int_equal(got->value, best->value);
}

static void check_order(void)
{
	const struct rib_entry *e = NULL;
	struct rib_entry at;

	qsort(model, nmodel, sizeof(model[0]), order);
	for (size_t i = 0; i < nmodel; i++) {
		e = rib_after(&rib, i ? &at : NULL);
		assert_non_null(e);
		assert_int_equal(order(e, &model[i]), 0);
		assert_int_equal(e->value, model[i].value);
		at = *e;
	}
	assert_null(nmodel ? rib_after(&rib, &at) : rib_after(&rib, NULL));
	assert_int_equal(rib.count, nmodel);
}

static bool model_has_better(const struct rib_entry *key)
{
	for (size_t i = 0; i < nmodel; i++)
		if (rib_same_prefix(&model[i], key) && model[i].source < key->source)
			return true;
	return false;
}

static void put(const struct rib_entry *key, uint32_t value)
{
	struct rib_entry e = *key, *known = model_find(key);
	uint32_t old;

	e.value = value;
	assert_int_equal(rib_put(&rib, &e, &old), model_has_better(key));
	assert_int_equal(old, known ? known->value : 0);
	if (known)
		known->value = value;
	else
		model[nmodel++] = e;
}

static void del(const struct rib_entry *key)
{
	struct rib_entry *known = model_find(key);

	assert_int_equal(rib_del(&rib, key), known ? known->value : 0);
	if (known)
		*known = model[--nmodel];
}

static void random_operations_agree_with_the_model(void **state)
{
	uint64_t rng = RNG_SEED;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		struct rib_entry key = random_key(&rng);
		// It grows, shrinks to nothing, and grows again.
		bool growing = round / (ROUNDS / 4) % 2 == 0;

		if (nmodel < MODEL && rng_next(&rng) % 8 < (growing ? 6 : 1))
			put(&key, round);
		else if (nmodel && rng_next(&rng) % 4)
			del(&model[rng_next(&rng) % nmodel]);
		else
			del(&key);
		if (round % 64 == 0)
			check_match(&key);
		if (round % (ROUNDS / 16) == 0)
			check_order();
	}
	rib_clear(&rib);
	nmodel = 0;
	assert_null(rib_after(&rib, NULL));
}

static void in_order_chunks_stay_full(void **state)
{
	struct ip_prefix p = {.addr.family = 4, .depth = 24};
	uint32_t old;

	for (uint32_t i = 0; i < 10000; i++) {
		struct rib_entry e;

		p.addr.bytes[0] = (uint8_t)(1 + (i >> 16));
		p.addr.bytes[1] = (uint8_t)(i >> 8);
		p.addr.bytes[2] = (uint8_t)i;
		e = rib_key(&p, RIB_STATIC);
		e.value = i + 1;
		assert_int_equal(rib_put(&rib, &e, &old), 0);
	}
	assert_true(rib.nchunks <= 10000 / (RIB_CHUNK - 1) + 1);
	rib_clear(&rib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(in_order_chunks_stay_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
