/* SPDX-License-Identifier: BSD-3-Clause */
// Groups and meters by their methods: what workers get of them, what they count, what is desired state, and how all of
// it is taken back.
#include "objects_harness.h"

#include <errno.h>

#include "../../control/flow_retire.h"
#include "../../control/flow_table.h"
#include "../../control/group_live.h"
#include "flow_fake.h"

static struct flow_bridge *bridge(void)
{
	struct flow_bridge *fb;

	assert_int_equal(flow_switch_get("bridge", "br", &fb, NULL), 0);
	return fb;
}

static const struct flow_group *seen(uint32_t group)
{
	const struct group_obj *g = group_find(bridge()->groups, group);

	return g != NULL ? flow_fake.group[g->id] : NULL;
}

static int setup(void **state)
{
	harness_setup(state);
	flow_fake.busy = false;
	must_do("bridge.add", "{'name': 'br', 'mode': 'flow'}");
	return 0;
}

static int teardown(void **state)
{
	flow_fake.busy = false;
	settle();
	flow_retire_poll();
	return harness_teardown(state);
}

#define SELECT(weights...) "{'bridge': 'br', 'group': 1, 'type': 'select', 'buckets': [" weights "]}"
#define BUCKET(weight, port) "{'weight': " #weight ", 'actions': [{'type': 'output', 'port': " #port "}]}"

// The port that a slot of a select group leads to.
static uint32_t slot_port(const struct flow_group *g, uint32_t slot)
{
	return g->bucket[g->slot[slot]].acts->act[0].op.arg;
}

static void shares(const struct flow_group *g, uint32_t share[8])
{
	memset(share, 0, 8 * sizeof(*share));
	for (uint32_t i = 0; i < g->nslots; i++)
		share[slot_port(g, i)]++;
}

static void flows_stay_with_their_bucket(void **state)
{
	uint32_t before[65536], share[8], moved = 0;
	const struct flow_group *g;

	must_do("group.add", SELECT(BUCKET(1, 1) "," BUCKET(1, 2) "," BUCKET(2, 3)));
	g = seen(1);
	assert_int_equal(g->nbuckets, 3);
	shares(g, share);
	assert_in_range(share[1], g->nslots / 4 - 1, g->nslots / 4 + 1);
	assert_in_range(share[3], g->nslots / 2 - 1, g->nslots / 2 + 1);
	for (uint32_t i = 0; i < g->nslots; i++)
		before[i] = slot_port(g, i);
	// Bucket 2 goes, the others are at other places: a quarter of the flows moves, no more.
	must_do("group.mod", SELECT(BUCKET(2, 3) "," BUCKET(1, 1)));
	g = seen(1);
	for (uint32_t i = 0; i < g->nslots; i++)
		moved += slot_port(g, i) != before[i];
	assert_in_range(moved, g->nslots / 4 - 2, g->nslots / 4 + 2);
	shares(g, share);
	assert_in_range(share[1], g->nslots / 3 - 1, g->nslots / 3 + 1);
	assert_int_equal(share[2], 0);
}

static void a_group_counts_on_and_its_buckets_begin_anew(void **state)
{
	const struct group_obj *g;
	uint32_t first;

	must_do("group.add", SELECT(BUCKET(1, 1) "," BUCKET(1, 2)));
	g = group_find(bridge()->groups, 1);
	first = seen(1)->counters;
	flow_fake.group_count[first] = (struct flow_count){.packets = 10, .bytes = 640};
	flow_fake.group_count[first + 2] = (struct flow_count){.packets = 4, .bytes = 256};
	assert_int_equal(group_counted(g, 0).packets, 10);
	assert_int_equal(group_counted(g, 2).bytes, 256);
	must_do("group.mod", SELECT(BUCKET(1, 1) "," BUCKET(1, 3)));
	assert_int_equal(seen(1)->counters, first);
	assert_int_equal(group_counted(g, 0).packets, 10);
	assert_int_equal(group_counted(g, 2).bytes, 0);
	// More buckets than it has counters for: workers count by the old ones until they say that they do not.
	flow_fake.busy = true;
	must_do("group.mod", SELECT(BUCKET(1, 1) "," BUCKET(1, 2) "," BUCKET(1, 3) "," BUCKET(1, 4) "," BUCKET(1, 5)));
	assert_int_not_equal(seen(1)->counters, first);
	flow_retire_poll();
	flow_fake.group_count[first].packets++;
	flow_fake.group_count[seen(1)->counters].packets = 5;
	flow_fake.busy = false;
	flow_retire_poll();
	assert_int_equal(group_counted(g, 0).packets, 16);
	assert_int_equal(group_counted(g, 0).bytes, 640);
	assert_int_equal(flow_fake.group_count[first].packets, 0);
}

static void run(struct txn *txn, const char *method, const char *text)
{
	struct rpc_call call = {.txn = txn};
	json_t *params = json_loads(text, 0, NULL), *result;
	struct fault f;

	assert_int_equal(rpc_run(method, params, &call, &result, &f), 0);
	json_decref(result);
	json_decref(params);
}

static void what_is_taken_back_was_never_seen(void **state)
{
	const struct flow_group *before;
	struct txn txn;
	char *then, *now;

	must_do("group.add", SELECT(BUCKET(1, 1)));
	must_do("meter.add", "{'bridge': 'br', 'text': 'meter=1,pktps,band=type=drop,rate=5', 'persist': true}");
	must_do("flow.add", "{'bridge': 'br', 'flows': [{'text': 'in_port=1,actions=group:1'}, "
			    "{'text': 'in_port=2,actions=meter:1,output:1'}]}");
	before = seen(1);
	then = everything();
	must_do("group.mod", "{'bridge': 'br', 'group': 1, 'type': 'all', 'dry_run': true}");
	must_do("group.del", "{'bridge': 'br', 'dry_run': true}");
	must_do("meter.del", "{'bridge': 'br', 'dry_run': true}");
	must_do("group.add", "{'bridge': 'br', 'group': 9, 'type': 'all', 'dry_run': true}");
	must_refuse(-EEXIST, NULL, "group.add",
		    "{'bridge': 'br', 'groups': [{'group': 8, 'type': 'all'}, {'group': 1, "
		    "'type': 'all'}]}");
	txn_begin(&txn, false);
	run(&txn, "group.mod", "{\"bridge\": \"br\", \"group\": 1, \"type\": \"all\"}");
	run(&txn, "group.mod", "{\"bridge\": \"br\", \"text\": \"group_id=1,type=all,bucket=1\"}");
	run(&txn, "meter.mod", "{\"bridge\": \"br\", \"text\": \"meter=1,kbps,band=type=drop,rate=9\"}");
	run(&txn, "meter.add", "{\"bridge\": \"br\", \"meter\": 2}");
	run(&txn, "group.add", "{\"bridge\": \"br\", \"text\": \"group_id=8,type=all\"}");
	txn_rollback(&txn);
	now = everything();
	must_be_same(then, now);
	free(now);
	free(then);
	assert_ptr_equal(seen(1), before);
	assert_int_equal(flow_fake.meter[meter_find(bridge()->meters, 1)->id]->band[0].rate, 5);
	assert_null(meter_find(bridge()->meters, 2));
	assert_int_equal(bridge()->flows->count, 2);
	assert_null(group_find(bridge()->groups, 8));
	must_do("group.del", "{'bridge': 'br', 'group': 1}");
	must_do("meter.del", "{'bridge': 'br', 'meter': 1}");
	assert_int_equal(bridge()->flows->count, 0);
}

static void an_id_is_free_when_workers_are_done(void **state)
{
	uint32_t id;

	must_do("group.add", SELECT(BUCKET(1, 1)));
	id = group_find(bridge()->groups, 1)->id;
	flow_fake.busy = true;
	must_do("group.del", "{'bridge': 'br', 'group': 1}");
	assert_null(flow_fake.group[id]);
	must_do("group.add", SELECT(BUCKET(1, 1)));
	assert_int_not_equal(group_find(bridge()->groups, 1)->id, id);
	flow_fake.busy = false;
	flow_retire_poll();
	must_do("group.add", "{'bridge': 'br', 'group': 2, 'type': 'all'}");
	assert_int_equal(group_find(bridge()->groups, 2)->id, id);
}

static void groups_may_come_in_any_order(void **state)
{
	struct fault f;

	must_do("group.add",
		"{'bridge': 'br', 'persist': true, 'groups': [{'text': 'group_id=1,type=all,bucket=group:2'}, "
		"{'text': 'group_id=2,type=all,bucket=group:3'}, {'group': 3, 'type': 'all'}]}");
	assert_int_equal(seen(1)->bucket[0].acts->act[0].op.arg, group_find(bridge()->groups, 2)->id);
	must_refuse(-ENOENT, &f, "group.add",
		    "{'bridge': 'br', 'groups': [{'text': 'group_id=11,type=all,bucket=group:12'}]}");
	must_refuse(-ENOENT, &f, "group.add",
		    "{'bridge': 'br', 'persist': true, 'group': 11, 'text': 'group_id=11,type=all,bucket=group:12'}");
	must_refuse(-ENOENT, &f, "group.add",
		    "{'bridge': 'br', 'persist': true, 'dry_run': true, "
		    "'text': 'group_id=11,type=all,bucket=group:12'}");
	must_txn("[['group.add', {'bridge': 'br', 'persist': true, 'text': 'group_id=11,type=all,bucket=group:12'}], "
		 "['group.add', {'bridge': 'br', 'persist': true, 'text': 'group_id=12,type=all'}]]");
	assert_non_null(seen(11));
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	must_refuse(-EBUSY, &f, "group.del", "{'bridge': 'br', 'group': 12}");
	must_do("group.del", "{'bridge': 'br'}");
	assert_int_equal(json_object_size(store_kind("group")), 0);
}

static void what_is_wrong_is_named(void **state)
{
	struct fault f;

	must_refuse(-EINVAL, &f, "group.add",
		    "{'bridge': 'br', 'groups': [{'group': 1, 'type': 'all'}, {'group': 2, "
		    "'type': 'select', 'buckets': [{'weight': 0}]}]}");
	assert_string_equal(f.field, "groups[1].buckets.weight");
	must_refuse(-EINVAL, &f, "group.add", "{'bridge': 'br', 'group': 2}");
	assert_string_equal(f.field, "type");
	must_refuse(-EINVAL, &f, "group.add",
		    "{'bridge': 'br', 'group': 2, 'type': 'all', 'buckets': [{}, {'actions': [{'type': 'fly'}]}]}");
	assert_string_equal(f.field, "buckets[1].actions[0]");
	must_refuse(-EINVAL, &f, "group.add", "{'bridge': 'br', 'group': 2, 'text': 'group_id=3,type=all'}");
	assert_string_equal(f.field, "group");
	must_refuse(-ENOENT, &f, "group.del", "{'bridge': 'br', 'group': 2}");
	must_refuse(-EINVAL, &f, "meter.add", "{'bridge': 'br', 'meter': 0}");
	must_refuse(-EINVAL, &f, "meter.add", "{'bridge': 'br', 'meter': 1, 'flags': ['kbps', 'pktps']}");
	assert_string_equal(f.field, "flags");
	must_refuse(-EINVAL, &f, "meter.add",
		    "{'bridge': 'br', 'meters': [{'meter': 1, 'bands': [{'type': 'dscp_remark', 'rate': 1}]}]}");
	assert_string_equal(f.field, "meters[0].bands.prec_level");
}

static void bands_are_counted_as_they_were_given(void **state)
{
	const struct meter_obj *m;
	const struct flow_meter *live;

	must_do("meter.add", "{'bridge': 'br', 'meter': 7, 'flags': ['pktps', 'burst'], 'bands': ["
			     "{'type': 'dscp_remark', 'rate': 100, 'burst_size': 7, 'prec_level': 1}, "
			     "{'type': 'drop', 'rate': 200, 'burst_size': 9}]}");
	m = meter_find(bridge()->meters, 7);
	live = flow_fake.meter[m->id];
	assert_false(live->bits);
	// The highest rate first.
	assert_int_equal(live->band[0].rate, 200);
	assert_int_equal(live->band[0].burst, 9);
	assert_true(live->band[1].remark);
	flow_fake.meter_count[flow_meter_counter(m->id, 0)].packets = 30;
	flow_fake.meter_count[flow_meter_counter(m->id, 1)].packets = 20;
	assert_int_equal(meter_counted(m, 0).packets, 30);
	assert_int_equal(meter_counted(m, 1).packets, 0);
	assert_int_equal(meter_counted(m, 2).packets, 20);
	must_do("meter.mod", "{'bridge': 'br', 'meter': 7, 'bands': [{'type': 'drop', 'rate': 1000}]}");
	assert_int_equal(meter_counted(m, 0).packets, 30);
	assert_int_equal(meter_counted(m, 1).packets, 0);
	live = flow_fake.meter[m->id];
	assert_true(live->bits);
	assert_int_equal(live->band[0].rate, 1000000);
	// 10 ms of it are less than a few packets.
	assert_int_equal(live->band[0].burst, 24000);
}

static void packets_to_controllers_are_metered(void **state)
{
	const struct meter_obj *m;
	unsigned int passed = 0;

	assert_true(meter_controller_passes(bridge(), 100));
	must_do("meter.add", "{'bridge': 'br', 'meter': 'controller', 'flags': ['pktps', 'burst'], 'bands': ["
			     "{'type': 'drop', 'rate': 1, 'burst_size': 3}]}");
	for (int i = 0; i < 100; i++)
		passed += meter_controller_passes(bridge(), 100);
	assert_in_range(passed, 3, 5);
	m = meter_find(bridge()->meters, FLOW_METER_CONTROLLER);
	assert_int_equal(meter_counted(m, 0).packets, 100);
	assert_int_equal(meter_counted(m, 0).bytes, 10000);
	assert_int_equal(meter_counted(m, 1).packets, 100 - passed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flows_stay_with_their_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(a_group_counts_on_and_its_buckets_begin_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_taken_back_was_never_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(an_id_is_free_when_workers_are_done, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_may_come_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(bands_are_counted_as_they_were_given, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_to_controllers_are_metered, setup, teardown),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
