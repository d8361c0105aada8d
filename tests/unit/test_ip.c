/* SPDX-License-Identifier: BSD-3-Clause */
// Addresses and prefixes: texts that are accepted and refused, and masks against a bit-by-bit model.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/ip.h"
#include "../rng.h"

static struct fault f;

static void texts_go_round(void **state)
{
	static const char *const prefix[] = {"10.0.0.0/8",    "0.0.0.0/0",   "192.0.2.255/32",   "::/0",
					     "2001:db8::/32", "fe80::1/128", "2001:db8:0:1::/64"};
	char text[IP_TEXT_LEN];

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		struct ip_prefix p;

		assert_int_equal(ip_prefix_parse(prefix[i], "x", true, &p, &f), 0);
		assert_string_equal(ip_prefix_text(&p, text), prefix[i]);
	}
}

static void nonsense_is_refused_by_name(void **state)
{
	static const char *const bad[] = {
		"",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0/8",
		"::/129",
		":::/1",
		"/8",
		"10.0.0.0/8 ",
		"10.0.0.0/+8",
		"10.0.0.0/0008",
		"010.0.0.0/8",
		"fe80::1%eth0/64",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff/64"};
	struct ip_prefix p;
	struct ip_addr a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ip_prefix_parse(bad[i], "routes[3].prefix", true, &p, &f), -EINVAL);
		assert_string_equal(f.field, "routes[3].prefix");
		assert_int_equal(ip_cidr_parse(bad[i], "x", &p, &f), -EINVAL);
	}
	assert_int_equal(ip_parse("10.0.0.1/24", "x", &a, &f), -EINVAL);
	assert_int_equal(ip_parse("10.0.0.1", "x", &a, &f), 0);
	assert_int_equal(a.family, 4);
}

static void host_bits_need_leave(void **state)
{
	char text[IP_TEXT_LEN];
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse("10.1.2.3/8", "x", true, &p, &f), -EINVAL);
	assert_non_null(strstr(f.allowed, "10.0.0.0/8"));
	assert_int_equal(ip_prefix_parse("10.1.2.3/8", "x", false, &p, &f), 0);
	assert_string_equal(ip_prefix_text(&p, text), "10.0.0.0/8");
	assert_int_equal(ip_cidr_parse("10.1.2.3/8", "x", &p, &f), 0);
	assert_string_equal(ip_prefix_text(&p, text), "10.1.2.3/8");
}

static bool bit(const struct ip_addr *a, unsigned int i)
{
	return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

static void masks_agree_with_bits(void **state)
{
	uint64_t rng = RNG_SEED;

	for (unsigned int round = 0; round < 20000; round++) {
		struct ip_addr a = {.family = round % 2 ? 4 : 6}, b;
		unsigned int bits = a.family == 4 ? 32 : 128, same;
		struct ip_prefix p;
		bool in = true;

		for (unsigned int i = 0; i < bits / 8; i++)
			a.bytes[i] = (uint8_t)rng_next(&rng);
		b = a;
		same = (unsigned int)(rng_next(&rng) % (bits + 1));
		if (same < bits)
			b.bytes[same / 8] ^= (uint8_t)(0x80 >> same % 8);
		p = (struct ip_prefix){a, (uint8_t)(rng_next(&rng) % (bits + 1))};
		for (unsigned int i = 0; i < p.depth; i++)
			in &= bit(&a, i) == bit(&b, i);
		ip_mask(&p);
		for (unsigned int i = 0; i < bits; i++)
			assert_int_equal(bit(&p.addr, i), i < p.depth ? bit(&a, i) : 0);
		assert_int_equal(ip_in(&b, &p), in);
	}
}

static void families_are_never_in_each_other(void **state)
{
	struct ip_prefix all4, all6;
	struct ip_addr a;

	assert_int_equal(ip_prefix_parse("0.0.0.0/0", "x", true, &all4, &f), 0);
	assert_int_equal(ip_prefix_parse("::/0", "x", true, &all6, &f), 0);
	assert_int_equal(ip_parse("10.0.0.1", "x", &a, &f), 0);
	assert_true(ip_in(&a, &all4));
	assert_false(ip_in(&a, &all6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_go_round),
		cmocka_unit_test(nonsense_is_refused_by_name),
		cmocka_unit_test(host_bits_need_leave),
		cmocka_unit_test(masks_agree_with_bits),
		cmocka_unit_test(families_are_never_in_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
