/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#define KINDS_MAX 32
#define POOL_CACHE 512 // above the largest burst (64), and the most that DPDK allows: a miss goes to the shared ring
#define POOL_MIN 1024

static const struct port_ops *kinds[KINDS_MAX]; // sorted by name; written by constructors only
static unsigned int nkinds;

static struct rte_mempool *pool;
static port_notify_fn notify; // atomic: set by control, called by any thread

static void synchronize_nobody(void)
{
}

void (*port_synchronize)(void) = synchronize_nobody;

RTE_LOG_REGISTER(port_logtype, port, INFO);

void port_kind_register(const struct port_ops *ops)
{
	unsigned int at = nkinds;

	if (nkinds == KINDS_MAX)
		abort(); // before main(): there is nobody to tell
	while (at > 0 && strcmp(kinds[at - 1]->name, ops->name) > 0) {
		kinds[at] = kinds[at - 1];
		at--;
	}
	kinds[at] = ops;
	nkinds++;
}

const struct port_ops *port_kind(const char *name)
{
	for (unsigned int i = 0; i < nkinds; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

const struct port_ops *port_kind_at(unsigned int i)
{
	return i < nkinds ? kinds[i] : NULL;
}

int port_queues_alloc(struct port *p, uint16_t nrxq, uint16_t ntxq, unsigned int workers)
{
	// At least one element each: aligned_alloc(0) may return NULL.
	const size_t rx_bytes = sizeof(struct rxq) * (nrxq + (nrxq == 0));
	const size_t tx_bytes = sizeof(struct txq) * (ntxq + (ntxq == 0));

	p->rxq = aligned_alloc(RTE_CACHE_LINE_SIZE, rx_bytes);
	p->txq = aligned_alloc(RTE_CACHE_LINE_SIZE, tx_bytes);
	if (p->rxq == NULL || p->txq == NULL) {
		port_queues_free(p);
		return -ENOMEM;
	}
	memset(p->rxq, 0, rx_bytes);
	memset(p->txq, 0, tx_bytes);
	p->nrxq = nrxq;
	p->ntxq = ntxq;
	for (uint16_t i = 0; i < nrxq; i++) {
		p->rxq[i].port = p;
		p->rxq[i].port_id = p->id;
		p->rxq[i].queue = i;
	}
	for (uint16_t i = 0; i < ntxq; i++) {
		rte_spinlock_init(&p->txq[i].lock);
		p->txq[i].port = p;
		p->txq[i].port_id = p->id;
		p->txq[i].queue = i;
		p->txq[i].shared = workers > ntxq;
	}
	return 0;
}

void port_queues_free(struct port *p)
{
	free(p->rxq);
	free(p->txq);
	p->rxq = NULL;
	p->txq = NULL;
	p->nrxq = 0;
	p->ntxq = 0;
}

int port_pool_create(unsigned int mbufs, struct fault *f)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", mbufs);
	if (pool != NULL)
		return fault_set(f, -EEXIST, NULL, NULL, NULL, "the packet pool exists already");
	if (mbufs < POOL_MIN)
		return fault_set(f, -EINVAL, "mbufs", value, "at least 1024", "%u packet buffers are too few", mbufs);
	pool = rte_pktmbuf_pool_create("packets", mbufs, POOL_CACHE, 0, RTE_PKTMBUF_HEADROOM + PORT_MBUF_DATA,
				       SOCKET_ID_ANY);
	if (pool == NULL)
		return fault_set(f, -ENOMEM, "mbufs", value, NULL, "no memory for %u packet buffers (%u MiB): %s",
				 mbufs, (unsigned int)((uint64_t)mbufs * (PORT_MBUF_DATA + 384) >> 20),
				 rte_strerror(rte_errno));
	return 0;
}

struct rte_mempool *port_pool(void)
{
	return pool;
}

void port_pool_destroy(void)
{
	rte_mempool_free(pool);
	pool = NULL;
}

void port_notify_set(port_notify_fn fn)
{
	__atomic_store_n(&notify, fn, __ATOMIC_RELEASE);
}

void port_notify(struct port *p, enum port_event ev)
{
	const port_notify_fn fn = __atomic_load_n(&notify, __ATOMIC_ACQUIRE);

	if (fn != NULL)
		fn(p, ev);
}

void port_link_set(struct port *p, bool up)
{
	if (__atomic_exchange_n(&p->link_up, (uint8_t)up, __ATOMIC_ACQ_REL) != up)
		port_notify(p, PORT_EVENT_LINK);
}
