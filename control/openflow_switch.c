/* SPDX-License-Identifier: BSD-3-Clause */
// What a bridge in mode flow does for its controllers: struct of_switch_ops on the objects that JSON works on, too.
#include <stdio.h>
#include <string.h>

#include <rte_version.h>

#include "flow_ctl.h"
#include "group_live.h"
#include "objects.h"
#include "openflow.h"
#include "openflow/ofp.h"

// Every action of 1.3.
#define ALL_ACTIONS                                                                                                    \
	(1u << FLOW_ACTION_OUTPUT | 3u << FLOW_ACTION_COPY_TTL_OUT |                                                   \
	 ((1u << FLOW_ACTION_TYPES) - (1u << FLOW_ACTION_SET_MPLS_TTL)))

static void features(void *sw, struct of_features *out)
{
	const struct flow_bridge *fb = sw;

	*out = (struct of_features){.datapath_id = fb->datapath_id,
				    .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
						    OFPC_GROUP_STATS | OFPC_QUEUE_STATS,
				    .tables = FLOW_TABLES};
}

static void desc(void *sw, struct of_desc *out)
{
	const struct flow_bridge *fb = sw;

	*out = (struct of_desc){.manufacturer = "Sluice", .serial = "None"};
	snprintf(out->hardware, sizeof(out->hardware), "%s", rte_version());
	snprintf(out->software, sizeof(out->software), "%s", SLUICE_VERSION);
	snprintf(out->datapath, sizeof(out->datapath), "%s", fb->bridge->name);
}

static uint16_t config(void *sw)
{
	return ((const struct flow_bridge *)sw)->drop_fragments ? OFPC_FRAG_DROP : OFPC_FRAG_NORMAL;
}

static int set_config(void *sw, uint16_t flags, struct flow_error *e)
{
	struct flow_bridge *fb = sw;

	if (flags == OFPC_FRAG_REASM)
		return flow_error_int(e, OFPSCFC_BAD_FLAGS, "flags", flags, "0 or 1", "fragments are not put together");
	fb->drop_fragments = flags == OFPC_FRAG_DROP;
	flow_switch_mark(fb);
	publish();
	return 0;
}

// --- changes ---------------------------------------------------------------------------------------------------------

static int flow_mod(void *sw, const struct flow_mod *m, struct flow_error *e)
{
	return flow_ctl_mod_now(sw, m, e);
}

// In a transaction of its own: what is persisted changes, too.
static int change_now(struct flow_bridge *fb, const struct group_mod *g, const struct meter_mod *m,
		      struct flow_error *e)
{
	struct txn t;
	int rc;

	// Entries that went earlier must be nobody's before what they referred to goes.
	flow_ctl_flush();
	txn_begin(&t, false);
	rc = g != NULL ? group_change(&t, fb, g, false, e) : meter_change(&t, fb, m, false, e);
	if (rc < 0) {
		txn_rollback(&t);
		return rc;
	}
	rc = txn_commit(&t, &e->fault);
	return rc < 0 ? flow_error_set(e, g != NULL ? OFPGMFC_EPERM : OFPMMFC_UNKNOWN, NULL, NULL, NULL,
				       "the change could not be kept")
		      : 0;
}

static int group_mod(void *sw, const struct group_mod *m, struct flow_error *e)
{
	return change_now(sw, m, NULL, e);
}

static int meter_mod(void *sw, const struct meter_mod *m, struct flow_error *e)
{
	return change_now(sw, NULL, m, e);
}

static int bundle_one(struct txn *t, struct flow_bridge *fb, const struct of_change *c, struct flow_error *e)
{
	if (c->flow != NULL)
		return flow_ctl_mod(t, fb, c->flow, false, NULL, e);
	if (c->group != NULL)
		return group_change(t, fb, c->group, false, e);
	if (c->meter != NULL)
		return meter_change(t, fb, c->meter, false, e);
	return flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for the message");
}

static int bundle(void *sw, const struct of_change *(*next)(void *arg), void *arg, struct flow_error *e)
{
	const struct of_change *c;
	struct txn t;
	int rc = 0;

	flow_ctl_flush();
	txn_begin(&t, false);
	while (rc == 0 && (c = next(arg)) != NULL)
		rc = bundle_one(&t, sw, c, e);
	if (rc < 0) {
		txn_rollback(&t);
		return rc;
	}
	rc = txn_commit(&t, &e->fault);
	return rc < 0 ? flow_error_set(e, OFPBFC_MSG_FAILED, NULL, NULL, NULL, "the changes could not be kept") : 0;
}

// Configuration of tables has no effect in 1.3.
static int table_mod(void *sw, uint8_t table, uint32_t flags, struct flow_error *e)
{
	return 0;
}

static int table_features(void *sw, const struct of_table_config *tables, unsigned int n, struct flow_error *e)
{
	struct flow_bridge *fb = sw;

	for (unsigned int i = 0; i < n; i++) {
		if (tables[i].metadata_match != UINT64_MAX || tables[i].metadata_write != UINT64_MAX)
			return flow_error_set(e, OFPTFFC_BAD_METADATA, "metadata", NULL, "all bits",
					      "tables match and write all bits of the metadata");
		if (tables[i].max_entries > FLOW_ENTRIES_MAX ||
		    tables[i].max_entries < flow_ctl_table_count(fb, tables[i].table))
			return flow_error_int(e, OFPTFFC_BAD_ARGUMENT, "max_entries", tables[i].max_entries,
					      "as many as the table has, to 1048576", "a table cannot be of that size");
	}
	for (unsigned int i = 0; i < n; i++) {
		struct flow_table *t = &fb->flows->table[tables[i].table];

		memcpy(t->name, tables[i].name, sizeof(t->name));
		t->max = tables[i].max_entries;
	}
	return 0;
}

static void flush(void *sw)
{
	flow_ctl_flush();
}

static void barrier(void *sw, void (*done)(void *arg), void *arg)
{
	openflow_barrier(done, arg);
}

static void counts(void *sw, void (*done)(void *arg), void *arg)
{
	openflow_counts(done, arg);
}

// --- what is there ---------------------------------------------------------------------------------------------------

static int flow_next(void *sw, const struct of_flow_query *q, struct of_cursor *c, struct of_flow *out)
{
	return flow_ctl_next(sw, q, c, out);
}

static void aggregate(void *sw, const struct of_flow_query *q, struct of_aggregate *out)
{
	flow_ctl_aggregate(sw, q, out);
}

static int table_next(void *sw, struct of_cursor *c, struct of_table *out)
{
	const struct flow_bridge *fb = sw;
	const uint8_t table = (uint8_t)c->at[0];
	struct flow_count n;

	if (c->at[0] == FLOW_TABLES)
		return 0;
	n = flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(fb->number, table));
	*out = (struct of_table){.table = table,
				 .active = flow_ctl_table_count(fb, table),
				 .max_entries = fb->flows->table[table].max,
				 .lookups = n.packets,
				 .matches = n.bytes,
				 .metadata_match = UINT64_MAX,
				 .metadata_write = UINT64_MAX};
	if (fb->flows->table[table].name[0] != '\0')
		memcpy(out->name, fb->flows->table[table].name, sizeof(out->name));
	else
		snprintf(out->name, sizeof(out->name), "table%u", table);
	c->at[0]++;
	return 1;
}

// What parts counted, as long as the agent looks at it.
static struct of_counter parts[GROUP_BUCKETS_MAX];

static int group_next(void *sw, uint32_t group, struct of_cursor *c, struct of_group *out)
{
	const struct flow_bridge *fb = sw;
	const struct group_obj *g;

	if (fb->groups == NULL || (group != FLOW_GROUP_ALL && c->at[0] != 0))
		return 0;
	g = group == FLOW_GROUP_ALL ? numbers_from(&fb->groups->groups, c->at[0]) : group_find(fb->groups, group);
	if (g == NULL)
		return 0;
	c->at[0] = (uint64_t)g->number + 1;
	for (uint32_t i = 0; i < g->mod.nbuckets; i++)
		parts[i] = group_counted(g, 1 + i);
	*out = (struct of_group){.mod = &g->mod,
				 .references = g->flows + g->groups,
				 .all = group_counted(g, 0),
				 .parts = parts,
				 .duration_ns = flow_now_ns() - g->created_ns};
	return 1;
}

static int meter_next(void *sw, uint32_t meter, struct of_cursor *c, struct of_meter *out, struct flow_error *e)
{
	const struct flow_bridge *fb = sw;
	const struct meter_obj *m = NULL;

	if (meter != FLOW_METER_ALL && c->at[0] != 0)
		return 0;
	if (fb->meters != NULL)
		m = meter == FLOW_METER_ALL ? numbers_from(&fb->meters->meters, c->at[0])
					    : meter_find(fb->meters, meter);
	if (m == NULL && meter != FLOW_METER_ALL)
		return flow_error_int(e, OFPMMFC_UNKNOWN_METER, "meter", meter, "a meter that is there",
				      "there is no such meter");
	if (m == NULL)
		return 0;
	c->at[0] = (uint64_t)m->number + 1;
	for (uint32_t i = 0; i < m->mod.nbands; i++)
		parts[i] = meter_counted(m, 1 + i);
	*out = (struct of_meter){.mod = &m->mod,
				 .references = m->flows,
				 .all = meter_counted(m, 0),
				 .parts = parts,
				 .duration_ns = flow_now_ns() - m->created_ns};
	return 1;
}

static void group_features(void *sw, struct of_group_features *out)
{
	*out = (struct of_group_features){.types = 0xf,
					  .capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS |
							  OFPGFC_CHAINING | OFPGFC_CHAINING_CHECKS,
					  .max_groups = {GROUPS_MAX, GROUPS_MAX, GROUPS_MAX, GROUPS_MAX},
					  .actions = {ALL_ACTIONS, ALL_ACTIONS, ALL_ACTIONS, ALL_ACTIONS}};
}

static void meter_features(void *sw, struct of_meter_features *out)
{
	*out = (struct of_meter_features){.max_meter = METERS_MAX,
					  .band_types = 1u << METER_DROP | 1u << METER_DSCP_REMARK,
					  .capabilities = METER_FLAGS_ALL,
					  .max_bands = METER_BANDS_MAX};
}

static void connected(void *sw, bool any)
{
	openflow_connected(sw, any);
}

const struct of_switch_ops openflow_switch_ops = {
	.features = features,
	.desc = desc,
	.config = config,
	.set_config = set_config,
	.flow_mod = flow_mod,
	.group_mod = group_mod,
	.meter_mod = meter_mod,
	.bundle = bundle,
	.port_mod = openflow_port_mod,
	.table_mod = table_mod,
	.table_features = table_features,
	.packet_out = openflow_packet_out,
	.flush = flush,
	.barrier = barrier,
	.counts = counts,
	.flow_next = flow_next,
	.aggregate = aggregate,
	.table_next = table_next,
	.port_next = openflow_port_next,
	.port_stats_next = openflow_port_stats_next,
	.queue_next = openflow_queue_next,
	.queue_stats_next = openflow_queue_stats_next,
	.group_next = group_next,
	.meter_next = meter_next,
	.group_features = group_features,
	.meter_features = meter_features,
	.connected = connected,
};
