/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_retire.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "../datapath/flow.h"
#include "garbage.h"

#define DRAIN_MS 1000

struct retired {
	STAILQ_ENTRY(retired) link;
	uint64_t ticket;
	void (*fn)(void *arg);
	void *arg;
};

static STAILQ_HEAD(, retired) queue = STAILQ_HEAD_INITIALIZER(queue);

void flow_retire(void (*fn)(void *arg), void *arg)
{
	struct retired *r = garbage_alloc(sizeof(*r));

	*r = (struct retired){.ticket = flow_counts_ask(), .fn = fn, .arg = arg};
	STAILQ_INSERT_TAIL(&queue, r, link);
}

static void retire_first(void)
{
	struct retired *r = STAILQ_FIRST(&queue);

	STAILQ_REMOVE_HEAD(&queue, link);
	r->fn(r->arg);
	free(r);
}

void flow_retire_poll(void)
{
	while (!STAILQ_EMPTY(&queue) && flow_counts_done(STAILQ_FIRST(&queue)->ticket))
		retire_first();
}

void flow_retire_drain(void)
{
	if (STAILQ_EMPTY(&queue))
		return;
	flow_counts_sync(DRAIN_MS);
	while (!STAILQ_EMPTY(&queue))
		retire_first();
}
