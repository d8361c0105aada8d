/* SPDX-License-Identifier: BSD-3-Clause */
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "txn.h"

void group_table_init(struct group_table *t, void (*drop_flows)(void *owner, uint32_t group, struct txn *txn),
		      void *owner)
{
	*t = (struct group_table){.drop_flows = drop_flows, .owner = owner};
	TAILQ_INIT(&t->dirty);
}

static struct ids ids = {.max = GROUPS_MAX};
static struct ranges counters = {.order = GROUP_COUNTERS_ORDER};

void group_counters_give(struct range range)
{
	ranges_give(&counters, range);
}

void group_free(struct group_obj *g)
{
	if (g->id != 0) {
		ids_give(&ids, g->id);
		ranges_give(&counters, g->counters);
	}
	group_mod_clear(&g->mod);
	free(g);
}

struct group_obj *group_find(const struct group_table *t, uint32_t number)
{
	return numbers_find(&t->groups, number);
}

// --- what is to be published -----------------------------------------------------------------------------------------

static void group_mark(struct group_table *t, struct group_obj *g)
{
	if (!g->dirty)
		TAILQ_INSERT_TAIL(&t->dirty, g, dirty_link);
	g->dirty = true;
}

struct group_obj *group_dirty_take(struct group_table *t)
{
	struct group_obj *g = TAILQ_FIRST(&t->dirty);

	if (g == NULL)
		return NULL;
	TAILQ_REMOVE(&t->dirty, g, dirty_link);
	g->dirty = false;
	return g;
}

void group_table_destroy(struct group_table *t)
{
	struct group_obj *g;

	while ((g = group_dirty_take(t)) != NULL)
		if (g->deleted)
			group_free(g);
	for (uint32_t i = 0; i < t->groups.n; i++)
		group_free(t->groups.at[i]);
	numbers_free(&t->groups);
}

// --- edges -----------------------------------------------------------------------------------------------------------

// The groups that buckets refer to, one by one, some perhaps more than once: those watched, then those forwarded to.
struct edge_walk {
	const struct group_mod *m;
	uint32_t bucket, action;
	bool watch;
};

static bool edge_next(struct edge_walk *w, uint32_t *number)
{
	for (; w->bucket < w->m->nbuckets; w->bucket++, w->action = 0) {
		const struct group_bucket *b = &w->m->buckets[w->bucket];

		w->watch = w->action == 0 && group_bucket_watches(b) && b->watch_group != FLOW_GROUP_ANY;
		*number = b->watch_group;
		while (!w->watch && w->action < b->actions.n + 1 &&
		       (w->action == 0 || b->actions.v[w->action - 1].type != FLOW_ACTION_GROUP))
			w->action++;
		if (w->action > b->actions.n)
			continue;
		if (!w->watch)
			*number = b->actions.v[w->action - 1].arg;
		w->action++;
		return true;
	}
	return false;
}

static void edges_count(struct group_table *t, const struct group_mod *m, int by)
{
	struct edge_walk w = {.m = m};
	uint32_t number;

	t->stamp++;
	while (edge_next(&w, &number)) {
		struct group_obj *g = group_find(t, number);

		if (g->stamp != t->stamp)
			g->groups += (uint32_t)by;
		g->stamp = t->stamp;
	}
}

static uint32_t depth_of(const struct group_table *t, const struct group_mod *m)
{
	struct edge_walk w = {.m = m};
	uint32_t number, depth = 0;

	while (edge_next(&w, &number)) {
		const struct group_obj *g = group_find(t, number);

		depth = g->depth > depth ? g->depth : depth;
	}
	return depth + 1;
}

// Computes the depth of a group and of all behind it anew; each walk has a stamp, and comes by each group once.
static uint32_t depth_walk(const struct group_table *t, struct group_obj *g)
{
	struct edge_walk w = {.m = &g->mod};
	uint32_t number, depth = 0;

	if (g->stamp == t->stamp)
		return g->depth;
	while (edge_next(&w, &number)) {
		const uint32_t d = depth_walk(t, group_find(t, number));

		depth = d > depth ? d : depth;
	}
	g->stamp = t->stamp;
	g->depth = depth + 1;
	return g->depth;
}

// The depth of the deepest group.
static uint32_t depths_compute(struct group_table *t)
{
	uint32_t depth = 0;

	t->stamp++;
	for (uint32_t i = 0; i < t->groups.n; i++) {
		const uint32_t d = depth_walk(t, t->groups.at[i]);

		depth = d > depth ? d : depth;
	}
	return depth;
}

// Whether a way leads from the buckets to the group.
static bool leads_to(const struct group_table *t, const struct group_mod *m, uint32_t target)
{
	struct edge_walk w = {.m = m};
	uint32_t number;

	while (edge_next(&w, &number)) {
		struct group_obj *g = group_find(t, number);

		if (number == target)
			return true;
		if (g->stamp == t->stamp)
			continue;
		g->stamp = t->stamp;
		if (leads_to(t, &g->mod, target))
			return true;
	}
	return false;
}

static int too_deep(const struct group_mod *m, struct flow_error *e)
{
	return flow_error_int(e, OFPGMFC_CHAINING_UNSUPPORTED, "buckets", m->group, "8 groups in a chain",
			      "the chain of groups becomes too long");
}

static int edges_check(struct group_table *t, const struct group_mod *m, struct flow_error *e)
{
	struct edge_walk w = {.m = m};
	uint32_t number;

	while (edge_next(&w, &number)) {
		if (number == m->group)
			return flow_error_int(e, OFPGMFC_LOOP, "buckets", number, NULL, "the group leads to itself");
		if (group_find(t, number) != NULL)
			continue;
		return w.watch ? flow_error_int(e, OFPGMFC_BAD_WATCH, "buckets.watch_group", number,
						"a group that is there", "there is no group to watch")
			       : flow_error_int(e, OFPBAC_BAD_OUT_GROUP, "buckets.actions", number,
						"a group that is there", "there is no such group");
	}
	t->stamp++;
	if (leads_to(t, m, m->group))
		return flow_error_int(e, OFPGMFC_LOOP, "buckets", m->group, NULL, "the group leads to itself");
	return depth_of(t, m) > GROUP_CHAIN_MAX ? too_deep(m, e) : 0;
}

int group_hold(const struct group_table *t, uint32_t number, uint32_t *id)
{
	struct group_obj *g = group_find(t, number);

	if (g == NULL)
		return -ENOENT;
	g->flows++;
	*id = g->id;
	return 0;
}

void group_release(const struct group_table *t, uint32_t number)
{
	group_find(t, number)->flows--;
}

// --- changes ---------------------------------------------------------------------------------------------------------

// How a change is taken back.
struct group_undo {
	struct group_table *t;
	struct group_mod old;       // of a modify
	bool rebucketed, recounted; // likewise
	struct range counters;      // likewise, if recounted
	bool unseen;                // workers never counted by them
	uint32_t n;
	struct group_obj *g[];
};

static struct group_undo *undo_new(struct group_table *t, uint32_t n)
{
	struct group_undo *u = calloc(1, sizeof(*u) + n * sizeof(u->g[0]));

	// As in txn.c: a change that cannot note how to take itself back cannot go on either way.
	if (u == NULL)
		abort();
	u->t = t;
	u->n = n;
	return u;
}

// The change is there to stay, or was taken back.
static void undo_free(void *arg)
{
	struct group_undo *u = arg;

	group_mod_clear(&u->old);
	free(u);
}

static void undo_drop(void *arg)
{
	struct group_undo *u = arg;

	if (u->recounted && u->unseen)
		ranges_give(&counters, u->counters);
	undo_free(u);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add_undo(void *arg)
{
	struct group_undo *u = arg;
	struct group_obj *g = u->g[0];

	edges_count(u->t, &g->mod, -1);
	numbers_del(&u->t->groups, g);
	// The commit failed after workers were given it: they are to lose it again.
	if (g->live != NULL) {
		g->deleted = true;
	} else {
		TAILQ_REMOVE(&u->t->dirty, g, dirty_link);
		group_free(g);
	}
	undo_free(u);
}

static int no_counters(const struct group_mod *m, struct flow_error *e)
{
	return flow_error_int(e, OFPGMFC_OUT_OF_BUCKETS, "buckets", m->nbuckets, NULL,
			      "all groups together have too many buckets");
}

static int group_add(struct group_table *t, const struct group_mod *m, struct txn *txn, struct flow_error *e)
{
	struct group_obj *g;

	g = calloc(1, sizeof(*g));
	if (g == NULL || numbers_reserve(&t->groups) < 0 || group_mod_copy(&g->mod, m) < 0) {
		free(g);
		return flow_error_int(e, OFPGMFC_OUT_OF_GROUPS, "group", m->group, NULL, "no memory for the group");
	}
	if (ranges_take(&counters, 1 + m->nbuckets, &g->counters) < 0) {
		group_free(g);
		return no_counters(m, e);
	}
	g->id = ids_take(&ids);
	if (g->id == 0) {
		ranges_give(&counters, g->counters);
		group_free(g);
		return flow_error_int(e, OFPGMFC_OUT_OF_GROUPS, "group", m->group, "16383 groups in all",
				      "there is no room for another group");
	}
	g->number = m->group;
	g->created_ns = now_ns();
	g->rebucketed = true;
	g->depth = depth_of(t, m);
	edges_count(t, m, 1);
	numbers_add(&t->groups, g);
	group_mark(t, g);
	if (txn != NULL) {
		struct group_undo *u = undo_new(t, 1);

		u->g[0] = g;
		txn_undo(txn, add_undo, undo_drop, u);
	}
	return 0;
}

// Gives a group other buckets; what it had is in *m afterwards.
static void buckets_swap(struct group_table *t, struct group_obj *g, struct group_mod *m)
{
	const struct group_mod old = g->mod;

	edges_count(t, &old, -1);
	g->mod = *m;
	edges_count(t, &g->mod, 1);
	*m = old;
	// The ways through those that refer to it may have become longer or shorter.
	if (g->groups > 0)
		depths_compute(t);
	else
		g->depth = depth_of(t, &g->mod);
}

static void modify_undo(void *arg)
{
	struct group_undo *u = arg;

	buckets_swap(u->t, u->g[0], &u->old);
	u->g[0]->rebucketed = u->rebucketed;
	if (u->recounted) {
		ranges_give(&counters, u->g[0]->counters);
		u->g[0]->counters = u->counters;
	}
	undo_free(u);
}

// Sees to it that the group has counters for so many buckets. Those that workers count by are the publisher's to give
// back. 0 or -ENOSPC.
static int counters_fit(struct group_obj *g, uint32_t nbuckets, struct group_undo *u)
{
	struct range more;

	if (nbuckets < 1u << g->counters.order)
		return 0;
	if (ranges_take(&counters, 1 + nbuckets, &more) < 0)
		return -ENOSPC;
	u->recounted = true;
	u->counters = g->counters;
	u->unseen = g->live == NULL || g->counted.first != g->counters.first;
	g->counters = more;
	return 0;
}

static int group_modify(struct group_table *t, struct group_obj *g, const struct group_mod *m, struct txn *txn,
			struct flow_error *e)
{
	struct group_undo *u;
	struct group_mod copy;

	if (group_mod_copy(&copy, m) < 0)
		return flow_error_int(e, OFPGMFC_OUT_OF_BUCKETS, "group", m->group, NULL, "no memory for the buckets");
	buckets_swap(t, g, &copy);
	u = undo_new(t, 1);
	u->g[0] = g;
	u->old = copy;
	u->rebucketed = g->rebucketed;
	if (g->groups > 0 && depths_compute(t) > GROUP_CHAIN_MAX) {
		modify_undo(u);
		return too_deep(m, e);
	}
	if (counters_fit(g, m->nbuckets, u) < 0) {
		modify_undo(u);
		return no_counters(m, e);
	}
	g->rebucketed = true;
	group_mark(t, g);
	if (txn != NULL)
		txn_undo(txn, modify_undo, undo_drop, u);
	else
		undo_drop(u);
	return 0;
}

static void delete_undo(void *arg)
{
	struct group_undo *u = arg;

	for (uint32_t i = 0; i < u->n; i++) {
		u->g[i]->deleted = false;
		numbers_add(&u->t->groups, u->g[i]);
	}
	for (uint32_t i = 0; i < u->n; i++)
		edges_count(u->t, &u->g[i]->mod, 1);
	undo_free(u);
}

// Takes away all (number FLOW_GROUP_ALL) or the one.
static void groups_remove(struct group_table *t, uint32_t number, struct txn *txn)
{
	const uint32_t n = number == FLOW_GROUP_ALL ? t->groups.n : 1;
	struct group_undo *u = undo_new(t, n);
	uint32_t flows = 0;

	for (uint32_t i = 0; i < n; i++) {
		u->g[i] = number == FLOW_GROUP_ALL ? t->groups.at[i] : group_find(t, number);
		flows += u->g[i]->flows;
	}
	if (flows > 0)
		t->drop_flows(t->owner, number, txn);
	// First all edges, while their ends can still be found.
	for (uint32_t i = 0; i < n; i++)
		edges_count(t, &u->g[i]->mod, -1);
	for (uint32_t i = n; i-- > 0;) {
		u->g[i]->deleted = true;
		numbers_del(&t->groups, u->g[i]);
		group_mark(t, u->g[i]);
	}
	if (txn != NULL)
		txn_undo(txn, delete_undo, undo_drop, u);
	else
		undo_drop(u);
}

int group_table_mod(struct group_table *t, const struct group_mod *m, struct txn *txn, struct flow_error *e)
{
	struct group_obj *g = group_find(t, m->group);
	int rc;

	if (m->command == GROUP_DELETE) {
		if (g != NULL && g->groups > 0)
			return flow_error_int(e, OFPGMFC_CHAINED_GROUP, "group", m->group,
					      "a group that no other refers to",
					      "another group forwards to this one or watches it");
		if (g != NULL || (m->group == FLOW_GROUP_ALL && t->groups.n > 0))
			groups_remove(t, m->group, txn);
		return 0;
	}
	if (m->command == GROUP_ADD && g != NULL)
		return flow_error_int(e, OFPGMFC_GROUP_EXISTS, "group", m->group, "a group that is not there",
				      "there is a group with this number");
	if (m->command == GROUP_MODIFY && g == NULL)
		return flow_error_int(e, OFPGMFC_UNKNOWN_GROUP, "group", m->group, "a group that is there",
				      "there is no such group");
	if (m->nbuckets > GROUP_BUCKETS_MAX)
		return flow_error_int(e, OFPGMFC_OUT_OF_BUCKETS, "buckets", m->nbuckets, "1024 buckets",
				      "a group has no room for so many buckets");
	rc = edges_check(t, m, e);
	if (rc < 0)
		return rc;
	return g == NULL ? group_add(t, m, txn, e) : group_modify(t, g, m, txn, e);
}
