/* SPDX-License-Identifier: BSD-3-Clause */
// Meters: how many of the packets that come by are too many, for all workers together.
//
// Purpose: OpenFlow's drop and DSCP-remark bands, in packets or bits per second.
//
// Design: each band is a token bucket that all workers share, kept as one word: the time up to which its tokens are
// spent. A burst takes from it with one compare-and-swap for all its packets, so that the sum is exact however many
// workers there are, and none ever waits for another. A packet that a band has no tokens for exceeds it and takes none;
// of the bands that it exceeds, the one of the highest rate has its way.
//
// Threads: flow_meter_init() before the meter is published; flow_meter_run() any worker.
// Source: OpenFlow Switch Specification 1.3.5, 5.7; RFC 2597 and RFC 2474, 4.2.2, for what a remark does.
#ifndef FLOW_METER_H
#define FLOW_METER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "burst.h"

#define FLOW_BANDS_MAX 16

struct flow_band {
	uint64_t rate;  // packets or bits per second, 1 or more
	uint64_t burst; // packets or bits, 1 or more: what passes at once after a while of silence
	bool remark;    // else drop
	uint8_t level;  // of a remark: how much the drop precedence rises
	// Made by flow_meter_init():
	uint64_t cost;  // time of one packet or bit, in 2^-32 cycles
	uint64_t depth; // time of `burst`, in the bucket's units
};

struct flow_meter {
	bool bits;
	uint32_t nbands;
	struct flow_band band[FLOW_BANDS_MAX]; // the highest rate first
	// By all workers: 2^-8 cycles.
	struct {
		uint64_t spent;
	} __rte_cache_aligned bucket[FLOW_BANDS_MAX];
};

// What a burst's packets exceed; a packet is in one of them at most.
struct flow_meter_hits {
	uint64_t band[FLOW_BANDS_MAX]; // bit i: packet i, by the band that has its way
};

// Completes a meter whose bits, nbands, and each band's rate, burst, remark and level are set; buckets are full. hz: of
// the clock whose time is `now`.
void flow_meter_init(struct flow_meter *m, uint64_t hz, uint64_t now);

// Passes packets through, lowest bit first. bytes[i]: of packet i. Cost: about 3 ns a packet and band, and an atomic
// operation for each band.
void flow_meter_run(struct flow_meter *m, uint64_t now, uint64_t lanes, const uint32_t bytes[BURST_MAX],
		    struct flow_meter_hits *hits);

// The DSCP after a remark: that of the same assured forwarding class with a higher drop precedence, three at most; of a
// class selector that of a lower class, which is dropped sooner; any other one stays.
uint8_t flow_meter_remark(uint8_t dscp, uint8_t level);

#endif
