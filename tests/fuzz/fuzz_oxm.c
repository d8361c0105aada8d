/* SPDX-License-Identifier: BSD-3-Clause */
// A match, and behind it instructions: what is taken is written again, and then read as the same.
#include <stdint.h>
#include <string.h>

#include "../../control/openflow/ofp_action.h"
#include "../../control/openflow/oxm.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire w;

static void match_check(const struct flow_match *m)
{
	struct flow_match again;
	struct flow_error e;
	size_t used;

	w.len = 0;
	w.full = false;
	oxm_match_encode(&w, m);
	REQUIRE(!w.full && w.len % 8 == 0);
	REQUIRE(oxm_match_decode(w.data, w.len, &again, &used, &e) == 0 && used == w.len);
	REQUIRE(flow_match_equal(m, &again));
}

static void instructions_check(const struct flow_instructions *i)
{
	struct flow_instructions again = {.has = 0};
	struct flow_error e;

	w.len = 0;
	w.full = false;
	ofp_instructions_encode(&w, i);
	REQUIRE(!w.full && w.len % 8 == 0);
	REQUIRE(ofp_instructions_decode(w.data, w.len, &again, &e) == 0);
	REQUIRE(flow_instructions_equal(i, &again));
	flow_instructions_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow_instructions i = {.has = 0};
	struct flow_match m;
	struct flow_error e;
	size_t used;

	if (size > OFP_MESSAGE_MAX - 1000 || oxm_match_decode(data, size, &m, &used, &e) < 0)
		return 0;
	match_check(&m);
	if (ofp_instructions_decode(data + used, size - used, &i, &e) < 0) {
		REQUIRE(i.apply.v == NULL && i.write.v == NULL);
		return 0;
	}
	instructions_check(&i);
	flow_instructions_clear(&i);
	return 0;
}
