/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "../tables/random64.h"
#include "flow_walk.h"

static const uint32_t counters[FLOW_COUNT_KINDS] = {
	[FLOW_COUNT_ENTRY] = FLOW_ENTRIES_MAX,
	[FLOW_COUNT_GROUP] = FLOW_GROUP_COUNTS_MAX,
	[FLOW_COUNT_METER] = FLOW_METERS_MAX * (FLOW_BANDS_MAX + 1),
	[FLOW_COUNT_TABLE] = FLOW_SWITCHES_MAX << 8,
};

static struct flow_tables tables;
static struct flow_worker *of_worker[WORKERS_MAX];   // NULL: none
static struct flow_count *cleared[FLOW_COUNT_KINDS]; // what counters were when they were cleared
static uint64_t ticket;
static uint32_t of_each_worker; // entries of its flow cache

const struct flow_tables *flow_tables(void)
{
	return &tables;
}

// calloc, so that what is never used takes no memory.
static bool tables_alloc(void)
{
	tables.entry = calloc(FLOW_ENTRIES_MAX, sizeof(struct flow_entry *));
	tables.group = calloc(FLOW_GROUPS_MAX, sizeof(struct flow_group *));
	tables.meter = calloc(FLOW_METERS_MAX, sizeof(struct flow_meter *));
	for (unsigned int k = 0; k < FLOW_COUNT_KINDS; k++) {
		cleared[k] = calloc(counters[k], sizeof(*cleared[k]));
		if (cleared[k] == NULL)
			return false;
	}
	return tables.entry != NULL && tables.group != NULL && tables.meter != NULL;
}

int flow_create(uint32_t cache_entries)
{
	of_each_worker = cache_entries;
	tables.seed = random64();
	if (tables_alloc())
		return 0;
	flow_destroy();
	return -ENOMEM;
}

int flow_workers_create(void)
{
	int ret = 0;

	for (unsigned int i = 0; i < workers_count() && ret == 0; i++)
		if (worker_at(i)->flow == NULL)
			ret = worker_flow_create(worker_at(i), of_each_worker);
	return ret;
}

void flow_destroy(void)
{
	flow_packet_outs_destroy();
	for (unsigned int i = 0; i < workers_count(); i++)
		worker_flow_destroy(worker_at(i));
	for (unsigned int k = 0; k < FLOW_COUNT_KINDS; k++) {
		free(cleared[k]);
		cleared[k] = NULL;
	}
	free(tables.entry);
	free(tables.group);
	free(tables.meter);
	tables = (struct flow_tables){0};
}

static bool rows_alloc(struct flow_worker *f)
{
	for (unsigned int k = 0; k < FLOW_COUNT_KINDS; k++) {
		f->count[k] = calloc(counters[k], sizeof(*f->count[k]));
		if (f->count[k] == NULL)
			return false;
	}
	return true;
}

int worker_flow_create(struct worker *w, uint32_t cache_entries)
{
	struct flow_worker *f = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*f));
	int ret = -ENOMEM;

	if (f == NULL)
		return ret;
	memset(f, 0, sizeof(*f));
	f->tables = &tables;
	// Keys lie on cache lines, and are copied by instructions that insist on it.
	f->walk = aligned_alloc(RTE_CACHE_LINE_SIZE, BURST_MAX * sizeof(*f->walk));
	if (f->walk != NULL && rows_alloc(f))
		ret = flow_cache_create(&f->cache, cache_entries, 0);
	if (ret == 0)
		ret = flow_verdicts_create(&f->verdicts, cache_entries);
	if (ret < 0) {
		flow_worker_free(f);
		return ret;
	}
	memset(f->walk, 0, BURST_MAX * sizeof(*f->walk));
	f->shared.asked = f->reply.done = ticket;
	of_worker[w->index] = f;
	__atomic_store_n(&w->flow, f, __ATOMIC_RELEASE);
	return 0;
}

void flow_worker_free(struct flow_worker *f)
{
	flow_verdicts_destroy(&f->verdicts);
	free(f->walk);
	flow_cache_destroy(f->cache);
	for (unsigned int k = 0; k < FLOW_COUNT_KINDS; k++)
		free(f->count[k]);
	free(f);
}

void worker_flow_destroy(struct worker *w)
{
	if (w->flow == NULL)
		return;
	of_worker[w->index] = NULL;
	flow_worker_free(w->flow);
	w->flow = NULL;
}

void flow_changed(void)
{
	__atomic_fetch_add(&tables.generation, 1, __ATOMIC_SEQ_CST);
}

void flow_worker_fold(struct flow_worker *f, uint64_t now)
{
	const uint64_t asked = __atomic_load_n(&f->shared.asked, __ATOMIC_ACQUIRE);
	const bool waits = asked != f->reply.done;

	if (!f->folding) {
		if (likely(!waits && now < f->fold_at))
			return;
		f->folding = true;
		f->folding_for = asked;
		f->fold_at = now + FLOW_FOLD_US * (rte_get_tsc_hz() / 1000000);
	}
	if (!flow_verdicts_fold(&f->verdicts, f->count, waits ? FLOW_FOLD_ASKED : FLOW_FOLD_SLICE, now))
		return;
	f->folding = false;
	__atomic_store_n(&f->reply.done, f->folding_for, __ATOMIC_RELEASE);
}

void flow_fold_all(struct flow_worker *f)
{
	while (__atomic_load_n(&f->reply.done, __ATOMIC_RELAXED) != f->shared.asked || f->folding)
		flow_worker_fold(f, rte_rdtsc());
}

const struct flow_switch *flow_switch_set(uint16_t number, const struct flow_switch *s)
{
	return __atomic_exchange_n(&tables.sw[number], s, __ATOMIC_ACQ_REL);
}

const struct flow_entry *flow_entry_set(uint32_t number, const struct flow_entry *e)
{
	return __atomic_exchange_n(&tables.entry[number], e, __ATOMIC_ACQ_REL);
}

const struct flow_group *flow_group_set(uint32_t number, const struct flow_group *g)
{
	return __atomic_exchange_n(&tables.group[number], g, __ATOMIC_ACQ_REL);
}

struct flow_meter *flow_meter_set(uint32_t number, struct flow_meter *m)
{
	struct flow_meter *const was = __atomic_exchange_n(&tables.meter[number], m, __ATOMIC_ACQ_REL);

	// What is cached depends on whether it remarks.
	flow_changed();
	return was;
}

uint64_t flow_counts_ask(void)
{
	ticket++;
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		if (of_worker[i] != NULL)
			__atomic_store_n(&of_worker[i]->shared.asked, ticket, __ATOMIC_SEQ_CST);
	}
	return ticket;
}

bool flow_counts_done(uint64_t of_ticket)
{
	bool done = true;

	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		struct flow_worker *const f = of_worker[i];

		if (f == NULL)
			continue;
		if (!workers_running())
			flow_fold_all(f);
		done &= __atomic_load_n(&f->reply.done, __ATOMIC_ACQUIRE) >= of_ticket;
	}
	return done;
}

int flow_counts_sync(uint32_t timeout_ms)
{
	const uint64_t until = rte_get_tsc_cycles() + timeout_ms * (rte_get_tsc_hz() / 1000);
	const struct timespec nap = {.tv_nsec = 20000};
	const uint64_t mine = flow_counts_ask();

	while (!flow_counts_done(mine)) {
		if (rte_get_tsc_cycles() > until)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static struct flow_count count_raw(enum flow_count_kind kind, uint32_t number)
{
	struct flow_count sum = {0};

	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		const struct flow_count *const c = of_worker[i] != NULL ? &of_worker[i]->count[kind][number] : NULL;

		if (c == NULL)
			continue;
		sum.packets += __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
		sum.bytes += __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
		sum.used = RTE_MAX(sum.used, __atomic_load_n(&c->used, __ATOMIC_RELAXED));
	}
	return sum;
}

struct flow_count flow_count_get(enum flow_count_kind kind, uint32_t number)
{
	const struct flow_count was = cleared[kind][number];
	struct flow_count is = count_raw(kind, number);

	is.packets -= was.packets;
	is.bytes -= was.bytes;
	if (is.packets == 0)
		is.used = 0;
	return is;
}

void flow_count_clear(enum flow_count_kind kind, uint32_t number)
{
	cleared[kind][number] = count_raw(kind, number);
}
