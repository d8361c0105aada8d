/* SPDX-License-Identifier: BSD-3-Clause */
// Bridges, the ports in them, and their VLANs.
//
// Purpose: what bridge.add and bridge.port_add ask for, turned into broadcast domains (datapath/state.h).
//
// Design: a VLAN that some port of the bridge names has a domain of its own; all others share the rest domain, between
// the ports that take every VLAN. A port names its tag and the VLANs of its trunks list. A native port that takes every
// VLAN also names VLAN 0, without being in it: untagged frames of trunks would otherwise leave it untagged, which there
// means its native VLAN. bridge.c has the operations, vlan.c computes domains and membership, publish.c builds them.
// A domain that nobody names any more stays until the transaction is done, so that taking it back needs no memory;
// its id is free again after a grace period, when no event can name it.
//
// Threads: control only.
#ifndef BRIDGE_H
#define BRIDGE_H

#include <sys/queue.h>

#include "../datapath/state.h"
#include "port.h"

struct flow_bridge;
struct iface;

enum vlan_mode { VLAN_ACCESS, VLAN_TRUNK, VLAN_NATIVE };

struct domain {
	uint16_t id;
	uint16_t vid;          // VLAN_NONE: the rest domain, or untagged frames of a port
	struct bridge *bridge; // NULL: the link of `iface` on a port or its VLAN
	struct iface *iface;   // the L3 interface in it; NULL: none
	uint32_t named;        // by how many ports and interfaces of the bridge; 1 for one without VLAN that is there
	uint32_t macs;         // learned FDB entries
	bool dirty;            // in the list of publish.c
	TAILQ_ENTRY(domain) dirty_link;
	const struct fwd_domain *fwd; // as published
};

// The domain of each VID at a port, shared between the ports of a bridge where it is the same.
struct vid_table {
	uint32_t refs, hash;
	LIST_ENTRY(vid_table) link;
	uint16_t domain[VLAN_COUNT];
};

struct bridge_port {
	struct bridge *bridge;
	struct port_obj *port;
	uint64_t serial; // no two have the same
	enum vlan_mode mode;
	uint16_t tag;                   // access and native
	bool all;                       // every VLAN: no trunks list was given
	uint64_t vids[VLAN_COUNT / 64]; // else these
	struct vid_table *table;        // as of bridge->map_generation == table_generation
	uint32_t table_generation;
	uint32_t of_no;       // OpenFlow number (flow_switch.h); 0: the bridge is in mode learn
	uint32_t of_config;   // OFPPC_*, but for PORT_DOWN
	uint64_t of_since_ns; // when it joined, CLOCK_MONOTONIC
};

struct bridge {
	char name[PORT_NAME_LEN]; // first: names.h
	bool learning, deleted;
	bool arp_suppress;  // control answers ARP and neighbour solicitations, or has them flooded
	uint32_t aging_s;   // 0: never
	uint32_t mac_limit; // 0: none
	uint32_t macs;      // learned FDB entries
	json_t *conf;       // as bridge.add would take it; replaced, never changed
	struct domain *rest;
	struct domain **vlan;    // [VLAN_COUNT], NULL until the first is named
	uint32_t map_generation; // one more whenever a VLAN gets or loses its domain
	uint32_t nstatic;
	struct flow_bridge *flow; // NULL: mode learn
	struct names ports;       // of port_obj, whose bp is not NULL
	LIST_HEAD(, iface) ifaces;
	LIST_HEAD(, vid_table) tables;
};

// 0, -EEXIST, -ENOSPC no domain id left.
int bridge_add(struct txn *t, const json_t *conf, struct fault *f);
int bridge_del(struct txn *t, struct bridge *b, struct fault *f); // -EBUSY while it has ports
int bridge_set(struct txn *t, struct bridge *b, const json_t *set, struct fault *f);
// `conf`: decoded parameters of bridge.port_add. 0, -ENOENT, -EBUSY in another bridge, -EEXIST in this one, -EINVAL,
// -ENOSPC.
int bridge_port_add(struct txn *t, const json_t *conf, struct fault *f);
// -EBUSY while a static FDB entry needs it.
int bridge_port_del(struct txn *t, struct bridge *b, struct port_obj *p, struct fault *f);

int bridge_get(const char *field, const char *name, struct bridge **out, struct fault *f); // -ENOENT
const struct names *bridge_names(void);
static inline struct bridge_port *bridge_port_at(const struct bridge *b, uint32_t i)
{
	return ((struct port_obj *)b->ports.at[i])->bp;
}
const char *bridge_port_bridge_name(const struct bridge_port *bp);
// Adds vlan_mode, tag and trunks to `o`, as bridge.port_add would take them.
void bridge_port_json(const struct bridge_port *bp, json_t *o);
void bridge_destroy_table(void);
void bridge_port_destroy(struct bridge_port *bp); // takes it out and frees it, without a transaction

// vlan.c

// Domain ids. b NULL: of an interface on a port. NULL: none is left, or no memory.
struct domain *domain_create(struct bridge *b, uint16_t vid);
void domain_release(struct domain *d);    // nobody can name it: free at once
struct domain *domain_by_id(uint16_t id); // NULL: none. Also one that is going away (named == 0)
uint16_t domain_max_id(void);

// Names the VLANs of a port (creating domains), or takes that back. attach: 0, -ENOSPC or -ENOMEM, nothing done then.
int vlan_attach(struct bridge_port *bp);
void vlan_detach(struct bridge_port *bp);
// The same for an L3 interface, which names one VLAN (1 to 4094).
int vlan_name(struct bridge *b, uint16_t vid);
void vlan_unname(struct bridge *b, uint16_t vid);
// Releases domains that nobody names: `published` says whether workers may know them (then after a grace period).
void vlan_reap(struct bridge *b, bool published);

// The domain of a VLAN as FDB entries name it: the VLAN's own, or for 0 the rest domain; NULL if nobody names it.
struct domain *vlan_domain(const struct bridge *b, uint16_t vid);
bool vlan_is_member(const struct bridge_port *bp, const struct domain *d);
uint16_t vlan_untagged_domain(const struct bridge_port *bp); // 0: untagged frames are dropped
// The domain of every VID at a trunk or native port: domain[VLAN_COUNT].
void vlan_map(const struct bridge_port *bp, uint16_t *domain);
static inline bool vlan_listed(const struct bridge_port *bp, uint16_t vid)
{
	return bp->vids[vid / 64] >> (vid % 64) & 1;
}
// Whether `bp` makes `vid` a VLAN in use.
bool vlan_names(const struct bridge_port *bp, uint16_t vid);

#endif
