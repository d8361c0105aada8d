/* SPDX-License-Identifier: BSD-3-Clause */
// The thread that looks after TAPs where workers need not or must not: idle queues, and whether an interface is up.
//
// Design: one thread for all TAPs, which runs while there are any, waiting in epoll. An idle receive queue is
// registered for one event at a time, so a busy queue costs this thread nothing. Whether the kernel's interface is up
// shows in the file descriptor being writable, in whatever network namespace it is; going up wakes the thread, going
// down it notices by looking four times a second.
//
// Threads: tap_watch_arm() by the worker that polls the queue, the rest by control.
#ifndef TAP_WATCH_H
#define TAP_WATCH_H

#include "tap_queue.h"

// Starts to watch a port's interface through fd (its own, none of the queues') and nqueues receive queues. The first
// call starts the thread. 0 or -errno.
int tap_watch_add(struct port *p, int fd, struct tap_rxq *queues, uint16_t nqueues);

// The opposite; afterwards the thread does not know the port any more. Waits for the thread's work in hand.
void tap_watch_del(struct port *p, int fd);

// The key by which queue `queue` of a port is known here.
uint32_t tap_watch_key(const struct port *p, uint16_t queue);

// Has the queue's word changed as soon as fd has something to read, or has it now. False if that is not possible; poll
// on then. One system call.
bool tap_watch_arm(int fd, uint32_t key);

#endif
