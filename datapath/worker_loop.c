/* SPDX-License-Identifier: BSD-3-Clause */
// The loop of an lcore: poll, run the pipeline, send, report a quiescent state, rest if there was nothing to do.
#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "flow_worker.h"
#include "lanes_ip.h"
#include "mode.h"
#include "rcu.h"

#define RX_SPACE_MIN 32 // a queue is asked for no fewer packets than this
#define IDLE_SPIN_US 20 // empty polling before the first sleep
#define IDLE_SLEEP_MIN_NS 10000

struct rest {
	uint64_t since;    // TSC when polls became empty; 0 while busy
	uint64_t sleep_ns; // the next sleep
};

static inline void burst_run(struct worker *w, struct burst *b)
{
	w->self.burst_fill[31 - __builtin_clz(b->n)]++;
	pipeline_run(w, b);
}

// Visits every queue once. Packets of several queues share a burst until it has no room for a queue's share; those of a
// port in another mode than switch have theirs to themselves.
static uint32_t poll_queues(struct worker *w, const struct poll_list *list)
{
	struct burst *b = &w->burst;
	uint32_t nswitch = list->n - list->nmode, most = w->state->burst, got = 0;

	for (uint32_t i = 0; i < nswitch; i++) {
		struct rxq *q = list->q[i];
		uint16_t n = rxq_poll(q, b->pkt + b->n, (uint16_t)RTE_MIN(most, BURST_MAX - b->n));

		if (!n)
			continue;
		b->from[b->nsegments++] = (struct burst_segment){.q = q, .first = b->n};
		b->n += n;
		got += n;
		if (b->n > BURST_MAX - RX_SPACE_MIN)
			burst_run(w, b);
	}
	if (b->n)
		burst_run(w, b);
	for (uint32_t i = nswitch; i < list->n; i++) {
		uint32_t n = mode_run(w, list->q[i]);

		if (unlikely(w->sampling))
			sample(w, SAMPLE_MODE, n);
		got += n;
	}
	return got;
}

static inline void flush(struct worker *w)
{
	uint32_t held = (uint32_t)w->self.held;

	if (unlikely(w->sampling)) // what went before is empty polls
		w->sampled = rte_rdtsc();
	tx_flush(w);
	if (unlikely(w->sampling))
		sample(w, SAMPLE_FLUSH, held);
}

// Sleeps longer the longer nothing came, up to the bound; offline, so that nobody waits for a sleeper.
static void rest(struct worker *w, struct rest *r)
{
	uint64_t max_ns = (uint64_t)w->conf.sleep_max_us * 1000;
	struct timespec ts;

	if (!r->since) {
		r->since = w->tsc;
		r->sleep_ns = IDLE_SLEEP_MIN_NS;
	}
	if (w->tsc - r->since < IDLE_SPIN_US * (rte_get_tsc_hz() / 1000000)) {
		rte_pause();
		return;
	}
	ts = (struct timespec){.tv_nsec = (long)RTE_MIN(r->sleep_ns, max_ns)};
	rte_rcu_qsbr_thread_offline(rcu_var(), w->index);
	nanosleep(&ts, NULL);
	rte_rcu_qsbr_thread_online(rcu_var(), w->index);
	w->self.sleeps++;
	r->sleep_ns = RTE_MIN(r->sleep_ns * 2, max_ns);
	w->self.idle_cycles += rte_rdtsc() - w->tsc;
	w->tsc = rte_rdtsc(); // sleeping by choice is no gap
}

static void snapshot_if_asked(struct worker *w)
{
	uint32_t asked = __atomic_load_n(&w->shared.snapshot_asked, __ATOMIC_ACQUIRE);

	if (likely(asked == w->reply.snapshot_done))
		return;
	worker_copy_stats(w, w->shared.snapshot_to);
	__atomic_store_n(&w->reply.snapshot_done, asked, __ATOMIC_RELEASE);
}

// Charges the loop that ended now to busy or idle time and to the histogram of gaps between polls.
static inline void loop_account(struct worker *w, uint32_t got)
{
	uint64_t now = rte_rdtsc();
	uint64_t gap = now - w->tsc;
	uint32_t bucket = gap ? 63 - (uint32_t)__builtin_clzll(gap) : 0;
	uint32_t reset = __atomic_load_n(&w->shared.gap_reset_asked, __ATOMIC_RELAXED);

	w->tsc = now;
	w->self.loops++;
	if (got)
		w->self.busy_cycles += gap;
	else
		w->self.idle_cycles += gap;
	if (unlikely(reset != w->reply.gap_reset_done)) {
		w->reply.gap_reset_done = reset;
		w->self.poll_gap_max = 0;
	}
	w->self.poll_gap[RTE_MIN(bucket, HIST_BUCKETS - 1U)]++;
	w->self.poll_gap_max = RTE_MAX(w->self.poll_gap_max, gap);
}

static int worker_loop(void *arg)
{
	struct worker *w = arg;
	struct rest r = {0};
	struct flow_worker *flow;

	rte_rcu_qsbr_thread_online(rcu_var(), w->index);
	w->tsc = rte_rdtsc();
	while (!__atomic_load_n(&w->shared.stop, __ATOMIC_RELAXED)) {
		uint32_t got = 0;

		w->state = fwd_state_current();
		w->now_s = datapath_clock();
		if (w->state) {
			w->nports = RTE_MAX(w->nports, (uint32_t)w->state->nports);
			w->sampling = __atomic_load_n(&w->shared.sampling, __ATOMIC_RELAXED);
			w->sampled = w->tsc;
			got = poll_queues(w, w->state->poll[w->index]);
			if (unlikely(!rte_ring_empty(w->injects)))
				got += inject_run(w);
			flush(w);
			flow = __atomic_load_n(&w->flow, __ATOMIC_ACQUIRE);
			if (flow)
				flow_worker_fold(flow, w->tsc);
		}
		if (unlikely(w->punted))
			worker_punt_bell(w);
		rte_rcu_qsbr_quiescent(rcu_var(), w->index);
		snapshot_if_asked(w);
		loop_account(w, got);
		if (got)
			r.since = 0;
		else if (w->shared.idle == WORKER_IDLE_SLEEP)
			rest(w, &r);
	}
	rte_rcu_qsbr_thread_offline(rcu_var(), w->index);
	return 0;
}

static const struct lanes_ops lanes = {
	.equal16 = lanes_equal16,
	.match16 = lanes_match16,
	.keys = lanes_keys,
	.moved = lanes_moved,
	.ports = lanes_ports,
	.same64 = lanes_same64,
	.low16 = lanes_low16,
	.ip4_odd = lanes_ip4_odd,
	.ip6_odd = lanes_ip6_odd,
};

const struct datapath_ops DATAPATH_OPS = {
	.isa = DATAPATH_ISA,
	.worker_loop = worker_loop,
	.pipeline_run = pipeline_run,
	.mode_run = mode_run,
	.inject_run = inject_run,
	.tx_flush = tx_flush,
	.lanes = &lanes,
};
