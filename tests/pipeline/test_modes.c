/* SPDX-License-Identifier: BSD-3-Clause */
// The forwarding modes that look at Ethernet at most, and those that generate.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "modes_fixture.h"

static void io_passes_all_as_it_is(void)
{
	uint8_t f[200];
	uint64_t bytes = 0;

	modes_setup(FWD_MODE_IO);
	for (uint32_t i = 0; i < sizeof(f); i++)
		f[i] = (uint8_t)i;
	for (uint32_t len = 1; len <= 64; len++) {
		modes_in(f + len, len);
		bytes += len;
	}
	assert_int_equal(modes_run(), 64);
	assert_int_equal(harness_ports[B].nout, 64);
	for (uint32_t len = 1; len <= 64; len++)
		modes_assert_out(B, len - 1, f + len, len);
	assert_int_equal(harness_worker->count[A].rx_bytes, bytes);
	assert_int_equal(harness_worker->count[B].tx_bytes, bytes);
	assert_int_equal(harness_ports[A].port.rxq[0].bytes, bytes);
	assert_int_equal(harness_worker->self.burst_fill[6], 1);
	harness_audit();
	assert_int_equal(modes_run(), 0);
	harness_audit();
}

static void a_port_alone_sends_back(void)
{
	uint8_t f[64] = {1};

	modes_setup(FWD_MODE_IO);
	harness_ports[A].fwd.peer = A;
	modes_in(f, 64);
	modes_run();
	modes_assert_out(A, 0, f, 64);
	harness_audit();
}

static void what_the_peer_cannot_take_is_lost_by_name(void)
{
	static uint8_t f[1600];

	modes_setup(FWD_MODE_IO);
	modes_in(f, 60);
	modes_in(f, 1515);
	modes_in(f, 1514);
	modes_run();
	assert_int_equal(harness_ports[B].nout, 2);
	assert_int_equal(harness_drops(B, DROP_TX_MTU), 1);
	harness_audit();
	harness_ports[B].room = 1;
	modes_in(f, 60);
	modes_in(f, 60);
	modes_run();
	assert_int_equal(harness_drops(B, DROP_TX_FULL), 1);
	harness_audit();
	harness_ports[B].fwd.up = false;
	modes_in(f, 60);
	modes_run();
	assert_int_equal(harness_drops(B, DROP_TX_DOWN), 1);
	harness_audit();
	harness_ports[A].fwd.peer = 9; // its device has gone
	modes_in(f, 60);
	modes_run();
	assert_int_equal(harness_drops(9, DROP_TX_DOWN), 1);
	harness_audit();
}

// The queue sends nothing before what waits in the port's buffer.
static void packets_do_not_overtake(void)
{
	static uint8_t f[1600];

	modes_setup(FWD_MODE_IO);
	f[0] = 1;
	modes_in(f, 1515); // makes the others take the buffer
	modes_in(f, 60);
	datapath_ops()->mode_run(harness_worker, &harness_ports[A].port.rxq[0]);
	assert_int_equal(harness_ports[B].nout, 0);
	assert_int_equal(harness_worker->self.held, 1);
	f[0] = 2;
	modes_in(f, 60);
	modes_run();
	assert_int_equal(harness_ports[B].nout, 2);
	assert_int_equal(*rte_pktmbuf_mtod(harness_ports[B].out[0], uint8_t *), 1);
	assert_int_equal(*rte_pktmbuf_mtod(harness_ports[B].out[1], uint8_t *), 2);
	harness_audit();
}

static void mac_sends_from_the_peer_to_what_is_behind_it(void)
{
	uint8_t f[128];
	uint32_t len = modes_ip4(f, 1, IPPROTO_UDP, 3);

	modes_setup(FWD_MODE_MAC);
	modes_in(f, len);
	modes_in(f, 13);
	assert_int_equal(modes_run(), 2);
	modes_to_b_by_mac(f);
	assert_int_equal(harness_ports[B].nout, 1);
	modes_assert_out(B, 0, f, len);
	assert_int_equal(harness_drops(A, DROP_RX_RUNT), 1);
	harness_audit();
}

static void macswap_exchanges_addresses(void)
{
	uint8_t f[64] = {0};

	modes_setup(FWD_MODE_MACSWAP);
	modes_ether(f, 0, 0x88b5);
	modes_in(f, 64);
	modes_in(f, 14);
	modes_in(f, 5);
	modes_run();
	modes_swap(f, 0, 6, 6);
	modes_assert_out(B, 0, f, 64);
	modes_assert_out(B, 1, f, 14);
	assert_int_equal(harness_drops(A, DROP_RX_RUNT), 1);
	harness_audit();
}

static void what_others_hold_too_is_not_changed(void)
{
	uint8_t f[64] = {0}, swapped[64];
	struct rte_mbuf *shared;

	modes_setup(FWD_MODE_MACSWAP);
	modes_ether(f, 0, 0x88b5);
	memcpy(swapped, f, 64);
	modes_swap(swapped, 0, 6, 6);
	modes_in(f, 64);
	shared = modes_queued[0];
	rte_mbuf_refcnt_update(shared, 1);
	modes_run();
	modes_assert_out(B, 0, swapped, 64);
	assert_memory_equal(rte_pktmbuf_mtod(shared, void *), f, 64);
	rte_pktmbuf_free(shared);
	harness_audit();
}

static void rxonly_is_a_sink(void)
{
	uint8_t f[64] = {0};

	modes_setup(FWD_MODE_RXONLY);
	modes_in(f, 64);
	modes_in(f, 1);
	assert_int_equal(modes_run(), 2);
	assert_int_equal(harness_drops(A, DROP_RX_SINK), 2);
	assert_int_equal(harness_ports[B].nout, 0);
	harness_audit();
}

static void check_generated(const struct rte_mbuf *m, uint32_t len, uint32_t src, uint32_t dst, uint16_t sport,
			    uint16_t dport)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14);
	const struct rte_udp_hdr *udp = (const void *)(ip + 1);

	assert_int_equal(m->pkt_len, len);
	assert_int_equal(m->data_len, len);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type, RTE_BE16(RTE_ETHER_TYPE_IPV4));
	assert_int_equal(ip->version_ihl, 0x45);
	assert_int_equal(rte_be_to_cpu_16(ip->total_length), len - 14);
	assert_int_equal(ip->next_proto_id, IPPROTO_UDP);
	assert_int_equal(rte_ipv4_cksum(ip), 0);
	assert_int_equal(rte_be_to_cpu_32(ip->src_addr), src);
	assert_int_equal(rte_be_to_cpu_32(ip->dst_addr), dst);
	assert_int_equal(rte_be_to_cpu_16(udp->src_port), sport);
	assert_int_equal(rte_be_to_cpu_16(udp->dst_port), dport);
	assert_int_equal(rte_be_to_cpu_16(udp->dgram_len), len - 34);
	assert_int_equal(udp->dgram_cksum, 0);
	for (uint32_t i = 42; i < len; i++)
		assert_int_equal(rte_pktmbuf_mtod(m, const uint8_t *)[i], 0);
}

static void txonly_sends_and_receives_nothing(void)
{
	const uint8_t dst[6] = {2, 0, 0, 0, 0, A};
	uint8_t f[64] = {0};

	modes_setup(FWD_MODE_TXONLY);
	modes_in(f, 64);
	assert_int_equal(modes_run(), 64);
	assert_int_equal(modes_nqueued, 1);
	rte_pktmbuf_free(modes_queued[0]);
	assert_int_equal(harness_worker->count[A].generated, 64);
	assert_int_equal(harness_worker->count[A].rx_packets, 0);
	assert_int_equal(harness_ports[A].nout, 64);
	for (uint32_t i = 0; i < 64; i++) {
		const struct rte_mbuf *m = harness_ports[A].out[i];

		check_generated(m, 64, 0xc6120001, 0xc6120002, 9, 9);
		assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), dst, 6);
		assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *) + 6, &modes_mac_a, 6);
	}
	assert_int_equal(harness_worker->count[A].tx_bytes, 64 * 64);
	harness_audit();
}

static void generators_make_bursts_and_frames_as_told(void)
{
	static const uint16_t lengths[] = {FWD_TXONLY_MIN, 63, 65, 1514, FWD_TXONLY_MAX};

	modes_setup(FWD_MODE_TXONLY);
	harness_ports[A].fwd.max_frame = FWD_TXONLY_MAX;
	for (uint32_t i = 0; i < RTE_DIM(lengths); i++) {
		uint32_t before = harness_ports[A].nout;

		harness_state.burst = (uint16_t)(i + 1);
		harness_state.txonly_bytes = lengths[i];
		assert_int_equal(modes_run(), i + 1);
		assert_int_equal(harness_ports[A].nout, before + i + 1);
		for (uint32_t k = 0; k <= i; k++)
			check_generated(harness_ports[A].out[before + k], lengths[i], 0xc6120001, 0xc6120002, 9, 9);
	}
	harness_audit();
}

static void generators_rest_while_the_link_is_down_or_buffers_are_short(void)
{
	static struct rte_mbuf *hoard[16383];
	uint32_t n = 0;

	modes_setup(FWD_MODE_FLOWGEN);
	harness_ports[A].port.link_up = 0;
	assert_int_equal(modes_run(), 0);
	harness_ports[A].port.link_up = 1;
	while (n < RTE_DIM(hoard) && (hoard[n] = rte_pktmbuf_alloc(port_pool())))
		n++;
	assert_int_equal(modes_run(), 0);
	rte_pktmbuf_free_bulk(hoard, n);
	assert_int_equal(harness_worker->count[A].generated, 0);
	harness_ports[A].room = 10;
	assert_int_equal(modes_run(), 64);
	assert_int_equal(harness_drops(A, DROP_TX_FULL), 54);
	harness_audit();
}

static void flowgen_sends_flows_in_turn_and_keeps_nothing(void)
{
	uint8_t f[64] = {0};

	modes_setup(FWD_MODE_FLOWGEN);
	modes_in(f, 64);
	assert_int_equal(modes_run(), 65);
	assert_int_equal(harness_drops(A, DROP_RX_SINK), 1);
	for (int i = 0; i < 16; i++)
		assert_int_equal(modes_run(), 64);
	assert_int_equal(harness_ports[A].nout, 17 * 64);
	for (uint32_t i = 0; i < 17 * 64; i++)
		check_generated(harness_ports[A].out[i], 60, RTE_IPV4(10, 254, 0, 0),
				RTE_IPV4(10, 253, 0, 0) + i % 1024, 1000, 1001);
	harness_audit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(io_passes_all_as_it_is),
		TEST(a_port_alone_sends_back),
		TEST(what_the_peer_cannot_take_is_lost_by_name),
		TEST(packets_do_not_overtake),
		TEST(mac_sends_from_the_peer_to_what_is_behind_it),
		TEST(macswap_exchanges_addresses),
		TEST(what_others_hold_too_is_not_changed),
		TEST(rxonly_is_a_sink),
		TEST(txonly_sends_and_receives_nothing),
		TEST(generators_make_bursts_and_frames_as_told),
		TEST(generators_rest_while_the_link_is_down_or_buffers_are_short),
		TEST(flowgen_sends_flows_in_turn_and_keeps_nothing),
	};

	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
