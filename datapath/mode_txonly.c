/* SPDX-License-Identifier: BSD-3-Clause */
// Nothing is received; the port sends the same UDP frame without end (addresses of RFC 2544, port "discard").
#include "mode.h"

uint32_t mode_txonly(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	struct mode_udp_frame f = {
		.eth = {.dst_addr = mode_peer_mac(q->port_id), .src_addr = in->mac},
		.ip = {.src_addr = RTE_BE32(0xc6120001), .dst_addr = RTE_BE32(0xc6120002)},
		.udp = {.src_port = RTE_BE16(9), .dst_port = RTE_BE16(9)},
	};
	uint16_t len = w->state->txonly_bytes;
	uint32_t n;

	mode_udp_frame(&f, len);
	n = mode_generate(w, q, &f, len);
	if (n)
		mode_tx(w, q->port_id, burst_all(n));
	return n;
}
