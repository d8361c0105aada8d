/* SPDX-License-Identifier: BSD-3-Clause */
// Statistics: one snapshot of all workers, and what is computed from it.
//
// Design: workers never reset a counter. "Clear" remembers the counters of that moment as a baseline that is subtracted
// from then on. The audit reads the raw counters, over all ports that ever were.
//
// Threads: control only.
#ifndef STATS_H
#define STATS_H

#include "port.h"

int stats_create(void);
void stats_destroy(void);

// Takes a snapshot, for all calls below. -ETIMEDOUT with a fault that names the silent worker.
int stats_take(struct fault *f);
const struct worker_counters *stats_worker(unsigned int i); // raw
void stats_worker_since_clear(unsigned int i, struct worker_counters *out);
void stats_port_since_clear(const struct port_obj *p, struct port_counters *out, struct port_dev_stats *dev);
void stats_total_since_clear(struct port_counters *out);

// Sums of one worker, or of all (i == workers_count()), as audited.
struct stats_audit {
	uint64_t rx, copies, generated, tx, drops, punted, held;
	int64_t imbalance; // rx + copies + generated - tx - drops - punted - held: 0 or there is a bug
};
void stats_audit(unsigned int i, struct stats_audit *out);

// Sets a port's baseline to now, with a snapshot of its own; not undone. For a port whose id had an owner before.
int stats_port_clear(struct port_obj *p, struct fault *f);
void stats_baseline_new_device(struct port_baseline *base);
// The same in a transaction: of one port, or of all ports, workers and totals.
int stats_clear_port(struct txn *t, struct port_obj *p, struct fault *f);
int stats_clear_all(struct txn *t, struct fault *f);

#endif
