/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define PAGE_UNITS (FIB_POOL_PAGE / FIB_POOL_UNIT)
#define LINE_UNITS (FIB_POOL_LINE / FIB_POOL_UNIT)

// Sizes of blocks in units: 1..16, for the arrays of the RIB and the smaller nodes, and those of the larger nodes.
#define SMALL 16u
#define CLASSES (SMALL + 2)
#define CLASS_RUN 0xff // not a class: the first page of a run

// How many blocks have to wait before the writer asks whether a grace period is over.
#define RECLAIM_EVERY 64

struct page {
	uint32_t next, prev;  // in the list of pages of its class that have room; 0: none
	uint32_t units;       // of each block
	uint16_t used, fresh; // blocks in use; blocks that were never in use begin here
	uint16_t free;        // block index + 1 of the first one given back, 0: none; each holds the next
	uint8_t class;
};

struct list {
	uint32_t head, tail, count; // lines, 0: none
};

struct fib_pool {
	uint8_t *arena;
	struct page *page;  // [npages]
	uint64_t *taken;    // [npages / 64 + 1], bit i: page i is in use
	uint32_t *link;     // [lines of the arena]: the next block of the list that a block is in
	uint32_t npages;    // with those for overdrafts; page 0 is never used
	uint32_t max_pages; // that may be in use now
	uint32_t soft_pages;
	uint32_t used_pages;
	uint32_t hint; // no page below is free
	uint32_t room[CLASSES];
	struct list made, killed;     // of the change under way
	struct list retired, waiting; // no grace period begun yet; waiting for that of `token`
	uint32_t ask_at;              // retired blocks at which to ask for the end of the grace period
	int64_t made_bytes, killed_bytes;
	uint64_t token;
	uint64_t (*start)(void *arg);
	bool (*over)(void *arg, uint64_t token);
	void *arg;
	struct hugemem arena_mem, link_mem;
};

int fib_pool_create(struct fib_pool **out, uint64_t max_bytes)
{
	const uint32_t soft = (uint32_t)(max_bytes / FIB_POOL_PAGE);
	struct fib_pool *p;

	if (max_bytes < FIB_POOL_PAGE || max_bytes > FIB_POOL_MAX_BYTES)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->soft_pages = p->max_pages = soft;
	p->npages = 1 + soft + soft / 4 + 1;
	p->hint = 1;
	p->ask_at = RECLAIM_EVERY;
	p->page = calloc(p->npages, sizeof(*p->page));
	p->taken = calloc(p->npages / 64 + 1, sizeof(*p->taken));
	if (p->page == NULL || p->taken == NULL)
		goto free_pool;
	if (hugemem_reserve(&p->arena_mem, (size_t)p->npages * FIB_POOL_PAGE) < 0)
		goto free_pool;
	if (hugemem_reserve(&p->link_mem, (size_t)p->npages * (FIB_POOL_PAGE / FIB_POOL_LINE) * sizeof(*p->link)) < 0)
		goto free_arena;
	p->arena = p->arena_mem.addr;
	p->link = p->link_mem.addr;
	*out = p;
	return 0;

free_arena:
	hugemem_free(&p->arena_mem);
free_pool:
	free(p->taken);
	free(p->page);
	free(p);
	return -ENOMEM;
}

void fib_pool_destroy(struct fib_pool *p)
{
	if (p == NULL)
		return;
	hugemem_free(&p->link_mem);
	hugemem_free(&p->arena_mem);
	free(p->taken);
	free(p->page);
	free(p);
}

uint64_t fib_pool_used(const struct fib_pool *p)
{
	return (uint64_t)p->used_pages * FIB_POOL_PAGE;
}

uint64_t fib_pool_max(const struct fib_pool *p)
{
	return (uint64_t)p->soft_pages * FIB_POOL_PAGE;
}

void fib_pool_grace(struct fib_pool *p, uint64_t (*start)(void *arg), bool (*over)(void *arg, uint64_t token),
		    void *arg)
{
	p->start = start;
	p->over = over;
	p->arg = arg;
}

void fib_pool_overdraw(struct fib_pool *p, bool on)
{
	p->max_pages = on ? p->npages - 1 : p->soft_pages;
}

const void *fib_pool_base(const struct fib_pool *p)
{
	return p->arena;
}

// The first n free pages in a row, taken. 0: none.
static uint32_t pages_take(struct fib_pool *p, uint32_t n)
{
	uint32_t run = 0;

	if (p->used_pages + n > p->max_pages)
		return 0;
	for (uint32_t i = p->hint; i < p->npages; i++) {
		if (i % 64 == 0 && p->taken[i / 64] == UINT64_MAX) {
			i += 63;
			run = 0;
			continue;
		}
		run = (p->taken[i / 64] >> i % 64 & 1) != 0 ? 0 : run + 1;
		if (run < n)
			continue;
		const uint32_t first = i - n + 1;

		for (uint32_t k = first; k <= i; k++)
			p->taken[k / 64] |= UINT64_C(1) << k % 64;
		if (n == 1)
			p->hint = i + 1;
		p->used_pages += n;
		return first;
	}
	return 0;
}

static void pages_give(struct fib_pool *p, uint32_t first, uint32_t n)
{
	for (uint32_t k = first; k < first + n; k++)
		p->taken[k / 64] &= ~(UINT64_C(1) << k % 64);
	p->hint = RTE_MIN(p->hint, first);
	p->used_pages -= n;
}

static uint32_t pages_take_or_reclaim(struct fib_pool *p, uint32_t n)
{
	uint32_t first = pages_take(p, n);

	if (first == 0 && (p->retired.count | p->waiting.count) != 0) {
		fib_pool_reclaim(p);
		first = pages_take(p, n);
	}
	return first;
}

static void room_add(struct fib_pool *p, uint32_t i)
{
	struct page *const page = &p->page[i];
	uint32_t *const head = &p->room[page->class];

	page->prev = 0;
	page->next = *head;
	if (*head != 0)
		p->page[*head].prev = i;
	*head = i;
}

static void room_remove(struct fib_pool *p, uint32_t i)
{
	struct page *const page = &p->page[i];

	if (page->next != 0)
		p->page[page->next].prev = page->prev;
	if (page->prev != 0)
		p->page[page->prev].next = page->next;
	else
		p->room[page->class] = page->next;
}

static uint16_t *block_link(struct fib_pool *p, uint32_t i, uint32_t block)
{
	return (uint16_t *)(p->arena + (size_t)i * FIB_POOL_PAGE + (size_t)block * p->page[i].units * FIB_POOL_UNIT);
}

static bool page_full(const struct page *page)
{
	return page->free == 0 && (page->fresh + 1u) * page->units > PAGE_UNITS;
}

uint32_t fib_pool_alloc(struct fib_pool *p, uint32_t units)
{
	const uint32_t size = units <= SMALL ? units : units <= 64 ? 64 : 1024;
	const uint8_t class = (uint8_t)(units <= SMALL ? units - 1 : units <= 64 ? SMALL : SMALL + 1);
	uint32_t i, block;

	if (units > 1024) {
		const uint32_t n = (units + PAGE_UNITS - 1) / PAGE_UNITS;

		i = pages_take_or_reclaim(p, n);
		if (i != 0)
			p->page[i] = (struct page){.units = n * PAGE_UNITS, .class = CLASS_RUN};
		return i * PAGE_UNITS;
	}
	i = p->room[class];
	if (i == 0) {
		i = pages_take_or_reclaim(p, 1);
		if (i == 0)
			return 0;
		p->page[i] = (struct page){.units = size, .class = class};
		room_add(p, i);
	}
	struct page *const page = &p->page[i];

	if (page->free != 0) {
		block = page->free - 1u;
		page->free = *block_link(p, i, block);
	} else {
		block = page->fresh++;
	}
	page->used++;
	if (page_full(page))
		room_remove(p, i);
	return i * PAGE_UNITS + block * size;
}

void fib_pool_free(struct fib_pool *p, uint32_t unit)
{
	const uint32_t i = unit / PAGE_UNITS;
	struct page *const page = &p->page[i];

	if (unit == 0)
		return;
	if (page->class == CLASS_RUN) {
		pages_give(p, i, page->units / PAGE_UNITS);
		return;
	}
	const uint32_t block = unit % PAGE_UNITS / page->units;
	const bool was_full = page_full(page);

	*block_link(p, i, block) = page->free;
	page->free = (uint16_t)(block + 1);
	page->used--;
	if (page->used == 0) {
		if (!was_full)
			room_remove(p, i);
		pages_give(p, i, 1);
	} else if (was_full) {
		room_add(p, i);
	}
}

uint32_t fib_pool_units(const struct fib_pool *p, uint32_t unit)
{
	return unit != 0 ? p->page[unit / PAGE_UNITS].units : 0;
}

static void list_push(struct fib_pool *p, struct list *l, uint32_t line)
{
	p->link[line] = l->head;
	l->head = line;
	if (l->tail == 0)
		l->tail = line;
	l->count++;
}

static void list_free(struct fib_pool *p, struct list *l)
{
	while (l->head != 0) {
		const uint32_t line = l->head;

		l->head = p->link[line];
		fib_pool_free(p, line * LINE_UNITS);
	}
	*l = (struct list){0};
}

uint32_t fib_pool_make(struct fib_pool *p, uint32_t lines)
{
	const uint32_t line = fib_pool_alloc(p, lines * LINE_UNITS) / LINE_UNITS;

	if (line != 0) {
		list_push(p, &p->made, line);
		p->made_bytes += (int64_t)fib_pool_units(p, line * LINE_UNITS) * FIB_POOL_UNIT;
	}
	return line;
}

void fib_pool_kill(struct fib_pool *p, uint32_t line)
{
	list_push(p, &p->killed, line);
	p->killed_bytes += (int64_t)fib_pool_units(p, line * LINE_UNITS) * FIB_POOL_UNIT;
}

int64_t fib_pool_commit(struct fib_pool *p)
{
	const int64_t grown = p->made_bytes - p->killed_bytes;

	if (p->killed.count != 0) {
		p->link[p->killed.tail] = p->retired.head;
		p->retired.head = p->killed.head;
		if (p->retired.tail == 0)
			p->retired.tail = p->killed.tail;
		p->retired.count += p->killed.count;
	}
	p->made = p->killed = (struct list){0};
	p->made_bytes = p->killed_bytes = 0;
	if (p->retired.count >= p->ask_at) {
		fib_pool_reclaim(p);
		p->ask_at = p->retired.count + RECLAIM_EVERY;
	}
	return grown;
}

int64_t fib_pool_abort(struct fib_pool *p)
{
	list_free(p, &p->made);
	p->killed = (struct list){0};
	p->made_bytes = p->killed_bytes = 0;
	return 0;
}

uint32_t fib_pool_reclaim(struct fib_pool *p)
{
	while ((p->waiting.count | p->retired.count) != 0) {
		if (p->waiting.count != 0) {
			if (p->start != NULL && !p->over(p->arg, p->token))
				break;
			list_free(p, &p->waiting);
		}
		p->waiting = p->retired;
		p->retired = (struct list){0};
		if (p->start != NULL && p->waiting.count != 0)
			p->token = p->start(p->arg);
	}
	return p->waiting.count + p->retired.count;
}
