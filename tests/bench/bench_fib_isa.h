/* SPDX-License-Identifier: BSD-3-Clause */
// The look-ups of fib4 and fib6 as compiled for one instruction set level, for bench_fib.c to call.
#ifndef BENCH_FIB_ISA_H
#define BENCH_FIB_ISA_H

#include <stdint.h>

struct fib4;
struct fib6;

// Each looks up n bursts of 64 addresses and returns the sum of the values found.
struct bench_fib_isa {
	const char *name;
	uint64_t (*lanes4)(const struct fib4 *f, const uint32_t *addr, uint64_t n);
	uint64_t (*scalar4)(const struct fib4 *f, const uint32_t *addr, uint64_t n);
	uint64_t (*single4)(const struct fib4 *f, const uint32_t *addr, uint64_t n);
	uint64_t (*lanes6)(const struct fib6 *f, const uint64_t *hi, const uint64_t *lo, uint64_t n);
	uint64_t (*scalar6)(const struct fib6 *f, const uint64_t *hi, const uint64_t *lo, uint64_t n);
	uint64_t (*single6)(const struct fib6 *f, const uint64_t *hi, const uint64_t *lo, uint64_t n);
};

extern const struct bench_fib_isa bench_fib_v2, bench_fib_v3, bench_fib_v4;

#endif
