/* SPDX-License-Identifier: BSD-3-Clause */
// Packets go to the peer with source and destination MAC address exchanged.
#include "mode.h"

uint32_t mode_macswap(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q), i;

	if (n) {
		uint64_t good = mode_writable(w);

		lane_foreach (i, good)
			mode_swap_macs(rte_pktmbuf_mtod(w->burst.pkt[i], struct rte_ether_hdr *));
		mode_tx(w, in->peer, good);
	}
	return n;
}
