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
	X(ROUTE_IFACE_DOWN, "route_iface_down", "to an interface, or by one, that is down or gone")                    \
	X(ROUTE_VLAN, "route_vlan", "to an interface's MAC address, in a VLAN that is not the interface's")            \
	X(ROUTE_NOT_IP, "route_not_ip", "to an interface's MAC address, and neither IPv4, IPv6 nor ARP")               \
	X(IP_SPLIT, "ip_split", "the IP header is not in the first segment of the buffer")                             \
	X(IP4_HEADER, "ip4_header", "not version 4, or a header length below 20")                                      \
	X(IP4_LENGTH, "ip4_length", "the total length is less than the header or more than the frame has")             \
	X(IP4_CHECKSUM, "ip4_checksum", "the header's checksum is wrong")                                              \
	X(IP4_OPTIONS, "ip4_options", "an option's length is wrong")                                                   \
	X(IP4_SOURCE_ROUTE, "ip4_source_route", "it asks for source routing")                                          \
	X(IP4_SOURCE_MULTICAST, "ip4_source_multicast", "the source address is a group's")                             \
	X(IP4_SOURCE, "ip4_source_martian", "the source address is in 0.0.0.0/8, 127.0.0.0/8 or 240.0.0.0/4")          \
	X(IP4_DESTINATION, "ip4_destination_martian", "the destination is in 0.0.0.0/8, 127.0.0.0/8 or 224.0.0.0/3")   \
	X(IP6_HEADER, "ip6_header", "not version 6")                                                                   \
	X(IP6_LENGTH, "ip6_length", "the payload length is more than the frame has, or that of a jumbogram")           \
	X(IP6_SOURCE_MULTICAST, "ip6_source_multicast", "the source address is a group's")                             \
	X(IP6_SOURCE, "ip6_source_martian", "the source address is unspecified, the loopback or IPv4-mapped")          \
	X(IP6_DESTINATION, "ip6_destination_martian", "the destination is a group, unspecified, loopback or mapped")   \
	X(ROUTE_LINK_LOCAL, "route_link_local", "to be forwarded, and an address has the scope of a link")             \
	X(ROUTE_BLACKHOLE, "route_blackhole", "the route says so")                                                     \
	X(ROUTE_LOOP, "route_loop", "the next hop has the MAC address of an interface of our own")                     \
	X(ROUTE_TTL, "route_ttl", "its time to live is over, and its sender must not be told")                         \
	X(ROUTE_MTU, "route_mtu", "too big for the next link, and its sender must not be told")                        \
	X(ROUTE_UNREACHABLE, "route_unreachable", "no route or one that rejects, and its sender must not be told")     \
	X(PUNT_RATE, "punt_rate", "for the host, and more of its class came than control is to be bothered with")      \
	X(PUNT_FULL, "punt_full", "for the host, and as many of its class wait for control as may")                    \
	X(FLOW_NO_RECV, "flow_no_recv", "the port was told by OpenFlow to receive nothing")                            \
	X(FLOW_NO_MATCH, "flow_no_match", "no entry of a flow table matches it, and there is no table-miss entry")     \
	X(FLOW_NO_ACTION, "flow_no_action", "the flow entries that it met send it nowhere")                            \
	X(FLOW_NO_PORT, "flow_no_port", "to a port that is not there, takes nothing, or that it came in by")           \
	X(FLOW_METER, "flow_meter", "more than a meter's drop band allows")                                            \
	X(FLOW_TTL, "flow_ttl", "a flow action found its time to live over, and no controller is told")                \
	X(FLOW_FRAGMENT, "flow_fragment", "an IP fragment, which the switch was told to drop")                         \
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
