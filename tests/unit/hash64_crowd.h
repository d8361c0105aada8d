/* SPDX-License-Identifier: BSD-3-Clause */
// A crowded hash64 and a writer that keeps changing it, for the tests of readers beside a writer.
//
// All keys have both their buckets among the first few, which are nearly full, so that they push each other about. Some
// keys are always present: a look-up must find them at any time. The upper 24 bits of a value are its key's own, so
// that a look-up that pairs a key with another's value is noticed. Include hash64.h first.
#ifndef HASH64_CROWD_H
#define HASH64_CROWD_H

#include "../rng.h"

#define HOT_BUCKETS 8 // 40 slots
#define HOT_PAIRS (HOT_BUCKETS / 2 * HOT_BUCKETS / 2)
#define KEYS 64
#define STABLE 28      // of the keys: always present
#define PRESENT_MIN 31 // at first next to no key is displaced
#define PRESENT_MAX 37 // and then many are

struct crowd {
	struct hash64 *h;
	uint64_t keys[KEYS];
	bool present[KEYS];
	unsigned int npresent, steps;
	uint64_t rng;
	const char *error; // what the writer saw that must not be
};

static uint32_t crowd_value(unsigned int k, uint64_t random)
{
	return (k + 1) * 0x10907u << 8 | (uint8_t)random;
}

// Whether a look-up of key k may have come to this value.
static bool crowd_may_be(unsigned int k, uint32_t value)
{
	return value != 0 ? value >> 8 == crowd_value(k, 0) >> 8 : k >= STABLE;
}

// Which of the pairs of an even and an odd hot bucket are key's, -1 for none.
static int crowd_pair(const struct hash64 *h, uint64_t key)
{
	const uint64_t hash = hash64_hash(h, key);
	const uint32_t primary = hash64_primary(h, hash), other = hash64_other(h, hash, primary);

	if (primary >= HOT_BUCKETS || other >= HOT_BUCKETS)
		return -1;
	return primary % 2 == 0 ? (int)(primary / 2 * 4 + other / 2) : (int)(other / 2 * 4 + primary / 2);
}

static void crowd_create(struct crowd *c)
{
	const struct hash64_conf conf = {.capacity = 1, .seed = 0x5eed};
	unsigned int of_pair[HOT_PAIRS] = {0};
	uint64_t key = 0;

	*c = (struct crowd){.rng = RNG_SEED};
	assert_int_equal(hash64_create(&c->h, &conf), 0);
	for (unsigned int k = 0; k < KEYS; k++) {
		int pair;

		// As many of each pair, so that there nearly always is room for one more.
		do {
			pair = crowd_pair(c->h, ++key);
		} while (pair < 0 || of_pair[pair] == KEYS / HOT_PAIRS);
		of_pair[pair]++;
		c->keys[k] = key;
		c->present[k] = k < STABLE;
		if (c->present[k])
			assert_int_equal(hash64_put(c->h, key, crowd_value(k, 0), NULL), 0);
		c->npresent += c->present[k];
	}
}

// Inserts, replaces or removes one key.
static void crowd_step(struct crowd *c)
{
	const uint64_t r = rng_next(&c->rng);
	const unsigned int k = (unsigned int)(r >> 8) % KEYS;
	const unsigned int limit = PRESENT_MIN + c->steps++ / 1024 % (PRESENT_MAX - PRESENT_MIN + 1);
	int ret;

	if (c->present[k] && k >= STABLE && (r & 0xf) != 0) {
		if (hash64_delete(c->h, c->keys[k]) != 0)
			c->error = "hash64_delete() failed";
		c->present[k] = false;
		c->npresent--;
	} else if (c->present[k] || c->npresent < limit) {
		ret = hash64_put(c->h, c->keys[k], crowd_value(k, r >> 32), NULL);
		// Some sets of keys do not fit their buckets.
		if (ret == -ENOSPC)
			return;
		if (ret != c->present[k])
			c->error = "hash64_put() failed";
		c->npresent += !c->present[k];
		c->present[k] = true;
	}
}

#endif
