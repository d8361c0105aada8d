/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_classifier_isa.h"

#include "../../tables/classifier.h"
#include "../../tables/flow_cache.h"

static uint64_t classify(const struct classifier *c, const struct flow_key *const *keys, uint64_t n, uint64_t lanes)
{
	uint32_t value[CLASSIFIER_BURST];
	uint64_t hits = 0;

	for (uint64_t i = 0; i < n; i++)
		hits += (uint64_t)__builtin_popcountll(
			classifier_lookup_lanes(c, &keys[i * CLASSIFIER_BURST], lanes, value));
	return hits;
}

static uint64_t classify_scalar(const struct classifier *c, const struct flow_key *const *keys, uint64_t n,
				uint64_t lanes)
{
	uint32_t value[CLASSIFIER_BURST];
	uint64_t hits = 0;

	for (uint64_t i = 0; i < n; i++)
		hits += (uint64_t)__builtin_popcountll(
			classifier_lookup_with(c, &keys[i * CLASSIFIER_BURST], lanes, value, &classifier_scalar));
	return hits;
}

static uint64_t cached(const struct bench_packets *p, uint64_t first, uint64_t n)
{
	uint32_t verdict[FLOW_CACHE_BURST];
	uint64_t hits = 0;

	for (uint64_t i = first; i < first + n; i++)
		hits += (uint64_t)__builtin_popcountll(flow_cache_lookup_lanes(
			p->cache, p->masks, &p->data[i * FLOW_CACHE_BURST], &p->len[i * FLOW_CACHE_BURST],
			&p->context[i * FLOW_CACHE_BURST], UINT64_MAX, verdict));
	return hits;
}

static uint64_t cached_scalar(const struct bench_packets *p, uint64_t first, uint64_t n)
{
	uint32_t verdict[FLOW_CACHE_BURST];
	uint64_t hits = 0;

	for (uint64_t i = first; i < first + n; i++)
		hits += (uint64_t)__builtin_popcountll(flow_cache_lookup_with(
			p->cache, p->masks, &p->data[i * FLOW_CACHE_BURST], &p->len[i * FLOW_CACHE_BURST],
			&p->context[i * FLOW_CACHE_BURST], UINT64_MAX, verdict, &flow_cache_scalar));
	return hits;
}

static void parse_lanes(const struct bench_packets *p, uint64_t first, uint64_t lanes, struct flow_key *key,
			const struct flow_key **ptr)
{
	for (uint64_t m = lanes; m != 0; m &= m - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(m);
		struct flow_layers layers;

		flow_key_extract(p->data[first + i], p->len[first + i], p->context[first + i], &key[i], &layers);
		ptr[i] = &key[i];
	}
}

static uint64_t whole(const struct bench_packets *p, uint64_t first, uint64_t n)
{
	struct flow_key key[FLOW_CACHE_BURST];
	const struct flow_key *ptr[FLOW_CACHE_BURST];
	uint32_t verdict[FLOW_CACHE_BURST];
	uint64_t all = 0;

	for (uint64_t i = first * FLOW_CACHE_BURST; i < (first + n) * FLOW_CACHE_BURST; i += FLOW_CACHE_BURST) {
		const uint64_t hits = flow_cache_lookup_lanes(p->cache, p->masks, &p->data[i], &p->len[i],
							      &p->context[i], UINT64_MAX, verdict);

		all += (uint64_t)__builtin_popcountll(hits);
		if (hits == UINT64_MAX)
			continue;
		parse_lanes(p, i, ~hits, key, ptr);
		classifier_lookup_lanes(p->table, ptr, ~hits, verdict);
		for (uint64_t m = ~hits; m != 0; m &= m - 1)
			flow_cache_insert(p->cache, (uint32_t)__builtin_ctzll(m), verdict[__builtin_ctzll(m)] + 1);
	}
	return all;
}

static uint64_t parse(const struct bench_packets *p, uint64_t first, uint64_t n)
{
	struct flow_key key[FLOW_CACHE_BURST];
	const struct flow_key *ptr[FLOW_CACHE_BURST];
	uint64_t parsed = 0;

	for (uint64_t i = first; i < first + n; i++) {
		parse_lanes(p, i * FLOW_CACHE_BURST, UINT64_MAX, key, ptr);
		parsed += FLOW_CACHE_BURST - (ptr[0]->word[0] == 0);
	}
	return parsed;
}

const struct bench_isa BENCH_ISA = {.name = BENCH_NAME,
				    .classify = classify,
				    .classify_scalar = classify_scalar,
				    .cached = cached,
				    .cached_scalar = cached_scalar,
				    .whole = whole,
				    .parse = parse};
