/* SPDX-License-Identifier: BSD-3-Clause */
// Cycles per packet of the flow cache, by number of flows, and of what a packet costs that it does not know: parsing,
// classification by 20 masks with 1000 rules, insertion. Each figure is the median of many short windows with the
// minimum in brackets, in TSC cycles per packet. The packets lie in memory of their own, 64 bytes each, and are read in
// order.
//   bench_flow_cache [flows cache-entries]...
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "../../tables/classifier.h"
#include "../../tables/flow_cache.h"
#include "../rng.h"
#include "bench_classifier_isa.h"

#define WINDOWS 101
#define WINDOW_BURSTS 16
#define MASKS 20
#define RULES 1000
#define PACKET 64

struct bench {
	uint32_t flows, entries;
	struct flow_pool *pool;
	struct classifier *table;
	struct flow_cache *cache;
	struct flow_window_masks masks;
	uint8_t *packet; // [flows][PACKET]
	const uint8_t **data;
	uint16_t *len, *context;
};

static uint64_t rng_state = RNG_SEED;

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng_next(&rng_state) % below);
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void be(uint8_t *at, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

// UDP over IPv4, as traffic generators send it.
static void packet_make(uint8_t *p, uint32_t flow)
{
	memset(p, 0, PACKET);
	be(p, 0x020000000001, 6);
	be(p + 6, 0x020000000002, 6);
	be(p + 12, 0x0800450000, 5);
	be(p + 16, 46, 2);
	be(p + 18, rng(65536), 2);
	be(p + 22, 0x4011, 2);
	be(p + 26, 0x0a000000 | (flow >> 8), 4);
	be(p + 30, 0x0b000000 | rng(1u << 24), 4);
	be(p + 34, 1024 + flow % 256, 2);
	be(p + 36, 2000, 2);
	be(p + 38, 26, 2);
}

static void set(struct flow_key *key, struct flow_key *mask, enum flow_field field, uint64_t value, uint64_t bits)
{
	flow_key_set(key, mask, field, (struct flow_value){.lo = value}, (struct flow_value){.lo = bits});
}

// Rules that few packets meet, in front of one that all do.
static int rules_make(struct bench *b)
{
	struct flow_used used = {0};
	struct flow_key any = {0};

	for (uint32_t i = 0; i < RULES; i++) {
		const uint32_t m = i % MASKS;
		struct flow_key key = {0}, mask = {0};

		set(&key, &mask, FLOW_FIELD_ETH_TYPE, 0x0800, UINT16_MAX);
		set(&key, &mask, FLOW_FIELD_IP_PROTO, 17, UINT8_MAX);
		set(&key, &mask, FLOW_FIELD_IPV4_DST, 0x0c000000 | i << 8, UINT32_MAX << m % 10);
		if (m >= 10)
			set(&key, &mask, FLOW_FIELD_IPV4_SRC, 0x0a000000, UINT32_MAX << 24);
		if (m % 4 == 0)
			set(&key, &mask, FLOW_FIELD_UDP_DST, i, UINT16_MAX);
		if (m % 4 == 1)
			set(&key, &mask, FLOW_FIELD_UDP_SRC, i, UINT16_MAX);
		if (classifier_insert(b->table, &key, &mask, (uint16_t)(100 + m), i + 1) < 0)
			return -1;
	}
	if (classifier_insert(b->table, &any, &any, 1, RULES + 1) < 0)
		return -1;
	classifier_used(b->table, &used);
	flow_window_masks_make(&used, &b->masks);
	return 0;
}

static int fill(struct bench *b)
{
	const uint32_t n = b->flows;

	if (flow_pool_create(&b->pool, 2 * RULES, 0) < 0 || flow_cache_create(&b->cache, b->entries, 0) < 0 ||
	    classifier_create(&b->table, &(struct classifier_conf){
						 .pool = b->pool, .rules_max = 2 * RULES, .masks_max = MASKS + 1}) < 0)
		return -1;
	b->packet = aligned_alloc(64, (size_t)n * PACKET);
	b->data = malloc(n * sizeof(*b->data));
	b->len = malloc(n * sizeof(*b->len));
	b->context = malloc(n * sizeof(*b->context));
	if (b->packet == NULL || b->data == NULL || b->len == NULL || b->context == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		b->data[i] = b->packet + (size_t)i * PACKET;
		packet_make(b->packet + (size_t)i * PACKET, i);
		b->len[i] = 60;
		b->context[i] = 1;
	}
	return rules_make(b);
}

// Goes over all packets, then measures. Returns the share of hits, in percent.
static void run(const struct bench *b, const char *name, const char *isa,
		uint64_t (*fn)(const struct bench_packets *, uint64_t, uint64_t), bool scan)
{
	const struct bench_packets p = {.cache = b->cache,
					.masks = &b->masks,
					.table = b->table,
					.data = b->data,
					.len = b->len,
					.context = b->context};
	const uint64_t bursts = b->flows / FLOW_CACHE_BURST;
	uint64_t at = 0, hits = 0;
	double cycles[WINDOWS];

	for (int w = -(int)(2 * bursts / WINDOW_BURSTS) - 1; w < WINDOWS; w++) {
		const uint64_t n = RTE_MIN(bursts - at, (uint64_t)WINDOW_BURSTS);

		// Nothing that was kept is of use.
		if (scan)
			flow_cache_flush(b->cache);
		const uint64_t start = rte_rdtsc_precise();
		const uint64_t found = fn(&p, at, n);
		const uint64_t end = rte_rdtsc_precise();

		at = (at + n) % bursts;
		if (w < 0)
			continue;
		hits += found * WINDOW_BURSTS / n;
		cycles[w] = (double)(end - start) / (double)(n * FLOW_CACHE_BURST);
	}
	qsort(cycles, WINDOWS, sizeof(cycles[0]), by_value);
	printf("  %-4s %-24s %7.1f  [%.1f]  %5.1f %%\n", isa, name, cycles[WINDOWS / 2], cycles[0],
	       100.0 * (double)hits / (WINDOWS * WINDOW_BURSTS * FLOW_CACHE_BURST));
}

static void run_level(const struct bench *b, const struct bench_isa *isa)
{
	run(b, "with what is missed", isa->name, isa->whole, false);
	run(b, "the cache", isa->name, isa->cached, false);
	run(b, "the cache, scalar", isa->name, isa->cached_scalar, false);
	run(b, "parsing alone", isa->name, isa->parse, false);
	run(b, "every packet new", isa->name, isa->whole, true);
}

static int bench(uint32_t flows, uint32_t entries)
{
	struct bench b = {.flows = RTE_ALIGN_CEIL(flows, FLOW_CACHE_BURST), .entries = entries};
	const int ret = fill(&b);

	if (ret < 0) {
		printf("%u flows: no memory\n", flows);
	} else {
		printf("%u flows, %u entries, %" PRIu64 " KiB\n", b.flows, flow_cache_entries(b.cache),
		       flow_cache_memory_bytes(b.cache) >> 10);
		if (__builtin_cpu_supports("avx512dq"))
			run_level(&b, &bench_classifier_v4);
		run_level(&b, &bench_classifier_v3);
	}
	classifier_destroy(b.table);
	flow_pool_destroy(b.pool);
	flow_cache_destroy(b.cache);
	free(b.packet);
	free(b.data);
	free(b.len);
	free(b.context);
	return ret;
}

int main(int argc, char **argv)
{
	int ret = 0;

	if (argc < 3)
		ret = bench(64, 131072) | bench(1000, 131072) | bench(100000, 131072) | bench(100000, 262144) |
		      bench(1000000, 131072) | bench(1000000, 2097152);
	for (int i = 1; i + 1 < argc; i += 2)
		ret |= bench((uint32_t)strtoul(argv[i], NULL, 0), (uint32_t)strtoul(argv[i + 1], NULL, 0));
	return ret != 0;
}
