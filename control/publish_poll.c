/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish_poll.h"

#include <string.h>

#include "../datapath/rcu.h"
#include "fwd.h"
#include "garbage.h"
#include "port.h"

// The queue's worker in the state to be: none while the port is down, or forwarding stopped.
static uint8_t wanted(const struct port_obj *p, uint16_t queue)
{
	return (fwd_started() || p->pktgen) && port_obj_forwards(p) && !p->deleted && p->fwd ? p->rxq[queue].worker
											     : WORKER_NONE;
}

static struct port_obj *port_with_queues(uint32_t id)
{
	struct port_obj *p = port_obj_by_id(id);

	return p && p->dev ? p : NULL;
}

// A queue that someone else polled last may be polled by its new worker only after a grace period.
static bool changes_hands(const struct port_obj *p, uint16_t queue)
{
	uint8_t to = wanted(p, queue), last = p->rxq[queue].last;

	return to != WORKER_NONE && last != WORKER_NONE && last != to;
}

// `list` without the queues that change hands.
static const struct poll_list *list_without_moving(const struct poll_list *list)
{
	struct poll_list *kept = garbage_alloc(sizeof(*kept) + list->n * sizeof(kept->q[0]));

	kept->n = kept->nmode = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		if (changes_hands(port_obj_by_id(list->q[i]->port_id), list->q[i]->queue))
			continue;
		kept->q[kept->n++] = list->q[i];
		kept->nmode += i >= list->n - list->nmode;
	}
	return kept;
}

static void publish_without_moving(const struct fwd_state *old)
{
	struct fwd_state *s = garbage_alloc(sizeof(*s));

	// Everything but the poll lists is the old state's own.
	*s = *old;
	for (unsigned int w = 0; w < s->nworkers; w++) {
		s->poll[w] = list_without_moving(old->poll[w]);
		garbage_free_later((void *)s->poll[w]);
	}
	fwd_state_publish(s);
	garbage_free_later(s);
}

// Counts the queues of each worker; whether a grace period is needed first.
static bool survey(uint32_t *n)
{
	bool moving = false;

	for (uint32_t id = 1; id <= port_obj_max_id(); id++) {
		struct port_obj *p = port_with_queues(id);

		for (uint16_t q = 0; p && q < p->dev->nrxq; q++) {
			uint8_t w = wanted(p, q);

			if (w != WORKER_NONE)
				n[w]++;
			moving |= changes_hands(p, q);
		}
	}
	return moving;
}

// Appends the queues of the ports in mode switch, or of the others.
static void fill(struct poll_list **list, bool others)
{
	for (uint32_t id = 1; id <= port_obj_max_id(); id++) {
		struct port_obj *p = port_with_queues(id);

		if (p && (p->fwd && p->fwd->mode != FWD_MODE_SWITCH) != others)
			continue;
		for (uint16_t q = 0; p && q < p->dev->nrxq; q++) {
			uint8_t w = wanted(p, q);

			p->rxq[q].published = w;
			if (w == WORKER_NONE)
				continue;
			p->rxq[q].last = w;
			list[w]->q[list[w]->n++] = &p->dev->rxq[q];
			list[w]->nmode += others;
		}
	}
}

static bool lists_equal(const struct poll_list *a, const struct poll_list *b)
{
	return a && a->n == b->n && a->nmode == b->nmode && memcmp(a->q, b->q, a->n * sizeof(a->q[0])) == 0;
}

void publish_poll_update(struct fwd_state *s, const struct fwd_state *old)
{
	struct poll_list *list[WORKERS_MAX];
	uint32_t n[WORKERS_MAX] = {0};

	if (survey(n)) {
		if (old)
			publish_without_moving(old);
		rcu_synchronize();
	}
	for (unsigned int w = 0; w < s->nworkers; w++) {
		list[w] = garbage_alloc(sizeof(*list[w]) + n[w] * sizeof(list[w]->q[0]));
		list[w]->n = list[w]->nmode = 0;
	}
	fill(list, false);
	fill(list, true);
	for (unsigned int w = 0; w < s->nworkers; w++) {
		if (lists_equal(s->poll[w], list[w])) {
			garbage_free_later(list[w]);
			continue;
		}
		garbage_free_later((void *)s->poll[w]);
		s->poll[w] = list[w];
	}
}
