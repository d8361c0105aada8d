/* SPDX-License-Identifier: BSD-3-Clause */
// Flow tables from within: what a worker has of its own for them.
//
// Threads: a struct flow_worker is its worker's, but for the part that says otherwise.
#ifndef FLOW_WORKER_H
#define FLOW_WORKER_H

#include "../tables/flow_cache.h"
#include "flow.h"
#include "flow_verdict.h"
#include "worker_priv.h"

#define FLOW_FOLD_US 2000   // from one regular folding to the next
#define FLOW_FOLD_SLICE 128 // counters for each loop
#define FLOW_FOLD_ASKED 512 // the same while control waits

// Of all switches. Written by control, read by workers (RCU).
struct flow_tables {
	uint64_t generation; // atomic
	uint64_t seed;       // of the flow hash of select groups
	const struct flow_switch *sw[FLOW_SWITCHES_MAX];
	const struct flow_entry **entry; // [FLOW_ENTRIES_MAX]
	const struct flow_group **group; // [FLOW_GROUPS_MAX]
	struct flow_meter **meter;       // [FLOW_METERS_MAX]
};

// One packet-out on its way to a worker.
struct flow_packet_out {
	struct flow_packet_out *next; // control's
	bool done;                    // written by the worker, which has no more to do with it
	uint16_t number;              // of the switch
	uint32_t in_port;             // OpenFlow number
	struct flow_acts acts;
};

struct flow_worker {
	const struct flow_tables *tables;
	struct flow_count *count[FLOW_COUNT_KINDS]; // written by the worker, read by control
	struct flow_cache *cache;
	struct flow_verdicts verdicts;
	struct flow_walk *walk; // [BURST_MAX]: the packets that no verdict is known for
	struct burst side;      // copies on their way through the bridge
	uint64_t fold_at;       // TSC of the next regular folding
	uint64_t folding_for;   // ticket that the folding under way answers
	bool folding;           // is under way

	struct {
		uint64_t asked; // ticket; written by control
	} shared __rte_cache_aligned;
	struct {
		uint64_t done; // ticket; written by the worker
	} reply __rte_cache_aligned;
} __rte_cache_aligned;

const struct flow_tables *flow_tables(void);

// A worker's part. worker_flow_destroy() takes one that has none. Control.
int worker_flow_create(struct worker *w, uint32_t cache_entries);
void worker_flow_destroy(struct worker *w);
void flow_worker_free(struct flow_worker *f);

// Does its share of folding, once per loop. now: TSC.
void flow_worker_fold(struct flow_worker *f, uint64_t now);
// Executes a packet-out; m is taken.
void flow_packet_out_run(struct worker *w, struct rte_mbuf *m, const struct flow_packet_out *out);

// Frees packet-outs, done or not. Control, by flow_destroy().
void flow_packet_outs_destroy(void);

// Folds everything. Control, while the worker does not run.
void flow_fold_all(struct flow_worker *f);

#endif
