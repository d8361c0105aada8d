/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define TAGS_MAX 2
#define EXTENSIONS_MAX 8
#define DONE_FLAGS                                                                                                     \
	(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4 |                 \
	 RTE_MBUF_F_TX_IPV6)

// Where the headers of a frame are; all of it was checked against the data.
struct headers {
	uint16_t l3, l4;  // offsets
	uint16_t payload; // offset, of TCP only
	uint32_t end;     // of the IP packet: what follows is padding
	bool ipv4;
	uint8_t protocol;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// The Internet checksum (RFC 1071) of n <= 65535 bytes, not inverted, in the memory's byte order; a last odd byte
// counts as if a zero followed.
static uint32_t sum_bytes(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < n; i += 2) {
		uint16_t word;

		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	if (n & 1)
		sum += rte_cpu_to_le_16(p[n - 1]);
	return sum;
}

// The same over a chain. rte_raw_cksum_mbuf() of 22.11 loses carries of a segment that begins at an odd offset.
static uint64_t sum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t sum = 0;
	bool odd = false;

	for (; len > 0; m = m->next) {
		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		const uint32_t n = RTE_MIN(len, m->data_len - off);
		uint16_t part = sum_fold(sum_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n));

		sum += odd ? rte_bswap16(part) : part;
		odd ^= n & 1;
		len -= n;
		off = 0;
	}
	return sum;
}

// The VLAN tags within l2_len and the EtherType behind them must be what the flags say.
static int l2_check(const uint8_t *data, const struct rte_mbuf *m, bool ipv4)
{
	uint32_t at = 2 * RTE_ETHER_ADDR_LEN, tags = 0;

	if (m->l2_len < RTE_ETHER_HDR_LEN || m->l2_len > m->data_len)
		return -EINVAL;
	while (at + 2 < m->l2_len && tags < TAGS_MAX) {
		const uint16_t type = get16(data + at);

		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ && type != RTE_ETHER_TYPE_QINQ1)
			return -EINVAL;
		at += RTE_VLAN_HLEN;
		tags++;
	}
	if (at + 2 != m->l2_len)
		return -EINVAL;
	return get16(data + at) == (ipv4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6) ? 0 : -EINVAL;
}

static int ipv4_check(const uint8_t *ip, uint32_t room, const struct rte_mbuf *m, struct headers *h)
{
	const struct rte_ipv4_hdr *v4 = (const struct rte_ipv4_hdr *)ip;

	if (m->l3_len < sizeof(*v4) || m->l3_len > room)
		return -EINVAL;
	if (v4->version != 4 || v4->ihl * 4 != m->l3_len)
		return -EINVAL;
	h->protocol = v4->next_proto_id;
	h->end = get16(ip + 2);
	// What is only a part of a packet has no checksum of its own.
	if ((get16(ip + 6) & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		h->protocol = 0;
	return 0;
}

// Walks the extension headers, which must end where l3_len says (RFC 8200). A fragment has no checksum of its own, and
// a routing header that is not at its end would hide the destination that the checksum covers.
static int ipv6_check(const uint8_t *ip, uint32_t room, const struct rte_mbuf *m, struct headers *h)
{
	uint32_t at = sizeof(struct rte_ipv6_hdr);

	if (m->l3_len < at || m->l3_len > room || ip[0] >> 4 != 6)
		return -EINVAL;
	h->protocol = ip[6];
	for (uint32_t n = 0; at < m->l3_len; n++) {
		if (n == EXTENSIONS_MAX || at + 8 > m->l3_len)
			return -EINVAL;
		if (h->protocol != IPPROTO_HOPOPTS && h->protocol != IPPROTO_DSTOPTS && h->protocol != IPPROTO_ROUTING)
			return -EINVAL;
		if (h->protocol == IPPROTO_ROUTING && ip[at + 3] != 0)
			return -EINVAL;
		h->protocol = ip[at];
		at += (ip[at + 1] + 1u) * 8;
	}
	if (at != m->l3_len)
		return -EINVAL;
	h->end = get16(ip + 4);
	if (h->end != 0)
		h->end += sizeof(struct rte_ipv6_hdr);
	return 0;
}

// Finds the IP header and its end. `unsized`: a length field of zero, as some guests leave it in frames to be
// segmented, means all of the frame.
static int l3_check(const struct rte_mbuf *m, bool unsized, struct headers *h)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	int ret;

	h->ipv4 = (m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0;
	if (h->ipv4 == ((m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0))
		return -EINVAL;
	if (l2_check(data, m, h->ipv4) != 0)
		return -EINVAL;
	h->l3 = m->l2_len;
	h->l4 = (uint16_t)(h->l3 + m->l3_len);
	ret = h->ipv4 ? ipv4_check(data + h->l3, m->data_len - h->l3, m, h)
		      : ipv6_check(data + h->l3, m->data_len - h->l3, m, h);
	if (ret != 0)
		return ret;
	if (h->end == 0 && !unsized)
		return -EINVAL;
	h->end = h->end == 0 ? m->pkt_len : h->l3 + h->end;
	return h->end >= h->l4 && h->end <= m->pkt_len ? 0 : -EINVAL;
}

static int tcp_check(const struct rte_mbuf *m, struct headers *h)
{
	const uint8_t *tcp = rte_pktmbuf_mtod_offset(m, const uint8_t *, h->l4);

	if (h->protocol != IPPROTO_TCP || h->l4 + sizeof(struct rte_tcp_hdr) > m->data_len)
		return -EINVAL;
	const uint32_t len = (tcp[12] >> 4) * 4u;
	if (len < sizeof(struct rte_tcp_hdr) || h->l4 + len > m->data_len || h->l4 + len > h->end)
		return -EINVAL;
	h->payload = (uint16_t)(h->l4 + len);
	return 0;
}

static int udp_check(const struct rte_mbuf *m, struct headers *h)
{
	const uint8_t *udp = rte_pktmbuf_mtod_offset(m, const uint8_t *, h->l4);

	if (h->protocol != IPPROTO_UDP || h->l4 + sizeof(struct rte_udp_hdr) > m->data_len)
		return -EINVAL;
	const uint32_t len = get16(udp + 4);
	if (len < sizeof(struct rte_udp_hdr) || h->l4 + len > h->end)
		return -EINVAL;
	h->end = h->l4 + len;
	return 0;
}

static void ipv4_finish(uint8_t *ip, uint32_t len)
{
	uint16_t sum;

	memset(ip + 10, 0, 2);
	sum = (uint16_t)~sum_fold(sum_bytes(ip, len));
	memcpy(ip + 10, &sum, sizeof(sum));
}

// Writes the checksum of the TCP or UDP packet from h->l4 to h->end (RFC 9293, RFC 768, RFC 8200 section 8.1).
static void l4_finish(struct rte_mbuf *m, const struct headers *h)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t *field = data + h->l4 + (h->protocol == IPPROTO_TCP ? 16 : 6);
	const uint32_t len = h->end - h->l4;
	uint64_t sum;
	uint16_t checksum;

	memset(field, 0, 2);
	sum = h->ipv4 ? sum_bytes(data + h->l3 + 12, 8) : sum_bytes(data + h->l3 + 8, 32);
	sum += rte_cpu_to_be_16(h->protocol);
	sum += rte_cpu_to_be_16((uint16_t)len); // a packet is shorter than 64 KiB
	sum += sum_chain(m, h->l4, len);
	checksum = (uint16_t)~sum_fold(sum);
	// Zero would say "none"; the other zero of one's complement says the same sum. TCP has no need of it.
	if (checksum == 0 && h->protocol == IPPROTO_UDP)
		checksum = 0xffff;
	memcpy(field, &checksum, sizeof(checksum));
}

int offload_checksum(struct rte_mbuf *m)
{
	const uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	const bool ip = (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0;
	struct headers h;

	if (l4 == 0 && !ip)
		return 0;
	if (l3_check(m, false, &h) != 0 || (ip && !h.ipv4))
		return -EINVAL;
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && tcp_check(m, &h) != 0)
		return -EINVAL;
	if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && udp_check(m, &h) != 0)
		return -EINVAL;
	if (l4 == RTE_MBUF_F_TX_SCTP_CKSUM)
		return -EINVAL; // nothing of ours offers that to a guest
	if (ip)
		ipv4_finish(rte_pktmbuf_mtod_offset(m, uint8_t *, h.l3), m->l3_len);
	if (l4 != 0)
		l4_finish(m, &h);
	m->ol_flags &= ~DONE_FLAGS;
	return 0;
}

// A place in a chain.
struct cursor {
	const struct rte_mbuf *seg;
	uint32_t off;
};

static void cursor_read(struct cursor *c, uint8_t *to, uint32_t len)
{
	while (len > 0) {
		while (c->off >= c->seg->data_len) {
			c->off -= c->seg->data_len;
			c->seg = c->seg->next;
		}
		const uint32_t n = RTE_MIN(len, c->seg->data_len - c->off);
		memcpy(to, rte_pktmbuf_mtod_offset(c->seg, const uint8_t *, c->off), n);
		c->off += n;
		to += n;
		len -= n;
	}
}

// Adds len bytes from c to the chain that begins with `first`, with as many more buffers as that takes.
static int chain_append(struct rte_mbuf *first, struct rte_mempool *pool, struct cursor *c, uint32_t len)
{
	struct rte_mbuf *last = first;

	while (len > 0) {
		uint32_t n = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));

		if (n == 0) {
			last->next = rte_pktmbuf_alloc(pool);
			if (last->next == NULL)
				return -ENOMEM;
			last = last->next;
			first->nb_segs++;
			n = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));
		}
		cursor_read(c, rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), n);
		last->data_len += (uint16_t)n;
		first->pkt_len += n;
		len -= n;
	}
	return 0;
}

static struct rte_mbuf *segment_copy(const struct rte_mbuf *m, struct rte_mempool *pool, const struct headers *h,
				     struct cursor *c, uint32_t payload)
{
	struct rte_mbuf *s = rte_pktmbuf_alloc(pool);

	if (s == NULL)
		return NULL;
	if (rte_pktmbuf_tailroom(s) < h->payload)
		goto free_segment;
	memcpy(rte_pktmbuf_mtod(s, void *), rte_pktmbuf_mtod(m, const void *), h->payload);
	s->data_len = h->payload;
	s->pkt_len = h->payload;
	s->port = m->port;
	if (chain_append(s, pool, c, payload) == 0)
		return s;
free_segment:
	rte_pktmbuf_free(s);
	return NULL;
}

// Makes the copied headers those of the segment that begins `done` payload bytes into the frame.
static void segment_finish(struct rte_mbuf *s, const struct headers *frame, uint32_t done, uint16_t index, bool last)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(s, uint8_t *, frame->l3);
	uint8_t *tcp = rte_pktmbuf_mtod_offset(s, uint8_t *, frame->l4);
	struct headers h = *frame;
	uint32_t seq;

	h.end = s->pkt_len;
	if (h.ipv4) {
		put16(ip + 2, (uint16_t)(h.end - h.l3));
		put16(ip + 4, (uint16_t)(get16(ip + 4) + index));
		ipv4_finish(ip, h.l4 - h.l3);
	} else {
		put16(ip + 4, (uint16_t)(h.end - h.l3 - sizeof(struct rte_ipv6_hdr)));
	}
	memcpy(&seq, tcp + 4, sizeof(seq));
	seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) + done);
	memcpy(tcp + 4, &seq, sizeof(seq));
	if (!last)
		tcp[13] &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
	if (index > 0)
		tcp[13] &= (uint8_t)~RTE_TCP_CWR_FLAG; // RFC 3168: the first segment tells it
	l4_finish(s, &h);
}

int offload_segment(struct rte_mbuf *m, struct rte_mempool *pool, struct rte_mbuf **out, uint16_t max_out)
{
	const uint32_t mss = m->tso_segsz;
	struct headers h;
	uint32_t done = 0;
	uint16_t n = 0;

	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0 || mss == 0)
		return -EINVAL;
	if (l3_check(m, true, &h) != 0 || tcp_check(m, &h) != 0 || m->l4_len != h.payload - h.l4)
		return -EINVAL;
	const uint32_t payload = h.end - h.payload;
	if (h.payload - h.l3 + RTE_MIN(payload, mss) > UINT16_MAX)
		return -EINVAL;
	if (payload > (uint64_t)mss * max_out || max_out == 0)
		return -ENOSPC;
	struct cursor c = {.seg = m, .off = h.payload};
	do {
		const uint32_t part = RTE_MIN(mss, payload - done);

		out[n] = segment_copy(m, pool, &h, &c, part);
		if (out[n] == NULL)
			goto free_segments;
		segment_finish(out[n], &h, done, n, done + part == payload);
		done += part;
		n++;
	} while (done < payload);
	return n;
free_segments:
	while (n > 0)
		rte_pktmbuf_free(out[--n]);
	return -ENOMEM;
}
