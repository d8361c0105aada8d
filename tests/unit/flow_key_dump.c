/* SPDX-License-Identifier: BSD-3-Clause */
// Prints what the parser of flow keys sees in frames, for test_flow_key.py: a frame in hexadecimal per line comes in,
// an object goes out, with the fields that the frame has by their OXM names, as numbers in hexadecimal, and the layers.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../tables/flow_key.h"

static void print_fields(const struct flow_key *key)
{
	struct flow_key all;

	memset(&all, 0xff, sizeof(all));
	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		const struct flow_value v = flow_key_get(key, f);
		const uint64_t has = flow_field_info[f].has;

		if (!flow_key_prereq_ok(key, &all, f) || (key->word[1] & has) != has)
			continue;
		printf("\"%s\": \"%016" PRIx64 "%016" PRIx64 "\", ", flow_field_info[f].name, v.hi, v.lo);
	}
}

int main(void)
{
	char line[8192];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		uint8_t frame[sizeof(line) / 2];
		struct flow_layers l;
		struct flow_key key;
		uint32_t len = 0;
		unsigned int byte;

		while (sscanf(&line[2 * len], "%2x", &byte) == 1)
			frame[len++] = (uint8_t)byte;
		flow_key_extract(frame, len, 7, &key, &l);
		printf("{");
		print_fields(&key);
		printf("\"layers\": [%u, %u, %u, %u, %u]}\n", l.l3, l.l4, l.end, l.tags, l.fragment);
	}
	return 0;
}
