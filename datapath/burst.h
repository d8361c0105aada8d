/* SPDX-License-Identifier: BSD-3-Clause */
// The burst: up to 64 packets that stay where they are while bits move between lanes.
//
// Purpose: the one data structure of the fast path. A stage takes the packets whose bit is set in its lane, fills in
// fields, and sets bits in later lanes.
//
// Design: a structure of arrays, one per worker, reused. "All packets go the same way" is a compare of two words; a
// stage with an empty lane costs one test. A stage sets bits in later lanes only, so one pass finishes a burst. The
// only way to lose a packet is burst_drop(), which counts it by reason.
//
// Threads: owned by one worker.
#ifndef BURST_H
#define BURST_H

#include <assert.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "lanes.h"

#define BURST_MAX LANES

// In the order of the pipeline: each lane and its stage, which pipeline.c calls.
#define BURST_LANES(X)                                                                                                 \
	X(INGRESS, ingress)                                                                                            \
	X(FLOW, flow)                                                                                                  \
	X(BRIDGE, bridge)                                                                                              \
	X(ROUTE, route)                                                                                                \
	X(IP4, ip4)                                                                                                    \
	X(IP6, ip6)                                                                                                    \
	X(NEXTHOP, nexthop)                                                                                            \
	X(FLOOD, flood)                                                                                                \
	X(EGRESS, egress)                                                                                              \
	X(TX, tx)                                                                                                      \
	X(PUNT, punt)                                                                                                  \
	X(DROP, drop)

enum lane {
#define X(id, stage) LANE_##id,
	BURST_LANES(X)
#undef X
		LANE_COUNT
};

// Packets that came from one queue together: pkt[first] up to the next segment's first.
struct burst_segment {
	struct rxq *q;
	uint32_t first;
};

struct burst {
	uint64_t lane[LANE_COUNT]; // bit i: packet i waits for that stage
	uint32_t n;
	uint32_t nsegments;
	uint64_t tagged;   // bit i: an 802.1Q or 802.1ad tag is outermost
	uint64_t priority; // bit i: that tag has VID 0, yet the packet is in a VLAN of its own number
	uint64_t bridged;  // bit i: came in by a port of a bridge, which looks at its source
	uint64_t offload;  // bit i: asks for a checksum or TCP segmentation
	uint64_t segment;  // bit i: to be split by TCP segmentation before it is sent
	uint64_t bytes;    // of all packets as they came in
	uint32_t longest;  // bytes of the longest packet as it came in
	bool changed;      // some packet's length may have changed since
	bool injected;     // made by control: no copies of it go back there
	struct rte_mbuf *pkt[BURST_MAX];
	uint64_t dmac_key[BURST_MAX]; // destination MAC << 16 | domain, see fdb.h
	uint64_t smac_key[BURST_MAX]; // source MAC << 16 | domain
	uint16_t in_port[BURST_MAX];
	uint16_t out_port[BURST_MAX];
	uint16_t type[BURST_MAX]; // EtherType, in network order; in lane ROUTE's packets that behind the tag
	uint16_t vid[BURST_MAX];  // the VLAN of its domain; VLAN_NONE in a rest domain
	// Of packets in lane FLOW:
	const uint8_t *data[BURST_MAX];
	uint16_t data_len[BURST_MAX]; // bytes that lie there in one piece
	uint32_t len[BURST_MAX];
	// Of packets in lane ROUTE and what follows from there:
	uint64_t ip6;        // bit i: IPv6, not IPv4
	uint64_t expired;    // bit i: may not go another hop
	uint64_t link_local; // bit i: may not leave its link
	uint64_t routed;     // bit i: came in by another domain than it is in now
	uint16_t vrf[BURST_MAX];
	uint32_t nexthop[BURST_MAX]; // what the FIB, or the group that it named, said
	// Of packets in lane PUNT:
	uint8_t punt_class[BURST_MAX]; // enum punt_class
	uint16_t punt_mtu[BURST_MAX];  // class MTU: of the next link
	struct burst_segment from[BURST_MAX];
} __rte_cache_aligned;

// for (i = each set bit of mask, lowest first)
#define lane_foreach(i, mask)                                                                                          \
	for (uint64_t lane_left_ = (mask); lane_left_ && ((i) = (uint32_t)__builtin_ctzll(lane_left_), 1);             \
	     lane_left_ &= lane_left_ - 1)

// The packets of a burst: bits 0..n-1.
static inline uint64_t burst_all(uint32_t n)
{
	return lanes_range(0, n);
}

// Takes the packets of a lane: they wait there no longer.
static inline uint64_t lane_take(struct burst *b, enum lane lane)
{
	uint64_t mask = b->lane[lane];

	b->lane[lane] = 0;
	return mask;
}

// Moves packets on from the stage `from` to a later one.
static inline void lane_give(struct burst *b, enum lane from, enum lane to, uint64_t mask)
{
	assert(to > from);
	b->lane[to] |= mask;
}

#endif
