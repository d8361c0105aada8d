/* SPDX-License-Identifier: BSD-3-Clause */
// What the parts of the classifier's writer share: classifier.c changes one rule, classifier_walk.c looks at many.
#ifndef CLASSIFIER_PRIV_H
#define CLASSIFIER_PRIV_H

#include "classifier.h"

// Where a match is in a tuple.
struct classifier_place {
	uint64_t hash;
	uint64_t word[FLOW_KEY_WORDS]; // the key's, masked
	uint32_t bucket;
	uint64_t *slot;               // NULL: there is no such rule
	struct classifier_rule *head; // of the rules of this match
};

// Finds the rules of a match by its key.
void classifier_place_find(const struct classifier *c, const struct classifier_tuple *tuple, const struct flow_key *key,
			   struct classifier_place *place);

// Takes a rule out, which follows *before in the chain of its match (NULL: it is the head), and retires it. The list of
// tuples is left as it is. Returns its value.
uint32_t classifier_rule_remove(struct classifier *c, struct classifier_tuple *tuple, uint32_t bucket, uint64_t *slot,
				struct classifier_rule *before, struct classifier_rule *rule);

// Puts the list of tuples in order after rules were removed, and retires the tuples that have none left. Without memory
// the list stays as it is, which costs look-ups but misleads none.
void classifier_list_settle(struct classifier *c);

// A tuple without rules; NULL: no memory. destroy: one that no reader has seen; later: one that readers find no more.
struct classifier_tuple *classifier_tuple_create(struct classifier *c, const struct flow_key *mask);
void classifier_tuple_destroy(struct classifier *c, struct classifier_tuple *tuple);
void classifier_tuple_destroy_later(struct classifier *c, struct classifier_tuple *tuple);

// The rules of a tuple that have a priority, and counting them in and out. alloc makes room for one more priority: 0 or
// -ENOMEM.
uint32_t classifier_level_count(const struct classifier_tuple *tuple, uint16_t priority);
int classifier_level_alloc(struct classifier_tuple *tuple);
void classifier_level_enter(struct classifier_tuple *tuple, uint16_t priority);
void classifier_level_leave(struct classifier_tuple *tuple, uint16_t priority);

// The hash of a rule's words.
uint64_t classifier_hash_words(const struct classifier_tuple *tuple, const uint64_t *word);

// A slot for one more rule of this hash, in a table that is made larger if need be: 0, -ENOSPC, -ENOMEM. fill shows
// readers the rule, clear takes it from them.
int classifier_slot_find(struct classifier *c, struct classifier_tuple *tuple, uint64_t hash, uint64_t **slot);
void classifier_slot_fill(struct classifier_table *t, uint64_t *slot, uint64_t hash,
			  const struct classifier_rule *rule);
void classifier_slot_clear(struct classifier_table *t, uint32_t bucket, uint64_t *slot);

// The bits in which a rule differs from a key, as far as the mask goes.
static inline bool classifier_rule_meets(const struct classifier_tuple *tuple, const struct classifier_rule *rule,
					 const struct flow_key *key, const struct flow_key *mask)
{
	uint64_t differ = 0;

	for (uint32_t j = 0; j < tuple->nwords; j++)
		differ |= (rule->word[j] ^ key->word[tuple->at[j]]) & tuple->mask[j] & mask->word[tuple->at[j]];
	return differ == 0;
}

#endif
