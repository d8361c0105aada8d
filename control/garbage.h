/* SPDX-License-Identifier: BSD-3-Clause */
// Memory that workers read: taken, and given back after a grace period.
//
// Design: parts replaced by one publication are collected and freed together, by one deferred call. Memory for a state
// that cannot be had ends the program: there is no half of a state to go on with, and the journal brings back all.
//
// Threads: control only.
#ifndef GARBAGE_H
#define GARBAGE_H

#include <stddef.h>

// Cache-aligned, not zeroed; never NULL.
void *garbage_alloc(size_t size);
// Frees ptr (NULL: nothing) a grace period after the next garbage_collect().
void garbage_free_later(void *ptr);
// After a publication: what was given since the last call is freed when no worker can see it.
void garbage_collect(void);

#endif
