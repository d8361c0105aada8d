/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <rte_arp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "../../control/icmp.h"
#include "../../control/own.h"

#define STRANGER "02:00:00:00:99:99"

struct fx fx;

// Workers.

unsigned int workers_punts(enum punt_class class, struct punt *punt, unsigned int n)
{
	unsigned int taken = 0, left = 0;

	for (unsigned int k = 0; k < fx.npunts; k++) {
		if (fx.punt[k].class == class && taken < n)
			punt[taken++] = fx.punt[k];
		else
			fx.punt[left++] = fx.punt[k];
	}
	fx.npunts = left;
	return taken;
}

int workers_punts_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return fd;
}

bool workers_punts_arm(void)
{
	return fx.npunts == 0;
}

int worker_inject(struct rte_mbuf *m, uint16_t port_id, uint16_t domain, uint16_t but_port)
{
	if (fx.inject_full || fx.nsent == FX_SENT_MAX) {
		rte_pktmbuf_free(m);
		fx.inject_lost++;
		return -ENOBUFS;
	}
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	fx.sent[fx.nsent++] = (struct fx_sent){m, port_id, domain, but_port};
	return 0;
}

uint64_t workers_inject_lost(void)
{
	return fx.inject_lost;
}

const char *punt_class_name(enum punt_class class)
{
	static const char *const names[] = {
#define X(id, name, rate, burst, help) name,
		PUNT_CLASSES(X)
#undef X
	};

	return names[class];
}

// Setup.

int fx_setup(void **state)
{
	fx.nsent = fx.ntaken = fx.npunts = 0;
	fx.inject_full = false;
	fx.inject_lost = 0;
	harness_setup(state);
	slow_clock_set(FX_START_MS);
	return 0;
}

int fx_teardown(void **state)
{
	uint64_t taken = 0, ended = 0;

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++)
		taken += slow_stats()->taken[c];
	for (unsigned int k = 0; k < SLOW_OUTCOME_COUNT; k++)
		ended += slow_stats()->outcome[k];
	assert_int_equal(taken, ended + neigh_counts.held);
	fx_forget();
	harness_teardown(state);
	assert_int_equal(rte_mempool_avail_count(port_pool()), FX_POOL);
	return 0;
}

struct iface *fx_iface(const char *name, const char *vrf, const char *addresses)
{
	struct iface *i;
	struct fault f;

	if (!names_find(vrf_names(), vrf))
		must_do("vrf.add", "{'name': '%s'}", vrf);
	must_do("port.add", "{'name': 'p-%s', 'type': 'fake'}", name);
	must_do("iface.add", "{'name': '%s', 'vrf': '%s', 'port': 'p-%s', 'addresses': [%s]}", name, vrf, name,
		addresses);
	assert_int_equal(iface_get("name", name, &i, &f), 0);
	assert_true(i->up);
	fx_wait(OWN_DAD_MS + OWN_AGAIN_MS);
	fx_forget();
	return i;
}

void fx_wait(uint64_t ms)
{
	uint64_t end = slow_now_ms() + ms;

	while (slow_now_ms() < end)
		slow_tick(RTE_MIN(slow_now_ms() + 50, end));
}

void fx_punt_nexthop(enum punt_class class, const struct iface *i, uint32_t nexthop, const void *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

	assert_non_null(m);
	assert_true(fx.npunts < FX_SENT_MAX);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	fx.punt[fx.npunts++] = (struct punt){
		.m = m,
		.class = class,
		.in_port = i->port ? i->port->id : 0,
		.domain = i->domain->id,
		.iface = i->id,
		.l3 = RTE_ETHER_HDR_LEN,
		.nexthop = nexthop,
	};
	slow_poll();
}

void fx_punt(enum punt_class class, const struct iface *i, const void *data, uint32_t len)
{
	fx_punt_nexthop(class, i, 0, data, len);
}

const uint8_t *fx_take(uint32_t *len)
{
	struct rte_mbuf *m;

	if (fx.ntaken == fx.nsent)
		return NULL;
	m = fx.sent[fx.ntaken++].m;
	assert_int_equal(rte_pktmbuf_linearize(m), 0);
	*len = m->pkt_len;
	return rte_pktmbuf_mtod(m, const uint8_t *);
}

unsigned int fx_waiting(void)
{
	return fx.nsent - fx.ntaken;
}

void fx_forget(void)
{
	for (unsigned int k = 0; k < fx.nsent; k++)
		rte_pktmbuf_free(fx.sent[k].m);
	fx.nsent = fx.ntaken = 0;
}

// Frames.

struct ip_addr fx_addr(const char *text)
{
	struct ip_addr a;
	struct fault f;

	assert_int_equal(ip_parse(text, "", &a, &f), 0);
	return a;
}

void fx_mac(const char *text, uint8_t mac[6])
{
	assert_int_equal(rte_ether_unformat_addr(text, (struct rte_ether_addr *)mac), 0);
}

static uint8_t *ether(uint8_t *out, const uint8_t *dst, const char *src, uint16_t type)
{
	memcpy(out, dst, 6);
	fx_mac(src, out + 6);
	out[12] = (uint8_t)(type >> 8);
	out[13] = (uint8_t)type;
	return out + RTE_ETHER_HDR_LEN;
}

uint32_t fx_arp(uint8_t *out, bool request, const char *src_mac, const char *src, const char *dst_mac, const char *dst)
{
	struct rte_arp_hdr arp = {
		.arp_hardware = htons(1),
		.arp_protocol = htons(0x0800),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = htons(request ? 1 : 2),
	};
	uint8_t to[6];

	fx_mac(dst_mac ?: "ff:ff:ff:ff:ff:ff", to);
	fx_mac(src_mac, arp.arp_data.arp_sha.addr_bytes);
	if (dst_mac)
		memcpy(&arp.arp_data.arp_tha, to, 6);
	arp.arp_data.arp_sip = inet_addr(src);
	arp.arp_data.arp_tip = inet_addr(dst);
	memcpy(ether(out, to, src_mac, RTE_ETHER_TYPE_ARP), &arp, sizeof(arp));
	return RTE_ETHER_HDR_LEN + sizeof(arp);
}

static struct rte_ipv4_hdr *ip4(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint8_t ttl,
				uint8_t protocol, uint32_t payload)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)ether(out, to->mac.addr_bytes, STRANGER, RTE_ETHER_TYPE_IPV4);

	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45, .time_to_live = ttl, .next_proto_id = protocol};
	ip->total_length = htons((uint16_t)(sizeof(*ip) + payload));
	ip->src_addr = inet_addr(src);
	ip->dst_addr = inet_addr(dst);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	for (uint32_t k = 0; k < payload; k++)
		((uint8_t *)(ip + 1))[k] = (uint8_t)k;
	return ip;
}

uint32_t fx_udp4(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint8_t ttl, uint32_t payload)
{
	struct rte_ipv4_hdr *ip = ip4(out, to, src, dst, ttl, IPPROTO_UDP, 8 + payload);

	*(struct rte_udp_hdr *)(ip + 1) =
		(struct rte_udp_hdr){htons(1000), htons(2000), htons((uint16_t)(8 + payload)), 0};
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + 8 + payload;
}

uint32_t fx_echo4(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint32_t payload)
{
	uint8_t *icmp = (uint8_t *)(ip4(out, to, src, dst, 64, IPPROTO_ICMP, 8 + payload) + 1);
	uint16_t sum;

	memcpy(icmp, (const uint8_t[]){8, 0, 0, 0, 0, 1, 0, 2}, 8);
	sum = (uint16_t)~rte_raw_cksum(icmp, 8 + payload);
	memcpy(icmp + 2, &sum, 2);
	return RTE_ETHER_HDR_LEN + 20 + 8 + payload;
}

static struct rte_ipv6_hdr *ip6(uint8_t *out, const uint8_t *dst_mac, const char *src, const char *dst, uint8_t hops,
				uint8_t protocol, uint32_t payload)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)ether(out, dst_mac, STRANGER, RTE_ETHER_TYPE_IPV6);

	*ip = (struct rte_ipv6_hdr){.vtc_flow = htonl(0x60000000), .hop_limits = hops, .proto = protocol};
	ip->payload_len = htons((uint16_t)payload);
	inet_pton(AF_INET6, src, ip->src_addr);
	inet_pton(AF_INET6, dst, ip->dst_addr);
	return ip;
}

uint32_t fx_icmp6(uint8_t *out, const char *dst_mac, const char *src, const char *dst, uint8_t hops, uint8_t type,
		  const void *body, uint32_t len)
{
	struct rte_ipv6_hdr *ip;
	uint8_t mac[6], *icmp;
	uint16_t sum;

	fx_mac(dst_mac, mac);
	ip = ip6(out, mac, src, dst, hops, IPPROTO_ICMPV6, 4 + len);
	icmp = (uint8_t *)(ip + 1);
	memcpy(icmp, (const uint8_t[]){type, 0, 0, 0}, 4);
	memcpy(icmp + 4, body, len);
	sum = icmp6_checksum((const uint8_t *)ip, icmp, 4 + len);
	memcpy(icmp + 2, &sum, 2);
	return RTE_ETHER_HDR_LEN + 40 + 4 + len;
}

uint32_t fx_udp6(uint8_t *out, const struct iface *to, const char *src, const char *dst, uint8_t hops, uint32_t payload)
{
	struct rte_ipv6_hdr *ip = ip6(out, to->mac.addr_bytes, src, dst, hops, IPPROTO_UDP, 8 + payload);

	*(struct rte_udp_hdr *)(ip + 1) =
		(struct rte_udp_hdr){htons(1000), htons(2000), htons((uint16_t)(8 + payload)), 0xffff};
	memset((uint8_t *)(ip + 1) + 8, 0x5a, payload);
	return RTE_ETHER_HDR_LEN + 40 + 8 + payload;
}

bool fx_ip4_right(const uint8_t *ip)
{
	return rte_raw_cksum(ip, (ip[0] & 0x0f) * 4u) == 0xffff;
}

bool fx_icmp6_right(const uint8_t *ip)
{
	return icmp6_checksum(ip, ip + 40, (uint32_t)(ip[4] << 8 | ip[5])) == 0;
}
