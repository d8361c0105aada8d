/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_toy.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../control/kinds.h"
#include "../../control/objects.h"
#include "../../control/rpc.h"
#include "../../control/store.h"

#define WAIT_S 20

struct toy_server toy_server;
struct toy_client toy_client;
json_t *toy_boxes, *toy_items;
unsigned int toy_published;

static const char *const colours[] = {"red", "green", NULL};

static const struct param box_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "Its name."},
	{.name = "size", .type = PARAM_INT, .min = 1, .max = 100, .unit = "bytes", .def = "10", .help = "How large."},
	{.name = "colour", .type = PARAM_ENUM, .choices = colours, .help = "What it looks like."},
	{.name = "label", .type = PARAM_STRING, .max = 1000, .help = "What is written on it."},
	{.name = NULL},
};
static const struct param box_set_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "Its name."},
	{.name = "size", .type = PARAM_INT, .min = 1, .max = 100, .unit = "bytes", .help = "How large."},
	{.name = NULL},
};
static const struct param item_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "Its name."},
	{.name = "box", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "Where it lies."},
	{.name = "number", .type = PARAM_INT, .def = "0", .help = "Any number."},
	{.name = NULL},
};
static const struct param name_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED, .help = "Its name."},
	{.name = NULL},
};

struct undo {
	json_t *map, *object;
	char name[64];
};

static void undo_free(void *arg)
{
	struct undo *u = arg;

	json_decref(u->object);
	free(u);
}

static void undo_run(void *arg)
{
	struct undo *u = arg;

	if (u->object != NULL)
		json_object_set(u->map, u->name, u->object);
	else
		json_object_del(u->map, u->name);
	undo_free(u);
}

static void change(struct rpc_call *c, const char *kind, json_t *map, const char *name, json_t *object)
{
	struct undo *u = calloc(1, sizeof(*u));

	u->map = map;
	u->object = json_incref(json_object_get(map, name));
	snprintf(u->name, sizeof(u->name), "%s", name);
	txn_undo(c->txn, undo_run, undo_free, u);
	c->txn->publish = true;
	if (object != NULL) {
		json_object_set(map, name, object);
		txn_put(c->txn, kind, name, json_incref(object));
	} else {
		txn_del(c->txn, kind, u->name);
		json_object_del(map, u->name);
	}
}

static const char *name_of(const json_t *params)
{
	return json_string_value(json_object_get(params, "name"));
}

static int box_add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	json_t *copy;

	if (json_object_get(toy_boxes, name_of(params)) != NULL)
		return fault_str(f, -EEXIST, "name", name_of(params), NULL, "there is a box of this name");
	copy = json_copy((json_t *)(uintptr_t)params);
	change(c, "box", toy_boxes, name_of(params), copy);
	*result = copy;
	return 0;
}

static int box_set(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	json_t *object = json_copy(json_object_get(toy_boxes, name_of(params)));

	if (object == NULL)
		return fault_str(f, -ENOENT, "name", name_of(params), NULL, "there is no box of this name");
	json_object_update(object, (json_t *)(uintptr_t)params);
	change(c, "box", toy_boxes, name_of(params), object);
	json_decref(object);
	return 0;
}

static int box_del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *name;
	json_t *item;

	if (json_object_get(toy_boxes, name_of(params)) == NULL)
		return fault_str(f, -ENOENT, "name", name_of(params), NULL, "there is no box of this name");
	json_object_foreach (toy_items, name, item)
		if (strcmp(json_string_value(json_object_get(item, "box")), name_of(params)) == 0)
			return fault_str(f, -EBUSY, "name", name_of(params), NULL, "item %s lies in this box", name);
	change(c, "box", toy_boxes, name_of(params), NULL);
	return 0;
}

static int item_add(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	const char *box = json_string_value(json_object_get(params, "box"));

	if (json_object_get(toy_boxes, box) == NULL)
		return fault_str(f, -ENOENT, "box", box, NULL, "there is no box of this name");
	if (json_object_get(toy_items, name_of(params)) != NULL)
		return fault_str(f, -EEXIST, "name", name_of(params), NULL, "there is an item of this name");
	change(c, "item", toy_items, name_of(params), (json_t *)(uintptr_t)params);
	return 0;
}

static int item_del(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	if (json_object_get(toy_items, name_of(params)) == NULL)
		return fault_str(f, -ENOENT, "name", name_of(params), NULL, "there is no item of this name");
	change(c, "item", toy_items, name_of(params), NULL);
	return 0;
}

static const struct param big_params[] = {
	{.name = "bytes", .type = PARAM_INT, .min = 0, .max = 1 << 30, .flags = PARAM_REQUIRED, .help = "How long."},
	{.name = NULL},
};

static int toy_big(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	size_t size = (size_t)json_integer_value(json_object_get(params, "bytes"));
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	*result = json_stringn(text, size);
	free(text);
	return 0;
}

static const struct param fail_params[] = {
	{.name = "errno", .type = PARAM_INT, .flags = PARAM_REQUIRED, .help = "The error."},
	{.name = NULL},
};

static int toy_fail(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	*result = json_string("must not be seen");
	return fault_set(f, -(int)json_integer_value(json_object_get(params, "errno")), NULL, NULL, NULL, "it failed");
}

static int toy_event(struct rpc_call *c, const json_t *params, json_t **result, struct fault *f)
{
	event_send("port", "add", json_pack("{s:O}", "name", json_object_get(params, "name")));
	event_send("fdb", "learn", json_pack("{s:O}", "name", json_object_get(params, "name")));
	return 0;
}

static const struct rpc_method method_box_add = {
	.name = "box.add", .help = "h", .params = box_params, .result = "r", .flags = RPC_CHANGES, .call = box_add};
static const struct rpc_method method_box_set = {
	.name = "box.set", .help = "h", .params = box_set_params, .result = "r", .flags = RPC_CHANGES, .call = box_set};
static const struct rpc_method method_box_del = {
	.name = "box.del", .help = "h", .params = name_params, .result = "r", .flags = RPC_CHANGES, .call = box_del};
static const struct rpc_method method_item_add = {
	.name = "item.add", .help = "h", .params = item_params, .result = "r", .flags = RPC_CHANGES, .call = item_add};
static const struct rpc_method method_item_del = {
	.name = "item.del", .help = "h", .params = name_params, .result = "r", .flags = RPC_CHANGES, .call = item_del};
static const struct rpc_method method_big = {
	.name = "toy.big", .help = "h", .params = big_params, .result = "r", .call = toy_big};
static const struct rpc_method method_fail = {
	.name = "toy.fail", .help = "h", .params = fail_params, .result = "r", .call = toy_fail};
static const struct rpc_method method_event = {
	.name = "toy.event", .help = "h", .params = name_params, .result = "r", .call = toy_event};
RPC_METHOD(method_box_add)
RPC_METHOD(method_box_set)
RPC_METHOD(method_box_del)
RPC_METHOD(method_item_add)
RPC_METHOD(method_item_del)
RPC_METHOD(method_big)
RPC_METHOD(method_fail)
RPC_METHOD(method_event)

static const char *const name_key[] = {"name", NULL};
static const struct kind_ref item_refs[] = {{.field = "box", .kind = "box"}, {0}};
// Registered against their order, which must not matter.
static const struct kind kind_item = {.name = "item",
				      .plural = "items",
				      .order = 20,
				      .add = "item.add",
				      .del = "item.del",
				      .key = name_key,
				      .refs = item_refs};
static const struct kind kind_box = {.name = "box",
				     .plural = "boxes",
				     .order = 10,
				     .add = "box.add",
				     .del = "box.del",
				     .set = "box.set",
				     .key = name_key};
KIND(kind_item)
KIND(kind_box)

void publish(void)
{
	toy_published++;
}

void toy_reset(void)
{
	json_decref(toy_boxes);
	json_decref(toy_items);
	toy_boxes = json_object();
	toy_items = json_object();
	toy_published = 0;
}

void toy_server_start(struct toy_server *s, bool on_disk)
{
	struct fault f = {0};

	if (s->dir[0] == '\0') {
		strcpy(s->dir, "/tmp/rpc_toy.XXXXXX");
		assert_non_null(mkdtemp(s->dir));
	}
	snprintf(s->socket, sizeof(s->socket), "%s/sock", s->dir);
	snprintf(s->state, sizeof(s->state), "%s/state.json", s->dir);
	toy_reset();
	s->base = event_base_new();
	assert_int_equal(store_open(on_disk ? s->state : NULL, &f), 0);
	struct rpc_server_conf conf = {.base = s->base, .path = s->socket, .stall_s = s->stall_s};
	assert_int_equal(rpc_server_start(&conf, &f), 0);
}

void toy_server_stop(struct toy_server *s)
{
	rpc_server_stop();
	store_close();
	json_decref(toy_boxes);
	json_decref(toy_items);
	toy_boxes = toy_items = NULL;
	event_base_free(s->base);
	s->base = NULL;
}

void toy_server_clean(struct toy_server *s)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
	s->dir[0] = '\0';
}

void toy_connect(struct toy_server *s, struct toy_client *c)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*c = (struct toy_client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	strcpy(address.sun_path, s->socket);
	// The backlog is longer than a test's clients, but let the server take this one all the same.
	assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

void toy_disconnect(struct toy_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	*c = (struct toy_client){.fd = -1};
}

static void receive(struct toy_client *c)
{
	ssize_t n;

	if (c->in_size - c->in_len < (1 << 16)) {
		c->in_size = c->in_size > 0 ? 2 * c->in_size : 1 << 17;
		c->in = realloc(c->in, c->in_size);
	}
	n = recv(c->fd, c->in + c->in_len, c->in_size - c->in_len, 0);
	if (n > 0)
		c->in_len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		c->closed = true;
}

void toy_send(struct toy_server *s, struct toy_client *c, const char *bytes, size_t size)
{
	while (size > 0 && !c->closed) {
		ssize_t n = send(c->fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			c->closed = true;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		receive(c);
	}
}

void toy_text(struct toy_server *s, struct toy_client *c, const char *text)
{
	toy_send(s, c, text, strlen(text));
}

static json_t *line_take(struct toy_client *c)
{
	const char *newline = memchr(c->in, '\n', c->in_len);
	json_error_t error;
	json_t *value;
	size_t size;

	if (newline == NULL)
		return NULL;
	size = (size_t)(newline + 1 - c->in);
	value = json_loadb(c->in, size, 0, &error);
	if (value == NULL)
		fail_msg("answer is no JSON: %s: %.200s", error.text, c->in);
	memmove(c->in, newline + 1, c->in_len - size);
	c->in_len -= size;
	return value;
}

json_t *toy_answer(struct toy_server *s, struct toy_client *c)
{
	time_t end = time(NULL) + WAIT_S;
	size_t before;
	json_t *value;

	receive(c);
	while ((value = line_take(c)) == NULL && !c->closed && time(NULL) < end) {
		before = c->in_len;
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		// A long line is not searched again for each piece of it.
		do
			receive(c);
		while (!c->closed && c->in_len == before && event_base_loop(s->base, EVLOOP_ONCE) == 0 &&
		       time(NULL) < end);
	}
	return value;
}

bool toy_silent(struct toy_server *s, struct toy_client *c)
{
	for (unsigned int i = 0; i < 50; i++) {
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	receive(c);
	return c->in_len == 0;
}

json_t *toy_call(struct toy_server *s, struct toy_client *c, const char *method, json_t *params, json_t **error)
{
	json_t *request =
		json_pack("{s:s, s:i, s:s, s:o*}", "jsonrpc", "2.0", "id", 1, "method", method, "params", params);
	char *text = json_dumps(request, 0);
	json_t *answer, *result;

	toy_text(s, c, text);
	toy_text(s, c, "\n");
	free(text);
	json_decref(request);
	answer = toy_answer(s, c);
	assert_non_null(answer);
	result = json_incref(json_object_get(answer, "result"));
	if (error != NULL)
		*error = json_incref(json_object_get(answer, "error"));
	json_decref(answer);
	return result;
}

int toy_setup(void **state)
{
	toy_server_start(&toy_server, false);
	toy_connect(&toy_server, &toy_client);
	return 0;
}

int toy_teardown(void **state)
{
	toy_disconnect(&toy_client);
	toy_server_stop(&toy_server);
	toy_server_clean(&toy_server);
	return 0;
}

int toy_code(const json_t *answer)
{
	return (int)json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

const char *toy_data(const json_t *answer, const char *name)
{
	const json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	const char *text = json_string_value(json_object_get(data, name));

	return text != NULL ? text : "";
}

void toy_expect_answer(struct toy_client *c, const char *json)
{
	json_t *wanted = json_loads(json, 0, NULL), *answer = toy_answer(&toy_server, c);

	assert_non_null(wanted);
	if (!json_equal(wanted, answer)) {
		char *text = answer != NULL ? json_dumps(answer, 0) : strdup("no answer");

		fail_msg("%s\ninstead of %s", text, json);
	}
	json_decref(wanted);
	json_decref(answer);
}

void toy_expect_error(const char *text, int code, const char *id)
{
	json_t *answer, *wanted_id = json_loads(id, JSON_DECODE_ANY, NULL);

	toy_text(&toy_server, &toy_client, text);
	answer = toy_answer(&toy_server, &toy_client);
	assert_non_null(answer);
	if (toy_code(answer) != code)
		fail_msg("%.200s: %s", text, json_dumps(answer, 0));
	assert_true(json_equal(json_object_get(answer, "id"), wanted_id));
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_true(json_is_string(json_object_get(json_object_get(answer, "error"), "message")));
	json_decref(wanted_id);
	json_decref(answer);
}

void toy_expect_pong(struct toy_client *c)
{
	toy_text(&toy_server, c, TOY_PING "\n");
	toy_expect_answer(c, TOY_PONG);
}
