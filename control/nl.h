/* SPDX-License-Identifier: BSD-3-Clause */
// rtnetlink, by libmnl: requests that the kernel answers at once, and the configuration of a link.
//
// Threads: control only.
#ifndef NL_H
#define NL_H

#include <libmnl/libmnl.h>
#include <rte_ether.h>
#include <stdbool.h>

#include "ip.h"

#define NL_BUFFER 8192

// A socket in a network namespace (netns.h), which stays there. 0 or -errno.
int nl_open(const char *netns, struct mnl_socket **out);

// Sends a request that was begun with nl_begin() and waits for its acknowledgement, which the kernel sends at once.
// 0 or what the kernel says, as -errno.
struct nlmsghdr *nl_begin(char buffer[NL_BUFFER], uint16_t type, uint16_t flags);
int nl_do(struct mnl_socket *nl, struct nlmsghdr *request);

// A link: its MAC and MTU, no IPv6 addresses of Linux' own making, up.
int nl_link_set(struct mnl_socket *nl, int ifindex, const struct rte_ether_addr *mac, uint16_t mtu);
// Adds an address (without duplicate address detection), or removes it.
int nl_address(struct mnl_socket *nl, int ifindex, const struct ip_prefix *p, bool add);

#endif
