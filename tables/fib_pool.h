/* SPDX-License-Identifier: BSD-3-Clause */
// Memory of all FIBs: blocks of a few sizes out of one arena, bounded, with deferred reuse of what readers may still
// see.
//
// Purpose: 4096 small tables and one of a million routes share what there is, and a look-up finds any block by a 26-bit
// index from one base address, so that a table's entries take 4 bytes and vector gathers need no pointers.
//
// Design: the arena is address space, backed by memory as it is first written. It is cut into pages of 64 KiB, and a
// page into blocks of one size (a slab allocator: Bonwick 1994); a page whose last block is freed can become any size
// again, so that memory is not lost to a size that is no longer wanted. Larger blocks are runs of pages. A block is
// named by the 16-byte unit of the arena that it begins with; 0 names none.
//   A change of a table collects the blocks that it makes and those that it takes out of use, and then either commits
//   or
// aborts: an abort frees the new ones at once, a commit hands the old ones over to be freed after a grace period. The
// lists of both are kept beside the arena, one word for each 64 bytes of it, as a block that readers may be in cannot
// hold its own link: so nothing of this can fail.
//
// Threads: one writer. Readers know the arena only.
#ifndef FIB_POOL_H
#define FIB_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "hugemem.h"

#define FIB_POOL_MAX_BYTES (UINT64_C(3) << 30)
#define FIB_POOL_PAGE 65536u
#define FIB_POOL_UNIT 16u // bytes of one unit
#define FIB_POOL_LINE 64u // bytes of one line: what blocks that readers see are named by

struct fib_pool;

// Creates a pool of up to max_bytes (FIB_POOL_PAGE..FIB_POOL_MAX_BYTES, rounded down to pages). No memory is taken yet
// but 1/16 of it as address space and 20 bytes a page. 0, -EINVAL or -ENOMEM.
int fib_pool_create(struct fib_pool **out, uint64_t max_bytes);

// Frees the pool; p may be NULL. No table of it and no reader may be left.
void fib_pool_destroy(struct fib_pool *p);

// Bytes of the pages that hold blocks, waiting ones included, and how many there may be. Writer.
uint64_t fib_pool_used(const struct fib_pool *p);
uint64_t fib_pool_max(const struct fib_pool *p);

// How grace periods are known: start() begins one and returns its token, over() says without blocking whether it has
// ended. Until this is called there are no readers, and blocks are reused at once.
void fib_pool_grace(struct fib_pool *p, uint64_t (*start)(void *arg), bool (*over)(void *arg, uint64_t token),
		    void *arg);

// Frees what waited for grace periods that are over by now; returns how many blocks still wait. The tables call it
// themselves as they go, so it is needed only for what the last changes left behind: call it now and then. Writer.
uint32_t fib_pool_reclaim(struct fib_pool *p);

// While set, the tables may take a quarter more than the maximum: for undoing changes that took less memory, as the
// blocks that those set free may still wait. Writer.
void fib_pool_overdraw(struct fib_pool *p, bool on);

// For tables: -------------------------------------------------------------------------------------------------------

// Where the arena begins. Any thread.
const void *fib_pool_base(const struct fib_pool *p);

// A block of `units`, not zeroed; 0 if there is no memory. Sizes are rounded up to 1..16, 64, 1024 units or whole
// pages; blocks of 4, 8, 16 units or more begin on a line. Writer. Cost: some ns.
uint32_t fib_pool_alloc(struct fib_pool *p, uint32_t units);

// Frees a block that no reader has seen; 0 is no block.
void fib_pool_free(struct fib_pool *p, uint32_t unit);

// The size that a block really has.
uint32_t fib_pool_units(const struct fib_pool *p, uint32_t unit);

// A change: blocks for readers (named by line) made and taken out of use since the last commit or abort. A block may
// not be both.
uint32_t fib_pool_make(struct fib_pool *p, uint32_t lines);
void fib_pool_kill(struct fib_pool *p, uint32_t line);
// Both return by how many bytes the blocks in use have grown (negative: shrunk) by the change; 0 from abort.
int64_t fib_pool_commit(struct fib_pool *p);
int64_t fib_pool_abort(struct fib_pool *p);

#endif
