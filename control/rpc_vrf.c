/* SPDX-License-Identifier: BSD-3-Clause */
// vrf.add, vrf.del, vrf.list.
#include <errno.h>

#include "iface.h"
#include "kinds.h"
#include "list.h"
#include "route_set.h"
#include "rpc.h"
#include "vrf.h"

static const struct param add_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the VRF's name, which no other has"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return vrf_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "vrf.add",
	.help = "Makes a VRF: a routing table of its own, whose addresses may be those of others. \"default\" is "
		"always "
		"there.",
	.params = add_params,
	.result = "true.",
	.example = "{\"name\": \"blue\"}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the VRF"},
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct vrf *v;
	int rc = vrf_get("name", json_string_value(json_object_get(params, "name")), &v, f);

	return rc < 0 ? rc : vrf_del(c->txn, v, f);
}

static const struct rpc_method method_del = {
	.name = "vrf.del",
	.help = "Removes a VRF that has neither interfaces nor routes.",
	.params = del_params,
	.result = "true.",
	.example = "{\"name\": \"blue\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static json_t *vrf_json(const struct vrf *v)
{
	return json_pack("{s:s,s:i,s:i,s:i,s:i}", "name", v->name, "id", v->id, "ifaces", v->nifaces, "routes",
			 v->routes->rib.count, "configured", v->routes->nstatic);
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *vrfs = vrf_names();
	struct list_page page;
	struct vrf *v;
	int rc;

	list_page(params, vrfs, &page);
	if (page.name) {
		rc = vrf_get("name", page.name, &v, f);
		if (rc < 0)
			return rc;
	}
	*result = json_array();
	for (uint32_t i = page.first; i < page.end; i++)
		json_array_append_new(*result, vrf_json(vrfs->at[i]));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "vrf.list",
	.help = "The VRFs, by name.",
	.params = list_params,
	.result = "An array of objects: name, id, ifaces, routes (how many it has, from all sources), configured (of "
		  "these, by route.add).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"name", NULL};

static const struct kind kind_vrf = {
	.name = "vrf",
	.plural = "vrfs",
	.order = 45,
	.add = "vrf.add",
	.del = "vrf.del",
	.key = key,
};
KIND(kind_vrf)
