/* SPDX-License-Identifier: BSD-3-Clause */
// Notifications of topic "fdb", bounded in rate: at most FDB_EVENTS_PER_S single ones; what is beyond is counted and
// told once a second as "suppressed".
//
// Threads: control only.
#ifndef FDB_EVENT_H
#define FDB_EVENT_H

#include "bridge.h"

#define FDB_EVENTS_PER_S 1000

void fdb_event_send(const char *what, const struct domain *d, uint64_t key, const struct port_obj *p);
void fdb_event_flushed(uint32_t n);
void fdb_event_tick(uint64_t now_s); // at least once a second

#endif
