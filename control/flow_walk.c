/* SPDX-License-Identifier: BSD-3-Clause */
// Walks over flow entries, in the order of their numbers.
#include <string.h>

#include "flow_ctl.h"

struct of_flow_query flow_ctl_all(void)
{
	struct of_flow_query q;

	memset(&q, 0, sizeof(q));
	q.table = FLOW_TABLE_ALL;
	q.out_port = FLOW_PORT_ANY;
	q.out_group = FLOW_GROUP_ANY;
	return q;
}

// Whether every packet of the entry is one of the query's match.
static bool covers(const struct flow_match *wide, const struct flow *x)
{
	struct flow_match m;

	if (flow_key_words(&wide->mask) & ~(uint32_t)x->words)
		return false;
	flow_match_get(x, &m);
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((wide->mask.word[i] & ~m.mask.word[i]) ||
		    ((wide->key.word[i] ^ m.key.word[i]) & wide->mask.word[i]))
			return false;
	return true;
}

static bool takes(const struct of_flow_query *q, const struct flow *x)
{
	return ((x->cookie ^ q->cookie) & q->cookie_mask) == 0 &&
	       flow_instructions_output_to(&x->instructions, q->out_port, q->out_group) && covers(&q->match, x);
}

const struct flow *flow_ctl_walk(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_cursor *c,
				 bool persisted)
{
	const uint64_t end = flow_number_end();

	for (uint64_t n = c->at[0] + 1; n < end; n++) {
		const struct flow *x;

		if (!flow_number_in((uint32_t)n, fb, q->table))
			continue;
		x = flow_by_number((uint32_t)n);
		if ((persisted && !x->persist) || !takes(q, x))
			continue;
		c->at[0] = n;
		return x;
	}
	c->at[0] = UINT32_MAX;
	return NULL;
}

void flow_ctl_describe(const struct flow *x, struct of_flow *out)
{
	const struct flow_count c = flow_counted(x);

	*out = (struct of_flow){.table = x->table,
				.priority = x->priority,
				.idle_timeout = x->idle_timeout,
				.hard_timeout = x->hard_timeout,
				.flags = x->flags,
				.importance = x->importance,
				.cookie = x->cookie,
				.duration_ns = flow_now_ns() - x->created_ns,
				.packets = c.packets,
				.bytes = c.bytes,
				.instructions = &x->instructions};
	flow_match_get(x, &out->match);
}

int flow_ctl_next(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_cursor *c, struct of_flow *out)
{
	const struct flow *x = flow_ctl_walk(fb, q, c, false);

	if (x == NULL)
		return 0;
	flow_ctl_describe(x, out);
	return 1;
}

struct sum {
	const struct of_flow_query *q;
	struct of_aggregate *out;
};

static enum classifier_verdict visit(void *arg, const struct classifier_entry *e)
{
	const struct sum *s = arg;
	const struct flow *x = flow_by_number(e->value);
	struct flow_count c;

	if (((x->cookie ^ s->q->cookie) & s->q->cookie_mask) != 0 ||
	    !flow_instructions_output_to(&x->instructions, s->q->out_port, s->q->out_group))
		return CLASSIFIER_GO_ON;
	c = flow_counted(x);
	s->out->packets += c.packets;
	s->out->bytes += c.bytes;
	s->out->flows++;
	return CLASSIFIER_GO_ON;
}

void flow_ctl_aggregate(const struct flow_bridge *fb, const struct of_flow_query *q, struct of_aggregate *out)
{
	struct sum s = {q, out};

	*out = (struct of_aggregate){.flows = 0};
	for (unsigned int i = 0; i < FLOW_TABLES; i++)
		if ((q->table == FLOW_TABLE_ALL || q->table == i) && fb->flows->table[i].index != NULL)
			classifier_walk(fb->flows->table[i].index, &q->match.key, &q->match.mask, visit, &s);
}

uint32_t flow_ctl_table_count(const struct flow_bridge *fb, uint8_t table)
{
	const struct classifier *index = fb->flows->table[table].index;

	return index != NULL ? classifier_rules(index) : 0;
}
