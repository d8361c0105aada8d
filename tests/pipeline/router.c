/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../../tables/fib4.h"
#include "../../tables/fib6.h"
#include "../../tables/fib_pool.h"
#include "router.h"

const uint8_t router_mac[5][6] = {{0}, {2, 0, 0, 0, 1, 1}, {2, 0, 0, 0, 1, 2}, {2, 0, 0, 0, 1, 3}, {2, 0, 0, 0, 1, 4}};
const uint8_t router_neighbour[8][6] = {
	{0}, {2, 0, 0, 0, 2, 1}, {2, 0, 0, 0, 2, 2}, {2, 0, 0, 0, 2, 3}, {2, 0, 0, 0, 2, 4}};
const uint8_t router_sender[6] = {2, 0, 0, 0, 9, 9};

static struct fib_pool *pool;
static struct fwd_vrf vrfs[ROUTER_VRFS];
static struct nexthop_table nexthops;

void router_nexthop(uint32_t number, const struct nexthop *nh)
{
	struct nexthop *copy = NULL;

	if (nh) {
		size_t size = sizeof(*nh) + nh->nslots * sizeof(nh->slot[0]);

		copy = malloc(size);
		memcpy(copy, nh, size);
	}
	free((void *)nexthops.at[number]);
	nexthops.at[number] = copy;
}

struct nexthop *router_nexthop_at(uint32_t number)
{
	return (struct nexthop *)nexthops.at[number];
}

void router_group(const uint32_t *slot, uint32_t nslots)
{
	struct nexthop *nh = calloc(1, sizeof(*nh) + nslots * sizeof(*slot));

	nh->kind = NEXTHOP_GROUP;
	nh->nslots = nslots;
	memcpy(nh->slot, slot, nslots * sizeof(*slot));
	router_nexthop(NH_GROUP, nh);
	free(nh);
}

void router_forget(void)
{
	for (unsigned int v = 0; v < ROUTER_VRFS; v++) {
		fib4_destroy((struct fib4 *)vrfs[v].fib4);
		fib6_destroy((struct fib6 *)vrfs[v].fib6);
		vrfs[v] = (struct fwd_vrf){0};
	}
	fib_pool_destroy(pool);
	pool = NULL;
	for (uint32_t n = 0; n < 64; n++)
		router_nexthop(n, NULL);
}

void router_route4(uint16_t vrf, uint32_t prefix, uint8_t depth, uint32_t number)
{
	assert_int_equal(fib4_set((struct fib4 *)vrfs[vrf].fib4, prefix, depth, number), 0);
}

static void routes_add(uint16_t vrf, uint8_t net, uint32_t number)
{
	struct fib6_addr prefix = {.hi = UINT64_C(0x20010db800000000) | (uint64_t)net << 16};

	router_route4(vrf, RTE_IPV4(10, net, 0, 0), 16, number);
	assert_int_equal(fib6_set((struct fib6 *)vrfs[vrf].fib6, prefix, 48, number), 0);
}

static void forward_to(uint32_t number, uint8_t iface, const uint8_t *dmac, uint16_t port, uint16_t domain,
		       uint16_t vid)
{
	struct nexthop nh = {
		.kind = NEXTHOP_FORWARD, .iface = iface, .port_id = port, .domain = domain, .vid = vid, .mtu = 1500};

	memcpy(nh.rewrite, dmac, 6);
	memcpy(nh.rewrite + 6, router_mac[iface], 6);
	router_nexthop(number, &nh);
}

static void nexthops_make(void)
{
	forward_to(NH_PORT2, 2, router_neighbour[2], 2, DOMAIN_2, 0);
	forward_to(NH_VLAN30, 3, router_neighbour[3], 3, DOMAIN_VLAN30, 30);
	forward_to(NH_BRIDGE, 4, router_neighbour[4], 0, DOMAIN_BRIDGE, BRIDGE_VID);
	forward_to(NH_PORT1, 1, router_neighbour[1], 1, DOMAIN_1, 0);
	forward_to(NH_OURSELVES, 4, router_mac[4], 0, DOMAIN_BRIDGE, BRIDGE_VID);
	router_nexthop(NH_LOCAL, &(struct nexthop){.kind = NEXTHOP_LOCAL});
	router_nexthop(NH_CONNECTED, &(struct nexthop){.kind = NEXTHOP_CONNECTED, .iface = 2});
	router_nexthop(NH_UNRESOLVED, &(struct nexthop){.kind = NEXTHOP_UNRESOLVED, .iface = 2});
	router_nexthop(NH_DROP, &(struct nexthop){.kind = NEXTHOP_DROP});
	router_nexthop(NH_REJECT, &(struct nexthop){.kind = NEXTHOP_REJECT});
	for (uint32_t m = 0; m < 16; m++) {
		const uint8_t mac[6] = {2, 0, 0, 0, 3, (uint8_t)m};

		forward_to(NH_MEMBER + m, 2, mac, 2, DOMAIN_2, 0);
	}
}

static void ports_make(void)
{
	for (uint16_t id = 1; id <= 6; id++)
		harness_port(id)->fwd.bridge = id > 3;
	harness_access(1, DOMAIN_1, 0);
	harness_access(2, DOMAIN_2, 0);
	harness_trunk(3, DOMAIN_VLAN30, 30);
	harness_access(4, DOMAIN_BRIDGE, BRIDGE_VID);
	harness_trunk(5, DOMAIN_BRIDGE, BRIDGE_VID);
	harness_access(6, DOMAIN_BRIDGE, BRIDGE_VID);
	harness_iface(1, DOMAIN_1, VRF_ONE, router_mac[1]);
	harness_iface(2, DOMAIN_2, VRF_ONE, router_mac[2]);
	harness_iface(3, DOMAIN_VLAN30, VRF_TWO, router_mac[3]);
	harness_iface(4, DOMAIN_BRIDGE, VRF_ONE, router_mac[4]);
}

void router_build(void)
{
	router_forget();
	ports_make();
	harness_build();
	assert_int_equal(fib_pool_create(&pool, 16 << 20), 0);
	for (unsigned int v = VRF_ONE; v < ROUTER_VRFS; v++) {
		assert_int_equal(fib4_create((struct fib4 **)&vrfs[v].fib4, pool), 0);
		assert_int_equal(fib6_create((struct fib6 **)&vrfs[v].fib6, pool), 0);
	}
	nexthops_make();
	for (uint8_t n = NH_PORT2; n <= NH_MEMBER; n++)
		routes_add(VRF_ONE, n, n);
	routes_add(VRF_TWO, NH_PORT2, NH_PORT1);
	router_route4(VRF_ONE, 0xa9fe0000, 16, NH_PORT2);
	router_route4(VRF_ONE, 0xa9fea9fe, 32, NH_LOCAL);
	harness_state.vrf = vrfs;
	harness_state.nvrfs = ROUTER_VRFS;
	harness_state.nexthops = &nexthops;
}

struct packet packet4(uint8_t nexthop)
{
	return (struct packet){.iface = 1,
			       .vid = -1,
			       .version = 4,
			       .src = {192, 0, 2, 1},
			       .dst = {10, nexthop, 0, 1},
			       .ttl = 64,
			       .protocol = IPPROTO_UDP,
			       .id = 0x1234,
			       .npayload = 26};
}

struct packet packet6(uint8_t nexthop)
{
	struct packet p = packet4(nexthop);

	p.version = 6;
	memcpy(p.src, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 0xff, 0xff, [15] = 9}, 16);
	memcpy(p.dst, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, nexthop, [15] = 1}, 16);
	return p;
}

void packet_checksum(struct packet *p)
{
	uint8_t *ip = p->bytes + p->l3;
	uint16_t sum;

	memset(ip + 10, 0, 2);
	sum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 0xfU) * 4);
	memcpy(ip + 10, &sum, 2);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void header4_make(struct packet *p)
{
	uint8_t *ip = p->bytes + p->l3;

	p->l4 = p->l3 + 20 + p->noptions;
	ip[0] = (uint8_t)(0x45 + p->noptions / 4);
	put16(ip + 2, 20U + p->noptions + p->npayload);
	put16(ip + 4, p->id);
	put16(ip + 6, p->fragment);
	ip[8] = p->ttl;
	ip[9] = p->protocol;
	memcpy(ip + 12, p->src, 4);
	memcpy(ip + 16, p->dst, 4);
	memcpy(ip + 20, p->options, p->noptions);
	packet_checksum(p);
}

static void header6_make(struct packet *p)
{
	uint8_t *ip = p->bytes + p->l3;

	p->l4 = p->l3 + 40;
	put16(ip, 0x6000 | p->label >> 16);
	put16(ip + 2, p->label);
	put16(ip + 4, p->npayload);
	ip[6] = p->protocol;
	ip[7] = p->ttl;
	memcpy(ip + 8, p->src, 16);
	memcpy(ip + 24, p->dst, 16);
}

void packet_make(struct packet *p)
{
	uint32_t at = 12;

	memset(p->bytes, 0, sizeof(p->bytes));
	memcpy(p->bytes, router_mac[p->iface], 6);
	memcpy(p->bytes + 6, router_sender, 6);
	if (p->vid >= 0) {
		put16(p->bytes + at, RTE_ETHER_TYPE_VLAN);
		put16(p->bytes + at + 2, (uint32_t)p->vid);
		at += 4;
	}
	put16(p->bytes + at, p->version == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	p->l3 = at + 2;
	if (p->version == 4)
		header4_make(p);
	else
		header6_make(p);
	for (uint32_t i = 0; i < p->npayload; i++)
		p->bytes[p->l4 + i] = p->payload ? p->payload[i] : (uint8_t)i;
	p->len = p->l4 + p->npayload + p->padding;
}

void packet_in(const struct packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool()), *last = m;

	assert_non_null(m);
	for (uint32_t at = 0; at < p->len;) {
		uint32_t n = RTE_MIN(p->len - at, (uint32_t)rte_pktmbuf_tailroom(last));

		memcpy(rte_pktmbuf_mtod_offset(last, char *, last->data_len), p->bytes + at, n);
		last->data_len += (uint16_t)n;
		m->pkt_len += n;
		at += n;
		if (at == p->len)
			break;
		last->next = rte_pktmbuf_alloc(port_pool());
		assert_non_null(last->next);
		last = last->next;
		m->nb_segs++;
	}
	harness_in(p->port ? p->port : p->iface, m);
}

void packet_send(struct packet *p)
{
	packet_make(p);
	packet_in(p);
	harness_run();
}

void packet_routed(struct packet *p, const uint8_t rewrite[12], int vid)
{
	struct packet out = *p;

	out.vid = vid;
	out.ttl--;
	out.padding = 0;
	packet_make(&out);
	memcpy(out.bytes, rewrite, 12);
	*p = out;
}

void packet_expect(uint16_t port, const struct packet *p)
{
	struct harness_port *hp = &harness_ports[port];

	assert_int_equal(hp->nout, 1);
	assert_int_equal(hp->out[0]->pkt_len, p->len);
	for (uint32_t at = 0; at < p->len; at++) {
		uint8_t byte;

		assert_int_equal(*(const uint8_t *)rte_pktmbuf_read(hp->out[0], at, 1, &byte), p->bytes[at]);
	}
}

void expect_nothing_sent(void)
{
	for (uint16_t id = 1; id < HARNESS_PORTS; id++)
		assert_int_equal(harness_ports[id].nout, 0);
}

void expect_drop(enum drop_reason reason)
{
	uint64_t all = 0, right = 0;

	expect_nothing_sent();
	for (uint16_t id = 0; id < HARNESS_PORTS; id++) {
		right += harness_drops(id, reason);
		for (int r = 0; r < DROP_COUNT; r++)
			all += harness_drops(id, (enum drop_reason)r);
	}
	assert_int_equal(right, 1);
	assert_int_equal(all, 1);
	harness_audit();
}
