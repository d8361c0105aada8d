/* SPDX-License-Identifier: BSD-3-Clause */
// A TAP: a network interface of the kernel's, made for this port, whose other end is the switch.
//
// DPDK's net_tap driver is not used: it speaks to the interface by its name, so that MTU, MAC and link state are lost
// once the interface is moved to another network namespace; it takes one of DPDK's 32 device slots per port, has a
// signal sent for every frame, knows no TCP segmentation over IPv6 and receives no frames with offloads at all. Here
// all but the MTU is done through the file descriptor, which knows its interface wherever that goes.
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ifname.h"
#include "netfd_queue.h"
#include "netfd_watch.h"

#define QUEUES_MAX 16
#define RX_OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static const struct param tap_params[] = {
	{.name = "ifname",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = IFNAMSIZ - 1,
	 .help = "name that the kernel's new interface gets; it can be moved to a network namespace and renamed there"},
	{.name = "queues", .type = PARAM_INT, .min = 1, .max = QUEUES_MAX, .def = "1", .help = "receive queues"},
	{0},
};

struct tap {
	char ifname[IFNAMSIZ]; // as it was made; the interface may be renamed
	int watch_fd;          // a duplicate for netfd_watch: one event registration each
	uint16_t nfds;
	int fd[QUEUES_MAX];
	struct netfd_rxq *rxq; // [nfds]
	struct netfd_txq *txq; // [ntxq]
};

static int name_taken(const char *ifname, struct fault *f)
{
	return fault_str(f, -EEXIST, "ifname", ifname, "a name that is free", "an interface %s exists already", ifname);
}

static int fd_open(struct tap *t, bool first, struct fault *f)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (first ? IFF_TUN_EXCL : 0)};
	const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	const int header = sizeof(struct virtio_net_hdr);
	int ret;

	if (fd < 0)
		return fault_str(f, -errno, "ifname", t->ifname, NULL, "cannot open /dev/net/tun");
	if (t->nfds > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, t->ifname, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		ret = -errno;
		close(fd);
		if (ret == -EBUSY || ret == -EINVAL || ret == -EEXIST)
			return name_taken(t->ifname, f);
		if (ret == -EPERM)
			return fault_str(f, ret, "ifname", t->ifname, NULL, "making a TAP needs CAP_NET_ADMIN");
		return fault_str(f, ret, "ifname", t->ifname, NULL, "cannot make TAP %s", t->ifname);
	}
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETOFFLOAD, RX_OFFLOADS) < 0) {
		ret = fault_str(f, -errno, "ifname", t->ifname, NULL, "cannot set TAP %s up", t->ifname);
		close(fd);
		return ret;
	}
	return fd;
}

static void fds_close(struct tap *t)
{
	for (uint16_t i = 0; i < t->nfds && t->fd[i] >= 0; i++)
		close(t->fd[i]);
	if (t->watch_fd >= 0)
		close(t->watch_fd);
}

static int fds_open(struct tap *t, struct fault *f)
{
	for (uint16_t i = 0; i < t->nfds; i++) {
		t->fd[i] = fd_open(t, i == 0, f);
		if (t->fd[i] < 0)
			return t->fd[i];
	}
	t->watch_fd = fcntl(t->fd[0], F_DUPFD_CLOEXEC, 0);
	if (t->watch_fd < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "no more file descriptors");
	return 0;
}

// The interface's name now, which may have been changed.
static int name_get(const struct tap *t, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	return ioctl(t->fd[0], TUNGETIFF, ifr) < 0 ? -errno : 0;
}

struct netns_call {
	int netns;
	int sock; // the answer: a socket in that namespace or -errno
};

static void *netns_socket(void *arg)
{
	struct netns_call *c = arg;

	if (setns(c->netns, CLONE_NEWNET) < 0)
		c->sock = -errno;
	else if ((c->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		c->sock = -errno;
	return NULL;
}

// Whether a namespace is the one we are in: no privilege is needed to stay.
static bool netns_is_ours(int netns)
{
	struct stat ours, theirs;

	return stat("/proc/self/ns/net", &ours) == 0 && fstat(netns, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

// A socket in the interface's network namespace, or -errno. A namespace is entered by a thread made for that: no other
// must ever find itself in a wrong one.
static int interface_socket(const struct tap *t)
{
	struct netns_call c = {.netns = ioctl(t->fd[0], TUNGETDEVNETNS, 0)};
	pthread_t thread;

	// Before Linux 5.7, or without CAP_NET_ADMIN over there: hope that it is where it was made.
	if (c.netns < 0 || netns_is_ours(c.netns)) {
		if (c.netns >= 0)
			close(c.netns);
		c.sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		return c.sock < 0 ? -errno : c.sock;
	}
	const int ret = pthread_create(&thread, NULL, netns_socket, &c);
	if (ret == 0)
		pthread_join(thread, NULL);
	close(c.netns);
	return ret != 0 ? -ret : c.sock;
}

static int tap_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	const struct tap *t = p->priv;
	char value[8], allowed[32];
	struct ifreq ifr;
	int ret = 0;

	snprintf(value, sizeof(value), "%u", mtu);
	snprintf(allowed, sizeof(allowed), "%u to %u", PORT_MTU_MIN, p->max_mtu);
	if (mtu < PORT_MTU_MIN || mtu > p->max_mtu)
		return fault_set(f, -EINVAL, "mtu", value, allowed, "MTU %u is out of this port's range", mtu);
	const int sock = interface_socket(t);
	if (sock < 0)
		return fault_set(f, sock, "mtu", value, NULL,
				 "TAP %s was moved to a network namespace where we may not go", t->ifname);
	ret = name_get(t, &ifr);
	ifr.ifr_mtu = mtu;
	if (ret == 0 && ioctl(sock, SIOCSIFMTU, &ifr) < 0)
		ret = -errno;
	close(sock);
	if (ret != 0)
		return fault_set(f, ret, "mtu", value, NULL, "TAP %s refuses MTU %u", t->ifname, mtu);
	p->mtu = mtu;
	return 0;
}

static int tap_set_mac(struct port *p, const struct rte_ether_addr *mac, struct fault *f)
{
	const struct tap *t = p->priv;
	struct ifreq ifr = {.ifr_hwaddr.sa_family = 1}; // ARPHRD_ETHER
	char value[RTE_ETHER_ADDR_FMT_SIZE];

	rte_ether_format_addr(value, sizeof(value), mac);
	if (!rte_is_valid_assigned_ether_addr(mac))
		return fault_str(f, -EINVAL, "mac", value, "an address of one station",
				 "MAC address %s is zero or a group's", value);
	memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof(*mac));
	if (ioctl(t->fd[0], SIOCSIFHWADDR, &ifr) < 0)
		return fault_str(f, -errno, "mac", value, NULL, "TAP %s refuses MAC address %s", t->ifname, value);
	p->mac = *mac;
	return 0;
}

static int mac_setup(struct port *p, struct fault *f)
{
	const struct tap *t = p->priv;
	const struct rte_ether_addr want = p->mac;
	struct ifreq ifr = {0};

	if (!rte_is_zero_ether_addr(&want))
		return tap_set_mac(p, &want, f);
	if (ioctl(t->fd[0], SIOCGIFHWADDR, &ifr) < 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "TAP %s does not tell its MAC address", t->ifname);
	memcpy(&p->mac, ifr.ifr_hwaddr.sa_data, sizeof(p->mac));
	return 0;
}

static int queues_setup(struct port *p, unsigned int workers)
{
	struct tap *t = p->priv;
	const unsigned int ntxq = RTE_MAX(1U, RTE_MIN(workers, (unsigned int)PORT_QUEUES_MAX));

	t->rxq = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t->rxq) * t->nfds);
	t->txq = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t->txq) * ntxq);
	if (t->rxq == NULL || t->txq == NULL || port_queues_alloc(p, t->nfds, (uint16_t)ntxq, workers) != 0)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->nrxq; i++)
		netfd_rxq_init(&t->rxq[i], p, i, t->fd[i], false);
	// The kernel takes concurrent writes, so each worker gets a queue whatever their number.
	for (uint16_t i = 0; i < p->ntxq; i++)
		netfd_txq_init(&t->txq[i], p, i, t->fd[i % t->nfds]);
	return 0;
}

static void tap_free(struct port *p)
{
	struct tap *t = p->priv;

	fds_close(t);
	port_queues_free(p);
	free(t->rxq);
	free(t->txq);
	free(t);
	p->priv = NULL;
}

// The kernel's interface shows a carrier only while the port is started.
static void carrier_set(const struct tap *t, int on)
{
	// Linux before 4.19 has no such call, and then no harm is done.
	(void)!ioctl(t->fd[0], TUNSETCARRIER, &on);
}

static int tap_check(const json_t *params, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	int ret = ifname_check(ifname, f);

	return ret == 0 && ifname_exists(ifname) ? name_taken(ifname, f) : ret;
}

static int tap_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *ifname = json_string_value(json_object_get(params, "ifname"));
	const json_t *queues = json_object_get(params, "queues");
	struct tap *t;
	int ret = ifname_check(ifname, f);

	if (ret != 0)
		return ret;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a port");
	snprintf(t->ifname, sizeof(t->ifname), "%s", ifname);
	t->nfds = queues != NULL ? (uint16_t)json_integer_value(queues) : 1;
	t->watch_fd = -1;
	memset(t->fd, -1, sizeof(t->fd));
	p->priv = t;
	p->max_mtu = PORT_MTU_MAX;
	p->offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	if (p->mtu == 0)
		p->mtu = RTE_ETHER_MTU;
	ret = fds_open(t, f);
	if (ret == 0)
		ret = mac_setup(p, f);
	if (ret == 0)
		ret = tap_set_mtu(p, p->mtu, f);
	if (ret == 0 && queues_setup(p, workers) != 0)
		ret = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the port's queues");
	if (ret != 0)
		tap_free(p);
	else
		carrier_set(t, 0);
	return ret;
}

// The descriptor is writable while the interface is up, in whatever network namespace that is.
static int tap_link(const struct port *p)
{
	const struct tap *t = p->priv;
	struct pollfd pfd = {.fd = t->watch_fd, .events = POLLOUT};

	if (poll(&pfd, 1, 0) >= 0 && (pfd.revents & POLLERR) != 0)
		return -ENODEV;
	return pfd.revents == POLLOUT;
}

static int tap_start(struct port *p, struct fault *f)
{
	struct tap *t = p->priv;
	int ret;

	carrier_set(t, 1);
	ret = netfd_watch_add(p, t->watch_fd, EPOLLOUT, tap_link);
	if (ret == 0)
		return 0;
	carrier_set(t, 0);
	return fault_set(f, ret, NULL, NULL, NULL, "cannot watch TAP %s", t->ifname);
}

static void tap_stop(struct port *p)
{
	struct tap *t = p->priv;

	netfd_watch_del(p, t->watch_fd);
	for (uint16_t i = 0; i < p->nrxq; i++)
		netfd_rxq_release(&t->rxq[i], p, i);
	carrier_set(t, 0);
	port_link_set(p, false);
}

static void tap_info(const struct port *p, json_t *out)
{
	const struct tap *t = p->priv;
	struct ifreq ifr;

	json_object_set_new(out, "driver", json_string("tun"));
	if (name_get(t, &ifr) == 0)
		json_object_set_new(out, "ifname", json_stringn(ifr.ifr_name, strnlen(ifr.ifr_name, IFNAMSIZ)));
	json_object_set_new(out, "tx_offloads", json_pack("[sss]", "csum", "tso4", "tso6"));
}

static const struct port_ops tap_ops = {
	.name = "tap",
	.help = "a network interface of the kernel's, made for this port",
	.params = tap_params,
	.check = tap_check,
	.create = tap_create,
	.start = tap_start,
	.stop = tap_stop,
	.destroy = tap_free,
	.set_mtu = tap_set_mtu,
	.set_mac = tap_set_mac,
	.stats = netfd_stats,
	.info = tap_info,
};
PORT_KIND(tap_ops)
