/* SPDX-License-Identifier: BSD-3-Clause */
// From objects to the state that workers read.
//
// Purpose: publish() (objects.h) costs what changed, not what is there: objects mark themselves, and only marked parts
// are built anew; the rest of the published state is taken over.
//
// Design: in this order: domains, then ports, then poll lists; then the FDB is made to fit (learned entries that the
// change made wrong are flushed, static ones put in), and only then is the state published, so that no frame of the new
// configuration meets an entry of the old one. A queue that goes to another worker is first taken from its poller,
// and given to the new one after a grace period. What is replaced is freed after a grace period.
//
// Threads: control only.
#ifndef PUBLISH_H
#define PUBLISH_H

#include "bridge.h"

void publish_mark_port(struct port_obj *p);
void publish_mark_domain(struct domain *d);
void publish_mark_polls(void);

// The object is to be freed: unmarked.
void publish_forget_port(struct port_obj *p);
void publish_forget_domain(struct domain *d);
void publish_forget_table(struct bridge_port *bp);

// The state published last. Control only.
const struct fwd_state *publish_current(void);
// Publishes nothing any more and frees all; after the workers have stopped.
void publish_destroy(void);

#endif
