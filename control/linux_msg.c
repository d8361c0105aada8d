/* SPDX-License-Identifier: BSD-3-Clause */
#include "linux_msg.h"

#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t family_of(uint8_t af)
{
	return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}

static bool address(const struct nlattr *a, uint8_t family, struct ip_addr *out)
{
	const uint16_t len = family == 4 ? 4 : 16;

	if (mnl_attr_get_payload_len(a) < len)
		return false;
	*out = (struct ip_addr){.family = family};
	memcpy(out->bytes, mnl_attr_get_payload(a), len);
	return true;
}

static bool number(const struct nlattr *a, uint32_t *out)
{
	if (mnl_attr_get_payload_len(a) < sizeof(*out))
		return false;
	*out = mnl_attr_get_u32(a);
	return true;
}

// RTA_VIA: a gateway of another family than the route's.
static bool via(const struct nlattr *a, struct ip_addr *out)
{
	const struct rtvia *v = mnl_attr_get_payload(a);
	const uint16_t len = mnl_attr_get_payload_len(a);
	uint8_t family = len >= sizeof(*v) ? family_of((uint8_t)v->rtvia_family) : 0;

	if (family == 0 || len < sizeof(*v) + (family == 4 ? 4 : 16))
		return false;
	*out = (struct ip_addr){.family = family};
	memcpy(out->bytes, v->rtvia_addr, family == 4 ? 4 : 16);
	return true;
}

static bool gateway(const struct nlattr *a, uint8_t family, struct ip_addr *out)
{
	return mnl_attr_get_type(a) == RTA_VIA ? via(a, out) : address(a, family, out);
}

static bool multipath(const struct nlattr *a, uint8_t family, struct linux_route_msg *out)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(a);
	int left = mnl_attr_get_payload_len(a);

	while (left >= (int)sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct linux_hop hop;
		struct nlattr *attr;

		if (out->nhops == LINUX_HOPS_MAX)
			return false;
		memset(&hop, 0, sizeof(hop)); // padding too: compared by memcmp()
		hop.ifindex = nh->rtnh_ifindex;
		hop.weight = (uint16_t)(nh->rtnh_hops + 1);
		mnl_attr_for_each_payload((struct nlattr *)RTNH_DATA(nh), nh->rtnh_len - RTNH_LENGTH(0))
		{
			if ((mnl_attr_get_type(attr) == RTA_GATEWAY || mnl_attr_get_type(attr) == RTA_VIA) &&
			    !gateway(attr, family, &hop.gateway))
				return false;
		}
		out->hop[out->nhops++] = hop;
		left -= (int)RTNH_ALIGN(nh->rtnh_len);
		nh = RTNH_NEXT(nh);
	}
	return true;
}

static enum linux_kind kind_of(const struct rtmsg *rt)
{
	if (rt->rtm_flags & RTM_F_CLONED || rt->rtm_tos != 0 || rt->rtm_protocol == RTPROT_KERNEL)
		return LINUX_OTHER; // the kernel's own are those of addresses, which are ours as well
	switch (rt->rtm_type) {
	case RTN_UNICAST:
		return LINUX_FORWARD;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return LINUX_NOWHERE;
	default:
		return LINUX_OTHER;
	}
}

bool linux_msg_route(const struct nlmsghdr *h, struct linux_route_msg *out)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct linux_hop one;
	const struct nlattr *attr;
	uint32_t oif = 0;
	uint8_t family;
	bool ok = true;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*rt))
		return false;
	memset(&one, 0, sizeof(one));
	one.weight = 1;
	family = family_of(rt->rtm_family);
	out->add = h->nlmsg_type == RTM_NEWROUTE;
	out->kind = kind_of(rt);
	out->prefix = (struct ip_prefix){.addr.family = family, .depth = rt->rtm_dst_len};
	out->table = rt->rtm_table;
	out->metric = out->nexthop = 0;
	out->nhops = 0;
	if (family == 0 || rt->rtm_src_len != 0 || out->kind == LINUX_OTHER ||
	    rt->rtm_dst_len > (family == 4 ? 32 : 128))
		return false;
	mnl_attr_for_each(attr, h, sizeof(*rt))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			ok = ok && address(attr, family, &out->prefix.addr);
			break;
		case RTA_TABLE:
			ok = ok && number(attr, &out->table);
			break;
		case RTA_PRIORITY:
			ok = ok && number(attr, &out->metric);
			break;
		case RTA_OIF:
			ok = ok && number(attr, &oif);
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			ok = ok && gateway(attr, family, &one.gateway);
			break;
		case RTA_NH_ID:
			ok = ok && number(attr, &out->nexthop);
			break;
		case RTA_MULTIPATH:
			ok = ok && multipath(attr, family, out);
			break;
		default:
			break;
		}
	}
	one.ifindex = (int)oif;
	if (out->nhops == 0 && oif != 0)
		out->hop[out->nhops++] = one;
	return ok;
}

static bool members(const struct nlattr *a, struct linux_nexthop_msg *out)
{
	const struct nexthop_grp *g = mnl_attr_get_payload(a);
	unsigned int n = mnl_attr_get_payload_len(a) / sizeof(*g);

	if (n > LINUX_HOPS_MAX)
		return false;
	for (unsigned int k = 0; k < n; k++) {
		out->member[k].id = g[k].id;
		out->member[k].weight = (uint16_t)(g[k].weight + 1);
	}
	out->nmembers = n;
	return true;
}

bool linux_msg_nexthop(const struct nlmsghdr *h, struct linux_nexthop_msg *out)
{
	const struct nhmsg *nh = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;
	uint32_t oif = 0;
	bool ok = true;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*nh))
		return false;
	out->add = h->nlmsg_type == RTM_NEWNEXTHOP;
	out->blackhole = false;
	out->id = 0;
	memset(&out->hop, 0, sizeof(out->hop));
	out->hop.weight = 1;
	out->nmembers = 0;
	mnl_attr_for_each(attr, h, sizeof(*nh))
	{
		switch (mnl_attr_get_type(attr)) {
		case NHA_ID:
			ok = ok && number(attr, &out->id);
			break;
		case NHA_OIF:
			ok = ok && number(attr, &oif);
			break;
		case NHA_GATEWAY:
			ok = ok && family_of(nh->nh_family) &&
			     address(attr, family_of(nh->nh_family), &out->hop.gateway);
			break;
		case NHA_BLACKHOLE:
			out->blackhole = true;
			break;
		case NHA_GROUP:
			ok = ok && members(attr, out);
			break;
		default:
			break;
		}
	}
	out->hop.ifindex = (int)oif;
	return ok && out->id != 0;
}

bool linux_msg_neigh(const struct nlmsghdr *h, struct linux_neigh_msg *out)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;
	bool mac = false, ok = true;
	uint8_t family;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*nd))
		return false;
	family = family_of(nd->ndm_family);
	if (h->nlmsg_type != RTM_NEWNEIGH || family == 0 || !(nd->ndm_state & (NUD_REACHABLE | NUD_PERMANENT)))
		return false;
	out->ifindex = nd->ndm_ifindex;
	out->addr.family = 0;
	mnl_attr_for_each(attr, h, sizeof(*nd))
	{
		if (mnl_attr_get_type(attr) == NDA_DST)
			ok = ok && address(attr, family, &out->addr);
		if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == sizeof(out->mac)) {
			memcpy(&out->mac, mnl_attr_get_payload(attr), sizeof(out->mac));
			mac = true;
		}
	}
	return ok && mac && out->addr.family != 0;
}
