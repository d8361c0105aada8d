/* SPDX-License-Identifier: BSD-3-Clause */
// Matches built field by field: each field with and without what it asks for, and every way to get one wrong.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "../../control/flow_match.h"
#include "flow_samples.h"

static struct flow_error error;

static void expect_refused(int rc, enum flow_errno what)
{
	assert_int_equal(rc, -EINVAL);
	assert_string_equal(flow_error_name(error.type, error.code), flow_error_name(what >> 16, what & 0xffff));
	assert_int_equal(error.fault.err, rc);
	assert_true(error.fault.message[0] != '\0');
}

static int add(struct flow_match *m, enum flow_field field, uint64_t lo)
{
	return flow_match_add(m, field, (struct flow_value){.lo = lo}, NULL, &error);
}

static int add_masked(struct flow_match *m, enum flow_field field, uint64_t lo, uint64_t mask)
{
	return flow_match_add(m, field, (struct flow_value){.lo = lo}, &(struct flow_value){.lo = mask}, &error);
}

static void field_needs_its_prerequisites(void **state)
{
	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		struct flow_match bare = {.given = 0}, m = {.given = 0};
		struct flow_value got;

		sample_prereqs(&m, f);
		assert_int_equal(flow_match_add(&m, f, sample_value(f), NULL, &error), 0);
		got = flow_key_get(&m.key, f);
		assert_int_equal(got.lo, sample_value(f).lo);
		assert_int_equal(got.hi, sample_value(f).hi);
		assert_true(flow_key_fields(&m.key, &m.mask) >> f & 1);
		if (flow_field_info[f].pre == FLOW_PRE_NONE)
			continue;
		expect_refused(flow_match_add(&bare, f, sample_value(f), NULL, &error), OFPBMC_BAD_PREREQ);
		assert_string_equal(error.fault.allowed, flow_match_prereq_text(flow_field_info[f].pre));
	}
}

static void field_comes_once(void **state)
{
	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		struct flow_match m = {.given = 0};

		sample_prereqs(&m, f);
		assert_int_equal(flow_match_add(&m, f, sample_value(f), NULL, &error), 0);
		expect_refused(flow_match_add(&m, f, sample_value(f), NULL, &error), OFPBMC_DUP_FIELD);
	}
	struct flow_match m = {.given = 0};
	assert_int_equal(add_masked(&m, FLOW_FIELD_METADATA, 0, 0), 0);
	expect_refused(add(&m, FLOW_FIELD_METADATA, 1), OFPBMC_DUP_FIELD);
}

static void value_beyond_the_fields_bits_is_refused(void **state)
{
	unsigned int narrow = 0;

	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		const struct flow_value ones = flow_field_ones(f);
		struct flow_match m = {.given = 0};

		if (flow_field_info[f].bits >= 64)
			continue;
		sample_prereqs(&m, f);
		expect_refused(add(&m, f, ones.lo + 1), OFPBMC_BAD_VALUE);
		if (flow_field_info[f].maskable)
			expect_refused(add_masked(&m, f, 0, ones.lo + 1), OFPBMC_BAD_MASK);
		narrow++;
	}
	assert_true(narrow > 30);
}

static void masks_are_as_the_standard_allows(void **state)
{
	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		const struct flow_value ones = flow_field_ones(f);
		struct flow_match exact = {.given = 0}, m = {.given = 0};

		sample_prereqs(&exact, f);
		sample_prereqs(&m, f);
		assert_int_equal(flow_match_add(&exact, f, sample_value(f), NULL, &error), 0);
		assert_int_equal(flow_match_add(&m, f, sample_value(f), &ones, &error), 0);
		assert_true(flow_match_equal(&m, &exact));

		// No bit of the mask: as if the field were not there.
		struct flow_match none = {.given = 0}, without = {.given = 0};
		sample_prereqs(&none, f);
		sample_prereqs(&without, f);
		assert_int_equal(add_masked(&none, f, 0, 0), 0);
		assert_true(flow_match_equal(&none, &without));

		if (flow_field_info[f].bits < 2)
			continue;
		struct flow_match part = {.given = 0};
		sample_prereqs(&part, f);
		if (!flow_field_info[f].maskable) {
			expect_refused(add_masked(&part, f, 0, 2), OFPBMC_BAD_MASK);
			continue;
		}
		expect_refused(add_masked(&part, f, 1, 2), OFPBMC_BAD_WILDCARDS);
		assert_int_equal(add_masked(&part, f, 2, 2), 0);
		assert_int_equal(flow_key_get(&part.mask, f).lo, 2);
	}
}

static void ports_and_vlans_that_cannot_be_are_refused(void **state)
{
	static const uint32_t bad[] = {0, 0xffffff01, FLOW_PORT_IN_PORT, FLOW_PORT_ALL, FLOW_PORT_ANY};
	static const uint32_t good[] = {1, FLOW_PORT_MAX, FLOW_PORT_LOCAL, FLOW_PORT_CONTROLLER};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct flow_match m = {.given = 0};

		expect_refused(add(&m, FLOW_FIELD_IN_PORT, bad[i]), OFPBMC_BAD_VALUE);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct flow_match m = {.given = 0};

		assert_int_equal(add(&m, FLOW_FIELD_IN_PORT, good[i]), 0);
	}
	struct flow_match m = {.given = 0};
	expect_refused(add(&m, FLOW_FIELD_VLAN_VID, 7), OFPBMC_BAD_VALUE);
	assert_int_equal(add(&m, FLOW_FIELD_VLAN_VID, 0), 0);
	expect_refused(add(&m, FLOW_FIELD_VLAN_PCP, 1), OFPBMC_BAD_PREREQ); // untagged frames have none
	m = (struct flow_match){.given = 0};
	assert_int_equal(add_masked(&m, FLOW_FIELD_VLAN_VID, 0x1000, 0x1000), 0);
	assert_int_equal(add(&m, FLOW_FIELD_VLAN_PCP, 1), 0);
}

static void refusal_names_field_value_and_what_is_allowed(void **state)
{
	struct flow_match m = {.given = 0};

	expect_refused(add(&m, FLOW_FIELD_IP_DSCP, 64), OFPBMC_BAD_VALUE);
	assert_string_equal(error.fault.field, "match.ip_dscp");
	assert_string_equal(error.fault.value, "\"0x40\"");
	assert_string_equal(error.fault.allowed, "a value of 6 bits");
}

static void fields_are_found_by_name(void **state)
{
	for (int f = 0; f < FLOW_FIELD_COUNT; f++)
		assert_int_equal(flow_match_field(flow_field_info[f].name), f);
	assert_int_equal(flow_match_field("eth"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_needs_its_prerequisites),
		cmocka_unit_test(field_comes_once),
		cmocka_unit_test(value_beyond_the_fields_bits_is_refused),
		cmocka_unit_test(masks_are_as_the_standard_allows),
		cmocka_unit_test(ports_and_vlans_that_cannot_be_are_refused),
		cmocka_unit_test(refusal_names_field_value_and_what_is_allowed),
		cmocka_unit_test(fields_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
