/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_timeout.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "flow_change.h"
#include "log.h"

#define SLICE 4096 // entries at once

struct timeout {
	uint64_t at_ns;
	uint32_t number;
};

static struct {
	struct timeout *heap; // [n], the earliest first
	uint32_t n, room;
	uint32_t *at; // [FLOW_ENTRIES_MAX] place in the heap plus one, by number
} timeouts;

// What cannot be remembered would never expire; as in txn.c.
static void *must(void *memory)
{
	if (memory != NULL)
		return memory;
	fprintf(stderr, "flow timeouts: out of memory\n");
	abort();
}

static void place(uint32_t i, struct timeout t)
{
	timeouts.heap[i] = t;
	timeouts.at[t.number] = i + 1;
}

static void up(uint32_t i, struct timeout t)
{
	for (; i > 0 && timeouts.heap[(i - 1) / 2].at_ns > t.at_ns; i = (i - 1) / 2)
		place(i, timeouts.heap[(i - 1) / 2]);
	place(i, t);
}

static void down(uint32_t i, struct timeout t)
{
	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c + 1 < timeouts.n && timeouts.heap[c + 1].at_ns < timeouts.heap[c].at_ns)
			c++;
		if (c >= timeouts.n || timeouts.heap[c].at_ns >= t.at_ns)
			break;
		place(i, timeouts.heap[c]);
		i = c;
	}
	place(i, t);
}

void flow_timeout_clear(uint32_t number)
{
	const uint32_t i = timeouts.at != NULL ? timeouts.at[number] : 0;
	struct timeout last;

	if (i == 0)
		return;
	timeouts.at[number] = 0;
	last = timeouts.heap[--timeouts.n];
	if (i - 1 == timeouts.n)
		return;
	if (i > 1 && timeouts.heap[i / 2 - 1].at_ns > last.at_ns)
		up(i - 1, last);
	else
		down(i - 1, last);
}

static void set(uint32_t number, uint64_t at_ns)
{
	flow_timeout_clear(number);
	if (timeouts.at == NULL)
		timeouts.at = must(calloc(FLOW_ENTRIES_MAX, sizeof(*timeouts.at)));
	if (timeouts.n == timeouts.room) {
		timeouts.room = timeouts.room > 0 ? 2 * timeouts.room : 64;
		timeouts.heap = must(realloc(timeouts.heap, timeouts.room * sizeof(*timeouts.heap)));
	}
	timeouts.n++;
	up(timeouts.n - 1, (struct timeout){at_ns, number});
}

// When the entry's last packet was counted, or it was made.
static uint64_t last_used_ns(const struct flow *x, uint64_t now_ns)
{
	const uint64_t used = flow_count_get(FLOW_COUNT_ENTRY, x->number).used, tsc = rte_rdtsc();
	const uint64_t ago =
		used != 0 && used < tsc ? (uint64_t)((double)(tsc - used) * (uint64_t)NS_PER_S / rte_get_tsc_hz()) : 0;

	return used != 0 && now_ns - ago > x->created_ns ? now_ns - ago : x->created_ns;
}

static uint64_t due_ns(const struct flow *x, uint64_t used_ns, enum flow_removed_reason *reason)
{
	const uint64_t hard = x->hard_timeout ? x->created_ns + x->hard_timeout * (uint64_t)NS_PER_S : UINT64_MAX;
	const uint64_t idle = x->idle_timeout ? used_ns + x->idle_timeout * (uint64_t)NS_PER_S : UINT64_MAX;

	*reason = hard <= idle ? FLOW_REMOVED_HARD : FLOW_REMOVED_IDLE;
	return RTE_MIN(hard, idle);
}

void flow_timeout_set(const struct flow *x)
{
	enum flow_removed_reason reason;

	if (x->idle_timeout || x->hard_timeout)
		set(x->number, due_ns(x, x->created_ns, &reason));
	else
		flow_timeout_clear(x->number);
}

void flow_timeout_poll(void)
{
	const uint64_t now_ns = flow_now_ns();
	struct flow_error e;
	struct fault f = {0};
	struct txn t;
	int rc = 0;

	if (timeouts.n == 0 || timeouts.heap[0].at_ns > now_ns)
		return;
	txn_begin(&t, false);
	for (uint32_t i = 0; i < SLICE && timeouts.n > 0 && timeouts.heap[0].at_ns <= now_ns && rc == 0; i++) {
		struct flow *x = flow_by_number(timeouts.heap[0].number);
		enum flow_removed_reason reason;
		const uint64_t due = due_ns(x, last_used_ns(x, now_ns), &reason);

		if (due > now_ns) {
			set(x->number, due);
			continue;
		}
		// Out of the heap at once, so that the next one is at its top.
		flow_timeout_clear(x->number);
		flow_change_begin(&t, x->fb);
		rc = flow_change_del(x, reason, &e);
		flow_change_end(&t);
	}
	if (rc == 0)
		rc = txn_commit(&t, &f);
	else
		txn_rollback(&t);
	if (rc < 0)
		LOG(ERR, "flow entries that have expired cannot be taken out: %s", f.message);
}

void flow_timeout_destroy(void)
{
	free(timeouts.heap);
	free(timeouts.at);
	timeouts = (typeof(timeouts)){.n = 0};
}
