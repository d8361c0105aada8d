/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "rpc.h"

static const struct param op_params[] = {
	{.name = "method",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 64,
	 .help = "A method that changes something, but txn itself."},
	{.name = "params", .type = PARAM_OBJECT, .def = "{}", .help = "Its parameters."},
	{.name = NULL},
};

static const struct param txn_params[] = {
	{.name = "ops",
	 .type = PARAM_OBJECTS,
	 .flags = PARAM_REQUIRED,
	 .items = op_params,
	 .help = "What to do, in order."},
	{.name = NULL},
};

static int op_run(struct rpc_call *c, size_t i, const json_t *op, json_t **result, struct fault *f)
{
	const char *name = json_string_value(json_object_get(op, "method"));
	const struct rpc_method *m = rpc_method_find(name);
	int rc;

	if (m == NULL || !(m->flags & RPC_CHANGES) || strcmp(name, "txn") == 0) {
		fault_str(f, -EINVAL, "method", name, "a method that changes something, but txn",
			  m == NULL ? "no such method" : "this method cannot be part of a transaction");
		rpc_fault_prefix(f, "ops[%zu]", i);
		return -EINVAL;
	}
	rc = rpc_run(name, json_object_get(op, "params"), c, result, f);
	if (rc < 0)
		rpc_fault_prefix(f, f->field[0] != '\0' ? "ops[%zu].params" : "ops[%zu]", i);
	return rc;
}

static int txn(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	json_t *results = json_array();
	const json_t *op;
	size_t i;

	json_array_foreach (json_object_get(params, "ops"), i, op) {
		json_t *one;
		int rc = op_run(c, i, op, &one, f);

		if (rc < 0) {
			json_decref(results);
			return rc;
		}
		json_array_append_new(results, one);
	}
	*result = results;
	return 0;
}

static const struct rpc_method method_txn = {
	.name = "txn",
	.help = "Runs several changing methods as one change: all or nothing, and no packet sees half of it.",
	.params = txn_params,
	.result = "An array: the answer of each op.",
	.example = "{\"ops\": []}",
	.flags = RPC_CHANGES,
	.call = txn,
};
RPC_METHOD(method_txn)
