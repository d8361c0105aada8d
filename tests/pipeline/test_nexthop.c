/* SPDX-License-Identifier: BSD-3-Clause */
// What becomes of a packet by the kind of its next hop, when it is too big or too old, and how groups spread flows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../../datapath/ip_fragment.h"
#include "router.h"

#define DF RTE_IPV4_HDR_DF_FLAG
#define MF RTE_IPV4_HDR_MF_FLAG

// Exactly this packet was punted, of a class, with its headers as they came.
static struct punt expect_punt(enum punt_class class, const struct packet *p)
{
	struct punt punt, other;

	assert_true(harness_punt(class, &punt));
	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++)
		assert_false(harness_punt((enum punt_class)c, &other));
	assert_int_equal(punt.class, class);
	assert_int_equal(punt.iface, p->iface);
	assert_int_equal(punt.l3, p->l3);
	assert_int_equal(punt.m->pkt_len, p->len);
	assert_memory_equal(rte_pktmbuf_mtod(punt.m, void *), p->bytes, RTE_MIN(p->len, 1000U));
	rte_pktmbuf_free(punt.m);
	expect_nothing_sent();
	harness_audit();
	return punt;
}

static struct packet packet(int family, uint8_t number)
{
	return family == 4 ? packet4(number) : packet6(number);
}

#define EACH_FAMILY(family) for (int family = 4; family <= 6; family += 2)

static void unresolved_ones_are_punted_with_their_number(void)
{
	router_build();
	EACH_FAMILY (family) {
		for (uint8_t n = NH_CONNECTED; n <= NH_UNRESOLVED; n++) {
			struct packet p = packet(family, n);

			packet_send(&p);
			assert_int_equal(expect_punt(PUNT_RESOLVE, &p).nexthop, n);
		}
	}
}

static void no_route_and_reject_are_told(void)
{
	router_build();
	EACH_FAMILY (family) {
		struct packet p = packet(family, 99);

		packet_send(&p);
		assert_int_equal(expect_punt(PUNT_UNREACHABLE, &p).nexthop, 0);
		p = packet(family, NH_REJECT);
		packet_send(&p);
		assert_int_equal(expect_punt(PUNT_UNREACHABLE, &p).nexthop, NH_REJECT);
		p = packet(family, NH_DROP);
		packet_send(&p);
		expect_drop(DROP_ROUTE_BLACKHOLE);
	}
}

static void what_is_for_us_is_punted_by_what_it_is(void)
{
	static const struct {
		uint8_t family, protocol, type;
		enum punt_class class;
	} cases[] = {
		{4, 1, 8, PUNT_ECHO},     {4, 1, 0, PUNT_LOCAL},    {4, 17, 8, PUNT_LOCAL},  {6, 58, 128, PUNT_ECHO},
		{6, 58, 129, PUNT_LOCAL}, {6, 58, 133, PUNT_ND},    {6, 58, 135, PUNT_ND},   {6, 58, 136, PUNT_ND},
		{6, 58, 137, PUNT_ND},    {6, 58, 138, PUNT_LOCAL}, {6, 6, 128, PUNT_LOCAL},
	};

	router_build();
	for (unsigned int c = 0; c < RTE_DIM(cases); c++) {
		struct packet p = packet(cases[c].family, NH_LOCAL);
		const uint8_t payload[26] = {cases[c].type};

		p.protocol = cases[c].protocol;
		p.payload = payload;
		p.ttl = c % 2; // it does not go a hop further
		packet_send(&p);
		expect_punt(cases[c].class, &p);
	}
}

static void a_later_fragment_is_no_echo_request(void)
{
	const uint8_t payload[26] = {8};
	struct packet p = packet4(NH_LOCAL);

	router_build();
	p.protocol = IPPROTO_ICMP;
	p.payload = payload;
	p.fragment = 5;
	packet_send(&p);
	expect_punt(PUNT_LOCAL, &p);
}

static void link_local_addresses_stay_on_their_link(void)
{
	const uint8_t local6[16] = {0xfe, 0x80, [15] = 7};
	struct packet p;

	router_build();
	for (uint8_t n = NH_PORT2; n <= NH_UNRESOLVED; n += NH_UNRESOLVED - NH_PORT2) {
		p = packet4(n);
		memcpy(p.src, (uint8_t[]){169, 254, 3, 4}, 4);
		packet_send(&p);
		expect_drop(DROP_ROUTE_LINK_LOCAL);
		p = packet6(n);
		memcpy(p.src, local6, 16);
		packet_send(&p);
		expect_drop(DROP_ROUTE_LINK_LOCAL);
	}
	p = packet4(NH_PORT2);
	memcpy(p.dst, (uint8_t[]){169, 254, 3, 4}, 4);
	packet_send(&p);
	expect_drop(DROP_ROUTE_LINK_LOCAL);
	memcpy(p.dst, (uint8_t[]){169, 254, 169, 254}, 4); // one of our own
	packet_send(&p);
	expect_punt(PUNT_LOCAL, &p);
	p = packet6(NH_LOCAL);
	memcpy(p.src, local6, 16);
	packet_send(&p);
	expect_punt(PUNT_LOCAL, &p);
	p = packet6(99);
	memcpy(p.dst, local6, 16); // control knows whether it is ours
	packet_send(&p);
	expect_punt(PUNT_LOCAL, &p);
}

static void the_last_hop_is_told(void)
{
	router_build();
	EACH_FAMILY (family) {
		for (uint8_t ttl = 0; ttl < 2; ttl++) {
			for (uint8_t n = NH_PORT2; n <= NH_UNRESOLVED; n += NH_UNRESOLVED - NH_PORT2) {
				struct packet p = packet(family, n);

				p.ttl = ttl;
				packet_send(&p);
				expect_punt(PUNT_TTL, &p);
			}
		}
	}
}

// ICMP types that no error is sent about, and the fragments.
static void errors_are_not_told_of_errors(void)
{
	static const struct {
		uint8_t family, protocol, type;
		uint16_t fragment;
		bool told;
	} cases[] = {
		{4, 1, 3, 0, false},   {4, 1, 4, 0, false},    {4, 1, 5, 0, false},  {4, 1, 11, 0, false},
		{4, 1, 12, 0, false},  {4, 1, 8, 0, true},     {4, 1, 0, 0, true},   {4, 1, 13, 0, true},
		{4, 17, 3, 0, true},   {4, 17, 3, MF, true},   {4, 17, 3, 1, false}, {4, 17, 3, MF | 1, false},
		{6, 58, 1, 0, false},  {6, 58, 2, 0, false},   {6, 58, 3, 0, false}, {6, 58, 127, 0, false},
		{6, 58, 128, 0, true}, {6, 58, 137, 0, false}, {6, 17, 1, 0, true},
	};
	static const uint8_t numbers[] = {NH_PORT2, NH_REJECT, 99};
	static const enum drop_reason silent[] = {DROP_ROUTE_TTL, DROP_ROUTE_UNREACHABLE, DROP_ROUTE_UNREACHABLE};
	static const enum punt_class class[] = {PUNT_TTL, PUNT_UNREACHABLE, PUNT_UNREACHABLE};

	router_build();
	for (unsigned int c = 0; c < RTE_DIM(cases) * 3; c++) {
		unsigned int k = c / 3, n = c % 3;
		struct packet p = packet(cases[k].family, numbers[n]);
		const uint8_t payload[26] = {cases[k].type};

		p.protocol = cases[k].protocol;
		p.payload = payload;
		p.fragment = cases[k].fragment;
		p.ttl = 1;
		packet_send(&p);
		if (cases[k].told)
			expect_punt(class[n], &p);
		else
			expect_drop(silent[n]);
	}
}

static void errors_hide_behind_no_extension_header(void)
{
	static const struct {
		uint8_t first, payload[40];
		bool told;
	} cases[] = {
		{0, {58, 0, 5, 2, 0, 0, 1, 0, 1}, false},                  // hop by hop, then an error
		{0, {58, 0, 5, 2, 0, 0, 1, 0, 128}, true},                 // an echo request
		{60, {43, 1, [16] = 58, 0, [24] = 3}, false},              // destination options of 16, routing, error
		{44, {17, 0, 0, 1}, true},                                 // the first fragment
		{44, {17, 0, 0, 8}, false},                                // a later one
		{44, {58, 0, 0, 1, 0, 0, 0, 0, 2}, false},                 // the first of an error
		{44, {58, 200, 0, 1, 0, 0, 0, 0, 128}, true},              // whose length field is none
		{0, {60, 200}, false},                                     // leads out of the packet
		{0, {0, 0, [8] = 0, [16] = 0, [24] = 0, [32] = 0}, false}, // without end
	};

	router_build();
	for (unsigned int c = 0; c < RTE_DIM(cases); c++) {
		struct packet p = packet6(99);

		p.protocol = cases[c].first;
		p.payload = cases[c].payload;
		p.npayload = 40;
		packet_send(&p);
		if (cases[c].told)
			expect_punt(PUNT_UNREACHABLE, &p);
		else
			expect_drop(DROP_ROUTE_UNREACHABLE);
	}
}

static void too_big_is_told_with_the_mtu(void)
{
	router_build();
	router_nexthop_at(NH_PORT2)->mtu = 600;
	EACH_FAMILY (family) {
		struct packet p = packet(family, NH_PORT2);

		p.fragment = DF;
		p.npayload = (uint16_t)(600 - (family == 4 ? 20 : 40));
		packet_send(&p);
		packet_routed(&p, router_nexthop_at(NH_PORT2)->rewrite, -1);
		packet_expect(2, &p);
		harness_audit();

		p = packet(family, NH_PORT2);
		p.fragment = DF;
		p.npayload = (uint16_t)(601 - (family == 4 ? 20 : 40));
		packet_send(&p);
		assert_int_equal(expect_punt(PUNT_MTU, &p).mtu, 600);
		p.protocol = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		p.payload = (const uint8_t[1000]){3};
		packet_send(&p);
		expect_drop(DROP_ROUTE_MTU);
	}
}

// Segments count, not the large frame.
static void a_large_segment_is_measured_by_its_parts(void)
{
	router_build();
	router_nexthop_at(NH_PORT2)->mtu = 600;
	harness_ports[2].port.offloads = PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_CSUM;
	for (uint16_t mss = 560; mss <= 561; mss++) {
		struct packet p = packet4(NH_PORT2);
		struct rte_mbuf *m;

		p.protocol = IPPROTO_TCP;
		p.npayload = 1440;
		packet_make(&p);
		m = harness_mbuf(p.bytes, p.len);
		m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
		m->l2_len = 14;
		m->l3_len = 20;
		m->l4_len = 20;
		m->tso_segsz = mss;
		harness_in(1, m);
		harness_run();
		if (mss == 560) {
			packet_routed(&p, router_nexthop_at(NH_PORT2)->rewrite, -1);
			packet_expect(2, &p);
			harness_audit();
		} else {
			assert_int_equal(expect_punt(PUNT_MTU, &p).mtu, 600);
		}
	}
}

static const uint8_t *byte(const struct rte_mbuf *m, uint32_t at)
{
	static uint8_t buf[1];

	return rte_pktmbuf_read(m, at, 1, buf);
}

// The parts at a port, put together, are the packet: its payload byte for byte, and headers as RFC 791 has them.
static void expect_parts(uint16_t port, const struct packet *whole, uint16_t mtu)
{
	const struct harness_port *hp = &harness_ports[port];
	uint32_t at = 0, first_offset = whole->fragment & RTE_IPV4_HDR_OFFSET_MASK;

	assert_true(hp->nout > 1);
	for (uint32_t k = 0; k < hp->nout; k++) {
		const uint8_t *ip = rte_pktmbuf_mtod_offset(hp->out[k], const uint8_t *, whole->l3);
		uint32_t header = (ip[0] & 0xfU) * 4, len = (uint32_t)ip[2] << 8 | ip[3];
		uint32_t field = (uint32_t)ip[6] << 8 | ip[7];
		bool last = k + 1 == hp->nout;

		assert_memory_equal(rte_pktmbuf_mtod(hp->out[k], void *), whole->bytes, whole->l3);
		assert_int_equal(hp->out[k]->pkt_len, whole->l3 + len);
		assert_true(len <= mtu);
		assert_int_equal(rte_raw_cksum(ip, header), 0xffff);
		assert_int_equal(ip[1], whole->bytes[whole->l3 + 1]);
		assert_memory_equal(ip + 4, whole->bytes + whole->l3 + 4, 2);
		assert_memory_equal(ip + 8, whole->bytes + whole->l3 + 8, 2);
		assert_memory_equal(ip + 12, whole->bytes + whole->l3 + 12, 8);
		assert_int_equal(field & RTE_IPV4_HDR_OFFSET_MASK, first_offset + at / 8);
		assert_int_equal(!!(field & MF), !last || whole->fragment & MF);
		for (uint32_t n = 0; n < len - header; n++)
			assert_int_equal(*byte(hp->out[k], whole->l3 + header + n), whole->bytes[whole->l4 + at + n]);
		at += len - header;
		assert_true(last || at % 8 == 0);
		assert_true(last || len + 8 > mtu);
	}
	assert_int_equal(at, whole->npayload);
	assert_int_equal(harness_worker->count[1].copies, hp->nout - 1);
}

static void too_big_is_sent_in_parts(void)
{
	static const uint16_t mtus[] = {68, 576, 601, 1280, 1499};

	router_build();
	harness_ports[1].fwd.max_frame = 9014;
	for (unsigned int c = 0; c < RTE_DIM(mtus) * 3; c++) {
		struct packet p = packet4(NH_PORT2);

		router_nexthop_at(NH_PORT2)->mtu = mtus[c / 3];
		p.npayload = (uint16_t)((const int[]){1480, 1483, 8000}[c % 3]);
		p.fragment = (uint16_t)((const int[]){0, MF | 100, 200}[c % 3]);
		packet_send(&p);
		packet_routed(&p, router_nexthop_at(NH_PORT2)->rewrite, -1);
		expect_parts(2, &p, mtus[c / 3]);
		harness_audit();
	}
}

// In a burst, and more than a burst of them, tagged in and out.
static void parts_of_many_packets(void)
{
	router_build();
	router_nexthop_at(NH_VLAN30)->mtu = 576;
	for (int i = 0; i < 64; i++) {
		struct packet p = packet4(i % 2 ? NH_VLAN30 : NH_PORT2);

		p.vid = i % 4 == 1 ? 0 : -1;
		p.npayload = 1400;
		packet_make(&p);
		packet_in(&p);
	}
	harness_run();
	assert_int_equal(harness_ports[2].nout, 32);
	assert_int_equal(harness_ports[3].nout, 32 * 3);
	assert_int_equal(harness_ports[3].out[0]->pkt_len, 18 + 572);
	harness_audit();
}

static void parts_go_by_the_bridge(void)
{
	struct packet p = packet4(NH_BRIDGE);

	router_build();
	router_nexthop_at(NH_BRIDGE)->mtu = 576;
	p.npayload = 1000;
	packet_send(&p);
	for (uint16_t port = 4; port <= 6; port++)
		assert_int_equal(harness_ports[port].nout, 2);
	harness_audit();
	fdb_learn(harness_fdb, fdb_key(router_neighbour[4], DOMAIN_BRIDGE), 6, 100, NULL);
	packet_send(&p);
	packet_routed(&p, router_nexthop_at(NH_BRIDGE)->rewrite, -1);
	expect_parts(6, &p, 576);
	harness_audit();
	p = packet4(NH_OURSELVES);
	router_nexthop_at(NH_OURSELVES)->mtu = 576;
	p.npayload = 1000;
	packet_send(&p);
	expect_drop(DROP_ROUTE_LOOP);
}

static void options_are_copied_as_they_say(void)
{
	// No operation, one to be copied of 4 bytes, record route of 7, end.
	static const uint8_t options[12] = {1, 0x94, 4, 0, 0, 7, 7, 4};
	struct packet p = packet4(NH_PORT2);
	const uint8_t *later;

	router_build();
	router_nexthop_at(NH_PORT2)->mtu = 576;
	memcpy(p.options, options, sizeof(options));
	p.noptions = sizeof(options);
	p.npayload = 1000;
	packet_send(&p);
	packet_routed(&p, router_nexthop_at(NH_PORT2)->rewrite, -1);
	expect_parts(2, &p, 576);
	assert_memory_equal(rte_pktmbuf_mtod_offset(harness_ports[2].out[0], void *, 34), options, sizeof(options));
	later = rte_pktmbuf_mtod_offset(harness_ports[2].out[1], const uint8_t *, 14);
	assert_int_equal(later[0], 0x46);
	assert_memory_equal(later + 20, options + 1, 4); // with the end for a fourth byte
	harness_audit();
}

// The checksum of a guest's packet is over the whole of it.
static void a_checksum_is_completed_before_the_packet_is_parted(void)
{
	struct packet p = packet4(NH_PORT2), want;
	struct rte_mbuf *m;
	uint8_t payload[1000] = {0, 1, 0, 2, 1000 >> 8, 1000 & 0xff};

	router_build();
	router_nexthop_at(NH_PORT2)->mtu = 576;
	p.payload = payload;
	p.npayload = sizeof(payload);
	packet_make(&p);
	m = harness_mbuf(p.bytes, p.len);
	m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	harness_in(1, m);
	harness_run();
	want = p;
	packet_routed(&want, router_nexthop_at(NH_PORT2)->rewrite, -1);
	memset(want.bytes + want.l4 + 6, 0, 2);
	uint16_t sum = rte_ipv4_udptcp_cksum((void *)(want.bytes + want.l3), want.bytes + want.l4);
	memcpy(want.bytes + want.l4 + 6, &sum, 2);
	expect_parts(2, &want, 576);
	harness_audit();
}

static void without_buffers_the_packet_is_lost_by_name(void)
{
	static struct rte_mbuf *all[20000];
	struct packet p = packet4(NH_PORT2);
	unsigned int n = 0;

	router_build();
	router_nexthop_at(NH_PORT2)->mtu = 576;
	p.npayload = 1400;
	packet_make(&p);
	packet_in(&p);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(port_pool())))
		n++;
	rte_pktmbuf_free(all[--n]); // one for the first of three parts
	harness_run();
	rte_pktmbuf_free_bulk(all, n);
	expect_drop(DROP_NO_MBUF);
}

#define FLOWS 8000

// Which member of a group a flow went by: the last byte of its new destination address.
static uint8_t member_of(int family, uint32_t flow)
{
	const uint8_t ports[26] = {(uint8_t)(flow >> 8), (uint8_t)flow, 0, 53};
	struct packet p = packet(family, NH_GROUP);
	uint8_t member;

	p.payload = ports;
	packet_send(&p);
	assert_int_equal(harness_ports[2].nout, 1);
	harness_ports[2].room = HARNESS_OUT;
	member = rte_pktmbuf_mtod(harness_ports[2].out[0], const uint8_t *)[5];
	harness_audit();
	return member;
}

static void groups_spread_flows_evenly_and_move_no_more_than_they_must(void)
{
	uint32_t slot[64], count[16] = {0};
	uint8_t member[FLOWS];

	router_build();
	EACH_FAMILY (family) {
		for (uint32_t s = 0; s < 64; s++)
			slot[s] = NH_MEMBER + s % 8;
		router_group(slot, 64);
		memset(count, 0, sizeof(count));
		for (uint32_t f = 0; f < FLOWS; f++)
			count[member[f] = member_of(family, f)]++;
		for (int m = 0; m < 8; m++)
			assert_in_range(count[m], FLOWS / 8 * 85 / 100, FLOWS / 8 * 115 / 100);
		// The slots of member 3 go to the others.
		for (uint32_t s = 3; s < 64; s += 8)
			slot[s] = NH_MEMBER + (s / 8 % 7 + 4) % 8;
		router_group(slot, 64);
		for (uint32_t f = 0; f < FLOWS; f++) {
			uint8_t now = member_of(family, f);

			assert_true(member[f] == 3 ? now != 3 : now == member[f]);
		}
	}
}

static void a_group_may_name_what_is_no_neighbour(void)
{
	struct packet p = packet4(NH_GROUP);

	router_build();
	router_group((const uint32_t[]){NH_UNRESOLVED}, 1);
	packet_send(&p);
	assert_int_equal(expect_punt(PUNT_RESOLVE, &p).nexthop, NH_UNRESOLVED);
	router_group((const uint32_t[]){40, 40}, 2); // nothing is there any more
	packet_send(&p);
	assert_int_equal(expect_punt(PUNT_UNREACHABLE, &p).nexthop, 40);
	router_group((const uint32_t[]){NH_GROUP, NH_GROUP}, 2); // which control never makes
	packet_send(&p);
	expect_drop(DROP_ROUTE_BLACKHOLE);
}

// All parts of a packet go one way, the flow label makes a difference, and so do the addresses.
static void flows_are_told_apart_by_what_all_their_packets_have(void)
{
	uint32_t slot[16];
	uint64_t ways[3] = {0};

	router_build();
	for (uint32_t s = 0; s < 16; s++)
		slot[s] = NH_MEMBER + s;
	router_group(slot, 16);
	for (uint32_t i = 0; i < 192; i++) {
		struct packet p = i % 3 == 1 ? packet6(NH_GROUP) : packet4(NH_GROUP);
		const uint8_t ports[26] = {(uint8_t)i};

		if (i % 3 == 0)
			p.fragment = i % 2 ? MF : (uint16_t)(i + 1);
		else if (i % 3 == 1)
			p.label = i;
		else
			p.src[3] = (uint8_t)i;
		p.payload = i % 3 ? NULL : ports;
		packet_send(&p);
		ways[i % 3] |= UINT64_C(1) << rte_pktmbuf_mtod(harness_ports[2].out[0], const uint8_t *)[5];
		harness_audit();
	}
	assert_int_equal(__builtin_popcountll(ways[0]), 1);
	assert_true(__builtin_popcountll(ways[1]) > 10);
	assert_true(__builtin_popcountll(ways[2]) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unresolved_ones_are_punted_with_their_number),
		TEST(no_route_and_reject_are_told),
		TEST(what_is_for_us_is_punted_by_what_it_is),
		TEST(a_later_fragment_is_no_echo_request),
		TEST(link_local_addresses_stay_on_their_link),
		TEST(the_last_hop_is_told),
		TEST(errors_are_not_told_of_errors),
		TEST(errors_hide_behind_no_extension_header),
		TEST(too_big_is_told_with_the_mtu),
		TEST(a_large_segment_is_measured_by_its_parts),
		TEST(too_big_is_sent_in_parts),
		TEST(parts_of_many_packets),
		TEST(parts_go_by_the_bridge),
		TEST(options_are_copied_as_they_say),
		TEST(a_checksum_is_completed_before_the_packet_is_parted),
		TEST(without_buffers_the_packet_is_lost_by_name),
		TEST(groups_spread_flows_evenly_and_move_no_more_than_they_must),
		TEST(a_group_may_name_what_is_no_neighbour),
		TEST(flows_are_told_apart_by_what_all_their_packets_have),
	};
	int rc;

	harness_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	router_forget();
	return rc;
}
