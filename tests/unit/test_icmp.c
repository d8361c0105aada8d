/* SPDX-License-Identifier: BSD-3-Clause */
// ICMP and ICMPv6: what is answered, who is told of an error and how, and about what nobody is told.
#include "slow_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <rte_ip.h>

#include "../../control/icmp.h"

#define SENDER_MAC "02:00:00:00:00:09"

static struct iface *in;
static uint8_t frame[4096];

// An interface whose hosts .9 are known, so that they can be answered.
static int setup(void **state)
{
	struct ip_addr host4, host6, link_local;
	struct rte_ether_addr mac;

	fx_setup(state);
	in = fx_iface("in", "red", "'10.9.0.1/24', 'fd09::1/64'");
	host4 = fx_addr("10.9.0.9");
	host6 = fx_addr("fd09::9");
	link_local = fx_addr("fe80::9");
	fx_mac(SENDER_MAC, mac.addr_bytes);
	neigh_heard(in, &host4, &mac, NEIGH_HEARD_CREATE);
	neigh_heard(in, &host6, &mac, NEIGH_HEARD_CREATE);
	neigh_heard(in, &link_local, &mac, NEIGH_HEARD_CREATE);
	fx_forget();
	return 0;
}

static int teardown(void **state)
{
	return fx_teardown(state);
}

static uint64_t outcome(enum slow_outcome o)
{
	return slow_stats()->outcome[o];
}

// The next frame sent, to the sender; its IP header.
static const uint8_t *answer(uint32_t *len)
{
	const uint8_t *f = fx_take(len);
	uint8_t mac[6];

	assert_non_null(f);
	fx_mac(SENDER_MAC, mac);
	assert_memory_equal(f, mac, 6);
	assert_memory_equal(f + 6, &in->mac, 6);
	*len -= 14;
	return f + 14;
}

static void no_answer(void)
{
	uint32_t len;

	assert_null(fx_take(&len));
}

static bool icmp4_right(const uint8_t *ip, uint32_t len)
{
	return fx_ip4_right(ip) && rte_raw_cksum(ip + 20, len - 20) == 0xffff;
}

static void echo4_comes_back_as_it_went(void **state)
{
	static const uint32_t sizes[] = {0, 1, 56, 1400, 1472};
	const uint8_t *ip;
	uint32_t len;

	for (size_t k = 0; k < RTE_DIM(sizes); k++) {
		fx_punt(PUNT_ECHO, in, frame, fx_echo4(frame, in, "10.9.0.9", "10.9.0.1", sizes[k]));
		ip = answer(&len);
		assert_int_equal(len, 28 + sizes[k]);
		assert_true(icmp4_right(ip, len));
		assert_int_equal(ip[8], 64);
		assert_int_equal(ip[20], 0);
		assert_memory_equal(ip + 12, "\x0a\x09\0\x01\x0a\x09\0\x09", 8);
		assert_memory_equal(ip + 22 + 2, frame + 14 + 22 + 2, 4 + sizes[k]);
	}
	frame[40]++; // a wrong checksum
	fx_punt(PUNT_ECHO, in, frame, 14 + 28 + 1472);
	no_answer();
	assert_int_equal(outcome(SLOW_MALFORMED), 1);
}

static void echo6_comes_back_as_it_went(void **state)
{
	uint8_t body[1000] = {0, 1, 0, 2, 7, 8, 9};
	const uint8_t *ip;
	uint32_t len;

	for (uint32_t size = 4; size < sizeof(body); size += 331) {
		len = fx_icmp6(frame, "02:00:00:00:00:01", "fd09::9", "fd09::1", 64, 128, body, size);
		fx_punt(PUNT_ECHO, in, frame, len);
		ip = answer(&len);
		assert_int_equal(len, 44 + size);
		assert_int_equal(ip[40], 129);
		assert_true(fx_icmp6_right(ip));
		assert_memory_equal(ip + 44, body, size);
	}
	// A group is answered from an address of the interface; so is a link-local sender.
	len = fx_icmp6(frame, "33:33:00:00:00:01", "fe80::9", "ff02::1", 64, 128, body, 20);
	fx_punt(PUNT_ECHO, in, frame, len);
	ip = answer(&len);
	assert_true(fx_icmp6_right(ip));
	assert_memory_equal(ip + 8, "\xfe\x80", 2);
	len = fx_icmp6(frame, "02:00:00:00:00:01", "ff02::9", "fd09::1", 64, 128, body, 20);
	fx_punt(PUNT_ECHO, in, frame, len);
	no_answer();
}

static void ttl_exceeded_is_told_from_the_interface_that_it_came_in_by(void **state)
{
	uint32_t len, sent = fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 1000);
	const uint8_t *ip;

	fx_punt(PUNT_TTL, in, frame, sent);
	ip = answer(&len);
	assert_int_equal(len, ICMP_QUOTE4_MAX);
	assert_true(icmp4_right(ip, len));
	assert_int_equal(ip[20], 11);
	assert_int_equal(ip[21], 0);
	assert_memory_equal(ip + 12, "\x0a\x09\0\x01\x0a\x09\0\x09", 8);
	assert_memory_equal(ip + 28, frame + 14, ICMP_QUOTE4_MAX - 28);

	sent = fx_udp6(frame, in, "fd09::9", "2001:db8::7", 1, 1400);
	fx_punt(PUNT_TTL, in, frame, sent);
	ip = answer(&len);
	assert_int_equal(len, ICMP_QUOTE6_MAX);
	assert_true(fx_icmp6_right(ip));
	assert_int_equal(ip[40], 3);
	assert_memory_equal(ip + 48, frame + 14, ICMP_QUOTE6_MAX - 48);
}

static void each_reason_has_its_type_and_code(void **state)
{
	static const struct {
		enum punt_class class;
		uint32_t nexthop;
		uint8_t type4, code4, type6, code6;
	} cases[] = {
		{PUNT_TTL, 0, 11, 0, 3, 0},         {PUNT_MTU, 0, 3, 4, 2, 0},   {PUNT_UNREACHABLE, 0, 3, 0, 1, 0},
		{PUNT_UNREACHABLE, 1, 3, 13, 1, 1}, {PUNT_LOCAL, 0, 3, 3, 1, 4},
	};
	const uint8_t *ip;
	uint32_t len;

	for (size_t k = 0; k < RTE_DIM(cases); k++) {
		len = fx_udp4(frame, in, "10.9.0.9", "10.9.0.1", 1, 100);
		fx_punt_nexthop(cases[k].class, in, cases[k].nexthop, frame, len);
		ip = answer(&len);
		assert_int_equal(ip[20], cases[k].type4);
		assert_int_equal(ip[21], cases[k].code4);
		len = fx_udp6(frame, in, "fd09::9", "fd09::1", 1, 100);
		fx_punt_nexthop(cases[k].class, in, cases[k].nexthop, frame, len);
		ip = answer(&len);
		assert_int_equal(ip[40], cases[k].type6);
		assert_int_equal(ip[41], cases[k].code6);
	}
}

static void too_big_names_the_mtu(void **state)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());
	uint32_t len = fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 64, 1400);
	const uint8_t *ip;

	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	fx.punt[fx.npunts++] = (struct punt){
		.m = m, .class = PUNT_MTU, .domain = in->domain->id, .iface = in->id, .l3 = 14, .mtu = 1280};
	slow_poll();
	ip = answer(&len);
	assert_memory_equal(ip + 20, "\x03\x04", 2);
	assert_memory_equal(ip + 24, "\0\0\x05\0", 4);
}

static void nobody_is_told_of_what_must_not_be_told_of(void **state)
{
	static const char *const senders[] = {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "10.9.0.1"};
	static const uint8_t errors[] = {3, 4, 5, 11, 12};
	uint8_t body[8] = {0};
	uint32_t len;

	for (size_t k = 0; k < RTE_DIM(senders); k++)
		fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, senders[k], "192.0.2.7", 1, 10));
	fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "10.9.0.9", "224.1.1.1", 1, 10));
	fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "10.9.0.9", "255.255.255.255", 1, 10));
	for (size_t k = 0; k < RTE_DIM(errors); k++) {
		len = fx_echo4(frame, in, "10.9.0.9", "192.0.2.7", 40);
		frame[14 + 20] = errors[k];
		fx_punt(PUNT_TTL, in, frame, len);
	}
	len = fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 10);
	frame[14 + 7] = 5; // not the first fragment
	fx_punt(PUNT_TTL, in, frame, len);
	len = fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 10);
	memset(frame, 0xff, 6); // as broadcast on the link
	fx_punt(PUNT_TTL, in, frame, len);
	fx_punt(PUNT_TTL, in, frame, fx_udp6(frame, in, "::", "2001:db8::7", 1, 10));
	fx_punt(PUNT_TTL, in, frame, fx_udp6(frame, in, "ff02::1", "2001:db8::7", 1, 10));
	fx_punt(PUNT_TTL, in, frame, fx_udp6(frame, in, "fd09::9", "ff0e::7", 1, 10));
	len = fx_icmp6(frame, "02:00:00:00:00:01", "fd09::9", "2001:db8::7", 1, 1, body, sizeof(body));
	fx_punt(PUNT_TTL, in, frame, len);
	no_answer();
	assert_int_equal(outcome(SLOW_UNTOLD), 5 + 2 + 5 + 2 + 4);
	// But of an echo request they are.
	fx_punt(PUNT_TTL, in, frame, fx_echo4(frame, in, "10.9.0.9", "192.0.2.7", 40));
	assert_non_null(answer(&len));
}

static void errors_have_a_rate(void **state)
{
	for (unsigned int k = 0; k < 3 * ICMP_ERROR_BURST; k++)
		fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 10));
	assert_int_equal(fx_waiting(), ICMP_ERROR_BURST);
	assert_int_equal(outcome(SLOW_LIMITED), 2 * ICMP_ERROR_BURST);
	fx_forget();
	slow_clock_set(slow_now_ms() + 100);
	for (unsigned int k = 0; k < 3 * ICMP_ERROR_BURST; k++)
		fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 10));
	assert_int_equal(fx_waiting(), ICMP_ERROR_RATE / 10);
}

static void what_is_for_nobody_is_lost_silently(void **state)
{
	uint32_t len = fx_udp4(frame, in, "10.9.0.9", "10.9.0.1", 64, 20);

	frame[14 + 9] = IPPROTO_TCP;
	fx_punt(PUNT_LOCAL, in, frame, len);
	fx_punt(PUNT_LOCAL, in, frame, fx_udp4(frame, in, "10.9.0.9", "224.0.0.5", 1, 20));
	no_answer();
	assert_int_equal(outcome(SLOW_NO_HOST), 2);
}

static void answer_to_nowhere_is_counted(void **state)
{
	fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "198.51.100.1", "192.0.2.7", 1, 10));
	no_answer();
	assert_int_equal(slow_stats()->sent[SLOW_SENT_LOST], 1);
	fx.inject_full = true;
	fx_punt(PUNT_TTL, in, frame, fx_udp4(frame, in, "10.9.0.9", "192.0.2.7", 1, 10));
	assert_int_equal(slow_stats()->sent[SLOW_SENT_LOST], 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(echo4_comes_back_as_it_went),
		T(echo6_comes_back_as_it_went),
		T(ttl_exceeded_is_told_from_the_interface_that_it_came_in_by),
		T(each_reason_has_its_type_and_code),
		T(too_big_names_the_mtu),
		T(nobody_is_told_of_what_must_not_be_told_of),
		T(errors_have_a_rate),
		T(what_is_for_nobody_is_lost_silently),
		T(answer_to_nowhere_is_counted),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
