/* SPDX-License-Identifier: BSD-3-Clause */
// flow.add, flow.mod, flow.del, flow.set, flow.flush. flow.list and flow.tables are in rpc_flow_list.c.
#include <errno.h>

#include "flow_change.h"
#include "flow_ctl.h"
#include "flow_json.h"
#include "flow_store.h"
#include "flow_text.h"
#include "kinds.h"
#include "rpc.h"

#define FLOWS_MAX (FLOW_ENTRIES_MAX - 1)

static const char *const flags[] = {"send_flow_rem", "check_overlap", "reset_counts",
				    "no_pkt_counts", "no_byt_counts", NULL};

#define BRIDGE_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a bridge in mode flow"         \
	}
#define NUMBER(n, to, text)                                                                                            \
	{                                                                                                              \
		.name = n, .type = PARAM_INT, .min = 0, .max = to, .help = text                                        \
	}
#define TEXT_PARAM(what)                                                                                               \
	{                                                                                                              \
		.name = "text", .type = PARAM_STRING, .min = 1, .max = FLOW_TEXT_MAX - 1, .help = what                 \
	}
#define MATCH_PARAM(what)                                                                                              \
	{                                                                                                              \
		.name = "match", .type = PARAM_OBJECT, .help = what                                                    \
	}

static const struct param flow_items[] = {
	TEXT_PARAM("the whole entry in ovs-ofctl's syntax, in place of all else: "
		   "\"priority=100,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2\""),
	NUMBER("table", 253, "0 if not given"),
	NUMBER("priority", 65535, "32768 if not given"),
	MATCH_PARAM("from OXM field to a number or \"VALUE[/MASK]\": {\"eth_type\": 2048, \"ipv4_dst\": "
		    "\"10.0.0.0/8\"}; prerequisites in any order; vlan_vid has 4096 for a tag that is there"),
	{.name = "actions",
	 .type = PARAM_VALUE,
	 .help = "an array: {\"type\": \"output\", \"port\": 2}, {\"type\": \"set_field\", \"field\": \"eth_dst\", "
		 "\"value\": \"02:00:00:00:00:01\"}, group {group}, push_vlan {ethertype}, pop_vlan, dec_nw_ttl, ...; "
		 "short for instructions of apply_actions alone"},
	{.name = "instructions",
	 .type = PARAM_OBJECT,
	 .help = "any of meter, apply_actions, clear_actions (true), write_actions, write_metadata (VALUE[/MASK]), "
		 "goto_table; without instructions and actions packets are dropped"},
	{.name = "cookie", .type = PARAM_VALUE, .help = "64 bits, a number or \"0x...\""},
	{.name = "idle_timeout", .type = PARAM_INT, .min = 0, .max = 65535, .unit = "s", .help = "0: none"},
	{.name = "hard_timeout", .type = PARAM_INT, .min = 0, .max = 65535, .unit = "s", .help = "0: none"},
	{.name = "flags", .type = PARAM_STRINGS, .choices = flags, .help = "OFPFF_*, in small letters"},
	NUMBER("importance", 65535, "the less, the sooner it makes room in a full table with eviction"),
	{0},
};

#define FLOWS_PARAM(text)                                                                                              \
	{                                                                                                              \
		.name = "flows", .type = PARAM_OBJECTS, .flags = PARAM_REQUIRED, .max = FLOWS_MAX,                     \
		.items = flow_items, .help = text                                                                      \
	}

static int get(const json_t *params, struct flow_bridge **fb, struct fault *f)
{
	return flow_switch_get("bridge", json_string_value(json_object_get(params, "bridge")), fb, f);
}

// --- what is told ----------------------------------------------------------------------------------------------------

static void event_done(void *arg)
{
	event_send("flow", "changed", arg);
}

static void event_drop(void *arg)
{
	json_decref(arg);
}

static json_t *done_json(const struct flow_done *d)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)d->added, "replaced",
			 (json_int_t)d->replaced, "modified", (json_int_t)d->modified, "removed",
			 (json_int_t)d->removed, "evicted", (json_int_t)d->evicted);
}

static json_t *finish(struct rpc_call *c, const struct flow_bridge *fb, const struct flow_done *d)
{
	json_t *data;

	if (event_wanted("flow") && d->added + d->replaced + d->modified + d->removed > 0) {
		data = done_json(d);
		json_object_set_new(data, "bridge", json_string(fb->bridge->name));
		txn_done(c->txn, event_done, event_drop, data);
	}
	return done_json(d);
}

static void flow_removed(struct flow_bridge *fb, const struct of_flow_removed *r)
{
	static const char *const reasons[] = {"idle_timeout", "hard_timeout", "delete", "group_delete"};
	json_t *data;

	if (!event_wanted("flow"))
		return;
	data = json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:I, s:I, s:f}", "bridge", fb->bridge->name, "reason",
			 reasons[r->reason], "table", r->flow.table, "priority", r->flow.priority, "match",
			 flow_json_of_match(&r->flow.match), "cookie", flow_json_hex(r->flow.cookie), "packets",
			 (json_int_t)r->flow.packets, "bytes", (json_int_t)r->flow.bytes, "duration",
			 (double)r->flow.duration_ns / 1e9);
	event_send("flow", "removed", data);
}

static struct flow_listener listener = {.flow_removed = flow_removed};

__attribute__((constructor)) static void flow_listen(void)
{
	flow_switch_listen(&listener);
}

// --- changes ---------------------------------------------------------------------------------------------------------

static int run_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, enum flow_command command,
		   bool persist, struct flow_done *done, struct flow_error *e)
{
	struct flow_mod m;
	int rc = flow_json_mod(fb, item, command, &m, e);

	if (rc < 0)
		return rc;
	rc = flow_ctl_mod(c->txn, fb, &m, persist, done, e);
	flow_mod_clear(&m);
	return rc;
}

static int run_all(struct rpc_call *c, const json_t *params, enum flow_command command, json_t **result,
		   struct fault *f)
{
	const bool persist = json_is_true(json_object_get(params, "persist"));
	const json_t *flows = json_object_get(params, "flows"), *item;
	struct flow_done done = {.added = 0};
	struct flow_bridge *fb;
	struct flow_error e;
	size_t i;
	int rc = get(params, &fb, f);

	if (rc < 0)
		return rc;
	json_array_foreach (flows, i, item) {
		rc = run_one(c, fb, item, command, persist, &done, &e);
		if (rc < 0) {
			*f = e.fault;
			rpc_fault_prefix(f, "flows[%zu]", i);
			return rc;
		}
	}
	*result = finish(c, fb, &done);
	return 0;
}

static const struct param add_params[] = {
	BRIDGE_PARAM,
	FLOWS_PARAM("the entries; one of the same table, priority and match is replaced, and its counters kept"),
	{.name = "persist",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "part of the desired state: survives a restart, and is in config.get; not with timeouts"},
	{0},
};

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return run_all(c, params, FLOW_ADD, result, f);
}

#define DONE_RESULT "An object: added, replaced, modified, removed, evicted (how many entries)."

static const struct rpc_method method_add = {
	.name = "flow.add",
	.help = "Adds entries to the flow tables of a bridge, all or none, as OpenFlow's flow-mods do.",
	.params = add_params,
	.result = DONE_RESULT,
	.example = "{\"bridge\": \"br0\", \"flows\": [{\"priority\": 100, \"match\": {\"eth_type\": 2048, "
		   "\"ipv4_dst\": \"10.0.0.0/8\"}, \"actions\": [{\"type\": \"dec_nw_ttl\"}, {\"type\": \"output\", "
		   "\"port\": 2}]}, {\"text\": \"priority=0,actions=NORMAL\"}]}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param mod_params[] = {
	BRIDGE_PARAM,
	FLOWS_PARAM("what is to be modified, and the instructions that it shall have; a cookie is a filter"),
	{.name = "strict",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "only the entries of exactly these matches and priorities"},
	{0},
};

static int mod(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const bool strict = json_is_true(json_object_get(params, "strict"));

	return run_all(c, params, strict ? FLOW_MODIFY_STRICT : FLOW_MODIFY, result, f);
}

static const struct rpc_method method_mod = {
	.name = "flow.mod",
	.help = "Gives other instructions to all entries that are at least as specific as a match, all or none; "
		"counters "
		"(unless reset_counts is asked for), cookies and timeouts stay.",
	.params = mod_params,
	.result = DONE_RESULT,
	.example = "{\"bridge\": \"br0\", \"flows\": [{\"match\": {\"eth_type\": 2048}, \"actions\": []}]}",
	.flags = RPC_CHANGES,
	.call = mod,
};
RPC_METHOD(method_mod)

static const struct param del_params[] = {
	BRIDGE_PARAM,
	TEXT_PARAM("what is to be deleted in ovs-ofctl's syntax, without actions, in place of all else but strict"),
	NUMBER("table", 253, "all if not given"),
	NUMBER("priority", 65535, "with strict; 32768 if not given"),
	MATCH_PARAM("entries that are at least as specific; all if not given"),
	{.name = "strict", .type = PARAM_BOOL, .def = "false", .help = "only the entry of this match and priority"},
	{.name = "cookie", .type = PARAM_VALUE, .help = "of the entries, in the bits of cookie_mask"},
	{.name = "cookie_mask", .type = PARAM_VALUE, .help = "all bits if not given"},
	{.name = "out_port", .type = PARAM_VALUE, .help = "only entries that output to this port"},
	NUMBER("out_group", 0xffffffff, "only entries that forward to this group"),
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const bool strict = json_is_true(json_object_get(params, "strict"));
	json_t *item = json_copy((json_t *)(uintptr_t)params);
	struct flow_done done = {.added = 0};
	struct flow_bridge *fb;
	struct flow_error e;
	int rc = get(params, &fb, f);

	if (rc == 0) {
		json_object_del(item, "bridge");
		json_object_del(item, "strict");
		rc = run_one(c, fb, item, strict ? FLOW_DELETE_STRICT : FLOW_DELETE, false, &done, &e);
		if (rc < 0)
			*f = e.fault;
	}
	json_decref(item);
	if (rc == 0)
		*result = finish(c, fb, &done);
	return rc;
}

static const struct rpc_method method_del = {
	.name = "flow.del",
	.help = "Deletes all entries of a bridge that fit everything given.",
	.params = del_params,
	.result = DONE_RESULT,
	.example = "{\"bridge\": \"br0\", \"table\": 0, \"match\": {\"eth_type\": 2048}}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

// --- desired state ---------------------------------------------------------------------------------------------------

static int del_persisted(struct rpc_call *c, struct flow_bridge *fb, const uint8_t *keep, struct flow_done *done,
			 struct flow_error *e)
{
	const struct of_flow_query q = flow_ctl_all();
	struct of_cursor at = {.at = {0}};
	const struct flow *x;
	int rc = 0;

	flow_change_begin(c->txn, fb);
	while (rc == 0 && (x = flow_ctl_walk(fb, &q, &at, true)) != NULL) {
		if (keep != NULL && keep[x->number / 8] >> x->number % 8 & 1)
			continue;
		rc = flow_change_del((struct flow *)(uintptr_t)x, FLOW_REMOVED_DELETE, e);
		done->removed += rc == 0;
	}
	flow_change_end(c->txn);
	return rc;
}

// An entry that is there as it is asked for stays; its counters and its time with it.
static bool is_there(const struct flow *x, const struct flow_mod *m)
{
	return x != NULL && x->persist && x->cookie == m->cookie && x->flags == m->flags &&
	       x->importance == m->importance && flow_instructions_equal(&x->instructions, &m->instructions);
}

static int set_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, uint8_t *keep,
		   struct flow_done *done, struct flow_error *e)
{
	const struct flow *x = NULL;
	struct flow_mod m;
	int rc = flow_json_mod(fb, item, FLOW_ADD, &m, e);

	if (rc < 0)
		return rc;
	if (m.table < FLOW_TABLES)
		x = flow_index_find(fb, m.table, &m.match, m.priority);
	if (!is_there(x, &m) || m.idle_timeout || m.hard_timeout)
		rc = flow_ctl_mod(c->txn, fb, &m, true, done, e);
	if (rc == 0) {
		x = flow_index_find(fb, m.table, &m.match, m.priority);
		keep[x->number / 8] |= (uint8_t)(1u << x->number % 8);
	}
	flow_mod_clear(&m);
	return rc;
}

static const struct param set_params[] = {
	BRIDGE_PARAM,
	FLOWS_PARAM("all the persisted entries that the bridge shall have"),
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *flows = json_object_get(params, "flows"), *item;
	uint8_t *keep = calloc(1, FLOW_ENTRIES_MAX / 8);
	struct flow_done done = {.added = 0};
	struct flow_bridge *fb;
	struct flow_error e;
	size_t i;
	int rc = keep != NULL ? get(params, &fb, f) : fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory");

	if (rc < 0)
		goto out;
	json_array_foreach (flows, i, item) {
		rc = set_one(c, fb, item, keep, &done, &e);
		if (rc < 0) {
			*f = e.fault;
			rpc_fault_prefix(f, "flows[%zu]", i);
			goto out;
		}
	}
	rc = del_persisted(c, fb, keep, &done, &e);
	if (rc < 0)
		*f = e.fault;
	else
		*result = finish(c, fb, &done);
out:
	free(keep);
	return rc;
}

static const struct rpc_method method_set = {
	.name = "flow.set",
	.help = "Makes the persisted entries of a bridge exactly these: adds, replaces and removes what differs, as "
		"one "
		"change. Others stay.",
	.params = set_params,
	.result = DONE_RESULT,
	.example = "{\"bridge\": \"br0\", \"flows\": [{\"text\": \"priority=0,actions=NORMAL\"}]}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static const struct param flush_params[] = {BRIDGE_PARAM, {0}};

static int flush(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct flow_done done = {.added = 0};
	struct flow_bridge *fb;
	struct flow_error e;
	int rc = get(params, &fb, f);

	if (rc < 0)
		return rc;
	rc = del_persisted(c, fb, NULL, &done, &e);
	if (rc < 0)
		*f = e.fault;
	else
		*result = finish(c, fb, &done);
	return rc;
}

static const struct rpc_method method_flush = {
	.name = "flow.flush",
	.help = "Deletes all persisted entries of a bridge.",
	.params = flush_params,
	.result = DONE_RESULT,
	.example = "{\"bridge\": \"br0\"}",
	.flags = RPC_CHANGES,
	.call = flush,
};
RPC_METHOD(method_flush)

static const char *const key[] = {"bridge", NULL};
static const struct kind_ref refs[] = {{.field = "bridge", .kind = "bridge"}, {0}};

// One object for each bridge that has persisted entries.
static const struct kind kind_flow = {
	.name = "flow",
	.plural = "flows",
	.order = 50,
	.add = "flow.set",
	.del = "flow.flush",
	.set = "flow.set",
	.key = key,
	.refs = refs,
	.objects = flow_store_objects,
	.restore = flow_store_restore,
};
KIND(kind_flow)
