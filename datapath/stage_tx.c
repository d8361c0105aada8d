/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes TX.
//
// A whole burst for one port is sent from where it lies. Otherwise packets gather in their ports' buffers, which are
// sent when full and at the end of each loop, so that sparse traffic from many ports still leaves in full bursts.
#include "offload.h"
#include "stage.h"

uint16_t tx_try(struct worker *w, uint16_t port_id, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes)
{
	struct port *p = w->state->port[port_id]->port;
	struct txq *q = &p->txq[w->index < p->ntxq ? w->index : w->index % p->ntxq];
	struct port_counters *c = &w->count[port_id];
	uint64_t lost_bytes = 0;
	uint16_t sent;

	if (q->shared)
		rte_spinlock_lock(&q->lock);
	sent = q->tx(q, pkt, n);
	for (uint16_t i = sent; i < n; i++)
		lost_bytes += pkt[i]->pkt_len;
	q->packets += sent;
	q->bytes += bytes - lost_bytes;
	if (q->shared)
		rte_spinlock_unlock(&q->lock);
	c->tx_packets += sent;
	c->tx_bytes += bytes - lost_bytes;
	return sent;
}

void tx_send(struct worker *w, uint16_t port_id, struct rte_mbuf **pkt, uint16_t n, uint64_t bytes)
{
	uint16_t sent = tx_try(w, port_id, pkt, n, bytes);

	if (unlikely(sent < n)) {
		bool up = __atomic_load_n(&w->state->port[port_id]->port->link_up, __ATOMIC_RELAXED);

		w->count[port_id].drops[up ? DROP_TX_FULL : DROP_TX_DOWN] += n - sent;
		rte_pktmbuf_free_bulk(pkt + sent, n - sent);
	}
}

static void buffer_send(struct worker *w, uint16_t port_id)
{
	struct tx_buffer *t = &w->tx[port_id];

	w->self.held -= t->n;
	tx_send(w, port_id, t->pkt, t->n, t->bytes);
	t->n = 0;
	t->bytes = 0;
}

static inline void buffer_add(struct worker *w, uint16_t port_id, struct rte_mbuf *m)
{
	struct tx_buffer *t = &w->tx[port_id];

	if (!t->listed) {
		t->listed = true;
		w->tx_dirty[w->ntx_dirty++] = port_id;
	}
	t->pkt[t->n++] = m;
	t->bytes += m->pkt_len;
	w->self.held++;
	if (t->n == BURST_MAX)
		buffer_send(w, port_id);
}

// Splits m, which is freed, into TCP segments for the port.
static void segment_add(struct worker *w, uint16_t port_id, uint16_t in_port, struct rte_mbuf *m)
{
	struct port_counters *in = &w->count[in_port];
	struct rte_mbuf *part[SEGMENTS_MAX];
	int n = offload_segment(m, port_pool(), part, SEGMENTS_MAX);

	rte_pktmbuf_free(m);
	if (n <= 0) {
		in->drops[n == -ENOMEM ? DROP_NO_MBUF : DROP_BAD_OFFLOAD]++;
		return;
	}
	in->copies += (uint64_t)n - 1;
	for (int i = 0; i < n; i++)
		buffer_add(w, port_id, part[i]);
}

void tx_add(struct worker *w, uint16_t port_id, uint16_t in_port, struct rte_mbuf *m, bool segment)
{
	if (unlikely(segment))
		segment_add(w, port_id, in_port, m);
	else
		buffer_add(w, port_id, m);
}

void tx_flush(struct worker *w)
{
	for (uint32_t k = 0; k < w->ntx_dirty; k++) {
		uint16_t port_id = w->tx_dirty[k];

		w->tx[port_id].listed = false;
		if (w->tx[port_id].n)
			buffer_send(w, port_id);
	}
	w->ntx_dirty = 0;
}

void stage_tx(struct worker *w, struct burst *b)
{
	uint64_t todo = lane_take(b, LANE_TX);

	while (todo) {
		uint16_t port_id = b->out_port[__builtin_ctzll(todo)];
		uint64_t same = todo & lanes_equal16(b->out_port, port_id);
		uint32_t i;

		if (same == burst_all(b->n) && !b->changed && !w->tx[port_id].n) {
			tx_send(w, port_id, b->pkt, (uint16_t)b->n, b->bytes);
			return;
		}
		lane_foreach (i, same)
			tx_add(w, port_id, b->in_port[i], b->pkt[i], b->segment >> i & 1);
		todo &= ~same;
	}
}
