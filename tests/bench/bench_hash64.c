/* SPDX-License-Identifier: BSD-3-Clause */
// Cycles per look-up of hash64 by instruction set level, beside rte_hash_lookup_bulk(), at several numbers of entries.
// Each figure is the median of many short windows with minimum and maximum in brackets, in TSC cycles per key.
//   bench_hash64 [entries ...]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include "../../tables/fdb.h"
#include "../rng.h"
#include "bench_hash64_isa.h"

#define WINDOWS 301
#define WINDOW_BURSTS 32
#define BURSTS_MAX 32768u

struct bench {
	uint32_t entries, capacity;
	struct hash64 *h;
	struct rte_hash *rte;
	uint64_t *hit, *miss; // [nbursts * HASH64_BURST]
	uint32_t nbursts;
};

static uint64_t rng_state = RNG_SEED;

static uint64_t rng(void)
{
	return rng_next(&rng_state);
}

// A MAC that counts up in its last octets, in domain 1.
static uint64_t key_of(uint32_t i)
{
	const uint8_t mac[6] = {0x52, 0x54, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

	return fdb_key(mac, 1);
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct job {
	const struct bench *b;
	const uint64_t *keys;
	bench_lookup_fn fn; // NULL: rte_hash
	unsigned int lanes; // per burst
};

static uint64_t rte_lookup(const struct rte_hash *h, const uint64_t *keys, uint64_t n)
{
	const void *ptr[HASH64_BURST];
	void *data[HASH64_BURST];
	uint64_t mask, hits = 0;

	for (uint64_t i = 0; i < n; i++) {
		for (unsigned int k = 0; k < HASH64_BURST; k++)
			ptr[k] = &keys[i * HASH64_BURST + k];
		mask = 0;
		rte_hash_lookup_bulk_data(h, ptr, HASH64_BURST, &mask, data);
		hits += (uint64_t)__builtin_popcountll(mask);
	}
	return hits;
}

// Returns 0, or -1 if the hits are not those that the keys must have: then nothing was measured.
static int run(const char *name, const struct job *j, uint64_t hits_per_burst)
{
	double cycles[WINDOWS];
	uint32_t at = 0;

	// The first time round all bursts is for the caches.
	for (int w = -(int)(j->b->nbursts / WINDOW_BURSTS); w < WINDOWS; w++) {
		const uint64_t *const keys = &j->keys[(uint64_t)at * HASH64_BURST];
		const uint64_t start = rte_rdtsc_precise();
		const uint64_t hits = j->fn != NULL ? j->fn(j->b->h, keys, WINDOW_BURSTS)
						    : rte_lookup(j->b->rte, keys, WINDOW_BURSTS);
		const uint64_t end = rte_rdtsc_precise();

		if (hits != hits_per_burst * WINDOW_BURSTS) {
			printf("  %-22s wrong: %" PRIu64 " hits\n", name, hits);
			return -1;
		}
		if (w >= 0)
			cycles[w] = (double)(end - start) / (WINDOW_BURSTS * j->lanes);
		at = (at + WINDOW_BURSTS) % j->b->nbursts;
	}
	qsort(cycles, WINDOWS, sizeof(cycles[0]), by_value);
	printf("  %-22s %6.1f  [%.1f, %.1f]\n", name, cycles[WINDOWS / 2], cycles[0], cycles[WINDOWS - 1]);
	return 0;
}

static int run_all(const struct bench *b)
{
	static const struct bench_isa *const isas[] = {&bench_isa_v2, &bench_isa_v3, &bench_isa_v4};
	char name[64];
	int ret = 0;

	for (unsigned int miss = 0; miss < 2; miss++) {
		const uint64_t *const keys = miss ? b->miss : b->hit;
		const char *const what = miss ? "miss" : "hit";
		struct job j = {.b = b, .keys = keys, .lanes = HASH64_BURST};

		for (unsigned int i = 0; i < RTE_DIM(isas); i++) {
			if ((i == 1 && !__builtin_cpu_supports("avx2")) ||
			    (i == 2 && !__builtin_cpu_supports("avx512vl")))
				continue;
			snprintf(name, sizeof(name), "%s %s", what, isas[i]->name);
			j.fn = isas[i]->bulk;
			j.lanes = HASH64_BURST;
			ret |= run(name, &j, miss ? 0 : HASH64_BURST);
			if (i > 0) {
				snprintf(name, sizeof(name), "%s %s scalar", what, isas[i]->name);
				j.fn = isas[i]->scalar;
				ret |= run(name, &j, miss ? 0 : HASH64_BURST);
			}
			snprintf(name, sizeof(name), "%s %s half the lanes", what, isas[i]->name);
			j.fn = isas[i]->lanes;
			j.lanes = HASH64_BURST / 2;
			ret |= run(name, &j, miss ? 0 : HASH64_BURST / 2);
		}
		snprintf(name, sizeof(name), "%s rte_hash", what);
		j.fn = NULL;
		j.lanes = HASH64_BURST;
		ret |= run(name, &j, miss ? 0 : HASH64_BURST);
	}
	return ret;
}

static bool on_port(void *arg, const struct fdb_entry *e)
{
	return e->port_id == *(uint16_t *)arg;
}

// A flush of a port that has no entries: the cost of the scan alone.
static void run_walk(uint32_t entries)
{
	double us[15];
	uint16_t port = 2;
	uint64_t cursor = 0;
	struct fdb *f;

	if (fdb_create(&f, entries < FDB_CAPACITY_MIN ? FDB_CAPACITY_MIN : entries) < 0)
		return;
	const uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < entries; i++)
		fdb_learn(f, key_of(i), 1, 5, NULL);
	printf("  fdb_learn, new         %6.1f\n", (double)(rte_rdtsc() - start) / entries);
	for (unsigned int i = 0; i < RTE_DIM(us); i++) {
		const uint64_t begin = rte_rdtsc();

		fdb_walk(f, &cursor, 0, 6, on_port, &port);
		us[i] = (double)(rte_rdtsc() - begin) * 1e6 / (double)rte_get_tsc_hz();
	}
	qsort(us, RTE_DIM(us), sizeof(us[0]), by_value);
	printf("  fdb_walk of all        %6.0f us  [%.0f, %.0f]\n", us[RTE_DIM(us) / 2], us[0], us[RTE_DIM(us) - 1]);
	fdb_destroy(f);
}

static int fill(struct bench *b)
{
	const struct hash64_conf conf = {.capacity = b->capacity};
	const struct rte_hash_parameters params = {
		.name = "bench",
		.entries = b->entries + b->entries / 4,
		.key_len = sizeof(uint64_t),
		.hash_func = rte_hash_crc,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};

	b->rte = rte_hash_create(&params);
	// Far more bursts than the CPU could learn by heart.
	b->nbursts = RTE_MIN(RTE_ALIGN_CEIL(RTE_MAX(b->entries / HASH64_BURST, 1024u), WINDOW_BURSTS), BURSTS_MAX);
	b->hit = malloc(b->nbursts * HASH64_BURST * sizeof(*b->hit));
	b->miss = malloc(b->nbursts * HASH64_BURST * sizeof(*b->miss));
	if (b->rte == NULL || b->hit == NULL || b->miss == NULL || hash64_create(&b->h, &conf) < 0)
		return -1;
	for (uint32_t i = 0; i < b->entries; i++) {
		const uint64_t key = key_of(i);

		if (hash64_put(b->h, key, i + 1, NULL) != 0 ||
		    rte_hash_add_key_data(b->rte, &key, (void *)(uintptr_t)(i + 1)) != 0)
			return -1;
	}
	for (uint32_t i = 0; i < b->nbursts * HASH64_BURST; i++) {
		const uint32_t k = (uint32_t)(rng() % b->entries);

		b->hit[i] = key_of(k);
		b->miss[i] = key_of(k + b->entries);
	}
	return 0;
}

static int bench(uint32_t entries, uint32_t capacity)
{
	struct bench b = {.entries = entries, .capacity = capacity};
	int ret = fill(&b);

	if (ret < 0) {
		printf("%u entries: no memory\n", entries);
	} else {
		printf("%u entries, %.1f %% full, %" PRIu64 " KiB: cycles per key\n", entries,
		       100.0 * entries / hash64_slots(b.h), hash64_memory_bytes(b.h) >> 10);
		ret = run_all(&b);
		run_walk(entries);
	}
	hash64_destroy(b.h);
	rte_hash_free(b.rte);
	free(b.hit);
	free(b.miss);
	return ret;
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0], "--no-huge", "--no-pci",          "--no-shconf", "--no-telemetry",
		       "-m",    "1024",      "--log-level=error", "-l",          "1"};
	int ret = 0;

	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 1;
	printf("TSC at %" PRIu64 " MHz; median [min, max] of %d windows\n", rte_get_tsc_hz() / 1000000, WINDOWS);
	if (argc < 2)
		ret = bench(1000, 1000) | bench(1000, 1 << 20) | bench(100000, 100000) | bench(1000000, 1000000);
	for (int i = 1; i < argc; i++)
		ret |= bench((uint32_t)strtoul(argv[i], NULL, 0), (uint32_t)strtoul(argv[i], NULL, 0));
	return ret != 0;
}
