/* SPDX-License-Identifier: BSD-3-Clause */
// Cycles per look-up, memory and update rate of fib4 and fib6 by instruction set level, beside DPDK's rte_fib (DIR24_8,
// TRIE) and rte_lpm with the same routes. Each figure of cycles is the median of many short windows with minimum and
// maximum in brackets, in TSC cycles per address in bursts of 64.
//   bench_fib [ROUTES4 ROUTES6]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_vect.h>

#include "../../tables/fib4.h"
#include "../../tables/fib6.h"
#include "../rng.h"
#include "bench_fib_isa.h"
#include "fib_routes.h"

#define WINDOWS 201
#define WINDOW_BURSTS 32
#define BURSTS 16384u // a million addresses
#define ADDRESSES ((size_t)BURSTS * FIB_LANES)
#define POOL_BYTES (UINT64_C(1) << 30)
#define VRFS 4096
#define VRF_ROUTES 50

static uint64_t rng_state = RNG_SEED;

// The addresses to look up, in the forms that the tables take them.
struct addresses {
	uint32_t *addr4;
	uint64_t *hi, *lo;
	uint8_t (*bytes6)[16];
};

struct tables {
	unsigned int bits;
	struct fib_route *route;
	uint32_t n;
	struct addresses a;
	struct fib_pool *pool;
	struct fib4 *f4;
	struct fib6 *f6;
	struct rte_fib *dir24;
	struct rte_lpm *lpm;
	struct rte_fib6 *trie;
};

static const struct bench_fib_isa *isa; // of the look-ups measured now
static bool scalar;

static uint32_t value_of(uint32_t i)
{
	return 1 + i % 0xfffffe;
}

static uint64_t run_fib4(const struct tables *t, size_t at)
{
	return (scalar ? isa->scalar4 : isa->lanes4)(t->f4, &t->a.addr4[at], WINDOW_BURSTS);
}

static uint64_t run_fib4_single(const struct tables *t, size_t at)
{
	return isa->single4(t->f4, &t->a.addr4[at], WINDOW_BURSTS);
}

static uint64_t run_fib6(const struct tables *t, size_t at)
{
	return (scalar ? isa->scalar6 : isa->lanes6)(t->f6, &t->a.hi[at], &t->a.lo[at], WINDOW_BURSTS);
}

static uint64_t run_fib6_single(const struct tables *t, size_t at)
{
	return isa->single6(t->f6, &t->a.hi[at], &t->a.lo[at], WINDOW_BURSTS);
}

static uint64_t run_dir24(const struct tables *t, size_t at)
{
	uint64_t value[FIB_LANES], sum = 0;

	for (size_t end = at + (size_t)WINDOW_BURSTS * FIB_LANES; at < end; at += FIB_LANES) {
		rte_fib_lookup_bulk(t->dir24, &t->a.addr4[at], value, FIB_LANES);
		for (unsigned int i = 0; i < FIB_LANES; i++)
			sum += value[i];
	}
	return sum;
}

static uint64_t run_lpm(const struct tables *t, size_t at)
{
	uint32_t value[FIB_LANES];
	uint64_t sum = 0;

	for (size_t end = at + (size_t)WINDOW_BURSTS * FIB_LANES; at < end; at += FIB_LANES) {
		rte_lpm_lookup_bulk(t->lpm, &t->a.addr4[at], value, FIB_LANES);
		for (unsigned int i = 0; i < FIB_LANES; i++)
			sum += (value[i] & RTE_LPM_LOOKUP_SUCCESS) != 0 ? value[i] & 0xffffff : 0;
	}
	return sum;
}

static uint64_t run_trie(const struct tables *t, size_t at)
{
	uint64_t value[FIB_LANES], sum = 0;

	for (size_t end = at + (size_t)WINDOW_BURSTS * FIB_LANES; at < end; at += FIB_LANES) {
		rte_fib6_lookup_bulk(t->trie, &t->a.bytes6[at], value, FIB_LANES);
		for (unsigned int i = 0; i < FIB_LANES; i++)
			sum += value[i];
	}
	return sum;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// Measures one kind of look-up; *want is what all addresses' values add up to, 0 if not known yet. Returns 0, or -1 if
// it is another sum: then nothing was measured.
static int measure(const char *name, const struct tables *t, uint64_t (*run)(const struct tables *t, size_t at),
		   uint64_t *want)
{
	double cycles[WINDOWS];
	uint64_t sum = 0;
	size_t at = 0;

	// The first time round all addresses is for the caches, and for the sum.
	for (size_t i = 0; i < ADDRESSES; i += (size_t)WINDOW_BURSTS * FIB_LANES)
		sum += run(t, i);
	*want = *want != 0 ? *want : sum;
	if (sum != *want) {
		printf("  %-24s wrong: %" PRIu64 ", not %" PRIu64 "\n", name, sum, *want);
		return -1;
	}
	for (int w = 0; w < WINDOWS; w++) {
		const uint64_t start = rte_rdtsc_precise();
		const uint64_t s = run(t, at);
		const uint64_t end = rte_rdtsc_precise();

		sum += s;
		cycles[w] = (double)(end - start) / (WINDOW_BURSTS * FIB_LANES);
		at = (at + (size_t)WINDOW_BURSTS * FIB_LANES) % ADDRESSES;
	}
	qsort(cycles, WINDOWS, sizeof(cycles[0]), by_value);
	printf("  %-24s %6.1f  [%.1f, %.1f]\n", name, cycles[WINDOWS / 2], cycles[0], cycles[WINDOWS - 1]);
	return sum == 0 ? -1 : 0;
}

static int measure_ours(const struct tables *t, uint64_t *want)
{
	static const struct bench_fib_isa *const isas[] = {&bench_fib_v2, &bench_fib_v3, &bench_fib_v4};
	const char *const name = t->bits == 32 ? "fib4" : "fib6";
	char text[64];
	int ret = 0;

	for (unsigned int i = 0; i < RTE_DIM(isas); i++) {
		if ((i == 1 && !__builtin_cpu_supports("avx2")) || (i == 2 && !__builtin_cpu_supports("avx512dq")))
			continue;
		isa = isas[i];
		scalar = false;
		snprintf(text, sizeof(text), "%s %s", name, isa->name);
		ret |= measure(text, t, t->bits == 32 ? run_fib4 : run_fib6, want);
	}
	scalar = true;
	snprintf(text, sizeof(text), "%s %s scalar", name, isa->name);
	ret |= measure(text, t, t->bits == 32 ? run_fib4 : run_fib6, want);
	snprintf(text, sizeof(text), "%s %s one by one", name, isa->name);
	ret |= measure(text, t, t->bits == 32 ? run_fib4_single : run_fib6_single, want);
	return ret;
}

// A million addresses out of `flows` different ones (0: all different), each in some route.
static void addresses_make(struct tables *t, uint32_t flows)
{
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct fib6_addr a;

		if (flows != 0 && i >= flows) {
			const size_t k = rng_next(&rng_state) % flows;

			a = t->bits == 32 ? (struct fib6_addr){.hi = (uint64_t)t->a.addr4[k] << 32}
					  : (struct fib6_addr){t->a.hi[k], t->a.lo[k]};
		} else {
			a = fib_routes_addr(&t->route[rng_next(&rng_state) % t->n], t->bits, &rng_state);
		}
		t->a.addr4[i] = (uint32_t)(a.hi >> 32);
		t->a.hi[i] = a.hi;
		t->a.lo[i] = a.lo;
		for (unsigned int k = 0; k < 16; k++)
			t->a.bytes6[i][k] = (uint8_t)((k < 8 ? a.hi : a.lo) >> (56 - k % 8 * 8));
	}
}

static int set_one(const struct tables *t, uint32_t i)
{
	const struct fib_route *const r = &t->route[i];

	return t->bits == 32 ? fib4_set(t->f4, (uint32_t)(r->prefix.hi >> 32), r->depth, value_of(i))
			     : fib6_set(t->f6, r->prefix, r->depth, value_of(i));
}

static int del_one(const struct tables *t, uint32_t i)
{
	const struct fib_route *const r = &t->route[i];

	return t->bits == 32 ? fib4_del(t->f4, (uint32_t)(r->prefix.hi >> 32), r->depth)
			     : fib6_del(t->f6, r->prefix, r->depth);
}

static int peer_one(const struct tables *t, uint32_t i)
{
	const struct fib_route *const r = &t->route[i];
	uint8_t ip[16];

	if (t->bits == 32)
		return rte_fib_add(t->dir24, (uint32_t)(r->prefix.hi >> 32), r->depth, value_of(i));
	for (unsigned int k = 0; k < 16; k++)
		ip[k] = (uint8_t)((k < 8 ? r->prefix.hi : r->prefix.lo) >> (56 - k % 8 * 8));
	return rte_fib6_add(t->trie, ip, r->depth, value_of(i));
}

static int lpm_one(const struct tables *t, uint32_t i)
{
	const struct fib_route *const r = &t->route[i];

	return rte_lpm_add(t->lpm, (uint32_t)(r->prefix.hi >> 32), r->depth, value_of(i));
}

// Does one thing to all routes, and says how fast.
static int update(const char *name, const struct tables *t, int (*one)(const struct tables *t, uint32_t i))
{
	const uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < t->n; i++) {
		if (one(t, i) < 0) {
			printf("  %-24s failed at route %u\n", name, i);
			return -1;
		}
	}
	printf("  %-24s %6.2f M/s\n", name,
	       (double)t->n / ((double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz()) / 1e6);
	return 0;
}

static uint64_t heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats(0, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
}

static int fill_ours(struct tables *t)
{
	int ret;

	if (fib_pool_create(&t->pool, POOL_BYTES) < 0 ||
	    (t->bits == 32 ? fib4_create(&t->f4, t->pool) : fib6_create(&t->f6, t->pool)) < 0)
		return -1;
	ret = update("set", t, set_one);
	ret |= update("replace", t, set_one);
	ret |= update("del", t, del_one);
	ret |= update("set again", t, set_one);
	printf("  memory: %.1f MiB, of that prefixes %.1f MiB; pages %.1f MiB\n",
	       (double)(t->bits == 32 ? fib4_bytes(t->f4) : fib6_bytes(t->f6)) / 1048576,
	       (double)(t->bits == 32 ? t->f4->trie.rib.bytes : t->f6->trie.rib.bytes) / 1048576,
	       (double)fib_pool_used(t->pool) / 1048576);
	return ret;
}

// The peers' look-up tables are sized for the routes beforehand.
static int fill_peers(struct tables *t)
{
	struct rte_fib_conf conf4 = {.type = RTE_FIB_DIR24_8, .max_routes = (int)t->n};
	struct rte_fib6_conf conf6 = {.type = RTE_FIB6_TRIE, .max_routes = (int)t->n};
	struct rte_lpm_config lpm = {.max_rules = 1 << 20, .number_tbl8s = 65536};
	uint64_t before = heap_bytes();
	int ret = 0;

	if (t->bits == 32) {
		conf4.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
		conf4.dir24_8.num_tbl8 = 65535;
		t->dir24 = rte_fib_create("dir24", 0, &conf4);
		if (t->dir24 == NULL)
			return -1;
		ret |= update("rte_fib_add", t, peer_one);
		printf("  memory of rte_fib: %.1f MiB\n", (double)(heap_bytes() - before) / 1048576);
		before = heap_bytes();
		t->lpm = rte_lpm_create("lpm", 0, &lpm);
		if (t->lpm == NULL)
			return -1;
		ret |= update("rte_lpm_add", t, lpm_one);
		printf("  memory of rte_lpm: %.1f MiB\n", (double)(heap_bytes() - before) / 1048576);
		return ret;
	}
	conf6.trie.nh_sz = RTE_FIB6_TRIE_4B;
	conf6.trie.num_tbl8 = 1 << 19;
	t->trie = rte_fib6_create("trie", 0, &conf6);
	if (t->trie == NULL)
		return -1;
	ret |= update("rte_fib6_add", t, peer_one);
	printf("  memory of rte_fib6: %.1f MiB\n", (double)(heap_bytes() - before) / 1048576);
	return ret;
}

static int measure_peers(struct tables *t, uint64_t *want)
{
	int ret = 0;

	if (t->bits == 128) {
		rte_fib6_select_lookup(t->trie, RTE_FIB6_LOOKUP_TRIE_SCALAR);
		ret |= measure("rte_fib6 scalar", t, run_trie, want);
		if (rte_fib6_select_lookup(t->trie, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512) == 0)
			ret |= measure("rte_fib6 avx512", t, run_trie, want);
		return ret;
	}
	rte_fib_select_lookup(t->dir24, RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO);
	ret |= measure("rte_fib scalar", t, run_dir24, want);
	if (rte_fib_select_lookup(t->dir24, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512) == 0)
		ret |= measure("rte_fib avx512", t, run_dir24, want);
	ret |= measure("rte_lpm", t, run_lpm, want);
	return ret;
}

static void tables_free(struct tables *t)
{
	fib4_destroy(t->f4);
	fib6_destroy(t->f6);
	fib_pool_destroy(t->pool);
	rte_fib_free(t->dir24);
	rte_fib6_free(t->trie);
	rte_lpm_free(t->lpm);
	free(t->route);
	free(t->a.addr4);
	free(t->a.hi);
	free(t->a.lo);
	free(t->a.bytes6);
}

static int bench(unsigned int bits, uint32_t n)
{
	static const uint32_t flows[] = {1000, 100000, 0};
	struct tables t = {.bits = bits, .n = n, .route = fib_routes(bits, n, RNG_SEED)};
	int ret = -1;

	printf("IPv%u, %u routes\n", bits == 32 ? 4 : 6, n);
	t.a = (struct addresses){malloc(ADDRESSES * 4), malloc(ADDRESSES * 8), malloc(ADDRESSES * 8),
				 malloc(ADDRESSES * 16)};
	if (t.route == NULL || t.a.addr4 == NULL || t.a.hi == NULL || t.a.lo == NULL || t.a.bytes6 == NULL)
		goto out;
	if (fill_ours(&t) < 0 || fill_peers(&t) < 0)
		goto out;
	ret = 0;
	for (unsigned int i = 0; i < RTE_DIM(flows); i++) {
		uint64_t want = 0;

		addresses_make(&t, flows[i]);
		printf(flows[i] != 0 ? " %u flows: cycles per address\n" : " a million flows: cycles per address\n",
		       flows[i]);
		ret |= measure_ours(&t, &want);
		ret |= measure_peers(&t, &want);
	}
out:
	tables_free(&t);
	return ret;
}

// Many small tables of both families: subnets and hosts of tenants that know nothing of each other.
static int bench_vrfs(void)
{
	struct fib_pool *pool;
	int ret = 0;

	if (fib_pool_create(&pool, POOL_BYTES) < 0)
		return -1;
	for (unsigned int i = 0; i < VRFS; i++) {
		struct fib_route *const r4 = fib_routes(32, VRF_ROUTES, i + 1), *const r6 = fib_routes(128, VRF_ROUTES,
												       i + 1);
		struct fib4 *f4;
		struct fib6 *f6;

		if (r4 == NULL || r6 == NULL || fib4_create(&f4, pool) < 0 || fib6_create(&f6, pool) < 0)
			return -1;
		for (unsigned int k = 0; k < VRF_ROUTES; k++) {
			ret |= fib4_set(f4, (uint32_t)(r4[k].prefix.hi >> 32), r4[k].depth, k + 1);
			ret |= fib6_set(f6, r6[k].prefix, r6[k].depth, k + 1);
		}
		free(r4);
		free(r6);
	}
	printf("%u VRFs of %u routes of each family: %.1f MiB\n", VRFS, VRF_ROUTES,
	       (double)fib_pool_used(pool) / 1048576);
	return ret;
}

// Without hugepages EAL's memory is small pages, which would slow down the peers.
static int big_pages(const struct rte_memseg_list *msl, void *arg)
{
	(void)madvise(msl->base_va, msl->len, MADV_HUGEPAGE);
	return 0;
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0], "--no-huge", "--no-pci",          "--no-shconf", "--no-telemetry",
		       "-m",    "3000",      "--log-level=error", "-l",          "1"};
	int ret;

	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 1;
	rte_vect_set_max_simd_bitwidth(RTE_VECT_SIMD_512);
	rte_memseg_list_walk(big_pages, NULL);
	printf("TSC at %" PRIu64 " MHz; median [min, max] of %d windows\n", rte_get_tsc_hz() / 1000000, WINDOWS);
	ret = bench(32, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1000000);
	ret |= bench(128, argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 250000);
	ret |= bench_vrfs();
	return ret != 0;
}
