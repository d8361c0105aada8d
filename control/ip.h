/* SPDX-License-Identifier: BSD-3-Clause */
// IP addresses and prefixes of both families, as text and as numbers.
//
// Threads: pure functions.
#ifndef CONTROL_IP_H
#define CONTROL_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "../ports/fault.h"

#define IP_TEXT_LEN 64 // of an address or a prefix, with the closing NUL

struct ip_addr {
	uint8_t family;    // 4 or 6
	uint8_t bytes[16]; // network order; IPv4 in the first 4, the others 0, so that addresses compare by memcmp()
};

struct ip_prefix {
	struct ip_addr addr;
	uint8_t depth; // 0..32 or 0..128
};

// "10.0.0.1" or "2001:db8::1". 0 or -EINVAL with a fault for `field`.
int ip_parse(const char *text, const char *field, struct ip_addr *out, struct fault *f);
// "10.0.0.0/8". strict: host bits that are not zero are refused, else cleared.
int ip_prefix_parse(const char *text, const char *field, bool strict, struct ip_prefix *out, struct fault *f);
// "10.0.0.1/24": address and prefix length of an interface.
int ip_cidr_parse(const char *text, const char *field, struct ip_prefix *out, struct fault *f);
const char *ip_text(const struct ip_addr *a, char text[IP_TEXT_LEN]); // RFC 5952 for IPv6; returns `text`
const char *ip_prefix_text(const struct ip_prefix *p, char text[IP_TEXT_LEN]);

void ip_mask(struct ip_prefix *p); // clears host bits
bool ip_in(const struct ip_addr *a, const struct ip_prefix *p);
bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);
bool ip_is_multicast(const struct ip_addr *a);
bool ip_is_link_local(const struct ip_addr *a); // 169.254.0.0/16, fe80::/10

static inline uint32_t ip4_host(const struct ip_addr *a) // as fib4.h takes it
{
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 | (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

#endif
