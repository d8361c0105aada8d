/* SPDX-License-Identifier: BSD-3-Clause */
// The meters of one bridge in mode flow, as they were given.
//
// Purpose, design: as group.h, without anything that refers to another.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 5.7, 6.6.
#ifndef METER_H
#define METER_H

#include <sys/queue.h>

#include "flow_mod.h"
#include "numbers.h"

struct txn;

#define METERS_MAX 16383 // of all bridges

struct meter_obj {
	uint32_t number;      // first: numbers.h
	struct meter_mod mod; // what was installed
	uint32_t id;          // what workers know it by, 1..METERS_MAX; free again with the object
	uint32_t flows;       // flow entries that go through it
	uint64_t created_ns;  // CLOCK_MONOTONIC
	bool deleted, dirty;  // is to be taken away; is in the list
	bool rebanded;        // its bands are others than those that were published
	TAILQ_ENTRY(meter_obj) dirty_link;
	struct meter_live *live; // the publisher's: what workers have; NULL: nothing yet
};

struct meter_table {
	struct numbers meters;
	TAILQ_HEAD(, meter_obj) dirty; // what workers do not know yet, in the order of the changes
	// Removes the flow entries that go through a meter, FLOW_METER_ALL: through any. txn NULL: for good.
	void (*drop_flows)(void *owner, uint32_t meter, struct txn *txn);
	void *owner;
};

void meter_table_init(struct meter_table *t, void (*drop_flows)(void *owner, uint32_t meter, struct txn *txn),
		      void *owner);
// Frees all meters; the publisher has taken back what it gave to workers.
void meter_table_destroy(struct meter_table *t);

// Does what passed meter_mod_check(). txn: where it can be taken back; NULL: it cannot. 0, or -errno and OFPMMFC_*, and
// nothing changed. Deleting what is not there is no error.
int meter_table_mod(struct meter_table *t, const struct meter_mod *m, struct txn *txn, struct flow_error *e);

struct meter_obj *meter_find(const struct meter_table *t, uint32_t number); // NULL: none

// What a flow entry goes through: counts it and gives the number that workers know it by; 0 or -ENOENT. And back.
int meter_hold(const struct meter_table *t, uint32_t number, uint32_t *id);
void meter_release(const struct meter_table *t, uint32_t number);

// The next change to publish, taken out of the list; NULL: none. One that is deleted is the caller's, and ends with
// meter_free().
struct meter_obj *meter_dirty_take(struct meter_table *t);
void meter_free(struct meter_obj *m);

#endif
