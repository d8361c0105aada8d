/* SPDX-License-Identifier: BSD-3-Clause */
// route.add, route.del, route.set, route.flush. route.list and route.lookup are in rpc_route_list.c.
#include <errno.h>

#include "kinds.h"
#include "route.h"
#include "rpc.h"

#define ROUTES_MAX 4194304

static const struct param route_items[] = {
	{.name = "prefix",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 63,
	 .help = "10.0.0.0/8 or 2001:db8::/32"},
	{.name = "via",
	 .type = PARAM_VALUE,
	 .flags = PARAM_REQUIRED,
	 .help = "\"drop\", \"reject\" (the sender is told), \"local\", or an array of up to 256 next hops: address, "
		 "iface, "
		 "weight (1 to 65535, 1 if not given)"},
	{0},
};

#define VRF_PARAM                                                                                                      \
	{                                                                                                              \
		.name = "vrf", .type = PARAM_NAME, .def = "\"default\"", .help = "the VRF"                             \
	}
#define ROUTES_PARAM(text)                                                                                             \
	{                                                                                                              \
		.name = "routes", .type = PARAM_OBJECTS, .flags = PARAM_REQUIRED, .max = ROUTES_MAX,                   \
		.items = route_items, .help = text                                                                     \
	}
#define STRICT_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "strict", .type = PARAM_BOOL,                                                                  \
		.help = "refuse prefixes with host bits (true if not given), or clear them"                            \
	}

static const struct param add_params[] = {
	VRF_PARAM,
	ROUTES_PARAM("the routes"),
	{.name = "replace",
	 .type = PARAM_BOOL,
	 .help = "a route of the same prefix that is there is replaced; if not given, it is refused"},
	STRICT_PARAM,
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return route_add(c->txn, params, result, f);
}

static const struct rpc_method method_add = {
	.name = "route.add",
	.help = "Adds routes to a VRF, all or none. A next hop is a neighbour on a connected prefix, or an address "
		"that "
		"another route leads to; with an interface it is on that one's link. Several share the flows by their "
		"weights; those whose neighbour is not there are left out.",
	.params = add_params,
	.result = "An object: added, replaced (how many).",
	.example = "{\"routes\": [{\"prefix\": \"198.51.100.0/24\", \"via\": \"drop\"}]}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	VRF_PARAM,
	{.name = "prefixes", .type = PARAM_STRINGS, .flags = PARAM_REQUIRED, .help = "the prefixes of the routes"},
	STRICT_PARAM,
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return route_del(c->txn, params, result, f);
}

static const struct rpc_method method_del = {
	.name = "route.del",
	.help = "Removes configured routes of a VRF, all or none.",
	.params = del_params,
	.result = "An object: removed (how many).",
	.example = "{\"prefixes\": [\"198.51.100.0/24\"]}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param set_params[] = {
	VRF_PARAM,
	ROUTES_PARAM("all the configured routes that the VRF shall have"),
	STRICT_PARAM,
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return route_set_all(c->txn, params, result, f);
}

static const struct rpc_method method_set = {
	.name = "route.set",
	.help = "Makes the configured routes of a VRF exactly these: adds, replaces and removes what differs, as one "
		"change.",
	.params = set_params,
	.result = "An object: added, replaced, removed (how many).",
	.example = "{\"routes\": [{\"prefix\": \"198.51.100.0/24\", \"via\": \"reject\"}]}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static const struct param flush_params[] = {
	{.name = "vrf", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the VRF"},
	{0},
};

static int flush(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct vrf *v;
	int rc = vrf_get("vrf", json_string_value(json_object_get(params, "vrf")), &v, f);

	return rc < 0 ? rc : route_flush(c->txn, v, f);
}

static const struct rpc_method method_flush = {
	.name = "route.flush",
	.help = "Removes all configured routes of a VRF.",
	.params = flush_params,
	.result = "true.",
	.example = "{\"vrf\": \"default\"}",
	.flags = RPC_CHANGES,
	.call = flush,
};
RPC_METHOD(method_flush)

static const char *const key[] = {"vrf", NULL};
static const struct kind_ref refs[] = {{.field = "vrf", .kind = "vrf"}, {0}};

// One object for each VRF that has configured routes.
static const struct kind kind_route = {
	.name = "route",
	.plural = "routes",
	.order = 60,
	.add = "route.add",
	.del = "route.flush",
	.set = "route.set",
	.key = key,
	.refs = refs,
	.objects = route_set_objects,
	.restore = route_restore,
};
KIND(kind_route)
