/* SPDX-License-Identifier: BSD-3-Clause */
// One queue of a TAP: frames in and out of the kernel, with what each still needs done to it.
//
// Purpose: the kernel hands over frames with checksums not filled in and TCP frames of up to 64 KiB to be split later,
// and takes such frames; a virtio_net_hdr before each frame says so in both directions (linux/virtio_net.h), and mbuf
// flags say it on our side.
//
// Design: a receive queue keeps as many empty buffers as the longest frame takes, so that one readv() takes any frame
// with no copy, and a poll that finds nothing costs no buffer. Polling is a system call; a queue that was empty for a
// while therefore lets the watcher (tap_watch.h) look at it, through rxq.idle_word, until the kernel has something.
// Nothing is ever written into an mbuf that is sent, since other ports may be sending the same one.
//
// Threads: rx: one worker at a time. tx: any number at once, the kernel takes concurrent writes.
#ifndef TAP_QUEUE_H
#define TAP_QUEUE_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "port.h"

#define TAP_SEGS 33 // buffers that the longest frame takes: 64 KiB of IP, Ethernet header and tags

struct tap_rxq {
	int fd;
	uint32_t key;        // names the queue to the watcher
	uint16_t word;       // atomic: one more whenever the watcher saw frames; rxq.idle_word points here
	uint16_t missing;    // of spare[], from the front, to be allocated
	uint64_t empty_tsc;  // since when nothing came; 0: something came at the last poll
	uint64_t no_buffers; // atomic: polls that found the pool empty
	uint64_t errors;     // atomic: frames that could not be made sense of
	struct virtio_net_hdr header;
	struct iovec iov[1 + TAP_SEGS];
	struct rte_mbuf *spare[TAP_SEGS];
} __rte_cache_aligned;

struct tap_txq {
	int fd;
	uint64_t errors; // atomic: frames that the kernel or we refused
} __rte_cache_aligned;

// Makes the queue read from fd. Buffers are taken at the first poll.
void tap_rxq_init(struct tap_rxq *t, int fd, uint32_t key);
void tap_rxq_release(struct tap_rxq *t); // frees the spare buffers

// port_rx_fn and port_tx_fn; q->priv is the struct tap_rxq or tap_txq. A frame that the kernel refuses is taken and
// counted in errors.
uint16_t tap_rx(struct rxq *q, struct rte_mbuf **pkts, uint16_t n);
uint16_t tap_tx(struct txq *q, struct rte_mbuf **pkts, uint16_t n);

#endif
