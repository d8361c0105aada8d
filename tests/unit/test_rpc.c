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

static struct toy_server server;
static struct toy_client client;

static int setup(void **state)
{
	toy_server_start(&server, false);
	toy_connect(&server, &client);
	return 0;
}

static int teardown(void **state)
{
	toy_disconnect(&client);
	toy_server_stop(&server);
	toy_server_clean(&server);
	return 0;
}

static int code_of(const json_t *answer)
{
	return (int)json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

// The member of error.data as text.
static const char *data_of(const json_t *answer, const char *name)
{
	const json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	const char *text = json_string_value(json_object_get(data, name));

	return text != NULL ? text : "";
}

static void expect_answer(struct toy_client *c, const char *json)
{
	json_t *wanted = json_loads(json, 0, NULL), *answer = toy_answer(&server, c);

	assert_non_null(wanted);
	if (!json_equal(wanted, answer)) {
		char *text = answer != NULL ? json_dumps(answer, 0) : strdup("no answer");

		fail_msg("%s\ninstead of %s", text, json);
	}
	json_decref(wanted);
	json_decref(answer);
}

// Sends a text; the answer must be an error of this code and id (JSON).
static void expect_error(const char *text, int code, const char *id)
{
	json_t *answer, *wanted_id = json_loads(id, JSON_DECODE_ANY, NULL);

	toy_text(&server, &client, text);
	answer = toy_answer(&server, &client);
	assert_non_null(answer);
	if (code_of(answer) != code)
		fail_msg("%.200s: %s", text, json_dumps(answer, 0));
	assert_true(json_equal(json_object_get(answer, "id"), wanted_id));
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_true(json_is_string(json_object_get(json_object_get(answer, "error"), "message")));
	json_decref(wanted_id);
	json_decref(answer);
}

#define PING "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"rpc.ping\"}"
#define PONG "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"pong\"}"

static void expect_pong(struct toy_client *c)
{
	toy_text(&server, c, PING "\n");
	expect_answer(c, PONG);
}

static void answers_a_request(void **state)
{
	expect_pong(&client);
}

static void echoes_every_kind_of_id(void **state)
{
	const char *ids[] = {"1", "-5", "\"x\\u00e9\"", "null", "1.5", "\"\""};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"rpc.ping\"}\n", ids[i]);
		toy_text(&server, &client, text);
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"pong\"}", ids[i]);
		expect_answer(&client, text);
	}
}

static void takes_texts_in_any_pieces(void **state)
{
	const char *text = PING "  " PING "\r\n\n{\"jsonrpc\":\"2.0\",\n \"id\":7,\n\"method\":\"rpc.ping\"}" PING "\n";

	for (size_t piece = 1; piece < strlen(text); piece++) {
		for (size_t at = 0; at < strlen(text); at += piece)
			toy_send(&server, &client, text + at, strlen(text) - at < piece ? strlen(text) - at : piece);
		for (unsigned int i = 0; i < 4; i++)
			expect_answer(&client, PONG);
	}
	assert_true(toy_silent(&server, &client));
}

static void notification_gets_no_answer(void **state)
{
	toy_text(&server, &client, "{\"jsonrpc\":\"2.0\",\"method\":\"box.add\",\"params\":{\"name\":\"a\"}}\n");
	toy_text(&server, &client, "{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}\n");
	toy_text(&server, &client, "{\"jsonrpc\":\"2.0\",\"method\":\"box.add\",\"params\":{}}\n");
	toy_text(&server, &client, "[{\"jsonrpc\":\"2.0\",\"method\":\"rpc.ping\"}]\n");
	assert_true(toy_silent(&server, &client));
	assert_non_null(json_object_get(toy_boxes, "a"));
}

static void batch_is_answered_as_one_array(void **state)
{
	toy_text(&server, &client,
		 "[" PING ",{\"jsonrpc\":\"2.0\",\"method\":\"rpc.ping\"},1," PING
		 ",{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"toy.fail\",\"params\":{\"errno\":2}}]\n");
	json_t *answer = toy_answer(&server, &client);

	assert_int_equal(json_array_size(answer), 4);
	assert_string_equal(json_string_value(json_object_get(json_array_get(answer, 0), "result")), "pong");
	assert_int_equal(code_of(json_array_get(answer, 1)), -32600);
	assert_string_equal(json_string_value(json_object_get(json_array_get(answer, 2), "result")), "pong");
	assert_int_equal(code_of(json_array_get(answer, 3)), -32001);
	json_decref(answer);
	expect_error("[]\n", -32600, "null");
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
		"{\"a\":\"\\u0000\"}\n",
		"{\"a\":\"\xff\"}\n",
		"{\"a\":\"tab\there\"}\n",
		"{\"a\":1e999}\n",
		"{\"a\":99999999999999999999}\n",
		"}\n",
		"\x01\n",
		"{\"a\":1,,} {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\"}\n",
		"[1,{\"b\":2}}\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_error(bad[i], -32700, "null");
		expect_pong(&client);
	}
	assert_true(toy_silent(&server, &client));
}

static void forgotten_bracket_spoils_no_later_line(void **state)
{
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\"\n" PING "\n", -32700, "null");
	expect_answer(&client, PONG);
}

static void invalid_requests_are_named(void **state)
{
	const char *base = "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"rpc.ping\"";
	char text[300];

	expect_error("1\n", -32600, "null");
	expect_error("\"text\"\n", -32600, "null");
	expect_error("null\n", -32600, "null");
	expect_error("{}\n", -32600, "null");
	expect_error("{\"id\":3,\"method\":\"rpc.ping\"}\n", -32600, "3");
	expect_error("{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"rpc.ping\"}\n", -32600, "3");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":3}\n", -32600, "3");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":1}\n", -32600, "3");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"rpc.ping\"}\n", -32600, "null");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"rpc.ping\"}\n", -32600, "null");
	snprintf(text, sizeof(text), "%s,\"params\":\"x\"}\n", base);
	expect_error(text, -32600, "3");
	snprintf(text, sizeof(text), "%s,\"id\":4}\n", base);
	expect_error(text, -32600, "null"); // a key twice
	snprintf(text, sizeof(text), "%s,\"params\":[1]}\n", base);
	expect_error(text, -32602, "3");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"no.such\"}\n", -32601, "3");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"\"}\n", -32601, "3");
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
		expect_error(text, codes[i].code, "1");
	}
}

static void error_data_names_field_value_and_allowed(void **state)
{
	toy_text(&server, &client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"box.add\",\"params\":{\"name\":\"a\",\"size\":101}}\n");
	json_t *answer = toy_answer(&server, &client);

	assert_int_equal(code_of(answer), -32602);
	assert_string_equal(data_of(answer, "field"), "size");
	assert_string_equal(data_of(answer, "allowed"), "an integer 1..100 bytes");
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
	expect_error(text, -32600, "null");
	expect_pong(&client);
	// As deep as is allowed: the request is looked at, and its parameters are refused.
	char *p = stpcpy(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.ping\",\"params\":{\"a\":");
	memset(p, '[', JSON_SCAN_DEPTH - 2);
	memset(p + JSON_SCAN_DEPTH - 2, ']', JSON_SCAN_DEPTH - 2);
	strcpy(p + 2 * (JSON_SCAN_DEPTH - 2), "}}\n");
	expect_error(text, -32602, "1");
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
	toy_send(&server, &client, text, size + 1);
	json_t *answer = toy_answer(&server, &client);
	assert_int_equal(code_of(answer), -32602); // read, but the method takes no parameter "a"
	json_decref(answer);

	memset(text + strlen(head), 'x', size - strlen(head));
	toy_send(&server, &client, text, size);
	toy_text(&server, &client, "y\"}}\n");
	answer = toy_answer(&server, &client);
	assert_int_equal(code_of(answer), -32600);
	json_decref(answer);
	expect_pong(&client);
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
	toy_send(&server, &client, text, size);
	json_t *answer = toy_answer(&server, &client);
	assert_int_equal(code_of(answer), -32600);
	json_decref(answer);
	toy_text(&server, &client, "\n");
	expect_pong(&client);
	free(text);
}

static double seconds(void)
{
	return (double)rpc_now_ns() * 1e-9;
}

// A text that comes in small pieces costs no more than one that comes at once: 16 MiB a byte at a time in a scan would
// take hours if the beginning were looked at again.
static void slow_sender_costs_linear_time(void **state)
{
	struct rpc_client c;
	const size_t size = 16 << 20, piece = 64;
	double begin = seconds();

	assert_int_equal(rpc_client_create(&c), 0);
	for (size_t sent = 0; sent < size; sent += piece) {
		size_t room;
		char *in = rpc_client_room(&c, &room);

		assert_true(room >= piece);
		memset(in, sent == 0 ? '[' : ' ', 1);
		memset(in + 1, ' ', piece - 1);
		rpc_client_input(&c, piece);
		assert_int_equal(rpc_client_turn(&c, 0), RPC_CLIENT_IDLE);
	}
	assert_true(seconds() - begin < 10);
	rpc_client_clear(&c);
}

static void text_cut_by_the_end_of_the_connection_is_a_parse_error(void **state)
{
	toy_text(&server, &client, PING "{\"jsonrpc\":");
	shutdown(client.fd, SHUT_WR);
	expect_answer(&client, PONG);
	json_t *answer = toy_answer(&server, &client);
	assert_int_equal(code_of(answer), -32700);
	json_decref(answer);
	assert_null(toy_answer(&server, &client));
	assert_true(client.closed);
}

static void half_closed_client_still_gets_all_answers(void **state)
{
	for (unsigned int i = 0; i < 1000; i++)
		toy_text(&server, &client, PING);
	shutdown(client.fd, SHUT_WR);
	for (unsigned int i = 0; i < 1000; i++)
		expect_answer(&client, PONG);
	assert_null(toy_answer(&server, &client));
	assert_true(client.closed);
}

static void long_batch_does_not_make_others_wait(void **state)
{
	const size_t n = 300000;
	char *text = malloc(n * (sizeof(PING) + 1) + 2), *p = text;
	struct toy_client other;
	unsigned int waited = 0;

	toy_connect(&server, &other);
	*p++ = '[';
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, i + 1 < n ? PING "," : PING "]");
	toy_send(&server, &client, text, (size_t)(p - text));
	free(text);
	// Answers to the other client come while the batch is still far from done.
	for (; waited < 20; waited++)
		expect_pong(&other);
	assert_null(memchr(client.in, ']', client.in_len));
	json_t *answer = toy_answer(&server, &client);
	assert_int_equal(json_array_size(answer), n);
	json_decref(answer);
	toy_disconnect(&other);
}

static void client_that_does_not_read_slows_nobody_and_holds_little(void **state)
{
	struct toy_client other;
	const char *big = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":500000}}\n";

	toy_connect(&server, &other);
	for (unsigned int i = 0; i < 10000; i++)
		if (send(client.fd, big, strlen(big), MSG_NOSIGNAL) < 0)
			break;
	double begin = seconds();
	for (unsigned int i = 0; i < 100; i++)
		expect_pong(&other);
	assert_true(seconds() - begin < 2);
	toy_disconnect(&other);
}

static void client_that_reads_nothing_is_cut_off(void **state)
{
	struct toy_client other;
	const char *big = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":5000000}}\n";
	double begin;
	char c;

	toy_disconnect(&client);
	toy_server_stop(&server);
	server.stall_s = 1;
	toy_server_start(&server, false);
	server.stall_s = 0;
	toy_connect(&server, &client);
	begin = seconds();
	toy_connect(&server, &other);
	assert_true(send(client.fd, big, strlen(big), MSG_NOSIGNAL) > 0);
	// What the kernel holds can still be read; then the connection ends before the answer does.
	while (seconds() - begin < 3.5)
		event_base_loop(server.base, EVLOOP_ONCE);
	size_t got = 0;
	ssize_t n;
	while ((n = recv(client.fd, &c, 1, 0)) == 1)
		got++;
	assert_true(n == 0 || errno == ECONNRESET);
	assert_true(got < 5000000);
	expect_pong(&other);
	toy_disconnect(&other);
}

static void answer_of_many_megabytes_arrives_whole(void **state)
{
	json_t *answer;

	toy_text(&server, &client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":20000000}}\n");
	answer = toy_answer(&server, &client);
	assert_int_equal(json_string_length(json_object_get(answer, "result")), 20000000);
	json_decref(answer);
	// But there is a bound, and then it is said.
	toy_text(&server, &client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":300000000}}\n");
	answer = toy_answer(&server, &client);
	assert_int_equal(code_of(answer), -32004);
	json_decref(answer);
	expect_pong(&client);
}

static void a_hundred_clients_at_once(void **state)
{
	struct toy_client c[100];

	for (unsigned int i = 0; i < 100; i++)
		toy_connect(&server, &c[i]);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 100; i++)
			toy_text(&server, &c[i], PING);
		for (unsigned int i = 0; i < 100; i++)
			expect_answer(&c[i], PONG);
	}
	for (unsigned int i = 0; i < 100; i++)
		toy_disconnect(&c[i]);
	expect_pong(&client);
}

static void one_client_too_many_is_told(void **state)
{
	static struct toy_client c[260];
	json_t *answer;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 260; i++)
		toy_connect(&server, &c[i]);
	for (unsigned int i = 255; i < 260; i++) { // one is connected beside these
		answer = toy_answer(&server, &c[i]);
		refused += code_of(answer) == -32004;
		json_decref(answer);
		assert_null(toy_answer(&server, &c[i]));
		assert_true(c[i].closed);
	}
	assert_int_equal(refused, 5);
	for (unsigned int i = 0; i < 260; i++)
		toy_disconnect(&c[i]);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	expect_pong(&client);
	toy_connect(&server, &c[0]);
	expect_pong(&c[0]);
	toy_disconnect(&c[0]);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	for (unsigned int round = 0; round < 20; round++) {
		char text[100 * 120], *p = text;

		for (unsigned int i = 0; i < 100; i++)
			p += sprintf(p, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"rpc.ping\"}\n", i);
		toy_text(&server, &client, text);
		for (unsigned int i = 0; i < 100; i++) {
			json_t *answer = toy_answer(&server, &client);

			assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
			json_decref(answer);
		}
	}
}

static void subscriber_is_told_of_its_topics_only(void **state)
{
	struct toy_client other;
	json_t *result;

	toy_connect(&server, &other);
	assert_false(event_wanted("port"));
	result = toy_call(&server, &client, "events.subscribe", json_pack("{s:[s,s]}", "topics", "link", "port"), NULL);
	assert_int_equal(json_array_size(result), 2);
	json_decref(result);
	assert_true(event_wanted("port"));
	assert_false(event_wanted("fdb"));
	json_decref(toy_call(&server, &other, "toy.event", json_pack("{s:s}", "name", "p0"), NULL));
	expect_answer(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
			       "{\"topic\":\"port\",\"event\":\"add\",\"data\":{\"name\":\"p0\"}}}");
	assert_true(toy_silent(&server, &client));
	assert_true(toy_silent(&server, &other));
	// An event that no request caused goes out as well.
	event_send("link", "up", json_pack("{s:s}", "name", "p1"));
	expect_answer(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
			       "{\"topic\":\"link\",\"event\":\"up\",\"data\":{\"name\":\"p1\"}}}");
	result = toy_call(&server, &client, "events.unsubscribe", json_pack("{s:[s]}", "topics", "port"), NULL);
	assert_int_equal(json_array_size(result), 1);
	json_decref(result);
	assert_false(event_wanted("port"));
	toy_disconnect(&client);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	assert_false(event_wanted("link"));
	toy_disconnect(&other);
	toy_connect(&server, &client);
}

static void events_do_not_come_between_the_answers_of_a_batch(void **state)
{
	const unsigned int n = 20000; // more than one turn
	char *text = malloc(n * 100), *p = text;
	unsigned int events = 0;
	json_t *line;

	json_decref(toy_call(&server, &client, "events.subscribe", NULL, NULL));
	p = stpcpy(p, "[");
	for (unsigned int i = 0; i < n; i++)
		p += sprintf(p,
			     "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"toy.event\",\"params\":{\"name\":\"p\"}}",
			     i > 0 ? "," : "", i);
	strcpy(p, "]\n");
	toy_text(&server, &client, text);
	free(text);
	line = toy_answer(&server, &client);
	assert_int_equal(json_array_size(line), n);
	json_decref(line);
	for (; events < 2 * n; events++) {
		line = toy_answer(&server, &client);
		assert_string_equal(json_string_value(json_object_get(line, "method")), "event");
		json_decref(line);
	}
}

static void subscriber_that_does_not_read_is_cut_off(void **state)
{
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	json_decref(toy_call(&server, &client, "events.subscribe", NULL, NULL));
	for (unsigned int i = 0; i < 100000 && event_wanted("port"); i++) {
		event_send("port", "add", json_pack("{s:s}", "name", text));
		if (i % 100 == 0)
			event_base_loop(server.base, EVLOOP_NONBLOCK);
	}
	assert_false(event_wanted("port"));
}

static void describe_tells_what_the_declarations_say(void **state)
{
	json_t *result = toy_call(&server, &client, "rpc.describe", NULL, NULL), *method, *found = NULL;
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
		result = toy_call(&server, &client, m->name, params, &error);
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

	assert_int_equal(stat(server.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	// One process cannot hold two servers, so the other one is somebody's bare socket.
	rpc_server_stop();
	assert_int_equal(stat(server.socket, &st), -1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, server.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	struct rpc_server_conf conf = {.base = server.base, .path = server.socket};
	assert_int_equal(rpc_server_start(&conf, &f), -EADDRINUSE);
	assert_int_equal(stat(server.socket, &st), 0);
	// Nobody answers there any more: it is taken over.
	close(fd);
	assert_int_equal(rpc_server_start(&conf, &f), 0);
	rpc_server_stop();
	// What is no socket is not removed.
	fd = open(server.socket, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(rpc_server_start(&conf, &f), -EEXIST);
	assert_int_equal(stat(server.socket, &st), 0);
	unlink(server.socket);
	memset(path, 'x', 120);
	path[0] = '/';
	path[120] = '\0';
	conf.path = path;
	assert_int_equal(rpc_server_start(&conf, &f), -EINVAL);
	conf.path = "/nonexistent-folder/sock";
	assert_int_equal(rpc_server_start(&conf, &f), -ENOENT);
	conf.path = server.socket;
	assert_int_equal(rpc_server_start(&conf, &f), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_a_request),
		TEST(echoes_every_kind_of_id),
		TEST(takes_texts_in_any_pieces),
		TEST(notification_gets_no_answer),
		TEST(batch_is_answered_as_one_array),
		TEST(malformed_text_is_a_parse_error_and_the_next_line_works),
		TEST(forgotten_bracket_spoils_no_later_line),
		TEST(invalid_requests_are_named),
		TEST(errors_have_their_codes),
		TEST(error_data_names_field_value_and_allowed),
		TEST(nesting_is_bounded),
		TEST(request_of_64_mib_is_taken_and_a_longer_one_refused),
		TEST(request_that_would_take_too_much_memory_is_refused),
		TEST(slow_sender_costs_linear_time),
		TEST(text_cut_by_the_end_of_the_connection_is_a_parse_error),
		TEST(half_closed_client_still_gets_all_answers),
		TEST(long_batch_does_not_make_others_wait),
		TEST(client_that_does_not_read_slows_nobody_and_holds_little),
		TEST(client_that_reads_nothing_is_cut_off),
		TEST(answer_of_many_megabytes_arrives_whole),
		TEST(a_hundred_clients_at_once),
		TEST(one_client_too_many_is_told),
		TEST(pipelined_requests_are_answered_in_order),
		TEST(subscriber_is_told_of_its_topics_only),
		TEST(events_do_not_come_between_the_answers_of_a_batch),
		TEST(subscriber_that_does_not_read_is_cut_off),
		TEST(describe_tells_what_the_declarations_say),
		TEST(examples_of_the_core_methods_work),
		TEST(second_server_on_the_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
