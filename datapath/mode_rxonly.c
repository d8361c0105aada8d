/* SPDX-License-Identifier: BSD-3-Clause */
// Packets are received and dropped: a sink.
#include "mode.h"

uint32_t mode_rxonly(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q);

	if (n) {
		burst_drop(w, &w->burst, burst_all(n), DROP_RX_SINK);
		stage_drop(w, &w->burst);
		w->burst.n = 0;
	}
	return n;
}
