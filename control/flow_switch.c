/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow_change.h"
#include "flow_publish.h"
#include "objects.h"
#include "openflow/ofp.h"
#include "publish.h"
#include "store.h"

#define NUMBER_KIND "of_port" // in the store: numbers, by "bridge/port"
#define PORTS_MIN 64

static struct flow_bridges switches = LIST_HEAD_INITIALIZER(switches);
static bool number_used[FLOW_SWITCHES_MAX];
static SLIST_HEAD(, flow_listener) listeners = SLIST_HEAD_INITIALIZER(listeners);

const struct flow_bridges *flow_switches(void)
{
	return &switches;
}

void flow_switch_listen(struct flow_listener *l)
{
	SLIST_INSERT_HEAD(&listeners, l, link);
}

// FNV-1a.
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

// The lower 48 bits are a MAC address in the specification's words: a locally administered one.
static uint64_t default_datapath_id(const struct bridge *b)
{
	char host[256] = "";
	uint64_t hash;

	gethostname(host, sizeof(host) - 1);
	hash = hash_text(hash_text(hash_text(UINT64_C(0xcbf29ce484222325), host), "/"), b->name);
	return (hash & UINT64_C(0xfcffffffffff)) | UINT64_C(0x020000000000);
}

void flow_switch_set_datapath_id(struct flow_bridge *fb, uint64_t id)
{
	fb->datapath_id = id != 0 ? id : default_datapath_id(fb->bridge);
}

int flow_switch_get(const char *field, const char *bridge, struct flow_bridge **out, struct fault *f)
{
	struct bridge *b;
	int rc = bridge_get(field, bridge, &b, f);

	if (rc < 0)
		return rc;
	*out = b->flow;
	return *out ? 0
		    : fault_str(f, -EINVAL, field, bridge, "a bridge in mode flow", "bridge %s is not in mode flow",
				bridge);
}

// 1..FLOW_SWITCHES_MAX-1, the lowest that is free; 0: none is.
static uint16_t number_take(void)
{
	for (uint16_t i = 1; i < FLOW_SWITCHES_MAX; i++)
		if (!number_used[i]) {
			number_used[i] = true;
			return i;
		}
	return 0;
}

static void number_give(uint16_t number)
{
	number_used[number] = false;
}

int flow_switch_create(struct bridge *b, struct fault *f)
{
	struct flow_bridge *fb = calloc(1, sizeof(*fb));
	int rc;

	if (!fb)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for bridge %s", b->name);
	rc = flow_workers_create();
	if (rc < 0) {
		free(fb);
		return fault_set(f, rc, NULL, NULL, NULL, "no memory for the workers' flow caches, see --flow-cache");
	}
	fb->bridge = b;
	fb->datapath_id = default_datapath_id(b);
	fb->number = number_take();
	if (fb->number == 0 || flow_set_create(fb) < 0) {
		rc = fb->number == 0 ? -ENOSPC : -ENOMEM;
		number_give(fb->number);
		free(fb);
		return rc == -ENOSPC ? fault_set(f, rc, NULL, NULL, NULL, "%u bridges in mode flow are the most",
						 FLOW_SWITCHES_MAX - 1)
				     : fault_set(f, rc, NULL, NULL, NULL, "no memory for bridge %s", b->name);
	}
	b->flow = fb;
	LIST_INSERT_HEAD(&switches, fb, link);
	return 0;
}

void flow_switch_created(struct flow_bridge *fb)
{
	const struct flow_listener *l;

	SLIST_FOREACH (l, &listeners, link)
		if (l->created)
			l->created(fb);
}

int flow_switch_busy(const struct flow_bridge *fb, struct fault *f)
{
	const struct flow_listener *l;
	int rc = 0;

	SLIST_FOREACH (l, &listeners, link)
		if (rc == 0 && l->busy)
			rc = l->busy(fb, f);
	return rc;
}

void flow_switch_removed(struct flow_bridge *fb)
{
	const struct flow_listener *l;

	SLIST_FOREACH (l, &listeners, link)
		if (l->removed)
			l->removed(fb);
}

void flow_switch_free(struct flow_bridge *fb)
{
	const struct flow_listener *l;

	if (!fb)
		return;
	SLIST_FOREACH (l, &listeners, link)
		if (l->freed)
			l->freed(fb);
	flow_change_forget(fb);
	flow_publish_forget(fb);
	flow_set_destroy(fb);
	number_give(fb->number);
	LIST_REMOVE(fb, link);
	free(fb->port);
	free(fb);
}

// --- ports -----------------------------------------------------------------------------------------------------------

struct bridge_port *flow_switch_port(const struct flow_bridge *fb, uint32_t no)
{
	if (no == FLOW_PORT_LOCAL)
		return fb->local;
	return no < fb->ports_size ? fb->port[no].bp : NULL;
}

struct bridge_port *flow_switch_port_after(const struct flow_bridge *fb, uint32_t no)
{
	for (; no < fb->ports_size; no++)
		if (fb->port[no].bp)
			return fb->port[no].bp;
	return no <= FLOW_PORT_LOCAL ? fb->local : NULL;
}

static int ports_grow(struct flow_bridge *fb, uint32_t no)
{
	uint32_t size = fb->ports_size ? fb->ports_size : PORTS_MIN;
	struct flow_port_slot *grown;

	while (size <= no)
		size *= 2;
	if (size == fb->ports_size)
		return 0;
	grown = realloc(fb->port, size * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + fb->ports_size, 0, (size - fb->ports_size) * sizeof(*grown));
	fb->port = grown;
	fb->ports_size = size;
	return 0;
}

static void port_key(const struct bridge_port *bp, char key[2 * PORT_NAME_LEN])
{
	snprintf(key, 2 * PORT_NAME_LEN, "%s/%s", bp->bridge->name, bp->port->name);
}

// The number that the store has for it, or it had before; else the lowest that is free, FLOW_PORT_NUMBERS for none.
static uint32_t choose_number(const struct flow_bridge *fb, const struct bridge_port *bp)
{
	char key[2 * PORT_NAME_LEN];
	json_int_t stored;
	uint32_t lowest = 0, no;

	port_key(bp, key);
	stored = json_integer_value(json_object_get(store_get(NUMBER_KIND, key), "no"));
	if (stored >= 1 && stored < FLOW_PORT_NUMBERS && !flow_switch_port(fb, (uint32_t)stored))
		return (uint32_t)stored;
	for (no = 1; no < fb->ports_size; no++) {
		if (fb->port[no].bp)
			continue;
		if (strcmp(fb->port[no].last, bp->port->name) == 0)
			return no;
		lowest = lowest ? lowest : no;
	}
	return lowest ? lowest : RTE_MAX(no, 1u);
}

int flow_switch_port_attach(struct txn *t, struct bridge_port *bp, uint32_t wanted, struct fault *f)
{
	struct flow_bridge *fb = bp->bridge->flow;
	uint32_t no = wanted ? wanted : choose_number(fb, bp);
	char key[2 * PORT_NAME_LEN], value[16];
	struct timespec now;

	snprintf(value, sizeof(value), "%u", no);
	if (flow_switch_port(fb, no))
		return fault_set(f, -EEXIST, no == FLOW_PORT_LOCAL ? "local" : "of_port", value,
				 "a number that no port of the bridge has",
				 "port %s of bridge %s has OpenFlow number %u", flow_switch_port(fb, no)->port->name,
				 bp->bridge->name, no);
	if (no >= FLOW_PORT_NUMBERS && no != FLOW_PORT_LOCAL)
		return fault_set(f, -ENOSPC, NULL, NULL, NULL, "no OpenFlow port number is left: %u are the most",
				 FLOW_PORT_NUMBERS - 1);
	if (no != FLOW_PORT_LOCAL && ports_grow(fb, no) < 0)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for another port of bridge %s",
				 bp->bridge->name);
	clock_gettime(CLOCK_MONOTONIC, &now);
	bp->of_since_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	bp->of_no = no;
	flow_switch_port_reattach(bp);
	port_key(bp, key);
	if (no != FLOW_PORT_LOCAL)
		txn_put(t, NUMBER_KIND, key, json_pack("{s:i}", "no", (int)no));
	return 0;
}

void flow_switch_port_reattach(struct bridge_port *bp)
{
	struct flow_port_slot *slot;

	if (!bp->of_no)
		return;
	flow_switch_mark(bp->bridge->flow);
	if (bp->of_no == FLOW_PORT_LOCAL) {
		bp->bridge->flow->local = bp;
		return;
	}
	slot = &bp->bridge->flow->port[bp->of_no];
	slot->bp = bp;
	memcpy(slot->last, bp->port->name, sizeof(slot->last));
}

void flow_switch_port_detach(struct bridge_port *bp)
{
	if (!bp->of_no)
		return;
	if (bp->of_no == FLOW_PORT_LOCAL)
		bp->bridge->flow->local = NULL;
	else
		bp->bridge->flow->port[bp->of_no].bp = NULL;
	flow_switch_mark(bp->bridge->flow);
}

void flow_switch_port_forget(struct txn *t, const struct bridge_port *bp)
{
	char key[2 * PORT_NAME_LEN];

	port_key(bp, key);
	if (bp->of_no && bp->of_no != FLOW_PORT_LOCAL)
		txn_del(t, NUMBER_KIND, key);
}

void flow_switch_port_tell(const struct bridge_port *bp, enum flow_port_reason reason)
{
	const struct flow_listener *l;

	if (!bp->of_no)
		return;
	SLIST_FOREACH (l, &listeners, link)
		if (l->port)
			l->port(bp->bridge->flow, bp, reason);
}

void flow_switch_tell_removed(struct flow_bridge *fb, const struct of_flow_removed *r)
{
	const struct flow_listener *l;

	SLIST_FOREACH (l, &listeners, link)
		if (l->flow_removed)
			l->flow_removed(fb, r);
}

uint32_t flow_switch_port_config_get(const struct bridge_port *bp)
{
	return bp->of_config | (bp->port->admin_up ? 0 : OFPPC_PORT_DOWN);
}

static int port_admin(struct bridge_port *bp, bool up, struct flow_error *e)
{
	json_t *set = json_pack("{s:s}", "admin", up ? "up" : "down");
	struct fault f = {.err = 0};
	struct txn t;
	int rc;

	txn_begin(&t, false);
	rc = set ? port_obj_set(&t, bp->port, set, &f) : -ENOMEM;
	json_decref(set);
	if (rc == 0)
		rc = txn_commit(&t, &f);
	else
		txn_rollback(&t);
	return rc < 0 ? flow_error_set(e, OFPPMFC_EPERM, "config", NULL, NULL, "%s", f.message) : 0;
}

int flow_switch_port_config(struct flow_bridge *fb, struct bridge_port *bp, uint32_t config, uint32_t mask,
			    struct flow_error *e)
{
	const uint32_t bits = OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN;
	const uint32_t before = bp->of_config;
	const bool up = (config & OFPPC_PORT_DOWN) == 0;
	int rc = 0;

	if (mask & ~(bits | OFPPC_PORT_DOWN))
		return flow_error_int(e, OFPPMFC_BAD_CONFIG, "config", mask, NULL, "unknown bits of configuration");
	if ((mask & OFPPC_PORT_DOWN) && up != bp->port->admin_up)
		rc = port_admin(bp, up, e);
	if (rc < 0)
		return rc;
	bp->of_config = (before & ~mask) | (config & mask & bits);
	if (bp->of_config == before)
		return 0;
	publish_mark_port(bp->port);
	publish();
	flow_switch_port_tell(bp, FLOW_PORT_CHANGED);
	return 0;
}

// --- references ------------------------------------------------------------------------------------------------------

static const struct flow_refs *group_refs, *meter_refs;

void flow_switch_refs(const struct flow_refs *groups, const struct flow_refs *meters)
{
	group_refs = groups ? groups : group_refs;
	meter_refs = meters ? meters : meter_refs;
}

int flow_switch_group_hold(struct flow_bridge *fb, uint32_t group, uint32_t *number, struct flow_error *e)
{
	if (group_refs && group_refs->hold(fb, group, number) == 0)
		return 0;
	return flow_error_int(e, OFPBAC_BAD_OUT_GROUP, "actions", group, "a group of the bridge", "no such group");
}

int flow_switch_meter_hold(struct flow_bridge *fb, uint32_t meter, uint32_t *number, struct flow_error *e)
{
	if (meter_refs && meter_refs->hold(fb, meter, number) == 0)
		return 0;
	return flow_error_int(e, OFPMMFC_INVALID_METER, "instructions.meter", meter, "a meter of the bridge",
			      "no such meter");
}

void flow_switch_group_release(struct flow_bridge *fb, uint32_t group)
{
	group_refs->release(fb, group);
}

void flow_switch_meter_release(struct flow_bridge *fb, uint32_t meter)
{
	meter_refs->release(fb, meter);
}
