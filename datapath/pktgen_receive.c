/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen.h"

static unsigned int bucket_of(uint64_t v)
{
	unsigned int msb;

	if (v < PKTGEN_LATENCY_SUB)
		return (unsigned int)v;
	msb = 63 - (unsigned int)__builtin_clzll(v);
	return (msb - 3) * PKTGEN_LATENCY_SUB + (v >> (msb - 4) & (PKTGEN_LATENCY_SUB - 1));
}

void pktgen_latency_add(struct pktgen_latency *l, uint64_t cycles)
{
	unsigned int i = bucket_of(cycles);

	l->count++;
	l->sum += cycles;
	l->max = RTE_MAX(l->max, cycles);
	l->bucket[RTE_MIN(i, PKTGEN_LATENCY_BUCKETS - 1U)]++;
}

// Forgets numbers next..to, whose bits are those of numbers 65536 below.
static void window_advance(struct pktgen_received *r, uint64_t to)
{
	if (to - r->next >= PKTGEN_WINDOW) {
		memset(r->seen, 0, sizeof(r->seen));
		return;
	}
	for (uint64_t n = r->next; n <= to; n++)
		r->seen[n % PKTGEN_WINDOW / 64] &= ~(UINT64_C(1) << n % 64);
}

static void number_seen(struct pktgen_received *r, uint32_t sequence)
{
	int64_t number = (int64_t)r->next + (int32_t)(sequence - (uint32_t)r->next);
	uint64_t bit = UINT64_C(1) << sequence % 64, *word = &r->seen[sequence % PKTGEN_WINDOW / 64];

	if (number >= (int64_t)r->next) {
		window_advance(r, (uint64_t)number);
		r->next = (uint64_t)number + 1;
	} else if (number < 0 || r->next - (uint64_t)number > PKTGEN_WINDOW) {
		r->too_late++;
		r->reordered++;
		return;
	} else if (*word & bit) {
		r->duplicates++;
	} else {
		r->reordered++;
	}
	*word |= bit;
}

static struct pktgen_stream *stream_of(const struct pktgen_port *p, uint16_t id)
{
	if (id >= PKTGEN_STREAMS || !(p->stream_mask >> id & 1))
		return NULL;
	return __atomic_load_n(&pktgen_streams[id], __ATOMIC_ACQUIRE);
}

static void receive_one(struct pktgen_port *p, const struct rte_mbuf *m, uint64_t now)
{
	struct pktgen_stamp st;
	struct pktgen_stream *s = NULL;
	uint8_t copy[PKTGEN_STAMP];
	bool intact;

	if (m->pkt_len >= PKTGEN_STAMP &&
	    pktgen_stamp_read(rte_pktmbuf_read(m, m->pkt_len - PKTGEN_STAMP, PKTGEN_STAMP, copy), &st, &intact))
		s = stream_of(p, st.stream);
	if (!s) {
		p->unknown++;
		return;
	}
	if (!intact || !pktgen_intact(m)) {
		s->received.corrupt++;
		return;
	}
	if (s->received.packets++ == 0)
		s->received.first = now;
	s->received.last = now;
	s->received.first_packets += now == s->received.first;
	s->received.bytes += m->pkt_len;
	number_seen(&s->received, st.sequence);
	pktgen_latency_add(&s->received.latency, (now - st.tsc) & ((UINT64_C(1) << 48) - 1));
}

double pktgen_received_pps(const struct pktgen_received *r, uint64_t tsc_hz)
{
	if (r->last == r->first)
		return 0;
	return (double)(r->packets - r->first_packets) * (double)tsc_hz / (double)(r->last - r->first);
}

void pktgen_receive(struct pktgen_port *p, struct rte_mbuf **pkt, uint32_t n, uint64_t now)
{
	rte_spinlock_lock(&p->lock);
	for (uint32_t i = 0; i < n; i++)
		receive_one(p, pkt[i], now);
	rte_spinlock_unlock(&p->lock);
}
