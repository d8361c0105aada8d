/* SPDX-License-Identifier: BSD-3-Clause */
// For tests that are built once for each x86-64 level.
#ifndef ISA_H
#define ISA_H

#include <stdbool.h>

#define ISA_SKIP 77 // the exit code of a test that this CPU cannot run

// Whether this CPU lacks what the test was compiled for.
static inline bool isa_missing(void)
{
#if defined(__AVX512F__)
	return !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw") ||
	       !__builtin_cpu_supports("avx512dq");
#elif defined(__AVX2__)
	return !__builtin_cpu_supports("avx2");
#else
	return false;
#endif
}

#endif
