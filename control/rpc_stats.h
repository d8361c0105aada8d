/* SPDX-License-Identifier: BSD-3-Clause */
// Pieces of answers that more than one method has. All need stats_take() first.
//
// Threads: control only.
#ifndef RPC_STATS_H
#define RPC_STATS_H

#include <jansson.h>

#include "port.h"

json_t *worker_json(unsigned int i); // an element of worker.list
json_t *port_stats_json(const struct port_obj *p, bool all_drops);

#endif
