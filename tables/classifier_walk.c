/* SPDX-License-Identifier: BSD-3-Clause */
#include "classifier_priv.h"

#include <string.h>

struct walk {
	struct classifier *c;
	struct classifier_tuple *tuple;
	const struct flow_key *key, *mask;
	classifier_visit_fn visit;
	void *arg;
	bool removed; // some rule
	bool stop;
};

static struct classifier_rule *next_of(const struct classifier_rule *rule)
{
	return (struct classifier_rule *)rule->next.next;
}

static void entry_make(const struct classifier_tuple *tuple, const struct classifier_rule *rule,
		       struct classifier_entry *e)
{
	*e = (struct classifier_entry){.mask = tuple->full_mask, .priority = rule->priority, .value = rule->value};
	for (uint32_t j = 0; j < tuple->nwords; j++)
		e->key.word[tuple->at[j]] = rule->word[j];
}

// Visits the rules of one slot, which differ only in priority.
static void walk_slot(struct walk *w, uint32_t bucket, uint64_t *slot)
{
	struct classifier_rule *before = NULL, *rule = classifier_slot_rule(*slot), *next;

	if (rule == NULL || !classifier_rule_meets(w->tuple, rule, w->key, w->mask))
		return;
	for (; rule != NULL && !w->stop; rule = next) {
		struct classifier_entry e;
		enum classifier_verdict verdict;

		next = next_of(rule);
		entry_make(w->tuple, rule, &e);
		verdict = w->visit(w->arg, &e);
		w->stop = verdict == CLASSIFIER_STOP;
		if (verdict == CLASSIFIER_REMOVE) {
			classifier_rule_remove(w->c, w->tuple, bucket, slot, before, rule);
			w->removed = true;
		} else {
			before = rule;
		}
	}
}

static void walk_tuple(struct walk *w)
{
	struct classifier_table *const t = w->tuple->table;

	for (uint32_t i = 0; i <= t->bucket_mask && !w->stop; i++)
		for (struct classifier_bucket *b = &t->bucket[i]; b != NULL; b = b->overflow)
			for (uint32_t k = 0; k < CLASSIFIER_SLOTS && !w->stop; k++)
				walk_slot(w, i, &b->slot[k]);
}

// Whether mask has all the bits of `of`.
static bool includes(const struct flow_key *mask, const struct flow_key *of)
{
	uint64_t lacks = 0;

	for (uint32_t i = 0; i < FLOW_KEY_WORDS; i++)
		lacks |= of->word[i] & ~mask->word[i];
	return lacks == 0;
}

bool classifier_walk(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
		     classifier_visit_fn visit, void *arg)
{
	struct walk w = {.c = c, .key = key, .mask = mask, .visit = visit, .arg = arg};
	struct classifier_place place;

	for (uint32_t i = 0; i < c->list->n && !w.stop; i++) {
		w.tuple = c->list->entry[i].tuple;
		if (!includes(&w.tuple->full_mask, mask))
			continue;
		if (memcmp(&w.tuple->full_mask, mask, sizeof(*mask)) != 0) {
			walk_tuple(&w);
			continue;
		}
		classifier_place_find(c, w.tuple, key, &place);
		if (place.slot != NULL)
			walk_slot(&w, place.bucket, place.slot);
	}
	if (w.removed)
		classifier_list_settle(c);
	return !w.stop;
}

// The value of the rule of this priority among those that differ only in it.
static uint32_t chain_value(const struct classifier_rule *rule, uint16_t priority)
{
	for (; rule != NULL && rule->priority >= priority; rule = next_of(rule))
		if (rule->priority == priority)
			return rule->value;
	return 0;
}

static uint32_t overlap_tuple(const struct classifier_tuple *tuple, const struct flow_key *key,
			      const struct flow_key *mask, uint16_t priority)
{
	const struct classifier_table *const t = tuple->table;

	for (uint32_t i = 0; i <= t->bucket_mask; i++) {
		for (const struct classifier_bucket *b = &t->bucket[i]; b != NULL; b = b->overflow) {
			for (uint32_t k = 0; k < CLASSIFIER_SLOTS; k++) {
				const struct classifier_rule *const rule = classifier_slot_rule(b->slot[k]);
				const uint32_t value = rule != NULL && classifier_rule_meets(tuple, rule, key, mask)
							       ? chain_value(rule, priority)
							       : 0;

				if (value != 0)
					return value;
			}
		}
	}
	return 0;
}

uint32_t classifier_overlap(const struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			    uint16_t priority)
{
	struct classifier_place place;
	uint32_t value = 0;

	for (uint32_t i = 0; i < c->list->n && value == 0; i++) {
		const struct classifier_tuple *const tuple = c->list->entry[i].tuple;

		if (classifier_level_count(tuple, priority) == 0)
			continue;
		if (includes(mask, &tuple->full_mask)) {
			classifier_place_find(c, tuple, key, &place);
			value = chain_value(place.head, priority);
		} else {
			value = overlap_tuple(tuple, key, mask, priority);
		}
	}
	return value;
}

void classifier_used(const struct classifier *c, struct flow_used *used)
{
	for (uint32_t i = 0; i < c->list->n; i++) {
		const struct classifier_tuple *const tuple = c->list->entry[i].tuple;

		for (uint32_t class = 0; class < FLOW_CLASS_COUNT; class ++)
			for (uint32_t k = 0; k < FLOW_KEY_WORDS && tuple->of_class[class] != 0; k++)
				used->mask[class].word[k] |= tuple->full_mask.word[k];
	}
}

uint64_t classifier_used_version(const struct classifier *c)
{
	return c->used_version;
}
