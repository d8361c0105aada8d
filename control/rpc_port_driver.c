/* SPDX-License-Identifier: BSD-3-Clause */
// port.driver, port.xstats: what the driver behind a port tells of itself.
#include <errno.h>

#include "port.h"
#include "rpc.h"

static const struct param name_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "the port"},
	{0},
};

typedef int (*tell_fn)(const struct port *p, json_t *out, struct fault *f);

static int ask(const json_t *params, bool xstats, json_t **result, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	struct port_obj *p;
	tell_fn tell;
	int rc = port_obj_get("name", name, &p, f);

	if (rc < 0)
		return rc;
	tell = xstats ? p->ops->xstats : p->ops->driver;
	if (!tell)
		return fault_str(f, -ENOTSUP, "name", name, "a port of type dpdk or virtio-user",
				 "a %s port has no DPDK driver to ask", p->ops->name);
	if (!p->dev)
		return fault_str(f, -EIO, "name", name, NULL, "port %s has no device now", name);
	*result = json_object();
	rc = tell(p->dev, *result, f);
	if (rc < 0) {
		json_decref(*result);
		*result = NULL;
	}
	return rc;
}

static int port_driver(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return ask(params, false, result, f);
}

static const struct rpc_method method_driver = {
	.name = "port.driver",
	.help = "What the DPDK driver behind a port tells of the device: what it is, what is on, and its limits.",
	.params = name_params,
	.result =
		"An object: device, driver, firmware (where it tells), numa_node, link_speed, full_duplex, autoneg "
		"(where the link may be looked at), promiscuous, allmulticast, vlan_strip, vlan_filter, vlan_extend, "
		"qinq_strip, rss_types, hash_key_bytes, reta_size, max_mac_addrs and other limits, rx_queue, tx_queue "
		"({descs, thresholds, offload_bits} of the first), rx_offload_bits, tx_offload_bits, capability_bits, "
		"capabilities, "
		"error_handling.",
	.example = "{\"name\": \"p1\"}",
	.call = port_driver,
};
RPC_METHOD(method_driver)

static int port_xstats(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	return ask(params, true, result, f);
}

static const struct rpc_method method_xstats = {
	.name = "port.xstats",
	.help = "The counters of the DPDK driver behind a port, by the driver's own names, since the port was made: "
		"port.clear does not touch them.",
	.params = name_params,
	.result = "An object: {name: count}, in the driver's order.",
	.example = "{\"name\": \"p1\"}",
	.call = port_xstats,
};
RPC_METHOD(method_xstats)
