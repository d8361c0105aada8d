/* SPDX-License-Identifier: BSD-3-Clause */
#include "netfd_queue.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "netfd_watch.h"

#define TAGS_MAX 2
#define RX_BYTES 65536          // that one poll takes, give or take a frame
#define IDLE_AFTER_S_SHARE 5000 // a queue is left to the watcher when nothing came for 1/5000 s
#define TCP_CHECK 16            // offset of the checksum in the header
#define UDP_CHECK 6
#define HEADERS_MAX 640 // Ethernet, tags, the longest l3_len of an mbuf, and the L4 header up to its checksum
#define TX_IOV (3 + RTE_MBUF_MAX_NB_SEGS)

static bool spare_refill(struct netfd_rxq *t)
{
	if (t->missing == 0)
		return true;
	if (rte_pktmbuf_alloc_bulk(port_pool(), t->spare, t->missing) != 0)
		return false; // the frames wait in the kernel, which drops and counts what it has no room for
	for (uint16_t i = 0; i < t->missing; i++) {
		t->iov[1 + i].iov_base = rte_pktmbuf_mtod(t->spare[i], void *);
		t->iov[1 + i].iov_len = PORT_MBUF_DATA;
	}
	t->missing = 0;
	return true;
}

// The first buffers, as a chain of len bytes.
static struct rte_mbuf *spare_take(struct netfd_rxq *t, uint32_t len)
{
	struct rte_mbuf *m = t->spare[0], *last = m;
	uint32_t left = len;

	m->pkt_len = len;
	while (true) {
		last->data_len = (uint16_t)RTE_MIN(left, (uint32_t)PORT_MBUF_DATA);
		left -= last->data_len;
		t->missing++;
		if (left == 0)
			break;
		last->next = t->spare[t->missing];
		last = last->next;
		m->nb_segs++;
	}
	return m;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

// The length of the Ethernet header with its tags, and the EtherType behind; 0 if the frame is too short for it.
static uint16_t l2_parse(const struct rte_mbuf *m, uint16_t *type)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t len = RTE_ETHER_HDR_LEN;

	for (unsigned int tags = 0; len <= m->data_len; tags++, len += RTE_VLAN_HLEN) {
		*type = get16(data + len - 2);
		if (tags == TAGS_MAX || (*type != RTE_ETHER_TYPE_VLAN && *type != RTE_ETHER_TYPE_QINQ))
			return len;
	}
	return 0;
}

// Says in m's fields where its headers are. False if what needs a checksum is not TCP or UDP right behind IP (it may be
// the inner packet of a tunnel of the kernel's).
static bool headers_parse(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	uint16_t type, l2 = l2_parse(m, &type);

	if (l2 == 0 || h->csum_start <= l2 || h->csum_start - l2 >= 1 << RTE_MBUF_L3_LEN_BITS ||
	    h->csum_start > m->data_len)
		return false;
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l2);
	if (type == RTE_ETHER_TYPE_IPV4) {
		if ((ip[0] & 0x0f) * 4 != h->csum_start - l2)
			return false;
		m->ol_flags |= RTE_MBUF_F_TX_IPV4;
	} else if (type == RTE_ETHER_TYPE_IPV6) {
		// Extension headers are rare: leave a packet with any to checksum_finish().
		if (h->csum_start - l2 != sizeof(struct rte_ipv6_hdr))
			return false;
		m->ol_flags |= RTE_MBUF_F_TX_IPV6;
	} else {
		return false;
	}
	if (h->csum_offset == TCP_CHECK)
		m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	else if (h->csum_offset == UDP_CHECK)
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	else
		return false;
	m->l2_len = l2;
	m->l3_len = h->csum_start - l2;
	return true;
}

// Puts the tag that the kernel took out of the frame back into it.
static bool tag_insert(struct rte_mbuf *m, struct virtio_net_hdr *h, const struct tpacket_auxdata *aux)
{
	const uint16_t type =
		(aux->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux->tp_vlan_tpid : RTE_ETHER_TYPE_VLAN;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->data_len < 2 * RTE_ETHER_ADDR_LEN)
		return false;
	data = (uint8_t *)rte_pktmbuf_prepend(m, RTE_VLAN_HLEN);
	if (data == NULL)
		return false; // cannot be: the buffer is fresh from the pool, with all of its headroom
	memmove(data, data + RTE_VLAN_HLEN, 2 * RTE_ETHER_ADDR_LEN);
	put16(data + 2 * RTE_ETHER_ADDR_LEN, type);
	put16(data + 2 * RTE_ETHER_ADDR_LEN + 2, aux->tp_vlan_tci);
	h->csum_start += RTE_VLAN_HLEN;
	return true;
}

// Fills the checksum in as virtio defines it: over all from csum_start, on top of what the field holds.
static bool checksum_finish(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	const uint32_t field = h->csum_start + h->csum_offset;
	uint16_t sum;

	if (field + 2 > m->data_len || rte_raw_cksum_mbuf(m, h->csum_start, m->pkt_len - h->csum_start, &sum) != 0)
		return false;
	sum = (uint16_t)~sum;
	if (sum == 0)
		sum = 0xffff; // right for UDP, and the same sum for others
	memcpy(rte_pktmbuf_mtod_offset(m, void *, field), &sum, sizeof(sum));
	return true;
}

// Turns the kernel's header into mbuf flags. False: drop the frame.
static bool header_apply(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	const uint8_t gso = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return gso == VIRTIO_NET_HDR_GSO_NONE;
	if (!headers_parse(m, h)) {
		m->ol_flags = 0;
		return gso == VIRTIO_NET_HDR_GSO_NONE && checksum_finish(m, h);
	}
	if (gso == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	if ((gso != VIRTIO_NET_HDR_GSO_TCPV4 && gso != VIRTIO_NET_HDR_GSO_TCPV6) || h->csum_offset != TCP_CHECK ||
	    h->csum_start + sizeof(struct rte_tcp_hdr) > m->data_len)
		return false;
	m->l4_len = (*rte_pktmbuf_mtod_offset(m, const uint8_t *, h->csum_start + 12) >> 4) * 4;
	m->tso_segsz = h->gso_size;
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	return true;
}

// Nothing came. After a while of that, has the watcher look, and the worker see only the word.
static void rx_empty(struct rxq *q, struct netfd_rxq *t)
{
	const uint64_t now = rte_rdtsc();
	const uint16_t word = __atomic_load_n(&t->word, __ATOMIC_ACQUIRE);

	if (t->empty_tsc == 0)
		t->empty_tsc = now;
	if (now - t->empty_tsc < rte_get_tsc_hz() / IDLE_AFTER_S_SHARE || !netfd_watch_arm(t->fd, t->key))
		return;
	// What came since the read makes the watcher change the word, before or after this.
	t->empty_tsc = 0;
	q->idle_value = word;
}

// One frame from a packet socket, and the tag that was in it.
static ssize_t socket_read(struct netfd_rxq *t, struct tpacket_auxdata *aux)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(*aux))];
	} control;
	struct msghdr msg = {
		.msg_iov = t->iov,
		.msg_iovlen = RTE_DIM(t->iov),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t len = recvmsg(t->fd, &msg, MSG_DONTWAIT);
	const struct cmsghdr *c = len > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c != NULL && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
		memcpy(aux, CMSG_DATA(c), sizeof(*aux));
	return len;
}

static inline uint16_t rx(struct rxq *q, struct rte_mbuf **pkts, uint16_t n, bool socket)
{
	struct netfd_rxq *t = q->priv;
	uint32_t bytes = 0;
	uint16_t got = 0;

	// Frames of 64 KiB are copied by the kernel at 10 us each: other ports' frames must not wait for many of them.
	while (got < n && bytes < RX_BYTES && spare_refill(t)) {
		struct tpacket_auxdata aux = {0};
		const ssize_t len = socket ? socket_read(t, &aux) : readv(t->fd, t->iov, RTE_DIM(t->iov));
		if (len <= (ssize_t)sizeof(t->header)) {
			// A packet socket hands out the error of one frame it could not describe, and goes on with the
			// next.
			if (socket && len < 0 && errno == EINVAL)
				__atomic_fetch_add(&t->errors, 1, __ATOMIC_RELAXED);
			break;
		}
		struct rte_mbuf *m = spare_take(t, (uint32_t)len - sizeof(t->header));
		bool ok = true;
		if (socket && (aux.tp_status & TP_STATUS_VLAN_VALID) != 0)
			ok = tag_insert(m, &t->header, &aux);
		if (unlikely((t->header.flags | t->header.gso_type) != 0))
			ok = ok && header_apply(m, &t->header);
		if (unlikely(!ok)) {
			rte_pktmbuf_free(m);
			__atomic_fetch_add(&t->errors, 1, __ATOMIC_RELAXED);
			continue;
		}
		bytes += m->pkt_len;
		pkts[got++] = m;
	}
	if (got == 0)
		rx_empty(q, t);
	else
		t->empty_tsc = 0;
	return got;
}

static uint16_t rx_tap(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return rx(q, pkts, n, false);
}

static uint16_t rx_socket(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return rx(q, pkts, n, true);
}

// The sum of the pseudo header, which virtio wants in the checksum field; `len` of the L4 packet.
static uint16_t pseudo_sum(const uint8_t *ip, bool ipv4, uint8_t protocol, uint32_t len)
{
	uint32_t sum = rte_cpu_to_be_16(protocol) + rte_cpu_to_be_16((uint16_t)len);

	sum += ipv4 ? rte_raw_cksum(ip + 12, 8) : rte_raw_cksum(ip + 8, 32);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

// Fills in the kernel's header, and `copy` with the first bytes of the frame up to and with the checksum field, with
// the field as virtio wants it. Returns how many bytes that is, 0 if the frame needs nothing, -EINVAL if its lengths
// lie.
static int header_make(const struct rte_mbuf *m, struct virtio_net_hdr *h, uint8_t *copy)
{
	const uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	const bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0, ipv4 = (m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0;
	const bool tcp = tso || l4 == RTE_MBUF_F_TX_TCP_CKSUM;

	if (l4 == 0 && !tso)
		return 0;
	if (!tcp && l4 != RTE_MBUF_F_TX_UDP_CKSUM)
		return -EINVAL;
	const uint32_t start = m->l2_len + m->l3_len, field = start + (tcp ? TCP_CHECK : UDP_CHECK), end = field + 2;
	if (m->l2_len < RTE_ETHER_HDR_LEN ||
	    m->l3_len < (ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) || end > m->data_len ||
	    end > HEADERS_MAX)
		return -EINVAL;
	memcpy(copy, rte_pktmbuf_mtod(m, const void *), end);
	const uint8_t *ip = copy + m->l2_len;
	uint32_t len = m->pkt_len - start;
	// Padding is no part of the packet; some senders leave the length out of what is to be segmented.
	const uint32_t said = ipv4 ? get16(ip + 2) : get16(ip + 4) + sizeof(struct rte_ipv6_hdr);
	if (!tso || get16(ip + (ipv4 ? 2 : 4)) != 0) {
		if (said <= m->l3_len || said - m->l3_len > len)
			return -EINVAL;
		len = said - m->l3_len;
	}
	const uint16_t sum = pseudo_sum(ip, ipv4, tcp ? IPPROTO_TCP : IPPROTO_UDP, len);
	memcpy(copy + field, &sum, sizeof(sum));
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)start;
	h->csum_offset = (uint16_t)(field - start);
	if (tso) {
		h->gso_type = ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		h->gso_size = m->tso_segsz;
		h->hdr_len = (uint16_t)(start + m->l4_len);
	}
	return (int)end;
}

// The kernel has no offload for the IPv4 header's own checksum.
static int ip_checksum_fill(const struct rte_mbuf *m, uint8_t *copy, int copied)
{
	const int end = (int)(m->l2_len + m->l3_len);
	uint8_t *ip = copy + m->l2_len;
	uint16_t sum;

	if (m->l3_len < sizeof(struct rte_ipv4_hdr) || end > m->data_len || end > HEADERS_MAX)
		return -EINVAL;
	if (copied == 0) {
		memcpy(copy, rte_pktmbuf_mtod(m, const void *), (size_t)end);
		copied = end;
	}
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~rte_raw_cksum(ip, m->l3_len);
	memcpy(ip + 10, &sum, sizeof(sum));
	return copied;
}

static ssize_t frame_write(int fd, const struct rte_mbuf *m)
{
	struct virtio_net_hdr header = {0};
	struct iovec iov[TX_IOV];
	uint8_t copy[HEADERS_MAX];
	int n = 0, copied = 0;

	if ((m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) != 0) {
		copied = header_make(m, &header, copy);
		if (copied >= 0 && (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0)
			copied = ip_checksum_fill(m, copy, copied);
		if (copied < 0)
			return -1;
	}
	iov[n++] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
	if (copied > 0)
		iov[n++] = (struct iovec){.iov_base = copy, .iov_len = (size_t)copied};
	iov[n++] = (struct iovec){.iov_base = rte_pktmbuf_mtod_offset(m, void *, copied),
				  .iov_len = m->data_len - (size_t)copied};
	for (m = m->next; m != NULL && n < TX_IOV; m = m->next)
		iov[n++] = (struct iovec){.iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = m->data_len};
	return writev(fd, iov, n);
}

static uint16_t tx(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct netfd_txq *t = q->priv;
	uint16_t sent;

	for (sent = 0; sent < n; sent++) {
		errno = 0;
		if (frame_write(t->fd, pkts[sent]) < 0) {
			if (errno == EAGAIN)
				break;
			__atomic_fetch_add(&t->errors, 1, __ATOMIC_RELAXED);
		}
	}
	rte_pktmbuf_free_bulk(pkts, sent);
	return sent;
}

void netfd_rxq_init(struct netfd_rxq *t, struct port *p, uint16_t queue, int fd, bool socket)
{
	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->key = netfd_watch_key(p, queue);
	t->missing = NETFD_SEGS;
	t->iov[0] = (struct iovec){.iov_base = &t->header, .iov_len = sizeof(t->header)};
	p->rxq[queue].priv = t;
	p->rxq[queue].rx = socket ? rx_socket : rx_tap;
	p->rxq[queue].idle_value = UINT16_MAX; // not what the word begins with
	p->rxq[queue].idle_word = &t->word;
}

void netfd_txq_init(struct netfd_txq *t, struct port *p, uint16_t queue, int fd)
{
	*t = (struct netfd_txq){.fd = fd};
	p->txq[queue].priv = t;
	p->txq[queue].tx = tx;
}

void netfd_rxq_release(struct netfd_rxq *t, struct port *p, uint16_t queue)
{
	rte_pktmbuf_free_bulk(t->spare + t->missing, NETFD_SEGS - t->missing);
	t->missing = NETFD_SEGS;
	t->empty_tsc = 0;
	p->rxq[queue].idle_value = (uint16_t)(t->word - 1);
}

void netfd_stats(const struct port *p, struct port_dev_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (uint16_t i = 0; i < p->nrxq; i++) {
		const struct netfd_rxq *t = p->rxq[i].priv;

		out->rx_errors += __atomic_load_n(&t->errors, __ATOMIC_RELAXED);
	}
	for (uint16_t i = 0; i < p->ntxq; i++) {
		const struct netfd_txq *t = p->txq[i].priv;

		out->tx_errors += __atomic_load_n(&t->errors, __ATOMIC_RELAXED);
	}
}
