/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_publish.h"

#include <string.h>

#include "garbage.h"

static TAILQ_HEAD(, flow_bridge) dirty = TAILQ_HEAD_INITIALIZER(dirty); // flow_bridge.dirty

void flow_switch_mark(struct flow_bridge *fb)
{
	if (!fb->dirty)
		TAILQ_INSERT_TAIL(&dirty, fb, dirty_link);
	fb->dirty = true;
}

bool flow_publish_dirty(void)
{
	return !TAILQ_EMPTY(&dirty);
}

// A copy of what is published, to be changed and given to replace().
static struct flow_switch *copy(const struct flow_bridge *fb)
{
	struct flow_switch *s = garbage_alloc(sizeof(*s));

	if (fb->seen != NULL) {
		*s = *fb->seen;
		return s;
	}
	memset(s, 0, sizeof(*s));
	flow_window_masks_make(&fb->flows->used, &s->masks);
	return s;
}

static void replace(struct flow_bridge *fb, const struct flow_switch *s)
{
	flow_switch_set(fb->number, s);
	garbage_free_later((void *)(uintptr_t)fb->seen);
	fb->seen = s;
}

// --- tables and masks ------------------------------------------------------------------------------------------------

void flow_publish_want(const struct flow *x)
{
	struct flow_set *set = x->fb->flows;
	uint32_t classes;
	struct flow_match m;

	flow_match_get(x, &m);
	for (classes = flow_class_of(&m.key, &m.mask); classes != 0; classes &= classes - 1) {
		struct flow_key *used = &set->used.mask[__builtin_ctz(classes)];

		for (uint32_t words = x->words; words != 0; words &= words - 1) {
			const unsigned int w = (unsigned int)__builtin_ctz(words);

			if (m.mask.word[w] & ~used->word[w])
				set->used_grown = true;
			used->word[w] |= m.mask.word[w];
		}
	}
}

static void tables_publish(struct flow_bridge *fb, uint64_t version)
{
	struct flow_set *set = fb->flows;
	struct flow_switch *s = copy(fb);

	for (unsigned int i = 0; i < FLOW_TABLES; i++) {
		struct flow_table *t = &set->table[i];

		if (t->index != t->seen) {
			t->spare = t->seen;
			t->seen = t->index;
		}
		s->table[i] = t->seen;
	}
	if (set->used_grown)
		flow_window_masks_make(&set->used, &s->masks);
	set->used_grown = set->changed = false;
	s->version = version;
	replace(fb, s);
}

void flow_publish_tables(uint64_t version)
{
	struct flow_bridge *fb;

	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->flows->changed)
			tables_publish(fb, version);
	garbage_collect();
}

static void shrink(struct flow_bridge *fb)
{
	struct flow_set *set = fb->flows;
	struct flow_used used = {0};
	struct flow_switch *s;

	set->rules_gone = false;
	for (unsigned int i = 0; i < FLOW_TABLES; i++)
		if (set->table[i].seen != NULL)
			classifier_used(set->table[i].seen, &used);
	if (memcmp(&used, &set->used, sizeof(used)) == 0)
		return;
	set->used = used;
	s = copy(fb);
	flow_window_masks_make(&used, &s->masks);
	replace(fb, s);
	flow_changed();
	garbage_collect();
}

void flow_publish_shrink(void)
{
	struct flow_bridge *fb;

	LIST_FOREACH (fb, flow_switches(), link)
		for (unsigned int i = 0; i < RTE_DIM(fb->flows->pool); i++)
			flow_pool_reclaim(fb->flows->pool[i]);
	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->flows->rules_gone && fb->flows->gone_ticket != 0 && flow_counts_done(fb->flows->gone_ticket))
			shrink(fb);
}

// --- ports -----------------------------------------------------------------------------------------------------------

static void switch_publish(struct flow_bridge *fb)
{
	struct flow_switch *s = copy(fb);
	const struct bridge_port *bp;
	uint16_t *port, *flood;
	uint32_t n = 0;

	for (bp = flow_switch_port_after(fb, 1); bp != NULL; bp = flow_switch_port_after(fb, bp->of_no + 1))
		n = bp->of_no == FLOW_PORT_LOCAL ? n : bp->of_no + 1;
	garbage_free_later((void *)(uintptr_t)s->port);
	garbage_free_later((void *)(uintptr_t)s->flood);
	port = garbage_alloc(RTE_MAX(n, 1u) * sizeof(*port));
	flood = garbage_alloc((n + 1) * sizeof(*flood));
	memset(port, 0, n * sizeof(*port));
	s->nflood = 0;
	for (bp = flow_switch_port_after(fb, 1); bp != NULL; bp = flow_switch_port_after(fb, bp->of_no + 1)) {
		if (bp->of_no != FLOW_PORT_LOCAL)
			port[bp->of_no] = bp->port->id;
		flood[s->nflood++] = bp->port->id;
	}
	s->local = fb->local ? fb->local->port->id : 0;
	s->nports = n;
	s->port = port;
	s->flood = flood;
	s->drop_fragments = fb->drop_fragments;
	s->standalone = fb->standalone;
	replace(fb, s);
}

void flow_publish_switches(void)
{
	struct flow_bridge *fb;

	if (TAILQ_EMPTY(&dirty))
		return;
	while ((fb = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, fb, dirty_link);
		fb->dirty = false;
		if (!fb->bridge->deleted)
			switch_publish(fb);
	}
	flow_changed();
}

void flow_publish_forget(struct flow_bridge *fb)
{
	const struct flow_switch *s = fb->seen;

	if (fb->dirty)
		TAILQ_REMOVE(&dirty, fb, dirty_link);
	fb->dirty = false;
	if (s == NULL)
		return;
	garbage_free_later((void *)(uintptr_t)s->port);
	garbage_free_later((void *)(uintptr_t)s->flood);
	replace(fb, NULL);
}
