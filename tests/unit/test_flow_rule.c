/* SPDX-License-Identifier: BSD-3-Clause */
// Rules in testpmd's words become what rte_flow takes, or one error that names the word.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ports/ethdev_flow.h"

static struct flow_rule r;
static struct fault f;

static void must_parse(const char *text)
{
	if (flow_rule_parse(&r, text, &f) != 0)
		fail_msg("%s: %s", text, f.message);
}

static void whole_rules_are_read(void **state)
{
	const struct rte_flow_item_ipv4 *ip;
	const struct rte_flow_item_vlan *vlan;

	must_parse("group 2 priority 3 ingress pattern eth / vlan vid is 0x123 / ipv4 src is 10.1.2.3 dst spec "
		   "10.9.0.0 dst "
		   "prefix 12 ttl is 64 / end actions mark id 70000 / queue index 5 / end");
	assert_int_equal(r.attr.group, 2);
	assert_int_equal(r.attr.priority, 3);
	assert_true(r.attr.ingress && !r.attr.egress && !r.attr.transfer);
	assert_int_equal(r.item[0].type, RTE_FLOW_ITEM_TYPE_ETH);
	assert_null(r.item[0].spec);
	assert_null(r.item[0].mask);
	vlan = r.item[1].spec;
	assert_int_equal(vlan->hdr.vlan_tci, RTE_BE16(0x123));
	vlan = r.item[1].mask;
	assert_int_equal(vlan->hdr.vlan_tci, RTE_BE16(0xfff));
	ip = r.item[2].spec;
	assert_int_equal(ip->hdr.src_addr, RTE_BE32(0x0a010203));
	assert_int_equal(ip->hdr.dst_addr, RTE_BE32(0x0a090000));
	assert_int_equal(ip->hdr.time_to_live, 64);
	ip = r.item[2].mask;
	assert_int_equal(ip->hdr.src_addr, RTE_BE32(0xffffffff));
	assert_int_equal(ip->hdr.dst_addr, RTE_BE32(0xfff00000));
	assert_int_equal(ip->hdr.time_to_live, 255);
	assert_int_equal(r.item[3].type, RTE_FLOW_ITEM_TYPE_END);
	assert_int_equal(r.action[0].type, RTE_FLOW_ACTION_TYPE_MARK);
	assert_int_equal(((const struct rte_flow_action_mark *)r.action[0].conf)->id, 70000);
	assert_int_equal(((const struct rte_flow_action_queue *)r.action[1].conf)->index, 5);
	assert_int_equal(r.action[2].type, RTE_FLOW_ACTION_TYPE_END);
	assert_string_equal(r.shown, "ETH VLAN IPV4 => MARK QUEUE");
}

static void wrong_words_are_named(void **state)
{
	static const struct {
		const char *text, *value;
	} wrong[] = {
		{"", "\"\""},
		{"ingress", "\"\""},
		{"sideways pattern eth / end actions drop / end", "\"sideways\""},
		{"group x pattern eth / end actions drop / end", "\"x\""},
		{"priority 4294967296 pattern eth / end actions drop / end", "\"4294967296\""},
		{"pattern sctp / end actions drop / end", "\"sctp\""},
		{"pattern eth", "\"\""},
		{"pattern eth src is 1.2.3.4 / end actions drop / end", "\"1.2.3.4\""},
		{"pattern eth colour is 1 / end actions drop / end", "\"colour\""},
		{"pattern eth src was 02:00:00:00:00:01 / end actions drop / end", "\"was\""},
		{"pattern vlan vid is 4096 / end actions drop / end", "\"4096\""},
		{"pattern ipv6 src prefix 129 / end actions drop / end", "\"129\""},
		{"pattern eth / end", "\"\""},
		{"pattern eth / end actions fly / end", "\"fly\""},
		{"pattern eth / end actions queue / end", "\"/\""},
		{"pattern eth / end actions queue index 65536 / end", "\"65536\""},
		{"pattern eth / end actions drop / end now", "\"now\""},
	};

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		f = (struct fault){0};
		assert_int_equal(flow_rule_parse(&r, wrong[i].text, &f), -EINVAL);
		assert_string_equal(f.field, "rule");
		assert_string_equal(f.value, wrong[i].value);
		assert_true(f.allowed[0] != '\0' && f.message[0] != '\0');
	}
}

// The largest rule of each bound goes, one more does not, and nothing is written beyond.
static void bounds_hold(void **state)
{
	char text[4096];
	size_t used;

	for (unsigned int n = FLOW_ITEMS_MAX; n <= FLOW_ITEMS_MAX + 1; n++) {
		used = (size_t)sprintf(text, "pattern ");
		for (unsigned int i = 0; i < n; i++)
			used += (size_t)sprintf(text + used, "ipv6 src is ::1 / ");
		sprintf(text + used, "end actions drop / end");
		assert_int_equal(flow_rule_parse(&r, text, &f), n == FLOW_ITEMS_MAX ? 0 : -EINVAL);
	}
	for (unsigned int n = FLOW_ACTIONS_MAX; n <= FLOW_ACTIONS_MAX + 1; n++) {
		used = (size_t)sprintf(text, "pattern eth / end actions ");
		for (unsigned int i = 0; i < n; i++)
			used += (size_t)sprintf(text + used, "mark id 1 / ");
		sprintf(text + used, "end");
		assert_int_equal(flow_rule_parse(&r, text, &f), n == FLOW_ACTIONS_MAX ? 0 : -EINVAL);
	}
	memset(text, ' ', FLOW_RULE_LEN + 1);
	text[FLOW_RULE_LEN + 1] = '\0';
	assert_int_equal(flow_rule_parse(&r, text, &f), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_rules_are_read),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
