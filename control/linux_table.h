/* SPDX-License-Identifier: BSD-3-Clause */
// Linux' routes of one table, and which of them are ours.
//
// Design: Linux may have several routes of a prefix, which differ in metric; the one of the lowest counts. Of its next
// hops, those count that leave by host TAPs of our VRF. What is handed to route.c is kept and compared, so that hearing
// of a route again costs nothing there. Every route carries the number of the round (of the dump) that last named it:
// after a dump, those of earlier rounds are gone.
//
// Threads: control only.
#ifndef LINUX_TABLE_H
#define LINUX_TABLE_H

#include "l3.h"
#include "linux_msg.h"

struct linux_table;

struct linux_table_stats {
	uint32_t routes, installed, nexthops;
	uint64_t refused; // by route.c, for want of room
};

// Routes of `netns` go to VRF v. 0 or -ENOMEM.
int linux_table_create(struct linux_table **out, struct vrf *v, const char *netns);
void linux_table_destroy(struct linux_table *t); // takes all routes back; t may be NULL

void linux_table_round(struct linux_table *t); // a dump begins
void linux_table_sweep(struct linux_table *t); // it ended: forgets what it did not name

// Takes a message. -EAGAIN: what it leaves behind cannot be known but by a dump (of a multipath route, one hop went).
int linux_table_route(struct linux_table *t, const struct linux_route_msg *m);
void linux_table_nexthop(struct linux_table *t, const struct linux_nexthop_msg *m);
// Next hops changed since the last call: brings the routes by them up to date.
void linux_table_settle(struct linux_table *t);
void linux_table_refresh(struct linux_table *t); // host TAPs came or went
void linux_table_stats(const struct linux_table *t, struct linux_table_stats *out);

#endif
