/* SPDX-License-Identifier: BSD-3-Clause */
// What a worker decided about kinds of packets, and how many came: the memory behind its flow cache.
//
// Purpose: a hit costs the same however many tables were asked, and the counters of all entries that it met are right.
//
// Design: a verdict is made by the path of flow entries that a packet met, so packets of many flows share one. Packets
// are counted on it, and what it holds is added to the counters of its entries later, in slices (*folding*). Verdicts
// are valid in the epoch in which they were made; a new epoch begins with each flow_verdicts_flush(). They lie one
// after another in one of two spaces: with a new epoch the other one is used from its beginning, if all in it is
// folded, else the same goes on to be filled. Where there is no room at all, there are no verdicts for a while, and
// packets go through the tables. So no step takes longer than some verdicts, and what is used lies together.
//   The memo finds a path's verdict; it forgets, and then there are two of them for a while.
//
// Threads: one.
#ifndef FLOW_VERDICT_H
#define FLOW_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "../tables/hugemem.h"
#include "flow.h"

#define FLOW_STEPS_MAX FLOW_TABLES

// A step of a path: the table, and in the lower 24 bits the number of the entry that was met there, 0: none.
static inline uint32_t flow_step(uint8_t table, uint32_t number)
{
	return (uint32_t)table << 24 | number;
}

struct flow_path {
	uint16_t number; // of the switch
	uint16_t nsteps;
	uint32_t step[FLOW_STEPS_MAX];
};

enum flow_verdict_kind {
	FLOW_VERDICT_CODE,   // whatever its code says
	FLOW_VERDICT_OUTPUT, // to one port, as it came
	FLOW_VERDICT_NORMAL, // to the bridge, as it came
	FLOW_VERDICT_DROP,
	FLOW_VERDICT_GROUP, // what its code says: through a group, and nothing else
};

// A word of code is the address of one of these, and what it is.
enum flow_code {
	FLOW_CODE_ENTRY = 1, // struct flow_entry: what follows is its; its meter, unless it is the first
	FLOW_CODE_APPLY = 2, // struct flow_acts: all of them
	FLOW_CODE_ACT = 3,   // struct flow_act: one of the action set
	FLOW_CODE_MASK = 7
};

// An entry and what it applies, for each step; and the action set.
#define FLOW_CODE_MAX (2 * FLOW_STEPS_MAX + FLOW_PLACES)

struct flow_verdict {
	uint64_t packets, bytes; // not yet folded
	uint32_t lines;
	uint32_t hash;     // of the path
	uint16_t number;   // of the switch
	uint16_t out_port; // OUTPUT: port id; GROUP: number of the group
	uint8_t kind;      // enum flow_verdict_kind
	bool simple;       // OUTPUT without a meter
	bool splits;       // CODE: packets to be segmented go through the tables
	uint8_t reason;    // enum drop_reason, of packets that no output takes
	uint8_t nsteps;
	uint32_t meter; // of the first step, 0: none
	uint32_t ncode; // words, in the last ones of its lines
	uint32_t step[];
};

struct flow_verdict_line {
	uint64_t word[RTE_CACHE_LINE_SIZE / sizeof(uint64_t)];
} __rte_cache_aligned;

struct flow_verdicts {
	struct flow_verdict_line *line; // [2 * space_lines]; a verdict's id is that of its first line
	uint64_t *dirty;                // bit i: the verdict at line i has packets to be folded
	uint64_t *memo;                 // epoch << 32 | id
	uint32_t space_lines, memo_mask;
	uint32_t epoch;
	uint32_t space;     // in use: 0 or 1
	uint32_t head[2];   // lines in use, of each space
	uint32_t ndirty[2]; // verdicts to be folded
	uint32_t sweep;     // the word of `memo` that is cleared next
	uint32_t hand;      // the word of `dirty` that is folded next
	struct hugemem mem;
};

// Code of a path that is to become a verdict.
struct flow_verdict_conf {
	const struct flow_path *path;
	uint8_t kind, reason;
	bool splits;
	uint16_t out_port;
	uint32_t meter;
	uint32_t ncode;
	uint64_t code[FLOW_CODE_MAX];
};

// For up to as many verdicts of one line as a flow cache has entries. 0 or -ENOMEM.
int flow_verdicts_create(struct flow_verdicts *v, uint32_t entries);
void flow_verdicts_destroy(struct flow_verdicts *v);

// Begins a new epoch.
void flow_verdicts_flush(struct flow_verdicts *v);

uint32_t flow_path_hash(const struct flow_path *path);
// The verdict of a path that was made in this epoch, 0: none is known.
uint32_t flow_verdict_find(const struct flow_verdicts *v, const struct flow_path *path, uint32_t hash);
// Makes one. 0: there is no room; with *flush, there will be after a flush.
uint32_t flow_verdict_make(struct flow_verdicts *v, const struct flow_verdict_conf *conf, uint32_t hash, bool *flush);

static inline struct flow_verdict *flow_verdict_at(const struct flow_verdicts *v, uint32_t id)
{
	return (struct flow_verdict *)&v->line[id];
}

static inline const uint64_t *flow_verdict_code(const struct flow_verdict *d)
{
	const uint64_t *const end = (const uint64_t *)((const struct flow_verdict_line *)d + d->lines);

	return end - d->ncode;
}

// Counts packets on a verdict.
static inline void flow_verdict_count(struct flow_verdicts *v, uint32_t id, uint32_t packets, uint64_t bytes)
{
	struct flow_verdict *const d = flow_verdict_at(v, id);

	if (d->packets == 0) {
		v->dirty[id / 64] |= UINT64_C(1) << id % 64;
		v->ndirty[id >= v->space_lines]++;
	}
	d->packets += packets;
	d->bytes += bytes;
}

// Control reads counters at any time.
static inline void flow_count_add(struct flow_count *c, uint64_t packets, uint64_t bytes)
{
	__atomic_store_n(&c->packets, c->packets + packets, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, c->bytes + bytes, __ATOMIC_RELAXED);
}

// Adds packets to the counters of steps. count: by enum flow_count_kind.
void flow_steps_count(struct flow_count *const count[FLOW_COUNT_KINDS], uint16_t number, const uint32_t *step,
		      uint32_t nsteps, uint64_t packets, uint64_t bytes, uint64_t now);

// Folds verdicts, up to about `budget` counters. Returns whether all were visited since the last time it returned true.
bool flow_verdicts_fold(struct flow_verdicts *v, struct flow_count *const count[FLOW_COUNT_KINDS], uint32_t budget,
			uint64_t now);

#endif
