/* SPDX-License-Identifier: BSD-3-Clause */
// The RPC server over its real socket: the protocol, its errors, and clients that behave badly.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../control/rpc.h"
#include "../../control/rpc_client.h"
#include "../../control/store.h"
#include "rpc_toy.h"

static void answers_a_request(void **state)
{
	toy_expect_pong(&toy_client);
}

static void echoes_every_kind_of_id(void **state)
{
	const char *ids[] = {"1", "-5", "\"x\\u00e9\"", "null", "1.5", "\"\""};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"rpc.ping\"}\n", ids[i]);
		toy_text(&toy_server, &toy_client, text);
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"pong\"}", ids[i]);
		toy_expect_answer(&toy_client, text);
	}
}

static void takes_texts_in_any_pieces(void **state)
{
	const char *text = TOY_PING "  " TOY_PING
				    "\r\n\n{\"jsonrpc\":\"2.0\",\n \"id\":7,\n\"method\":\"rpc.ping\"}" TOY_PING "\n";

	for (size_t piece = 1; piece < strlen(text); piece++) {
		for (size_t at = 0; at < strlen(text); at += piece)
			toy_send(&toy_server, &toy_client, text + at,
				 strlen(text) - at < piece ? strlen(text) - at : piece);
		for (unsigned int i = 0; i < 4; i++)
			toy_expect_answer(&toy_client, TOY_PONG);
	}
	assert_true(toy_silent(&toy_server, &toy_client));
}

static void notification_gets_no_answer(void **state)
{
	toy_text(&toy_server, &toy_client,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"box.add\",\"params\":{\"name\":\"a\"}}\n");
	toy_text(&toy_server, &toy_client, "{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}\n");
	toy_text(&toy_server, &toy_client, "{\"jsonrpc\":\"2.0\",\"method\":\"box.add\",\"params\":{}}\n");
	toy_text(&toy_server, &toy_client, "[{\"jsonrpc\":\"2.0\",\"method\":\"rpc.ping\"}]\n");
	assert_true(toy_silent(&toy_server, &toy_client));
	assert_non_null(json_object_get(toy_boxes, "a"));
}

static void batch_is_answered_as_one_array(void **state)
{
	toy_text(&toy_server, &toy_client,
		 "[" TOY_PING ",{\"jsonrpc\":\"2.0\",\"method\":\"rpc.ping\"},1," TOY_PING
		 ",{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"toy.fail\",\"params\":{\"errno\":2}}]\n");
	json_t *answer = toy_answer(&toy_server, &toy_client);

	assert_int_equal(json_array_size(answer), 4);
	assert_string_equal(json_string_value(json_object_get(json_array_get(answer, 0), "result")), "pong");
	assert_int_equal(toy_code(json_array_get(answer, 1)), -32600);
	assert_string_equal(json_string_value(json_object_get(json_array_get(answer, 2), "result")), "pong");
	assert_int_equal(toy_code(json_array_get(answer, 3)), -32001);
	json_decref(answer);
	toy_expect_error("[]\n", -32600, "null");
}

static void malformed_text_is_a_parse_error_and_the_next_line_works(void **state)
{
	const char *bad[] = {
		"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]\n",
		"foo\n",
		"{\"a\":01}\n",
		"{\"a\":tru}\n",
		"{\"a\" 1}\n",
		"{\"a\":1,}\n",
		"[1 2]\n",
		"{]\n",
		"{\"a\":\"\\x\"}\n",
		"{\"a\":\"\xff\"}\n",
		"{\"a\":\"tab\there\"}\n",
		"{\"a\":1e999}\n",
		"}\n",
		"\x01\n",
		"{\"a\":1,,} {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\"}\n",
		"[1,{\"b\":2}}\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		toy_expect_error(bad[i], -32700, "null");
		toy_expect_pong(&toy_client);
	}
	assert_true(toy_silent(&toy_server, &toy_client));
}

// Answers to `params` of box.add: an error of one field.
static void expect_unfit(const char *params, const char *field, const char *allowed)
{
	char text[300];
	json_t *answer;

	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"box.add\",\"params\":%s}\n", params);
	toy_text(&toy_server, &toy_client, text);
	answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32602);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 17);
	assert_string_equal(toy_data(answer, "field"), field);
	assert_string_equal(toy_data(answer, "allowed"), allowed);
	json_decref(answer);
	toy_expect_pong(&toy_client);
}

static void json_that_no_request_can_hold_is_refused_by_its_field(void **state)
{
	expect_unfit("{\"name\":\"a\",\"size\":99999999999999999999}", "size", "an integer of 64 bits");
	expect_unfit("{\"a\":[1,{\"b\":[-1e30,2,-99999999999999999999]}]}", "a[1].b[0]", "an integer of 64 bits");
	expect_unfit("{\"name\":\"a\\u0000b\"}", "name", "a string without NUL");
	expect_unfit("[[\"\",\"\\u0000\"]]", "[0][1]", "a string without NUL");
	toy_expect_error("{\"a\":\"\\u0000\"}\n", -32600, "null");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":99999999999999999999,\"method\":\"rpc.ping\"}\n", -32600, "null");
	toy_expect_error("[" TOY_PING ",{\"a\":99999999999999999999}]\n", -32600, "null");
	toy_text(&toy_server, &toy_client,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"box.add\",\"params\":{\"size\":99999999999999999999}}\n");
	toy_expect_pong(&toy_client);
	assert_true(toy_silent(&toy_server, &toy_client));
}

static void forgotten_bracket_spoils_no_later_line(void **state)
{
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\"\n" TOY_PING "\n", -32700, "null");
	toy_expect_answer(&toy_client, TOY_PONG);
}

static void invalid_requests_are_named(void **state)
{
	const char *base = "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"rpc.ping\"";
	char text[300];

	toy_expect_error("1\n", -32600, "null");
	toy_expect_error("\"text\"\n", -32600, "null");
	toy_expect_error("null\n", -32600, "null");
	toy_expect_error("{}\n", -32600, "null");
	toy_expect_error("{\"id\":3,\"method\":\"rpc.ping\"}\n", -32600, "3");
	toy_expect_error("{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"rpc.ping\"}\n", -32600, "3");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":3}\n", -32600, "3");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":1}\n", -32600, "3");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"rpc.ping\"}\n", -32600, "null");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"rpc.ping\"}\n", -32600, "null");
	snprintf(text, sizeof(text), "%s,\"params\":\"x\"}\n", base);
	toy_expect_error(text, -32600, "3");
	snprintf(text, sizeof(text), "%s,\"id\":4}\n", base);
	toy_expect_error(text, -32600, "null"); // a key twice
	snprintf(text, sizeof(text), "%s,\"params\":[1]}\n", base);
	toy_expect_error(text, -32602, "3");
	toy_text(&toy_server, &toy_client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"rpc.ping\",\"params\":[]}\n");
	toy_expect_answer(&toy_client, TOY_PONG);
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"no.such\"}\n", -32601, "3");
	toy_expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"\"}\n", -32601, "3");
}

static void errors_have_their_codes(void **state)
{
	const struct {
		int err, code;
	} codes[] = {{ENOENT, -32001},  {EEXIST, -32002}, {EBUSY, -32003}, {ENOSPC, -32004}, {ENOMEM, -32004},
		     {ENOTSUP, -32005}, {EINVAL, -32602}, {EIO, -32006},   {ENODEV, -32006}};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.fail\",\"params\":{\"errno\":%d}}\n",
			 codes[i].err);
		toy_expect_error(text, codes[i].code, "1");
	}
}

static void error_data_names_field_value_and_allowed(void **state)
{
	toy_text(&toy_server, &toy_client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"box.add\",\"params\":{\"name\":\"a\",\"size\":101}}\n");
	json_t *answer = toy_answer(&toy_server, &toy_client);

	assert_int_equal(toy_code(answer), -32602);
	assert_string_equal(toy_data(answer, "field"), "size");
	assert_string_equal(toy_data(answer, "allowed"), "an integer 1..100 bytes");
	json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	assert_int_equal(json_integer_value(json_object_get(data, "value")), 101);
	assert_null(json_object_get(toy_boxes, "a"));
	json_decref(answer);
}

static void nesting_is_bounded(void **state)
{
	char text[20000];

	memset(text, '[', sizeof(text) - 2);
	strcpy(text + sizeof(text) - 2, "\n");
	toy_expect_error(text, -32600, "null");
	toy_expect_pong(&toy_client);
	// As deep as is allowed: the request is looked at, and its parameters are refused.
	char *p = stpcpy(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\",\"params\":{\"a\":");
	memset(p, '[', JSON_SCAN_DEPTH - 2);
	memset(p + JSON_SCAN_DEPTH - 2, ']', JSON_SCAN_DEPTH - 2);
	strcpy(p + 2 * (JSON_SCAN_DEPTH - 2), "}}\n");
	toy_expect_error(text, -32602, "1");
}

static void request_of_64_mib_is_taken_and_a_longer_one_refused(void **state)
{
	const size_t size = RPC_REQUEST_MAX;
	const char *head = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\",\"params\":{\"a\":\"";
	char *text = malloc(size + 2);

	memset(text, 'x', size);
	memcpy(text, head, strlen(head));
	memcpy(text + size - 3, "\"}}\n", 4);
	text[size + 1] = '\0';
	toy_send(&toy_server, &toy_client, text, size + 1);
	json_t *answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32602); // read, but the method takes no parameter "a"
	json_decref(answer);

	memset(text + strlen(head), 'x', size - strlen(head));
	toy_send(&toy_server, &toy_client, text, size);
	toy_text(&toy_server, &toy_client, "y\"}}\n");
	answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32600);
	json_decref(answer);
	toy_expect_pong(&toy_client);
	free(text);
}

static void request_that_would_take_too_much_memory_is_refused(void **state)
{
	const size_t size = (60 << 20) + 1;
	char *text = malloc(size + 1);

	memset(text, ',', size);
	for (size_t i = 1; i < size; i += 2)
		text[i] = '1';
	text[0] = '[';
	text[size - 1] = ']';
	toy_send(&toy_server, &toy_client, text, size);
	json_t *answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32600);
	json_decref(answer);
	toy_text(&toy_server, &toy_client, "\n");
	toy_expect_pong(&toy_client);
	free(text);
}

static void describe_tells_what_the_declarations_say(void **state)
{
	json_t *result = toy_call(&toy_server, &toy_client, "rpc.describe", NULL, NULL), *method, *found = NULL;
	size_t i;

	assert_string_equal(json_string_value(json_object_get(result, "version")), SLUICE_VERSION);
	assert_true(json_array_size(json_object_get(result, "errors")) >= 10);
	json_array_foreach (json_object_get(result, "methods"), i, method) {
		const json_t *before = i > 0 ? json_array_get(json_object_get(result, "methods"), i - 1) : NULL;

		if (before != NULL)
			assert_true(strcmp(json_string_value(json_object_get(before, "name")),
					   json_string_value(json_object_get(method, "name"))) < 0);
		if (strcmp(json_string_value(json_object_get(method, "name")), "box.add") == 0)
			found = method;
	}
	json_t *wanted = json_loads(
		"{\"name\":\"box.add\",\"help\":\"h\",\"result\":\"r\",\"changes\":true,\"open\":false,\"params\":["
		"{\"name\":\"name\",\"type\":\"name\",\"required\":true,\"help\":\"Its name.\"},"
		"{\"name\":\"size\",\"type\":\"int\",\"required\":false,\"min\":1,\"max\":100,\"unit\":\"bytes\","
		"\"default\":10,\"help\":\"How large.\"},"
		"{\"name\":\"colour\",\"type\":\"enum\",\"required\":false,\"choices\":[\"red\",\"green\"],"
		"\"help\":\"What it looks like.\"},"
		"{\"name\":\"label\",\"type\":\"string\",\"required\":false,\"min\":0,\"max\":1000,"
		"\"help\":\"What is written on it.\"},"
		"{\"name\":\"dry_run\",\"type\":\"bool\",\"required\":false,\"default\":false,"
		"\"help\":\"Only check, and answer what would change.\"}]}",
		0, NULL);
	assert_non_null(wanted);
	assert_true(json_equal(found, wanted));
	json_decref(wanted);
	json_decref(result);
}

static void examples_of_the_core_methods_work(void **state)
{
	const struct rpc_method *m;

	for (unsigned int i = 0; (m = rpc_method_at(i)) != NULL; i++) {
		json_t *params = m->example != NULL ? json_loads(m->example, 0, NULL) : NULL, *result, *error;

		if (m->example == NULL)
			continue;
		assert_non_null(params);
		result = toy_call(&toy_server, &toy_client, m->name, params, &error);
		if (result == NULL)
			fail_msg("%s: %s", m->name, json_dumps(error, 0));
		json_decref(result);
	}
	unlink("/tmp/sluice.json"); // config.save's
}

static void second_server_on_the_socket_is_refused(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	struct fault f = {0};
	char path[128];
	int fd;

	assert_int_equal(stat(toy_server.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	// One process cannot hold two servers, so the other one is somebody's bare socket.
	rpc_server_stop();
	assert_int_equal(stat(toy_server.socket, &st), -1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, toy_server.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	struct rpc_server_conf conf = {.base = toy_server.base, .path = toy_server.socket};
	assert_int_equal(rpc_server_start(&conf, &f), -EADDRINUSE);
	assert_int_equal(stat(toy_server.socket, &st), 0);
	// Nobody answers there any more: it is taken over.
	close(fd);
	assert_int_equal(rpc_server_start(&conf, &f), 0);
	rpc_server_stop();
	// What is no socket is not removed.
	fd = open(toy_server.socket, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(rpc_server_start(&conf, &f), -EEXIST);
	assert_int_equal(stat(toy_server.socket, &st), 0);
	unlink(toy_server.socket);
	memset(path, 'x', 120);
	path[0] = '/';
	path[120] = '\0';
	conf.path = path;
	assert_int_equal(rpc_server_start(&conf, &f), -EINVAL);
	conf.path = "/nonexistent-folder/sock";
	assert_int_equal(rpc_server_start(&conf, &f), -ENOENT);
	conf.path = toy_server.socket;
	assert_int_equal(rpc_server_start(&conf, &f), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, toy_setup, toy_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_a_request),
		TEST(echoes_every_kind_of_id),
		TEST(takes_texts_in_any_pieces),
		TEST(notification_gets_no_answer),
		TEST(batch_is_answered_as_one_array),
		TEST(malformed_text_is_a_parse_error_and_the_next_line_works),
		TEST(json_that_no_request_can_hold_is_refused_by_its_field),
		TEST(forgotten_bracket_spoils_no_later_line),
		TEST(invalid_requests_are_named),
		TEST(errors_have_their_codes),
		TEST(error_data_names_field_value_and_allowed),
		TEST(nesting_is_bounded),
		TEST(request_of_64_mib_is_taken_and_a_longer_one_refused),
		TEST(request_that_would_take_too_much_memory_is_refused),
		TEST(describe_tells_what_the_declarations_say),
		TEST(examples_of_the_core_methods_work),
		TEST(second_server_on_the_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
