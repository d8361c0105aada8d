/* SPDX-License-Identifier: BSD-3-Clause */
// Changes of bytes in a packet's headers, with the checksums that cover them.
//
// Threads: the one that holds the packet, which must be writable (flow_exec.c sees to that) and parsed.
// Source: RFC 1624; RFC 768; RFC 8200, 8.1; RFC 9260, 6.8.
#ifndef FLOW_EDIT_H
#define FLOW_EDIT_H

#include "flow_exec.h"

// Which checksums cover the bytes.
#define FLOW_COVER_IP4 0x1u    // the IPv4 header's
#define FLOW_COVER_PSEUDO 0x2u // the transport's, by its pseudo header
#define FLOW_COVER_L4 0x4u     // the transport's, as part of it

static inline uint64_t flow_edit_get(const uint8_t *at, uint32_t n)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < n; i++)
		v = v << 8 | at[i];
	return v;
}

static inline void flow_edit_put(uint8_t *at, uint32_t n, uint64_t v)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

// Sets the bits of `mask` in the n (1 to 8) bytes at offset `at` to those of value, in network order. cover:
// FLOW_COVER_*; bytes that are covered lie within the headers that p->layers found.
void flow_edit(struct flow_packet *p, uint32_t at, uint32_t n, uint64_t mask, uint64_t value, uint32_t cover);

// Sets the number of the transport at offset `at`, in the IP header or in the last extension header: the checksum of
// the header that is there stays right. cover: FLOW_COVER_IP4 or 0.
void flow_edit_proto(struct flow_packet *p, uint32_t at, uint8_t proto, uint32_t cover);

// Sets the TTL or hop limit in the IP header at offset `ip`, which is there in full.
void flow_edit_ttl(struct flow_packet *p, uint32_t ip, uint8_t ttl);

// The offset of the TTL or hop limit in the IP header, of either version, at offset `ip`; 0: no IP header is there.
uint32_t flow_edit_ttl_at(const struct flow_packet *p, uint32_t ip);

#endif
