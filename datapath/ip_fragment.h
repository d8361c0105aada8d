/* SPDX-License-Identifier: BSD-3-Clause */
// Fragmentation of IPv4 packets (RFC 791, 3.2).
//
// Threads: any; no state, no locks, no allocation but of mbufs.
#ifndef IP_FRAGMENT_H
#define IP_FRAGMENT_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#define IP_FRAGMENTS_MAX 256 // of a frame of 9702 bytes at an MTU of 68, with options: 240

// Splits m, a frame whose IPv4 header (with options, in the first segment, checked) is at l3 and ends with the packet,
// into frames of at most mtu + l3 bytes, from `pool`: the l3 bytes before the IP header are in front of each, checksums
// are complete. m is only read and stays the caller's; a checksum of the transport that it asks for was completed
// before. Returns the number of frames in out[0..IP_FRAGMENTS_MAX-1], or, with nothing left behind, -EINVAL (no room
// for 8 bytes in a packet of mtu), -ENOMEM (the pool is empty), -ENOSPC (more than there may be). Cost: one copy of the
// payload.
int ip_fragment(const struct rte_mbuf *m, uint32_t l3, uint16_t mtu, struct rte_mempool *pool,
		struct rte_mbuf *out[IP_FRAGMENTS_MAX]);

#endif
