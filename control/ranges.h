/* SPDX-License-Identifier: BSD-3-Clause */
// Ranges of numbers, handed out and taken back.
//
// Purpose: counters that lie in a row, for groups and their buckets.
//
// Design: a buddy allocator over bitmaps: a range has a power of two of numbers, halves of a larger one find each other
// again when both are free. One bitmap of free ranges for each size.
//
// Threads: control only.
// Source: Knowlton, A Fast Storage Allocator, CACM 8 (10), 1965.
#ifndef RANGES_H
#define RANGES_H

#include <stdint.h>

#define RANGES_ORDERS 24

struct range {
	uint32_t first, order; // 1 << order numbers
};

struct ranges {
	uint32_t order;                // of all numbers, 0 to (1 << order) - 1; set by the owner, who zeroes the rest
	uint64_t *free[RANGES_ORDERS]; // by order; NULL: nothing was handed out yet
};

// A range of at least n numbers, 1 or more. 0, or -ENOSPC or -ENOMEM.
int ranges_take(struct ranges *r, uint32_t n, struct range *out);
void ranges_give(struct ranges *r, struct range range);
void ranges_free(struct ranges *r);

#endif
