/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>

static bool taken[RTE_MAX_ETHPORTS]; // the port has an owner

// The first error that a driver logs while `on`, and where its log goes all the same. The stream stays open for good:
// another thread may be about to write to it when the capture ends.
static struct {
	FILE *stream, *behind;
	pthread_t thread;
	bool on;
	char text[160];
} heard;

// Drivers like to begin with "NAME: " or "function(): " and end with a newline; none of it helps the reader.
static void heard_keep(const char *line, size_t len)
{
	const char *colon = memmem(line, len, "(): ", 4);

	if (colon != NULL) {
		len -= (size_t)(colon + 4 - line);
		line = colon + 4;
	}
	if (len > 5 && memcmp(line, "EAL: ", 5) == 0) {
		len -= 5;
		line += 5;
	}
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' ' || line[len - 1] == '.'))
		len--;
	snprintf(heard.text, sizeof(heard.text), "%.*s", (int)len, line);
}

static ssize_t heard_write(void *cookie, const char *line, size_t len)
{
	if (heard.on && heard.text[0] == '\0' && pthread_equal(heard.thread, pthread_self()) &&
	    rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR)
		heard_keep(line, len);
	fwrite(line, 1, len, heard.behind);
	fflush(heard.behind);
	return (ssize_t)len;
}

static void heard_start(void)
{
	heard.text[0] = '\0';
	if (heard.stream == NULL)
		heard.stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = heard_write});
	if (heard.stream == NULL)
		return; // faults say less then
	heard.behind = rte_log_get_stream();
	heard.thread = pthread_self();
	heard.on = true;
	rte_openlog_stream(heard.stream);
}

static void heard_stop(void)
{
	if (heard.on)
		rte_openlog_stream(heard.behind);
	heard.on = false;
}

static const struct rte_device *port_device(uint16_t id)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(id, &info) == 0 ? info.device : NULL;
}

// Looks among the ports of the device called `name` for one without an owner. Returns 0, -EEXIST if all have one,
// -ENODEV if there is no such port.
static int port_find(const char *name, uint16_t *id)
{
	uint16_t i;
	int ret = -ENODEV;

	RTE_ETH_FOREACH_DEV(i)
	{
		const struct rte_device *dev = port_device(i);
		if (dev == NULL || strcmp(rte_dev_name(dev), name) != 0)
			continue;
		if (!taken[i]) {
			*id = i;
			return 0;
		}
		ret = -EEXIST;
	}
	return ret;
}

static int device_probe(const struct rte_devargs *da, const char *devargs)
{
	if (strcmp(rte_bus_name(da->bus), "vdev") == 0)
		return rte_vdev_init(da->name, da->args);
	return rte_dev_probe(devargs);
}

static int probe_failed(int ret, const struct rte_devargs *da, const char *field, const char *value, struct fault *f)
{
	const bool vdev = strcmp(rte_bus_name(da->bus), "vdev") == 0;
	const char *why = heard.text;

	if (ret == -EEXIST)
		return fault_str(f, -EEXIST, field, value, "a device that no other port uses", "device %s exists",
				 da->name);
	if (why[0] == '\0')
		why = vdev ? "its driver did not accept it, see the log"
			   : "no driver took it; is it there, and bound to vfio-pci?";
	// Most drivers return -1 for whatever went wrong, which reads as EPERM and means nothing.
	if (ret > 0 || ret == -1)
		ret = -EINVAL;
	return fault_str(f, ret, field, value, NULL, "cannot get device %s: %s", da->name, why);
}

// Returns 0: the device is there, and *id is free; 1: it may be probed.
static int parsed_check(const struct rte_devargs *da, const char *field, const char *value, uint16_t *id,
			struct fault *f)
{
	int ret = port_find(da->name, id);

	if (ret == -EEXIST)
		return fault_str(f, -EEXIST, field, value, "a device that no other port uses",
				 "device %s belongs to another port", da->name);
	if (ret != 0 && rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS)
		return fault_str(f, -ENOSPC, field, value, NULL,
				 "this DPDK has room for %u devices, and all are in use", RTE_MAX_ETHPORTS);
	return ret != 0;
}

static int probe_parsed(const struct rte_devargs *da, const char *devargs, const char *field, const char *value,
			uint16_t *id, struct fault *f)
{
	int ret = parsed_check(da, field, value, id, f);

	if (ret <= 0)
		return ret;
	heard_start();
	ret = device_probe(da, devargs);
	heard_stop();
	if (ret != 0)
		return probe_failed(ret, da, field, value, f);
	if (port_find(da->name, id) == 0)
		return 0;
	if (strcmp(rte_bus_name(da->bus), "vdev") == 0)
		rte_vdev_uninit(da->name);
	return fault_str(f, -EINVAL, field, value, "an Ethernet device", "device %s is not an Ethernet device",
			 da->name);
}

static int parse(struct rte_devargs *da, const char *devargs, const char *field, const char *value, struct fault *f)
{
	int ret = rte_devargs_parse(da, devargs);

	if (ret == 0 && da->name[0] != '\0')
		return 0;
	if (ret == 0)
		rte_devargs_reset(da);
	return fault_str(f, -EINVAL, field, value, "a PCI address or a virtual device with its arguments",
			 "no bus or driver of DPDK knows this device");
}

int ethdev_check(const char *devargs, const char *field, const char *value, struct fault *f)
{
	struct rte_devargs da = {0};
	uint16_t id;
	int ret = parse(&da, devargs, field, value, f);

	if (ret == 0) {
		ret = parsed_check(&da, field, value, &id, f);
		rte_devargs_reset(&da);
	}
	return ret < 0 ? ret : 0;
}

int ethdev_probe(const char *devargs, const char *field, const char *value, uint16_t *id, struct fault *f)
{
	struct rte_devargs da = {0};
	int ret = parse(&da, devargs, field, value, f);

	if (ret != 0)
		return ret;
	ret = probe_parsed(&da, devargs, field, value, id, f);
	rte_devargs_reset(&da);
	if (ret == 0)
		taken[*id] = true;
	return ret;
}

static bool device_has_owner(const struct rte_device *dev)
{
	uint16_t i;

	RTE_ETH_FOREACH_DEV(i)
	if (taken[i] && port_device(i) == dev)
		return true;
	return false;
}

void ethdev_remove(uint16_t id)
{
	struct rte_device *dev = (struct rte_device *)(uintptr_t)port_device(id);
	char name[RTE_DEV_NAME_MAX_LEN] = "?";

	if (dev != NULL)
		snprintf(name, sizeof(name), "%s", rte_dev_name(dev));
	int ret = rte_eth_dev_close(id);
	if (ret == 0 && dev != NULL) {
		taken[id] = false;
		if (!device_has_owner(dev))
			ret = rte_dev_remove(dev);
	}
	taken[id] = false;
	if (ret != 0)
		rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "device %s: cannot be removed: %s\n", name, rte_strerror(-ret));
}
