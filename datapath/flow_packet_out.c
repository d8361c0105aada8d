/* SPDX-License-Identifier: BSD-3-Clause */
// Packet-outs, on control's side: they go to the workers with their actions, whose memory is freed here when they are
// done with it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_worker.h"

static struct flow_packet_out *first, **last = &first; // in the order in which they were sent
static uint32_t pending;

static void collect(void)
{
	while (first != NULL && __atomic_load_n(&first->done, __ATOMIC_ACQUIRE)) {
		struct flow_packet_out *const out = first;

		first = out->next;
		pending--;
		free(out);
	}
	if (first == NULL)
		last = &first;
}

void flow_packet_outs_destroy(void)
{
	for (struct flow_packet_out *out = first; out != NULL; out = out->next)
		out->done = true;
	collect();
}

uint32_t flow_packet_outs_pending(void)
{
	collect();
	return pending;
}

int flow_packet_out(uint16_t number, uint32_t in_port, struct rte_mbuf *m, const struct flow_acts *acts)
{
	const size_t bytes = acts->n * sizeof(acts->act[0]);
	struct flow_packet_out *const out = malloc(sizeof(*out) + bytes);
	int ret = -ENOMEM;

	collect();
	if (out == NULL)
		goto lost;
	*out = (struct flow_packet_out){.number = number, .in_port = in_port, .acts.n = acts->n};
	memcpy(out->acts.act, acts->act, bytes);
	ret = worker_inject_flow(worker_at(number % workers_count()), m, out);
	if (ret < 0)
		goto lost;
	*last = out;
	last = &out->next;
	pending++;
	return 0;
lost:
	free(out);
	rte_pktmbuf_free(m);
	return ret;
}
