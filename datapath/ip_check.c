/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_check.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "lanes_ip.h"

#define OPTION_SINGLE_MAX 1 // options 0 and 1 have no length
#define OPTION_LSRR 131
#define OPTION_SSRR 137

// Whether `need` bytes from l3 on are in the first segment: DROP_COUNT, or which reason it is that they are not.
static enum drop_reason have(const struct rte_mbuf *m, uint32_t l3, uint32_t need, enum drop_reason too_short)
{
	if (m->pkt_len < l3 + need)
		return too_short;
	return m->data_len < l3 + need ? DROP_IP_SPLIT : DROP_COUNT;
}

static enum drop_reason ip4_options(const uint8_t *option, uint32_t len)
{
	uint32_t at = 0;

	while (at < len && option[at] != RTE_IPV4_HDR_OPT_EOL) {
		uint32_t size = 1;

		if (option[at] > OPTION_SINGLE_MAX) {
			if (at + 2 > len || option[at + 1] < 2 || at + option[at + 1] > len)
				return DROP_IP4_OPTIONS;
			size = option[at + 1];
		}
		if (option[at] == OPTION_LSRR || option[at] == OPTION_SSRR)
			return DROP_IP4_SOURCE_ROUTE;
		at += size;
	}
	return DROP_COUNT;
}

static bool ip4_link_local(uint32_t addr)
{
	return addr >> 16 == 0xa9fe;
}

static enum drop_reason ip4_addresses(const struct rte_ipv4_hdr *ip, struct ip_verdict *v)
{
	uint32_t src = rte_be_to_cpu_32(ip->src_addr), dst = rte_be_to_cpu_32(ip->dst_addr);

	if (src >> 28 == 0xe)
		return DROP_IP4_SOURCE_MULTICAST;
	v->link_local = ip4_link_local(src) || ip4_link_local(dst);
	if (ip4_is_odd(ip->src_addr) && !ip4_link_local(src))
		return DROP_IP4_SOURCE;
	if (ip4_is_odd(ip->dst_addr) && !ip4_link_local(dst))
		return DROP_IP4_DESTINATION;
	return DROP_COUNT;
}

enum drop_reason ip4_check(const struct rte_mbuf *m, uint32_t l3, struct ip_verdict *v)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3);
	enum drop_reason reason = have(m, l3, sizeof(*ip), DROP_IP4_LENGTH);
	uint32_t header;

	*v = (struct ip_verdict){0};
	if (reason != DROP_COUNT)
		return reason;
	header = rte_ipv4_hdr_len(ip);
	if (ip->version != IPVERSION || header < sizeof(*ip))
		return DROP_IP4_HEADER;
	v->len = rte_be_to_cpu_16(ip->total_length);
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		v->len = m->pkt_len - l3;
	if (v->len < header || v->len > m->pkt_len - l3)
		return DROP_IP4_LENGTH;
	reason = have(m, l3, header, DROP_IP4_LENGTH);
	if (reason != DROP_COUNT)
		return reason;
	if (!(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) && rte_raw_cksum(ip, header) != 0xffff)
		return DROP_IP4_CHECKSUM;
	v->expired = ip->time_to_live < 2;
	reason = ip4_addresses(ip, v);
	if (reason != DROP_COUNT)
		return reason;
	return ip4_options((const uint8_t *)(ip + 1), header - (uint32_t)sizeof(*ip));
}

static bool ip6_link_local(const uint8_t addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

// The unspecified, the loopback, or an IPv4 address in disguise (RFC 4291, 2.5.2, 2.5.3, 2.5.5.2): never on a link.
static bool ip6_martian(const uint8_t addr[16])
{
	static const uint8_t zero[15];

	if (memcmp(addr, zero, 10))
		return false;
	return (addr[10] == 0xff && addr[11] == 0xff) || (!memcmp(addr + 10, zero, 5) && addr[15] < 2);
}

static enum drop_reason ip6_addresses(const struct rte_ipv6_hdr *ip, struct ip_verdict *v)
{
	if (ip->src_addr[0] == 0xff)
		return DROP_IP6_SOURCE_MULTICAST;
	if (ip6_martian(ip->src_addr))
		return DROP_IP6_SOURCE;
	if (ip->dst_addr[0] == 0xff || ip6_martian(ip->dst_addr))
		return DROP_IP6_DESTINATION;
	v->link_local_dst = ip6_link_local(ip->dst_addr);
	v->link_local = v->link_local_dst || ip6_link_local(ip->src_addr);
	return DROP_COUNT;
}

enum drop_reason ip6_check(const struct rte_mbuf *m, uint32_t l3, struct ip_verdict *v)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, l3);
	enum drop_reason reason = have(m, l3, sizeof(*ip), DROP_IP6_LENGTH);
	uint32_t payload;

	*v = (struct ip_verdict){0};
	if (reason != DROP_COUNT)
		return reason;
	if (*(const uint8_t *)ip >> 4 != 6)
		return DROP_IP6_HEADER;
	payload = rte_be_to_cpu_16(ip->payload_len);
	v->len = payload + (uint32_t)sizeof(*ip);
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		v->len = m->pkt_len - l3;
	else if (!payload && ip->proto == IPPROTO_HOPOPTS) // a jumbogram (RFC 2675), which no link of ours carries
		return DROP_IP6_LENGTH;
	if (v->len > m->pkt_len - l3)
		return DROP_IP6_LENGTH;
	v->expired = ip->hop_limits < 2;
	return ip6_addresses(ip, v);
}
