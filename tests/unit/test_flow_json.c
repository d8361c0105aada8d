/* SPDX-License-Identifier: BSD-3-Clause */
// The methods flow.*: what is read back is what was given, refusals name element and field and change nothing, and what
// is persisted comes back.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/flow_ctl.h"
#include "../../control/flow_json.h"
#include "../../control/flow_value.h"
#include "flow_fake.h"
#include "flow_samples.h"

static int setup(void **state)
{
	harness_setup(state);
	flow_fake.busy = false;
	must_do("bridge.add", "{'name': 'br', 'mode': 'flow'}");
	must_do("port.add", "{'name': 'p', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p', 'of_port': 9}");
	return 0;
}

static void every_field_is_read_as_it_is_written(void **state)
{
	for (int f = 0; f < FLOW_FIELD_COUNT; f++)
		for (int masked = 0; masked <= flow_field_info[f].maskable; masked++) {
			struct flow_match m = {.given = 0}, again;
			struct flow_value mask = flow_field_ones((enum flow_field)f), v;
			struct flow_error e;
			json_t *json;

			sample_prereqs(&m, (enum flow_field)f);
			if (m.given >> f & 1)
				continue;
			if (masked)
				mask.lo &= f == FLOW_FIELD_VLAN_VID ? FLOW_VLAN_PRESENT : ~UINT64_C(0xc);
			v = sample_value((enum flow_field)f);
			v.hi &= mask.hi;
			v.lo &= mask.lo;
			assert_int_equal(flow_match_add(&m, (enum flow_field)f, v, masked ? &mask : NULL, &e), 0);
			json = flow_json_of_match(&m);
			assert_non_null(json_object_get(json, flow_field_info[f].name));
			assert_int_equal(flow_json_match(NULL, json, &again, &e), 0);
			assert_true(flow_match_equal(&m, &again));
			json_decref(json);
		}
}

static void every_action_is_read_as_it_is_written(void **state)
{
	const char *text =
		"[{'type':'output','port':'CONTROLLER','max_len':100},{'type':'output','port':3},"
		"{'type':'output','port':'IN_PORT'},{'type':'copy_ttl_out'},{'type':'copy_ttl_in'},"
		"{'type':'set_mpls_ttl','ttl':3},{'type':'dec_mpls_ttl'},{'type':'push_vlan','ethertype':33024},"
		"{'type':'pop_vlan'},{'type':'push_mpls','ethertype':34887},{'type':'pop_mpls','ethertype':2048},"
		"{'type':'set_queue','queue':7},{'type':'group','group':4},{'type':'set_nw_ttl','ttl':64},"
		"{'type':'dec_nw_ttl'},{'type':'set_field','field':'ipv6_dst','value':'2001:db8::1'},"
		"{'type':'set_field','field':'vlan_vid','value':4101},{'type':'push_pbb','ethertype':35047},"
		"{'type':'pop_pbb'}]";
	struct flow_actions a = {.v = NULL};
	struct flow_error e;
	json_t *in, *out;
	char *quoted = strdup(text);

	for (char *c = quoted; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	in = json_loads(quoted, 0, NULL);
	assert_non_null(in);
	assert_int_equal(flow_json_actions(NULL, in, "actions", &a, &e), 0);
	out = flow_json_of_actions(&a);
	assert_true(json_equal(in, out));
	json_decref(in);
	json_decref(out);
	flow_actions_clear(&a);
	free(quoted);
}

static void entries_are_listed_as_they_were_added(void **state)
{
	json_t *list, *o;
	uint32_t port;

	must_do("flow.add", "{'bridge': 'br', 'flows': [{'table': 3, 'priority': 7, 'cookie': '0xffffffffffffffff', "
			    "'match': {'ipv4_dst': '10.0.0.0/8', 'eth_type': 2048, 'in_port': 'p'}, 'flags': "
			    "['send_flow_rem'], 'instructions': {'clear_actions': true, 'write_metadata': '0x10/0xf0', "
			    "'apply_actions': [{'type': 'output', 'port': 'p'}], 'goto_table': 4}, 'idle_timeout': 5, "
			    "'hard_timeout': 6, 'importance': 8}, {}]}");
	list = must_call("flow.list", "{'bridge': 'br', 'table': 3}");
	assert_int_equal(json_array_size(list), 1);
	o = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(o, "cookie")), "0xffffffffffffffff");
	assert_string_equal(json_string_value(json_object_get(o, "text")),
			    "cookie=0xffffffffffffffff,table=3,idle_timeout=5,hard_timeout=6,importance=8,"
			    "send_flow_rem,priority=7,ip,in_port=9,nw_dst=10.0.0.0/8,actions=output:9,clear_actions,"
			    "write_metadata:0x10/0xf0,goto_table:4");
	json_decref(list);
	// The only bridge need not be named, one of several must be.
	list = must_call("flow.list", "{}");
	assert_true(json_array_size(list) > 0);
	json_decref(list);
	must_do("bridge.add", "{'name': 'another', 'mode': 'flow'}");
	must_refuse(-EINVAL, NULL, "flow.list", "{}");
	must_do("bridge.del", "{'name': 'another'}");
	list = must_call("flow.list", "{'bridge': 'br', 'cookie': 0}");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "text")),
			    "priority=32768,actions=drop");
	json_decref(list);
	list = must_call("flow.list", "{'bridge': 'br', 'text': 'ip,in_port=9,out_port=1'}");
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = must_call("flow.list", "{'bridge': 'br', 'match': {'in_port': 'p'}, 'out_port': 'p'}");
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	must_do("flow.add",
		"{'bridge': 'br', 'flows': [{'text': 'table=5,in_port=p,actions=output:p,\\\"p\\\",IN_PORT'}]}");
	list = must_call("flow.list", "{'bridge': 'br', 'text': 'table=5,in_port=\\\"p\\\",out_port=p'}");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "text")),
			    "table=5,priority=32768,in_port=9,actions=output:9,output:9,IN_PORT");
	json_decref(list);
	// Only while a text of this bridge is read.
	assert_false(flow_port_parse("p", &port));
}

static void lists_come_in_pages(void **state)
{
	json_int_t after = 0;
	size_t n = 0;

	for (unsigned int i = 0; i < 10; i++)
		must_do("flow.add", "{'bridge': 'br', 'flows': [{'priority': %u}]}", i);
	for (;;) {
		json_t *list = must_call("flow.list", "{'bridge': 'br', 'limit': 3, 'after': %lld}", (long long)after);
		const size_t size = json_array_size(list);

		if (size > 0)
			after = json_integer_value(json_object_get(json_array_get(list, size - 1), "key"));
		n += size;
		json_decref(list);
		if (size == 0)
			break;
		assert_true(size <= 3);
	}
	assert_int_equal(n, 10);
}

static void refusals_name_element_and_field(void **state)
{
	static const struct {
		int err;
		const char *flow, *field;
	} bad[] = {
		{-EINVAL, "{'table': 254}", "flows[1].table"},
		{-EINVAL, "{'priority': 65536}", "flows[1].priority"},
		{-EINVAL, "{'cookie': 'x'}", "flows[1].cookie"},
		{-EINVAL, "{'cookie': -1}", "flows[1].cookie"},
		{-EINVAL, "{'idle_timeout': 70000}", "flows[1].idle_timeout"},
		{-EINVAL, "{'flags': ['no']}", "flows[1].flags[0]"},
		{-EINVAL, "{'wight': 1}", "flows[1].wight"},
		{-EINVAL, "{'match': {'ipv4_dts': '1.2.3.4'}}", "flows[1].match.ipv4_dts"},
		{-EINVAL, "{'match': {'ipv4_dst': '1.2.3.4'}}", "flows[1].match.ipv4_dst"},
		{-EINVAL, "{'match': {'eth_type': 2048, 'ipv4_dst': '1.2.3'}}", "flows[1].match.ipv4_dst"},
		{-EINVAL, "{'match': {'eth_type': 65536}}", "flows[1].match.eth_type"},
		{-EINVAL, "{'match': {'eth_type': '0x800/0xff00'}}", "flows[1].match.eth_type"},
		{-EINVAL, "{'match': {'in_port': 'q'}}", "flows[1].match.in_port"},
		{-EINVAL, "{'match': {'vlan_vid': 5}}", "flows[1].match.vlan_vid"},
		{-EINVAL, "{'actions': {}}", "flows[1].actions"},
		{-EINVAL, "{'actions': [{'type': 'x'}]}", "flows[1].actions[0]"},
		{-EINVAL, "{'actions': [{'type': 'output'}]}", "flows[1].actions[0]"},
		{-EINVAL, "{'actions': [{'type': 'output', 'port': 16384}]}", "flows[1].actions"},
		{-EINVAL, "{'actions': [{'type': 'pop_vlan', 'x': 1}]}", "flows[1].actions[0]"},
		{-EINVAL, "{'actions': [{'type': 'set_field', 'field': 'eth_dst', 'value': 'x'}]}",
		 "flows[1].actions[0]"},
		{-ENOENT, "{'actions': [{'type': 'group', 'group': 5}]}", "flows[1].actions"},
		{-EINVAL, "{'instructions': {'goto': 5}}", "flows[1].instructions"},
		{-EINVAL, "{'instructions': {'goto_table': 0}}", "flows[1].instructions.goto_table"},
		{-EINVAL, "{'instructions': {'meter': 5}}", "flows[1].instructions.meter"},
		{-EEXIST, "{'flags': ['check_overlap'], 'match': {'in_port': 1}}", "flows[1].match"},
		{-EINVAL, "{'text': 'in_port=x,actions=drop'}", "flows[1].text"},
		{-EINVAL, "{'text': 'actions=drop', 'table': 1}", "flows[1].text"},
	};
	char *before, *after;
	struct fault f;

	must_do("flow.add", "{'bridge': 'br', 'flows': [{'priority': 1}], 'persist': true}");
	before = everything();
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		must_refuse(bad[i].err, &f, "flow.add", "{'bridge': 'br', 'flows': [{}, %s]}", bad[i].flow);
		assert_string_equal(f.field, bad[i].field);
		after = everything();
		must_be_same(before, after);
		free(after);
	}
	must_refuse(-EINVAL, &f, "flow.add", "{'bridge': 'br', 'flows': [{'idle_timeout': 1}], 'persist': true}");
	must_refuse(-ENOENT, &f, "flow.add", "{'bridge': 'no', 'flows': []}");
	must_do("bridge.add", "{'name': 'l2'}");
	must_refuse(-EINVAL, &f, "flow.list", "{'bridge': 'l2'}");
	must_refuse(-EBUSY, &f, "bridge.port_add", "{'bridge': 'l2', 'port': 'p'}");
	free(before);
}

static void a_dry_run_says_what_would_be(void **state)
{
	const unsigned int changed = flow_fake.changed;
	json_t *r;

	r = must_call("flow.add", "{'bridge': 'br', 'flows': [{}, {'priority': 3}, {}], 'dry_run': true}");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "result"), "added")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "result"), "replaced")), 1);
	json_decref(r);
	r = must_call("flow.list", "{'bridge': 'br'}");
	assert_int_equal(json_array_size(r), 0);
	json_decref(r);
	assert_int_equal(flow_fake.changed, changed);
}

static char *texts(void)
{
	json_t *list = must_call("flow.list", "{'bridge': 'br', 'persist': true}");
	char *text = calloc(1, 4096);

	for (size_t i = 0; i < json_array_size(list); i++) {
		strcat(text, json_string_value(json_object_get(json_array_get(list, i), "text")));
		strcat(text, "\n");
	}
	json_decref(list);
	return text;
}

static void restart(void)
{
	struct fault f;

	objects_destroy();
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	assert_int_equal(objects_restore(&f), 0);
}

static void persisted_entries_are_desired_state(void **state)
{
	char *text, *before, *after;
	struct fault f;

	must_do("flow.add", "{'bridge': 'br', 'persist': true, 'flows': [{'text': 'priority=1,in_port=1,actions=2'},"
			    "{'text': 'priority=2,in_port=1,actions=2'}, {'text': 'priority=3,in_port=1,actions=2'}]}");
	must_do("flow.add", "{'bridge': 'br', 'flows': [{'text': 'priority=3,in_port=1,actions=3'}, {}]}");
	must_do("flow.del", "{'bridge': 'br', 'text': 'priority=2,in_port=1', 'strict': true}");
	must_do("flow.mod", "{'bridge': 'br', 'flows': [{'match': {'in_port': 1}, 'actions': []}]}");
	text = texts();
	assert_string_equal(text, "priority=1,in_port=1,actions=drop\n");
	free(text);
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	before = everything();
	must_do("flow.set", "{'bridge': 'br', 'flows': [{'text': 'priority=1,in_port=1,actions=drop'}]}");
	after = everything();
	must_be_same(before, after);
	free(after);
	must_do("flow.set", "{'bridge': 'br', 'flows': [{'priority': 9}]}");
	text = texts();
	assert_string_equal(text, "priority=9,actions=drop\n");
	free(text);
	must_do("flow.flush", "{'bridge': 'br'}");
	text = texts();
	assert_string_equal(text, "");
	free(text);
	free(before);
}

static void settings_of_tables_are_desired_state(void **state)
{
	struct fault f;
	json_t *r;

	must_do("flow.table_set", "{'bridge': 'br', 'table': 2, 'max_entries': 1}");
	must_do("flow.add", "{'bridge': 'br', 'flows': [{'table': 2}]}");
	must_refuse(-ENOSPC, &f, "flow.add", "{'bridge': 'br', 'flows': [{'table': 2, 'priority': 1}]}");
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	restart();
	r = must_call("flow.tables", "{'bridge': 'br', 'table': 2}");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(r, 0), "max_entries")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(r, 0), "entries")), 0);
	json_decref(r);
	must_do("flow.table_reset", "{'bridge': 'br', 'table': 2}");
	must_refuse(-ENOENT, &f, "flow.table_reset", "{'bridge': 'br', 'table': 2}");
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p'}");
	must_do("bridge.del", "{'name': 'br'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_field_is_read_as_it_is_written, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(every_action_is_read_as_it_is_written, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(entries_are_listed_as_they_were_added, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(lists_come_in_pages, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(refusals_name_element_and_field, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_says_what_would_be, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(persisted_entries_are_desired_state, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(settings_of_tables_are_desired_state, setup, harness_teardown),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
