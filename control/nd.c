/* SPDX-License-Identifier: BSD-3-Clause */
#include "nd.h"

#include <string.h>

#include <rte_ip.h>

#include "arp.h"
#include "host_tap.h"
#include "icmp.h"
#include "ip_out.h"
#include "neigh.h"
#include "own.h"
#include "ra.h"
#include "suppress.h"

#define HOPS 255
#define IP6_LEN ((uint32_t)sizeof(struct rte_ipv6_hdr))
#define TARGET_AT 8
#define NS_LEN 24 // ICMPv6 header, reserved word, target
#define OPTION_MAC_LEN 8
#define MESSAGE_MAX 1500

const struct ip_addr nd_all_nodes = {6, {0xff, 0x02, [15] = 1}};
static const struct ip_addr unspecified = {.family = 6};

static bool is_unspecified(const struct ip_addr *a)
{
	return ip_equal(a, &unspecified);
}

static bool is_solicited_node(const struct ip_addr *a)
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	return memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

static void solicited_node(const struct ip_addr *a, struct ip_addr *group)
{
	*group = (struct ip_addr){6, {0xff, 0x02, [11] = 1, [12] = 0xff}};
	memcpy(&group->bytes[13], &a->bytes[13], 3);
}

void nd_group_mac(const struct ip_addr *group, struct rte_ether_addr *mac)
{
	mac->addr_bytes[0] = mac->addr_bytes[1] = 0x33;
	memcpy(&mac->addr_bytes[2], &group->bytes[12], 4);
}

// Options: all have a length, and those that name a MAC have the length of one.
static bool options_parse(const uint8_t *o, uint32_t len, struct nd_message *out)
{
	const uint8_t wanted = out->type == ND_NA || out->type == ND_REDIRECT ? ND_TARGET_MAC : ND_SOURCE_MAC;

	while (len > 0) {
		uint32_t size = len >= 2 ? o[1] * 8u : 0;

		if (size == 0 || size > len)
			return false;
		if (o[0] == wanted && size == OPTION_MAC_LEN) {
			out->has_mac = true;
			memcpy(&out->mac, o + 2, sizeof(out->mac));
		}
		o += size;
		len -= size;
	}
	return !out->has_mac || rte_is_valid_assigned_ether_addr(&out->mac);
}

static bool addresses_fit(const struct nd_message *n)
{
	switch (n->type) {
	case ND_NS:
		if (ip_is_multicast(&n->target) || is_unspecified(&n->target))
			return false;
		return !is_unspecified(&n->src) || (is_solicited_node(&n->dst) && !n->has_mac);
	case ND_NA:
		return !ip_is_multicast(&n->target) && !is_unspecified(&n->src) &&
		       !(ip_is_multicast(&n->dst) && (n->flags & ND_FLAG_SOLICITED));
	case ND_RS:
		return !is_unspecified(&n->src) || !n->has_mac;
	default:
		return ip_is_link_local(&n->src);
	}
}

static uint32_t fixed_len(enum nd_type type)
{
	switch (type) {
	case ND_RS:
		return 8;
	case ND_RA:
		return 16;
	case ND_REDIRECT:
		return 40;
	default:
		return NS_LEN;
	}
}

bool nd_parse(const uint8_t *ip, uint32_t len, struct nd_message *out)
{
	const uint8_t *icmp = ip + IP6_LEN;
	uint32_t size;

	if (len < IP6_LEN + 4 || ip[0] >> 4 != 6 || ip[6] != IPPROTO_ICMPV6 || ip[7] != HOPS)
		return false;
	size = (uint32_t)(ip[4] << 8 | ip[5]);
	if (size > len - IP6_LEN || icmp[0] < ND_RS || icmp[0] > ND_REDIRECT || icmp[1] != 0)
		return false;
	*out = (struct nd_message){.type = icmp[0], .src.family = 6, .dst.family = 6, .target.family = 6};
	if (size < fixed_len(out->type) || icmp6_checksum(ip, icmp, size) != 0)
		return false;
	memcpy(out->src.bytes, ip + 8, 16);
	memcpy(out->dst.bytes, ip + 24, 16);
	if (out->type == ND_NS || out->type == ND_NA)
		memcpy(out->target.bytes, icmp + TARGET_AT, 16);
	out->flags = out->type == ND_NA ? icmp[4] : 0;
	return !ip_is_multicast(&out->src) &&
	       options_parse(icmp + fixed_len(out->type), size - fixed_len(out->type), out) && addresses_fit(out);
}

struct rte_mbuf *nd_compose(enum nd_type type, uint16_t len, const struct ip_addr *src, const struct ip_addr *dst)
{
	struct rte_mbuf *m = ip_out_alloc((uint16_t)(IP6_LEN + len));
	struct rte_ipv6_hdr *ip;

	if (!m)
		return NULL;
	ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	ip->vtc_flow = rte_cpu_to_be_32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16(len);
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = HOPS;
	memcpy(ip->src_addr, src->bytes, 16);
	memcpy(ip->dst_addr, dst->bytes, 16);
	*(uint8_t *)(ip + 1) = (uint8_t)type;
	return m;
}

void nd_finish(struct rte_mbuf *m)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *), *icmp = ip + IP6_LEN;
	uint16_t sum = icmp6_checksum(ip, icmp, m->pkt_len - IP6_LEN);

	memcpy(icmp + 2, &sum, sizeof(sum));
}

void nd_put_mac(uint8_t *option, enum nd_option type, const struct rte_ether_addr *mac)
{
	option[0] = (uint8_t)type;
	option[1] = OPTION_MAC_LEN / 8;
	memcpy(option + 2, mac, sizeof(*mac));
}

static void emit(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *mac, enum slow_sent what)
{
	if (m)
		slow_count_sent(ip_out_frame(i, m, mac, RTE_ETHER_TYPE_IPV6) < 0 ? SLOW_SENT_LOST : what);
}

static void solicit(struct iface *i, const struct ip_addr *src, const struct ip_addr *dst, const struct ip_addr *target,
		    const struct rte_ether_addr *mac)
{
	const bool names_us = !is_unspecified(src);
	struct rte_mbuf *m = nd_compose(ND_NS, NS_LEN + (names_us ? OPTION_MAC_LEN : 0), src, dst);
	uint8_t *icmp = m ? rte_pktmbuf_mtod_offset(m, uint8_t *, IP6_LEN) : NULL;

	if (!m)
		return;
	memcpy(icmp + TARGET_AT, target->bytes, 16);
	if (names_us)
		nd_put_mac(icmp + NS_LEN, ND_SOURCE_MAC, &i->mac);
	nd_finish(m);
	emit(i, m, mac, SLOW_SENT_NS);
}

void nd_ask(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac)
{
	const struct ip_prefix *source = iface_source(i, a);
	struct rte_ether_addr group_mac;
	struct ip_addr group;

	// An address that is not surely ours must not be a source (RFC 4862, 5.4); the timer asks again.
	if (!source || !own_usable(i, &source->addr))
		return;
	solicited_node(a, &group);
	nd_group_mac(&group, &group_mac);
	solicit(i, &source->addr, mac ? a : &group, a, mac ? mac : &group_mac);
}

void nd_ask_duplicate(struct iface *i, const struct ip_addr *a)
{
	struct rte_ether_addr group_mac;
	struct ip_addr group;

	solicited_node(a, &group);
	nd_group_mac(&group, &group_mac);
	solicit(i, &unspecified, &group, a, &group_mac);
}

static struct rte_mbuf *advert(const struct ip_addr *src, const struct ip_addr *dst, const struct ip_addr *target,
			       const struct rte_ether_addr *mac, uint8_t flags)
{
	struct rte_mbuf *m = nd_compose(ND_NA, NS_LEN + OPTION_MAC_LEN, src, dst);
	uint8_t *icmp = m ? rte_pktmbuf_mtod_offset(m, uint8_t *, IP6_LEN) : NULL;

	if (!m)
		return NULL;
	icmp[4] = flags;
	memcpy(icmp + TARGET_AT, target->bytes, 16);
	nd_put_mac(icmp + NS_LEN, ND_TARGET_MAC, mac);
	nd_finish(m);
	return m;
}

void nd_announce(struct iface *i, const struct ip_addr *a)
{
	struct rte_ether_addr mac;

	nd_group_mac(&nd_all_nodes, &mac);
	emit(i, advert(a, &nd_all_nodes, a, &i->mac, ND_FLAG_ROUTER | ND_FLAG_OVERRIDE), &mac, SLOW_SENT_NA);
}

struct rte_mbuf *nd_answer_for(const struct nd_message *q, const struct rte_ether_addr *mac)
{
	struct rte_mbuf *m = advert(&q->target, &q->src, &q->target, mac, ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE);
	struct rte_ether_hdr *eth = m ? (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth)) : NULL;

	if (!eth)
		return NULL;
	*eth = (struct rte_ether_hdr){
		.dst_addr = q->mac, .src_addr = *mac, .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)};
	return m;
}

// Messages.

static void answer(struct iface *i, const struct nd_message *n, const struct rte_ether_addr *frame_src)
{
	const uint8_t flags = ND_FLAG_ROUTER | ND_FLAG_OVERRIDE;

	if (is_unspecified(&n->src))
		nd_announce(i, &n->target);
	else
		emit(i, advert(&n->target, &n->src, &n->target, &i->mac, flags | ND_FLAG_SOLICITED),
		     n->has_mac ? &n->mac : frame_src, SLOW_SENT_NA);
}

static enum slow_outcome solicited(struct iface *i, const struct nd_message *n, const struct rte_ether_addr *frame_src)
{
	struct neigh_table *t = neigh_table_of(i);
	bool ours = iface_owns(i, &n->target);
	enum own_state state = ours ? own_state(i, &n->target) : OWN_PREFERRED;

	if (ours && state == OWN_TENTATIVE && is_unspecified(&n->src))
		own_is_duplicate(i, &n->target);
	if (ours && state != OWN_PREFERRED)
		return SLOW_IGNORED;
	if (n->has_mac && !iface_owns(i, &n->src))
		neigh_heard(i, &n->src, &n->mac, NEIGH_HEARD_OVERRIDE | (ours ? NEIGH_HEARD_CREATE : 0));
	if (!ours)
		return SLOW_IGNORED;
	if (!t || !slow_bucket_take(&t->answers, ARP_ANSWER_RATE, ARP_ANSWER_BURST))
		return SLOW_LIMITED;
	answer(i, n, frame_src);
	return SLOW_HANDLED;
}

static enum slow_outcome advertised(struct iface *i, const struct nd_message *n)
{
	if (iface_owns(i, &n->target)) {
		own_is_duplicate(i, &n->target);
		return SLOW_HANDLED;
	}
	neigh_heard(i, &n->target, n->has_mac ? &n->mac : NULL,
		    (n->flags & ND_FLAG_SOLICITED ? NEIGH_HEARD_SOLICITED : 0) |
			    (n->flags & ND_FLAG_OVERRIDE ? NEIGH_HEARD_OVERRIDE : 0) |
			    (n->flags & ND_FLAG_ROUTER ? NEIGH_HEARD_ROUTER : 0));
	return SLOW_HANDLED;
}

static enum slow_outcome handle(struct iface *i, const struct nd_message *n, const struct rte_ether_addr *frame_src)
{
	if (rte_is_same_ether_addr(frame_src, &i->mac))
		return SLOW_IGNORED;
	switch (n->type) {
	case ND_NS:
		return solicited(i, n, frame_src);
	case ND_NA:
		return advertised(i, n);
	case ND_RS:
		if (n->has_mac)
			neigh_heard(i, &n->src, &n->mac, NEIGH_HEARD_OVERRIDE | NEIGH_HEARD_CREATE);
		return ra_solicited(i) ? SLOW_HANDLED : SLOW_IGNORED;
	default:
		return SLOW_IGNORED; // a router believes neither other routers' prefixes nor redirects
	}
}

void nd_input(const struct punt *p, struct iface *i)
{
	struct rte_mbuf *m = p->m;
	struct nd_message n;
	enum slow_outcome outcome;

	if (!slow_pull(&m, RTE_MIN(m->pkt_len, p->l3 + (uint32_t)MESSAGE_MAX)) || m->data_len < p->l3 ||
	    !nd_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3), m->data_len - p->l3, &n)) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	outcome = handle(i, &n, &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->src_addr);
	if (n.type == ND_NA)
		host_copy(i, m, p->l3);
	if (outcome != SLOW_LIMITED && !(n.type == ND_NS && iface_owns(i, &n.target)) && suppress_nd(p, m, &n))
		return;
	slow_end(m, outcome);
}
