/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_fib_isa.h"

#include "../../tables/fib4.h"
#include "../../tables/fib6.h"

static uint64_t sum(const uint32_t value[FIB_LANES])
{
	uint64_t s = 0;

	for (unsigned int i = 0; i < FIB_LANES; i++)
		s += value[i];
	return s;
}

// The six of them differ in the call and the arrays only.
#define BURSTS(name, type, params, call)                                                                               \
	static uint64_t name(const type *f, params, uint64_t n)                                                        \
	{                                                                                                              \
		uint32_t value[FIB_LANES];                                                                             \
		uint64_t s = 0;                                                                                        \
                                                                                                                       \
		for (uint64_t i = 0; i < n * FIB_LANES; i += FIB_LANES) {                                              \
			call;                                                                                          \
			s += sum(value);                                                                               \
		}                                                                                                      \
		return s;                                                                                              \
	}
#define ARRAYS4 const uint32_t *addr
#define ARRAYS6 const uint64_t *hi, const uint64_t *lo
#define EACH(lookup)                                                                                                   \
	for (unsigned int k = 0; k < FIB_LANES; k++)                                                                   \
	value[k] = lookup

BURSTS(lanes4, struct fib4, ARRAYS4, fib4_lookup_lanes(f, &addr[i], UINT64_MAX, value))
BURSTS(scalar4, struct fib4, ARRAYS4, fib4_lookup_lanes_scalar(f, &addr[i], UINT64_MAX, value))
BURSTS(single4, struct fib4, ARRAYS4, EACH(fib4_lookup(f, addr[i + k])))
BURSTS(lanes6, struct fib6, ARRAYS6, fib6_lookup_lanes(f, &hi[i], &lo[i], UINT64_MAX, value))
BURSTS(scalar6, struct fib6, ARRAYS6, fib6_lookup_lanes_scalar(f, &hi[i], &lo[i], UINT64_MAX, value))
BURSTS(single6, struct fib6, ARRAYS6, EACH(fib6_lookup(f, (struct fib6_addr){hi[i + k], lo[i + k]})))

const struct bench_fib_isa BENCH_ISA = {.name = BENCH_NAME,
					.lanes4 = lanes4,
					.scalar4 = scalar4,
					.single4 = single4,
					.lanes6 = lanes6,
					.scalar6 = scalar6,
					.single6 = single6};
