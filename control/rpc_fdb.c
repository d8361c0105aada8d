/* SPDX-License-Identifier: BSD-3-Clause */
// fdb.add, fdb.del, fdb.flush. fdb.list is in rpc_fdb_list.c.
#include <errno.h>
#include <stdlib.h>

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "fdb_static.h"
#include "kinds.h"
#include "rpc.h"

#define VLAN_PARAM(default_json, text)                                                                                 \
	{                                                                                                              \
		.name = "vlan", .type = PARAM_INT, .min = 0, .max = 4094, .def = default_json, .help = text            \
	}
#define BRIDGE_PARAM(required, text)                                                                                   \
	{                                                                                                              \
		.name = "bridge", .type = PARAM_NAME, .flags = required, .help = text                                  \
	}

static const struct param add_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{.name = "mac", .type = PARAM_MAC, .flags = PARAM_REQUIRED, .help = "a unicast address"},
	VLAN_PARAM("0",
		   "a VLAN that some port of the bridge names; 0: untagged frames, and all VLANs that nobody names"),
	{.name = "port",
	 .type = PARAM_NAME,
	 .flags = PARAM_REQUIRED,
	 .help = "where the station is, a port in that VLAN"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return fdb_static_add(c->txn, params, f);
}

static const struct rpc_method method_add = {
	.name = "fdb.add",
	.help = "Adds a static entry, which does not age and does not move.",
	.params = add_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"vlan\": 10, \"port\": \"p1\"}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param del_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{.name = "mac", .type = PARAM_MAC, .flags = PARAM_REQUIRED, .help = "the entry's address"},
	VLAN_PARAM("0", "the entry's VLAN, as fdb.list shows it"),
	{0},
};

static void forget_key(void *arg)
{
	uint64_t *key = arg;

	fdb_ctl_forget(*key);
	free(key);
}

// A learned entry goes when the transaction is done; it is no part of the desired state.
static int del_learned(struct txn *t, struct bridge *b, uint16_t vlan, const char *mac, struct fault *f)
{
	const struct domain *d = vlan_domain(b, vlan);
	struct rte_ether_addr addr;
	struct fdb_entry e;
	uint64_t *key;

	rte_ether_unformat_addr(mac, &addr);
	if (!d || fdb_get(fdb_ctl_table(), fdb_key(addr.addr_bytes, d->id), fdb_ctl_now(), &e) < 0)
		return fault_str(f, -ENOENT, "mac", mac, "the address of an entry", "there is no FDB entry %s/%u/%s",
				 b->name, vlan, mac);
	key = malloc(sizeof(*key));
	if (!key)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to delete an FDB entry");
	*key = e.key;
	txn_done(t, forget_key, free, key);
	return 0;
}

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *mac = json_string_value(json_object_get(params, "mac"));
	uint16_t vlan = json_integer_value(json_object_get(params, "vlan"));
	struct bridge *b;
	int rc = bridge_get("bridge", json_string_value(json_object_get(params, "bridge")), &b, f);

	if (rc < 0)
		return rc;
	rc = fdb_static_del(c->txn, b, vlan, mac, f);
	return rc == -ENOENT ? del_learned(c->txn, b, vlan, mac, f) : rc;
}

static const struct rpc_method method_del = {
	.name = "fdb.del",
	.help = "Removes an entry, static or learned.",
	.params = del_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"mac\": \"02:00:00:00:00:01\", \"vlan\": 10}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param flush_params[] = {
	BRIDGE_PARAM(0, "of this bridge"),
	{.name = "port", .type = PARAM_NAME, .help = "behind this port"},
	VLAN_PARAM(NULL, "of this VLAN of the bridge; 0: untagged frames, and all VLANs that nobody names"),
	{0},
};

// What to flush, found while the names are valid; ids are reused only after a grace period.
struct fdb_flush {
	struct bridge *bridge;
	uint16_t domain, port_id;
};

static void flush_run(void *arg)
{
	struct fdb_flush *fl = arg;
	const struct bridge *b = fl->bridge;

	if (fl->domain && fl->port_id) {
		fdb_ctl_flush_match(fl->domain, fl->port_id);
	} else if (fl->domain) {
		fdb_ctl_flush_domain(fl->domain);
	} else if (fl->port_id) {
		fdb_ctl_flush_port(fl->port_id);
	} else if (!b) {
		fdb_ctl_flush_all();
	} else {
		fdb_ctl_flush_domain(b->rest->id);
		for (unsigned int v = 0; b->vlan && v < VLAN_COUNT; v++)
			if (b->vlan[v])
				fdb_ctl_flush_domain(b->vlan[v]->id);
	}
	fdb_ctl_flush_run();
	free(fl);
}

static int flush_find(const json_t *params, struct fdb_flush *fl, struct fault *f)
{
	const char *bridge = json_string_value(json_object_get(params, "bridge"));
	const char *port = json_string_value(json_object_get(params, "port"));
	const json_t *vlan = json_object_get(params, "vlan");
	const struct domain *d;
	struct port_obj *p;
	int rc;

	if (bridge) {
		rc = bridge_get("bridge", bridge, &fl->bridge, f);
		if (rc < 0)
			return rc;
	}
	if (port) {
		rc = port_obj_get("port", port, &p, f);
		if (rc < 0)
			return rc;
		if (bridge && (!p->bp || p->bp->bridge != fl->bridge))
			return fault_str(f, -EINVAL, "port", port, "a port of the bridge",
					 "port %s is not in bridge %s", port, bridge);
		fl->port_id = p->id;
	}
	if (!vlan)
		return 0;
	if (!bridge)
		return rpc_fault_value(f, -EINVAL, "vlan", vlan, "absent, or with bridge",
				       "a VLAN belongs to a bridge");
	d = vlan_domain(fl->bridge, json_integer_value(vlan));
	if (!d)
		return rpc_fault_value(f, -EINVAL, "vlan", vlan, "0, or a VLAN that a port of the bridge names",
				       "no port of bridge %s names this VLAN", bridge);
	fl->domain = d->id;
	return 0;
}

static int flush(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct fdb_flush *fl = calloc(1, sizeof(*fl));
	int rc;

	if (!fl)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to flush");
	rc = flush_find(params, fl, f);
	if (rc < 0) {
		free(fl);
		return rc;
	}
	txn_done(c->txn, flush_run, free, fl);
	return 0;
}

static const struct rpc_method method_flush = {
	.name = "fdb.flush",
	.help = "Forgets learned entries: all, or those that fit everything given. Static entries stay.",
	.params = flush_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\"}",
	.flags = RPC_CHANGES,
	.call = flush,
};
RPC_METHOD(method_flush)

static const char *const key[] = {"bridge", "vlan", "mac", NULL};
static const struct kind_ref refs[] = {
	{.field = "bridge", .kind = "bridge"}, {.field = "port", .kind = "port"}, {.kind = "bridge_port"}, {0}};

static const struct kind kind_fdb = {
	.name = "fdb",
	.plural = "fdb",
	.order = 40,
	.add = "fdb.add",
	.del = "fdb.del",
	.key = key,
	.refs = refs,
};
KIND(kind_fdb)
