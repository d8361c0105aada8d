/* SPDX-License-Identifier: BSD-3-Clause */
// Lists of actions, groups and meters: what can be told to be wrong of them without looking at any table.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "../../control/flow_mod.h"
#include "flow_samples.h"

static struct flow_error error;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_refused(int rc, enum flow_errno what)
{
	assert_true(rc < 0);
	assert_string_equal(flow_error_name(error.type, error.code), flow_error_name(what >> 16, what & 0xffff));
}

// A list of up to three actions, checked against a match.
static int check(const struct flow_match *m, struct flow_action a, struct flow_action b)
{
	struct flow_action v[2] = {a, b};

	return flow_actions_check(&(struct flow_actions){.v = v, .n = COUNT(v)}, FLOW_USE_ENTRY, m, &error);
}

#define ACTION(kind, ...) ((struct flow_action){.type = FLOW_ACTION_##kind, __VA_ARGS__})
#define OUT ACTION(OUTPUT, .arg = 1)

static struct flow_match match_type(uint64_t eth_type)
{
	struct flow_match m = {.given = 0};

	sample_add(&m, FLOW_FIELD_ETH_TYPE, eth_type);
	return m;
}

static void each_field_is_set_where_the_match_has_it(void **state)
{
	static const struct flow_match all;

	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		const struct flow_action set = ACTION(SET_FIELD, .field = f, .value = sample_value(f));
		struct flow_match m = {.given = 0};

		if (!flow_action_settable(f)) {
			expect_refused(check(&all, set, OUT), OFPBAC_BAD_SET_TYPE);
			continue;
		}
		sample_prereqs(&m, f);
		if (f == FLOW_FIELD_VLAN_VID)
			sample_add(&m, f, FLOW_VLAN_PRESENT | 1);
		assert_int_equal(check(&m, set, OUT), 0);
		assert_int_equal(check(NULL, set, OUT), 0);
		if (flow_field_info[f].pre != FLOW_PRE_NONE || f == FLOW_FIELD_VLAN_VID)
			expect_refused(check(&all, set, OUT), OFPBAC_MATCH_INCONSISTENT);
	}
	expect_refused(check(&all, ACTION(SET_FIELD, .field = FLOW_FIELD_COUNT), OUT), OFPBAC_BAD_SET_TYPE);
	expect_refused(check(NULL, ACTION(SET_FIELD, .field = FLOW_FIELD_IP_DSCP, .value = {.lo = 64}), OUT),
		       OFPBAC_BAD_SET_ARGUMENT);
	expect_refused(check(NULL, ACTION(SET_FIELD, .field = FLOW_FIELD_VLAN_VID, .value = {.lo = 5}), OUT),
		       OFPBAC_BAD_SET_ARGUMENT);
}

static void actions_follow_what_the_packet_becomes(void **state)
{
	static const struct flow_match any;
	const struct flow_match mpls = match_type(0x8847), ip = match_type(0x0800), pbb = match_type(0x88e7);
	const struct flow_action label = ACTION(SET_FIELD, .field = FLOW_FIELD_MPLS_LABEL, .value = {.lo = 16}),
				 dst = ACTION(SET_FIELD, .field = FLOW_FIELD_IPV4_DST, .value = {.lo = 1}),
				 vid = ACTION(SET_FIELD, .field = FLOW_FIELD_VLAN_VID, .value = {.lo = 0x1005}),
				 isid = ACTION(SET_FIELD, .field = FLOW_FIELD_PBB_ISID, .value = {.lo = 9});

	assert_int_equal(check(&any, ACTION(PUSH_VLAN, .arg = 0x8100), vid), 0);
	assert_int_equal(check(&any, ACTION(PUSH_VLAN, .arg = 0x88a8), ACTION(POP_VLAN)), 0);
	expect_refused(check(&any, OUT, ACTION(POP_VLAN)), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check(&any, ACTION(PUSH_MPLS, .arg = 0x8848), label), 0);
	expect_refused(check(&ip, ACTION(PUSH_MPLS, .arg = 0x8847), dst), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check(&mpls, ACTION(POP_MPLS, .arg = 0x0800), dst), 0);
	assert_int_equal(check(&mpls, ACTION(POP_MPLS, .arg = 0x0800), ACTION(DEC_NW_TTL)), 0);
	expect_refused(check(&mpls, ACTION(POP_MPLS, .arg = 0x0800), label), OFPBAC_MATCH_INCONSISTENT);
	expect_refused(check(&ip, ACTION(POP_MPLS, .arg = 0x0800), OUT), OFPBAC_MATCH_INCONSISTENT);
	expect_refused(check(&ip, ACTION(DEC_MPLS_TTL), OUT), OFPBAC_MATCH_INCONSISTENT);
	expect_refused(check(&mpls, ACTION(SET_NW_TTL, .arg = 3), OUT), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check(&ip, ACTION(PUSH_PBB, .arg = 0x88e7), isid), 0);
	assert_int_equal(check(&pbb, ACTION(POP_PBB), OUT), 0);
	expect_refused(check(&pbb, ACTION(POP_PBB), isid), OFPBAC_MATCH_INCONSISTENT);
	expect_refused(check(&ip, ACTION(POP_PBB), OUT), OFPBAC_MATCH_INCONSISTENT);
}

static void arguments_that_cannot_be_are_refused(void **state)
{
	static const struct {
		struct flow_action action;
		enum flow_errno what;
	} cases[] = {
		{ACTION(OUTPUT, .arg = 0), OFPBAC_BAD_OUT_PORT},
		{ACTION(OUTPUT, .arg = 0xffffff01), OFPBAC_BAD_OUT_PORT},
		{ACTION(OUTPUT, .arg = FLOW_PORT_ANY), OFPBAC_BAD_OUT_PORT},
		{ACTION(OUTPUT, .arg = FLOW_PORT_TABLE), OFPBAC_BAD_OUT_PORT},
		{ACTION(GROUP, .arg = 0xffffff01), OFPBAC_BAD_OUT_GROUP},
		{ACTION(SET_QUEUE, .arg = FLOW_QUEUE_ALL), OFPBAC_BAD_QUEUE},
		{ACTION(SET_NW_TTL, .arg = 256), OFPBAC_BAD_ARGUMENT},
		{ACTION(SET_MPLS_TTL, .arg = 256), OFPBAC_BAD_ARGUMENT},
		{ACTION(PUSH_VLAN, .arg = 0x0800), OFPBAC_BAD_ARGUMENT},
		{ACTION(PUSH_MPLS, .arg = 0x8100), OFPBAC_BAD_ARGUMENT},
		{ACTION(PUSH_PBB, .arg = 0x88a8), OFPBAC_BAD_ARGUMENT},
		{ACTION(POP_MPLS, .arg = 0x10000), OFPBAC_BAD_ARGUMENT},
	};
	struct flow_action table = ACTION(OUTPUT, .arg = FLOW_PORT_TABLE);
	struct flow_actions one = {.v = &table, .n = 1};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_refused(check(NULL, cases[i].action, OUT), cases[i].what);
	assert_int_equal(flow_actions_check(&one, FLOW_USE_PACKET_OUT, NULL, &error), 0);
	expect_refused(flow_actions_check(&one, FLOW_USE_BUCKET, NULL, &error), OFPBAC_BAD_OUT_PORT);
}

static void flow_mods_that_cannot_be_are_refused(void **state)
{
	struct flow_action pop = ACTION(POP_VLAN);
	struct flow_mod m = {.command = FLOW_ADD, .table = 3};

	assert_int_equal(flow_mod_check(&m, &error), 0);
	m.command = 5;
	expect_refused(flow_mod_check(&m, &error), OFPFMFC_BAD_COMMAND);
	m = (struct flow_mod){.flags = 0x20};
	expect_refused(flow_mod_check(&m, &error), OFPFMFC_BAD_FLAGS);
	m = (struct flow_mod){.command = FLOW_MODIFY, .table = FLOW_TABLE_ALL};
	expect_refused(flow_mod_check(&m, &error), OFPFMFC_BAD_TABLE_ID);
	m.command = FLOW_DELETE_STRICT;
	assert_int_equal(flow_mod_check(&m, &error), 0);
	m = (struct flow_mod){.table = 3, .instructions = {.has = FLOW_INST_GOTO, .goto_table = 3}};
	expect_refused(flow_mod_check(&m, &error), OFPBIC_BAD_TABLE_ID);
	m.instructions.goto_table = 255;
	expect_refused(flow_mod_check(&m, &error), OFPBIC_BAD_TABLE_ID);
	m.instructions.goto_table = 4;
	assert_int_equal(flow_mod_check(&m, &error), 0);
	m.instructions = (struct flow_instructions){.has = FLOW_INST_METER, .meter = 0};
	expect_refused(flow_mod_check(&m, &error), OFPMMFC_INVALID_METER);
	m.instructions = (struct flow_instructions){.has = FLOW_INST_APPLY, .apply = {.v = &pop, .n = 1}};
	expect_refused(flow_mod_check(&m, &error), OFPBAC_MATCH_INCONSISTENT);
	// What an action set does to a packet is known when the set runs.
	m.instructions = (struct flow_instructions){.has = FLOW_INST_WRITE, .write = {.v = &pop, .n = 1}};
	assert_int_equal(flow_mod_check(&m, &error), 0);
}

static int bucket(uint8_t type, uint16_t weight, uint32_t port, uint32_t group)
{
	struct group_bucket b = {.weight = weight, .watch_port = port, .watch_group = group};
	const struct group_mod m = {.type = type, .group = 1, .buckets = &b, .nbuckets = 1};

	return group_mod_check(&m, &error);
}

static void groups_that_cannot_be_are_refused(void **state)
{
	const uint32_t no_port = FLOW_PORT_ANY, no_group = FLOW_GROUP_ANY;
	struct group_mod m = {.type = GROUP_ALL};

	assert_int_equal(group_mod_check(&m, &error), 0);
	m.command = 3;
	expect_refused(group_mod_check(&m, &error), OFPGMFC_BAD_COMMAND);
	m = (struct group_mod){.type = 4};
	expect_refused(group_mod_check(&m, &error), OFPGMFC_BAD_TYPE);
	m = (struct group_mod){.group = FLOW_GROUP_ALL};
	expect_refused(group_mod_check(&m, &error), OFPGMFC_INVALID_GROUP);
	m.command = GROUP_DELETE;
	assert_int_equal(group_mod_check(&m, &error), 0);
	m = (struct group_mod){.type = GROUP_INDIRECT};
	expect_refused(group_mod_check(&m, &error), OFPGMFC_INVALID_GROUP);

	assert_int_equal(bucket(GROUP_SELECT, 7, no_port, no_group), 0);
	expect_refused(bucket(GROUP_SELECT, 0, no_port, no_group), OFPGMFC_INVALID_GROUP);
	expect_refused(bucket(GROUP_ALL, 7, no_port, no_group), OFPGMFC_INVALID_GROUP);
	assert_int_equal(bucket(GROUP_FF, 0, 1, no_group), 0);
	assert_int_equal(bucket(GROUP_FF, 0, no_port, 1), 0);
	expect_refused(bucket(GROUP_FF, 0, no_port, no_group), OFPGMFC_INVALID_GROUP);
	expect_refused(bucket(GROUP_INDIRECT, 0, 1, no_group), OFPGMFC_WATCH_UNSUPPORTED);
	// Zeros are what a controller leaves that fills in nothing.
	assert_int_equal(bucket(GROUP_ALL, 0, 0, 0), 0);
	assert_int_equal(bucket(GROUP_INDIRECT, 0, 0, 0), 0);
	assert_int_equal(bucket(GROUP_SELECT, 1, 0, 0), 0);
	expect_refused(bucket(GROUP_FF, 0, 0, 0), OFPGMFC_INVALID_GROUP);
	expect_refused(bucket(GROUP_SELECT, 1, 0, no_group), OFPGMFC_BAD_WATCH);
	expect_refused(bucket(GROUP_ALL, 0, no_port, 0), OFPGMFC_WATCH_UNSUPPORTED);
	expect_refused(bucket(GROUP_FF, 0, FLOW_PORT_FLOOD, no_group), OFPGMFC_BAD_WATCH);
	expect_refused(bucket(GROUP_FF, 0, no_port, FLOW_GROUP_ALL), OFPGMFC_BAD_WATCH);
}

static void meters_that_cannot_be_are_refused(void **state)
{
	struct meter_mod m = {.flags = METER_PKTPS, .meter = 1, .nbands = 1, .bands = {{METER_DROP, 0, 10, 0}}};

	assert_int_equal(meter_mod_check(&m, &error), 0);
	m.bands[0].rate = 0;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_RATE);
	m.bands[0] = (struct meter_band){METER_DSCP_REMARK, 4, 10, 0};
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_BAND_VALUE);
	m.bands[0] = (struct meter_band){3, 0, 10, 0};
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_BAND);
	m.flags = METER_PKTPS | METER_KBPS;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_FLAGS);
	m.flags = 0x10;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_FLAGS);
	m.meter = 0;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_INVALID_METER);
	m.meter = FLOW_METER_ALL;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_INVALID_METER);
	m.command = METER_DELETE;
	assert_int_equal(meter_mod_check(&m, &error), 0);
	m.command = 3;
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_BAD_COMMAND);
	m = (struct meter_mod){.meter = FLOW_METER_CONTROLLER, .nbands = METER_BANDS_MAX + 1};
	expect_refused(meter_mod_check(&m, &error), OFPMMFC_OUT_OF_BANDS);
}

static void copies_are_equal_until_something_differs(void **state)
{
	struct group_mod g = {.type = GROUP_SELECT, .group = 5}, h;
	struct flow_instructions i = {.has = FLOW_INST_APPLY | FLOW_INST_WRITE}, j;

	for (unsigned int n = 0; n < 9; n++) {
		struct group_bucket *b = group_mod_add(&g);

		b->weight = (uint16_t)n;
		for (unsigned int k = 0; k < n; k++)
			*flow_actions_add(&b->actions) = ACTION(OUTPUT, .arg = k + 1);
		*flow_actions_add(&i.apply) = ACTION(GROUP, .arg = n);
		*flow_actions_add(&i.write) = ACTION(OUTPUT, .arg = n + 1);
	}
	assert_int_equal(group_mod_copy(&h, &g), 0);
	assert_true(group_mod_equal(&g, &h));
	h.buckets[8].actions.v[7].arg++;
	assert_false(group_mod_equal(&g, &h));
	assert_int_equal(flow_instructions_copy(&j, &i), 0);
	assert_true(flow_instructions_equal(&i, &j));
	assert_true(flow_instructions_output_to(&j, 9, 8));
	assert_false(flow_instructions_output_to(&j, 9, 9));
	assert_true(flow_instructions_output_to(&j, FLOW_PORT_ANY, FLOW_GROUP_ANY));
	j.write.n--;
	assert_false(flow_instructions_equal(&i, &j));
	flow_instructions_clear(&i);
	flow_instructions_clear(&j);
	group_mod_clear(&g);
	group_mod_clear(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_is_set_where_the_match_has_it),
		cmocka_unit_test(actions_follow_what_the_packet_becomes),
		cmocka_unit_test(arguments_that_cannot_be_are_refused),
		cmocka_unit_test(flow_mods_that_cannot_be_are_refused),
		cmocka_unit_test(groups_that_cannot_be_are_refused),
		cmocka_unit_test(meters_that_cannot_be_are_refused),
		cmocka_unit_test(copies_are_equal_until_something_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
