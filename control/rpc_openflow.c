/* SPDX-License-Identifier: BSD-3-Clause */
// openflow.set, openflow.del, openflow.list.
#include "kinds.h"
#include "openflow.h"
#include "rpc.h"

#define BRIDGE_PARAM(required, text)                                                                                   \
	{                                                                                                              \
		.name = "bridge", .type = PARAM_NAME, .flags = required, .help = text                                  \
	}
#define FILE_PARAM(param, text)                                                                                        \
	{                                                                                                              \
		.name = param, .type = PARAM_STRING, .min = 1, .max = 4000, .help = text                               \
	}

static const char *const fail_modes[] = {"secure", "standalone", NULL};

static const struct param set_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge, of mode flow"),
	{.name = "datapath_id",
	 .type = PARAM_STRING,
	 .min = 1,
	 .max = 16,
	 .help = "16 hexadecimal digits; if not given, one that is made of the host's and the bridge's name"},
	{.name = "controllers",
	 .type = PARAM_STRINGS,
	 .min = 1,
	 .max = OF_ADDRESS_TEXT - 1,
	 .def = "[]",
	 .help = "addresses that are dialled until they answer: tcp:IP[:PORT], ssl:IP[:PORT], unix:PATH"},
	{.name = "listen",
	 .type = PARAM_STRINGS,
	 .min = 1,
	 .max = OF_ADDRESS_TEXT - 1,
	 .def = "[]",
	 .help = "addresses where controllers, or ovs-ofctl, may come: ptcp:[PORT][:IP], pssl:[PORT][:IP], punix:PATH"},
	{.name = "fail_mode",
	 .type = PARAM_ENUM,
	 .choices = fail_modes,
	 .def = "\"secure\"",
	 .help = "without any controller: secure goes on with the tables as they are, standalone forwards as a "
		 "learning bridge"},
	FILE_PARAM("tls_key", "of ssl: and pssl: addresses: our private key"),
	FILE_PARAM("tls_cert", "our certificate"),
	FILE_PARAM("tls_ca", "the authority that the others' certificates have to be of"),
	{0},
};

static int bridge_of(const json_t *params, struct flow_bridge **fb, struct fault *f)
{
	return flow_switch_get("bridge", json_string_value(json_object_get(params, "bridge")), fb, f);
}

static int set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct flow_bridge *fb;
	int rc = bridge_of(params, &fb, f);

	return rc < 0 ? rc : openflow_set(c->txn, fb, params, f);
}

static const struct rpc_method method_set = {
	.name = "openflow.set",
	.help = "Says which controllers program a bridge by OpenFlow 1.3, in the place of what was said before. "
		"Connections "
		"to addresses that stay go on.",
	.params = set_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\", \"listen\": [\"ptcp:0:127.0.0.1\"]}",
	.flags = RPC_CHANGES,
	.call = set,
};
RPC_METHOD(method_set)

static const struct param del_params[] = {
	BRIDGE_PARAM(PARAM_REQUIRED, "the bridge"),
	{0},
};

static int del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	struct flow_bridge *fb;
	int rc = bridge_of(params, &fb, f);

	return rc < 0 ? rc : openflow_del(c->txn, fb, f);
}

static const struct rpc_method method_del = {
	.name = "openflow.del",
	.help = "Takes a bridge's controllers away. Its flow entries stay.",
	.params = del_params,
	.result = "true.",
	.example = "{\"bridge\": \"flow0\"}",
	.flags = RPC_CHANGES,
	.call = del,
};
RPC_METHOD(method_del)

static const struct param list_openflow_params[] = {
	BRIDGE_PARAM(0, "only of this bridge"),
	{0},
};

static int list(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const struct names *bridges = bridge_names();
	struct flow_bridge *only = NULL;
	int rc = json_object_get(params, "bridge") != NULL ? bridge_of(params, &only, f) : 0;

	if (rc < 0)
		return rc;
	*result = json_array();
	for (uint32_t i = 0; i < bridges->n; i++) {
		const struct bridge *b = bridges->at[i];

		if (b->flow != NULL && (only == NULL || b->flow == only))
			json_array_append_new(*result, openflow_json(b->flow));
	}
	return 0;
}

static const struct rpc_method method_list = {
	.name = "openflow.list",
	.help = "The bridges with controllers, and how these are connected.",
	.params = list_openflow_params,
	.result =
		"An array of objects: what openflow.set was given, with datapath_id, standalone (no controller is "
		"connected, and the bridge forwards by itself), channels (an array of target, connected, role (equal, "
		"master, "
		"slave), error), packet_ins (sent), packet_ins_limited (lost by the limit of 10000 a second and "
		"reason), "
		"packet_ins_unread (lost as a controller does not read).",
	.example = "{}",
	.call = list,
};
RPC_METHOD(method_list)

static const char *const key[] = {"bridge", NULL};
static const struct kind_ref refs[] = {{.field = "bridge", .kind = "bridge"}, {0}};

static const struct kind kind_openflow = {
	.name = "openflow",
	.plural = "openflow",
	.order = 90,
	.add = "openflow.set",
	.del = "openflow.del",
	.set = "openflow.set",
	.key = key,
	.refs = refs,
};
KIND(kind_openflow)
