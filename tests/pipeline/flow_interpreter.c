/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_interpreter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static bool acts_run(struct interpreter *x, struct flow_packet *p, const struct flow_act *act, uint32_t n);

static void send(struct interpreter *x, uint32_t port, struct rte_mbuf *m)
{
	if (port == 0 || port > x->ports)
		return;
	assert_true(x->n[port] < INTERPRETER_SENT);
	x->sent[port][x->n[port]++] = strdup(fixture_hex(m));
}

static void output(struct interpreter *x, uint32_t in_port, uint32_t to, struct rte_mbuf *m)
{
	if (to == FLOW_OUT_CONTROLLER)
		x->controller++;
	else if (to == FLOW_OUT_IN_PORT)
		send(x, in_port, m);
	else if (to == FLOW_OUT_ALL || to == FLOW_OUT_FLOOD) {
		for (uint32_t p = 1; p <= x->ports; p++)
			if (p != in_port)
				send(x, p, m);
	} else if (to != in_port) {
		send(x, to, m);
	}
}

static void bucket(struct interpreter *x, const struct flow_packet *p, const struct flow_bucket *b)
{
	struct flow_packet copy = *p;

	copy.m = rte_pktmbuf_copy(p->m, port_pool(), 0, UINT32_MAX);
	assert_non_null(copy.m);
	copy.parsed = false;
	if (b->acts != NULL && !acts_run(x, &copy, b->acts->act, b->acts->n))
		x->controller++;
	rte_pktmbuf_free(copy.m);
}

static void group(struct interpreter *x, const struct flow_packet *p, uint32_t number)
{
	const struct flow_group *const g = flow_tables()->group[number];

	for (uint32_t i = 0; g != NULL && i < g->nbuckets; i++) {
		if (g->type == FLOW_GROUP_TYPE_FF &&
		    (g->bucket[i].watch_port == 0 || g->bucket[i].watch_port > x->ports))
			continue;
		bucket(x, p, &g->bucket[i]);
		if (g->type != FLOW_GROUP_TYPE_ALL)
			break;
	}
}

// False: its time to live is over.
static bool acts_run(struct interpreter *x, struct flow_packet *p, const struct flow_act *act, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (act[i].type == FLOW_ACT_OUTPUT)
			output(x, p->in_port, act[i].op.arg, p->m);
		else if (act[i].type == FLOW_ACT_GROUP)
			group(x, p, act[i].op.arg);
		else if (act[i].type == FLOW_ACT_REWRITE && flow_exec_op(p, &act[i].op) != FLOW_EXEC_DONE)
			return false;
	}
	return true;
}

static const struct fixture_rule *scan(const struct flow_packet *p, uint32_t table, uint32_t nrules, uint32_t *number)
{
	const struct fixture_rule *best = NULL;

	for (uint32_t n = 1; n <= nrules; n++) {
		const struct fixture_rule *const r = fixture_rule(n);

		if (r->entry == NULL || r->entry->table != table || (best != NULL && best->priority > r->priority) ||
		    !flow_key_equal(&p->key, &r->match.key, &r->match.mask, flow_key_words(&r->match.mask)))
			continue;
		best = r;
		*number = n;
	}
	return best;
}

static bool interpret(struct interpreter *x, struct flow_packet *p, uint32_t nrules)
{
	const struct flow_act *set[FLOW_PLACES] = {NULL};
	uint32_t number = 0, table = 0;

	while (table != FLOW_NO_TABLE) {
		p->parsed = false;
		flow_packet_parse(p);

		const struct fixture_rule *const r = scan(p, table, nrules, &number);

		if (r == NULL)
			return true;
		x->count[number]++;
		if (r->entry->apply != NULL && !acts_run(x, p, r->entry->apply->act, r->entry->apply->n))
			return false;
		if (r->entry->clear)
			memset(set, 0, sizeof(set));
		for (uint32_t i = 0; r->entry->write != NULL && i < r->entry->write->n; i++)
			set[flow_act_place(&r->entry->write->act[i])] = &r->entry->write->act[i];
		p->metadata = (p->metadata & ~r->entry->metadata_mask) | (r->entry->metadata & r->entry->metadata_mask);
		table = r->entry->goto_table;
	}
	if (set[FLOW_PLACE_GROUP] != NULL)
		set[FLOW_PLACE_OUTPUT] = NULL;
	for (uint32_t place = 0; place < FLOW_PLACES; place++)
		if (set[place] != NULL && !acts_run(x, p, set[place], 1))
			return false;
	return true;
}

void interpreter_run(struct interpreter *x, struct flow_packet *p, uint32_t nrules)
{
	// An invalid time to live goes to the controller, too.
	if (!interpret(x, p, nrules))
		x->controller++;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void interpreter_compare(struct interpreter *x, uint32_t port)
{
	static char *got[INTERPRETER_SENT];
	const uint32_t n = harness_ports[port].nout;

	assert_int_equal(n, x->n[port]);
	for (uint32_t i = 0; i < n; i++)
		got[i] = strdup(fixture_out((uint16_t)port, i));
	// Packets that go to several ports may overtake others.
	qsort(got, n, sizeof(char *), by_text);
	qsort(x->sent[port], n, sizeof(char *), by_text);
	for (uint32_t i = 0; i < n; i++) {
		assert_string_equal(got[i], x->sent[port][i]);
		free(got[i]);
		free(x->sent[port][i]);
	}
	x->n[port] = 0;
}
