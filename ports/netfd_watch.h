/* SPDX-License-Identifier: BSD-3-Clause */
// The thread that looks after ports that are file descriptors, where workers need not or must not: idle queues, and
// whether the interface is up.
//
// Design: one thread for all, which runs while there are any such ports, waiting in epoll. An idle receive queue is
// registered for one event at a time, so a busy queue costs this thread nothing. Whether an interface is up is looked
// at four times a second, and whenever a descriptor that the port names for this has news.
//
// Threads: netfd_watch_arm() by the worker that polls the queue, the rest by control.
#ifndef NETFD_WATCH_H
#define NETFD_WATCH_H

#include "netfd_queue.h"

// Tells whether an interface is up: 1 or 0, or -ENODEV once it is gone for good. The thread calls it.
typedef int (*netfd_link_fn)(const struct port *p);

// Starts to watch a port whose rxq[].priv are struct netfd_rxq: its queues, and its link at least
// whenever fd, which is none of theirs, newly has one of `events` (EPOLLIN, EPOLLOUT) or an error. The first call
// starts the thread. 0 or -errno.
int netfd_watch_add(struct port *p, int fd, uint32_t events, netfd_link_fn link);

// The opposite; afterwards the thread does not know the port any more. Waits for the thread's work in hand.
void netfd_watch_del(struct port *p, int fd);

// The key by which queue `queue` of a port is known here.
uint32_t netfd_watch_key(const struct port *p, uint16_t queue);

// Has the queue's word changed as soon as fd has something to read, or has it now. False if that is not possible; poll
// on then. One system call.
bool netfd_watch_arm(int fd, uint32_t key);

#endif
