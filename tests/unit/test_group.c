/* SPDX-License-Identifier: BSD-3-Clause */
// Groups and meters under random changes, alone and in transactions that are taken back, against a naive model.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/group.h"
#include "../../control/meter.h"
#include "../../control/store.h"
#include "../../control/txn.h"
#include "../rng.h"

#define NUMBERS 14 // groups 0..NUMBERS-1 are played with; the last is never added
#define STEPS 40000

static uint64_t rng = RNG_SEED;
static struct flow_error error;

// The model: which groups there are, what they refer to, and which flow entries forward to which group.
struct model {
	bool there[NUMBERS];
	uint8_t type[NUMBERS];
	bool forwards[NUMBERS][NUMBERS], watches[NUMBERS][NUMBERS];
	uint32_t flows[NUMBERS];
};

// Each has to be met often, or the changes are not as random as they should be.
static const uint32_t refusals[] = {OFPBAC_BAD_OUT_GROUP, OFPGMFC_GROUP_EXISTS,         OFPGMFC_BAD_WATCH,
				    OFPGMFC_LOOP,         OFPGMFC_CHAINING_UNSUPPORTED, OFPGMFC_UNKNOWN_GROUP,
				    OFPGMFC_CHAINED_GROUP};
static uint32_t met[16]; // by code; OFPBAC_BAD_OUT_GROUP: 15

static struct model model;
static struct group_table table;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rng_next(&rng) % n);
}

static void flows_count(uint32_t group, int by)
{
	uint32_t id = 0;

	if (by > 0) {
		assert_int_equal(group_hold(&table, group, &id), 0);
		assert_int_equal(id, group_find(&table, group)->id);
	} else {
		group_release(&table, group);
	}
	model.flows[group] += (uint32_t)by;
}

struct dropped {
	uint32_t group, n;
};

static void dropped_undo(void *arg)
{
	struct dropped *d = arg;

	while (d->n-- > 0)
		flows_count(d->group, 1);
	free(d);
}

static void drop_flows(void *owner, uint32_t group, struct txn *txn)
{
	assert_ptr_equal(owner, &model);
	for (uint32_t g = 0; g < NUMBERS; g++) {
		struct dropped *d;

		if ((group != FLOW_GROUP_ALL && group != g) || model.flows[g] == 0)
			continue;
		d = malloc(sizeof(*d));
		*d = (struct dropped){.group = g, .n = model.flows[g]};
		while (model.flows[g] > 0)
			flows_count(g, -1);
		if (txn != NULL)
			txn_undo(txn, dropped_undo, free, d);
		else
			free(d);
	}
}

static bool refers(uint32_t from, uint32_t to)
{
	return model.forwards[from][to] || model.watches[from][to];
}

// The groups on the longest way from `g`; more than NUMBERS: there is a loop.
static uint32_t longest(uint32_t g, uint32_t far)
{
	uint32_t most = 0;

	if (far > NUMBERS)
		return NUMBERS + 1;
	for (uint32_t to = 0; to < NUMBERS; to++)
		if (refers(g, to)) {
			const uint32_t n = longest(to, far + 1);

			most = n > most ? n : most;
		}
	return most + 1;
}

static bool referred_to(uint32_t g)
{
	for (uint32_t from = 0; from < NUMBERS; from++)
		if (model.there[from] && refers(from, g))
			return true;
	return false;
}

// Puts what the mod says into the model, and says what is wrong with that; then the model is as it was.
static int model_put(const struct group_mod *m)
{
	const struct model before = model;
	const uint32_t g = m->group;
	bool unknown_out = false, unknown_watch = false, loop = false;
	uint32_t most = 0;

	model.there[g] = true;
	model.type[g] = m->type;
	memset(model.forwards[g], 0, sizeof(model.forwards[g]));
	memset(model.watches[g], 0, sizeof(model.watches[g]));
	for (uint32_t i = 0; i < m->nbuckets; i++) {
		const struct group_bucket *b = &m->buckets[i];

		if (group_bucket_watches(b) && b->watch_group != FLOW_GROUP_ANY) {
			model.watches[g][b->watch_group] = true;
			unknown_watch |= !model.there[b->watch_group];
		}
		for (uint32_t a = 0; a < b->actions.n; a++)
			if (b->actions.v[a].type == FLOW_ACTION_GROUP) {
				model.forwards[g][b->actions.v[a].arg] = true;
				unknown_out |= !model.there[b->actions.v[a].arg];
			}
	}
	for (uint32_t i = 0; i < NUMBERS; i++) {
		const uint32_t n = model.there[i] ? longest(i, 1) : 0;

		most = n > most ? n : most;
	}
	loop = most > NUMBERS;
	if (!unknown_out && !unknown_watch && !loop && most <= GROUP_CHAIN_MAX)
		return 0;
	model = before;
	// Of several faults the first one found is told; which that is, is the table's business.
	return unknown_out + unknown_watch + loop > 1 ? -1
	       : unknown_out                          ? OFPBAC_BAD_OUT_GROUP
	       : unknown_watch                        ? OFPGMFC_BAD_WATCH
	       : loop                                 ? OFPGMFC_LOOP
						      : OFPGMFC_CHAINING_UNSUPPORTED;
}

// Mostly the next one, so that chains become long; mostly one that is there.
static uint32_t random_target(const struct group_mod *m)
{
	const uint32_t g = below(4) ? (m->group + 1) % NUMBERS : below(NUMBERS);

	return model.there[g] || below(20) == 0 ? g : below(NUMBERS);
}

static void random_buckets(struct group_mod *m)
{
	const uint32_t n = below(20) ? below(4) : below(20);

	for (uint32_t i = 0; i < n; i++) {
		struct group_bucket *b = group_mod_add(m);
		struct flow_action *a = flow_actions_add(&b->actions);

		*a = (struct flow_action){.type = FLOW_ACTION_OUTPUT, .arg = 1 + below(9)};
		if (below(2))
			*flow_actions_add(&b->actions) =
				(struct flow_action){.type = FLOW_ACTION_GROUP, .arg = random_target(m)};
		if (m->type == GROUP_FF && below(2))
			b->watch_group = random_target(m);
		else if (m->type == GROUP_FF)
			b->watch_port = 1;
		if (m->type == GROUP_SELECT)
			b->weight = 1;
		if (m->type != GROUP_FF && below(2))
			b->watch_port = b->watch_group = 0;
	}
}

static int model_mod(const struct group_mod *m)
{
	const uint32_t g = m->group;

	if (m->command == GROUP_DELETE && g == FLOW_GROUP_ALL) {
		memset(model.there, 0, sizeof(model.there));
		memset(model.forwards, 0, sizeof(model.forwards));
		memset(model.watches, 0, sizeof(model.watches));
		return 0;
	}
	if (m->command == GROUP_DELETE) {
		if (model.there[g] && referred_to(g))
			return OFPGMFC_CHAINED_GROUP;
		model.there[g] = false;
		memset(model.forwards[g], 0, sizeof(model.forwards[g]));
		memset(model.watches[g], 0, sizeof(model.watches[g]));
		return 0;
	}
	if (m->command == GROUP_ADD && model.there[g])
		return OFPGMFC_GROUP_EXISTS;
	if (m->command == GROUP_MODIFY && !model.there[g])
		return OFPGMFC_UNKNOWN_GROUP;
	return model_put(m);
}

static void table_is_the_model(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		const struct group_obj *g = group_find(&table, i);
		uint32_t groups = 0;

		n += model.there[i];
		assert_int_equal(g != NULL, model.there[i]);
		if (g == NULL)
			continue;
		for (uint32_t from = 0; from < NUMBERS; from++)
			groups += model.there[from] && refers(from, i);
		assert_int_equal(g->groups, groups);
		assert_int_equal(g->flows, model.flows[i]);
		assert_int_equal(g->mod.type, model.type[i]);
		assert_int_equal(g->depth, longest(i, 1));
		assert_true(g->depth <= GROUP_CHAIN_MAX);
	}
	assert_int_equal(table.groups.n, n);
}

static void random_mod(struct txn *txn)
{
	struct group_mod m = {.type = (uint8_t)below(4), .group = below(NUMBERS - 1)};
	int rc, expected;

	m.command = below(8) == 0 ? GROUP_DELETE : below(2) ? GROUP_ADD : GROUP_MODIFY;

	if (m.command == GROUP_DELETE && below(60) == 0)
		m.group = FLOW_GROUP_ALL;
	if (m.command != GROUP_DELETE)
		random_buckets(&m);
	rc = group_table_mod(&table, &m, txn, &error);
	expected = model_mod(&m);
	assert_int_equal(rc < 0, expected != 0);
	if (expected > 0) {
		assert_int_equal(error.type << 16 | error.code, expected);
		met[error.type == OFPBAC_BAD_OUT_GROUP >> 16 ? 15 : error.code]++;
	}
	if (rc == 0 && m.command != GROUP_DELETE)
		assert_true(group_mod_equal(&group_find(&table, m.group)->mod, &m));
	if (m.group < NUMBERS && model.there[m.group] && below(3) == 0 && txn == NULL)
		flows_count(m.group, 1);
	group_mod_clear(&m);
}

// What a publisher does: workers count by a group's counters from now on, and ids and counters are free again only
// after they were given back here.
static void publish_all(void)
{
	struct group_obj *g;

	while ((g = group_dirty_take(&table)) != NULL) {
		if (g->live != NULL && g->counted.first != g->counters.first)
			group_counters_give(g->counted);
		g->live = (struct group_live *)&model;
		g->counted = g->counters;
		g->rebucketed = false;
		if (g->deleted)
			group_free(g);
	}
}

static void groups_are_those_of_a_naive_model(void **state)
{
	group_table_init(&table, drop_flows, &model);
	for (uint32_t step = 0; step < STEPS; step++) {
		struct model before;
		struct txn txn;

		if (below(4) != 0) {
			random_mod(NULL);
			table_is_the_model();
			if (below(5) == 0)
				publish_all();
			continue;
		}
		before = model;
		txn_begin(&txn, false);
		for (uint32_t i = 0, n = 1 + below(6); i < n; i++)
			random_mod(&txn);
		if (below(2)) {
			txn_rollback(&txn);
			model = before;
		} else {
			assert_int_equal(txn_commit(&txn, &error.fault), 0);
		}
		table_is_the_model();
	}
	for (uint32_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		assert_true(met[refusals[i] == OFPBAC_BAD_OUT_GROUP ? 15 : refusals[i] & 0xffff] > 20);
	publish_all();
	group_table_destroy(&table);
	memset(&model, 0, sizeof(model));
}

static void counters_are_all_there_again(void **state)
{
	struct group_mod m = {.command = GROUP_ADD};

	while (m.nbuckets < GROUP_BUCKETS_MAX)
		group_mod_add(&m);
	group_table_init(&table, drop_flows, &model);
	// After all that the random changes took and gave back, as many as there can be.
	for (m.group = 0; m.group < 1 << (GROUP_COUNTERS_ORDER - 10); m.group++)
		assert_int_equal(group_table_mod(&table, &m, NULL, &error), 0);
	assert_true(group_table_mod(&table, &m, NULL, &error) < 0);
	assert_string_equal(flow_error_name(error.type, error.code), "OFPGMFC_OUT_OF_BUCKETS");
	group_mod_add(&m);
	assert_true(group_table_mod(&table, &m, NULL, &error) < 0);
	group_mod_clear(&m);
	group_table_destroy(&table);
}

static void ids_are_used_again_when_all_are_used_up(void **state)
{
	struct group_mod m = {.command = GROUP_ADD};

	group_table_init(&table, drop_flows, &model);
	for (m.group = 0; m.group < GROUPS_MAX; m.group++)
		assert_int_equal(group_table_mod(&table, &m, NULL, &error), 0);
	assert_true(group_table_mod(&table, &m, NULL, &error) < 0);
	assert_string_equal(flow_error_name(error.type, error.code), "OFPGMFC_OUT_OF_GROUPS");
	assert_int_equal(group_find(&table, GROUPS_MAX - 1)->id, GROUPS_MAX);
	m = (struct group_mod){.command = GROUP_DELETE, .group = 77};
	assert_int_equal(group_table_mod(&table, &m, NULL, &error), 0);
	m = (struct group_mod){.command = GROUP_ADD, .group = 1000000};
	// Workers may still use the number of what was deleted.
	assert_true(group_table_mod(&table, &m, NULL, &error) < 0);
	publish_all();
	assert_int_equal(group_table_mod(&table, &m, NULL, &error), 0);
	assert_int_equal(group_find(&table, 1000000)->id, 78);
	group_table_destroy(&table);
}

// --- meters ----------------------------------------------------------------------------------------------------------

static struct meter_table meters;

static void meter_drop_flows(void *owner, uint32_t meter, struct txn *txn)
{
	struct meter_obj *m = meter_find(&meters, meter);

	assert_ptr_equal(owner, &meters);
	assert_null(txn);
	assert_int_equal(m->flows, 2);
	m->flows = 0;
}

static int meter(enum meter_command command, uint32_t number, uint32_t rate, struct txn *txn)
{
	const struct meter_mod m = {.command = (uint16_t)command,
				    .flags = METER_PKTPS,
				    .meter = number,
				    .nbands = 1,
				    .bands = {{.type = METER_DROP, .rate = rate}}};

	return meter_table_mod(&meters, &m, txn, &error);
}

static void refused(int rc, const char *name)
{
	assert_true(rc < 0);
	assert_string_equal(flow_error_name(error.type, error.code), name);
}

static void meters_come_change_and_go(void **state)
{
	struct txn txn;
	uint32_t id;

	meter_table_init(&meters, meter_drop_flows, &meters);
	assert_int_equal(meter_hold(&meters, 5, &id), -ENOENT);
	refused(meter(METER_MODIFY, 5, 1, NULL), "OFPMMFC_UNKNOWN_METER");
	assert_int_equal(meter(METER_DELETE, 5, 1, NULL), 0);
	assert_int_equal(meter(METER_ADD, 5, 1, NULL), 0);
	refused(meter(METER_ADD, 5, 1, NULL), "OFPMMFC_METER_EXISTS");
	refused(meter(METER_ADD, FLOW_METER_SLOWPATH, 1, NULL), "OFPMMFC_INVALID_METER");
	assert_int_equal(meter(METER_ADD, FLOW_METER_CONTROLLER, 1, NULL), 0);
	assert_int_equal(meter(METER_MODIFY, 5, 7, NULL), 0);
	assert_int_equal(meter_find(&meters, 5)->mod.bands[0].rate, 7);

	txn_begin(&txn, false);
	assert_int_equal(meter(METER_MODIFY, 5, 9, &txn), 0);
	assert_int_equal(meter(METER_ADD, 6, 9, &txn), 0);
	assert_int_equal(meter(METER_DELETE, FLOW_METER_ALL, 0, &txn), 0);
	assert_int_equal(meters.meters.n, 0);
	assert_int_equal(meter(METER_ADD, 5, 3, &txn), 0);
	txn_rollback(&txn);
	assert_int_equal(meters.meters.n, 2);
	assert_int_equal(meter_find(&meters, 5)->mod.bands[0].rate, 7);
	assert_int_equal(meter_find(&meters, FLOW_METER_CONTROLLER)->mod.bands[0].rate, 1);

	for (int i = 0; i < 3; i++)
		assert_int_equal(meter_hold(&meters, 5, &id), 0);
	assert_int_equal(id, meter_find(&meters, 5)->id);
	meter_release(&meters, 5);
	assert_int_equal(meter(METER_DELETE, 5, 0, NULL), 0);
	assert_null(meter_find(&meters, 5));
	// One was made and deleted before it was published, and still has its number until then.
	assert_non_null(TAILQ_FIRST(&meters.dirty));
	assert_int_equal(meter(METER_DELETE, FLOW_METER_ALL, 0, NULL), 0);
	for (struct meter_obj *m; (m = meter_dirty_take(&meters)) != NULL; meter_free(m))
		assert_true(m->deleted);
	meter_table_destroy(&meters);
}

static void what_is_changed_is_to_be_published_once(void **state)
{
	struct meter_obj *m;
	struct txn txn;

	meter_table_init(&meters, meter_drop_flows, &meters);
	assert_int_equal(meter(METER_ADD, 1, 1, NULL), 0);
	assert_int_equal(meter(METER_MODIFY, 1, 2, NULL), 0);
	m = meter_dirty_take(&meters);
	assert_true(m->rebanded);
	assert_null(meter_dirty_take(&meters));
	m->rebanded = false;
	txn_begin(&txn, true);
	assert_int_equal(meter(METER_MODIFY, 1, 3, &txn), 0);
	assert_true(m->rebanded);
	assert_int_equal(txn_commit(&txn, &error.fault), 0);
	assert_false(m->rebanded);
	meter_table_destroy(&meters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_those_of_a_naive_model),
		cmocka_unit_test(counters_are_all_there_again),
		cmocka_unit_test(ids_are_used_again_when_all_are_used_up),
		cmocka_unit_test(meters_come_change_and_go),
		cmocka_unit_test(what_is_changed_is_to_be_published_once),
	};
	int rc;

	if (store_open(NULL, &error.fault) < 0)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	store_close();
	return rc;
}
