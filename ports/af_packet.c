/* SPDX-License-Identifier: BSD-3-Clause */
// An interface of the kernel's that exists already (a veth, a NIC without a DPDK driver), through a packet socket.
//
// DPDK's net_af_packet driver is not used: from a veth or a NIC with offloads it passes on TCP frames cut to its slot
// of 2 KiB and checksums that were never filled in, since it cannot tell. A packet socket can: PACKET_VNET_HDR, the
// same header as a TAP's.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ifname.h"
#include "netfd_queue.h"
#include "netfd_watch.h"

#define BUFFER_BYTES (4 << 20) // of the socket, each direction

static const struct param af_packet_params[] = {
	{.name = "ifname",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = IFNAMSIZ - 1,
	 .help = "an interface in the daemon's network namespace; the kernel sees what it receives too, so give it no "
		 "address"},
	{0},
};

struct packet {
	char ifname[IFNAMSIZ]; // as it was given; the interface may be renamed
	int ifindex;
	int fd;
	int news_fd;      // a netlink socket that has something to read whenever any interface changes
	uint64_t dropped; // by the kernel, for want of room in the socket's buffer
	struct netfd_rxq rxq;
	struct netfd_txq txq[PORT_QUEUES_MAX];
};

static int option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

// Asks the kernel something about the interface, whatever its name is now. -ENODEV if it is gone.
static int interface_ask(const struct packet *k, unsigned long what, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	ifr->ifr_ifindex = k->ifindex;
	return ioctl(k->fd, SIOCGIFNAME, ifr) < 0 || ioctl(k->fd, what, ifr) < 0 ? -errno : 0;
}

static int packet_link(const struct port *p)
{
	const struct packet *k = p->priv;
	struct ifreq ifr;
	char news[64];

	// What they say is asked anew below; left unread they would fill the socket, which then tells no more.
	while (recv(k->news_fd, news, sizeof(news), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
	const int ret = interface_ask(k, SIOCGIFFLAGS, &ifr);

	if (ret != 0)
		return ret;
	return (ifr.ifr_flags & IFF_UP) != 0 && (ifr.ifr_flags & IFF_RUNNING) != 0;
}

static int socket_setup(struct packet *k)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(0x0003 /* ETH_P_ALL */), .sll_ifindex = k->ifindex};
	const struct packet_mreq promisc = {.mr_ifindex = k->ifindex, .mr_type = PACKET_MR_PROMISC};
	int ret = option_set(k->fd, SOL_PACKET, PACKET_VNET_HDR, 1);

	if (ret == 0)
		ret = option_set(k->fd, SOL_PACKET, PACKET_AUXDATA, 1);
	// Else what the kernel itself sends would come in.
	if (ret == 0)
		ret = option_set(k->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	// Past the system's limits where we may.
	if (option_set(k->fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) != 0)
		option_set(k->fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (option_set(k->fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) != 0)
		option_set(k->fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
	option_set(k->fd, SOL_SOCKET, SO_DETACH_FILTER, 0); // fails at the first start
	if (ret == 0 && setsockopt(k->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0)
		ret = -errno;
	if (ret == 0 && bind(k->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		ret = -errno;
	return ret;
}

// Has the kernel drop all that comes, until the next start: a packet socket cannot be unbound.
static void deaf_set(const struct packet *k)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog deaf = {.len = 1, .filter = &none};

	setsockopt(k->fd, SOL_SOCKET, SO_ATTACH_FILTER, &deaf, sizeof(deaf));
}

static int mtu_check(struct port *p, uint16_t mtu, struct fault *f)
{
	const struct packet *k = p->priv;
	char value[8], allowed[64];
	struct ifreq ifr;
	const int ret = interface_ask(k, SIOCGIFMTU, &ifr);

	if (ret != 0)
		return fault_str(f, ret, "ifname", k->ifname, NULL, "interface %s does not tell its MTU", k->ifname);
	p->max_mtu = (uint16_t)RTE_MIN(ifr.ifr_mtu, PORT_MTU_MAX);
	if (mtu >= PORT_MTU_MIN && mtu <= p->max_mtu)
		return 0;
	snprintf(value, sizeof(value), "%u", mtu);
	snprintf(allowed, sizeof(allowed), "%u to %u", PORT_MTU_MIN, p->max_mtu);
	return fault_set(f, -EINVAL, "mtu", value, allowed, "interface %s has MTU %u; see ip-link(8) to change that",
			 k->ifname, p->max_mtu);
}

// The interface is not ours: only what the switch sends and takes is limited.
static int packet_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	const int ret = mtu_check(p, mtu, f);

	if (ret == 0)
		p->mtu = mtu;
	return ret;
}

static int mac_setup(struct port *p, struct fault *f)
{
	const struct packet *k = p->priv;
	char value[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr mac;
	struct ifreq ifr;
	const int ret = interface_ask(k, SIOCGIFHWADDR, &ifr);

	if (ret != 0)
		return fault_str(f, ret, "ifname", k->ifname, NULL, "interface %s does not tell its address",
				 k->ifname);
	if (ifr.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */)
		return fault_str(f, -EINVAL, "ifname", k->ifname, "an Ethernet interface", "interface %s is none",
				 k->ifname);
	memcpy(&mac, ifr.ifr_hwaddr.sa_data, sizeof(mac));
	rte_ether_format_addr(value, sizeof(value), &p->mac);
	if (!rte_is_zero_ether_addr(&p->mac) && !rte_is_same_ether_addr(&p->mac, &mac))
		return fault_str(f, -ENOTSUP, "mac", value, NULL, "the address of interface %s is the system's to set",
				 k->ifname);
	p->mac = mac;
	return 0;
}

static int queues_setup(struct port *p, unsigned int workers)
{
	struct packet *k = p->priv;
	// The kernel takes concurrent writes, so each worker gets a queue.
	const uint16_t ntxq = (uint16_t)RTE_MAX(1U, RTE_MIN(workers, (unsigned int)PORT_QUEUES_MAX));
	const int ret = port_queues_alloc(p, 1, ntxq, workers);

	if (ret != 0)
		return ret;
	netfd_rxq_init(&k->rxq, p, 0, k->fd, true);
	for (uint16_t i = 0; i < ntxq; i++)
		netfd_txq_init(&k->txq[i], p, i, k->fd);
	return 0;
}

static int socket_open(struct packet *k, struct fault *f)
{
	const struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	// Bound to nothing yet, it receives nothing.
	k->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "cannot open a packet socket, which needs CAP_NET_RAW");
	k->news_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (k->news_fd < 0 || bind(k->news_fd, (const struct sockaddr *)&links, sizeof(links)) < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "cannot open a netlink socket");
	return 0;
}

static void packet_free(struct port *p)
{
	struct packet *k = p->priv;

	if (k->fd >= 0)
		close(k->fd);
	if (k->news_fd >= 0)
		close(k->news_fd);
	port_queues_free(p);
	free(k);
	p->priv = NULL;
}

static int packet_setup(struct port *p, unsigned int workers, struct fault *f)
{
	struct packet *k = p->priv;
	struct ifreq ifr;
	int ret = socket_open(k, f);

	if (ret != 0)
		return ret;
	if (p->mtu == 0 && interface_ask(k, SIOCGIFMTU, &ifr) == 0)
		p->mtu = (uint16_t)RTE_MIN(ifr.ifr_mtu, RTE_ETHER_MTU);
	if (mac_setup(p, f) != 0 || mtu_check(p, p->mtu, f) != 0)
		return f->err;
	if (queues_setup(p, workers) != 0)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the port's queues");
	p->offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	return 0;
}

static int packet_check(const json_t *params, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	int ret = ifname_check(ifname, f);

	if (ret != 0 || if_nametoindex(ifname) != 0)
		return ret;
	return fault_str(f, -EINVAL, "ifname", ifname, "an interface of the daemon's network namespace",
			 "there is no interface %s", ifname);
}

static int packet_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	struct packet *k;
	int ret = packet_check(params, f);

	if (ret != 0)
		return ret;
	k = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*k));
	if (k == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a port");
	memset(k, 0, sizeof(*k));
	snprintf(k->ifname, sizeof(k->ifname), "%s", ifname);
	k->ifindex = (int)if_nametoindex(ifname);
	k->fd = k->news_fd = -1;
	p->priv = k;
	ret = packet_setup(p, workers, f);
	if (ret != 0)
		packet_free(p);
	return ret;
}

static int packet_start(struct port *p, struct fault *f)
{
	struct packet *k = p->priv;
	int ret = socket_setup(k);

	if (ret != 0)
		return fault_str(f, ret, "ifname", k->ifname, NULL, "cannot attach to interface %s", k->ifname);
	ret = netfd_watch_add(p, k->news_fd, EPOLLIN, packet_link);
	if (ret != 0)
		return fault_set(f, ret, NULL, NULL, NULL, "cannot watch interface %s", k->ifname);
	return 0;
}

static void packet_stop(struct port *p)
{
	struct packet *k = p->priv;

	netfd_watch_del(p, k->news_fd);
	netfd_rxq_release(&k->rxq, p, 0);
	deaf_set(k);
	port_link_set(p, false);
}

static void packet_stats(const struct port *p, struct port_dev_stats *out)
{
	struct packet *k = p->priv;
	struct tpacket_stats s;
	socklen_t len = sizeof(s);

	netfd_stats(p, out);
	// The kernel's count begins anew whenever it is read.
	if (getsockopt(k->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		k->dropped += s.tp_drops;
	out->rx_missed += k->dropped;
}

static void packet_info(const struct port *p, json_t *out)
{
	const struct packet *k = p->priv;
	struct ifreq ifr;

	json_object_set_new(out, "driver", json_string("af_packet"));
	json_object_set_new(out, "ifindex", json_integer(k->ifindex));
	if (interface_ask(k, SIOCGIFFLAGS, &ifr) == 0)
		json_object_set_new(out, "ifname", json_stringn(ifr.ifr_name, strnlen(ifr.ifr_name, IFNAMSIZ)));
	json_object_set_new(out, "tx_offloads", json_pack("[sss]", "csum", "tso4", "tso6"));
}

static const struct port_ops af_packet_ops = {
	.name = "af_packet",
	.help = "an interface of the kernel's that exists already, through a packet socket",
	.params = af_packet_params,
	.check = packet_check,
	.create = packet_create,
	.start = packet_start,
	.stop = packet_stop,
	.destroy = packet_free,
	.set_mtu = packet_set_mtu,
	.stats = packet_stats,
	.info = packet_info,
};
PORT_KIND(af_packet_ops)
