/* SPDX-License-Identifier: BSD-3-Clause */
// Lists of actions and action sets, in the form that workers execute.
//
// Threads: pure functions.
// Source: OpenFlow Switch Specification 1.3.5, 5.10, 5.11, 5.12.
#ifndef FLOW_ACT_H
#define FLOW_ACT_H

#include <stdint.h>

#include "flow_exec.h"

// Ports to send to besides those that there are. Values are OFPP_*.
#define FLOW_OUT_IN_PORT 0xfffffff8u
#define FLOW_OUT_TABLE 0xfffffff9u
#define FLOW_OUT_NORMAL 0xfffffffau
#define FLOW_OUT_FLOOD 0xfffffffbu
#define FLOW_OUT_ALL 0xfffffffcu
#define FLOW_OUT_CONTROLLER 0xfffffffdu
#define FLOW_OUT_LOCAL 0xfffffffeu

// What may be done with a packet: flow_op is an action that rewrites, or one of these.
enum flow_act_type {
	FLOW_ACT_REWRITE, // op
	FLOW_ACT_OUTPUT,  // op.arg: OpenFlow number of the port, or FLOW_OUT_*; max_len
	FLOW_ACT_GROUP,   // op.arg: number of the group, as in flow_group_set()
	FLOW_ACT_QUEUE,   // op.arg: queue of the outputs that follow
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

// The place of an action in an action set: there is at most one action in each place, and they are executed in order.
enum flow_act_place { FLOW_PLACE_QUEUE = 52, FLOW_PLACE_GROUP, FLOW_PLACE_OUTPUT, FLOW_PLACES };

uint32_t flow_act_place(const struct flow_act *act);

// Makes an action set of a list, in place: of actions of one kind the last one stays, in the order of 5.10, and no
// output if there is a group. Returns how many there are.
uint32_t flow_acts_set(struct flow_act *act, uint32_t n);

#endif
