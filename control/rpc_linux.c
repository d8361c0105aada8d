/* SPDX-License-Identifier: BSD-3-Clause */
// linux.add, linux.del, linux.list.
#include "host_tap.h"
#include "kinds.h"
#include "linux_sync.h"
#include "rpc.h"

static const struct param add_params[] = {
	{.name = "vrf", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the VRF that the routes go into"},
	{.name = "table",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = UINT32_MAX,
	 .def = "254",
	 .help = "number of Linux' routing table; 254 is its main table"},
	{.name = "netns",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = HOST_NETNS_LEN - 1,
	 .help = "network namespace of the table, the same as the host TAPs' host_netns; if not given, the daemon's"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return linux_sync_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "linux.add",
	.help = "Takes a table of Linux' routes into a VRF: those that leave by host TAPs of the VRF's interfaces, and "
		"blackholes. They follow the table, stand below configured routes, and are no part of the desired "
		"state.",
	.params = add_params,
	.result = "true.",
	.example = "{\"vrf\": \"default\"}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	{.name = "vrf", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the VRF"},
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return linux_sync_del(c->txn, json_string_value(json_object_get(params, "vrf")), f);
}

static const struct rpc_method method_del = {
	.name = "linux.del",
	.help = "Takes Linux' routes out of a VRF again.",
	.params = del_params,
	.result = "true.",
	.example = "{\"vrf\": \"default\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	*result = linux_sync_list();
	return 0;
}

static const struct rpc_method method_list = {
	.name = "linux.list",
	.help = "The VRFs that have a table of Linux' routes.",
	.result =
		"An array of objects: vrf, table, netns, state (dumping, synchronised, failed), error, routes (of the "
		"table), installed (of these, in the VRF), nexthops (next hop objects), dumps (how often all was "
		"read), "
		"overruns (notifications were lost), refused (routes without room).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"vrf", NULL};
static const struct kind_ref refs[] = {{.field = "vrf", .kind = "vrf"}, {0}};

static const struct kind kind_linux = {
	.name = "linux",
	.plural = "linux",
	.order = 58,
	.add = "linux.add",
	.del = "linux.del",
	.key = key,
	.refs = refs,
};
KIND(kind_linux)
