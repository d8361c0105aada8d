/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp.h"

#include <errno.h>
#include <string.h>

#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_random.h>

#include "ip_out.h"
#include "local.h"
#include "neigh.h"
#include "own.h"

#define TTL 64
#define TOS_ERROR 0xc0 // internetwork control: RFC 1812, 4.3.2.5
#define ICMP_HEADER 8
#define ICMP4_ECHO 8
#define ICMP4_REDIRECT 5
#define ICMP4_REDIRECT_HOST 1
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_REDIRECT 137

static const struct {
	uint8_t type4, code4, type6, code6;
} errors[] = {
	[ICMP_ERROR_TTL] = {11, 0, 3, 0},   [ICMP_ERROR_TOO_BIG] = {3, 4, 2, 0}, [ICMP_ERROR_NET] = {3, 0, 1, 0},
	[ICMP_ERROR_HOST] = {3, 1, 1, 3},   [ICMP_ERROR_PORT] = {3, 3, 1, 4},    [ICMP_ERROR_ADMIN] = {3, 13, 1, 1},
	[ICMP_ERROR_REASS] = {11, 1, 3, 1},
};

uint16_t icmp6_checksum(const uint8_t *ip, const void *message, uint32_t len)
{
	// RFC 8200, 8.1: over the addresses, the length, the protocol and the message.
	struct {
		uint8_t addrs[32];
		rte_be32_t len, protocol;
	} pseudo = {.len = rte_cpu_to_be_32(len), .protocol = rte_cpu_to_be_32(IPPROTO_ICMPV6)};
	uint32_t sum;

	memcpy(pseudo.addrs, ip + 8, sizeof(pseudo.addrs));
	sum = (uint32_t)rte_raw_cksum(&pseudo, sizeof(pseudo)) + rte_raw_cksum(message, len);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

int icmp_ip6_payload(const uint8_t *ip, uint32_t len, uint32_t *at)
{
	int protocol = ip[6];

	*at = sizeof(struct rte_ipv6_hdr);
	for (;;) {
		switch (protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (*at + 8 > len)
				return -1;
			protocol = ip[*at];
			*at += (ip[*at + 1] + 1) * 8u;
			break;
		case IPPROTO_FRAGMENT:
			if (*at + 8 > len || (ip[*at + 2] << 8 | ip[*at + 3]) >> 3 != 0)
				return -1;
			protocol = ip[*at];
			*at += 8;
			break;
		default:
			return *at <= len ? protocol : -1;
		}
	}
}

// Echo.

static void send_echo4(struct rte_mbuf *m, struct iface *in, uint32_t header_len)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, header_len);
	rte_be32_t asker = ip->src_addr, us = ip->dst_addr;
	uint8_t tos = ip->type_of_service;
	uint32_t sum;

	icmp->icmp_type = 0;
	// RFC 1624: a word is 0x0800 less, so the checksum is that much more.
	sum = icmp->icmp_cksum + (uint32_t)rte_cpu_to_be_16(ICMP4_ECHO << 8);
	icmp->icmp_cksum = (uint16_t)(sum + (sum >> 16));
	// Without the request's options.
	ip = (struct rte_ipv4_hdr *)rte_pktmbuf_adj(m, (uint16_t)(header_len - sizeof(*ip)));
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45, .type_of_service = tos, .time_to_live = TTL};
	ip->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	ip->packet_id = (rte_be16_t)rte_rand(); // it may be sent in parts
	ip->next_proto_id = IPPROTO_ICMP;
	ip->src_addr = us;
	ip->dst_addr = asker;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	ip_out(in->vrf, m);
}

static void echo4(struct rte_mbuf *m, struct iface *in)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint32_t header_len = rte_ipv4_hdr_len(ip);
	uint16_t sum = 0;

	if (header_len < sizeof(*ip) || rte_be_to_cpu_16(ip->total_length) < header_len + ICMP_HEADER ||
	    rte_be_to_cpu_16(ip->total_length) > m->pkt_len || !slow_pull(&m, header_len + ICMP_HEADER)) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - rte_be_to_cpu_16(ip->total_length)));
	if (rte_raw_cksum_mbuf(m, header_len, m->pkt_len - header_len, &sum) < 0 || sum != 0xffff) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	if (rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, header_len)->icmp_type != ICMP4_ECHO) {
		slow_end(m, SLOW_IGNORED);
		return;
	}
	slow_count(SLOW_HANDLED);
	slow_count_sent(SLOW_SENT_ECHO);
	send_echo4(m, in, header_len);
}

// The pseudo header's sum and the message's, over all segments.
static bool echo6_checksum_ok(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	uint16_t sum = 0;
	uint32_t all;

	if (rte_raw_cksum_mbuf(m, sizeof(*ip), m->pkt_len - sizeof(*ip), &sum) < 0)
		return false;
	all = (uint32_t)sum + rte_ipv6_phdr_cksum(ip, 0);
	return (uint16_t)((all & 0xffff) + (all >> 16)) == 0xffff;
}

static void send_echo6(struct rte_mbuf *m, struct iface *in, const struct ip_addr *asker, const struct ip_addr *us)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);
	uint16_t sum = 0;

	memcpy(ip->src_addr, us->bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, asker->bytes, sizeof(ip->dst_addr));
	ip->hop_limits = TTL;
	icmp->icmp_type = ICMP6_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	rte_raw_cksum_mbuf(m, sizeof(*ip), m->pkt_len - sizeof(*ip), &sum);
	uint32_t all = (uint32_t)sum + rte_ipv6_phdr_cksum(ip, 0);
	icmp->icmp_cksum = (uint16_t) ~((all & 0xffff) + (all >> 16));
	if (ip_is_link_local(asker))
		ip_out_onlink(in, m);
	else
		ip_out(in->vrf, m);
}

static void echo6(struct rte_mbuf *m, struct iface *in)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	uint32_t len = rte_be_to_cpu_16(ip->payload_len);
	const struct ip_prefix *source;
	struct ip_addr asker, us;

	if (ip->proto != IPPROTO_ICMPV6) {
		slow_end(m, SLOW_IGNORED); // echo behind extension headers: nobody sends it
		return;
	}
	if (len < ICMP_HEADER || len > m->pkt_len - sizeof(*ip) || !slow_pull(&m, sizeof(*ip) + ICMP_HEADER)) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - sizeof(*ip) - len));
	ip_out_addrs(m, &asker, &us);
	if (!echo6_checksum_ok(m) || ip_is_multicast(&asker)) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	if (rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, sizeof(*ip))->icmp_type != ICMP6_ECHO ||
	    !own_usable(in, &us)) {
		slow_end(m, SLOW_IGNORED);
		return;
	}
	// RFC 4443, 4.2: a group's members answer from an address of their own.
	source = ip_is_multicast(&us) ? iface_source(in, &asker) : NULL;
	if (source)
		us = source->addr;
	if (ip_is_multicast(&us)) {
		slow_end(m, SLOW_IGNORED);
		return;
	}
	slow_count(SLOW_HANDLED);
	slow_count_sent(SLOW_SENT_ECHO);
	send_echo6(m, in, &asker, &us);
}

static bool is_ip4(const struct rte_mbuf *m)
{
	return *rte_pktmbuf_mtod(m, const uint8_t *) >> 4 == 4;
}

static bool is_fragment(const struct punt *p)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(p->m, const struct rte_ipv4_hdr *, p->l3);

	return p->m->data_len >= p->l3 + sizeof(*ip) && ip->version_ihl >> 4 == 4 &&
	       (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK));
}

void icmp_input(struct rte_mbuf *m, struct iface *in)
{
	if (is_ip4(m))
		echo4(m, in);
	else
		echo6(m, in);
}

void icmp_echo(const struct punt *p, struct iface *in)
{
	struct rte_mbuf *m;

	if (is_fragment(p)) {
		local_input(p, in); // Linux puts them together, if it is there, else we do
		return;
	}
	if (slow_strip(p, &m))
		icmp_input(m, in);
}

// Errors.

bool icmp_is_one_host(const struct ip_addr *a)
{
	static const struct ip_addr zero;

	if (ip_is_multicast(a) || memcmp(a->bytes, zero.bytes, sizeof(zero.bytes)) == 0)
		return false;
	return a->family == 6 || (a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 240);
}

static bool may_tell4(const struct rte_mbuf *m, const struct ip_addr *dst)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint32_t header_len = rte_ipv4_hdr_len(ip);
	const uint8_t *type;
	uint8_t buf;

	if (ip_is_multicast(dst) || dst->bytes[0] >= 240 ||
	    (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	if (ip->next_proto_id != IPPROTO_ICMP)
		return true;
	type = rte_pktmbuf_read(m, header_len, 1, &buf);
	// Of ICMP, what is asked and answered, but no error (RFC 1122, 3.2.2).
	return type && *type != 3 && *type != 4 && *type != ICMP4_REDIRECT && *type != 11 && *type != 12;
}

static bool may_tell6(struct rte_mbuf *m, const struct ip_addr *dst, enum icmp_error what)
{
	uint32_t at, len = RTE_MIN(m->data_len, ICMP_QUOTE6_MAX);
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	int protocol = icmp_ip6_payload(ip, len, &at);

	if (ip_is_multicast(dst) && what != ICMP_ERROR_TOO_BIG)
		return false;
	if (protocol != IPPROTO_ICMPV6)
		return true;
	return at < len && ip[at] >= 128 && ip[at] != ICMP6_REDIRECT;
}

static void fill4(struct rte_mbuf *e, const struct ip_addr *from, const struct ip_addr *to)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(e, sizeof(*ip));
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);

	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, e->pkt_len - sizeof(*ip));
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45, .type_of_service = TOS_ERROR, .time_to_live = TTL};
	ip->total_length = rte_cpu_to_be_16((uint16_t)e->pkt_len);
	ip->next_proto_id = IPPROTO_ICMP;
	memcpy(&ip->src_addr, from->bytes, 4);
	memcpy(&ip->dst_addr, to->bytes, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void fill6(struct rte_mbuf *e, const struct ip_addr *from, const struct ip_addr *to)
{
	uint16_t len = (uint16_t)e->pkt_len;
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)rte_pktmbuf_prepend(e, sizeof(*ip));
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);

	*ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(0x60000000), .proto = IPPROTO_ICMPV6};
	ip->payload_len = rte_cpu_to_be_16(len);
	ip->hop_limits = TTL;
	memcpy(ip->src_addr, from->bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, to->bytes, sizeof(ip->dst_addr));
	icmp->icmp_cksum = icmp6_checksum((const uint8_t *)ip, icmp, len);
}

// A message that quotes what of the packet has room: all behind the IP header, which is to come.
static struct rte_mbuf *quote(const struct rte_mbuf *m)
{
	const uint32_t room = is_ip4(m) ? ICMP_QUOTE4_MAX - sizeof(struct rte_ipv4_hdr) - ICMP_HEADER
					: ICMP_QUOTE6_MAX - sizeof(struct rte_ipv6_hdr) - ICMP_HEADER;
	const uint32_t len = RTE_MIN(m->pkt_len, room);
	struct rte_mbuf *e = ip_out_alloc((uint16_t)(ICMP_HEADER + len));
	uint8_t *icmp = e ? rte_pktmbuf_mtod(e, uint8_t *) : NULL;
	const void *from;

	if (!e)
		return NULL;
	from = rte_pktmbuf_read(m, 0, len, icmp + ICMP_HEADER);
	if (from != icmp + ICMP_HEADER)
		memcpy(icmp + ICMP_HEADER, from, len);
	return e;
}

static struct rte_mbuf *compose(const struct rte_mbuf *m, enum icmp_error what, uint16_t mtu)
{
	const bool ip4 = is_ip4(m);
	struct rte_mbuf *e = quote(m);
	uint8_t *icmp = e ? rte_pktmbuf_mtod(e, uint8_t *) : NULL;

	if (!e)
		return NULL;
	icmp[0] = ip4 ? errors[what].type4 : errors[what].type6;
	icmp[1] = ip4 ? errors[what].code4 : errors[what].code6;
	if (what == ICMP_ERROR_TOO_BIG) { // the last half of the second word in both
		icmp[6] = (uint8_t)(mtu >> 8);
		icmp[7] = (uint8_t)mtu;
	}
	return e;
}

struct rte_mbuf *icmp_redirect4(const struct rte_mbuf *m, const struct ip_addr *gateway, const struct ip_addr *from,
				const struct ip_addr *to)
{
	struct rte_mbuf *e = quote(m);
	uint8_t *icmp = e ? rte_pktmbuf_mtod(e, uint8_t *) : NULL;

	if (!e)
		return NULL;
	icmp[0] = ICMP4_REDIRECT;
	icmp[1] = ICMP4_REDIRECT_HOST;
	memcpy(icmp + 4, gateway->bytes, 4);
	fill4(e, from, to);
	return e;
}

void icmp_error_about(struct rte_mbuf *m, struct iface *in, enum icmp_error what, uint16_t mtu)
{
	struct neigh_table *t = neigh_table_of(in);
	struct ip_addr sender, dst;
	const struct ip_prefix *source;
	struct rte_mbuf *e;

	ip_out_addrs(m, &sender, &dst);
	source = iface_source(in, &sender);
	if (!t || !source || !icmp_is_one_host(&sender) || iface_owns(in, &sender) ||
	    !(is_ip4(m) ? may_tell4(m, &dst) : may_tell6(m, &dst, what))) {
		slow_end(m, SLOW_UNTOLD);
		return;
	}
	if (!slow_bucket_take(&t->errors, ICMP_ERROR_RATE, ICMP_ERROR_BURST)) {
		slow_end(m, SLOW_LIMITED);
		return;
	}
	e = compose(m, what, mtu);
	slow_end(m, e ? SLOW_TOLD : SLOW_NO_BUFFER);
	if (!e)
		return;
	slow_count_sent(SLOW_SENT_ERROR);
	if (sender.family == 4)
		fill4(e, &source->addr, &sender);
	else
		fill6(e, &source->addr, &sender);
	if (ip_is_link_local(&sender))
		ip_out_onlink(in, e);
	else
		ip_out(in->vrf, e);
}

void icmp_error(const struct punt *p, struct iface *in, enum icmp_error what)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(p->m, const struct rte_ether_hdr *);
	bool group = rte_is_multicast_ether_addr(&eth->dst_addr); // broadcast among them
	struct rte_mbuf *m;

	if (!slow_strip(p, &m))
		return;
	if (group && what != ICMP_ERROR_TOO_BIG)
		slow_end(m, SLOW_UNTOLD);
	else
		icmp_error_about(m, in, what, p->mtu);
}

void icmp_no_neighbour(struct rte_mbuf *m, uint16_t in_iface)
{
	struct iface *in = in_iface ? iface_by_id(in_iface) : NULL;

	if (in && in->up)
		icmp_error_about(m, in, ICMP_ERROR_HOST, 0);
	else
		slow_lose(m, in_iface, SLOW_NO_IFACE);
}
