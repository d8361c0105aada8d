/* SPDX-License-Identifier: BSD-3-Clause */
// Fragmentation of packets that control sends (RFC 791, 3.2), IPv6 among them if they are our own.
//
// Threads: control only; allocates from the ports' pool.
#ifndef IP_FRAG_H
#define IP_FRAG_H

#include <rte_mbuf.h>

#define IP_FRAG_MAX 160 // parts of the longest packet at the smallest MTU that the control accepts

// Splits m, an IPv4 packet (its header with options in the first segment, checksum right) longer than `mtu`, into
// out[0..n-1], each beginning with its own IP header and at most mtu long. m is only read but for completing what
// checksum it asks for. Returns n; -EINVAL: lengths that do not fit together, -ENOMEM, -ENOSPC: more than IP_FRAG_MAX.
int ip_frag_split(struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf *out[IP_FRAG_MAX]);

// The same of an IPv6 packet of our own without extension headers, which a source alone may split (RFC 8200, 4.5).
int ip_frag_split6(struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf *out[IP_FRAG_MAX]);

#endif
