/* SPDX-License-Identifier: BSD-3-Clause */
// Forwarding modes other than `switch`, and what their files share.
//
// Purpose: the engines that people know from testpmd, on our workers, with our accounts: what a mode receives is sent,
// or dropped by name, and what it makes is counted as generated.
//
// Design: a queue of a port in such a mode is polled alone, after those that share bursts for the pipeline, and its
// mode does all from there: receive into the worker's burst, change, send. A whole burst that the peer takes as it is
// goes from where it lies; anything else (too long, asking for an offload, peer down) takes the pipeline's own egress,
// tx and drop stages, so that there is one set of rules for what may leave a port.
//
// Threads: the worker that polls the queue.
#ifndef MODE_H
#define MODE_H

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "stage.h"

// One visit of a queue: `in` is its port. Returns how many packets it had or made.
typedef uint32_t (*mode_fn)(struct worker *w, struct rxq *q, const struct fwd_port *in);

#define X(id, name, fn, help) uint32_t fn(struct worker *w, struct rxq *q, const struct fwd_port *in);
FWD_MODES(X)
#undef X
uint32_t mode_pktgen(struct worker *w, struct rxq *q, const struct fwd_port *in);

// Visits a queue whose port is in a mode other than `switch`. The worker's burst is empty, before and after.
uint32_t mode_run(struct worker *w, struct rxq *q);

// Fills the worker's burst from q and counts what came. Returns how many packets. Cost: two cycles a packet beside the
// driver's: lengths and flags only, no byte of the frame.
uint32_t mode_rx(struct worker *w, struct rxq *q);

// The packets of the burst that may be written to: at least an Ethernet header long in their first segment, and held by
// nobody else (a copy takes the place of one that is). The others are dropped by name.
uint64_t mode_writable(struct worker *w);

// Sends the packets in `mask` by a port, drops the others of the burst that are in lane DROP, and empties the burst.
void mode_tx(struct worker *w, uint16_t port_id, uint64_t mask);

// The first 64 bytes of a UDP frame to be generated; `payload` and what follows stay zero.
struct mode_udp_frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	uint8_t payload[22];
};
static_assert(sizeof(struct mode_udp_frame) == 64, "no gap between the headers");

// Completes *f, which is zero but for addresses and UDP ports, to a packet of `len` bytes without FCS (42 or more).
void mode_udp_frame(struct mode_udp_frame *f, uint16_t len);

// Fills the empty burst with copies of a frame of `len` bytes that are to leave by q's port, and counts them as
// generated. Returns how many: none while the port's link is down, or when buffers are short.
uint32_t mode_generate(struct worker *w, const struct rxq *q, const struct mode_udp_frame *f, uint16_t len);

// The address that mac, csum and txonly send to by a port, as testpmd's eth-peer is unless set.
struct rte_ether_addr mode_peer_mac(uint16_t port_id);

// Where the headers of a frame are. Only what lies whole in the first segment is found.
struct mode_headers {
	uint16_t type_be; // EtherType behind the tags
	uint16_t l3;      // offset of what is behind the tags
	uint16_t l4;      // offset of what the IP header carries; 0: no whole IP header, or a fragment past the first
	bool ipv4, ipv6;  // a whole header is there
	bool fragment;
	uint8_t protocol;
};

// m: at least an Ethernet header long, as mode_writable() checks. Any number of tags, as testpmd does it.
void mode_parse(const struct rte_mbuf *m, struct mode_headers *h);

// Gives the packets in `mask` the MAC addresses that mode mac sends with by a port.
void mode_mac_rewrite(struct worker *w, uint16_t port_id, uint64_t mask);

static inline void mode_swap_macs(struct rte_ether_hdr *eth)
{
	struct rte_ether_addr dst = eth->dst_addr;

	eth->dst_addr = eth->src_addr;
	eth->src_addr = dst;
}

#endif
