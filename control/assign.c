/* SPDX-License-Identifier: BSD-3-Clause */
#include "assign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "publish.h"

static unsigned int load[WORKERS_MAX]; // queues per worker

// What a change of a queue's worker replaced.
struct assign_before {
	struct port_obj *port;
	uint16_t queue;
	uint8_t worker;
	bool pinned;
};

static void queue_move(struct port_obj *p, uint16_t queue, uint8_t worker)
{
	struct queue_poller *q = &p->rxq[queue];

	if (q->counted) {
		load[q->worker]--;
		load[worker]++;
	}
	q->worker = worker;
	publish_mark_polls();
}

static unsigned int least_loaded(void)
{
	unsigned int best = 0;

	for (unsigned int w = 1; w < workers_count(); w++)
		if (load[w] < load[best])
			best = w;
	return best;
}

void assign_port(struct port_obj *p)
{
	for (uint16_t i = 0; i < p->dev->nrxq && workers_count(); i++) {
		struct queue_poller *q = &p->rxq[i];

		if (!q->pinned)
			q->worker = least_loaded();
		load[q->worker]++;
		q->counted = true;
		q->last = WORKER_NONE;
		q->published = WORKER_NONE;
	}
	publish_mark_polls();
}

void assign_release(struct port_obj *p)
{
	for (uint16_t i = 0; i < PORT_QUEUES_MAX; i++) {
		struct queue_poller *q = &p->rxq[i];

		if (q->counted)
			load[q->worker]--;
		q->counted = false;
		if (!q->pinned)
			q->worker = WORKER_NONE;
	}
	publish_mark_polls();
}

static void assign_undo(void *arg)
{
	struct assign_before *b = arg;

	queue_move(b->port, b->queue, b->worker);
	b->port->rxq[b->queue].pinned = b->pinned;
	free(b);
}

static int remember(struct txn *t, struct port_obj *p, uint16_t queue, struct fault *f)
{
	struct assign_before *b = malloc(sizeof(*b));

	if (!b)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to move a queue");
	*b = (struct assign_before){p, queue, p->rxq[queue].worker, p->rxq[queue].pinned};
	txn_undo(t, assign_undo, free, b);
	t->publish = true;
	return 0;
}

static void pin_key(char key[PORT_NAME_LEN + 8], const struct port_obj *p, uint16_t queue)
{
	snprintf(key, PORT_NAME_LEN + 8, "%s/%u", p->name, queue);
}

static int check_queue(const struct port_obj *p, uint16_t queue, struct fault *f)
{
	char value[8], allowed[24];

	if (!p->dev || queue < p->dev->nrxq)
		return 0;
	snprintf(value, sizeof(value), "%u", queue);
	snprintf(allowed, sizeof(allowed), "0 to %d", p->dev->nrxq - 1);
	return fault_set(f, -EINVAL, "queue", value, allowed, "port %s has %u receive queues", p->name, p->dev->nrxq);
}

static int worker_of_lcore(unsigned int lcore, struct fault *f)
{
	char value[16], allowed[128] = "";
	size_t len = 0;

	for (unsigned int w = 0; w < workers_count(); w++) {
		if (worker_conf(w)->lcore == lcore)
			return w;
		if (len < sizeof(allowed))
			len += snprintf(allowed + len, sizeof(allowed) - len, "%s%u", w ? ", " : "",
					worker_conf(w)->lcore);
	}
	snprintf(value, sizeof(value), "%u", lcore);
	return fault_set(f, -EINVAL, "lcore", value, allowed, "no worker runs on lcore %u", lcore);
}

int assign_pin(struct txn *t, struct port_obj *p, uint16_t queue, unsigned int lcore, struct fault *f)
{
	int worker, rc = check_queue(p, queue, f);
	char key[PORT_NAME_LEN + 8];

	if (rc < 0)
		return rc;
	worker = worker_of_lcore(lcore, f);
	if (worker < 0)
		return worker;
	rc = remember(t, p, queue, f);
	if (rc < 0)
		return rc;
	queue_move(p, queue, worker);
	p->rxq[queue].pinned = true;
	pin_key(key, p, queue);
	txn_put(t, "assign", key, json_pack("{s:s,s:i,s:i}", "port", p->name, "queue", queue, "lcore", lcore));
	return 0;
}

int assign_unpin(struct txn *t, struct port_obj *p, uint16_t queue, struct fault *f)
{
	char key[PORT_NAME_LEN + 8], value[8];
	int rc;

	if (!p->rxq[queue].pinned) {
		snprintf(value, sizeof(value), "%u", queue);
		return fault_set(f, -ENOENT, "queue", value, "a queue that worker.assign pinned",
				 "queue %u of port %s is not pinned", queue, p->name);
	}
	rc = remember(t, p, queue, f);
	if (rc < 0)
		return rc;
	p->rxq[queue].pinned = false;
	pin_key(key, p, queue);
	txn_del(t, "assign", key);
	return 0;
}

void assign_forget_pins(struct txn *t, struct port_obj *p)
{
	char key[PORT_NAME_LEN + 8];

	for (uint16_t i = 0; i < PORT_QUEUES_MAX; i++) {
		if (!p->rxq[i].pinned)
			continue;
		pin_key(key, p, i);
		txn_del(t, "assign", key);
	}
}

// A queue of worker `from` that may move; false: it has none.
static bool find_movable(unsigned int from, struct port_obj **port, uint16_t *queue)
{
	const struct names *ports = port_obj_names();

	for (uint32_t i = 0; i < ports->n; i++) {
		struct port_obj *p = ports->at[i];

		for (uint16_t q = 0; p->dev && q < p->dev->nrxq; q++) {
			if (p->rxq[q].worker != from || p->rxq[q].pinned)
				continue;
			*port = p;
			*queue = q;
			return true;
		}
	}
	return false;
}

// The most loaded worker that still has a queue to give.
static int most_loaded(uint64_t exhausted)
{
	int best = -1;

	for (unsigned int w = 0; w < workers_count(); w++)
		if (!(exhausted >> w & 1) && (best < 0 || load[w] > load[best]))
			best = w;
	return best;
}

int assign_rebalance(struct txn *t, unsigned int *moved, struct fault *f)
{
	uint64_t exhausted = 0;

	*moved = 0;
	for (;;) {
		int from = most_loaded(exhausted), to = least_loaded(), rc;
		struct port_obj *p;
		uint16_t queue;

		if (from < 0 || load[from] <= load[to] + 1)
			return 0;
		if (!find_movable(from, &p, &queue)) {
			exhausted |= 1ULL << from;
			continue;
		}
		rc = remember(t, p, queue, f);
		if (rc < 0)
			return rc;
		queue_move(p, queue, to);
		++*moved;
	}
}
