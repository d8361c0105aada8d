/* SPDX-License-Identifier: BSD-3-Clause */
// Packets that no verdict is known for, on their way through the flow tables.
//
// Design: all of a burst go together, table by table, so that a look-up is for many; as goto leads to later tables
// only, each table is asked once. Actions are applied on the way. What was met becomes a verdict, unless packets that
// the cache takes to be alike might meet something else: where a header came to light that is not part of its key
// (flow_window.h), or a meter has rewritten.
//
// Threads: the worker's.
#ifndef FLOW_WALK_H
#define FLOW_WALK_H

#include "flow_run.h"

// One packet, its action set, and the entries that it met.
struct flow_walk {
	struct flow_run run;
	struct flow_path path;
	uint64_t set; // bit i: there is an action in place i
	const struct flow_act *set_act[FLOW_PLACES];
	uint8_t table;  // the one it is looked up in next
	bool cacheable; // by what it met
	bool done;      // it went all its way
	bool part;      // a segment of the packet that came, which counts for it
	uint32_t bytes; // as it came
};

// Takes packets of b that the last look-up in the flow cache did not find through the tables of a switch, and keeps
// verdicts. Each of them is over then, but for lanes that it was given.
void flow_walk(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw, uint16_t number);

// Takes one packet through the tables, as an action said, and keeps nothing.
void flow_walk_one(struct flow_run *r);

#endif
