/* SPDX-License-Identifier: BSD-3-Clause */
// The bridge: frames in, frames out, on every instruction set level that this CPU has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "harness.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb}, mac_c[6] = {2, 0, 0, 0, 0, 0xc};
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static uint32_t frame_make(uint8_t *f, const uint8_t *dst, const uint8_t *src, int vid, uint16_t tpid, uint32_t payload)
{
	uint32_t at = 12;

	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	if (vid >= 0) {
		f[at++] = (uint8_t)(tpid >> 8);
		f[at++] = (uint8_t)tpid;
		f[at++] = (uint8_t)(vid >> 8);
		f[at++] = (uint8_t)vid;
	}
	f[at++] = 0x88; // an experimental EtherType
	f[at++] = 0xb5;
	for (uint32_t i = 0; i < payload; i++)
		f[at++] = (uint8_t)i;
	return at;
}

static void in(uint16_t port, const uint8_t *dst, const uint8_t *src, int vid, uint32_t payload)
{
	uint8_t f[2048];

	harness_in(port, harness_mbuf(f, frame_make(f, dst, src, vid, RTE_ETHER_TYPE_VLAN, payload)));
}

static void rest_ports(uint16_t n)
{
	for (uint16_t id = 1; id <= n; id++) {
		harness_port(id);
		harness_rest(id, 7);
	}
	harness_build();
}

static void learned_destination_goes_to_its_port_alone(void)
{
	rest_ports(3);
	fdb_learn(harness_fdb, fdb_key(mac_b, 7), 2, 100, NULL);
	for (int i = 0; i < 130; i++)
		in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_ports[2].nout, 130);
	assert_int_equal(harness_ports[3].nout, 0);
	harness_audit();
}

static void unknown_destination_is_flooded_by_reference(void)
{
	rest_ports(4);
	in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_ports[1].nout, 0);
	for (uint16_t id = 2; id <= 4; id++)
		assert_int_equal(harness_ports[id].nout, 1);
	assert_ptr_equal(harness_ports[2].out[0], harness_ports[3].out[0]);
	assert_ptr_equal(harness_ports[2].out[0], harness_ports[4].out[0]);
	assert_int_equal(harness_worker->count[1].copies, 2);
	harness_audit();
}

static void group_destination_is_flooded(void)
{
	rest_ports(3);
	in(1, broadcast, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_ports[2].nout + harness_ports[3].nout, 2);
	harness_audit();
}

static void link_down_members_are_not_flooded_to(void)
{
	rest_ports(3);
	harness_ports[2].port.link_up = 0;
	in(1, broadcast, mac_a, -1, 46);
	harness_ports[3].port.link_up = 0;
	harness_run();
	assert_int_equal(harness_drops(1, DROP_BRIDGE_NO_MEMBER), 1);
	harness_audit();
}

static void bad_frames_are_dropped_by_name(void)
{
	static const uint8_t group_src[6] = {3, 0, 0, 0, 0, 1}, zero[6], stp[6] = {1, 0x80, 0xc2, 0, 0, 0},
			     lldp[6] = {1, 0x80, 0xc2, 0, 0, 0xe}, beyond[6] = {1, 0x80, 0xc2, 0, 0, 0x10};

	rest_ports(2);
	in(1, mac_b, group_src, -1, 46);
	in(1, mac_b, zero, -1, 46);
	in(1, stp, mac_a, -1, 46);
	in(1, lldp, mac_a, 5, 46);
	in(1, beyond, mac_a, -1, 46);
	in(1, mac_b, mac_a, -1, 1501);
	in(1, mac_b, mac_a, 5, 1501);
	in(1, mac_b, mac_a, -1, 1500);
	in(1, mac_b, mac_a, 5, 1500);
	harness_in(1, harness_mbuf("\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a\x08", 13));
	harness_in(1, harness_mbuf("\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a\x81\0\0", 15));
	harness_run();
	assert_int_equal(harness_drops(1, DROP_RX_SMAC_MULTICAST), 1);
	assert_int_equal(harness_drops(1, DROP_RX_SMAC_ZERO), 1);
	assert_int_equal(harness_drops(1, DROP_RX_RESERVED), 2);
	assert_int_equal(harness_drops(1, DROP_RX_GIANT), 2);
	assert_int_equal(harness_drops(1, DROP_RX_RUNT), 2);
	assert_int_equal(harness_ports[2].nout, 3);
	harness_audit();
}

static void never_back_to_where_it_came_from(void)
{
	rest_ports(2);
	fdb_learn(harness_fdb, fdb_key(mac_b, 7), 1, 100, NULL);
	in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_drops(1, DROP_BRIDGE_HAIRPIN), 1);
	harness_audit();
}

static void full_and_dead_ports_lose_by_name(void)
{
	rest_ports(2);
	fdb_learn(harness_fdb, fdb_key(mac_b, 7), 2, 100, NULL);
	harness_ports[2].room = 10;
	for (int i = 0; i < 70; i++)
		in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_ports[2].nout, 10);
	assert_int_equal(harness_drops(2, DROP_TX_FULL), 60);
	harness_ports[2].port.link_up = 0;
	in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_drops(2, DROP_TX_DOWN), 1);
	harness_ports[2].fwd.up = false;
	in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(harness_drops(2, DROP_TX_DOWN), 2);
	harness_audit();
}

static void port_without_bridge_loses_all(void)
{
	harness_port(1)->fwd.bridge = 0;
	harness_build();
	in(1, mac_b, mac_a, -1, 46);
	in(1, mac_b, mac_a, 5, 46);
	harness_run();
	assert_int_equal(harness_drops(1, DROP_RX_NO_BRIDGE), 2);
	harness_audit();
}

static void sources_ask_to_be_learned_once_and_are_refreshed(void)
{
	struct worker_event ev[8];
	struct fdb_entry e;

	rest_ports(2);
	for (int i = 0; i < 100; i++)
		in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(rte_ring_sc_dequeue_burst_elem(harness_worker->events, ev, sizeof(ev[0]), 8, NULL), 1);
	assert_int_equal(ev[0].key, fdb_key(mac_a, 7));
	assert_int_equal(ev[0].port_id, 1);

	fdb_learn(harness_fdb, ev[0].key, 1, 60, NULL);
	in(1, mac_b, mac_a, -1, 46);
	harness_run();
	assert_int_equal(fdb_get(harness_fdb, ev[0].key, 100, &e), 0);
	assert_int_equal(e.age_s, 0);

	in(2, mac_b, mac_a, -1, 46); // moved
	harness_run();
	assert_int_equal(rte_ring_sc_dequeue_burst_elem(harness_worker->events, ev, sizeof(ev[0]), 8, NULL), 1);
	assert_int_equal(ev[0].port_id, 2);

	fdb_del(harness_fdb, fdb_key(mac_a, 7), NULL);
	fdb_add_static(harness_fdb, fdb_key(mac_a, 7), 1);
	in(2, mac_b, mac_a, -1, 46); // static entries are not moved
	harness_run();
	assert_int_equal(rte_ring_sc_dequeue_burst_elem(harness_worker->events, ev, sizeof(ev[0]), 8, NULL), 0);
	harness_audit();
}

static unsigned int events(void)
{
	struct worker_event ev[8];

	return rte_ring_sc_dequeue_burst_elem(harness_worker->events, ev, sizeof(ev[0]), RTE_DIM(ev), NULL);
}

static void two_sources(void)
{
	in(1, mac_c, mac_a, -1, 46);
	in(1, mac_c, mac_b, -1, 46);
	harness_run();
}

// Sources in order are remembered for a second, but not beyond what control does to their entries.
static void sources_in_order_are_looked_up_again_when_something_changed(void)
{
	const uint64_t key = fdb_key(mac_a, 7);
	struct fdb_entry e;

	rest_ports(3);
	harness_worker->now_s = 100;
	fdb_learn(harness_fdb, fdb_key(mac_b, 7), 1, 100, NULL);
	fdb_learn(harness_fdb, key, 1, 90, NULL);
	two_sources(); // refreshes the one
	assert_int_equal(fdb_get(harness_fdb, key, 100, &e), 0);
	assert_int_equal(e.age_s, 0);
	two_sources();
	assert_int_equal(events(), 0);

	fdb_learn(harness_fdb, key, 2, 100, NULL);
	two_sources();
	assert_int_equal(events(), 1);
	fdb_learn(harness_fdb, key, 1, 100, NULL);
	two_sources();
	assert_int_equal(events(), 0);

	memset(harness_worker->recent, 0, WORKER_RECENT * sizeof(*harness_worker->recent));
	fdb_del(harness_fdb, fdb_key(mac_b, 7), NULL);
	two_sources();
	assert_int_equal(events(), 1);

	harness_worker->now_s = 101;
	two_sources();
	assert_int_equal(fdb_get(harness_fdb, key, 101, &e), 0);
	assert_int_equal(e.age_s, 0);
	harness_audit();
}

static void destination_lanes_keep_order_per_port(void)
{
	uint32_t next[4] = {0};

	rest_ports(3);
	fdb_learn(harness_fdb, fdb_key(mac_a, 7), 2, 100, NULL);
	fdb_learn(harness_fdb, fdb_key(mac_b, 7), 3, 100, NULL);
	srand(1);
	for (uint32_t i = 0; i < 1000; i++) {
		static const uint8_t src[6] = {2, 0, 0, 0, 0, 0xc};
		uint8_t f[64] = {0};
		uint32_t len = frame_make(f, rand() & 1 ? mac_a : mac_b, src, -1, 0, 46);

		memcpy(f + 20, &i, 4);
		harness_in(1, harness_mbuf(f, len));
	}
	harness_run();
	for (uint16_t id = 2; id <= 3; id++) {
		for (uint32_t k = 0; k < harness_ports[id].nout; k++) {
			uint32_t seq = *rte_pktmbuf_mtod_offset(harness_ports[id].out[k], uint32_t *, 20);

			assert_true(seq >= next[id]);
			next[id] = seq + 1;
		}
	}
	assert_int_equal(harness_ports[2].nout + harness_ports[3].nout, 1000);
	harness_audit();
}

static struct rte_mbuf *tcp_mbuf(uint32_t payload, uint16_t mss)
{
	uint8_t f[2048] = {0};
	struct rte_ipv4_hdr *ip = (void *)(f + 14);
	struct rte_tcp_hdr *tcp = (void *)(f + 34);
	uint32_t len = 54 + payload;
	struct rte_mbuf *m;

	frame_make(f, broadcast, mac_a, -1, 0, 0);
	f[12] = 8;
	f[13] = 0;
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
				    .total_length = rte_cpu_to_be_16((uint16_t)(len - 14)),
				    .time_to_live = 64,
				    .next_proto_id = IPPROTO_TCP,
				    .src_addr = 1,
				    .dst_addr = 2};
	*tcp = (struct rte_tcp_hdr){.data_off = 5 << 4, .tcp_flags = RTE_TCP_ACK_FLAG};
	for (uint32_t i = 0; i < payload; i++)
		f[54 + i] = (uint8_t)(i * 7);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = rte_ipv4_phdr_cksum(ip, mss ? RTE_MBUF_F_TX_TCP_SEG : 0);
	m = harness_mbuf(f, len);
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = mss;
	m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM | (mss ? RTE_MBUF_F_TX_TCP_SEG : 0);
	return m;
}

static void tcp_check(const struct rte_mbuf *m, uint32_t l2)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l2);

	assert_int_equal(rte_ipv4_cksum(ip), 0);
	assert_int_equal(rte_ipv4_udptcp_cksum_mbuf_verify(m, ip, (uint16_t)(l2 + 20)), 0);
}

static void checksum_is_completed_for_ports_that_will_not(void)
{
	rest_ports(3);
	harness_ports[2].port.offloads = PORT_OFFLOAD_CSUM;
	harness_in(1, tcp_mbuf(100, 0));
	harness_run();
	assert_int_equal(harness_ports[2].nout, 1);
	assert_true(harness_ports[2].out[0]->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM);
	assert_false(harness_ports[3].out[0]->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM);
	assert_ptr_not_equal(harness_ports[2].out[0], harness_ports[3].out[0]);
	tcp_check(harness_ports[3].out[0], 14);
	harness_audit();
}

static void large_segment_is_split_for_ports_that_will_not(void)
{
	uint32_t total = 0;

	rest_ports(3);
	harness_ports[2].port.offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4;
	harness_in(1, tcp_mbuf(1900, 500));
	harness_run();
	assert_int_equal(harness_ports[2].nout, 1);
	assert_int_equal(harness_ports[3].nout, 4);
	for (uint32_t k = 0; k < 4; k++) {
		tcp_check(harness_ports[3].out[k], 14);
		total += harness_ports[3].out[k]->pkt_len - 54;
	}
	assert_int_equal(total, 1900);
	harness_audit();
}

static void segment_larger_than_the_output_mtu_is_refused(void)
{
	rest_ports(2);
	harness_ports[2].fwd.max_frame = 500;
	harness_in(1, tcp_mbuf(1400, 1000));
	in(1, mac_b, mac_a, -1, 500);
	harness_run();
	assert_int_equal(harness_drops(2, DROP_TX_MTU), 2);
	harness_audit();
}

// Guests may say what they like of their frames; another guest would be given both.
static void offloads_that_no_honest_guest_asks_for_are_refused(void)
{
	static const uint8_t more[2000];
	struct rte_mbuf *udp = tcp_mbuf(100, 0), *endless = tcp_mbuf(1900, 500);

	rest_ports(2);
	harness_ports[2].port.offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	udp->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
	while (endless->pkt_len <= UINT16_MAX + 60)
		assert_int_equal(rte_pktmbuf_chain(endless, harness_mbuf(more, sizeof(more))), 0);
	harness_in(1, udp);
	harness_in(1, endless);
	harness_run();
	assert_int_equal(harness_drops(1, DROP_BAD_OFFLOAD), 1);
	assert_int_equal(harness_drops(1, DROP_RX_GIANT), 1);
	assert_int_equal(harness_ports[2].nout, 0);
	harness_audit();
}

static void empty_pool_loses_copies_by_name(void)
{
	static struct rte_mbuf *hoard[16383];
	uint32_t n = 0;

	harness_port(1);
	harness_access(1, 10, 100);
	harness_port(2);
	harness_trunk(2, 10, 100);
	harness_port(3);
	harness_access(3, 10, 100);
	harness_build();
	in(1, broadcast, mac_a, -1, 46);
	while (n < RTE_DIM(hoard) && (hoard[n] = rte_pktmbuf_alloc(port_pool())))
		n++;
	harness_run();
	rte_pktmbuf_free_bulk(hoard, n);
	assert_int_equal(harness_drops(1, DROP_NO_MBUF), 1); // the tag for port 2 needs a copy
	assert_int_equal(harness_ports[3].nout, 1);
	harness_audit();
}

// Few different values, so that equal ones, group addresses, tags and reserved addresses occur.
static uint64_t some_word(void)
{
	static const uint64_t words[] = {0,
					 1,
					 2,
					 UINT64_C(0x0081000000000002),
					 UINT64_C(0xa888000000000004),
					 LANES_RESERVED_MAC,
					 UINT64_C(0xffff0ec28001),
					 UINT64_C(0xffffffffffff0002)};

	return rand() % 3 ? words[rand() % RTE_DIM(words)] : (uint64_t)rand() << 33 ^ (uint64_t)rand() << 10;
}

static void vector_tests_equal_their_scalar_twins(void)
{
	const struct lanes_ops *ops = datapath_ops()->lanes;

	for (int round = 0; round < 2000; round++) {
		uint64_t dst[2][LANES], src[2][LANES];
		uint16_t type[2][LANES] = {{0}};
		uint16_t a[LANES], b[LANES], ports[2][LANES];
		uint32_t value[LANES], n = 1 + (uint32_t)rand() % LANES, first = (uint32_t)rand() % n;

		for (int i = 0; i < LANES; i++) {
			a[i] = (uint16_t)(rand() % 4 ? rand() % 3 : rand());
			b[i] = (uint16_t)(rand() % 4 ? rand() % 3 : rand());
			value[i] = rand() % 3 ? (uint32_t)a[i] << 16 | 9 : (uint32_t)rand();
			dst[0][i] = dst[1][i] = round % 2 ? some_word() : 5;
			src[0][i] = src[1][i] = some_word();
		}
		assert_int_equal(ops->same64(dst[0], n), lanes_same64_scalar(dst[0], n));
		for (uint16_t x = 0; x < 4; x++)
			assert_int_equal(ops->equal16(a, x), lanes_equal16_scalar(a, x));
		assert_int_equal(ops->match16(a, b), lanes_match16_scalar(a, b));
		assert_int_equal(ops->moved(value, a, 9, n), lanes_moved_scalar(value, a, 9, n));
		ops->ports(ports[0], value, n);
		lanes_ports_scalar(ports[1], value, n);
		assert_memory_equal(ports[0], ports[1], n * sizeof(ports[0][0]));
		assert_int_equal(ops->keys(dst[0], src[0], type[0], first, n, 77),
				 lanes_keys_scalar(dst[1], src[1], type[1], first, n, 77));
		assert_memory_equal(dst[0], dst[1], sizeof(dst[0]));
		assert_memory_equal(src[0], src[1], sizeof(src[0]));
		assert_memory_equal(type[0], type[1], sizeof(type[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(learned_destination_goes_to_its_port_alone),
		TEST(unknown_destination_is_flooded_by_reference),
		TEST(group_destination_is_flooded),
		TEST(link_down_members_are_not_flooded_to),
		TEST(bad_frames_are_dropped_by_name),
		TEST(never_back_to_where_it_came_from),
		TEST(full_and_dead_ports_lose_by_name),
		TEST(port_without_bridge_loses_all),
		TEST(sources_ask_to_be_learned_once_and_are_refreshed),
		TEST(sources_in_order_are_looked_up_again_when_something_changed),
		TEST(destination_lanes_keep_order_per_port),
		TEST(checksum_is_completed_for_ports_that_will_not),
		TEST(large_segment_is_split_for_ports_that_will_not),
		TEST(segment_larger_than_the_output_mtu_is_refused),
		TEST(offloads_that_no_honest_guest_asks_for_are_refused),
		TEST(empty_pool_loses_copies_by_name),
		TEST(vector_tests_equal_their_scalar_twins),
	};

	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
