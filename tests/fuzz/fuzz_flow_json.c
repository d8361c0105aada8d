/* SPDX-License-Identifier: BSD-3-Clause */
// Flow entries as JSON: what is taken is written, as JSON and as text, and read again as the same.
#include <stdint.h>
#include <stdlib.h>

#include "../../control/flow_json.h"
#include "../../control/flow_text.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// No bridge, no names of ports.
struct port_obj *port_obj_find(const char *name)
{
	return NULL;
}

static void as_json(const struct flow_mod *m)
{
	json_t *o = json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "table", m->table, "priority",
			      m->priority, "match", flow_json_of_match(&m->match), "instructions",
			      flow_json_of_instructions(&m->instructions), "flags", flow_json_of_flags(m->flags),
			      "cookie", flow_json_hex(m->cookie), "idle_timeout", m->idle_timeout, "hard_timeout",
			      m->hard_timeout, "importance", m->importance);
	struct flow_error e;
	struct flow_mod again;

	REQUIRE(o != NULL && flow_json_mod(NULL, o, FLOW_ADD, &again, &e) == 0);
	REQUIRE(flow_match_equal(&m->match, &again.match));
	REQUIRE(flow_instructions_equal(&m->instructions, &again.instructions));
	REQUIRE(m->priority == again.priority && m->cookie == again.cookie && m->table == again.table &&
		m->flags == again.flags && m->importance == again.importance && m->idle_timeout == again.idle_timeout &&
		m->hard_timeout == again.hard_timeout);
	flow_mod_clear(&again);
	json_decref(o);
}

// The form in which entries are persisted.
static void as_text(const struct flow_mod *m)
{
	char *text = flow_text_format(m);
	struct flow_error e;
	struct flow_mod again;

	REQUIRE(text != NULL && flow_text_parse(text, FLOW_ADD, &again, &e) == 0);
	REQUIRE(flow_match_equal(&m->match, &again.match));
	REQUIRE(flow_instructions_equal(&m->instructions, &again.instructions));
	flow_mod_clear(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *in = json_loadb((const char *)data, size, 0, NULL);
	struct flow_error e;
	struct flow_mod m;

	if (json_is_object(in) && flow_json_mod(NULL, in, FLOW_ADD, &m, &e) == 0) {
		as_json(&m);
		as_text(&m);
		flow_mod_clear(&m);
	}
	json_decref(in);
	return 0;
}
