/* SPDX-License-Identifier: BSD-3-Clause */
// The traffic generator's ports: what arrives is judged and dropped, and the port's stream is sent (pktgen.h).
#include <rte_cycles.h>

#include "mode.h"
#include "pktgen.h"

struct out {
	struct worker *w;
	uint16_t port_id;
};

// What the port took is generated and sent; what it did not is not yet a packet.
static uint16_t tx(void *arg, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes)
{
	const struct out *o = arg;
	uint16_t sent = tx_try(o->w, o->port_id, pkt, n, bytes);

	o->w->count[o->port_id].generated += sent;
	return sent;
}

uint32_t mode_pktgen(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	struct pktgen_stream *s = __atomic_load_n(&in->pktgen->send, __ATOMIC_ACQUIRE);
	struct out o = {w, q->port_id};
	uint32_t n = mode_rx(w, q), sent = 0;

	if (n) {
		pktgen_receive(in->pktgen, w->burst.pkt, n, rte_rdtsc());
		burst_drop(w, &w->burst, burst_all(n), DROP_RX_SINK);
		stage_drop(w, &w->burst);
		w->burst.n = 0;
	}
	if (s && q->queue == 0)
		sent = pktgen_send(s, port_pool(), rte_rdtsc(), tx, &o);
	return n + sent;
}
