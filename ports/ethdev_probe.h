/* SPDX-License-Identifier: BSD-3-Clause */
// DPDK devices coming and going: from a devargs string to an ethdev port id and back.
//
// Design: an ethdev port id has at most one owner here. Virtual devices are made and unmade by the vdev bus's own
// calls, because a failed rte_dev_probe() leaves the virtual device behind, half made. What a driver logs as an error
// while it is probed becomes part of the fault: drivers return little more than -1.
//
// Threads: control thread.
#ifndef ETHDEV_PROBE_H
#define ETHDEV_PROBE_H

#include <stdint.h>

#include "fault.h"

// Refuses, as ethdev_probe() would, what no bus knows, a device that has an owner, and one too many. Probes nothing.
int ethdev_check(const char *devargs, const char *field, const char *value, struct fault *f);

// Gets the device that `devargs` names, probing it unless it is there already, and takes its first port without an
// owner; the number goes to *id. `field` and `value` are blamed for a failure. Returns 0, or with a fault: -EINVAL,
// -EEXIST the device has an owner, -ENOSPC DPDK's table of devices is full, or the driver's -errno.
int ethdev_probe(const char *devargs, const char *field, const char *value, uint16_t *id, struct fault *f);

// Closes the port, which must be stopped, and removes its device as soon as no other port of the device has an owner.
void ethdev_remove(uint16_t id);

#endif
