/* SPDX-License-Identifier: BSD-3-Clause */
#include "ra.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_random.h>

#include "ip_out.h"
#include "nd.h"
#include "neigh.h"
#include "own.h"

#define INITIAL 3
#define RA_LEN 16
#define MAC_LEN 8
#define MTU_LEN 8
#define PREFIX_LEN 32
#define PREFIXES_MAX 32 // of a message that fits the smallest MTU
#define PREFIX_VALID_S 2592000
#define PREFIX_PREFERRED_S 604800
#define ON_LINK 0x80
#define AUTONOMOUS 0x40

static bool wanted(const struct iface *i)
{
	return i->up && i->domain && i->conf && json_is_true(json_object_get(i->conf, "router_advert"));
}

static void put32(uint8_t *p, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, sizeof(v));
}

static const struct ip_addr *link_local(const struct iface *i)
{
	for (uint16_t k = 0; k < i->naddrs; k++)
		if (i->addr[k].addr.family == 6 && ip_is_link_local(&i->addr[k].addr))
			return &i->addr[k].addr;
	return NULL;
}

static bool advertised(const struct ip_prefix *p)
{
	return p->addr.family == 6 && !ip_is_link_local(&p->addr) && p->depth < 128;
}

static void put_prefix(uint8_t *o, const struct ip_prefix *p)
{
	struct ip_prefix net = *p;

	ip_mask(&net);
	o[0] = ND_PREFIX;
	o[1] = PREFIX_LEN / 8;
	o[2] = p->depth;
	o[3] = ON_LINK | (p->depth == 64 ? AUTONOMOUS : 0);
	put32(o + 4, PREFIX_VALID_S);
	put32(o + 8, PREFIX_PREFERRED_S);
	memcpy(o + 16, net.addr.bytes, 16);
}

static struct rte_mbuf *compose(const struct iface *i, const struct ip_addr *src)
{
	unsigned int prefixes = 0;
	struct rte_mbuf *m;
	uint8_t *icmp, *o;

	for (uint16_t k = 0; k < i->naddrs && prefixes < PREFIXES_MAX; k++)
		prefixes += advertised(&i->addr[k]);
	m = nd_compose(ND_RA, (uint16_t)(RA_LEN + MAC_LEN + MTU_LEN + prefixes * PREFIX_LEN), src, &nd_all_nodes);
	if (!m)
		return NULL;
	icmp = rte_pktmbuf_mtod_offset(m, uint8_t *, sizeof(struct rte_ipv6_hdr));
	icmp[4] = 64; // hop limit that hosts are to use
	icmp[6] = RA_LIFETIME_S >> 8;
	icmp[7] = RA_LIFETIME_S & 0xff;
	o = icmp + RA_LEN;
	nd_put_mac(o, ND_SOURCE_MAC, &i->mac);
	o += MAC_LEN;
	o[0] = ND_MTU;
	o[1] = MTU_LEN / 8;
	put32(o + 4, i->mtu);
	o += MTU_LEN;
	for (uint16_t k = 0; k < i->naddrs && prefixes > 0; k++) {
		if (!advertised(&i->addr[k]))
			continue;
		put_prefix(o, &i->addr[k]);
		o += PREFIX_LEN;
		prefixes--;
	}
	nd_finish(m);
	return m;
}

static void schedule(struct ra_timer *t, uint64_t due_ms)
{
	t->due_ms = due_ms;
	own_wake(due_ms);
}

void ra_iface_changed(struct iface *i)
{
	struct ra_timer *t = own_ra_timer(i);

	if (!t)
		return;
	if (!wanted(i)) {
		t->due_ms = 0;
		return;
	}
	// After duplicate address detection.
	t->initial = 0;
	schedule(t, slow_now_ms() + OWN_DAD_MS + 100);
}

bool ra_solicited(struct iface *i)
{
	struct ra_timer *t = own_ra_timer(i);
	uint64_t soonest;

	if (!t || !wanted(i))
		return false;
	soonest = RTE_MAX(slow_now_ms() + 1 + rte_rand_max(100), t->last_ms ? t->last_ms + RA_APART_MS : 0);
	if (t->due_ms == 0 || soonest < t->due_ms)
		schedule(t, soonest);
	return true;
}

void ra_due(struct iface *i)
{
	const struct ip_addr *src = link_local(i);
	struct ra_timer *t = own_ra_timer(i);
	struct rte_ether_addr mac;
	struct rte_mbuf *m;

	if (t->initial < INITIAL)
		t->initial++;
	schedule(t, slow_now_ms() +
			    (t->initial < INITIAL ? RA_INITIAL_MS : RA_MIN_MS + rte_rand_max(RA_MAX_MS - RA_MIN_MS)));
	if (!wanted(i) || !src || !own_usable(i, src))
		return;
	m = compose(i, src);
	if (!m)
		return;
	t->last_ms = slow_now_ms();
	nd_group_mac(&nd_all_nodes, &mac);
	slow_count_sent(ip_out_frame(i, m, &mac, RTE_ETHER_TYPE_IPV6) < 0 ? SLOW_SENT_LOST : SLOW_SENT_RA);
}
