/* SPDX-License-Identifier: BSD-3-Clause */
// The reasons for which a packet may be lost: each has one name, one counter per worker and port, and one sentence.
//
// Design: one X-macro list, so that the enum, the names in stats.drops and the reference cannot differ. Reasons up to
// DROP_INGRESS_LAST are counted at the port where the packet came in, the others at the port it should have left by.
#ifndef DROP_H
#define DROP_H

#define DROP_REASONS(X)                                                                                                \
	X(RX_NO_BRIDGE, "rx_no_bridge", "the port belongs to no bridge")                                               \
	X(RX_RUNT, "rx_runt", "shorter than an Ethernet header, with its VLAN tag if it has one")                      \
	X(RX_GIANT, "rx_giant", "longer than the port's MTU allows")                                                   \
	X(RX_SMAC_MULTICAST, "rx_smac_multicast", "the source address is a group address (IEEE 802.3, 3.2.3)")         \
	X(RX_SMAC_ZERO, "rx_smac_zero", "the source address is zero")                                                  \
	X(RX_RESERVED, "rx_reserved_dmac", "for 01:80:c2:00:00:00 to 0f, never forwarded (IEEE 802.1D, 7.12.6)")       \
	X(RX_VLAN_TAGGED, "rx_vlan_tagged", "tagged frame at an access port")                                          \
	X(RX_VLAN_UNTAGGED, "rx_vlan_untagged", "untagged frame at a trunk that does not carry VLAN 0")                \
	X(RX_VLAN_DENIED, "rx_vlan_denied", "the port is not a member of the frame's VLAN")                            \
	X(BRIDGE_HAIRPIN, "bridge_hairpin", "the destination is behind the port it came from")                         \
	X(BRIDGE_NO_MEMBER, "bridge_no_member", "flooded, and no other port of the VLAN is up")                        \
	X(PUNT_RATE, "punt_rate", "for the host, and more of its class came than control is to be bothered with")      \
	X(PUNT_FULL, "punt_full", "for the host, and as many of its class wait for control as may")                    \
	X(RX_SINK, "rx_sink", "the port is in mode rxonly or flowgen, or the generator's; they keep nothing")          \
	X(RX_NOT_ECHO, "rx_not_echo", "the port is in mode icmpecho, and this is no ARP or echo request")              \
	X(NO_MBUF, "no_mbuf", "no buffer was free for a copy or a segment")                                            \
	X(BAD_OFFLOAD, "bad_offload", "the offload asked for does not fit the packet's headers")                       \
	X(TX_MTU, "tx_mtu", "longer than the MTU of the port it should leave by")                                      \
	X(TX_DOWN, "tx_link_down", "the port it should leave by is down")                                              \
	X(TX_FULL, "tx_queue_full", "the transmit queue or the guest's ring is full")

enum drop_reason {
#define X(id, name, help) DROP_##id,
	DROP_REASONS(X)
#undef X
		DROP_COUNT,
	DROP_INGRESS_LAST = DROP_BAD_OFFLOAD,
};

// Name and sentence of a reason. Any thread.
const char *drop_name(enum drop_reason reason);
const char *drop_help(enum drop_reason reason);

#endif
