/* SPDX-License-Identifier: BSD-3-Clause */
// Meters, on a clock of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "../../datapath/flow_meter.h"

#define HZ UINT64_C(2400000000)
#define START (UINT64_MAX / 256 - HZ) // the buckets' time wraps during the test

static uint64_t meter_pass(struct flow_meter *m, uint64_t now, uint32_t n, uint32_t bytes, struct flow_meter_hits *hits)
{
	uint32_t len[BURST_MAX];

	for (uint32_t i = 0; i < n; i++)
		len[i] = bytes;
	flow_meter_run(m, now, burst_all(n), len, hits);
	return burst_all(n) & ~hits->band[0];
}

// Offers `offered` packets/s for two seconds in bursts; returns how many passed.
static uint64_t offer(struct flow_meter *m, uint64_t offered, uint32_t burst, uint32_t bytes)
{
	struct flow_meter_hits hits;
	const uint64_t bursts = 2 * offered / burst;
	uint64_t passed = 0;

	for (uint64_t i = 0; i < bursts; i++)
		passed += (uint64_t)__builtin_popcountll(
			meter_pass(m, START + (uint64_t)((__uint128_t)2 * HZ * i / bursts), burst, bytes, &hits));
	return passed;
}

static void rates_are_exact(void **state)
{
	static const uint64_t rates[] = {10000, 100000, 1000000, 10000000};

	for (size_t i = 0; i < RTE_DIM(rates); i++) {
		for (int bits = 0; bits < 2; bits++) {
			const uint64_t unit = bits ? 64 * 8 : 1;
			struct flow_meter m = {.bits = bits,
					       .nbands = 1,
					       .band = {{.rate = rates[i] * unit, .burst = rates[i] / 50 * unit}}};

			flow_meter_init(&m, HZ, START);
			const uint64_t passed = offer(&m, rates[i] * 3 / 2, 32, 64);
			const uint64_t want = 2 * rates[i] + rates[i] / 50;

			assert_in_range(passed, want - want / 200, want + want / 200);
			// What is below the rate passes.
			flow_meter_init(&m, HZ, START);
			assert_int_equal(offer(&m, rates[i] / 2, 32, 64), rates[i] / 32 * 32);
		}
	}
}

static void a_burst_passes_after_silence(void **state)
{
	struct flow_meter m = {.nbands = 1, .band = {{.rate = 1000, .burst = 10}}};
	struct flow_meter_hits hits;

	flow_meter_init(&m, HZ, START);
	assert_int_equal(meter_pass(&m, START, 64, 64, &hits), burst_all(10));
	assert_int_equal(meter_pass(&m, START, 64, 64, &hits), 0);
	assert_int_equal(meter_pass(&m, START + HZ / 500, 64, 64, &hits), burst_all(2));
	assert_int_equal(meter_pass(&m, START + HZ, 64, 64, &hits), burst_all(10));
}

// The bucket's time wraps after 348 days at this clock.
static void silence_may_last_for_months(void **state)
{
	const uint64_t day = 86400 * HZ;

	for (uint64_t days = 100; days < 340; days += 30) {
		struct flow_meter m = {.nbands = 1, .band = {{.rate = 1000, .burst = 10}}};
		struct flow_meter_hits hits;

		flow_meter_init(&m, HZ, START);
		assert_int_equal(meter_pass(&m, START, 64, 64, &hits), burst_all(10));
		assert_int_equal(meter_pass(&m, START + days * day, 64, 64, &hits), burst_all(10));
	}
}

// Workers read the clock before they come to the bucket.
static void a_clock_that_lags_gets_nothing_more(void **state)
{
	struct flow_meter m = {.nbands = 1, .band = {{.rate = 1000, .burst = 10}}};
	struct flow_meter_hits hits;

	flow_meter_init(&m, HZ, START);
	assert_int_equal(meter_pass(&m, START + HZ, 64, 64, &hits), burst_all(10));
	assert_int_equal(meter_pass(&m, START + HZ - HZ / 10, 64, 64, &hits), 0);
	assert_int_equal(meter_pass(&m, START + HZ, 64, 64, &hits), 0);
}

static void a_small_packet_passes_where_a_large_one_does_not(void **state)
{
	struct flow_meter m = {.bits = true, .nbands = 1, .band = {{.rate = 8000, .burst = 8000}}};
	const uint32_t bytes[BURST_MAX] = {800, 400, 100, 100, 100};
	struct flow_meter_hits hits;

	flow_meter_init(&m, HZ, START);
	flow_meter_run(&m, START, 0x1f, bytes, &hits);
	assert_int_equal(hits.band[0], 0x12);
	// Lanes that are not there take nothing.
	flow_meter_init(&m, HZ, START);
	flow_meter_run(&m, START, 0x02, bytes, &hits);
	assert_int_equal(hits.band[0], 0);
}

// A guest's TCP frame before it is segmented, at the lowest rate of OpenFlow.
static void a_packet_larger_than_the_bucket_passes_when_that_is_full(void **state)
{
	struct flow_meter m = {.bits = true, .nbands = 1, .band = {{.rate = 1000, .burst = 8000}}};
	struct flow_meter_hits hits;
	const uint64_t debt = HZ * 64 * 8; // 64 kbyte less what was in the bucket, and a second's

	flow_meter_init(&m, HZ, START);
	assert_int_equal(meter_pass(&m, START, 2, 65000, &hits), 1);
	assert_int_equal(meter_pass(&m, START + debt, 1, 1000, &hits), 0);
	assert_int_equal(meter_pass(&m, START + debt + 17 * HZ, 1, 1000, &hits), 1);
	assert_int_equal(meter_pass(&m, START + debt + 17 * HZ, 1, 65000, &hits), 0);
}

static void the_highest_band_that_is_exceeded_has_its_way(void **state)
{
	struct flow_meter m = {.nbands = 2,
			       .band = {{.rate = 1000, .burst = 20}, {.rate = 500, .burst = 10, .remark = true}}};
	struct flow_meter_hits hits;

	flow_meter_init(&m, HZ, START);
	meter_pass(&m, START, 30, 64, &hits);
	assert_int_equal(hits.band[0], burst_all(30) & ~burst_all(20));
	assert_int_equal(hits.band[1], burst_all(20) & ~burst_all(10));
}

static void a_remark_raises_the_drop_precedence(void **state)
{
	static const uint8_t want[][3] = {{10, 1, 12}, {10, 2, 14}, {10, 9, 14}, {36, 1, 38}, {38, 1, 38},
					  {0, 1, 0},   {46, 1, 46}, {11, 1, 11}, {42, 1, 42}, {24, 1, 16},
					  {24, 2, 8},  {24, 0, 24}, {8, 1, 0},   {8, 2, 0},   {56, 3, 32}};

	for (size_t i = 0; i < RTE_DIM(want); i++)
		assert_int_equal(flow_meter_remark(want[i][0], want[i][1]), want[i][2]);
}

#define WORKERS 3
#define BURSTS 20000

static struct {
	struct flow_meter meter;
	uint64_t clock, passed;
} shared;

static void *worker(void *arg)
{
	struct flow_meter_hits hits;
	uint64_t passed = 0;

	for (int i = 0; i < BURSTS; i++) {
		const uint64_t now = __atomic_add_fetch(&shared.clock, HZ / 1000000, __ATOMIC_RELAXED);

		passed += (uint64_t)__builtin_popcountll(meter_pass(&shared.meter, now, 16, 64, &hits));
	}
	__atomic_add_fetch(&shared.passed, passed, __ATOMIC_RELAXED);
	return NULL;
}

// Together they offer sixteen packets for each microsecond of the clock.
static void workers_share_a_meter_exactly(void **state)
{
	const uint64_t want = 5 * (uint64_t)WORKERS * BURSTS;
	pthread_t thread[WORKERS];

	shared.meter = (struct flow_meter){.nbands = 1, .band = {{.rate = 5000000, .burst = want / 200}}};
	shared.clock = START;
	shared.passed = 0;
	flow_meter_init(&shared.meter, HZ, START);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, worker, NULL), 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_in_range(shared.passed, want - want / 100, want + want / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_exact),
		cmocka_unit_test(a_burst_passes_after_silence),
		cmocka_unit_test(silence_may_last_for_months),
		cmocka_unit_test(a_clock_that_lags_gets_nothing_more),
		cmocka_unit_test(a_small_packet_passes_where_a_large_one_does_not),
		cmocka_unit_test(a_packet_larger_than_the_bucket_passes_when_that_is_full),
		cmocka_unit_test(the_highest_band_that_is_exceeded_has_its_way),
		cmocka_unit_test(a_remark_raises_the_drop_precedence),
		cmocka_unit_test(workers_share_a_meter_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
