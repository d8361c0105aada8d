/* SPDX-License-Identifier: BSD-3-Clause */
// The way of a packet, top to bottom.
//
// Every stage takes the packets in its lane and moves them to later lanes; one with an empty lane returns at once. So
// one pass finishes the burst: every packet was sent, put into a transmit buffer, or dropped by name.
#include "stage.h"

void pipeline_run(struct worker *w, struct burst *b)
{
	b->lane[LANE_INGRESS] = burst_all(b->n);

	stage_ingress(w, b); // checks the frame, finds its VLAN's broadcast domain, makes the look-up keys
	stage_bridge(w, b);  // checks the source's place, finds the destination's port
	stage_flood(w, b);   // unknown and group destinations: a reference for every other member of the domain
	stage_egress(w, b);  // what the output port wants otherwise: tags, sizes, checksums
	stage_tx(w, b);      // sends, or gathers in the ports' transmit buffers
	stage_drop(w, b);    // frees what was lost on the way

	b->n = 0;
	b->nsegments = 0;
}
