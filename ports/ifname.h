/* SPDX-License-Identifier: BSD-3-Clause */
// Names of the kernel's network interfaces. Any thread.
#ifndef IFNAME_H
#define IFNAME_H

#include <stdbool.h>

#include "fault.h"

// Refuses a name that no interface can have, or that DPDK's devargs cannot carry. 0, or -EINVAL blaming "ifname".
int ifname_check(const char *ifname, struct fault *f);
// Whether the daemon's network namespace has an interface of this name.
bool ifname_exists(const char *ifname);

#endif
