/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "fdb_ctl.h"
#include "fdb_static.h"
#include "host_tap.h"
#include "neigh.h"
#include "publish.h"
#include "garbage.h"
#include "publish_l3.h"
#include "route.h"
#include "rpc.h"

static struct names ifaces;
static struct iface *by_id[IFACE_MAX];
static uint32_t lowest_free, max_id;

const struct names *iface_names(void)
{
	return &ifaces;
}

struct iface *iface_by_id(uint16_t id)
{
	struct iface *i = id < IFACE_MAX ? by_id[id] : NULL;

	return i && !i->deleted ? i : NULL;
}

struct iface *iface_slot(uint16_t id)
{
	return id < IFACE_MAX ? by_id[id] : NULL;
}

uint16_t iface_max_id(void)
{
	return max_id;
}

int iface_get(const char *field, const char *name, struct iface **out, struct fault *f)
{
	*out = names_find(&ifaces, name);
	return *out ? 0
		    : fault_str(f, -ENOENT, field, name, "the name of an interface", "there is no interface %s", name);
}

void iface_event(const char *what, const struct iface *i)
{
	if (event_wanted("iface"))
		event_send("iface", what,
			   json_pack("{s:s,s:s,s:i,s:s,s:s?}", "name", i->name, "vrf", i->vrf->name, "id", i->id,
				     "state", i->up ? "up" : "down", "why", i->up ? NULL : i->down_why));
}

static int id_alloc(struct iface *i)
{
	for (uint32_t id = lowest_free; id < IFACE_MAX; id++) {
		if (by_id[id])
			continue;
		by_id[id] = i;
		i->id = (uint16_t)id;
		lowest_free = id + 1;
		max_id = RTE_MAX(max_id, id);
		return 0;
	}
	return -ENOSPC;
}

static void iface_free(void *arg)
{
	struct iface *i = arg;

	publish_forget_iface(i);
	if (i->connected)
		nexthop_free(i->connected);
	if (i->id) {
		by_id[i->id] = NULL;
		lowest_free = RTE_MIN(lowest_free, i->id);
	}
	json_decref(i->conf);
	free(i->addr);
	free(i);
}

// The domain that is the interface's own, or the VLAN of the bridge that it names. 0, -ENOSPC or -ENOMEM.
static int link_create(struct iface *i)
{
	if (i->port) {
		i->domain = domain_create(NULL, i->vid ? i->vid : VLAN_NONE);
		if (!i->domain)
			return -ENOSPC;
		i->domain->named = 1;
		return 0;
	}
	return i->bridge && i->vid ? vlan_name(i->bridge, i->vid) : 0;
}

// The next hop of what is on its link.
static int connected_create(struct iface *i)
{
	int rc = nexthop_alloc(&i->connected);
	struct nexthop *nh;

	if (rc < 0)
		return rc;
	nh = garbage_alloc(sizeof(*nh));
	*nh = (struct nexthop){.kind = NEXTHOP_CONNECTED, .iface = i->id};
	nexthop_set(i->connected, nh);
	return 0;
}

// Takes that back before it was published.
static void link_destroy(struct iface *i)
{
	if (i->port) {
		domain_release(i->domain);
	} else if (i->bridge && i->vid) {
		vlan_unname(i->bridge, i->vid);
		vlan_reap(i->bridge, false);
	}
}

static void mark(struct iface *i)
{
	if (i->port)
		publish_mark_port(i->port);
	publish_mark_iface(i);
}

// Into or out of the lists that others find it in.
static void link_in(struct iface *i)
{
	names_add(&ifaces, i);
	LIST_INSERT_HEAD(&i->vrf->ifaces, i, vrf_link);
	i->vrf->nifaces++;
	if (i->port)
		LIST_INSERT_HEAD(&i->port->ifaces, i, on_link);
	if (i->bridge)
		LIST_INSERT_HEAD(&i->bridge->ifaces, i, on_link);
	i->deleted = false;
	mark(i);
}

static void link_out(struct iface *i)
{
	names_del(&ifaces, i);
	LIST_REMOVE(i, vrf_link);
	i->vrf->nifaces--;
	if (i->port || i->bridge)
		LIST_REMOVE(i, on_link);
	i->deleted = true;
	mark(i);
}

// The interface that is where `i` is to be.
static struct iface *same_place(const struct iface *i)
{
	struct iface *other = i->port     ? LIST_FIRST(&i->port->ifaces)
			      : i->bridge ? LIST_FIRST(&i->bridge->ifaces)
					  : NULL;

	while (other && other->vid != i->vid)
		other = LIST_NEXT(other, on_link);
	return other;
}

static int place_port(struct iface *i, const char *port, struct fault *f)
{
	int rc = port_obj_get("port", port, &i->port, f);

	if (rc < 0)
		return rc;
	if (i->port->bp)
		return fault_str(f, -EBUSY, "port", port,
				 "a port that no bridge has, or \"bridge\" in place of \"port\"",
				 "port %s is in bridge %s", port, i->port->bp->bridge->name);
	if (i->port->pktgen)
		return fault_str(f, -EBUSY, "port", port,
				 "a port that the traffic generator does not have (pktgen.stop)",
				 "port %s is the traffic generator's", port);
	return 0;
}

// Where it is: on a port, a bridge, or neither.
static int place(struct iface *i, const json_t *conf, struct fault *f)
{
	const char *port = json_string_value(json_object_get(conf, "port"));
	const char *bridge = json_string_value(json_object_get(conf, "bridge"));
	const json_t *vlan = json_object_get(conf, "vlan");
	const struct iface *other;
	int rc = 0;

	i->vid = (uint16_t)json_integer_value(vlan);
	if (port && bridge)
		return fault_str(f, -EINVAL, "bridge", bridge, "absent, or without port",
				 "an interface is on a port or on a bridge");
	if (vlan && !port && !bridge)
		return rpc_fault_value(f, -EINVAL, "vlan", vlan, "absent, or with port or bridge",
				       "a loopback interface has no VLAN");
	if (port)
		rc = place_port(i, port, f);
	else if (bridge)
		rc = bridge_get("bridge", bridge, &i->bridge, f);
	if (rc < 0)
		return rc;
	other = same_place(i);
	if (!other)
		return 0;
	return fault_set(f, -EEXIST,
			 vlan   ? "vlan"
			 : port ? "port"
				: "bridge",
			 NULL, "a place without an interface", "interface %s is on %s %s %s", other->name,
			 port ? "port" : "bridge", port ? port : bridge, vlan ? "with this VLAN" : "without VLAN");
}

static int mac_parse(struct iface *i, const json_t *conf, struct fault *f)
{
	const char *mac = json_string_value(json_object_get(conf, "mac"));
	const struct iface *other;
	int rc = mac ? fdb_mac_check(mac, f) : 0;

	if (rc < 0)
		return rc;
	if (mac)
		rte_ether_unformat_addr(mac, &i->mac);
	else
		iface_default_mac(i->name, &i->mac);
	if (!i->bridge)
		return 0;
	if (fdb_static_has(i->bridge, i->vid, &i->mac))
		return fault_str(f, -EEXIST, "mac", mac, "a MAC without a static FDB entry",
				 "bridge %s has a static FDB entry of this MAC", i->bridge->name);
	other = iface_with_mac(i->bridge, i->vid, &i->mac);
	return other && other != i ? fault_str(f, -EEXIST, "mac", mac, "a MAC that no interface of the VLAN has",
					       "interface %s has this MAC", other->name)
				   : 0;
}

// What of the configuration can be changed.
static int settings(struct iface *i, const json_t *conf, struct fault *f)
{
	int rc = mac_parse(i, conf, f);

	i->admin_up = strcmp(json_string_value(json_object_get(conf, "admin")), "down") != 0;
	return rc < 0 ? rc : iface_addrs_parse(i, conf, &i->addr, &i->naddrs, f);
}

static void add_undo(void *arg)
{
	struct iface *i = arg;

	link_out(i);
	link_destroy(i);
	iface_free(i);
}

static void add_done(void *arg)
{
	iface_event("added", arg);
}

int iface_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *name = json_string_value(json_object_get(conf, "name"));
	struct iface *i;
	int rc;

	if (names_find(&ifaces, name))
		return fault_str(f, -EEXIST, "name", name, "a name that no interface has", "interface %s exists", name);
	i = calloc(1, sizeof(*i));
	if (!i || names_reserve(&ifaces) < 0) {
		free(i);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for interface %s", name);
	}
	memcpy(i->name, name, strlen(name) + 1);
	rc = vrf_get("vrf", json_string_value(json_object_get(conf, "vrf")), &i->vrf, f);
	if (rc == 0)
		rc = place(i, conf, f);
	if (rc == 0)
		rc = host_tap_check(i, conf, f);
	if (rc == 0)
		rc = settings(i, conf, f);
	if (rc < 0)
		goto free_iface;
	rc = id_alloc(i);
	if (rc == 0)
		rc = connected_create(i);
	if (rc == 0)
		rc = link_create(i);
	if (rc < 0) {
		fault_set(f, rc, NULL, NULL, NULL,
			  "no interface, next hop or broadcast domain is left for interface %s", name);
		goto free_iface;
	}
	i->conf = json_deep_copy(conf);
	link_in(i);
	txn_undo(t, add_undo, NULL, i);
	txn_done(t, add_done, NULL, i);
	txn_put(t, "iface", name, json_incref(i->conf));
	t->publish = true;
	return route_iface_update(t, i, NULL, 0, f);

free_iface:
	iface_free(i);
	return rc;
}

static void del_undo(void *arg)
{
	struct iface *i = arg;

	if (i->port)
		i->domain->named = 1;
	else if (i->bridge && i->vid)
		vlan_name(i->bridge, i->vid); // cannot fail: the domain is there until the transaction is done
	link_in(i);
}

static void del_final(void *arg)
{
	struct iface *i = arg;

	if (i->port) {
		fdb_ctl_drain();
		domain_release(i->domain);
	}
	iface_free(i);
}

static void del_done(void *arg)
{
	struct iface *i = arg;

	iface_event("removed", i);
	route_changes_finish();
	publish_iface_gone(i);
	if (i->bridge && i->vid)
		vlan_reap(i->bridge, true);
	rcu_defer(i, del_final);
}

int iface_del(struct txn *t, struct iface *i, struct fault *f)
{
	char neigh[IP_TEXT_LEN];

	if (neigh_static_needs(i, neigh))
		return fault_str(f, -EBUSY, "name", i->name, "an interface without static neighbours",
				 "interface %s has static neighbour %s", i->name, neigh);
	if (via_names_iface(i))
		return fault_str(f, -EBUSY, "name", i->name, "an interface that no configured route names",
				 "routes of VRF %s name interface %s", i->vrf->name, i->name);
	link_out(i);
	if (i->port) {
		i->domain->named = 0;
		publish_mark_domain(i->domain);
	} else if (i->bridge && i->vid) {
		vlan_unname(i->bridge, i->vid);
	}
	txn_undo(t, del_undo, NULL, i);
	txn_done(t, del_done, NULL, i);
	txn_del(t, "iface", i->name);
	t->publish = true;
	return route_iface_update(t, i, i->addr, i->naddrs, f);
}

// What iface.set replaced.
struct iface_before {
	struct iface *iface;
	json_t *conf;
	struct ip_prefix *addr;
	uint16_t naddrs;
	bool admin_up;
	struct rte_ether_addr mac;
};

static void before_free(void *arg)
{
	struct iface_before *b = arg;

	json_decref(b->conf);
	free(b->addr);
	free(b);
}

static void set_undo(void *arg)
{
	struct iface_before *b = arg;
	struct iface *i = b->iface;

	free(i->addr);
	json_decref(i->conf);
	i->conf = b->conf;
	i->addr = b->addr;
	i->naddrs = b->naddrs;
	i->admin_up = b->admin_up;
	i->mac = b->mac;
	mark(i);
	free(b);
}

static void set_done(void *arg)
{
	iface_event("changed", arg);
}

int iface_set(struct txn *t, struct iface *i, const json_t *set, struct fault *f)
{
	struct iface_before *b = malloc(sizeof(*b));
	json_t *conf = json_copy(i->conf);
	char neigh[IP_TEXT_LEN];
	int rc;

	if (!b || !conf || json_object_update(conf, (json_t *)(uintptr_t)set) < 0) {
		free(b);
		json_decref(conf);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change interface %s", i->name);
	}
	*b = (struct iface_before){i, i->conf, i->addr, i->naddrs, i->admin_up, i->mac};
	i->conf = conf;
	i->addr = NULL;
	i->naddrs = 0;
	txn_undo(t, set_undo, before_free, b);
	rc = settings(i, conf, f);
	if (rc < 0)
		return rc;
	i->changed = true;
	mark(i);
	txn_done(t, set_done, NULL, i);
	txn_put(t, "iface", i->name, json_incref(conf));
	t->publish = true;
	rc = route_iface_update(t, i, b->addr, b->naddrs, f);
	if (rc < 0)
		return rc;
	if (neigh_static_unfit(i, neigh))
		return rpc_fault_value(f, -EBUSY, "addresses", json_object_get(conf, "addresses"),
				       "a prefix with each static neighbour, and none's address",
				       "interface %s has static neighbour %s", i->name, neigh);
	return 0;
}

void iface_create_table(void)
{
	lowest_free = 1;
	max_id = 0;
}

void iface_destroy_table(void)
{
	while (ifaces.n) {
		struct iface *i = ifaces.at[ifaces.n - 1];

		publish_iface_gone(i);
		link_out(i);
		link_destroy(i);
		iface_free(i);
	}
	names_free(&ifaces);
}
