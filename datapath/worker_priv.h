/* SPDX-License-Identifier: BSD-3-Clause */
// A worker from within: what the loop and the stages share.
//
// Design: all of it belongs to the worker's thread. Control writes `stop`, `idle` and the snapshot request, and reads
// the event ring; those have cache lines of their own.
#ifndef WORKER_PRIV_H
#define WORKER_PRIV_H

#include <rte_ring.h>

#include "../tables/fdb.h"
#include "../tables/seen.h"
#include "burst.h"
#include "worker.h"

#define WORKER_EVENTS 8192 // ring size; a lost event comes again with the next packet
#define WORKER_RECENT 1024 // remembered events, so that a flow asks to be learned once in a while and not per packet

// Packets on their way to one port, sent at the end of each loop at the latest.
struct tx_buffer {
	uint16_t n;
	bool listed; // in tx_dirty
	uint64_t bytes;
	struct rte_mbuf *pkt[BURST_MAX];
};

struct worker_recent {
	uint64_t key;
	uint32_t tick; // TSC >> RECENT_TICK_SHIFT
	uint16_t port_id;
};

#define PUNT_PORTS 64 // buckets; ports whose numbers differ by a multiple of it have one together
#define PUNT_SHARES 8 // of a class; a port may always have one of them

// One class of punts: a ring, and a token bucket kept as the time when the next packet is due (the virtual scheduling
// form of the generic cell rate algorithm, ITU-T I.371).
struct worker_punt {
	struct rte_ring *ring;         // of struct punt; producer: worker, consumer: control
	uint64_t due;                  // TSC
	uint64_t interval;             // cycles between packets at the class's rate
	uint64_t slack;                // how far ahead of its time a packet of a burst may come
	uint64_t port_due[PUNT_PORTS]; // TSC, of a port's share
};

struct flow_packet_out;

// A frame on its way from control to a worker; worker_inject() says what the fields are.
struct inject {
	struct rte_mbuf *m;
	struct flow_packet_out *out; // not NULL: that is what is to be done with it
	uint16_t port_id, domain, but_port, unused;
};

struct worker {
	uint16_t index;
	uint16_t now_s;                // coarse time of this loop
	const struct fwd_state *state; // of this loop
	struct hash64 *fdb_hash;
	struct fdb *fdb;
	uint64_t tsc;                // of this loop
	uint64_t sampled;            // TSC up to which cycles are charged to a step
	bool sampling;               // in this loop
	struct port_counters *count; // [PORT_MAX]
	struct tx_buffer *tx;        // [PORT_MAX]
	uint16_t *tx_dirty;          // ports whose buffer is not empty, each once
	uint32_t ntx_dirty;
	uint32_t nports;    // rows of `count` that may not be zero: highest port id seen plus one
	uint32_t next_flow; // of mode flowgen
	struct worker_counters self;
	struct rte_ring *events;      // of struct worker_event; producer: worker, consumer: control
	struct worker_recent *recent; // [WORKER_RECENT]
	struct rte_ring *injects;     // of struct inject; producer: control, consumer: worker
	struct worker_punt punt[PUNT_CLASS_COUNT];
	bool punted; // something since the bell was looked at
	struct worker_conf conf;
	struct burst burst;
	struct seen seen;         // sources that the bridge need not look up
	struct flow_worker *flow; // NULL: no flow tables. Written by control once
	struct burst *parts;      // of packets that were fragmented, on their way out; all are `routed`

	struct worker_shared {
		bool stop;               // written by control
		uint8_t idle;            // written by control, enum worker_idle
		bool sampling;           // written by control
		uint32_t snapshot_asked; // written by control after snapshot_to
		uint32_t gap_reset_asked;
		struct worker_stats *snapshot_to;
	} shared __rte_cache_aligned;
	struct worker_reply {
		uint32_t snapshot_done; // written by worker
		uint32_t gap_reset_done;
	} reply __rte_cache_aligned;
} __rte_cache_aligned;

struct lanes_ip4;
struct lanes_ip6;

struct lanes_ops {
	uint64_t (*equal16)(const uint16_t v[LANES], uint16_t x);
	uint64_t (*match16)(const uint16_t a[LANES], const uint16_t b[LANES]);
	uint64_t (*keys)(uint64_t dst[LANES], uint64_t src[LANES], uint16_t type[LANES], uint32_t first, uint32_t end,
			 uint16_t domain);
	uint64_t (*moved)(const uint32_t value[LANES], const uint16_t in_port[LANES], uint16_t now_s, uint32_t n);
	void (*ports)(uint16_t out_port[LANES], const uint32_t value[LANES], uint32_t n);
	bool (*same64)(const uint64_t key[LANES], uint32_t n);
	uint64_t (*low16)(const uint64_t key[LANES], uint16_t x);
	uint64_t (*ip4_odd)(struct lanes_ip4 *h, uint32_t n);
	uint64_t (*ip6_odd)(struct lanes_ip6 *h, uint32_t n);
};

// The functions compiled once per instruction set level, chosen at start.
struct datapath_ops {
	const char *isa;
	int (*worker_loop)(void *worker);
	// Runs worker->burst, whose pkt, n, from and nsegments are filled, through all stages; b->n is 0 afterwards.
	void (*pipeline_run)(struct worker *w, struct burst *b);
	// Visits a queue of a port in a mode other than switch; worker->burst is empty. Returns how many packets.
	uint32_t (*mode_run)(struct worker *w, struct rxq *q);
	// Sends up to a burst of what control has injected; worker->burst is empty.
	uint32_t (*inject_run)(struct worker *w);
	// Sends everything that waits in transmit buffers.
	void (*tx_flush)(struct worker *w);
	const struct lanes_ops *lanes; // for the test against the scalar twins
};

extern const struct datapath_ops datapath_v2, datapath_v3, datapath_v4;
const struct datapath_ops *datapath_ops(void);

// The state now published. Any thread within a grace period.
const struct fwd_state *fwd_state_current(void);
uint16_t datapath_clock(void);

// A worker without a thread, as the pipeline tests use. NULL on no memory.
struct worker *worker_new(uint16_t index, const struct worker_conf *conf, struct fdb *fdb);
void worker_free(struct worker *w);
void worker_copy_stats(const struct worker *w, struct worker_stats *out);

// The rings of a worker's punts and injects (punt.c). 0 or -ENOMEM; worker_punt_destroy() frees them and what is in
// them, and takes what was not created.
int worker_punt_create(struct worker *w);
void worker_punt_destroy(struct worker *w);
unsigned int worker_punts(struct worker *w, enum punt_class class, struct punt *punt, unsigned int n);
// Tells control, if it sleeps, that there are punts.
void worker_punt_bell(struct worker *w);
int worker_inject_to(struct worker *w, struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port);
// The same of a packet-out. -ENOBUFS: m and `out` are still the caller's.
int worker_inject_flow(struct worker *w, struct rte_mbuf *m, struct flow_packet_out *out);
// The bell's descriptor. 0 or -errno. Control, by workers_create().
int punt_bell_create(void);
void punt_bell_destroy(void);

// Worker i of workers_count().
struct worker *worker_at(unsigned int i);

// Asks control to learn that key is behind port_id. Bounded in rate per key; lost if the ring is full.
void worker_learn(struct worker *w, uint64_t key, uint16_t port_id);

#endif
