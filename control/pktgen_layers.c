/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "pktgen_profile.h"

#define AFTER(type) (1U << PKTGEN_##type)
#define ETHER_PAYLOAD (AFTER(VLAN) | AFTER(QINQ) | AFTER(MPLS) | AFTER(IPV4) | AFTER(IPV6))
#define IP_PAYLOAD (AFTER(UDP) | AFTER(TCP) | AFTER(GRE) | AFTER(IPV4) | AFTER(IPV6))
#define ETHERTYPE_TEST 0x88b5 // IEEE 802: local experimental
#define PROTO_TEST 253        // RFC 3692

// clang-format off
#define NUM(n, b, w, o, s, d) {.name = n, .notation = PKTGEN_NUMBER, .bits = b, .width = w, .offset = o, .shift = s, .def = d}
#define WALK(n, b, w, o, s, d) {.name = n, .notation = PKTGEN_NUMBER, .bits = b, .width = w, .offset = o, .shift = s, .walks = true, .def = d}
#define NEXT(n, b, w, o, s, d) {.name = n, .notation = PKTGEN_NUMBER, .bits = b, .width = w, .offset = o, .shift = s, .computed = true, .def = d}
#define ADDRESS(n, t, b, w, o, d) {.name = n, .notation = t, .bits = b, .width = w, .offset = o, .walks = true, .def = d}
// clang-format on

const struct pktgen_layer_decl pktgen_layers[PKTGEN_LAYER_COUNT] = {
	[PKTGEN_ETH] = {.name = "eth",
			.bytes = 14,
			.next = ETHER_PAYLOAD,
			.may_end = true,
			.ethertype = 0x6558, // in GRE
			.field = {ADDRESS("dst", PKTGEN_MAC, 48, PKTGEN_W48, 0, 0x020000000002),
				  ADDRESS("src", PKTGEN_MAC, 48, PKTGEN_W48, 6, 0x020000000001),
				  NEXT("type", 16, PKTGEN_W16, 12, 0, ETHERTYPE_TEST)}},
	[PKTGEN_VLAN] = {.name = "vlan",
			 .bytes = 4,
			 .next = ETHER_PAYLOAD,
			 .may_end = true,
			 .ethertype = 0x8100,
			 .field = {WALK("id", 12, PKTGEN_W16, 0, 0, 1), NUM("pcp", 3, PKTGEN_W16, 0, 13, 0),
				   NEXT("type", 16, PKTGEN_W16, 2, 0, ETHERTYPE_TEST)}},
	[PKTGEN_QINQ] = {.name = "qinq",
			 .bytes = 4,
			 .next = ETHER_PAYLOAD,
			 .may_end = true,
			 .ethertype = 0x88a8,
			 .field = {WALK("id", 12, PKTGEN_W16, 0, 0, 1), NUM("pcp", 3, PKTGEN_W16, 0, 13, 0),
				   NEXT("type", 16, PKTGEN_W16, 2, 0, ETHERTYPE_TEST)}},
	[PKTGEN_MPLS] = {.name = "mpls",
			 .bytes = 4,
			 .next = AFTER(MPLS) | AFTER(IPV4) | AFTER(IPV6),
			 .ethertype = 0x8847,
			 .field = {WALK("label", 20, PKTGEN_W32, 0, 12, 16), NUM("tc", 3, PKTGEN_W32, 0, 9, 0),
				   NUM("ttl", 8, PKTGEN_W32, 0, 0, 64)}},
	[PKTGEN_IPV4] = {.name = "ipv4",
			 .bytes = 20,
			 .next = IP_PAYLOAD,
			 .may_end = true,
			 .ethertype = 0x0800,
			 .proto = 4,
			 .field = {ADDRESS("src", PKTGEN_IP4, 32, PKTGEN_W32, 12, 0x0a000001),
				   ADDRESS("dst", PKTGEN_IP4, 32, PKTGEN_W32, 16, 0x0b000001),
				   NUM("tos", 8, PKTGEN_W16, 0, 0, 0), WALK("id", 16, PKTGEN_W16, 4, 0, 0),
				   NUM("df", 1, PKTGEN_W16, 6, 14, 0), NUM("ttl", 8, PKTGEN_W16, 8, 8, 64),
				   NEXT("proto", 8, PKTGEN_W16, 8, 0, PROTO_TEST)}},
	[PKTGEN_IPV6] = {.name = "ipv6",
			 .bytes = 40,
			 .next = IP_PAYLOAD,
			 .may_end = true,
			 .ethertype = 0x86dd,
			 .proto = 41,
			 .field = {ADDRESS("src", PKTGEN_IP6, 128, PKTGEN_W128, 8, 1),
				   ADDRESS("dst", PKTGEN_IP6, 128, PKTGEN_W128, 24, 2),
				   NUM("tc", 8, PKTGEN_W32, 0, 20, 0), WALK("flow_label", 20, PKTGEN_W32, 0, 0, 0),
				   NUM("hop_limit", 8, PKTGEN_W16, 6, 0, 64),
				   NEXT("next_header", 8, PKTGEN_W16, 6, 8, PROTO_TEST)}},
	[PKTGEN_UDP] = {.name = "udp",
			.bytes = 8,
			.next = AFTER(VXLAN),
			.may_end = true,
			.proto = 17,
			.field = {WALK("src", 16, PKTGEN_W16, 0, 0, 1024),
				  WALK("dst", 16, PKTGEN_W16, 2, 0, 9)}}, // discard; 4789 if VXLAN follows
	[PKTGEN_TCP] = {.name = "tcp",
			.bytes = 20,
			.may_end = true,
			.proto = 6,
			.field = {WALK("src", 16, PKTGEN_W16, 0, 0, 1024), WALK("dst", 16, PKTGEN_W16, 2, 0, 80),
				  WALK("seq", 32, PKTGEN_W32, 4, 0, 0), NUM("ack", 32, PKTGEN_W32, 8, 0, 0),
				  NUM("flags", 9, PKTGEN_W16, 12, 0, 0x10),
				  NUM("window", 16, PKTGEN_W16, 14, 0, 65535)}},
	[PKTGEN_GRE] = {.name = "gre",
			.bytes = 4, // 8 with a key
			.next = AFTER(ETH) | AFTER(MPLS) | AFTER(IPV4) | AFTER(IPV6),
			.proto = 47,
			.field = {WALK("key", 32, PKTGEN_W32, 4, 0, 0)}},
	[PKTGEN_VXLAN] = {.name = "vxlan",
			  .bytes = 8,
			  .next = AFTER(ETH),
			  .field = {WALK("vni", 24, PKTGEN_W32, 4, 8, 1)}},
};

int pktgen_field_find(enum pktgen_layer_type type, const char *name)
{
	const struct pktgen_field_decl *d = pktgen_layers[type].field;

	for (int i = 0; d[i].name; i++)
		if (strcmp(d[i].name, name) == 0)
			return i;
	return -1;
}
