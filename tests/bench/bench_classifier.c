/* SPDX-License-Identifier: BSD-3-Clause */
// Cycles per look-up of the classifier, by number of masks and rules and by what the packets meet. "worst" is what
// rules made for it can do: packets meet a rule of every mask, and each mask has a rule of the highest priority that
// none meets, so that all are asked, and read to the end. Each figure is the median of many short windows with the
// minimum in brackets, in TSC cycles per packet.
//   bench_classifier [masks rules]...
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "../../tables/classifier.h"
#include "../rng.h"
#include "bench_classifier_isa.h"

#define WINDOWS 101
#define WINDOW_BURSTS 16
#define KEYS (1u << 13) // in the second-level cache: a worker has just made them

struct bench {
	uint32_t masks, rules;
	struct flow_pool *pool;
	struct classifier *c;
	struct flow_key *mask; // [masks]
	struct flow_key *rule; // [rules]
	struct flow_key *hit, *miss;
	const struct flow_key **order; // [KEYS] of those that are looked up
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

static void set(struct flow_key *key, struct flow_key *mask, enum flow_field field, uint64_t value, uint64_t bits)
{
	flow_key_set(key, mask, field, (struct flow_value){.lo = value}, (struct flow_value){.lo = bits});
}

// UDP over IPv4, as an access list has it: masks differ in the lengths of the prefixes and in which ports they name.
static void mask_make(struct flow_key *mask, uint32_t i)
{
	struct flow_key ignored = {0};

	*mask = (struct flow_key){0};
	set(&ignored, mask, FLOW_FIELD_ETH_TYPE, 0, UINT16_MAX);
	set(&ignored, mask, FLOW_FIELD_IPV4_DST, 0, UINT32_MAX << i % 6);
	if (i / 6 % 8 != 0)
		set(&ignored, mask, FLOW_FIELD_IPV4_SRC, 0, UINT32_MAX << i / 6 % 8);
	if (i % 2 == 0)
		set(&ignored, mask, FLOW_FIELD_IP_PROTO, 0, UINT8_MAX);
	if (i % 4 == 0)
		set(&ignored, mask, FLOW_FIELD_UDP_DST, 0, UINT16_MAX);
	if (i >= 48)
		set(&ignored, mask, FLOW_FIELD_UDP_SRC, 0, UINT16_MAX << i / 48);
}

static void packet_make(struct flow_key *key, uint32_t net)
{
	*key = (struct flow_key){0};
	set(key, NULL, FLOW_FIELD_IN_PORT, 1, 0);
	set(key, NULL, FLOW_FIELD_ETH_TYPE, 0x0800, 0);
	set(key, NULL, FLOW_FIELD_ETH_DST, rng(UINT32_MAX), 0);
	set(key, NULL, FLOW_FIELD_IP_PROTO, 17, 0);
	set(key, NULL, FLOW_FIELD_IPV4_SRC, net << 24 | rng(1u << 24), 0);
	set(key, NULL, FLOW_FIELD_IPV4_DST, net << 24 | rng(1u << 24), 0);
	set(key, NULL, FLOW_FIELD_UDP_SRC, rng(65536), 0);
	set(key, NULL, FLOW_FIELD_UDP_DST, rng(65536), 0);
}

static int fill(struct bench *b)
{
	int ret = flow_pool_create(&b->pool, b->rules + 2 * b->masks, 0);

	if (ret == 0)
		ret = classifier_create(&b->c, &(struct classifier_conf){.pool = b->pool,
									 .rules_max = b->rules + 2 * b->masks,
									 .masks_max = b->masks});
	b->mask = aligned_alloc(64, b->masks * sizeof(*b->mask));
	b->rule = aligned_alloc(64, b->rules * sizeof(*b->rule));
	b->hit = aligned_alloc(64, KEYS * sizeof(*b->hit));
	b->miss = aligned_alloc(64, KEYS * sizeof(*b->miss));
	b->order = malloc(KEYS * sizeof(*b->order));
	if (ret < 0 || b->mask == NULL || b->rule == NULL || b->hit == NULL || b->miss == NULL || b->order == NULL)
		return -1;
	for (uint32_t i = 0; i < b->masks; i++)
		mask_make(&b->mask[i], i);

	const uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < b->rules;) {
		packet_make(&b->rule[i], 10);
		if (classifier_insert(b->c, &b->rule[i], &b->mask[i % b->masks], (uint16_t)(i % b->masks), i + 1) == 0)
			i++;
	}
	printf("%u masks, %u rules, %" PRIu64 " KiB: %" PRIu64 " cycles per insertion\n", classifier_masks(b->c),
	       b->rules, flow_pool_memory_bytes(b->pool) >> 10, (rte_rdtsc() - start) / b->rules);
	for (uint32_t i = 0; i < KEYS; i++) {
		b->hit[i] = b->rule[rng(b->rules)];
		packet_make(&b->miss[i], 11);
	}
	return 0;
}

// Returns 0, or -1 if the hits are not those that the keys must have: then nothing was measured.
static int run(const struct bench *b, const char *name, const char *isa,
	       uint64_t (*fn)(const struct classifier *, const struct flow_key *const *, uint64_t, uint64_t),
	       uint64_t lanes, bool hit)
{
	const uint32_t n = (uint32_t)__builtin_popcountll(lanes);
	double cycles[WINDOWS];
	uint32_t at = 0;

	for (int w = -(int)(KEYS / CLASSIFIER_BURST / WINDOW_BURSTS); w < WINDOWS; w++) {
		const uint64_t start = rte_rdtsc_precise();
		const uint64_t hits = fn(b->c, &b->order[at], WINDOW_BURSTS, lanes);
		const uint64_t end = rte_rdtsc_precise();

		if (hits != (hit ? WINDOW_BURSTS * n : 0)) {
			printf("  %-22s wrong: %" PRIu64 " hits\n", name, hits);
			return -1;
		}
		if (w >= 0)
			cycles[w] = (double)(end - start) / (WINDOW_BURSTS * n);
		at = (at + WINDOW_BURSTS * CLASSIFIER_BURST) % KEYS;
	}
	qsort(cycles, WINDOWS, sizeof(cycles[0]), by_value);
	printf("  %-4s %-24s %7.1f  [%.1f]\n", isa, name, cycles[WINDOWS / 2], cycles[0]);
	return 0;
}

static int run_level(struct bench *b, const struct bench_isa *isa)
{
	int ret = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		b->order[i] = &b->hit[i];
	ret |= run(b, "hit", isa->name, isa->classify, UINT64_MAX, true);
	ret |= run(b, "hit, scalar", isa->name, isa->classify_scalar, UINT64_MAX, true);
	ret |= run(b, "hit, 8 lanes", isa->name, isa->classify, 0x0101010101010101, true);
	for (uint32_t i = 0; i < KEYS; i++)
		b->order[i] = &b->hit[0];
	ret |= run(b, "hit, one flow", isa->name, isa->classify, UINT64_MAX, true);
	for (uint32_t i = 0; i < KEYS; i++)
		b->order[i] = &b->miss[i];
	ret |= run(b, "miss (scan)", isa->name, isa->classify, UINT64_MAX, false);
	ret |= run(b, "miss, scalar", isa->name, isa->classify_scalar, UINT64_MAX, false);
	return ret;
}

// Adds for each mask a rule that all packets of `miss` meet and one that none meets.
static int worst_make(struct bench *b)
{
	for (uint32_t m = 0; m < b->masks; m++) {
		struct flow_key decoy;

		for (uint32_t i = 0; i < KEYS; i++) {
			// The same bits under every mask; what no mask has stays as it was.
			b->miss[i].word[0] = b->miss[0].word[0];
			b->miss[i].word[1] = b->miss[0].word[1];
			b->miss[i].word[2] = b->miss[0].word[2];
		}
		packet_make(&decoy, 12);
		if (classifier_insert(b->c, &b->miss[0], &b->mask[m], (uint16_t)m, b->rules + 1 + m) < 0 ||
		    classifier_insert(b->c, &decoy, &b->mask[m], UINT16_MAX, b->rules + 1 + m) < 0)
			return -1;
	}
	return 0;
}

static int run_worst(struct bench *b, const struct bench_isa *isa)
{
	for (uint32_t i = 0; i < KEYS; i++)
		b->order[i] = &b->miss[i];
	return run(b, "worst", isa->name, isa->classify, UINT64_MAX, true) |
	       run(b, "worst, scalar", isa->name, isa->classify_scalar, UINT64_MAX, true);
}

static int bench(uint32_t masks, uint32_t rules)
{
	struct bench b = {.masks = masks, .rules = rules};
	int ret = fill(&b);

	if (ret < 0)
		printf("%u masks, %u rules: no memory\n", masks, rules);
	if (ret == 0 && __builtin_cpu_supports("avx512dq"))
		ret |= run_level(&b, &bench_classifier_v4);
	if (ret == 0)
		ret |= run_level(&b, &bench_classifier_v3);
	if (ret == 0)
		ret = worst_make(&b);
	if (ret == 0 && __builtin_cpu_supports("avx512dq"))
		ret |= run_worst(&b, &bench_classifier_v4);
	if (ret == 0)
		ret |= run_worst(&b, &bench_classifier_v3);
	classifier_destroy(b.c);
	flow_pool_destroy(b.pool);
	free(b.mask);
	free(b.rule);
	free(b.hit);
	free(b.miss);
	free(b.order);
	return ret;
}

int main(int argc, char **argv)
{
	int ret = 0;

	if (argc < 3)
		ret = bench(1, 1000) | bench(20, 1000) | bench(20, 100000) | bench(20, 1000000) | bench(100, 100000);
	for (int i = 1; i + 1 < argc; i += 2)
		ret |= bench((uint32_t)strtoul(argv[i], NULL, 0), (uint32_t)strtoul(argv[i + 1], NULL, 0));
	return ret != 0;
}
