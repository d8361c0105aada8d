/* SPDX-License-Identifier: BSD-3-Clause */
// port.flow_validate, port.flow_create, port.flow_destroy, port.flow_flush, port.flow_list: rte_flow rules for a port's
// driver. They are no part of the desired state: a device that is made or started anew has none.
#include <errno.h>

#include "port.h"
#include "rpc.h"

#define RULE_HELP                                                                                                      \
	"in testpmd's words: [group N] [priority N] [ingress] [egress] [transfer] pattern ITEM [FIELD is|spec|mask|"   \
	"prefix VALUE]... / ... end actions ACTION [PARAMETER VALUE] / ... end; items eth, vlan, ipv4, ipv6, tcp, "    \
	"udp, void; actions drop, passthru, flag, mark, queue, void"
#define EXAMPLE "{\"name\": \"p1\", \"rule\": \"ingress pattern eth / ipv4 src is 192.0.2.1 / end actions drop / end\"}"

static const struct param rule_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "rule",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 1024,
	 .unit = "bytes",
	 .help = RULE_HELP},
	{0},
};

static const struct param id_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "id",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 0,
	 .max = UINT32_MAX,
	 .help = "the rule's, as port.flow_create answered it"},
	{0},
};

static const struct param name_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{0},
};

static int ask(const json_t *params, enum port_flow op, uint32_t *id, json_t *out, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	struct port_obj *p;
	int rc = port_obj_get("name", name, &p, f);

	if (rc < 0)
		return rc;
	if (!p->ops->flow)
		return fault_str(f, -ENOTSUP, "name", name, "a port of type dpdk or virtio-user",
				 "a %s port has no DPDK driver to give rules to", p->ops->name);
	if (!p->dev)
		return fault_str(f, -EIO, "name", name, NULL, "port %s has no device now", name);
	return p->ops->flow(p->dev, op, json_string_value(json_object_get(params, "rule")), id, out, f);
}

static int flow_validate(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return ask(params, PORT_FLOW_VALIDATE, NULL, NULL, f);
}

static const struct rpc_method method_validate = {
	.name = "port.flow_validate",
	.help = "Asks the driver behind a port whether it would take an rte_flow rule.",
	.params = rule_params,
	.result = "true.",
	.example = EXAMPLE,
	.call = flow_validate,
};
RPC_METHOD(method_validate)

static int flow_create(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	uint32_t id;
	int rc = ask(params, PORT_FLOW_CREATE, &id, NULL, f);

	if (rc == 0)
		*result = json_pack("{s:I}", "id", (json_int_t)id);
	return rc;
}

static const struct rpc_method method_create = {
	.name = "port.flow_create",
	.help = "Gives an rte_flow rule to the driver behind a port; it lasts until the port goes down or is changed.",
	.params = rule_params,
	.result = "An object: id (of the rule).",
	.example = EXAMPLE,
	.call = flow_create,
};
RPC_METHOD(method_create)

static int flow_destroy(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	uint32_t id = (uint32_t)json_integer_value(json_object_get(params, "id"));

	return ask(params, PORT_FLOW_DESTROY, &id, NULL, f);
}

static const struct rpc_method method_destroy = {
	.name = "port.flow_destroy",
	.help = "Takes a rule back from the driver behind a port.",
	.params = id_params,
	.result = "true.",
	.call = flow_destroy,
};
RPC_METHOD(method_destroy)

static int flow_flush(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return ask(params, PORT_FLOW_FLUSH, NULL, NULL, f);
}

static const struct rpc_method method_flush = {
	.name = "port.flow_flush",
	.help = "Takes all rules back from the driver behind a port.",
	.params = name_params,
	.result = "true.",
	.example = "{\"name\": \"p1\"}",
	.call = flow_flush,
};
RPC_METHOD(method_flush)

static int flow_list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	int rc;

	*result = json_array();
	rc = ask(params, PORT_FLOW_LIST, NULL, *result, f);
	if (rc < 0) {
		json_decref(*result);
		*result = NULL;
	}
	return rc;
}

static const struct rpc_method method_list = {
	.name = "port.flow_list",
	.help = "The rules that the driver behind a port was given.",
	.params = name_params,
	.result = "An array of objects: id, group, priority, ingress, egress, transfer, shown (items and actions, as "
		  "testpmd lists them), rule.",
	.example = "{\"name\": \"p1\"}",
	.call = flow_list,
};
RPC_METHOD(method_list)
