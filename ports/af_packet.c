/* SPDX-License-Identifier: BSD-3-Clause */
// An interface of the kernel's that exists already (a veth, a NIC without a DPDK driver), through a packet socket.
#include "ethdev.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "ifname.h"

static const struct param af_packet_params[] = {
	{.name = "ifname",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = IF_NAMESIZE - 1,
	 .help = "an interface that exists in the daemon's network namespace; the kernel goes on using it too"},
	{0},
};

static int af_packet_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	char devargs[128];
	const int ret = ifname_check(ifname, f);

	if (ret != 0)
		return ret;
	if (if_nametoindex(ifname) == 0)
		return fault_str(f, -EINVAL, "ifname", ifname, "an interface of this network namespace",
				 "there is no interface %s", ifname);
	snprintf(devargs, sizeof(devargs), "net_af_packet_p%u,iface=%s", p->id, ifname);
	const struct ethdev_conf conf = {
		.devargs = devargs,
		.field = "ifname",
		.value = ifname,
		.ifname = ifname,
	};
	return ethdev_create(p, &conf, workers, f);
}

static const struct port_ops af_packet_ops = {
	.name = "af_packet",
	.help = "an interface of the kernel's that exists already, through a packet socket",
	.params = af_packet_params,
	.create = af_packet_create,
	ETHDEV_OPS,
};
PORT_KIND(af_packet_ops)
