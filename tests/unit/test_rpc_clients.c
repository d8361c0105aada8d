/* SPDX-License-Identifier: BSD-3-Clause */
// The RPC server and its clients: slow, deaf, greedy and many ones, fairness between them, and events.
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
	toy_text(&toy_server, &toy_client, TOY_PING "{\"jsonrpc\":");
	shutdown(toy_client.fd, SHUT_WR);
	toy_expect_answer(&toy_client, TOY_PONG);
	json_t *answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32700);
	json_decref(answer);
	assert_null(toy_answer(&toy_server, &toy_client));
	assert_true(toy_client.closed);
}

static void half_closed_client_still_gets_all_answers(void **state)
{
	for (unsigned int i = 0; i < 1000; i++)
		toy_text(&toy_server, &toy_client, TOY_PING);
	shutdown(toy_client.fd, SHUT_WR);
	for (unsigned int i = 0; i < 1000; i++)
		toy_expect_answer(&toy_client, TOY_PONG);
	assert_null(toy_answer(&toy_server, &toy_client));
	assert_true(toy_client.closed);
}

static void long_batch_does_not_make_others_wait(void **state)
{
	const size_t n = 300000;
	char *text = malloc(n * (sizeof(TOY_PING) + 1) + 2), *p = text;
	struct toy_client other;
	unsigned int waited = 0;

	toy_connect(&toy_server, &other);
	*p++ = '[';
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, i + 1 < n ? TOY_PING "," : TOY_PING "]");
	toy_send(&toy_server, &toy_client, text, (size_t)(p - text));
	free(text);
	// Answers to the other client come while the batch is still far from done.
	for (; waited < 20; waited++)
		toy_expect_pong(&other);
	assert_null(memchr(toy_client.in, ']', toy_client.in_len));
	json_t *answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(json_array_size(answer), n);
	json_decref(answer);
	toy_disconnect(&other);
}

static void client_that_does_not_read_slows_nobody_and_holds_little(void **state)
{
	struct toy_client other;
	const char *big = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":500000}}\n";

	toy_connect(&toy_server, &other);
	for (unsigned int i = 0; i < 10000; i++)
		if (send(toy_client.fd, big, strlen(big), MSG_NOSIGNAL) < 0)
			break;
	double begin = seconds();
	for (unsigned int i = 0; i < 100; i++)
		toy_expect_pong(&other);
	assert_true(seconds() - begin < 2);
	toy_disconnect(&other);
}

static void client_that_reads_nothing_is_cut_off(void **state)
{
	struct toy_client other;
	const char *big = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":5000000}}\n";
	double begin;
	char c;

	toy_disconnect(&toy_client);
	toy_server_stop(&toy_server);
	toy_server.stall_s = 1;
	toy_server_start(&toy_server, false);
	toy_server.stall_s = 0;
	toy_connect(&toy_server, &toy_client);
	begin = seconds();
	toy_connect(&toy_server, &other);
	assert_true(send(toy_client.fd, big, strlen(big), MSG_NOSIGNAL) > 0);
	// What the kernel holds can still be read; then the connection ends before the answer does.
	while (seconds() - begin < 3.5)
		event_base_loop(toy_server.base, EVLOOP_ONCE);
	size_t got = 0;
	ssize_t n;
	while ((n = recv(toy_client.fd, &c, 1, 0)) == 1)
		got++;
	assert_true(n == 0 || errno == ECONNRESET);
	assert_true(got < 5000000);
	toy_expect_pong(&other);
	toy_disconnect(&other);
}

static void answer_of_many_megabytes_arrives_whole(void **state)
{
	json_t *answer;

	toy_text(&toy_server, &toy_client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":20000000}}\n");
	answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(json_string_length(json_object_get(answer, "result")), 20000000);
	json_decref(answer);
	// But there is a bound, and then it is said.
	toy_text(&toy_server, &toy_client,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toy.big\",\"params\":{\"bytes\":300000000}}\n");
	answer = toy_answer(&toy_server, &toy_client);
	assert_int_equal(toy_code(answer), -32004);
	json_decref(answer);
	toy_expect_pong(&toy_client);
}

static void a_hundred_clients_at_once(void **state)
{
	struct toy_client c[100];

	for (unsigned int i = 0; i < 100; i++)
		toy_connect(&toy_server, &c[i]);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 100; i++)
			toy_text(&toy_server, &c[i], TOY_PING);
		for (unsigned int i = 0; i < 100; i++)
			toy_expect_answer(&c[i], TOY_PONG);
	}
	for (unsigned int i = 0; i < 100; i++)
		toy_disconnect(&c[i]);
	toy_expect_pong(&toy_client);
}

static void one_client_too_many_is_told(void **state)
{
	static struct toy_client c[260];
	json_t *answer;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 260; i++)
		toy_connect(&toy_server, &c[i]);
	for (unsigned int i = 255; i < 260; i++) { // one is connected beside these
		answer = toy_answer(&toy_server, &c[i]);
		refused += toy_code(answer) == -32004;
		json_decref(answer);
		assert_null(toy_answer(&toy_server, &c[i]));
		assert_true(c[i].closed);
	}
	assert_int_equal(refused, 5);
	for (unsigned int i = 0; i < 260; i++)
		toy_disconnect(&c[i]);
	event_base_loop(toy_server.base, EVLOOP_NONBLOCK);
	event_base_loop(toy_server.base, EVLOOP_NONBLOCK);
	toy_expect_pong(&toy_client);
	toy_connect(&toy_server, &c[0]);
	toy_expect_pong(&c[0]);
	toy_disconnect(&c[0]);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	for (unsigned int round = 0; round < 20; round++) {
		char text[100 * 120], *p = text;

		for (unsigned int i = 0; i < 100; i++)
			p += sprintf(p, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"rpc.ping\"}\n", i);
		toy_text(&toy_server, &toy_client, text);
		for (unsigned int i = 0; i < 100; i++) {
			json_t *answer = toy_answer(&toy_server, &toy_client);

			assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
			json_decref(answer);
		}
	}
}

static void subscriber_is_told_of_its_topics_only(void **state)
{
	struct toy_client other;
	json_t *result;

	toy_connect(&toy_server, &other);
	assert_false(event_wanted("port"));
	result = toy_call(&toy_server, &toy_client, "events.subscribe",
			  json_pack("{s:[s,s]}", "topics", "link", "port"), NULL);
	assert_int_equal(json_array_size(result), 2);
	json_decref(result);
	assert_true(event_wanted("port"));
	assert_false(event_wanted("fdb"));
	json_decref(toy_call(&toy_server, &other, "toy.event", json_pack("{s:s}", "name", "p0"), NULL));
	toy_expect_answer(&toy_client, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
				       "{\"topic\":\"port\",\"event\":\"add\",\"data\":{\"name\":\"p0\"}}}");
	assert_true(toy_silent(&toy_server, &toy_client));
	assert_true(toy_silent(&toy_server, &other));
	// An event that no request caused goes out as well.
	event_send("link", "up", json_pack("{s:s}", "name", "p1"));
	toy_expect_answer(&toy_client, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
				       "{\"topic\":\"link\",\"event\":\"up\",\"data\":{\"name\":\"p1\"}}}");
	result = toy_call(&toy_server, &toy_client, "events.unsubscribe", json_pack("{s:[s]}", "topics", "port"), NULL);
	assert_int_equal(json_array_size(result), 1);
	json_decref(result);
	assert_false(event_wanted("port"));
	toy_disconnect(&toy_client);
	event_base_loop(toy_server.base, EVLOOP_NONBLOCK);
	event_base_loop(toy_server.base, EVLOOP_NONBLOCK);
	assert_false(event_wanted("link"));
	toy_disconnect(&other);
	toy_connect(&toy_server, &toy_client);
}

static void events_do_not_come_between_the_answers_of_a_batch(void **state)
{
	const unsigned int n = 20000; // more than one turn
	char *text = malloc(n * 100), *p = text;
	unsigned int events = 0;
	json_t *line;

	json_decref(toy_call(&toy_server, &toy_client, "events.subscribe", NULL, NULL));
	p = stpcpy(p, "[");
	for (unsigned int i = 0; i < n; i++)
		p += sprintf(p,
			     "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"toy.event\",\"params\":{\"name\":\"p\"}}",
			     i > 0 ? "," : "", i);
	strcpy(p, "]\n");
	toy_text(&toy_server, &toy_client, text);
	free(text);
	line = toy_answer(&toy_server, &toy_client);
	assert_int_equal(json_array_size(line), n);
	json_decref(line);
	for (; events < 2 * n; events++) {
		line = toy_answer(&toy_server, &toy_client);
		assert_string_equal(json_string_value(json_object_get(line, "method")), "event");
		json_decref(line);
	}
}

static void subscriber_that_does_not_read_is_cut_off(void **state)
{
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	json_decref(toy_call(&toy_server, &toy_client, "events.subscribe", NULL, NULL));
	for (unsigned int i = 0; i < 100000 && event_wanted("port"); i++) {
		event_send("port", "add", json_pack("{s:s}", "name", text));
		if (i % 100 == 0)
			event_base_loop(toy_server.base, EVLOOP_NONBLOCK);
	}
	assert_false(event_wanted("port"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, toy_setup, toy_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
