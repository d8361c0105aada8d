/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "assign.h"
#include "bridge.h"
#include "fdb_ctl.h"
#include "fwd.h"
#include "iface.h"
#include "objects.h"
#include "publish.h"
#include "stats.h"

static struct names ports;
static struct port_obj *port_by_id[PORT_MAX];
static uint64_t id_used_before[PORT_MAX / 64];
static uint16_t max_id, lowest_free;
static unsigned int dying; // devices that wait for their grace period

static int id_alloc(struct port_obj *p)
{
	for (uint32_t id = lowest_free; id < PORT_MAX; id++) {
		if (port_by_id[id])
			continue;
		port_by_id[id] = p;
		p->id = id;
		lowest_free = id + 1;
		if (id > max_id)
			max_id = id;
		return 0;
	}
	return -ENOSPC;
}

static void id_free(struct port_obj *p)
{
	port_by_id[p->id] = NULL;
	if (p->id < lowest_free)
		lowest_free = p->id;
}

static void device_destroy(struct port *dev)
{
	if (!dev)
		return;
	dev->ops->stop(dev);
	dev->ops->destroy(dev);
	free(dev);
}

// The object itself, when nobody else can name it.
static void object_free(struct port_obj *p)
{
	publish_forget_port(p);
	port_watch_forget(p->id);
	assign_release(p);
	id_free(p);
	json_decref(p->conf);
	free(p->base);
	free(p->l3_domain);
	free(p);
}

int port_obj_device_create(struct port_obj *p, struct fault *f)
{
	const char *mac = json_string_value(json_object_get(p->conf, "mac"));
	struct port *dev = calloc(1, sizeof(*dev));
	int rc;

	if (!dev)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for port %s", p->name);
	// The device of a port deleted just before may be the same one: a TAP's name, a socket's path.
	if (dying)
		rcu_drain();
	memcpy(dev->name, p->name, sizeof(dev->name));
	dev->id = p->id;
	dev->ops = p->ops;
	dev->mtu = p->mtu;
	if (mac)
		rte_ether_unformat_addr(mac, &dev->mac);
	rc = p->ops->create(dev, p->conf, workers_count(), f);
	if (rc < 0)
		goto free_dev;
	rc = p->ops->start(dev, f);
	if (rc < 0)
		goto destroy_dev;
	p->dev = dev;
	p->state = PORT_OBJ_LIVE;
	p->link_seen = __atomic_load_n(&dev->link_up, __ATOMIC_RELAXED);
	if (p->base)
		stats_baseline_new_device(p->base);
	id_used_before[p->id / 64] |= 1ULL << (p->id % 64);
	assign_port(p);
	return 0;

destroy_dev:
	p->ops->destroy(dev);
free_dev:
	free(dev);
	return rc;
}

static void add_undo(void *arg)
{
	struct port_obj *p = arg;

	names_del(&ports, p);
	device_destroy(p->dev);
	object_free(p);
}

static void add_done(void *arg)
{
	port_event_send("added", arg);
}

// The object without its device. The name is free: checked.
static int object_create(const struct port_ops *ops, const json_t *conf, struct port_obj **out, struct fault *f)
{
	const char *name = json_string_value(json_object_get(conf, "name"));
	struct port_obj *p = calloc(1, sizeof(*p));
	int rc = -ENOMEM;

	if (!p || names_reserve(&ports) < 0)
		goto fail;
	memcpy(p->name, name, strlen(name) + 1);
	p->conf = json_deep_copy(conf);
	if (!p->conf)
		goto fail;
	rc = id_alloc(p);
	if (rc < 0)
		goto fail;
	p->ops = ops;
	p->mtu = json_integer_value(json_object_get(conf, "mtu"));
	p->admin_up = strcmp(json_string_value(json_object_get(conf, "admin")), "down") != 0;
	memset(p->rxq, WORKER_NONE, sizeof(p->rxq));
	for (unsigned int i = 0; i < PORT_QUEUES_MAX; i++)
		p->rxq[i].pinned = p->rxq[i].counted = false;
	*out = p;
	return 0;
fail:
	if (p)
		json_decref(p->conf);
	free(p);
	return rc == -ENOSPC ? fault_set(f, rc, NULL, NULL, NULL, "no port id is left: %u ports", PORT_MAX - 1)
			     : fault_set(f, rc, NULL, NULL, NULL, "no memory for port %s", name);
}

int port_obj_add(struct txn *t, const struct port_ops *ops, const json_t *conf, struct port_obj **out, struct fault *f)
{
	const char *name = json_string_value(json_object_get(conf, "name"));
	struct port_obj *p = NULL;
	int rc;

	if (names_find(&ports, name))
		return fault_str(f, -EEXIST, "name", name, "a name that no port has", "port %s exists", name);
	if (t->dry_run && ops->check) {
		rc = ops->check(conf, f);
		if (rc < 0)
			return rc;
	}
	rc = object_create(ops, conf, &p, f);
	if (rc < 0)
		return rc;
	if (!t->dry_run) {
		// Workers never reset a counter, so an id that had an owner starts from what that one counted.
		if (id_used_before[p->id / 64] >> (p->id % 64) & 1)
			rc = stats_port_clear(p, f);
		if (rc == 0)
			rc = port_obj_device_create(p, f);
		if (rc < 0 && !t->replay) {
			object_free(p);
			return rc;
		}
		if (rc < 0) {
			p->state = PORT_OBJ_FAILED;
			p->error = *f;
			*f = (struct fault){0};
		}
	}
	names_add(&ports, p);
	txn_undo(t, add_undo, NULL, p);
	txn_done(t, add_done, NULL, p);
	txn_put(t, "port", name, json_incref(p->conf));
	publish_mark_port(p);
	t->publish = true;
	*out = p;
	return 0;
}

static void del_undo(void *arg)
{
	struct port_obj *p = arg;

	p->deleted = false;
	names_add(&ports, p);
}

// After a grace period: no worker polls it, sends to it, or will ever leave an event that names it.
static void del_final(void *arg)
{
	struct port_obj *p = arg;

	dying--;
	device_destroy(p->dev);
	fdb_ctl_drain();
	object_free(p);
}

static void del_done(void *arg)
{
	struct port_obj *p = arg;

	port_event_send("removed", p);
	assign_release(p);
	dying++;
	rcu_defer(p, del_final);
}

int port_obj_del(struct txn *t, struct port_obj *p, struct fault *f)
{
	if (p->bp)
		return fault_str(f, -EBUSY, "name", p->name, "a port that no bridge has", "port %s is in bridge %s",
				 p->name, bridge_port_bridge_name(p->bp));
	if (!LIST_EMPTY(&p->ifaces))
		return fault_str(f, -EBUSY, "name", p->name, "a port without L3 interfaces",
				 "port %s has L3 interface %s", p->name, LIST_FIRST(&p->ifaces)->name);
	if (fwd_names_port(p))
		return fault_str(f, -EBUSY, "name", p->name, "a port that fwd.set does not name",
				 "port %s is in a pair of fwd.set", p->name);
	names_del(&ports, p);
	p->deleted = true;
	txn_undo(t, del_undo, NULL, p);
	assign_forget_pins(t, p);
	txn_done(t, del_done, NULL, p);
	txn_del(t, "port", p->name);
	publish_mark_port(p);
	t->publish = true;
	return 0;
}

static void fail_final(void *arg)
{
	struct port *dev = arg;
	struct port_obj *p = port_by_id[dev->id];

	dying--;
	device_destroy(dev);
	p->retiring = false;
}

void port_obj_fail(struct port_obj *p, const struct fault *why)
{
	struct port *dev = p->dev;

	if (p->deleted || p->state != PORT_OBJ_LIVE)
		return;
	p->state = PORT_OBJ_FAILED;
	p->error = *why;
	p->retiring = true;
	publish_mark_port(p);
	publish();
	p->dev = NULL;
	assign_release(p);
	dying++;
	rcu_defer(dev, fail_final);
	port_event_send("failed", p);
}

void port_obj_retry_failed(void)
{
	bool again = false;

	for (uint32_t i = 0; i < ports.n; i++) {
		struct port_obj *p = ports.at[i];
		struct fault f = {0};

		if (p->state != PORT_OBJ_FAILED || p->retiring)
			continue;
		if (port_obj_device_create(p, &f) < 0) {
			p->error = f;
			continue;
		}
		publish_mark_port(p);
		again = true;
		port_event_send("recovered", p);
	}
	if (again)
		publish();
}

struct port_obj *port_obj_find(const char *name)
{
	return names_find(&ports, name);
}

int port_obj_get(const char *field, const char *name, struct port_obj **out, struct fault *f)
{
	*out = names_find(&ports, name);
	return *out ? 0 : fault_str(f, -ENOENT, field, name, "the name of a port", "there is no port %s", name);
}

struct port_obj *port_obj_by_id(uint16_t id)
{
	return id < PORT_MAX ? port_by_id[id] : NULL;
}

const struct names *port_obj_names(void)
{
	return &ports;
}

uint16_t port_obj_max_id(void)
{
	return max_id;
}

int port_obj_create_table(void)
{
	lowest_free = 1;
	max_id = 0;
	return 0;
}

void port_obj_destroy_table(void)
{
	while (ports.n) {
		struct port_obj *p = ports.at[ports.n - 1];

		names_del(&ports, p);
		device_destroy(p->dev);
		object_free(p);
	}
	names_free(&ports);
}
