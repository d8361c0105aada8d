/* SPDX-License-Identifier: BSD-3-Clause */
// A vhost-user front end with its guest, small and without manners: tests write what they like into its rings.
//
// Design: split rings, one memory region in a memfd. Source: QEMU's docs/interop/vhost-user.rst, virtio 1.1
// section 2.6. Functions fail the test on errors that the back end has no part in.
#ifndef VHOST_FRONTEND_H
#define VHOST_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#define FRONTEND_RING 64  // descriptors of each ring
#define FRONTEND_RINGS 4  // two pairs
#define FRONTEND_BUF 2048 // bytes of each descriptor's buffer
#define FRONTEND_MEM (2 << 20)
#define FRONTEND_HDR 12 // virtio_net_hdr_mrg_rxbuf

struct frontend {
	int fd, memfd;
	uint8_t *mem; // guest physical address 0
	struct vring_desc *desc[FRONTEND_RINGS];
	struct vring_avail *avail[FRONTEND_RINGS];
	struct vring_used *used[FRONTEND_RINGS];
	int kick[FRONTEND_RINGS], call[FRONTEND_RINGS];
	uint64_t features; // negotiated
};

// Connects to a listening back end, or accepts one that connects (`listener` from frontend_listen()).
void frontend_connect(struct frontend *g, const char *path);
int frontend_listen(const char *path);
void frontend_accept(struct frontend *g, int listener);
void frontend_close(struct frontend *g);

// Negotiates all offered features but those of `without`, shares the memory and starts `pairs` pairs of rings. The
// receive rings have all their buffers offered.
void frontend_start(struct frontend *g, unsigned int pairs, uint64_t without);

void frontend_mem_table(struct frontend *g, uint64_t size);     // SET_MEM_TABLE, anew
void frontend_stop_ring(struct frontend *g, unsigned int ring); // GET_VRING_BASE, reads the answer
uint64_t frontend_ask(struct frontend *g, uint32_t request);    // a request without payload, its u64 answer

// Sends a message's header that promises `size` bytes, and none of them.
void frontend_half_message(struct frontend *g, uint32_t size);

// Offers `len` bytes of frame at a transmit ring, with the virtio header before them; returns whether there was room.
bool frontend_send(struct frontend *g, unsigned int ring, const void *frame, uint32_t len);

// Frames that the back end wrote into a receive ring since the last call, giving their buffers back.
unsigned int frontend_receive(struct frontend *g, unsigned int ring);

#endif
