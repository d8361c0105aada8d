/* SPDX-License-Identifier: BSD-3-Clause */
// bridge.add, bridge.del, bridge.set, bridge.list, bridge.port_add, bridge.port_del.
#include <errno.h>

#include "bridge.h"
#include "flow_switch.h"
#include "kinds.h"
#include "list.h"
#include "rpc.h"

static const char *const modes[] = {"learn", "flow", NULL};
static const char *const vlan_modes[] = {"access", "trunk", "native", NULL};

// The same in bridge.add, with defaults, and in bridge.set, without.
#define BRIDGE_SETTINGS(learning_def, aging_def, limit_def, suppress_def)                                              \
	{.name = "learning", .type = PARAM_BOOL, .def = learning_def, .help = "learn stations from source addresses"}, \
		{.name = "aging_time",                                                                                 \
		 .type = PARAM_INT,                                                                                    \
		 .min = 0,                                                                                             \
		 .max = 1000000,                                                                                       \
		 .unit = "s",                                                                                          \
		 .def = aging_def,                                                                                     \
		 .help = "forget a station not heard of for so long, within 6 s; 0: never"},                           \
		{.name = "mac_limit",                                                                                  \
		 .type = PARAM_INT,                                                                                    \
		 .min = 0,                                                                                             \
		 .max = 1 << 26,                                                                                       \
		 .def = limit_def,                                                                                     \
		 .help = "learn at most so many stations, and flood frames to others; 0: as many as the FDB holds"},   \
	{                                                                                                              \
		.name = "arp_suppress", .type = PARAM_BOOL, .def = suppress_def,                                       \
		.help = "answer ARP and neighbour solicitations for hosts that are known, rather than flood them"      \
	}

static const struct param add_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge's name"},
	BRIDGE_SETTINGS("true", "300", "0", "false"),
	{.name = "mode",
	 .type = PARAM_ENUM,
	 .choices = modes,
	 .def = "\"learn\"",
	 .help = "learn: a learning switch; flow: flow tables decide (flow.add), an OpenFlow switch"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return bridge_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "bridge.add",
	.help = "Makes a bridge, without ports.",
	.params = add_params,
	.result = "true.",
	.example = "{\"name\": \"br0\"}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param name_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge"},
	{0},
};

static int get(const json_t *params, const char *field, struct bridge **b, struct fault *f)
{
	return bridge_get(field, json_string_value(json_object_get(params, field)), b, f);
}

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct bridge *b;
	int rc = get(params, "name", &b, f);

	return rc < 0 ? rc : bridge_del(c->txn, b, f);
}

static const struct rpc_method method_del = {
	.name = "bridge.del",
	.help = "Removes a bridge that has no ports.",
	.params = name_params,
	.result = "true.",
	.example = "{\"name\": \"br0\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param set_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge"},
	BRIDGE_SETTINGS(NULL, NULL, NULL, NULL),
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct bridge *b;
	int rc = get(params, "name", &b, f);

	return rc < 0 ? rc : bridge_set(c->txn, b, params, f);
}

static const struct rpc_method method_set = {
	.name = "bridge.set",
	.help = "Changes what is given and leaves the rest. A lower mac_limit forgets nobody.",
	.params = set_params,
	.result = "true.",
	.example = "{\"name\": \"br0\", \"aging_time\": 60}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

void bridge_port_json(const struct bridge_port *bp, json_t *o)
{
	json_t *trunks;

	json_object_set_new(o, "vlan_mode", json_string(vlan_modes[bp->mode]));
	if (bp->mode != VLAN_TRUNK)
		json_object_set_new(o, "tag", json_integer(bp->tag));
	if (bp->mode == VLAN_ACCESS || bp->all)
		return;
	trunks = json_array();
	for (uint16_t v = 0; v < VLAN_COUNT; v++)
		if (vlan_listed(bp, v))
			json_array_append_new(trunks, json_integer(v));
	json_object_set_new(o, "trunks", trunks);
}

static json_t *bridge_json(const struct bridge *b)
{
	json_t *o = json_copy(b->conf), *ports = json_array(), *vlans = json_array();

	for (uint32_t i = 0; i < b->ports.n; i++) {
		const struct bridge_port *bp = bridge_port_at(b, i);
		json_t *member = json_pack("{s:s}", "port", bp->port->name);

		bridge_port_json(bp, member);
		if (bp->of_no)
			json_object_set_new(member, "of_port", json_integer(bp->of_no));
		json_array_append_new(ports, member);
	}
	for (uint16_t v = 0; b->vlan && v < VLAN_COUNT; v++)
		if (b->vlan[v] && b->vlan[v]->named)
			json_array_append_new(vlans, json_integer(v));
	json_object_set_new(o, "macs", json_integer(b->macs));
	json_object_set_new(o, "static", json_integer(b->nstatic));
	json_object_set_new(o, "vlans", vlans);
	json_object_set_new(o, "ports", ports);
	return o;
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *bridges = bridge_names();
	struct list_page page;
	struct bridge *b;
	int rc;

	list_page(params, bridges, &page);
	if (page.name) {
		rc = bridge_get("name", page.name, &b, f);
		if (rc < 0)
			return rc;
	}
	*result = json_array();
	for (uint32_t i = page.first; i < page.end; i++)
		json_array_append_new(*result, bridge_json(bridges->at[i]));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "bridge.list",
	.help = "The bridges with their ports, by name.",
	.params = list_params,
	.result = "An array of objects: name, learning, aging_time, mac_limit, arp_suppress, mode, macs (stations "
		  "learned), static "
		  "(static "
		  "FDB entries), vlans (those that a port names), ports (array of {port, vlan_mode, tag, trunks, "
		  "of_port (in mode flow)}).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const struct param port_add_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge"},
	{.name = "port", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a port that no bridge has"},
	{.name = "vlan_mode",
	 .type = PARAM_ENUM,
	 .choices = vlan_modes,
	 .def = "\"trunk\"",
	 .help = "access: untagged, in VLAN `tag`; trunk: tagged; native: tagged, but for VLAN `tag`, which is "
		 "untagged"},
	{.name = "tag",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 4094,
	 .help = "the VLAN of untagged frames; access and native"},
	{.name = "trunks",
	 .type = PARAM_INTS,
	 .min = 0,
	 .max = 4094,
	 .help = "VLANs that a trunk or native port carries, 0 being untagged frames at a trunk; absent or empty: all"},
	{.name = "of_port",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = FLOW_PORT_NUMBERS - 1,
	 .help = "its OpenFlow port number, in a bridge of mode flow; absent: chosen, and the same after a restart"},
	{.name = "local",
	 .type = PARAM_BOOL,
	 .help = "true: it is OpenFlow's port LOCAL, by which the bridge's own host is reached (a TAP of it); in mode "
		 "flow"},
	{0},
};

static int port_add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return bridge_port_add(c->txn, params, f);
}

static const struct rpc_method method_port_add = {
	.name = "bridge.port_add",
	.help = "Puts a port into a bridge. A VLAN that some port names, by tag or in trunks, learns on its own; all "
		"others "
		"pass between the ports that carry every VLAN, and share what is learned.",
	.params = port_add_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"port\": \"p1\", \"vlan_mode\": \"access\", \"tag\": 10}",
	.flags = RPC_CHANGES,
	.call = port_add,
};
RPC_METHOD(method_port_add)

static const struct param port_del_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge"},
	{.name = "port", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a port of the bridge"},
	{0},
};

static int port_del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct port_obj *p;
	struct bridge *b;
	int rc = get(params, "bridge", &b, f);

	if (rc == 0)
		rc = port_obj_get("port", json_string_value(json_object_get(params, "port")), &p, f);
	return rc < 0 ? rc : bridge_port_del(c->txn, b, p, f);
}

static const struct rpc_method method_port_del = {
	.name = "bridge.port_del",
	.help = "Takes a port out of a bridge; the stations learned behind it are forgotten.",
	.params = port_del_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"port\": \"p1\"}",
	.flags = RPC_CHANGES,
	.call = port_del,
};
RPC_METHOD(method_port_del)

static const char *const bridge_key[] = {"name", NULL};
static const char *const member_key[] = {"bridge", "port", NULL};
static const struct kind_ref member_refs[] = {
	{.field = "bridge", .kind = "bridge"}, {.field = "port", .kind = "port"}, {0}};

static const struct kind kind_bridge = {
	.name = "bridge",
	.plural = "bridges",
	.order = 20,
	.add = "bridge.add",
	.del = "bridge.del",
	.set = "bridge.set",
	.key = bridge_key,
};
KIND(kind_bridge)

static const struct kind kind_bridge_port = {
	.name = "bridge_port",
	.plural = "bridge_ports",
	.order = 30,
	.add = "bridge.port_add",
	.del = "bridge.port_del",
	.key = member_key,
	.refs = member_refs,
};
KIND(kind_bridge_port)
