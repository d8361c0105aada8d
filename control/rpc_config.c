/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "file.h"
#include "rpc.h"

static const struct param apply_params[] = {
	{.name = "document",
	 .type = PARAM_OBJECT,
	 .flags = PARAM_REQUIRED,
	 .help = "Arrays of objects by kind, as config.get answers."},
	{.name = "prune", .type = PARAM_BOOL, .def = "false", .help = "Also delete what the document does not name."},
	{.name = NULL},
};

static const struct param save_params[] = {
	{.name = "path",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 4000,
	 .help = "Where to write; a file that is there is replaced."},
	{.name = NULL},
};

static int config_get(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	*result = config_document();
	return *result != NULL ? 0 : fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the answer");
}

static int config_apply_call(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return config_apply(c, json_object_get(params, "document"), json_is_true(json_object_get(params, "prune")),
			    result, f);
}

static int write_document(const char *path, const char *text)
{
	struct file_new file;
	int rc = file_create(&file, path, 0640);

	if (rc == 0)
		rc = file_write(&file, text, strlen(text));
	if (rc == 0)
		rc = file_write(&file, "\n", 1);
	if (rc == 0)
		rc = file_commit(&file);
	if (rc < 0)
		file_abort(&file);
	else
		close(file.fd);
	return rc;
}

static int config_save(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *path = json_string_value(json_object_get(params, "path"));
	json_t *document;
	char *text;
	int rc;

	// The daemon's working folder is nobody's idea of where a file goes.
	if (path[0] != '/')
		return fault_str(f, -EINVAL, "path", path, "a path that begins with /", "path is not absolute");
	document = config_document();
	text = document != NULL ? json_dumps(document, JSON_INDENT(2)) : NULL;
	json_decref(document);
	if (text == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the document");
	rc = write_document(path, text);
	free(text);
	if (rc == -ENOENT)
		return fault_str(f, rc, "path", path, "a file in a folder that exists", "the folder is not there");
	if (rc < 0)
		return fault_str(f, rc, "path", path, NULL, "the file cannot be written");
	return 0;
}

static const struct rpc_method method_get = {
	.name = "config.get",
	.help = "The whole desired state as one document.",
	.result = "An object: an array of objects by kind, each with the parameters that would add it.",
	.example = "{}",
	.call = config_get,
};
RPC_METHOD(method_get)

static const struct rpc_method method_apply = {
	.name = "config.apply",
	.help = "Makes the desired state what a document says, as one change.",
	.params = apply_params,
	.result = "The difference: {added, changed, replaced, deleted}, arrays of {kind, key}; changed ones with the "
		  "names "
		  "of their fields. Replaced ones were deleted and added again.",
	.example = "{\"document\": {}}",
	.flags = RPC_CHANGES,
	.call = config_apply_call,
};
RPC_METHOD(method_apply)

static const struct rpc_method method_save = {
	.name = "config.save",
	.help = "Writes the document of config.get to a file.",
	.params = save_params,
	.result = "True.",
	.example = "{\"path\": \"/tmp/sluice.json\"}",
	.call = config_save,
};
RPC_METHOD(method_save)
