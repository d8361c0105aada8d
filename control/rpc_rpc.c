/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc.h"

#define SECTIONS_MAX 16

static struct {
	const char *name;
	json_t *(*fn)(void);
} sections[SECTIONS_MAX];
static unsigned int nsections;

static const char *const type_names[] = {
	[PARAM_BOOL] = "bool",       [PARAM_INT] = "int",       [PARAM_NUMBER] = "number",   [PARAM_STRING] = "string",
	[PARAM_NAME] = "name",       [PARAM_MAC] = "mac",       [PARAM_ENUM] = "enum",       [PARAM_INTS] = "ints",
	[PARAM_STRINGS] = "strings", [PARAM_OBJECT] = "object", [PARAM_OBJECTS] = "objects", [PARAM_VALUE] = "value",
};

static const struct {
	int code;
	const char *name, *help;
} errors[] = {
	{-32700, "parse error", "The text is not JSON."},
	{-32600, "invalid request", "The text is JSON, but no request, or over a limit."},
	{-32601, "method not found", "There is no method of that name."},
	{-32602, "invalid params", "A parameter is missing, unknown, of the wrong type or out of range."},
	{-32001, "not found", "An object that was named does not exist."},
	{-32002, "exists", "An object of that name exists already."},
	{-32003, "in use", "Something else needs the object."},
	{-32004, "no resource", "A table is full, or there is no memory."},
	{-32005, "not supported", "This port or this build cannot do it."},
	{-32006, "failed", "A device or the system failed; the message has its error text."},
};

void rpc_describe_section(const char *name, json_t *(*fn)(void))
{
	// A registration happens before main(): there is nobody to return an error to.
	if (nsections == SECTIONS_MAX) {
		fprintf(stderr, "rpc.describe: too many sections\n");
		abort();
	}
	sections[nsections].name = name;
	sections[nsections++].fn = fn;
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, name, json_string(text));
}

static json_t *choices_json(const char *const *choices)
{
	json_t *array = json_array();

	for (; *choices != NULL; choices++)
		json_array_append_new(array, json_string(*choices));
	return array;
}

static json_t *param_json(const struct param *p)
{
	json_t *object = json_pack("{s:s, s:s, s:b}", "name", p->name, "type", type_names[p->type], "required",
				   (int)(p->flags & PARAM_REQUIRED));

	if (p->min != 0 || p->max != 0) {
		json_object_set_new(object, "min", json_integer(p->min));
		json_object_set_new(object, "max", json_integer(p->max));
	}
	set_text(object, "unit", p->unit);
	if (p->def != NULL)
		json_object_set_new(object, "default", json_loads(p->def, JSON_DECODE_ANY, NULL));
	if (p->choices != NULL)
		json_object_set_new(object, "choices", choices_json(p->choices));
	if (p->items != NULL)
		json_object_set_new(object, "items", rpc_describe_params(p->items));
	set_text(object, "help", p->help);
	return object;
}

json_t *rpc_describe_params(const struct param *params)
{
	json_t *array = json_array();

	for (; params != NULL && params->name != NULL; params++)
		json_array_append_new(array, param_json(params));
	return array;
}

static json_t *dry_run_json(void)
{
	static const struct param dry_run = {
		.name = "dry_run",
		.type = PARAM_BOOL,
		.def = "false",
		.help = "Only check, and answer what would change.",
	};

	return param_json(&dry_run);
}

static json_t *method_json(const struct rpc_method *m)
{
	json_t *params = rpc_describe_params(m->params);
	json_t *object;

	if (m->flags & RPC_CHANGES)
		json_array_append_new(params, dry_run_json());
	object = json_pack("{s:s, s:s, s:o, s:s?, s:b, s:b}", "name", m->name, "help", m->help, "params", params,
			   "result", m->result, "changes", (int)(m->flags & RPC_CHANGES), "open",
			   m->more != NULL || (m->flags & RPC_OPEN));
	if (m->example != NULL)
		json_object_set_new(object, "example", json_loads(m->example, 0, NULL));
	return object;
}

static json_t *errors_json(void)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		json_array_append_new(array, json_pack("{s:i, s:s, s:s}", "code", errors[i].code, "name",
						       errors[i].name, "help", errors[i].help));
	return array;
}

static int rpc_describe(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	json_t *methods = json_array();
	const struct rpc_method *m;

	for (unsigned int i = 0; (m = rpc_method_at(i)) != NULL; i++)
		json_array_append_new(methods, method_json(m));
	*result = json_pack("{s:s, s:o, s:o}", "version", SLUICE_VERSION, "methods", methods, "errors", errors_json());
	for (unsigned int i = 0; i < nsections; i++)
		json_object_set_new(*result, sections[i].name, sections[i].fn());
	return *result != NULL ? 0 : fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the answer");
}

static int rpc_ping(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	*result = json_string("pong");
	return 0;
}

static const struct rpc_method method_describe = {
	.name = "rpc.describe",
	.help = "The whole interface in a form that programs read: all methods with their parameters, all errors.",
	.result = "An object: version, methods (array of {name, help, params, result, changes, open, example}; open: "
		  "takes "
		  "parameters beyond params, which depend on others), errors (array of {code, name, help}), port_types "
		  "and others.",
	.example = "{}",
	.call = rpc_describe,
};
RPC_METHOD(method_describe)

static const struct rpc_method method_ping = {
	.name = "rpc.ping",
	.help = "Answers at once: whether the daemon is there.",
	.result = "The string \"pong\".",
	.example = "{}",
	.call = rpc_ping,
};
RPC_METHOD(method_ping)
