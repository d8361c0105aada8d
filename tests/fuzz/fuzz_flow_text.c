/* SPDX-License-Identifier: BSD-3-Clause */
// Texts of flows, groups and meters: what is taken is written, and read again as the same.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/flow_text.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void flow_check(const char *text)
{
	struct flow_mod m, again;
	struct flow_error e;

	if (flow_text_parse(text, FLOW_ADD, &m, &e) < 0)
		return;
	char *written = flow_text_format(&m);
	REQUIRE(written != NULL && flow_text_parse(written, FLOW_ADD, &again, &e) == 0);
	REQUIRE(flow_match_equal(&m.match, &again.match));
	REQUIRE(flow_instructions_equal(&m.instructions, &again.instructions));
	REQUIRE(m.priority == again.priority && m.cookie == again.cookie && m.table == again.table &&
		m.flags == again.flags && m.importance == again.importance && m.idle_timeout == again.idle_timeout &&
		m.hard_timeout == again.hard_timeout);
	free(written);
	flow_mod_clear(&m);
	flow_mod_clear(&again);
}

static void group_check(const char *text)
{
	struct group_mod m, again;
	struct flow_error e;

	if (group_text_parse(text, GROUP_ADD, &m, &e) < 0)
		return;
	char *written = group_text_format(&m);
	REQUIRE(written != NULL && group_text_parse(written, GROUP_ADD, &again, &e) == 0);
	REQUIRE(group_mod_equal(&m, &again));
	free(written);
	group_mod_clear(&m);
	group_mod_clear(&again);
}

static void meter_check(const char *text)
{
	struct meter_mod m, again;
	struct flow_error e;

	if (meter_text_parse(text, METER_ADD, &m, &e) < 0)
		return;
	char *written = meter_text_format(&m);
	REQUIRE(written != NULL && meter_text_parse(written, METER_ADD, &again, &e) == 0);
	REQUIRE(meter_mod_equal(&m, &again));
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	flow_check(text);
	group_check(text);
	meter_check(text);
	free(text);
	return 0;
}
