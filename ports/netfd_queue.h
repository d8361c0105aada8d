/* SPDX-License-Identifier: BSD-3-Clause */
// Queues of ports that are a file descriptor of the kernel's: TAPs and packet sockets.
//
// Purpose: frames in and out, with what each still needs done to it. The kernel hands over frames with checksums not
// filled in and TCP frames of up to 64 KiB to be split later, and takes such frames; a virtio_net_hdr before each frame
// says so in both directions (linux/virtio_net.h), and mbuf flags say it on our side.
//
// Design: a receive queue keeps as many empty buffers as the longest frame takes, so that one readv() takes any frame
// with no copy, and a poll that finds nothing costs no buffer. Polling is a system call; a queue that was empty for a
// while therefore lets the watcher (netfd_watch.h) look at it, through rxq.idle_word, until the kernel has something.
// Nothing is ever written into an mbuf that is sent, since other ports may be sending the same one.
//
// Threads: rx: one worker at a time. tx: any number at once, the kernel takes concurrent writes.
#ifndef NETFD_QUEUE_H
#define NETFD_QUEUE_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "port.h"

#define NETFD_SEGS 33 // buffers that the longest frame takes: 64 KiB of IP, Ethernet header and tags

struct netfd_rxq {
	int fd;
	uint32_t key;       // names the queue to the watcher
	uint16_t word;      // atomic: one more whenever the watcher saw frames; rxq.idle_word points here
	uint16_t missing;   // of spare[], from the front, to be allocated
	uint64_t empty_tsc; // since when nothing came; 0: something came at the last poll
	uint64_t errors;    // atomic: frames that could not be made sense of
	struct virtio_net_hdr header;
	struct iovec iov[1 + NETFD_SEGS];
	struct rte_mbuf *spare[NETFD_SEGS];
} __rte_cache_aligned;

struct netfd_txq {
	int fd;
	uint64_t errors; // atomic: frames that the kernel or we refused
} __rte_cache_aligned;

// Sets up receive queue `queue` of a port to read from fd, a TAP or a packet socket with PACKET_VNET_HDR and
// PACKET_AUXDATA. Buffers are taken at the first poll.
void netfd_rxq_init(struct netfd_rxq *t, struct port *p, uint16_t queue, int fd, bool socket);
void netfd_txq_init(struct netfd_txq *t, struct port *p, uint16_t queue, int fd);

// After the last poll: frees the spare buffers, and forgets that the queue was idle.
void netfd_rxq_release(struct netfd_rxq *t, struct port *p, uint16_t queue);

// port_ops.stats of a port whose queues were set up by the above. A frame that the kernel refuses is taken and counted
// as an error.
void netfd_stats(const struct port *p, struct port_dev_stats *out);

#endif
