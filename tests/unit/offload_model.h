/* SPDX-License-Identifier: BSD-3-Clause */
// A model of frames and of what offloads make of them, which builds each from scratch, byte by byte.
#ifndef OFFLOAD_MODEL_H
#define OFFLOAD_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FRAME_MAX 70000

extern struct rte_mempool *pool; // to be made by the test

// What a frame is made of; the model turns it into bytes.
struct spec {
	bool v6, udp, zero_ip_length;
	unsigned int tags;
	unsigned int ip_extra;  // bytes of IPv4 options or IPv6 extension headers
	unsigned int tcp_extra; // bytes of TCP options
	unsigned int padding;   // behind the IP packet
	uint16_t ip_id;
	uint32_t seq;
	uint8_t tcp_flags;
	uint8_t fill[40]; // options
	uint8_t addr[32];
	const uint8_t *payload;
	uint32_t payload_len;
};

struct frame {
	uint8_t b[FRAME_MAX];
	uint32_t len, l3, l4, payload;
};

// A number below `below`, the same sequence in each run.
uint32_t rnd(uint32_t below);

// Any frame with up to payload_max bytes of payload, which goes into `payload`.
void spec_random(struct spec *s, uint8_t *payload, uint32_t payload_max);

// The frame that is meant, with its checksums or with anything in their fields.
void model_build(const struct spec *s, struct frame *f, bool checksums);

// Writes 16 bits in network order.
void model_word(uint8_t *at, uint32_t v);

// An mbuf over a heap block of exactly the data's size, so that AddressSanitizer sees a read past its end.
struct rte_mbuf *block_mbuf(const uint8_t *data, uint32_t len);

// The frame as an mbuf of such blocks that asks for its checksums; `chain`: headers in the first, the rest cut
// anywhere.
struct rte_mbuf *frame_mbuf(const struct frame *f, const struct spec *s, bool chain);

// Fails the test if m's bytes are not the frame's.
void mbuf_equals(const struct rte_mbuf *m, const struct frame *want);

#endif
