/* SPDX-License-Identifier: BSD-3-Clause */
// The Linux side of a host TAP: MAC, MTU and addresses are those of the interface.
//
// Threads: control only.
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <event2/event.h>
#include <net/if.h>

#include "host_tap.h"
#include "nl.h"

struct host_tap {
	struct iface *iface;
	char ifname[IFNAMSIZ], netns[HOST_NETNS_LEN];
	int fd, ifindex; // fd -1: it does not work, `error` says why
	struct event *event;
	struct mnl_socket *nl; // in its namespace
	struct rte_ether_addr mac;
	uint16_t mtu, naddrs;
	struct ip_prefix *addr; // [naddrs] as it has them
	char error[160];
	uint64_t to_host, from_host, lost;
	LIST_ENTRY(host_tap) link;
};

int host_link_open(struct host_tap *t);    // 0 or -errno
void host_link_update(struct host_tap *t); // after the interface changed
void host_link_close(struct host_tap *t);

#endif
