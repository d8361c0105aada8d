/* SPDX-License-Identifier: BSD-3-Clause */
// A transaction: changes that become true together or not at all.
//
// Purpose: every method that changes something runs inside one, be it alone, in `txn`, in config.apply, or in a dry
// run.
//
// Design: an operation changes control's own objects at once and registers how to take that back; workers see nothing
// yet. Commit appends the changed desired objects to the journal as one record (store.h), publishes one state to the
// workers if any operation asked for it, and then runs the commit actions, which cannot fail (destroy what is gone,
// send events). Rollback runs the undo functions in reverse order. A dry run always rolls back; its operations create
// no devices. The desired state is a map from (kind, key) to the JSON object that would create it.
//
// Threads: control only. One transaction at a time.
#ifndef TXN_H
#define TXN_H

#include <jansson.h>
#include <stdbool.h>

#include "../ports/fault.h"

struct txn {
	bool dry_run;
	bool publish;    // set by an operation that changes what workers see
	bool replay;     // the changes come from the store at start: a device that fails is kept, marked failed
	json_t *changes; // array of {"op": "put"|"del", "kind", "key", "object"} in order: the answer of a dry run
	struct txn_action *undo, *done;
	struct txn_check *check;
};

void txn_begin(struct txn *t, bool dry_run);
// Ends it: dry_run rolls back and returns what txn_verify() finds. Otherwise the record is appended to the journal (on
// failure all is rolled back and the fault says why), the state published, commit actions run. 0 or -errno.
int txn_commit(struct txn *t, struct fault *f);
void txn_rollback(struct txn *t);

// fn(arg) on rollback, in reverse order of registration. Ownership of arg: fn's; if the transaction commits instead,
// drop(arg) is called (may be NULL).
void txn_undo(struct txn *t, void (*fn)(void *arg), void (*drop)(void *arg), void *arg);
// fn(arg) after publication, in order of registration; on rollback drop(arg) (may be NULL).
void txn_done(struct txn *t, void (*fn)(void *arg), void (*drop)(void *arg), void *arg);

// fn(arg) at commit, before anything is on disk or seen by workers: the last chance to refuse. 0 or -errno with a
// fault, and then all is rolled back. Not called in a dry run. arg stays the caller's.
void txn_check(struct txn *t, int (*fn)(void *arg, struct fault *f), void *arg);
// The same for what only looks: called in a dry run, too.
void txn_verify(struct txn *t, int (*fn)(void *arg, struct fault *f), void *arg);

// Notes a change of an object that the store does not keep (store_table): op is "put" or "del", object (stolen, may be
// NULL) what the journal is to hold. Undoing it is the caller's.
void txn_note(struct txn *t, const char *op, const char *kind, const char *key, json_t *object);

// Changes the desired state: the object of (kind, key), stolen reference; txn_del: no more such object. Undone by
// rollback by themselves.
void txn_put(struct txn *t, const char *kind, const char *key, json_t *object);
void txn_del(struct txn *t, const char *kind, const char *key);

#endif
