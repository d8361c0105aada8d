/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../datapath/rcu.h"
#include "garbage.h"

struct nexthop_watch {
	void (*fn)(void *arg, bool alive);
	void *arg;
	LIST_ENTRY(nexthop_watch) link;
};

LIST_HEAD(watchers, nexthop_watch);

static struct nexthop_table *table; // read by workers (RCU)
static struct watchers *watchers;   // [NEXTHOP_MAX]
static uint64_t used[NEXTHOP_MAX / 64];
static uint32_t count, lowest_free;

const struct nexthop_table *nexthop_table(void)
{
	return table;
}

uint32_t nexthop_count(void)
{
	return count;
}

const struct nexthop *nexthop_at(uint32_t number)
{
	return table->at[number];
}

const char *nexthop_kind_name(enum nexthop_kind kind)
{
	static const char *const name[] = {
		[NEXTHOP_DROP] = "drop",           [NEXTHOP_REJECT] = "reject",         [NEXTHOP_LOCAL] = "local",
		[NEXTHOP_CONNECTED] = "connected", [NEXTHOP_UNRESOLVED] = "unresolved", [NEXTHOP_FORWARD] = "forward",
		[NEXTHOP_GROUP] = "group",
	};

	return name[kind];
}

int nexthop_alloc(uint32_t *number)
{
	for (uint32_t w = lowest_free / 64; w < NEXTHOP_MAX / 64; w++) {
		uint32_t bit;

		if (used[w] == UINT64_MAX)
			continue;
		bit = (uint32_t)__builtin_ctzll(~used[w]);
		used[w] |= UINT64_C(1) << bit;
		*number = lowest_free = w * 64 + bit;
		count++;
		return 0;
	}
	return -ENOSPC;
}

static void number_free(void *arg)
{
	uint32_t number = (uint32_t)(uintptr_t)arg;

	used[number / 64] &= ~(UINT64_C(1) << number % 64);
	count--;
	if (number < lowest_free)
		lowest_free = number;
}

bool nexthop_alive(uint32_t number)
{
	return table->at[number] && table->at[number]->kind == NEXTHOP_FORWARD;
}

void nexthop_set(uint32_t number, struct nexthop *contents)
{
	const struct nexthop *old = table->at[number];
	bool was = nexthop_alive(number), is = contents && contents->kind == NEXTHOP_FORWARD;
	struct nexthop_watch *w, *next;

	__atomic_store_n(&table->at[number], contents, __ATOMIC_RELEASE);
	garbage_free_later((void *)(uintptr_t)old);
	if (was == is)
		return;
	for (w = LIST_FIRST(&watchers[number]); w; w = next) {
		next = LIST_NEXT(w, link);
		w->fn(w->arg, is);
	}
}

void nexthop_free(uint32_t number)
{
	assert(LIST_EMPTY(&watchers[number]));
	nexthop_set(number, NULL);
	rcu_defer((void *)(uintptr_t)number, number_free);
}

struct nexthop_watch *nexthop_watch(uint32_t number, void (*fn)(void *arg, bool alive), void *arg)
{
	struct nexthop_watch *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct nexthop_watch){.fn = fn, .arg = arg};
	LIST_INSERT_HEAD(&watchers[number], w, link);
	return w;
}

void nexthop_unwatch(struct nexthop_watch *w)
{
	if (!w)
		return;
	LIST_REMOVE(w, link);
	free(w);
}

// The numbers that are the same for all.
static void fixed_set(uint32_t number, enum nexthop_kind kind)
{
	struct nexthop *nh = garbage_alloc(sizeof(*nh));

	*nh = (struct nexthop){.kind = kind};
	used[number / 64] |= UINT64_C(1) << number % 64;
	count++;
	nexthop_set(number, nh);
}

int nexthop_create(void)
{
	memset(used, 0, sizeof(used));
	used[0] = 1; // 0 is no route
	count = 0;
	lowest_free = 1;
	// Untouched pages take no memory.
	table = calloc(1, sizeof(*table));
	watchers = calloc(NEXTHOP_MAX, sizeof(*watchers));
	if (!table || !watchers) {
		nexthop_destroy();
		return -ENOMEM;
	}
	fixed_set(NEXTHOP_NUMBER_DROP, NEXTHOP_DROP);
	fixed_set(NEXTHOP_NUMBER_REJECT, NEXTHOP_REJECT);
	fixed_set(NEXTHOP_NUMBER_LOCAL, NEXTHOP_LOCAL);
	return 0;
}

void nexthop_destroy(void)
{
	for (uint32_t number = 0; table && number < NEXTHOP_NUMBER_FIRST; number++)
		free((void *)(uintptr_t)table->at[number]);
	free(table);
	free(watchers);
	table = NULL;
	watchers = NULL;
}
