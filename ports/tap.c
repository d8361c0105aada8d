/* SPDX-License-Identifier: BSD-3-Clause */
// A TAP: a network interface of the kernel whose other end is the switch.
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

static const struct param tap_params[] = {
	{.name = "ifname",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = IF_NAMESIZE - 1,
	 .help = "name that the kernel's interface gets; it can be moved to a network namespace"},
	{0},
};

static int tap_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	char devargs[128];
	const int ret = ethdev_ifname_check(ifname, f);

	if (ret != 0)
		return ret;
	if (if_nametoindex(ifname) != 0)
		return fault_str(f, -EEXIST, "ifname", ifname, "a name that is free", "interface %s exists", ifname);
	snprintf(devargs, sizeof(devargs), "net_tap_p%u,iface=%s", p->id, ifname);
	const struct ethdev_conf conf = {
		.devargs = devargs,
		.field = "ifname",
		.value = ifname,
		.ifname = ifname,
		.rxq = 1, // the driver wants as many of either direction
		.txq = 1,
	};
	return ethdev_create(p, &conf, workers, f);
}

static const struct port_ops tap_ops = {
	.name = "tap",
	.help = "a network interface of the kernel's, made for this port",
	.params = tap_params,
	.create = tap_create,
	ETHDEV_OPS,
};
PORT_KIND(tap_ops)
