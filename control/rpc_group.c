/* SPDX-License-Identifier: BSD-3-Clause */
// group.add, group.mod, group.del, group.list.
#include "rpc_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "flow_ctl.h"
#include "flow_json.h"
#include "flow_text.h"
#include "group_live.h"
#include "kinds.h"

static const char *const types[] = {"all", "select", "indirect", "ff", NULL};

static const struct param bucket_items[] = {
	{.name = "weight",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = UINT16_MAX,
	 .help = "of select groups: its share of the flows; 1 if not given"},
	{.name = "watch_port", .type = PARAM_VALUE, .help = "alive while this port is up: its number, or its name"},
	{.name = "watch_group",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = FLOW_GROUP_MAX,
	 .help = "alive while this group has a bucket that is"},
	{.name = "actions", .type = PARAM_VALUE, .help = "an array, as in flow.add"},
	{0},
};

#define GROUP_ITEMS                                                                                                    \
	{.name = "group", .type = PARAM_INT, .min = 0, .max = FLOW_GROUP_MAX, .help = "its number"},                   \
		{.name = "type",                                                                                       \
		 .type = PARAM_ENUM,                                                                                   \
		 .choices = types,                                                                                     \
		 .help = "all buckets, one that is selected by the flow, the only one, or the first that is alive"},   \
		{.name = "buckets",                                                                                    \
		 .type = PARAM_OBJECTS,                                                                                \
		 .max = GROUP_BUCKETS_MAX,                                                                             \
		 .items = bucket_items,                                                                                \
		 .help = "lists of actions; none drops"},                                                              \
	{                                                                                                              \
		.name = "text", .type = PARAM_STRING, .min = 1, .max = FLOW_TEXT_MAX - 1,                              \
		.help = "instead of type and buckets, in ovs-ofctl's words: "                                          \
			"\"group_id=1,type=select,bucket=weight:2,output:1,bucket=output:2\""                          \
	}

static const struct param group_items[] = {GROUP_ITEMS, {0}};

#define BRIDGE_PARAM(required, text)                                                                                   \
	{                                                                                                              \
		.name = "bridge", .type = PARAM_NAME, .flags = required, .help = text                                  \
	}

// --- one or many -----------------------------------------------------------------------------------------------------

int rpc_group_bridge(const json_t *params, struct flow_bridge **fb, struct fault *f)
{
	return flow_switch_get("bridge", json_string_value(json_object_get(params, "bridge")), fb, f);
}

int rpc_group_each(const json_t *params, const char *plural,
		   int (*fn)(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist,
			     struct flow_error *e),
		   struct rpc_call *c, struct fault *f)
{
	const bool persist = json_is_true(json_object_get(params, "persist"));
	const json_t *array = json_object_get(params, plural), *item;
	struct flow_error e = {.type = 0};
	struct flow_bridge *fb;
	size_t i;
	int rc = rpc_group_bridge(params, &fb, f);

	if (rc < 0)
		return rc;
	if (array == NULL)
		rc = fn(c, fb, params, persist, &e);
	json_array_foreach (array, i, item) {
		rc = fn(c, fb, item, persist, &e);
		if (rc < 0) {
			rpc_fault_prefix(&e.fault, "%s[%zu]", plural, i);
			break;
		}
	}
	if (rc < 0)
		*f = e.fault;
	return rc;
}

json_t *rpc_group_counter(struct of_counter n)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)n.packets, "bytes", (json_int_t)n.bytes);
}

// --- reading ---------------------------------------------------------------------------------------------------------

static int bucket_read(const struct flow_bridge *fb, const json_t *in, struct group_mod *m, struct flow_error *e)
{
	const json_t *weight = json_object_get(in, "weight"), *port = json_object_get(in, "watch_port");
	const json_t *group = json_object_get(in, "watch_group"), *actions = json_object_get(in, "actions");
	struct group_bucket *b = group_mod_add(m);
	int rc = 0;

	if (b == NULL)
		return flow_error_set(e, OFPGMFC_OUT_OF_BUCKETS, NULL, NULL, NULL, "no memory for the buckets");
	b->weight = weight != NULL ? (uint16_t)json_integer_value(weight) : m->type == GROUP_SELECT;
	if (group != NULL)
		b->watch_group = (uint32_t)json_integer_value(group);
	if (port != NULL)
		rc = flow_json_port(fb, port, "watch_port", &b->watch_port, e);
	if (rc == 0 && actions != NULL)
		rc = flow_json_actions(fb, actions, "actions", &b->actions, e);
	return rc;
}

static int members_read(const struct flow_bridge *fb, const json_t *in, struct group_mod *m, struct flow_error *e)
{
	const char *type = json_string_value(json_object_get(in, "type"));
	const json_t *buckets = json_object_get(in, "buckets"), *bucket;
	size_t i;
	int rc;

	if (type == NULL)
		return flow_error_set(e, OFPGMFC_BAD_TYPE, "type", NULL, "all, select, indirect, ff; or a text",
				      "a group has a type");
	while (strcmp(types[m->type], type) != 0)
		m->type++;
	json_array_foreach (buckets, i, bucket) {
		rc = bucket_read(fb, bucket, m, e);
		if (rc < 0) {
			rpc_fault_prefix(&e->fault, "buckets[%zu]", i);
			return rc;
		}
	}
	return group_mod_check(m, e);
}

static int group_read(const struct flow_bridge *fb, const json_t *in, enum group_command command, struct group_mod *m,
		      struct flow_error *e)
{
	const json_t *number = json_object_get(in, "group");
	const char *text = json_string_value(json_object_get(in, "text"));
	int rc;

	if (text != NULL) {
		flow_json_names(fb);
		rc = group_text_parse(text, command, m, e);
		flow_json_names(NULL);
		if (rc == 0 && number != NULL && (uint32_t)json_integer_value(number) != m->group) {
			rc = flow_error_int(e, OFPGMFC_INVALID_GROUP, "group", (uint64_t)json_integer_value(number),
					    "the group_id of the text", "group and text have different numbers");
			group_mod_clear(m);
		}
		return rc;
	}
	if (number == NULL)
		return flow_error_set(e, OFPGMFC_INVALID_GROUP, "group", NULL, "a number", "a group has a number");
	*m = (struct group_mod){.command = (uint16_t)command, .group = (uint32_t)json_integer_value(number)};
	rc = members_read(fb, in, m, e);
	if (rc < 0)
		group_mod_clear(m);
	return rc;
}

// --- methods ---------------------------------------------------------------------------------------------------------

static const struct param add_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge, of mode flow"),
	{.name = "groups",
	 .type = PARAM_OBJECTS,
	 .max = GROUPS_MAX,
	 .items = group_items,
	 .help = "the groups; one alone may stand in their place"},
	GROUP_ITEMS,
	{.name = "persist",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "survives a restart, and is in config.get; groups that it leads to must, too"},
	{0},
};

static int change_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, enum group_command command,
		      bool persist, struct flow_error *e)
{
	struct group_mod m;
	int rc = group_read(fb, item, command, &m, e);

	if (rc < 0)
		return rc;
	rc = group_change(c->txn, fb, &m, persist, e);
	group_mod_clear(&m);
	return rc;
}

// Groups that lead to others may come before these: in one call, and, as desired state has no order, in all of a
// restart or of config.apply. Those wait here until the end of the call, or of the transaction.
struct waiting {
	STAILQ_ENTRY(waiting) link;
	struct flow_bridge *fb;
	json_t *item;
	bool persist;
	struct flow_error e;
};

static STAILQ_HEAD(, waiting) waiting = STAILQ_HEAD_INITIALIZER(waiting);

static void waiting_free(struct waiting *w)
{
	json_decref(w->item);
	free(w);
}

static void waiting_clear(void *arg)
{
	struct waiting *w;

	while ((w = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, link);
		waiting_free(w);
	}
}

// The first one that was in vain.
static int waiting_check(void *arg, struct fault *f)
{
	if (STAILQ_EMPTY(&waiting))
		return 0;
	*f = STAILQ_FIRST(&waiting)->e.fault;
	return f->err;
}

static int wait_for_others(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist,
			   const struct flow_error *e)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return e->fault.err;
	*w = (struct waiting){.fb = fb, .item = json_incref((json_t *)(uintptr_t)item), .persist = persist, .e = *e};
	if (STAILQ_EMPTY(&waiting)) {
		txn_verify(c->txn, waiting_check, NULL);
		txn_undo(c->txn, waiting_clear, waiting_clear, NULL);
	}
	STAILQ_INSERT_TAIL(&waiting, w, link);
	return 0;
}

static bool leads_nowhere(const struct flow_error *e)
{
	const uint32_t what = (uint32_t)e->type << 16 | e->code;

	return what == OFPBAC_BAD_OUT_GROUP || what == OFPGMFC_BAD_WATCH;
}

// Adds those that can be added now, until none is left that can.
static void waiting_retry(struct rpc_call *c)
{
	bool added = true;

	while (added) {
		struct waiting *w, *next;

		added = false;
		for (w = STAILQ_FIRST(&waiting); w != NULL; w = next) {
			next = STAILQ_NEXT(w, link);
			if (change_one(c, w->fb, w->item, GROUP_ADD, w->persist, &w->e) < 0)
				continue;
			STAILQ_REMOVE(&waiting, w, waiting, link);
			waiting_free(w);
			added = true;
		}
	}
}

static int add_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist, struct flow_error *e)
{
	// An array may have any order; an object of the desired state has "persist" beside it.
	const bool may_wait = persist || json_object_get(item, "bridge") == NULL;
	int rc = change_one(c, fb, item, GROUP_ADD, persist, e);

	if (rc < 0 && may_wait && leads_nowhere(e))
		return wait_for_others(c, fb, item, persist, e);
	if (rc == 0 && !STAILQ_EMPTY(&waiting))
		waiting_retry(c);
	return rc;
}

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	int rc = rpc_group_each(params, "groups", add_one, c, f);

	return rc == 0 && json_object_get(params, "groups") != NULL ? waiting_check(NULL, f) : rc;
}

static const struct rpc_method method_add = {
	.name = "group.add",
	.help = "Adds groups to a bridge of mode flow, all or none: lists of actions that flow entries share.",
	.params = add_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"groups\": [{\"group\": 1, \"type\": \"select\", \"buckets\": "
		   "[{\"weight\": 2, \"actions\": [{\"type\": \"output\", \"port\": 1}]}]}]}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param mod_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{.name = "groups",
	 .type = PARAM_OBJECTS,
	 .max = GROUPS_MAX,
	 .items = group_items,
	 .help = "the groups; one alone may stand in their place"},
	GROUP_ITEMS,
	{0},
};

static int mod_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist, struct flow_error *e)
{
	return change_one(c, fb, item, GROUP_MODIFY, persist, e);
}

static int mod(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return rpc_group_each(params, "groups", mod_one, c, f);
}

static const struct rpc_method method_mod = {
	.name = "group.mod",
	.help = "Gives groups another type and other buckets, all or none, while packets go through them: flows of a "
		"select group stay with their bucket where weights allow it.",
	.params = mod_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"group\": 1, \"type\": \"all\", \"buckets\": []}",
	.flags = RPC_CHANGES,
	.call = mod,
};
RPC_METHOD(method_mod)

static const struct param del_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{.name = "group", .type = PARAM_INT, .min = 0, .max = FLOW_GROUP_MAX, .help = "the group; all if not given"},
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *number = json_object_get(params, "group");
	struct group_mod m = {.command = GROUP_DELETE, .group = FLOW_GROUP_ALL};
	struct flow_error e;
	struct flow_bridge *fb;
	int rc = rpc_group_bridge(params, &fb, f);

	if (rc < 0)
		return rc;
	if (number != NULL) {
		m.group = (uint32_t)json_integer_value(number);
		if (fb->groups == NULL || group_find(fb->groups, m.group) == NULL)
			return rpc_fault_value(f, -ENOENT, "group", number, "a group that is there",
					       "bridge %s has no such group", fb->bridge->name);
	}
	rc = group_change(c->txn, fb, &m, false, &e);
	if (rc < 0)
		*f = e.fault;
	return rc;
}

static const struct rpc_method method_del = {
	.name = "group.del",
	.help = "Removes a group that no other leads to, or all groups, with the flow entries that forward to them.",
	.params = del_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"group\": 1}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param list_group_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{.name = "group", .type = PARAM_INT, .min = 0, .max = FLOW_GROUP_MAX, .help = "only this group"},
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = FLOW_GROUP_MAX,
	 .help = "only groups with higher numbers: the next page"},
	{0},
};

static json_t *buckets_json(const struct group_obj *g)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < g->mod.nbuckets; i++) {
		const struct group_bucket *b = &g->mod.buckets[i];
		json_t *o = rpc_group_counter(group_counted(g, 1 + i));

		if (g->mod.type == GROUP_SELECT)
			json_object_set_new(o, "weight", json_integer(b->weight));
		if (group_bucket_watches(b) && b->watch_port != FLOW_PORT_ANY)
			json_object_set_new(o, "watch_port", json_integer(b->watch_port));
		if (group_bucket_watches(b) && b->watch_group != FLOW_GROUP_ANY)
			json_object_set_new(o, "watch_group", json_integer(b->watch_group));
		json_object_set_new(o, "actions", flow_json_of_actions(&b->actions));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *group_json(const struct flow_bridge *fb, const struct group_obj *g)
{
	json_t *o = rpc_group_counter(group_counted(g, 0));
	char *text = group_text_format(&g->mod);

	json_object_update_new(o,
			       json_pack("{s:I, s:s, s:o, s:s?, s:i, s:b, s:f}", "group", (json_int_t)g->number, "type",
					 types[g->mod.type], "buckets", buckets_json(g), "text", text, "references",
					 (int)(g->flows + g->groups), "persist", group_persisted(fb, g->number),
					 "duration", (double)(flow_now_ns() - g->created_ns) / 1e9));
	free(text);
	return o;
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *only = json_object_get(params, "group"), *after = json_object_get(params, "after");
	const size_t limit = (size_t)json_integer_value(json_object_get(params, "limit"));
	uint64_t next = after != NULL ? (uint64_t)json_integer_value(after) + 1 : 0;
	const struct group_obj *g;
	struct flow_bridge *fb;
	int rc = rpc_group_bridge(params, &fb, f);

	if (rc == 0)
		rc = flow_ctl_count(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	if (only != NULL)
		next = (uint64_t)json_integer_value(only);
	while (fb->groups != NULL && json_array_size(*result) < limit &&
	       (g = numbers_from(&fb->groups->groups, next)) != NULL && (only == NULL || g->number == next)) {
		json_array_append_new(*result, group_json(fb, g));
		next = only != NULL ? UINT64_MAX : (uint64_t)g->number + 1;
	}
	return 0;
}

static const struct rpc_method method_list = {
	.name = "group.list",
	.help = "The groups of a bridge by number, with what they have counted.",
	.params = list_group_params,
	.result =
		"An array of objects: group, type, buckets (weight, watch_port, watch_group, actions, packets, bytes), "
		"text "
		"(ovs-ofctl's syntax), references (flow entries and groups that lead to it), persist, duration (s), "
		"packets, bytes.",
	.example = "{\"bridge\": \"flow0\"}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"bridge", "group", NULL};
static const struct kind_ref refs[] = {{.field = "bridge", .kind = "bridge"}, {0}};

static const struct kind kind_group = {
	.name = "group",
	.plural = "groups",
	.order = 42,
	.add = "group.add",
	.del = "group.del",
	.set = "group.mod",
	.key = key,
	.refs = refs,
};
KIND(kind_group)
