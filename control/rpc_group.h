/* SPDX-License-Identifier: BSD-3-Clause */
// What the methods of groups and meters have in common: one of them, or many, in a call.
//
// Threads: control only.
#ifndef RPC_GROUP_H
#define RPC_GROUP_H

#include "flow_switch.h"
#include "rpc.h"

// The bridge of the parameter of that name.
int rpc_group_bridge(const json_t *params, struct flow_bridge **fb, struct fault *f);

// Calls fn for each object of the array params[plural], whose faults get its place, or if there is none for `params`
// itself. Stops at what is not 0, and returns it.
int rpc_group_each(const json_t *params, const char *plural,
		   int (*fn)(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist,
			     struct flow_error *e),
		   struct rpc_call *c, struct fault *f);

// {"packets", "bytes"}.
json_t *rpc_group_counter(struct of_counter n);

#endif
