/* SPDX-License-Identifier: BSD-3-Clause */
// Ports of a bridge: joining with a VLAN mode, and leaving.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/rcu.h"
#include "bridge.h"
#include "fdb_static.h"
#include "flow_switch.h"
#include "iface.h"
#include "publish.h"
#include "rpc.h"

static uint64_t next_serial = 1;

// A bridge port in or out of its bridge's list; the rest is vlan_attach()'s.
static void link_in(struct bridge_port *bp)
{
	bp->port->bp = bp;
	names_add(&bp->bridge->ports, bp->port);
	flow_switch_port_reattach(bp);
}

static void link_out(struct bridge_port *bp)
{
	flow_switch_port_detach(bp);
	names_del(&bp->bridge->ports, bp->port);
	bp->port->bp = NULL;
}

static void member_event(const char *what, const struct bridge_port *bp)
{
	if (event_wanted("bridge"))
		event_send("bridge", what, json_pack("{s:s,s:s}", "name", bp->bridge->name, "port", bp->port->name));
}

static void bridge_port_free(void *arg)
{
	publish_forget_table(arg);
	free(arg);
}

static void member_key(const struct bridge_port *bp, char key[2 * PORT_NAME_LEN])
{
	snprintf(key, 2 * PORT_NAME_LEN, "%s/%s", bp->bridge->name, bp->port->name);
}

static int parse_mode(const json_t *conf, struct bridge_port *bp, struct fault *f)
{
	const char *mode = json_string_value(json_object_get(conf, "vlan_mode"));
	const json_t *tag = json_object_get(conf, "tag");

	bp->mode = !strcmp(mode, "access") ? VLAN_ACCESS : !strcmp(mode, "native") ? VLAN_NATIVE : VLAN_TRUNK;
	if (bp->mode == VLAN_TRUNK) {
		if (!tag)
			return 0;
		char value[16];

		snprintf(value, sizeof(value), "%lld", (long long)json_integer_value(tag));
		return fault_set(f, -EINVAL, "tag", value, "absent, or vlan_mode \"access\" or \"native\"",
				 "a trunk port has no tag");
	}
	if (!tag)
		return fault_set(f, -EINVAL, "tag", NULL, "1 to 4094", "an %s port needs a tag", mode);
	bp->tag = json_integer_value(tag);
	return 0;
}

static int parse_trunks(const json_t *conf, struct bridge_port *bp, struct fault *f)
{
	const json_t *trunks = json_object_get(conf, "trunks"), *vid;
	char field[32], value[16];
	size_t i;

	if (bp->mode == VLAN_ACCESS) {
		if (json_array_size(trunks))
			return fault_set(f, -EINVAL, "trunks", NULL, "absent, or vlan_mode \"trunk\" or \"native\"",
					 "an access port carries its tag's VLAN only");
		return 0;
	}
	bp->all = json_array_size(trunks) == 0;
	json_array_foreach (trunks, i, vid) {
		uint16_t v = json_integer_value(vid);

		if (v == 0 && bp->mode == VLAN_NATIVE) {
			snprintf(field, sizeof(field), "trunks[%zu]", i);
			snprintf(value, sizeof(value), "%u", v);
			return fault_set(f, -EINVAL, field, value, "1 to 4094",
					 "untagged frames of a native port belong to the VLAN of its tag");
		}
		bp->vids[v / 64] |= 1ULL << (v % 64);
	}
	return 0;
}

static void add_undo(void *arg)
{
	struct bridge_port *bp = arg;

	link_out(bp);
	vlan_detach(bp);
	vlan_reap(bp->bridge, false);
	bridge_port_free(bp);
}

void bridge_port_destroy(struct bridge_port *bp)
{
	link_out(bp);
	vlan_detach(bp);
	bridge_port_free(bp);
}

static void add_done(void *arg)
{
	member_event("port_added", arg);
	flow_switch_port_tell(arg, FLOW_PORT_ADDED);
}

static int find_both(const json_t *conf, struct bridge **b, struct port_obj **p, struct fault *f)
{
	const char *bridge = json_string_value(json_object_get(conf, "bridge"));
	const char *port = json_string_value(json_object_get(conf, "port"));
	int rc = bridge_get("bridge", bridge, b, f);

	if (rc == 0)
		rc = port_obj_get("port", port, p, f);
	if (rc == 0 && (*p)->pktgen)
		return fault_str(f, -EBUSY, "port", port,
				 "a port that the traffic generator does not have (pktgen.stop)",
				 "port %s is the traffic generator's", port);
	if (rc == 0 && !LIST_EMPTY(&(*p)->ifaces))
		return fault_str(f, -EBUSY, "port", port, "a port without L3 interfaces",
				 "port %s has L3 interface %s: it cannot be in a bridge too", port,
				 LIST_FIRST(&(*p)->ifaces)->name);
	if (rc == 0 && !(*b)->flow &&
	    (json_object_get(conf, "of_port") || json_is_true(json_object_get(conf, "local"))))
		return fault_set(f, -EINVAL, json_object_get(conf, "of_port") ? "of_port" : "local", NULL,
				 "absent, or a bridge in mode flow", "bridge %s is not in mode flow", bridge);
	if (rc == 0 && json_object_get(conf, "of_port") && json_is_true(json_object_get(conf, "local")))
		return fault_set(f, -EINVAL, "of_port", NULL, "absent, or local false",
				 "the local port has a number of its own");
	if (rc < 0 || !(*p)->bp)
		return rc;
	if ((*p)->bp->bridge == *b)
		return fault_str(f, -EEXIST, "port", port, "a port that no bridge has",
				 "port %s is in bridge %s already", port, bridge);
	return fault_str(f, -EBUSY, "port", port, "a port that no bridge has", "port %s is in bridge %s", port,
			 (*p)->bp->bridge->name);
}

// 0: as it comes.
static uint32_t of_port_wanted(const json_t *conf)
{
	if (json_is_true(json_object_get(conf, "local")))
		return FLOW_PORT_LOCAL;
	return (uint32_t)json_integer_value(json_object_get(conf, "of_port"));
}

int bridge_port_add(struct txn *t, const json_t *conf, struct fault *f)
{
	char key[2 * PORT_NAME_LEN];
	struct bridge_port *bp;
	struct port_obj *p;
	struct bridge *b;
	int rc = find_both(conf, &b, &p, f);

	if (rc < 0)
		return rc;
	bp = calloc(1, sizeof(*bp));
	if (!bp || names_reserve(&b->ports) < 0) {
		free(bp);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for port %s of bridge %s", p->name, b->name);
	}
	*bp = (struct bridge_port){.bridge = b, .port = p, .serial = next_serial++};
	rc = parse_mode(conf, bp, f);
	if (rc == 0)
		rc = parse_trunks(conf, bp, f);
	if (rc < 0)
		goto free_bp;
	rc = vlan_attach(bp);
	if (rc < 0) {
		fault_set(f, rc, bp->mode == VLAN_TRUNK ? "trunks" : "tag", NULL, NULL,
			  "no broadcast domain is left: %u bridges and VLANs are the most", DOMAIN_MAX - 1);
		goto free_bp;
	}
	if (b->flow)
		rc = flow_switch_port_attach(t, bp, of_port_wanted(conf), f);
	if (rc < 0)
		goto detach;
	link_in(bp);
	txn_undo(t, add_undo, NULL, bp);
	txn_done(t, add_done, NULL, bp);
	member_key(bp, key);
	txn_put(t, "bridge_port", key, json_deep_copy(conf));
	t->publish = true;
	return 0;

detach:
	vlan_detach(bp);
	vlan_reap(b, false);
free_bp:
	free(bp);
	return rc;
}

static void del_undo(void *arg)
{
	struct bridge_port *bp = arg;

	// Cannot fail: its domains are there until the transaction is done.
	vlan_attach(bp);
	link_in(bp);
}

static void del_done(void *arg)
{
	struct bridge_port *bp = arg;

	member_event("port_removed", bp);
	flow_switch_port_tell(bp, FLOW_PORT_REMOVED);
	vlan_reap(bp->bridge, true);
	bridge_port_free(bp);
}

int bridge_port_del(struct txn *t, struct bridge *b, struct port_obj *p, struct fault *f)
{
	struct bridge_port *bp = p->bp;
	char entry[FDB_STATIC_NAME_LEN], key[2 * PORT_NAME_LEN];

	if (!bp || bp->bridge != b)
		return fault_str(f, -ENOENT, "port", p->name, "a port of the bridge", "port %s is not in bridge %s",
				 p->name, b->name);
	if (fdb_static_needs(bp, entry))
		return fault_str(f, -EBUSY, "port", p->name, "a port that no static FDB entry needs",
				 "static FDB entry %s needs port %s in bridge %s", entry, p->name, b->name);
	link_out(bp);
	vlan_detach(bp);
	txn_undo(t, del_undo, NULL, bp);
	txn_done(t, del_done, NULL, bp);
	flow_switch_port_forget(t, bp);
	member_key(bp, key);
	txn_del(t, "bridge_port", key);
	t->publish = true;
	return 0;
}
