/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen.h"

#include <errno.h>

#include <rte_cycles.h>

// Time that counts for the rate: that in bursts only.
static uint64_t time_on(const struct pktgen_limits *l, uint64_t elapsed)
{
	uint64_t period = l->on + l->off, in_period;

	if (!l->on)
		return elapsed;
	in_period = elapsed % period;
	return elapsed / period * l->on + RTE_MIN(in_period, l->on);
}

static bool in_pause(const struct pktgen_limits *l, uint64_t elapsed)
{
	return l->on && elapsed % (l->on + l->off) >= l->on;
}

// Chooses the sizes of the frames that are due by `now` (1/1024 cycles). Returns how many.
static uint32_t choose(struct pktgen_stream *s, const struct pktgen_size **size, uint64_t now)
{
	uint64_t left = s->limits.count ? s->limits.count - s->made : PKTGEN_BURST;
	uint32_t max = (uint32_t)RTE_MIN(left, (uint64_t)PKTGEN_BURST), n = 0;

	if (s->frame.nsizes == 1) {
		uint64_t cost = s->limits.cost[0];

		for (; n < max && s->due <= now; n++) {
			size[n] = &s->frame.size[0];
			s->due += cost;
		}
		return n;
	}
	while (n < max && s->due <= now) {
		size[n] = pktgen_frame_size(&s->frame);
		s->due += s->limits.cost[size[n] - s->frame.size];
		n++;
	}
	return n;
}

// How many of `rest` bytes go into a buffer with `room`: the stamp at the end lies in one piece.
static uint32_t piece(uint32_t rest, uint32_t room)
{
	uint32_t n = RTE_MIN(rest, room);

	return n < rest && rest - n < PKTGEN_STAMP ? rest - PKTGEN_STAMP : n;
}

// Puts zeros behind the first `have` bytes of a frame, in more buffers where one is too small. 0 or -ENOMEM.
static int pad(struct rte_mbuf *m, uint32_t have, uint32_t bytes, struct rte_mempool *pool)
{
	uint32_t n = piece(bytes, (uint32_t)(m->buf_len - m->data_off));

	if (n > have)
		memset(rte_pktmbuf_mtod_offset(m, uint8_t *, have), 0, n - have);
	m->data_len = (uint16_t)n;
	m->pkt_len = n;
	while (unlikely(m->pkt_len < bytes)) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

		if (!more)
			return -ENOMEM;
		n = piece(bytes - m->pkt_len, rte_pktmbuf_tailroom(more));
		memset(rte_pktmbuf_mtod(more, void *), 0, n);
		more->data_len = (uint16_t)n;
		more->pkt_len = n;
		rte_pktmbuf_chain(m, more);
	}
	return 0;
}

static uint8_t *stamp_at(struct rte_mbuf *m)
{
	struct rte_mbuf *last = m->nb_segs == 1 ? m : rte_pktmbuf_lastseg(m);

	return rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len - PKTGEN_STAMP);
}

// Stamps frames begin..end-1 of those that wait, the first of which has number `first`.
static void stamp(struct pktgen_stream *s, uint32_t begin, uint32_t end, uint64_t first, uint64_t now)
{
	for (uint32_t i = begin; i < end; i++)
		pktgen_stamp_write(
			stamp_at(s->pending[i]),
			&(struct pktgen_stamp){.stream = s->id, .sequence = (uint32_t)(first + i), .tsc = now});
}

// Makes the chosen frames. Returns how many: fewer when buffers for long ones are short.
static uint32_t make(struct pktgen_stream *s, const struct pktgen_size **size, uint32_t n, struct rte_mempool *pool,
		     uint64_t now)
{
	uint32_t lines = s->frame.header_lines * 64u, i;
	uint8_t *data[PKTGEN_BURST];

	for (i = 0; i < n; i++)
		data[i] = rte_pktmbuf_mtod(s->pending[i], uint8_t *);
	pktgen_frame_headers(&s->frame, size, data, n);
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = s->pending[i];
		uint32_t bytes = size[i]->bytes;

		if (bytes <= lines) {
			m->data_len = (uint16_t)bytes;
			m->pkt_len = bytes;
		} else if (unlikely(pad(m, lines, bytes, pool) < 0)) {
			break;
		}
	}
	if (s->frame.stamp)
		stamp(s, 0, i, s->made, now);
	s->made += i;
	return i;
}

static void refill(struct pktgen_stream *s, struct rte_mempool *pool, uint64_t now)
{
	const struct pktgen_size *size[PKTGEN_BURST];
	uint64_t elapsed = now - s->start, on = time_on(&s->limits, elapsed) << PKTGEN_COST_SHIFT;
	uint64_t late = (rte_get_tsc_hz() / 1000) << PKTGEN_COST_SHIFT;
	uint32_t scheduled = s->frame.scheduled, n, made;
	uint64_t due;

	s->npending = s->sent_pending = 0;
	if (s->limits.count && s->made >= s->limits.count) {
		__atomic_store_n(&s->state, PKTGEN_DONE, __ATOMIC_RELEASE);
		return;
	}
	if (in_pause(&s->limits, elapsed))
		return;
	if (s->limits.cost[0] && on > s->due + late) {
		s->due = on - late;
		s->behind++;
	}
	due = s->due;
	n = choose(s, size, on);
	if (!n)
		return;
	if (unlikely(rte_pktmbuf_alloc_bulk(pool, s->pending, n))) {
		s->frame.scheduled = scheduled;
		s->due = due;
		s->no_mbuf++;
		return;
	}
	made = make(s, size, n, pool, now);
	if (unlikely(made < n)) {
		rte_pktmbuf_free_bulk(s->pending + made, n - made);
		s->no_mbuf++;
	}
	s->npending = (uint16_t)made;
}

uint32_t pktgen_send(struct pktgen_stream *s, struct rte_mempool *pool, uint64_t now, pktgen_tx_fn tx, void *arg)
{
	uint64_t bytes = 0;
	uint16_t n, sent;

	if (s->state != PKTGEN_RUNNING)
		return 0;
	if (!s->start)
		s->start = now;
	if (s->limits.duration && now - s->start >= s->limits.duration) {
		__atomic_store_n(&s->state, PKTGEN_DONE, __ATOMIC_RELEASE);
		return 0;
	}
	if (s->sent_pending < s->npending) {
		// The time that counts is the one at which the port can take it.
		if (s->frame.stamp)
			stamp(s, s->sent_pending, s->npending, s->made - s->npending, now);
	} else {
		refill(s, pool, now);
	}
	n = s->npending - s->sent_pending;
	if (!n)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		bytes += s->pending[s->sent_pending + i]->pkt_len;
	sent = tx(arg, s->pending + s->sent_pending, n, bytes);
	for (uint16_t i = sent; i < n; i++)
		bytes -= s->pending[s->sent_pending + i]->pkt_len;
	s->sent_pending += sent;
	s->packets += sent;
	s->bytes += bytes;
	if (sent)
		s->last = now;
	return sent;
}
