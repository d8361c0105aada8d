/* SPDX-License-Identifier: BSD-3-Clause */
// When entries expire: idle and hard timeouts.
//
// Design: a heap of numbers by the time at which something may be due; an entry that was used since is put back by
// then.
//
// Threads: control only.
#ifndef FLOW_TIMEOUT_H
#define FLOW_TIMEOUT_H

#include "flow_table.h"

// The entry is there, and what its number was set for before does not count; clear: it is none any more. Cost: a
// logarithm, nothing for entries without timeouts.
void flow_timeout_set(const struct flow *x);
void flow_timeout_clear(uint32_t number);

// Takes what has expired out of the tables, some at once; each some 10 ms.
void flow_timeout_poll(void);
void flow_timeout_destroy(void);

#endif
