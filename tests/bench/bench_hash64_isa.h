/* SPDX-License-Identifier: BSD-3-Clause */
// The look-ups of hash64 as compiled for one instruction set level, for bench_hash64.c to call.
#ifndef BENCH_HASH64_ISA_H
#define BENCH_HASH64_ISA_H

#include <stdint.h>

struct hash64;

// Looks up n bursts of 64 keys; returns the number of hits.
typedef uint64_t (*bench_lookup_fn)(const struct hash64 *h, const uint64_t *keys, uint64_t n);

struct bench_isa {
	const char *name;
	bench_lookup_fn bulk, scalar; // by the level's own match, and by the scalar twin compiled for the level
	bench_lookup_fn lanes;        // every other lane
};

extern const struct bench_isa bench_isa_v2, bench_isa_v3, bench_isa_v4;

#endif
