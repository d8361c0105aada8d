/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbours that are configured, and neigh.del.
//
// An entry that is wanted has a reference from the operation on, so that nothing takes its place before the transaction
// is done; workers see it then.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fdb_ctl.h"
#include "neigh.h"
#include "route.h"
#include "rpc.h"

#define KEY_LEN (PORT_NAME_LEN + IP_TEXT_LEN)

static void key_of(const struct iface *i, const struct ip_addr *a, char key[KEY_LEN])
{
	char text[IP_TEXT_LEN];

	snprintf(key, KEY_LEN, "%s/%s", i->name, ip_text(a, text));
}

static void add_undo(void *arg)
{
	struct neigh *n = arg;

	n->wanted_static = false;
	json_decref(n->conf);
	n->conf = NULL;
	neigh_release(n);
}

static void add_done(void *arg)
{
	struct neigh *n = arg;

	n->refs--;
	n->is_static = true;
	rte_ether_unformat_addr(json_string_value(json_object_get(n->conf, "mac")), &n->mac);
	neigh_state_set(n, NEIGH_STATIC);
	neigh_event("added", n);
	neigh_send_held(n);
}

// The broadcast address of a link has a route of its own.
static bool is_broadcast(const struct iface *i, const struct ip_addr *a)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};
	struct rib_entry key = rib_key(&p, RIB_OWN);
	const struct rib_entry *e = rib_get(&i->vrf->routes->rib, &key);

	return e && route_own_kind(e->value) == NEXTHOP_LOCAL && route_own_iface(e->value) == i;
}

// An address is kept as it is written, so it must be written in the one way.
static int address_check(const struct iface *i, const char *text, struct ip_addr *a, struct fault *f)
{
	char right[IP_TEXT_LEN];
	int rc = ip_parse(text, "address", a, f);

	if (rc < 0)
		return rc;
	if (strcmp(ip_text(a, right), text) != 0)
		return fault_str(f, -EINVAL, "address", text, right, "the address is written otherwise");
	if (ip_is_multicast(a) || iface_owns(i, a))
		return fault_str(f, -EINVAL, "address", text, "another station's address",
				 "the address is a group's or the interface's own");
	if (is_broadcast(i, a))
		return fault_str(f, -EINVAL, "address", text, "another station's address",
				 "the address is that of all stations of the link");
	if (!neigh_on_link(i, a))
		return fault_str(f, -EINVAL, "address", text, "an address in a prefix of the interface",
				 "interface %s has no address in a prefix with %s", i->name, text);
	return 0;
}

int neigh_static_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *text = json_string_value(json_object_get(conf, "address"));
	char key[KEY_LEN];
	struct ip_addr a;
	struct iface *i;
	struct neigh *n;
	int rc;

	rc = iface_get("iface", json_string_value(json_object_get(conf, "iface")), &i, f);
	if (rc == 0 && !i->domain)
		rc = fault_str(f, -EINVAL, "iface", i->name, "an interface that is no loopback",
			       "a loopback interface has no neighbours");
	if (rc == 0)
		rc = address_check(i, text, &a, f);
	if (rc == 0)
		rc = fdb_mac_check(json_string_value(json_object_get(conf, "mac")), f);
	if (rc < 0)
		return rc;
	n = neigh_find(i, &a);
	if (n && n->wanted_static)
		return fault_str(f, -EEXIST, "address", text, "an address without a static entry",
				 "static neighbour %s of interface %s exists", text, i->name);
	rc = n ? 0 : neigh_make(i, &a, &n);
	if (rc < 0)
		return fault_set(
			f, rc, NULL, NULL, NULL,
			"no room for a neighbour: %u of an interface, which are static or in use, are the most",
			NEIGH_IFACE_MAX);
	n->refs++;
	n->wanted_static = true;
	json_decref(n->conf);
	n->conf = json_deep_copy(conf);
	neigh_relist(n);
	txn_undo(t, add_undo, NULL, n);
	txn_done(t, add_done, NULL, n);
	key_of(i, &a, key);
	txn_put(t, "neigh", key, json_incref(n->conf));
	return 0;
}

// What neigh.del is to forget, by name: another operation may have it forgotten before.
struct neigh_del {
	struct iface *iface;
	struct ip_addr addr;
};

static void del_undo(void *arg)
{
	struct neigh_del *d = arg;
	struct neigh *n = neigh_find(d->iface, &d->addr);

	if (n)
		n->wanted_static = true;
	free(d);
}

static void forget(void *arg)
{
	struct neigh_del *d = arg;
	struct neigh *n = neigh_find(d->iface, &d->addr);

	if (n && !n->wanted_static) {
		n->is_static = false;
		json_decref(n->conf);
		n->conf = NULL;
		neigh_event("removed", n);
		neigh_state_set(n, NEIGH_FAILED);
		if (n->refs > 0)
			neigh_resolve(n);
		else
			neigh_drop(n);
	}
	free(d);
}

int neigh_static_del(struct txn *t, struct iface *i, const struct ip_addr *a, struct fault *f)
{
	struct neigh *n = neigh_find(i, a);
	struct neigh_del *d = malloc(sizeof(*d)), *undo = malloc(sizeof(*undo));
	char key[KEY_LEN], text[IP_TEXT_LEN];
	int rc = 0;

	if (!d || !undo)
		rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to forget a neighbour");
	else if (!n)
		rc = fault_str(f, -ENOENT, "address", ip_text(a, text), "the address of a neighbour",
			       "interface %s has no neighbour %s", i->name, text);
	if (rc < 0) {
		free(d);
		free(undo);
		return rc;
	}
	*d = *undo = (struct neigh_del){i, *a};
	txn_done(t, forget, free, d);
	if (!n->wanted_static) {
		free(undo);
		return 0;
	}
	n->wanted_static = false;
	txn_undo(t, del_undo, free, undo);
	key_of(i, a, key);
	txn_del(t, "neigh", key);
	return 0;
}

struct needs {
	char *text;
	bool unfit_only, found;
};

static void find_static(struct neigh *n, void *arg)
{
	struct needs *needs = arg;

	if (needs->found || !n->wanted_static)
		return;
	// Our own addresses' routes are such as broadcast addresses have.
	if (needs->unfit_only && neigh_on_link(n->iface, &n->addr) && !is_broadcast(n->iface, &n->addr))
		return;
	ip_text(&n->addr, needs->text);
	needs->found = true;
}

bool neigh_static_needs(struct iface *i, char text[IP_TEXT_LEN])
{
	struct needs needs = {.text = text};

	neigh_each(i, find_static, &needs);
	return needs.found;
}

bool neigh_static_unfit(struct iface *i, char text[IP_TEXT_LEN])
{
	struct needs needs = {.text = text, .unfit_only = true};

	neigh_each(i, find_static, &needs);
	return needs.found;
}
