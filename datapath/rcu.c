/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "rcu.h"

struct deferred {
	STAILQ_ENTRY(deferred) next;
	uint64_t token;
	void (*fn)(void *ptr);
	void *ptr;
};

static struct rte_rcu_qsbr *var;
static STAILQ_HEAD(, deferred) queue = STAILQ_HEAD_INITIALIZER(queue);
static unsigned int queued;

int rcu_create(unsigned int threads)
{
	var = rte_zmalloc("rcu", rte_rcu_qsbr_get_memsize(threads), RTE_CACHE_LINE_SIZE);
	if (!var)
		return -ENOMEM;
	if (rte_rcu_qsbr_init(var, threads)) {
		rte_free(var);
		var = NULL;
		return -rte_errno;
	}
	return 0;
}

void rcu_destroy(void)
{
	rcu_drain();
	rte_free(var);
	var = NULL;
}

struct rte_rcu_qsbr *rcu_var(void)
{
	return var;
}

void rcu_synchronize(void)
{
	if (var)
		rte_rcu_qsbr_synchronize(var, RTE_QSBR_THRID_INVALID);
}

void rcu_defer(void *ptr, void (*fn)(void *ptr))
{
	struct deferred *d = var ? malloc(sizeof(*d)) : NULL;

	if (!d) {
		rcu_synchronize();
		fn(ptr);
		return;
	}
	*d = (struct deferred){.token = rte_rcu_qsbr_start(var), .fn = fn, .ptr = ptr};
	STAILQ_INSERT_TAIL(&queue, d, next);
	queued++;
}

unsigned int rcu_poll(void)
{
	struct deferred *d;

	// Tokens only grow, so the first one that is not over ends the search.
	while ((d = STAILQ_FIRST(&queue)) && rte_rcu_qsbr_check(var, d->token, false) == 1) {
		STAILQ_REMOVE_HEAD(&queue, next);
		queued--;
		d->fn(d->ptr);
		free(d);
	}
	return queued;
}

void rcu_drain(void)
{
	while (queued) {
		rcu_synchronize();
		rcu_poll();
	}
}
