/* SPDX-License-Identifier: BSD-3-Clause */
// Redirects: who is told of a shorter way, how, how often, and about what nobody is.
#include "slow_fixture.h"

#include <arpa/inet.h>
#include <string.h>

#include <rte_ip.h>

#include "../../control/icmp.h"
#include "../../control/nd.h"
#include "../../control/redirect.h"

#define GATEWAY_MAC "02:00:00:00:00:fe"

static struct iface *lan, *wan;
static struct neigh *gw4, *gw6, *gw6_global, *elsewhere;
static uint8_t frame[2048];

static struct neigh *neighbour(struct iface *i, const char *address, const char *text)
{
	struct ip_addr a = fx_addr(address);
	struct rte_ether_addr mac;
	struct neigh *n;

	fx_mac(text, mac.addr_bytes);
	assert_int_equal(neigh_get(i, &a, &n), 0);
	neigh_heard(i, &a, &mac, NEIGH_HEARD_SOLICITED);
	return n;
}

static int setup(void **state)
{
	fx_setup(state);
	lan = fx_iface("lan", "red", "'10.9.0.1/24', '10.7.0.1/24', 'fd09::1/64'");
	wan = fx_iface("wan", "red", "'10.8.0.1/24', 'fd08::1/64'");
	must_do("iface.set", "{'name': 'lan', 'redirects': true}");
	gw4 = neighbour(lan, "10.9.0.254", GATEWAY_MAC);
	gw6 = neighbour(lan, "fe80::fe", GATEWAY_MAC);
	gw6_global = neighbour(lan, "fd09::fe", GATEWAY_MAC);
	elsewhere = neighbour(wan, "10.8.0.254", GATEWAY_MAC);
	neighbour(lan, "10.9.0.9", "02:00:00:00:00:09");
	neighbour(lan, "10.7.0.9", "02:00:00:00:00:09");
	neighbour(lan, "fd09::9", "02:00:00:00:00:09");
	fx_forget();
	return 0;
}

static int teardown(void **state)
{
	return fx_teardown(state);
}

// What is sent about a packet by a neighbour; its IP header. NULL: nothing.
static const uint8_t *about4(const struct neigh *by, const char *src, const char *dst, uint32_t *len)
{
	fx_punt_nexthop(PUNT_REDIRECT, lan, by->number, frame, fx_udp4(frame, lan, src, dst, 63, 600));
	const uint8_t *f = fx_take(len);

	return f ? f + 14 : NULL;
}

static const uint8_t *about6(const struct neigh *by, const char *src, const char *dst, uint32_t *len)
{
	fx_punt_nexthop(PUNT_REDIRECT, lan, by->number, frame, fx_udp6(frame, lan, src, dst, 63, 1301));
	const uint8_t *f = fx_take(len);

	return f ? f + 14 : NULL;
}

static void a_host_is_told_of_a_gateway_on_its_link(void **state)
{
	const uint8_t *ip;
	uint32_t len;

	ip = about4(gw4, "10.9.0.9", "192.0.2.1", &len);
	assert_non_null(ip);
	assert_true(fx_ip4_right(ip) && rte_raw_cksum(ip + 20, len - 34) == 0xffff);
	assert_memory_equal(ip + 12, "\x0a\x09\0\x01\x0a\x09\0\x09", 8);
	assert_memory_equal(ip + 20, "\x05\x01", 2);
	assert_memory_equal(ip + 24, "\x0a\x09\0\xfe", 4);
	assert_memory_equal(ip + 28, frame + 14, ICMP_QUOTE4_MAX - 28);
	assert_int_equal(slow_stats()->outcome[SLOW_TOLD], 1);
	assert_int_equal(slow_stats()->sent[SLOW_SENT_REDIRECT], 1);
}

static void a_host_is_told_of_an_ipv6_router_by_its_link_local_address(void **state)
{
	struct ip_addr target = fx_addr("fe80::fe"), destination = fx_addr("2001:db8::1");
	struct nd_message n;
	const uint8_t *ip;
	uint32_t len;

	ip = about6(gw6, "fd09::9", "2001:db8::1", &len);
	assert_non_null(ip);
	assert_true(len - 14 <= ICMP_QUOTE6_MAX);
	assert_true(nd_parse(ip, len - 14, &n)); // checksum, hop limit, option lengths, a link-local source
	assert_int_equal(n.type, ND_REDIRECT);
	assert_memory_equal(ip + 40 + 8, target.bytes, 16);
	assert_memory_equal(ip + 40 + 24, destination.bytes, 16);
	assert_true(n.has_mac && n.mac.addr_bytes[5] == 0xfe);
	assert_int_equal(ip[40 + 48], ND_REDIRECTED);
	assert_int_equal(ip[40 + 49] * 8u, len - 14 - 40 - 48);
	assert_memory_equal(ip + 40 + 56, frame + 14, len - 14 - 40 - 56);
	// A destination on the link is its own target; a router that is known by another address only is no target.
	ip = about6(gw6_global, "fd09::9", "fd09::fe", &len);
	assert_non_null(ip);
	assert_memory_equal(ip + 40 + 8, ip + 40 + 24, 16);
	assert_null(about6(gw6_global, "fd09::9", "2001:db8::2", &len));
}

static void a_short_packet_is_quoted_in_whole(void **state)
{
	struct nd_message n;
	const uint8_t *f;
	uint32_t len = fx_udp6(frame, lan, "fd09::9", "2001:db8::1", 63, 3);

	fx_punt_nexthop(PUNT_REDIRECT, lan, gw6->number, frame, len);
	f = fx_take(&len);
	assert_non_null(f);
	assert_true(nd_parse(f + 14, len - 14, &n));
	assert_int_equal(f[54 + 49], 1 + (40 + 8 + 3 + 7) / 8);
}

static void nobody_is_told_of_what_is_no_shorter_way(void **state)
{
	uint32_t len, told = 0;

	assert_null(about4(elsewhere, "10.9.0.9", "192.0.2.1", &len)); // out of another interface
	assert_null(about4(gw4, "10.7.0.9", "192.0.2.1", &len));       // the gateway is in none of the sender's subnets
	assert_null(about4(gw4, "198.51.100.9", "192.0.2.1", &len));   // no neighbour
	assert_null(about4(gw4, "10.9.0.254", "192.0.2.1", &len));     // the gateway itself
	assert_null(about4(gw4, "10.9.0.1", "192.0.2.1", &len));       // us
	assert_null(about4(gw4, "10.9.0.9", "224.1.1.1", &len));
	assert_null(about6(gw6, "2001:db8:9::9", "2001:db8::1", &len)); // no neighbour
	assert_null(about6(gw6, "fd09::9", "ff0e::1", &len));
	assert_null(about6(gw4, "fd09::9", "2001:db8::1", &len)); // a number that is another's by now
	len = fx_udp6(frame, lan, "fd09::9", "2001:db8::1", 63, 100);
	frame[14 + 6] = IPPROTO_ROUTING;
	fx_punt_nexthop(PUNT_REDIRECT, lan, gw6->number, frame, len);
	fx_punt_nexthop(PUNT_REDIRECT, lan, 12345, frame, fx_udp4(frame, lan, "10.9.0.9", "192.0.2.1", 63, 10));
	assert_int_equal(fx_waiting(), 0);
	assert_int_equal(slow_stats()->outcome[SLOW_UNTOLD], 11);
	must_do("iface.set", "{'name': 'lan', 'redirects': false}");
	assert_null(about4(gw4, "10.9.0.9", "192.0.2.1", &told));
}

static void a_host_is_told_once_in_a_while_and_all_of_them_not_too_often(void **state)
{
	unsigned int told = 0;
	uint32_t len;
	char dst[32];

	for (unsigned int k = 0; k < 10; k++)
		told += about4(gw4, "10.9.0.9", "192.0.2.1", &len) != NULL;
	assert_int_equal(told, 1);
	assert_int_equal(slow_stats()->outcome[SLOW_LIMITED], 9);
	slow_clock_set(slow_now_ms() + REDIRECT_AGAIN_MS);
	assert_non_null(about4(gw4, "10.9.0.9", "192.0.2.1", &len));
	slow_clock_set(slow_now_ms() + 1000);
	told = 0;
	for (unsigned int k = 0; k < 1000; k++) {
		snprintf(dst, sizeof(dst), "198.51.%u.%u", k / 250, 1 + k % 250);
		told += about4(gw4, "10.9.0.9", dst, &len) != NULL;
		fx_forget();
	}
	assert_int_equal(told, REDIRECT_BURST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_host_is_told_of_a_gateway_on_its_link),
		T(a_host_is_told_of_an_ipv6_router_by_its_link_local_address),
		T(a_short_packet_is_quoted_in_whole),
		T(nobody_is_told_of_what_is_no_shorter_way),
		T(a_host_is_told_once_in_a_while_and_all_of_them_not_too_often),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
