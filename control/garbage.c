/* SPDX-License-Identifier: BSD-3-Clause */
#include "garbage.h"

#include <stdlib.h>

#include <rte_common.h>
#include <rte_debug.h>

#include "../datapath/rcu.h"

// The freed memory itself holds the list's links only after the grace period, so the pointers are kept beside it.
struct garbage {
	size_t n, cap;
	void *ptr[];
};

static struct garbage *bin;

void *garbage_alloc(size_t size)
{
	void *ptr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE));

	if (!ptr)
		rte_panic("no memory for the forwarding state (%zu bytes)\n", size);
	return ptr;
}

void garbage_free_later(void *ptr)
{
	if (!ptr)
		return;
	if (!bin || bin->n == bin->cap) {
		size_t cap = bin ? 2 * bin->cap : 16, n = bin ? bin->n : 0;
		struct garbage *grown = realloc(bin, sizeof(*bin) + cap * sizeof(bin->ptr[0]));

		if (!grown)
			rte_panic("no memory to remember what to free\n");
		bin = grown;
		bin->n = n;
		bin->cap = cap;
	}
	bin->ptr[bin->n++] = ptr;
}

static void garbage_free(void *arg)
{
	struct garbage *g = arg;

	for (size_t i = 0; i < g->n; i++)
		free(g->ptr[i]);
	free(g);
}

void garbage_collect(void)
{
	if (!bin)
		return;
	rcu_defer(bin, garbage_free);
	bin = NULL;
}
