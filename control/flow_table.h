/* SPDX-License-Identifier: BSD-3-Clause */
// Flow entries as they are desired, and the tables of a switch that they are in.
//
// Purpose: what was installed, found by match and priority, by number, or by a looser match, without asking what
// workers see.
//
// Design: an entry has a number, of all switches', by which workers know it and count. A table has two classifiers of
// the same rules, whose values are those numbers. Workers look up in one of them, and nobody changes that; operations
// change the other one, and then it becomes the workers' (flow_change.h). So an operation that is rolled back, or a dry
// run, is seen by nobody, and of what is published together workers see all or nothing. An entry is never changed, but
// replaced by another one of the same number.
//
// Threads: control only.
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include "../datapath/flow.h"
#include "flow_switch.h"

#define FLOW_MASKS_MAX 1024 // different masks of one table: bounds what a look-up costs

struct flow {
	uint32_t number;
	uint8_t table;
	bool persist; // part of the desired state that the store keeps
	uint16_t priority, idle_timeout, hard_timeout, flags, importance;
	uint16_t words; // bit map: words of the key that the match asks for
	uint64_t cookie;
	uint64_t created_ns;    // CLOCK_MONOTONIC
	struct flow_count base; // what its number had counted when it began to count
	struct flow_bridge *fb;
	struct flow_instructions instructions;
	struct flow_entry *entry; // for workers
	uint64_t word[];          // key and mask of each of `words`
};

struct flow_table {
	struct classifier *index;        // as it is desired: `seen`, or `spare` with what changed since
	struct classifier *seen, *spare; // workers look up in `seen`. All NULL: there was never an entry
	uint32_t max;                    // entries at most
	bool eviction;                   // where it is full, the least important entry makes room
	char name[32];
};

// The entries of a switch: flow_bridge.flows.
struct flow_set {
	struct flow_pool *pool[2]; // of the two classifiers of each table
	struct flow_table table[FLOW_TABLES];
	struct flow_used used; // what workers' caches tell packets apart by
	bool used_grown;       // they know less yet
	bool changed;          // entries, since they were published
	bool rules_gone;       // since `used` was computed: it may be less
	uint64_t gone_ticket;  // of flow_counts_ask(), after they went; 0: not yet asked
	uint32_t count;        // entries
	uint32_t persisted;    // of them, those that the store keeps
	uint32_t configured;   // tables with settings: flow.table_set
};

// 0 or -ENOMEM; -> flow_bridge.flows. Without entries it takes no memory worth mentioning.
int flow_set_create(struct flow_bridge *fb);
// Frees it with its entries; no worker sees them any more.
void flow_set_destroy(struct flow_bridge *fb);

// Makes the classifiers of a table, if they are not there. 0 or -ENOMEM.
int flow_table_open(struct flow_bridge *fb, uint8_t table);

// A new entry, in no table: compiled, its groups and meter held, the instructions copied. number: of the entry that it
// is to replace, or 0. 0, or -errno: OFPFMFC_TABLE_FULL no number is left, or what flow_compile_entry() says.
int flow_new(struct flow **out, struct flow_bridge *fb, const struct flow_mod *m, uint32_t number,
	     struct flow_error *e);
void flow_free(struct flow *x); // the references and the number have been given back
void flow_match_get(const struct flow *x, struct flow_match *m);

// The entry as the flow_mod that would add it; its instructions stay the entry's.
void flow_as_mod(const struct flow *x, struct flow_mod *m);

struct flow *flow_by_number(uint32_t number); // NULL: none
void flow_number_free(uint32_t number);       // what it counted is cleared
uint32_t flow_number_end(void);               // higher than any in use

// Whether an entry of that number may be one of a table (FLOW_TABLE_ALL: any) of the switch, without touching it.
bool flow_number_in(uint32_t number, const struct flow_bridge *fb, uint8_t table);

// The index; changed between flow_change_begin() and flow_change_end() alone. flow_index_put() takes an entry in, or
// puts it in the place of the one that has its number: 0, or -errno and OFPFMFC_TABLE_FULL or OFPFMFC_UNKNOWN.
struct flow *flow_index_find(const struct flow_bridge *fb, uint8_t table, const struct flow_match *m,
			     uint16_t priority);
int flow_index_put(struct flow *x, struct flow_error *e);
void flow_index_del(struct flow *x);

// What an entry has counted, without sync.
struct flow_count flow_counted(const struct flow *x);
uint64_t flow_now_ns(void);

#endif
