/* SPDX-License-Identifier: BSD-3-Clause */
// What the kernel has of hugepages, and what to tell the operator if that is too little.
//
// Threads: any.
#ifndef HUGEPAGES_H
#define HUGEPAGES_H

#include <sched.h>
#include <stdbool.h>

// Whether one of `cpus` is on NUMA node `node`. Without NUMA all are on node 0.
bool hugepages_node_in_use(const cpu_set_t *cpus, int node);

// Whether `mb` MB are free in hugepages on each NUMA node that one of `cpus` is on. If not, logs how many pages of
// which size are wanted, how many are free, and the command that reserves them.
bool hugepages_enough(const cpu_set_t *cpus, unsigned int mb);

#endif
