/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_client.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_unfit.h"
#include "rpc.h"
#include "store.h"

#define IN_FIRST (64 << 10) // bytes
#define STAGE_SIZE (64 << 10)

#define PARSE_ERROR -32700
#define INVALID_REQUEST -32600
#define INVALID_PARAMS -32602
#define NO_RESOURCE -32004
#define SYSTEM_FAILED -32006

// Where an answer is put together: small ones whole in `stage`, what does not fit goes on to `rest`.
struct writer {
	struct evbuffer *rest; // NULL: all is in the stage
	size_t staged, total;
};

static char stage[STAGE_SIZE];

uint64_t rpc_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int rpc_client_create(struct rpc_client *c)
{
	*c = (struct rpc_client){.held = evbuffer_new(), .events = evbuffer_new(), .out = evbuffer_new()};
	if (c->held != NULL && c->events != NULL && c->out != NULL)
		return 0;
	rpc_client_clear(c);
	return -ENOMEM;
}

static void changed_clear(struct rpc_client *c)
{
	for (size_t i = 0; i < c->nchanged; i++)
		json_decref(c->changed[i].id);
	c->nchanged = 0;
}

static void buffer_free(struct evbuffer *b)
{
	if (b != NULL)
		evbuffer_free(b);
}

void rpc_client_clear(struct rpc_client *c)
{
	event_unsubscribe(c, UINT32_MAX);
	changed_clear(c);
	free(c->changed);
	free(c->in);
	json_decref(c->batch);
	buffer_free(c->held);
	buffer_free(c->events);
	buffer_free(c->out);
	memset(c, 0, sizeof(*c));
}

size_t rpc_client_unread(const struct rpc_client *c)
{
	return evbuffer_get_length(c->held) + evbuffer_get_length(c->events) + evbuffer_get_length(c->out);
}

bool rpc_client_full(const struct rpc_client *c)
{
	// Events do not count: they may have to wait for the end of a batch, which must then go on.
	return evbuffer_get_length(c->held) + evbuffer_get_length(c->out) > RPC_OUT_HIGH;
}

char *rpc_client_room(struct rpc_client *c, size_t *size)
{
	// What is moved is less than what was used before it, so moving costs no more than reading did.
	if (c->in_text > 0 && c->in_text >= c->in_end - c->in_text) {
		memmove(c->in, c->in + c->in_text, c->in_end - c->in_text);
		c->in_at -= c->in_text;
		c->in_end -= c->in_text;
		c->in_text = 0;
	}
	if (c->in_size - c->in_end < IN_FIRST / 2) {
		size_t grown = c->in_size > 0 ? 2 * c->in_size : IN_FIRST;
		char *in = realloc(c->in, grown);

		if (in == NULL)
			return NULL;
		c->in = in;
		c->in_size = grown;
	}
	*size = c->in_size - c->in_end;
	return c->in + c->in_end;
}

void rpc_client_input(struct rpc_client *c, size_t size)
{
	c->in_end += size;
}

void rpc_client_eof(struct rpc_client *c)
{
	c->eof = true;
}

static int writer_flush(struct writer *w)
{
	if (w->rest == NULL)
		w->rest = evbuffer_new();
	if (w->rest == NULL || evbuffer_add(w->rest, stage, w->staged) != 0)
		return -1;
	w->staged = 0;
	return 0;
}

static int writer_add(const char *bytes, size_t size, void *arg)
{
	struct writer *w = arg;

	w->total += size;
	if (w->total > RPC_ANSWER_MAX)
		return -1;
	if (w->staged + size > STAGE_SIZE && writer_flush(w) != 0)
		return -1;
	if (size > STAGE_SIZE)
		return evbuffer_add(w->rest, bytes, size);
	memcpy(stage + w->staged, bytes, size);
	w->staged += size;
	return 0;
}

static int writer_text(struct writer *w, const char *text)
{
	return writer_add(text, strlen(text), w);
}

static int writer_json(struct writer *w, const json_t *value)
{
	return json_dump_callback(value, writer_add, w, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int writer_answer(struct writer *w, const json_t *id, const char *member, const json_t *value)
{
	if (writer_text(w, "{\"jsonrpc\":\"2.0\",\"id\":") != 0 || writer_json(w, id) != 0 ||
	    writer_text(w, ",\"") != 0 || writer_text(w, member) != 0 || writer_text(w, "\":") != 0 ||
	    writer_json(w, value) != 0)
		return -1;
	return writer_text(w, "}");
}

static int writer_end(struct writer *w, int rc, struct evbuffer *out)
{
	if (rc == 0 && w->rest != NULL)
		rc = writer_flush(w) != 0 ? -1 : evbuffer_add_buffer(out, w->rest);
	else if (rc == 0)
		rc = evbuffer_add(out, stage, w->staged);
	buffer_free(w->rest);
	return rc;
}

static int answer_write(struct evbuffer *out, const json_t *id, const char *member, const json_t *value)
{
	struct writer w = {.rest = NULL};

	return writer_end(&w, writer_answer(&w, id, member, value), out);
}

static int error_write(struct evbuffer *out, int code, const json_t *id, const struct fault *f)
{
	json_t *error = rpc_error(code, f);
	int rc = answer_write(out, id != NULL ? id : json_null(), "error", error);

	json_decref(error);
	return rc;
}

void rpc_client_refuse(struct evbuffer *out, int code, const json_t *id, const struct fault *f)
{
	if (error_write(out, code, id, f) == 0)
		evbuffer_add(out, "\n", 1);
}

// What stands before an answer: in a batch the array's bracket or comma.
static void answer_open(struct rpc_client *c)
{
	if (c->batch == NULL)
		return;
	evbuffer_add(c->held, c->batch_open ? "," : "[", 1);
	c->batch_open = true;
}

static void answer_close(struct rpc_client *c)
{
	if (c->batch == NULL)
		evbuffer_add(c->held, "\n", 1);
}

static void answer_error(struct rpc_client *c, int code, const json_t *id, const struct fault *f)
{
	answer_open(c);
	if (error_write(c->held, code, id, f) != 0)
		c->broken = true;
	answer_close(c);
}

static void answer_fault(struct rpc_client *c, int code, const json_t *id, const char *field, const json_t *value,
			 const char *allowed, const char *message)
{
	struct fault f = {0};

	rpc_fault_value(&f, -EINVAL, field, value, allowed, "%s", message);
	answer_error(c, code, id, &f);
}

static void changed_note(struct rpc_client *c, size_t at, json_t *id)
{
	if (c->nchanged == c->changed_size) {
		size_t size = c->changed_size > 0 ? 2 * c->changed_size : 16;
		struct rpc_changed *grown = realloc(c->changed, size * sizeof(*grown));

		if (grown == NULL) {
			c->broken = true;
			return;
		}
		c->changed = grown;
		c->changed_size = size;
	}
	c->changed[c->nchanged++] =
		(struct rpc_changed){.at = at, .size = evbuffer_get_length(c->held) - at, .id = json_incref(id)};
}

static void answer_result(struct rpc_client *c, json_t *id, const json_t *result, bool changed)
{
	struct fault f = {0};
	size_t at;

	answer_open(c);
	at = evbuffer_get_length(c->held);
	if (answer_write(c->held, id, "result", result) != 0) {
		fault_set(&f, -ENOSPC, NULL, NULL, NULL, "the answer is larger than %zu bytes: ask for a part of it",
			  RPC_ANSWER_MAX);
		if (error_write(c->held, NO_RESOURCE, id, &f) != 0)
			c->broken = true;
	}
	if (changed)
		changed_note(c, at, id);
	answer_close(c);
}

static void request_call(struct rpc_client *c, const char *method, json_t *params, json_t *id)
{
	const struct rpc_method *m = rpc_method_find(method);
	struct fault f = {0};
	json_t *result;
	int rc = rpc_do(method, params, c, &result, &f);

	if (id != NULL && rc < 0)
		answer_error(c, rpc_code(rc), id, &f);
	else if (id != NULL)
		answer_result(c, id, result, m != NULL && (m->flags & RPC_CHANGES) && store_dirty());
	json_decref(result);
}

static void request_run(struct rpc_client *c, json_t *request)
{
	json_t *id = json_object_get(request, "id");
	const json_t *version = json_object_get(request, "jsonrpc");
	const json_t *method = json_object_get(request, "method");
	json_t *params = json_object_get(request, "params");
	bool id_valid = json_is_string(id) || json_is_number(id) || json_is_null(id);

	if (!json_is_object(request))
		answer_fault(c, INVALID_REQUEST, NULL, NULL, request, NULL, "a request must be an object");
	else if (id != NULL && !id_valid)
		answer_fault(c, INVALID_REQUEST, NULL, "id", id, "a string, a number or null", "id has the wrong type");
	else if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		answer_fault(c, INVALID_REQUEST, id, "jsonrpc", version, "\"2.0\"", "this is no JSON-RPC 2.0 request");
	else if (!json_is_string(method))
		answer_fault(c, INVALID_REQUEST, id, "method", method, "a string", "method is missing or no string");
	else if (params != NULL && !json_is_object(params) && !json_is_array(params))
		answer_fault(c, INVALID_REQUEST, id, "params", params, "an object", "params has the wrong type");
	else // no parameters by position are none by name
		request_call(c, json_string_value(method),
			     json_is_array(params) && json_array_size(params) == 0 ? NULL : params, id);
}

static void batch_step(struct rpc_client *c)
{
	if (c->batch_at < json_array_size(c->batch)) {
		request_run(c, json_array_get(c->batch, c->batch_at));
		// What is done is not needed any more: a long batch shrinks as it goes.
		json_array_set_new(c->batch, c->batch_at++, json_null());
		return;
	}
	json_decref(c->batch);
	c->batch = NULL;
	if (c->batch_open)
		evbuffer_add(c->held, "]\n", 2);
	c->batch_open = false;
}

// JSON that is refused for one value in it: the answer names it, and has the request's id.
static bool text_unfit(struct rpc_client *c, const char *text, size_t size, const json_error_t *error)
{
	struct json_unfit u;

	if (json_unfit_find(text, size, error, &u) < 0)
		return false;
	if (!u.in_params)
		answer_fault(c, INVALID_REQUEST, NULL, u.field, u.value, u.allowed, u.problem);
	else if (u.id != NULL) // else it asked for no answer
		answer_fault(c, INVALID_PARAMS, u.id, u.field, u.value, u.allowed, u.problem);
	json_unfit_free(&u);
	return true;
}

static void text_unparsed(struct rpc_client *c, const char *text, size_t size, const json_error_t *error)
{
	struct fault f = {0};

	if (text_unfit(c, text, size, error))
		return;
	if (json_error_code(error) == json_error_duplicate_key) {
		fault_set(&f, -EINVAL, NULL, NULL, NULL, "line %d column %d: %s", error->line, error->column,
			  error->text);
		answer_error(c, INVALID_REQUEST, NULL, &f);
		return;
	}
	fault_set(&f, -EINVAL, NULL, NULL, NULL, "not JSON: line %d column %d: %s", error->line, error->column,
		  error->text);
	answer_error(c, PARSE_ERROR, NULL, &f);
	// Brackets matched, but what else is on this line is not to be trusted.
	if (text[size - 1] != '\n')
		json_scan_skip(&c->scan);
}

static void text_run(struct rpc_client *c, const char *text, size_t size)
{
	json_error_t error;
	json_t *request;

	if (c->scan.memory > RPC_PARSED_MAX - size) {
		answer_fault(c, INVALID_REQUEST, NULL, NULL, NULL, NULL, "the request has too many values: split it");
		return;
	}
	request = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (request == NULL) {
		text_unparsed(c, text, size, &error);
	} else if (!json_is_array(request)) {
		request_run(c, request);
		json_decref(request);
	} else if (json_array_size(request) == 0) {
		answer_fault(c, INVALID_REQUEST, NULL, NULL, request, NULL, "a batch must not be empty");
		json_decref(request);
	} else {
		c->batch = request;
		c->batch_at = 0;
	}
}

static void scan_failed(struct rpc_client *c, enum json_scan_result result)
{
	struct fault f = {0};
	unsigned char bad = c->scan.bad;

	if (result == JSON_SCAN_DEEP) {
		fault_set(&f, -EINVAL, NULL, NULL, NULL, "the request is nested deeper than %d levels",
			  JSON_SCAN_DEPTH);
		answer_error(c, INVALID_REQUEST, NULL, &f);
		return;
	}
	if (isprint(bad))
		fault_set(&f, -EINVAL, NULL, NULL, NULL, "not JSON: unexpected '%c'", bad);
	else
		fault_set(&f, -EINVAL, NULL, NULL, NULL, "not JSON: unexpected byte 0x%02x", bad);
	answer_error(c, PARSE_ERROR, NULL, &f);
}

// All input is used: the buffer starts anew, and a large one is given back.
static void input_reset(struct rpc_client *c)
{
	c->in_text = c->in_at = c->in_end = 0;
	if (c->in_size > IN_FIRST) {
		free(c->in);
		c->in = NULL;
		c->in_size = 0;
	}
}

static void input_too_long(struct rpc_client *c)
{
	struct fault f = {0};

	fault_set(&f, -EINVAL, NULL, NULL, NULL, "the request is larger than %d bytes", RPC_REQUEST_MAX);
	answer_error(c, INVALID_REQUEST, NULL, &f);
	json_scan_skip(&c->scan);
}

static bool input_end(struct rpc_client *c)
{
	size_t at = c->in_text;
	bool cut = c->eof && json_scan_inside(&c->scan);

	if (cut && json_scan_complete(&c->scan))
		text_run(c, c->in + at, c->in_at - at);
	else if (cut)
		answer_fault(c, PARSE_ERROR, NULL, NULL, NULL, NULL, "not JSON: the text ends early");
	if (cut)
		json_scan_skip(&c->scan);
	if (cut || !json_scan_inside(&c->scan))
		input_reset(c);
	return cut;
}

// Finds the next text and runs it, or begins it if it is a batch; false if there is none yet.
static bool input_step(struct rpc_client *c)
{
	while (c->in_at < c->in_end) {
		size_t used, begin = c->in_text;
		enum json_scan_result result = json_scan(&c->scan, c->in + c->in_at, c->in_end - c->in_at, &used);

		c->in_at += used;
		if (result != JSON_SCAN_MORE || !json_scan_inside(&c->scan))
			c->in_text = c->in_at;
		if (c->in_at - begin > RPC_REQUEST_MAX && (result == JSON_SCAN_TEXT || c->in_text == begin)) {
			c->in_text = c->in_at;
			input_too_long(c);
			return true;
		}
		if (result == JSON_SCAN_TEXT)
			text_run(c, c->in + begin, c->in_at - begin);
		else if (result != JSON_SCAN_MORE)
			scan_failed(c, result);
		if (result != JSON_SCAN_MORE)
			return true;
	}
	return input_end(c);
}

enum rpc_client_state rpc_client_turn(struct rpc_client *c, uint64_t deadline_ns)
{
	do {
		if (rpc_client_full(c))
			return RPC_CLIENT_FULL;
		if (c->batch != NULL)
			batch_step(c);
		else if (!input_step(c))
			return RPC_CLIENT_IDLE;
	} while (!c->broken && rpc_now_ns() < deadline_ns);
	return RPC_CLIENT_READY;
}

// Moves `held` to `out`, with an error in place of each answer that told of a change.
static void release_failed(struct rpc_client *c, const struct fault *f)
{
	size_t at = 0;

	for (size_t i = 0; i < c->nchanged; i++) {
		const struct rpc_changed *changed = &c->changed[i];

		evbuffer_remove_buffer(c->held, c->out, changed->at - at);
		evbuffer_drain(c->held, changed->size);
		at = changed->at + changed->size;
		if (error_write(c->out, SYSTEM_FAILED, changed->id, f) != 0)
			c->broken = true;
	}
}

void rpc_client_release(struct rpc_client *c, const struct fault *sync_fault)
{
	if (sync_fault != NULL)
		release_failed(c, sync_fault);
	changed_clear(c);
	evbuffer_add_buffer(c->out, c->held);
	if (!c->batch_open)
		evbuffer_add_buffer(c->out, c->events);
}

void rpc_client_event(struct rpc_client *c, const char *text, size_t size)
{
	if (evbuffer_get_length(c->events) + evbuffer_get_length(c->out) > RPC_EVENTS_MAX ||
	    evbuffer_add(c->events, text, size) != 0 || evbuffer_add(c->events, "\n", 1) != 0)
		c->broken = true;
	if (c->wake != NULL)
		c->wake(c);
}
