/* SPDX-License-Identifier: BSD-3-Clause */
// Matches, actions and instructions as JSON: with the names of OXM fields and of actions, in small letters.
//
// Design: a match is an object from field to number or text ("10.0.0.0/8"), in any order. An action is an object with
// "type" and what that type takes; instructions are an object with apply_actions, write_actions, clear_actions, meter,
// write_metadata, goto_table. Ports may be given by the names that they have in the bridge. What is written can be read
// again as the same. Reading checks what flow_match.h and flow_action.h check.
//
// Threads: control only.
#ifndef FLOW_JSON_H
#define FLOW_JSON_H

#include <jansson.h>

#include "flow_switch.h"

// Readers: 0, or -errno and the refusal, whose field is relative to the element. fb: whose ports have names; NULL: none
// has.
int flow_json_match(const struct flow_bridge *fb, const json_t *in, struct flow_match *m, struct flow_error *e);
// Appends to *a; on failure that is still the caller's to clear. field: "actions".
int flow_json_actions(const struct flow_bridge *fb, const json_t *in, const char *field, struct flow_actions *a,
		      struct flow_error *e);
int flow_json_instructions(const struct flow_bridge *fb, const json_t *in, struct flow_instructions *i,
			   struct flow_error *e);
int flow_json_port(const struct flow_bridge *fb, const json_t *in, const char *field, uint32_t *port,
		   struct flow_error *e);
// Texts take the names of the bridge's ports as well, until this is called with NULL.
void flow_json_names(const struct flow_bridge *fb);
// A number of up to 64 bits: an integer, or a text in decimal or with 0x.
int flow_json_number(const json_t *in, const char *field, uint64_t max, uint64_t *out, struct flow_error *e);

// A flow_mod of an element: its text, or its members (enum of rpc_flow.c's parameters), checked by flow_mod_check().
int flow_json_mod(const struct flow_bridge *fb, const json_t *in, enum flow_command command, struct flow_mod *m,
		  struct flow_error *e);

// Writers: new references, NULL: no memory.
json_t *flow_json_of_match(const struct flow_match *m);
json_t *flow_json_of_actions(const struct flow_actions *a);
json_t *flow_json_of_instructions(const struct flow_instructions *i);
json_t *flow_json_of_flags(uint16_t flags);
json_t *flow_json_hex(uint64_t number); // "0x1f"

#endif
