/* SPDX-License-Identifier: BSD-3-Clause */
// The daemon as a whole, as the system.* methods see it.
//
// Threads: control only.
#ifndef SYSTEM_H
#define SYSTEM_H

#include <event2/event.h>

#include "options.h"

// What system.info tells and what system.shutdown ends. Both are borrowed until the end of the program.
void system_init(struct event_base *base, const struct options *o);

// Ends the event loop, and with it the daemon in order, once the answers under way are sent.
void system_shutdown(void);

#endif
