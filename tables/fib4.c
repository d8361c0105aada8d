/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib4.h"

#define KEY(addr) ((struct fib6_addr){.hi = (uint64_t)(addr) << 32})

int fib4_create(struct fib4 **out, struct fib_pool *pool)
{
	struct fib_trie *t;
	const int ret = fib_trie_create(&t, pool, FIB4_BITS);

	if (ret == 0)
		*out = (struct fib4 *)t;
	return ret;
}

void fib4_destroy(struct fib4 *f)
{
	fib_trie_destroy((struct fib_trie *)f);
}

int fib4_set(struct fib4 *f, uint32_t prefix, uint8_t depth, uint32_t value)
{
	return fib_trie_set(&f->trie, &KEY(prefix), depth, value);
}

int fib4_del(struct fib4 *f, uint32_t prefix, uint8_t depth)
{
	return fib_trie_del(&f->trie, &KEY(prefix), depth);
}

int fib4_get(const struct fib4 *f, uint32_t prefix, uint8_t depth, uint32_t *value)
{
	return fib_trie_get(&f->trie, &KEY(prefix), depth, value);
}

uint32_t fib4_count(const struct fib4 *f)
{
	return f->trie.count;
}

uint64_t fib4_bytes(const struct fib4 *f)
{
	return fib_trie_bytes(&f->trie);
}

int fib4_match(const struct fib4 *f, uint32_t addr, uint8_t max_depth, uint32_t *prefix, uint8_t *depth,
	       uint32_t *value)
{
	struct fib6_addr key;
	unsigned int found;
	const int ret = fib_trie_match(&f->trie, &KEY(addr), max_depth, &key, &found, value);

	*prefix = (uint32_t)(key.hi >> 32);
	*depth = (uint8_t)found;
	return ret;
}

int fib4_next(const struct fib4 *f, uint32_t *prefix, uint8_t *depth, uint32_t *value)
{
	struct fib6_addr key = KEY(*prefix);
	unsigned int found = *depth;
	const int ret = fib_trie_next(&f->trie, &key, &found, value);

	*prefix = (uint32_t)(key.hi >> 32);
	*depth = (uint8_t)found;
	return ret;
}
