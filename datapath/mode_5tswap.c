/* SPDX-License-Identifier: BSD-3-Clause */
// Packets go to the peer with MAC addresses, IP addresses and TCP or UDP ports exchanged: as far as the headers go.
// No sum changes by an exchange, so checksums stay right.
#include "mode.h"

static void swap_bytes(uint8_t *a, uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

static void swap(struct rte_mbuf *m)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	struct mode_headers h;

	mode_parse(m, &h);
	mode_swap_macs((struct rte_ether_hdr *)data);
	if (h.ipv4)
		swap_bytes(data + h.l3 + 12, data + h.l3 + 16, 4);
	else if (h.ipv6)
		swap_bytes(data + h.l3 + 8, data + h.l3 + 24, 16);
	if (h.l4 && (h.protocol == IPPROTO_TCP || h.protocol == IPPROTO_UDP) && m->data_len >= h.l4 + 4)
		swap_bytes(data + h.l4, data + h.l4 + 2, 2);
}

uint32_t mode_5tswap(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q), i;

	if (n) {
		uint64_t good = mode_writable(w);

		lane_foreach (i, good)
			swap(w->burst.pkt[i]);
		mode_tx(w, in->peer, good);
	}
	return n;
}
