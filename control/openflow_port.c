/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "flow_table.h"
#include "openflow.h"
#include "openflow/ofp.h"
#include "stats.h"

// Bits/s by the features of OpenFlow that say them.
static const struct {
	uint64_t bps;
	uint32_t feature;
} speeds[] = {
	{10000000, OFPPF_10MB_FD},     {100000000, OFPPF_100MB_FD},  {1000000000, OFPPF_1GB_FD},
	{10000000000, OFPPF_10GB_FD},  {40000000000, OFPPF_40GB_FD}, {100000000000, OFPPF_100GB_FD},
	{1000000000000, OFPPF_1TB_FD},
};

// What the device says of its link; a virtual one has no speed.
static uint64_t link_bps(const struct port_obj *p)
{
	json_t *info = p->dev != NULL && p->ops->info != NULL ? json_object() : NULL;
	json_int_t bps;

	if (info != NULL)
		p->ops->info(p->dev, info);
	bps = json_integer_value(json_object_get(info, "link_speed_bps"));
	json_decref(info);
	return bps > 0 ? (uint64_t)bps : 0;
}

static uint32_t feature_of(uint64_t bps)
{
	for (size_t i = 0; i < RTE_DIM(speeds); i++)
		if (speeds[i].bps == bps)
			return speeds[i].feature;
	return bps > 0 ? OFPPF_OTHER : 0;
}

void openflow_port_describe(const struct bridge_port *bp, struct of_port *out)
{
	const struct port_obj *p = bp->port;
	const bool up = p->dev != NULL && __atomic_load_n(&p->dev->link_up, __ATOMIC_RELAXED);
	const uint64_t bps = link_bps(p);

	*out = (struct of_port){.no = bp->of_no, .config = flow_switch_port_config_get(bp)};
	out->state = up && p->admin_up ? OFPPS_LIVE : OFPPS_LINK_DOWN;
	if (p->dev != NULL)
		memcpy(out->mac, p->dev->mac.addr_bytes, sizeof(out->mac));
	memcpy(out->name, p->name, strnlen(p->name, sizeof(out->name) - 1));
	out->curr = out->supported = feature_of(bps);
	out->curr_kbps = out->max_kbps = (uint32_t)RTE_MIN(bps / 1000, (uint64_t)UINT32_MAX);
}

int openflow_port_next(void *sw, struct of_cursor *c, struct of_port *out)
{
	const struct bridge_port *bp = flow_switch_port_after(sw, (uint32_t)c->at[0]);

	if (bp == NULL)
		return 0;
	c->at[0] = bp->of_no + 1u;
	openflow_port_describe(bp, out);
	return 1;
}

static void port_stats(const struct bridge_port *bp, struct of_port_stats *out)
{
	struct port_counters n;
	struct port_dev_stats dev;

	stats_port_since_clear(bp->port, &n, &dev);
	*out = (struct of_port_stats){.no = bp->of_no,
				      .rx_packets = n.rx_packets,
				      .tx_packets = n.tx_packets,
				      .rx_bytes = n.rx_bytes,
				      .tx_bytes = n.tx_bytes,
				      .rx_dropped = dev.rx_missed,
				      .rx_errors = dev.rx_errors,
				      .tx_errors = dev.tx_errors,
				      .duration_ns = flow_now_ns() - bp->of_since_ns};
	for (unsigned int i = 0; i < DROP_COUNT; i++)
		*(i <= DROP_INGRESS_LAST ? &out->rx_dropped : &out->tx_dropped) += n.drops[i];
}

int openflow_port_stats_next(void *sw, uint32_t port, struct of_cursor *c, struct of_port_stats *out,
			     struct flow_error *e)
{
	const bool all = port == FLOW_PORT_ANY;
	const struct bridge_port *bp;
	struct fault f;

	if (!all && flow_switch_port(sw, port) == NULL)
		return flow_error_int(e, OFPBRC_BAD_PORT, "port", port, "a port of the bridge",
				      "there is no such port");
	if (c->at[0] == 0) {
		// Of a worker that does not answer, what it said last is shown.
		stats_take(&f);
		c->at[0] = all ? 1 : port;
	}
	bp = flow_switch_port_after(sw, (uint32_t)c->at[0]);
	if (bp == NULL || (!all && bp->of_no != port))
		return 0;
	c->at[0] = bp->of_no + 1u;
	port_stats(bp, out);
	return 1;
}

// --- queues: there are none ------------------------------------------------------------------------------------------

static int queue_port_check(const struct flow_bridge *fb, uint32_t port, struct flow_error *e)
{
	if (port == FLOW_PORT_ANY || flow_switch_port(fb, port) != NULL)
		return 0;
	return flow_error_int(e, OFPQOFC_BAD_PORT, "port", port, "a port of the bridge", "there is no such port");
}

int openflow_queue_next(void *sw, uint32_t port, struct of_cursor *c, struct of_queue *out, struct flow_error *e)
{
	return queue_port_check(sw, port, e);
}

int openflow_queue_stats_next(void *sw, uint32_t port, uint32_t queue, struct of_cursor *c, struct of_queue_stats *out,
			      struct flow_error *e)
{
	const int rc = queue_port_check(sw, port, e);

	if (rc < 0 || queue == FLOW_QUEUE_ALL)
		return rc;
	return flow_error_int(e, OFPQOFC_BAD_QUEUE, "queue", queue, NULL, "the port has no such queue");
}

int openflow_port_mod(void *sw, const struct of_port_mod *m, struct flow_error *e)
{
	struct bridge_port *bp = flow_switch_port(sw, m->port);
	struct of_port is;

	if (bp == NULL)
		return flow_error_int(e, OFPPMFC_BAD_PORT, "port", m->port, "a port of the bridge",
				      "there is no such port");
	openflow_port_describe(bp, &is);
	if (memcmp(is.mac, m->mac, sizeof(is.mac)) != 0)
		return flow_error_set(e, OFPPMFC_BAD_HW_ADDR, "mac", NULL, "the port's address",
				      "port %s has another address", bp->port->name);
	if (m->advertise != 0 && m->advertise != is.advertised)
		return flow_error_int(e, OFPPMFC_BAD_ADVERTISE, "advertise", m->advertise, "0",
				      "what a port advertises cannot be changed");
	return flow_switch_port_config(sw, bp, m->config, m->mask, e);
}
