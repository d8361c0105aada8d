/* SPDX-License-Identifier: BSD-3-Clause */
// flow.list, flow.stats: what is installed, and what it has counted.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_ctl.h"
#include "flow_json.h"
#include "flow_text.h"
#include "rpc.h"

#define QUERY_PARAMS                                                                                                   \
	{.name = "bridge", .type = PARAM_NAME, .help = "a bridge in mode flow; not asked where there is one"},         \
		{.name = "text",                                                                                       \
		 .type = PARAM_STRING,                                                                                 \
		 .min = 1,                                                                                             \
		 .max = FLOW_TEXT_MAX - 1,                                                                             \
		 .help = "the filter in ovs-ofctl's syntax, without actions, in place of what follows but limit"},     \
		{.name = "table", .type = PARAM_INT, .min = 0, .max = 253, .help = "all if not given"},                \
		{.name = "match", .type = PARAM_OBJECT, .help = "entries that are at least as specific"},              \
		{.name = "cookie", .type = PARAM_VALUE, .help = "of the entries, in the bits of cookie_mask"},         \
		{.name = "cookie_mask", .type = PARAM_VALUE, .help = "all bits if not given"},                         \
		{.name = "out_port", .type = PARAM_VALUE, .help = "only entries that output to this port"},            \
	{                                                                                                              \
		.name = "out_group", .type = PARAM_INT, .min = 0, .max = 0xffffffff,                                   \
		.help = "only entries that forward to this group"                                                      \
	}

// Which one is not asked where there is one.
static int bridge_read(const json_t *name, struct flow_bridge **fb, struct fault *f)
{
	if (name != NULL)
		return flow_switch_get("bridge", json_string_value(name), fb, f);
	*fb = LIST_FIRST(flow_switches());
	if (*fb == NULL)
		return fault_set(f, -ENOENT, "bridge", NULL, "a bridge in mode flow",
				 "there is no bridge in mode flow");
	if (LIST_NEXT(*fb, link) != NULL)
		return fault_set(f, -EINVAL, "bridge", NULL, "a bridge in mode flow",
				 "there are several bridges in mode flow: say which");
	return 0;
}

static int query_read(const json_t *params, struct flow_bridge **fb, struct of_flow_query *q, struct fault *f)
{
	static const char *const others[] = {"bridge", "limit", "after", "persist"};
	json_t *item = json_copy((json_t *)(uintptr_t)params);
	struct flow_error e;
	struct flow_mod m;
	int rc = bridge_read(json_object_get(params, "bridge"), fb, f);

	for (size_t i = 0; i < RTE_DIM(others); i++)
		json_object_del(item, others[i]);
	if (rc == 0) {
		rc = flow_json_mod(*fb, item, FLOW_DELETE, &m, &e);
		if (rc < 0)
			*f = e.fault;
	}
	json_decref(item);
	if (rc < 0)
		return rc;
	*q = (struct of_flow_query){.table = m.table,
				    .out_port = m.out_port,
				    .out_group = m.out_group,
				    .cookie = m.cookie,
				    .cookie_mask = m.cookie_mask,
				    .match = m.match};
	flow_mod_clear(&m);
	return 0;
}

static const struct param list_flow_params[] = {
	QUERY_PARAMS,
	{.name = "persist", .type = PARAM_BOOL, .help = "only entries that are persisted, or only those that are not"},
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = FLOW_ENTRIES_MAX,
	 .help = "only what comes after this `key` of an entry: the next page"},
	{0},
};

static json_t *text_json(const struct flow *x)
{
	struct flow_mod m;
	json_t *json;
	char *text;

	flow_as_mod(x, &m);
	text = flow_text_format(&m);
	json = text != NULL ? json_string(text) : NULL;
	free(text);
	return json;
}

static json_t *flow_json(const struct flow *x)
{
	struct of_flow o;

	flow_ctl_describe(x, &o);
	return json_pack("{s:i, s:i, s:o, s:o, s:o?, s:o, s:i, s:i, s:o, s:i, s:b, s:I, s:I, s:f, s:i}", "table",
			 o.table, "priority", o.priority, "match", flow_json_of_match(&o.match), "instructions",
			 flow_json_of_instructions(o.instructions), "text", text_json(x), "cookie",
			 flow_json_hex(o.cookie), "idle_timeout", o.idle_timeout, "hard_timeout", o.hard_timeout,
			 "flags", flow_json_of_flags(o.flags), "importance", o.importance, "persist", x->persist,
			 "packets", (json_int_t)o.packets, "bytes", (json_int_t)o.bytes, "duration",
			 (double)o.duration_ns / 1e9, "key", (int)x->number);
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *persist = json_object_get(params, "persist");
	const json_int_t limit = json_integer_value(json_object_get(params, "limit"));
	struct of_cursor at = {.at = {(uint64_t)json_integer_value(json_object_get(params, "after"))}};
	const struct flow *x;
	struct of_flow_query q;
	struct flow_bridge *fb;
	int rc = query_read(params, &fb, &q, f);

	if (rc == 0)
		rc = flow_ctl_count(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	while ((json_int_t)json_array_size(*result) < limit &&
	       (x = flow_ctl_walk(fb, &q, &at, json_is_true(persist))) != NULL)
		if (!json_is_false(persist) || !x->persist)
			json_array_append_new(*result, flow_json(x));
	return 0;
}

static const struct rpc_method method_list = {
	.name = "flow.list",
	.help = "The flow entries of a bridge that fit everything given, with their counters, which hold all packets "
		"that "
		"were processed before.",
	.params = list_flow_params,
	.result = "An array of objects: table, priority, match, instructions, text (ovs-ofctl's syntax), cookie, "
		  "idle_timeout, hard_timeout, flags, importance, persist, packets, bytes, duration (s), key (for "
		  "after).",
	.example = "{\"bridge\": \"br0\", \"table\": 0, \"limit\": 100}",
	.call = list,
};
RPC_METHOD(method_list)

static const struct param stats_params[] = {
	QUERY_PARAMS,
	{0},
};

static int stats(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct of_aggregate a;
	struct of_flow_query q;
	struct flow_bridge *fb;
	int rc = query_read(params, &fb, &q, f);

	if (rc == 0)
		rc = flow_ctl_count(f);
	if (rc < 0)
		return rc;
	flow_ctl_aggregate(fb, &q, &a);
	*result = json_pack("{s:I, s:I, s:I}", "packets", (json_int_t)a.packets, "bytes", (json_int_t)a.bytes, "flows",
			    (json_int_t)a.flows);
	return 0;
}

static const struct rpc_method method_stats = {
	.name = "flow.stats",
	.help = "The sums of the counters of all entries that fit everything given.",
	.params = stats_params,
	.result = "An object: packets, bytes, flows (how many entries).",
	.example = "{\"bridge\": \"br0\"}",
	.call = stats,
};
RPC_METHOD(method_stats)
