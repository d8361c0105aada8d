/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_cache.h"

#include <errno.h>
#include <stdlib.h>

#include "random64.h"

// A whole round of sweeps takes at most this many epochs, far fewer than there are numbers for.
#define SWEEP_EPOCHS 16384
#define SETS_FIRST (FLOW_CACHE_ENTRIES_FIRST / FLOW_CACHE_WAYS)

int flow_cache_create(struct flow_cache **out, uint32_t entries, uint64_t seed)
{
	struct flow_cache *c;
	uint32_t sets = FLOW_CACHE_ENTRIES_MIN / FLOW_CACHE_WAYS;
	int ret;

	if (entries < FLOW_CACHE_ENTRIES_MIN || entries > FLOW_CACHE_ENTRIES_MAX)
		return -EINVAL;
	while (sets * FLOW_CACHE_WAYS < entries)
		sets *= 2;
	c = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	*c = (struct flow_cache){.sets = sets,
				 .set_mask = RTE_MIN(sets, SETS_FIRST) - 1,
				 .epoch = 1,
				 .sweep_sets = sets / SWEEP_EPOCHS + 1};
	if (seed == 0)
		seed = random64();
	for (uint32_t i = 0; i < RTE_DIM(c->secret.word); i++)
		c->secret.word[i] = random64_next(&seed);
	c->salt = random64_next(&seed);
	ret = hugemem_alloc(&c->mem, sets * (sizeof(*c->set) + FLOW_CACHE_WAYS * sizeof(*c->key)) + sizeof(*c->key));
	if (ret < 0) {
		free(c);
		return ret;
	}
	c->set = c->mem.addr;
	c->key = (struct flow_cache_key *)(c->set + sets);
	*out = c;
	return 0;
}

void flow_cache_destroy(struct flow_cache *c)
{
	if (c == NULL)
		return;
	hugemem_free(&c->mem);
	free(c);
}

uint32_t flow_cache_entries(const struct flow_cache *c)
{
	return c->sets * FLOW_CACHE_WAYS;
}

uint64_t flow_cache_memory_bytes(const struct flow_cache *c)
{
	return sizeof(*c) + c->mem.bytes;
}

static void epoch_next(struct flow_cache *c)
{
	c->epoch = c->epoch == UINT16_MAX ? 1 : c->epoch + 1;
	c->flushes++;
	for (uint32_t i = 0; i < c->sweep_sets; i++) {
		c->set[c->sweep] = (struct flow_cache_set){0};
		c->sweep = (c->sweep + 1) & (c->sets - 1);
	}
	c->taken = 0;
}

void flow_cache_flush(struct flow_cache *c)
{
	if (c->set_mask >= SETS_FIRST && c->taken < c->set_mask)
		c->set_mask /= 2;
	epoch_next(c);
}

// Where a new entry goes: FLOW_CACHE_WAYS for nowhere. One with the same mark has to go first, as a look-up sees only
// one of these; what is from another epoch is free.
static uint32_t way_for(struct flow_cache *c, const struct flow_cache_set *s, uint32_t mark)
{
	uint32_t free_way = FLOW_CACHE_WAYS;

	for (uint32_t i = 0; i < FLOW_CACHE_WAYS; i++) {
		if (s->way[i] >> 32 == mark)
			return i;
		if (s->way[i] >> 48 != c->epoch)
			free_way = i;
	}
	if (free_way < FLOW_CACHE_WAYS) {
		c->taken++;
		return free_way;
	}
	if (++c->turn % 4 != 0)
		return FLOW_CACHE_WAYS;
	c->evicted++;
	return c->turn / 4 % FLOW_CACHE_WAYS;
}

void flow_cache_insert(struct flow_cache *c, uint32_t lane, uint32_t verdict)
{
	const uint64_t hash = c->hash[lane];
	const uint32_t index = flow_cache_set_of(c, hash), mark = flow_cache_mark(c, hash);
	uint32_t way;

	if ((c->keyed >> lane & 1) == 0)
		return;
	way = way_for(c, &c->set[index], mark);
	if (way == FLOW_CACHE_WAYS)
		return;
	c->key[index * FLOW_CACHE_WAYS + way] = c->wanted[lane];
	c->set[index].way[way] = (uint64_t)mark << 32 | verdict;
	if (unlikely(c->taken > c->set_mask / 2 * FLOW_CACHE_WAYS) && c->set_mask + 1 < c->sets) {
		c->set_mask = 2 * c->set_mask + 1;
		// Else copies that nobody finds any more would fill the first sets.
		epoch_next(c);
	}
}
