/* SPDX-License-Identifier: BSD-3-Clause */
// What the stages share. pipeline.c has their order.
//
// Threads: all of it runs on the worker that owns `w` and `b`.
#ifndef STAGE_H
#define STAGE_H

#include <rte_cycles.h>

#include "worker_priv.h"

#define X(id, stage) void stage_##stage(struct worker *w, struct burst *b);
BURST_LANES(X)
#undef X

// A port of this loop's state, or NULL if there is none of that id any more.
static inline const struct fwd_port *fwd_port_find(const struct worker *w, uint16_t port_id)
{
	return port_id < w->state->nports ? w->state->port[port_id] : NULL;
}

// Takes packets of a queue, which is left alone while its idle word says that there are none.
static inline uint16_t rxq_poll(struct rxq *q, struct rte_mbuf **pkt, uint16_t n)
{
	const uint16_t *idle = __atomic_load_n(&q->idle_word, __ATOMIC_RELAXED);

	if (idle && __atomic_load_n(idle, __ATOMIC_RELAXED) == q->idle_value)
		return 0;
	return q->rx(q, pkt, n);
}

#define OFFLOADS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM)

// The largest frame to be segmented: an IPv6 header and what its length field can say, under two tags. A guest's may be
// of any length.
#define SEGMENTED_MAX (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + 40 + UINT16_MAX)

// Which of the packets in `mask` are longer than that.
static inline uint64_t burst_longer(const struct burst *b, uint64_t mask, uint32_t bytes)
{
	uint64_t found = 0;
	uint32_t i;

	lane_foreach (i, mask)
		found |= (uint64_t)(b->pkt[i]->pkt_len > bytes) << i;
	return found;
}

// Which of the packets [first, end) ask for an offload.
static inline uint64_t burst_offloads(const struct burst *b, uint32_t first, uint32_t end)
{
	uint64_t mask = 0;

	for (uint32_t i = first; i < end; i++)
		mask |= (uint64_t) !!(b->pkt[i]->ol_flags & OFFLOADS) << i;
	return mask;
}

void pipeline_run(struct worker *w, struct burst *b);

// Charges the cycles since the last charge to a step, if it had packets. Only while the worker is being sampled.
static inline void sample(struct worker *w, unsigned int step, uint32_t packets)
{
	uint64_t now = rte_rdtsc();

	if (packets) {
		w->self.sample[step].packets += packets;
		w->self.sample[step].cycles += now - w->sampled;
	}
	w->sampled = now;
}

// Loses packets of a burst: counts them by reason, at the port they came in by or, for the reasons past
// DROP_INGRESS_LAST, at the one they should have left by, and has them freed at the end of the pass.
static inline void burst_drop(struct worker *w, struct burst *b, uint64_t mask, enum drop_reason reason)
{
	const uint16_t *port = reason <= DROP_INGRESS_LAST ? b->in_port : b->out_port;
	uint32_t i;

	lane_foreach (i, mask)
		w->count[port[i]].drops[reason]++;
	b->lane[LANE_DROP] |= mask;
}

// Makes packet i, of which *m is a reference, fit to leave by port fp: tag, size, checksum. A reference that others
// hold too is replaced in *m by a copy before anything is changed. Returns DROP_COUNT if *m may go, else the reason why
// not (and *m stays the caller's). *segment: *m is to be split on sending.
enum drop_reason egress_apply(const struct burst *b, uint32_t i, const struct fwd_port *fp, struct rte_mbuf **m,
			      bool *segment);

// Makes *m a packet that nobody else holds: where others do, a copy, to which the caller's reference moves. 0 or
// -ENOMEM.
int egress_own(struct rte_mbuf **m);

// Sends packets of `bytes` in all by a port that is there; what it does not take is dropped by name.
void tx_send(struct worker *w, uint16_t port_id, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes);

// Sends packets of `bytes` in all by a port that is there. Returns how many it took; the others stay the caller's.
uint16_t tx_try(struct worker *w, uint16_t port_id, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes);

// Adds one packet to a port's transmit buffer, which takes it. `in_port` is charged for the extra packets made if
// `segment` asks for TCP segmentation.
void tx_add(struct worker *w, uint16_t port_id, uint16_t in_port, struct rte_mbuf *m, bool segment);
void tx_flush(struct worker *w);

// Hands packet i of a burst, or m in its place (a copy of it), to control. Returns DROP_COUNT, and m is taken; or the
// reason why it is lost, and m stays the caller's.
enum drop_reason punt_send(struct worker *w, const struct burst *b, uint32_t i, enum punt_class class,
			   struct rte_mbuf *m);
// Hands a copy of packet i to control. Charged as a copy to the port it came in by.
void punt_copy(struct worker *w, struct burst *b, uint32_t i, enum punt_class class);
// Hands *m, which came in by a port (0: none), to control for a controller, with its checksum complete. If others hold
// it, too, a copy takes its place. DROP_COUNT, or why it is lost; it stays the caller's then.
enum drop_reason punt_flow(struct worker *w, uint16_t in_port, enum punt_class class, const struct flow_packet_in *in,
			   struct rte_mbuf **m);

// Takes packets that are in lanes FLOOD and EGRESS through the stages from there on; b->n stays.
void burst_leave(struct worker *w, struct burst *b);
// Takes packets that are in lane BRIDGE or a later one through all stages from there on; b->n stays.
void burst_bridge(struct worker *w, struct burst *b);
uint32_t inject_run(struct worker *w);

// Enters packet i, as it is now, into the broadcast domain that a frame from port fp is in, for lane BRIDGE. False: it
// was dropped by name.
bool ingress_enter(struct worker *w, struct burst *b, uint32_t i, const struct fwd_port *fp);

#endif
