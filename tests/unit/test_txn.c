/* SPDX-License-Identifier: BSD-3-Clause */
// Transactions, dry runs, txn and config: all or nothing, over the real server and store.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/rpc.h"
#include "../../control/store.h"
#include "rpc_toy.h"
#include "store_faults.h"

static struct toy_server server;
static struct toy_client client;

static int setup(void **state)
{
	store_faults_reset();
	toy_server_start(&server, true);
	toy_connect(&server, &client);
	return 0;
}

static int teardown(void **state)
{
	store_faults_reset();
	toy_disconnect(&client);
	toy_server_stop(&server);
	toy_server_clean(&server);
	return 0;
}

static json_t *params(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, 0, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	return value;
}

// The result of a call that must succeed.
static json_t *call(const char *method, const char *text)
{
	json_t *error, *result = toy_call(&server, &client, method, params(text), &error);

	if (result == NULL)
		fail_msg("%s %s: %s", method, text, json_dumps(error, 0));
	return result;
}

static void call_ok(const char *method, const char *text)
{
	json_decref(call(method, text));
}

static void call_is(const char *method, const char *text, const char *wanted)
{
	json_t *result = call(method, text), *value = json_loads(wanted, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	if (!json_equal(result, value))
		fail_msg("%s\ninstead of %s", json_dumps(result, 0), wanted);
	json_decref(result);
	json_decref(value);
}

static void call_fails(const char *method, const char *text, int code, const char *field)
{
	json_t *error, *result = toy_call(&server, &client, method, params(text), &error);
	const char *found = json_string_value(json_object_get(json_object_get(error, "data"), "field"));

	assert_null(result);
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_string_equal(found != NULL ? found : "", field);
	json_decref(error);
}

// Objects and store hold the same, and it is this.
static void state_is(const char *boxes, const char *items)
{
	json_t *b = params(boxes), *i = params(items);

	assert_true(json_equal(toy_boxes, b));
	assert_true(json_equal(toy_items, i));
	assert_true(json_equal(store_kind("box"), b));
	assert_true(json_equal(store_kind("item"), i));
	json_decref(b);
	json_decref(i);
}

#define A "\"a\":{\"name\":\"a\",\"size\":10}"
#define B "\"b\":{\"name\":\"b\",\"size\":20}"
#define X "\"x\":{\"name\":\"x\",\"box\":\"a\",\"number\":0}"

static void log_call(void *arg)
{
	strcat(arg, "r");
}

static void log_drop(void *arg)
{
	strcat(arg, "d");
}

static char order[32];

static void note_1(void *arg)
{
	strcat(order, "1");
}

static void note_2(void *arg)
{
	strcat(order, "2");
}

static void note_3(void *arg)
{
	strcat(order, "3");
}

static void commit_runs_actions_in_order_and_drops_undos(void **state)
{
	char undo[8] = "", done[8] = "";
	struct fault f = {0};
	struct txn t;

	order[0] = '\0';
	txn_begin(&t, false);
	txn_undo(&t, log_call, log_drop, undo);
	txn_done(&t, log_call, log_drop, done);
	txn_done(&t, note_1, NULL, NULL);
	txn_done(&t, note_2, NULL, NULL);
	txn_done(&t, note_3, NULL, NULL);
	assert_int_equal(txn_commit(&t, &f), 0);
	assert_string_equal(undo, "d");
	assert_string_equal(done, "r");
	assert_string_equal(order, "123");
}

static void rollback_undoes_in_reverse_order_and_drops_actions(void **state)
{
	char undo[8] = "", done[8] = "";
	struct fault f = {0};
	struct txn t;

	for (int dry_run = 0; dry_run < 2; dry_run++) {
		order[0] = undo[0] = done[0] = '\0';
		txn_begin(&t, dry_run);
		txn_undo(&t, note_1, NULL, NULL);
		txn_undo(&t, log_call, log_drop, undo);
		txn_undo(&t, note_2, NULL, NULL);
		txn_undo(&t, note_3, NULL, NULL);
		txn_done(&t, log_call, log_drop, done);
		txn_put(&t, "box", "z", json_object());
		if (dry_run)
			assert_int_equal(txn_commit(&t, &f), 0);
		else
			txn_rollback(&t);
		assert_string_equal(undo, "r");
		assert_string_equal(done, "d");
		assert_string_equal(order, "321");
		assert_null(store_get("box", "z"));
	}
}

static void rollback_restores_every_kind_of_change(void **state)
{
	struct fault f = {0};
	struct txn t;

	txn_begin(&t, false);
	txn_put(&t, "k", "kept", json_integer(1));
	txn_put(&t, "k", "changed", json_integer(2));
	txn_put(&t, "k", "gone", json_integer(3));
	assert_int_equal(txn_commit(&t, &f), 0);
	json_t *before = json_deep_copy(store_kind("k"));
	txn_begin(&t, false);
	txn_put(&t, "k", "changed", json_integer(4));
	txn_put(&t, "k", "changed", json_integer(5));
	txn_del(&t, "k", "gone");
	txn_put(&t, "k", "gone", json_integer(6));
	txn_del(&t, "k", "gone");
	txn_put(&t, "k", "new", json_integer(7));
	txn_del(&t, "k", "never there");
	txn_rollback(&t);
	assert_true(json_equal(store_kind("k"), before));
	json_decref(before);
}

static void changes_are_in_the_store_and_published_once(void **state)
{
	call_ok("box.add", "{\"name\":\"a\"}");
	assert_int_equal(toy_published, 1);
	call_ok("txn", "{\"ops\":[{\"method\":\"box.add\",\"params\":{\"name\":\"b\",\"size\":20}},"
		       "{\"method\":\"item.add\",\"params\":{\"name\":\"x\",\"box\":\"a\"}}]}");
	assert_int_equal(toy_published, 2);
	state_is("{" A "," B "}", "{" X "}");
	// And on the disk.
	toy_disconnect(&client);
	toy_server_stop(&server);
	toy_server_start(&server, true);
	toy_connect(&server, &client);
	json_t *boxes = params("{" A "," B "}");
	assert_true(json_equal(store_kind("box"), boxes));
	json_decref(boxes);
}

static void failed_op_undoes_the_whole_txn_and_is_named(void **state)
{
	call_ok("box.add", "{\"name\":\"a\"}");
	call_fails("txn",
		   "{\"ops\":[{\"method\":\"box.set\",\"params\":{\"name\":\"a\",\"size\":99}},"
		   "{\"method\":\"box.add\",\"params\":{\"name\":\"b\"}},"
		   "{\"method\":\"box.add\",\"params\":{\"name\":\"c\",\"size\":101}}]}",
		   -32602, "ops[2].params.size");
	call_fails("txn",
		   "{\"ops\":[{\"method\":\"box.del\",\"params\":{\"name\":\"a\"}},"
		   "{\"method\":\"box.del\",\"params\":{\"name\":\"a\"}}]}",
		   -32001, "ops[1].params.name");
	call_fails("txn", "{\"ops\":[{\"method\":\"rpc.ping\"}]}", -32602, "ops[0].method");
	call_fails("txn", "{\"ops\":[{\"method\":\"txn\",\"params\":{\"ops\":[]}}]}", -32602, "ops[0].method");
	call_fails("txn", "{\"ops\":[{\"method\":\"no.such\"}]}", -32602, "ops[0].method");
	call_fails("txn", "{\"ops\":[{\"params\":{}}]}", -32602, "ops[0].method");
	call_fails("txn", "{\"ops\":[{\"method\":\"box.add\",\"params\":{\"name\":\"d\",\"dry_run\":true}}]}", -32602,
		   "ops[0].params.dry_run");
	assert_int_equal(toy_published, 1);
	state_is("{" A "}", "{}");
}

static void results_of_a_txn_are_an_array(void **state)
{
	call_is("txn",
		"{\"ops\":[{\"method\":\"box.add\",\"params\":{\"name\":\"a\"}},"
		"{\"method\":\"item.add\",\"params\":{\"name\":\"x\",\"box\":\"a\"}}]}",
		"[{\"name\":\"a\",\"size\":10},true]");
}

static void dry_run_answers_what_would_change_and_changes_nothing(void **state)
{
	call_ok("box.add", "{\"name\":\"a\"}");
	call_is("box.add", "{\"name\":\"b\",\"size\":20,\"dry_run\":true}",
		"{\"dry_run\":true,\"result\":{\"name\":\"b\",\"size\":20},\"changes\":[{\"op\":\"put\",\"kind\":"
		"\"box\","
		"\"key\":\"b\",\"object\":{\"name\":\"b\",\"size\":20}}]}");
	call_is("txn", "{\"dry_run\":true,\"ops\":[{\"method\":\"box.del\",\"params\":{\"name\":\"a\"}}]}",
		"{\"dry_run\":true,\"result\":[true],\"changes\":[{\"op\":\"del\",\"kind\":\"box\",\"key\":\"a\"}]}");
	call_fails("box.add", "{\"name\":\"a\",\"dry_run\":true}", -32002, "name");
	call_fails("box.add", "{\"name\":\"b\",\"dry_run\":1}", -32602, "dry_run");
	call_fails("rpc.ping", "{\"dry_run\":true}", -32602, "dry_run");
	assert_int_equal(toy_published, 1);
	state_is("{" A "}", "{}");
	call_ok("box.add", "{\"name\":\"b\",\"size\":20,\"dry_run\":false}");
	state_is("{" A "," B "}", "{}");
}

static void what_is_in_use_stays(void **state)
{
	call_ok("box.add", "{\"name\":\"a\"}");
	call_ok("item.add", "{\"name\":\"x\",\"box\":\"a\"}");
	call_fails("box.del", "{\"name\":\"a\"}", -32003, "name");
	call_fails("item.add", "{\"name\":\"y\",\"box\":\"q\"}", -32001, "box");
	state_is("{" A "}", "{" X "}");
}

static void full_disk_undoes_the_change(void **state)
{
	call_ok("box.add", "{\"name\":\"a\"}");
	// More than was allocated ahead.
	char *label = malloc(2000), text[2100];
	memset(label, 'x', 1000);
	label[1000] = '\0';
	store_faults.no_space = true;
	json_t *error = NULL, *result = NULL;
	unsigned int n = 0;
	do {
		json_decref(result);
		json_decref(error);
		snprintf(text, sizeof(text), "{\"name\":\"b%u\",\"label\":\"%s\"}", n++, label);
		// What was allocated ahead must not run out here.
		store_faults.no_space = n > 3;
		result = toy_call(&server, &client, "box.add", params(text), &error);
	} while (result != NULL && n < 2000);
	free(label);
	assert_null(result);
	assert_int_equal(json_integer_value(json_object_get(error, "code")), -32004);
	json_decref(error);
	store_faults.no_space = false;
	assert_int_equal(json_object_size(toy_boxes), n);
	assert_int_equal(json_object_size(store_kind("box")), n);
	call_ok("box.add", "{\"name\":\"after\"}");
}

static void failed_sync_is_told_to_all_whose_changes_it_held(void **state)
{
	struct toy_client other;
	json_t *answer;

	call_ok("box.add", "{\"name\":\"a\"}");
	toy_connect(&server, &other);
	store_faults.no_sync = true;
	// One turn: changes of two clients, a failed one and a question.
	toy_text(&server, &client,
		 "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"box.add\",\"params\":{\"name\":\"b\"}},"
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"rpc.ping\"},"
		 "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"box.add\",\"params\":{\"name\":\"c\"}},"
		 "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"box.add\",\"params\":{\"name\":\"c\"}}]");
	answer = toy_answer(&server, &client);
	assert_int_equal(json_array_size(answer), 4);
	const int codes[] = {-32006, 0, -32006, -32002};
	for (unsigned int i = 0; i < 4; i++) {
		const json_t *one = json_array_get(answer, i);

		assert_int_equal(json_integer_value(json_object_get(one, "id")), i + 1);
		assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "error"), "code")), codes[i]);
	}
	json_decref(answer);
	// From now on nothing can be changed, and questions are still answered.
	store_faults.no_sync = false;
	call_fails("box.add", "{\"name\":\"d\"}", -32006, "state");
	call_is("rpc.ping", "{}", "\"pong\"");
	toy_disconnect(&other);
}

static void changes_of_many_clients_share_a_sync(void **state)
{
	struct toy_client c[20];
	char text[200];

	for (unsigned int i = 0; i < 20; i++)
		toy_connect(&server, &c[i]);
	// Everything is sent before the server looks.
	store_faults.calls = 0;
	for (unsigned int i = 0; i < 20; i++) {
		int n = snprintf(text, sizeof(text),
				 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"box.add\",\"params\":{\"name\":\"n%u\"}}",
				 i);

		assert_int_equal(write(c[i].fd, text, (size_t)n), n);
	}
	for (unsigned int i = 0; i < 20; i++) {
		json_t *answer = toy_answer(&server, &c[i]);

		assert_non_null(json_object_get(answer, "result"));
		json_decref(answer);
		toy_disconnect(&c[i]);
	}
	// Two writes a record, an allocation, and far fewer syncs than changes.
	assert_in_range(store_faults.calls, 41, 48);
}

#define BOTH "{\"boxes\":[{\"name\":\"a\"},{\"name\":\"b\",\"size\":20}],\"items\":[{\"name\":\"x\",\"box\":\"a\"}]}"

static void document_is_applied_and_read_back(void **state)
{
	call_is("config.get", "{}", "{\"boxes\":[],\"items\":[]}");
	call_is("config.apply", "{\"document\":" BOTH "}",
		"{\"added\":[{\"kind\":\"box\",\"key\":\"a\"},{\"kind\":\"box\",\"key\":\"b\"},"
		"{\"kind\":\"item\",\"key\":\"x\"}],\"changed\":[],\"replaced\":[],\"deleted\":[]}");
	assert_int_equal(toy_published, 1);
	state_is("{" A "," B "}", "{" X "}");
	call_is("config.get", "{}",
		"{\"boxes\":[{\"name\":\"a\",\"size\":10},{\"name\":\"b\",\"size\":20}],"
		"\"items\":[{\"name\":\"x\",\"box\":\"a\",\"number\":0}]}");
}

#define NOTHING "{\"added\":[],\"changed\":[],\"replaced\":[],\"deleted\":[]}"

static void applying_what_is_there_changes_nothing(void **state)
{
	call_ok("config.apply", "{\"document\":" BOTH "}");
	json_t *document = call("config.get", "{}");
	json_t *apply = json_pack("{s:o, s:b}", "document", document, "prune", 1);
	char *text = json_dumps(apply, 0);
	call_is("config.apply", text, NOTHING);
	free(text);
	json_decref(apply);
	call_is("config.apply", "{\"document\":" BOTH "}", NOTHING);
	call_is("config.apply", "{\"document\":{}}", NOTHING);
	state_is("{" A "," B "}", "{" X "}");
}

static void prune_deletes_what_is_not_named_and_its_users_first(void **state)
{
	call_ok("config.apply", "{\"document\":" BOTH "}");
	call_is("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"b\",\"size\":20}]},\"prune\":true}",
		"{\"added\":[],\"changed\":[],\"replaced\":[],\"deleted\":[{\"kind\":\"box\",\"key\":\"a\"},"
		"{\"kind\":\"item\",\"key\":\"x\"}]}");
	state_is("{" B "}", "{}");
}

static void change_is_set_if_it_can_be(void **state)
{
	call_ok("config.apply", "{\"document\":" BOTH "}");
	call_is("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"a\",\"size\":11}]}}",
		"{\"added\":[],\"changed\":[{\"kind\":\"box\",\"key\":\"a\",\"fields\":[\"size\"]}],\"replaced\":[],"
		"\"deleted\":[]}");
	state_is("{\"a\":{\"name\":\"a\",\"size\":11}," B "}", "{" X "}");
}

static void what_must_be_made_anew_takes_its_users_along(void **state)
{
	call_ok("config.apply", "{\"document\":" BOTH "}");
	// box.set does not take a colour; the item in the box goes and comes with it, though the document is silent on
	// it.
	call_is("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"a\",\"colour\":\"red\"}]}}",
		"{\"added\":[],\"changed\":[],\"replaced\":[{\"kind\":\"box\",\"key\":\"a\"},"
		"{\"kind\":\"item\",\"key\":\"x\"}],\"deleted\":[]}");
	state_is("{\"a\":{\"name\":\"a\",\"size\":10,\"colour\":\"red\"}," B "}", "{" X "}");
	// And a field that is no longer there can only be taken away so.
	call_is("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"a\"}]}}",
		"{\"added\":[],\"changed\":[],\"replaced\":[{\"kind\":\"box\",\"key\":\"a\"},"
		"{\"kind\":\"item\",\"key\":\"x\"}],\"deleted\":[]}");
	state_is("{" A "," B "}", "{" X "}");
}

static void bad_document_changes_nothing_and_names_the_place(void **state)
{
	call_ok("config.apply", "{\"document\":" BOTH "}");
	call_fails("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"c\"},{\"name\":\"d\",\"size\":0}]}}", -32602,
		   "document.boxes[1].size");
	call_fails("config.apply", "{\"document\":{\"boxes\":[{\"name\":\"c\"},{\"name\":\"c\"}]}}", -32002,
		   "document.boxes[1]");
	call_fails("config.apply", "{\"document\":{\"bxoes\":[]}}", -32602, "document.bxoes");
	call_fails("config.apply", "{\"document\":{\"boxes\":{}}}", -32602, "document.boxes");
	call_fails("config.apply", "{\"document\":[]}", -32602, "document");
	call_fails("config.apply", "{}", -32602, "document");
	call_fails("config.apply",
		   "{\"document\":{\"boxes\":[{\"name\":\"c\"}],\"items\":[{\"name\":\"y\",\"box\":\"c\"},"
		   "{\"name\":\"z\",\"box\":\"q\"}]}}",
		   -32001, "document.items[1].box");
	// What the document still uses cannot be pruned.
	call_fails("config.apply", "{\"document\":{\"items\":[{\"name\":\"x\",\"box\":\"a\"}]},\"prune\":true}", -32001,
		   "document.items[0].box");
	state_is("{" A "," B "}", "{" X "}");
}

static void difference_can_be_asked_for_without_applying_it(void **state)
{
	json_t *answer = call("config.apply", "{\"document\":" BOTH ",\"dry_run\":true}");

	assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "result"), "added")), 3);
	assert_int_equal(json_array_size(json_object_get(answer, "changes")), 3);
	json_decref(answer);
	state_is("{}", "{}");
}

static void saved_document_can_be_applied(void **state)
{
	char text[200];
	json_t *document;

	call_ok("config.apply", "{\"document\":" BOTH "}");
	snprintf(text, sizeof(text), "{\"path\":\"%s/saved.json\"}", server.dir);
	call_ok("config.save", text);
	snprintf(text, sizeof(text), "%s/saved.json", server.dir);
	document = json_load_file(text, 0, NULL);
	json_t *now = call("config.get", "{}");
	assert_true(json_equal(document, now));
	json_decref(document);
	json_decref(now);
	call_fails("config.save", "{\"path\":\"relative.json\"}", -32602, "path");
	call_fails("config.save", "{\"path\":\"/nonexistent-folder/x.json\"}", -32001, "path");
	call_fails("config.save", "{\"path\":\"/proc/x.json\"}", -32001, "path");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commit_runs_actions_in_order_and_drops_undos),
		TEST(rollback_undoes_in_reverse_order_and_drops_actions),
		TEST(rollback_restores_every_kind_of_change),
		TEST(changes_are_in_the_store_and_published_once),
		TEST(failed_op_undoes_the_whole_txn_and_is_named),
		TEST(results_of_a_txn_are_an_array),
		TEST(dry_run_answers_what_would_change_and_changes_nothing),
		TEST(what_is_in_use_stays),
		TEST(full_disk_undoes_the_change),
		TEST(failed_sync_is_told_to_all_whose_changes_it_held),
		TEST(changes_of_many_clients_share_a_sync),
		TEST(document_is_applied_and_read_back),
		TEST(applying_what_is_there_changes_nothing),
		TEST(prune_deletes_what_is_not_named_and_its_users_first),
		TEST(change_is_set_if_it_can_be),
		TEST(what_must_be_made_anew_takes_its_users_along),
		TEST(bad_document_changes_nothing_and_names_the_place),
		TEST(difference_can_be_asked_for_without_applying_it),
		TEST(saved_document_can_be_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
