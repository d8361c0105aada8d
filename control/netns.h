/* SPDX-License-Identifier: BSD-3-Clause */
// Network namespaces of the host.
//
// Threads: control only; the work is done by a thread made for it, as none that lives on must be in a wrong namespace.
#ifndef NETNS_H
#define NETNS_H

// Calls fn(arg) inside a network namespace: a name under /run/netns, or a path; "" or NULL: the daemon's own. Returns
// what fn returns, or -errno: -ENOENT there is no such namespace, -EPERM we may not enter it.
int netns_run(const char *netns, int (*fn)(void *arg), void *arg);

#endif
