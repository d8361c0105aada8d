/* SPDX-License-Identifier: BSD-3-Clause */
// The daemon's log: lines on standard error, DPDK's own among them.
//
// Design: DPDK's log stream is one of ours that puts a time, or under systemd a priority, in front of every line.
//
// Threads: LOG() any thread but a worker's.
#ifndef LOG_H
#define LOG_H

#include <rte_log.h>
#include <stdint.h>

extern int control_logtype;

// LOG(INFO, "text %d", n): ERR, WARNING, NOTICE, INFO or DEBUG. One line, without the newline.
#define LOG(level, fmt, ...) rte_log(RTE_LOG_##level, control_logtype, fmt "\n", ##__VA_ARGS__)

// Opens the stream; `level` (RTE_LOG_*) is the most detailed one that is printed. Before rte_eal_init(). 0 or -errno.
int log_open(uint32_t level);

#endif
