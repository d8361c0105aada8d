/* SPDX-License-Identifier: BSD-3-Clause */
// DPDK's environment, started from our options.
//
// Purpose: the operator says which CPUs and how much memory; what DPDK has to be told about it is decided here.
//
// Design: lcore 0 is the main one, on all control CPUs; lcore i+1 is worker i, on one CPU. Memory is private to the
// process (--in-memory), so that nothing is left behind after a crash and instances do not meet. Hugepages are taken
// if there are enough of them. PCI is scanned but nothing is probed, so that a device is taken only by port.add.
//
// Threads: the main thread.
#ifndef EAL_H
#define EAL_H

#include <stdbool.h>

#include "options.h"
#include "../ports/fault.h"

// Starts the EAL as `o` says (CPUs chosen by options_cpus()). If the memory cannot be had in hugepages, says what was
// wanted and how to reserve it, and goes on without; should DPDK fail nevertheless with hugepages, the program is
// executed again (argv with --no-huge). 0, or -errno with a fault: EAL is then not usable in this process.
int eal_start(const struct options *o, char **argv, struct fault *f);

// Ends it and removes its folder in /run.
void eal_stop(void);

bool eal_hugepages(void);
unsigned int eal_memory_mb(void); // on each NUMA node that has a worker
const char *eal_arguments(void);  // what rte_eal_init() was given, for system.info and the log

// How many MB `mbufs` packet buffers and `fdb_size` table entries take, with what the rest of the daemon needs.
unsigned int eal_memory_needed_mb(uint32_t mbufs, uint32_t fdb_size);

// The EAL lcore and the CPU of worker i (0 based), in the order of CPUs. False past the last.
bool eal_worker(const struct options *o, unsigned int i, unsigned int *lcore, unsigned int *cpu);

#endif
