/* SPDX-License-Identifier: BSD-3-Clause */
// Random numbers for tests: fast, and the same in every run (xorshift64, Marsaglia 2003).
#ifndef RNG_H
#define RNG_H

#include <stdint.h>

#define RNG_SEED 88172645463325252ull

// The next number of *state, which is not 0.
static inline uint64_t rng_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
