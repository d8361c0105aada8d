/* SPDX-License-Identifier: BSD-3-Clause */
// What comes is dropped; the port sends UDP frames of many flows, which differ in their destination address, in turn.
#include "mode.h"

#define FLOWS 1024
#define LEN 60 // 64 with the FCS
#define IP_SRC RTE_IPV4(10, 254, 0, 0)
#define IP_DST RTE_IPV4(10, 253, 0, 0) // of flow 0; the last 16 bits number the flow

// Adds the flow's number to the destination, and to the checksum as RFC 1624 has it.
static void set_flow(struct rte_ipv4_hdr *ip, uint16_t flow_be)
{
	uint32_t sum = (uint16_t)~ip->hdr_checksum + (uint32_t)flow_be;

	ip->dst_addr |= (uint32_t)flow_be << 16;
	ip->hdr_checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

uint32_t mode_flowgen(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	struct mode_udp_frame f = {
		.eth = {.dst_addr = {{0, 1, 2, 3, 4, 1}}, .src_addr = {{0, 1, 2, 3, 4, 0}}},
		.ip = {.src_addr = RTE_BE32(IP_SRC), .dst_addr = RTE_BE32(IP_DST)},
		.udp = {.src_port = RTE_BE16(1000), .dst_port = RTE_BE16(1001)},
	};
	uint32_t received = mode_rxonly(w, q, in), n;

	mode_udp_frame(&f, LEN);
	n = mode_generate(w, q, &f, LEN);
	if (!n)
		return received;
	for (uint32_t i = 0; i < n; i++) {
		set_flow(rte_pktmbuf_mtod_offset(w->burst.pkt[i], struct rte_ipv4_hdr *, sizeof(f.eth)),
			 rte_cpu_to_be_16((uint16_t)w->next_flow));
		w->next_flow = (w->next_flow + 1) % FLOWS;
	}
	mode_tx(w, q->port_id, burst_all(n));
	return received + n;
}
