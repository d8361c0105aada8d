/* SPDX-License-Identifier: BSD-3-Clause */
// Routes: from what was asked for, interfaces have and neighbours are, to the FIBs that workers look up in.
//
// Purpose: one place where all sources of routes meet, in transactions of a hundred thousand.
//
// Design: each VRF has one ordered set of all its routes (route_set.h). An operation changes that set at once and notes
// what was there. At commit, before the journal is written, the FIBs take what is new or changed, which is the step
// that can fail for want of memory; after publication they lose what is gone, which cannot. A rollback puts the set
// back and, if the FIBs were touched, those too (fib_pool_overdraw()). Workers see each prefix change at one instant,
// but not all prefixes of a transaction at the same one.
//   For each prefix the best source counts: interfaces' own (connected prefixes, addresses), then configured routes,
// then Linux's, then neighbours' host routes. route_change.c has transactions and FIBs, route_own.c the sources beside
// the configured ones, route.c those.
//
// Threads: control only.
#ifndef ROUTE_H
#define ROUTE_H

#include "l3.h"
#include "route_via.h"
#include "txn.h"

int route_create(uint64_t fib_bytes); // the memory of all FIBs at most. 0 or -ENOMEM
void route_destroy(void);             // after the interfaces, before the VRFs

// Methods (rpc_route.c); `params` as decoded.
int route_add(struct txn *t, const json_t *params, json_t **result, struct fault *f);
int route_del(struct txn *t, const json_t *params, json_t **result, struct fault *f);
int route_set_all(struct txn *t, const json_t *params, json_t **result, struct fault *f);
int route_flush(struct txn *t, struct vrf *v, struct fault *f);
// Makes all routes that the store has.
void route_restore(struct txn *t);

// route_change.c

// Puts a route (h, of which the rib takes a hold of its own; or `value` for RIB_OWN) or takes it away (h NULL and value
// 0). *was: what was there, h's id or value; 0: nothing. 0 or -ENOMEM with a fault.
int route_change(struct txn *t, struct route_set *s, const struct rib_entry *key, struct hops *h, uint32_t value,
		 uint32_t *was, struct fault *f);
// What is left to do of changes that are published: run by itself; earlier for whom needs it.
void route_changes_finish(void);
// On rollback: takes all back, before it would by itself.
void route_changes_undo(void);
// The same at once and outside of transactions, for sources that are no desired state. 0, -ENOSPC, -ENOMEM.
int route_put_now(struct route_set *s, const struct rib_entry *key, struct hops *h, uint32_t value);
void route_del_now(struct route_set *s, const struct rib_entry *key);
// Routes whose via has another number now get it.
void route_reinstall(void);
uint32_t route_number(const struct rib_entry *e); // the next hop that an entry stands for
struct fib_pool *route_pool(void);
void route_vrf_created(struct vrf *v); // its set may be there before it
void route_vrf_removed(struct vrf *v); // its routes are none any more, but workers may still know its FIBs
void route_vrf_freed(struct vrf *v);

// route_own.c

// The routes of an interface's addresses from `before` to what it has now (none, if it is deleted).
int route_iface_update(struct txn *t, struct iface *i, const struct ip_prefix *before, uint16_t nbefore,
		       struct fault *f);
// Takes away the route of an address that is still the interface's, as somebody else on the link has it; or puts it
// back.
void route_own_use(struct iface *i, const struct ip_addr *a, bool use);
static inline uint32_t route_own_value(enum nexthop_kind kind, uint16_t iface)
{
	return (uint32_t)kind << 16 | iface | UINT32_C(1) << 31;
}
static inline enum nexthop_kind route_own_kind(uint32_t value)
{
	return (enum nexthop_kind)(value >> 16 & 0xff);
}
struct iface *route_own_iface(uint32_t value);
// The interface that has a connected prefix that overlaps `p`, other than i; NULL: none.
const struct iface *route_own_overlap(const struct iface *i, const struct ip_prefix *p);

#endif
