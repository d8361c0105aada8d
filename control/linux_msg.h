/* SPDX-License-Identifier: BSD-3-Clause */
// What rtnetlink says of routes, next hops and neighbours, as plain structures.
//
// Threads: pure functions.
#ifndef LINUX_MSG_H
#define LINUX_MSG_H

#include <libmnl/libmnl.h>
#include <rte_ether.h>
#include <stdbool.h>

#include "ip.h"

#define LINUX_HOPS_MAX 128

struct linux_hop {
	int ifindex;
	struct ip_addr gateway; // family 0: on the link itself
	uint16_t weight;        // 1 or more
};

enum linux_kind { LINUX_FORWARD, LINUX_NOWHERE, LINUX_OTHER }; // unicast; blackhole and its like; not for us

struct linux_route_msg {
	bool add;
	enum linux_kind kind;
	struct ip_prefix prefix;
	uint32_t table, metric;
	uint32_t nexthop; // id of its next hop object, 0: none
	unsigned int nhops;
	struct linux_hop hop[LINUX_HOPS_MAX];
};

struct linux_nexthop_msg {
	bool add, blackhole;
	uint32_t id;
	struct linux_hop hop;
	unsigned int nmembers; // of a group
	struct {
		uint32_t id;
		uint16_t weight;
	} member[LINUX_HOPS_MAX];
};

struct linux_neigh_msg {
	int ifindex;
	struct ip_addr addr;
	struct rte_ether_addr mac;
};

// Each reads a message of its type. false: it is of no use to us (another family, a clone, cut).
bool linux_msg_route(const struct nlmsghdr *h, struct linux_route_msg *out);
bool linux_msg_nexthop(const struct nlmsghdr *h, struct linux_nexthop_msg *out);
bool linux_msg_neigh(const struct nlmsghdr *h, struct linux_neigh_msg *out); // new and sure of its MAC

#endif
