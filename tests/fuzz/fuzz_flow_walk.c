/* SPDX-License-Identifier: BSD-3-Clause */
// Arbitrary packets through arbitrary flow tables: keys, classifiers, cache, verdicts, actions and groups at once, by
// what the real front ends make of the input. Each packet goes through twice, so that the second one meets what the
// worker kept of the first; what leaves, what entries count and what goes to the controller is what the naive
// interpreter says, and the accounts close.
//
// Input: lines. "#" and hexadecimal digits: a flow-mod or group-mod of OpenFlow; ">", a port's digit and hexadecimal
// digits: a frame; anything else: a flow, or after "group_id=" a group, in ovs-ofctl's words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "../../control/flow_text.h"
#include "../../control/openflow/ofp_mod.h"
#include "../../control/openflow/wire.h"
#include "../pipeline/flow_interpreter.h"
#include "require.h"

#define TABLES 8
#define RULES 200
#define GROUPS 16
#define PUSHES 6 // of one list
#define FRAME_MIN 14
#define FRAME_MAX 400
#define LINES 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct interpreter interpreter = {.ports = INTERPRETER_PORTS};
static uint32_t first, nrules; // numbers of rules: of the input's, and the last one
static uint64_t got_controller;
static bool groups[GROUPS];

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *const at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static uint32_t hex_read(const char *text, uint8_t *out, uint32_t max)
{
	uint32_t n = 0;

	for (; n < max && digit(text[0]) >= 0 && digit(text[1]) >= 0; text += 2)
		out[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	return n;
}

// What the interpreter knows, and what leaves frames that every port takes. below: groups that may be named.
static bool actions_fit(const struct flow_actions *a, uint32_t below)
{
	uint32_t pushes = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct flow_action *const x = &a->v[i];

		if (x->type == FLOW_ACTION_OUTPUT && (x->arg == FLOW_PORT_NORMAL || x->arg == FLOW_PORT_TABLE))
			return false;
		if (x->type == FLOW_ACTION_GROUP && (x->arg >= below || !groups[x->arg]))
			return false;
		pushes += x->type == FLOW_ACTION_PUSH_VLAN || x->type == FLOW_ACTION_PUSH_MPLS ||
			  x->type == FLOW_ACTION_PUSH_PBB;
	}
	return pushes <= PUSHES;
}

static bool flow_fits(const struct flow_mod *m)
{
	const struct flow_instructions *const i = &m->instructions;

	return m->table < TABLES && (!(i->has & FLOW_INST_GOTO) || i->goto_table < TABLES) &&
	       !(i->has & FLOW_INST_METER) && actions_fit(&i->apply, GROUPS) && actions_fit(&i->write, GROUPS);
}

// Which of several rules of one priority a packet meets is nobody's to say, so there is one of each.
static void flow_do(const struct flow_mod *m)
{
	for (uint32_t n = first; n <= nrules; n++) {
		const struct fixture_rule *const r = fixture_rule(n);

		if (r->entry == NULL || r->entry->table != m->table || r->priority != m->priority)
			continue;
		if (m->command == FLOW_DELETE || m->command == FLOW_DELETE_STRICT)
			fixture_del(n);
		return;
	}
	if (m->command != FLOW_ADD || nrules + 1 == first + RULES || !flow_fits(m))
		return;
	nrules = fixture_flow_mod(m, false);
	interpreter.count[nrules] = 0;
}

static void group_do(const struct group_mod *m)
{
	if (m->command != GROUP_ADD || m->group == 0 || m->group >= GROUPS || groups[m->group] ||
	    m->type == GROUP_SELECT || m->nbuckets > 8)
		return;
	for (uint32_t i = 0; i < m->nbuckets; i++)
		// Chains of groups end, and what they make stays countable.
		if (!actions_fit(&m->buckets[i].actions, m->group > 4 ? 4 : 0) ||
		    m->buckets[i].watch_group != FLOW_GROUP_ANY)
			return;
	fixture_group_mod(m);
	groups[m->group] = true;
}

static void message(const char *text)
{
	uint8_t *const bytes = malloc(2048);
	const uint32_t n = hex_read(text, bytes, 2048);
	struct flow_error e;
	struct group_mod g;
	struct flow_mod m;

	REQUIRE(bytes != NULL);
	if (n >= OFP_HEADER && bytes[1] == OFPT_FLOW_MOD && ofp_flow_mod_decode(bytes, n, &m, &e) == 0) {
		flow_do(&m);
		flow_mod_clear(&m);
	} else if (n >= OFP_HEADER && bytes[1] == OFPT_GROUP_MOD && ofp_group_mod_decode(bytes, n, &g, &e) == 0) {
		group_do(&g);
		group_mod_clear(&g);
	}
	free(bytes);
}

static void words(const char *text)
{
	struct flow_error e;
	struct group_mod g;
	struct flow_mod m;

	if (strncmp(text, "group_id=", 9) == 0 && group_text_parse(text, GROUP_ADD, &g, &e) == 0) {
		group_do(&g);
		group_mod_clear(&g);
	} else if (flow_text_parse(text, FLOW_ADD, &m, &e) == 0) {
		flow_do(&m);
		flow_mod_clear(&m);
	}
}

static void compare(void)
{
	static const enum punt_class classes[] = {PUNT_FLOW_MISS, PUNT_FLOW_ACTION, PUNT_FLOW_TTL};
	struct punt punt;

	harness_run();
	for (uint32_t port = 1; port <= INTERPRETER_PORTS; port++)
		interpreter_compare(&interpreter, port);
	for (uint32_t c = 0; c < RTE_DIM(classes); c++)
		while (harness_punt(classes[c], &punt)) {
			got_controller++;
			rte_pktmbuf_free(punt.m);
		}
	assert_int_equal(got_controller, interpreter.controller);
	for (uint32_t port = 1; port <= INTERPRETER_PORTS; port++)
		harness_ports[port].room = HARNESS_OUT;
	harness_audit();
}

static void frame(const char *text)
{
	const uint16_t port = (uint16_t)(1 + (uint8_t)text[0] % INTERPRETER_PORTS);
	uint8_t bytes[FRAME_MAX];
	const uint32_t n = text[0] != '\0' ? hex_read(text + 1, bytes, sizeof(bytes)) : 0;
	struct flow_packet p;

	if (n < FRAME_MIN)
		return;
	for (uint32_t twice = 0; twice < 2; twice++) {
		// Tokens for what goes to the controller.
		harness_worker->tsc += rte_get_tsc_hz();
		flow_packet_init(&p, harness_mbuf(bytes, n), port_pool(), port);
		interpreter_run(&interpreter, &p, nrules);
		rte_pktmbuf_free(p.m);
		fixture_settle();
		harness_in(port, harness_mbuf(bytes, n));
		compare();
	}
}

// A worker is made for many inputs: that takes longer than what it does for one.
static void begin(void)
{
	static bool initialized;

	if (!initialized)
		harness_init();
	if (!initialized || nrules + RULES >= INTERPRETER_RULES) {
		fixture_end();
		harness_reset("v2");
		fixture_begin(INTERPRETER_PORTS, 64);
		nrules = 0;
		got_controller = interpreter.controller = 0;
	}
	initialized = true;
	first = nrules + 1;
	memset(groups, 0, sizeof(groups));
}

static void finish(void)
{
	for (uint32_t n = first; n <= nrules; n++) {
		if (fixture_rule(n)->entry == NULL)
			continue;
		assert_int_equal(fixture_count(n).packets, interpreter.count[n]);
		fixture_del(n);
	}
	fixture_groups_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const text = malloc(size + 1), *rest = text, *line;

	REQUIRE(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	begin();
	for (uint32_t n = 0; n < LINES && (line = strsep(&rest, "\n")) != NULL; n++) {
		if (line[0] == '#')
			message(line + 1);
		else if (line[0] == '>')
			frame(line + 1);
		else if (line[0] != '\0')
			words(line);
	}
	finish();
	free(text);
	return 0;
}
