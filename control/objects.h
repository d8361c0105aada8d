/* SPDX-License-Identifier: BSD-3-Clause */
// The control thread's objects, as main.c and each other see them. One file per object: port.c, bridge.c, fdb_ctl.c,
// publish.c, stats.c; their RPC methods are in rpc_<topic>.c.
//
// Threads: control only.
#ifndef OBJECTS_H
#define OBJECTS_H

#include <event2/event.h>

#include "txn.h"

struct fdb;
struct fwd_state;

// Brings up empty objects and their timers (worker events, ageing, RCU) on `base`; fib_bytes: the memory of all FIBs at
// most. 0 or -errno.
int objects_create(struct event_base *base, struct fdb *fdb, uint64_t fib_bytes);

// Makes the objects what the store says, in a replay transaction: a port whose device fails is kept as failed and
// tried again every few seconds.
int objects_restore(struct fault *f);

// Takes down everything in order, without touching the desired state.
void objects_destroy(void);

// Builds a state from the objects and publishes it; old parts are freed after a grace period. Called by txn_commit().
void publish(void);

#endif
