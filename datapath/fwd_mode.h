/* SPDX-License-Identifier: BSD-3-Clause */
// The forwarding modes: what is done with the packets of a port.
//
// Design: one X-macro list, so that the enum, the functions of datapath/mode_*.c and the names on the interface cannot
// differ. Names and meanings are those of testpmd's forwarding engines (DPDK, testpmd user guide), so that its scripts
// and its figures can be compared. `switch` is the pipeline of stages and stands outside the list.
#ifndef FWD_MODE_H
#define FWD_MODE_H

// X(id, name, function, help)
#define FWD_MODES(X)                                                                                                   \
	X(IO, "io", mode_io, "to the peer as they are")                                                                \
	X(MAC, "mac", mode_mac, "to the peer, from its own MAC address to 02:00:00:00 and its port id")                \
	X(MACSWAP, "macswap", mode_macswap, "to the peer, MAC addresses exchanged")                                    \
	X(RXONLY, "rxonly", mode_rxonly, "received and dropped")                                                       \
	X(TXONLY, "txonly", mode_txonly, "not received; UDP frames are sent without end")                              \
	X(FLOWGEN, "flowgen", mode_flowgen, "received and dropped; frames of 1024 UDP flows are sent without end")     \
	X(ICMPECHO, "icmpecho", mode_icmpecho, "ARP and ICMP echo requests are answered, all else dropped")            \
	X(CSUM, "csum", mode_csum, "as mac, IPv4, TCP and UDP checksums computed anew")                                \
	X(FIVE_TUPLE_SWAP, "5tswap", mode_5tswap, "to the peer, MAC and IP addresses and ports exchanged")

enum fwd_mode {
	FWD_MODE_SWITCH,
#define X(id, name, fn, help) FWD_MODE_##id,
	FWD_MODES(X)
#undef X
		FWD_MODE_PKTGEN, // of ports that the traffic generator has; fwd.set cannot choose it
};

// Bytes without FCS of the frames that mode txonly makes: unless told otherwise, with an empty UDP datagram, and as
// many as every packet buffer holds.
#define FWD_TXONLY_BYTES 64
#define FWD_TXONLY_MIN 42
#define FWD_TXONLY_MAX 2048

#endif
