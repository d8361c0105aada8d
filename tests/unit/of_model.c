/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/openflow/ofp.h"

static const struct of_counter counters[GROUP_BYTES_MAX / 16] = {{1000, 64000}, {2000, 128000}};

static void features(void *sw, struct of_features *out)
{
	*out = (struct of_features){.datapath_id = 0x0000123456789abc,
				    .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
						    OFPC_GROUP_STATS | OFPC_QUEUE_STATS,
				    .tables = MODEL_TABLES};
}

static void desc(void *sw, struct of_desc *out)
{
	*out = (struct of_desc){.manufacturer = "Sluice",
				.hardware = "model",
				.software = "1",
				.serial = "none",
				.datapath = "a switch without packets"};
}

static uint16_t config(void *sw)
{
	return ((struct model *)sw)->config;
}

static int set_config(void *sw, uint16_t flags, struct flow_error *e)
{
	if (flags == OFPC_FRAG_REASM)
		return flow_error_int(e, OFPSCFC_BAD_FLAGS, "flags", flags, "0 or 1", "fragments are not put together");
	((struct model *)sw)->config = flags;
	return 0;
}

// --- flows -----------------------------------------------------------------------------------------------------------

static bool words_match(const struct flow_key *a, const struct flow_key *b, const struct flow_key *mask)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((a->word[i] ^ b->word[i]) & mask->word[i])
			return false;
	return true;
}

// Whether every packet of `narrow` is one of `wide`.
static bool covers(const struct flow_match *wide, const struct flow_match *narrow)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if (wide->mask.word[i] & ~narrow->mask.word[i])
			return false;
	return words_match(&wide->key, &narrow->key, &wide->mask);
}

static bool overlaps(const struct flow_match *a, const struct flow_match *b)
{
	struct flow_key both;

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		both.word[i] = a->mask.word[i] & b->mask.word[i];
	return words_match(&a->key, &b->key, &both);
}

static bool query_takes(const struct of_flow_query *q, const struct of_flow *f)
{
	return (q->table == FLOW_TABLE_ALL || q->table == f->table) &&
	       ((f->cookie ^ q->cookie) & q->cookie_mask) == 0 && covers(&q->match, &f->match) &&
	       flow_instructions_output_to(f->instructions, q->out_port, q->out_group);
}

static bool mod_takes(const struct flow_mod *m, const struct of_flow *f)
{
	const bool strict = m->command == FLOW_MODIFY_STRICT || m->command == FLOW_DELETE_STRICT;
	const struct of_flow_query q = {.table = m->table,
					.out_port = m->out_port,
					.out_group = m->out_group,
					.cookie = m->cookie,
					.cookie_mask = m->cookie_mask,
					.match = m->match};

	if (strict && (f->priority != m->priority || !flow_match_equal(&f->match, &m->match)))
		return false;
	return query_takes(&q, f);
}

static bool group_known(const struct model *m, uint32_t group)
{
	for (const struct model_group *g = m->groups; g != NULL; g = g->next)
		if (g->mod.group == group)
			return true;
	return false;
}

static bool meter_known(const struct model *m, uint32_t meter)
{
	for (const struct model_meter *x = m->meters; x != NULL; x = x->next)
		if (x->mod.meter == meter)
			return true;
	return false;
}

static int actions_known(const struct model *m, const struct flow_actions *a, struct flow_error *e)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct flow_action *action = &a->v[i];

		if (action->type == FLOW_ACTION_GROUP && !group_known(m, action->arg))
			return flow_error_int(e, OFPBAC_BAD_OUT_GROUP, "actions", action->arg, NULL, "no such group");
		if (action->type == FLOW_ACTION_OUTPUT && action->arg <= FLOW_PORT_MAX &&
		    !model_port_known(action->arg))
			return flow_error_int(e, OFPBAC_BAD_OUT_PORT, "actions", action->arg, NULL, "no such port");
	}
	return 0;
}

static int references_known(const struct model *m, const struct flow_instructions *i, struct flow_error *e)
{
	int rc = actions_known(m, &i->apply, e);

	if (rc == 0)
		rc = actions_known(m, &i->write, e);
	if (rc == 0 && (i->has & FLOW_INST_GOTO) && i->goto_table >= MODEL_TABLES)
		return flow_error_int(e, OFPBIC_BAD_TABLE_ID, "goto_table", i->goto_table, NULL, "no such table");
	if (rc == 0 && (i->has & FLOW_INST_METER) && !meter_known(m, i->meter))
		return flow_error_int(e, OFPMMFC_INVALID_METER, "meter", i->meter, NULL, "no such meter");
	return rc;
}

static void flow_remove(struct model *m, struct model_flow **at, uint8_t reason)
{
	struct model_flow *f = *at;

	*at = f->next;
	if ((f->flow.flags & FLOW_SEND_FLOW_REM) && m->on_removed != NULL)
		m->on_removed(m, &(struct of_flow_removed){.flow = f->flow, .reason = reason}, m->arg);
	flow_instructions_clear(&f->instructions);
	free(f);
}

static void instructions_set(struct model_flow *f, const struct flow_instructions *i)
{
	flow_instructions_clear(&f->instructions);
	if (flow_instructions_copy(&f->instructions, i) < 0)
		abort();
}

static int flow_add(struct model *m, const struct flow_mod *mod, struct flow_error *e)
{
	struct model_flow **end = &m->flows, *f;
	unsigned int count = 0;

	for (f = m->flows; f != NULL; f = f->next) {
		if (f->flow.table != mod->table)
			continue;
		count++;
		if ((mod->flags & FLOW_CHECK_OVERLAP) && f->flow.priority == mod->priority &&
		    overlaps(&f->flow.match, &mod->match))
			return flow_error_set(e, OFPFMFC_OVERLAP, "match", NULL, NULL, "another entry overlaps");
	}
	if (count >= MODEL_FLOWS_MAX)
		return flow_error_set(e, OFPFMFC_TABLE_FULL, "table", NULL, NULL, "the table is full");
	while (*end != NULL) {
		if ((*end)->flow.table == mod->table && (*end)->flow.priority == mod->priority &&
		    flow_match_equal(&(*end)->flow.match, &mod->match)) {
			f = *end;
			*end = f->next;
			flow_instructions_clear(&f->instructions);
			free(f);
			continue;
		}
		end = &(*end)->next;
	}
	f = aligned_alloc(_Alignof(struct model_flow), sizeof(*f));
	if (f == NULL)
		abort();
	*f = (struct model_flow){.id = ++m->next_id};
	f->flow = (struct of_flow){.table = mod->table,
				   .priority = mod->priority,
				   .idle_timeout = mod->idle_timeout,
				   .hard_timeout = mod->hard_timeout,
				   .flags = mod->flags,
				   .cookie = mod->cookie,
				   .duration_ns = 1500000000,
				   .packets = 7,
				   .bytes = 448,
				   .match = mod->match,
				   .instructions = &f->instructions};
	instructions_set(f, &mod->instructions);
	*end = f;
	return 0;
}

static int flow_mod(void *sw, const struct flow_mod *mod, struct flow_error *e)
{
	struct model *m = sw;
	const bool is_delete = mod->command == FLOW_DELETE || mod->command == FLOW_DELETE_STRICT;
	struct model_flow **at = &m->flows;
	int rc;

	if (mod->table >= MODEL_TABLES && mod->table != FLOW_TABLE_ALL)
		return flow_error_int(e, OFPFMFC_BAD_TABLE_ID, "table", mod->table, NULL, "no such table");
	rc = is_delete ? 0 : references_known(m, &mod->instructions, e);
	if (rc < 0)
		return rc;
	m->changes++;
	m->dirty = true;
	if (mod->command == FLOW_ADD)
		return flow_add(m, mod, e);
	while (*at != NULL) {
		if (mod_takes(mod, &(*at)->flow) && is_delete) {
			flow_remove(m, at, OFPRR_DELETE);
			continue;
		}
		if (mod_takes(mod, &(*at)->flow))
			instructions_set(*at, &mod->instructions);
		at = &(*at)->next;
	}
	return 0;
}

static int flow_next(void *sw, const struct of_flow_query *q, struct of_cursor *c, struct of_flow *out)
{
	for (const struct model_flow *f = ((struct model *)sw)->flows; f != NULL; f = f->next) {
		if (f->id <= c->at[0] || !query_takes(q, &f->flow))
			continue;
		c->at[0] = f->id;
		*out = f->flow;
		return 1;
	}
	return 0;
}

static void aggregate(void *sw, const struct of_flow_query *q, struct of_aggregate *out)
{
	struct of_cursor c = {.at = {0}};
	struct of_flow f;

	while (flow_next(sw, q, &c, &f) > 0) {
		out->packets += f.packets;
		out->bytes += f.bytes;
		out->flows++;
	}
}

// --- groups and meters -----------------------------------------------------------------------------------------------

static int group_mod(void *sw, const struct group_mod *mod, struct flow_error *e)
{
	struct model *m = sw;
	struct model_group **at = &m->groups, *g;
	int rc = 0;

	while (*at != NULL && (*at)->mod.group < mod->group)
		at = &(*at)->next;
	const bool known = *at != NULL && (*at)->mod.group == mod->group;
	if (mod->command == GROUP_ADD && known)
		return flow_error_int(e, OFPGMFC_GROUP_EXISTS, "group", mod->group, NULL, "the group is there");
	if (mod->command == GROUP_MODIFY && !known)
		return flow_error_int(e, OFPGMFC_UNKNOWN_GROUP, "group", mod->group, NULL, "no such group");
	for (uint32_t i = 0; rc == 0 && i < mod->nbuckets; i++)
		rc = actions_known(m, &mod->buckets[i].actions, e);
	if (rc < 0)
		return rc;
	m->changes++;
	m->dirty = true;
	if (mod->command == GROUP_DELETE && mod->group == FLOW_GROUP_ALL)
		at = &m->groups;
	while ((known && *at != NULL && (*at)->mod.group == mod->group) ||
	       (mod->command == GROUP_DELETE && mod->group == FLOW_GROUP_ALL && *at != NULL)) {
		g = *at;
		*at = g->next;
		group_mod_clear(&g->mod);
		free(g);
	}
	if (mod->command == GROUP_DELETE)
		return 0;
	g = calloc(1, sizeof(*g));
	if (g == NULL || group_mod_copy(&g->mod, mod) < 0)
		abort();
	g->next = *at;
	*at = g;
	return 0;
}

static int group_next(void *sw, uint32_t group, struct of_cursor *c, struct of_group *out)
{
	for (const struct model_group *g = ((struct model *)sw)->groups; g != NULL; g = g->next) {
		if (g->mod.group < c->at[0] || (group != FLOW_GROUP_ALL && group != g->mod.group))
			continue;
		c->at[0] = (uint64_t)g->mod.group + 1;
		*out = (struct of_group){.mod = &g->mod,
					 .references = 1,
					 .all = {3000, 192000},
					 .parts = counters,
					 .duration_ns = 2000000001};
		return 1;
	}
	return 0;
}

static int meter_mod(void *sw, const struct meter_mod *mod, struct flow_error *e)
{
	struct model *m = sw;
	struct model_meter **at = &m->meters, *x;

	while (*at != NULL && (*at)->mod.meter < mod->meter)
		at = &(*at)->next;
	const bool known = *at != NULL && (*at)->mod.meter == mod->meter;
	if (mod->command == METER_ADD && known)
		return flow_error_int(e, OFPMMFC_METER_EXISTS, "meter", mod->meter, NULL, "the meter is there");
	if (mod->command == METER_MODIFY && !known)
		return flow_error_int(e, OFPMMFC_UNKNOWN_METER, "meter", mod->meter, NULL, "no such meter");
	m->changes++;
	m->dirty = true;
	if (mod->command == METER_DELETE && mod->meter == FLOW_METER_ALL)
		at = &m->meters;
	while (*at != NULL && ((known && (*at)->mod.meter == mod->meter) || mod->meter == FLOW_METER_ALL)) {
		x = *at;
		*at = x->next;
		free(x);
	}
	if (mod->command == METER_DELETE)
		return 0;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		abort();
	x->mod = *mod;
	x->next = *at;
	*at = x;
	return 0;
}

static int meter_next(void *sw, uint32_t meter, struct of_cursor *c, struct of_meter *out, struct flow_error *e)
{
	for (const struct model_meter *m = ((struct model *)sw)->meters; m != NULL; m = m->next) {
		if (m->mod.meter < c->at[0] || (meter != FLOW_METER_ALL && meter != m->mod.meter))
			continue;
		c->at[0] = (uint64_t)m->mod.meter + 1;
		*out = (struct of_meter){.mod = &m->mod,
					 .references = 1,
					 .all = {3000, 192000},
					 .parts = counters,
					 .duration_ns = 2000000001};
		return 1;
	}
	if (meter != FLOW_METER_ALL && c->at[0] == 0)
		return flow_error_int(e, OFPMMFC_UNKNOWN_METER, "meter", meter, NULL, "no such meter");
	return 0;
}

static void group_features(void *sw, struct of_group_features *out)
{
	*out = (struct of_group_features){.types = 0xf,
					  .capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_CHAINING,
					  .max_groups = {100, 200, 300, 400},
					  .actions = {0x0fff9801, 0x0fff9801, 0x0fff9801, 0x0fff9801}};
}

static void meter_features(void *sw, struct of_meter_features *out)
{
	*out = (struct of_meter_features){.max_meter = 1000,
					  .band_types = 1u << METER_DROP | 1u << METER_DSCP_REMARK,
					  .capabilities = METER_FLAGS_ALL,
					  .max_bands = METER_BANDS_MAX};
}

static void flush(void *sw)
{
	((struct model *)sw)->flushes++;
	((struct model *)sw)->dirty = false;
}

// Stops at what fails; what came before it stays.
static int bundle(void *sw, const struct of_change *(*next)(void *arg), void *arg, struct flow_error *e)
{
	const struct of_change *c;
	int rc = 0;

	while (rc == 0 && (c = next(arg)) != NULL) {
		if (c->flow != NULL)
			rc = flow_mod(sw, c->flow, e);
		else if (c->group != NULL)
			rc = group_mod(sw, c->group, e);
		else if (c->meter != NULL)
			rc = meter_mod(sw, c->meter, e);
	}
	flush(sw);
	return rc;
}

// --- the rest --------------------------------------------------------------------------------------------------------

static int packet_out(void *sw, const struct of_packet_out *p, struct flow_error *e)
{
	struct model *m = sw;
	int rc = actions_known(m, &p->actions, e);

	if (rc < 0)
		return rc;
	if (m->dirty)
		abort(); // a packet must see the changes that came before it
	m->packet_outs++;
	flow_actions_clear(&m->last_out.actions);
	m->last_out = *p;
	if (flow_actions_copy(&m->last_out.actions, &p->actions) < 0)
		abort();
	m->last_out.size = p->size < sizeof(m->last_data) ? p->size : sizeof(m->last_data);
	m->last_out.data = memcpy(m->last_data, p->data, m->last_out.size);
	if (m->on_packet_out != NULL)
		m->on_packet_out(m, m->arg);
	return 0;
}

static void answer(struct model *m, void (*done)(void *arg), void *arg)
{
	if (!m->hold_barriers) {
		done(arg);
		return;
	}
	m->held_done = done;
	m->held_arg = arg;
}

static void barrier(void *sw, void (*done)(void *arg), void *arg)
{
	struct model *m = sw;

	if (m->dirty || m->held_done != NULL)
		abort(); // what came before it is published, and one session has one barrier
	m->barriers++;
	answer(m, done, arg);
}

static void counts(void *sw, void (*done)(void *arg), void *arg)
{
	((struct model *)sw)->counted++;
	answer(sw, done, arg);
}

void model_barrier_release(struct model *m)
{
	void (*done)(void *arg) = m->held_done;

	m->held_done = NULL;
	if (done != NULL)
		done(m->held_arg);
}

static void connected(void *sw, bool any)
{
	((struct model *)sw)->connected = any;
}

void model_clear(struct model *m)
{
	const struct meter_mod meters = {.command = METER_DELETE, .meter = FLOW_METER_ALL};
	const struct group_mod groups = {.command = GROUP_DELETE, .group = FLOW_GROUP_ALL};

	m->on_removed = NULL;
	while (m->flows != NULL)
		flow_remove(m, &m->flows, OFPRR_DELETE);
	group_mod(m, &groups, NULL);
	meter_mod(m, &meters, NULL);
	flow_actions_clear(&m->last_out.actions);
	model_barrier_release(m);
}

const struct of_switch_ops model_ops = {
	.features = features,
	.desc = desc,
	.config = config,
	.set_config = set_config,
	.flow_mod = flow_mod,
	.group_mod = group_mod,
	.meter_mod = meter_mod,
	.bundle = bundle,
	.port_mod = model_port_mod,
	.table_mod = model_table_mod,
	.table_features = model_table_features,
	.packet_out = packet_out,
	.flush = flush,
	.barrier = barrier,
	.counts = counts,
	.flow_next = flow_next,
	.aggregate = aggregate,
	.table_next = model_table_next,
	.port_next = model_port_next,
	.port_stats_next = model_port_stats_next,
	.queue_next = model_queue_next,
	.queue_stats_next = model_queue_stats_next,
	.group_next = group_next,
	.meter_next = meter_next,
	.group_features = group_features,
	.meter_features = meter_features,
	.connected = connected,
};
