/* SPDX-License-Identifier: BSD-3-Clause */
// Fragments for our own addresses: large pings are answered, in fragments where they must be; overlaps, lies and floods
// are lost by name and hold no more than they may.
#include "slow_fixture.h"

#include <string.h>

#include <rte_ip.h>

#include "../../control/icmp.h"
#include "../../control/ip_reass.h"

#define PAYLOAD_MAX 65535
#define FRAGMENT_MAX 2000 // some begin where they cannot end
#define ECHO_LEN 60000

static struct iface *in, *other;
static uint8_t frame[2048], sent[PAYLOAD_MAX + FRAGMENT_MAX], got[PAYLOAD_MAX + FRAGMENT_MAX];

static int setup(void **state)
{
	fx_setup(state);
	in = fx_iface("in", "red", "'10.9.0.1/24', 'fd09::1/64'");
	other = fx_iface("other", "red", "'10.8.0.1/24'");
	must_do("neigh.add", "{'iface': 'in', 'address': '10.9.0.9', 'mac': '02:00:00:00:00:09'}");
	must_do("neigh.add", "{'iface': 'in', 'address': 'fd09::9', 'mac': '02:00:00:00:00:09'}");
	fx_forget();
	return 0;
}

static int teardown(void **state)
{
	fx_wait(IP_REASS_MS + 100); // nothing waits for ever
	assert_int_equal(ip_reass_held(), 0);
	return fx_teardown(state);
}

static uint64_t outcome(enum slow_outcome o)
{
	return slow_stats()->outcome[o];
}

// Makes `sent` an echo request of len bytes in all, its checksum right for IPv4, or for IPv6 between the two hosts.
static void echo_make(uint32_t len, bool ip6)
{
	uint8_t ip[40] = {0};
	struct ip_addr a = fx_addr("fd09::9"), b = fx_addr("fd09::1");
	uint16_t sum;

	for (uint32_t k = 0; k < len; k++)
		sent[k] = (uint8_t)(k * 7 + (k >> 8));
	memcpy(sent, (const uint8_t[]){ip6 ? 128 : 8, 0, 0, 0, 0, 1, 0, 2}, 8);
	memcpy(ip + 8, a.bytes, 16);
	memcpy(ip + 24, b.bytes, 16);
	sum = ip6 ? icmp6_checksum(ip, sent, len) : (uint16_t)~rte_raw_cksum(sent, len);
	memcpy(sent + 2, &sum, 2);
}

// Bytes [at, at + len) of `sent` as a fragment of IPv4 from host .9 of the interface.
static void fragment4(struct iface *i, uint16_t id, uint32_t at, uint32_t len, bool more)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + 14);
	const char *net = i == in ? "10.9.0.9" : "10.8.0.9", *us = i == in ? "10.9.0.1" : "10.8.0.1";
	uint32_t size = fx_echo4(frame, i, net, us, len - 8);

	ip->packet_id = id;
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)(at / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	memcpy(frame + 34, sent + at, len);
	// As workers class them.
	fx_punt(at ? PUNT_LOCAL : PUNT_ECHO, i, frame, size);
}

static void fragment6(uint32_t id, uint32_t at, uint32_t len, bool more)
{
	uint8_t body[1500];
	uint32_t size, field = rte_cpu_to_be_32(0x3a000000 | at | more);

	memcpy(body, &id, 4); // behind the first four bytes of the fragment header
	memcpy(body + 4, sent + at, len);
	size = fx_icmp6(frame, "02:00:00:00:00:01", "fd09::9", "fd09::1", 64, 0, body, 4 + len);
	frame[14 + 6] = IPPROTO_FRAGMENT;
	memcpy(frame + 54, &field, 4);
	fx_punt(PUNT_LOCAL, in, frame, size);
}

// Puts together what was sent, in whatever order. Returns its length, the ICMP message in `got`.
static uint32_t answer(bool ip6, unsigned int *parts)
{
	uint32_t len, total = 0, have = 0;
	const uint8_t *f;

	for (*parts = 0; (f = fx_take(&len)); (*parts)++) {
		const uint8_t *ip = f + 14, *data = ip + (ip6 ? 48 : 20);
		uint32_t at = ip6 ? ip[42] * 256u + (ip[43] & 0xf8u) : ((ip[6] & 0x1f) * 256u + ip[7]) * 8u;
		uint32_t n = len - 14 - (ip6 ? 48 : 20);

		assert_true(ip6 ? len - 14 <= 1280 : fx_ip4_right(ip) && len - 14 <= in->mtu);
		assert_int_equal(ip6 ? ip[4] << 8 | ip[5] : ip[2] << 8 | ip[3], len - 14 - (ip6 ? 40 : 0));
		assert_true(at + n <= sizeof(got));
		memcpy(got + at, data, n);
		have += n;
		if (!(ip6 ? ip[43] & 1 : ip[6] & 0x20))
			total = at + n;
	}
	assert_int_equal(have, total);
	return total;
}

static void a_large_echo_is_answered_in_fragments(void **state)
{
	const uint32_t step = 1480;
	unsigned int parts;
	uint16_t sum = 0;

	echo_make(ECHO_LEN, false);
	// The first comes last, the others in an order of every second one.
	for (uint32_t k = 1; k * step < ECHO_LEN; k += 2)
		fragment4(in, 77, k * step, RTE_MIN(step, ECHO_LEN - k * step), (k + 1) * step < ECHO_LEN);
	for (uint32_t k = 2; k * step < ECHO_LEN; k += 2)
		fragment4(in, 77, k * step, RTE_MIN(step, ECHO_LEN - k * step), (k + 1) * step < ECHO_LEN);
	assert_int_equal(ip_reass_held(), ECHO_LEN / step);
	assert_int_equal(fx_waiting(), 0);
	fragment4(in, 77, 0, step, true);
	assert_int_equal(answer(false, &parts), ECHO_LEN);
	assert_int_equal(parts, ECHO_LEN / step + 1);
	assert_int_equal(got[0], 0);
	assert_memory_equal(got + 4, sent + 4, ECHO_LEN - 4);
	sum = rte_raw_cksum(got, ECHO_LEN);
	assert_int_equal(sum, 0xffff);
	assert_int_equal(outcome(SLOW_HANDLED), 1);
	assert_int_equal(outcome(SLOW_REASSEMBLED), ECHO_LEN / step);
	assert_int_equal(ip_reass_held(), 0);
}

static void a_large_echo6_is_answered_in_fragments_that_fit_every_path(void **state)
{
	const uint32_t step = 1448;
	unsigned int parts;
	uint8_t ip[40] = {0};
	struct ip_addr a = fx_addr("fd09::9"), b = fx_addr("fd09::1");

	echo_make(ECHO_LEN, true);
	for (uint32_t at = 0; at < ECHO_LEN; at += step)
		fragment6(99, at, RTE_MIN(step, ECHO_LEN - at), at + step < ECHO_LEN);
	assert_int_equal(answer(true, &parts), ECHO_LEN);
	assert_int_equal(parts, (ECHO_LEN + 1231) / 1232);
	assert_int_equal(got[0], 129);
	assert_memory_equal(got + 4, sent + 4, ECHO_LEN - 4);
	memcpy(ip + 8, b.bytes, 16);
	memcpy(ip + 24, a.bytes, 16);
	assert_int_equal(icmp6_checksum(ip, got, ECHO_LEN), 0);
}

static void a_datagram_of_one_fragment_is_whole(void **state)
{
	uint32_t len;

	echo_make(64, true);
	fragment6(5, 0, 64, false);
	assert_non_null(fx_take(&len)); // RFC 6946
	assert_int_equal(len, 14 + 40 + 64);
	assert_int_equal(outcome(SLOW_HANDLED), 1);
}

static void fragments_that_overlap_or_contradict_spoil_their_datagram(void **state)
{
	static const struct {
		uint32_t at, len;
		bool more;
	} second[] = {{8, 104, true}, {0, 96, true}, {96, 104, true}, {104, 8, false}, {56, 8, false}, {200, 8, true}};

	echo_make(1000, false);
	for (unsigned int k = 0; k < RTE_DIM(second); k++) {
		uint64_t lost = outcome(SLOW_REASS_OVERLAP);

		fragment4(in, (uint16_t)(100 + k), 0, 104, true);
		if (k == 5)
			fragment4(in, (uint16_t)(100 + k), 112, 96, false); // it ends at 208
		fragment4(in, (uint16_t)(100 + k), second[k].at, second[k].len, second[k].more);
		if (k == 3) // no overlap: whole
			assert_int_equal(outcome(SLOW_REASS_OVERLAP), lost);
		else
			assert_int_equal(outcome(SLOW_REASS_OVERLAP), lost + (k == 5 ? 3 : 2));
		fx_forget();
		if (k == 3)
			continue;
		// What comes of it later does not make it whole.
		fragment4(in, (uint16_t)(100 + k), 0, 504, true);
		fragment4(in, (uint16_t)(100 + k), 504, 496, false);
		assert_int_equal(fx_waiting(), 0);
		assert_int_equal(ip_reass_held(), 0);
	}
}

static void a_fragment_that_is_there_is_lost_alone(void **state)
{
	uint32_t len;

	echo_make(1000, false);
	fragment4(in, 1, 0, 504, true);
	fragment4(in, 1, 0, 504, true);
	assert_int_equal(outcome(SLOW_REASS_AGAIN), 1);
	fragment4(in, 1, 504, 496, false);
	assert_non_null(fx_take(&len));
	assert_int_equal(len, 14 + 20 + 1000);
}

static void lengths_that_cannot_be_are_malformed(void **state)
{
	echo_make(1000, false);
	fragment4(in, 1, 0, 100, true);      // not a multiple of 8, and more to come
	fragment4(in, 2, 65528, 16, false);  // longer than any packet
	fragment4(in, 3, 65496, 1000, true); // the same
	assert_int_equal(outcome(SLOW_MALFORMED), 3);
	echo_make(1000, true);
	fragment6(1, 0, 100, true);
	fragment6(2, 65528, 16, false);
	assert_int_equal(outcome(SLOW_MALFORMED), 5);
	assert_int_equal(ip_reass_held(), 0);
}

static void who_sent_half_is_told_when_its_time_is_over(void **state)
{
	const uint8_t *f;
	uint32_t len;

	echo_make(1000, true);
	fragment4(in, 1, 0, 504, true);
	fragment4(in, 2, 504, 496, false); // without its beginning: silently
	fragment6(3, 0, 504, true);
	fx_wait(IP_REASS_MS - 100);
	assert_int_equal(ip_reass_held(), 3);
	fx_forget();
	fx_wait(200);
	assert_int_equal(ip_reass_held(), 0);
	assert_int_equal(outcome(SLOW_TOLD), 2);
	assert_int_equal(outcome(SLOW_REASS_TIMEOUT), 1);
	f = fx_take(&len);
	assert_non_null(f);
	assert_memory_equal(f + 34, "\x0b\x01", 2);
	f = fx_take(&len);
	assert_non_null(f);
	assert_memory_equal(f + 54, "\x03\x01", 2);
}

static void a_flood_holds_what_it_may_and_takes_no_other_link_s_place(void **state)
{
	uint32_t len;

	echo_make(1000, false);
	fragment4(other, 9, 0, 504, true);
	for (uint32_t id = 0; id < 5000; id++) {
		fragment4(in, (uint16_t)id, 504, 8, false);
		assert_true(ip_reass_held() <= 1 + IP_REASS_IFACE_DATAGRAMS);
	}
	assert_int_equal(outcome(SLOW_REASS_FULL), 5000 - IP_REASS_IFACE_DATAGRAMS);
	// Of few datagrams, with many fragments.
	for (uint32_t k = 0; k < 3000; k++) {
		fragment4(in, (uint16_t)(k / 100), 8 + k % 100 * 16, 8, true);
		assert_true(ip_reass_held() <= 1 + IP_REASS_IFACE);
	}
	// Of one, with more than a datagram can have.
	for (uint32_t k = 0; k < 500; k++)
		fragment4(in, 7777, 8 + k * 16, 8, true);
	assert_true(ip_reass_held() <= 1 + IP_REASS_IFACE);
	fragment4(other, 9, 504, 496, false);
	assert_int_equal(outcome(SLOW_REASSEMBLED), 1);
	assert_non_null(fx_take(&len)); // its ARP request: the answer waits for it
}

static void a_link_that_fails_takes_its_fragments_along(void **state)
{
	echo_make(1000, false);
	fragment4(in, 1, 0, 504, true);
	must_do("iface.set", "{'name': 'in', 'admin': 'down'}");
	assert_int_equal(ip_reass_held(), 0);
	assert_int_equal(outcome(SLOW_NO_IFACE), 1);
	fragment4(other, 1, 0, 504, true);
	must_do("iface.del", "{'name': 'other'}");
	assert_int_equal(ip_reass_held(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_large_echo_is_answered_in_fragments),
		T(a_large_echo6_is_answered_in_fragments_that_fit_every_path),
		T(a_datagram_of_one_fragment_is_whole),
		T(fragments_that_overlap_or_contradict_spoil_their_datagram),
		T(a_fragment_that_is_there_is_lost_alone),
		T(lengths_that_cannot_be_are_malformed),
		T(who_sent_half_is_told_when_its_time_is_over),
		T(a_flood_holds_what_it_may_and_takes_no_other_link_s_place),
		T(a_link_that_fails_takes_its_fragments_along),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
