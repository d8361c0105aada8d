/* SPDX-License-Identifier: BSD-3-Clause */
// A match as a controller or an operator gives it, field by field, each checked as it comes.
//
// Purpose: JSON, OpenFlow and the text syntax build their matches here, so that what is allowed is decided in one
// place.
//
// Design: the match is a key and a mask of tables/flow_key.h. Masks are normalised as the specification says: all bits
// set is an exact match, no bit set is no field. What was installed is read back from key and mask alone
// (flow_key_fields()), in the order of the OXM numbers, in which prerequisites come first.
//
// Threads: pure functions.
// Source: OpenFlow Switch Specification 1.3.5, 7.2.3.
#ifndef FLOW_MATCH_H
#define FLOW_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "flow_error.h"
#include "../tables/flow_key.h"

#define FLOW_PORT_MAX 0xffffff00u // OFPP_*
#define FLOW_PORT_IN_PORT 0xfffffff8u
#define FLOW_PORT_TABLE 0xfffffff9u
#define FLOW_PORT_NORMAL 0xfffffffau
#define FLOW_PORT_FLOOD 0xfffffffbu
#define FLOW_PORT_ALL 0xfffffffcu
#define FLOW_PORT_CONTROLLER 0xfffffffdu
#define FLOW_PORT_LOCAL 0xfffffffeu
#define FLOW_PORT_ANY 0xffffffffu

// All zero: matches every packet.
struct flow_match {
	struct flow_key key, mask;
	uint64_t given; // bit i: field i was added, be it with an empty mask; so that it comes only once
};

// Adds a field that must equal `value` in the bits of `mask` (NULL: in all). 0, or -EINVAL with OFPBMC_DUP_FIELD,
// OFPBMC_BAD_VALUE (more bits than the field has, a port that cannot be, a VLAN ID without OFPVID_PRESENT),
// OFPBMC_BAD_MASK, OFPBMC_BAD_WILDCARDS (bits of the value outside of the mask) or OFPBMC_BAD_PREREQ (not added yet).
int flow_match_add(struct flow_match *m, enum flow_field field, struct flow_value value, const struct flow_value *mask,
		   struct flow_error *e);

// Whether a number can be the value of a field, in a match or a set-field action: 0 or -EINVAL and OFPBMC_BAD_VALUE.
int flow_match_value(enum flow_field field, struct flow_value value, struct flow_error *e);

// Whether both ask for the same.
bool flow_match_equal(const struct flow_match *a, const struct flow_match *b);

// A prerequisite in words: "eth_type 0x0800".
const char *flow_match_prereq_text(enum flow_prereq pre);

// The field of a name, as flow_field_info has it; -1 if there is none.
int flow_match_field(const char *name);

// Whether the mask's bits are all of the field's.
bool flow_match_exact(enum flow_field field, struct flow_value mask);

// Whether a packet can come in by this port: 1..FLOW_PORT_MAX, LOCAL or CONTROLLER (which packet-outs come from).
bool flow_match_in_port_ok(uint32_t port);

#endif
