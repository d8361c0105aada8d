/* SPDX-License-Identifier: BSD-3-Clause */
// The way of a packet, top to bottom.
//
// Every stage takes the packets in its lane and moves them to later lanes; one with an empty lane returns at once. So
// one pass finishes the burst: every packet was sent, put into a transmit buffer, or dropped by name.
#include "stage.h"

// Calls a stage and, in the copy of stages_run() for workers that are being sampled, counts what it cost.
#define RUN(id, call)                                                                                                  \
	do {                                                                                                           \
		uint64_t mask_ = b->lane[LANE_##id];                                                                   \
		call;                                                                                                  \
		if (sampled)                                                                                           \
			sample(w, LANE_##id, (uint32_t)__builtin_popcountll(mask_));                                   \
	} while (0)

static __rte_always_inline void stages_run(struct worker *w, struct burst *b, const bool sampled)
{
	RUN(INGRESS,
	    stage_ingress(w, b));        // checks the frame, finds its VLAN's broadcast domain, makes the look-up keys
	RUN(FLOW, stage_flow(w, b));     // bridges in mode flow: what their tables say
	RUN(BRIDGE, stage_bridge(w, b)); // checks the source's place, finds the destination's port
	RUN(ROUTE, stage_route(w, b));   // frames to an interface's MAC address: its VRF
	RUN(IP4, stage_ip4(w, b));       // checks headers, looks up the route
	RUN(IP6, stage_ip6(w, b));
	RUN(NEXTHOP, stage_nexthop(w, b)); // rewrites, or hands over to control
	RUN(FLOOD, stage_flood(w, b));     // unknown and group destinations: a reference for each other member
	RUN(EGRESS, stage_egress(w, b));   // what the output port wants otherwise: tags, sizes, checksums
	RUN(TX, stage_tx(w, b));           // sends, or gathers in the ports' transmit buffers
	RUN(PUNT, stage_punt(w, b));       // hands to control what is for the host
	RUN(DROP, stage_drop(w, b));       // frees what was lost on the way
}

void pipeline_run(struct worker *w, struct burst *b)
{
	b->lane[LANE_INGRESS] = burst_all(b->n);
	if (likely(!w->sampling)) {
		stages_run(w, b, false);
	} else {
		sample(w, SAMPLE_RECEIVE, b->n);
		stages_run(w, b, true);
	}
	b->n = 0;
	b->nsegments = 0;
}
