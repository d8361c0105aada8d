/* SPDX-License-Identifier: BSD-3-Clause */
// neigh.add, neigh.del, neigh.list.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fdb_ctl.h"
#include "kinds.h"
#include "neigh.h"
#include "rpc.h"

#define CURSOR_LEN (PORT_NAME_LEN + IP_TEXT_LEN)

#define IFACE_PARAM(required, text)                                                                                    \
	{                                                                                                              \
		.name = "iface", .type = PARAM_NAME, .flags = required, .help = text                                   \
	}
#define ADDRESS_PARAM(required, text)                                                                                  \
	{                                                                                                              \
		.name = "address", .type = PARAM_STRING, .flags = required, .min = 2, .max = IP_TEXT_LEN - 1,          \
		.help = text                                                                                           \
	}

static const struct param add_params[] = {
	IFACE_PARAM(PARAM_REQUIRED, "the interface that it is a neighbour of"),
	ADDRESS_PARAM(PARAM_REQUIRED, "its IPv4 or IPv6 address, in a prefix of the interface"),
	{.name = "mac", .type = PARAM_MAC, .flags = PARAM_REQUIRED, .help = "its MAC"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return neigh_static_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "neigh.add",
	.help = "Adds a static neighbour, which is never asked for and stays whatever ARP or neighbour discovery say.",
	.params = add_params,
	.result = "true.",
	.example = "{\"iface\": \"gw0\", \"address\": \"192.0.2.7\", \"mac\": \"02:00:00:00:00:07\"}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	IFACE_PARAM(PARAM_REQUIRED, "the interface"),
	ADDRESS_PARAM(PARAM_REQUIRED, "the neighbour's address"),
	{0},
};

static int parse(const json_t *params, struct iface **i, struct ip_addr *a, struct fault *f)
{
	const char *iface = json_string_value(json_object_get(params, "iface"));
	const char *address = json_string_value(json_object_get(params, "address"));
	int rc = iface ? iface_get("iface", iface, i, f) : 0;

	return rc == 0 && address ? ip_parse(address, "address", a, f) : rc;
}

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct iface *i;
	struct ip_addr a;
	int rc = parse(params, &i, &a, f);

	return rc < 0 ? rc : neigh_static_del(c->txn, i, &a, f);
}

static const struct rpc_method method_del = {
	.name = "neigh.del",
	.help = "Removes a static neighbour, or forgets a learned one; the next packet to it asks for it anew.",
	.params = del_params,
	.result = "true.",
	.example = "{\"iface\": \"gw0\", \"address\": \"192.0.2.7\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param list_neigh_params[] = {
	IFACE_PARAM(0, "only of this interface"),
	ADDRESS_PARAM(0, "only this address"),
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = CURSOR_LEN - 1,
	 .help = "only what comes after this `key` of an entry: the next page"},
	{0},
};

struct rows {
	const struct neigh **at;
	uint32_t n, cap;
	const struct ip_addr *only; // NULL: all
	bool no_memory;
};

static void collect(struct neigh *n, void *arg)
{
	struct rows *r = arg;

	if (r->only && !ip_equal(r->only, &n->addr))
		return;
	if (r->n == r->cap) {
		uint32_t cap = r->cap ? 2 * r->cap : 256;
		const struct neigh **grown = realloc(r->at, cap * sizeof(*grown));

		r->no_memory = r->no_memory || !grown;
		if (!grown)
			return;
		r->at = grown;
		r->cap = cap;
	}
	r->at[r->n++] = n;
}

static int order(const char *iface, const struct ip_addr *a, const struct neigh *n)
{
	int by_name = strcmp(iface, n->iface->name);

	return by_name ? by_name : memcmp(a, &n->addr, sizeof(*a));
}

static int compare(const void *x, const void *y)
{
	const struct neigh *a = *(const struct neigh *const *)x;

	return order(a->iface->name, &a->addr, *(const struct neigh *const *)y);
}

// The first row after the one that `after` names: "iface/address".
static int first_after(const char *after, const struct rows *r, uint32_t *first, struct fault *f)
{
	const char *slash = after ? strchr(after, '/') : NULL;
	char iface[PORT_NAME_LEN];
	struct ip_addr a;

	*first = 0;
	if (!after)
		return 0;
	if (!slash || slash - after >= PORT_NAME_LEN || ip_parse(slash + 1, "after", &a, f) < 0)
		return fault_str(f, -EINVAL, "after", after, "the key of an entry: iface/address",
				 "this is no key of an entry");
	snprintf(iface, sizeof(iface), "%.*s", (int)(slash - after), after);
	while (*first < r->n && order(iface, &a, r->at[*first]) >= 0)
		++*first;
	return 0;
}

static json_t *row_json(const struct neigh *n)
{
	bool has_mac = n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;
	char mac[RTE_ETHER_ADDR_FMT_SIZE], address[IP_TEXT_LEN], key[CURSOR_LEN];

	fdb_mac_text(&n->mac, mac);
	snprintf(key, sizeof(key), "%s/%s", n->iface->name, ip_text(&n->addr, address));
	return json_pack("{s:s,s:s,s:s?,s:s,s:b,s:b,s:b,s:i,s:o,s:s}", "iface", n->iface->name, "address", address,
			 "mac", has_mac ? mac : NULL, "state", neigh_state_name((enum neigh_state)n->state), "static",
			 n->is_static, "gateway", n->refs > 0, "router", n->router, "held", n->nheld, "age",
			 n->confirmed_ms ? json_integer((json_int_t)((slow_now_ms() - n->confirmed_ms) / 1000))
					 : json_null(),
			 "key", key);
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *ifaces = iface_names();
	uint32_t limit = (uint32_t)json_integer_value(json_object_get(params, "limit")), first = 0;
	struct rows r = {0};
	struct iface *only = NULL;
	struct ip_addr a;
	int rc = parse(params, &only, &a, f);

	if (rc < 0)
		return rc;
	if (json_object_get(params, "address"))
		r.only = &a;
	for (uint32_t k = 0; k < ifaces->n; k++)
		if (!only || ifaces->at[k] == only)
			neigh_each(ifaces->at[k], collect, &r);
	if (r.n)
		qsort(r.at, r.n, sizeof(*r.at), compare);
	rc = r.no_memory ? fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to list %u neighbours", r.n)
			 : first_after(json_string_value(json_object_get(params, "after")), &r, &first, f);
	if (rc == 0) {
		*result = json_array();
		for (uint32_t k = first; k < r.n && k - first < limit; k++)
			json_array_append_new(*result, row_json(r.at[k]));
	}
	free(r.at);
	return rc;
}

static const struct rpc_method method_list = {
	.name = "neigh.list",
	.help = "The neighbours of interfaces, by interface and address.",
	.params = list_neigh_params,
	.result = "An array of objects: iface, address, mac (null: not known), state (incomplete, reachable, stale, "
		  "delay, "
		  "probe, failed; static), static, gateway (a route goes by it), router (it says that it is one), held "
		  "(packets that wait for its MAC), age (s since the MAC was confirmed, null: never), key (for after).",
	.example = "{\"limit\": 100}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"iface", "address", NULL};
static const struct kind_ref refs[] = {{.field = "iface", .kind = "iface"}, {0}};

static const struct kind kind_neigh = {
	.name = "neigh",
	.plural = "neighs",
	.order = 55,
	.add = "neigh.add",
	.del = "neigh.del",
	.key = key,
	.refs = refs,
};
KIND(kind_neigh)
