/* SPDX-License-Identifier: BSD-3-Clause */
// Ports and bridges as the interface shows them: lives, refusals, and that a change that fails leaves no trace.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void add_port(const char *name)
{
	must_do("port.add", "{'name': '%s', 'type': 'fake'}", name);
}

static void port_lives_and_its_id_is_free_after_it(void **state)
{
	json_t *o = must_call("port.add", "{'name': 'a', 'type': 'fake', 'queues': 2}");

	assert_int_equal(json_integer_value(json_object_get(o, "id")), 1);
	json_decref(o);
	assert_non_null(publish_current()->port[1]);
	assert_int_equal(fake.started, 1);
	must_do("port.del", "{'name': 'a'}");
	assert_null(publish_current()->port[1]);
	settle();
	assert_int_equal(fake.destroyed, 1);
	o = must_call("port.add", "{'name': 'b', 'type': 'fake'}");
	assert_int_equal(json_integer_value(json_object_get(o, "id")), 1);
	json_decref(o);
}

static void new_port_waits_until_the_deleted_one_is_gone(void **state)
{
	add_port("a");
	must_do("port.del", "{'name': 'a'}");
	assert_int_equal(fake.destroyed, 0);
	add_port("a");
	assert_int_equal(fake.destroyed, 1);
}

static void refusals_name_field_and_value(void **state)
{
	struct fault f;

	add_port("a");
	must_refuse(-EEXIST, &f, "port.add", "{'name': 'a', 'type': 'fake'}");
	assert_string_equal(f.field, "name");
	assert_string_equal(f.value, "\"a\"");
	must_refuse(-EINVAL, &f, "port.add", "{'name': 'b', 'type': 'nosuch', 'queues': 1}");
	assert_string_equal(f.field, "type");
	assert_non_null(strstr(f.allowed, "fake"));
	must_refuse(-EINVAL, &f, "port.add", "{'name': 'b', 'type': 'fake', 'queues': 65}");
	assert_string_equal(f.field, "queues");
	must_refuse(-EINVAL, &f, "port.add", "{'name': 'b', 'type': 'fake', 'path': '/x'}");
	assert_string_equal(f.field, "path");
	must_refuse(-EINVAL, &f, "port.add", "{'name': 'b', 'type': 'fake', 'mac': '01:00:00:00:00:01'}");
	assert_string_equal(f.field, "mac");
	must_refuse(-EINVAL, &f, "port.add", "{'name': 'b', 'type': 'fake', 'mtu': 67}");
	assert_string_equal(f.field, "mtu");
	must_refuse(-EINVAL, &f, "port.set", "{'name': 'a', 'mtu': 9001}");
	assert_string_equal(f.field, "mtu");
	assert_non_null(strstr(f.allowed, "9000"));
	must_refuse(-EIO, &f, "port.set", "{'name': 'a', 'mtu': 1234}");
	must_refuse(-ENOTSUP, &f, "port.set", "{'name': 'a', 'mac': '02:00:00:00:00:01'}");
	assert_string_equal(f.field, "mac");
	must_refuse(-ENOENT, &f, "port.del", "{'name': 'b'}");
	must_refuse(-ENOENT, &f, "port.list", "{'name': 'b'}");
	must_refuse(-ENOENT, &f, "port.stats", "{'name': 'b'}");
	must_refuse(-ENOENT, &f, "port.driver", "{'name': 'b'}");
	must_refuse(-ENOTSUP, &f, "port.driver", "{'name': 'a'}");
	must_refuse(-ENOTSUP, &f, "port.xstats", "{'name': 'a'}");
	assert_string_equal(f.field, "name");
	must_refuse(-EINVAL, &f, "bridge.add", "{'name': 'br', 'aging_time': -1}");
	assert_string_equal(f.field, "aging_time");
	must_do("bridge.add", "{'name': 'br'}");
	must_refuse(-EEXIST, &f, "bridge.add", "{'name': 'br'}");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'a', 'vlan_mode': 'access'}");
	assert_string_equal(f.field, "tag");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'a', 'tag': 7}");
	assert_string_equal(f.field, "tag");
	must_refuse(-EINVAL, &f, "bridge.port_add",
		    "{'bridge': 'br', 'port': 'a', 'vlan_mode': 'access', 'tag': 7, 'trunks': [1]}");
	assert_string_equal(f.field, "trunks");
	must_refuse(-EINVAL, &f, "bridge.port_add",
		    "{'bridge': 'br', 'port': 'a', 'vlan_mode': 'native', 'tag': 7, 'trunks': [1, 0]}");
	assert_string_equal(f.field, "trunks[1]");
	must_refuse(-ENOENT, &f, "bridge.port_add", "{'bridge': 'no', 'port': 'a'}");
	assert_string_equal(f.field, "bridge");
	must_refuse(-ENOENT, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'no'}");
	assert_string_equal(f.field, "port");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'a'}");
	must_refuse(-EEXIST, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'a'}");
	must_do("bridge.add", "{'name': 'br2'}");
	must_refuse(-EBUSY, &f, "bridge.port_add", "{'bridge': 'br2', 'port': 'a'}");
	must_refuse(-ENOENT, &f, "bridge.port_del", "{'bridge': 'br2', 'port': 'a'}");
	must_refuse(-EBUSY, &f, "port.del", "{'name': 'a'}");
	assert_non_null(strstr(f.message, "br"));
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	assert_non_null(strstr(f.message, "port a"));
	must_refuse(-EINVAL, &f, "worker.assign", "{'port': 'a', 'queue': 0, 'lcore': 3}");
	assert_string_equal(f.field, "lcore");
	assert_string_equal(f.allowed, "1, 2, 5");
	must_refuse(-EINVAL, &f, "worker.assign", "{'port': 'a', 'queue': 1, 'lcore': 2}");
	assert_string_equal(f.field, "queue");
	must_refuse(-ENOENT, &f, "worker.unassign", "{'port': 'a', 'queue': 0}");
	fake.silent = true;
	must_refuse(-ETIMEDOUT, &f, "stats.audit", "{}");
	assert_non_null(strstr(f.message, "lcore 5"));
}

static void a_failing_device_leaves_nothing(void **state)
{
	char *before = everything(), *after;

	fake.fail_create = true;
	must_refuse(-EIO, NULL, "port.add", "{'name': 'a', 'type': 'fake'}");
	after = everything();
	must_be_same(before, after);
	free(before);
	free(after);
}

// A port added, changed and used in a transaction whose last operation fails.
static void rollback_leaves_no_trace(void **state)
{
	const struct fwd_state *published;
	struct fault f = {0};
	struct txn t;
	struct rpc_call call = {.txn = &t};
	static const struct {
		const char *method, *params;
	} ops[] = {
		{"port.add", "{\"name\": \"n\", \"type\": \"fake\", \"queues\": 4}"},
		{"bridge.add", "{\"name\": \"new\"}"},
		{"bridge.port_add", "{\"bridge\": \"new\", \"port\": \"n\", \"vlan_mode\": \"native\", \"tag\": 9}"},
		{"fdb.add", "{\"bridge\": \"new\", \"port\": \"n\", \"vlan\": 9, \"mac\": \"02:00:00:00:00:01\"}"},
		{"port.set", "{\"name\": \"a\", \"mtu\": 2000, \"admin\": \"down\"}"},
		{"bridge.set", "{\"name\": \"br\", \"learning\": false, \"aging_time\": 10}"},
		{"fdb.del", "{\"bridge\": \"br\", \"vlan\": 7, \"mac\": \"02:00:00:00:00:02\"}"},
		{"bridge.port_del", "{\"bridge\": \"br\", \"port\": \"a\"}"},
		{"bridge.port_add", "{\"bridge\": \"new\", \"port\": \"a\", \"trunks\": [7, 9]}"},
		{"worker.rebalance", "{}"},
		{"worker.assign", "{\"port\": \"n\", \"queue\": 3, \"lcore\": 5}"},
		{"worker.set", "{\"idle\": \"sleep\"}"},
		{"bridge.port_del", "{\"bridge\": \"br\", \"port\": \"b\"}"},
		{"bridge.del", "{\"name\": \"br\"}"},
		{"port.del", "{\"name\": \"b\"}"},
		{"port.add", "{\"name\": \"b\", \"type\": \"fake\", \"queues\": 2}"},
		{"stats.clear", "{}"},
	};
	char *before, *after;

	add_port("a");
	add_port("b");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'a', 'vlan_mode': 'access', 'tag': 7}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b'}");
	must_do("fdb.add", "{'bridge': 'br', 'port': 'a', 'vlan': 7, 'mac': '02:00:00:00:00:02'}");
	before = everything();
	published = publish_current();
	for (unsigned int n = 1; n <= RTE_DIM(ops); n++) {
		txn_begin(&t, n % 2);
		for (unsigned int i = 0; i < n; i++) {
			json_t *params = json_loads(ops[i].params, 0, NULL), *result;

			if (rpc_run(ops[i].method, params, &call, &result, &f) < 0)
				fail_msg("%s: %s", ops[i].method, f.message);
			json_decref(result);
			json_decref(params);
		}
		if (n % 3)
			txn_rollback(&t);
		else
			t.dry_run ? (void)txn_commit(&t, &f) : txn_rollback(&t);
		after = everything();
		must_be_same(before, after);
		free(after);
		assert_ptr_equal(publish_current(), published);
		assert_int_equal(fake.created - fake.destroyed, 2);
	}
	free(before);
	// And what is left of the marks must not change what is published next.
	must_do("port.set", "{'name': 'a', 'admin': 'up'}");
	assert_int_equal(publish_current()->nports >= 3, 1);
	assert_int_equal(publish_current()->port[1]->max_frame, 1514);
	assert_int_equal(publish_current()->domain[1]->learning, 1);
}

static void dry_run_creates_no_device(void **state)
{
	json_t *o = must_call("port.add", "{'name': 'a', 'type': 'fake', 'dry_run': true}");

	assert_int_equal(fake.created, 0);
	assert_int_equal(json_array_size(json_object_get(o, "changes")), 1);
	json_decref(o);
	must_refuse(-ENOENT, NULL, "port.list", "{'name': 'a'}");
}

static void restart_brings_all_back_and_retries_what_fails(void **state)
{
	struct fault f;
	char *before, *after;
	json_t *o;

	add_port("a");
	must_do("port.add", "{'name': 'b', 'type': 'fake', 'queues': 3, 'admin': 'down', 'mtu': 2000}");
	must_do("bridge.add", "{'name': 'br', 'aging_time': 0, 'mac_limit': 5, 'learning': false}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'a', 'vlan_mode': 'native', 'tag': 3, 'trunks': [3, 4]}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b'}");
	must_do("fdb.add", "{'bridge': 'br', 'port': 'a', 'vlan': 3, 'mac': '02:00:00:00:00:02'}");
	must_do("worker.assign", "{'port': 'b', 'queue': 2, 'lcore': 1}");
	must_do("worker.set", "{'lcore': 5, 'idle': 'sleep'}");
	before = everything();
	objects_destroy();
	fdb_destroy(fake.fdb);
	assert_int_equal(fdb_create(&fake.fdb, FAKE_FDB_CAPACITY), 0);
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	assert_int_equal(objects_restore(&f), 0);
	after = everything();
	must_be_same(before, after);
	free(after);

	// The same again with devices that are not there at first.
	objects_destroy();
	fdb_destroy(fake.fdb);
	assert_int_equal(fdb_create(&fake.fdb, FAKE_FDB_CAPACITY), 0);
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	fake.fail_create = true;
	assert_int_equal(objects_restore(&f), 0);
	o = must_call("port.list", "{'name': 'b'}");
	assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "state")), "failed");
	assert_non_null(json_object_get(json_array_get(o, 0), "error"));
	json_decref(o);
	assert_int_equal(publish_current()->domain[1]->nmembers, 0);
	port_obj_retry_failed();
	fake.fail_create = false;
	port_obj_retry_failed();
	after = everything();
	must_be_same(before, after);
	free(after);
	free(before);
	must_do("worker.unset", "{'lcore': 5}");
}

static void what_is_set_of_a_worker_adds_up(void **state)
{
	struct fault f;
	json_t *o;

	must_do("worker.set", "{'lcore': 5, 'idle': 'sleep'}");
	must_do("worker.set", "{'lcore': 5, 'sampling': true}");
	o = must_call("worker.list", "{'lcore': 5}");
	assert_true(json_is_true(json_object_get(json_array_get(o, 0), "sampling")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "idle")), "sleep");
	json_decref(o);
	o = json_pack("{s:i,s:s,s:b}", "lcore", 5, "idle", "sleep", "sampling", 1);
	assert_true(json_equal(o, store_get("worker", "5")));
	json_decref(o);
	must_refuse(-EINVAL, &f, "worker.set", "{'lcore': 5}");
	assert_string_equal(f.field, "idle");
	must_do("worker.unset", "{'lcore': 5}");
	assert_false(worker_sampling_get(2));
	assert_int_equal(worker_idle_get(2), worker_conf(2)->idle);
	assert_null(store_get("worker", "5"));
}

static void removed_device_fails_the_port_and_comes_back(void **state)
{
	json_t *o;

	add_port("a");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'a'}");
	port_notify(port_obj_find("a")->dev, PORT_EVENT_REMOVED);
	settle();
	o = must_call("port.list", "{'name': 'a'}");
	assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "state")), "failed");
	json_decref(o);
	assert_null(publish_current()->port[1]);
	assert_int_equal(fake.destroyed, 1);
	port_obj_retry_failed();
	assert_ptr_equal(publish_current()->port[1]->port, port_obj_find("a")->dev);
	assert_int_equal(publish_current()->domain[1]->nmembers, 1);
	assert_int_equal(publish_current()->poll[0]->n, 1);
}

static void link_changes_are_told(void **state)
{
	add_port("a");
	port_link_set(port_obj_find("a")->dev, false);
	settle();
	assert_string_equal(fake.last_what, "link_down");
	fake.sent = 0;
	port_link_set(port_obj_find("a")->dev, true);
	port_link_set(port_obj_find("a")->dev, false);
	settle();
	assert_int_equal(fake.sent, 0); // nothing changed by the time control looked
}

static unsigned int queues_of(unsigned int worker)
{
	return publish_current()->poll[worker]->n;
}

static void queues_are_balanced_sticky_and_pinned(void **state)
{
	must_do("port.add", "{'name': 'a', 'type': 'fake', 'queues': 6}");
	assert_int_equal(queues_of(0), 2);
	assert_int_equal(queues_of(1), 2);
	assert_int_equal(queues_of(2), 2);
	must_do("port.set", "{'name': 'a', 'admin': 'down'}");
	assert_int_equal(queues_of(0) + queues_of(1) + queues_of(2), 0);
	must_do("port.set", "{'name': 'a', 'admin': 'up'}");
	for (unsigned int q = 0; q < 6; q++)
		must_do("worker.assign", "{'port': 'a', 'queue': %u, 'lcore': 5}", q);
	assert_int_equal(queues_of(2), 6);
	must_do("port.add", "{'name': 'b', 'type': 'fake', 'queues': 2}");
	assert_int_equal(queues_of(0), 1);
	assert_int_equal(queues_of(1), 1);
	must_do("worker.rebalance", "{}");
	assert_int_equal(queues_of(2), 6);
	for (unsigned int q = 0; q < 6; q++)
		must_do("worker.unassign", "{'port': 'a', 'queue': %u}", q);
	must_do("worker.rebalance", "{}");
	for (unsigned int w = 0; w < 3; w++)
		assert_in_range(queues_of(w), 2, 3);
	must_do("port.del", "{'name': 'a'}");
	settle();
	must_do("worker.rebalance", "{}");
	for (unsigned int w = 0; w < 3; w++)
		assert_in_range(queues_of(w), 0, 1);
}

static uint64_t stat(const char *method, const char *params, const char *field)
{
	json_t *o = must_call(method, "%s", params);
	uint64_t n = json_integer_value(json_object_get(o, field));

	json_decref(o);
	return n;
}

static void counters_start_from_zero_where_an_id_is_reused_or_cleared(void **state)
{
	add_port("a");
	fake.stats[0].nports = fake.stats[1].nports = 2;
	fake.stats[0].port[1].rx_packets = 100;
	fake.stats[1].port[1].rx_packets = 11;
	fake.stats[1].port[1].tx_packets = 100;
	fake.stats[1].port[1].drops[DROP_TX_FULL] = 10;
	fake.stats[0].self.held = 1;
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_packets"), 111);
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_errors"), 7);
	assert_int_equal(stat("stats.audit", "{}", "imbalance"), 0);
	assert_int_equal(stat("stats.audit", "{}", "held"), 1);
	must_do("port.clear", "{'name': 'a', 'dry_run': true}");
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_packets"), 111);
	must_do("port.clear", "{'name': 'a'}");
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_packets"), 0);
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_errors"), 0);
	fake.stats[0].port[1].rx_packets += 5;
	assert_int_equal(stat("port.stats", "{'name': 'a'}", "rx_packets"), 5);
	assert_int_equal(stat("stats.audit", "{}", "imbalance"), 5);
	must_do("port.del", "{'name': 'a'}");
	settle();
	add_port("b");
	assert_int_equal(stat("port.stats", "{'name': 'b'}", "rx_packets"), 0);
	assert_int_equal(stat("stats.audit", "{}", "rx"), 116);
	fake.stats[0].port[1].rx_packets += 5;
	must_do("stats.clear", "{}");
	assert_int_equal(stat("port.stats", "{'name': 'b'}", "rx_packets"), 0);
	assert_int_equal(stat("stats.audit", "{}", "rx"), 121);
}

static void lists_come_in_pages(void **state)
{
	json_t *o;

	for (unsigned int i = 0; i < 10; i++)
		must_do("port.add", "{'name': 'p%u', 'type': 'fake'}", 9 - i);
	o = must_call("port.list", "{'limit': 3, 'after': 'p4'}");
	assert_int_equal(json_array_size(o), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "name")), "p5");
	json_decref(o);
	o = must_call("port.list", "{'after': 'p9'}");
	assert_int_equal(json_array_size(o), 0);
	json_decref(o);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(port_lives_and_its_id_is_free_after_it),
		TEST(new_port_waits_until_the_deleted_one_is_gone),
		TEST(refusals_name_field_and_value),
		TEST(a_failing_device_leaves_nothing),
		TEST(rollback_leaves_no_trace),
		TEST(dry_run_creates_no_device),
		TEST(restart_brings_all_back_and_retries_what_fails),
		TEST(what_is_set_of_a_worker_adds_up),
		TEST(removed_device_fails_the_port_and_comes_back),
		TEST(link_changes_are_told),
		TEST(queues_are_balanced_sticky_and_pinned),
		TEST(counters_start_from_zero_where_an_id_is_reused_or_cleared),
		TEST(lists_come_in_pages),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
