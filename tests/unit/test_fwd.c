/* SPDX-License-Identifier: BSD-3-Clause */
// fwd.*: which port is in which forwarding mode, and that a change that fails leaves no trace.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/config.h"
#include "../../control/fwd.h"

static void add_ports(const char *names)
{
	for (; *names; names++)
		must_do("port.add", "{'name': '%c', 'type': 'fake'}", *names);
}

// What workers see of a port; `peer` NULL: in mode switch.
static void must_be(const char *name, enum fwd_mode mode, const char *peer)
{
	const struct fwd_port *fp = publish_current()->port[port_obj_find(name)->id];
	json_t *list = must_call("fwd.list", "{'name': '%s'}", name), *row = json_array_get(list, 0);
	const char *shown = json_string_value(json_object_get(row, "peer"));

	assert_int_equal(fp->mode, mode);
	assert_int_equal(fp->peer, peer ? port_obj_find(peer)->id : 0);
	assert_string_equal(json_string_value(json_object_get(row, "mode")), fwd_mode_names[mode]);
	assert_string_equal(shown ? shown : "", peer ? peer : "");
	json_decref(list);
}

// How many queues all workers poll, and how many of those are visited by a mode's function.
static void must_poll(uint32_t n, uint32_t nmode)
{
	const struct fwd_state *s = publish_current();
	uint32_t all = 0, modes = 0;

	for (unsigned int w = 0; w < s->nworkers; w++) {
		const struct poll_list *list = s->poll[w];

		all += list->n;
		modes += list->nmode;
		for (uint32_t i = 0; i < list->n; i++)
			assert_int_equal(s->port[list->q[i]->port_id]->mode != FWD_MODE_SWITCH,
					 i >= list->n - list->nmode);
	}
	assert_int_equal(all, n);
	assert_int_equal(modes, nmode);
}

static void ports_are_paired_by_id_as_they_come_and_go(void **state)
{
	add_ports("dcb");
	must_be("b", FWD_MODE_SWITCH, NULL);
	must_poll(3, 0);
	must_do("fwd.set", "{'mode': 'io'}");
	must_be("d", FWD_MODE_IO, "c");
	must_be("c", FWD_MODE_IO, "d");
	must_be("b", FWD_MODE_IO, "b");
	must_poll(3, 3);
	add_ports("a");
	must_be("a", FWD_MODE_IO, "b");
	must_be("b", FWD_MODE_IO, "a");
	must_do("port.del", "{'name': 'd'}");
	must_be("c", FWD_MODE_IO, "b");
	must_be("b", FWD_MODE_IO, "c");
	must_be("a", FWD_MODE_IO, "a");
	must_do("fwd.set", "{'mode': 'macswap'}");
	must_be("c", FWD_MODE_MACSWAP, "b");
	must_do("port.set", "{'name': 'c', 'admin': 'down'}");
	must_be("b", FWD_MODE_MACSWAP, "c");
	must_poll(2, 2);
	must_do("fwd.reset", "{}");
	must_be("a", FWD_MODE_SWITCH, NULL);
	must_be("c", FWD_MODE_SWITCH, NULL);
	must_poll(2, 0);
	add_ports("e");
	must_be("e", FWD_MODE_SWITCH, NULL);
}

static void a_failed_device_keeps_its_place_in_the_pairs(void **state)
{
	add_ports("abcd");
	must_do("fwd.set", "{'mode': 'mac'}");
	port_notify(port_obj_find("b")->dev, PORT_EVENT_REMOVED);
	settle();
	assert_null(publish_current()->port[port_obj_find("b")->id]);
	must_be("a", FWD_MODE_MAC, "b");
	must_be("c", FWD_MODE_MAC, "d");
	port_obj_retry_failed();
	must_be("b", FWD_MODE_MAC, "a");
	must_poll(4, 4);
}

static void only_the_pairs_named_are_in_a_mode(void **state)
{
	add_ports("abcdef");
	must_do("fwd.set", "{'mode': 'csum', 'pairs': [{'a': 'a', 'b': 'd'}, {'a': 'c', 'mode': 'txonly'},"
			   " {'a': 'f', 'b': 'b', 'mode': 'switch'}]}");
	must_be("a", FWD_MODE_CSUM, "d");
	must_be("d", FWD_MODE_CSUM, "a");
	must_be("c", FWD_MODE_TXONLY, "c");
	must_be("b", FWD_MODE_SWITCH, NULL);
	must_be("e", FWD_MODE_SWITCH, NULL);
	must_be("f", FWD_MODE_SWITCH, NULL);
	must_poll(6, 3);
	must_do("fwd.set", "{'mode': '5tswap', 'pairs': [{'a': 'd', 'b': 'e'}]}");
	must_be("a", FWD_MODE_SWITCH, NULL);
	must_be("e", FWD_MODE_FIVE_TUPLE_SWAP, "d");
	must_do("port.del", "{'name': 'a'}");
	must_refuse(-EBUSY, NULL, "port.del", "{'name': 'e'}");
	must_do("fwd.set", "{'mode': 'io', 'pairs': []}");
	must_poll(5, 0);
	must_do("port.del", "{'name': 'e'}");
}

static void bad_input_names_field_value_and_what_is_allowed(void **state)
{
	char *before, *after;
	struct fault f;

	add_ports("abc");
	must_do("fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'b'}]}");
	before = everything();
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'bridge'}");
	assert_string_equal(f.field, "mode");
	assert_string_equal(f.value, "\"bridge\"");
	for (unsigned int i = 0; fwd_mode_names[i]; i++)
		assert_non_null(strstr(f.allowed, fwd_mode_names[i]));
	must_refuse(-EINVAL, &f, "fwd.set", "{}");
	assert_string_equal(f.field, "mode");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'pairs': 'a'}");
	assert_string_equal(f.field, "pairs");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'b': 'a'}]}");
	assert_string_equal(f.field, "pairs[0].a");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'c', 'mode': 'x'}]}");
	assert_string_equal(f.field, "pairs[0].mode");
	must_refuse(-ENOENT, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'c'}, {'a': 'zz'}]}");
	assert_string_equal(f.field, "pairs[1].a");
	assert_string_equal(f.value, "\"zz\"");
	must_refuse(-ENOENT, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'zz'}]}");
	assert_string_equal(f.field, "pairs[0].b");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'a'}]}");
	assert_string_equal(f.field, "pairs[0].b");
	assert_non_null(strstr(f.message, "itself"));
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'b'}, {'a': 'c', 'b': 'b'}]}");
	assert_string_equal(f.field, "pairs[1].b");
	assert_non_null(strstr(f.message, "two pairs"));
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'ports': ['a']}");
	assert_string_equal(f.field, "ports");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'started': 1}");
	assert_string_equal(f.field, "started");
	must_refuse(-EBUSY, &f, "port.del", "{'name': 'b'}");
	assert_string_equal(f.field, "name");
	assert_non_null(strstr(f.message, "fwd.set"));
	must_refuse(-ENOENT, &f, "fwd.list", "{'name': 'zz'}");
	after = everything();
	must_be_same(before, after);
	must_be("b", FWD_MODE_IO, "a");
	free(before);
	free(after);
}

static void stopped_means_that_nothing_is_polled(void **state)
{
	json_t *o;

	add_ports("abc");
	must_do("fwd.stop", "{}");
	must_poll(0, 0);
	add_ports("d");
	must_poll(0, 0);
	must_do("fwd.stop", "{}");
	must_do("fwd.set", "{'mode': 'rxonly'}"); // stays stopped
	must_poll(0, 0);
	must_be("a", FWD_MODE_RXONLY, "b");
	o = must_call("fwd.get", "{}");
	assert_true(json_is_false(json_object_get(o, "started")));
	json_decref(o);
	must_do("fwd.start", "{}");
	must_poll(4, 4);
	must_do("fwd.set", "{'mode': 'switch', 'started': false}");
	must_poll(0, 0);
	must_do("fwd.reset", "{}");
	must_poll(4, 0);
	o = must_call("fwd.get", "{}");
	assert_true(json_is_true(json_object_get(o, "started")));
	assert_string_equal(json_string_value(json_object_get(o, "mode")), "switch");
	assert_null(json_object_get(o, "pairs"));
	json_decref(o);
}

// What workers are told, and what fwd.get and the stored object say of it.
static void must_have(int burst, int txonly_bytes)
{
	json_t *o = must_call("fwd.get", "{}");

	assert_int_equal(publish_current()->burst, burst);
	assert_int_equal(publish_current()->txonly_bytes, txonly_bytes);
	assert_int_equal(json_integer_value(json_object_get(o, "burst")), burst);
	assert_int_equal(json_integer_value(json_object_get(o, "txonly_bytes")), txonly_bytes);
	json_decref(o);
}

static void numbers_stay_until_they_are_set_again(void **state)
{
	struct fault f;

	add_ports("ab");
	must_have(64, 64);
	must_do("fwd.set", "{'mode': 'txonly', 'burst': 16, 'txonly_bytes': 1514}");
	must_have(16, 1514);
	must_do("fwd.set", "{'mode': 'io'}");
	must_do("fwd.stop", "{}");
	must_have(16, 1514);
	must_do("fwd.set", "{'mode': 'io', 'burst': 64}");
	must_have(64, 1514);
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'burst': 65}");
	assert_string_equal(f.field, "burst");
	must_refuse(-EINVAL, &f, "fwd.set", "{'mode': 'io', 'txonly_bytes': 41}");
	assert_string_equal(f.field, "txonly_bytes");
	must_do("fwd.reset", "{}");
	must_have(64, 64);
}

// Each of these, alone and after the others, taken back or tried only.
static void what_is_taken_back_leaves_no_trace(void **state)
{
	static const struct {
		const char *method, *params;
	} ops[] = {
		{"port.add", "{\"name\": \"n\", \"type\": \"fake\"}"},
		{"fwd.set", "{\"mode\": \"mac\", \"pairs\": [{\"a\": \"n\", \"b\": \"c\"}]}"},
		{"fwd.stop", "{}"},
		{"fwd.reset", "{}"},
		{"port.del", "{\"name\": \"a\"}"},
		{"fwd.set", "{\"mode\": \"flowgen\"}"},
	};

	add_ports("abc");
	must_do("fwd.set", "{'mode': 'io', 'pairs': [{'a': 'a', 'b': 'b'}]}");
	for (int dry_run = 0; dry_run < 2; dry_run++) {
		for (size_t n = 1; n <= sizeof(ops) / sizeof(ops[0]); n++) {
			char *before = everything(), *after;
			struct fault f = {0};
			struct txn t;
			struct rpc_call call = {.txn = &t};

			txn_begin(&t, dry_run);
			for (size_t i = 0; i < n; i++) {
				json_t *params = json_loads(ops[i].params, 0, NULL), *result;

				assert_int_equal(rpc_run(ops[i].method, params, &call, &result, &f), 0);
				json_decref(result);
				json_decref(params);
			}
			dry_run ? (void)txn_commit(&t, &f) : txn_rollback(&t);
			settle();
			after = everything();
			must_be_same(before, after);
			free(before);
			free(after);
			publish();
			must_be("a", FWD_MODE_IO, "b");
			must_be("c", FWD_MODE_SWITCH, NULL);
			must_poll(3, 2);
		}
	}
}

static void a_transaction_is_one_publication(void **state)
{
	uint64_t generation;

	add_ports("ab");
	generation = publish_current()->generation;
	must_txn("[['port.add', {'name': 'c', 'type': 'fake'}], ['fwd.set', {'mode': 'io'}], ['fwd.stop', {}],"
		 " ['fwd.set', {'mode': 'mac', 'pairs': [{'a': 'a', 'b': 'c'}], 'started': true}]]");
	assert_int_equal(publish_current()->generation, generation + 1);
	must_be("a", FWD_MODE_MAC, "c");
	must_be("b", FWD_MODE_SWITCH, NULL);
}

static void restart_brings_the_mode_back(void **state)
{
	struct fault f = {0};
	char *before, *after;

	add_ports("abcd");
	must_do("fwd.set", "{'mode': 'icmpecho', 'pairs': [{'a': 'd', 'b': 'b'}]}");
	must_do("fwd.stop", "{}");
	before = everything();
	objects_destroy();
	fdb_destroy(fake.fdb);
	assert_int_equal(fdb_create(&fake.fdb, FAKE_FDB_CAPACITY), 0);
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	assert_int_equal(objects_restore(&f), 0);
	after = everything();
	must_be_same(before, after);
	must_be("b", FWD_MODE_ICMPECHO, "d");
	must_poll(0, 0);
	must_do("fwd.start", "{}");
	must_poll(4, 2);
	free(before);
	free(after);
}

static json_t *apply(const char *text)
{
	json_t *document = json_loads(text, 0, NULL), *difference;
	struct fault f = {0};
	struct txn t;
	struct rpc_call call = {.txn = &t};

	txn_begin(&t, false);
	if (config_apply(&call, document, true, &difference, &f) < 0)
		fail_msg("%s: %s", f.field, f.message);
	assert_int_equal(txn_commit(&t, &f), 0);
	settle();
	json_decref(document);
	return difference;
}

// The document that makes it so, from nothing; again changes nothing; one whose port is made anew drags the pair along.
static void documents_have_the_mode(void **state)
{
	const char *text = "{\"ports\": [{\"name\": \"a\", \"type\": \"fake\"}, {\"name\": \"b\", \"type\": \"fake\"}],"
			   " \"fwd\": [{\"mode\": \"io\", \"pairs\": [{\"a\": \"b\", \"b\": \"a\"}]}]}";
	const char *anew = "{\"ports\": [{\"name\": \"a\", \"type\": \"fake\", \"queues\": 2},"
			   " {\"name\": \"b\", \"type\": \"fake\"}],"
			   " \"fwd\": [{\"mode\": \"io\", \"pairs\": [{\"a\": \"b\", \"b\": \"a\"}]}]}";
	json_t *d = apply(text);

	assert_int_equal(json_array_size(json_object_get(d, "added")), 3);
	json_decref(d);
	must_be("a", FWD_MODE_IO, "b");
	d = apply(text);
	assert_int_equal(json_array_size(json_object_get(d, "replaced")), 0);
	assert_int_equal(json_array_size(json_object_get(d, "changed")), 0);
	json_decref(d);
	d = apply(anew);
	assert_int_equal(json_array_size(json_object_get(d, "replaced")), 2);
	json_decref(d);
	must_be("a", FWD_MODE_IO, "b");
	must_poll(3, 3);
	d = apply("{\"ports\": [{\"name\": \"b\", \"type\": \"fake\"}]}");
	assert_int_equal(json_array_size(json_object_get(d, "deleted")), 2);
	json_decref(d);
	must_be("b", FWD_MODE_SWITCH, NULL);
}

static void a_queue_that_changes_hands_is_in_one_list(void **state)
{
	add_ports("ab");
	must_do("fwd.set", "{'mode': 'flowgen', 'pairs': [{'a': 'b'}]}");
	for (int lcore = 1; lcore <= 2; lcore++) {
		must_do("worker.assign", "{'port': 'b', 'queue': 0, 'lcore': %d}", lcore);
		must_poll(2, 1);
		assert_int_equal(publish_current()->poll[lcore - 1]->nmode, 1);
	}
}

static void generated_packets_are_in_the_accounts(void **state)
{
	json_t *o;

	add_ports("a");
	fake.stats[0].nports = 2;
	fake.stats[0].port[1] = (struct port_counters){.generated = 7, .tx_packets = 4, .drops[DROP_TX_FULL] = 3};
	o = must_call("stats.audit", "{}");
	assert_true(json_is_true(json_object_get(o, "ok")));
	assert_int_equal(json_integer_value(json_object_get(o, "generated")), 7);
	json_decref(o);
	o = must_call("port.stats", "{'name': 'a'}");
	assert_int_equal(json_integer_value(json_object_get(o, "generated")), 7);
	json_decref(o);
	fake.stats[0].port[1].generated = 8;
	o = must_call("stats.audit", "{}");
	assert_int_equal(json_integer_value(json_object_get(o, "imbalance")), 1);
	json_decref(o);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ports_are_paired_by_id_as_they_come_and_go),
		TEST(a_failed_device_keeps_its_place_in_the_pairs),
		TEST(only_the_pairs_named_are_in_a_mode),
		TEST(bad_input_names_field_value_and_what_is_allowed),
		TEST(numbers_stay_until_they_are_set_again),
		TEST(stopped_means_that_nothing_is_polled),
		TEST(what_is_taken_back_leaves_no_trace),
		TEST(a_transaction_is_one_publication),
		TEST(restart_brings_the_mode_back),
		TEST(documents_have_the_mode),
		TEST(a_queue_that_changes_hands_is_in_one_list),
		TEST(generated_packets_are_in_the_accounts),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
