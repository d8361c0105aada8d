/* SPDX-License-Identifier: BSD-3-Clause */
// Persisted flow entries, as the store and config.get have them.
//
// Design: an entry is its text (flow_text.h). The journal has what a transaction did, as a list of texts with + before
// those that are put and - before those that are taken away; a snapshot has a list of the former. What is loaded waits,
// by what identifies an entry, until its bridge is there; what cannot be restored stays there, and in the store.
//
// Threads: control only.
#ifndef FLOW_STORE_H
#define FLOW_STORE_H

#include <jansson.h>

#include "flow_table.h"

// Adds a change to a list (NULL: makes one), for txn_note().
json_t *flow_store_put(json_t *changes, const struct flow *x);
json_t *flow_store_del(json_t *changes, const struct flow *x);

// For the kind "flow": rpc_flow.c.
json_t *flow_store_objects(void);
void flow_store_restore(struct txn *t);

#endif
