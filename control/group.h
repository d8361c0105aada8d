/* SPDX-License-Identifier: BSD-3-Clause */
// The groups of one bridge in mode flow, as they were given.
//
// Purpose: add, modify and delete to the letter of the specification, for JSON and OpenFlow alike: who refers to whom,
// no loops, chains of bounded length, and flow entries going with the group that they forward to.
//
// Design: a group's buckets refer to other groups by forwarding to them and by watching them; both are edges of one
// graph, which has no loop and no path longer than GROUP_CHAIN_MAX, so that a worker's walk over it ends. What others
// refer to is not deleted, but for a delete of all. What changed waits in the list of dirty groups until whoever
// publishes takes it from there. A change in a transaction can be taken back until then.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 5.6, 6.5.
#ifndef GROUP_H
#define GROUP_H

#include <sys/queue.h>

#include "flow_mod.h"
#include "numbers.h"
#include "ranges.h"

struct txn;

#define GROUPS_MAX 16383 // of all bridges
#define GROUP_BUCKETS_MAX 1023
#define GROUP_COUNTERS_ORDER 18 // 1 << this: counters of all groups and their buckets
#define GROUP_CHAIN_MAX 8       // groups on the longest way through a chain

struct group_obj {
	uint32_t number;       // first: numbers.h
	struct group_mod mod;  // what was installed
	uint32_t id;           // what workers know it by, 1..GROUPS_MAX; free again with the object
	uint32_t flows;        // how often flow entries forward to it
	struct range counters; // its own and one for each bucket; free again with the object
	struct range
		counted; // the publisher's: what workers count by, if `live`; its own again when they do not any more
	uint32_t groups; // groups that forward to it or watch it
	uint32_t depth;  // 1, or one more than the deepest group that it refers to
	uint64_t stamp;  // of the last walk that came by
	uint64_t created_ns; // CLOCK_MONOTONIC
	bool deleted, dirty; // is to be taken away; is in the list
	bool rebucketed;     // its buckets are others than those that were published
	TAILQ_ENTRY(group_obj) dirty_link;
	struct group_live *live; // the publisher's: what workers have; NULL: nothing yet
};

struct group_table {
	struct numbers groups;
	TAILQ_HEAD(, group_obj) dirty; // what workers do not know yet, in the order of the changes
	uint64_t stamp;
	// Removes the flow entries that forward to a group, FLOW_GROUP_ALL: to any. txn NULL: it is not taken back.
	void (*drop_flows)(void *owner, uint32_t group, struct txn *txn);
	void *owner;
};

void group_table_init(struct group_table *t, void (*drop_flows)(void *owner, uint32_t group, struct txn *txn),
		      void *owner);
// Frees all groups; the publisher has taken back what it gave to workers.
void group_table_destroy(struct group_table *t);

// Does what passed group_mod_check(). txn: where it can be taken back; NULL: it cannot. 0, or -errno and OFPGMFC_* or
// OFPBAC_BAD_OUT_GROUP, and nothing changed. Deleting what is not there is no error. Cost: the buckets; of a change of
// a chain's inner group, all groups.
int group_table_mod(struct group_table *t, const struct group_mod *m, struct txn *txn, struct flow_error *e);

struct group_obj *group_find(const struct group_table *t, uint32_t number); // NULL: none

// What a flow entry forwards to: counts it and gives the number that workers know it by; 0 or -ENOENT. And back.
int group_hold(const struct group_table *t, uint32_t number, uint32_t *id);
void group_release(const struct group_table *t, uint32_t number);

// The next change to publish, taken out of the list; NULL: none. One that is deleted is the caller's, and ends with
// group_free().
struct group_obj *group_dirty_take(struct group_table *t);
void group_free(struct group_obj *g);
// Counters that workers use no longer.
void group_counters_give(struct range counters);

#endif
