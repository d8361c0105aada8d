/* SPDX-License-Identifier: BSD-3-Clause */
// The parser of frames, and the shapes by which flow caches do without it. Input: a place, what is added to the byte
// there for a second frame, a number that says what rules ask for, the frame.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tables/flow_window.h"
#include "../rng.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What comes of one frame.
struct seen {
	struct flow_key key;
	struct flow_layers layers;
	uint32_t shape;
};

static void look(const uint8_t *data, uint32_t len, struct seen *s)
{
	struct flow_layers layers;
	struct flow_key key;

	flow_key_extract(data, len, 5, &s->key, &s->layers);
	flow_key_parse(data, len, 5, &key, &layers);
	REQUIRE(memcmp(&key, &s->key, sizeof(key)) == 0);
	REQUIRE(memcmp(&layers, &s->layers, offsetof(struct flow_layers, fragment)) == 0);
	REQUIRE(layers.fragment == s->layers.fragment);
	s->shape = flow_shape(data, len);
	REQUIRE(layers.end <= len && layers.l3 <= len && layers.l4 <= len);
	REQUIRE(layers.l4 == 0 || (layers.l4 > layers.l3 && layers.l4 < layers.end));
	REQUIRE((layers.l4 != 0) == ((key.word[1] & FLOW_HAS_L4) != 0));
	REQUIRE((key.word[1] & FLOW_HAS_L4) == 0 || (key.word[1] & FLOW_HAS_L3) != 0);
	REQUIRE(key.word[14] == 0 && key.word[15] == 0);
	if (s->shape != FLOW_SHAPE_NONE)
		REQUIRE(s->shape / FLOW_CLASS_COUNT == layers.tags && !layers.fragment);
}

static void used_make(struct flow_used *used, uint64_t seed)
{
	uint64_t rng = RNG_SEED ^ seed;

	*used = (struct flow_used){0};
	for (uint32_t class = 0; class < FLOW_CLASS_COUNT; class ++) {
		for (enum flow_field f = FLOW_FIELD_ETH_DST; f < FLOW_FIELD_COUNT; f++) {
			struct flow_key key = {0};

			if (rng_next(&rng) % 4 == 0)
				flow_key_set(&key, &used->mask[class], f, (struct flow_value){0}, flow_field_ones(f));
		}
	}
}

// Two frames with the same window must have keys that no rule can tell apart.
static void compare(const uint8_t *a, const uint8_t *b, uint32_t len, const struct seen *sa, const struct seen *sb,
		    uint8_t seed)
{
	static struct flow_window_masks masks;
	struct flow_used used;

	used_make(&used, seed);
	flow_window_masks_make(&used, &masks);
	if (sa->shape == FLOW_SHAPE_NONE || sb->shape == FLOW_SHAPE_NONE || (masks.shapes >> sa->shape & 1) == 0)
		return;
	for (uint32_t i = 0; i < len && i < FLOW_WINDOW_DATA; i++)
		if ((a[i] & masks.byte[sa->shape][i]) != (b[i] & masks.byte[sb->shape][i]))
			return;

	const struct flow_key *const mask = &used.mask[sa->shape % FLOW_CLASS_COUNT];

	REQUIRE(sa->shape == sb->shape);
	REQUIRE(flow_key_equal(&sa->key, &sb->key, mask, flow_key_words(mask)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint32_t len = (uint32_t)size - 3;
	struct seen a, b;
	uint8_t *other;

	if (size < 4)
		return 0;
	look(data + 3, len, &a);
	other = malloc(len);
	memcpy(other, data + 3, len);
	other[data[0] % len] = (uint8_t)(other[data[0] % len] + data[1]);
	look(other, len, &b);
	compare(data + 3, other, len, &a, &b, data[2]);
	free(other);
	return 0;
}
