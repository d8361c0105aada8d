/* SPDX-License-Identifier: BSD-3-Clause */
// route.list and route.lookup.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "route.h"
#include "rpc.h"

#define KEY_LEN (IP_TEXT_LEN + 16)

static const char *const sources[] = {"interface", "static", "linux", "neighbour", NULL};

static const struct param list_route_params[] = {
	{.name = "vrf", .type = PARAM_NAME, .def = "\"default\"", .help = "the VRF"},
	{.name = "prefix", .type = PARAM_STRING, .min = 1, .max = 63, .help = "only routes of this prefix and in it"},
	{.name = "source", .type = PARAM_ENUM, .choices = sources, .help = "only of this source"},
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = KEY_LEN - 1,
	 .help = "only what comes after this `key` of a route: the next page"},
	{0},
};

static const char *own_name(const struct rib_entry *e)
{
	return route_own_kind(e->value) == NEXTHOP_CONNECTED ? "connected" : "local";
}

// Where an entry leads, as in route.add, or "connected" or "local" of an interface.
static json_t *via_json(const struct rib_entry *e)
{
	if (e->source == RIB_OWN)
		return json_string(own_name(e));
	if (e->source == RIB_HOST)
		return json_string("connected");
	return json_incref(hops_json(hops_at(e->value)));
}

// Why next hops of it lead nowhere; NULL: all lead somewhere.
static const char *why_not(const struct rib_entry *e)
{
	const struct hops *h = e->source == RIB_STATIC || e->source == RIB_LINUX ? hops_at(e->value) : NULL;

	if (!h)
		return NULL;
	return h->via ? h->via->why : "it is not in the FIB";
}

static json_t *entry_json(const struct vrf *v, const struct rib_entry *e)
{
	const struct iface *i = e->source == RIB_OWN ? route_own_iface(e->value) : NULL;
	const struct rib_entry *best = rib_best(&v->routes->rib, e);
	char text[IP_TEXT_LEN], key[KEY_LEN];
	const char *why = why_not(e);
	struct ip_prefix p;
	json_t *o;

	rib_prefix(e, &p);
	ip_prefix_text(&p, text);
	snprintf(key, sizeof(key), "%s/%s", text, sources[e->source]);
	o = json_pack("{s:s, s:s, s:b, s:o, s:s}", "prefix", text, "source", sources[e->source], "active", best == e,
		      "via", via_json(e), "key", key);
	if (i)
		json_object_set_new(o, "iface", json_string(i->name));
	if (why)
		json_object_set_new(o, "unresolved", json_string(why));
	return o;
}

static int parse_after(const char *text, struct rib_entry *key, struct fault *f)
{
	const char *slash = strrchr(text, '/');
	char prefix[IP_TEXT_LEN];
	struct ip_prefix p;
	struct fault ignored;

	if (slash && (size_t)(slash - text) < sizeof(prefix)) {
		memcpy(prefix, text, (size_t)(slash - text));
		prefix[slash - text] = '\0';
		for (unsigned int s = 0; sources[s]; s++)
			if (strcmp(slash + 1, sources[s]) == 0 &&
			    ip_prefix_parse(prefix, "after", true, &p, &ignored) == 0) {
				*key = rib_key(&p, s);
				return 0;
			}
	}
	return fault_str(f, -EINVAL, "after", text, "the key of a route: 10.0.0.0/8/static",
			 "this is no key of a route");
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *prefix = json_string_value(json_object_get(params, "prefix"));
	const char *source = json_string_value(json_object_get(params, "source"));
	const char *after = json_string_value(json_object_get(params, "after"));
	json_int_t limit = json_integer_value(json_object_get(params, "limit"));
	struct rib_entry within, from;
	const struct rib_entry *e;
	struct ip_prefix p;
	struct vrf *v;
	int rc = vrf_get("vrf", json_string_value(json_object_get(params, "vrf")), &v, f);

	if (rc == 0 && prefix)
		rc = ip_prefix_parse(prefix, "prefix", true, &p, f);
	if (rc == 0 && after)
		rc = parse_after(after, &from, f);
	if (rc < 0)
		return rc;
	if (prefix)
		within = rib_key(&p, RIB_OWN);
	*result = json_array();
	e = rib_after(&v->routes->rib, after ? &from : NULL);
	// In order, those in a prefix stand together behind its first address.
	if (prefix && (!after || !rib_covers(&within, &from))) {
		e = rib_best(&v->routes->rib, &within);
		e = e ? e : rib_after(&v->routes->rib, &within);
	}
	for (; e && limit > 0 && (!prefix || rib_covers(&within, e)); e = rib_after(&v->routes->rib, e)) {
		if (source && strcmp(source, sources[e->source]) != 0)
			continue;
		json_array_append_new(*result, entry_json(v, e));
		limit--;
	}
	return 0;
}

static const struct rpc_method method_list = {
	.name = "route.list",
	.help = "The routes of a VRF from all sources, IPv4 first, by prefix.",
	.params = list_route_params,
	.result = "An array of objects: prefix, source (interface, static, linux, neighbour), active (whether it is "
		  "the one of "
		  "this prefix that counts), via (as in route.add, or connected, local), iface (of source interface), "
		  "unresolved (why next hops lead nowhere; absent: none does), key (for after).",
	.example = "{\"limit\": 100}",
	.call = list,
};
RPC_METHOD(method_list)

static const struct param lookup_params[] = {
	{.name = "vrf", .type = PARAM_NAME, .def = "\"default\"", .help = "the VRF"},
	{.name = "address",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 63,
	 .help = "the destination"},
	{0},
};

static const char *port_name(const struct nexthop *nh)
{
	const struct port_obj *p = port_obj_by_id(nh->port_id);
	struct fdb_entry e;

	if (!nh->port_id && fdb_get(fdb_ctl_table(), fdb_key(nh->rewrite, nh->domain), fdb_ctl_now(), &e) == 0)
		p = port_obj_by_id(e.port_id);
	return p ? p->name : NULL;
}

// A next hop as workers have it.
static json_t *nexthop_json(uint32_t number)
{
	const struct nexthop *nh = nexthop_at(number);
	const struct iface *i = nh ? iface_slot(nh->iface) : NULL;
	char dst[RTE_ETHER_ADDR_FMT_SIZE], src[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr mac[2];
	json_t *o;

	o = json_pack("{s:I, s:s}", "nexthop", (json_int_t)number, "kind", nh ? nexthop_kind_name(nh->kind) : "none");
	if (i)
		json_object_set_new(o, "iface", json_string(i->name));
	if (!nh || nh->kind != NEXTHOP_FORWARD)
		return o;
	memcpy(mac, nh->rewrite, sizeof(nh->rewrite));
	fdb_mac_text(&mac[0], dst);
	fdb_mac_text(&mac[1], src);
	json_object_update_new(o, json_pack("{s:s, s:s, s:i, s:s?}", "dst_mac", dst, "src_mac", src, "mtu", nh->mtu,
					    "port", port_name(nh)));
	return o;
}

// The ways of a group with their shares of its slots; of a single next hop, that one.
static json_t *ways_json(uint32_t number)
{
	const struct nexthop *nh = nexthop_at(number);
	json_t *array = json_array();

	if (!nh || nh->kind != NEXTHOP_GROUP) {
		json_array_append_new(array, nexthop_json(number));
		return array;
	}
	for (uint32_t s = 0; s < nh->nslots; s++) {
		json_t *way = NULL, *known;
		size_t k;

		json_array_foreach (array, k, known)
			if ((uint32_t)json_integer_value(json_object_get(known, "nexthop")) == nh->slot[s])
				way = known;
		if (!way) {
			way = nexthop_json(nh->slot[s]);
			json_array_append_new(array, way);
		}
		json_object_set_new(way, "slots", json_integer(json_integer_value(json_object_get(way, "slots")) + 1));
	}
	return array;
}

// The gateways that a route names, and what they were found to be; of those found through another route, its gateways,
// and so on.
static json_t *gateways_json(const struct hops *h, unsigned int depth)
{
	json_t *array = json_array();
	char text[IP_TEXT_LEN];

	for (uint32_t k = 0; k < h->n; k++) {
		const struct gateway *g = via_gateway(h, k);
		json_t *o = json_pack("{s:s?, s:s?, s:i}", "address",
				      h->hop[k].addr.family ? ip_text(&h->hop[k].addr, text) : NULL, "iface",
				      g && g->iface ? g->iface->name : NULL, "weight", h->hop[k].weight);

		if (g && g->through)
			json_object_set(o, "through", hops_json(g->through));
		if (g && g->through && depth < RECURSION_MAX)
			json_object_set_new(o, "gateways", gateways_json(g->through, depth + 1));
		if (g && g->why)
			json_object_set_new(o, "unresolved", json_string(g->why));
		json_array_append_new(array, o);
	}
	return array;
}

static int lookup(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *address = json_string_value(json_object_get(params, "address"));
	const struct nexthop *nh;
	const struct rib_entry *e;
	struct rib_entry key;
	struct ip_prefix p;
	uint32_t number;
	struct vrf *v;
	int rc = vrf_get("vrf", json_string_value(json_object_get(params, "vrf")), &v, f);

	if (rc == 0)
		rc = ip_parse(address, "address", &p.addr, f);
	if (rc < 0)
		return rc;
	p.depth = p.addr.family == 4 ? 32 : 128;
	key = rib_key(&p, RIB_OWN);
	e = rib_match(&v->routes->rib, &key, p.depth);
	*result = json_pack("{s:s, s:s}", "vrf", v->name, "address", address);
	if (!e) {
		json_object_set_new(*result, "route", json_null());
		return 0;
	}
	number = route_number(e);
	nh = nexthop_at(number);
	json_object_set_new(*result, "route", entry_json(v, e));
	if (e->source == RIB_STATIC || e->source == RIB_LINUX)
		json_object_set_new(*result, "gateways", gateways_json(hops_at(e->value), 0));
	json_object_set_new(*result, "nexthop", json_integer(number));
	json_object_set_new(*result, "kind", json_string(nh ? nexthop_kind_name(nh->kind) : "none"));
	if (nh && nh->kind == NEXTHOP_GROUP)
		json_object_set_new(*result, "slots", json_integer(nh->nslots));
	json_object_set_new(*result, "ways", ways_json(number));
	return 0;
}

static const struct rpc_method method_lookup = {
	.name = "route.lookup",
	.help = "What happens to a packet to an address: the route, its gateways, and each way that workers may send "
		"it.",
	.params = lookup_params,
	.result = "An object: vrf, address, route (as in route.list; null: none), gateways (address, iface, weight, "
		  "through: the "
		  "via of the route that leads to it, gateways: those of that route, unresolved), nexthop (number), "
		  "kind (drop, reject, local, "
		  "connected, "
		  "unresolved, forward, group, none), slots (of a group), ways (array: nexthop, kind, iface, slots of "
		  "the "
		  "group, and if kind is forward dst_mac, src_mac, mtu, port).",
	.example = "{\"address\": \"198.51.100.1\"}",
	.call = lookup,
};
RPC_METHOD(method_lookup)
