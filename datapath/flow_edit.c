/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_edit.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>

#define IP4_CHECKSUM 10
#define SCTP_CHECKSUM 8 // bytes before it

// One's complement, in the memory's byte order; n is even.
static uint32_t sum_words(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i += 2) {
		uint16_t word;

		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

// Adds to the sum whose complement is at `field`. Returns what it became.
static uint16_t checksum_add(uint8_t *field, uint16_t change)
{
	uint16_t sum;

	memcpy(&sum, field, sizeof(sum));
	sum = (uint16_t)~fold((uint32_t)(uint16_t)~sum + change);
	memcpy(field, &sum, sizeof(sum));
	return sum;
}

// What a device is to complete has the sum of the pseudo header in its place, as it is.
static void partial_add(uint8_t *field, uint16_t change)
{
	uint16_t sum;

	memcpy(&sum, field, sizeof(sum));
	sum = fold((uint32_t)sum + change);
	memcpy(field, &sum, sizeof(sum));
}

static void udp_add(uint8_t *field, uint16_t change)
{
	// Zero says that there is none.
	if ((field[0] | field[1]) != 0 && checksum_add(field, change) == 0)
		memset(field, 0xff, 2);
}

static void l4_add(struct flow_packet *p, uint16_t change, uint32_t cover)
{
	static const uint8_t place[] = {
		[IPPROTO_TCP] = 16, [IPPROTO_UDP] = 6, [IPPROTO_ICMP] = 2, [IPPROTO_ICMPV6] = 2};
	const uint8_t proto = p->layers.ip_proto;

	if (p->layers.l4 == 0 || proto >= RTE_DIM(place) || place[proto] == 0)
		return;
	if (proto == IPPROTO_ICMP && (cover & FLOW_COVER_L4) == 0)
		return;

	uint8_t *const field = rte_pktmbuf_mtod_offset(p->m, uint8_t *, p->layers.l4 + place[proto]);

	if (p->m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) {
		if (cover & FLOW_COVER_PSEUDO)
			partial_add(field, change);
	} else if (proto == IPPROTO_UDP) {
		udp_add(field, change);
	} else {
		checksum_add(field, change);
	}
}

// The bytes of the transport's packet, as the IP header says.
static uint32_t l4_bytes(const struct flow_packet *p)
{
	const uint8_t *const ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->layers.l3);
	const uint32_t end = p->layers.l3 + (ip[0] >> 4 == 4 ? (uint32_t)flow_edit_get(ip + 2, 2)
							     : 40 + (uint32_t)flow_edit_get(ip + 4, 2));

	return RTE_MIN(end, p->m->pkt_len) - p->layers.l4;
}

// A CRC is linear: it changes by that of the change, and of as many zeros as bytes follow. ports: the change, in the
// memory's order.
static void sctp_change(struct flow_packet *p, uint32_t ports)
{
	uint8_t *const field = rte_pktmbuf_mtod_offset(p->m, uint8_t *, p->layers.l4 + SCTP_CHECKSUM);
	uint32_t left = l4_bytes(p), crc;
	uint64_t state;

	// Ports, verification tag and checksum are there, or the parser had found no header.
	state = __builtin_ia32_crc32di(0, ports);
	for (left -= 8; left >= 8; left -= 8)
		state = __builtin_ia32_crc32di(state, 0);
	for (; left > 0; left--)
		state = __builtin_ia32_crc32qi((uint32_t)state, 0);
	memcpy(&crc, field, sizeof(crc));
	crc ^= rte_cpu_to_le_32((uint32_t)state);
	memcpy(field, &crc, sizeof(crc));
}

void flow_edit(struct flow_packet *p, uint32_t at, uint32_t n, uint64_t mask, uint64_t value, uint32_t cover)
{
	uint8_t *const data = rte_pktmbuf_mtod(p->m, uint8_t *);
	// Whole words of what a checksum covers: both headers begin at an even place of it.
	const uint32_t first = at - ((at - p->layers.l3) & 1), words = (at + n - first + 1) & ~1u;
	const uint64_t was = flow_edit_get(data + at, n), is = (was & ~mask) | (value & mask);
	uint32_t before;
	uint16_t change;

	if (cover == 0) {
		flow_edit_put(data + at, n, is);
		return;
	}
	before = fold(sum_words(data + first, words));
	flow_edit_put(data + at, n, is);
	change = fold((uint32_t)(uint16_t)~before + sum_words(data + first, words));
	if (cover & FLOW_COVER_IP4)
		checksum_add(data + p->layers.l3 + IP4_CHECKSUM, change);
	if ((cover & FLOW_COVER_L4) && p->layers.ip_proto == IPPROTO_SCTP) {
		uint8_t ports[4] = {0};
		uint32_t changed;

		flow_edit_put(ports + (at - p->layers.l4), n, was ^ is);
		memcpy(&changed, ports, sizeof(changed));
		sctp_change(p, changed);
	} else if (cover & (FLOW_COVER_PSEUDO | FLOW_COVER_L4)) {
		l4_add(p, change, cover);
	}
}

void flow_edit_proto(struct flow_packet *p, uint32_t at, uint8_t proto, uint32_t cover)
{
	const uint16_t was = rte_cpu_to_be_16(*rte_pktmbuf_mtod_offset(p->m, const uint8_t *, at));

	flow_edit(p, at, 1, UINT64_MAX, proto, cover);
	// The pseudo header has it in a word of its own, whatever it shares one with in the packet.
	l4_add(p, fold((uint32_t)(uint16_t)~was + rte_cpu_to_be_16(proto)), FLOW_COVER_PSEUDO);
}

uint32_t flow_edit_ttl_at(const struct flow_packet *p, uint32_t ip)
{
	const uint8_t *const h = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, ip);
	const uint32_t room = p->m->data_len > ip ? p->m->data_len - ip : 0;

	if (room >= 20 && h[0] >> 4 == 4 && (h[0] & 0xf) >= 5)
		return ip + 8;
	if (room >= 40 && h[0] >> 4 == 6)
		return ip + 7;
	return 0;
}

void flow_edit_ttl(struct flow_packet *p, uint32_t ip, uint8_t ttl)
{
	uint8_t *const h = rte_pktmbuf_mtod_offset(p->m, uint8_t *, ip);
	uint32_t before;

	if (h[0] >> 4 == 6) {
		h[7] = ttl;
		return;
	}
	before = sum_words(h + 8, 2);
	h[8] = ttl;
	checksum_add(h + IP4_CHECKSUM, fold((~before & 0xffff) + sum_words(h + 8, 2)));
}
