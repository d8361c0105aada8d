/* SPDX-License-Identifier: BSD-3-Clause */
// Whatever DPDK has a driver for: a NIC by its PCI address, or any virtual device.
#include "ethdev.h"
#include "ethdev_probe.h"

static const struct param dpdk_params[] = {
	{.name = "devargs",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = 1023,
	 .help = "the device in DPDK's words: 0000:03:00.0, or net_memif0,role=client, or net_null1,no-rx=1"},
	{.name = "rxq",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = PORT_QUEUES_MAX,
	 .def = "1",
	 .help = "receive queues; with more than one, packets are spread by a hash of addresses and ports"},
	{.name = "txq",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = PORT_QUEUES_MAX,
	 .help = "transmit queues; if not given, one for each worker as far as the device has them"},
	{.name = "rx_descs",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 32768,
	 .help = "descriptors of a receive queue, made to fit the device; if not given, the driver's choice"},
	{.name = "tx_descs",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = 32768,
	 .help = "descriptors of a transmit queue, made to fit the device; if not given, the driver's choice"},
	{0},
};

static int dpdk_check(const json_t *params, struct fault *f)
{
	const char *devargs = json_string_value(json_object_get(params, "devargs"));

	return ethdev_check(devargs, "devargs", devargs, f);
}

static int dpdk_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *devargs = json_string_value(json_object_get(params, "devargs"));
	const struct ethdev_conf conf = {
		.devargs = devargs,
		.field = "devargs",
		.value = devargs,
		.rxq = ethdev_param_u16(params, "rxq", 1),
		.txq = ethdev_param_u16(params, "txq", 0),
		.rx_descs = ethdev_param_u16(params, "rx_descs", 0),
		.tx_descs = ethdev_param_u16(params, "tx_descs", 0),
	};

	return ethdev_create(p, &conf, workers, f);
}

static const struct port_ops dpdk_ops = {
	.name = "dpdk",
	.help = "a device with a DPDK driver: a NIC by its PCI address, or a virtual device",
	.params = dpdk_params,
	.check = dpdk_check,
	.create = dpdk_create,
	.start = ethdev_start,
	.stop = ethdev_stop,
	.destroy = ethdev_destroy,
	.set_mtu = ethdev_set_mtu,
	.set_mac = ethdev_set_mac,
	.stats = ethdev_stats,
	.info = ethdev_info,
	.driver = ethdev_driver,
	.xstats = ethdev_xstats,
	.flow = ethdev_flow,
};
PORT_KIND(dpdk_ops)
