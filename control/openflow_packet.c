/* SPDX-License-Identifier: BSD-3-Clause */
// Packets from and to controllers.
#include <errno.h>
#include <string.h>

#include "flow_compile.h"
#include "group_live.h"
#include "openflow.h"
#include "slow.h"

// A packet of bytes that lie in a row; NULL: no buffers.
static struct rte_mbuf *packet_make(const uint8_t *data, uint32_t size)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t at = 0; at < size || head == NULL;) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());
		uint16_t n;

		if (m == NULL)
			goto free_head;
		n = (uint16_t)RTE_MIN(size - at, (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_append(m, n), data + at, n);
		at += n;
		if (head == NULL)
			head = m;
		else if (rte_pktmbuf_chain(head, m) < 0) {
			rte_pktmbuf_free(m);
			goto free_head;
		}
	}
	return head;
free_head:
	rte_pktmbuf_free(head);
	return NULL;
}

int openflow_packet_out(void *sw, const struct of_packet_out *p, struct flow_error *e)
{
	struct {
		struct flow_acts acts;
		struct flow_act act[FLOW_ACTIONS_MAX];
	} list;
	struct flow_bridge *fb = sw;
	struct rte_mbuf *m;
	int rc;

	if (p->actions.n > FLOW_ACTIONS_MAX)
		return flow_error_int(e, OFPBAC_TOO_MANY, "actions", p->actions.n, "1024", "too many actions");
	rc = flow_compile_acts(fb, &p->actions, list.acts.act, e);
	if (rc < 0)
		return rc;
	// Workers have the packet before a group that goes now is freed.
	flow_compile_release(fb, &p->actions);
	list.acts.n = p->actions.n;
	m = packet_make(p->data, p->size);
	// Like a packet that meets a full queue on its way.
	if (m != NULL)
		flow_packet_out(fb->number, p->in_port, m, &list.acts);
	return 0;
}

static struct flow_bridge *bridge_of(uint16_t number)
{
	struct flow_bridge *fb;

	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->number == number)
			return fb;
	return NULL;
}

static void match_put(struct flow_match *m, enum flow_field field, uint64_t value)
{
	if (value != 0)
		flow_match_add(m, field, (struct flow_value){.lo = value}, NULL, NULL);
}

// A packet that workers sent to the controllers.
static void packet_in(const struct punt *p)
{
	static uint8_t copy[UINT16_MAX];
	const uint32_t size = p->m->pkt_len;
	struct flow_bridge *fb = bridge_of(p->flow.number);
	struct of_packet_in in = {.reason = p->flow.reason,
				  .table = p->flow.table,
				  .cookie = p->flow.cookie,
				  .total_size = size,
				  .max_len = p->flow.max_len,
				  .size = size};

	if (fb == NULL || fb->openflow == NULL || size > sizeof(copy)) {
		slow_end(p->m, SLOW_NO_CONTROLLER);
		return;
	}
	if (!meter_controller_passes(fb, size)) {
		slow_end(p->m, SLOW_LIMITED);
		return;
	}
	match_put(&in.match, FLOW_FIELD_IN_PORT, p->flow.in_port);
	match_put(&in.match, FLOW_FIELD_METADATA, p->flow.metadata);
	match_put(&in.match, FLOW_FIELD_TUNNEL_ID, p->flow.tunnel_id);
	in.data = rte_pktmbuf_read(p->m, 0, size, copy);
	of_agent_packet_in(fb->openflow->agent, &in);
	slow_end(p->m, SLOW_CONTROLLER);
}

void openflow_packet_init(void)
{
	slow_flow_set(packet_in);
}
