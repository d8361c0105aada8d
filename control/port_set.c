/* SPDX-License-Identifier: BSD-3-Clause */
// Changes to a port that is there: admin state, MTU, MAC address.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "port.h"
#include "publish.h"

// What a change replaced.
struct port_before {
	struct port_obj *port;
	json_t *conf;
	struct rte_ether_addr mac;
	uint16_t mtu;
	bool admin_up, mtu_done, mac_done;
};

static void before_free(void *arg)
{
	struct port_before *b = arg;

	json_decref(b->conf);
	free(b);
}

static void set_undo(void *arg)
{
	struct port_before *b = arg;
	struct port_obj *p = b->port;
	struct fault ignored;

	if (b->mtu_done && p->ops->set_mtu(p->dev, b->mtu, &ignored) == 0)
		p->dev->mtu = b->mtu;
	if (b->mac_done && p->ops->set_mac(p->dev, &b->mac, &ignored) == 0)
		p->dev->mac = b->mac;
	json_decref(p->conf);
	p->conf = json_incref(b->conf);
	p->mtu = b->mtu;
	p->admin_up = b->admin_up;
	publish_mark_port(p);
	before_free(b);
}

static void set_done(void *arg)
{
	port_event_send("changed", arg);
}

static int mtu_set(struct txn *t, struct port_obj *p, uint16_t mtu, struct port_before *b, struct fault *f)
{
	char value[16], allowed[32];
	int rc;

	if (mtu == p->mtu)
		return 0;
	if (!p->ops->set_mtu)
		return fault_set(f, -ENOTSUP, "mtu", NULL, NULL, "a %s port cannot change its MTU", p->ops->name);
	if (p->dev && p->dev->max_mtu && mtu > p->dev->max_mtu) {
		snprintf(value, sizeof(value), "%u", mtu);
		snprintf(allowed, sizeof(allowed), "%u to %u", PORT_MTU_MIN, p->dev->max_mtu);
		return fault_set(f, -EINVAL, "mtu", value, allowed, "MTU beyond what port %s can do", p->name);
	}
	if (p->dev && !t->dry_run) {
		rc = p->ops->set_mtu(p->dev, mtu, f);
		if (rc < 0)
			return rc;
		p->dev->mtu = mtu;
		b->mtu_done = true;
	}
	p->mtu = mtu;
	return 0;
}

static int mac_set(struct txn *t, struct port_obj *p, const char *text, struct port_before *b, struct fault *f)
{
	struct rte_ether_addr mac;
	int rc;

	if (!p->ops->set_mac)
		return fault_str(f, -ENOTSUP, "mac", text, NULL, "a %s port cannot change its MAC address",
				 p->ops->name);
	rte_ether_unformat_addr(text, &mac);
	if (!p->dev || t->dry_run)
		return 0;
	rc = p->ops->set_mac(p->dev, &mac, f);
	if (rc < 0)
		return rc;
	p->dev->mac = mac;
	b->mac_done = true;
	return 0;
}

int port_obj_set(struct txn *t, struct port_obj *p, const json_t *set, struct fault *f)
{
	const json_t *admin = json_object_get(set, "admin"), *mtu = json_object_get(set, "mtu");
	const json_t *mac = json_object_get(set, "mac");
	struct port_before *b = calloc(1, sizeof(*b));
	json_t *conf = json_copy(p->conf);
	int rc;

	if (!b || !conf) {
		json_decref(conf);
		free(b);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change port %s", p->name);
	}
	*b = (struct port_before){.port = p, .conf = p->conf, .mtu = p->mtu, .admin_up = p->admin_up};
	if (p->dev)
		b->mac = p->dev->mac;
	p->conf = conf;
	// Registered first: it also takes back what was done before a later field failed.
	txn_undo(t, set_undo, before_free, b);
	if (mtu) {
		rc = mtu_set(t, p, json_integer_value(mtu), b, f);
		if (rc < 0)
			return rc;
		json_object_set(conf, "mtu", (json_t *)mtu);
	}
	if (mac) {
		rc = mac_set(t, p, json_string_value(mac), b, f);
		if (rc < 0)
			return rc;
		json_object_set(conf, "mac", (json_t *)mac);
	}
	if (admin) {
		p->admin_up = strcmp(json_string_value(admin), "up") == 0;
		json_object_set(conf, "admin", (json_t *)admin);
	}
	txn_put(t, "port", p->name, json_deep_copy(conf));
	txn_done(t, set_done, NULL, p);
	publish_mark_port(p);
	t->publish = true;
	return 0;
}
