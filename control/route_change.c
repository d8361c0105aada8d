/* SPDX-License-Identifier: BSD-3-Clause */
// Changes of routes: in transactions, in the FIBs, and back.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../datapath/rcu.h"
#include "../tables/fib4.h"
#include "../tables/fib6.h"
#include "objects.h"
#include "publish_l3.h"
#include "route.h"

// What an entry was.
struct record {
	struct route_set *set;
	struct rib_entry before; // value 0: it was not there
	uint32_t put;            // what it became; 0: it is gone
	bool beaten;             // it became so behind a better one of its prefix
};

static struct {
	struct record *record;
	size_t n, cap;
	bool active;    // hooked into the transaction
	bool replaced;  // not all of it are entries that were not there before
	bool in_fibs;   // they have what is new
	bool no_memory; // a rollback could not
} change;

static struct fib_pool *pool;

struct fib_pool *route_pool(void)
{
	return pool;
}

static bool has_hops(const struct rib_entry *e)
{
	return e->source == RIB_STATIC || e->source == RIB_LINUX;
}

uint32_t route_number(const struct rib_entry *e)
{
	const struct iface *i;

	if (e->source == RIB_HOST)
		return e->value;
	if (e->source != RIB_OWN)
		return via_number(hops_at(e->value));
	switch (route_own_kind(e->value)) {
	case NEXTHOP_LOCAL:
		return NEXTHOP_NUMBER_LOCAL;
	case NEXTHOP_CONNECTED:
		i = route_own_iface(e->value);
		return i ? i->connected : NEXTHOP_NUMBER_DROP;
	default:
		return NEXTHOP_NUMBER_DROP;
	}
}

// FIBs.

static int fibs_make(struct vrf *v, uint8_t family)
{
	int rc = 0;

	if (family == 4 ? v->fib4 != NULL : v->fib6 != NULL)
		return 0;
	rc = family == 4 ? fib4_create(&v->fib4, pool) : fib6_create(&v->fib6, pool);
	publish_mark_vrfs();
	return rc;
}

static int fib_put(struct vrf *v, const struct rib_entry *e)
{
	int rc = fibs_make(v, e->family);

	if (rc < 0)
		return rc;
	if (e->family == 4)
		return fib4_set(v->fib4, (uint32_t)(e->hi >> 32), e->depth, route_number(e));
	return fib6_set(v->fib6, (struct fib6_addr){e->hi, e->lo}, e->depth, route_number(e));
}

static void fib_remove(struct vrf *v, const struct rib_entry *e)
{
	if (e->family == 4 && v->fib4)
		fib4_del(v->fib4, (uint32_t)(e->hi >> 32), e->depth);
	else if (e->family == 6 && v->fib6)
		fib6_del(v->fib6, (struct fib6_addr){e->hi, e->lo}, e->depth);
}

// The ribs.

// A hold on what was there goes to the caller, by *before. -ENOMEM, or whether there is a better one than what was put.
static int rib_change(struct route_set *s, const struct rib_entry *key, struct hops *h, uint32_t value,
		      struct rib_entry *before)
{
	struct rib_entry e = *key;
	struct hops *old = NULL;
	int rc = 0;

	*before = *key;
	before->value = 0;
	if (!has_hops(key)) {
		e.value = value;
		if (value)
			rc = rib_put(&s->rib, &e, &before->value);
		else
			before->value = rib_del(&s->rib, key);
	} else if (h) {
		rc = route_set_put(s, key, h, &old);
	} else {
		route_set_del(s, key, &old);
	}
	if (old)
		before->value = old->id;
	if (rc >= 0 && s->vrf && key->source != RIB_HOST)
		via_mark(s->vrf, key);
	return rc;
}

static void record_release(const struct record *r)
{
	if (has_hops(&r->before) && r->before.value)
		hops_release(hops_at(r->before.value));
}

// Transactions.

static void change_end(void)
{
	for (size_t i = 0; i < change.n; i++)
		record_release(&change.record[i]);
	free(change.record);
	memset(&change, 0, sizeof(change));
}

static void no_memory(void)
{
	// As in txn.c: what cannot be taken back would leave control beside its own journal.
	fprintf(stderr, "routes: out of memory\n");
	abort();
}

static void take_back(const struct record *r)
{
	struct hops *h = has_hops(&r->before) && r->before.value ? hops_at(r->before.value) : NULL;
	struct rib_entry undone;

	if (rib_change(r->set, &r->before, h, r->before.value, &undone) < 0)
		no_memory();
	record_release(&(struct record){.set = r->set, .before = undone});
}

static void fib_restore(const struct record *r)
{
	const struct rib_entry *best = rib_best(&r->set->rib, &r->before);

	if (!r->set->vrf)
		return;
	if (!best)
		fib_remove(r->set->vrf, &r->before);
	else if (fib_put(r->set->vrf, best) < 0)
		no_memory();
}

void route_changes_undo(void)
{
	if (!change.active)
		return;
	for (size_t i = change.n; i-- > 0;)
		take_back(&change.record[i]);
	if (change.in_fibs) {
		fib_pool_overdraw(pool, true);
		for (size_t i = 0; i < change.n; i++)
			fib_restore(&change.record[i]);
		fib_pool_overdraw(pool, false);
	}
	for (size_t i = 0; i < change.n; i++)
		if (!change.record[i].set->vrf)
			route_set_drop(change.record[i].set);
	change_end();
	via_settle();
}

static void undo(void *arg)
{
	route_changes_undo();
}

static int install(struct route_set *s, const struct rib_entry *e)
{
	int rc = 0;

	if (has_hops(e))
		rc = via_make(hops_at(e->value));
	return rc < 0 ? rc : fib_put(s->vrf, e);
}

// Brings what a record changed into its VRF's FIB, but for what is gone.
static int record_install(const struct record *r)
{
	const struct rib_entry *best;
	struct rib_entry e = r->before;

	if (!r->set->vrf)
		return 0;
	if (change.replaced) {
		best = rib_best(&r->set->rib, &r->before);
		return best ? install(r->set, best) : 0;
	}
	// Each is there as it was put. Which one is the best of a prefix was known then, or is that of a later record.
	e.value = r->put;
	return r->beaten ? 0 : install(r->set, &e);
}

static int check(void *arg, struct fault *f)
{
	change.in_fibs = true;
	for (size_t i = 0; i < change.n; i++) {
		int rc = record_install(&change.record[i]);

		if (rc < 0)
			return fault_set(f, -ENOSPC, NULL, NULL, NULL,
					 "the memory of the FIBs is full: %llu of %llu MiB are in use (--fib-mem)",
					 (unsigned long long)fib_pool_used(pool) >> 20,
					 (unsigned long long)fib_pool_max(pool) >> 20);
	}
	return 0;
}

void route_changes_finish(void)
{
	if (!change.in_fibs)
		return;
	for (size_t i = 0; i < change.n; i++) {
		const struct record *r = &change.record[i];

		// What was put and is gone again has a record of that.
		if (!r->put && r->set->vrf && !rib_best(&r->set->rib, &r->before))
			fib_remove(r->set->vrf, &r->before);
	}
	via_settle();
	change_end();
}

static void done(void *arg)
{
	route_changes_finish();
}

int route_change(struct txn *t, struct route_set *s, const struct rib_entry *key, struct hops *h, uint32_t value,
		 uint32_t *was, struct fault *f)
{
	struct record *r;
	int rc = 0;

	if (!change.active) {
		change.active = true;
		// Registered before the first change, so on rollback it runs after all that came later.
		txn_undo(t, undo, NULL, NULL);
		txn_check(t, check, NULL);
		txn_done(t, done, NULL, NULL);
		t->publish = true;
	}
	if (change.n == change.cap) {
		size_t cap = change.cap ? 2 * change.cap : 16;
		struct record *grown = realloc(change.record, cap * sizeof(*grown));

		if (!grown)
			rc = -ENOMEM;
		else
			change.record = grown;
		change.cap = grown ? cap : change.cap;
	}
	r = &change.record[change.n];
	if (rc == 0)
		rc = rib_change(s, key, h, value, &r->before);
	if (rc < 0)
		return fault_set(f, rc, NULL, NULL, NULL, "no memory for another route");
	r->set = s;
	r->put = h ? h->id : value;
	r->beaten = rc > 0;
	change.replaced |= r->before.value || !r->put;
	change.n++;
	*was = r->before.value;
	return 0;
}

// Without transactions.

static void publish_fibs(bool made)
{
	if (made)
		publish();
}

int route_put_now(struct route_set *s, const struct rib_entry *key, struct hops *h, uint32_t value)
{
	bool made = key->family == 4 ? !s->vrf->fib4 : !s->vrf->fib6;
	struct record r = {.set = s};
	int rc = rib_change(s, key, h, value, &r.before);
	const struct rib_entry *best;

	if (rc < 0)
		return rc;
	best = rib_best(&s->rib, key);
	rc = best->source == key->source ? install(s, best) : 0;
	if (rc < 0)
		take_back(&r);
	publish_fibs(made);
	via_settle();
	record_release(&r);
	return rc;
}

void route_del_now(struct route_set *s, const struct rib_entry *key)
{
	const struct rib_entry *best;
	struct record r = {.set = s};

	rib_change(s, key, NULL, 0, &r.before);
	if (!r.before.value)
		return;
	best = rib_best(&s->rib, key);
	if (!best)
		fib_remove(s->vrf, key);
	else if (best->source > key->source && fib_put(s->vrf, best) < 0)
		fib_remove(s->vrf, key);
	via_settle();
	record_release(&r);
}

static void reinstall_set(struct route_set *s)
{
	const struct rib_entry *e, *best = NULL;

	for (e = rib_after(&s->rib, NULL); e; e = rib_after(&s->rib, e)) {
		if (best && rib_same_prefix(best, e))
			continue;
		best = e;
		// A value of a route that is there is replaced in place, which takes no memory but for the FIB's
		// copies.
		if (has_hops(e) && hops_at(e->value)->via && hops_at(e->value)->via->moved == via_round)
			(void)fib_put(s->vrf, e);
	}
}

void route_reinstall(void)
{
	const struct names *sets = route_sets();

	fib_pool_overdraw(pool, true);
	for (uint32_t i = 0; i < sets->n; i++) {
		struct route_set *s = sets->at[i];

		if (s->vrf && s->vrf->moved == via_round)
			reinstall_set(s);
	}
	fib_pool_overdraw(pool, false);
}

// The memory.

static uint64_t grace_start(void *arg)
{
	return rte_rcu_qsbr_start(rcu_var());
}

static bool grace_over(void *arg, uint64_t token)
{
	return rte_rcu_qsbr_check(rcu_var(), token, false) == 1;
}

int route_create(uint64_t fib_bytes)
{
	int rc = fib_pool_create(&pool, fib_bytes);

	if (rc == 0 && rcu_var())
		fib_pool_grace(pool, grace_start, grace_over, NULL);
	return rc;
}

void route_destroy(void)
{
	fib_pool_destroy(pool);
	pool = NULL;
}

void route_vrf_created(struct vrf *v)
{
	v->routes->vrf = v;
}

void route_vrf_removed(struct vrf *v)
{
	struct route_set *s = v->routes;
	const struct rib_entry *e = rib_after(&s->rib, NULL);

	// What is left of other sources; the desired routes stay, and are those of a VRF that is to come.
	while (e) {
		struct rib_entry key = *e;
		struct record r = {.set = s};

		if (key.source != RIB_STATIC) {
			s->vrf = NULL;
			rib_change(s, &key, NULL, 0, &r.before);
			record_release(&r);
		}
		e = rib_after(&s->rib, &key);
	}
	s->vrf = NULL;
	v->routes = NULL;
	route_set_drop(s);
}

void route_vrf_freed(struct vrf *v)
{
	if (v->routes)
		route_vrf_removed(v);
	fib4_destroy(v->fib4);
	fib6_destroy(v->fib6);
	rib_clear(&v->gateways);
}
