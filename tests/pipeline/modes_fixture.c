/* SPDX-License-Identifier: BSD-3-Clause */
#include "modes_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

const uint8_t modes_host[6] = {2, 0, 0, 0, 0, 0xa}, modes_other[6] = {2, 0, 0, 0, 0, 0xb};
const struct rte_ether_addr modes_mac_a = {{2, 1, 1, 1, 1, 0xaa}}, modes_mac_b = {{2, 1, 1, 1, 1, 0xbb}};

struct rte_mbuf *modes_queued[BURST_MAX];
uint16_t modes_nqueued;

static uint16_t give(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t got = RTE_MIN(n, modes_nqueued);

	memcpy(pkts, modes_queued, got * sizeof(*pkts));
	modes_nqueued = 0;
	return got;
}

void modes_setup(enum fwd_mode mode)
{
	struct harness_port *a = &harness_ports[A], *b = &harness_ports[B];

	if (!a->port.rxq) { // not twice in one test
		harness_port(A);
		harness_port(B);
	}
	a->room = b->room = HARNESS_OUT;
	a->port.rxq[0].rx = give;
	a->fwd.mode = mode;
	a->fwd.peer = B;
	a->fwd.mac = modes_mac_a;
	b->fwd.mac = modes_mac_b;
	modes_nqueued = 0;
	harness_build();
}

void modes_in(const void *frame, uint32_t len)
{
	modes_queued[modes_nqueued++] = harness_mbuf(frame, len);
}

uint32_t modes_run(void)
{
	uint32_t n = datapath_ops()->mode_run(harness_worker, &harness_ports[A].port.rxq[0]);

	assert_int_equal(harness_worker->burst.n, 0);
	datapath_ops()->tx_flush(harness_worker);
	return n;
}

void modes_assert_out(uint16_t port, uint32_t k, const void *frame, uint32_t len)
{
	assert_true(k < harness_ports[port].nout);
	assert_int_equal(harness_ports[port].out[k]->pkt_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(harness_ports[port].out[k], void *), frame, len);
}

uint32_t modes_ether(uint8_t *f, uint32_t tags, uint16_t type)
{
	uint32_t at = 12;

	memcpy(f, modes_other, 6);
	memcpy(f + 6, modes_host, 6);
	for (uint32_t i = 0; i < tags; i++) {
		f[at++] = i + 1 < tags ? 0x88 : 0x81;
		f[at++] = i + 1 < tags ? 0xa8 : 0;
		f[at++] = 0;
		f[at++] = (uint8_t)(i + 5);
	}
	f[at++] = (uint8_t)(type >> 8);
	f[at++] = (uint8_t)type;
	return at;
}

// A frame with a TCP, UDP or ICMP echo header and 11 more bytes; all checksums right. `pad` more bytes belong to no
// packet, as a minimum frame has them. Returns its length.
uint32_t modes_ip4(uint8_t *f, uint32_t tags, uint8_t protocol, uint32_t pad)
{
	uint32_t at = modes_ether(f, tags, RTE_ETHER_TYPE_IPV4);
	uint32_t l4_len = (protocol == IPPROTO_TCP ? 20 : 8) + 11;
	struct rte_ipv4_hdr *ip = (void *)(f + at);
	uint8_t *l4 = f + at + 20;

	memset(ip, 0, 20 + l4_len + pad);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
				    .total_length = rte_cpu_to_be_16((uint16_t)(20 + l4_len)),
				    .time_to_live = 9,
				    .next_proto_id = protocol,
				    .src_addr = RTE_BE32(0x0a000001),
				    .dst_addr = RTE_BE32(0x0a000102)};
	for (uint32_t i = 0; i < l4_len; i++)
		l4[i] = (uint8_t)(i * 37 + 1);
	if (protocol == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		((struct rte_tcp_hdr *)l4)->cksum = 0;
		((struct rte_tcp_hdr *)l4)->cksum = rte_ipv4_udptcp_cksum(ip, l4);
	} else if (protocol == IPPROTO_UDP) {
		((struct rte_udp_hdr *)l4)->dgram_len = rte_cpu_to_be_16((uint16_t)l4_len);
		((struct rte_udp_hdr *)l4)->dgram_cksum = 0;
		((struct rte_udp_hdr *)l4)->dgram_cksum = rte_ipv4_udptcp_cksum(ip, l4);
	} else {
		l4[0] = RTE_IP_ICMP_ECHO_REQUEST;
		l4[1] = l4[2] = l4[3] = 0;
		((struct rte_icmp_hdr *)l4)->icmp_cksum = (uint16_t)~rte_raw_cksum(l4, l4_len);
	}
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return at + 20 + l4_len + pad;
}

uint32_t modes_ip6(uint8_t *f, uint32_t tags)
{
	uint32_t at = modes_ether(f, tags, RTE_ETHER_TYPE_IPV6);
	struct rte_ipv6_hdr *ip = (void *)(f + at);
	struct rte_udp_hdr *udp = (void *)(f + at + 40);

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = RTE_BE32(0x60000000), .payload_len = RTE_BE16(19), .proto = IPPROTO_UDP, .hop_limits = 7};
	for (uint32_t i = 0; i < 32; i++)
		((uint8_t *)ip)[8 + i] = (uint8_t)(i + 1);
	memset(udp, 7, 19);
	udp->src_port = RTE_BE16(1111);
	udp->dst_port = RTE_BE16(2222);
	udp->dgram_len = RTE_BE16(19);
	udp->dgram_cksum = 0;
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	return at + 40 + 19;
}

void modes_swap(uint8_t *f, uint32_t x, uint32_t y, uint32_t n)
{
	uint8_t keep[16];

	memcpy(keep, f + x, n);
	memcpy(f + x, f + y, n);
	memcpy(f + y, keep, n);
}

void modes_to_b_by_mac(uint8_t *f)
{
	const uint8_t dst[6] = {2, 0, 0, 0, 0, B};

	memcpy(f, dst, 6);
	memcpy(f + 6, &modes_mac_b, 6);
}
