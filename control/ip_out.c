/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_out.h"

#include <errno.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_jhash.h>

#include "../tables/fib4.h"
#include "../tables/fib6.h"
#include "icmp.h"
#include "ip_frag.h"
#include "neigh.h"

#define IP6_MTU_MIN 1280
#define GROUP_DEPTH 2 // a group's slots name next hops that are no groups

struct rte_mbuf *ip_out_alloc(uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());
	char *data = m ? rte_pktmbuf_append(m, len) : NULL;

	if (!data) {
		rte_pktmbuf_free(m);
		slow_count_sent(SLOW_SENT_LOST);
		return NULL;
	}
	memset(data, 0, len);
	return m;
}

static uint8_t version(const struct rte_mbuf *m)
{
	return *rte_pktmbuf_mtod(m, const uint8_t *) >> 4;
}

void ip_out_addrs(const struct rte_mbuf *m, struct ip_addr *src, struct ip_addr *dst)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	*src = *dst = (struct ip_addr){.family = version(m)};
	if (src->family == 4) {
		memcpy(src->bytes, ip + 12, 4);
		memcpy(dst->bytes, ip + 16, 4);
	} else {
		memcpy(src->bytes, ip + 8, 16);
		memcpy(dst->bytes, ip + 24, 16);
	}
}

int ip_out_frame(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t type)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));

	if (!eth || !i->domain) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	eth->dst_addr = *dst;
	eth->src_addr = i->mac;
	eth->ether_type = rte_cpu_to_be_16(type);
	m->l2_len = sizeof(*eth);
	return worker_inject(m, i->port ? i->port->id : 0, i->domain->id, 0);
}

static void emit(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t in_iface)
{
	const uint16_t type = version(m) == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	int rc = ip_out_frame(i, m, dst, type);

	if (in_iface)
		slow_count(rc < 0 ? SLOW_INJECT_FULL : SLOW_FORWARDED);
	else if (rc < 0)
		slow_count_sent(SLOW_SENT_LOST);
}

// What a router takes from a packet's life. Workers checked that it has some left.
static void age(struct rte_mbuf *m)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)ip;

	if (version(m) == 6) {
		ip[7]--;
		return;
	}
	// RFC 1624: the high byte of a word is one less, so the checksum's is one more.
	uint32_t sum = ip4->hdr_checksum + (uint32_t)rte_cpu_to_be_16(0x0100);

	ip4->time_to_live--;
	ip4->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
}

// Bytes of the longest IP packet that leaves: of a TCP frame to be split, its parts'.
static uint32_t wire_len(const struct rte_mbuf *m)
{
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return RTE_MIN((uint32_t)m->l3_len + m->l4_len + m->tso_segsz, m->pkt_len);
	return m->pkt_len;
}

// Of IPv6, only what is our own.
static bool may_fragment(const struct rte_mbuf *m, uint16_t in_iface)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);

	if (version(m) == 6)
		return in_iface == 0;
	return !(ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) &&
	       !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
}

static void send_fragments(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t in_iface)
{
	const bool ip4 = version(m) == 4;
	struct rte_mbuf *part[IP_FRAG_MAX];
	// No path's MTU is kept, and every IPv6 path takes this.
	int n = ip4 ? ip_frag_split(m, i->mtu, part) : ip_frag_split6(m, RTE_MIN(i->mtu, IP6_MTU_MIN), part);
	bool lost = false;

	if (n < 0) {
		slow_lose(m, in_iface, SLOW_NO_BUFFER);
		return;
	}
	rte_pktmbuf_free(m);
	for (int k = 0; k < n; k++)
		lost = ip_out_frame(i, part[k], dst, ip4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6) < 0 || lost;
	if (in_iface)
		slow_count(lost ? SLOW_INJECT_FULL : SLOW_FORWARDED);
	else if (lost)
		slow_count_sent(SLOW_SENT_LOST);
}

void ip_out_link(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, uint16_t in_iface)
{
	struct iface *in = in_iface ? iface_by_id(in_iface) : NULL;

	if (wire_len(m) > i->mtu && !may_fragment(m, in_iface)) {
		if (in)
			icmp_error_about(m, in, ICMP_ERROR_TOO_BIG, i->mtu);
		else
			slow_lose(m, in_iface, SLOW_UNTOLD);
		return;
	}
	if (in_iface)
		age(m);
	if (wire_len(m) > i->mtu)
		send_fragments(i, m, dst, in_iface);
	else
		emit(i, m, dst, in_iface);
}

static void to_neighbour(struct iface *i, const struct ip_addr *a, struct rte_mbuf *m, uint16_t in_iface)
{
	struct neigh *n;
	int rc = i ? neigh_get(i, a, &n) : -ENETDOWN;

	if (rc == 0)
		neigh_output(n, m, in_iface);
	else
		slow_lose(m, in_iface,
			  rc == -ENETDOWN ? SLOW_NO_IFACE
			  : rc == -ENOSPC ? SLOW_NEIGH_FULL
					  : SLOW_NO_BUFFER);
}

// The first and last address of a connected IPv4 prefix are nobody's (RFC 1812, 5.3.5).
static bool is_broadcast(const struct iface *i, const struct ip_addr *a)
{
	uint32_t host = ip4_host(a), hosts;

	for (uint16_t k = 0; a->family == 4 && k < i->naddrs; k++) {
		const struct ip_prefix *p = &i->addr[k];

		if (p->addr.family != 4 || p->depth >= 31 || !ip_in(a, p))
			continue;
		hosts = UINT32_MAX >> p->depth;
		if ((host & hosts) == 0 || (host & hosts) == hosts)
			return true;
	}
	return false;
}

static void connected(struct iface *i, struct rte_mbuf *m, uint16_t in_iface)
{
	struct ip_addr src, dst;

	ip_out_addrs(m, &src, &dst);
	if (i && is_broadcast(i, &dst))
		slow_lose(m, in_iface, SLOW_IGNORED);
	else
		to_neighbour(i, &dst, m, in_iface);
}

static uint32_t pick_slot(const struct nexthop *g, const struct rte_mbuf *m)
{
	struct ip_addr src, dst;
	uint32_t hash;

	ip_out_addrs(m, &src, &dst);
	hash = rte_jhash(dst.bytes, sizeof(dst.bytes), rte_jhash(src.bytes, sizeof(src.bytes), 0));
	return g->slot[hash & (g->nslots - 1)];
}

static void by_number(uint32_t number, struct rte_mbuf *m, uint16_t in_iface, unsigned int depth)
{
	const struct nexthop *nh = number ? nexthop_at(number) : NULL;
	struct iface *in = in_iface ? iface_by_id(in_iface) : NULL;
	struct neigh *n;

	switch (nh ? nh->kind : NEXTHOP_DROP) {
	case NEXTHOP_CONNECTED:
		connected(iface_by_id(nh->iface), m, in_iface);
		return;
	case NEXTHOP_UNRESOLVED:
	case NEXTHOP_FORWARD:
		n = neigh_by_number(number);
		if (n)
			neigh_output(n, m, in_iface);
		else
			slow_lose(m, in_iface, SLOW_NO_ROUTE);
		return;
	case NEXTHOP_GROUP:
		if (depth > 0 && nh->nslots > 0) {
			by_number(pick_slot(nh, m), m, in_iface, depth - 1);
			return;
		}
		break;
	case NEXTHOP_REJECT:
		if (in) {
			icmp_error_about(m, in, ICMP_ERROR_ADMIN, 0);
			return;
		}
		break;
	default:
		break;
	}
	slow_lose(m, in_iface, SLOW_NO_ROUTE);
}

void ip_out_nexthop(uint32_t number, struct rte_mbuf *m, uint16_t in_iface)
{
	by_number(number, m, in_iface, GROUP_DEPTH);
}

uint32_t ip_out_lookup(const struct vrf *v, const struct ip_addr *a)
{
	if (a->family == 4)
		return v->fib4 ? fib4_lookup(v->fib4, ip4_host(a)) : 0;
	return !v->fib6 ? 0
			: fib6_lookup(v->fib6,
				      (struct fib6_addr){
					      .hi = rte_be_to_cpu_64(*(const unaligned_uint64_t *)a->bytes),
					      .lo = rte_be_to_cpu_64(*(const unaligned_uint64_t *)&a->bytes[8])});
}

void ip_out(struct vrf *v, struct rte_mbuf *m)
{
	struct ip_addr src, dst;

	ip_out_addrs(m, &src, &dst);
	ip_out_nexthop(ip_out_lookup(v, &dst), m, 0);
}

void ip_out_onlink(struct iface *i, struct rte_mbuf *m)
{
	struct ip_addr src, dst;

	ip_out_addrs(m, &src, &dst);
	to_neighbour(i, &dst, m, 0);
}
