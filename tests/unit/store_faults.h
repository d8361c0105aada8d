/* SPDX-License-Identifier: BSD-3-Clause */
// System calls of the store that fail or end the process when a test says so (linked with -Wl,--wrap).
//
// A crash is the worst that a disk may do: of the bytes written since the last sync of their file any part is lost, and
// a rename is undone if its folder was not synced since.
#ifndef STORE_FAULTS_H
#define STORE_FAULTS_H

#include <stdbool.h>

struct store_faults {
	unsigned int crash_at; // ends the process before the n-th call from now on; 0: never
	unsigned int seed;     // of what a crash loses
	bool lose;             // whether it loses anything
	bool no_space;         // fallocate fails, and pwrite after half of the bytes
	bool no_sync;          // fsync and fdatasync fail
	bool skip_sync;        // they do nothing, so that a test measures the processor
	unsigned int calls;    // counts all of them
};

extern struct store_faults store_faults;

// Forgets what was written so far: it is on disk.
void store_faults_reset(void);

#endif
