/* SPDX-License-Identifier: BSD-3-Clause */
// A traffic generator and its sink: streams of stamped frames, sent at a rate and measured where they arrive.
//
// Purpose: one stream leaves by one port; at another (or the same) port the frames that arrive are counted, the
// numbers in their stamps tell loss, reordering and duplicates, and their times the latency.
//
// Design: a port with a `struct pktgen_port` belongs to the generator: whoever polls its queues sends its stream and
// feeds what arrives to the sink. Frames are numbered when they are made; what the port does not take at once is kept
// and sent first the next time, so the generator itself loses nothing, and a packet counts as generated when the port
// has taken it. A rate is kept by due times: frame n is due at the sum of the costs of those before it, in 1/1024 TSC
// cycles, so that no rounding adds up.
// The sink remembers the last 65536 numbers of a stream. A frame whose number is below one seen before is reordered
// (RFC 4737, type-P-reordered); one whose number was seen is a duplicate; one whose stamp or checksums do not add up is
// corrupt, and its number is not trusted. Ethernet addresses and tags are not covered.
//
// Threads: the sending half belongs to the worker that polls queue 0 of its port. The receiving half is used under the
// port's lock, which only contends if several workers poll the port. Control reads counts while they change, each
// atomic by itself, and exactly after a grace period without the stream.
#ifndef PKTGEN_H
#define PKTGEN_H

#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "pktgen_frame.h"

#define PKTGEN_STREAMS 64
#define PKTGEN_BURST PKTGEN_FRAMES_MAX
#define PKTGEN_WINDOW 65536U
#define PKTGEN_COST_SHIFT 10
#define PKTGEN_LATENCY_SUB 16 // buckets for each power of two: 1/16 is the error of a quantile
#define PKTGEN_LATENCY_BUCKETS (45 * PKTGEN_LATENCY_SUB)

struct pktgen_latency {
	uint64_t count, sum, max; // TSC cycles
	uint64_t bucket[PKTGEN_LATENCY_BUCKETS];
};

// What arrived of a stream.
struct pktgen_received {
	uint64_t packets, bytes; // intact ones, duplicates included
	uint64_t duplicates, reordered, corrupt;
	uint64_t too_late;      // of the reordered ones: so late that they may be duplicates
	uint64_t next;          // highest number so far, plus one
	uint64_t first, last;   // by the receiver's TSC: visits in which the first and the last of `packets` came
	uint64_t first_packets; // in the first visit
	struct pktgen_latency latency;
	uint64_t seen[PKTGEN_WINDOW / 64]; // bit n % 65536: number n was seen
};

struct pktgen_limits {
	uint64_t cost[PKTGEN_SIZES_MAX]; // until the next frame is due, 1/1024 cycles; 0: at once
	uint64_t on, off;                // cycles; on 0: no bursts
	uint64_t duration;               // cycles; 0: without end
	uint64_t count;                  // packets; 0: without end
};

enum pktgen_state { PKTGEN_RUNNING, PKTGEN_DONE };

struct pktgen_stream {
	uint16_t id;
	struct pktgen_limits limits;
	struct pktgen_frame frame;
	// The sender's.
	uint64_t start;                  // TSC of the first visit
	uint64_t due;                    // of the next frame, from the start, 1/1024 cycles of time in bursts
	uint64_t made;                   // frames made
	uint16_t npending, sent_pending; // pending[sent_pending..npending-1] wait for the port
	struct rte_mbuf *pending[PKTGEN_BURST];
	// Read by control.
	uint64_t packets, bytes; // that the port took
	uint64_t behind;         // how often it was over a millisecond late and let that time go
	uint64_t no_mbuf;        // how often there were no buffers
	uint64_t last;           // TSC when the last frame was sent
	uint32_t state;          // atomic: enum pktgen_state
	struct pktgen_received received __rte_cache_aligned;
};

// What a port does for the generator.
struct pktgen_port {
	struct pktgen_stream *send; // atomic, written by control; NULL: sends nothing
	uint64_t stream_mask;       // atomic, written by control; bit i: stream i is to arrive here
	rte_spinlock_t lock;
	uint64_t unknown; // packets that are of no such stream; read by control
};

// The streams by id, for sinks. Written by control, read by workers (RCU).
extern struct pktgen_stream *pktgen_streams[PKTGEN_STREAMS];

// Makes the frames that are due and hands them to `tx`, which returns how many it took. Returns the number taken.
// Worker. Cost: 10 to 35 cycles a packet, by the fields that walk, and the driver's.
typedef uint16_t (*pktgen_tx_fn)(void *arg, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes);
uint32_t pktgen_send(struct pktgen_stream *s, struct rte_mempool *pool, uint64_t now, pktgen_tx_fn tx, void *arg);

// Judges what arrived at a port; the packets stay the caller's. Worker.
void pktgen_receive(struct pktgen_port *p, struct rte_mbuf **pkt, uint32_t n, uint64_t now);

// Whether all checksums of a generated frame hold, its stamp's included.
bool pktgen_intact(const struct rte_mbuf *m);

// Latency below which a share `q` (0..1) of the packets was, in cycles: the upper end of its bucket, at most the
// maximum. 0 if there are none.
uint64_t pktgen_latency_quantile(const struct pktgen_latency *l, double q);
void pktgen_latency_add(struct pktgen_latency *l, uint64_t cycles);

// Rate at which frames came by the receiver's own clock, which the sender has no part in: those after the first visit,
// by the time since then. 0 if all came in one visit.
double pktgen_received_pps(const struct pktgen_received *r, uint64_t tsc_hz);

// Frees what waits for a port. After a grace period without the stream.
void pktgen_stream_drop_pending(struct pktgen_stream *s);

#endif
