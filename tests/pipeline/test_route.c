/* SPDX-License-Identifier: BSD-3-Clause */
// The router: packets in, packets out, on every instruction set level that this CPU has. What they are rewritten to,
// and what is dropped by which name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "../../datapath/lanes_ip.h"
#include "router.h"

// What has to come out of a port for what was sent, by a next hop.
static void expect_routed(uint16_t port, struct packet *p, uint32_t number, int vid)
{
	packet_routed(p, router_nexthop_at(number)->rewrite, vid);
	packet_expect(port, p);
	harness_audit();
}

static void packets_are_rewritten(void)
{
	struct packet p = packet4(NH_PORT2);

	router_build();
	packet_send(&p);
	expect_routed(2, &p, NH_PORT2, -1);
	p = packet6(NH_PORT2);
	packet_send(&p);
	expect_routed(2, &p, NH_PORT2, -1);
	p = packet4(NH_PORT1); // out by where it came in
	packet_send(&p);
	expect_routed(1, &p, NH_PORT1, -1);
}

static void whole_bursts_are_rewritten(void)
{
	router_build();
	for (int family = 0; family < 3; family++) {
		for (int i = 0; i < 130; i++) {
			struct packet p = family == 0 || (family == 2 && i % 3) ? packet4(NH_PORT2) : packet6(NH_PORT2);

			p.id = (uint16_t)(i * 7919);
			p.dst[p.version == 4 ? 3 : 15] = (uint8_t)i;
			packet_make(&p);
			packet_in(&p);
		}
		harness_run();
		assert_int_equal(harness_ports[2].nout, 130);
		for (uint32_t i = 0; i < 130; i++) {
			const uint8_t *f = rte_pktmbuf_mtod(harness_ports[2].out[i], const uint8_t *);

			assert_memory_equal(f, router_nexthop_at(NH_PORT2)->rewrite, 12);
			if (f[12] == 8)
				assert_int_equal(rte_raw_cksum(f + 14, 20), 0xffff);
			assert_int_equal(f[12] == 8 ? f[14 + 8] : f[14 + 7], 63);
		}
		harness_audit();
	}
}

// The checksum that is changed must be the one that would be computed, whatever is in the header.
static void the_checksum_follows_the_time_to_live(void)
{
	router_build();
	srand(1);
	for (int i = 0; i < 3000; i++) {
		struct packet p = packet4(NH_PORT2);

		p.ttl = (uint8_t)(2 + rand() % 254);
		p.id = (uint16_t)(i < 2000 ? i * 33 : rand());
		p.protocol = (uint8_t)rand();
		p.src[3] = (uint8_t)rand();
		packet_send(&p);
		packet_routed(&p, router_nexthop_at(NH_PORT2)->rewrite, -1);
		// Zero has two forms, of which RFC 1624's method keeps what a sender gave; both are right.
		assert_int_equal(harness_ports[2].nout, 1);
		assert_int_equal(rte_raw_cksum(rte_pktmbuf_mtod_offset(harness_ports[2].out[0], void *, 14), 20),
				 0xffff);
		memcpy(p.bytes + 24, rte_pktmbuf_mtod_offset(harness_ports[2].out[0], void *, 24), 2);
		packet_expect(2, &p);
		harness_audit();
	}
}

static void tags_are_taken_off_and_put_on(void)
{
	struct packet p = packet4(NH_VLAN30);

	router_build();
	packet_send(&p);
	expect_routed(3, &p, NH_VLAN30, 30);
	for (int family = 4; family <= 6; family += 2) {
		p = family == 4 ? packet4(NH_PORT2) : packet6(NH_PORT2);
		p.iface = 3;
		p.vid = 30 | 0xe000;
		packet_send(&p); // of VRF 2
		expect_routed(1, &p, NH_PORT1, -1);
	}
	p = packet4(NH_PORT2);
	p.vid = 0; // a priority tag
	packet_send(&p);
	expect_routed(2, &p, NH_PORT2, -1);
	p = packet4(NH_BRIDGE);
	fdb_learn(harness_fdb, fdb_key(router_neighbour[4], DOMAIN_BRIDGE), 5, 100, NULL);
	packet_send(&p);
	expect_routed(5, &p, NH_BRIDGE, BRIDGE_VID);
}

static void vrfs_with_the_same_addresses_share_a_burst(void)
{
	struct packet p = packet4(NH_PORT2);

	router_build();
	for (int i = 0; i < 60; i++) {
		p.iface = i % 2 ? 3 : 1;
		p.vid = i % 2 ? 30 : -1;
		p.version = i % 3 ? 4 : 6;
		p = p.version == 4 ? p : packet6(NH_PORT2);
		p.iface = i % 2 ? 3 : 1;
		p.vid = i % 2 ? 30 : -1;
		packet_make(&p);
		packet_in(&p);
		p = packet4(NH_PORT2);
	}
	harness_run();
	assert_int_equal(harness_ports[1].nout, 30);
	assert_int_equal(harness_ports[2].nout, 30);
	harness_audit();
}

static void a_vrf_without_routes_reaches_nothing(void)
{
	struct packet p = packet4(NH_PORT2);
	struct punt punt;

	router_build();
	for (int vrf = VRF_EMPTY; vrf <= ROUTER_VRFS; vrf++) { // one that is not there, too
		((struct fwd_iface *)harness_state.iface[1])->vrf = (uint16_t)vrf;
		for (int family = 4; family <= 6; family += 2) {
			p = family == 4 ? packet4(NH_PORT2) : packet6(NH_PORT2);
			packet_send(&p);
			assert_true(harness_punt(PUNT_UNREACHABLE, &punt));
			rte_pktmbuf_free(punt.m);
		}
	}
	harness_audit();
}

static void a_bridge_leads_to_its_stations(void)
{
	struct packet p = packet4(NH_BRIDGE);

	router_build();
	p.iface = 4;
	p.port = 4; // from a station of the bridge
	packet_send(&p);
	packet_routed(&p, router_nexthop_at(NH_BRIDGE)->rewrite, -1);
	packet_expect(4, &p); // unknown: it may be where it came from
	assert_int_equal(harness_ports[5].nout, 1);
	packet_expect(6, &p);
	harness_audit();

	fdb_learn(harness_fdb, fdb_key(router_neighbour[4], DOMAIN_BRIDGE), 4, 100, NULL);
	p = packet4(NH_BRIDGE);
	p.iface = p.port = 4;
	packet_send(&p);
	expect_routed(4, &p, NH_BRIDGE, -1);
	assert_int_equal(harness_drops(4, DROP_BRIDGE_HAIRPIN), 0);

	p = packet4(NH_OURSELVES);
	packet_send(&p);
	expect_drop(DROP_ROUTE_LOOP);
}

static void what_is_gone_is_lost_by_name(void)
{
	struct packet p = packet4(NH_PORT2);

	router_build();
	router_nexthop_at(NH_PORT2)->port_id = HARNESS_PORTS + 5; // of a later state
	packet_send(&p);
	assert_int_equal(harness_drops(HARNESS_PORTS + 5, DROP_TX_DOWN), 1);
	harness_worker->count[HARNESS_PORTS + 5].drops[DROP_TX_DOWN] = 0;
	harness_worker->count[1].rx_packets = 0;
	harness_audit();

	p = packet4(NH_BRIDGE);
	router_nexthop_at(NH_BRIDGE)->domain = DOMAIN_MAX - 1;
	packet_send(&p);
	expect_drop(DROP_ROUTE_IFACE_DOWN);

	p = packet4(NH_PORT2);
	((struct fwd_iface *)harness_state.iface[1])->up = false;
	packet_send(&p);
	expect_drop(DROP_ROUTE_IFACE_DOWN);
}

static void other_frames_to_an_interface(void)
{
	struct packet p = packet4(NH_PORT2);
	struct punt punt;

	router_build();
	packet_make(&p);
	p.bytes[12] = 0x88;
	packet_in(&p);
	harness_run();
	expect_drop(DROP_ROUTE_NOT_IP);

	packet_make(&p);
	memcpy(p.bytes + 12, (uint8_t[]){8, 6}, 2);
	packet_in(&p);
	harness_run();
	assert_true(harness_punt(PUNT_ARP, &punt));
	assert_int_equal(punt.iface, 1);
	assert_int_equal(punt.l3, 14);
	rte_pktmbuf_free(punt.m);
	harness_audit();
}

static void a_vlan_that_shares_a_domain_is_not_the_interfaces(void)
{
	struct packet p = packet4(NH_PORT2);

	router_build();
	harness_port(7);
	harness_rest(7, 20);
	harness_iface(5, 20, VRF_ONE, (const uint8_t[]){2, 0, 0, 0, 1, 5});
	for (int vid = -1; vid < 2; vid++) {
		p = packet4(NH_PORT2);
		p.port = 7;
		p.vid = vid;
		packet_make(&p);
		p.bytes[5] = 5;
		packet_in(&p);
		harness_run();
		if (vid == 1)
			expect_drop(DROP_ROUTE_VLAN);
		else
			expect_routed(2, &p, NH_PORT2, -1);
	}
}

static void padding_is_cut_off(void)
{
	struct packet p = packet4(NH_PORT2);

	router_build();
	p.npayload = 8;
	p.padding = 18;
	packet_send(&p);
	expect_routed(2, &p, NH_PORT2, -1);
	p = packet6(NH_PORT2);
	p.npayload = 2000;
	p.padding = 3000; // in segments of its own
	router_nexthop_at(NH_PORT2)->mtu = 9000;
	harness_ports[1].fwd.max_frame = harness_ports[2].fwd.max_frame = 9014;
	packet_send(&p);
	expect_routed(2, &p, NH_PORT2, -1);
}

static void a_chain_is_routed_but_not_with_its_header_in_pieces(void)
{
	struct packet p = packet6(NH_PORT2);

	router_build();
	packet_make(&p);
	for (uint16_t first = 14; first < p.len; first++) {
		struct rte_mbuf *m = harness_mbuf(p.bytes, first);

		m->next = harness_mbuf(p.bytes + first, p.len - first);
		m->nb_segs = 2;
		m->pkt_len = p.len;
		harness_in(1, m);
		harness_run();
		if (first < 54) {
			expect_drop(DROP_IP_SPLIT);
		} else {
			struct packet out = p;

			expect_routed(2, &out, NH_PORT2, -1);
		}
	}
}

static void a_shared_packet_is_copied_before_it_is_written(void)
{
	struct packet p = packet4(NH_PORT2);
	struct rte_mbuf *m;

	router_build();
	packet_make(&p);
	m = harness_mbuf(p.bytes, p.len);
	rte_mbuf_refcnt_update(m, 1);
	harness_in(1, m);
	harness_run();
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), p.bytes, p.len);
	assert_ptr_not_equal(harness_ports[2].out[0], m);
	rte_pktmbuf_free(m);
	expect_routed(2, &p, NH_PORT2, -1);
}

// What must not go through, and by which name it is lost: byte `at` of the IP header becomes `value`.
struct fault_case {
	uint8_t version, at, value;
	enum drop_reason reason;
	bool checksum; // is made right again
};

static const struct fault_case fault_cases[] = {
	{4, 0, 0x55, DROP_IP4_HEADER, true},
	{4, 0, 0x44, DROP_IP4_HEADER, false},
	{4, 0, 0x4f, DROP_IP4_LENGTH, false},
	{4, 3, 19, DROP_IP4_LENGTH, true},
	{4, 3, 47, DROP_IP4_LENGTH, true},
	{4, 2, 0x10, DROP_IP4_LENGTH, true},
	{4, 11, 0x55, DROP_IP4_CHECKSUM, false},
	{4, 8, 63, DROP_IP4_CHECKSUM, false},
	{4, 12, 224, DROP_IP4_SOURCE_MULTICAST, true},
	{4, 12, 239, DROP_IP4_SOURCE_MULTICAST, true},
	{4, 12, 0, DROP_IP4_SOURCE, true},
	{4, 12, 127, DROP_IP4_SOURCE, true},
	{4, 12, 240, DROP_IP4_SOURCE, true},
	{4, 12, 255, DROP_IP4_SOURCE, true},
	{4, 16, 0, DROP_IP4_DESTINATION, true},
	{4, 16, 127, DROP_IP4_DESTINATION, true},
	{4, 16, 224, DROP_IP4_DESTINATION, true},
	{4, 16, 255, DROP_IP4_DESTINATION, true},
	{6, 0, 0x40, DROP_IP6_HEADER, false},
	{6, 5, 27, DROP_IP6_LENGTH, false},
	{6, 4, 1, DROP_IP6_LENGTH, false},
	{6, 8, 0xff, DROP_IP6_SOURCE_MULTICAST, false},
	{6, 24, 0xff, DROP_IP6_DESTINATION, false},
};

static void bad_headers_are_dropped_by_name(void)
{
	router_build();
	for (unsigned int c = 0; c < RTE_DIM(fault_cases); c++) {
		const struct fault_case *f = &fault_cases[c];
		struct packet p = f->version == 4 ? packet4(NH_PORT2) : packet6(NH_PORT2);

		packet_make(&p);
		p.bytes[p.l3 + f->at] = f->value;
		if (f->checksum)
			packet_checksum(&p);
		packet_in(&p);
		harness_run();
		expect_drop(f->reason);
	}
}

static void ipv6_addresses_that_are_on_no_link(void)
{
	static const uint8_t bad[][16] = {{0}, {[15] = 1}, {[10] = 0xff, 0xff, 10, 1, 0, 1}};

	router_build();
	for (unsigned int c = 0; c < RTE_DIM(bad); c++) {
		struct packet p = packet6(NH_PORT2);

		memcpy(p.src, bad[c], 16);
		packet_send(&p);
		expect_drop(DROP_IP6_SOURCE);
		p = packet6(NH_PORT2);
		memcpy(p.dst, bad[c], 16);
		packet_send(&p);
		expect_drop(DROP_IP6_DESTINATION);
	}
}

static void frames_that_end_early_are_dropped_by_name(void)
{
	struct packet p;

	router_build();
	for (int family = 4; family <= 6; family += 2) {
		for (uint32_t len = 14; len < (family == 4 ? 60U : 80U); len++) {
			p = family == 4 ? packet4(NH_PORT2) : packet6(NH_PORT2);
			packet_make(&p);
			p.len = len;
			packet_in(&p);
			harness_run();
			expect_drop(family == 4 ? DROP_IP4_LENGTH : DROP_IP6_LENGTH);
		}
	}
}

// Behind the frame's end, in the buffer, is what would make it a good one: left from the packet before, say.
static void what_lies_behind_a_frame_is_not_its_header(void)
{
	struct packet p = packet4(NH_PORT2);
	struct rte_mbuf *m;

	router_build();
	for (uint32_t len = 14; len < 34; len++) {
		packet_make(&p);
		p.bytes[p.l3 + 3] = (uint8_t)(len - 14); // the truth, for once
		packet_checksum(&p);
		m = harness_mbuf(p.bytes, p.len);
		m->pkt_len = m->data_len = (uint16_t)len;
		harness_in(1, m);
		harness_run();
		expect_drop(DROP_IP4_LENGTH);
	}
}

static void a_jumbogram_is_refused(void)
{
	struct packet p = packet6(NH_PORT2);

	router_build();
	p.protocol = IPPROTO_HOPOPTS;
	packet_make(&p);
	memset(p.bytes + p.l3 + 4, 0, 2);
	packet_in(&p);
	harness_run();
	expect_drop(DROP_IP6_LENGTH);
}

static void options_pass_but_not_source_routes(void)
{
	static const struct {
		uint8_t options[8];
		enum drop_reason reason; // DROP_COUNT: it passes
	} cases[] = {
		{{1, 1, 1, 0}, DROP_COUNT},                           // no operation, end
		{{7, 7, 4, 0, 0, 0, 0, 0}, DROP_COUNT},               // record route
		{{148, 4, 0, 0, 0}, DROP_COUNT},                      // router alert: nobody in here listens (RFC 6398)
		{{0, 131, 0, 0}, DROP_COUNT},                         // behind the end
		{{131, 7, 4, 10, 1, 0, 2, 0}, DROP_IP4_SOURCE_ROUTE}, // loose
		{{1, 137, 7, 4, 10, 1, 0, 2}, DROP_IP4_SOURCE_ROUTE}, // strict
		{{7, 0, 0, 0}, DROP_IP4_OPTIONS},                     // of no length
		{{7, 1, 0, 0}, DROP_IP4_OPTIONS},                     // shorter than itself
		{{7, 9, 4, 0, 0, 0, 0, 0}, DROP_IP4_OPTIONS},         // longer than the header
		{{1, 1, 1, 1, 1, 1, 1, 7}, DROP_IP4_OPTIONS},         // without a length
	};

	router_build();
	for (unsigned int c = 0; c < RTE_DIM(cases); c++) {
		struct packet p = packet4(NH_PORT2);

		memcpy(p.options, cases[c].options, 8);
		p.noptions = 8;
		packet_send(&p);
		if (cases[c].reason == DROP_COUNT)
			expect_routed(2, &p, NH_PORT2, -1);
		else
			expect_drop(cases[c].reason);
	}
}

static void a_guest_may_leave_the_header_checksum_to_us(void)
{
	struct packet p = packet4(NH_PORT2);
	struct rte_mbuf *m;

	router_build();
	packet_make(&p);
	memset(p.bytes + p.l3 + 10, 0, 2);
	m = harness_mbuf(p.bytes, p.len);
	m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	harness_in(1, m);
	harness_run();
	expect_routed(2, &p, NH_PORT2, -1);
}

static uint64_t random64(void)
{
	return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

// Mostly good headers, with one thing or other made odd.
static void vector_tests_equal_their_scalar_twins(void)
{
	const struct lanes_ops *ops = datapath_ops()->lanes;
	static struct lanes_ip4 a4, b4;
	static struct lanes_ip6 a6, b6;
	uint64_t key[LANES], odd = 0;

	srand(7);
	for (int round = 0; round < 3000; round++) {
		uint32_t n = 1 + (uint32_t)rand() % LANES;

		for (uint32_t i = 0; i < LANES; i++) {
			struct packet p = packet4((uint8_t)rand());

			p.ttl = (uint8_t)(rand() % 4 ? 64 : rand() % 4);
			p.src[0] = (uint8_t)(rand() % 4 ? 10 : rand());
			p.id = (uint16_t)rand();
			p.noptions = rand() % 8 ? 0 : 4;
			p.version = 4;
			packet_make(&p);
			if (rand() % 8 == 0)
				p.bytes[p.l3 + rand() % 20] ^= (uint8_t)(1 << rand() % 8);
			memcpy(&a4.head[i], p.bytes + p.l3, 8);
			memcpy(&a4.tail[i], p.bytes + p.l3 + 8, 8);
			memcpy(&a4.dst[i], p.bytes + p.l3 + 16, 4);
			a4.len[i] = p.len - p.l3 + (rand() % 16 == 0);
			a6.head[i] = rand() % 4 ? UINT64_C(0x4011080000000060) : random64();
			a6.src[i] = rand() % 4 ? random64() : (uint64_t)(rand() % 2 ? 0x80fe : 0xff);
			a6.dst[0][i] = rand() % 4 ? random64() : 0;
			a6.dst[1][i] = random64();
			a6.len[i] = rand() % 4 ? 48 : (uint32_t)rand();
			key[i] = random64() & ~UINT64_C(0xfffc);
		}
		b4 = a4;
		b6 = a6;
		uint64_t want = lanes_ip4_odd_scalar(&b4, n);

		odd += (uint64_t)__builtin_popcountll(want);
		assert_true(ops->ip4_odd(&a4, n) == want);
		assert_memory_equal(a4.dst, b4.dst, n * sizeof(a4.dst[0]));
		assert_true(ops->ip6_odd(&a6, n) == lanes_ip6_odd_scalar(&b6, n));
		assert_memory_equal(a6.dst[0], b6.dst[0], n * sizeof(a6.dst[0][0]));
		assert_memory_equal(a6.dst[1], b6.dst[1], n * sizeof(a6.dst[0][0]));
		assert_true(ops->low16(key, 2) == lanes_low16_scalar(key, 2));
	}
	assert_in_range(odd, 3000 * 8, 3000 * 28); // some, but not all, of 32 on average
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_are_rewritten),
		TEST(whole_bursts_are_rewritten),
		TEST(the_checksum_follows_the_time_to_live),
		TEST(tags_are_taken_off_and_put_on),
		TEST(vrfs_with_the_same_addresses_share_a_burst),
		TEST(a_vrf_without_routes_reaches_nothing),
		TEST(a_bridge_leads_to_its_stations),
		TEST(what_is_gone_is_lost_by_name),
		TEST(other_frames_to_an_interface),
		TEST(a_vlan_that_shares_a_domain_is_not_the_interfaces),
		TEST(padding_is_cut_off),
		TEST(a_chain_is_routed_but_not_with_its_header_in_pieces),
		TEST(a_shared_packet_is_copied_before_it_is_written),
		TEST(bad_headers_are_dropped_by_name),
		TEST(ipv6_addresses_that_are_on_no_link),
		TEST(frames_that_end_early_are_dropped_by_name),
		TEST(what_lies_behind_a_frame_is_not_its_header),
		TEST(a_jumbogram_is_refused),
		TEST(options_pass_but_not_source_routes),
		TEST(a_guest_may_leave_the_header_checksum_to_us),
		TEST(vector_tests_equal_their_scalar_twins),
	};
	int rc;

	harness_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	router_forget();
	return rc;
}
