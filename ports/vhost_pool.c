/* SPDX-License-Identifier: BSD-3-Clause */
// The pool that the library receives into: the packet pool behind a limit for each call.
//
// A guest may offer one "packet" as large as all of its memory. The library would copy it into a chain of buffers until
// none is left in the host, while the worker waits and every other port starves. Behind the limit such a packet ends
// where a burst of the largest honest ones would, and is dropped. Buffers are the packet pool's own and go back to it.
#include "vhost.h"

#include <errno.h>

#include <rte_mempool.h>

// A frame of virtio's largest size, 64 KiB and its headers, in each place of a burst of the library.
#define BUDGET (VHOST_BURST * (1 + (65536 + 128) / PORT_MBUF_DATA + 1))

static __thread unsigned int budget;
static struct rte_mempool *limited; // written once by control before any port

static int budget_alloc(struct rte_mempool *mp)
{
	return 0;
}

static void budget_free(struct rte_mempool *mp)
{
}

static int budget_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	return -ENOTSUP; // nothing is ever of this pool
}

static int budget_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	if (unlikely(n > budget))
		return -ENOBUFS;
	budget -= n;
	return rte_mempool_get_bulk(port_pool(), objs, n);
}

static unsigned int budget_count(const struct rte_mempool *mp)
{
	return budget;
}

static const struct rte_mempool_ops budget_ops = {
	.name = "budget",
	.alloc = budget_alloc,
	.free = budget_free,
	.enqueue = budget_enqueue,
	.dequeue = budget_dequeue,
	.get_count = budget_count,
};
RTE_MEMPOOL_REGISTER_OPS(budget_ops);

int vhost_pool_create(void)
{
	struct rte_mempool *mp;

	if (limited != NULL)
		return 0;
	mp = rte_mempool_create_empty("vhost", 1, sizeof(struct rte_mbuf), 0, sizeof(struct rte_pktmbuf_pool_private),
				      SOCKET_ID_ANY, 0);
	if (mp == NULL)
		return -ENOMEM;
	if (rte_mempool_set_ops_byname(mp, budget_ops.name, NULL) < 0) {
		rte_mempool_free(mp);
		return -ENOTSUP;
	}
	limited = mp;
	return 0;
}

struct rte_mempool *vhost_pool(void)
{
	budget = BUDGET;
	return limited;
}
