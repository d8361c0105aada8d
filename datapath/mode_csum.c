/* SPDX-License-Identifier: BSD-3-Clause */
// As mac, and the checksums of IPv4 headers, TCP and UDP are computed anew, by software.
#include "mode.h"
#include "offload.h"

// What of UDP has no checksum keeps none. Returns the flags that ask for the L4 checksum.
static uint64_t l4_flags(const struct rte_mbuf *m, const struct mode_headers *h)
{
	if (!h->l4 || h->fragment)
		return 0;
	if (h->protocol == IPPROTO_TCP)
		return RTE_MBUF_F_TX_TCP_CKSUM;
	if (h->protocol == IPPROTO_UDP && m->data_len >= h->l4 + sizeof(struct rte_udp_hdr) &&
	    rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, h->l4)->dgram_cksum)
		return RTE_MBUF_F_TX_UDP_CKSUM;
	return 0;
}

static void checksum(struct rte_mbuf *m)
{
	const uint64_t flags = m->ol_flags;
	struct mode_headers h;
	uint64_t l4;

	mode_parse(m, &h);
	if (!h.ipv4 && !h.ipv6)
		return;
	l4 = l4_flags(m, &h);
	m->l2_len = h.l3;
	m->l3_len = h.ipv4 ? rte_ipv4_hdr_len(rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, h.l3))
			   : sizeof(struct rte_ipv6_hdr);
	m->ol_flags = flags | l4 | (h.ipv4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	// Headers that do not fit the frame: the IPv4 header alone, if that.
	if (offload_checksum(m) && l4 && h.ipv4) {
		m->ol_flags = flags | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		offload_checksum(m);
	}
	m->ol_flags = flags;
}

uint32_t mode_csum(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q), i;

	if (n) {
		uint64_t good = mode_writable(w);

		mode_mac_rewrite(w, in->peer, good);
		// One that asks for an offload gets its checksum on the way out.
		lane_foreach (i, good & ~w->burst.offload)
			checksum(w->burst.pkt[i]);
		mode_tx(w, in->peer, good);
	}
	return n;
}
