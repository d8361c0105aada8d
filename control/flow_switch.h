/* SPDX-License-Identifier: BSD-3-Clause */
// Bridges in mode flow: one object for each, which is one OpenFlow switch.
//
// Purpose: what flow entries, groups, meters and the OpenFlow binding have in common: the datapath id, ports by their
// OpenFlow numbers, what workers see of it, and who is told of what.
//
// Design: a port of the bridge has an OpenFlow number as long as it is in it, which the store keeps beside it: so it is
// the same after a restart. A port that comes back under its name gets its number back, if it is still free.
//   Whoever keeps something for each switch (groups, meters, controllers) hangs it into the object and registers a
// flow_listener, which is told when there is a switch, when it goes, and what happens to ports and entries.
//   Changes of entries are seen by workers at once; what their caches keep is void from the next
// flow_switch_flush() on, which comes after each transaction, or after a run of flow-mods.
//
// Threads: control only.
#ifndef FLOW_SWITCH_H
#define FLOW_SWITCH_H

#include <sys/queue.h>

#include "bridge.h"
#include "flow_mod.h"
#include "openflow/of_switch.h"

#define FLOW_PORT_NUMBERS 16384 // OpenFlow numbers are 1..FLOW_PORT_NUMBERS-1

struct flow_set;
struct flow_switch;
struct group_table;
struct meter_table;
struct openflow;

struct flow_port_slot {
	struct bridge_port *bp;   // NULL: free
	char last[PORT_NAME_LEN]; // who had the number last
};

struct flow_bridge {
	struct bridge *bridge;
	uint16_t number; // by which workers know it
	uint64_t datapath_id;
	struct flow_port_slot *port; // [ports_size] by number
	uint32_t ports_size;
	struct bridge_port *local; // OFPP_LOCAL: what the host itself is reached by. NULL: there is none
	bool drop_fragments;       // OFPC_FRAG_DROP
	bool standalone;           // no controller, and fail-standalone: all is NORMAL
	bool dirty;                // in the list of those to be published
	TAILQ_ENTRY(flow_bridge) dirty_link;
	LIST_ENTRY(flow_bridge) link;
	const struct flow_switch *seen; // as published; NULL: not yet
	struct flow_set *flows;         // entries: flow_table.h
	// Each one's own, NULL at first: groups, meters, controllers.
	struct group_table *groups;
	struct meter_table *meters;
	struct openflow *openflow;
};

enum flow_port_reason { FLOW_PORT_ADDED, FLOW_PORT_REMOVED, FLOW_PORT_CHANGED }; // OFPPR_*

// Functions may be NULL.
struct flow_listener {
	void (*created)(struct flow_bridge *fb); // and acknowledged
	void (*removed)(struct flow_bridge *fb); // workers do not see it any more after a grace period...
	// Whether something of it is desired state that has to go first: 0, or -EBUSY with a fault of bridge.del's
	// `name`.
	int (*busy)(const struct flow_bridge *fb, struct fault *f);
	void (*freed)(struct flow_bridge *fb); // ...which is over: takes down its own; also if it never came to be
	void (*port)(struct flow_bridge *fb, const struct bridge_port *bp, enum flow_port_reason reason);
	// An entry with FLOW_SEND_FLOW_REM is gone.
	void (*flow_removed)(struct flow_bridge *fb, const struct of_flow_removed *r);
	SLIST_ENTRY(flow_listener) link;
};

// What flow entries and buckets refer to, by whoever keeps it (groups: group.c, meters: meter.c). hold() counts a
// reference and gives the number that workers know it by: 0, or -ENOENT. release() takes the reference back. Both are
// called in the order of operations, so within a transaction (and its rollback) too.
struct flow_refs {
	int (*hold)(struct flow_bridge *fb, uint32_t id, uint32_t *number);
	void (*release)(struct flow_bridge *fb, uint32_t id);
};
void flow_switch_refs(const struct flow_refs *groups, const struct flow_refs *meters); // NULL: as it was
// 0 or -errno with OFPBAC_BAD_OUT_GROUP or OFPMMFC_INVALID_METER.
int flow_switch_group_hold(struct flow_bridge *fb, uint32_t group, uint32_t *number, struct flow_error *e);
int flow_switch_meter_hold(struct flow_bridge *fb, uint32_t meter, uint32_t *number, struct flow_error *e);
void flow_switch_group_release(struct flow_bridge *fb, uint32_t group);
void flow_switch_meter_release(struct flow_bridge *fb, uint32_t meter);

// At program start or later; `l` lives on.
void flow_switch_listen(struct flow_listener *l);

// The switch of a bridge: -ENOENT no such bridge, -EINVAL it is not in mode flow.
int flow_switch_get(const char *field, const char *bridge, struct flow_bridge **out, struct fault *f);
LIST_HEAD(flow_bridges, flow_bridge);
const struct flow_bridges *flow_switches(void);

// Sets the datapath id; 0: the one made of the host's and the bridge's name, which it has at first.
void flow_switch_set_datapath_id(struct flow_bridge *fb, uint64_t id);

// The port of a number, NULL: none. The next one that has `no` or a higher number, NULL: none.
struct bridge_port *flow_switch_port(const struct flow_bridge *fb, uint32_t no);
struct bridge_port *flow_switch_port_after(const struct flow_bridge *fb, uint32_t no);

// Sets the bits of `mask` of a port's configuration (OFPPC_*): PORT_DOWN is what port.set calls "admin", and desired
// state; the others last as long as the daemon. 0, or -errno and OFPPMFC_*.
int flow_switch_port_config(struct flow_bridge *fb, struct bridge_port *bp, uint32_t config, uint32_t mask,
			    struct flow_error *e);
uint32_t flow_switch_port_config_get(const struct bridge_port *bp); // OFPPC_*, PORT_DOWN too

// What workers see of the switch is to be built anew by the next publish(); the caller sees to it that there is one.
void flow_switch_mark(struct flow_bridge *fb);

// For bridge.c and bridge_port.c: -------------------------------------------------------------------------------------

// 0 or -ENOMEM.
int flow_switch_create(struct bridge *b, struct fault *f);
void flow_switch_created(struct flow_bridge *fb);
int flow_switch_busy(const struct flow_bridge *fb, struct fault *f); // 0 or -EBUSY
void flow_switch_removed(struct flow_bridge *fb);
void flow_switch_free(struct flow_bridge *fb); // NULL: nothing

// Gives a port its number: `wanted`, be it FLOW_PORT_LOCAL, or 0: the one it has in the store, or had before, or the
// lowest that is free. Notes it in the transaction. 0, -EEXIST `wanted` is another port's, -ENOSPC.
int flow_switch_port_attach(struct txn *t, struct bridge_port *bp, uint32_t wanted, struct fault *f);
void flow_switch_port_detach(struct bridge_port *bp);                      // frees the number
void flow_switch_port_reattach(struct bridge_port *bp);                    // takes that back
void flow_switch_port_forget(struct txn *t, const struct bridge_port *bp); // in the store
struct of_flow_removed;
void flow_switch_tell_removed(struct flow_bridge *fb, const struct of_flow_removed *r);
void flow_switch_port_tell(const struct bridge_port *bp, enum flow_port_reason reason); // of any bridge's port

#endif
