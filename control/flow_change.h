/* SPDX-License-Identifier: BSD-3-Clause */
// Changes of flow entries: in transactions, in what workers see, and back.
//
// Purpose: all that happens to entries, whoever asks for it, takes this way: each change is noted with what was there
// before, so that a rollback finds it; at commit workers get what is left of it.
//
// Design: an operation changes the index, which is one of two classifiers of a table: the one that no worker looks up
// in. Commit puts down what was done to it; publication makes it the workers', with one store for all tables of a
// switch and the masks of the caches, and lets replaced entries count by the version of that store. So a packet meets
// the entries of before or of afterwards, never some of each, whether a transaction has one change or a million. The
// other classifiers do the same steps before the next operation, when workers have left them. After publication the
// caches' verdicts are void. What is gone is freed, and its number given to others, when all workers have said that
// they use it no more and have counted what met it: then its counters are final, and those who want to know are told.
//   Groups and meters are looked up when a packet meets them: each of their changes is seen at an instant of its own.
//
// Threads: control only.
#ifndef FLOW_CHANGE_H
#define FLOW_CHANGE_H

#include "flow_table.h"

enum flow_removed_reason { // OFPRR_*, and those that nobody is told of
	FLOW_REMOVED_IDLE,
	FLOW_REMOVED_HARD,
	FLOW_REMOVED_DELETE,
	FLOW_REMOVED_GROUP,
	FLOW_REMOVED_METER, // 1.3 has no number of its own: told as FLOW_REMOVED_DELETE
	FLOW_REMOVED_EVICTION,
	FLOW_REMOVED_SILENT,
};

// Begins an operation within a transaction: what follows belongs to it, up to the next one. If it fails half-way, the
// caller ends the transaction, or calls flow_change_back() and goes on.
void flow_change_begin(struct txn *t, struct flow_bridge *fb);
void flow_change_back(struct txn *t);
// Ends it: notes in the transaction what the store is to know.
void flow_change_end(struct txn *t);

// Puts a new entry into its table, in the place of `old`, which has its number, or NULL. Takes x in any case. 0, or
// -errno as flow_index_put().
int flow_change_put(struct flow *x, struct flow *old, struct flow_error *e);
// Takes an entry out. 0 or -ENOMEM.
int flow_change_del(struct flow *x, enum flow_removed_reason reason, struct flow_error *e);

// What happened before in the transaction under way is published when this returns, unless that is deferred. For
// others' commit actions, which may take away what entries referred to.
void flow_change_commit(void);

// Workers see changes at the end of each transaction, unless that is deferred: then with the next flush, the end of
// another transaction, or some ms later. For runs of transactions.
void flow_change_defer(bool defer);
void flow_change_flush(void);

// Does what has waited for the workers: at the latest some ms after they are done. Returns how many entries still wait.
// Called by itself; earlier by whom needs it.
uint32_t flow_change_poll(void);
// Whether somebody is yet to be told of an entry's end.
bool flow_change_tells(void);
// Does all of it at once, when the workers have stopped.
void flow_change_drain(void);
// The switch goes: nobody is told of its entries any more.
void flow_change_forget(const struct flow_bridge *fb);

#endif
