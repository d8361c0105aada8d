/* SPDX-License-Identifier: BSD-3-Clause */
// Linux' routes, learned by netlink, in a VRF: what a routing daemon in a namespace with host TAPs installs there.
//
// Design: one socket per VRF gets notifications and the answers to dumps, in the order in which things happened. At
// first, after the kernel had to drop notifications (ENOBUFS), and when a link or address changed (for which the kernel
// takes routes away silently), all is dumped: next hop objects, IPv4, IPv6; what a dump does not name is gone then.
// Routes go into the VRF with source "linux", below configured ones, and are no part of the desired state. A turn of
// the loop takes at most LINUX_QUOTA messages. What cannot be opened (no such namespace yet) is tried again. Neighbours
// that Linux is sure of become known on the interface, to be confirmed by a question of our own.
//
// Threads: control only.
#ifndef LINUX_SYNC_H
#define LINUX_SYNC_H

#include <event2/event.h>
#include <jansson.h>

#include "l3.h"
#include "txn.h"

#define LINUX_QUOTA 2000
#define LINUX_RETRY_MS 3000
#define LINUX_RESYNC_MS 200 // after what asks for a dump, as more of the kind may follow

// 0, -EEXIST the VRF has one, -ENOENT, -ENOMEM. conf: parameters of linux.add.
int linux_sync_add(struct txn *t, const json_t *conf, struct fault *f);
int linux_sync_del(struct txn *t, const char *vrf, struct fault *f); // -ENOENT
bool linux_sync_has(const struct vrf *v);
json_t *linux_sync_list(void); // a new reference

void linux_sync_create(struct event_base *base);
void linux_sync_tick(void);
void linux_sync_destroy(void);

#endif
