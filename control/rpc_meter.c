/* SPDX-License-Identifier: BSD-3-Clause */
// meter.add, meter.mod, meter.del, meter.list.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_ctl.h"
#include "flow_json.h"
#include "flow_text.h"
#include "group_live.h"
#include "kinds.h"
#include "rpc_group.h"

static const char *const flags[] = {"kbps", "pktps", "burst", "stats", NULL}; // METER_*, by bit
static const char *const band_types[] = {"drop", "dscp_remark", NULL};        // METER_DROP and so on

static const struct param band_items[] = {
	{.name = "type",
	 .type = PARAM_ENUM,
	 .flags = PARAM_REQUIRED,
	 .choices = band_types,
	 .help = "what happens to packets beyond the rate: they are dropped, or get a higher drop precedence"},
	{.name = "rate",
	 .type = PARAM_INT,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = UINT32_MAX,
	 .help = "kbit/s, or packets/s with the flag pktps"},
	{.name = "burst_size",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = UINT32_MAX,
	 .help = "kbit, or packets, that pass at once; with the flag burst"},
	{.name = "prec_level",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 3,
	 .help = "of dscp_remark: by how much the drop precedence rises"},
	{0},
};

#define METER_PARAM(text)                                                                                              \
	{                                                                                                              \
		.name = "meter", .type = PARAM_VALUE, .help = text                                                     \
	}
#define METER_ITEMS                                                                                                    \
	METER_PARAM("its number, or \"controller\": the meter of all packets to controllers"),                         \
		{.name = "flags",                                                                                      \
		 .type = PARAM_STRINGS,                                                                                \
		 .choices = flags,                                                                                     \
		 .help = "kbps (if there is neither) or pktps: the unit of rates; burst: bands have a burst_size"},    \
		{.name = "bands",                                                                                      \
		 .type = PARAM_OBJECTS,                                                                                \
		 .max = METER_BANDS_MAX,                                                                               \
		 .items = band_items,                                                                                  \
		 .help = "of those whose rate is exceeded, the one of the highest rate has its way"},                  \
	{                                                                                                              \
		.name = "text", .type = PARAM_STRING, .min = 1, .max = FLOW_TEXT_MAX - 1,                              \
		.help = "instead of flags and bands, in ovs-ofctl's words: "                                           \
			"\"meter=1,pktps,burst,band=type=drop,rate=1000,burst_size=100\""                              \
	}

static const struct param meter_items[] = {METER_ITEMS, {0}};

#define BRIDGE_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "bridge", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the bridge, of mode flow"      \
	}

// --- reading ---------------------------------------------------------------------------------------------------------

static int number_read(const json_t *in, uint32_t *meter, struct flow_error *e)
{
	uint64_t number = 0;
	int rc;

	if (json_is_string(in) && strcmp(json_string_value(in), "controller") == 0) {
		*meter = FLOW_METER_CONTROLLER;
		return 0;
	}
	rc = flow_json_number(in, "meter", FLOW_METER_MAX, &number, e);
	*meter = (uint32_t)number;
	return rc;
}

static void members_read(const json_t *in, struct meter_mod *m)
{
	const json_t *array = json_object_get(in, "flags"), *item;
	size_t i;

	json_array_foreach (array, i, item)
		for (uint16_t bit = 0; flags[bit] != NULL; bit++)
			if (strcmp(flags[bit], json_string_value(item)) == 0)
				m->flags |= (uint16_t)(1u << bit);
	if ((m->flags & (METER_KBPS | METER_PKTPS)) == 0)
		m->flags |= METER_KBPS;
	array = json_object_get(in, "bands");
	json_array_foreach (array, i, item) {
		const char *type = json_string_value(json_object_get(item, "type"));

		m->bands[m->nbands++] = (struct meter_band){
			.type = strcmp(type, band_types[0]) == 0 ? METER_DROP : METER_DSCP_REMARK,
			.prec_level = (uint8_t)json_integer_value(json_object_get(item, "prec_level")),
			.rate = (uint32_t)json_integer_value(json_object_get(item, "rate")),
			.burst = (uint32_t)json_integer_value(json_object_get(item, "burst_size"))};
	}
}

static int meter_read(const json_t *in, enum meter_command command, struct meter_mod *m, struct flow_error *e)
{
	const json_t *number = json_object_get(in, "meter");
	const char *text = json_string_value(json_object_get(in, "text"));
	uint32_t meter = 0;
	int rc = number != NULL ? number_read(number, &meter, e) : 0;

	if (rc < 0)
		return rc;
	if (text != NULL) {
		rc = meter_text_parse(text, command, m, e);
		if (rc == 0 && number != NULL && meter != m->meter)
			rc = flow_error_int(e, OFPMMFC_INVALID_METER, "meter", meter, "the meter of the text",
					    "meter and text have different numbers");
		return rc;
	}
	if (number == NULL)
		return flow_error_set(e, OFPMMFC_INVALID_METER, "meter", NULL, "a number, or \"controller\"",
				      "a meter has a number");
	*m = (struct meter_mod){.command = (uint16_t)command, .meter = meter};
	members_read(in, m);
	return meter_mod_check(m, e);
}

// --- methods ---------------------------------------------------------------------------------------------------------

#define METERS_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "meters", .type = PARAM_OBJECTS, .max = METERS_MAX, .items = meter_items,                      \
		.help = "the meters; one alone may stand in their place"                                               \
	}

static const struct param add_params[] = {
	BRIDGE_PARAM,
	METERS_PARAM,
	METER_ITEMS,
	{.name = "persist", .type = PARAM_BOOL, .def = "false", .help = "survives a restart, and is in config.get"},
	{0},
};

static int change_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, enum meter_command command,
		      bool persist, struct flow_error *e)
{
	struct meter_mod m;
	int rc = meter_read(item, command, &m, e);

	return rc < 0 ? rc : meter_change(c->txn, fb, &m, persist, e);
}

static int add_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist, struct flow_error *e)
{
	return change_one(c, fb, item, METER_ADD, persist, e);
}

static int add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return rpc_group_each(params, "meters", add_one, c, f);
}

static const struct rpc_method method_add = {
	.name = "meter.add",
	.help = "Adds meters to a bridge of mode flow, all or none: rates that flow entries may not exceed together.",
	.params = add_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"meter\": 1, \"flags\": [\"pktps\"], \"bands\": [{\"type\": \"drop\", "
		   "\"rate\": 1000}]}",
	.flags = RPC_CHANGES,
	.call = add,
};
RPC_METHOD(method_add)

static const struct param mod_params[] = {BRIDGE_PARAM, METERS_PARAM, METER_ITEMS, {0}};

static int mod_one(struct rpc_call *c, struct flow_bridge *fb, const json_t *item, bool persist, struct flow_error *e)
{
	return change_one(c, fb, item, METER_MODIFY, persist, e);
}

static int mod(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return rpc_group_each(params, "meters", mod_one, c, f);
}

static const struct rpc_method method_mod = {
	.name = "meter.mod",
	.help = "Gives meters other flags and bands, all or none. They count on, their bands from zero.",
	.params = mod_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"meter\": 1, \"flags\": [\"pktps\"], \"bands\": [{\"type\": \"drop\", "
		   "\"rate\": 2000}]}",
	.flags = RPC_CHANGES,
	.call = mod,
};
RPC_METHOD(method_mod)

static const struct param del_params[] = {
	BRIDGE_PARAM,
	METER_PARAM("the meter; all if not given"),
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *number = json_object_get(params, "meter");
	struct meter_mod m = {.command = METER_DELETE, .meter = FLOW_METER_ALL};
	struct flow_error e;
	struct flow_bridge *fb;
	int rc = rpc_group_bridge(params, &fb, f);

	if (rc < 0)
		return rc;
	rc = number != NULL ? number_read(number, &m.meter, &e) : 0;
	if (rc == 0 && number != NULL && (fb->meters == NULL || meter_find(fb->meters, m.meter) == NULL))
		return rpc_fault_value(f, -ENOENT, "meter", number, "a meter that is there",
				       "bridge %s has no such meter", fb->bridge->name);
	if (rc == 0)
		rc = meter_change(c->txn, fb, &m, false, &e);
	if (rc < 0)
		*f = e.fault;
	return rc;
}

static const struct rpc_method method_del = {
	.name = "meter.del",
	.help = "Removes a meter, or all, with the flow entries that go through them.",
	.params = del_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"meter\": 1}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param list_meter_params[] = {
	BRIDGE_PARAM,
	METER_PARAM("only this meter"),
	{.name = "limit", .type = PARAM_INT, .min = 1, .max = 1000000, .def = "10000", .help = "at most so many"},
	{.name = "after",
	 .type = PARAM_INT,
	 .min = 0,
	 .max = UINT32_MAX,
	 .help = "only what comes after this `key` of a meter: the next page"},
	{0},
};

static json_t *bands_json(const struct meter_obj *m)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < m->mod.nbands; i++) {
		const struct meter_band *b = &m->mod.bands[i];
		json_t *o = rpc_group_counter(meter_counted(m, 1 + i));

		json_object_set_new(o, "type", json_string(band_types[b->type - METER_DROP]));
		json_object_set_new(o, "rate", json_integer(b->rate));
		json_object_set_new(o, "burst_size", json_integer(b->burst));
		if (b->type == METER_DSCP_REMARK)
			json_object_set_new(o, "prec_level", json_integer(b->prec_level));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *meter_json(const struct flow_bridge *fb, const struct meter_obj *m)
{
	json_t *o = rpc_group_counter(meter_counted(m, 0)), *array = json_array();
	char *text = meter_text_format(&m->mod);

	for (uint16_t bit = 0; flags[bit] != NULL; bit++)
		if (m->mod.flags >> bit & 1)
			json_array_append_new(array, json_string(flags[bit]));
	json_object_update_new(
		o, json_pack("{s:o, s:o, s:o, s:s?, s:i, s:b, s:f, s:I}", "meter",
			     m->number == FLOW_METER_CONTROLLER ? json_string("controller") : json_integer(m->number),
			     "flags", array, "bands", bands_json(m), "text", text, "references", (int)m->flows,
			     "persist", meter_persisted(fb, m->number), "duration",
			     (double)(flow_now_ns() - m->created_ns) / 1e9, "key", (json_int_t)m->number));
	free(text);
	return o;
}

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const json_t *only = json_object_get(params, "meter"), *after = json_object_get(params, "after");
	const size_t limit = (size_t)json_integer_value(json_object_get(params, "limit"));
	uint64_t next = after != NULL ? (uint64_t)json_integer_value(after) + 1 : 0;
	const struct meter_obj *m;
	struct flow_error e;
	struct flow_bridge *fb;
	uint32_t number = 0;
	int rc = rpc_group_bridge(params, &fb, f);

	if (rc < 0)
		return rc;
	if (only != NULL && number_read(only, &number, &e) < 0) {
		*f = e.fault;
		return f->err;
	}
	rc = flow_ctl_count(f);
	if (rc < 0)
		return rc;
	*result = json_array();
	if (only != NULL)
		next = number;
	while (fb->meters != NULL && json_array_size(*result) < limit &&
	       (m = numbers_from(&fb->meters->meters, next)) != NULL && (only == NULL || m->number == number)) {
		json_array_append_new(*result, meter_json(fb, m));
		next = only != NULL ? UINT64_MAX : (uint64_t)m->number + 1;
	}
	return 0;
}

static const struct rpc_method method_list = {
	.name = "meter.list",
	.help = "The meters of a bridge by number, with what they have counted.",
	.params = list_meter_params,
	.result =
		"An array of objects: meter, flags, bands (type, rate, burst_size, prec_level, and packets, bytes that "
		"exceeded it), text (ovs-ofctl's syntax), references (flow entries), persist, duration (s), packets, "
		"bytes "
		"(that came in), key (for after).",
	.example = "{\"bridge\": \"flow0\"}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"bridge", "meter", NULL};
static const struct kind_ref refs[] = {{.field = "bridge", .kind = "bridge"}, {0}};

static const struct kind kind_meter = {
	.name = "meter",
	.plural = "meters",
	.order = 41,
	.add = "meter.add",
	.del = "meter.del",
	.set = "meter.mod",
	.key = key,
	.refs = refs,
};
KIND(kind_meter)
