/* SPDX-License-Identifier: BSD-3-Clause */
#include "arp.h"

#include <string.h>

#include <rte_arp.h>

#include "fdb_ctl.h"
#include "host_tap.h"
#include "ip_out.h"
#include "log.h"
#include "neigh.h"
#include "suppress.h"

static const struct rte_ether_addr everyone = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct ip_addr unspecified = {.family = 4};

static bool one_host(const struct ip_addr *a)
{
	return !ip_is_multicast(a) && a->bytes[0] != 127 && a->bytes[0] < 240;
}

bool arp_parse(const uint8_t *frame, uint32_t len, struct arp_message *out)
{
	struct rte_arp_hdr arp;
	uint16_t op;

	if (len < sizeof(arp))
		return false;
	memcpy(&arp, frame, sizeof(arp));
	op = rte_be_to_cpu_16(arp.arp_opcode);
	if (arp.arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
	    arp.arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || arp.arp_hlen != RTE_ETHER_ADDR_LEN ||
	    arp.arp_plen != 4 || (op != RTE_ARP_OP_REQUEST && op != RTE_ARP_OP_REPLY))
		return false;
	*out = (struct arp_message){
		.request = op == RTE_ARP_OP_REQUEST,
		.sender_mac = arp.arp_data.arp_sha,
		.target_mac = arp.arp_data.arp_tha,
		.sender = unspecified,
		.target = unspecified,
	};
	memcpy(out->sender.bytes, &arp.arp_data.arp_sip, 4);
	memcpy(out->target.bytes, &arp.arp_data.arp_tip, 4);
	return rte_is_valid_assigned_ether_addr(&out->sender_mac) && one_host(&out->sender) && one_host(&out->target) &&
	       (out->request || !ip_equal(&out->sender, &unspecified));
}

// An ARP message as a packet without its Ethernet header.
static struct rte_mbuf *compose(uint16_t op, const struct rte_ether_addr *sha, const struct ip_addr *sip,
				const struct rte_ether_addr *tha, const struct ip_addr *tip)
{
	struct rte_mbuf *m = ip_out_alloc(sizeof(struct rte_arp_hdr));
	struct rte_arp_hdr *arp;

	if (!m)
		return NULL;
	arp = rte_pktmbuf_mtod(m, struct rte_arp_hdr *);
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(op);
	arp->arp_data.arp_sha = *sha;
	memcpy(&arp->arp_data.arp_sip, sip->bytes, 4);
	if (tha)
		arp->arp_data.arp_tha = *tha;
	memcpy(&arp->arp_data.arp_tip, tip->bytes, 4);
	return m;
}

static void emit(struct iface *i, struct rte_mbuf *m, const struct rte_ether_addr *dst, enum slow_sent what)
{
	if (m)
		slow_count_sent(ip_out_frame(i, m, dst, RTE_ETHER_TYPE_ARP) < 0 ? SLOW_SENT_LOST : what);
}

void arp_ask(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac)
{
	const struct ip_prefix *source = iface_source(i, a);

	emit(i, compose(RTE_ARP_OP_REQUEST, &i->mac, source ? &source->addr : &unspecified, NULL, a),
	     mac ? mac : &everyone, SLOW_SENT_ARP_REQUEST);
}

void arp_announce(struct iface *i, const struct ip_addr *a)
{
	emit(i, compose(RTE_ARP_OP_REQUEST, &i->mac, a, NULL, a), &everyone, SLOW_SENT_ARP_REQUEST);
}

struct rte_mbuf *arp_answer_for(const struct arp_message *question, const struct rte_ether_addr *mac)
{
	struct rte_mbuf *m =
		compose(RTE_ARP_OP_REPLY, mac, &question->target, &question->sender_mac, &question->sender);
	struct rte_ether_hdr *eth = m ? (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth)) : NULL;

	if (!eth)
		return NULL;
	*eth = (struct rte_ether_hdr){
		.dst_addr = question->sender_mac, .src_addr = *mac, .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)};
	return m;
}

static void reply(struct iface *i, const struct arp_message *a)
{
	emit(i, compose(RTE_ARP_OP_REPLY, &i->mac, &a->target, &a->sender_mac, &a->sender), &a->sender_mac,
	     SLOW_SENT_ARP_REPLY);
}

// Somebody else has our address.
static void conflict(struct iface *i, const struct arp_message *a)
{
	struct neigh_table *t = neigh_table_of(i);
	char address[IP_TEXT_LEN], mac[RTE_ETHER_ADDR_FMT_SIZE];

	if (!t || (t->defended_ms && slow_now_ms() - t->defended_ms < ARP_DEFEND_MS))
		return;
	t->defended_ms = slow_now_ms();
	fdb_mac_text(&a->sender_mac, mac);
	ip_text(&a->sender, address);
	LOG(WARNING, "interface %s: %s has our address %s", i->name, mac, address);
	if (slow_event_wanted())
		slow_event("conflict", json_pack("{s:s,s:s,s:s}", "iface", i->name, "address", address, "mac", mac));
	arp_announce(i, &a->sender);
}

// Whether proxy ARP answers: the address is routed, and not back out of the link that it was asked for on.
static bool proxied(const struct iface *i, const struct ip_addr *target)
{
	const struct nexthop *nh;
	uint32_t number;

	if (!i->conf || !json_is_true(json_object_get(i->conf, "proxy_arp")))
		return false;
	number = ip_out_lookup(i->vrf, target);
	nh = number ? nexthop_at(number) : NULL;
	if (!nh)
		return false;
	if (nh->kind == NEXTHOP_GROUP)
		return true;
	return (nh->kind == NEXTHOP_CONNECTED || nh->kind == NEXTHOP_UNRESOLVED || nh->kind == NEXTHOP_FORWARD) &&
	       nh->iface != i->id;
}

// Whether the message was addressed to us, and answers what we asked.
static bool is_answer(const struct iface *i, const struct arp_message *a, const struct rte_ether_addr *dst)
{
	return !a->request && rte_is_same_ether_addr(dst, &i->mac) && iface_owns(i, &a->target);
}

static enum slow_outcome handle(struct iface *i, const struct arp_message *a, const struct rte_ether_addr *dst)
{
	struct neigh_table *t = neigh_table_of(i);
	bool for_us = iface_owns(i, &a->target);

	if (rte_is_same_ether_addr(&a->sender_mac, &i->mac))
		return SLOW_IGNORED; // our own, come back by a loop, or from the host's TAP
	if (iface_owns(i, &a->sender)) {
		conflict(i, a);
		return SLOW_HANDLED;
	}
	if (!ip_equal(&a->sender, &unspecified))
		neigh_heard(i, &a->sender, &a->sender_mac,
			    NEIGH_HEARD_OVERRIDE | (for_us ? NEIGH_HEARD_CREATE : 0) |
				    (is_answer(i, a, dst) ? NEIGH_HEARD_SOLICITED : 0));
	if (!a->request)
		return SLOW_HANDLED;
	if (!for_us && ip_equal(&a->sender, &a->target))
		return SLOW_HANDLED; // gratuitous
	if (!for_us && !proxied(i, &a->target))
		return SLOW_IGNORED;
	if (!t || !slow_bucket_take(&t->answers, ARP_ANSWER_RATE, ARP_ANSWER_BURST))
		return SLOW_LIMITED;
	reply(i, a);
	return SLOW_HANDLED;
}

void arp_input(const struct punt *p, struct iface *i)
{
	struct rte_mbuf *m = p->m;
	struct arp_message a;
	enum slow_outcome outcome;
	bool others;

	if (!slow_pull(&m, p->l3 + sizeof(struct rte_arp_hdr)) ||
	    !arp_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3), m->data_len - p->l3, &a)) {
		slow_end(m, SLOW_MALFORMED);
		return;
	}
	outcome = handle(i, &a, &rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr);
	others = !a.request || ip_equal(&a.sender, &a.target);
	// Linux asks for its own neighbours; requests are ours to answer.
	if (others)
		host_copy(i, m, p->l3);
	if (a.request && (others || outcome == SLOW_IGNORED) && suppress_arp(p, m, &a))
		return;
	slow_end(m, outcome);
}
