/* SPDX-License-Identifier: BSD-3-Clause */
// port.add, port.del, port.set, port.list. Statistics are in rpc_stats.c.
#include <errno.h>
#include <string.h>

#include "bridge.h"
#include "fdb_ctl.h"
#include "kinds.h"
#include "list.h"
#include "port.h"
#include "rpc.h"

static const char *const admin_states[] = {"up", "down", NULL};

// The registered kinds; filled by rpc_port_init(), as kinds register in no certain order.
static const char *type_choices[33];

static const struct param add_params[] = {
	{.name = "name",
	 .type = PARAM_NAME,
	 .flags = PARAM_REQUIRED,
	 .help = "the port's name, which no other port has"},
	{.name = "type",
	 .type = PARAM_ENUM,
	 .flags = PARAM_REQUIRED,
	 .choices = type_choices,
	 .help = "its kind, one of port_types, which has parameters of its own"},
	{.name = "mtu",
	 .type = PARAM_INT,
	 .min = PORT_MTU_MIN,
	 .max = PORT_MTU_MAX,
	 .unit = "bytes",
	 .def = "1500",
	 .help = "longest packet, without the Ethernet header"},
	{.name = "mac", .type = PARAM_MAC, .help = "the device's own address; if not given, the device's choice"},
	{.name = "admin",
	 .type = PARAM_ENUM,
	 .choices = admin_states,
	 .def = "\"up\"",
	 .help = "whether the port receives and sends"},
	{0},
};

static const struct param *add_more(const json_t *in)
{
	const char *type = json_string_value(json_object_get(in, "type"));
	const struct port_ops *ops = type ? port_kind(type) : NULL;

	return ops ? ops->params : NULL;
}

static int port_add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct port_ops *ops = port_kind(json_string_value(json_object_get(params, "type")));
	const char *mac = json_string_value(json_object_get(params, "mac"));
	struct port_obj *p;
	int rc = 0;

	if (mac)
		rc = fdb_mac_check(mac, f);
	if (rc == 0)
		rc = port_obj_add(c->txn, ops, params, &p, f);
	if (rc < 0)
		return rc;
	*result = json_pack("{s:s,s:i}", "name", p->name, "id", p->id);
	return 0;
}

static const struct rpc_method method_add = {
	.name = "port.add",
	.help = "Makes a port and its device. It forwards nothing until it is in a bridge (bridge.port_add).",
	.params = add_params,
	.more = add_more,
	.result = "An object: name, id.",
	.example = "{\"name\": \"p1\", \"type\": \"dpdk\", \"devargs\": \"net_null0\"}",
	.flags = RPC_CHANGES,
	.call = port_add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{0},
};

static int port_del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	int rc = port_obj_get("name", json_string_value(json_object_get(params, "name")), &p, f);

	return rc < 0 ? rc : port_obj_del(c->txn, p, f);
}

static const struct rpc_method method_del = {
	.name = "port.del",
	.help = "Removes a port that no bridge has, and its device. Packets on the other ports are not disturbed.",
	.params = del_params,
	.result = "true.",
	.example = "{\"name\": \"p1\"}",
	.flags = RPC_CHANGES,
	.call = port_del,
};
RPC_METHOD(method_del)

static const struct param set_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{.name = "admin", .type = PARAM_ENUM, .choices = admin_states, .help = "whether the port receives and sends"},
	{.name = "mtu",
	 .type = PARAM_INT,
	 .min = PORT_MTU_MIN,
	 .max = PORT_MTU_MAX,
	 .unit = "bytes",
	 .help = "longest packet, without the Ethernet header"},
	{.name = "mac", .type = PARAM_MAC, .help = "the device's own address"},
	{0},
};

static int port_set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *mac = json_string_value(json_object_get(params, "mac"));
	struct port_obj *p;
	int rc = port_obj_get("name", json_string_value(json_object_get(params, "name")), &p, f);

	if (rc == 0 && mac)
		rc = fdb_mac_check(mac, f);
	return rc < 0 ? rc : port_obj_set(c->txn, p, params, f);
}

static const struct rpc_method method_set = {
	.name = "port.set",
	.help = "Changes what is given and leaves the rest. A port that goes down forgets the stations learned behind "
		"it.",
	.params = set_params,
	.result = "true.",
	.example = "{\"name\": \"p1\", \"admin\": \"down\"}",
	.flags = RPC_CHANGES,
	.call = port_set,
};
RPC_METHOD(method_set)

static const char *state_name(const struct port_obj *p)
{
	if (p->state == PORT_OBJ_FAILED)
		return "failed";
	return p->admin_up ? "up" : "down";
}

static void add_bridge_fields(const struct port_obj *p, json_t *o)
{
	json_object_set_new(o, "bridge", p->bp ? json_string(p->bp->bridge->name) : json_null());
	if (p->bp)
		bridge_port_json(p->bp, o);
}

static json_t *port_json(const struct port_obj *p)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	json_t *o =
		json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:i}", "name", p->name, "type", p->ops->name, "id", p->id, "state",
			  state_name(p), "admin", p->admin_up ? "up" : "down", "link",
			  p->dev && __atomic_load_n(&p->dev->link_up, __ATOMIC_RELAXED) ? "up" : "down", "mtu", p->mtu);

	if (p->dev) {
		fdb_mac_text(&p->dev->mac, mac);
		json_object_set_new(o, "mac", json_string(mac));
		json_object_set_new(o, "rxq", json_integer(p->dev->nrxq));
		json_object_set_new(o, "txq", json_integer(p->dev->ntxq));
		json_object_set_new(o, "max_mtu", json_integer(p->dev->max_mtu));
	}
	add_bridge_fields(p, o);
	json_object_set_new(o, "macs", json_integer(p->macs));
	if (p->state == PORT_OBJ_FAILED)
		json_object_set_new(o, "error", json_string(p->error.message));
	if (p->dev && p->ops->info)
		p->ops->info(p->dev, o);
	json_object_update_missing(o, p->conf);
	return o;
}

static int port_list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *ports = port_obj_names();
	struct list_page page;
	struct port_obj *p;
	int rc;

	list_page(params, ports, &page);
	if (page.name) {
		rc = port_obj_get("name", page.name, &p, f);
		if (rc < 0)
			return rc;
	}
	*result = json_array();
	for (uint32_t i = page.first; i < page.end; i++)
		json_array_append_new(*result, port_json(ports->at[i]));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "port.list",
	.help = "The ports with their state, by name.",
	.params = list_params,
	.result =
		"An array of objects: name, type, id, state (up, down, failed), admin, link, mtu, bridge (null: none), "
		"vlan_mode, tag, trunks, macs (learned behind it), while it has a device mac, rxq, txq (queues), "
		"max_mtu "
		"and what its kind adds, if failed error; and the parameters of its kind.",
	.example = "{}",
	.call = port_list,
};
RPC_METHOD(method_list)

static json_t *port_types(void)
{
	json_t *types = json_array();
	const struct port_ops *ops;

	for (unsigned int i = 0; (ops = port_kind_at(i)); i++)
		json_array_append_new(types, json_pack("{s:s,s:s,s:o}", "name", ops->name, "help", ops->help, "params",
						       rpc_describe_params(ops->params)));
	return types;
}

void rpc_port_init(void)
{
	const struct port_ops *ops;

	for (unsigned int i = 0; i + 1 < RTE_DIM(type_choices) && (ops = port_kind_at(i)); i++)
		type_choices[i] = ops->name;
}

__attribute__((constructor)) static void describe_port_types(void)
{
	rpc_describe_section("port_types", port_types);
}

static const char *const kind_key_fields[] = {"name", NULL};

static const struct kind kind_port = {
	.name = "port",
	.plural = "ports",
	.order = 10,
	.add = "port.add",
	.del = "port.del",
	.set = "port.set",
	.key = kind_key_fields,
};
KIND(kind_port)
