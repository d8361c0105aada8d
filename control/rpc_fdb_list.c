/* SPDX-License-Identifier: BSD-3-Clause */
// fdb.list: pages of a table that may hold millions, in the order of bridge, VLAN and MAC.
//
// Design: a page is the `limit` smallest entries after the one named by `after`, kept in a heap while the table is
// walked once, so that a page costs one walk and the memory of one page, and no page depends on the ones before.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "iface.h"
#include "rpc.h"

#define CURSOR_LEN 64

static const struct param list_fdb_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .help = "only of this bridge"},
	{.name = "port", .type = PARAM_NAME, .help = "only behind this port"},
	{.name = "vlan",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = 4094,
	 .help = "only of this VLAN; 0: untagged frames, and all VLANs that nobody names"},
	{.name = "mac", .type = PARAM_MAC, .help = "only of this station"},
	{.name = "static", .type = PARAM_BOOL, .help = "only static entries, or only learned ones"},
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = CURSOR_LEN - 1,
	 .help = "only what comes after this `key` of an entry: the next page"},
	{0},
};

struct row {
	const struct domain *domain;
	struct fdb_entry entry;
};

struct page {
	const struct bridge *bridge;
	const struct port_obj *port;
	int vlan, is_static; // -1: any
	bool by_mac;
	struct rte_ether_addr mac;
	char after[CURSOR_LEN]; // bridge; "" if not given
	unsigned int after_vlan;
	struct rte_ether_addr after_mac;
	bool after_rest;
	uint32_t n, limit, cap;
	struct row *row; // a heap, the last in order on top
	bool no_memory;
};

// Order of entries: bridge, VLAN (the rest domain after VLAN 0), MAC.
static int compare_to(const struct row *r, const char *bridge, unsigned int vlan, bool rest,
		      const struct rte_ether_addr *mac)
{
	bool r_rest = r->domain->vid == VLAN_NONE;
	struct rte_ether_addr r_mac;
	int order = strcmp(r->domain->bridge->name, bridge);

	if (order)
		return order;
	if (fdb_vlan(r->domain) != vlan)
		return fdb_vlan(r->domain) < vlan ? -1 : 1;
	if (r_rest != rest)
		return r_rest ? 1 : -1;
	fdb_key_mac(r->entry.key, r_mac.addr_bytes);
	return memcmp(&r_mac, mac, sizeof(*mac));
}

static int compare(const void *a, const void *b)
{
	const struct row *y = b;
	struct rte_ether_addr mac;

	fdb_key_mac(y->entry.key, mac.addr_bytes);
	return compare_to(a, y->domain->bridge->name, fdb_vlan(y->domain), y->domain->vid == VLAN_NONE, &mac);
}

static void heap_down(struct page *g)
{
	for (uint32_t i = 0;;) {
		uint32_t big = i, l = 2 * i + 1;
		struct row tmp;

		for (uint32_t k = l; k <= l + 1 && k < g->n; k++)
			if (compare(&g->row[k], &g->row[big]) > 0)
				big = k;
		if (big == i)
			return;
		tmp = g->row[i];
		g->row[i] = g->row[big];
		g->row[big] = tmp;
		i = big;
	}
}

static void heap_up(struct page *g, uint32_t i)
{
	while (i > 0 && compare(&g->row[i], &g->row[(i - 1) / 2]) > 0) {
		struct row tmp = g->row[i];

		g->row[i] = g->row[(i - 1) / 2];
		g->row[(i - 1) / 2] = tmp;
		i = (i - 1) / 2;
	}
}

static void page_add(struct page *g, const struct row *r)
{
	if (g->n == g->limit) {
		if (compare(r, &g->row[0]) >= 0)
			return;
		g->row[0] = *r;
		heap_down(g);
		return;
	}
	if (g->n == g->cap) {
		uint32_t cap = g->cap ? 2 * g->cap : 64;
		struct row *grown = realloc(g->row, cap * sizeof(*grown));

		if (!grown) {
			g->no_memory = true;
			return;
		}
		g->row = grown;
		g->cap = cap;
	}
	g->row[g->n++] = *r;
	heap_up(g, g->n - 1);
}

static bool visit(void *arg, const struct fdb_entry *e)
{
	struct page *g = arg;
	struct row r = {domain_by_id(fdb_key_domain(e->key)), *e};
	struct rte_ether_addr mac;

	if (!r.domain || !r.domain->named || !r.domain->bridge || (g->bridge && r.domain->bridge != g->bridge) ||
	    (g->port && e->port_id != g->port->id) || (g->vlan >= 0 && fdb_vlan(r.domain) != g->vlan) ||
	    (g->is_static >= 0 && e->is_static != g->is_static))
		return false;
	fdb_key_mac(e->key, mac.addr_bytes);
	if (g->by_mac && memcmp(&mac, &g->mac, sizeof(mac)) != 0)
		return false;
	if (g->after[0] && compare_to(&r, g->after, g->after_vlan, g->after_rest, &g->after_mac) <= 0)
		return false;
	page_add(g, &r);
	return false;
}

// "bridge/vlan/mac", with "rest" for the VLAN of the rest domain.
static int parse_after(const char *text, struct page *g, struct fault *f)
{
	char vlan[8] = "", mac[RTE_ETHER_ADDR_FMT_SIZE] = "", *end = NULL;

	g->after_rest = sscanf(text, "%31[^/]/%7[^/]/%17s", g->after, vlan, mac) == 3 && strcmp(vlan, "rest") == 0;
	if (g->after[0] && vlan[0]) {
		g->after_vlan = g->after_rest ? 0 : strtoul(vlan, &end, 10);
		if ((g->after_rest || *end == '\0') && rte_ether_unformat_addr(mac, &g->after_mac) == 0)
			return 0;
	}
	return fault_str(f, -EINVAL, "after", text, "the key of an entry: bridge/vlan/mac",
			 "this is no key of an entry");
}

static int page_parse(const json_t *params, struct page *g, struct fault *f)
{
	const char *bridge = json_string_value(json_object_get(params, "bridge"));
	const char *port = json_string_value(json_object_get(params, "port"));
	const char *after = json_string_value(json_object_get(params, "after"));
	const char *mac = json_string_value(json_object_get(params, "mac"));
	const json_t *vlan = json_object_get(params, "vlan"), *is_static = json_object_get(params, "static");
	int rc = 0;

	g->limit = json_integer_value(json_object_get(params, "limit"));
	g->vlan = vlan ? (int)json_integer_value(vlan) : -1;
	g->is_static = is_static ? json_is_true(is_static) : -1;
	g->by_mac = mac && rte_ether_unformat_addr(mac, &g->mac) == 0;
	if (bridge)
		rc = bridge_get("bridge", bridge, (struct bridge **)&g->bridge, f);
	if (rc == 0 && port)
		rc = port_obj_get("port", port, (struct port_obj **)&g->port, f);
	if (rc == 0 && after)
		rc = parse_after(after, g, f);
	return rc;
}

static json_t *row_json(const struct row *r)
{
	const struct port_obj *p = port_obj_by_id(r->entry.port_id);
	const struct iface *iface = r->entry.port_id == PORT_ROUTER ? r->domain->iface : NULL;
	bool rest = r->domain->vid == VLAN_NONE;
	char mac[RTE_ETHER_ADDR_FMT_SIZE], key[CURSOR_LEN], vlan[8];
	struct rte_ether_addr addr;

	fdb_key_mac(r->entry.key, addr.addr_bytes);
	fdb_mac_text(&addr, mac);
	snprintf(vlan, sizeof(vlan), "%u", fdb_vlan(r->domain));
	snprintf(key, sizeof(key), "%s/%s/%s", r->domain->bridge->name, rest ? "rest" : vlan, mac);
	return json_pack("{s:s,s:i,s:s,s:s,s:s?,s:b,s:I,s:b,s:s}", "bridge", r->domain->bridge->name, "vlan",
			 fdb_vlan(r->domain), "mac", mac, "port", p ? p->name : "", "iface", iface ? iface->name : NULL,
			 "static", r->entry.is_static, "age", (json_int_t)r->entry.age_s, "rest", rest, "key", key);
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct page g = {0};
	uint64_t cursor = 0;
	int rc = page_parse(params, &g, f);

	if (rc < 0)
		return rc;
	fdb_walk(fdb_ctl_table(), &cursor, 0, fdb_ctl_now(), visit, &g);
	if (g.no_memory) {
		free(g.row);
		return fault_set(f, -ENOMEM, "limit", NULL, NULL, "no memory for a page of %u entries", g.limit);
	}
	if (g.n)
		qsort(g.row, g.n, sizeof(*g.row), compare);
	*result = json_array();
	for (uint32_t i = 0; i < g.n; i++)
		json_array_append_new(*result, row_json(&g.row[i]));
	free(g.row);
	return 0;
}

static const struct rpc_method method_list = {
	.name = "fdb.list",
	.help = "The entries that fit everything given, by bridge, VLAN and MAC.",
	.params = list_fdb_params,
	.result = "An array of objects: bridge, vlan (0: untagged frames, and all VLANs that nobody names), mac, port, "
		  "iface (of the router, null: none), static, "
		  "age (s since last heard of), rest (whether it is an entry of the VLANs that nobody names), key (for "
		  "after).",
	.example = "{\"limit\": 100}",
	.call = list,
};
RPC_METHOD(method_list)
