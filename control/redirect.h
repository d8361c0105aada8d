/* SPDX-License-Identifier: BSD-3-Clause */
// ICMP and ICMPv6 redirects: a host on an interface's link is told that a packet of its has a shorter way.
//
// Purpose: off unless the interface's "redirects" is on. Who sends to us what leaves where it came in, to a neighbour
// that the sender could have sent it to, is told so once in a while; the packet is forwarded all the same.
//
// Design: workers punt a copy of a packet that leaves by the interface it came in by. The rules are RFC 1812, 5.2.7.2,
// and RFC 4861, 8.2: sender and gateway are in one of the interface's prefixes, the packet is for one host and was not
// source-routed. An IPv6 gateway has to be known by its link-local address, as hosts believe no other. A sender is told
// of a destination every REDIRECT_AGAIN_MS, and REDIRECT_RATE redirects a second leave an interface.
//
// Threads: control only.
#ifndef REDIRECT_H
#define REDIRECT_H

#include "../datapath/punt.h"
#include "l3.h"

#define REDIRECT_AGAIN_MS 2000
#define REDIRECT_RATE 100
#define REDIRECT_BURST 50

void redirect_input(const struct punt *p, struct iface *in); // takes the packet
void redirect_destroy(void);                                 // forgets who was told

#endif
