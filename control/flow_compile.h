/* SPDX-License-Identifier: BSD-3-Clause */
// Actions and instructions as they were given, made into what workers execute.
//
// Design: a list of actions has its groups held while it is compiled, one reference for each time that it names one;
// whoever throws the list away releases them. Ports are not looked at but for numbers that no port can ever have: one
// that is not there gets nothing until it comes.
//
// Threads: control only.
#ifndef FLOW_COMPILE_H
#define FLOW_COMPILE_H

#include "../datapath/flow_act.h"
#include "flow_switch.h"

struct flow_entry;

// Writes the list to act[a->n]. 0, or -errno with OFPBAC_BAD_OUT_PORT or OFPBAC_BAD_OUT_GROUP, and then no group is
// held.
int flow_compile_acts(struct flow_bridge *fb, const struct flow_actions *a, struct flow_act *act, struct flow_error *e);
void flow_compile_release(struct flow_bridge *fb, const struct flow_actions *a);

// The entry for workers, with its groups and meter held; to be freed by free(). -errno as above, or
// OFPMMFC_INVALID_METER, or OFPFMFC_UNKNOWN without memory.
int flow_compile_entry(struct flow_bridge *fb, const struct flow_mod *m, uint32_t number, struct flow_entry **out,
		       struct flow_error *e);
void flow_compile_entry_release(struct flow_bridge *fb, const struct flow_instructions *i);
// Holds again what was released: of an entry that comes back, whose groups and meter are there.
void flow_compile_entry_hold(struct flow_bridge *fb, const struct flow_instructions *i);

#endif
