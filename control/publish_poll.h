/* SPDX-License-Identifier: BSD-3-Clause */
// Poll lists of a state that is to be published.
//
// Threads: control only.
#ifndef PUBLISH_POLL_H
#define PUBLISH_POLL_H

#include "../datapath/state.h"

// Builds poll lists into `s` from the ports' chosen workers, taking over unchanged ones. If a queue changes hands
// between workers, `old` without such queues is published first and a grace period waited for.
void publish_poll_update(struct fwd_state *s, const struct fwd_state *old);

#endif
