/* SPDX-License-Identifier: BSD-3-Clause */
// The bytes of a controller, after its hello: framing, every message, and the answers. Whatever comes in, what goes out
// is a sequence of messages of our version, and does not depend on the pieces in which the bytes came.
#include <stdint.h>
#include <string.h>

#include "../../control/openflow/of_agent_priv.h"
#include "../unit/of_model.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_wake(void *arg)
{
}

static void messages_check(const uint8_t *p, size_t size)
{
	while (size > 0) {
		REQUIRE(size >= OFP_HEADER && p[0] == OFP_VERSION && p[1] <= OFPT_METER_MOD);
		const size_t len = wire_u16(p + 2);
		REQUIRE(len >= OFP_HEADER && len <= size);
		if (p[1] == OFPT_ERROR)
			REQUIRE(len >= 12 + OFP_HEADER && flow_error_name(wire_u16(p + 8), wire_u16(p + 10)) != NULL);
		p += len;
		size -= len;
	}
}

// Reads all that there is, so that nothing has to wait.
static void drain(struct of_session *s, struct evbuffer *answers)
{
	do {
		of_session_resume(s);
		evbuffer_add_buffer(answers, s->out);
	} while (s->reply.active);
}

static struct evbuffer *session(const uint8_t *data, size_t size, size_t piece)
{
	static const uint8_t hello[] = {4, OFPT_HELLO, 0, 8, 0, 0, 0, 0};
	struct evbuffer *answers = evbuffer_new(), *out = evbuffer_new();
	struct model model = {.flows = NULL};
	struct of_session *s;
	struct of_agent *a;
	size_t at = 0, end = 0;

	REQUIRE(of_agent_create(&a, &model_ops, &model) == 0 &&
		of_session_create(&s, a, out, true, on_wake, NULL) == 0);
	REQUIRE(of_session_input(s, hello, sizeof(hello), 1) == sizeof(hello));
	while (end < size) {
		end = size - end > piece ? end + piece : size;
		for (size_t used = 1; used > 0; at += used) {
			used = of_session_input(s, data + at, end - at, 1);
			REQUIRE(used <= end - at);
			drain(s, answers);
		}
	}
	of_session_destroy(s);
	evbuffer_free(out);
	of_agent_destroy(a);
	model_clear(&model);
	return answers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *whole = session(data, size, size), *pieces = session(data, size, 7);
	const size_t n = evbuffer_get_length(whole);
	const uint8_t *a = evbuffer_pullup(whole, -1), *b = evbuffer_pullup(pieces, -1);

	messages_check(a, n);
	REQUIRE(n == evbuffer_get_length(pieces) && memcmp(a, b, n) == 0);
	evbuffer_free(whole);
	evbuffer_free(pieces);
	return 0;
}
