/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "txn.h"

static struct ids ids = {.max = METERS_MAX};

void meter_table_init(struct meter_table *t, void (*drop_flows)(void *owner, uint32_t meter, struct txn *txn),
		      void *owner)
{
	*t = (struct meter_table){.drop_flows = drop_flows, .owner = owner};
	TAILQ_INIT(&t->dirty);
}

void meter_free(struct meter_obj *m)
{
	if (m->id != 0)
		ids_give(&ids, m->id);
	free(m);
}

struct meter_obj *meter_find(const struct meter_table *t, uint32_t number)
{
	return numbers_find(&t->meters, number);
}

static void meter_mark(struct meter_table *t, struct meter_obj *m)
{
	if (!m->dirty)
		TAILQ_INSERT_TAIL(&t->dirty, m, dirty_link);
	m->dirty = true;
}

struct meter_obj *meter_dirty_take(struct meter_table *t)
{
	struct meter_obj *m = TAILQ_FIRST(&t->dirty);

	if (m == NULL)
		return NULL;
	TAILQ_REMOVE(&t->dirty, m, dirty_link);
	m->dirty = false;
	return m;
}

void meter_table_destroy(struct meter_table *t)
{
	struct meter_obj *m;

	while ((m = meter_dirty_take(t)) != NULL)
		if (m->deleted)
			meter_free(m);
	for (uint32_t i = 0; i < t->meters.n; i++)
		meter_free(t->meters.at[i]);
	numbers_free(&t->meters);
}

int meter_hold(const struct meter_table *t, uint32_t number, uint32_t *id)
{
	struct meter_obj *m = meter_find(t, number);

	if (m == NULL)
		return -ENOENT;
	m->flows++;
	*id = m->id;
	return 0;
}

void meter_release(const struct meter_table *t, uint32_t number)
{
	meter_find(t, number)->flows--;
}

// --- changes ---------------------------------------------------------------------------------------------------------

// How a change is taken back.
struct meter_undo {
	struct meter_table *t;
	struct meter_mod old; // of a modify
	bool rebanded;        // likewise
	uint32_t n;
	struct meter_obj *m[];
};

static struct meter_undo *undo_new(struct meter_table *t, uint32_t n)
{
	struct meter_undo *u = calloc(1, sizeof(*u) + n * sizeof(u->m[0]));

	// As in txn.c: a change that cannot note how to take itself back cannot go on either way.
	if (u == NULL)
		abort();
	u->t = t;
	u->n = n;
	return u;
}

static void add_undo(void *arg)
{
	struct meter_undo *u = arg;

	struct meter_obj *m = u->m[0];

	numbers_del(&u->t->meters, m);
	// The commit failed after workers were given it: they are to lose it again.
	if (m->live != NULL) {
		m->deleted = true;
	} else {
		TAILQ_REMOVE(&u->t->dirty, m, dirty_link);
		meter_free(m);
	}
	free(u);
}

static int meter_add(struct meter_table *t, const struct meter_mod *mod, struct txn *txn, struct flow_error *e)
{
	struct meter_obj *m = calloc(1, sizeof(*m));
	struct timespec now;

	if (m != NULL && numbers_reserve(&t->meters) == 0)
		m->id = ids_take(&ids);
	if (m == NULL || m->id == 0) {
		free(m);
		return flow_error_int(e, OFPMMFC_OUT_OF_METERS, "meter", mod->meter, "16383 meters in all",
				      "there is no room for another meter");
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	m->number = mod->meter;
	m->mod = *mod;
	m->created_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	m->rebanded = true;
	numbers_add(&t->meters, m);
	meter_mark(t, m);
	if (txn != NULL) {
		struct meter_undo *u = undo_new(t, 1);

		u->m[0] = m;
		txn_undo(txn, add_undo, free, u);
	}
	return 0;
}

static void modify_undo(void *arg)
{
	struct meter_undo *u = arg;

	u->m[0]->mod = u->old;
	u->m[0]->rebanded = u->rebanded;
	free(u);
}

static void meter_modify(struct meter_table *t, struct meter_obj *m, const struct meter_mod *mod, struct txn *txn)
{
	if (txn != NULL) {
		struct meter_undo *u = undo_new(t, 1);

		u->m[0] = m;
		u->old = m->mod;
		u->rebanded = m->rebanded;
		txn_undo(txn, modify_undo, free, u);
	}
	m->mod = *mod;
	m->rebanded = true;
	meter_mark(t, m);
}

static void delete_undo(void *arg)
{
	struct meter_undo *u = arg;

	for (uint32_t i = 0; i < u->n; i++) {
		u->m[i]->deleted = false;
		numbers_add(&u->t->meters, u->m[i]);
	}
	free(u);
}

// Takes away all (number FLOW_METER_ALL) or the one.
static void meters_remove(struct meter_table *t, uint32_t number, struct txn *txn)
{
	const uint32_t n = number == FLOW_METER_ALL ? t->meters.n : 1;
	struct meter_undo *u = undo_new(t, n);
	uint32_t flows = 0;

	for (uint32_t i = 0; i < n; i++) {
		u->m[i] = number == FLOW_METER_ALL ? t->meters.at[i] : meter_find(t, number);
		flows += u->m[i]->flows;
	}
	if (flows > 0)
		t->drop_flows(t->owner, number, txn);
	for (uint32_t i = n; i-- > 0;) {
		u->m[i]->deleted = true;
		numbers_del(&t->meters, u->m[i]);
		meter_mark(t, u->m[i]);
	}
	if (txn != NULL)
		txn_undo(txn, delete_undo, free, u);
	else
		free(u);
}

int meter_table_mod(struct meter_table *t, const struct meter_mod *mod, struct txn *txn, struct flow_error *e)
{
	struct meter_obj *m = meter_find(t, mod->meter);

	if (mod->command == METER_DELETE) {
		if (m != NULL || (mod->meter == FLOW_METER_ALL && t->meters.n > 0))
			meters_remove(t, mod->meter, txn);
		return 0;
	}
	if (mod->meter == FLOW_METER_SLOWPATH)
		return flow_error_int(e, OFPMMFC_INVALID_METER, "meter", mod->meter, "1..0xffff0000, controller",
				      "there is no slow path to be metered");
	if (mod->command == METER_ADD && m != NULL)
		return flow_error_int(e, OFPMMFC_METER_EXISTS, "meter", mod->meter, "a meter that is not there",
				      "there is a meter with this number");
	if (mod->command == METER_ADD)
		return meter_add(t, mod, txn, e);
	if (m == NULL)
		return flow_error_int(e, OFPMMFC_UNKNOWN_METER, "meter", mod->meter, "a meter that is there",
				      "there is no such meter");
	meter_modify(t, m, mod, txn);
	return 0;
}
