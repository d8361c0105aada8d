/* SPDX-License-Identifier: BSD-3-Clause */
// Lane: takes DROP.
//
// The packets were counted by burst_drop(); here they are freed, together.
#include "stage.h"

void stage_drop(struct worker *w, struct burst *b)
{
	uint64_t mask = lane_take(b, LANE_DROP);
	struct rte_mbuf *lost[BURST_MAX];
	uint32_t n = 0, i;

	if (likely(!mask))
		return;
	lane_foreach (i, mask)
		lost[n++] = b->pkt[i];
	rte_pktmbuf_free_bulk(lost, n);
}
