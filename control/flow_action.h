/* SPDX-License-Identifier: BSD-3-Clause */
// Actions and instructions as they were given: what JSON, OpenFlow and the text syntax make, and read back.
//
// Purpose: one form of every action of OpenFlow 1.3 between the front ends and the flow objects, which compile it for
// the workers and keep it for those who ask what was installed.
//
// Design: an action is a fixed-size struct and a list an array of them in the order given. Instructions are a set, as
// in the specification: one of each kind at most, executed and read back in the order meter, apply, clear, write,
// write-metadata, goto.
//
// Threads: a list belongs to its holder. Lists allocate; control only.
// Source: OpenFlow Switch Specification 1.3.5, 5.9, 5.12, 7.2.4, 7.2.5.
#ifndef FLOW_ACTION_H
#define FLOW_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow_error.h"
#include "flow_match.h"

// Values are OpenFlow's OFPAT_*.
enum flow_action_type {
	FLOW_ACTION_OUTPUT = 0, // arg: port, FLOW_PORT_*; max_len
	FLOW_ACTION_COPY_TTL_OUT = 11,
	FLOW_ACTION_COPY_TTL_IN = 12,
	FLOW_ACTION_SET_MPLS_TTL = 15, // arg: TTL
	FLOW_ACTION_DEC_MPLS_TTL = 16,
	FLOW_ACTION_PUSH_VLAN = 17, // arg: EtherType of the tag
	FLOW_ACTION_POP_VLAN = 18,
	FLOW_ACTION_PUSH_MPLS = 19,  // arg: EtherType
	FLOW_ACTION_POP_MPLS = 20,   // arg: EtherType of what was beneath
	FLOW_ACTION_SET_QUEUE = 21,  // arg: queue
	FLOW_ACTION_GROUP = 22,      // arg: group
	FLOW_ACTION_SET_NW_TTL = 23, // arg: TTL
	FLOW_ACTION_DEC_NW_TTL = 24,
	FLOW_ACTION_SET_FIELD = 25, // field, value
	FLOW_ACTION_PUSH_PBB = 26,  // arg: EtherType
	FLOW_ACTION_POP_PBB = 27,
	FLOW_ACTION_TYPES
};

// What was installed has to fit into one message when it is read back: of each list at most so many.
#define FLOW_ACTIONS_MAX 1024
#define FLOW_NO_BUFFER 0xffffffffu     // buffer id: none
#define FLOW_MAX_LEN_NO_BUFFER 0xffffu // max_len: the whole packet, not buffered
#define FLOW_QUEUE_ALL 0xffffffffu
#define FLOW_GROUP_MAX 0xffffff00u // OFPG_*
#define FLOW_GROUP_ALL 0xfffffffcu
#define FLOW_GROUP_ANY 0xffffffffu
#define FLOW_METER_MAX 0xffff0000u // OFPM_*
#define FLOW_METER_SLOWPATH 0xfffffffdu
#define FLOW_METER_CONTROLLER 0xfffffffeu
#define FLOW_METER_ALL 0xffffffffu
#define FLOW_TABLE_MAX 0xfe // OFPTT_*
#define FLOW_TABLE_ALL 0xff

struct flow_action {
	uint8_t type;     // enum flow_action_type
	uint8_t field;    // enum flow_field, of set-field
	uint16_t max_len; // of output: bytes for the controller
	uint32_t arg;
	struct flow_value value; // of set-field
};

struct flow_actions {
	struct flow_action *v;
	uint32_t n, size; // size: allocated
};

// Bit i of flow_instructions.has; values are 1 << (OFPIT_* - 1).
enum flow_instruction {
	FLOW_INST_GOTO = 0x01,
	FLOW_INST_METADATA = 0x02,
	FLOW_INST_WRITE = 0x04,
	FLOW_INST_APPLY = 0x08,
	FLOW_INST_CLEAR = 0x10,
	FLOW_INST_METER = 0x20,
};

// All zero: none, which drops.
struct flow_instructions {
	uint8_t has; // enum flow_instruction; without its bit, the rest of an instruction is 0
	uint8_t goto_table;
	uint32_t meter;
	uint64_t metadata, metadata_mask;
	struct flow_actions apply, write;
};

// The specification's name without OFPAT_, in small letters: "push_vlan"; NULL for types that are not.
const char *flow_action_name(uint8_t type);

// Makes room for one more and returns it, zeroed; NULL: no memory. Amortised constant cost.
struct flow_action *flow_actions_add(struct flow_actions *a);
// 0 or -ENOMEM; what `to` held is lost.
int flow_actions_copy(struct flow_actions *to, const struct flow_actions *from);
void flow_actions_clear(struct flow_actions *a);
bool flow_actions_equal(const struct flow_actions *a, const struct flow_actions *b);

int flow_instructions_copy(struct flow_instructions *to, const struct flow_instructions *from);
void flow_instructions_clear(struct flow_instructions *i);
bool flow_instructions_equal(const struct flow_instructions *a, const struct flow_instructions *b);

// Whether some action of the list outputs to the port or goes to the group; FLOW_PORT_ANY and FLOW_GROUP_ANY: always.
bool flow_actions_output_to(const struct flow_actions *a, uint32_t port, uint32_t group);
bool flow_instructions_output_to(const struct flow_instructions *i, uint32_t port, uint32_t group);

// Whether the standard lets the action set the field.
bool flow_action_settable(enum flow_field field);

enum flow_actions_use { FLOW_USE_ENTRY, FLOW_USE_BUCKET, FLOW_USE_PACKET_OUT };

// flow_action_check.c: what can be told of a list without looking at ports, groups and tables. `m`: what the packets
// match, or NULL if that is unknown (buckets, action sets, packet-out); then prerequisites are not looked at. 0, or
// -errno and OFPBAC_BAD_OUT_PORT (output to TABLE is for packet-outs), _BAD_OUT_GROUP, _BAD_QUEUE, _BAD_ARGUMENT,
// _BAD_SET_TYPE, _BAD_SET_ARGUMENT, _TOO_MANY or _MATCH_INCONSISTENT.
int flow_actions_check(const struct flow_actions *a, enum flow_actions_use use, const struct flow_match *m,
		       struct flow_error *e);
// The same of both lists; OFPBIC_BAD_TABLE_ID unless goto leads to a later table, OFPMMFC_INVALID_METER.
int flow_instructions_check(const struct flow_instructions *i, const struct flow_match *m, uint8_t table,
			    struct flow_error *e);

#endif
