/* SPDX-License-Identifier: BSD-3-Clause */
// A port in a forwarding mode, its peer, and frames for them.
#ifndef MODES_FIXTURE_H
#define MODES_FIXTURE_H

#include "harness.h"

#define A 1 // the port in the mode
#define B 2 // its peer

extern const uint8_t modes_host[6], modes_other[6]; // source and destination of the frames
extern const struct rte_ether_addr modes_mac_a, modes_mac_b;
extern struct rte_mbuf *modes_queued[BURST_MAX]; // what A will receive
extern uint16_t modes_nqueued;

void modes_setup(enum fwd_mode mode);
void modes_in(const void *frame, uint32_t len);
uint32_t modes_run(void); // visits A's queue once and sends what is buffered; returns what the mode did
void modes_assert_out(uint16_t port, uint32_t k, const void *frame, uint32_t len); // the k-th packet that left

// Frames, each into f; they return the length, modes_ether() that of the header.
uint32_t modes_ether(uint8_t *f, uint32_t tags, uint16_t type);
// With a TCP, UDP or ICMP echo header and 11 more bytes; all checksums right. `pad` more bytes belong to no packet, as
// a minimum frame has them.
uint32_t modes_ip4(uint8_t *f, uint32_t tags, uint8_t protocol, uint32_t pad);
uint32_t modes_ip6(uint8_t *f, uint32_t tags); // UDP

void modes_swap(uint8_t *f, uint32_t x, uint32_t y, uint32_t n); // exchanges n bytes at x and y
void modes_to_b_by_mac(uint8_t *f);                              // what mode mac makes of the addresses

#endif
