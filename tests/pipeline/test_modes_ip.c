/* SPDX-License-Identifier: BSD-3-Clause */
// The forwarding modes that look into IP packets: whole ones, odd ones, and those cut short.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "modes_fixture.h"

static void a_checksum_asked_for_is_completed(enum fwd_mode mode)
{
	uint8_t f[128], want[128];
	uint32_t len = modes_ip4(f, 0, IPPROTO_TCP, 0);
	struct rte_mbuf *m;

	modes_setup(mode);
	memcpy(want, f, len);
	if (mode == FWD_MODE_CSUM)
		modes_to_b_by_mac(want);
	f[14 + 20 + 16] = f[14 + 20 + 17] = 0;
	modes_in(f, len);
	m = modes_queued[0];
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	modes_run();
	modes_assert_out(B, 0, want, len);
	harness_audit();
}

static void what_no_ip_packet_can_be_is_not_segmented(void)
{
	uint8_t f[128];
	uint32_t len = modes_ip4(f, 0, IPPROTO_TCP, 0);
	struct rte_mbuf *m;

	modes_setup(FWD_MODE_IO);
	harness_ports[B].port.offloads = PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4;
	modes_in(f, len);
	modes_in(f, len);
	m = modes_queued[0];
	m->pkt_len = 70000; // as a guest may say
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = 1000;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_SEG;
	modes_run();
	assert_int_equal(harness_drops(A, DROP_RX_GIANT), 1);
	modes_assert_out(B, 0, f, len);
	harness_audit();
}

static void offloads_are_done_for_ports_that_will_not(void)
{
	a_checksum_asked_for_is_completed(FWD_MODE_IO);
}

static void csum_leaves_offloads_to_the_way_out(void)
{
	a_checksum_asked_for_is_completed(FWD_MODE_CSUM);
}

static void icmpecho_answers_arp(void)
{
	uint8_t f[64] = {0};
	uint32_t at = modes_ether(f, 0, RTE_ETHER_TYPE_ARP);
	struct rte_arp_hdr *arp = (void *)(f + at);

	modes_setup(FWD_MODE_ICMPECHO);
	memset(f, 0xff, 6);
	*arp = (struct rte_arp_hdr){.arp_hardware = RTE_BE16(1),
				    .arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
				    .arp_hlen = 6,
				    .arp_plen = 4,
				    .arp_opcode = RTE_BE16(1)};
	memcpy(&arp->arp_data.arp_sha, modes_host, 6);
	arp->arp_data.arp_sip = 11;
	arp->arp_data.arp_tip = 22;
	modes_in(f, 60);
	arp->arp_hlen = 8;
	modes_in(f, 60);
	arp->arp_hlen = 6;
	arp->arp_opcode = RTE_BE16(2);
	modes_in(f, 60);
	modes_run();
	memcpy(f, modes_host, 6);
	memcpy(f + 6, &modes_mac_a, 6);
	arp->arp_data.arp_sha = modes_mac_a;
	memcpy(&arp->arp_data.arp_tha, modes_host, 6);
	arp->arp_data.arp_sip = 22;
	arp->arp_data.arp_tip = 11;
	assert_int_equal(harness_ports[A].nout, 1);
	modes_assert_out(A, 0, f, 60);
	assert_int_equal(harness_drops(A, DROP_RX_NOT_ECHO), 2);
	harness_audit();
}

static void icmpecho_answers_echo(void)
{
	uint8_t f[128];

	for (uint32_t tags = 0; tags < 3; tags++) {
		uint32_t len = modes_ip4(f, tags, IPPROTO_ICMP, 5), l3 = 14 + 4 * tags, l4 = l3 + 20;

		modes_setup(FWD_MODE_ICMPECHO);
		modes_in(f, len);
		modes_run();
		modes_swap(f, 0, 6, 6);
		modes_swap(f, l3 + 12, l3 + 16, 4);
		f[l4] = RTE_IP_ICMP_ECHO_REPLY;
		f[l4 + 2] = f[l4 + 3] = 0;
		*(unaligned_uint16_t *)(f + l4 + 2) = (uint16_t)~rte_raw_cksum(f + l4, 19);
		modes_assert_out(A, 0, f, len);
		harness_audit();
	}
}

static void icmpecho_of_a_group_answers_from_a_neighbour(void)
{
	uint8_t f[128];
	uint32_t len = modes_ip4(f, 0, IPPROTO_ICMP, 0);
	struct rte_ipv4_hdr *ip = (void *)(f + 14);

	modes_setup(FWD_MODE_ICMPECHO);
	ip->dst_addr = RTE_BE32(0xe0000001);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	modes_in(f, len);
	modes_run();
	ip = rte_pktmbuf_mtod_offset(harness_ports[A].out[0], struct rte_ipv4_hdr *, 14);
	assert_int_equal(ip->src_addr, RTE_BE32(0x0a000002));
	assert_int_equal(ip->dst_addr, RTE_BE32(0x0a000001));
	assert_int_equal(rte_ipv4_cksum(ip), 0);
	harness_audit();
}

static void icmpecho_drops_the_rest(void)
{
	uint8_t f[128];
	uint32_t len;

	modes_setup(FWD_MODE_ICMPECHO);
	len = modes_ip4(f, 0, IPPROTO_UDP, 0);
	modes_in(f, len);
	len = modes_ip6(f, 0);
	modes_in(f, len);
	len = modes_ip4(f, 0, IPPROTO_ICMP, 0);
	f[34] = RTE_IP_ICMP_ECHO_REPLY;
	modes_in(f, len);
	f[34] = RTE_IP_ICMP_ECHO_REQUEST;
	f[20] = 0x20; // more fragments
	modes_in(f, len);
	modes_run();
	assert_int_equal(harness_drops(A, DROP_RX_NOT_ECHO), 4);
	harness_audit();
}

static void csum_repairs_checksums(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	uint8_t f[128], want[128];

	for (uint32_t tags = 0; tags < 3; tags++) {
		uint32_t l3 = 14 + 4 * tags, len;

		modes_setup(FWD_MODE_CSUM);
		for (uint32_t i = 0; i < 2; i++) {
			len = modes_ip4(f, tags, protocols[i], 6);
			f[l3 + 10] ^= 0x5a;
			f[l3 + 20 + (i ? 6 : 16)] ^= 0x5a;
			modes_in(f, len);
		}
		len = modes_ip6(f, tags);
		f[l3 + 40 + 6] ^= 0x5a;
		modes_in(f, len);
		modes_run();
		for (uint32_t i = 0; i < 3; i++) {
			len = i < 2 ? modes_ip4(want, tags, protocols[i], 6) : modes_ip6(want, tags);
			modes_to_b_by_mac(want);
			modes_assert_out(B, i, want, len);
			assert_int_equal(harness_ports[B].out[i]->ol_flags, 0);
		}
		harness_audit();
	}
}

static void csum_touches_no_sum_that_is_not_there(void)
{
	uint8_t f[128], want[128];
	uint32_t len = modes_ip4(f, 0, IPPROTO_UDP, 0);

	modes_setup(FWD_MODE_CSUM);
	memset(f + 34 + 6, 0, 2); // no checksum
	memcpy(want, f, len);
	f[24] ^= 1;
	modes_in(f, len);
	modes_run();
	modes_to_b_by_mac(want);
	modes_assert_out(B, 0, want, len);
	harness_audit();

	len = modes_ip4(f, 0, IPPROTO_TCP, 0); // the part of a packet
	f[20] = 0x20;
	f[34 + 16] ^= 1;
	modes_in(f, len);
	modes_run();
	f[24] = f[25] = 0;
	*(unaligned_uint16_t *)(f + 24) = rte_ipv4_cksum((void *)(f + 14));
	modes_to_b_by_mac(f);
	modes_assert_out(B, 0, f, len);
	harness_audit();

	len = modes_ip4(f, 0, IPPROTO_UDP, 0); // a UDP length beyond the packet
	f[34 + 4] = 9;
	memcpy(want, f, len);
	f[24] ^= 1;
	modes_in(f, len);
	modes_run();
	modes_to_b_by_mac(want);
	modes_assert_out(B, 0, want, len);
	harness_audit();
}

static void five_tuple_is_swapped_as_far_as_it_goes(void)
{
	uint8_t f[128];

	for (uint32_t tags = 0; tags < 3; tags++) {
		uint32_t l3 = 14 + 4 * tags, len;

		modes_setup(FWD_MODE_FIVE_TUPLE_SWAP);
		for (uint32_t i = 0; i < 5; i++) {
			len = i == 2 ? modes_ip6(f, tags)
				     : modes_ip4(f, tags,
						 i == 1   ? IPPROTO_TCP
						 : i == 3 ? IPPROTO_ICMP
							  : IPPROTO_UDP,
						 i);
			if (i == 4)
				f[l3 + 7] = 8; // a later fragment: no ports
			modes_in(f, len);
		}
		modes_run();
		for (uint32_t i = 0; i < 5; i++) {
			len = i == 2 ? modes_ip6(f, tags)
				     : modes_ip4(f, tags,
						 i == 1   ? IPPROTO_TCP
						 : i == 3 ? IPPROTO_ICMP
							  : IPPROTO_UDP,
						 i);
			if (i == 4)
				f[l3 + 7] = 8;
			modes_swap(f, 0, 6, 6);
			if (i == 2)
				modes_swap(f, l3 + 8, l3 + 24, 16);
			else
				modes_swap(f, l3 + 12, l3 + 16, 4);
			if (i < 3)
				modes_swap(f, l3 + (i == 2 ? 40 : 20), l3 + (i == 2 ? 42 : 22), 2);
			modes_assert_out(B, i, f, len);
		}
		harness_audit();
	}
}

// A frame cut short: what is in the buffer behind it must not matter, nor be changed.
static void cut(enum fwd_mode mode, const uint8_t *frame, uint32_t len)
{
	static const uint8_t fill[] = {0, 0xff, 0x45};
	uint8_t first[256] = {0};
	uint32_t nfirst = 0;

	for (uint32_t k = 0; k < sizeof(fill) + 1; k++) {
		uint8_t behind[128];
		struct rte_mbuf *m;
		uint8_t *data;

		modes_setup(mode);
		if (k < sizeof(fill))
			memset(behind, fill[k], sizeof(behind));
		else
			memcpy(behind, frame + len, sizeof(behind));
		modes_in(frame, len);
		m = modes_queued[0];
		data = rte_pktmbuf_mtod(m, uint8_t *);
		memcpy(data + len, behind, sizeof(behind));
		modes_run();
		assert_memory_equal(data + len, behind, sizeof(behind));
		if (k == 0) {
			nfirst = harness_ports[A].nout + harness_ports[B].nout;
			memcpy(first, data, len);
		}
		assert_int_equal(harness_ports[A].nout + harness_ports[B].nout, nfirst);
		if (nfirst)
			assert_memory_equal(data, first, len);
		harness_audit();
	}
}

static void nothing_behind_the_frame_matters(void)
{
	static const enum fwd_mode modes[] = {FWD_MODE_MAC, FWD_MODE_MACSWAP, FWD_MODE_ICMPECHO, FWD_MODE_CSUM,
					      FWD_MODE_FIVE_TUPLE_SWAP};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};

	for (uint32_t i = 0; i < RTE_DIM(modes); i++) {
		for (uint32_t tags = 0; tags < 3; tags++) {
			for (uint32_t p = 0; p < 5; p++) {
				uint8_t f[256] = {0};
				uint32_t len = p < 3    ? modes_ip4(f, tags, protocols[p], 0)
					       : p == 3 ? modes_ip6(f, tags)
							: modes_ether(f, tags, RTE_ETHER_TYPE_ARP) + 28;

				if (p == 4)
					memcpy(f + 14 + 4 * tags, "\0\1\10\0\6\4\0\1", 8);
				for (uint32_t n = 1; n <= len; n++)
					cut(modes[i], f, n);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offloads_are_done_for_ports_that_will_not),
		TEST(what_no_ip_packet_can_be_is_not_segmented),
		TEST(icmpecho_answers_arp),
		TEST(icmpecho_answers_echo),
		TEST(icmpecho_of_a_group_answers_from_a_neighbour),
		TEST(icmpecho_drops_the_rest),
		TEST(csum_repairs_checksums),
		TEST(csum_leaves_offloads_to_the_way_out),
		TEST(csum_touches_no_sum_that_is_not_there),
		TEST(five_tuple_is_swapped_as_far_as_it_goes),
		TEST(nothing_behind_the_frame_matters),
	};

	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
