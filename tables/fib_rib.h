/* SPDX-License-Identifier: BSD-3-Clause */
// The exact prefixes of one table, for the writer: what fib_trie.h makes its look-up nodes from.
//
// Purpose: find, add and remove prefixes, know which one covers another, and walk them in order, in about 20 bytes a
// route.
//
// Design: a trie of four bits a level. A node stands for a prefix of 4 * level bits that has longer ones, and says by
// one bit map which prefixes of one to four bits more exist, and by another which of its 16 next nodes do; values and
// next nodes are in two arrays without gaps, indexed by counting bits (tree bitmap: Eatherton, Varghese and Dittia
// 2004). The bit of a prefix is its heap index: 1 << length | its bits, so the longest match is the highest bit set of
// the four on a path. Only the topmost node may be empty.
//
// Threads: the writer's own; no reader sees any of it.
#ifndef FIB_RIB_H
#define FIB_RIB_H

#include <stdbool.h>
#include <stdint.h>

#include "fib_pool.h"

#define FIB_RIB_LEVELS 32

// An address or prefix of either family: an IPv6 address in host order, hi being its first eight bytes as a big-endian
// number; an IPv4 address is the upper half of hi.
struct fib6_addr {
	uint64_t hi, lo;
};

struct fib_rib_node {
	uint32_t routes;   // bit h: the prefix of heap index h exists
	uint16_t kids;     // bit j: the next node for the four bits j exists
	uint32_t value_at; // unit of uint32_t[popcount(routes)], 0: none
	uint32_t kid_at;   // unit of struct fib_rib_node[popcount(kids)], 0: none
};

struct fib_rib {
	struct fib_pool *pool;
	uint8_t *base;
	uint64_t bytes; // of all arrays
	struct fib_rib_node top;
};

// The four bits of key at a level.
static inline unsigned int fib_key_nibble(const struct fib6_addr *key, unsigned int level)
{
	return (unsigned int)((level < 16 ? key->hi >> (60 - 4 * level) : key->lo >> (124 - 4 * level)) & 15);
}

// Where a prefix of this depth (1..128) is: the level of its node, and its heap index there.
static inline unsigned int fib_rib_level(unsigned int depth)
{
	return (depth - 1) / 4;
}

static inline unsigned int fib_rib_heap(const struct fib6_addr *key, unsigned int depth)
{
	const unsigned int length = (depth - 1) % 4 + 1;

	return 1u << length | fib_key_nibble(key, fib_rib_level(depth)) >> (4 - length);
}

// The heap indexes of the prefixes of node that cover its slot j (0..15) and are longer than `longer` bits (0..4), or
// shorter than `shorter` bits (1..5), as a bit map.
static inline uint32_t fib_rib_path(unsigned int j)
{
	return 1u << (16 + j) | 1u << (8 + j / 2) | 1u << (4 + j / 4) | 1u << (2 + j / 8);
}

static inline uint32_t fib_rib_longer(unsigned int length)
{
	return length < 4 ? UINT32_MAX << (2u << length) : 0;
}

static inline uint32_t fib_rib_shorter(unsigned int length)
{
	return UINT32_MAX >> (32 - (1u << length));
}

// The value of the prefix with this heap index, which exists.
uint32_t fib_rib_value(const struct fib_rib *rib, const struct fib_rib_node *node, unsigned int heap);

// The value of the longest of the given prefixes (a bit map of heap indexes) that exists; `none` without any.
static inline uint32_t fib_rib_best(const struct fib_rib *rib, const struct fib_rib_node *node, uint32_t heaps,
				    uint32_t none)
{
	const uint32_t found = node->routes & heaps;

	return found != 0 ? fib_rib_value(rib, node, 31 - (unsigned int)__builtin_clz(found)) : none;
}

// The next node for the four bits j, NULL if there is none. Valid until one is added to or removed from this node.
struct fib_rib_node *fib_rib_kid(const struct fib_rib *rib, const struct fib_rib_node *node, unsigned int j);

// Adds a prefix (returns 0) or changes its value (returns 1). -ENOSPC: nothing changed.
int fib_rib_put(struct fib_rib *rib, struct fib_rib_node *node, unsigned int heap, uint32_t value);

// Removes a prefix that exists. The node may be empty then.
void fib_rib_remove(struct fib_rib *rib, struct fib_rib_node *node, unsigned int heap);

// Adds to node, of `level` and without a next node there, the nodes down to that of a prefix, and the prefix. 0,
// -ENOSPC.
int fib_rib_grow(struct fib_rib *rib, struct fib_rib_node *node, unsigned int level, const struct fib6_addr *key,
		 unsigned int depth, uint32_t value);

// Removes the next node for the four bits j with all below.
void fib_rib_prune(struct fib_rib *rib, struct fib_rib_node *node, unsigned int j);

// Frees all below the topmost node.
void fib_rib_free(struct fib_rib *rib);

// Finds the prefix that follows (key, depth), by key and then by depth, from key 0, depth 0 on; the default route, of
// depth 0, is not here. 0 and the prefix in *key, *depth and *value; or -ENOENT.
int fib_rib_next(const struct fib_rib *rib, struct fib6_addr *key, unsigned int *depth, uint32_t *value);

#endif
