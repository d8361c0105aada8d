/* SPDX-License-Identifier: BSD-3-Clause */
// Look-ups in the answer of rpc.describe.
//
// Purpose: all that the client knows of the daemon's methods and their parameters, it knows from there:
// {version, methods: [{name, help, params: [{name, type, required, min, max, unit, default, choices, items, help}],
// result, changes, example}], port_types: [{name, help, params}]}.
//
// Design: everything returned is borrowed from the schema.
//
// Threads: any, while nobody changes the schema.
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include <jansson.h>
#include <stdbool.h>

// The method, or NULL.
const json_t *describe_method(const json_t *schema, const char *name);

// The parameter `name` of `method`, or NULL. `type`: the value of "type" in port.add, whose parameters count too (NULL:
// those of any type count). dry_run is known for every changing method.
const json_t *describe_param(const json_t *schema, const json_t *method, const char *type, const char *name);

// Calls fn for every parameter of `method`, as describe_param() knows them; names may come twice when `type` is NULL.
void describe_each_param(const json_t *schema, const json_t *method, const char *type,
			 void (*fn)(const json_t *param, void *arg), void *arg);

// A string member, or "" if it is absent.
const char *describe_text(const json_t *object, const char *key);

// Whether `name` takes parameters of a port type, that is whether it is port.add.
bool describe_takes_port_type(const json_t *method);

// The method that lists the objects which `param` of `method` names ("port.list" for "port"; for "name" the list of
// the method's own topic), or NULL: an add names something new.
const json_t *describe_lister(const json_t *schema, const json_t *method, const char *param);

#endif
