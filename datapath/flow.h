/* SPDX-License-Identifier: BSD-3-Clause */
// A bridge that forwards by flow tables, as workers see it.
//
// Purpose: what control makes of flow entries, groups and meters, in the form in which a worker executes it.
//
// Design: a flow table is a classifier (tables/classifier.h) whose values are numbers of flow entries. Entries, groups
// and meters are found by small numbers in arrays of pointers to immutable structs, replaced and freed by RCU, so that
// what is changed is seen in whole or not at all. A worker keeps what it decided about a kind of packet in its flow
// cache as a verdict: all actions in order, with what to count. The cache is one for all bridges, told apart by the
// port in its key, so there is one generation: whoever changes a table, an entry, a switch or its masks counts it up
// afterwards, and all verdicts of before are void. Groups, meters and ports are looked up when a verdict is executed,
// so their changes and the liveness of ports void nothing.
//
// Threads: built by control, constant once published but for what is marked atomic.
// Source: OpenFlow Switch Specification 1.3.5, 5.
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "../tables/classifier.h"
#include "../tables/flow_window.h"
#include "flow_exec.h"
#include "flow_group.h"
#include "flow_meter.h"
#include "state.h"

#define FLOW_TABLES 254
#define FLOW_NO_TABLE 0xff
#define FLOW_ENTRIES_MAX (1u << 20) // of all bridges; numbers are 1..FLOW_ENTRIES_MAX-1
#define FLOW_GROUPS_MAX 4096        // of all bridges; numbers are 1..FLOW_GROUPS_MAX-1
#define FLOW_METERS_MAX 4096
#define FLOW_PORTS_MAX 16384 // OpenFlow numbers are 1..FLOW_PORTS_MAX-1 and the reserved ones
#define FLOW_GROUP_DEPTH 8   // groups that lead to groups; control refuses more, and loops

// What may be done with a packet: flow_op is an action that rewrites, or one of these.
enum flow_act_type {
	FLOW_ACT_REWRITE,
	FLOW_ACT_OUTPUT, // op.arg: port, reserved ones too; max_len for the controller
	FLOW_ACT_GROUP,  // op.arg: number of the group
	FLOW_ACT_QUEUE,  // op.arg: queue of the outputs that follow
};

struct flow_act {
	uint8_t type;     // enum flow_act_type
	uint16_t max_len; // of an output to the controller
	struct flow_op op;
};

struct flow_acts {
	uint32_t n;
	struct flow_act act[];
};

// One flow entry's instructions, in the order of execution: meter, apply, clear, write, metadata, goto.
struct flow_entry {
	uint32_t number; // also of its counters
	uint8_t table;
	uint8_t goto_table; // FLOW_NO_TABLE: none
	bool clear;         // clears the action set before `write`
	bool miss;          // a table-miss entry: output to the controller gives reason no_match
	uint32_t meter;     // number, 0: none
	uint64_t cookie;    // for packet-ins
	uint64_t metadata, metadata_mask;
	const struct flow_acts *apply, *write; // NULL: none. Parts of the same allocation
};

enum flow_group_type { FLOW_GROUP_TYPE_ALL, FLOW_GROUP_TYPE_SELECT, FLOW_GROUP_TYPE_INDIRECT, FLOW_GROUP_TYPE_FF };

struct flow_bucket {
	uint32_t watch_port;  // OpenFlow port whose link has to be up; 0: not watched
	uint32_t watch_group; // number of a group that has to have a live bucket; 0: not watched
	const struct flow_acts *acts; // an action set, in the order of 5.10
};

struct flow_group {
	uint8_t type; // enum flow_group_type
	uint32_t nbuckets;
	uint32_t counters;    // number of its first counter; bucket i has counters + 1 + i
	uint32_t nslots;      // SELECT: flow_group.h
	const uint16_t *slot;
	struct flow_bucket bucket[];
};

struct flow_port {
	uint16_t port_id;                   // 0: there is none
	bool no_recv, no_fwd, no_packet_in; // OFPPC_*
};

// One bridge in mode flow.
struct flow_switch {
	uint16_t bridge;                             // as fwd_port.bridge
	const struct classifier *table[FLOW_TABLES]; // NULL: empty
	struct flow_window_masks masks;              // of all its tables, by classifier_used()
	struct flow_port port[FLOW_PORTS_MAX];       // by OpenFlow number
	uint16_t nflood;
	const uint32_t *flood; // OpenFlow numbers of all ports: FLOOD and ALL
	uint16_t local;        // port_id of LOCAL (a host TAP); 0: none
	bool drop_fragments;   // OFPC_FRAG_DROP
	bool standalone;       // no controller, and fail-standalone: all is NORMAL
};

struct flow_count {
	uint64_t packets, bytes;
	uint64_t used; // TSC of the last packet, within a second
};

// Of all bridges. Reached from fwd_state; its arrays stay where they are.
struct flow_tables {
	uint64_t generation;        // atomic, written by control, read by workers before each look-up
	struct flow_entry **entry;  // [FLOW_ENTRIES_MAX] (RCU)
	struct flow_group **group;  // [FLOW_GROUPS_MAX] (RCU)
	struct flow_meter **meter;  // [FLOW_METERS_MAX] (RCU)
	// By worker: written by it alone, read by control. Those of entries are behind by what verdicts hold until
	// the worker has answered flow_counts_sync().
	struct flow_count *entry_count[WORKERS_MAX]; // [FLOW_ENTRIES_MAX]
	struct flow_count *group_count[WORKERS_MAX];
	struct flow_count *meter_count[WORKERS_MAX];
	uint64_t *table_count[WORKERS_MAX]; // looked up and matched, of each table of each switch
};

// Why a packet goes to the controller: OFPR_*.
enum flow_reason { FLOW_REASON_NO_MATCH, FLOW_REASON_ACTION, FLOW_REASON_TTL, FLOW_REASON_COUNT };

// What goes with a packet to the controller.
struct flow_packet_in {
	uint8_t reason; // enum flow_reason
	uint8_t table;
	uint16_t max_len;
	uint32_t in_port; // OpenFlow number
	uint64_t cookie, metadata, tunnel_id;
};

#endif
