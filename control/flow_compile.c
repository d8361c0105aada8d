/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../datapath/flow.h"

// What rewrites, by type of action; 0 stands for those that do not.
static const uint8_t rewrites[FLOW_ACTION_TYPES] = {
	[FLOW_ACTION_COPY_TTL_OUT] = FLOW_OP_COPY_TTL_OUT, [FLOW_ACTION_COPY_TTL_IN] = FLOW_OP_COPY_TTL_IN,
	[FLOW_ACTION_SET_MPLS_TTL] = FLOW_OP_SET_MPLS_TTL, [FLOW_ACTION_DEC_MPLS_TTL] = FLOW_OP_DEC_MPLS_TTL,
	[FLOW_ACTION_PUSH_VLAN] = FLOW_OP_PUSH_VLAN,       [FLOW_ACTION_POP_VLAN] = FLOW_OP_POP_VLAN,
	[FLOW_ACTION_PUSH_MPLS] = FLOW_OP_PUSH_MPLS,       [FLOW_ACTION_POP_MPLS] = FLOW_OP_POP_MPLS,
	[FLOW_ACTION_SET_NW_TTL] = FLOW_OP_SET_NW_TTL,     [FLOW_ACTION_DEC_NW_TTL] = FLOW_OP_DEC_NW_TTL,
	[FLOW_ACTION_SET_FIELD] = FLOW_OP_SET_FIELD,       [FLOW_ACTION_PUSH_PBB] = FLOW_OP_PUSH_PBB,
	[FLOW_ACTION_POP_PBB] = FLOW_OP_POP_PBB,
};

static int output_check(uint32_t port, struct flow_error *e)
{
	if (port < FLOW_PORT_NUMBERS || port > FLOW_PORT_MAX)
		return 0;
	return flow_error_int(e, OFPBAC_BAD_OUT_PORT, "actions", port, "1..16383, or a reserved port",
			      "no port will ever have this number");
}

static int act_make(struct flow_bridge *fb, const struct flow_action *a, struct flow_act *act, struct flow_error *e)
{
	// Compared and hashed as bytes by whoever shares lists.
	memset(act, 0, sizeof(*act));
	act->op.arg = a->arg;
	switch (a->type) {
	case FLOW_ACTION_OUTPUT:
		act->type = FLOW_ACT_OUTPUT;
		act->max_len = a->max_len;
		return output_check(a->arg, e);
	case FLOW_ACTION_GROUP:
		act->type = FLOW_ACT_GROUP;
		return flow_switch_group_hold(fb, a->arg, &act->op.arg, e);
	case FLOW_ACTION_SET_QUEUE:
		act->type = FLOW_ACT_QUEUE;
		return 0;
	default:
		act->type = FLOW_ACT_REWRITE;
		act->op.type = rewrites[a->type];
		act->op.field = a->field;
		act->op.value = a->value;
		return 0;
	}
}

static void release(struct flow_bridge *fb, const struct flow_actions *a, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a->v[i].type == FLOW_ACTION_GROUP)
			flow_switch_group_release(fb, a->v[i].arg);
}

void flow_compile_release(struct flow_bridge *fb, const struct flow_actions *a)
{
	release(fb, a, a->n);
}

int flow_compile_acts(struct flow_bridge *fb, const struct flow_actions *a, struct flow_act *act, struct flow_error *e)
{
	for (uint32_t i = 0; i < a->n; i++) {
		int rc = act_make(fb, &a->v[i], &act[i], e);

		if (rc < 0) {
			release(fb, a, i);
			return rc;
		}
	}
	return 0;
}

static size_t acts_size(const struct flow_actions *a)
{
	return a->n > 0 ? sizeof(struct flow_acts) + a->n * sizeof(struct flow_act) : 0;
}

static int compile_lists(struct flow_bridge *fb, const struct flow_instructions *i, struct flow_entry *entry,
			 struct flow_error *e)
{
	struct flow_acts *apply = (struct flow_acts *)(entry + 1);
	struct flow_acts *write = (struct flow_acts *)((char *)apply + acts_size(&i->apply));
	int rc = 0;

	if (i->apply.n > 0) {
		rc = flow_compile_acts(fb, &i->apply, apply->act, e);
		apply->n = i->apply.n;
		entry->apply = apply;
	}
	if (rc == 0 && i->write.n > 0) {
		rc = flow_compile_acts(fb, &i->write, write->act, e);
		if (rc < 0)
			flow_compile_release(fb, &i->apply);
		else
			write->n = flow_acts_set(write->act, i->write.n);
		entry->write = write;
	}
	return rc;
}

int flow_compile_entry(struct flow_bridge *fb, const struct flow_mod *m, uint32_t number, struct flow_entry **out,
		       struct flow_error *e)
{
	const struct flow_instructions *i = &m->instructions;
	struct flow_entry *entry;
	int rc;

	entry = calloc(1, sizeof(*entry) + acts_size(&i->apply) + acts_size(&i->write));
	if (entry == NULL)
		return flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for another flow entry");
	entry->number = number;
	entry->table = m->table;
	entry->goto_table = i->has & FLOW_INST_GOTO ? i->goto_table : FLOW_NO_TABLE;
	entry->clear = i->has & FLOW_INST_CLEAR;
	entry->miss = m->priority == 0 && flow_key_words(&m->match.mask) == 0;
	entry->cookie = m->cookie;
	entry->metadata = i->metadata;
	entry->metadata_mask = i->metadata_mask;
	rc = compile_lists(fb, i, entry, e);
	if (rc == 0 && (i->has & FLOW_INST_METER)) {
		rc = flow_switch_meter_hold(fb, i->meter, &entry->meter, e);
		if (rc < 0) {
			flow_compile_release(fb, &i->apply);
			flow_compile_release(fb, &i->write);
		}
	}
	if (rc < 0)
		free(entry);
	else
		*out = entry;
	return rc;
}

void flow_compile_entry_release(struct flow_bridge *fb, const struct flow_instructions *i)
{
	flow_compile_release(fb, &i->apply);
	flow_compile_release(fb, &i->write);
	if (i->has & FLOW_INST_METER)
		flow_switch_meter_release(fb, i->meter);
}

static void hold(struct flow_bridge *fb, const struct flow_actions *a)
{
	uint32_t number;

	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].type == FLOW_ACTION_GROUP)
			flow_switch_group_hold(fb, a->v[i].arg, &number, NULL);
}

void flow_compile_entry_hold(struct flow_bridge *fb, const struct flow_instructions *i)
{
	uint32_t number;

	hold(fb, &i->apply);
	hold(fb, &i->write);
	if (i->has & FLOW_INST_METER)
		flow_switch_meter_hold(fb, i->meter, &number, NULL);
}
