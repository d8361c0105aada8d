/* SPDX-License-Identifier: BSD-3-Clause */
// The list of tuples, and changes of one rule.
#include "classifier_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t rule_bytes(const struct classifier_tuple *tuple)
{
	return sizeof(struct classifier_rule) + tuple->nwords * sizeof(uint64_t);
}

static uint32_t mask_hash(const struct classifier *c, const struct flow_key *mask)
{
	const struct flow_key *const secret = flow_pool_secret(c->pool);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FLOW_KEY_WORDS; i++)
		sum += classifier_product(mask->word[i], secret->word[i]);
	return (uint32_t)(sum ^ sum >> 32);
}

// Lists ------------------------------------------------------------------------------------------------------------

static struct classifier_list *list_alloc(struct classifier *c, uint32_t n)
{
	return flow_pool_block_alloc(c->pool,
				     sizeof(struct classifier_list) + n * sizeof(struct classifier_entry_of_list));
}

static int by_max(const void *a, const void *b)
{
	const struct classifier_entry_of_list *const x = a, *const y = b;

	return (x->max < y->max) - (x->max > y->max);
}

// Shows readers another list. Returns the former one, to be retired after what only it leads to.
static struct classifier_list *list_publish(struct classifier *c, struct classifier_list *list)
{
	struct classifier_list *const old = c->list;

	for (uint32_t i = 0; i < list->n; i++)
		list->words |= list->entry[i].tuple->words;
	qsort(list->entry, list->n, sizeof(list->entry[0]), by_max);
	__atomic_store_n(&c->list, list, __ATOMIC_RELEASE);
	return old;
}

// The index of a tuple by its mask, -1 if there is none.
static int64_t list_find(const struct classifier *c, const struct flow_key *mask)
{
	const uint32_t hash = mask_hash(c, mask);

	for (uint32_t i = 0; i < c->list->n; i++) {
		const struct classifier_entry_of_list *const e = &c->list->entry[i];

		if (e->mask_hash == hash && memcmp(&e->tuple->full_mask, mask, sizeof(*mask)) == 0)
			return i;
	}
	return -1;
}

// Lets entry i have this maximum: in its place, if that still is in order.
static int list_set_max(struct classifier *c, uint32_t i, int32_t max)
{
	struct classifier_entry_of_list *const e = c->list->entry;
	struct classifier_list *list;

	if ((i == 0 || e[i - 1].max >= max) && (i + 1 == c->list->n || e[i + 1].max <= max)) {
		__atomic_store_n(&e[i].max, max, __ATOMIC_RELEASE);
		return 0;
	}
	list = list_alloc(c, c->list->n);
	if (list == NULL)
		return -ENOMEM;
	list->n = c->list->n;
	memcpy(list->entry, e, list->n * sizeof(*e));
	list->entry[i].max = max;
	flow_pool_block_retire(c->pool, &list_publish(c, list)->block);
	return 0;
}

static int list_add(struct classifier *c, struct classifier_tuple *tuple, int32_t max)
{
	struct classifier_list *const list = list_alloc(c, c->list->n + 1);

	if (list == NULL)
		return -ENOMEM;
	list->n = c->list->n + 1;
	memcpy(list->entry, c->list->entry, c->list->n * sizeof(list->entry[0]));
	list->entry[list->n - 1] = (struct classifier_entry_of_list){
		.tuple = tuple, .max = max, .mask_hash = mask_hash(c, &tuple->full_mask)};
	flow_pool_block_retire(c->pool, &list_publish(c, list)->block);
	return 0;
}

void classifier_list_settle(struct classifier *c)
{
	struct classifier_list *const old = c->list;
	struct classifier_list *list;
	uint32_t used = 0;

	for (uint32_t i = 0; i < old->n; i++)
		used += old->entry[i].tuple->nlevels != 0;
	list = list_alloc(c, used);
	if (list == NULL)
		return;
	for (uint32_t i = 0; i < old->n; i++) {
		struct classifier_tuple *const tuple = old->entry[i].tuple;

		if (tuple->nlevels == 0)
			continue;
		list->entry[list->n] = old->entry[i];
		list->entry[list->n++].max = tuple->level[0].priority;
	}
	list_publish(c, list);
	for (uint32_t i = 0; i < old->n; i++)
		if (old->entry[i].tuple->nlevels == 0)
			classifier_tuple_destroy_later(c, old->entry[i].tuple);
	flow_pool_block_retire(c->pool, &old->block);
}

// Rules -------------------------------------------------------------------------------------------------------------

void classifier_place_find(const struct classifier *c, const struct classifier_tuple *tuple, const struct flow_key *key,
			   struct classifier_place *place)
{
	for (uint32_t j = 0; j < tuple->nwords; j++)
		place->word[j] = key->word[tuple->at[j]] & tuple->mask[j];
	place->hash = classifier_hash_words(tuple, place->word);
	place->bucket = classifier_bucket_of(tuple->table, place->hash);
	place->slot = NULL;
	place->head = NULL;
	for (struct classifier_bucket *b = &tuple->table->bucket[place->bucket]; b != NULL; b = b->overflow) {
		for (uint32_t i = 0; i < CLASSIFIER_SLOTS; i++) {
			struct classifier_rule *const rule = classifier_slot_rule(b->slot[i]);

			if (b->slot[i] >> 48 != classifier_tag(place->hash) ||
			    memcmp(rule->word, place->word, tuple->nwords * sizeof(uint64_t)) != 0)
				continue;
			place->slot = &b->slot[i];
			place->head = rule;
			return;
		}
	}
}

// Counts a rule in (1) or out (-1) of the classes of packets that it can meet.
static void classes_count(struct classifier *c, struct classifier_tuple *tuple, const struct classifier_rule *rule,
			  int32_t by)
{
	struct flow_key key = {0};

	for (uint32_t j = 0; j < tuple->nwords; j++)
		key.word[tuple->at[j]] = rule->word[j];
	for (uint32_t m = flow_class_of(&key, &tuple->full_mask); m != 0; m &= m - 1) {
		uint32_t *const of_class = &tuple->of_class[__builtin_ctz(m)];

		c->used_version += *of_class == (by > 0 ? 0 : 1);
		*of_class += (uint32_t)by;
	}
}

static struct classifier_rule *rule_next(const struct classifier_rule *rule)
{
	return (struct classifier_rule *)rule->next.next;
}

// The rule of this priority, and in *before the last one of a higher priority; both may be NULL.
static struct classifier_rule *rule_find(const struct classifier_place *place, uint16_t priority,
					 struct classifier_rule **before)
{
	struct classifier_rule *rule = place->head;

	*before = NULL;
	for (; rule != NULL && rule->priority > priority; rule = rule_next(rule))
		*before = rule;
	return rule != NULL && rule->priority == priority ? rule : NULL;
}

// Links a rule where its priority belongs.
static int rule_link(struct classifier *c, struct classifier_tuple *tuple, struct classifier_place *place,
		     struct classifier_rule *before, struct classifier_rule *rule)
{
	if (before != NULL) {
		rule->next = before->next;
		before->next.next = &rule->next;
		return 0;
	}
	if (place->head == NULL) {
		const int ret = classifier_slot_find(c, tuple, place->hash, &place->slot);

		if (ret < 0)
			return ret;
		tuple->rules++;
	} else {
		rule->next.next = &place->head->next;
	}
	classifier_slot_fill(tuple->table, place->slot, place->hash, rule);
	return 0;
}

uint32_t classifier_rule_remove(struct classifier *c, struct classifier_tuple *tuple, uint32_t bucket, uint64_t *slot,
				struct classifier_rule *before, struct classifier_rule *rule)
{
	const uint32_t value = rule->value;

	if (before != NULL) {
		before->next = rule->next;
	} else if (rule->next.next != NULL) {
		__atomic_store_n(slot, (*slot >> 48 << 48) | (uint64_t)(uintptr_t)rule_next(rule), __ATOMIC_RELEASE);
	} else {
		classifier_slot_clear(tuple->table, bucket, slot);
		tuple->rules--;
	}
	classifier_level_leave(tuple, rule->priority);
	classes_count(c, tuple, rule, -1);
	c->rules--;
	flow_pool_leave(c->pool);
	flow_pool_retire(c->pool, &rule->next, rule_bytes(tuple));
	return value;
}

// Finds a rule by its match and priority.
static struct classifier_rule *rule_of(const struct classifier *c, const struct flow_key *key,
				       const struct flow_key *mask, uint16_t priority, struct classifier_place *place,
				       struct classifier_rule **before, uint32_t *index)
{
	const int64_t i = list_find(c, mask);

	if (i < 0)
		return NULL;
	*index = (uint32_t)i;
	classifier_place_find(c, c->list->entry[i].tuple, key, place);
	return rule_find(place, priority, before);
}

uint32_t classifier_find(const struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			 uint16_t priority)
{
	struct classifier_rule *before, *rule;
	struct classifier_place place;
	uint32_t index;

	rule = rule_of(c, key, mask, priority, &place, &before, &index);
	return rule != NULL ? rule->value : 0;
}

uint32_t classifier_set(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			uint16_t priority, uint32_t value)
{
	struct classifier_rule *before, *rule;
	struct classifier_place place;
	uint32_t index, former;

	rule = rule_of(c, key, mask, priority, &place, &before, &index);
	if (rule == NULL || value == 0)
		return 0;
	former = rule->value;
	__atomic_store_n(&rule->value, value, __ATOMIC_RELEASE);
	return former;
}

uint32_t classifier_remove(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			   uint16_t priority)
{
	struct classifier_rule *before, *rule;
	struct classifier_tuple *tuple;
	struct classifier_place place;
	uint32_t index, value;

	rule = rule_of(c, key, mask, priority, &place, &before, &index);
	if (rule == NULL)
		return 0;
	tuple = c->list->entry[index].tuple;
	value = classifier_rule_remove(c, tuple, place.bucket, place.slot, before, rule);
	if (tuple->nlevels == 0)
		classifier_list_settle(c);
	else if (tuple->level[0].priority != c->list->entry[index].max)
		// Without memory for it the list says more than there is, which is allowed.
		(void)list_set_max(c, index, tuple->level[0].priority);
	return value;
}

// Adds the rule to a tuple that is in the list.
static int insert_into(struct classifier *c, struct classifier_tuple *tuple, uint32_t index, const struct flow_key *key,
		       uint16_t priority, uint32_t value)
{
	struct classifier_rule *rule, *before;
	struct classifier_place place;
	int ret;

	classifier_place_find(c, tuple, key, &place);
	if (rule_find(&place, priority, &before) != NULL)
		return -EEXIST;
	if (c->rules == c->rules_max || !flow_pool_enter(c->pool))
		return -ENOSPC;
	ret = -ENOMEM;
	rule = flow_pool_alloc(c->pool, rule_bytes(tuple));
	if (rule == NULL)
		goto leave_pool;
	rule->priority = priority;
	rule->value = value;
	memcpy(rule->word, place.word, tuple->nwords * sizeof(uint64_t));
	ret = classifier_level_alloc(tuple);
	if (ret == 0 && priority > c->list->entry[index].max)
		ret = list_set_max(c, index, priority);
	if (ret == 0)
		ret = rule_link(c, tuple, &place, before, rule);
	if (ret < 0)
		goto free_rule;
	classifier_level_enter(tuple, priority);
	classes_count(c, tuple, rule, 1);
	c->rules++;
	return 0;

free_rule:
	flow_pool_free(c->pool, rule, rule_bytes(tuple));
leave_pool:
	flow_pool_leave(c->pool);
	return ret;
}

int classifier_insert(struct classifier *c, const struct flow_key *key, const struct flow_key *mask, uint16_t priority,
		      uint32_t value)
{
	struct classifier_tuple *tuple;
	int64_t i;
	int ret;

	if (value == 0 || flow_key_words(mask) >> FLOW_KEY_USED != 0)
		return -EINVAL;
	i = list_find(c, mask);
	if (i >= 0)
		return insert_into(c, c->list->entry[i].tuple, (uint32_t)i, key, priority, value);
	if (c->list->n == c->masks_max || c->rules == c->rules_max)
		return -ENOSPC;
	tuple = classifier_tuple_create(c, mask);
	if (tuple == NULL)
		return -ENOMEM;
	ret = list_add(c, tuple, priority);
	if (ret < 0) {
		classifier_tuple_destroy(c, tuple);
		return ret;
	}
	i = list_find(c, mask);
	ret = insert_into(c, tuple, (uint32_t)i, key, priority, value);
	if (ret < 0)
		classifier_list_settle(c);
	return ret;
}

int classifier_create(struct classifier **out, const struct classifier_conf *conf)
{
	struct classifier *c;

	if (conf->rules_max == 0 || conf->masks_max == 0 || conf->masks_max > CLASSIFIER_MASKS_MAX)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->pool = conf->pool;
	c->rules_max = conf->rules_max;
	c->masks_max = conf->masks_max;
	c->list = list_alloc(c, 0);
	if (c->list == NULL) {
		free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

static enum classifier_verdict remove_all(void *arg, const struct classifier_entry *e)
{
	return CLASSIFIER_REMOVE;
}

void classifier_destroy(struct classifier *c)
{
	static const struct flow_key any;

	if (c == NULL)
		return;
	classifier_walk(c, &any, &any, remove_all, NULL);
	// Those that a lack of memory has left in the list.
	for (uint32_t i = 0; i < c->list->n; i++)
		classifier_tuple_destroy_later(c, c->list->entry[i].tuple);
	flow_pool_block_retire(c->pool, &c->list->block);
	free(c);
}

uint32_t classifier_rules(const struct classifier *c)
{
	return c->rules;
}

uint32_t classifier_masks(const struct classifier *c)
{
	return c->list->n;
}
