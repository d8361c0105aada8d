/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdb_static.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "iface.h"

struct fdb_static {
	struct bridge *bridge;
	struct port_obj *port;
	uint16_t vlan;
	struct rte_ether_addr mac;
	bool alive;     // in the tree: desired
	bool installed; // in the table, as `key`
	bool touched;   // in the list for fdb_static_sync()
	uint64_t key;
	TAILQ_ENTRY(fdb_static) touched_link;
	LIST_ENTRY(fdb_static) link;
};

static struct fdb *fdb;
static void *tree;      // tsearch(3), by bridge, VLAN and MAC
static uint32_t nalive; // entries in the tree
static TAILQ_HEAD(, fdb_static) touched = TAILQ_HEAD_INITIALIZER(touched);
static LIST_HEAD(, fdb_static) all = LIST_HEAD_INITIALIZER(all);

void fdb_static_create(struct fdb *f)
{
	fdb = f;
}

uint32_t fdb_static_count(void)
{
	return nalive;
}

static int compare(const void *a, const void *b)
{
	const struct fdb_static *x = a, *y = b;

	if (x->bridge != y->bridge)
		return x->bridge < y->bridge ? -1 : 1;
	if (x->vlan != y->vlan)
		return x->vlan < y->vlan ? -1 : 1;
	return memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

static struct fdb_static *find_mac(struct bridge *b, uint16_t vlan, const struct rte_ether_addr *mac)
{
	struct fdb_static want = {.bridge = b, .vlan = vlan, .mac = *mac};
	struct fdb_static *const *found = tfind(&want, &tree, compare);

	return found ? *found : NULL;
}

static struct fdb_static *find(struct bridge *b, uint16_t vlan, const char *mac)
{
	struct rte_ether_addr addr;

	rte_ether_unformat_addr(mac, &addr);
	return find_mac(b, vlan, &addr);
}

bool fdb_static_has(struct bridge *b, uint16_t vlan, const struct rte_ether_addr *mac)
{
	return find_mac(b, vlan, mac) != NULL;
}

static void touch(struct fdb_static *e)
{
	if (!e->touched)
		TAILQ_INSERT_TAIL(&touched, e, touched_link);
	e->touched = true;
}

static void untouch(struct fdb_static *e)
{
	if (e->touched)
		TAILQ_REMOVE(&touched, e, touched_link);
	e->touched = false;
}

// In the tree, or out of it. Out cannot fail; in can only the first time (see del_undo).
static int make_alive(struct fdb_static *e)
{
	if (!tsearch(e, &tree, compare))
		return -ENOMEM;
	e->alive = true;
	nalive++;
	e->port->nstatic++;
	e->bridge->nstatic++;
	touch(e);
	return 0;
}

static void make_dead(struct fdb_static *e)
{
	tdelete(e, &tree, compare);
	e->alive = false;
	nalive--;
	e->port->nstatic--;
	e->bridge->nstatic--;
	touch(e);
}

static void entry_free(void *arg)
{
	struct fdb_static *e = arg;

	untouch(e);
	LIST_REMOVE(e, link);
	free(e);
}

static void add_undo(void *arg)
{
	make_dead(arg);
	entry_free(arg);
}

static void entry_name(const struct fdb_static *e, char name[FDB_STATIC_NAME_LEN])
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];

	fdb_mac_text(&e->mac, mac);
	snprintf(name, FDB_STATIC_NAME_LEN, "%s/%u/%s", e->bridge->name, e->vlan, mac);
}

// The VLAN must be one that entries can name, and the port in it.
static int check_member(const struct bridge *b, const struct port_obj *p, uint16_t vlan, struct fault *f)
{
	const struct domain *d = vlan_domain(b, vlan);
	char value[8];

	snprintf(value, sizeof(value), "%u", vlan);
	if (!p->bp || p->bp->bridge != b)
		return fault_str(f, -EINVAL, "port", p->name, "a port of the bridge", "port %s is not in bridge %s",
				 p->name, b->name);
	if (!d)
		return fault_set(f, -EINVAL, "vlan", value, "0, or a VLAN that a port of the bridge names",
				 "no port of bridge %s names VLAN %u: its frames share the FDB of vlan 0", b->name,
				 vlan);
	if (!vlan_is_member(p->bp, d))
		return fault_set(f, -EINVAL, "vlan", value, "a VLAN that the port carries",
				 "port %s does not carry VLAN %u of bridge %s", p->name, vlan, b->name);
	return 0;
}

int fdb_static_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *mac = json_string_value(json_object_get(conf, "mac"));
	uint16_t vlan = json_integer_value(json_object_get(conf, "vlan"));
	char name[FDB_STATIC_NAME_LEN];
	const struct iface *router;
	struct rte_ether_addr addr;
	struct fdb_static *e;
	struct port_obj *p;
	struct bridge *b;
	int rc;

	rc = bridge_get("bridge", json_string_value(json_object_get(conf, "bridge")), &b, f);
	if (rc == 0)
		rc = port_obj_get("port", json_string_value(json_object_get(conf, "port")), &p, f);
	if (rc == 0)
		rc = fdb_mac_check(mac, f);
	if (rc == 0)
		rc = check_member(b, p, vlan, f);
	if (rc < 0)
		return rc;
	rte_ether_unformat_addr(mac, &addr);
	router = iface_with_mac(b, vlan, &addr);
	if (router)
		return fault_str(f, -EEXIST, "mac", mac, "a MAC that no interface of the bridge has",
				 "interface %s has this MAC", router->name);
	if (find(b, vlan, mac))
		return fault_str(f, -EEXIST, "mac", mac, "a MAC without a static entry in that VLAN",
				 "static FDB entry %s/%u/%s exists", b->name, vlan, mac);
	if (nalive >= fdb_capacity(fdb) / 2)
		return fault_set(f, -ENOSPC, NULL, NULL, NULL, "static entries may fill half of the FDB: %u",
				 fdb_capacity(fdb) / 2);
	e = calloc(1, sizeof(*e));
	if (!e)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for an FDB entry");
	*e = (struct fdb_static){.bridge = b, .port = p, .vlan = vlan};
	rte_ether_unformat_addr(mac, &e->mac);
	LIST_INSERT_HEAD(&all, e, link);
	if (make_alive(e) < 0) {
		entry_free(e);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for an FDB entry");
	}
	txn_undo(t, add_undo, NULL, e);
	entry_name(e, name);
	txn_put(t, "fdb", name, json_deep_copy(conf));
	t->publish = true;
	return 0;
}

static void del_undo(void *arg)
{
	make_alive(arg);
}

int fdb_static_del(struct txn *t, struct bridge *b, uint16_t vlan, const char *mac, struct fault *f)
{
	struct fdb_static *e = find(b, vlan, mac);
	char name[FDB_STATIC_NAME_LEN];

	if (!e)
		return fault_str(f, -ENOENT, "mac", mac, "the MAC of a static entry",
				 "there is no static FDB entry %s/%u/%s", b->name, vlan, mac);
	entry_name(e, name);
	make_dead(e);
	txn_undo(t, del_undo, NULL, e);
	txn_done(t, entry_free, NULL, e);
	txn_del(t, "fdb", name);
	t->publish = true;
	return 0;
}

bool fdb_static_needs(const struct bridge_port *bp, char name[FDB_STATIC_NAME_LEN])
{
	const struct bridge *b = bp->bridge;
	const struct fdb_static *e;
	bool sole = false;

	for (uint16_t v = 1; v < VLAN_COUNT && !sole; v++)
		sole = vlan_names(bp, v) && b->vlan[v]->named == 1;
	if (b->nstatic == 0 || (bp->port->nstatic == 0 && !sole))
		return false;
	LIST_FOREACH (e, &all, link) {
		if (!e->alive || e->bridge != b)
			continue;
		if (e->port != bp->port && (e->vlan == 0 || !vlan_names(bp, e->vlan) || b->vlan[e->vlan]->named > 1))
			continue;
		entry_name(e, name);
		return true;
	}
	return false;
}

void fdb_static_vlan0_changed(const struct bridge *b)
{
	struct fdb_static *e;

	if (b->nstatic == 0)
		return;
	LIST_FOREACH (e, &all, link)
		if (e->alive && e->bridge == b && e->vlan == 0)
			touch(e);
}

static uint64_t wanted_key(const struct fdb_static *e)
{
	return fdb_key(e->mac.addr_bytes, vlan_domain(e->bridge, e->vlan)->id);
}

void fdb_static_put(uint64_t key, uint16_t port_id)
{
	fdb_ctl_forget(key); // a learned entry gives way, and its counts with it
	while (fdb_add_static(fdb, key, port_id) == -ENOSPC && fdb_ctl_evict())
		;
}

static void install(struct fdb_static *e)
{
	e->key = wanted_key(e);
	fdb_static_put(e->key, e->port->id);
	e->installed = true;
}

void fdb_static_sync(void)
{
	struct fdb_static *e, *next;

	TAILQ_FOREACH (e, &touched, touched_link) {
		if (!e->installed || (e->alive && e->key == wanted_key(e)))
			continue;
		fdb_del(fdb, e->key, NULL);
		e->installed = false;
	}
	for (e = TAILQ_FIRST(&touched); e; e = next) {
		next = TAILQ_NEXT(e, touched_link);
		if (e->alive && !e->installed)
			install(e);
		untouch(e);
	}
}

void fdb_static_destroy(void)
{
	struct fdb_static *e;

	while ((e = LIST_FIRST(&all))) {
		if (e->alive)
			tdelete(e, &tree, compare);
		entry_free(e);
	}
	nalive = 0;
}
