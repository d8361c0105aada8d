/* SPDX-License-Identifier: BSD-3-Clause */
// Memory of the classifiers of a switch: rules in common, bounded in number, and the reuse of what readers may still
// see.
//
// Purpose: 254 tables share one million entries, and none of them keeps memory that another one could use.
//
// Design: cells of one or two cache lines, cut from chunks that are kept until the pool goes. What a writer takes away
// is retired: it is freed when a grace period that began later is over. Retired things gather while a grace period is
// under way and wait for the next one together, so a change asks for one at most every 64 retired things.
//
// Threads: one writer.
#ifndef FLOW_POOL_H
#define FLOW_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow_key.h"
#include "hugemem.h"

#define FLOW_POOL_CELL_MAX 128 // bytes; there are cells of 64 and of 128

// The link of what is retired. Cells use it themselves until then.
struct flow_pool_node {
	struct flow_pool_node *next;
};

// Larger memory, by the size asked for.
struct flow_pool_block {
	struct flow_pool_node node;
	struct hugemem mem; // addr NULL: from malloc
};

struct flow_pool;

// Creates a pool for up to `entries` rules (1 or more). seed: of all hash functions, 0: random, as it is to be wherever
// rules or packets come from outside. 0, -EINVAL or -ENOMEM.
int flow_pool_create(struct flow_pool **out, uint32_t entries, uint64_t seed);

// Frees it with all that is retired; p may be NULL. No classifier of it and no reader may be left.
void flow_pool_destroy(struct flow_pool *p);

// How grace periods are known: start() begins one and returns its token, over() says without blocking whether it has
// ended. Until this is called there are no readers, and what is retired is freed at once.
void flow_pool_grace(struct flow_pool *p, uint64_t (*start)(void *arg), bool (*over)(void *arg, uint64_t token),
		     void *arg);

// Frees what is retired and whose grace period is over; returns how much still waits. Classifiers call it as they go;
// call it now and then for what the last changes left behind.
uint32_t flow_pool_reclaim(struct flow_pool *p);

// Rules there are, rules there may be, and bytes of memory in all.
uint32_t flow_pool_count(const struct flow_pool *p);
uint32_t flow_pool_entries(const struct flow_pool *p);
uint64_t flow_pool_memory_bytes(const struct flow_pool *p);

// For classifiers: --------------------------------------------------------------------------------------------------

// Counts a rule in (false: the pool is full) and out.
bool flow_pool_enter(struct flow_pool *p);
void flow_pool_leave(struct flow_pool *p);

// The hash functions' secret words, and one more number of the same kind.
const struct flow_key *flow_pool_secret(const struct flow_pool *p);
uint64_t flow_pool_salt(struct flow_pool *p);

// A zeroed cell of 1..FLOW_POOL_CELL_MAX bytes on a cache line of its own, or NULL.
void *flow_pool_alloc(struct flow_pool *p, size_t bytes);
void flow_pool_free(struct flow_pool *p, void *cell, size_t bytes);
void flow_pool_retire(struct flow_pool *p, struct flow_pool_node *cell, size_t bytes);

// Zeroed memory of any size that begins with a struct flow_pool_block, on a cache line; or NULL.
void *flow_pool_block_alloc(struct flow_pool *p, size_t bytes);
void flow_pool_block_free(struct flow_pool *p, struct flow_pool_block *block);
void flow_pool_block_retire(struct flow_pool *p, struct flow_pool_block *block);

#endif
