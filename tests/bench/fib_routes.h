/* SPDX-License-Identifier: BSD-3-Clause */
// Routes as the Internet has them: the lengths of prefixes in the shares that public BGP tables show (about those of
// the CIDR report of 2024, with 3 % of IPv4 prefixes longer than /24 and 8 % of IPv6 prefixes longer than /48, as
// inside of a provider's network), in the address space that is in use, and near each other as allocations are.
#ifndef FIB_ROUTES_H
#define FIB_ROUTES_H

#include <stdint.h>

#include "../../tables/fib_rib.h"

struct fib_route {
	struct fib6_addr prefix; // of IPv4: in the upper half of hi
	uint8_t depth;
};

// Makes n different routes in random order; bits: 32 or 128. NULL: no memory. To be freed by the caller.
struct fib_route *fib_routes(unsigned int bits, uint32_t n, uint64_t seed);

// An address that route covers, its other bits random.
struct fib6_addr fib_routes_addr(const struct fib_route *route, unsigned int bits, uint64_t *rng);

#endif
