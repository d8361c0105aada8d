/* SPDX-License-Identifier: BSD-3-Clause */
// What a packet asked of a device that the device will not do: checksums and TCP segmentation in software.
//
// Design: the flags and header lengths of an mbuf come from a guest in the end, so each length is checked against the
// data before a byte is read. librte_gso of DPDK 22.11 knows no TCP over IPv6 and hands out chained indirect mbufs,
// which not every port kind takes; hence code of our own, which copies.
//
// Threads: any; no state, no locks, no allocation but of mbufs.
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

// Completes the IPv4 header and TCP/UDP checksums (over IPv4 or IPv6) that m's RTE_MBUF_F_TX_* flags ask for and clears
// those flags. m: one reference, any number of segments, headers (l2_len with tags, l3_len) in the first. Returns 0,
// or -EINVAL if the headers are not where the lengths say; m is unchanged then. Cost: one pass over the payload.
int offload_checksum(struct rte_mbuf *m);

#define SEGMENTS_MAX 1024 // of one frame of 64 KiB at the smallest segment worth sending; more is refused

// Splits m, a TCP frame with RTE_MBUF_F_TX_TCP_SEG, into frames of at most tso_segsz payload bytes each, from `pool`,
// checksums complete. m is only read and stays the caller's. Returns the number of frames in out[0..max_out-1], or,
// with nothing left behind, -EINVAL (headers are not where the lengths say), -ENOMEM (the pool is empty) or -ENOSPC
// (more than max_out). Cost: one copy of the payload.
int offload_segment(struct rte_mbuf *m, struct rte_mempool *pool, struct rte_mbuf **out, uint16_t max_out);

#endif
