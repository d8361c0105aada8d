/* SPDX-License-Identifier: BSD-3-Clause */
#include "hugemem.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#define HUGE_PAGE ((size_t)2 << 20)

// Reserves one huge page more than needed and gives back what is outside the boundaries.
static void *map_aligned_alloc(size_t bytes, int flags)
{
	uint8_t *const base =
		mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	uint8_t *const start = RTE_PTR_ALIGN_CEIL(base, HUGE_PAGE);

	if (start != base)
		munmap(base, (size_t)(start - base));
	if (start != base + HUGE_PAGE)
		munmap(start + bytes, (size_t)(base + HUGE_PAGE - start));
	return start;
}

int hugemem_alloc(struct hugemem *m, size_t bytes)
{
	*m = (struct hugemem){.bytes = bytes};
	// Before rte_eal_init() there is no memory at all, and rte_eal_has_hugepages() says yes.
	if (rte_eal_get_physmem_size() > 0 && rte_eal_has_hugepages())
		m->addr = rte_zmalloc(NULL, bytes, RTE_CACHE_LINE_SIZE);
	if (m->addr != NULL) {
		m->from_eal = true;
		return 0;
	}
	// Less than a huge page is not worth one.
	m->bytes = RTE_ALIGN_CEIL(bytes, bytes < HUGE_PAGE ? (size_t)4096 : HUGE_PAGE);
	m->addr = map_aligned_alloc(m->bytes, 0);
	if (m->addr == NULL)
		return -ENOMEM;
	// Refused by kernels that have no huge pages; the table works all the same.
	if (m->bytes >= HUGE_PAGE)
		(void)madvise(m->addr, m->bytes, MADV_HUGEPAGE);
	return 0;
}

int hugemem_reserve(struct hugemem *m, size_t bytes)
{
	*m = (struct hugemem){.bytes = RTE_ALIGN_CEIL(bytes, HUGE_PAGE)};
	m->addr = map_aligned_alloc(m->bytes, MAP_NORESERVE);
	if (m->addr == NULL)
		return -ENOMEM;
	(void)madvise(m->addr, m->bytes, MADV_HUGEPAGE);
	return 0;
}

void hugemem_free(struct hugemem *m)
{
	if (m->from_eal)
		rte_free(m->addr);
	else if (m->addr != NULL)
		munmap(m->addr, m->bytes);
	*m = (struct hugemem){0};
}
