/* SPDX-License-Identifier: BSD-3-Clause */
// Datagrams for our own addresses that came in parts, put together again (RFC 791, 3.2; RFC 8200, 4.5).
//
// Purpose: who pings us with more than a packet's length is answered. Forwarded fragments are nobody's business here,
// and those for an interface with a host TAP are Linux'.
//
// Design: a datagram is a short list of its fragments' buffers, sorted by offset; so every byte that waits is one that
// came. A fragment that overlaps another spoils its datagram, which takes in and loses what comes of it until its time
// is over (RFC 5722, here for both families); one that is there already is lost alone. Bounds, beyond which the oldest
// datagram gives way: IP_REASS_IFACE fragments and IP_REASS_IFACE_DATAGRAMS datagrams of one interface, so that no link
// takes another's place, and IP_REASS_ALL and IP_REASS_DATAGRAMS of all. Of one whose time is over, the sender is told
// if its first fragment came.
//
// Threads: control only.
#ifndef IP_REASS_H
#define IP_REASS_H

#include <rte_mbuf.h>

#include "l3.h"

#define IP_REASS_MS 30000
#define IP_REASS_PARTS 128 // fragments of a datagram: the longest one in parts of 512 bytes
#define IP_REASS_DATAGRAMS 64
#define IP_REASS_ALL 1024
#define IP_REASS_IFACE_DATAGRAMS 16
#define IP_REASS_IFACE 256

// Whether an IP packet of which `len` bytes are in `ip` is a fragment whose datagram carries `protocol`; of IPv6, only
// with the fragment header right behind the IP header.
bool ip_reass_is_fragment(const uint8_t *ip, uint32_t len, uint8_t protocol);

// Takes such a packet, which was punted and begins with its IP header. Returns the whole datagram if this was what it
// lacked, as one packet without fragment header whose end is for the caller to account for; NULL: it waits, or is lost.
struct rte_mbuf *ip_reass_take(struct rte_mbuf *m, struct iface *in);

void ip_reass_tick(void);                      // gives up what waited for too long
void ip_reass_iface_changed(struct iface *in); // down: what came in by it is lost
void ip_reass_iface_gone(struct iface *in);
uint32_t ip_reass_held(void); // fragments that wait

#endif
