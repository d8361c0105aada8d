/* SPDX-License-Identifier: BSD-3-Clause */
// Memory for big tables, on big pages.
//
// Purpose: a table of a million entries read at random wants few TLB misses: 16 MiB are 4096 small pages, more than the
// second-level TLB of current CPUs holds, but 8 huge ones.
//
// Design: where EAL has hugepages, they are reserved, certain and on the right NUMA node: rte_zmalloc(). Everywhere
// else
// (--no-huge, unit tests with no EAL, or no hugepage left) anonymous memory on a 2 MiB boundary that the kernel is
// asked to back by transparent huge pages; EAL's own memory under --no-huge would be small pages.
//
// Threads: any; not for the fast path.
#ifndef HUGEMEM_H
#define HUGEMEM_H

#include <stdbool.h>
#include <stddef.h>

struct hugemem {
	void *addr; // NULL if nothing is allocated
	size_t bytes;
	bool from_eal;
};

// Allocates `bytes` (not 0) of zeroed memory, on a 64-byte boundary at least. 0 or -ENOMEM.
int hugemem_alloc(struct hugemem *m, size_t bytes);

// Reserves `bytes` (not 0) of zeroed address space on a 2 MiB boundary, backed by transparent huge pages, where the
// kernel has them, as it is written: memory that is never touched costs nothing. 0 or -ENOMEM.
int hugemem_reserve(struct hugemem *m, size_t bytes);

// Frees it, if there is any.
void hugemem_free(struct hugemem *m);

#endif
