/* SPDX-License-Identifier: BSD-3-Clause */
// One packet on its way through actions: what leaves, and what becomes of the packet itself.
//
// Design: an output waits until the next action: if there is none, the packet itself is sent; else one more reference
// to it as it is now, and whoever changes the packet afterwards has to copy it first (flow_exec.h). Each reference is
// one more packet in the accounts (`copies` of the port it came in by) and ends like one: it is sent, or dropped or
// punted by name.
//
// Threads: all of it runs on the worker that owns the packet.
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "flow_worker.h"
#include "stage.h"

// An output that waits.
struct flow_pending {
	uint32_t port; // 0: none
	uint16_t max_len;
	uint8_t reason; // enum flow_reason, of outputs to the controller
};

struct flow_run {
	struct worker *w;
	struct burst *b;
	uint32_t i; // lane of b that is the packet's, or that of the packet it is a reference of
	const struct flow_switch *sw;
	const struct flow_entry *entry; // whose actions these are; NULL: a packet-out's
	uint16_t number;                // of the switch
	uint16_t in_port;               // port id, 0 none
	uint8_t depth;                  // groups that this is in
	bool clone;                     // a reference of a packet: sent at once, not by the lanes of b
	bool over;                      // is gone: sent, dropped or handed to control
	bool packet_ins;                // the port it came in by lets it go to the controller
	uint32_t sent;                  // references that went elsewhere
	struct flow_pending pending;
	struct flow_packet p;
};

// Begins with packet i of b. in_of: the OpenFlow number of the port it came in by.
void flow_run_begin(struct flow_run *r, struct worker *w, struct burst *b, uint32_t i, const struct flow_switch *sw,
		    uint16_t number, uint32_t in_of);

// Takes the packet through a meter. False: it is over.
bool flow_run_meter(struct flow_run *r, uint32_t number);
// Takes packets of `bytes` through a meter, and counts what they exceed. NULL: there is none of that number, and so
// none may pass.
const struct flow_meter *flow_meter_lanes(struct worker *w, uint32_t number, uint64_t lanes,
					  const uint32_t bytes[BURST_MAX], struct flow_meter_hits *hits);
// Raises the packet's drop precedence. False: it is over.
bool flow_run_remark(struct flow_run *r, uint8_t level);
// The packet goes on in its burst as it is now.
void flow_run_keep(struct flow_run *r);

// Executes actions. last: nothing comes after them, so the last one may take the packet itself. False: it is over.
bool flow_run_acts(struct flow_run *r, const struct flow_act *act, uint32_t n, bool last);

// The packet goes on from its entry: writes metadata.
void flow_run_metadata(struct flow_run *r);

// Nothing comes after: sends the packet if an output waits, else it is dropped for this reason.
void flow_run_end(struct flow_run *r, enum drop_reason reason);

// flow_run_group.c: executes a group.
bool flow_run_group(struct flow_run *r, uint32_t number, bool last);
// The same for packets of b as far as it is a group that selects a bucket which says one port and nothing else: sets
// out_port of these packets and returns them, counted. The others are as they were.
uint64_t flow_group_lanes(struct worker *w, struct burst *b, uint64_t lanes, const struct flow_switch *sw,
			  uint32_t number);

// For groups: one more reference to the packet, in the accounts.
void flow_run_clone(struct flow_run *r, struct flow_run *clone);
// Sends the output that waits, and keeps the packet.
void flow_run_flush(struct flow_run *r);

// flow_out.c: what outputs do. Sends a reference that is in the accounts to a port; it is taken.
void flow_out_port(struct flow_run *r, struct rte_mbuf *m, uint16_t port_id);
// Hands a reference to control. It is taken.
void flow_out_controller(struct flow_run *r, struct rte_mbuf *m, const struct flow_pending *to);
// A copy goes through the bridge. It is taken.
void flow_out_normal(struct flow_run *r, struct rte_mbuf *m);
// Ends a reference.
void flow_out_drop(struct flow_run *r, struct rte_mbuf *m, enum drop_reason reason);
// What waits to go through the bridge.
void flow_out_flush(struct worker *w);

// The port id of an OpenFlow number, 0: there is none, or it takes nothing from here.
uint16_t flow_port_id(const struct flow_run *r, uint32_t port);

#endif
