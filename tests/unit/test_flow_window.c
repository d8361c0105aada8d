/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../tables/flow_window.h"
#include "flow_frames.h"

static uint64_t rng_state = RNG_SEED;

// What some rules might ask for.
static void used_make(struct flow_used *used, uint32_t one_in)
{
	*used = (struct flow_used){0};
	for (uint32_t class = 0; class < FLOW_CLASS_COUNT; class ++) {
		for (enum flow_field f = FLOW_FIELD_ETH_DST; f < FLOW_FIELD_COUNT; f++) {
			const struct flow_value all = flow_field_ones(f);
			const struct flow_value some = {.hi = rng_next(&rng_state), .lo = rng_next(&rng_state)};
			struct flow_key key = {0}, mask = {0};

			if (frame_random(&rng_state, one_in) != 0)
				continue;
			flow_key_set(&key, &mask, f, all, frame_random(&rng_state, 2) ? all : some);
			for (uint32_t w = 0; w < FLOW_KEY_WORDS; w++)
				used->mask[class].word[w] |= mask.word[w];
		}
	}
}

// The frame's bytes in the heap, so that a sanitizer sees a read beyond it.
static uint32_t shape_of(const struct frame *f, struct flow_key *key)
{
	struct flow_layers layers;
	uint8_t *const copy = malloc(f->len + 1u);
	uint32_t shape;

	memcpy(copy + 1, f->byte, f->len);
	flow_key_extract(copy + 1, f->len, 1, key, &layers);
	shape = flow_shape(copy + 1, f->len);
	free(copy);
	return shape;
}

static void the_short_way_is_the_long_way(void **state)
{
	uint32_t shorter = 0;

	for (uint32_t round = 0; round < 200000; round++) {
		struct flow_layers layers[2];
		struct flow_key key[2];
		struct frame f;

		frame_make(&f, &rng_state);
		if (round % 4 == 0)
			f.len = (uint16_t)frame_random(&rng_state, f.len + 1u);
		flow_key_extract(f.byte, f.len, 7, &key[0], &layers[0]);
		flow_key_parse(f.byte, f.len, 7, &key[1], &layers[1]);
		assert_memory_equal(&key[0], &key[1], sizeof(key[0]));
		assert_memory_equal(&layers[0], &layers[1], offsetof(struct flow_layers, fragment));
		assert_int_equal(layers[0].fragment, layers[1].fragment);
		shorter += flow_shape(f.byte, f.len) == FLOW_CLASS_IP4_PORTS;
	}
	assert_true(shorter > 5000);
}

static void window_of(const struct frame *f, const uint8_t mask[FLOW_WINDOW], uint8_t window[FLOW_WINDOW])
{
	for (uint32_t i = 0; i < FLOW_WINDOW; i++)
		window[i] = i < f->len && i < FLOW_WINDOW_DATA ? f->byte[i] & mask[i] : 0;
}

static bool agree(const struct flow_key *a, const struct flow_key *b, const struct flow_key *mask)
{
	return flow_key_equal(a, b, mask, flow_key_words(mask));
}

// Changes a frame here and there, mostly within the headers.
static void vary(struct frame *f)
{
	for (uint32_t n = 1 + frame_random(&rng_state, 3); n > 0; n--)
		f->byte[frame_random(&rng_state, 80)] ^= (uint8_t)(1 << frame_random(&rng_state, 8));
	if (frame_random(&rng_state, 4) == 0)
		f->len = (uint16_t)(frame_random(&rng_state, FRAME_MAX) + 1);
}

static void equal_windows_mean_equal_keys(void **state)
{
	static struct flow_window_masks masks;
	uint64_t with_shape = 0, equal = 0, differ = 0;
	struct flow_used used;

	for (uint32_t round = 0; round < 400000; round++) {
		struct frame a, b;
		struct flow_key ka, kb;
		uint8_t wa[FLOW_WINDOW], wb[FLOW_WINDOW];
		uint32_t shape;

		if (round % 1000 == 0) {
			used_make(&used, 1 + round / 1000 % 8);
			flow_window_masks_make(&used, &masks);
		}
		frame_make(&a, &rng_state);
		b = a;
		vary(&b);
		shape = shape_of(&a, &ka);
		if (shape == FLOW_SHAPE_NONE || shape_of(&b, &kb) == FLOW_SHAPE_NONE || !(masks.shapes >> shape & 1))
			continue;
		with_shape++;
		window_of(&a, masks.byte[shape], wa);
		shape = shape_of(&b, &kb);
		window_of(&b, masks.byte[shape], wb);
		if (memcmp(wa, wb, sizeof(wa)) != 0) {
			differ++;
			continue;
		}
		equal++;
		// The same shape, as the EtherTypes and the protocol are in every window.
		assert_int_equal(shape, shape_of(&a, &ka));
		assert_true(agree(&ka, &kb, &used.mask[shape % FLOW_CLASS_COUNT]));
	}
	assert_true(with_shape > 50000);
	assert_true(equal > 10000);
	assert_true(differ > 10000);
}

// What the rules do not ask for is in no window: frames that differ in that alone are one flow.
static void what_no_rule_asks_for_is_left_out(void **state)
{
	static struct flow_window_masks masks;
	const struct flow_used none = {0};

	flow_window_masks_make(&none, &masks);
	assert_int_equal(masks.shapes, (UINT64_C(1) << FLOW_SHAPES) - 1);
	for (uint32_t round = 0; round < 10000; round++) {
		struct frame f;
		struct flow_key key;
		uint8_t window[FLOW_WINDOW];
		uint32_t shape, kept = 0;

		frame_make(&f, &rng_state);
		shape = shape_of(&f, &key);
		if (shape == FLOW_SHAPE_NONE)
			continue;
		window_of(&f, masks.byte[shape], window);
		for (uint32_t i = 0; i < FLOW_WINDOW; i++)
			kept += masks.byte[shape][i] != 0;
		// The EtherTypes, the protocol, and the caller's two bytes.
		assert_true(kept <= 2 + 2 * (shape / FLOW_CLASS_COUNT) + 1 + 2);
	}
}

static void a_shape_has_the_class_of_the_rules_that_can_meet_it(void **state)
{
	uint32_t seen = 0;

	for (uint32_t round = 0; round < 100000; round++) {
		struct frame f;
		struct flow_key key, mask = {0};
		uint32_t shape;

		frame_make(&f, &rng_state);
		shape = shape_of(&f, &key);
		if (shape == FLOW_SHAPE_NONE)
			continue;
		seen |= 1u << shape % FLOW_CLASS_COUNT;
		assert_int_equal(flow_class_of(&key, &mask), FLOW_CLASS_ALL);
		flow_key_set(&(struct flow_key){0}, &mask, FLOW_FIELD_ETH_TYPE, (struct flow_value){0},
			     flow_field_ones(FLOW_FIELD_ETH_TYPE));
		assert_true(flow_class_of(&key, &mask) >> shape % FLOW_CLASS_COUNT & 1);
		flow_key_set(&(struct flow_key){0}, &mask, FLOW_FIELD_IP_PROTO, (struct flow_value){0},
			     flow_field_ones(FLOW_FIELD_IP_PROTO));
		assert_int_equal(flow_class_of(&key, &mask), 1u << shape % FLOW_CLASS_COUNT);
	}
	assert_int_equal(seen, FLOW_CLASS_ALL);
}

static void what_the_window_cannot_hold_has_no_shape(void **state)
{
	static struct flow_window_masks masks;
	struct flow_used used = {0};
	const uint32_t shape = 2 * FLOW_CLASS_COUNT + FLOW_CLASS_IP6_PORTS;

	// Ports of IPv6 behind two tags end at byte 66.
	flow_key_set(&(struct flow_key){0}, &used.mask[FLOW_CLASS_IP6_PORTS], FLOW_FIELD_TCP_DST,
		     (struct flow_value){0}, flow_field_ones(FLOW_FIELD_TCP_DST));
	flow_window_masks_make(&used, &masks);
	assert_int_equal(masks.shapes, ((UINT64_C(1) << FLOW_SHAPES) - 1) & ~(UINT64_C(1) << shape));
}

// A rule of a later table may ask for it.
static void the_tag_beneath_a_popped_one_is_in_the_window(void **state)
{
	static struct flow_window_masks masks;
	struct flow_used used = {0};

	flow_key_set(&(struct flow_key){0}, &used.mask[FLOW_CLASS_OTHER], FLOW_FIELD_VLAN_VID, (struct flow_value){0},
		     flow_field_ones(FLOW_FIELD_VLAN_VID));
	flow_window_masks_make(&used, &masks);
	for (uint32_t tags = 1; tags <= FLOW_WINDOW_TAGS; tags++) {
		const uint8_t *const mask = masks.byte[tags * FLOW_CLASS_COUNT + FLOW_CLASS_OTHER];

		for (uint32_t t = 0; t < tags; t++) {
			assert_int_equal(mask[14 + 4 * t], 0x0f);
			assert_int_equal(mask[15 + 4 * t], 0xff);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_short_way_is_the_long_way),
		cmocka_unit_test(equal_windows_mean_equal_keys),
		cmocka_unit_test(what_no_rule_asks_for_is_left_out),
		cmocka_unit_test(a_shape_has_the_class_of_the_rules_that_can_meet_it),
		cmocka_unit_test(the_tag_beneath_a_popped_one_is_in_the_window),
		cmocka_unit_test(what_the_window_cannot_hold_has_no_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
