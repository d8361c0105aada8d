/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_act.h"

#define PLACE_SET_FIELD 12 // and one more for each field

_Static_assert(PLACE_SET_FIELD + FLOW_FIELD_COUNT == FLOW_PLACE_QUEUE);
_Static_assert(FLOW_PLACES <= 64);

uint32_t flow_act_place(const struct flow_act *act)
{
	static const uint8_t place[] = {[FLOW_OP_COPY_TTL_IN] = 0,
					[FLOW_OP_POP_VLAN] = 1,
					[FLOW_OP_POP_MPLS] = 2,
					[FLOW_OP_POP_PBB] = 3,
					[FLOW_OP_PUSH_MPLS] = 4,
					[FLOW_OP_PUSH_PBB] = 5,
					[FLOW_OP_PUSH_VLAN] = 6,
					[FLOW_OP_COPY_TTL_OUT] = 7,
					[FLOW_OP_DEC_MPLS_TTL] = 8,
					[FLOW_OP_DEC_NW_TTL] = 9,
					[FLOW_OP_SET_MPLS_TTL] = 10,
					[FLOW_OP_SET_NW_TTL] = 11,
					[FLOW_OP_SET_FIELD] = PLACE_SET_FIELD};

	switch ((enum flow_act_type)act->type) {
	case FLOW_ACT_OUTPUT:
		return FLOW_PLACE_OUTPUT;
	case FLOW_ACT_GROUP:
		return FLOW_PLACE_GROUP;
	case FLOW_ACT_QUEUE:
		return FLOW_PLACE_QUEUE;
	case FLOW_ACT_REWRITE:
		break;
	}
	return place[act->op.type] + (act->op.type == FLOW_OP_SET_FIELD ? act->op.field : 0u);
}

uint32_t flow_acts_set(struct flow_act *act, uint32_t n)
{
	struct flow_act in[FLOW_PLACES];
	uint64_t has = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t place = flow_act_place(&act[i]);

		in[place] = act[i];
		has |= UINT64_C(1) << place;
	}
	if (has >> FLOW_PLACE_GROUP & 1)
		has &= ~(UINT64_C(1) << FLOW_PLACE_OUTPUT);
	for (; has != 0; has &= has - 1)
		act[count++] = in[__builtin_ctzll(has)];
	return count;
}
