/* SPDX-License-Identifier: BSD-3-Clause */
// One flow table: which of many rules with masks and priorities a packet's key meets, for bursts of keys by many
// threads beside one writer.
//
// Purpose: the answer to a packet that no cache knows, at a cost that is bounded by the number of different masks
// alone, however many rules there are and whatever packets come.
//
// Design: tuple space search (Srinivasan, Suri, Varghese 1999): the rules of one mask are a *tuple*, a hash table of
// masked keys; a look-up asks the tuples in the order of their highest priority and ends where no later one can have a
// better rule. What makes this cheap:
//   - The keys of a burst are turned into columns, one for each word that some mask uses, and hashed by tuple for eight
//     packets at a time. The hash is NH (UMAC, Black et al. 1999: sums of products, the words plus secret words), then
//     one round that multiplies its halves, with a secret of the tuple.
//   - Each bucket has a summary word, in which every rule sets two bits (a Bloom filter of one word: Putze et al.
//   2007). A
//     packet that meets no rule of a tuple nearly always ends there: 8 bytes for 4 rules, gathered for 8 packets at
//     once.
//   - The tuples are asked some at a time, and only then are the buckets that remain read, and then the rules: so the
//     burst has many cache misses in flight.
// A bucket is one cache line of seven slots and a link; a slot is 16 bits of the hash and the address of a rule. A rule
// holds its masked words, so a match is exact. Rules that differ only in priority are chained behind the highest one,
// which is the only one that readers look at.
//
// Worst case of one key and one mask: its words hashed, one summary word, CLASSIFIER_CHAIN_MAX lines of a bucket, and
// the rules in them whose 15 bits of hash are the same; what would make a longer chain is refused (-ENOSPC), after the
// table has been doubled in vain. The hash is secret, so neither rules nor packets can be made to collide.
//
// Readers take no lock and never wait. A slot is one word, stored when the rule is complete; rules never move; a table
// that is doubled, a list of tuples that changes order and rules that go are freed after a grace period (flow_pool.h).
// So a look-up sees a rule that is there all the time. Of changes beside a look-up it sees each one or not.
//
// Threads: one writer at a time; any number of readers at any time. "Any thread" below means both.
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include "flow_key.h"
#include "flow_pool.h"
#include "flow_window.h"

#define CLASSIFIER_BURST 64
#define CLASSIFIER_SLOTS 7
#define CLASSIFIER_CHAIN_MAX 3 // lines of one bucket
#define CLASSIFIER_CHUNK 8     // tuples asked before their buckets are read, at most
#define CLASSIFIER_MASKS_MAX 65535

// One rule of a tuple.
struct classifier_rule {
	struct flow_pool_node next; // the next lower priority of the same match. The writer's own
	uint32_t value;             // atomic: written by the writer, read by all
	uint16_t priority;          // constant, as all below
	uint64_t word[];            // the words that the tuple's mask uses, masked
};

struct classifier_bucket {
	uint64_t slot[CLASSIFIER_SLOTS]; // tag << 48 | address of the rule; 0: free. Written by the writer, read by all
	struct classifier_bucket *overflow; // NULL: none. Likewise
} __rte_cache_aligned;

// The hash table of a tuple; replaced as a whole when it is doubled.
struct classifier_table {
	struct flow_pool_block block;
	uint32_t bucket_mask;
	uint64_t *filter; // [bucket_mask + 1] summaries of the buckets. Written by the writer, read by all
	struct classifier_bucket *bucket;
	struct classifier_bucket *spare; // lines for buckets that overflow. The writer's own, as all below
	uint32_t nspare;
};

// How many rules of a tuple have a priority.
struct classifier_level {
	uint16_t priority;
	uint32_t count;
};

struct classifier_tuple {
	struct flow_pool_block block;
	// Constant, read by all.
	uint32_t nwords;
	uint8_t at[FLOW_KEY_WORDS];      // [nwords] which words of a key the mask uses
	uint64_t mask[FLOW_KEY_WORDS];   // [nwords] of them
	uint64_t secret[FLOW_KEY_WORDS]; // [nwords] what the hash adds to them
	uint64_t salt;
	struct classifier_table *table; // written by the writer, read by all (RCU)

	// The writer's own.
	struct flow_key full_mask;
	uint32_t words;                      // bit map of at
	uint32_t rules;                      // slots in use: rules that differ only in priority are one
	uint32_t of_class[FLOW_CLASS_COUNT]; // rules, by the classes of packets that they can meet
	uint32_t nlevels, levels_room;
	struct classifier_level *level; // descending
};

struct classifier_entry_of_list {
	struct classifier_tuple *tuple;
	int32_t max;        // no rule of the tuple has a higher priority. Atomic: written by the writer, read by all
	uint32_t mask_hash; // the writer's own
};

// The tuples, those with the highest priority first; replaced as a whole.
struct classifier_list {
	struct flow_pool_block block;
	uint32_t n;
	uint32_t words; // that any mask uses
	struct classifier_entry_of_list entry[];
};

struct classifier {
	struct classifier_list *list; // written by the writer, read by all (RCU)

	// The writer's own.
	struct flow_pool *pool;
	uint32_t rules, rules_max, masks_max;
	uint64_t used_version;
};

struct classifier_conf {
	struct flow_pool *pool; // outlives the classifier
	uint32_t rules_max;     // 1 or more
	uint32_t masks_max;     // 1..CLASSIFIER_MASKS_MAX: bounds the cost of a look-up
};

// What walks and finds hand out.
struct classifier_entry {
	struct flow_key key, mask;
	uint16_t priority;
	uint32_t value;
};

// Creates an empty table. 0, -EINVAL or -ENOMEM. Writer.
int classifier_create(struct classifier **out, const struct classifier_conf *conf);

// Frees the table and its rules; c may be NULL. No reader of it may be left. Writer.
void classifier_destroy(struct classifier *c);

// Adds a rule. Bits of key outside of mask are ignored. value: not 0. 0; -EEXIST if one of the same match and priority
// is there (which classifier_set() changes); -ENOSPC if the table or the pool is full, or has masks_max masks already;
// -ENOMEM, -EINVAL. Cost: about 100 ns to 1 us; a doubling of the tuple's hash table now and then; with many rules of
// one match, a walk along them.
int classifier_insert(struct classifier *c, const struct flow_key *key, const struct flow_key *mask, uint16_t priority,
		      uint32_t value);

// The value of the rule of exactly this match and priority, 0 if there is none. Writer.
uint32_t classifier_find(const struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			 uint16_t priority);

// Gives that rule another value, not 0. The former one, 0 if there is no such rule. Writer.
uint32_t classifier_set(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			uint16_t priority, uint32_t value);

// Removes that rule. Its value, 0 if there is none. Writer.
uint32_t classifier_remove(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			   uint16_t priority);

enum classifier_verdict { CLASSIFIER_GO_ON, CLASSIFIER_REMOVE, CLASSIFIER_STOP };

// What to do with one rule. Must not change the classifier otherwise.
typedef enum classifier_verdict (*classifier_visit_fn)(void *arg, const struct classifier_entry *e);

// Visits all rules that are at least as specific as this match: all that its mask says they say, too, and with the same
// bits (non-strict in OpenFlow's words, 6.4). An empty mask visits all. Rules are visited once, in no order. Returns
// whether no visit said CLASSIFIER_STOP. Cost: rules of the masks that include this one; where that is this one, one
// look-up. Writer.
bool classifier_walk(struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
		     classifier_visit_fn visit, void *arg);

// The value of some rule of this priority that one packet could match together with this match (OFPFF_CHECK_OVERLAP), 0
// if there is none. Cost: rules of the masks that have the priority. Writer.
uint32_t classifier_overlap(const struct classifier *c, const struct flow_key *key, const struct flow_key *mask,
			    uint16_t priority);

// Adds all bits that the rules ask for, by the classes of packets that they can meet: what a cache must tell packets
// apart by. The version is another one whenever that may have changed. Cost: a constant for each mask. Writer.
void classifier_used(const struct classifier *c, struct flow_used *used);
uint64_t classifier_used_version(const struct classifier *c);

// Writer.
uint32_t classifier_rules(const struct classifier *c);
uint32_t classifier_masks(const struct classifier *c);

// The hash of a key by a tuple; the parts of it that say where a rule is.
static __rte_always_inline uint64_t classifier_finish(uint64_t sum, uint64_t salt)
{
	const uint32_t low = (uint32_t)sum + (uint32_t)salt;
	const uint32_t high = (uint32_t)(sum >> 32) + (uint32_t)(salt >> 32);

	return (uint64_t)low * high ^ (sum >> 32 | sum << 32);
}

static __rte_always_inline uint64_t classifier_product(uint64_t word, uint64_t secret)
{
	const uint32_t low = (uint32_t)word + (uint32_t)secret;
	const uint32_t high = (uint32_t)(word >> 32) + (uint32_t)(secret >> 32);

	return (uint64_t)low * high;
}

static __rte_always_inline uint32_t classifier_bucket_of(const struct classifier_table *t, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & t->bucket_mask;
}

// Never 0, so that it is no free slot's.
static __rte_always_inline uint16_t classifier_tag(uint64_t hash)
{
	return (uint16_t)(hash >> 8) | 0x8000;
}

static __rte_always_inline uint64_t classifier_filter_bits(uint16_t tag)
{
	return UINT64_C(1) << (tag & 63) | UINT64_C(1) << (tag >> 6 & 63);
}

static __rte_always_inline struct classifier_rule *classifier_slot_rule(uint64_t slot)
{
	return (struct classifier_rule *)(uintptr_t)(slot & ((UINT64_C(1) << 48) - 1));
}

// The keys of a burst, word by word: word[w][d] is word w of the d-th key that is looked up.
struct classifier_columns {
	uint64_t word[FLOW_KEY_WORDS][CLASSIFIER_BURST];
} __rte_cache_aligned;

// What the summaries left over: (bucket, key) pairs to be looked at.
struct classifier_candidates {
	uint32_t n;
	uint64_t bucket[CLASSIFIER_CHUNK * CLASSIFIER_BURST + 8]; // addresses
	uint64_t what[CLASSIFIER_CHUNK * CLASSIFIER_BURST +
		      8]; // index of the tuple << 32 | index of the key << 16 | tag
};

// The parts of a look-up that have a vector body in classifier_simd.h, and a scalar twin.
struct classifier_isa {
	// Which of best[0..63] are below max.
	uint64_t (*below)(const int32_t best[CLASSIFIER_BURST], int32_t max);
	// Adds the keys of `pending` that tuple's summaries do not rule out. base: index of the tuple << 32.
	void (*filter)(const struct classifier_tuple *tuple, const struct classifier_table *table,
		       const struct classifier_columns *columns, uint64_t pending, uint64_t base,
		       struct classifier_candidates *out);
	// Which slots of a bucket have the tag.
	unsigned int (*match)(const struct classifier_bucket *b, uint16_t tag);
};

static __rte_always_inline uint64_t classifier_below_scalar(const int32_t best[CLASSIFIER_BURST], int32_t max)
{
	uint64_t below = 0;

	for (unsigned int i = 0; i < CLASSIFIER_BURST; i++)
		below |= (uint64_t)(best[i] < max) << i;
	return below;
}

static __rte_always_inline void classifier_filter_scalar(const struct classifier_tuple *tuple,
							 const struct classifier_table *table,
							 const struct classifier_columns *columns, uint64_t pending,
							 uint64_t base, struct classifier_candidates *out)
{
	for (; pending != 0; pending &= pending - 1) {
		const unsigned int d = (unsigned int)__builtin_ctzll(pending);
		uint64_t sum = 0;

		for (unsigned int j = 0; j < tuple->nwords; j++)
			sum += classifier_product(columns->word[tuple->at[j]][d] & tuple->mask[j], tuple->secret[j]);

		const uint64_t hash = classifier_finish(sum, tuple->salt);
		const uint32_t b = classifier_bucket_of(table, hash);
		const uint64_t bits = classifier_filter_bits(classifier_tag(hash));

		if ((__atomic_load_n(&table->filter[b], __ATOMIC_ACQUIRE) & bits) != bits)
			continue;
		out->bucket[out->n] = (uint64_t)(uintptr_t)&table->bucket[b];
		out->what[out->n++] = base | d << 16 | classifier_tag(hash);
	}
}

static __rte_always_inline unsigned int classifier_match_scalar(const struct classifier_bucket *b, uint16_t tag)
{
	unsigned int match = 0;

	for (unsigned int i = 0; i < CLASSIFIER_SLOTS; i++)
		match |= (unsigned int)(__atomic_load_n(&b->slot[i], __ATOMIC_ACQUIRE) >> 48 == tag) << i;
	return match;
}

static const struct classifier_isa classifier_scalar = {classifier_below_scalar, classifier_filter_scalar,
							classifier_match_scalar};

// Defines CLASSIFIER_ISA, the best that the compiler may use here.
#include "classifier_simd.h"

// A look-up under way.
struct classifier_search {
	struct classifier_columns columns;
	struct classifier_candidates candidates;
	struct classifier_rule *rule[CLASSIFIER_BURST];  // the best so far, NULL: none
	int32_t best[CLASSIFIER_BURST];                  // its priority, -1
	struct classifier_rule *found[CLASSIFIER_BURST]; // to be compared yet
	uint64_t found_what[CLASSIFIER_BURST];
	uint32_t nfound;
};

// Compares the rules that were found with the keys, word by word.
static __rte_always_inline void classifier_compare(const struct classifier_list *list, struct classifier_search *s)
{
	for (uint32_t i = 0; i < s->nfound; i++) {
		const struct classifier_tuple *const tuple = list->entry[s->found_what[i] >> 32].tuple;
		struct classifier_rule *const rule = s->found[i];
		const uint32_t d = (uint32_t)(s->found_what[i] >> 16) & 0xff;
		uint64_t differ = 0;

		for (unsigned int j = 0; j < tuple->nwords; j++)
			differ |= (s->columns.word[tuple->at[j]][d] & tuple->mask[j]) ^ rule->word[j];
		if (differ != 0 || rule->priority <= s->best[d])
			continue;
		s->best[d] = rule->priority;
		s->rule[d] = rule;
	}
	s->nfound = 0;
}

// Looks at the buckets that are left, first for the tag in all of them, and then at the rules.
static __rte_always_inline void classifier_probe(const struct classifier_list *list, struct classifier_search *s,
						 const struct classifier_isa *isa)
{
	for (uint32_t i = 0; i < s->candidates.n; i++) {
		const uint64_t what = s->candidates.what[i];
		const struct classifier_bucket *b =
			(const struct classifier_bucket *)(uintptr_t)s->candidates.bucket[i];

		for (; b != NULL; b = __atomic_load_n(&b->overflow, __ATOMIC_ACQUIRE)) {
			for (unsigned int m = isa->match(b, (uint16_t)what); m != 0; m &= m - 1) {
				const unsigned int slot = (unsigned int)__builtin_ctz(m);
				struct classifier_rule *const rule =
					classifier_slot_rule(__atomic_load_n(&b->slot[slot], __ATOMIC_ACQUIRE));

				// The slot may have been freed since.
				if (rule == NULL)
					continue;
				rte_prefetch0(rule);
				s->found[s->nfound] = rule;
				s->found_what[s->nfound] = what;
				if (++s->nfound == CLASSIFIER_BURST)
					classifier_compare(list, s);
			}
		}
	}
	classifier_compare(list, s);
	s->candidates.n = 0;
}

static __rte_always_inline uint64_t classifier_lookup_with(const struct classifier *c,
							   const struct flow_key *const key[CLASSIFIER_BURST],
							   uint64_t lanes, uint32_t value[CLASSIFIER_BURST],
							   const struct classifier_isa *isa)
{
	const struct classifier_list *const list = __atomic_load_n(&c->list, __ATOMIC_ACQUIRE);
	struct classifier_search s;
	uint64_t hits = 0, all;
	uint32_t n = 0, chunk;

	for (uint64_t m = lanes; m != 0; m &= m - 1, n++) {
		const struct flow_key *const k = key[__builtin_ctzll(m)];

		for (uint32_t words = list->words; words != 0; words &= words - 1)
			s.columns.word[__builtin_ctz(words)][n] = k->word[__builtin_ctz(words)];
		s.rule[n] = NULL;
	}
	for (uint32_t d = 0; d < CLASSIFIER_BURST; d++)
		s.best[d] = -1;
	s.candidates.n = s.nfound = 0;
	all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
	// The first tuples often have it all already, so few of them are asked in advance.
	chunk = 2;
	for (uint32_t t = 0; t < list->n; t += chunk, chunk = RTE_MIN(chunk * 2, (uint32_t)CLASSIFIER_CHUNK)) {
		const int32_t max = __atomic_load_n(&list->entry[t].max, __ATOMIC_RELAXED);
		const uint64_t pending = isa->below(s.best, max) & all;
		const uint32_t end = RTE_MIN(t + chunk, list->n);

		if (pending == 0)
			break;
		for (uint32_t i = t; i < end; i++) {
			const struct classifier_tuple *const tuple = list->entry[i].tuple;
			uint32_t first = s.candidates.n;

			isa->filter(tuple, __atomic_load_n(&tuple->table, __ATOMIC_ACQUIRE), &s.columns, pending,
				    (uint64_t)i << 32, &s.candidates);
			for (; first < s.candidates.n; first++)
				rte_prefetch0((void *)(uintptr_t)s.candidates.bucket[first]);
		}
		classifier_probe(list, &s, isa);
	}
	n = 0;
	for (uint64_t m = lanes; m != 0; m &= m - 1, n++) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);

		value[i] = s.rule[n] != NULL ? __atomic_load_n(&s.rule[n]->value, __ATOMIC_RELAXED) : 0;
		hits |= (uint64_t)(value[i] != 0) << i;
	}
	return hits;
}

// For each bit i of lanes: value[i] becomes the value of the rule of highest priority that *key[i] meets, 0 if there is
// none; of several with the same priority, any one, and the same for each packet until the table changes. Returns the
// lanes with a rule; other lanes are left alone. Any thread. Cost: about 10 cycles a key, and
// for each mask that is asked 3 where it meets no rule and at most 18 where it does (AVX2: 4 and 21; scalar: 12 and
// 34), with the table in the caches; see docs/performance.md.
static inline uint64_t classifier_lookup_lanes(const struct classifier *c,
					       const struct flow_key *const key[CLASSIFIER_BURST], uint64_t lanes,
					       uint32_t value[CLASSIFIER_BURST])
{
	return classifier_lookup_with(c, key, lanes, value, &CLASSIFIER_ISA);
}

#endif
