/* SPDX-License-Identifier: BSD-3-Clause */
// Packets go to the peer as they came: the floor of what forwarding costs.
#include "mode.h"

uint32_t mode_io(struct worker *w, struct rxq *q, const struct fwd_port *in)
{
	uint32_t n = mode_rx(w, q);

	if (n)
		mode_tx(w, in->peer, burst_all(n));
	return n;
}
