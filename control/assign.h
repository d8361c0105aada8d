/* SPDX-License-Identifier: BSD-3-Clause */
// Which worker polls which receive queue.
//
// Design: a new queue goes to the worker with the fewest; it stays there (a move costs cold caches) until the operator
// pins it elsewhere or asks for a rebalance. Queues of ports that are down keep their worker. publish.c makes it so.
//
// Threads: control only.
#ifndef ASSIGN_H
#define ASSIGN_H

#include "port.h"

// Chooses workers for the queues of a device that is new; forgets the choice (pins stay).
void assign_port(struct port_obj *p);
void assign_release(struct port_obj *p);

// Pins a queue to the worker on EAL lcore `lcore`, or lets it go again. -EINVAL, -ENOENT with a fault.
int assign_pin(struct txn *t, struct port_obj *p, uint16_t queue, unsigned int lcore, struct fault *f);
int assign_unpin(struct txn *t, struct port_obj *p, uint16_t queue, struct fault *f);
// The port is to be deleted: its pins leave the desired state.
void assign_forget_pins(struct txn *t, struct port_obj *p);

// Moves queues that are not pinned until no two workers differ by more than one queue, where pins allow. *moved: how
// many. 0 or -ENOMEM.
int assign_rebalance(struct txn *t, unsigned int *moved, struct fault *f);

#endif
