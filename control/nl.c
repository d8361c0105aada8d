/* SPDX-License-Identifier: BSD-3-Clause */
#include "nl.h"

#include <errno.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "netns.h"

static uint32_t sequence;

static int open_here(void *arg)
{
	struct mnl_socket **out = arg, *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		mnl_socket_close(nl);
		return rc;
	}
	*out = nl;
	return 0;
}

int nl_open(const char *netns, struct mnl_socket **out)
{
	return netns_run(netns, open_here, out);
}

struct nlmsghdr *nl_begin(char buffer[NL_BUFFER], uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_seq = ++sequence;
	return h;
}

int nl_do(struct mnl_socket *nl, struct nlmsghdr *request)
{
	char buffer[NL_BUFFER];
	ssize_t n;
	int rc;

	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buffer, (size_t)n, request->nlmsg_seq, mnl_socket_get_portid(nl), NULL, NULL);
		if (rc < 0 && errno != ESRCH && errno != EPROTO)
			return -errno;
		// An answer to an earlier request that nobody waited for is left behind.
	} while (rc < 0 || rc > MNL_CB_STOP);
	return 0;
}

int nl_link_set(struct mnl_socket *nl, int ifindex, const struct rte_ether_addr *mac, uint16_t mtu)
{
	char buffer[NL_BUFFER];
	struct nlmsghdr *h = nl_begin(buffer, RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	struct nlattr *spec, *inet6;

	info->ifi_index = ifindex;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(*mac), mac);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	return nl_do(nl, h);
}

int nl_address(struct mnl_socket *nl, int ifindex, const struct ip_prefix *p, bool add)
{
	const bool ip4 = p->addr.family == 4;
	const size_t len = ip4 ? 4 : 16;
	char buffer[NL_BUFFER];
	struct nlmsghdr *h = nl_begin(buffer, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	uint32_t broadcast;

	info->ifa_family = ip4 ? AF_INET : AF_INET6;
	info->ifa_prefixlen = p->depth;
	info->ifa_flags = ip4 ? 0 : IFA_F_NODAD;
	info->ifa_scope = ip_is_link_local(&p->addr) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	info->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(h, IFA_LOCAL, len, p->addr.bytes);
	mnl_attr_put(h, IFA_ADDRESS, len, p->addr.bytes);
	if (ip4 && p->depth < 31) {
		broadcast = rte_cpu_to_be_32(ip4_host(&p->addr) | UINT32_MAX >> p->depth);
		mnl_attr_put(h, IFA_BROADCAST, len, &broadcast);
	}
	return nl_do(nl, h);
}
