/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rpc_method **methods; // in order of names
static unsigned int nmethods;

void rpc_method_register(const struct rpc_method *m)
{
	bool known = rpc_method_find(m->name) != NULL;
	const struct rpc_method **grown = realloc(methods, (nmethods + 1) * sizeof(*methods));
	unsigned int i;

	// A registration happens before main(): there is nobody to return an error to.
	if (grown == NULL || known) {
		fprintf(stderr, "method %s: registered twice, or no memory\n", m->name);
		abort();
	}
	methods = grown;
	for (i = nmethods++; i > 0 && strcmp(methods[i - 1]->name, m->name) > 0; i--)
		methods[i] = methods[i - 1];
	methods[i] = m;
}

const struct rpc_method *rpc_method_find(const char *name)
{
	unsigned int low = 0, high = nmethods;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		int order = strcmp(name, methods[mid]->name);

		if (order == 0)
			return methods[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct rpc_method *rpc_method_at(unsigned int i)
{
	return i < nmethods ? methods[i] : NULL;
}

static int method_unknown(const char *method, struct fault *f)
{
	return fault_str(f, -ENOSYS, "method", method, "a method that rpc.describe lists", "no such method");
}

int rpc_run(const char *method, const json_t *params, struct rpc_call *c, json_t **result, struct fault *f)
{
	const struct rpc_method *m = rpc_method_find(method);
	json_t *decoded;
	int rc;

	*result = NULL;
	if (m == NULL)
		return method_unknown(method, f);
	rc = rpc_decode_params(m, params, "", &decoded, f);
	if (rc < 0)
		return rc;
	rc = m->call(c, decoded, result, f);
	json_decref(decoded);
	if (rc < 0) {
		json_decref(*result);
		*result = NULL;
	} else if (*result == NULL) {
		*result = json_true();
	}
	return rc;
}

// Takes dry_run out of the parameters of a method that changes something: it is the server's, no method declares it.
static int dry_run_take(json_t *params, bool *dry_run, struct fault *f)
{
	const json_t *value = json_object_get(params, "dry_run");

	*dry_run = json_is_true(value);
	if (value == NULL)
		return 0;
	if (!json_is_boolean(value))
		return rpc_fault_value(f, -EINVAL, "dry_run", value, "true or false", "dry_run has the wrong type");
	json_object_del(params, "dry_run");
	return 0;
}

static int do_change(const struct rpc_method *m, json_t *params, struct rpc_client *client, json_t **result,
		     struct fault *f)
{
	struct rpc_call call = {.client = client};
	struct txn txn;
	json_t *changes;
	bool dry_run;
	int rc;

	rc = dry_run_take(params, &dry_run, f);
	if (rc < 0)
		return rc;
	txn_begin(&txn, dry_run);
	call.txn = &txn;
	rc = rpc_run(m->name, params, &call, result, f);
	if (rc < 0) {
		txn_rollback(&txn);
		return rc;
	}
	changes = dry_run ? json_incref(txn.changes) : NULL;
	rc = txn_commit(&txn, f);
	if (rc < 0) {
		json_decref(*result);
		*result = NULL;
	} else if (dry_run) {
		*result = json_pack("{s:b, s:O, s:o}", "dry_run", 1, "changes", changes, "result", *result);
	}
	json_decref(changes);
	return rc;
}

int rpc_do(const char *method, json_t *params, struct rpc_client *client, json_t **result, struct fault *f)
{
	const struct rpc_method *m = rpc_method_find(method);
	struct rpc_call call = {.client = client};

	*result = NULL;
	if (m == NULL)
		return method_unknown(method, f);
	if (m->flags & RPC_CHANGES)
		return do_change(m, params, client, result, f);
	return rpc_run(method, params, &call, result, f);
}

int rpc_code(int err)
{
	switch (err) {
	case -EINVAL:
		return -32602;
	case -ENOSYS:
		return -32601;
	case -ENOENT:
		return -32001;
	case -EEXIST:
		return -32002;
	case -EBUSY:
		return -32003;
	case -ENOSPC:
	case -ENOMEM:
		return -32004;
	case -ENOTSUP:
		return -32005;
	default:
		return -32006;
	}
}

// A text of a fault as a JSON string. A device's text may hold anything, but what is sent must be UTF-8.
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);
	char *ascii;

	if (string != NULL)
		return string;
	ascii = strdup(text);
	if (ascii == NULL)
		return json_null();
	for (char *c = ascii; *c != '\0'; c++)
		if (*c & 0x80)
			*c = '?';
	string = json_string(ascii);
	free(ascii);
	return string;
}

static json_t *value_json(const char *text)
{
	json_t *value = text[0] == '\0' ? json_null() : json_loads(text, JSON_DECODE_ANY, NULL);

	return value != NULL ? value : text_json(text);
}

json_t *rpc_error(int code, const struct fault *f)
{
	json_t *error = json_pack("{s:i, s:o}", "code", code, "message", text_json(f->message));

	if (f->field[0] != '\0')
		json_object_set_new(error, "data",
				    json_pack("{s:o, s:o, s:o}", "field", text_json(f->field), "value",
					      value_json(f->value), "allowed",
					      f->allowed[0] != '\0' ? text_json(f->allowed) : json_null()));
	return error;
}

struct value_text {
	char text[160];
	size_t len;
};

// Stops the dump of a huge value where nobody would see the rest.
static int value_text_add(const char *bytes, size_t n, void *arg)
{
	struct value_text *v = arg;
	size_t room = sizeof(v->text) - 1 - v->len;
	size_t take = n < room ? n : room;

	memcpy(v->text + v->len, bytes, take);
	v->len += take;
	return take < n ? -1 : 0;
}

int rpc_fault_value(struct fault *f, int err, const char *field, const json_t *value, const char *allowed,
		    const char *fmt, ...)
{
	char message[sizeof(f->message)];
	struct value_text v = {.len = 0};
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (json_is_string(value))
		return fault_str(f, err, field, json_string_value(value), allowed, "%s", message);
	if (value == NULL)
		return fault_set(f, err, field, NULL, allowed, "%s", message);
	if (json_dump_callback(value, value_text_add, &v, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
		return fault_set(f, err, field, v.text, allowed, "%s", message);
	// The beginning of a JSON text is none: it is shown as a string.
	return fault_str(f, err, field, v.text, allowed, "%s", message);
}

void rpc_fault_prefix(struct fault *f, const char *fmt, ...)
{
	char field[2 * sizeof(f->field)];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(field, sizeof(f->field), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(f->field))
		return;
	if (f->field[0] != '\0')
		snprintf(field + len, sizeof(field) - (size_t)len, ".%s", f->field);
	snprintf(f->field, sizeof(f->field), "%.*s", (int)sizeof(f->field) - 1, field);
}
