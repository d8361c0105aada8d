/* SPDX-License-Identifier: BSD-3-Clause */
#include "group_live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_debug.h>

#include "flow_change.h"
#include "flow_compile.h"
#include "flow_ctl.h"
#include "flow_retire.h"
#include "flow_text.h"
#include "garbage.h"
#include "kinds.h"
#include "store.h"
#include "txn.h"

#define SLOTS_MIN 1024
#define SLOTS_MAX 65536
#define SLOTS_PER_BUCKET 128

_Static_assert(GROUPS_MAX == FLOW_GROUPS_MAX - 1 && 1u << GROUP_COUNTERS_ORDER == FLOW_GROUP_COUNTS_MAX);
_Static_assert(GROUP_CHAIN_MAX <= FLOW_GROUP_DEPTH && GROUP_BUCKETS_MAX <= FLOW_BUCKETS_MAX);

struct group_live {
	const struct flow_group *seen; // what workers have
	struct group_mod mod;          // what it was made of
	struct flow_count base;        // what the group counted with counters that it had before
};

// --- counters that workers may still use -----------------------------------------------------------------------------

struct old_counters {
	struct group_obj *g;
	struct range range;
};

static void counters_retire(void *arg)
{
	struct old_counters *old = arg;
	const struct flow_count last = flow_count_get(FLOW_COUNT_GROUP, old->range.first);

	old->g->live->base.packets += last.packets;
	old->g->live->base.bytes += last.bytes;
	for (uint32_t i = 0; i < 1u << old->range.order; i++)
		flow_count_clear(FLOW_COUNT_GROUP, old->range.first + i);
	group_counters_give(old->range);
	free(old);
}

static void group_retire(void *arg)
{
	struct group_obj *g = arg;

	for (uint32_t i = 0; i < 1u << g->counters.order; i++)
		flow_count_clear(FLOW_COUNT_GROUP, g->counters.first + i);
	group_mod_clear(&g->live->mod);
	free(g->live);
	group_free(g);
}

struct of_counter group_counted(const struct group_obj *g, uint32_t part)
{
	struct flow_count c = {.packets = 0};

	if (g->live != NULL)
		c = flow_count_get(FLOW_COUNT_GROUP, g->counted.first + part);
	if (g->live != NULL && part == 0) {
		c.packets += g->live->base.packets;
		c.bytes += g->live->base.bytes;
	}
	return (struct of_counter){.packets = c.packets, .bytes = c.bytes};
}

// --- what workers have -----------------------------------------------------------------------------------------------

static uint32_t slots_for(const struct group_mod *m)
{
	uint32_t n = SLOTS_MIN;

	if (m->type != GROUP_SELECT || m->nbuckets == 0)
		return 0;
	while (n < SLOTS_MAX && n < m->nbuckets * SLOTS_PER_BUCKET)
		n *= 2;
	return n;
}

static bool bucket_same(const struct group_bucket *a, const struct group_bucket *b)
{
	return a->watch_port == b->watch_port && a->watch_group == b->watch_group &&
	       flow_actions_equal(&a->actions, &b->actions);
}

// to[i]: the number that bucket i has now, FLOW_NO_BUCKET: it is gone. Most are where they were.
static void buckets_follow(const struct group_mod *old, const struct group_mod *new, uint16_t *to)
{
	uint64_t taken[(GROUP_BUCKETS_MAX + 64) / 64] = {0};

	for (uint32_t i = 0; i < old->nbuckets; i++) {
		to[i] = FLOW_NO_BUCKET;
		if (i < new->nbuckets && bucket_same(&old->buckets[i], &new->buckets[i])) {
			to[i] = (uint16_t)i;
			taken[i / 64] |= UINT64_C(1) << i % 64;
		}
	}
	for (uint32_t i = 0; i < old->nbuckets; i++)
		for (uint32_t j = 0; to[i] == FLOW_NO_BUCKET && j < new->nbuckets; j++)
			if ((taken[j / 64] >> j % 64 & 1) == 0 && bucket_same(&old->buckets[i], &new->buckets[j])) {
				to[i] = (uint16_t)j;
				taken[j / 64] |= UINT64_C(1) << j % 64;
			}
}

// Gives the slots to buckets; a flow that can stay where it was stays.
static void slots_fill(uint16_t *slot, uint32_t n, const struct group_mod *m, const struct group_live *live)
{
	uint16_t weight[GROUP_BUCKETS_MAX], to[GROUP_BUCKETS_MAX];
	const bool select = live != NULL && live->seen != NULL && live->seen->nslots > 0;

	for (uint32_t i = 0; i < m->nbuckets; i++)
		weight[i] = m->buckets[i].weight;
	if (select)
		buckets_follow(&live->mod, m, to);
	// A table that has grown or shrunk has the same flows in the slots of the same lower bits.
	for (uint32_t i = 0; i < n; i++)
		slot[i] = select ? to[live->seen->slot[i & (live->seen->nslots - 1)]] : FLOW_NO_BUCKET;
	flow_group_assign(slot, n, weight, m->nbuckets);
}

static size_t acts_size(const struct flow_actions *a)
{
	return a->n > 0 ? sizeof(struct flow_acts) + a->n * sizeof(struct flow_act) : 0;
}

static struct flow_group *group_compile(struct flow_bridge *fb, const struct group_obj *g)
{
	const struct group_mod *m = &g->mod;
	const uint32_t nslots = slots_for(m);
	size_t size = sizeof(struct flow_group) + m->nbuckets * sizeof(struct flow_bucket);
	struct flow_group *out;
	char *at;

	for (uint32_t i = 0; i < m->nbuckets; i++)
		size += acts_size(&m->buckets[i].actions);
	out = garbage_alloc(size + nslots * sizeof(uint16_t));
	*out = (struct flow_group){
		.type = m->type, .nbuckets = m->nbuckets, .counters = g->counters.first, .nslots = nslots};
	at = (char *)&out->bucket[m->nbuckets];
	for (uint32_t i = 0; i < m->nbuckets; i++) {
		const struct group_bucket *b = &m->buckets[i];
		// FLOW_GROUP_ANY is none, and so is what a bucket of zeros says.
		const struct group_obj *watched =
			group_bucket_watches(b) ? group_find(fb->groups, b->watch_group) : NULL;
		struct flow_acts *acts = (struct flow_acts *)at;

		out->bucket[i] = (struct flow_bucket){.watch_port = b->watch_port != FLOW_PORT_ANY ? b->watch_port : 0,
						      .watch_group = watched != NULL ? watched->id : 0,
						      .acts = b->actions.n > 0 ? acts : NULL};
		if (b->actions.n == 0)
			continue;
		// The edges between groups are counted in group.c: here nothing is held.
		flow_compile_acts(fb, &b->actions, acts->act, NULL);
		flow_compile_release(fb, &b->actions);
		acts->n = flow_acts_set(acts->act, b->actions.n);
		at += acts_size(&b->actions);
	}
	out->slot = (uint16_t *)at;
	if (nslots > 0)
		slots_fill((uint16_t *)at, nslots, m, g->live);
	return out;
}

// A group that workers do not have yet, or that was modified.
static void group_give(struct flow_bridge *fb, struct group_obj *g)
{
	const struct flow_group *old;
	struct flow_group *made;

	// A change that was taken back.
	if (g->live != NULL && !g->rebucketed)
		return;
	made = group_compile(fb, g);
	if (g->live == NULL) {
		g->live = garbage_alloc(sizeof(*g->live));
		*g->live = (struct group_live){.seen = NULL};
	} else if (g->counted.first == g->counters.first) {
		for (uint32_t i = 1; i < 1u << g->counters.order; i++)
			flow_count_clear(FLOW_COUNT_GROUP, g->counters.first + i);
	}
	old = flow_group_set(g->id, made);
	if (old != NULL && g->counted.first != g->counters.first) {
		struct old_counters *before = garbage_alloc(sizeof(*before));

		*before = (struct old_counters){.g = g, .range = g->counted};
		flow_retire(counters_retire, before);
	}
	garbage_free_later((void *)(uintptr_t)old);
	g->live->seen = made;
	g->counted = g->counters;
	g->rebucketed = false;
	group_mod_clear(&g->live->mod);
	// Without memory for the copy, flows may change their buckets with the next change.
	if (group_mod_copy(&g->live->mod, &g->mod) < 0)
		g->live->mod = (struct group_mod){.nbuckets = 0};
}

static void group_withdraw(struct group_obj *g)
{
	if (g->live == NULL) {
		group_free(g);
		return;
	}
	garbage_free_later((void *)(uintptr_t)flow_group_set(g->id, NULL));
	flow_retire(group_retire, g);
}

static void group_drop_flows(void *owner, uint32_t group, struct txn *txn)
{
	struct fault f;

	// As in txn.c: half of a change cannot be gone on with.
	if (flow_ctl_drop_group(txn, owner, group, &f) < 0)
		rte_panic("group %u: %s\n", group, f.message);
}

static void groups_publish(void *arg)
{
	struct flow_bridge *fb = arg;
	struct group_obj *g;

	while (fb->groups != NULL && (g = group_dirty_take(fb->groups)) != NULL) {
		if (g->deleted)
			group_withdraw(g);
		else
			group_give(fb, g);
	}
	garbage_collect();
}

// Not before the entries that refer to what goes have gone themselves.
static void groups_done(void *arg)
{
	flow_change_commit();
	groups_publish(arg);
}

// Before flow entries that refer to them: those that workers do not have yet.
static int groups_publish_new(void *arg, struct fault *f)
{
	struct flow_bridge *fb = arg;
	struct group_obj *g;

	TAILQ_FOREACH (g, &fb->groups->dirty, dirty_link)
		if (g->live == NULL && !g->deleted)
			group_give(fb, g);
	return 0;
}

static int buckets_check(struct flow_bridge *fb, const struct group_mod *m, struct flow_error *e)
{
	struct flow_act act[FLOW_ACTIONS_MAX];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < m->nbuckets; i++) {
		rc = flow_compile_acts(fb, &m->buckets[i].actions, act, e);
		if (rc == 0)
			flow_compile_release(fb, &m->buckets[i].actions);
	}
	return rc;
}

// --- changes ---------------------------------------------------------------------------------------------------------

static void store_key(const struct flow_bridge *fb, uint32_t group, char key[KIND_KEY_LEN])
{
	snprintf(key, KIND_KEY_LEN, "%s/%" PRIu32, fb->bridge->name, group);
}

bool group_persisted(const struct flow_bridge *fb, uint32_t group)
{
	char key[KIND_KEY_LEN];

	store_key(fb, group, key);
	return store_get("group", key) != NULL;
}

static void group_forget(struct txn *t, const struct flow_bridge *fb, uint32_t group)
{
	char key[KIND_KEY_LEN];

	store_key(fb, group, key);
	if (store_get("group", key) != NULL)
		txn_del(t, "group", key);
}

static void group_keep(struct txn *t, const struct flow_bridge *fb, const struct group_mod *m)
{
	char key[KIND_KEY_LEN], *text = group_text_format(m);

	store_key(fb, m->group, key);
	txn_put(t, "group", key,
		json_pack("{s:s, s:I, s:s, s:b}", "bridge", fb->bridge->name, "group", (json_int_t)m->group, "text",
			  text != NULL ? text : "", "persist", 1));
	free(text);
}

static struct group_table *table_of(struct flow_bridge *fb)
{
	if (fb->groups == NULL) {
		fb->groups = garbage_alloc(sizeof(*fb->groups));
		group_table_init(fb->groups, group_drop_flows, fb);
	}
	return fb->groups;
}

int group_change(struct txn *t, struct flow_bridge *fb, const struct group_mod *m, bool persist, struct flow_error *e)
{
	struct group_table *table = table_of(fb);
	int rc = m->command == GROUP_DELETE ? 0 : buckets_check(fb, m, e);

	if (rc < 0)
		return rc;
	// Registered before the first change of a transaction, it runs last when all is taken back; sooner, workers
	// would get what is about to be taken back.
	if (TAILQ_EMPTY(&table->dirty))
		txn_undo(t, groups_publish, NULL, fb);
	if (m->command == GROUP_DELETE && m->group == FLOW_GROUP_ALL)
		for (uint32_t i = 0; i < table->groups.n; i++)
			group_forget(t, fb, ((const struct group_obj *)table->groups.at[i])->number);
	rc = group_table_mod(table, m, t, e);
	if (rc < 0)
		return rc;
	if (m->command == GROUP_DELETE)
		group_forget(t, fb, m->group);
	else if (persist || group_persisted(fb, m->group))
		group_keep(t, fb, m);
	txn_check(t, groups_publish_new, fb);
	txn_done(t, groups_done, NULL, fb);
	return 0;
}

// --- what flow entries use, and the bridge's life --------------------------------------------------------------------

static int refs_hold(struct flow_bridge *fb, uint32_t group, uint32_t *id)
{
	return fb->groups != NULL ? group_hold(fb->groups, group, id) : -ENOENT;
}

static void refs_release(struct flow_bridge *fb, uint32_t group)
{
	// When the bridge goes, they may be gone before its entries.
	if (fb->groups != NULL)
		group_release(fb->groups, group);
}

static const struct flow_refs refs = {.hold = refs_hold, .release = refs_release};

static int on_busy(const struct flow_bridge *fb, struct fault *f)
{
	for (uint32_t i = 0; fb->groups != NULL && i < fb->groups->groups.n; i++)
		if (group_persisted(fb, ((const struct group_obj *)fb->groups->groups.at[i])->number))
			return fault_str(f, -EBUSY, "name", fb->bridge->name,
					 "a bridge without persisted groups (group.del)", "bridge %s has groups",
					 fb->bridge->name);
	return 0;
}

// No worker sees the bridge any more.
static void on_freed(struct flow_bridge *fb)
{
	if (fb->groups == NULL)
		return;
	while (fb->groups->groups.n > 0) {
		struct group_obj *g = fb->groups->groups.at[fb->groups->groups.n - 1];

		numbers_del(&fb->groups->groups, g);
		if (!g->dirty)
			TAILQ_INSERT_TAIL(&fb->groups->dirty, g, dirty_link);
		g->dirty = g->deleted = true;
	}
	groups_publish(fb);
	group_table_destroy(fb->groups);
	free(fb->groups);
	fb->groups = NULL;
}

static struct flow_listener listener = {.busy = on_busy, .freed = on_freed};

__attribute__((constructor)) static void group_listen(void)
{
	flow_switch_refs(&refs, NULL);
	flow_switch_listen(&listener);
}
