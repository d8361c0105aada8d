/* SPDX-License-Identifier: BSD-3-Clause */
// The driver's side of a vhost-user socket: to a switch or program that is the device's.
#include "ethdev.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

static const struct param virtio_user_params[] = {
	{.name = "path",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	 .help = "the vhost-user socket"},
	{.name = "queues", .type = PARAM_INT, .min = 1, .max = 8, .def = "1", .help = "queue pairs"},
	{.name = "server",
	 .type = PARAM_BOOL,
	 .def = "false",
	 .help = "true: make the socket and wait for the other side to connect"},
	{0},
};

static int virtio_user_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *path = json_string_value(json_object_get(params, "path"));
	const uint16_t queues = ethdev_param_u16(params, "queues", 1);
	char devargs[256];

	if (strpbrk(path, ",=[]") != NULL)
		return fault_str(f, -EINVAL, "path", path, "a path without any of ,=[]",
				 "DPDK's devargs cannot carry this path");
	snprintf(devargs, sizeof(devargs), "net_virtio_user_p%u,path=%s,queues=%u,server=%u", p->id, path, queues,
		 (unsigned int)json_is_true(json_object_get(params, "server")));
	const struct ethdev_conf conf = {
		.devargs = devargs,
		.field = "path",
		.value = path,
		.rxq = queues,
		.txq = queues,
	};
	return ethdev_create(p, &conf, workers, f);
}

static const struct port_ops virtio_user_ops = {
	.name = "virtio-user",
	.help = "the driver's side of a vhost-user socket",
	.params = virtio_user_params,
	.create = virtio_user_create,
	ETHDEV_OPS,
};
PORT_KIND(virtio_user_ops)
