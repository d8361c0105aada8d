/* SPDX-License-Identifier: BSD-3-Clause */
// The blocks of a fib_trie that readers look up in, made from and kept in step with its fib_rib. For fib_trie.c.
//
// A node of the RIB stands for four bits of the address and 16 slots, and has its entries either in a block of its own,
// or inside of the block of a node above (blocks of 8 to 16 bits hold the entries of two to four levels of nodes, so a
// slot is `span` entries there), or inside of a path: nodes with no prefix and one next node each have nothing to
// choose, so that a path holds their bits to compare with.
//
// Threads: the writer.
#ifndef FIB_BLOCK_H
#define FIB_BLOCK_H

#include "fib_trie.h"

// Where the entries of a node are.
struct fib_place {
	uint32_t *at;  // those of its first slot, or the path that it is inside of; NULL: nowhere yet
	uint32_t span; // entries of a slot, 0: inside of a path
	uint32_t done; // levels of the path above the node
};

// A node on the way to a prefix.
struct fib_step {
	struct fib_rib_node *node;
	struct fib_place place;
	uint32_t *cell; // the entry that is its block or the path that it begins, NULL if it is inside of what is above
	uint32_t inherit; // the value of the longest prefix above the node
};

// Makes a block of `stride` bits with all entries 0; 0 if there is no memory. To be committed.
uint32_t fib_block_make(struct fib_trie *t, uint32_t stride);

// Makes the block or path of a node, and those below, and stores it in *cell. stride: what to make, 0: what suits. old:
// the entries of the node until now: blocks below stay where they can. -ENOSPC: nothing shows yet; to be aborted.
int fib_block_build(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t stride,
		    uint32_t inherit, struct fib_place old, uint32_t *cell);

// Writes a node's entries at a place that has room for them, with those of the nodes below that are inside of the same
// block. -ENOSPC as above.
int fib_block_fill(struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, struct fib_place to,
		   uint32_t inherit, struct fib_place old);

// Whether the block or path of a node is what suits it.
bool fib_block_suits(const struct fib_trie *t, const struct fib_rib_node *node, unsigned int level, uint32_t entry);

// Takes a block or path out of use: from the next commit on.
void fib_block_kill(struct fib_trie *t, uint32_t entry);

// Ends a change.
void fib_block_commit(struct fib_trie *t);

// Frees a block or path with all below. No reader may be left.
void fib_block_free(struct fib_trie *t, uint32_t entry);

// The place of what an entry, a block or path, stands for.
struct fib_place fib_place_of(const struct fib_trie *t, uint32_t entry);

// The place of the next node for the four bits j of one at `place`, and in *cell the entry that is its own, or NULL.
struct fib_place fib_place_kid(const struct fib_trie *t, struct fib_place place, unsigned int j, uint32_t **cell);

// Stores one entry, or the same n times, for readers: they see what was written to a block before.
static inline void fib_put(uint32_t *at, uint32_t entry)
{
	__atomic_store_n(at, entry, __ATOMIC_RELEASE);
}

static inline void fib_put_range(uint32_t *at, uint32_t n, uint32_t entry)
{
	for (uint32_t i = 0; i < n; i++)
		fib_put(&at[i], entry);
}

// Stores value in all entries of a prefix of the node (by its heap index) that belong to no longer prefix.
void fib_block_paint(struct fib_trie *t, const struct fib_step *s, unsigned int heap, uint32_t value);

#endif
