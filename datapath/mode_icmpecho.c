/* SPDX-License-Identifier: BSD-3-Clause */
// ARP requests and ICMP echo requests, of whatever address, are answered where they came in; all else is dropped.
#include <rte_arp.h>
#include <rte_icmp.h>

#include "mode.h"

static bool arp_answer(struct rte_mbuf *m, const struct mode_headers *h, const struct rte_ether_addr *mac)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, h->l3);
	uint32_t asked;

	if (m->data_len < h->l3 + sizeof(*arp))
		return false;
	if (arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) || arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != sizeof(asked) ||
	    arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST))
		return false;
	eth->dst_addr = eth->src_addr;
	eth->src_addr = *mac;
	asked = arp->arp_data.arp_tip;
	arp->arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp->arp_data.arp_sha = *mac;
	arp->arp_data.arp_sip = asked;
	return true;
}

// The address that answers: a group cannot, so a neighbour of the sender does, in the same /30.
static uint32_t answering_address(const struct rte_ipv4_hdr *ip)
{
	uint32_t src = rte_be_to_cpu_32(ip->src_addr);

	if ((ip->dst_addr & RTE_BE32(0xf0000000)) != RTE_BE32(0xe0000000))
		return ip->dst_addr;
	return rte_cpu_to_be_32((src & ~UINT32_C(3)) | ((src & 3) == 1 ? 2 : 1));
}

static bool echo_answer(struct rte_mbuf *m, const struct mode_headers *h)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, h->l3);
	struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, h->l4);
	uint32_t from, sum;

	if (!h->l4 || h->fragment || h->protocol != IPPROTO_ICMP || m->data_len < h->l4 + sizeof(*icmp))
		return false;
	if (icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST || icmp->icmp_code != 0)
		return false;
	mode_swap_macs(rte_pktmbuf_mtod(m, struct rte_ether_hdr *));
	from = answering_address(ip);
	if (from != ip->dst_addr) {
		ip->dst_addr = ip->src_addr;
		ip->src_addr = from;
		ip->hdr_checksum = 0;
		ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	} else { // an exchange leaves the sum as it was
		ip->dst_addr = ip->src_addr;
		ip->src_addr = from;
	}
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	// RFC 1624: the first word went from 0x0800 to 0. A wrong sum in the request stays wrong in the answer.
	sum = (uint16_t)~icmp->icmp_cksum + (uint32_t)(uint16_t)~RTE_BE16(RTE_IP_ICMP_ECHO_REQUEST << 8);
	icmp->icmp_cksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	return true;
}

uint32_t mode_icmpecho(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q), i;
	uint64_t todo, answers = 0;

	if (!n)
		return 0;
	todo = mode_writable(w);
	lane_foreach (i, todo) {
		struct rte_mbuf *m = w->burst.pkt[i];
		struct mode_headers h;
		bool answer = false;

		mode_parse(m, &h);
		if (h.type_be == RTE_BE16(RTE_ETHER_TYPE_ARP))
			answer = arp_answer(m, &h, &in->mac);
		else if (h.ipv4)
			answer = echo_answer(m, &h);
		answers |= (uint64_t)answer << i;
	}
	burst_drop(w, &w->burst, todo & ~answers, DROP_RX_NOT_ECHO);
	mode_tx(w, q->port_id, answers);
	return n;
}
