/* SPDX-License-Identifier: BSD-3-Clause */
// The naive model of a classifier, a list of rules that is looked through from end to end, and random rules and keys
// that meet each other often. Include cmocka.h first.
#ifndef CLASSIFIER_MODEL_H
#define CLASSIFIER_MODEL_H

#include <string.h>

#include "../../tables/classifier.h"
#include "../rng.h"

#define MODEL_RULES 4096
#define MODEL_MASKS 24

struct model_rule {
	struct flow_key key, mask;
	uint16_t priority;
	uint32_t value; // 0: no rule
};

struct model {
	struct model_rule rule[MODEL_RULES];
	struct flow_key masks[MODEL_MASKS];
	uint32_t nmasks;
	uint64_t rng;
};

static inline uint64_t model_random(struct model *m)
{
	return rng_next(&m->rng);
}

// A key whose words have few values: keys are equal now and then, and more so under masks.
static inline void model_key(struct model *m, struct flow_key *key)
{
	*key = (struct flow_key){0};
	for (uint32_t i = 0; i < FLOW_KEY_USED; i++)
		key->word[i] = (model_random(m) & 3) << 32 | (model_random(m) & 3);
}

// Makes the masks that rules are to have, with words of all kinds and some that include others.
static inline void model_masks(struct model *m, uint32_t nmasks)
{
	static const uint64_t some[] = {0, 0, 0, 0, 1, 3, 3ull << 32, UINT64_MAX, 0xffffffff};

	m->nmasks = nmasks;
	for (uint32_t i = 0; i < nmasks; i++)
		for (uint32_t w = 0; w < FLOW_KEY_USED; w++)
			m->masks[i].word[w] = i == 0 ? 0 : some[model_random(m) % RTE_DIM(some)];
}

static inline void model_random_rule(struct model *m, uint32_t priorities, struct model_rule *r)
{
	*r = (struct model_rule){.mask = m->masks[model_random(m) % m->nmasks],
				 .priority = (uint16_t)(model_random(m) % priorities)};
	model_key(m, &r->key);
	for (uint32_t w = 0; w < FLOW_KEY_WORDS; w++)
		r->key.word[w] &= r->mask.word[w];
}

static inline bool model_meets(const struct model_rule *r, const struct flow_key *key)
{
	return flow_key_equal(&r->key, key, &r->mask, flow_key_words(&r->mask));
}

// The rule of exactly this match and priority, or NULL.
static inline struct model_rule *model_find(struct model *m, const struct model_rule *like)
{
	for (uint32_t i = 0; i < MODEL_RULES; i++) {
		struct model_rule *const r = &m->rule[i];

		if (r->value != 0 && r->priority == like->priority &&
		    memcmp(&r->mask, &like->mask, sizeof(r->mask)) == 0 &&
		    memcmp(&r->key, &like->key, sizeof(r->key)) == 0)
			return r;
	}
	return NULL;
}

// The highest priority of the rules that a key meets, -1 if it meets none.
static inline int32_t model_lookup(const struct model *m, const struct flow_key *key)
{
	int32_t best = -1;

	for (uint32_t i = 0; i < MODEL_RULES; i++)
		if (m->rule[i].value != 0 && m->rule[i].priority > best && model_meets(&m->rule[i], key))
			best = m->rule[i].priority;
	return best;
}

#endif
