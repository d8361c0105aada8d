/* SPDX-License-Identifier: BSD-3-Clause */
#include "punt.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "worker_priv.h"

#define INJECT_RING 4096

static const struct {
	const char *name, *help;
	uint32_t rate, burst;
} classes[PUNT_CLASS_COUNT] = {
#define X(id, name, rate, burst, help) {name, help, rate, burst},
	PUNT_CLASSES(X)
#undef X
};

static int bell_fd = -1;
static bool bell_armed;      // written by control and workers
static uint64_t inject_lost; // control's

const char *punt_class_name(enum punt_class class)
{
	return classes[class].name;
}

const char *punt_class_help(enum punt_class class)
{
	return classes[class].help;
}

int punt_bell_create(void)
{
	bell_armed = false;
	bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return bell_fd < 0 ? -errno : 0;
}

void punt_bell_destroy(void)
{
	if (bell_fd >= 0)
		close(bell_fd);
	bell_fd = -1;
}

int worker_punt_create(struct worker *w)
{
	char name[RTE_RING_NAMESIZE];

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
		struct worker_punt *p = &w->punt[c];

		p->interval = rte_get_tsc_hz() / classes[c].rate;
		p->slack = p->interval * (classes[c].burst - 1);
		snprintf(name, sizeof(name), "punt-%u-%u", w->index, c);
		p->ring = rte_ring_create_elem(name, sizeof(struct punt), PUNT_RING, SOCKET_ID_ANY,
					       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (!p->ring)
			return -ENOMEM;
	}
	snprintf(name, sizeof(name), "inject-%u", w->index);
	w->injects = rte_ring_create_elem(name, sizeof(struct inject), INJECT_RING, SOCKET_ID_ANY,
					  RING_F_SP_ENQ | RING_F_SC_DEQ);
	return w->injects ? 0 : -ENOMEM;
}

void worker_punt_destroy(struct worker *w)
{
	struct inject inject;
	struct punt punt;

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
		while (w->punt[c].ring && worker_punts(w, (enum punt_class)c, &punt, 1))
			rte_pktmbuf_free(punt.m);
		rte_ring_free(w->punt[c].ring);
	}
	while (w->injects && !rte_ring_sc_dequeue_elem(w->injects, &inject, sizeof(inject)))
		rte_pktmbuf_free(inject.m);
	rte_ring_free(w->injects);
}

unsigned int worker_punts(struct worker *w, enum punt_class class, struct punt *punt, unsigned int n)
{
	return rte_ring_sc_dequeue_burst_elem(w->punt[class].ring, punt, sizeof(*punt), n, NULL);
}

unsigned int workers_punts(enum punt_class class, struct punt *punt, unsigned int n)
{
	static unsigned int first; // the worker that is asked first, so that none is heard last for ever
	unsigned int nworkers = workers_count(), got = 0;

	for (unsigned int i = 0; i < nworkers && got < n; i++)
		got += worker_punts(worker_at((first + i) % nworkers), class, punt + got, n - got);
	first++;
	return got;
}

int workers_punts_fd(void)
{
	return bell_fd;
}

static bool punts_wait(void)
{
	for (unsigned int i = 0; i < workers_count(); i++) {
		for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++) {
			if (!rte_ring_empty(worker_at(i)->punt[c].ring))
				return true;
		}
	}
	return false;
}

// Either control sees the packet in the ring, or the worker, which put it there before, sees the bell armed.
bool workers_punts_arm(void)
{
	__atomic_store_n(&bell_armed, true, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!punts_wait())
		return true;
	__atomic_store_n(&bell_armed, false, __ATOMIC_RELAXED);
	return false;
}

void worker_punt_bell(struct worker *w)
{
	const uint64_t one = 1;

	w->punted = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&bell_armed, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&bell_armed, false, __ATOMIC_RELAXED))
		return;
	// It can fail only where the counter is at its end, and then the descriptor is readable.
	if (write(bell_fd, &one, sizeof(one)) < 0)
		return;
}

int worker_inject_to(struct worker *w, struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port)
{
	struct inject inject = {.m = m, .port_id = port_id, .domain = domain, .but_port = but_port};

	if (rte_ring_sp_enqueue_elem(w->injects, &inject, sizeof(inject))) {
		rte_pktmbuf_free(m);
		inject_lost++;
		return -ENOBUFS;
	}
	return 0;
}

int worker_inject_flow(struct worker *w, struct rte_mbuf *m, struct flow_packet_out *out)
{
	struct inject inject = {.m = m, .out = out};

	return rte_ring_sp_enqueue_elem(w->injects, &inject, sizeof(inject)) ? -ENOBUFS : 0;
}

int worker_inject(struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port)
{
	unsigned int i = (port_id ? port_id : domain) % workers_count();

	return worker_inject_to(worker_at(i), m, port_id, domain, but_port);
}

uint64_t workers_inject_lost(void)
{
	return inject_lost;
}
