/* SPDX-License-Identifier: BSD-3-Clause */
// The bytes of a client: scanner, parser, decoder, txn, config and events. Whatever comes in, each line that goes out
// is a JSON-RPC message, and the answers do not depend on the pieces in which the bytes came.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/file.h"
#include "../../control/kinds.h"
#include "../../control/rpc.h"
#include "../../control/rpc_client.h"
#include "../../control/store.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_file_create(struct file_new *n, const char *path, mode_t mode);

// config.save must not write wherever the fuzzer likes.
int __wrap_file_create(struct file_new *n, const char *path, mode_t mode)
{
	*n = (struct file_new){.fd = -1, .path = path};
	return -EROFS;
}

static const char *const choices[] = {"a", "b", NULL};
static const struct param item_params[] = {
	{.name = "i", .type = PARAM_INT, .flags = PARAM_REQUIRED, .min = 0, .max = 9},
	{.name = "m", .type = PARAM_MAC, .def = "\"00:00:00:00:00:00\""},
	{.name = NULL},
};
static const struct param add_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED},
	{.name = "b", .type = PARAM_BOOL, .def = "true"},
	{.name = "i", .type = PARAM_INT, .min = -5, .max = 5},
	{.name = "n", .type = PARAM_NUMBER, .min = 0, .max = 1},
	{.name = "s", .type = PARAM_STRING, .max = 8},
	{.name = "e", .type = PARAM_ENUM, .choices = choices},
	{.name = "is", .type = PARAM_INTS, .min = 1, .max = 3},
	{.name = "ss", .type = PARAM_STRINGS, .choices = choices},
	{.name = "o", .type = PARAM_OBJECT},
	{.name = "os", .type = PARAM_OBJECTS, .items = item_params},
	{.name = NULL},
};
static const struct param del_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED},
	{.name = NULL},
};

static int x_add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, "name"));

	if (store_get("x", name) != NULL)
		return fault_str(f, -EEXIST, "name", name, NULL, "it is there");
	txn_put(c->txn, "x", name, json_incref((json_t *)(uintptr_t)params));
	event_send("port", "add", json_incref((json_t *)(uintptr_t)params));
	*result = json_incref((json_t *)(uintptr_t)params);
	return 0;
}

static int x_del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *name = json_string_value(json_object_get(params, "name"));

	if (store_get("x", name) == NULL)
		return fault_str(f, -ENOENT, "name", name, NULL, "it is not there");
	txn_del(c->txn, "x", name);
	return 0;
}

static const struct rpc_method method_add = {
	.name = "x.add", .help = "h", .params = add_params, .result = "r", .flags = RPC_CHANGES, .call = x_add};
static const struct rpc_method method_del = {
	.name = "x.del", .help = "h", .params = del_params, .result = "r", .flags = RPC_CHANGES, .call = x_del};
RPC_METHOD(method_add)
RPC_METHOD(method_del)

static const char *const key[] = {"name", NULL};
static const struct kind kind_x = {.name = "x", .plural = "xs", .order = 1, .add = "x.add", .del = "x.del", .key = key};
KIND(kind_x)

static void messages_check(const char *bytes, size_t size)
{
	const char *newline;

	for (; size > 0; size -= (size_t)(newline + 1 - bytes), bytes = newline + 1) {
		json_t *message;

		newline = memchr(bytes, '\n', size);
		REQUIRE(newline != NULL);
		message = json_loadb(bytes, (size_t)(newline - bytes), JSON_REJECT_DUPLICATES, NULL);
		REQUIRE(json_is_object(message) || json_array_size(message) > 0);
		json_decref(message);
	}
}

// Runs the input in pieces of `piece` bytes; the answers without the events, which depend on when they are let go.
static char *session(const uint8_t *data, size_t size, size_t piece, size_t *answers_size)
{
	struct fault f = {0};
	struct rpc_client c;
	char *answers;
	size_t room;

	REQUIRE(store_open(NULL, &f) == 0);
	REQUIRE(rpc_client_create(&c) == 0);
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece, part;

		for (; n > 0; n -= part, data += part) {
			char *in = rpc_client_room(&c, &room);

			REQUIRE(in != NULL);
			part = n < room ? n : room;
			memcpy(in, data, part);
			rpc_client_input(&c, part);
			while (rpc_client_turn(&c, 0) == RPC_CLIENT_READY)
				;
		}
	}
	rpc_client_eof(&c);
	while (rpc_client_turn(&c, 0) == RPC_CLIENT_READY)
		;
	messages_check((char *)evbuffer_pullup(c.events, -1), evbuffer_get_length(c.events));
	evbuffer_drain(c.events, evbuffer_get_length(c.events));
	REQUIRE(store_sync(&f) == 0);
	rpc_client_release(&c, NULL);
	*answers_size = evbuffer_get_length(c.out);
	answers = malloc(*answers_size + 1);
	REQUIRE(evbuffer_remove(c.out, answers, *answers_size) == (int)*answers_size);
	// One that waits for its answers to be read is stopped here, in the middle of a batch perhaps.
	if (rpc_client_turn(&c, 0) == RPC_CLIENT_IDLE)
		messages_check(answers, *answers_size);
	rpc_client_clear(&c);
	store_close();
	return answers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole_size, pieces_size;
	char *whole, *pieces;

	if (size == 0)
		return 0;
	whole = session(data + 1, size - 1, size, &whole_size);
	pieces = session(data + 1, size - 1, (size_t)data[0] % 32 + 1, &pieces_size);
	REQUIRE(whole_size == pieces_size && memcmp(whole, pieces, whole_size) == 0);
	free(whole);
	free(pieces);
	return 0;
}
