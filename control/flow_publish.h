/* SPDX-License-Identifier: BSD-3-Clause */
// What workers see of a switch: its tables, the masks of their caches, its ports.
//
// Design: struct flow_switch (datapath/flow.h) is replaced as a whole, by one store: ports with publish(), as they are
// desired state of a transaction; tables, and the masks that their entries ask for, when flow_change.c says so: a cache
// must never take two packets for one that a rule tells apart. Masks only grow then. They shrink again some time after
// rules went, when no worker can have a verdict of theirs.
//
// Threads: control only.
#ifndef FLOW_PUBLISH_H
#define FLOW_PUBLISH_H

#include "flow_table.h"

// An entry is about to be seen: what its match asks for will be in the next flow_publish_tables().
void flow_publish_want(const struct flow *x);
// Publishes the tables of all switches whose entries have changed, as they are in their index, under this version:
// entries that count since then are seen from now on. What was published before is nobody's a grace period later.
void flow_publish_tables(uint64_t version);
// Shrinks the masks of switches from which rules went (flow_set.rules_gone); now and then.
void flow_publish_shrink(void);

// Of publish(): the ports of the switches that are marked (flow_switch_mark()), and their other settings.
bool flow_publish_dirty(void);
void flow_publish_switches(void);
void flow_publish_forget(struct flow_bridge *fb); // it goes: withdrawn, and what was published freed

#endif
