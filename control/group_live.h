/* SPDX-License-Identifier: BSD-3-Clause */
// What workers have of groups and meters, and what they count of them.
//
// Purpose: makes of the objects of group.h and meter.h what datapath/flow.h wants, so that what is modified changes in
// place: flows stay with their bucket of a select group as far as weights allow, and counts go on.
//
// Design: all changes are transactions. What is new is given to workers before flow entries can refer to it, what
// changed after the transaction is on disk, what is gone when the entries that used it are gone. A group's own counts
// go on when it is modified, its buckets' begin anew (6.5); likewise with a meter and its bands. What workers may still
// count by is given back when all of them have said that they do not.
//
// Threads: control only.
#ifndef GROUP_LIVE_H
#define GROUP_LIVE_H

#include "../datapath/flow.h"
#include "flow_switch.h"
#include "group.h"
#include "meter.h"

// Does a change that passed group_mod_check() or meter_mod_check(), in a transaction. persist: what is added becomes
// desired state; what is so stays so when it is modified, until it is deleted, whoever does it. 0, or -errno and the
// refusal.
int group_change(struct txn *t, struct flow_bridge *fb, const struct group_mod *m, bool persist, struct flow_error *e);
int meter_change(struct txn *t, struct flow_bridge *fb, const struct meter_mod *m, bool persist, struct flow_error *e);
bool group_persisted(const struct flow_bridge *fb, uint32_t group);
bool meter_persisted(const struct flow_bridge *fb, uint32_t meter);

// What was counted since it was made: of a group or meter (part 0), or since it was modified: of its bucket or band
// part - 1. Without sync (flow_counts_sync()).
struct of_counter group_counted(const struct group_obj *g, uint32_t part);
struct of_counter meter_counted(const struct meter_obj *m, uint32_t part);

// A packet of `bytes` on its way to the controllers, through the bridge's meter for that (OFPM_CONTROLLER). False: it
// is dropped.
bool meter_controller_passes(struct flow_bridge *fb, uint32_t bytes);

#endif
