/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>

char fixture_dir[64];

static struct {
	pthread_t thread;
	struct port *port;
	bool echo, running, stop;
	struct fixture_counts counts; // written by the worker
} worker;

uint64_t fixture_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void fixture_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

bool fixture_link(const struct port *p)
{
	return __atomic_load_n(&p->link_up, __ATOMIC_ACQUIRE);
}

struct fixture_counts fixture_counts(void)
{
	return (struct fixture_counts){
		.loops = __atomic_load_n(&worker.counts.loops, __ATOMIC_ACQUIRE),
		.calls = __atomic_load_n(&worker.counts.calls, __ATOMIC_ACQUIRE),
		.packets = __atomic_load_n(&worker.counts.packets, __ATOMIC_ACQUIRE),
		.echoed = __atomic_load_n(&worker.counts.echoed, __ATOMIC_ACQUIRE),
	};
}

// A grace period: the loop that ran when it began has ended.
static void synchronize(void)
{
	const uint64_t loops = fixture_counts().loops;

	while (__atomic_load_n(&worker.running, __ATOMIC_ACQUIRE) && fixture_counts().loops < loops + 2)
		fixture_nap();
}

int fixture_setup(void **state)
{
	char *argv[] = {"test",           "--no-huge", "--no-pci", "--no-shconf",          "-m", "128",
			"--no-telemetry", "-l",        "0",        "--log-level=critical", NULL};
	struct fault f;

	strcpy(fixture_dir, "/tmp/sluice-vhost.XXXXXX");
	if (mkdtemp(fixture_dir) == NULL || rte_eal_init(RTE_DIM(argv) - 1, argv) < 0)
		return -1;
	port_synchronize = synchronize;
	return port_pool_create(8192, &f);
}

int fixture_teardown(void **state)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -r %s", fixture_dir);
	return system(cmd);
}

static int port_make(struct port *p, const char *path, const char *conf, struct fault *f)
{
	json_t *given = json_loads(conf, 0, NULL);
	json_t *all =
		json_pack("{s:s,s:s,s:i,s:b,s:b}", "path", path, "mode", "client", "queues", 1, "csum", 1, "tso", 1);
	int rc;

	assert_non_null(given);
	assert_int_equal(json_object_update(all, given), 0);
	p->ops = port_kind("vhost-user");
	assert_non_null(p->ops);
	p->id = 1;
	p->mtu = 1500;
	rc = p->ops->create(p, all, 1, f);
	if (rc == 0) {
		rc = p->ops->start(p, f);
		if (rc < 0)
			p->ops->destroy(p);
	}
	json_decref(given);
	json_decref(all);
	return rc;
}

struct port *fixture_port(const char *file, const char *conf)
{
	struct port *p = calloc(1, sizeof(*p));
	struct fault f = {0};
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", fixture_dir, file);
	snprintf(p->name, sizeof(p->name), "%s", file);
	if (port_make(p, path, conf, &f) < 0)
		fail_msg("%s: %s", path, f.message);
	return p;
}

void fixture_refused(const char *path, const char *conf, struct fault *f)
{
	struct port p = {.name = "refused"};

	memset(f, 0, sizeof(*f));
	assert_int_not_equal(port_make(&p, path, conf, f), 0);
	assert_int_not_equal(f->err, 0);
	assert_string_equal(f->field, "path");
	assert_null(p.rxq);
}

void fixture_port_free(struct port *p)
{
	p->ops->stop(p);
	p->ops->destroy(p);
	free(p);
}

static void poll_queue(struct port *p, uint16_t i)
{
	struct rxq *q = &p->rxq[i];
	struct txq *t = &p->txq[i];
	const uint16_t *idle = __atomic_load_n(&q->idle_word, __ATOMIC_RELAXED);
	struct rte_mbuf *pkts[64];
	uint16_t n, sent = 0;

	// A worker may be interrupted here, between taking the word's address and reading it.
	if (idle != NULL && worker.counts.loops % 64 == 0)
		fixture_nap();
	if (idle && __atomic_load_n(idle, __ATOMIC_RELAXED) == q->idle_value)
		return;
	n = q->rx(q, pkts, 64);
	__atomic_add_fetch(&worker.counts.calls, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&worker.counts.packets, n, __ATOMIC_RELEASE);
	if (worker.echo && n > 0)
		sent = t->tx(t, pkts, n);
	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	__atomic_add_fetch(&worker.counts.echoed, sent, __ATOMIC_RELEASE);
}

static void *worker_main(void *arg)
{
	rte_thread_register(); // an lcore id of its own, for the mempool's cache
	while (!__atomic_load_n(&worker.stop, __ATOMIC_ACQUIRE)) {
		for (uint16_t i = 0; i < worker.port->nrxq; i++)
			poll_queue(worker.port, i);
		if ((__atomic_add_fetch(&worker.counts.loops, 1, __ATOMIC_RELEASE) & 255) == 0)
			sched_yield();
	}
	rte_thread_unregister();
	return NULL;
}

void fixture_worker_start(struct port *p, bool echo)
{
	worker.port = p;
	worker.echo = echo;
	worker.stop = false;
	__atomic_store_n(&worker.counts.calls, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&worker.counts.packets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&worker.counts.echoed, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&worker.running, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&worker.thread, NULL, worker_main, NULL), 0);
}

void fixture_worker_stop(void)
{
	__atomic_store_n(&worker.stop, true, __ATOMIC_RELEASE);
	pthread_join(worker.thread, NULL);
	__atomic_store_n(&worker.running, false, __ATOMIC_RELEASE);
}
