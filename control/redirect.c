/* SPDX-License-Identifier: BSD-3-Clause */
#include "redirect.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_random.h>

#include "icmp.h"
#include "ip_out.h"
#include "nd.h"
#include "neigh.h"
#include "own.h"

#define ND_LEN 40 // ICMPv6 header, reserved word, target, destination
#define TARGET_AT 8
#define DESTINATION_AT 24
#define MAC_OPTION 8
#define QUOTE_OPTION 8 // before the quoted packet, whose length is a multiple of 8
#define TOLD 1024      // a power of two

// When somebody was last told of a destination. Whoever shares a place with another is told less often.
static struct {
	uint32_t hash;
	uint64_t at_ms;
} told[TOLD];
static uint32_t seed;

static bool told_lately(const struct iface *in, const struct ip_addr *src, const struct ip_addr *dst)
{
	uint32_t hash, slot;

	if (seed == 0)
		seed = (uint32_t)rte_rand() | 1;
	hash = rte_jhash(dst->bytes, sizeof(dst->bytes), rte_jhash(src->bytes, sizeof(src->bytes), seed ^ in->id));
	slot = hash % TOLD;
	if (told[slot].hash == hash && told[slot].at_ms && slow_now_ms() < told[slot].at_ms + REDIRECT_AGAIN_MS)
		return true;
	told[slot].hash = hash;
	told[slot].at_ms = slow_now_ms();
	return false;
}

static bool same_prefix(const struct iface *in, const struct ip_addr *a, const struct ip_addr *b)
{
	for (uint16_t k = 0; k < in->naddrs; k++)
		if (ip_in(a, &in->addr[k]) && ip_in(b, &in->addr[k]))
			return true;
	return false;
}

static bool source_routed(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const uint8_t *)[6] == IPPROTO_ROUTING; // IPv4's kind is not forwarded at all
}

// Whether the sender of a packet may be told to send by that neighbour.
static bool may_tell(const struct iface *in, const struct neigh *to, const struct rte_mbuf *m,
		     const struct ip_addr *src, const struct ip_addr *dst)
{
	if (!json_is_true(json_object_get(in->conf, "redirects")) || !to || to->iface != in ||
	    to->addr.family != src->family)
		return false;
	if (!icmp_is_one_host(src) || iface_owns(in, src) || ip_is_multicast(dst) || ip_equal(src, &to->addr))
		return false;
	if (src->family == 4)
		return same_prefix(in, src, &to->addr);
	// A host knows its routers by link-local addresses; a destination on the link is its own target.
	return !source_routed(m) && neigh_on_link(in, src) && (ip_is_link_local(&to->addr) || ip_equal(&to->addr, dst));
}

static struct rte_mbuf *compose6(const struct rte_mbuf *m, const struct neigh *to, const struct ip_addr *from,
				 const struct ip_addr *src, const struct ip_addr *dst)
{
	const uint32_t room = ICMP_QUOTE6_MAX - sizeof(struct rte_ipv6_hdr) - ND_LEN - MAC_OPTION - QUOTE_OPTION;
	const uint32_t quote = RTE_MIN(m->pkt_len, room & ~7u), padded = RTE_ALIGN_CEIL(quote, 8);
	struct rte_mbuf *e =
		nd_compose(ND_REDIRECT, (uint16_t)(ND_LEN + MAC_OPTION + QUOTE_OPTION + padded), from, src);
	uint8_t *icmp, *option;
	const void *data;

	if (!e)
		return NULL;
	icmp = rte_pktmbuf_mtod_offset(e, uint8_t *, sizeof(struct rte_ipv6_hdr));
	memcpy(icmp + TARGET_AT, to->addr.bytes, 16);
	memcpy(icmp + DESTINATION_AT, dst->bytes, 16);
	nd_put_mac(icmp + ND_LEN, ND_TARGET_MAC, &to->mac);
	option = icmp + ND_LEN + MAC_OPTION;
	option[0] = ND_REDIRECTED;
	option[1] = (uint8_t)((QUOTE_OPTION + padded) / 8);
	data = rte_pktmbuf_read(m, 0, quote, option + QUOTE_OPTION);
	if (data != option + QUOTE_OPTION)
		memcpy(option + QUOTE_OPTION, data, quote);
	nd_finish(e);
	return e;
}

// The address that the sender has us under as its router.
static const struct ip_prefix *source(const struct iface *in, const struct ip_addr *src)
{
	static const struct ip_addr link_local = {.family = 6, .bytes = {0xfe, 0x80}};
	const struct ip_prefix *p = iface_source(in, src->family == 4 ? src : &link_local);

	return p && own_usable(in, &p->addr) && (src->family == 4 || ip_is_link_local(&p->addr)) ? p : NULL;
}

static enum slow_outcome tell(struct iface *in, const struct neigh *to, const struct rte_mbuf *m)
{
	struct neigh_table *t = neigh_table_of(in);
	const struct ip_prefix *from;
	struct ip_addr src, dst;
	struct rte_mbuf *e;

	ip_out_addrs(m, &src, &dst);
	from = source(in, &src);
	if (!t || !from || !may_tell(in, to, m, &src, &dst))
		return SLOW_UNTOLD;
	if (told_lately(in, &src, &dst) || !slow_bucket_take(&t->redirects, REDIRECT_RATE, REDIRECT_BURST))
		return SLOW_LIMITED;
	e = src.family == 4 ? icmp_redirect4(m, &to->addr, &from->addr, &src)
			    : compose6(m, to, &from->addr, &src, &dst);
	if (!e)
		return SLOW_NO_BUFFER;
	slow_count_sent(SLOW_SENT_REDIRECT);
	ip_out_onlink(in, e);
	return SLOW_TOLD;
}

void redirect_input(const struct punt *p, struct iface *in)
{
	struct rte_mbuf *m;

	if (slow_strip(p, &m))
		slow_end(m, tell(in, neigh_by_number(p->nexthop), m));
}

void redirect_destroy(void)
{
	memset(told, 0, sizeof(told));
}
