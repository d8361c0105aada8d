/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../datapath/rcu.h"
#include "flow_compile.h"

// Where an entry is, so that walks over numbers need not touch the entries of others.
struct place {
	uint8_t sw, table; // sw 0: the number is free. A switch's number fits: FLOW_SWITCHES_MAX
};

// All numbers. calloc, so that what is never used takes no memory.
static struct {
	struct flow **flow;
	struct place *place;
	uint32_t *spare; // those that were given back, the last one first
	uint32_t nspare;
	uint32_t end; // never used from here on
} numbers;

_Static_assert(FLOW_SWITCHES_MAX <= 256, "struct place");

// --- numbers ---------------------------------------------------------------------------------------------------------

static bool numbers_alloc(void)
{
	if (numbers.flow != NULL)
		return true;
	numbers.flow = calloc(FLOW_ENTRIES_MAX, sizeof(*numbers.flow));
	numbers.place = calloc(FLOW_ENTRIES_MAX, sizeof(*numbers.place));
	numbers.spare = calloc(FLOW_ENTRIES_MAX, sizeof(*numbers.spare));
	numbers.nspare = 0;
	numbers.end = 1;
	if (numbers.flow != NULL && numbers.place != NULL && numbers.spare != NULL)
		return true;
	free(numbers.flow);
	free(numbers.place);
	free(numbers.spare);
	numbers.flow = NULL;
	return false;
}

static uint32_t number_take(void)
{
	if (!numbers_alloc())
		return 0;
	if (numbers.nspare > 0)
		return numbers.spare[--numbers.nspare];
	return numbers.end < FLOW_ENTRIES_MAX ? numbers.end++ : 0;
}

void flow_number_free(uint32_t number)
{
	numbers.spare[numbers.nspare++] = number;
}

struct flow *flow_by_number(uint32_t number)
{
	return number != 0 && number < flow_number_end() ? numbers.flow[number] : NULL;
}

uint32_t flow_number_end(void)
{
	return numbers.flow != NULL ? numbers.end : 0;
}

bool flow_number_in(uint32_t number, const struct flow_bridge *fb, uint8_t table)
{
	const struct place p = numbers.place[number];

	return p.sw == fb->number && (table == FLOW_TABLE_ALL || p.table == table);
}

// --- entries ---------------------------------------------------------------------------------------------------------

uint64_t flow_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void match_put(struct flow *x, const struct flow_match *m)
{
	uint32_t n = 0;

	for (uint32_t words = x->words; words != 0; words &= words - 1) {
		const unsigned int w = (unsigned int)__builtin_ctz(words);

		x->word[n++] = m->key.word[w];
		x->word[n++] = m->mask.word[w];
	}
}

void flow_match_get(const struct flow *x, struct flow_match *m)
{
	uint32_t n = 0;

	memset(m, 0, sizeof(*m));
	for (uint32_t words = x->words; words != 0; words &= words - 1) {
		const unsigned int w = (unsigned int)__builtin_ctz(words);

		m->key.word[w] = x->word[n++];
		m->mask.word[w] = x->word[n++];
	}
}

int flow_new(struct flow **out, struct flow_bridge *fb, const struct flow_mod *m, uint32_t number, struct flow_error *e)
{
	const uint32_t words = flow_key_words(&m->match.mask), given = number;
	struct flow *x = malloc(sizeof(*x) + 2 * sizeof(uint64_t) * (size_t)__builtin_popcount(words));
	int rc;

	if (x == NULL)
		return flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for another flow entry");
	*x = (struct flow){.table = m->table,
			   .priority = m->priority,
			   .idle_timeout = m->idle_timeout,
			   .hard_timeout = m->hard_timeout,
			   .flags = m->flags,
			   .importance = m->importance,
			   .words = (uint16_t)words,
			   .cookie = m->cookie,
			   .created_ns = flow_now_ns(),
			   .fb = fb};
	match_put(x, &m->match);
	x->number = number != 0 ? number : number_take();
	if (x->number == 0) {
		free(x);
		return flow_error_int(e, OFPFMFC_TABLE_FULL, NULL, FLOW_ENTRIES_MAX - 1, NULL,
				      "there are as many flow entries as there can be");
	}
	rc = flow_instructions_copy(&x->instructions, &m->instructions);
	if (rc < 0)
		rc = flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for another flow entry");
	else
		rc = flow_compile_entry(fb, m, x->number, &x->entry, e);
	if (rc == 0) {
		*out = x;
		return 0;
	}
	if (given == 0)
		flow_number_free(x->number);
	flow_free(x);
	return rc;
}

void flow_free(struct flow *x)
{
	if (x == NULL)
		return;
	flow_instructions_clear(&x->instructions);
	free(x->entry);
	free(x);
}

void flow_as_mod(const struct flow *x, struct flow_mod *m)
{
	*m = (struct flow_mod){.cookie = x->cookie,
			       .command = FLOW_ADD,
			       .table = x->table,
			       .priority = x->priority,
			       .idle_timeout = x->idle_timeout,
			       .hard_timeout = x->hard_timeout,
			       .flags = x->flags,
			       .importance = x->importance,
			       .buffer_id = FLOW_NO_BUFFER,
			       .out_port = FLOW_PORT_ANY,
			       .out_group = FLOW_GROUP_ANY,
			       .instructions = x->instructions};
	flow_match_get(x, &m->match);
}

struct flow_count flow_counted(const struct flow *x)
{
	struct flow_count c = flow_count_get(FLOW_COUNT_ENTRY, x->number);

	c.packets = x->flags & FLOW_NO_PKT_COUNTS ? 0 : c.packets - x->base.packets;
	c.bytes = x->flags & FLOW_NO_BYT_COUNTS ? 0 : c.bytes - x->base.bytes;
	return c;
}

// --- the index -------------------------------------------------------------------------------------------------------

struct flow *flow_index_find(const struct flow_bridge *fb, uint8_t table, const struct flow_match *m, uint16_t priority)
{
	const struct classifier *index = fb->flows->table[table].index;

	return index != NULL ? flow_by_number(classifier_find(index, &m->key, &m->mask, priority)) : NULL;
}

// The classifier that may be changed.
static struct classifier *index_open(const struct flow *x)
{
	struct flow_table *t = &x->fb->flows->table[x->table];

	t->index = t->spare;
	return t->index;
}

int flow_index_put(struct flow *x, struct flow_error *e)
{
	struct flow_set *set = x->fb->flows;
	struct flow *old = numbers.flow[x->number];
	struct flow_match m;
	int rc;

	if (old == NULL) {
		flow_match_get(x, &m);
		rc = classifier_insert(index_open(x), &m.key, &m.mask, x->priority, x->number);
		if (rc == -ENOSPC)
			return flow_error_int(e, OFPFMFC_TABLE_FULL, "table", x->table, NULL,
					      "the table has no room for another entry, or another mask");
		if (rc < 0)
			return flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for another flow entry");
		numbers.place[x->number] = (struct place){(uint8_t)x->fb->number, x->table};
		set->count++;
	} else {
		set->persisted -= old->persist;
	}
	set->persisted += x->persist;
	numbers.flow[x->number] = x;
	return 0;
}

void flow_index_del(struct flow *x)
{
	struct flow_set *set = x->fb->flows;
	struct flow_match m;

	flow_match_get(x, &m);
	classifier_remove(index_open(x), &m.key, &m.mask, x->priority);
	numbers.flow[x->number] = NULL;
	numbers.place[x->number] = (struct place){0};
	set->count--;
	set->persisted -= x->persist;
}

// --- switches --------------------------------------------------------------------------------------------------------

static uint64_t grace_start(void *arg)
{
	return rte_rcu_qsbr_start(rcu_var());
}

static bool grace_over(void *arg, uint64_t token)
{
	return rte_rcu_qsbr_check(rcu_var(), token, false) == 1;
}

int flow_set_create(struct flow_bridge *fb)
{
	struct flow_set *set = aligned_alloc(_Alignof(struct flow_set), sizeof(*set));

	if (set == NULL)
		return -ENOMEM;
	memset(set, 0, sizeof(*set));
	for (unsigned int i = 0; i < FLOW_TABLES; i++)
		set->table[i].max = FLOW_ENTRIES_MAX - 1;
	if (flow_pool_create(&set->pool[0], FLOW_ENTRIES_MAX, 0) < 0 ||
	    flow_pool_create(&set->pool[1], FLOW_ENTRIES_MAX, 0) < 0) {
		flow_pool_destroy(set->pool[0]);
		free(set);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < 2; i++)
		flow_pool_grace(set->pool[i], grace_start, grace_over, NULL);
	fb->flows = set;
	return 0;
}

int flow_table_open(struct flow_bridge *fb, uint8_t table)
{
	struct flow_table *t = &fb->flows->table[table];
	struct classifier_conf conf = {.rules_max = FLOW_ENTRIES_MAX, .masks_max = FLOW_MASKS_MAX};

	if (t->index != NULL)
		return 0;
	conf.pool = fb->flows->pool[0];
	if (classifier_create(&t->seen, &conf) < 0)
		return -ENOMEM;
	conf.pool = fb->flows->pool[1];
	if (classifier_create(&t->spare, &conf) < 0) {
		classifier_destroy(t->seen);
		t->seen = NULL;
		return -ENOMEM;
	}
	t->index = t->seen;
	return 0;
}

static enum classifier_verdict visit_free(void *arg, const struct classifier_entry *c)
{
	struct flow *x = numbers.flow[c->value];

	numbers.flow[c->value] = NULL;
	numbers.place[c->value] = (struct place){0};
	flow_entry_set(c->value, NULL);
	flow_count_clear(FLOW_COUNT_ENTRY, c->value);
	flow_number_free(c->value);
	flow_compile_entry_release(x->fb, &x->instructions);
	flow_free(x);
	return CLASSIFIER_REMOVE;
}

void flow_set_destroy(struct flow_bridge *fb)
{
	struct flow_set *set = fb->flows;

	if (set == NULL)
		return;
	for (unsigned int i = 0; i < FLOW_TABLES; i++) {
		if (set->table[i].index != NULL)
			classifier_walk(set->table[i].index, &(struct flow_key){0}, &(struct flow_key){0}, visit_free,
					NULL);
		classifier_destroy(set->table[i].seen);
		classifier_destroy(set->table[i].spare);
	}
	flow_pool_destroy(set->pool[0]);
	flow_pool_destroy(set->pool[1]);
	free(set);
	fb->flows = NULL;
}
