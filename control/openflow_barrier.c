/* SPDX-License-Identifier: BSD-3-Clause */
// Barriers that really order: the answer comes when every worker uses what was published before, and has executed the
// packets that were sent out before; and when the ends of entries were told that those before asked for. And counters
// that hold every packet: the answer comes when all workers have added up theirs.
//
// Design: what workers use is known by a grace period (rcu.h), for which nobody waits for a sleeping worker: what it
// uses when it wakes is what was published last. Counters are not waited for: who asks for them does
// that, and gets them when they are right, however long the workers take.
#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "../datapath/rcu.h"
#include "flow_change.h"
#include "garbage.h"
#include "openflow.h"

#define SPIN_US 30  // workers mostly answer within one loop
#define POLL_US 500 // later
#define PACKETS_S 5 // others' packets do not hold a barrier up for longer

struct wait {
	STAILQ_ENTRY(wait) link;
	uint64_t ticket; // of counters; 0: a barrier
	uint64_t token, begun;
	void (*done)(void *arg);
	void *arg;
};

static STAILQ_HEAD(, wait) waits = STAILQ_HEAD_INITIALIZER(waits);
static struct event *timer;

static bool is_over(const struct wait *w)
{
	if (w->ticket != 0)
		return flow_counts_done(w->ticket);
	if (rte_rcu_qsbr_check(rcu_var(), w->token, false) != 1)
		return false;
	if (flow_change_tells()) {
		flow_change_poll();
		if (flow_change_tells())
			return false;
	}
	return flow_packet_outs_pending() == 0 || rte_get_tsc_cycles() - w->begun > PACKETS_S * rte_get_tsc_hz();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval next = {.tv_usec = POLL_US};
	struct wait *w;

	// In the order in which they came. What is done may begin another one.
	while ((w = STAILQ_FIRST(&waits)) != NULL && is_over(w)) {
		STAILQ_REMOVE_HEAD(&waits, link);
		w->done(w->arg);
		free(w);
	}
	if (!STAILQ_EMPTY(&waits))
		event_add(timer, &next);
}

static void wait_for(const struct wait *now)
{
	const struct timeval next = {.tv_usec = POLL_US};
	struct wait *w;

	while (STAILQ_EMPTY(&waits) && rte_get_tsc_cycles() - now->begun < SPIN_US * (rte_get_tsc_hz() / 1000000))
		if (is_over(now)) {
			now->done(now->arg);
			return;
		}
	w = garbage_alloc(sizeof(*w));
	*w = *now;
	STAILQ_INSERT_TAIL(&waits, w, link);
	event_add(timer, &next);
}

void openflow_barrier(void (*done)(void *arg), void *arg)
{
	wait_for(&(struct wait){
		.token = rte_rcu_qsbr_start(rcu_var()), .begun = rte_get_tsc_cycles(), .done = done, .arg = arg});
}

void openflow_counts(void (*done)(void *arg), void *arg)
{
	wait_for(&(struct wait){.ticket = flow_counts_ask(), .begun = rte_get_tsc_cycles(), .done = done, .arg = arg});
}

int openflow_barrier_create(struct event_base *base)
{
	timer = event_new(base, -1, 0, on_timer, NULL);
	return timer != NULL ? 0 : -ENOMEM;
}

void openflow_barrier_destroy(void)
{
	struct wait *w;

	while ((w = STAILQ_FIRST(&waits)) != NULL) {
		STAILQ_REMOVE_HEAD(&waits, link);
		w->done(w->arg);
		free(w);
	}
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
}
