/* SPDX-License-Identifier: BSD-3-Clause */
// Grace periods among a few threads of a test, as flow_pool_grace() asks for them: each reader says between two bursts
// which was the newest that had begun.
#ifndef GRACE_THREADS_H
#define GRACE_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define GRACE_READERS 2

struct grace_threads {
	uint64_t started;
	uint64_t seen[GRACE_READERS];
};

static inline uint64_t grace_threads_start(void *arg)
{
	return __atomic_add_fetch(&((struct grace_threads *)arg)->started, 1, __ATOMIC_ACQ_REL);
}

static inline bool grace_threads_over(void *arg, uint64_t token)
{
	struct grace_threads *const g = arg;

	for (unsigned int i = 0; i < GRACE_READERS; i++)
		if (__atomic_load_n(&g->seen[i], __ATOMIC_ACQUIRE) < token)
			return false;
	return true;
}

// Reader i holds nothing now.
static inline void grace_threads_quiesce(struct grace_threads *g, unsigned int i)
{
	__atomic_store_n(&g->seen[i], __atomic_load_n(&g->started, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

// Nor will it ever again.
static inline void grace_threads_leave(struct grace_threads *g, unsigned int i)
{
	__atomic_store_n(&g->seen[i], UINT64_MAX, __ATOMIC_RELEASE);
}

static inline uint64_t grace_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

#endif
