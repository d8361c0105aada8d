/* SPDX-License-Identifier: BSD-3-Clause */
#include "bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "flow_ctl.h"
#include "iface.h"
#include "publish.h"
#include "rpc.h"

static struct names bridges;

const struct names *bridge_names(void)
{
	return &bridges;
}

const char *bridge_port_bridge_name(const struct bridge_port *bp)
{
	return bp->bridge->name;
}

int bridge_get(const char *field, const char *name, struct bridge **out, struct fault *f)
{
	*out = names_find(&bridges, name);
	return *out ? 0 : fault_str(f, -ENOENT, field, name, "the name of a bridge", "there is no bridge %s", name);
}

static void bridge_event(const char *what, const struct bridge *b)
{
	if (event_wanted("bridge"))
		event_send("bridge", what, json_pack("{s:s}", "name", b->name));
}

static void bridge_free(void *arg)
{
	struct bridge *b = arg;

	flow_switch_free(b->flow);
	json_decref(b->conf);
	names_free(&b->ports);
	free(b->vlan);
	free(b);
}

static void add_undo(void *arg)
{
	struct bridge *b = arg;

	names_del(&bridges, b);
	domain_release(b->rest);
	bridge_free(b);
}

static void add_done(void *arg)
{
	struct bridge *b = arg;

	bridge_event("added", b);
	if (b->flow)
		flow_switch_created(b->flow);
}

static void apply_conf(struct bridge *b)
{
	bool learning = json_is_true(json_object_get(b->conf, "learning"));
	bool suppress = json_is_true(json_object_get(b->conf, "arp_suppress"));

	// Every domain of the bridge carries the flags.
	if (learning != b->learning || suppress != b->arp_suppress) {
		publish_mark_domain(b->rest);
		for (unsigned int v = 0; b->vlan && v < VLAN_COUNT; v++)
			if (b->vlan[v])
				publish_mark_domain(b->vlan[v]);
	}
	b->learning = learning;
	b->arp_suppress = suppress;
	b->aging_s = json_integer_value(json_object_get(b->conf, "aging_time"));
	b->mac_limit = json_integer_value(json_object_get(b->conf, "mac_limit"));
}

int bridge_add(struct txn *t, const json_t *conf, struct fault *f)
{
	const char *name = json_string_value(json_object_get(conf, "name"));
	const char *mode = json_string_value(json_object_get(conf, "mode"));
	struct bridge *b;
	int rc = 0;

	if (names_find(&bridges, name))
		return fault_str(f, -EEXIST, "name", name, "a name that no bridge has", "bridge %s exists", name);
	b = calloc(1, sizeof(*b));
	if (!b || names_reserve(&bridges) < 0) {
		free(b);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for bridge %s", name);
	}
	b->rest = domain_create(b, VLAN_NONE);
	if (!b->rest) {
		free(b);
		return fault_set(f, -ENOSPC, NULL, NULL, NULL,
				 "no broadcast domain is left: %u bridges and VLANs are in use", DOMAIN_MAX - 1);
	}
	memcpy(b->name, name, strlen(name) + 1);
	if (strcmp(mode, "flow") == 0)
		rc = flow_switch_create(b, f);
	if (rc < 0) {
		domain_release(b->rest);
		bridge_free(b);
		return rc;
	}
	b->rest->named = 1;
	b->conf = json_deep_copy(conf);
	apply_conf(b);
	names_add(&bridges, b);
	txn_undo(t, add_undo, NULL, b);
	txn_done(t, add_done, NULL, b);
	txn_put(t, "bridge", name, json_incref(b->conf));
	publish_mark_domain(b->rest);
	t->publish = true;
	return 0;
}

static void del_undo(void *arg)
{
	struct bridge *b = arg;

	b->deleted = false;
	b->rest->named = 1;
	names_add(&bridges, b);
	publish_mark_domain(b->rest);
}

static void del_final(void *arg)
{
	struct bridge *b = arg;

	domain_release(b->rest);
	bridge_free(b);
}

static void del_done(void *arg)
{
	struct bridge *b = arg;

	bridge_event("removed", b);
	if (b->flow)
		flow_switch_removed(b->flow);
	vlan_reap(b, true);
	rcu_defer(b, del_final);
}

int bridge_del(struct txn *t, struct bridge *b, struct fault *f)
{
	if (b->ports.n)
		return fault_str(f, -EBUSY, "name", b->name, "a bridge without ports",
				 "bridge %s has %u ports, port %s among them", b->name, b->ports.n,
				 ((struct port_obj *)b->ports.at[0])->name);
	if (!LIST_EMPTY(&b->ifaces))
		return fault_str(f, -EBUSY, "name", b->name, "a bridge without L3 interfaces",
				 "bridge %s has L3 interface %s", b->name, LIST_FIRST(&b->ifaces)->name);
	if (b->flow && (flow_switch_busy(b->flow, f) < 0 || flow_ctl_del_all(t, b->flow, f) < 0))
		return f->err;
	names_del(&bridges, b);
	b->deleted = true;
	b->rest->named = 0;
	publish_mark_domain(b->rest);
	txn_undo(t, del_undo, NULL, b);
	txn_done(t, del_done, NULL, b);
	txn_del(t, "bridge", b->name);
	t->publish = true;
	return 0;
}

// The settings that bridge.set replaced.
struct bridge_before {
	struct bridge *bridge;
	json_t *conf;
};

static void before_free(void *arg)
{
	struct bridge_before *before = arg;

	json_decref(before->conf);
	free(before);
}

static void set_undo(void *arg)
{
	struct bridge_before *before = arg;
	struct bridge *b = before->bridge;

	json_decref(b->conf);
	b->conf = json_incref(before->conf);
	apply_conf(b);
	before_free(before);
}

static void set_done(void *arg)
{
	bridge_event("changed", arg);
}

int bridge_set(struct txn *t, struct bridge *b, const json_t *set, struct fault *f)
{
	static const char *const fields[] = {"learning", "aging_time", "mac_limit", "arp_suppress"};
	struct bridge_before *before = malloc(sizeof(*before));
	json_t *conf = json_copy(b->conf);

	if (!before || !conf) {
		free(before);
		json_decref(conf);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change bridge %s", b->name);
	}
	for (unsigned int i = 0; i < RTE_DIM(fields); i++)
		if (json_object_get(set, fields[i]))
			json_object_set(conf, fields[i], json_object_get(set, fields[i]));
	*before = (struct bridge_before){b, b->conf};
	b->conf = conf;
	apply_conf(b);
	txn_undo(t, set_undo, before_free, before);
	txn_done(t, set_done, NULL, b);
	txn_put(t, "bridge", b->name, json_incref(conf));
	t->publish = true;
	return 0;
}

void bridge_destroy_table(void)
{
	while (bridges.n) {
		struct bridge *b = bridges.at[bridges.n - 1];

		while (b->ports.n)
			bridge_port_destroy(bridge_port_at(b, b->ports.n - 1));
		for (unsigned int v = 0; b->vlan && v < VLAN_COUNT; v++)
			if (b->vlan[v])
				domain_release(b->vlan[v]);
		names_del(&bridges, b);
		domain_release(b->rest);
		bridge_free(b);
	}
	names_free(&bridges);
}
