/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_action.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *flow_action_name(uint8_t type)
{
	static const char *const names[FLOW_ACTION_TYPES] = {
		[FLOW_ACTION_OUTPUT] = "output",
		[FLOW_ACTION_COPY_TTL_OUT] = "copy_ttl_out",
		[FLOW_ACTION_COPY_TTL_IN] = "copy_ttl_in",
		[FLOW_ACTION_SET_MPLS_TTL] = "set_mpls_ttl",
		[FLOW_ACTION_DEC_MPLS_TTL] = "dec_mpls_ttl",
		[FLOW_ACTION_PUSH_VLAN] = "push_vlan",
		[FLOW_ACTION_POP_VLAN] = "pop_vlan",
		[FLOW_ACTION_PUSH_MPLS] = "push_mpls",
		[FLOW_ACTION_POP_MPLS] = "pop_mpls",
		[FLOW_ACTION_SET_QUEUE] = "set_queue",
		[FLOW_ACTION_GROUP] = "group",
		[FLOW_ACTION_SET_NW_TTL] = "set_nw_ttl",
		[FLOW_ACTION_DEC_NW_TTL] = "dec_nw_ttl",
		[FLOW_ACTION_SET_FIELD] = "set_field",
		[FLOW_ACTION_PUSH_PBB] = "push_pbb",
		[FLOW_ACTION_POP_PBB] = "pop_pbb",
	};

	return type < FLOW_ACTION_TYPES ? names[type] : NULL;
}

struct flow_action *flow_actions_add(struct flow_actions *a)
{
	if (a->n == a->size) {
		const uint32_t size = a->size > 0 ? 2 * a->size : 4;
		struct flow_action *grown = realloc(a->v, size * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		a->v = grown;
		a->size = size;
	}
	a->v[a->n] = (struct flow_action){.type = 0};
	return &a->v[a->n++];
}

int flow_actions_copy(struct flow_actions *to, const struct flow_actions *from)
{
	*to = (struct flow_actions){.v = NULL};
	if (from->n == 0)
		return 0;
	to->v = malloc(from->n * sizeof(*to->v));
	if (to->v == NULL)
		return -ENOMEM;
	memcpy(to->v, from->v, from->n * sizeof(*to->v));
	to->n = to->size = from->n;
	return 0;
}

void flow_actions_clear(struct flow_actions *a)
{
	free(a->v);
	*a = (struct flow_actions){.v = NULL};
}

bool flow_actions_equal(const struct flow_actions *a, const struct flow_actions *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

int flow_instructions_copy(struct flow_instructions *to, const struct flow_instructions *from)
{
	*to = *from;
	to->write = (struct flow_actions){.v = NULL};
	if (flow_actions_copy(&to->apply, &from->apply) < 0 || flow_actions_copy(&to->write, &from->write) < 0) {
		flow_instructions_clear(to);
		return -ENOMEM;
	}
	return 0;
}

void flow_instructions_clear(struct flow_instructions *i)
{
	flow_actions_clear(&i->apply);
	flow_actions_clear(&i->write);
	*i = (struct flow_instructions){.has = 0};
}

bool flow_instructions_equal(const struct flow_instructions *a, const struct flow_instructions *b)
{
	return a->has == b->has && a->goto_table == b->goto_table && a->meter == b->meter &&
	       a->metadata == b->metadata && a->metadata_mask == b->metadata_mask &&
	       flow_actions_equal(&a->apply, &b->apply) && flow_actions_equal(&a->write, &b->write);
}

static bool outputs_to(const struct flow_actions *a, uint8_t type, uint32_t arg)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].type == type && a->v[i].arg == arg)
			return true;
	return false;
}

bool flow_actions_output_to(const struct flow_actions *a, uint32_t port, uint32_t group)
{
	return (port == FLOW_PORT_ANY || outputs_to(a, FLOW_ACTION_OUTPUT, port)) &&
	       (group == FLOW_GROUP_ANY || outputs_to(a, FLOW_ACTION_GROUP, group));
}

bool flow_instructions_output_to(const struct flow_instructions *i, uint32_t port, uint32_t group)
{
	return (port == FLOW_PORT_ANY || flow_actions_output_to(&i->apply, port, FLOW_GROUP_ANY) ||
		flow_actions_output_to(&i->write, port, FLOW_GROUP_ANY)) &&
	       (group == FLOW_GROUP_ANY || flow_actions_output_to(&i->apply, FLOW_PORT_ANY, group) ||
		flow_actions_output_to(&i->write, FLOW_PORT_ANY, group));
}
