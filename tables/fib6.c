/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6.h"

int fib6_create(struct fib6 **out, struct fib_pool *pool)
{
	struct fib_trie *t;
	const int ret = fib_trie_create(&t, pool, FIB6_BITS);

	if (ret == 0)
		*out = (struct fib6 *)t;
	return ret;
}

void fib6_destroy(struct fib6 *f)
{
	fib_trie_destroy((struct fib_trie *)f);
}

int fib6_set(struct fib6 *f, struct fib6_addr prefix, uint8_t depth, uint32_t value)
{
	return fib_trie_set(&f->trie, &prefix, depth, value);
}

int fib6_del(struct fib6 *f, struct fib6_addr prefix, uint8_t depth)
{
	return fib_trie_del(&f->trie, &prefix, depth);
}

int fib6_get(const struct fib6 *f, struct fib6_addr prefix, uint8_t depth, uint32_t *value)
{
	return fib_trie_get(&f->trie, &prefix, depth, value);
}

uint32_t fib6_count(const struct fib6 *f)
{
	return f->trie.count;
}

uint64_t fib6_bytes(const struct fib6 *f)
{
	return fib_trie_bytes(&f->trie);
}

int fib6_match(const struct fib6 *f, struct fib6_addr addr, uint8_t max_depth, struct fib6_addr *prefix, uint8_t *depth,
	       uint32_t *value)
{
	unsigned int found;
	const int ret = fib_trie_match(&f->trie, &addr, max_depth, prefix, &found, value);

	*depth = (uint8_t)found;
	return ret;
}

int fib6_next(const struct fib6 *f, struct fib6_addr *prefix, uint8_t *depth, uint32_t *value)
{
	unsigned int found = *depth;
	const int ret = fib_trie_next(&f->trie, prefix, &found, value);

	*depth = (uint8_t)found;
	return ret;
}
