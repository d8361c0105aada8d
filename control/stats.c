/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_TIMEOUT_MS 2000 // a worker may have to wait for its CPU, on a machine that has other work for it

static struct worker_stats *snapshot;
static struct port_counters total_base;
static struct worker_counters worker_base[WORKERS_MAX];

// Both structs are nothing but 64-bit counters.
static void counters_add(void *to, const void *add, size_t size)
{
	uint64_t *t = to;
	const uint64_t *a = add;

	for (size_t i = 0; i < size / sizeof(*t); i++)
		t[i] += a[i];
}

static void counters_sub(void *from, const void *sub, size_t size)
{
	uint64_t *t = from;
	const uint64_t *s = sub;

	for (size_t i = 0; i < size / sizeof(*t); i++)
		t[i] -= s[i];
}

int stats_create(void)
{
	snapshot = worker_stats_alloc();
	return snapshot ? 0 : -ENOMEM;
}

void stats_destroy(void)
{
	worker_stats_free(snapshot);
	snapshot = NULL;
	memset(&total_base, 0, sizeof(total_base));
	memset(worker_base, 0, sizeof(worker_base));
}

int stats_take(struct fault *f)
{
	unsigned int who;
	int rc = workers_snapshot(snapshot, SNAPSHOT_TIMEOUT_MS, &who);

	if (rc < 0)
		return fault_set(f, rc, NULL, NULL, NULL, "worker on lcore %u did not give its counters within %d ms",
				 worker_conf(who)->lcore, SNAPSHOT_TIMEOUT_MS);
	return 0;
}

const struct worker_counters *stats_worker(unsigned int i)
{
	return &snapshot[i].self;
}

// Sum over workers of what they counted under an id, whoever had it.
static void id_total(uint32_t id, struct port_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int w = 0; w < workers_count(); w++)
		if (id < snapshot[w].nports)
			counters_add(out, &snapshot[w].port[id], sizeof(*out));
}

static void total(struct port_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int w = 0; w < workers_count(); w++)
		for (uint32_t id = 0; id < snapshot[w].nports; id++)
			counters_add(out, &snapshot[w].port[id], sizeof(*out));
}

static void dev_stats(const struct port_obj *p, struct port_dev_stats *out)
{
	memset(out, 0, sizeof(*out));
	if (p->dev && p->ops->stats)
		p->ops->stats(p->dev, out);
}

void stats_worker_since_clear(unsigned int i, struct worker_counters *out)
{
	struct worker_counters raw = snapshot[i].self;

	*out = raw;
	counters_sub(out, &worker_base[i], sizeof(*out));
	out->held = raw.held; // these two are no counts
	out->poll_gap_max = raw.poll_gap_max;
}

void stats_port_since_clear(const struct port_obj *p, struct port_counters *out, struct port_dev_stats *dev)
{
	id_total(p->id, out);
	dev_stats(p, dev);
	if (!p->base)
		return;
	counters_sub(out, &p->base->total, sizeof(*out));
	counters_sub(dev, &p->base->dev, sizeof(*dev));
}

void stats_total_since_clear(struct port_counters *out)
{
	total(out);
	counters_sub(out, &total_base, sizeof(*out));
}

static void audit_worker(unsigned int i, struct stats_audit *a)
{
	const struct worker_stats *s = &snapshot[i];

	for (uint32_t id = 0; id < s->nports; id++) {
		const struct port_counters *c = &s->port[id];

		a->rx += c->rx_packets;
		a->copies += c->copies;
		a->generated += c->generated;
		a->tx += c->tx_packets;
		for (unsigned int r = 0; r < DROP_COUNT; r++)
			a->drops += c->drops[r];
	}
	a->punted += s->self.punted;
	a->held += s->self.held;
}

void stats_audit(unsigned int i, struct stats_audit *a)
{
	unsigned int n = workers_count();

	memset(a, 0, sizeof(*a));
	for (unsigned int w = i == n ? 0 : i; w < (i == n ? n : i + 1); w++)
		audit_worker(w, a);
	a->imbalance = (int64_t)(a->rx + a->copies + a->generated - a->tx - a->drops - a->punted - a->held);
}

// From the snapshot taken last.
static void baseline_fill(const struct port_obj *p, struct port_baseline *base)
{
	memset(base, 0, sizeof(*base));
	id_total(p->id, &base->total);
	dev_stats(p, &base->dev);
	for (uint16_t q = 0; p->dev && q < PORT_QUEUES_MAX; q++) {
		if (q < p->dev->nrxq) {
			base->queue[q].rx_packets = __atomic_load_n(&p->dev->rxq[q].packets, __ATOMIC_RELAXED);
			base->queue[q].rx_bytes = __atomic_load_n(&p->dev->rxq[q].bytes, __ATOMIC_RELAXED);
		}
		if (q < p->dev->ntxq) {
			base->queue[q].tx_packets = __atomic_load_n(&p->dev->txq[q].packets, __ATOMIC_RELAXED);
			base->queue[q].tx_bytes = __atomic_load_n(&p->dev->txq[q].bytes, __ATOMIC_RELAXED);
		}
	}
}

int stats_port_clear(struct port_obj *p, struct fault *f)
{
	int rc = stats_take(f);

	if (rc < 0)
		return rc;
	if (!p->base)
		p->base = malloc(sizeof(*p->base));
	if (!p->base)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the counters of port %s", p->name);
	baseline_fill(p, p->base);
	return 0;
}

void stats_baseline_new_device(struct port_baseline *base)
{
	memset(&base->dev, 0, sizeof(base->dev));
	memset(&base->queue, 0, sizeof(base->queue));
}

// What clearing one port replaced.
struct port_clear {
	struct port_obj *port;
	struct port_baseline *before;
};

static void port_clear_undo(void *arg)
{
	struct port_clear *c = arg;

	free(c->port->base);
	c->port->base = c->before;
	free(c);
}

static void port_clear_drop(void *arg)
{
	struct port_clear *c = arg;

	free(c->before);
	free(c);
}

static int clear_one(struct txn *t, struct port_obj *p, struct fault *f)
{
	struct port_baseline *base = malloc(sizeof(*base));
	struct port_clear *c = malloc(sizeof(*c));

	if (!base || !c) {
		free(base);
		free(c);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the counters of port %s", p->name);
	}
	baseline_fill(p, base);
	*c = (struct port_clear){p, p->base};
	p->base = base;
	txn_undo(t, port_clear_undo, port_clear_drop, c);
	return 0;
}

int stats_clear_port(struct txn *t, struct port_obj *p, struct fault *f)
{
	int rc = stats_take(f);

	return rc < 0 ? rc : clear_one(t, p, f);
}

// What clearing all replaced, beside the ports' baselines.
struct all_clear {
	struct port_counters total;
	struct worker_counters worker[WORKERS_MAX];
};

static void all_clear_undo(void *arg)
{
	struct all_clear *before = arg;

	total_base = before->total;
	memcpy(worker_base, before->worker, sizeof(worker_base));
	free(before);
}

static void gap_reset(void *arg)
{
	worker_poll_gap_reset();
}

int stats_clear_all(struct txn *t, struct fault *f)
{
	const struct names *ports = port_obj_names();
	struct all_clear *before;
	int rc = stats_take(f);

	for (uint32_t i = 0; i < ports->n && rc == 0; i++)
		rc = clear_one(t, ports->at[i], f);
	if (rc < 0)
		return rc;
	before = malloc(sizeof(*before));
	if (!before)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the counters");
	before->total = total_base;
	memcpy(before->worker, worker_base, sizeof(worker_base));
	txn_undo(t, all_clear_undo, free, before);
	total(&total_base);
	for (unsigned int w = 0; w < workers_count(); w++)
		worker_base[w] = snapshot[w].self;
	txn_done(t, gap_reset, NULL, NULL);
	return 0;
}
