/* SPDX-License-Identifier: BSD-3-Clause */
// The routes of each VRF by its name, and those of the desired state among them as the store sees them.
//
// Purpose: a million routes are desired objects as all others, on disk before they are acknowledged, but not as a JSON
// object each, which would take ten times the memory and time.
//
// Design: one rib (rib.h) a VRF holds all its routes; entries of source RIB_STATIC are desired state, with values that
// are ids of hops.h. The store hands over what it reads, and asks for parts of what is there when it writes a snapshot
// (store.h). A set is there before its VRF is, at start, and for a VRF that could not be restored.
//   In a journal or snapshot, an object of kind "route" has the VRF's name as key and is one of
//     {"routes": [{"prefix", "via"}...]}, {"via", "prefixes": [...]}, or, for "del", {"prefixes": [...]} or {"all":
//     true}.
//
// Threads: control only.
#ifndef ROUTE_SET_H
#define ROUTE_SET_H

#include "hops.h"
#include "names.h"
#include "rib.h"

struct vrf;

struct route_set {
	char name[HOP_NAME_LEN]; // the VRF's; first: names.h
	struct rib rib;
	uint32_t nstatic;
	struct vrf *vrf; // NULL: there is none now
};

// NULL: there is none, or, if it is to be made, no memory.
struct route_set *route_set_get(const char *vrf, bool make);
const struct names *route_sets(void);
// Frees it if it holds nothing and has no VRF.
void route_set_drop(struct route_set *s);

// Puts an entry whose value is the id of `h`, or takes one away; the rib's hold on hops is counted here. What was there
// before is returned in *old, held by the caller (NULL: nothing). put: as rib_put().
int route_set_put(struct route_set *s, const struct rib_entry *key, struct hops *h, struct hops **old);
void route_set_del(struct route_set *s, const struct rib_entry *key, struct hops **old);

// The desired routes: VRF -> {vrf, routes: [{prefix, via}...]}, a new reference; NULL: no memory.
json_t *route_set_objects(void);

#endif
