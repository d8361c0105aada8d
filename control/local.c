/* SPDX-License-Identifier: BSD-3-Clause */
#include "local.h"

#include <string.h>

#include <rte_ip.h>

#include "host_tap.h"
#include "icmp.h"
#include "ip_reass.h"
#include "slow.h"

static bool is_udp(const uint8_t *ip, uint32_t len)
{
	uint32_t at;

	if (ip[0] >> 4 == 6)
		return icmp_ip6_payload(ip, len, &at) == IPPROTO_UDP;
	return ip[9] == IPPROTO_UDP;
}

// Nobody here has it.
static void nobody(struct rte_mbuf *m, struct iface *in, uint16_t l3, const struct ip_addr *dst)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const bool group = rte_is_multicast_ether_addr(rte_pktmbuf_mtod(m, const struct rte_ether_addr *));

	if (!group && ip_reass_is_fragment(ip, m->data_len - l3, dst->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		rte_pktmbuf_adj(m, l3);
		m = ip_reass_take(m, in);
		if (m)
			icmp_input(m, in);
		return;
	}
	if (ip_is_multicast(dst) || !is_udp(ip, m->data_len - l3)) {
		slow_end(m, SLOW_NO_HOST);
		return;
	}
	rte_pktmbuf_adj(m, l3);
	icmp_error_about(m, in, ICMP_ERROR_PORT, 0);
}

// Other protocols than IP come as frames to groups alone: those of IS-IS, for one.
static void other_protocol(struct rte_mbuf *m, struct iface *in, uint16_t l3)
{
	if (!host_input_link(in, m, l3))
		slow_end(m, SLOW_NO_HOST);
}

void local_input(const struct punt *p, struct iface *in)
{
	struct rte_mbuf *m = p->m;
	struct ip_addr dst;
	uint32_t header = p->l3 + sizeof(struct rte_ipv6_hdr) + 8; // and a fragment header
	uint16_t type;

	if (!slow_pull(&m, RTE_MIN(m->pkt_len, header)) || m->data_len < p->l3) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3);
	const uint32_t len = m->data_len - p->l3;

	memcpy(&type, ip - 2, sizeof(type)); // behind the tags
	if (type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
		other_protocol(m, in, p->l3);
		return;
	}
	dst = (struct ip_addr){.family = type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ? 4 : 6};
	if (len < (dst.family == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) ||
	    ip[0] >> 4 != dst.family) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	memcpy(dst.bytes, dst.family == 4 ? ip + 16 : ip + 24, dst.family == 4 ? 4 : 16);
	if (!host_input(in, &dst, m, p->l3))
		nobody(m, in, p->l3, &dst);
}
