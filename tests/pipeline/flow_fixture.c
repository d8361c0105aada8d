/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "../../control/flow_text.h"

#define RULES_MAX 65536
#define SLOTS 256

struct flow_switch *fixture_switch;

static struct flow_pool *pool;
static struct classifier *table[FLOW_TABLES];
static struct fixture_rule rules[RULES_MAX];
static uint32_t nrules;
static bool stale; // the switch's masks
static uint16_t ports[HARNESS_PORTS], flood[HARNESS_PORTS];

static struct flow_act act_of(const struct flow_action *a)
{
	struct flow_act act = {.type = FLOW_ACT_REWRITE,
			       .max_len = a->max_len,
			       .op = {.field = a->field, .arg = a->arg, .value = a->value}};
	static const uint8_t ops[FLOW_ACTION_TYPES] = {[FLOW_ACTION_COPY_TTL_OUT] = FLOW_OP_COPY_TTL_OUT,
						       [FLOW_ACTION_COPY_TTL_IN] = FLOW_OP_COPY_TTL_IN,
						       [FLOW_ACTION_SET_MPLS_TTL] = FLOW_OP_SET_MPLS_TTL,
						       [FLOW_ACTION_DEC_MPLS_TTL] = FLOW_OP_DEC_MPLS_TTL,
						       [FLOW_ACTION_PUSH_VLAN] = FLOW_OP_PUSH_VLAN,
						       [FLOW_ACTION_POP_VLAN] = FLOW_OP_POP_VLAN,
						       [FLOW_ACTION_PUSH_MPLS] = FLOW_OP_PUSH_MPLS,
						       [FLOW_ACTION_POP_MPLS] = FLOW_OP_POP_MPLS,
						       [FLOW_ACTION_SET_NW_TTL] = FLOW_OP_SET_NW_TTL,
						       [FLOW_ACTION_DEC_NW_TTL] = FLOW_OP_DEC_NW_TTL,
						       [FLOW_ACTION_SET_FIELD] = FLOW_OP_SET_FIELD,
						       [FLOW_ACTION_PUSH_PBB] = FLOW_OP_PUSH_PBB,
						       [FLOW_ACTION_POP_PBB] = FLOW_OP_POP_PBB};

	act.op.type = ops[a->type];
	if (a->type == FLOW_ACTION_OUTPUT)
		act.type = FLOW_ACT_OUTPUT;
	else if (a->type == FLOW_ACTION_GROUP)
		act.type = FLOW_ACT_GROUP;
	else if (a->type == FLOW_ACTION_SET_QUEUE)
		act.type = FLOW_ACT_QUEUE;
	return act;
}

static struct flow_acts *acts_of(const struct flow_actions *a, bool set)
{
	struct flow_acts *acts;

	if (a->n == 0)
		return NULL;
	acts = malloc(sizeof(*acts) + a->n * sizeof(acts->act[0]));
	assert_non_null(acts);
	for (uint32_t i = 0; i < a->n; i++)
		acts->act[i] = act_of(&a->v[i]);
	acts->n = set ? flow_acts_set(acts->act, a->n) : a->n;
	return acts;
}

static void entry_free(struct flow_entry *e)
{
	if (e == NULL)
		return;
	free((void *)e->apply);
	free((void *)e->write);
	free(e);
}

void fixture_groups_end(void)
{
	for (uint32_t n = 0; n < 256; n++) {
		struct flow_group *const g = (struct flow_group *)flow_group_set(n, NULL);

		for (uint32_t i = 0; g != NULL && i < g->nbuckets; i++)
			free((void *)g->bucket[i].acts);
		if (g != NULL)
			free((void *)g->slot);
		free(g);
		free(flow_meter_set(n, NULL));
	}
}

void fixture_end(void)
{
	if (fixture_switch == NULL)
		return;
	for (uint32_t i = 1; i <= nrules; i++) {
		entry_free(rules[i].entry);
		rules[i].entry = NULL;
	}
	for (uint32_t t = 0; t < FLOW_TABLES; t++) {
		classifier_destroy(table[t]);
		table[t] = NULL;
	}
	fixture_groups_end();
	flow_pool_destroy(pool);
	worker_flow_destroy(harness_worker);
	flow_destroy();
	free(fixture_switch);
	fixture_switch = NULL;
	nrules = 0;
}

void fixture_begin(uint16_t nports, uint32_t cache_entries)
{
	fixture_end();
	// Else what is freed once is kept, and cleared in full the next time.
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	for (uint16_t id = 1; id <= nports; id++) {
		struct fwd_port *const fp = &harness_port(id)->fwd;

		harness_rest(id, FLOW_FIXTURE_DOMAIN);
		fp->flow = FLOW_FIXTURE_SWITCH;
		fp->flow_port = ports[id] = flood[id - 1] = id;
	}
	harness_build();
	assert_int_equal(flow_create(cache_entries), 0);
	assert_int_equal(worker_flow_create(harness_worker, cache_entries), 0);
	assert_int_equal(flow_pool_create(&pool, RULES_MAX, 0), 0);
	fixture_switch = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*fixture_switch));
	assert_non_null(fixture_switch);
	memset(fixture_switch, 0, sizeof(*fixture_switch));
	fixture_switch->nports = nports + 1u;
	fixture_switch->port = ports;
	fixture_switch->nflood = nports;
	fixture_switch->flood = flood;
	flow_switch_set(FLOW_FIXTURE_SWITCH, fixture_switch);
}

static void masks_renew(void)
{
	struct flow_used used = {0};

	if (!stale)
		return;
	stale = false;

	for (uint32_t t = 0; t < FLOW_TABLES; t++) {
		fixture_switch->table[t] = table[t];
		if (table[t] != NULL)
			classifier_used(table[t], &used);
	}
	flow_window_masks_make(&used, &fixture_switch->masks);
	flow_changed();
}

static struct flow_entry *entry_of(const struct flow_mod *m, uint32_t number, bool miss)
{
	const struct flow_instructions *const i = &m->instructions;
	struct flow_entry *const e = calloc(1, sizeof(*e));

	assert_non_null(e);
	*e = (struct flow_entry){.number = number,
				 .table = m->table,
				 .goto_table = i->has & FLOW_INST_GOTO ? i->goto_table : FLOW_NO_TABLE,
				 .clear = i->has & FLOW_INST_CLEAR,
				 .miss = miss,
				 .meter = i->meter,
				 .cookie = m->cookie,
				 .metadata = i->metadata,
				 .metadata_mask = i->metadata_mask,
				 .apply = acts_of(&i->apply, false),
				 .write = acts_of(&i->write, true)};
	return e;
}

static void parse(const char *text, struct flow_mod *m)
{
	struct flow_error e = {0};

	if (flow_text_parse(text, FLOW_ADD, m, &e) < 0)
		fail_msg("%s: %s", text, e.fault.message);
}

uint32_t fixture_flow_mod(const struct flow_mod *mod, bool miss)
{
	const struct flow_mod m = *mod;
	struct fixture_rule *const r = &rules[++nrules];

	assert_true(nrules < RULES_MAX);
	if (table[m.table] == NULL) {
		const struct classifier_conf conf = {.pool = pool, .rules_max = RULES_MAX, .masks_max = 1024};

		assert_int_equal(classifier_create(&table[m.table], &conf), 0);
	}
	r->match = m.match;
	r->priority = m.priority;
	r->entry = entry_of(&m, nrules, miss);
	flow_entry_set(nrules, r->entry);
	assert_int_equal(classifier_insert(table[m.table], &m.match.key, &m.match.mask, m.priority, nrules), 0);
	stale = true;
	return nrules;
}

static uint32_t add(const char *text, bool miss)
{
	struct flow_mod m;
	uint32_t number;

	parse(text, &m);
	number = fixture_flow_mod(&m, miss);
	flow_mod_clear(&m);
	return number;
}

uint32_t fixture_flow(const char *text)
{
	return add(text, false);
}

uint32_t fixture_miss(const char *text)
{
	return add(text, true);
}

void fixture_del(uint32_t number)
{
	struct fixture_rule *const r = &rules[number];

	assert_int_equal(classifier_remove(table[r->entry->table], &r->match.key, &r->match.mask, r->priority), number);
	stale = true;
	masks_renew();
	assert_int_equal(flow_counts_sync(1000), 0);
	entry_free((struct flow_entry *)flow_entry_set(number, NULL));
	r->entry = NULL;
}

void fixture_mod(uint32_t number, const char *text)
{
	struct fixture_rule *const r = &rules[number];
	struct flow_mod m;

	parse(text, &m);
	r->entry = entry_of(&m, number, r->entry->miss);
	flow_mod_clear(&m);

	struct flow_entry *const old = (struct flow_entry *)flow_entry_set(number, r->entry);

	flow_changed();
	assert_int_equal(flow_counts_sync(1000), 0);
	entry_free(old);
}

void fixture_group_mod(const struct group_mod *mod)
{
	const struct group_mod m = *mod;
	struct flow_group *g;
	uint16_t weight[64], *slot;
	uint32_t total = 0;

	g = calloc(1, sizeof(*g) + m.nbuckets * sizeof(g->bucket[0]));
	slot = malloc(SLOTS * sizeof(*slot));
	assert_non_null(g);
	assert_non_null(slot);
	g->type = m.type;
	g->nbuckets = m.nbuckets;
	g->counters = m.group * FLOW_FIXTURE_GROUP_COUNTERS;
	g->slot = slot;
	memset(slot, 0xff, SLOTS * sizeof(*slot));
	for (uint32_t i = 0; i < m.nbuckets; i++) {
		const struct group_bucket *const b = &m.buckets[i];

		g->bucket[i] =
			(struct flow_bucket){.watch_port = b->watch_port == FLOW_PORT_ANY ? 0 : b->watch_port,
					     .watch_group = b->watch_group == FLOW_GROUP_ANY ? 0 : b->watch_group,
					     .acts = acts_of(&b->actions, true)};
		total += weight[i] = b->weight;
	}
	if (m.type == GROUP_SELECT && total > 0) {
		g->nslots = SLOTS;
		flow_group_assign(slot, SLOTS, weight, m.nbuckets);
	}
	assert_null(flow_group_set(m.group, g));
}

void fixture_group(const char *text)
{
	struct flow_error e = {0};
	struct group_mod m;

	if (group_text_parse(text, GROUP_ADD, &m, &e) < 0)
		fail_msg("%s: %s", text, e.fault.message);
	fixture_group_mod(&m);
	group_mod_clear(&m);
}

void fixture_meter(const char *text)
{
	struct flow_error e = {0};
	struct meter_mod m;
	struct flow_meter *f;

	if (meter_text_parse(text, METER_ADD, &m, &e) < 0)
		fail_msg("%s: %s", text, e.fault.message);
	f = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*f));
	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	f->bits = m.flags & METER_KBPS;
	f->nbands = m.nbands;
	for (uint32_t i = 0; i < m.nbands; i++) {
		const uint32_t scale = f->bits ? 1000 : 1;

		f->band[i] = (struct flow_band){.rate = (uint64_t)m.bands[i].rate * scale,
						.burst = (uint64_t)m.bands[i].burst * scale,
						.remark = m.bands[i].type == METER_DSCP_REMARK,
						.level = m.bands[i].prec_level};
	}
	flow_meter_init(f, rte_get_tsc_hz(), harness_worker->tsc);
	assert_null(flow_meter_set(m.meter, f));
}

const struct fixture_rule *fixture_rule(uint32_t number)
{
	return &rules[number];
}

struct flow_count fixture_count(uint32_t number)
{
	assert_int_equal(flow_counts_sync(1000), 0);
	return flow_count_get(FLOW_COUNT_ENTRY, number);
}

struct rte_mbuf *fixture_mbuf(const char *hex)
{
	uint8_t data[2048];
	const uint32_t len = (uint32_t)strlen(hex) / 2;

	for (uint32_t i = 0; i < len; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		data[i] = (uint8_t)byte;
	}
	return harness_mbuf(data, len);
}

void fixture_packet_out(uint32_t in_port, const char *hex, const char *actions)
{
	static struct flow_packet_out *out;
	struct flow_error e = {0};
	struct flow_acts *acts;
	struct flow_mod m;
	char text[256];
	size_t bytes;

	masks_renew();
	// The text syntax knows flows: TABLE is for packet-outs alone.
	snprintf(text, sizeof(text), "actions=%s", strcmp(actions, "table") == 0 ? "output:1" : actions);
	if (flow_text_parse(text, FLOW_ADD, &m, &e) < 0)
		fail_msg("%s: %s", text, e.fault.message);
	acts = acts_of(&m.instructions.apply, false);
	flow_mod_clear(&m);
	bytes = acts != NULL ? acts->n * sizeof(acts->act[0]) : 0;
	free(out);
	out = malloc(sizeof(*out) + bytes);
	assert_non_null(out);
	*out = (struct flow_packet_out){.number = FLOW_FIXTURE_SWITCH, .in_port = in_port};
	if (acts != NULL) {
		out->acts.n = acts->n;
		memcpy(out->acts.act, acts->act, bytes);
	}
	if (strcmp(actions, "table") == 0)
		out->acts.act[0].op.arg = FLOW_OUT_TABLE;
	free(acts);
	assert_int_equal(worker_inject_flow(harness_worker, fixture_mbuf(hex), out), 0);
}

void fixture_settle(void)
{
	masks_renew();
}

void fixture_in(uint16_t port, const char *hex)
{
	masks_renew();
	harness_in(port, fixture_mbuf(hex));
}

const char *fixture_hex(struct rte_mbuf *m)
{
	static char text[2][8192];
	static unsigned int turn;
	char *const out = text[turn++ % 2];
	uint8_t data[4096];
	const uint8_t *const bytes = rte_pktmbuf_read(m, 0, m->pkt_len, data);

	for (uint32_t i = 0; i < m->pkt_len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
	return out;
}

const char *fixture_out(uint16_t port, uint32_t k)
{
	return k < harness_ports[port].nout ? fixture_hex(harness_ports[port].out[k]) : NULL;
}
