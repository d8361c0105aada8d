/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_pool.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "random64.h"

#define LINE RTE_CACHE_LINE_SIZE
#define CHUNK_MIN ((size_t)8 << 10)
#define CHUNK_MAX ((size_t)2 << 20)
#define CHUNKS_MAX 4096

// Blocks from here on are worth huge pages. Smaller ones come from malloc(): on boundaries of pages, those of many
// masks would all fall into the same few sets of the first-level cache.
#define BIG ((size_t)1 << 20)

#define GATHER 64 // retired things that make a grace period worth asking for

enum { CELLS_1, CELLS_2, BLOCKS, KINDS };

struct bag {
	struct flow_pool_node *head[KINDS];
	uint32_t count;
};

struct flow_pool {
	struct flow_key secret;
	uint64_t seed;
	uint32_t count, entries;
	struct flow_pool_node *free[2]; // cells of one and of two lines
	uint8_t *fresh;                 // never used memory of the last chunk
	size_t fresh_bytes;
	struct hugemem chunk[CHUNKS_MAX];
	uint32_t nchunks;
	uint64_t block_bytes;
	struct bag open, waiting; // retired since the last grace period began; waiting for that of `token`
	uint64_t token;
	uint64_t (*start)(void *arg);
	bool (*over)(void *arg, uint64_t token);
	void *arg;
};

uint64_t flow_pool_salt(struct flow_pool *p)
{
	return random64_next(&p->seed);
}

int flow_pool_create(struct flow_pool **out, uint32_t entries, uint64_t seed)
{
	struct flow_pool *p;

	if (entries == 0)
		return -EINVAL;
	p = aligned_alloc(LINE, RTE_ALIGN_CEIL(sizeof(*p), LINE));
	if (p == NULL)
		return -ENOMEM;
	*p = (struct flow_pool){.entries = entries, .seed = seed != 0 ? seed : random64()};
	for (uint32_t i = 0; i < FLOW_KEY_WORDS; i++)
		p->secret.word[i] = flow_pool_salt(p);
	*out = p;
	return 0;
}

static void cell_push(struct flow_pool *p, uint32_t kind, struct flow_pool_node *cell)
{
	cell->next = p->free[kind];
	p->free[kind] = cell;
}

static void bag_free(struct flow_pool *p, struct bag *b)
{
	struct flow_pool_node *n, *next;

	for (uint32_t kind = 0; kind < KINDS; kind++) {
		for (n = b->head[kind]; n != NULL; n = next) {
			next = n->next;
			if (kind == BLOCKS)
				flow_pool_block_free(p, (struct flow_pool_block *)n);
			else
				cell_push(p, kind, n);
		}
	}
	*b = (struct bag){0};
}

void flow_pool_destroy(struct flow_pool *p)
{
	if (p == NULL)
		return;
	bag_free(p, &p->open);
	bag_free(p, &p->waiting);
	for (uint32_t i = 0; i < p->nchunks; i++)
		hugemem_free(&p->chunk[i]);
	free(p);
}

void flow_pool_grace(struct flow_pool *p, uint64_t (*start)(void *arg), bool (*over)(void *arg, uint64_t token),
		     void *arg)
{
	p->start = start;
	p->over = over;
	p->arg = arg;
}

uint32_t flow_pool_reclaim(struct flow_pool *p)
{
	if (p->waiting.count > 0 && p->over(p->arg, p->token))
		bag_free(p, &p->waiting);
	if (p->waiting.count == 0 && p->open.count > 0) {
		p->waiting = p->open;
		p->open = (struct bag){0};
		p->token = p->start(p->arg);
	}
	return p->waiting.count + p->open.count;
}

static void retire(struct flow_pool *p, struct flow_pool_node *n, uint32_t kind)
{
	n->next = p->open.head[kind];
	p->open.head[kind] = n;
	p->open.count++;
	if (p->start == NULL)
		bag_free(p, &p->open);
	else if (p->open.count % GATHER == 0)
		flow_pool_reclaim(p);
}

uint32_t flow_pool_count(const struct flow_pool *p)
{
	return p->count;
}

uint32_t flow_pool_entries(const struct flow_pool *p)
{
	return p->entries;
}

uint64_t flow_pool_memory_bytes(const struct flow_pool *p)
{
	uint64_t bytes = sizeof(*p) + p->block_bytes;

	for (uint32_t i = 0; i < p->nchunks; i++)
		bytes += p->chunk[i].bytes;
	return bytes;
}

bool flow_pool_enter(struct flow_pool *p)
{
	if (p->count == p->entries)
		return false;
	p->count++;
	return true;
}

void flow_pool_leave(struct flow_pool *p)
{
	p->count--;
}

const struct flow_key *flow_pool_secret(const struct flow_pool *p)
{
	return &p->secret;
}

static uint32_t kind_of(size_t bytes)
{
	return bytes <= LINE ? CELLS_1 : CELLS_2;
}

// Makes room for one more cell; what is left of the last chunk becomes cells of one line.
static bool chunk_alloc(struct flow_pool *p)
{
	const size_t bytes = RTE_MIN(CHUNK_MIN << RTE_MIN(p->nchunks, 16u), CHUNK_MAX);

	if (p->nchunks == CHUNKS_MAX || hugemem_alloc(&p->chunk[p->nchunks], bytes) < 0)
		return false;
	for (; p->fresh_bytes > 0; p->fresh += LINE, p->fresh_bytes -= LINE)
		cell_push(p, CELLS_1, (struct flow_pool_node *)p->fresh);
	p->fresh = p->chunk[p->nchunks++].addr;
	p->fresh_bytes = bytes;
	return true;
}

void *flow_pool_alloc(struct flow_pool *p, size_t bytes)
{
	const uint32_t kind = kind_of(bytes);
	const size_t size = (size_t)LINE << kind;
	void *cell = p->free[kind];

	if (cell != NULL) {
		p->free[kind] = p->free[kind]->next;
	} else {
		if (p->fresh_bytes < size && !chunk_alloc(p))
			return NULL;
		cell = p->fresh;
		p->fresh += size;
		p->fresh_bytes -= size;
	}
	return memset(cell, 0, size);
}

void flow_pool_free(struct flow_pool *p, void *cell, size_t bytes)
{
	cell_push(p, kind_of(bytes), cell);
}

void flow_pool_retire(struct flow_pool *p, struct flow_pool_node *cell, size_t bytes)
{
	retire(p, cell, kind_of(bytes));
}

void *flow_pool_block_alloc(struct flow_pool *p, size_t bytes)
{
	const size_t size = RTE_ALIGN_CEIL(bytes, (size_t)LINE);
	struct hugemem mem = {0};
	struct flow_pool_block *b;

	if (size >= BIG) {
		if (hugemem_alloc(&mem, size) < 0)
			return NULL;
		b = mem.addr;
		p->block_bytes += mem.bytes;
	} else {
		b = aligned_alloc(LINE, size);
		if (b == NULL)
			return NULL;
		memset(b, 0, size);
		p->block_bytes += malloc_usable_size(b);
	}
	b->mem = mem;
	return b;
}

void flow_pool_block_free(struct flow_pool *p, struct flow_pool_block *block)
{
	struct hugemem mem = block->mem;

	if (mem.addr != NULL) {
		p->block_bytes -= mem.bytes;
		hugemem_free(&mem);
	} else {
		p->block_bytes -= malloc_usable_size(block);
		free(block);
	}
}

void flow_pool_block_retire(struct flow_pool *p, struct flow_pool_block *block)
{
	retire(p, &block->node, BLOCKS);
}
