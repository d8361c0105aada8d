/* SPDX-License-Identifier: BSD-3-Clause */
// The desired state: in memory as a map, on disk as a snapshot and a journal.
//
// Purpose: what was acknowledged is there again after a crash at any instant, and a change costs the same however much
// there is.
//
// Design: PATH holds a snapshot (snapshot.h), PATH.journal the records since then, one a transaction (journal.h),
// PATH.lock is locked by the daemon that has them. Appending preallocates, so that a full disk is noticed at once;
// store_sync() (one fdatasync for all records since the last) must return 0 before any of them is acknowledged. A
// torn tail is cut off at start (kept beside, .torn). When the journal has outgrown the snapshot it is compacted, in
// slices between which changes go on: new snapshot to a temporary file, fsync, rename, fsync of the folder, then a new
// journal in the same way; records up to the snapshot's seq are skipped on replay, so a crash between the steps is
// harmless. After a failed sync the store refuses further changes.
//
// Threads: control only.
#ifndef STORE_H
#define STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "../ports/fault.h"

// Opens (path NULL: in memory only) and loads. Errors: -EBUSY another daemon has it (flock), -EINVAL not a state file,
// -errno. Nothing on disk changes but the cut of a torn tail.
int store_open(const char *path, struct fault *f);
void store_close(void);

// A kind whose objects are kept by their owner, in a form of its own. Journal and snapshot hold parts of them, each
// with a key.
typedef int (*store_write_fn)(const char *key, const json_t *object, void *arg);
struct store_table {
	const char *kind;
	// While loading: what a transaction or a snapshot wrote of the kind; putting and deleting what is already so is
	// no error. 0 or -errno with a fault.
	int (*load)(bool put, const char *key, const json_t *object, struct fault *f);
	void (*begin)(void); // a snapshot begins
	// Writes the next part of it, some milliseconds' worth, while changes go on in between: what is not changed
	// must be written, what is may be. 1: there is more, 0: that was all, or what write() said.
	int (*slice)(store_write_fn write, void *arg);
	void (*clear)(void);
};
void store_table_register(const struct store_table *t); // at program start

// The object of (kind, key), borrowed, or NULL. store_kind: the map key -> object of a kind, borrowed, never NULL.
json_t *store_get(const char *kind, const char *key);
json_t *store_kind(const char *kind);

// In-memory change without journal, used by txn.c. put steals the reference.
void store_put(const char *kind, const char *key, json_t *object);
void store_del(const char *kind, const char *key);

// Appends one record (the txn's changes). Not yet on disk. 0 or -errno with a fault, and then nothing was appended.
int store_append(const json_t *changes, struct fault *f);
bool store_dirty(void); // records wait for a sync
int store_sync(struct fault *f);

// Does a slice of a compaction (some milliseconds at most) if one is due or under way; between two transactions. 1:
// call again soon, 0: nothing to do, -errno with a fault: it was given up, and is tried again when the journal has
// doubled.
int store_compact_step(struct fault *f);
// Makes a compaction due however short the journal is.
void store_compact_soon(void);

#endif
