/* SPDX-License-Identifier: BSD-3-Clause */
// Workers on threads of their own: counters that add up at any instant, ports that come and go, sleep and wake-up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include "../../datapath/rcu.h"
#include "../../datapath/worker_priv.h"

#define PORTS 3 // 1 gives frames, 2 and 3 take them
#define DOMAIN 1

static struct port ports[PORTS + 1];
static struct fdb *fdb;
static struct worker_stats *stats;

static uint32_t to_give; // how many frames port 1 still has
static uint64_t taken[PORTS + 1];

static const uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};

static uint16_t give(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	uint32_t left = __atomic_load_n(&to_give, __ATOMIC_RELAXED);
	uint16_t k;

	n = (uint16_t)RTE_MIN(n, left);
	for (k = 0; k < n && (pkts[k] = rte_pktmbuf_alloc(port_pool())); k++)
		memcpy(rte_pktmbuf_append(pkts[k], sizeof(frame)), frame, sizeof(frame));
	if (left != UINT32_MAX)
		__atomic_fetch_sub(&to_give, k, __ATOMIC_RELAXED);
	return k;
}

static uint16_t take(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	__atomic_fetch_add(&taken[q->port_id], n, __ATOMIC_RELAXED);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

struct test_state {
	struct fwd_state s;
	const struct fwd_port *port[PORTS + 1];
	const struct fwd_domain *domain[DOMAIN + 1];
	struct fwd_port fwd[PORTS + 1];
	struct {
		struct fwd_domain d;
		struct fwd_member m[PORTS];
	} dom;
	struct {
		struct poll_list l;
		struct rxq *q[1];
	} poll;
};

// Publishes a state with the ports of the mask; the former one goes after a grace period.
static void publish_ports(unsigned int mask)
{
	struct test_state *t = calloc(1, sizeof(*t));
	const struct fwd_state *former;

	t->dom.d = (struct fwd_domain){.bridge = 1, .vid = VLAN_NONE, .learning = true};
	for (uint16_t id = 1; id <= PORTS; id++) {
		if (!(mask & 1U << id))
			continue;
		t->fwd[id] = (struct fwd_port){
			.port = &ports[id], .max_frame = 1514, .up = true, .bridge = 1, .untagged_domain = DOMAIN};
		t->port[id] = &t->fwd[id];
		t->dom.d.member[t->dom.d.nmembers++].port_id = id;
	}
	t->domain[DOMAIN] = &t->dom.d;
	if (mask & 1U << 1)
		t->poll.l.q[t->poll.l.n++] = &ports[1].rxq[0];
	t->s = (struct fwd_state){.nports = PORTS + 1,
				  .ndomains = DOMAIN + 1,
				  .port = t->port,
				  .domain = t->domain,
				  .nworkers = 1,
				  .burst = BURST_MAX,
				  .poll = {&t->poll.l}};
	former = fwd_state_publish(&t->s);
	if (former)
		rcu_defer((void *)(uintptr_t)former, free);
}

static void snapshot(void)
{
	unsigned int who;

	assert_int_equal(workers_snapshot(stats, 10000, &who), 0);
}

// rx + copies == tx + drops + held, and the number of received frames.
static uint64_t audited_rx(void)
{
	uint64_t in = 0, out = stats->self.held, rx = 0;

	for (uint32_t id = 0; id < stats->nports; id++) {
		const struct port_counters *c = &stats->port[id];

		rx += c->rx_packets;
		in += c->rx_packets + c->copies;
		out += c->tx_packets;
		for (int r = 0; r < DROP_COUNT; r++)
			out += c->drops[r];
	}
	assert_int_equal(in, out);
	return rx;
}

static uint64_t wait_rx(uint64_t at_least)
{
	uint64_t deadline = rte_get_tsc_cycles() + 20 * rte_get_tsc_hz(), rx;

	do {
		snapshot();
		rx = audited_rx();
		assert_true(rte_get_tsc_cycles() < deadline);
	} while (rx < at_least);
	return rx;
}

static void counters_add_up_at_any_instant(void **state)
{
	uint64_t before = 0;

	publish_ports(0xe);
	__atomic_store_n(&to_give, UINT32_MAX, __ATOMIC_RELAXED);
	for (int i = 0; i < 200; i++) {
		uint64_t rx = wait_rx(before + 1);

		assert_true(rx > before);
		before = rx;
	}
}

static void ports_come_and_go_while_others_forward(void **state)
{
	uint64_t before = wait_rx(1), gone;

	for (int i = 0; i < 200; i++) {
		publish_ports(i % 2 ? 0xe : 0x6);
		rcu_synchronize();
		gone = __atomic_load_n(&taken[3], __ATOMIC_RELAXED);
		wait_rx(before + 64);
		if (i % 2 == 0) // port 3 is out: nothing may reach it after the grace period
			assert_int_equal(gone, __atomic_load_n(&taken[3], __ATOMIC_RELAXED));
		before = wait_rx(before + 64);
	}
	rcu_drain();
}

static void stale_table_entries_lose_by_name(void **state)
{
	fdb_learn(fdb, fdb_key(frame, DOMAIN), 3, 1, NULL);
	publish_ports(0x6);
	wait_rx(wait_rx(1) + 1000);
	assert_true(stats->port[3].drops[DROP_TX_DOWN] > 0);
	fdb_del(fdb, fdb_key(frame, DOMAIN), NULL);
	publish_ports(0xe);
}

static void sources_reach_control_as_events(void **state)
{
	struct worker_event ev[16];
	uint64_t deadline = rte_get_tsc_cycles() + 5 * rte_get_tsc_hz();

	while (workers_events(ev, RTE_DIM(ev)) == 0)
		assert_true(rte_get_tsc_cycles() < deadline);
	assert_int_equal(ev[0].key, fdb_key(frame + 6, DOMAIN));
	assert_int_equal(ev[0].port_id, 1);
}

static void a_worker_with_nothing_to_do_sleeps_and_wakes(void **state)
{
	uint64_t rx, sleeps;

	__atomic_store_n(&to_give, 0, __ATOMIC_RELAXED);
	snapshot();
	rx = audited_rx();
	sleeps = stats->self.sleeps;
	while (stats->self.sleeps < sleeps + 10)
		snapshot();
	__atomic_store_n(&to_give, 1000, __ATOMIC_RELAXED);
	assert_int_equal(wait_rx(rx + 1000), rx + 1000);
	assert_true(stats->self.idle_cycles > 0 && stats->self.busy_cycles > 0);
}

static void gap_maximum_starts_anew_when_asked(void **state)
{
	uint64_t longest, loops = 0;

	snapshot();
	longest = stats->self.poll_gap_max;
	assert_true(longest > 0);
	// The longest one since the start is not had in each of many short times.
	for (int i = 0; i < 1000 && stats->self.poll_gap_max >= longest; i++) {
		worker_poll_gap_reset();
		snapshot();
		snapshot();
	}
	assert_true(stats->self.poll_gap_max < longest);
	// The histogram goes on: control subtracts what was there when it was cleared.
	for (int k = 0; k < HIST_BUCKETS; k++)
		loops += stats->self.poll_gap[k];
	assert_int_equal(loops, stats->self.loops);
}

// A worker that answers has begun no loop since what was set before it was asked.
static void sampling_counts_packets_and_cycles_of_each_stage(void **state)
{
	static const unsigned int steps[] = {SAMPLE_RECEIVE, LANE_INGRESS, LANE_BRIDGE,
					     LANE_FLOOD,     LANE_EGRESS,  LANE_TX};
	struct worker_counters on;
	uint64_t cycles = 0, rx;

	snapshot();
	rx = audited_rx();
	for (unsigned int i = 0; i < SAMPLE_COUNT; i++)
		assert_int_equal(stats->self.sample[i].packets, 0);
	worker_sampling_set(0, true);
	assert_true(worker_sampling_get(0));
	snapshot();
	on = stats->self;
	__atomic_store_n(&to_give, 1000, __ATOMIC_RELAXED);
	wait_rx(rx + 1000);
	worker_sampling_set(0, false);
	snapshot();
	for (unsigned int i = 0; i < RTE_DIM(steps); i++) {
		const struct step_sample *s = &stats->self.sample[steps[i]];

		assert_int_equal(s->packets, 1000);
		assert_true(s->cycles > 0);
	}
	// Of the flooded packets' second references, what does not fill a buffer waits until the end of the loop.
	assert_true(stats->self.sample[SAMPLE_FLUSH].packets > 0);
	for (unsigned int i = 0; i < SAMPLE_COUNT; i++)
		cycles += stats->self.sample[i].cycles;
	assert_true(cycles < stats->self.busy_cycles - on.busy_cycles);
	on = stats->self;
	__atomic_store_n(&to_give, 1000, __ATOMIC_RELAXED);
	wait_rx(rx + 2000);
	assert_memory_equal(on.sample, stats->self.sample, sizeof(on.sample));
	assert_string_equal(sample_name(LANE_FLOOD), "flood");
	assert_string_equal(sample_name(SAMPLE_FLUSH), "flush");
}

static int start(void **state)
{
	char *argv[] = {"test", "--no-huge",   "--no-pci", "--no-shconf",   "-m", "192", "-l",
			"0,1",  "--log-level", "*:4",      "--no-telemetry"};
	struct worker_conf conf = {.idle = WORKER_IDLE_SLEEP, .sleep_max_us = 200};
	struct fault f = {0};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		argv[6] = "--lcores", argv[7] = "(0,1)@0";
	if (rte_eal_init(RTE_DIM(argv), argv) < 0 || rcu_create(1) || port_pool_create(8191, &f) ||
	    fdb_create(&fdb, 4096))
		return -1;
	conf.lcore = rte_get_next_lcore(-1, 1, 0);
	if (datapath_isa_set(NULL, &f) || workers_create(&conf, 1, fdb))
		return -1;
	for (uint16_t id = 1; id <= PORTS; id++) {
		ports[id].id = id;
		ports[id].link_up = 1;
		if (port_queues_alloc(&ports[id], 1, 1, 1))
			return -1;
		ports[id].rxq[0].rx = give;
		ports[id].txq[0].tx = take;
	}
	stats = worker_stats_alloc();
	return stats ? workers_start() : -1;
}

static int stop(void **state)
{
	workers_stop();
	rcu_drain();
	workers_destroy();
	worker_stats_free(stats);
	fdb_destroy(fdb);
	return rte_mempool_in_use_count(port_pool()) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_up_at_any_instant),
		cmocka_unit_test(ports_come_and_go_while_others_forward),
		cmocka_unit_test(stale_table_entries_lose_by_name),
		cmocka_unit_test(sources_reach_control_as_events),
		cmocka_unit_test(a_worker_with_nothing_to_do_sleeps_and_wakes),
		cmocka_unit_test(gap_maximum_starts_anew_when_asked),
		cmocka_unit_test(sampling_counts_packets_and_cycles_of_each_stage),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
