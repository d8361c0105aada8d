/* SPDX-License-Identifier: BSD-3-Clause */
// Flow-mods under random use, in transactions that commit and that are taken back, against a naive model; and what
// workers would find of it.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/flow_change.h"
#include "../../control/flow_ctl.h"
#include "../../control/flow_publish.h"
#include "../../control/flow_text.h"
#include "../../control/flow_timeout.h"
#include "../rng.h"
#include "flow_fake.h"

#define STEPS 6000
#define RULES_MAX 512

static uint64_t rng = RNG_SEED;

// --- the model -------------------------------------------------------------------------------------------------------

struct rule {
	bool there;
	uint8_t table;
	uint16_t priority, flags, idle, hard;
	uint64_t cookie;
	struct flow_match match;
	uint32_t out; // the port that it outputs to
	uint64_t packets;
};

struct model {
	struct rule rule[RULES_MAX];
};

static struct model model, before;
static unsigned int told; // flow-removed messages

static bool covers(const struct flow_match *wide, const struct flow_match *narrow)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((wide->mask.word[i] & ~narrow->mask.word[i]) ||
		    ((wide->key.word[i] ^ narrow->key.word[i]) & wide->mask.word[i]))
			return false;
	return true;
}

static bool overlaps(const struct flow_match *a, const struct flow_match *b)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((a->key.word[i] ^ b->key.word[i]) & a->mask.word[i] & b->mask.word[i])
			return false;
	return true;
}

static struct rule *model_find(uint8_t table, const struct flow_match *match, uint16_t priority)
{
	for (unsigned int i = 0; i < RULES_MAX; i++) {
		struct rule *r = &model.rule[i];

		if (r->there && r->table == table && r->priority == priority && flow_match_equal(&r->match, match))
			return r;
	}
	return NULL;
}

static bool takes(const struct flow_mod *m, const struct rule *r)
{
	const bool strict = m->command == FLOW_MODIFY_STRICT || m->command == FLOW_DELETE_STRICT;
	const bool is_delete = m->command >= FLOW_DELETE;

	if (!r->there || (m->table != FLOW_TABLE_ALL && m->table != r->table))
		return false;
	if (strict ? r->priority != m->priority || !flow_match_equal(&r->match, &m->match)
		   : !covers(&m->match, &r->match))
		return false;
	if ((r->cookie ^ m->cookie) & m->cookie_mask)
		return false;
	return !is_delete || m->out_port == FLOW_PORT_ANY || m->out_port == r->out;
}

static int model_add(const struct flow_mod *m)
{
	struct rule *r = model_find(m->table, &m->match, m->priority);
	uint64_t packets = r && !(m->flags & FLOW_RESET_COUNTS) ? r->packets : 0;

	for (unsigned int i = 0; (m->flags & FLOW_CHECK_OVERLAP) && i < RULES_MAX; i++)
		if (model.rule[i].there && model.rule[i].table == m->table && model.rule[i].priority == m->priority &&
		    overlaps(&model.rule[i].match, &m->match))
			return -EEXIST;
	for (unsigned int i = 0; !r && i < RULES_MAX; i++)
		if (!model.rule[i].there)
			r = &model.rule[i];
	assert_non_null(r);
	*r = (struct rule){true,      m->table,        m->priority,
			   m->flags,  m->idle_timeout, m->hard_timeout,
			   m->cookie, m->match,        m->instructions.apply.v[0].arg,
			   packets};
	return 0;
}

static int model_mod(const struct flow_mod *m, unsigned int *removed)
{
	if (m->command == FLOW_ADD)
		return model_add(m);
	for (unsigned int i = 0; i < RULES_MAX; i++) {
		struct rule *r = &model.rule[i];

		if (!takes(m, r))
			continue;
		if (m->command >= FLOW_DELETE) {
			r->there = false;
			*removed += (r->flags & FLOW_SEND_FLOW_REM) != 0;
			continue;
		}
		r->out = m->instructions.apply.v[0].arg;
		r->packets = m->flags & FLOW_RESET_COUNTS ? 0 : r->packets;
	}
	return 0;
}

// --- the real thing --------------------------------------------------------------------------------------------------

static void on_removed(struct flow_bridge *fb, const struct of_flow_removed *r)
{
	told++;
}

static struct flow_listener listener = {.flow_removed = on_removed};

static struct flow_bridge *get(void)
{
	struct flow_bridge *fb;
	struct fault f;

	assert_int_equal(flow_switch_get("bridge", "br", &fb, &f), 0);
	return fb;
}

static int setup(void **state)
{
	memset(&model, 0, sizeof(model));
	flow_fake.busy = false;
	told = 0;
	harness_setup(state);
	must_do("bridge.add", "{'name': 'br', 'mode': 'flow'}");
	return 0;
}

static void field(struct flow_match *m, enum flow_field f, uint64_t value, uint64_t mask)
{
	const struct flow_value v = {.lo = value & mask}, k = {.lo = mask};

	assert_int_equal(flow_match_add(m, f, v, flow_match_exact(f, k) ? NULL : &k, NULL), 0);
}

static void random_match(struct flow_match *m)
{
	static const uint32_t masks[] = {0xff000000, 0xffff0000, 0xfffffffe, 0xffffffff, 0x00ff00ff};
	uint64_t r = rng_next(&rng);

	memset(m, 0, sizeof(*m));
	if (r & 1)
		field(m, FLOW_FIELD_IN_PORT, 1 + (r >> 1 & 1), UINT32_MAX);
	if ((r >> 2 & 3) == 0)
		return;
	field(m, FLOW_FIELD_ETH_TYPE, 0x0800, 0xffff);
	if (r >> 4 & 1)
		field(m, FLOW_FIELD_IP_PROTO, 6, 0xff);
	if (r >> 5 & 1)
		field(m, FLOW_FIELD_IPV4_DST, 0x0a000000 | (r >> 6 & 0x00010003), masks[(r >> 24) % RTE_DIM(masks)]);
	if ((r >> 4 & 1) && (r >> 40 & 1))
		field(m, FLOW_FIELD_TCP_DST, 80 + (r >> 41 & 1), 0xffff);
}

static void random_mod(struct flow_mod *m)
{
	uint64_t r = rng_next(&rng);
	struct flow_action *a;

	*m = (struct flow_mod){.command = r % 100 < 60 ? FLOW_ADD : 1 + r % 4,
			       .table = r >> 8 & 1,
			       .priority = 10 + (r >> 9) % 3,
			       .cookie = r >> 16 & 3,
			       .buffer_id = FLOW_NO_BUFFER,
			       .out_port = (r >> 20 & 3) == 0 ? 1 + (r >> 22 & 1) : FLOW_PORT_ANY,
			       .out_group = FLOW_GROUP_ANY};
	random_match(&m->match);
	if (m->command == FLOW_ADD)
		m->flags = (r >> 24 & 7) == 0 ? FLOW_CHECK_OVERLAP : 0;
	else if ((r >> 24 & 3) == 0)
		m->cookie_mask = 1 + (r >> 26 & 2);
	if (m->command >= FLOW_DELETE && (r >> 28 & 3) == 0)
		m->table = FLOW_TABLE_ALL;
	m->flags |= (r >> 30 & 1 ? FLOW_SEND_FLOW_REM : 0) | (r >> 31 & 1 ? FLOW_RESET_COUNTS : 0);
	a = flow_actions_add(&m->instructions.apply);
	a->type = FLOW_ACTION_OUTPUT;
	a->arg = 1 + (r >> 32 & 3);
	m->instructions.has = FLOW_INST_APPLY;
	if (m->command >= FLOW_DELETE)
		flow_instructions_clear(&m->instructions);
}

static void compare_entries(struct flow_bridge *fb)
{
	const struct of_flow_query all = flow_ctl_all();
	struct of_cursor c = {.at = {0}};
	unsigned int n = 0, there = 0;
	struct of_flow o;

	while (flow_ctl_next(fb, &all, &c, &o) > 0) {
		const struct rule *r = model_find(o.table, &o.match, o.priority);

		assert_non_null(r);
		assert_int_equal(o.cookie, r->cookie);
		assert_int_equal(o.flags, r->flags);
		assert_int_equal(o.instructions->apply.v[0].arg, r->out);
		assert_int_equal(o.packets, r->packets);
		n++;
	}
	for (unsigned int i = 0; i < RULES_MAX; i++)
		there += model.rule[i].there;
	assert_int_equal(n, there);
	assert_int_equal(fb->flows->count, there);
}

static void random_packet(struct flow_key *key)
{
	struct flow_match m;
	uint64_t r = rng_next(&rng);

	memset(&m, 0, sizeof(m));
	field(&m, FLOW_FIELD_IN_PORT, 1 + (r & 1), UINT32_MAX);
	field(&m, FLOW_FIELD_ETH_TYPE, 0x0800, 0xffff);
	field(&m, FLOW_FIELD_IP_PROTO, 6, 0xff);
	field(&m, FLOW_FIELD_IPV4_DST, 0x0a000000 | (r >> 6 & 0x00010003), UINT32_MAX);
	field(&m, FLOW_FIELD_TCP_DST, 80 + (r >> 41 & 1), 0xffff);
	*key = m.key;
}

// What a packet meets for workers is the best of the model's rules, one of them if there are several; and the masks of
// their caches have all that these rules ask for.
static void compare_packet(const struct flow_bridge *fb)
{
	const uint8_t table = rng_next(&rng) & 1;
	const struct flow_entry *e;
	struct flow_match packet;
	bool same = false;
	int best = -1;

	memset(&packet, 0, sizeof(packet));
	random_packet(&packet.key);
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		packet.mask.word[i] = UINT64_MAX;
	e = flow_fake_lookup(fb->number, table, &packet.key);
	for (unsigned int i = 0; i < RULES_MAX; i++)
		if (model.rule[i].there && model.rule[i].table == table && covers(&model.rule[i].match, &packet))
			best = RTE_MAX(best, model.rule[i].priority);
	assert_int_equal(e == NULL, best < 0);
	for (unsigned int i = 0; i < RULES_MAX; i++) {
		const struct rule *r = &model.rule[i];

		if (!r->there || r->table != table || r->priority != best || !covers(&r->match, &packet))
			continue;
		same |= e->apply->act[0].op.arg == r->out && e->cookie == r->cookie;
		for (unsigned int w = 0; w < FLOW_KEY_WORDS; w++)
			assert_int_equal(r->match.mask.word[w] & ~fb->flows->used.mask[FLOW_CLASS_IP4_PORTS].word[w],
					 0);
	}
	assert_true(same || e == NULL);
}

// One to four flow-mods in one transaction; whether it committed.
static bool random_txn(struct flow_bridge *fb, unsigned int *removed)
{
	const unsigned int n = 1 + rng_next(&rng) % 4, expected = *removed;
	const bool commit = rng_next(&rng) % 3 != 0;
	struct flow_error e;
	struct flow_mod m;
	struct fault f;
	struct txn t;
	int rc;

	before = model;
	txn_begin(&t, false);
	for (unsigned int i = 0; i < n; i++) {
		random_mod(&m);
		rc = flow_ctl_mod(&t, fb, &m, false, NULL, &e);
		assert_int_equal(rc, model_mod(&m, removed));
		if (rc < 0)
			assert_int_equal(e.code, 3);
		flow_mod_clear(&m);
	}
	if (commit) {
		assert_int_equal(txn_commit(&t, &f), 0);
		return true;
	}
	txn_rollback(&t);
	model = before;
	*removed = expected;
	return false;
}

static void flow_mods_do_what_a_naive_model_does(void **state)
{
	struct flow_bridge *fb = get();
	unsigned int removed = 0;

	for (unsigned int step = 0; step < STEPS; step++) {
		random_txn(fb, &removed);
		if (rng_next(&rng) % 4 == 0)
			flow_change_poll();
		if (rng_next(&rng) % 16 == 0)
			flow_publish_shrink();
		for (unsigned int i = 0; i < 8; i++)
			compare_packet(fb);
		if (step % 16 == 0)
			compare_entries(fb);
	}
	flow_change_poll();
	assert_int_equal(told, removed);
	compare_entries(fb);
}

static void mod(const char *text, enum flow_command command)
{
	struct flow_error e = {.fault = {.err = 0}};
	struct flow_mod m;

	assert_int_equal(flow_text_parse(text, command, &m, &e), 0);
	assert_int_equal(flow_ctl_mod_now(get(), &m, &e), 0);
	flow_ctl_flush();
	flow_mod_clear(&m);
}

// The number of the entry that was made last.
static uint32_t newest(void)
{
	uint32_t found = 0;

	for (uint32_t n = 1; n < flow_number_end(); n++)
		if (flow_by_number(n) && (!found || flow_by_number(n)->created_ns > flow_by_number(found)->created_ns))
			found = n;
	return found;
}

static void counters_stay_or_go_as_asked(void **state)
{
	const struct of_flow_query all = flow_ctl_all();
	struct of_cursor c = {.at = {0}};
	struct of_flow o;

	mod("priority=5,in_port=1,actions=2", FLOW_ADD);
	assert_int_equal(flow_ctl_next(get(), &all, &c, &o), 1);
	flow_fake.count[c.at[0]] = (struct flow_count){.packets = 10, .bytes = 1000};
	mod("priority=5,in_port=1,actions=3", FLOW_ADD);
	flow_ctl_next(get(), &all, &(struct of_cursor){.at = {0}}, &o);
	assert_int_equal(o.packets, 10);
	assert_int_equal(o.bytes, 1000);
	assert_int_equal(o.instructions->apply.v[0].arg, 3);
	mod("reset_counts,in_port=1,actions=4", FLOW_MODIFY);
	flow_fake.count[c.at[0]].packets++;
	flow_ctl_next(get(), &all, &(struct of_cursor){.at = {0}}, &o);
	assert_int_equal(o.packets, 1);
	assert_int_equal(o.bytes, 0);
	mod("priority=5,no_byte_counts,in_port=1,actions=3", FLOW_ADD);
	flow_fake.count[c.at[0]].bytes += 64;
	flow_ctl_next(get(), &all, &(struct of_cursor){.at = {0}}, &o);
	assert_int_equal(o.packets, 1);
	assert_int_equal(o.bytes, 0);
}

static void a_number_is_free_when_workers_are_done(void **state)
{
	uint32_t first, count = get()->flows->count;

	mod("in_port=1,actions=2", FLOW_ADD);
	first = newest();
	flow_fake.busy = true;
	mod("in_port=1", FLOW_DELETE);
	assert_int_equal(get()->flows->count, count);
	assert_int_equal(flow_change_poll(), 1);
	assert_non_null(flow_fake.entry[first]);
	mod("in_port=2,actions=2", FLOW_ADD);
	assert_ptr_not_equal(flow_fake.entry[first], NULL);
	assert_int_equal(flow_change_poll(), 1);
	flow_fake.busy = false;
	assert_int_equal(flow_change_poll(), 0);
	assert_null(flow_fake.entry[first]);
}

static void a_run_of_mods_voids_the_caches_once(void **state)
{
	struct flow_error e;
	struct flow_mod m;
	unsigned int changed;

	mod("priority=9,in_port=1,actions=2", FLOW_ADD);
	changed = flow_fake.changed;
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(flow_text_parse("in_port=3,actions=2", FLOW_ADD, &m, &e), 0);
		m.priority = (uint16_t)i;
		assert_int_equal(flow_ctl_mod_now(get(), &m, &e), 0);
		flow_mod_clear(&m);
	}
	assert_int_equal(flow_fake.changed, changed);
	flow_ctl_flush();
	assert_int_equal(flow_fake.changed, changed + 1);
}

static uint32_t seen_out(uint8_t table, uint32_t in_port)
{
	const struct flow_entry *e;
	struct flow_match m;

	memset(&m, 0, sizeof(m));
	field(&m, FLOW_FIELD_IN_PORT, in_port, UINT32_MAX);
	e = flow_fake_lookup(get()->number, table, &m.key);
	return e != NULL ? e->apply->act[0].op.arg : 0;
}

// A run of changes of several tables: additions, replacements of what the run added, too, modifications, deletions.
static void workers_see_all_of_a_run_or_nothing(void **state)
{
	static const struct {
		const char *text;
		enum flow_command command;
	} run[] = {{"table=0,in_port=1,actions=4", FLOW_ADD}, {"table=1,in_port=1", FLOW_DELETE},
		   {"table=2,in_port=1,actions=2", FLOW_ADD}, {"table=2,in_port=1,actions=3", FLOW_MODIFY},
		   {"table=3,in_port=1,actions=2", FLOW_ADD}, {"table=3,in_port=1", FLOW_DELETE},
		   {"table=1,in_port=2,actions=1", FLOW_ADD}};
	struct flow_error e;
	struct flow_mod m;

	mod("table=0,in_port=1,actions=2", FLOW_ADD);
	mod("table=1,in_port=1,actions=2", FLOW_ADD);
	for (unsigned int i = 0; i < RTE_DIM(run); i++) {
		assert_int_equal(flow_text_parse(run[i].text, run[i].command, &m, &e), 0);
		assert_int_equal(flow_ctl_mod_now(get(), &m, &e), 0);
		flow_mod_clear(&m);
		assert_int_equal(seen_out(0, 1), 2);
		assert_int_equal(seen_out(1, 1), 2);
		assert_int_equal(seen_out(2, 1), 0);
		assert_int_equal(seen_out(3, 1), 0);
		assert_int_equal(seen_out(1, 2), 0);
	}
	flow_ctl_flush();
	assert_int_equal(seen_out(0, 1), 4);
	assert_int_equal(seen_out(1, 1), 0);
	assert_int_equal(seen_out(2, 1), 3);
	assert_int_equal(seen_out(3, 1), 0);
	assert_int_equal(seen_out(1, 2), 1);
	// The other classifiers have followed.
	mod("table=2,in_port=1", FLOW_DELETE);
	assert_int_equal(seen_out(0, 1), 4);
	assert_int_equal(seen_out(2, 1), 0);
	assert_int_equal(seen_out(1, 2), 1);
}

static void refused(const char *text, uint16_t type, uint16_t code)
{
	struct flow_error e = {.fault = {.err = 0}};
	struct flow_mod m;

	assert_int_equal(flow_text_parse(text, FLOW_ADD, &m, &e), 0);
	assert_true(flow_ctl_mod_now(get(), &m, &e) < 0);
	flow_ctl_flush();
	flow_mod_clear(&m);
	assert_int_equal(e.type, type);
	assert_int_equal(e.code, code);
	assert_int_equal(get()->flows->count, 0);
}

static void what_cannot_be_is_refused(void **state)
{
	refused("table=254,in_port=1,actions=2", 5, 2);
	refused("table=253,in_port=1,actions=goto_table:254", 3, 2);
	refused("in_port=1,actions=group:7", 2, 9);
	refused("in_port=1,actions=meter:7,2", 12, 2);
	refused("in_port=1,actions=output:16384", 2, 4);
}

static void a_full_table_refuses_or_evicts(void **state)
{
	struct flow_table *t = &get()->flows->table[3];
	struct flow_error e;
	struct flow_mod m;

	t->max = 2;
	mod("table=3,importance=5,in_port=1,actions=2", FLOW_ADD);
	mod("table=3,importance=4,in_port=2,actions=2", FLOW_ADD);
	assert_int_equal(flow_text_parse("table=3,importance=4,in_port=3,actions=2", FLOW_ADD, &m, &e), 0);
	assert_int_equal(flow_ctl_mod_now(get(), &m, &e), -ENOSPC);
	assert_int_equal(e.type << 16 | e.code, OFPFMFC_TABLE_FULL);
	mod("table=3,importance=4,in_port=2,actions=1", FLOW_ADD);
	t->eviction = true;
	assert_int_equal(flow_ctl_mod_now(get(), &m, &e), 0);
	assert_int_equal(flow_ctl_table_count(get(), 3), 2);
	assert_null(flow_index_find(get(), 3, &(struct flow_match){0}, 0));
	m.importance = 3;
	m.priority = 1;
	assert_int_equal(flow_ctl_mod_now(get(), &m, &e), -ENOSPC);
	flow_ctl_flush();
	flow_mod_clear(&m);
}

static void entries_expire(void **state)
{
	mod("idle_timeout=1,send_flow_rem,in_port=1,actions=2", FLOW_ADD);
	mod("hard_timeout=2,in_port=2,actions=2", FLOW_ADD);
	mod("in_port=3,actions=2", FLOW_ADD);
	for (unsigned int i = 0; i < 3000 && get()->flows->count > 1; i++) {
		flow_timeout_poll();
		flow_change_poll();
		rte_delay_us_sleep(1000);
		assert_true(i < 950 || get()->flows->count < 3 || i < 1500);
	}
	assert_int_equal(get()->flows->count, 1);
	assert_int_equal(told, 1);
}

static void a_used_entry_does_not_expire(void **state)
{
	const uint64_t hz = rte_get_tsc_hz();
	uint32_t number;

	mod("idle_timeout=1,in_port=1,actions=2", FLOW_ADD);
	number = newest();
	for (uint64_t until = rte_rdtsc() + hz * 3 / 2; rte_rdtsc() < until; rte_delay_us_sleep(1000)) {
		flow_fake.count[number].used = rte_rdtsc();
		flow_timeout_poll();
	}
	assert_int_equal(get()->flows->count, 1);
}

static void a_bridge_goes_with_its_entries(void **state)
{
	mod("send_flow_rem,in_port=1,actions=2", FLOW_ADD);
	must_do("bridge.del", "{'name': 'br', 'dry_run': true}");
	assert_int_equal(get()->flows->count, 1);
	must_do("bridge.del", "{'name': 'br'}");
	settle();
	flow_change_poll();
	assert_int_equal(told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flow_mods_do_what_a_naive_model_does, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(counters_stay_or_go_as_asked, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_number_is_free_when_workers_are_done, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_run_of_mods_voids_the_caches_once, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(workers_see_all_of_a_run_or_nothing, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_full_table_refuses_or_evicts, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(entries_expire, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_used_entry_does_not_expire, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_bridge_goes_with_its_entries, setup, harness_teardown),
	};

	harness_start();
	flow_switch_listen(&listener);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
