/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_tap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_ip.h>

#include "host_link.h"
#include "log.h"
#include "neigh.h"
#include "netns.h"

#define FRAME_MAX (65535 + RTE_ETHER_HDR_LEN + 4)
#define IOV_MAX_SEGS 66
#define TCP_CHECK 16
#define UDP_CHECK 6

static LIST_HEAD(, host_tap) taps = LIST_HEAD_INITIALIZER(taps);
static struct event_base *base;
static uint64_t retry_ms;
static void (*listener)(void);

void host_tap_create(struct event_base *b)
{
	base = b;
	retry_ms = 0;
}

void host_tap_listen(void (*changed)(void))
{
	listener = changed;
}

static void tell(void)
{
	if (listener)
		listener();
}

static const char *conf_string(const json_t *conf, const char *field, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(conf, field));

	return text ? text : otherwise;
}

// What the kernel takes for the name of an interface.
static bool is_ifname(const char *name)
{
	if (strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

int host_tap_check(const struct iface *i, const json_t *conf, struct fault *f)
{
	const char *ifname = conf_string(conf, "host_ifname", i->name);
	const char *netns = conf_string(conf, "host_netns", "");
	const struct names *ifaces = iface_names();

	if (!json_is_true(json_object_get(conf, "host_tap"))) {
		if (json_object_get(conf, "host_ifname") || netns[0])
			return fault_set(f, -EINVAL, "host_tap", NULL, "true",
					 "host_ifname and host_netns are of a host TAP");
		return 0;
	}
	if (!is_ifname(ifname))
		return fault_str(f, -EINVAL, "host_ifname", ifname, "1 to 15 bytes without '/', ':' and spaces",
				 "Linux takes no such name for the host TAP");
	for (uint32_t k = 0; k < ifaces->n; k++) {
		const struct iface *other = ifaces->at[k];

		if (other != i && json_is_true(json_object_get(other->conf, "host_tap")) &&
		    strcmp(conf_string(other->conf, "host_ifname", other->name), ifname) == 0 &&
		    strcmp(conf_string(other->conf, "host_netns", ""), netns) == 0)
			return fault_str(f, -EEXIST, "host_ifname", ifname, "a name that no host TAP there has",
					 "the host TAP of interface %s has this name", other->name);
	}
	return 0;
}

// The TAP itself.

static int open_here(void *arg)
{
	struct host_tap *t = arg;
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL};
	int rc, fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", t->ifname);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	t->ifindex = (int)if_nametoindex(t->ifname);
	return fd;
}

static void tap_close(struct host_tap *t)
{
	if (t->event)
		event_free(t->event);
	t->event = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	host_link_close(t);
}

// The TAP does not work (any more): why, once.
static void tap_fail(struct host_tap *t, int rc, const char *what)
{
	tap_close(t);
	if (strncmp(t->error, what, strlen(what)) != 0)
		LOG(ERR, "host TAP %s of interface %s: %s: %s", t->ifname, t->iface->name, what, strerror(-rc));
	snprintf(t->error, sizeof(t->error), "%s: %s", what, strerror(-rc));
	tell();
}

// A frame from Linux, as a packet. NULL: no buffers.
static struct rte_mbuf *packet_of(const uint8_t *frame, uint32_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(port_pool()), *m = head;

	while (m) {
		uint32_t part = RTE_MIN(len, (uint32_t)PORT_MBUF_DATA);

		memcpy(rte_pktmbuf_mtod(m, void *), frame, part);
		m->data_len = (uint16_t)part;
		head->pkt_len += part;
		frame += part;
		len -= part;
		if (len == 0)
			return head;
		m->next = rte_pktmbuf_alloc(port_pool());
		m = m->next;
		head->nb_segs++;
	}
	if (head)
		head->nb_segs--;
	rte_pktmbuf_free(head);
	return NULL;
}

static void send_frame(struct host_tap *t, const uint8_t *frame, uint32_t len)
{
	struct iface *i = t->iface;
	struct rte_mbuf *m = len >= RTE_ETHER_HDR_LEN && i->up && i->domain ? packet_of(frame, len) : NULL;

	if (!m || worker_inject(m, i->port ? i->port->id : 0, i->domain->id, 0) < 0) {
		slow_count_sent(SLOW_SENT_LOST);
		return;
	}
	t->from_host++;
	slow_count_sent(SLOW_SENT_HOST);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t buffer[sizeof(struct virtio_net_hdr) + FRAME_MAX];
	struct host_tap *t = arg;

	for (unsigned int k = 0; k < HOST_QUOTA; k++) {
		ssize_t n = read(t->fd, buffer, sizeof(buffer));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			tap_fail(t, n < 0 ? -errno : -ENODEV, "it went away");
			return;
		}
		if ((size_t)n > sizeof(struct virtio_net_hdr))
			send_frame(t, buffer + sizeof(struct virtio_net_hdr),
				   (uint32_t)((size_t)n - sizeof(struct virtio_net_hdr)));
	}
}

// Linux finishes what it sends by itself: no checksum and no segmentation is left to us.
static void tap_open(struct host_tap *t)
{
	int carrier = t->iface->up, rc;

	rc = netns_run(t->netns, open_here, t);
	if (rc < 0) {
		tap_fail(t, rc, "cannot make it");
		return;
	}
	t->fd = rc;
	rc = host_link_open(t);
	if (rc < 0) {
		tap_fail(t, rc, "cannot set it up");
		return;
	}
	t->event = event_new(base, t->fd, EV_READ | EV_PERSIST, on_readable, t);
	if (!t->event || event_add(t->event, NULL) < 0) {
		tap_fail(t, -ENOMEM, "cannot watch it");
		return;
	}
	(void)!ioctl(t->fd, TUNSETCARRIER, &carrier); // Linux before 4.19 has no such call
	t->error[0] = '\0';
	LOG(INFO, "host TAP %s of interface %s is there", t->ifname, t->iface->name);
	tell();
}

void host_tap_iface_changed(struct iface *i)
{
	struct host_tap *t = i->host;
	int carrier = i->up;

	if (!json_is_true(json_object_get(i->conf, "host_tap")))
		return;
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t) {
			LOG(ERR, "no memory for the host TAP of interface %s", i->name);
			return;
		}
		t->iface = i;
		t->fd = -1;
		snprintf(t->ifname, sizeof(t->ifname), "%.15s", conf_string(i->conf, "host_ifname", i->name));
		snprintf(t->netns, sizeof(t->netns), "%s", conf_string(i->conf, "host_netns", ""));
		i->host = t;
		LIST_INSERT_HEAD(&taps, t, link);
		tap_open(t);
		return;
	}
	if (t->fd < 0)
		return;
	(void)!ioctl(t->fd, TUNSETCARRIER, &carrier);
	host_link_update(t);
}

void host_tap_iface_gone(struct iface *i)
{
	struct host_tap *t = i->host;

	if (!t)
		return;
	LIST_REMOVE(t, link);
	i->host = NULL;
	tap_close(t);
	free(t);
	tell();
}

void host_tap_tick(void)
{
	struct host_tap *t;

	if (slow_now_ms() < retry_ms)
		return;
	retry_ms = slow_now_ms() + HOST_RETRY_MS;
	LIST_FOREACH (t, &taps, link)
		if (t->fd < 0)
			tap_open(t);
}

struct iface *host_iface_of(const char *netns, int ifindex)
{
	struct host_tap *t;

	LIST_FOREACH (t, &taps, link)
		if (t->fd >= 0 && t->ifindex == ifindex && strcmp(t->netns, netns) == 0)
			return t->iface;
	return NULL;
}

void host_tap_json(const struct iface *i, json_t *o)
{
	const struct host_tap *t = i->host;

	if (t)
		json_object_set_new(o, "host",
				    json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "ifname", t->ifname, "netns", t->netns,
					      "state", t->fd >= 0 ? "up" : "failed", "error", t->error, "to_host",
					      (json_int_t)t->to_host, "from_host", (json_int_t)t->from_host, "lost",
					      (json_int_t)t->lost));
}

// What a guest left to be done to the frame, for Linux to do. l3: as in the frame that is written.
static void offloads(const struct rte_mbuf *m, struct virtio_net_hdr *h)
{
	const uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	if (l4 != RTE_MBUF_F_TX_TCP_CKSUM && l4 != RTE_MBUF_F_TX_UDP_CKSUM && !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		return;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = RTE_ETHER_HDR_LEN + m->l3_len;
	h->csum_offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? UDP_CHECK : TCP_CHECK;
	if (!(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		return;
	h->csum_offset = TCP_CHECK;
	h->gso_type = m->ol_flags & RTE_MBUF_F_TX_IPV6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	h->gso_size = m->tso_segsz;
	h->hdr_len = (uint16_t)(RTE_ETHER_HDR_LEN + m->l3_len + m->l4_len);
}

// Writes a frame, untagged, to the TAP. false: it does not take it.
static bool tap_write(struct host_tap *t, const struct rte_mbuf *m, uint16_t l3, const struct rte_ether_addr *dst)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	struct virtio_net_hdr header = {0};
	uint8_t ether[RTE_ETHER_HDR_LEN];
	struct iovec iov[IOV_MAX_SEGS];
	int n = 2;

	if (m->data_len < l3)
		return false;
	offloads(m, &header);
	memcpy(ether, dst ? (const void *)dst : data, RTE_ETHER_ADDR_LEN);
	memcpy(ether + RTE_ETHER_ADDR_LEN, data + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN);
	memcpy(ether + 2 * RTE_ETHER_ADDR_LEN, data + l3 - 2, 2); // behind the tags
	iov[0] = (struct iovec){&header, sizeof(header)};
	iov[1] = (struct iovec){ether, sizeof(ether)};
	for (const struct rte_mbuf *s = m; s && n < IOV_MAX_SEGS; s = s->next, n++) {
		uint16_t skip = s == m ? l3 : 0;

		iov[n] = (struct iovec){rte_pktmbuf_mtod_offset(s, uint8_t *, skip), s->data_len - skip};
	}
	if (writev(t->fd, iov, n) < 0) {
		t->lost++;
		return false;
	}
	t->to_host++;
	return true;
}

static bool works(const struct host_tap *t)
{
	return t && t->fd >= 0;
}

static bool give(struct host_tap *t, struct rte_mbuf *m, uint16_t l3, const struct rte_ether_addr *dst)
{
	if (!works(t))
		return false;
	slow_end(m, tap_write(t, m, l3, dst) ? SLOW_HOST : SLOW_HOST_FULL);
	return true;
}

bool host_input(struct iface *in, const struct ip_addr *dst, struct rte_mbuf *m, uint16_t l3)
{
	struct iface *owner = works(in->host) || ip_is_multicast(dst) ? in : iface_owner(in->vrf, dst);

	return owner && give(owner->host, m, l3, owner != in ? &owner->mac : NULL);
}

bool host_input_link(struct iface *in, struct rte_mbuf *m, uint16_t l3)
{
	return give(in->host, m, l3, NULL);
}

void host_copy(struct iface *in, const struct rte_mbuf *m, uint16_t l3)
{
	if (works(in->host))
		tap_write(in->host, m, l3, NULL);
}
