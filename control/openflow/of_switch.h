/* SPDX-License-Identifier: BSD-3-Clause */
// What an OpenFlow agent asks of the switch that it speaks for.
//
// Purpose: the agent (of_agent.h) knows the protocol and its connections, and nothing of bridges, tables and workers.
// The bridge gives it these calls; tests give it a model.
//
// Design: calls take and give the structs of control/flow_mod.h and of this header. A call that refuses returns -errno
// and fills its flow_error with the type and code that the controller is to see. Whatever can be long is walked by a
// cursor, one entry per call, so that an answer goes out in pieces, as fast as its reader reads, and takes no memory
// for what is still to come. The switch tells the agent of events by of_agent_packet_in() and its like.
//
// Threads: control only, like all that is called from here.
#ifndef OF_SWITCH_H
#define OF_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../flow_mod.h"

// Where a walk stands; all zero at its start. The switch keeps in it what it likes. Entries that come or go while a
// walk is under way may be seen or not, all others are seen once.
struct of_cursor {
	uint64_t at[2];
};

struct of_features {
	uint64_t datapath_id;
	uint32_t capabilities; // OFPC_*
	uint8_t tables;
};

struct of_desc {
	char manufacturer[256], hardware[256], software[256], serial[32], datapath[256];
};

struct of_port {
	uint32_t no;
	uint8_t mac[6];
	char name[16];
	uint32_t config, state;                     // OFPPC_*, OFPPS_*
	uint32_t curr, advertised, supported, peer; // OFPPF_*
	uint32_t curr_kbps, max_kbps;
};

struct of_port_stats {
	uint32_t no;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped, rx_errors, tx_errors;
	uint64_t rx_frame_err, rx_over_err, rx_crc_err, collisions;
	uint64_t duration_ns;
};

struct of_queue_stats {
	uint32_t port, queue;
	uint64_t tx_bytes, tx_packets, tx_errors, duration_ns;
};

struct of_queue {
	uint32_t port, queue;
	uint16_t min_rate, max_rate; // in 1/10 of a percent; 0xffff: none
};

struct of_table {
	uint8_t table;
	char name[32];
	uint32_t active, max_entries;
	uint64_t lookups, matches;
	uint64_t metadata_match, metadata_write; // the bits that can be
};

// Which entries a request is about. Without `strict`, the match may be less specific than an entry's.
struct of_flow_query {
	uint8_t table;                // FLOW_TABLE_ALL: all
	uint32_t out_port, out_group; // FLOW_PORT_ANY, FLOW_GROUP_ANY: not asked
	uint64_t cookie, cookie_mask;
	struct flow_match match;
};

// An entry and its counters; instructions stay the switch's, until its next change.
struct of_flow {
	uint8_t table;
	uint16_t priority, idle_timeout, hard_timeout, flags, importance;
	uint64_t cookie, duration_ns, packets, bytes;
	struct flow_match match;
	const struct flow_instructions *instructions;
};

struct of_aggregate {
	uint64_t packets, bytes;
	uint32_t flows;
};

struct of_counter {
	uint64_t packets, bytes;
};

// A group or meter with its counters. `mod` and `parts` (as many as it has buckets or bands) stay the switch's.
struct of_group {
	const struct group_mod *mod;
	uint32_t references; // by flow entries and groups
	struct of_counter all;
	const struct of_counter *parts;
	uint64_t duration_ns;
};

struct of_meter {
	const struct meter_mod *mod;
	uint32_t references;
	struct of_counter all;
	const struct of_counter *parts;
	uint64_t duration_ns;
};

struct of_group_features {
	uint32_t types, capabilities; // bit i: enum group_type; OFPGFC_*
	uint32_t max_groups[4];
	uint32_t actions[4]; // bit i: enum flow_action_type
};

struct of_meter_features {
	uint32_t max_meter, band_types, capabilities; // bit i: enum meter_band_type; METER_*
	uint8_t max_bands, max_color;
};

struct of_port_mod {
	uint32_t port;
	uint8_t mac[6];
	uint32_t config, mask, advertise; // advertise 0: as it is
};

struct of_packet_out {
	uint32_t in_port;
	struct flow_actions actions;
	const uint8_t *data;
	uint32_t size; // bytes
};

// What a request for table features wants of one table.
struct of_table_config {
	uint8_t table;
	char name[32];
	uint32_t config, max_entries;
	uint64_t metadata_match, metadata_write;
};

// One change of several: one of these is set, or none where memory lacked to read it.
struct of_change {
	const struct flow_mod *flow;
	const struct group_mod *group;
	const struct meter_mod *meter;
};

struct of_switch_ops {
	void (*features)(void *sw, struct of_features *out);
	void (*desc)(void *sw, struct of_desc *out);
	// Fragment handling, OFPC_FRAG_*: reads it, and sets it (OFPSCFC_BAD_FLAGS if it cannot be).
	uint16_t (*config)(void *sw);
	int (*set_config)(void *sw, uint16_t flags, struct flow_error *e);

	// Changes. What was checked by flow_mod_check() and its like is not checked again.
	int (*flow_mod)(void *sw, const struct flow_mod *m, struct flow_error *e);
	int (*group_mod)(void *sw, const struct group_mod *m, struct flow_error *e);
	int (*meter_mod)(void *sw, const struct meter_mod *m, struct flow_error *e);
	// Does the changes that next(arg) hands out, until it says NULL, in this order; all or none, and seen as one.
	// If it fails, the one handed out last is why.
	int (*bundle)(void *sw, const struct of_change *(*next)(void *arg), void *arg, struct flow_error *e);
	int (*port_mod)(void *sw, const struct of_port_mod *m, struct flow_error *e);
	int (*table_mod)(void *sw, uint8_t table, uint32_t config, struct flow_error *e);
	// All tables that a request names, or none (OFPTFFC_*).
	int (*table_features)(void *sw, const struct of_table_config *tables, unsigned int n, struct flow_error *e);
	int (*packet_out)(void *sw, const struct of_packet_out *p, struct flow_error *e);
	// After a run of changes that came together: the time to publish them.
	void (*flush)(void *sw);
	// Calls done(arg) once every packet on every worker sees all changes made so far; perhaps at once. done is
	// called exactly once, also if the agent was told to forget it by passing the same arg to barrier_cancel.
	void (*barrier)(void *sw, void (*done)(void *arg), void *arg);

	// The same once counters hold every packet that has been processed so far.
	void (*counts)(void *sw, void (*done)(void *arg), void *arg);

	// One entry per call: 1 and *out, or 0 at the end. `port`, `group`, `meter`, `queue` may be the *_ANY or *_ALL
	// that asks for each; for one that is not there -errno.
	int (*flow_next)(void *sw, const struct of_flow_query *q, struct of_cursor *c, struct of_flow *out);
	void (*aggregate)(void *sw, const struct of_flow_query *q, struct of_aggregate *out);
	int (*table_next)(void *sw, struct of_cursor *c, struct of_table *out);
	int (*port_next)(void *sw, struct of_cursor *c, struct of_port *out);
	int (*port_stats_next)(void *sw, uint32_t port, struct of_cursor *c, struct of_port_stats *out,
			       struct flow_error *e);
	int (*queue_next)(void *sw, uint32_t port, struct of_cursor *c, struct of_queue *out, struct flow_error *e);
	int (*queue_stats_next)(void *sw, uint32_t port, uint32_t queue, struct of_cursor *c,
				struct of_queue_stats *out, struct flow_error *e);
	int (*group_next)(void *sw, uint32_t group, struct of_cursor *c, struct of_group *out);
	int (*meter_next)(void *sw, uint32_t meter, struct of_cursor *c, struct of_meter *out, struct flow_error *e);
	void (*group_features)(void *sw, struct of_group_features *out);
	void (*meter_features)(void *sw, struct of_meter_features *out);

	// All controllers are lost (false), or one is there again (true): the time for fail-secure or fail-standalone.
	void (*connected)(void *sw, bool any);
};

// Events.

struct of_packet_in {
	uint8_t reason, table; // OFPR_*
	uint64_t cookie;
	uint32_t total_size;     // bytes of the packet as it was received
	uint16_t max_len;        // of these, the action asks for; FLOW_MAX_LEN_NO_BUFFER: all
	struct flow_match match; // in_port and, where they are not 0, in_phy_port, metadata, tunnel_id
	const uint8_t *data;
	uint32_t size;
};

struct of_flow_removed {
	struct of_flow flow; // its instructions are not looked at
	uint8_t reason;      // OFPRR_*
};

#endif
