/* SPDX-License-Identifier: BSD-3-Clause */
// The router's part of publish(): interfaces, VRFs, and the FDB's entries of interfaces' MACs.
//
// Design: as publish.h says: objects mark themselves, only marked ones are built anew. The arrays are shared between
// states while nothing in them changes.
//
// Threads: control only.
#ifndef PUBLISH_L3_H
#define PUBLISH_L3_H

#include "iface.h"

void publish_mark_iface(struct iface *i);
void publish_mark_vrfs(void);
void publish_forget_iface(struct iface *i);
void publish_iface_gone(struct iface *i); // tells listeners

// In publish(), in this order.
bool publish_l3_dirty(void);
// What ports and domains that changed mean for interfaces; marks domains that change by that in turn.
void publish_l3_mark_domain(const struct domain *d);
void publish_l3_refresh(void);
void publish_l3_build(struct fwd_state *s, const struct fwd_state *old);
void publish_l3_fdb(void);
// After the state is published: tells listeners.
void publish_l3_tell(void);

// Frees what `s`, the last state, has of it.
void publish_l3_destroy(const struct fwd_state *s);

#endif
