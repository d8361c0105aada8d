/* SPDX-License-Identifier: BSD-3-Clause */
// What a frame is for the host: found by looking at its headers, one frame at a time.
//
// Purpose: which class a punt belongs to, and whom an ICMP error may be sent to.
//
// Design: nothing is read beyond the first segment; what is not there counts as not being what was looked for. The
// length fields of the headers are not trusted.
//
// Threads: pure functions.
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "punt.h"

// Where the network header of a frame of a domain's VLAN begins: behind the Ethernet header and the tag, if it has one.
// 0: it is a tagged frame of a rest domain (vid VLAN_NONE), in which the stations of interfaces send untagged ones.
uint32_t frame_l3(const struct rte_mbuf *m, bool tagged, uint16_t vid);

// The class of a frame for the host whose network header begins at l3 (14 or more): ARP, ND, ECHO, or LOCAL for all
// else.
enum punt_class frame_class(const struct rte_mbuf *m, uint32_t l3);

// Whether it asks who has an address: an ARP request or a neighbour solicitation.
bool frame_asks(const struct rte_mbuf *m, uint32_t l3);

// Whether an ICMP error may be sent about an IP packet whose header was checked: not about one, nor about a redirect,
// nor about any fragment but the first (RFC 1812, 4.3.2.7; RFC 4443, 2.4 e). What of its headers is not in the first
// segment counts against it.
bool frame_tellable(const struct rte_mbuf *m, uint32_t l3);

#endif
