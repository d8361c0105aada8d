/* SPDX-License-Identifier: BSD-3-Clause */
// What can be asked of flow entries: flow-mods to the letter of the specification, and walks.
//
// Purpose: JSON and OpenFlow, and whoever else changes entries, call these and nothing else.
//
// Design: a flow-mod is an operation of a transaction. flow_ctl_mod_now() is one in a transaction of its own, whose
// effect on what caches keep waits for flow_ctl_flush(), so that a run of them voids the caches once.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 5.4, 5.5, 6.4.
#ifndef FLOW_CTL_H
#define FLOW_CTL_H

#include "flow_table.h"

// What a flow-mod did.
struct flow_done {
	uint64_t added, replaced, modified, removed, evicted;
};

// Does what flow_mod_check() has let pass; adds to *done (may be NULL). persist: entries that are added become part of
// the desired state that the store keeps, which those with timeouts cannot; what is replaced, modified or deleted
// remains or ceases to be part of it by itself. 0, or -errno and OFPFMFC_*, OFPBAC_*, OFPBIC_*, OFPMMFC_*; then nothing
// was changed by this call. Cost: about 2 us for an entry; a look at each entry of masks that include the match's for
// those that are not strict.
int flow_ctl_mod(struct txn *t, struct flow_bridge *fb, const struct flow_mod *m, bool persist, struct flow_done *done,
		 struct flow_error *e);
int flow_ctl_mod_now(struct flow_bridge *fb, const struct flow_mod *m, struct flow_error *e);
void flow_ctl_flush(void);

// Takes out the entries that forward to a group (FLOW_GROUP_ALL: to any) or go through a meter (FLOW_METER_ALL: any). t
// NULL: in a transaction of its own. 0 or -ENOMEM.
int flow_ctl_drop_group(struct txn *t, struct flow_bridge *fb, uint32_t group, struct fault *f);
int flow_ctl_drop_meter(struct txn *t, struct flow_bridge *fb, uint32_t meter, struct fault *f);
// All entries of a bridge that goes. -EBUSY if the store keeps some.
int flow_ctl_del_all(struct txn *t, struct flow_bridge *fb, struct fault *f);

// The next entry that a query asks for, as of_switch_ops.flow_next wants it: 1 and *out, or 0 at the end. Counters are
// as of the last flow_counts_sync().
int flow_ctl_next(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_cursor *c,
		  struct of_flow *out);
// The same, giving the entry; NULL at the end. persisted: only those that the store keeps.
const struct flow *flow_ctl_walk(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_cursor *c,
				 bool persisted);
void flow_ctl_aggregate(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_aggregate *out);
void flow_ctl_describe(const struct flow *x, struct of_flow *out);
// A query for everything of a switch.
struct of_flow_query flow_ctl_all(void);

// Makes counters exact: they hold all packets that were processed before. 0, or -ETIMEDOUT if a worker does not answer
// for seconds.
int flow_ctl_count(struct fault *f);

uint32_t flow_ctl_table_count(const struct flow_bridge *fb, uint8_t table); // entries

#endif
