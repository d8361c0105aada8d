/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_random.h>

#include "flow_worker.h"
#include "rcu.h"
#include "worker_priv.h"

static struct worker *workers[WORKERS_MAX];
static unsigned int nworkers;
static bool running;

struct worker *worker_new(uint16_t index, const struct worker_conf *conf, struct fdb *fdb)
{
	struct worker *w = rte_zmalloc("worker", sizeof(*w), RTE_CACHE_LINE_SIZE);
	char name[RTE_RING_NAMESIZE];

	if (!w)
		return NULL;
	w->index = index;
	w->conf = *conf;
	w->shared.idle = conf->idle;
	w->fdb = fdb;
	w->fdb_hash = fdb_hash(fdb);
	for (unsigned int i = 0; i < RTE_DIM(w->seen.seed); i++)
		w->seen.seed[i] = rte_rand();
	// calloc, so that rows of ports that never exist take no memory.
	w->count = calloc(PORT_MAX, sizeof(*w->count));
	w->tx = calloc(PORT_MAX, sizeof(*w->tx));
	w->tx_dirty = calloc(PORT_MAX, sizeof(*w->tx_dirty));
	w->parts = rte_zmalloc("parts", sizeof(*w->parts), RTE_CACHE_LINE_SIZE);
	w->recent = rte_zmalloc("recent", WORKER_RECENT * sizeof(*w->recent), RTE_CACHE_LINE_SIZE);
	snprintf(name, sizeof(name), "events-%u", index);
	w->events = rte_ring_create_elem(name, sizeof(struct worker_event), WORKER_EVENTS, SOCKET_ID_ANY,
					 RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (w->parts) {
		w->parts->routed = UINT64_MAX;
		w->parts->changed = true;
	}
	if (worker_punt_create(w) || !w->parts || !w->count || !w->tx || !w->tx_dirty || !w->recent || !w->events) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_flow_destroy(w);
	worker_punt_destroy(w);
	rte_ring_free(w->events);
	rte_free(w->parts);
	rte_free(w->recent);
	free(w->tx_dirty);
	free(w->tx);
	free(w->count);
	rte_free(w);
}

int workers_create(const struct worker_conf *conf, unsigned int n, struct fdb *fdb)
{
	int ret;

	if (n == 0 || n > WORKERS_MAX)
		return -EINVAL;
	ret = punt_bell_create();
	if (ret)
		return ret;
	for (nworkers = 0; nworkers < n; nworkers++) {
		workers[nworkers] = worker_new((uint16_t)nworkers, &conf[nworkers], fdb);
		if (!workers[nworkers]) {
			workers_destroy();
			return -ENOMEM;
		}
		rte_rcu_qsbr_thread_register(rcu_var(), nworkers);
	}
	port_synchronize = rcu_synchronize;
	return 0;
}

int workers_start(void)
{
	for (unsigned int i = 0; i < nworkers; i++) {
		int ret = rte_eal_remote_launch(datapath_ops()->worker_loop, workers[i], workers[i]->conf.lcore);

		if (ret) {
			workers_stop();
			return ret;
		}
		running = true;
	}
	return 0;
}

void workers_stop(void)
{
	for (unsigned int i = 0; i < nworkers; i++)
		__atomic_store_n(&workers[i]->shared.stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < nworkers; i++)
		rte_eal_wait_lcore(workers[i]->conf.lcore);
	for (unsigned int i = 0; i < nworkers; i++)
		workers[i]->shared.stop = false;
	running = false;
}

void workers_destroy(void)
{
	while (nworkers) {
		nworkers--;
		worker_free(workers[nworkers]);
		workers[nworkers] = NULL;
	}
	punt_bell_destroy();
}

bool workers_running(void)
{
	return running;
}

struct worker *worker_at(unsigned int i)
{
	return workers[i];
}

unsigned int workers_count(void)
{
	return nworkers;
}

const struct worker_conf *worker_conf(unsigned int i)
{
	return &workers[i]->conf;
}

enum worker_idle worker_idle_get(unsigned int i)
{
	return workers[i]->shared.idle;
}

void worker_idle_set(unsigned int i, enum worker_idle idle)
{
	__atomic_store_n(&workers[i]->shared.idle, idle, __ATOMIC_RELAXED);
}

bool worker_sampling_get(unsigned int i)
{
	return workers[i]->shared.sampling;
}

void worker_sampling_set(unsigned int i, bool on)
{
	__atomic_store_n(&workers[i]->shared.sampling, on, __ATOMIC_RELAXED);
}

void worker_poll_gap_reset(void)
{
	for (unsigned int i = 0; i < nworkers; i++)
		__atomic_fetch_add(&workers[i]->shared.gap_reset_asked, 1, __ATOMIC_RELAXED);
}

// Several events for one key within some milliseconds are one too many: control learns in that time.
#define RECENT_TICK_SHIFT 20
#define RECENT_TICKS 8

void worker_learn(struct worker *w, uint64_t key, uint16_t port_id)
{
	struct worker_recent *r = &w->recent[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
	struct worker_event ev = {.key = key, .port_id = port_id, .type = WORKER_EVENT_LEARN};
	uint32_t tick = (uint32_t)(w->tsc >> RECENT_TICK_SHIFT);

	if (r->key == key && r->port_id == port_id && tick - r->tick < RECENT_TICKS)
		return;
	if (rte_ring_sp_enqueue_elem(w->events, &ev, sizeof(ev))) {
		w->self.events_lost++;
		return;
	}
	*r = (struct worker_recent){.key = key, .tick = tick, .port_id = port_id};
}

unsigned int workers_events(struct worker_event *ev, unsigned int n)
{
	unsigned int got = 0;

	for (unsigned int i = 0; i < nworkers && got < n; i++)
		got += rte_ring_sc_dequeue_burst_elem(workers[i]->events, ev + got, sizeof(*ev), n - got, NULL);
	return got;
}

struct worker_stats *worker_stats_alloc(void)
{
	struct worker_stats *stats = calloc(nworkers, sizeof(*stats));

	for (unsigned int i = 0; stats && i < nworkers; i++) {
		stats[i].port = calloc(PORT_MAX, sizeof(*stats[i].port));
		if (!stats[i].port) {
			worker_stats_free(stats);
			return NULL;
		}
	}
	return stats;
}

void worker_stats_free(struct worker_stats *stats)
{
	for (unsigned int i = 0; stats && i < nworkers; i++)
		free(stats[i].port);
	free(stats);
}

void worker_copy_stats(const struct worker *w, struct worker_stats *out)
{
	out->self = w->self;
	out->nports = w->nports;
	memcpy(out->port, w->count, w->nports * sizeof(*w->count));
}

int workers_snapshot(struct worker_stats *stats, unsigned int timeout_ms, unsigned int *who)
{
	uint64_t deadline = rte_get_tsc_cycles() + timeout_ms * (rte_get_tsc_hz() / 1000);
	const struct timespec nap = {.tv_nsec = 20000};

	for (unsigned int i = 0; i < nworkers; i++) {
		struct worker *w = workers[i];

		if (!running) {
			worker_copy_stats(w, &stats[i]);
			continue;
		}
		w->shared.snapshot_to = &stats[i];
		__atomic_store_n(&w->shared.snapshot_asked, w->reply.snapshot_done + 1, __ATOMIC_RELEASE);
	}
	for (unsigned int i = 0; running && i < nworkers; i++) {
		struct worker *w = workers[i];
		uint32_t asked = w->shared.snapshot_asked;

		while (__atomic_load_n(&w->reply.snapshot_done, __ATOMIC_ACQUIRE) != asked) {
			if (rte_get_tsc_cycles() > deadline) {
				*who = i;
				return -ETIMEDOUT;
			}
			nanosleep(&nap, NULL);
		}
	}
	return 0;
}
