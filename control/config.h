/* SPDX-License-Identifier: BSD-3-Clause */
// The desired state as one document.
//
// Purpose: reads the whole configuration out of the store, and makes the store and the objects what a document says.
//
// Design: generic over the kinds of kinds.h; changes go through the same methods that a client would call, in the
// caller's transaction. Deletions come first, in falling order of kinds, then additions and changes in rising order. An
// object that must be made anew takes those that refer to it along.
//
// Threads: control only.
#ifndef CONFIG_H
#define CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "rpc.h"

// {"ports": [...], "bridges": [...], ...}, each array in order of keys: new reference, NULL if there is no memory.
// Cost: grows with the state.
json_t *config_document(void);

// Makes it so. Without `prune`, objects that the document does not name stay. On success *difference is {added,
// changed, replaced, deleted: arrays of {kind, key}, changed ones with their fields}. -errno with a fault naming the
// place in the document; the caller's transaction must then be rolled back.
int config_apply(struct rpc_call *c, const json_t *document, bool prune, json_t **difference, struct fault *f);

#endif
