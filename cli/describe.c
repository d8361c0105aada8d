/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "describe.h"

const char *describe_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

static const json_t *by_name(const json_t *array, const char *name)
{
	size_t i;
	const json_t *o;

	json_array_foreach (array, i, o) {
		if (strcmp(describe_text(o, "name"), name) == 0)
			return o;
	}
	return NULL;
}

const json_t *describe_method(const json_t *schema, const char *name)
{
	return by_name(json_object_get(schema, "methods"), name);
}

bool describe_takes_port_type(const json_t *method)
{
	return strcmp(describe_text(method, "name"), "port.add") == 0;
}

static const json_t *dry_run_param(void)
{
	static json_t *p;

	if (p == NULL)
		p = json_pack("{s:s, s:s, s:s}", "name", "dry_run", "type", "bool", "help",
			      "Validate and answer what would change, and change nothing.");
	return p;
}

void describe_each_param(const json_t *schema, const json_t *method, const char *type,
			 void (*fn)(const json_t *param, void *arg), void *arg)
{
	const json_t *params = json_object_get(method, "params"), *p, *t;
	size_t i, j;

	json_array_foreach (params, i, p)
		fn(p, arg);
	if (describe_takes_port_type(method)) {
		json_array_foreach (json_object_get(schema, "port_types"), i, t) {
			if (type != NULL && strcmp(type, describe_text(t, "name")) != 0)
				continue;
			json_array_foreach (json_object_get(t, "params"), j, p)
				fn(p, arg);
		}
	}
	if (json_is_true(json_object_get(method, "changes")) && by_name(params, "dry_run") == NULL)
		fn(dry_run_param(), arg);
}

struct find {
	const char *name;
	const json_t *found;
};

static void find_param(const json_t *param, void *arg)
{
	struct find *f = arg;

	if (f->found == NULL && strcmp(describe_text(param, "name"), f->name) == 0)
		f->found = param;
}

const json_t *describe_param(const json_t *schema, const json_t *method, const char *type, const char *name)
{
	struct find f = {.name = name};

	describe_each_param(schema, method, type, find_param, &f);
	return f.found;
}

const json_t *describe_lister(const json_t *schema, const json_t *method, const char *param)
{
	const char *own = describe_text(method, "name"), *dot = strchr(own, '.');
	char list[64];

	if (strcmp(param, "name") != 0)
		snprintf(list, sizeof(list), "%s.list", param);
	else if (dot != NULL && strcmp(dot, ".add") != 0)
		snprintf(list, sizeof(list), "%.*s.list", (int)(dot - own), own);
	else
		return NULL;
	return describe_method(schema, list);
}
