/* SPDX-License-Identifier: BSD-3-Clause */
// Packets for our own addresses that neither ARP, neighbour discovery nor echo took.
//
// Design: they go to the host TAP of the interface that they came in by, or of the one that has the address. Where
// there is none, the sender of a UDP packet is told that nobody listens (port unreachable), so that traceroute ends
// here; ICMP that came in fragments is put together and answered; everything else is lost silently, as a scan is to
// learn nothing ("no_host").
//
// Threads: control only.
#ifndef LOCAL_H
#define LOCAL_H

#include "../datapath/punt.h"
#include "l3.h"

void local_input(const struct punt *p, struct iface *in); // takes the packet

#endif
