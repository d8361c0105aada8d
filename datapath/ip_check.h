/* SPDX-License-Identifier: BSD-3-Clause */
// Whether an IP packet may be routed: the full meaning of what lanes_ip.h tests for the common case.
//
// Design: one packet at a time, for those that are not plainly good. Every length is checked against the data before a
// byte behind it is read. Sources: RFC 1812 (5.2.2, 5.3.7, 5.3.13), RFC 8200, RFC 4291 (2.5, 2.7), RFC 3927 (2.7).
//
// Threads: pure functions.
#ifndef IP_CHECK_H
#define IP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "drop.h"

// What a packet that passes is like.
struct ip_verdict {
	uint32_t len;        // bytes from the header on; what follows in the frame is padding
	bool expired;        // its time to live does not allow another hop
	bool link_local;     // source or destination have the scope of a link, so it is not forwarded
	bool link_local_dst; // IPv6: the destination has, so it is for the host of this link
};

// m: of any number of segments, of any length, l3: where the header begins (14 or 18). Returns DROP_COUNT and fills *v,
// or the reason to drop it. The checksum of the header is not there to be checked in packets that ask for it to be
// computed, nor the length in those to be segmented.
enum drop_reason ip4_check(const struct rte_mbuf *m, uint32_t l3, struct ip_verdict *v);
enum drop_reason ip6_check(const struct rte_mbuf *m, uint32_t l3, struct ip_verdict *v);

#endif
