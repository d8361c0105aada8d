/* SPDX-License-Identifier: BSD-3-Clause */
// flow.tables, flow.table_set, flow.table_reset: how full the tables of a bridge are, and may be.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow_ctl.h"
#include "kinds.h"
#include "rpc.h"
#include "store.h"

#define KIND_NAME "flow_table"

static const struct param tables_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a bridge in mode flow"},
	{.name = "table", .type = PARAM_INT, .min = 0, .max = 253, .help = "this one alone, be it empty"},
	{0},
};

static json_t *table_json(const struct flow_bridge *fb, uint8_t table)
{
	const struct flow_count c = flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(fb->number, table));
	const struct flow_table *t = &fb->flows->table[table];

	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:b}", "table", table, "entries",
			 (json_int_t)flow_ctl_table_count(fb, table), "masks",
			 (json_int_t)(t->index != NULL ? classifier_masks(t->index) : 0), "lookups",
			 (json_int_t)c.packets, "matches", (json_int_t)c.bytes, "max_entries", (json_int_t)t->max,
			 "eviction", t->eviction);
}

static int tables(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *table = json_object_get(params, "table");
	struct flow_bridge *fb;
	int rc = flow_switch_get("bridge", json_string_value(json_object_get(params, "bridge")), &fb, f);

	if (rc == 0)
		rc = flow_ctl_count(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	for (uint8_t i = 0; i < FLOW_TABLES; i++)
		if (table != NULL ? json_integer_value(table) == i : i == 0 || flow_ctl_table_count(fb, i) > 0)
			json_array_append_new(*result, table_json(fb, i));
	return 0;
}

static const struct rpc_method method_tables = {
	.name = "flow.tables",
	.help = "The flow tables of a bridge: table 0, and those that have entries.",
	.params = tables_params,
	.result =
		"An array of objects: table, entries, masks (different ones), lookups, matches (packets), max_entries, "
		"eviction.",
	.example = "{\"bridge\": \"br0\"}",
	.call = tables,
};
RPC_METHOD(method_tables)

// --- settings --------------------------------------------------------------------------------------------------------

// What a table's settings were.
struct before {
	struct flow_table *table;
	uint32_t *configured, configured_before;
	uint32_t max;
	bool eviction;
};

static void undo(void *arg)
{
	struct before *b = arg;

	b->table->max = b->max;
	b->table->eviction = b->eviction;
	*b->configured = b->configured_before;
	free(b);
}

static int find(const json_t *params, struct flow_bridge **fb, uint8_t *table, char key[KIND_KEY_LEN], struct fault *f)
{
	int rc = flow_switch_get("bridge", json_string_value(json_object_get(params, "bridge")), fb, f);

	*table = (uint8_t)json_integer_value(json_object_get(params, "table"));
	if (rc == 0)
		snprintf(key, KIND_KEY_LEN, "%s/%u", (*fb)->bridge->name, *table);
	return rc;
}

static int change(struct txn *t, struct flow_bridge *fb, uint8_t table, uint32_t max, bool eviction, int configured,
		  struct fault *f)
{
	struct flow_table *to = &fb->flows->table[table];
	struct before *b = malloc(sizeof(*b));

	if (b == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to change table %u", table);
	*b = (struct before){to, &fb->flows->configured, fb->flows->configured, to->max, to->eviction};
	txn_undo(t, undo, free, b);
	to->max = max;
	to->eviction = eviction;
	fb->flows->configured += (uint32_t)configured;
	return 0;
}

static const struct param set_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a bridge in mode flow"},
	{.name = "table", .type = PARAM_INT, .flags = PARAM_REQUIRED, .min = 0, .max = 253, .help = "the table"},
	{.name = "max_entries",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = FLOW_ENTRIES_MAX - 1,
	 .def = "1048575",
	 .help = "entries at most; those that are there stay, be they more"},
	{.name = "eviction",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "where the table is full, the entry of the least importance makes room (of several the oldest), "
		 "unless it "
		 "is persisted or more important than the new one; else the new one is refused"},
	{0},
};

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct flow_bridge *fb;
	char key[KIND_KEY_LEN];
	uint8_t table;
	int rc = find(params, &fb, &table, key, f);

	if (rc == 0)
		rc = change(c->txn, fb, table, (uint32_t)json_integer_value(json_object_get(params, "max_entries")),
			    json_is_true(json_object_get(params, "eviction")),
			    json_object_get(store_kind(KIND_NAME), key) == NULL || c->txn->replay, f);
	if (rc == 0)
		txn_put(c->txn, KIND_NAME, key, json_deep_copy(params));
	return rc;
}

static const struct rpc_method method_set = {
	.name = "flow.table_set",
	.help = "Bounds a flow table of a bridge, and says what happens when it is full.",
	.params = set_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"table\": 0, \"max_entries\": 1000, \"eviction\": true}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static const struct param reset_params[] = {
	{.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "a bridge in mode flow"},
	{.name = "table", .type = PARAM_INT, .flags = PARAM_REQUIRED, .min = 0, .max = 253, .help = "the table"},
	{0},
};

static int reset(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct flow_bridge *fb;
	char key[KIND_KEY_LEN];
	uint8_t table;
	int rc = find(params, &fb, &table, key, f);

	if (rc == 0 && json_object_get(store_kind(KIND_NAME), key) == NULL)
		rc = rpc_fault_value(f, -ENOENT, "table", json_object_get(params, "table"), "a table with settings",
				     "table %u of bridge %s has no settings", table, fb->bridge->name);
	if (rc == 0)
		rc = change(c->txn, fb, table, FLOW_ENTRIES_MAX - 1, false, -1, f);
	if (rc == 0)
		txn_del(c->txn, KIND_NAME, key);
	return rc;
}

static const struct rpc_method method_reset = {
	.name = "flow.table_reset",
	.help = "Takes back what flow.table_set said of a table.",
	.params = reset_params,
	.result = "true.",
	.example = "{\"bridge\": \"br0\", \"table\": 0}",
	.flags = RPC_CHANGES,
	.call = reset,
};
RPC_METHOD(method_reset)

static const char *const key_fields[] = {"bridge", "table", NULL};
static const struct kind_ref refs[] = {{.field = "bridge", .kind = "bridge"}, {0}};

static const struct kind kind_flow_table = {
	.name = KIND_NAME,
	.plural = "flow_tables",
	.order = 45,
	.add = "flow.table_set",
	.del = "flow.table_reset",
	.set = NULL,
	.key = key_fields,
	.refs = refs,
};
KIND(kind_flow_table)
