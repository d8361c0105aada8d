/* SPDX-License-Identifier: BSD-3-Clause */
// What of the generator is not per packet, and the one table that all instruction set levels share.
#include "pktgen.h"

struct pktgen_stream *pktgen_streams[PKTGEN_STREAMS];

// The largest value of a bucket.
static uint64_t bucket_end(unsigned int i)
{
	unsigned int octave = i / PKTGEN_LATENCY_SUB;

	if (octave == 0)
		return i;
	return ((PKTGEN_LATENCY_SUB + i % PKTGEN_LATENCY_SUB + UINT64_C(1)) << (octave - 1)) - 1;
}

uint64_t pktgen_latency_quantile(const struct pktgen_latency *l, double q)
{
	uint64_t rank = (uint64_t)(q * (double)l->count), below = 0;

	if (!l->count)
		return 0;
	for (unsigned int i = 0; i < PKTGEN_LATENCY_BUCKETS; i++) {
		below += l->bucket[i];
		if (below > rank || below == l->count)
			return RTE_MIN(bucket_end(i), l->max);
	}
	return l->max;
}

void pktgen_stream_drop_pending(struct pktgen_stream *s)
{
	rte_pktmbuf_free_bulk(s->pending + s->sent_pending, s->npending - s->sent_pending);
	s->npending = s->sent_pending = 0;
}
