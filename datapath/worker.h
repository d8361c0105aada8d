/* SPDX-License-Identifier: BSD-3-Clause */
// Workers, as control sees them: start, stop, statistics and events. The loop itself is in worker_loop.c, which is
// compiled once per instruction set level.
//
// Design: a worker owns everything in `struct worker`; control reads the counters only through worker_snapshot(), for
// which the worker copies its rows between two loops, so that what one worker counted is a consistent whole: rx +
// copies + generated = tx + drops + punted + held holds to the packet at any time. Events go to control through one
// ring per worker.
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "burst.h"
#include "drop.h"
#include "punt.h"
#include "state.h"

#define HIST_BUCKETS 32
#define BURST_FILL_BUCKETS 7 // packets per burst: 1, 2-3, 4-7, 8-15, 16-31, 32-63, 64

// What one worker counted of one port.
struct port_counters {
	uint64_t rx_packets, rx_bytes;
	uint64_t copies;    // packets that came in here and were sent to more than one port: how many more
	uint64_t generated; // packets that a mode made here, to leave by this port
	uint64_t tx_packets, tx_bytes;
	uint64_t drops[DROP_COUNT];
};

// Where a worker's cycles go while it is being sampled: the stages of the pipeline by their lane, and what is before
// and after them.
enum sample_step {
	SAMPLE_RECEIVE = LANE_COUNT, // polls up to the one that fills a burst
	SAMPLE_MODE,                 // ports in a mode other than switch, from receive to send
	SAMPLE_FLUSH,                // transmit buffers, at the end of a loop
	SAMPLE_COUNT
};

struct step_sample {
	uint64_t packets, cycles;
};

// What one worker counted of itself.
struct worker_counters {
	uint64_t loops, busy_cycles, idle_cycles, sleeps;
	uint64_t punted;                       // handed to control
	uint64_t held;                         // in transmit buffers at this instant
	uint64_t events_lost;                  // the event ring was full
	uint64_t punts[PUNT_CLASS_COUNT];      // of `punted`, by class
	uint64_t punts_lost[PUNT_CLASS_COUNT]; // dropped as punt_rate or punt_full
	uint64_t burst_fill[BURST_FILL_BUCKETS];
	uint64_t poll_gap[HIST_BUCKETS]; // [i]: gaps between two polls of 2^i <= cycles < 2^(i+1); sleeps by choice not
					 // counted
	uint64_t poll_gap_max;           // cycles, since worker_poll_gap_reset()
	struct step_sample sample[SAMPLE_COUNT];
};

struct worker_stats {
	struct worker_counters self;
	uint32_t nports;            // rows in port[]
	struct port_counters *port; // [PORT_MAX]
};

enum worker_idle { WORKER_IDLE_POLL, WORKER_IDLE_SLEEP };

struct worker_conf {
	unsigned int lcore; // EAL lcore id
	unsigned int cpu;
	enum worker_idle idle;
	uint32_t sleep_max_us; // bound of a sleep and so of the wake-up, WORKER_IDLE_SLEEP only
};

struct worker;
struct fdb;

// An event for control.
enum worker_event_type { WORKER_EVENT_LEARN };
struct worker_event {
	uint64_t key;     // MAC << 16 | domain, as in burst.h
	uint16_t port_id; // where it was seen
	uint16_t type;
	uint32_t pad;
};

// Chooses the instruction set level ("v2", "v3", "v4"; NULL: the best this CPU has). 0 or -ENOTSUP with a fault.
int datapath_isa_set(const char *isa, struct fault *f);
const char *datapath_isa(void);

// Creates `n` workers, stopped; they forward by `fdb`. 0 or -errno. Control thread, once.
int workers_create(const struct worker_conf *conf, unsigned int n, struct fdb *fdb);
int workers_start(void);
void workers_stop(void); // waits for them to leave their loops
void workers_destroy(void);
bool workers_running(void);
unsigned int workers_count(void);
const struct worker_conf *worker_conf(unsigned int i);
enum worker_idle worker_idle_get(unsigned int i);
void worker_idle_set(unsigned int i, enum worker_idle idle); // at run time

// Whether worker i counts the cycles of each step of its work: off at first. Costs a worker a branch per burst when
// off, and a read of the TSC (some 20 cycles) per step and burst when on. Control thread, at run time.
bool worker_sampling_get(unsigned int i);
void worker_sampling_set(unsigned int i, bool on);
const char *sample_name(unsigned int step); // "receive", "ingress"...

// Asks all workers for their counters and waits, at most `timeout_ms`, for each to copy them between two loops.
// stats[workers_count()], allocated by worker_stats_alloc(). Returns 0, or -ETIMEDOUT with the number of the silent
// worker in *who. Control thread. Costs a worker about 10 ns per port, once.
int workers_snapshot(struct worker_stats *stats, unsigned int timeout_ms, unsigned int *who);
struct worker_stats *worker_stats_alloc(void);
void worker_stats_free(struct worker_stats *stats);
void worker_poll_gap_reset(void);

// Takes up to n events that the workers left. Control thread.
unsigned int workers_events(struct worker_event *ev, unsigned int n);

// Coarse time in seconds as the tables use it (16 bits, never 0), advanced by control at least twice a second.
void datapath_clock_set(uint16_t now_s);

#endif
