/* SPDX-License-Identifier: BSD-3-Clause */
// The ports, queues and tables of the model.
#include "of_model.h"

#include <stdio.h>
#include <string.h>

#include "../../control/openflow/ofp.h"

bool model_port_known(uint32_t port)
{
	return port == FLOW_PORT_LOCAL || (port >= 1 && port <= MODEL_PORTS);
}

// The walk over ports is 1, 2, 3, LOCAL.
static uint32_t port_at(uint64_t i)
{
	return i < MODEL_PORTS ? (uint32_t)i + 1 : FLOW_PORT_LOCAL;
}

int model_port_next(void *sw, struct of_cursor *c, struct of_port *out)
{
	const struct model *m = sw;

	if (c->at[0] > MODEL_PORTS)
		return 0;
	*out = (struct of_port){.no = port_at(c->at[0]),
				.mac = {2, 0, 0, 0, 0, (uint8_t)c->at[0]},
				.config = m->port_config[c->at[0]],
				.state = OFPPS_LIVE,
				.curr = OFPPF_10GB_FD | OFPPF_FIBER,
				.advertised = OFPPF_10GB_FD,
				.supported = OFPPF_10GB_FD | OFPPF_AUTONEG,
				.peer = OFPPF_10GB_FD,
				.curr_kbps = 10000000,
				.max_kbps = 10000000};
	snprintf(out->name, sizeof(out->name), "port%u", (unsigned int)c->at[0]++);
	return 1;
}

int model_port_stats_next(void *sw, uint32_t port, struct of_cursor *c, struct of_port_stats *out, struct flow_error *e)
{
	if (port != FLOW_PORT_ANY && !model_port_known(port))
		return flow_error_int(e, OFPBRC_BAD_PORT, "port", port, NULL, "no such port");
	while (port != FLOW_PORT_ANY && c->at[0] <= MODEL_PORTS && port_at(c->at[0]) != port)
		c->at[0]++;
	if (c->at[0] > MODEL_PORTS)
		return 0;
	*out = (struct of_port_stats){.no = port_at(c->at[0]++), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 3000000001};
	return 1;
}

static int queue_port_check(uint32_t port, struct flow_error *e)
{
	if (port == FLOW_PORT_ANY || model_port_known(port))
		return 0;
	return flow_error_int(e, OFPQOFC_BAD_PORT, "port", port, NULL, "no such port");
}

int model_queue_next(void *sw, uint32_t port, struct of_cursor *c, struct of_queue *out, struct flow_error *e)
{
	const int rc = queue_port_check(port, e);

	if (rc < 0 || c->at[0] == MODEL_QUEUES || (port != 1 && port != FLOW_PORT_ANY))
		return rc;
	*out = (struct of_queue){
		.port = 1, .queue = (uint32_t)c->at[0], .min_rate = c->at[0] == 0 ? UINT16_MAX : 100, .max_rate = 500};
	c->at[0]++;
	return 1;
}

int model_queue_stats_next(void *sw, uint32_t port, uint32_t queue, struct of_cursor *c, struct of_queue_stats *out,
			   struct flow_error *e)
{
	const int rc = queue_port_check(port, e);

	if (rc < 0)
		return rc;
	if (queue != FLOW_QUEUE_ALL && (queue >= MODEL_QUEUES || (port != 1 && port != FLOW_PORT_ANY)))
		return flow_error_int(e, OFPQOFC_BAD_QUEUE, "queue", queue, NULL, "no such queue");
	if (c->at[0] == 0 && queue != FLOW_QUEUE_ALL)
		c->at[0] = queue;
	if (c->at[0] >= MODEL_QUEUES || (queue != FLOW_QUEUE_ALL && c->at[0] > queue) ||
	    (port != 1 && port != FLOW_PORT_ANY))
		return 0;
	*out = (struct of_queue_stats){1, (uint32_t)c->at[0]++, 11, 12, 13, 4000000002};
	return 1;
}

int model_table_next(void *sw, struct of_cursor *c, struct of_table *out)
{
	const struct model *m = sw;

	if (c->at[0] >= MODEL_TABLES)
		return 0;
	*out = (struct of_table){.table = (uint8_t)c->at[0],
				 .max_entries = MODEL_FLOWS_MAX,
				 .lookups = 100,
				 .matches = 90,
				 .metadata_match = UINT64_MAX,
				 .metadata_write = UINT64_MAX};
	memcpy(out->name, m->table_names[c->at[0]], sizeof(out->name));
	for (const struct model_flow *f = m->flows; f != NULL; f = f->next)
		out->active += f->flow.table == c->at[0];
	c->at[0]++;
	return 1;
}

int model_port_mod(void *sw, const struct of_port_mod *mod, struct flow_error *e)
{
	struct model *m = sw;
	const uint32_t i = mod->port == FLOW_PORT_LOCAL ? MODEL_PORTS : mod->port - 1;
	const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)i};

	if (!model_port_known(mod->port))
		return flow_error_int(e, OFPPMFC_BAD_PORT, "port", mod->port, NULL, "no such port");
	if (memcmp(mac, mod->mac, sizeof(mac)) != 0)
		return flow_error_set(e, OFPPMFC_BAD_HW_ADDR, "mac", NULL, NULL, "the port has another address");
	m->changes++;
	m->dirty = true;
	m->port_config[i] = (m->port_config[i] & ~mod->mask) | (mod->config & mod->mask);
	return 0;
}

int model_table_mod(void *sw, uint8_t table, uint32_t flags, struct flow_error *e)
{
	((struct model *)sw)->changes++;
	((struct model *)sw)->dirty = true;
	return 0;
}

int model_table_features(void *sw, const struct of_table_config *tables, unsigned int n, struct flow_error *e)
{
	struct model *m = sw;

	for (unsigned int i = 0; i < n; i++)
		if (tables[i].metadata_match != UINT64_MAX || tables[i].metadata_write != UINT64_MAX)
			return flow_error_set(e, OFPTFFC_BAD_METADATA, "metadata", NULL, NULL, "all bits, always");
	for (unsigned int i = 0; i < n; i++)
		memcpy(m->table_names[tables[i].table], tables[i].name, sizeof(tables[i].name));
	m->changes++;
	m->dirty = true;
	return 0;
}
