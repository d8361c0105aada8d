/* SPDX-License-Identifier: BSD-3-Clause */
// iface.add, iface.del, iface.set, iface.list.
#include <errno.h>

#include "fdb_ctl.h"
#include "host_tap.h"
#include "iface.h"
#include "kinds.h"
#include "list.h"
#include "own.h"
#include "rpc.h"

static const char *const admin_states[] = {"up", "down", NULL};

// The same in iface.add, with defaults, and in iface.set, without.
#define IFACE_SETTINGS(admin_def, reachable_def, off_def)                                                              \
	{.name = "addresses",                                                                                          \
	 .type = PARAM_STRINGS,                                                                                        \
	 .help = "its addresses with the prefix lengths of their links: 10.0.0.1/24, 2001:db8::1/64; an IPv6 "         \
		 "link-local one is made of the MAC if none is given"},                                                \
		{.name = "mac", .type = PARAM_MAC, .help = "its MAC; if not given, made of its name and this host"},   \
		{.name = "mtu",                                                                                        \
		 .type = PARAM_INT,                                                                                    \
		 .min = 68,                                                                                            \
		 .max = 65535,                                                                                         \
		 .unit = "bytes",                                                                                      \
		 .help = "longest IP packet that leaves by it; never more than its port's; if not given, its port's, " \
			 "or "                                                                                         \
			 "1500 on a bridge"},                                                                          \
		{.name = "admin",                                                                                      \
		 .type = PARAM_ENUM,                                                                                   \
		 .choices = admin_states,                                                                              \
		 .def = admin_def,                                                                                     \
		 .help = "whether it routes"},                                                                         \
		{.name = "reachable_time",                                                                             \
		 .type = PARAM_INT,                                                                                    \
		 .min = 1,                                                                                             \
		 .max = 3600,                                                                                          \
		 .unit = "s",                                                                                          \
		 .def = reachable_def,                                                                                 \
		 .help = "how long a neighbour's MAC is believed, on average, without being confirmed"},               \
		{.name = "proxy_arp",                                                                                  \
		 .type = PARAM_BOOL,                                                                                   \
		 .def = off_def,                                                                                       \
		 .help = "answer ARP for addresses that are routed out of another interface"},                         \
		{.name = "redirects",                                                                                  \
		 .type = PARAM_BOOL,                                                                                   \
		 .def = off_def,                                                                                       \
		 .help = "tell hosts on its link, by ICMP, of neighbours that are a shorter way than we"},             \
	{                                                                                                              \
		.name = "router_advert", .type = PARAM_BOOL, .def = off_def,                                           \
		.help = "send IPv6 router advertisements, with the interface's prefixes"                               \
	}

static const struct param add_params[] = {
	{.name = "name",
	 .type = PARAM_NAME,
	 .flags = PARAM_REQUIRED,
	 .help = "the interface's name, which no other interface has"},
	{.name = "vrf", .type = PARAM_NAME, .def = "\"default\"", .help = "the VRF that it is in"},
	{.name = "port", .type = PARAM_NAME, .help = "on this port, which is in no bridge"},
	{.name = "bridge", .type = PARAM_NAME, .help = "on this bridge; without port and bridge: a loopback"},
	{.name = "vlan",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 4094,
	 .help = "on this VLAN of the port or bridge; if not given, where untagged frames are"},
	IFACE_SETTINGS("\"up\"", "30", "false"),
	{.name = "host_tap",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "a TAP for the host: Linux gets what is for the interface's addresses, but ARP, neighbour discovery "
		 "and "
		 "echo requests, and sends by it"},
	{.name = "host_ifname",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = 15,
	 .help = "name of the host TAP; if not given, the interface's"},
	{.name = "host_netns",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = HOST_NETNS_LEN - 1,
	 .help = "network namespace of the host TAP: a name under /run/netns, or a path; if not given, the daemon's"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return iface_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "iface.add",
	.help = "Makes an L3 interface: the router's end on a port, a VLAN of a port, a bridge or a VLAN of a bridge, "
		"or a "
		"loopback.",
	.params = add_params,
	.result = "true.",
	.example = "{\"name\": \"gw0\", \"bridge\": \"br0\", \"addresses\": [\"192.0.2.1/24\", \"2001:db8::1/64\"]}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the interface"},
	{0},
};

static int get(const json_t *params, struct iface **i, struct fault *f)
{
	return iface_get("name", json_string_value(json_object_get(params, "name")), i, f);
}

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct iface *i;
	int rc = get(params, &i, f);

	return rc < 0 ? rc : iface_del(c->txn, i, f);
}

static const struct rpc_method method_del = {
	.name = "iface.del",
	.help = "Removes an L3 interface with its addresses and neighbours.",
	.params = del_params,
	.result = "true.",
	.example = "{\"name\": \"gw0\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param set_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the interface"},
	IFACE_SETTINGS(NULL, NULL, NULL),
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct iface *i;
	int rc = get(params, &i, f);

	return rc < 0 ? rc : iface_set(c->txn, i, params, f);
}

static const struct rpc_method method_set = {
	.name = "iface.set",
	.help = "Changes what is given and leaves the rest; addresses are replaced as a whole.",
	.params = set_params,
	.result = "true.",
	.example = "{\"name\": \"gw0\", \"addresses\": [\"192.0.2.1/24\"]}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static json_t *addresses_json(const struct iface *i)
{
	json_t *array = json_array();
	char text[IP_TEXT_LEN];

	for (uint16_t k = 0; k < i->naddrs; k++)
		json_array_append_new(array, json_string(ip_prefix_text(&i->addr[k], text)));
	return array;
}

static json_t *duplicates_json(const struct iface *i)
{
	json_t *array = json_array();
	char text[IP_TEXT_LEN];

	for (uint16_t k = 0; k < i->naddrs; k++)
		if (own_state(i, &i->addr[k].addr) == OWN_DUPLICATE)
			json_array_append_new(array, json_string(ip_text(&i->addr[k].addr, text)));
	return array;
}

static json_t *iface_json(const struct iface *i)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	json_t *o;

	fdb_mac_text(&i->mac, mac);
	o = json_pack("{s:s,s:i,s:s,s:s,s:o,s:s,s:i,s:s?,s:s?,s:o,s:o,s:o}", "name", i->name, "id", i->id, "vrf",
		      i->vrf->name, "state", i->up ? "up" : "down", "why",
		      i->up ? json_null() : json_string(i->down_why), "mac", mac, "mtu", i->mtu, "port",
		      i->port ? i->port->name : NULL, "bridge", i->bridge ? i->bridge->name : NULL, "vlan",
		      i->vid ? json_integer(i->vid) : json_null(), "addresses", addresses_json(i), "duplicates",
		      duplicates_json(i));
	json_object_update_missing(o, i->conf);
	host_tap_json(i, o);
	return o;
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *ifaces = iface_names();
	struct list_page page;
	struct iface *i;
	int rc;

	list_page(params, ifaces, &page);
	if (page.name) {
		rc = iface_get("name", page.name, &i, f);
		if (rc < 0)
			return rc;
	}
	*result = json_array();
	for (uint32_t n = page.first; n < page.end; n++)
		json_array_append_new(*result, iface_json(ifaces->at[n]));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "iface.list",
	.help = "The L3 interfaces with their state, by name.",
	.params = list_params,
	.result =
		"An array of objects: name, id, vrf, state (up, down), why (it is down, null while up: admin, port "
		"down, "
		"port failed, link, no port of the bridge is up), mac, mtu, port, bridge, vlan (null: none), addresses "
		"(the link-local one included), duplicates (those of them that somebody else on the link has: they are "
		"not "
		"used until interface or address are made anew), host (its host TAP: ifname, netns, state, error, "
		"to_host, from_host, "
		"lost "
		"frames), and its other settings.",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"name", NULL};
static const struct kind_ref refs[] = {
	{.field = "vrf", .kind = "vrf"}, {.field = "port", .kind = "port"}, {.field = "bridge", .kind = "bridge"}, {0}};

static const struct kind kind_iface = {
	.name = "iface",
	.plural = "ifaces",
	.order = 50,
	.add = "iface.add",
	.del = "iface.del",
	.set = "iface.set",
	.key = key,
	.refs = refs,
};
KIND(kind_iface)
