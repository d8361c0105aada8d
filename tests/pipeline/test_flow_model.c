/* SPDX-License-Identifier: BSD-3-Clause */
// Random rules, changes and packets: what leaves a flow bridge, and what its entries count, is what a naive interpreter
// says, which scans all rules of each table for each packet and keeps nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rng.h"
#include "flow_fixture.h"
#include "flow_interpreter.h"

#define PORTS INTERPRETER_PORTS
#define TABLES 4
#define RULES_MAX INTERPRETER_RULES
#define ROUNDS 60
#define CHANGES 12 // of rules, in each round
#define PACKETS 150

static uint64_t rng_state;
static uint32_t nrules, priority;
static uint64_t got_controller;
static struct interpreter interpreter = {.ports = PORTS};

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng_next(&rng_state) % below);
}

static const char *one_of(const char *const *texts, uint32_t n)
{
	return texts[rng(n)];
}

// Rules ------------------------------------------------------------------------------------------------------------

static void add_actions(char *text, bool ip, uint32_t n)
{
	static const char *const any[] = {"output:1",
					  "output:2",
					  "output:3",
					  "output:4",
					  "in_port",
					  "all",
					  "controller:100",
					  "set_field:02:00:00:00:00:77->eth_dst",
					  "push_vlan:0x8100,set_field:4102->vlan_vid"};
	static const char *const of_ip[] = {"dec_ttl", "set_field:10.0.0.2->ipv4_src", "set_field:9->ip_dscp",
					    "set_nw_ttl:7"};

	for (uint32_t i = 0; i < n; i++) {
		strcat(text, i > 0 ? "," : "");
		strcat(text, ip && rng(3) == 0 ? one_of(of_ip, RTE_DIM(of_ip)) : one_of(any, RTE_DIM(any)));
	}
}

static void add_instructions(char *text, uint32_t table, bool ip)
{
	char *const begin = text + strlen(text);

	if (rng(3) > 0)
		add_actions(text, ip, 1 + rng(4));
	if (rng(6) == 0)
		strcat(text, ",clear_actions");
	if (rng(2) == 0) {
		strcat(text, ",write_actions(");
		add_actions(text, ip, 1 + rng(2));
		strcat(text, ")");
	}
	if (rng(3) == 0)
		sprintf(text + strlen(text), ",write_metadata:%u/0x3", rng(4));
	if (table + 1 < TABLES && rng(2) == 0)
		sprintf(text + strlen(text), ",goto_table:%u", table + 1 + rng(TABLES - table - 1));
	if (*begin == ',')
		memmove(begin, begin + 1, strlen(begin));
	if (*begin == '\0')
		strcat(text, "drop");
}

// Returns whether the match is one of IPv4.
static bool add_match(char *text, uint32_t table)
{
	const bool ip = rng(3) > 0;

	if (rng(3) == 0)
		sprintf(text + strlen(text), ",in_port=%u", 1 + rng(3));
	if (rng(4) == 0)
		strcat(text, rng(2) ? ",vlan_tci=0x1005/0x1fff" : ",vlan_tci=0x1006/0x1fff");
	if (rng(4) == 0)
		sprintf(text + strlen(text), ",dl_dst=02:00:00:00:00:0%u", 1 + rng(2));
	if (table > 0 && rng(2) == 0)
		sprintf(text + strlen(text), ",metadata=%u/0x%x", rng(4) & 1, 1);
	if (ip) {
		strcat(text, rng(2) ? ",udp" : ",ip");
		if (rng(2) == 0)
			sprintf(text + strlen(text), ",nw_src=10.0.0.%u/%u", rng(4) & ~1u, 31 - rng(2));
		if (rng(5) == 0)
			strcat(text, ",ip_dscp=9");
		if (strstr(text, ",udp") != NULL && rng(2) == 0)
			sprintf(text + strlen(text), ",tp_dst=%u", 50 + rng(3));
	} else if (rng(3) == 0) {
		strcat(text, rng(2) ? ",arp" : ",ipv6");
	}
	return ip;
}

static void change(void)
{
	const uint32_t some = nrules > 0 ? 1 + rng(nrules) : 0;
	const uint32_t table = rng(TABLES);
	char text[1024];
	bool ip;

	if (some > 0 && fixture_rule(some)->entry != NULL && rng(3) == 0) {
		fixture_del(some);
		return;
	}
	// No two rules of one table have the same priority, so that it is said which one a packet meets.
	sprintf(text, "table=%u,priority=%u", table, 1 + (priority++ * 7919) % 60000);
	ip = add_match(text, table);
	strcat(text, ",actions=");
	add_instructions(text, table, ip);
	nrules = fixture_flow(text);
	assert_true(nrules < RULES_MAX);
	interpreter.count[nrules] = 0;
	if (some > 0 && fixture_rule(some)->entry != NULL && rng(2) == 0) {
		sprintf(text, "table=%u,ip,actions=", fixture_rule(some)->entry->table);
		add_instructions(text, fixture_rule(some)->entry->table, false);
		fixture_mod(some, text);
	}
}

// Packets ----------------------------------------------------------------------------------------------------------

static void make_frame(char *hex)
{
	static const char *const types[] = {"0800", "0800", "0800", "0806", "86dd", "9999"};
	const char *const type = one_of(types, RTE_DIM(types));
	const uint32_t tags = rng(4) == 0 ? 1 + rng(3) : 0;

	sprintf(hex, "02000000000%u0200000000aa", 1 + rng(2));
	for (uint32_t i = 0; i < tags; i++)
		sprintf(hex + strlen(hex), "%s%04x", rng(4) ? "8100" : "88a8", (5 + rng(2)) | rng(2) << 13);
	strcat(hex, type);
	if (strcmp(type, "0800") == 0)
		sprintf(hex + strlen(hex),
			"45%02x0023%04x%s%02x%s00000a0000%02x0a00000900350%03x000f00007061796c6f6164",
			rng(3) ? 0 : 9 << 2, rng(2), rng(8) ? "0000" : "2000", rng(6) ? 64 : 1, rng(3) ? "11" : "06",
			rng(4), 50 + rng(3));
	else if (strcmp(type, "0806") == 0)
		strcat(hex, "00010800060400010200000000aa0a0000010000000000000a000002");
	else
		strcat(hex,
		       "6000000000081140fd000000000000000000000000000001fd00000000000000000000000000000200350035000800"
		       "00");
}

static void packet(uint16_t port)
{
	struct flow_packet p;
	char hex[512];

	make_frame(hex);
	flow_packet_init(&p, fixture_mbuf(hex), port_pool(), port);
	interpreter_run(&interpreter, &p, nrules);
	rte_pktmbuf_free(p.m);
	fixture_in(port, hex);
}

// Comparison -------------------------------------------------------------------------------------------------------

static void compare(void)
{
	static const enum punt_class classes[] = {PUNT_FLOW_MISS, PUNT_FLOW_ACTION, PUNT_FLOW_TTL};
	struct punt punt;

	harness_run();
	for (uint32_t port = 1; port <= PORTS; port++)
		interpreter_compare(&interpreter, port);
	for (uint32_t c = 0; c < RTE_DIM(classes); c++) {
		while (harness_punt(classes[c], &punt)) {
			got_controller++;
			rte_pktmbuf_free(punt.m);
		}
	}
	assert_int_equal(got_controller, interpreter.controller);
	for (uint32_t n = 1; n <= nrules; n++)
		if (fixture_rule(n)->entry != NULL)
			assert_int_equal(fixture_count(n).packets, interpreter.count[n]);
	harness_audit();
}

static void as_the_interpreter_says(void)
{
	static uint64_t seed; // another one for each run

	rng_state = RNG_SEED + seed++;
	nrules = priority = 0;
	interpreter.controller = got_controller = 0;
	fixture_begin(PORTS, 256);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		// Tokens for what goes to the controller.
		harness_worker->tsc += rte_get_tsc_hz();
		for (uint32_t port = 1; port <= PORTS; port++)
			harness_ports[port].room = HARNESS_OUT;
		for (uint32_t i = rng(CHANGES); i > 0; i--)
			change();
		for (uint32_t i = 0; i < PACKETS; i++)
			packet((uint16_t)(1 + rng(3)));
		compare();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_the_interpreter_says),
		TEST(as_the_interpreter_says),
		TEST(as_the_interpreter_says),
	};
	int failed;

	harness_init();
	failed = cmocka_run_group_tests_name("flow_model", tests, NULL, NULL);
	fixture_end();
	return failed;
}
