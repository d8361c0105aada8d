/* SPDX-License-Identifier: BSD-3-Clause */
#include "rib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST 8 // entries: a VRF of some routes shall be small

struct rib_chunk {
	uint32_t n, cap;
	struct rib_entry e[];
};

static int compare(const struct rib_entry *a, const struct rib_entry *b)
{
	const int order = rib_compare_prefix(a, b);

	if (order != 0)
		return order;
	return a->source == b->source ? 0 : a->source < b->source ? -1 : 1;
}

void rib_clear(struct rib *r)
{
	for (uint32_t c = 0; c < r->nchunks; c++)
		free(r->part[c].chunk);
	free(r->part);
	memset(r, 0, sizeof(*r));
}

struct rib_entry rib_key(const struct ip_prefix *p, enum rib_source source)
{
	struct rib_entry e = {.family = p->addr.family, .depth = p->depth, .source = source};

	for (unsigned int i = 0; i < 8; i++) {
		e.hi = e.hi << 8 | p->addr.bytes[i];
		e.lo = e.lo << 8 | p->addr.bytes[8 + i];
	}
	return e;
}

void rib_prefix(const struct rib_entry *e, struct ip_prefix *p)
{
	*p = (struct ip_prefix){.addr.family = e->family, .depth = e->depth};
	for (unsigned int i = 0; i < 8; i++) {
		p->addr.bytes[i] = (uint8_t)(e->hi >> (56 - 8 * i));
		p->addr.bytes[8 + i] = (uint8_t)(e->lo >> (56 - 8 * i));
	}
}

bool rib_same_prefix(const struct rib_entry *a, const struct rib_entry *b)
{
	return a->hi == b->hi && a->lo == b->lo && a->depth == b->depth && a->family == b->family;
}

static void mask(struct rib_entry *e, uint8_t depth)
{
	e->hi &= depth == 0 ? 0 : depth >= 64 ? UINT64_MAX : UINT64_MAX << (64 - depth);
	e->lo &= depth <= 64 ? 0 : UINT64_MAX << (128 - depth);
	e->depth = depth;
}

bool rib_covers(const struct rib_entry *prefix, const struct rib_entry *e)
{
	struct rib_entry masked = *e;

	if (e->depth < prefix->depth)
		return false;
	mask(&masked, prefix->depth);
	return rib_same_prefix(prefix, &masked);
}

// The chunk that `key` is in or would go into: the last one that begins at or before it, else the first.
static uint32_t chunk_of(struct rib *r, const struct rib_entry *key)
{
	uint32_t lo = 0, hi = r->nchunks, h = r->hint;

	if (h < r->nchunks && compare(&r->part[h].first, key) <= 0 &&
	    (h + 1 == r->nchunks || compare(&r->part[h + 1].first, key) > 0))
		return h;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare(&r->part[mid].first, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	r->hint = lo > 0 ? lo - 1 : 0;
	return r->hint;
}

// Index of the first entry in the chunk that is not before `key`.
static uint32_t lower(const struct rib_chunk *c, const struct rib_entry *key)
{
	uint32_t lo = 0, hi = c->n;

	// Where the first three steps go; one after the other these are misses, together one.
	for (uint32_t k = 1; k < 8; k++)
		__builtin_prefetch(&c->e[hi * k / 8]);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare(&c->e[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

// The first entry that is not before `key`; NULL: none.
static struct rib_entry *first_from(const struct rib *r, const struct rib_entry *key)
{
	uint32_t c, i;

	if (r->nchunks == 0)
		return NULL;
	c = chunk_of((struct rib *)(uintptr_t)r, key);
	i = lower(r->part[c].chunk, key);
	if (i < r->part[c].chunk->n)
		return &r->part[c].chunk->e[i];
	return c + 1 < r->nchunks ? &r->part[c + 1].chunk->e[0] : NULL;
}

// The chunk's first entry is there.
static int chunks_insert(struct rib *r, uint32_t at, struct rib_chunk *chunk)
{
	if (r->nchunks == r->cap) {
		uint32_t cap = r->cap ? 2 * r->cap : 1;
		struct rib_part *grown = realloc(r->part, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		r->part = grown;
		r->cap = cap;
	}
	memmove(&r->part[at + 1], &r->part[at], (r->nchunks - at) * sizeof(*r->part));
	r->part[at] = (struct rib_part){chunk->e[0], chunk};
	r->nchunks++;
	return 0;
}

static struct rib_chunk *chunk_resize(struct rib_chunk *c, uint32_t cap)
{
	struct rib_chunk *grown = realloc(c, sizeof(*c) + cap * sizeof(c->e[0]));

	if (grown && !c)
		grown->n = 0;
	if (grown)
		grown->cap = cap;
	return grown;
}

// Makes room in chunk c, by growth or by moving its upper half to a new one behind it. Where entries come in order, the
// full chunk stays full. 0 or -ENOMEM.
static int chunk_room(struct rib *r, uint32_t c, bool at_end)
{
	struct rib_chunk *chunk = r->part[c].chunk, *next;
	uint32_t keep = at_end ? RIB_CHUNK - 1 : RIB_CHUNK / 2;

	if (chunk->n < chunk->cap)
		return 0;
	if (chunk->cap < RIB_CHUNK) {
		chunk = chunk_resize(chunk, 2 * chunk->cap);
		if (!chunk)
			return -ENOMEM;
		r->part[c].chunk = chunk;
		return 0;
	}
	next = chunk_resize(NULL, RIB_CHUNK);
	if (next)
		memcpy(next->e, &chunk->e[keep], (RIB_CHUNK - keep) * sizeof(chunk->e[0]));
	if (!next || chunks_insert(r, c + 1, next) < 0) {
		free(next);
		return -ENOMEM;
	}
	next->n = RIB_CHUNK - keep;
	chunk->n = keep;
	return 0;
}

// Whether the entry before that of index i in chunk c is one of e's prefix.
static bool beaten(const struct rib *r, uint32_t c, uint32_t i, const struct rib_entry *e)
{
	const struct rib_chunk *chunk = r->part[c].chunk;

	if (i == 0 && c == 0)
		return false;
	if (i == 0)
		chunk = r->part[c - 1].chunk;
	return rib_same_prefix(&chunk->e[(i ? i : chunk->n) - 1], e);
}

int rib_put(struct rib *r, const struct rib_entry *e, uint32_t *old)
{
	struct rib_chunk *chunk;
	uint32_t c, i;

	*old = 0;
	if (r->nchunks == 0) {
		chunk = chunk_resize(NULL, CHUNK_FIRST);
		if (chunk)
			chunk->e[0] = *e;
		if (!chunk || chunks_insert(r, 0, chunk) < 0) {
			free(chunk);
			return -ENOMEM;
		}
		chunk->n = 1;
		c = i = 0;
		goto counted;
	}
	c = chunk_of(r, e);
	chunk = r->part[c].chunk;
	i = lower(chunk, e);
	if (i < chunk->n && compare(&chunk->e[i], e) == 0) {
		*old = chunk->e[i].value;
		chunk->e[i].value = e->value;
		return beaten(r, c, i, e);
	}
	if (chunk_room(r, c, i == chunk->n) < 0)
		return -ENOMEM;
	if (i > r->part[c].chunk->n) {
		i -= r->part[c].chunk->n;
		c++;
	}
	chunk = r->part[c].chunk;
	memmove(&chunk->e[i + 1], &chunk->e[i], (chunk->n - i) * sizeof(chunk->e[0]));
	chunk->e[i] = *e;
	chunk->n++;
	r->part[c].first = chunk->e[0];
counted:
	r->count++;
	r->depth[e->family == 6][e->depth]++;
	return beaten(r, c, i, e);
}

uint32_t rib_del(struct rib *r, const struct rib_entry *key)
{
	struct rib_chunk *chunk;
	uint32_t c, i, value;

	if (r->nchunks == 0)
		return 0;
	c = chunk_of(r, key);
	chunk = r->part[c].chunk;
	i = lower(chunk, key);
	if (i == chunk->n || compare(&chunk->e[i], key) != 0)
		return 0;
	value = chunk->e[i].value;
	memmove(&chunk->e[i], &chunk->e[i + 1], (chunk->n - i - 1) * sizeof(chunk->e[0]));
	if (--chunk->n == 0) {
		free(chunk);
		r->nchunks--;
		memmove(&r->part[c], &r->part[c + 1], (r->nchunks - c) * sizeof(*r->part));
	} else {
		r->part[c].first = chunk->e[0];
	}
	r->count--;
	r->depth[key->family == 6][key->depth]--;
	return value;
}

const struct rib_entry *rib_get(const struct rib *r, const struct rib_entry *key)
{
	const struct rib_entry *e = first_from(r, key);

	return e && compare(e, key) == 0 ? e : NULL;
}

const struct rib_entry *rib_best(const struct rib *r, const struct rib_entry *key)
{
	struct rib_entry from = *key;
	const struct rib_entry *e;

	from.source = 0;
	e = first_from(r, &from);
	return e && rib_same_prefix(e, key) ? e : NULL;
}

const struct rib_entry *rib_after(const struct rib *r, const struct rib_entry *key)
{
	struct rib_entry from;

	if (!key)
		return r->nchunks ? &r->part[0].chunk->e[0] : NULL;
	from = *key;
	from.source++; // the next in order, existing or not
	return first_from(r, &from);
}

const struct rib_entry *rib_match(const struct rib *r, const struct rib_entry *key, uint8_t max_depth)
{
	struct rib_entry from = *key;

	for (int d = max_depth; d >= 0; d--) {
		const struct rib_entry *e;

		if (!r->depth[key->family == 6][d])
			continue;
		mask(&from, (uint8_t)d);
		e = rib_best(r, &from);
		if (e)
			return e;
	}
	return NULL;
}
