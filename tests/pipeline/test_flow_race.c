/* SPDX-License-Identifier: BSD-3-Clause */
// A flow bridge, forwarding on a worker's thread while control changes its entries, groups and meters: what becomes of
// each packet is what a naive model says of the state before or after some change that was under way in the meantime.
//
// Design: the daemon without its sockets; flow_race.h has the model.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "../../control/bridge.h"
#include "../../control/flow_ctl.h"
#include "../../control/flow_text.h"
#include "../../control/group_live.h"
#include "../../control/objects.h"
#include "../../control/rpc.h"
#include "../../control/store.h"
#include "../../datapath/rcu.h"
#include "../../datapath/worker.h"
#include "../../tables/fdb.h"
#include "../rng.h"
#include "flow_race.h"

#define SECONDS 3
#define SECONDS_MAX 60
#define VERSIONS_MIN 100
#define OVERLAPPED_MIN 100 // packets
#define LIVE 60            // at a time, about
#define FLOW_CACHE 256     // fewer than there are flows

static uint32_t nrules, priority;
static uint64_t rng_control = RNG_SEED;

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng_next(&rng_control) % below);
}

static struct flow_bridge *fb;
static struct event_base *base;
static uint32_t next; // the version that is being made

static void match_text(char *text, const struct race_rule *r)
{
	char *at = text + sprintf(text, "table=%u,udp", r->table);

	if (r->mask.src)
		at += sprintf(at, ",nw_src=10.0.0.%u/%u", r->key.src, 29 + __builtin_popcount(r->mask.src));
	if (r->mask.dst)
		at += sprintf(at, ",nw_dst=10.0.1.%u/%u", r->key.dst, 29 + __builtin_popcount(r->mask.dst));
	if (r->mask.port)
		at += sprintf(at, ",tp_dst=%u", r->key.port);
	if (r->metadata_mask)
		sprintf(at, ",metadata=%u/%u", r->metadata, r->metadata_mask);
}

static char *out_text(char *at, struct race_output o)
{
	if (o.dscp)
		at += sprintf(at, "set_field:%u->ip_dscp,", o.dscp);
	return at + sprintf(at, "output:%u,", o.port);
}

static void actions_text(char *text, const struct race_rule *r)
{
	char *at = text + sprintf(text, ",actions=%s", r->meter ? "meter:1," : "");

	for (uint32_t i = 0; i < RTE_DIM(r->out) && r->out[i].port; i++)
		at = out_text(at, r->out[i]);
	if (r->group)
		at += sprintf(at, "group:%u,", r->group);
	if (r->write_port)
		at += sprintf(at, "write_actions(output:%u),", r->write_port);
	if (r->write_metadata != 0xff)
		at += sprintf(at, "write_metadata:%u,", r->write_metadata);
	if (r->go)
		at += sprintf(at, "goto_table:%u,", r->go);
	if (at[-1] == '=')
		strcpy(at, "drop");
	else
		at[-1] = '\0';
}

static struct race_output random_output(void)
{
	return (struct race_output){.dscp = rng(3) ? 0 : (uint8_t)(1 + rng(3)), .port = (uint8_t)(2 + rng(3))};
}

static void random_instructions(struct race_rule *r)
{
	const bool go = r->table + 1 < TABLES && rng(3) > 0;

	r->out[0] = r->out[1] = (struct race_output){0};
	for (uint32_t i = 0, n = rng(3); i < n; i++)
		r->out[i] = random_output();
	r->group = rng(4) ? 0 : (uint8_t)(1 + rng(GROUPS));
	r->write_port = rng(3) ? 0 : (uint8_t)(2 + rng(3));
	r->meter = rng(8) == 0;
	r->write_metadata = rng(2) ? 0xff : (uint8_t)rng(4);
	r->go = go ? (uint8_t)(r->table + 1 + rng(TABLES - r->table - 1)) : 0;
}

static void random_match(struct race_rule *r)
{
	static const uint8_t masks[] = {0, 0, 4, 6, 7};

	r->mask = (struct race_fields){masks[rng(5)], masks[rng(5)], rng(3) ? 0 : 7};
	r->key = (struct race_fields){r->mask.src & rng(8), r->mask.dst & rng(8), r->mask.port & rng(8)};
	r->metadata_mask = r->table > 0 && rng(3) == 0 ? 3 : 0;
	r->metadata = r->metadata_mask & rng(4);
}

static void flow_mod(struct txn *t, const char *text, enum flow_command command)
{
	struct flow_error e = {.fault = {.err = 0}};
	struct flow_mod m;
	int rc;

	if (flow_text_parse(text, command, &m, &e) < 0)
		fail_msg("%s: %s", text, e.fault.message);
	rc = t != NULL ? flow_ctl_mod(t, fb, &m, false, NULL, &e) : flow_ctl_mod_now(fb, &m, &e);
	if (rc < 0)
		fail_msg("%s: %s", text, e.fault.message);
	flow_mod_clear(&m);
}

static void rule_end(struct race_rule *r)
{
	__atomic_store_n(&r->until, next, __ATOMIC_RELAXED);
}

static void rule_begin(const struct race_rule *r)
{
	assert_true(nrules < RULES_MAX);
	race_rule[nrules] = *r;
	race_rule[nrules].from = next;
	race_rule[nrules++].until = FOREVER;
}

static void add(struct txn *t)
{
	// No two rules have the same priority, so that it is said which one a packet meets.
	struct race_rule r = {.table = (uint8_t)rng(TABLES), .priority = (uint16_t)(1 + (priority++ * 7919) % 60000)};
	char text[512];

	random_match(&r);
	random_instructions(&r);
	match_text(text, &r);
	sprintf(text + strlen(text), ",priority=%u", r.priority);
	actions_text(text + strlen(text), &r);
	flow_mod(t, text, FLOW_ADD);
	rule_begin(&r);
}

static struct race_rule *random_rule(void)
{
	for (uint32_t i = 0; i < 20 && race_version[next].first < nrules; i++) {
		const uint32_t first = race_version[next].first;
		struct race_rule *const r = &race_rule[first + rng(nrules - first)];

		if (r->until == FOREVER)
			return r;
	}
	return NULL;
}

static void change_one(struct txn *t, bool delete)
{
	struct race_rule *const old = random_rule();
	struct race_rule r;
	char text[512];

	if (old == NULL)
		return;
	r = *old;
	rule_end(old);
	match_text(text, &r);
	sprintf(text + strlen(text), ",priority=%u", r.priority);
	if (delete) {
		flow_mod(t, text, FLOW_DELETE_STRICT);
		return;
	}
	random_instructions(&r);
	actions_text(text + strlen(text), &r);
	flow_mod(t, text, rng(2) ? FLOW_ADD : FLOW_MODIFY_STRICT);
	rule_begin(&r);
}

static bool is_narrower(const struct race_rule *r, const struct race_rule *wide)
{
	return (wide->mask.src & ~r->mask.src) == 0 && (wide->mask.dst & ~r->mask.dst) == 0 &&
	       (wide->mask.port & ~r->mask.port) == 0 && (wide->metadata_mask & ~r->metadata_mask) == 0 &&
	       race_covers(wide, r->key, r->metadata);
}

static void change_many(struct txn *t, bool delete)
{
	const uint32_t end = nrules;
	struct race_rule like = {.table = (uint8_t)rng(TABLES)};
	char text[512];

	random_match(&like);
	random_instructions(&like);
	match_text(text, &like);
	if (!delete)
		actions_text(text + strlen(text), &like);
	flow_mod(t, text, delete ? FLOW_DELETE : FLOW_MODIFY);
	for (uint32_t i = race_version[next].first; i < end; i++) {
		struct race_rule r = race_rule[i];

		if (r.until != FOREVER || r.table != like.table || !is_narrower(&r, &like))
			continue;
		rule_end(&race_rule[i]);
		memcpy(r.out, like.out, sizeof(r.out));
		r.group = like.group;
		r.write_port = like.write_port;
		r.meter = like.meter;
		r.write_metadata = like.write_metadata;
		r.go = like.go;
		if (!delete)
			rule_begin(&r);
	}
}

static void entries(struct txn *t, uint32_t live)
{
	for (uint32_t i = 1 + rng(6); i > 0; i--) {
		if (rng(12) == 0)
			change_many(t, rng(3) == 0);
		else if (rng(3) == 0)
			change_one(t, false);
		else if (rng(2 * LIVE) < live)
			change_one(t, true);
		else
			add(t);
	}
}

static void group(struct txn *t, uint32_t number, enum group_command command)
{
	static const char *const types[] = {"all", "select", "indirect"};
	struct race_group *const g = &race_version[next].group[number - 1];
	struct flow_error e = {.fault = {.err = 0}};
	struct group_mod m;
	char text[512], *at;

	g->type = (uint8_t)rng(3);
	g->n = g->type == GROUP_INDIRECT ? 1 : (uint8_t)(1 + rng(3));
	at = text + sprintf(text, "group_id=%u,type=%s", number, types[g->type]);
	for (uint32_t i = 0; i < g->n; i++) {
		g->out[i] = random_output();
		at += sprintf(at, ",bucket=%s", g->type == GROUP_SELECT ? "weight=1,actions=" : "actions=");
		at = out_text(at, g->out[i]) - 1;
	}
	*at = '\0';
	assert_int_equal(group_text_parse(text, command, &m, &e), 0);
	assert_int_equal(group_change(t, fb, &m, false, &e), 0);
	group_mod_clear(&m);
}

static void meter(struct txn *t, enum meter_command command)
{
	struct flow_error e = {.fault = {.err = 0}};
	struct meter_mod m;
	char text[64];

	race_version[next].closed = rng(2);
	sprintf(text, "meter=1 pktps band=type=drop,rate=%u", race_version[next].closed ? 1 : UINT32_MAX);
	assert_int_equal(meter_text_parse(text, command, &m, &e), 0);
	assert_int_equal(meter_change(t, fb, &m, false, &e), 0);
}

static void version_begin(void)
{
	next++;
	race_version[next] = race_version[next - 1];
}

static void version_commit(void)
{
	uint32_t first = race_version[next].first;

	// What none of the versions from the one before on has.
	while (first < nrules && race_rule[first].until < next)
		first++;
	race_version[next].first = first;
	race_version[next].end = nrules;
	__atomic_store_n(&race_begun, next, __ATOMIC_RELEASE);
}

static void version_end(void)
{
	__atomic_store_n(&race_done, next, __ATOMIC_RELEASE);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static uint32_t count_live(void)
{
	return fb->flows->count;
}

static void transaction(void)
{
	struct fault f = {.err = 0};
	struct txn t;

	version_begin();
	txn_begin(&t, false);
	if (rng(8) == 0)
		group(&t, 1 + rng(GROUPS), GROUP_MODIFY);
	if (rng(16) == 0)
		meter(&t, METER_MODIFY);
	if (rng(4) > 0)
		entries(&t, count_live());
	version_commit();
	assert_int_equal(txn_commit(&t, &f), 0);
	version_end();
}

static void run_of_flow_mods(void)
{
	version_begin();
	entries(NULL, count_live());
	version_commit();
	flow_ctl_flush();
	version_end();
}

static void rpc(const char *method, const char *params)
{
	json_t *const p = json_loads(params, 0, NULL);
	struct fault f = {.err = 0};
	json_t *result = NULL;

	assert_non_null(p);
	if (rpc_do(method, p, NULL, &result, &f) < 0)
		fail_msg("%s: %s", method, f.message);
	json_decref(result);
	json_decref(p);
}

static void set_up(void)
{
	struct fault f = {.err = 0};
	struct txn t;
	char params[128];

	rpc("bridge.add", "{\"name\": \"br\", \"mode\": \"flow\"}");
	for (uint32_t p = 1; p <= 4; p++) {
		sprintf(params, "{\"name\": \"p%u\", \"type\": \"race\"}", p);
		rpc("port.add", params);
		sprintf(params, "{\"bridge\": \"br\", \"port\": \"p%u\"}", p);
		rpc("bridge.port_add", params);
	}
	assert_int_equal(flow_switch_get("bridge", "br", &fb, &f), 0);
	txn_begin(&t, false);
	for (uint32_t g = 1; g <= GROUPS; g++)
		group(&t, g, GROUP_ADD);
	meter(&t, METER_ADD);
	assert_int_equal(txn_commit(&t, &f), 0);
}

// Where others take the CPUs, it takes longer until enough has happened at once.
static bool goes_on(uint64_t since)
{
	const uint64_t now = rte_get_tsc_cycles() - since, hz = rte_get_tsc_hz();
	const bool enough =
		next > VERSIONS_MIN && __atomic_load_n(&race_result.overlapped, __ATOMIC_RELAXED) > OVERLAPPED_MIN;

	return now < (enough ? SECONDS : SECONDS_MAX) * hz && next + 1 < VERSIONS_MAX && nrules + 1000 < RULES_MAX;
}

static void each_packet_meets_one_state(void **state)
{
	const uint64_t since = rte_get_tsc_cycles();
	struct flow_count looked_up;

	set_up();
	assert_int_equal(workers_start(), 0);
	__atomic_store_n(&race_result.giving, true, __ATOMIC_RELEASE);
	while (goes_on(since)) {
		if (rng(2))
			transaction();
		else
			run_of_flow_mods();
	}
	__atomic_store_n(&race_result.giving, false, __ATOMIC_RELEASE);
	// What was race_result.given has been compared when a loop has begun and ended since.
	for (uint32_t i = 0; i < 2; i++)
		rcu_synchronize();
	assert_int_equal(flow_counts_sync(10000), 0);
	workers_stop();
	if (race_result.mismatch > 0)
		fail_msg("%lu of %lu packets: %s", race_result.mismatch, race_result.given, race_result.first_mismatch);
	looked_up = flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(fb->number, 0));
	assert_int_equal(looked_up.packets, race_result.given);
	print_message("%u versions, %lu packets, %lu of them while one was made\n", next, race_result.given,
		      race_result.overlapped);
	assert_true(next > VERSIONS_MIN);
	assert_true(race_result.overlapped > OVERLAPPED_MIN);
	assert_true(race_result.settled > 0);
}

static struct fdb *fdb;

static int start(void **state)
{
	char *argv[] = {"test", "--no-huge",   "--no-pci", "--no-shconf",   "-m", "192", "-l",
			"0,1",  "--log-level", "*:4",      "--no-telemetry"};
	const struct worker_conf conf = {.lcore = 1, .idle = WORKER_IDLE_POLL};
	struct fault f = {0};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		argv[6] = "--lcores", argv[7] = "(0,1)@0";
	assert_true(rte_eal_init(RTE_DIM(argv), argv) >= 0);
	base = event_base_new();
	assert_int_equal(rcu_create(1), 0);
	assert_int_equal(port_pool_create(8191, &f), 0);
	assert_int_equal(fdb_create(&fdb, 4096), 0);
	assert_int_equal(datapath_isa_set(NULL, &f), 0);
	assert_int_equal(workers_create(&conf, 1, fdb), 0);
	assert_int_equal(flow_create(FLOW_CACHE), 0);
	assert_int_equal(store_open(NULL, &f), 0);
	assert_int_equal(objects_create(base, fdb, UINT64_C(64) << 20), 0);
	assert_int_equal(objects_restore(&f), 0);
	return 0;
}

static int end(void **state)
{
	objects_destroy();
	store_close();
	flow_destroy();
	workers_destroy();
	rcu_drain();
	fdb_destroy(fdb);
	port_pool_destroy();
	rcu_destroy();
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_packet_meets_one_state)};

	return cmocka_run_group_tests_name("flow_race", tests, start, end);
}
