/* SPDX-License-Identifier: BSD-3-Clause */
// Packets go to the peer, from its MAC address and to the one that stands for what is behind it.
#include "mode.h"

void mode_mac_rewrite(struct worker *w, uint16_t port_id, uint64_t mask)
{
	const struct fwd_port *out = fwd_port_find(w, port_id);
	const struct rte_ether_addr dst = mode_peer_mac(port_id);
	uint32_t i;

	lane_foreach (i, mask) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(w->burst.pkt[i], struct rte_ether_hdr *);

		eth->dst_addr = dst;
		if (out) // else it is dropped on sending
			eth->src_addr = out->mac;
	}
}

uint32_t mode_mac(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q);

	if (n) {
		uint64_t good = mode_writable(w);

		mode_mac_rewrite(w, in->peer, good);
		mode_tx(w, in->peer, good);
	}
	return n;
}
