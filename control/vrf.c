/* SPDX-License-Identifier: BSD-3-Clause */
#include "vrf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "iface.h"
#include "linux_sync.h"
#include "publish_l3.h"
#include "route.h"
#include "rpc.h"

static struct names vrfs;
static struct vrf *by_id[VRF_MAX];
static uint16_t max_id;

const struct names *vrf_names(void)
{
	return &vrfs;
}

struct vrf *vrf_by_id(uint16_t id)
{
	return id < VRF_MAX ? by_id[id] : NULL;
}

uint16_t vrf_max_id(void)
{
	return max_id;
}

int vrf_get(const char *field, const char *name, struct vrf **out, struct fault *f)
{
	*out = names_find(&vrfs, name);
	return *out ? 0 : fault_str(f, -ENOENT, field, name, "the name of a VRF", "there is no VRF %s", name);
}

static void vrf_event(const char *what, const struct vrf *v)
{
	if (event_wanted("vrf"))
		event_send("vrf", what, json_pack("{s:s,s:i}", "name", v->name, "id", v->id));
}

static void vrf_free(void *arg)
{
	struct vrf *v = arg;

	by_id[v->id] = NULL;
	route_vrf_freed(v);
	json_decref(v->conf);
	free(v);
}

// Makes a VRF that is in the table. NULL with *rc: -ENOSPC or -ENOMEM.
static struct vrf *vrf_create(const char *name, int *rc)
{
	struct vrf *v = calloc(1, sizeof(*v));
	uint16_t id = 1;

	*rc = -ENOMEM;
	if (!v || names_reserve(&vrfs) < 0)
		goto fail;
	v->routes = route_set_get(name, true);
	if (!v->routes)
		goto fail;
	while (id < VRF_MAX && by_id[id])
		id++;
	*rc = -ENOSPC;
	if (id == VRF_MAX)
		goto fail;
	*rc = 0;
	v->id = id;
	by_id[id] = v;
	max_id = RTE_MAX(max_id, id);
	memcpy(v->name, name, strlen(name) + 1);
	names_add(&vrfs, v);
	route_vrf_created(v);
	publish_mark_vrfs();
	return v;
fail:
	if (v && v->routes)
		route_set_drop(v->routes);
	free(v);
	return NULL;
}

static void add_undo(void *arg)
{
	route_changes_undo();
	names_del(&vrfs, arg);
	vrf_free(arg);
}

static void add_done(void *arg)
{
	vrf_event("added", arg);
}

int vrf_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *name = json_string_value(json_object_get(conf, "name"));
	struct vrf *v;
	int rc;

	if (names_find(&vrfs, name))
		return fault_str(f, -EEXIST, "name", name, "a name that no VRF has", "VRF %s exists", name);
	if (route_set_get(name, false) && route_set_get(name, false)->vrf)
		return fault_str(f, -EBUSY, "name", name, "a name that no VRF has before this transaction",
				 "VRF %s is being removed", name);
	v = vrf_create(name, &rc);
	if (!v)
		return rc == -ENOSPC ? fault_set(f, rc, NULL, NULL, NULL, "no VRF id is left: %u VRFs", VRF_MAX - 1)
				     : fault_set(f, rc, NULL, NULL, NULL, "no memory for VRF %s", name);
	v->conf = json_deep_copy(conf);
	txn_undo(t, add_undo, NULL, v);
	txn_done(t, add_done, NULL, v);
	txn_put(t, "vrf", name, json_incref(v->conf));
	t->publish = true;
	return 0;
}

static void del_undo(void *arg)
{
	struct vrf *v = arg;

	v->deleted = false;
	names_add(&vrfs, v);
	publish_mark_vrfs();
}

static void del_done(void *arg)
{
	vrf_event("removed", arg);
	route_changes_finish();
	route_vrf_removed(arg);
	rcu_defer(arg, vrf_free);
}

int vrf_del(struct txn *t, struct vrf *v, struct fault *f)
{
	if (strcmp(v->name, VRF_DEFAULT) == 0)
		return fault_str(f, -EBUSY, "name", v->name, "another VRF", "VRF %s always exists", v->name);
	if (v->nifaces)
		return fault_str(f, -EBUSY, "name", v->name, "a VRF without interfaces",
				 "VRF %s has %u interfaces, %s among them", v->name, v->nifaces,
				 LIST_FIRST(&v->ifaces)->name);
	if (linux_sync_has(v))
		return fault_str(f, -EBUSY, "name", v->name, "a VRF without routes of Linux (linux.del)",
				 "VRF %s has a table of Linux", v->name);
	if (v->routes->nstatic)
		return fault_str(f, -EBUSY, "name", v->name, "a VRF without configured routes (route.flush)",
				 "VRF %s has %u configured routes", v->name, v->routes->nstatic);
	names_del(&vrfs, v);
	v->deleted = true;
	publish_mark_vrfs();
	txn_undo(t, del_undo, NULL, v);
	txn_done(t, del_done, NULL, v);
	txn_del(t, "vrf", v->name);
	t->publish = true;
	return 0;
}

int vrf_create_table(void)
{
	int rc;

	vrf_create(VRF_DEFAULT, &rc);
	return rc;
}

void vrf_destroy_table(void)
{
	while (vrfs.n) {
		struct vrf *v = vrfs.at[vrfs.n - 1];

		names_del(&vrfs, v);
		vrf_free(v);
	}
	names_free(&vrfs);
	max_id = 0;
}
