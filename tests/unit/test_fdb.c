/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tables/fdb.h"
#include "../rng.h"

#define CLOCK_PERIOD 65535u

static uint64_t rng_state = RNG_SEED;

static uint64_t rng(void)
{
	return rng_next(&rng_state);
}

static struct fdb *table(uint32_t capacity)
{
	struct fdb *f;

	assert_int_equal(fdb_create(&f, capacity), 0);
	return f;
}

static uint64_t key_of(uint32_t i, uint16_t domain)
{
	const uint8_t mac[6] = {0x52, 0x54, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

	return fdb_key(mac, domain);
}

// The 16-bit clock at a full second: 1, 2, ... 65535, 1, ...
static uint16_t clock16(uint64_t s)
{
	return (uint16_t)(s % CLOCK_PERIOD + 1);
}

static uint32_t lookup(struct fdb *f, uint64_t key)
{
	uint32_t value;

	hash64_lookup_bulk(fdb_hash(f), &key, 1, &value);
	return value;
}

// What a worker does for each packet: refresh what it finds, at most once a second.
static void packet(struct fdb *f, uint64_t key, uint16_t now)
{
	const uint32_t value = lookup(f, key);

	if (value != 0 && FDB_SEEN(value) != 0 && FDB_SEEN(value) != now)
		fdb_touch(f, key, now);
}

static uint32_t age(const struct fdb *f, uint64_t key, uint16_t now)
{
	struct fdb_entry e;

	assert_int_equal(fdb_get(f, key, now, &e), 0);
	assert_int_equal(e.key, key);
	return e.age_s;
}

static bool keep(void *arg, const struct fdb_entry *e)
{
	return false;
}

static bool older(void *arg, const struct fdb_entry *e)
{
	return !e->is_static && e->age_s > *(uint32_t *)arg;
}

static uint32_t walk(struct fdb *f, uint16_t now, fdb_visit_fn visit, void *arg)
{
	uint64_t cursor = 0;
	const uint32_t removed = fdb_walk(f, &cursor, 0, now, visit, arg);

	assert_int_equal(cursor, 0);
	return removed;
}

static void key_holds_mac_and_domain(void **state)
{
	const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	const uint64_t key = fdb_key(mac, 0xabcd);
	uint8_t back[6];

	assert_int_equal(key, 0x554433221102abcd);
	assert_int_equal(fdb_key_domain(key), 0xabcd);
	fdb_key_mac(key, back);
	assert_memory_equal(back, mac, 6);
}

static void learns_refreshes_and_moves(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t key = key_of(1, 1);
	uint16_t old = 0;

	assert_int_equal(lookup(f, key), 0);
	assert_int_equal(fdb_learn(f, key, 7, 100, &old), FDB_NEW);
	assert_int_equal(FDB_PORT(lookup(f, key)), 7);
	assert_int_equal(FDB_SEEN(lookup(f, key)), 100);
	assert_int_equal(fdb_learn(f, key, 7, 101, &old), FDB_SAME);
	assert_int_equal(FDB_SEEN(lookup(f, key)), 101);
	assert_int_equal(old, 0);
	assert_int_equal(fdb_learn(f, key, 8, 102, &old), FDB_MOVED);
	assert_int_equal(old, 7);
	assert_int_equal(fdb_learn(f, key, 9, 102, NULL), FDB_MOVED);
	assert_int_equal(FDB_PORT(lookup(f, key)), 9);
	assert_int_equal(fdb_count(f), 1);
	assert_int_equal(lookup(f, key_of(1, 2)), 0);
	fdb_destroy(f);
	fdb_destroy(NULL);
}

static void static_entries_stay_where_they_are(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t key = key_of(1, 1), dynamic = key_of(2, 1);
	uint32_t limit = 10;
	struct fdb_entry e;

	assert_int_equal(fdb_add_static(f, key, 7), 0);
	assert_int_equal(fdb_add_static(f, key, 8), -EEXIST);
	assert_int_equal(fdb_learn(f, key, 8, 100, NULL), FDB_IS_STATIC);
	fdb_touch(f, key, 101);
	assert_int_equal(lookup(f, key), 7 << 16);
	assert_int_equal(fdb_learn(f, dynamic, 5, 100, NULL), FDB_NEW);
	assert_int_equal(fdb_add_static(f, dynamic, 6), 1);
	assert_int_equal(lookup(f, dynamic), 6 << 16);
	assert_int_equal(walk(f, 60000, older, &limit), 0);
	assert_int_equal(fdb_get(f, key, 60000, &e), 0);
	assert_true(e.is_static);
	assert_int_equal(e.age_s, 0);
	assert_int_equal(e.port_id, 7);
	fdb_destroy(f);
}

static void walk_mends_a_static_entry_hit_by_a_late_refresh(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t key = key_of(1, 1);
	struct fdb_entry e;

	assert_int_equal(fdb_add_static(f, key, 7), 0);
	// A worker found the slot's former entry, was interrupted, and stores its two bytes only now.
	*(uint16_t *)(void *)hash64_value_ptr(fdb_hash(f), key) = 99;
	assert_int_equal(fdb_get(f, key, 100, &e), 0);
	assert_true(e.is_static);
	assert_int_equal(fdb_learn(f, key, 8, 100, NULL), FDB_IS_STATIC);
	walk(f, 100, keep, NULL);
	assert_int_equal(lookup(f, key), 7 << 16);
	fdb_destroy(f);
}

static void deletion_tells_what_was_there(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t key = key_of(1, 1);
	struct fdb_entry e;

	assert_int_equal(fdb_del(f, key, &e), -ENOENT);
	assert_int_equal(fdb_get(f, key, 1, &e), -ENOENT);
	fdb_touch(f, key, 1);
	assert_int_equal(fdb_learn(f, key, 7, 100, NULL), FDB_NEW);
	assert_int_equal(fdb_del(f, key, &e), 0);
	assert_int_equal(e.key, key);
	assert_int_equal(e.port_id, 7);
	assert_false(e.is_static);
	assert_int_equal(fdb_del(f, key, NULL), -ENOENT);
	assert_int_equal(lookup(f, key), 0);
	assert_int_equal(fdb_count(f), 0);
	fdb_destroy(f);
}

static void refuses_bad_capacities_and_more_than_it_holds(void **state)
{
	struct fdb *f = NULL;
	uint32_t n = 0;

	assert_int_equal(fdb_create(&f, FDB_CAPACITY_MIN - 1), -EINVAL);
	assert_int_equal(fdb_create(&f, FDB_CAPACITY_MAX + 1), -EINVAL);
	assert_null(f);
	f = table(FDB_CAPACITY_MIN);
	assert_true(fdb_capacity(f) >= FDB_CAPACITY_MIN);
	assert_true(fdb_memory_bytes(f) >= fdb_capacity(f) * 12);
	while (fdb_learn(f, key_of(n, 1), 1, 5, NULL) == FDB_NEW)
		n++;
	assert_int_equal(n, fdb_capacity(f));
	assert_int_equal(fdb_learn(f, key_of(n, 1), 1, 5, NULL), -ENOSPC);
	assert_int_equal(fdb_add_static(f, key_of(n, 1), 1), -ENOSPC);
	assert_int_equal(fdb_learn(f, key_of(0, 1), 2, 5, NULL), FDB_MOVED);
	assert_int_equal(fdb_del(f, key_of(0, 1), NULL), 0);
	assert_int_equal(fdb_add_static(f, key_of(n, 1), 1), 0);
	fdb_destroy(f);
}

static void age_counts_from_the_last_packet(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t quiet = key_of(1, 1), busy = key_of(2, 1);
	uint32_t limit = 299;

	fdb_learn(f, quiet, 1, 100, NULL);
	fdb_learn(f, busy, 1, 100, NULL);
	packet(f, busy, 350);
	assert_int_equal(age(f, quiet, 400), 300);
	assert_int_equal(age(f, busy, 400), 50);
	assert_int_equal(walk(f, 399, older, &limit), 0);
	assert_int_equal(walk(f, 400, older, &limit), 1);
	assert_int_equal(lookup(f, quiet), 0);
	assert_int_equal(FDB_PORT(lookup(f, busy)), 1);
	fdb_destroy(f);
}

static void a_worker_clock_some_seconds_off_ages_nothing(void **state)
{
	struct fdb *f = table(FDB_CAPACITY_MIN);
	const uint64_t ahead = key_of(1, 1), behind = key_of(2, 1), start = 3 * CLOCK_PERIOD - 2;

	fdb_learn(f, ahead, 1, clock16(start), NULL);
	fdb_learn(f, behind, 1, clock16(start), NULL);
	packet(f, ahead, clock16(start + 5));
	packet(f, behind, clock16(start - 1));
	walk(f, clock16(start + 2), keep, NULL);
	assert_int_equal(age(f, ahead, clock16(start + 2)), 0);
	assert_int_equal(age(f, behind, clock16(start + 2)), 2);
	// Control's own calls may come out of order by as much.
	fdb_learn(f, key_of(3, 1), 1, clock16(start + 1), NULL);
	assert_int_equal(age(f, behind, clock16(start + 2)), 2);
	fdb_touch(f, ahead, 0);
	assert_int_not_equal(FDB_SEEN(lookup(f, ahead)), 0);
	fdb_destroy(f);
}

// Ten entries, of which number i sends a packet every i days, over a month of hourly walks, against full seconds.
static void ages_reach_a_million_seconds(void **state)
{
	enum { HOUR = 3600, HOURS = 31 * 24 };
	struct fdb *f = table(FDB_CAPACITY_MIN);
	uint64_t seen[10], now = 12345;
	uint32_t limit = 1000000;

	for (unsigned int i = 0; i < 10; i++) {
		fdb_learn(f, key_of(i, 1), 1, clock16(now), NULL);
		seen[i] = now;
	}
	fdb_learn(f, key_of(99, 1), 1, clock16(now), NULL);
	for (unsigned int hour = 0; hour < HOURS; hour++, now += HOUR) {
		for (unsigned int i = 1; i < 10; i++) {
			if (hour == 0 || hour % (24 * i) != 0)
				continue;
			seen[i] = now - rng() % 100;
			packet(f, key_of(i, 1), clock16(seen[i]));
		}
		// Number 0 is refreshed by an event, as it would be after a restart of its worker.
		if (hour % 250 == 0) {
			fdb_learn(f, key_of(0, 1), 1, clock16(now), NULL);
			seen[0] = now;
		}
		assert_int_equal(walk(f, clock16(now), older, &limit), (now - 12345) / HOUR == limit / HOUR + 1);
		for (unsigned int i = 0; i < 10; i++)
			assert_int_equal(age(f, key_of(i, 1), clock16(now)), now - seen[i]);
	}
	assert_int_equal(fdb_count(f), 10);
	fdb_destroy(f);
}

struct visited {
	uint32_t n, seen[2000];
};

static bool count_visit(void *arg, const struct fdb_entry *e)
{
	struct visited *v = arg;

	v->n++;
	v->seen[e->port_id]++;
	return false;
}

static void a_walk_in_pieces_visits_each_entry_once(void **state)
{
	struct fdb *f = table(2000);
	struct visited v = {0};
	uint64_t cursor = 0;
	unsigned int calls = 0;

	for (uint32_t i = 1; i < 2000; i++)
		assert_int_equal(fdb_learn(f, key_of(i, 1), (uint16_t)i, 5, NULL), FDB_NEW);
	do {
		const uint32_t before = v.n;

		fdb_walk(f, &cursor, 100, 6, count_visit, &v);
		assert_true(v.n - before <= 100);
		calls++;
	} while (cursor != 0);
	assert_true(calls >= 20);
	assert_int_equal(v.n, 1999);
	for (uint32_t i = 1; i < 2000; i++)
		assert_int_equal(v.seen[i], 1);
	fdb_destroy(f);
}

struct flush {
	uint16_t port_id, domain;
};

static bool matches(void *arg, const struct fdb_entry *e)
{
	const struct flush *flush = arg;

	return (flush->port_id == 0 || e->port_id == flush->port_id) &&
	       (flush->domain == 0 || fdb_key_domain(e->key) == flush->domain);
}

struct model {
	uint16_t port_id;
	bool is_static;
	uint64_t seen;
};

static void check_model(struct fdb *f, const struct model *model, uint32_t space, uint64_t now)
{
	for (uint32_t i = 0; i < space; i++) {
		struct fdb_entry e;
		const int ret = fdb_get(f, key_of(i / 3, (uint16_t)(i % 3 + 1)), clock16(now), &e);

		assert_int_equal(ret, model[i].port_id != 0 ? 0 : -ENOENT);
		if (ret < 0)
			continue;
		assert_int_equal(e.port_id, model[i].port_id);
		assert_int_equal(e.is_static, model[i].is_static);
		assert_int_equal(e.age_s, model[i].is_static ? 0 : now - model[i].seen);
	}
}

static void agrees_with_a_model_under_random_operations(void **state)
{
	enum { SPACE = 1000, OPERATIONS = 1000000 };
	struct fdb *f = table(FDB_CAPACITY_MIN);
	struct model *model = calloc(SPACE, sizeof(*model));
	uint64_t now = 500;

	for (unsigned int n = 0; n < OPERATIONS; n++) {
		const uint32_t i = (uint32_t)(rng() % SPACE);
		struct model *const m = &model[i];
		const uint64_t key = key_of(i / 3, (uint16_t)(i % 3 + 1));
		const uint16_t port_id = (uint16_t)(rng() % 5 + 1);
		const struct flush flush = {.port_id = (uint16_t)(rng() % 6), .domain = (uint16_t)(rng() % 4)};
		const unsigned int what = (unsigned int)(rng() % 1000);
		uint32_t expect = 0;
		uint16_t old = 0;

		if (what < 400) {
			expect = m->port_id == 0 ? FDB_NEW : m->port_id == port_id ? FDB_SAME : FDB_MOVED;
			assert_int_equal(fdb_learn(f, key, port_id, clock16(now), &old),
					 m->is_static ? FDB_IS_STATIC : expect);
			if (!m->is_static) {
				assert_int_equal(old, expect == FDB_MOVED ? m->port_id : 0);
				*m = (struct model){.port_id = port_id, .seen = now};
			}
		} else if (what < 800) {
			packet(f, key, clock16(now));
			m->seen = now;
		} else if (what < 850) {
			expect = m->port_id != 0;
			assert_int_equal(fdb_add_static(f, key, port_id), m->is_static ? -EEXIST : (int)expect);
			if (!m->is_static)
				*m = (struct model){.port_id = port_id, .is_static = true};
		} else if (what < 950) {
			assert_int_equal(fdb_del(f, key, NULL), m->port_id != 0 ? 0 : -ENOENT);
			*m = (struct model){0};
		} else if (what < 998) {
			now += rng() % 300;
		} else if (what < 999) {
			for (uint32_t k = 0; k < SPACE; k++) {
				const struct fdb_entry e = {.key = key_of(k / 3, (uint16_t)(k % 3 + 1)),
							    .port_id = model[k].port_id};

				if (model[k].port_id != 0 && matches((void *)(uintptr_t)&flush, &e)) {
					model[k] = (struct model){0};
					expect++;
				}
			}
			assert_int_equal(walk(f, clock16(now), matches, (void *)(uintptr_t)&flush), expect);
		} else {
			walk(f, clock16(now), keep, NULL);
		}
		if (n % 1000 == 0) {
			walk(f, clock16(now), keep, NULL);
			check_model(f, model, SPACE, now);
		}
	}
	free(model);
	fdb_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_holds_mac_and_domain),
		cmocka_unit_test(learns_refreshes_and_moves),
		cmocka_unit_test(static_entries_stay_where_they_are),
		cmocka_unit_test(walk_mends_a_static_entry_hit_by_a_late_refresh),
		cmocka_unit_test(deletion_tells_what_was_there),
		cmocka_unit_test(refuses_bad_capacities_and_more_than_it_holds),
		cmocka_unit_test(age_counts_from_the_last_packet),
		cmocka_unit_test(a_worker_clock_some_seconds_off_ages_nothing),
		cmocka_unit_test(ages_reach_a_million_seconds),
		cmocka_unit_test(a_walk_in_pieces_visits_each_entry_once),
		cmocka_unit_test(agrees_with_a_model_under_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
