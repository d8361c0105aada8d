/* SPDX-License-Identifier: BSD-3-Clause */
// Secret numbers for hash functions.
//
// Threads: any.
#ifndef RANDOM64_H
#define RANDOM64_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

// One that nobody can guess.
static inline uint64_t random64(void)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint64_t)random() << 32 ^ (uint64_t)random();
	return r;
}

// The next of many made from one (splitmix64, Steele et al. 2014).
static inline uint64_t random64_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

#endif
