/* SPDX-License-Identifier: BSD-3-Clause */
// What the stages share. pipeline.c has their order.
//
// Threads: all of it runs on the worker that owns `w` and `b`.
#ifndef STAGE_H
#define STAGE_H

#include "worker_priv.h"

void stage_ingress(struct worker *w, struct burst *b);
void stage_bridge(struct worker *w, struct burst *b);
void stage_flood(struct worker *w, struct burst *b);
void stage_egress(struct worker *w, struct burst *b);
void stage_tx(struct worker *w, struct burst *b);
void stage_drop(struct worker *w, struct burst *b);

// A port of this loop's state, or NULL if there is none of that id any more.
static inline const struct fwd_port *fwd_port_find(const struct worker *w, uint16_t port_id)
{
	return port_id < w->state->nports ? w->state->port[port_id] : NULL;
}

void pipeline_run(struct worker *w, struct burst *b);

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

// Adds one packet to a port's transmit buffer, which takes it. `in_port` is charged for the extra packets made if
// `segment` asks for TCP segmentation.
void tx_add(struct worker *w, uint16_t port_id, uint16_t in_port, struct rte_mbuf *m, bool segment);
void tx_flush(struct worker *w);

#endif
