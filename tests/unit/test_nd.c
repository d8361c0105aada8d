/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbour discovery: answers, its checks one by one, duplicate addresses, router advertisements, and bridges that
// answer for known hosts (ARP too).
#include "slow_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "../../control/fdb_ctl.h"
#include "../../control/icmp.h"
#include "../../control/nd.h"
#include "../../control/own.h"
#include "../../control/ra.h"
#include "../../control/suppress.h"

#define HOST_MAC "02:00:00:00:00:42"
#define GROUP_MAC "33:33:ff:00:00:01"

static struct iface *gw;
static uint8_t frame[2048];

static int setup(void **state)
{
	fx_setup(state);
	gw = fx_iface("gw", "red", "'fd00::1/64'");
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

// Body of NS or NA: flags, target, and an option of a MAC if there is one.
static uint32_t body_of(uint8_t *body, uint8_t flags, const char *target, uint8_t option, const char *mac)
{
	memset(body, 0, 28);
	body[0] = flags;
	inet_pton(AF_INET6, target, body + 4);
	if (!mac)
		return 20;
	body[20] = option;
	body[21] = 1;
	fx_mac(mac, body + 22);
	return 28;
}

static uint32_t solicitation(const char *src, const char *dst, const char *target, const char *mac)
{
	uint8_t body[28];
	uint32_t len = body_of(body, 0, target, ND_SOURCE_MAC, mac);

	return fx_icmp6(frame, GROUP_MAC, src, dst, 255, ND_NS, body, len);
}

static uint32_t advertisement(const char *src, const char *dst, const char *target, uint8_t flags, const char *mac)
{
	uint8_t body[28];
	uint32_t len = body_of(body, flags, target, ND_TARGET_MAC, mac);

	return fx_icmp6(frame, GROUP_MAC, src, dst, 255, ND_NA, body, len);
}

static struct neigh *neighbour(const char *text)
{
	struct ip_addr a = fx_addr(text);

	return neigh_find(gw, &a);
}

static void solicitation_is_answered_and_the_asker_known(void **state)
{
	const uint8_t *f;
	uint8_t mac[6];
	uint32_t len;

	fx_punt(PUNT_ND, gw, frame, solicitation("fd00::42", "ff02::1:ff00:1", "fd00::1", HOST_MAC));
	f = fx_take(&len);
	assert_non_null(f);
	fx_mac(HOST_MAC, mac);
	assert_memory_equal(f, mac, 6);
	assert_int_equal(f[14 + 7], 255);
	assert_int_equal(f[54], ND_NA);
	assert_int_equal(f[58], ND_FLAG_ROUTER | ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE);
	assert_memory_equal(f + 54 + 26, &gw->mac, 6);
	assert_true(fx_icmp6_right(f + 14));
	assert_int_equal(neighbour("fd00::42")->state, NEIGH_STALE);
	// Others are asked for in vain, and by probes nobody becomes known.
	fx_punt(PUNT_ND, gw, frame, solicitation("fd00::43", "ff02::1:ff00:7", "fd00::7", HOST_MAC));
	assert_null(neighbour("fd00::43"));
	fx_punt(PUNT_ND, gw, frame, solicitation("::", "ff02::1:ff00:1", "fd00::1", NULL));
	f = fx_take(&len);
	assert_memory_equal(f + 14 + 24, "\xff\x02", 2); // to all
	assert_int_equal(f[58], ND_FLAG_ROUTER | ND_FLAG_OVERRIDE);
	assert_null(fx_take(&len));
}

static void neighbour_is_resolved(void **state)
{
	struct ip_addr a = fx_addr("fd00::42");
	struct neigh *n;
	const uint8_t *f;
	uint32_t len;

	assert_int_equal(neigh_hold(gw, &a, &n), 0);
	f = fx_take(&len);
	assert_non_null(f);
	assert_memory_equal(f, "\x33\x33\xff\0\0\x42", 6);
	assert_int_equal(f[54], ND_NS);
	assert_memory_equal(f + 62, a.bytes, 16);
	assert_memory_equal(f + 14 + 8, gw->addr[0].addr.bytes, 16);
	assert_true(fx_icmp6_right(f + 14));
	fx_punt(PUNT_ND, gw, frame,
		advertisement("fd00::42", "fd00::1", "fd00::42", ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE, HOST_MAC));
	assert_int_equal(n->state, NEIGH_REACHABLE);
	assert_int_equal(nexthop_at(n->number)->kind, NEXTHOP_FORWARD);
	// Without override, another MAC only makes it doubtful (RFC 4861, 7.2.5).
	fx_punt(PUNT_ND, gw, frame, advertisement("fd00::42", "ff02::1", "fd00::42", 0, "02:00:00:00:00:43"));
	assert_int_equal(n->state, NEIGH_STALE);
	assert_int_equal(n->mac.addr_bytes[5], 0x42);
	fx_punt(PUNT_ND, gw, frame,
		advertisement("fd00::42", "ff02::1", "fd00::42", ND_FLAG_OVERRIDE, "02:00:00:00:00:43"));
	assert_int_equal(n->mac.addr_bytes[5], 0x43);
	neigh_release(n);
}

// Changes one byte of a good message, whose checksum is made right again if asked for.
static void spoil(uint32_t len, uint32_t at, uint8_t value, bool right)
{
	uint8_t *ip = frame + 14;
	uint16_t sum;

	frame[at] = value;
	if (right) {
		memset(ip + 42, 0, 2);
		sum = icmp6_checksum(ip, ip + 40, len - 54);
		memcpy(ip + 42, &sum, 2);
	}
	fx_punt(PUNT_ND, gw, frame, len);
}

static void every_check_of_the_rfc_is_made(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value;
		bool right;
	} solicit[] = {
		{14 + 7, 254, true},  // hop limit
		{54 + 1, 1, true},    // code
		{54 + 3, 9, false},   // checksum
		{54 + 8, 0xff, true}, // target is a group
		{78 + 1, 0, true},    // option without length
		{78 + 1, 2, true},    // longer than the message
		{80, 0x01, true},     // the option's MAC is a group's
		{14 + 5, 20, true},   // too short
		{14 + 5, 200, true},  // longer than the packet
		{14 + 8, 0xff, true}, // source is a group
		{14 + 6, 6, true},    // no ICMPv6
		{14, 0x40, true},     // no IPv6
		{54, 1, true},        // no message of neighbour discovery
	};
	uint32_t len;

	for (size_t k = 0; k < RTE_DIM(solicit); k++) {
		len = solicitation("fd00::42", "ff02::1:ff00:1", "fd00::1", HOST_MAC);
		spoil(len, solicit[k].at, solicit[k].value, solicit[k].right);
		assert_int_equal(outcome(SLOW_MALFORMED), k + 1);
		assert_int_equal(fx_waiting(), 0);
	}
	slow_forget_stats();
	// A probe to no solicited-node group, and one that names a MAC.
	fx_punt(PUNT_ND, gw, frame, solicitation("::", "fd00::1", "fd00::1", NULL));
	fx_punt(PUNT_ND, gw, frame, solicitation("::", "ff02::1:ff00:1", "fd00::1", HOST_MAC));
	// An answer to a question, to all.
	fx_punt(PUNT_ND, gw, frame, advertisement("fd00::42", "ff02::1", "fd00::42", ND_FLAG_SOLICITED, HOST_MAC));
	// Cut anywhere.
	len = solicitation("fd00::42", "ff02::1:ff00:1", "fd00::1", HOST_MAC);
	for (uint32_t cut = 14; cut < len; cut++)
		fx_punt(PUNT_ND, gw, frame, cut);
	assert_int_equal(outcome(SLOW_MALFORMED), 3 + len - 14);
	assert_int_equal(fx_waiting(), 0);
}

static void address_that_somebody_has_is_not_used(void **state)
{
	struct ip_addr a = fx_addr("fd00::5"), b = fx_addr("fd00::6");
	const uint8_t *f;
	uint32_t len;

	must_do("iface.set", "{'name': 'gw', 'addresses': ['fd00::5/64', 'fd00::6/64']}");
	assert_int_equal(own_state(gw, &a), OWN_TENTATIVE);
	f = fx_take(&len); // who has it?
	assert_int_equal(f[54], ND_NS);
	assert_memory_equal(f + 14 + 8, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(len, 14 + 40 + 24);
	fx_forget();
	// While it is not known, it is not answered for.
	fx_punt(PUNT_ND, gw, frame, solicitation("fd00::42", "ff02::1:ff00:5", "fd00::5", HOST_MAC));
	assert_int_equal(fx_waiting(), 0);
	fx_punt(PUNT_ND, gw, frame, advertisement("fd00::5", "ff02::1", "fd00::5", 0, HOST_MAC));
	assert_int_equal(own_state(gw, &a), OWN_DUPLICATE);
	assert_string_equal(fake.last_what, "duplicate");
	fx_wait(OWN_DAD_MS + 100);
	assert_int_equal(own_state(gw, &a), OWN_DUPLICATE);
	assert_int_equal(own_state(gw, &b), OWN_PREFERRED);
	// It is the other's, so packets to it go there, and none comes from it.
	assert_false(iface_owns(gw, &a));
	assert_null(iface_owner(gw->vrf, &a));
	assert_true(iface_owner(gw->vrf, &b) == gw);
	assert_true(ip_equal(&iface_source(gw, &b)->addr, &b));
	fx_punt(PUNT_ND, gw, frame, solicitation("fd00::5", "ff02::1:ff00:6", "fd00::6", HOST_MAC));
	assert_non_null(neigh_find(gw, &a));
	// Until the interface is made up anew.
	must_do("iface.set", "{'name': 'gw', 'admin': 'down'}");
	must_do("iface.set", "{'name': 'gw', 'admin': 'up'}");
	assert_int_equal(own_state(gw, &a), OWN_TENTATIVE);
	assert_true(iface_owner(gw->vrf, &a) == gw);
	fx_punt(PUNT_ND, gw, frame, advertisement("fd00::5", "ff02::1", "fd00::5", 0, HOST_MAC));
	assert_null(iface_owner(gw->vrf, &a));
	fx_wait(OWN_DAD_MS + 100);
	fx_forget();
	fx_punt(PUNT_ND, gw, frame, solicitation("fd00::42", "ff02::1:ff00:6", "fd00::6", HOST_MAC));
	assert_int_equal(fx_waiting(), 1);
	// Two that are about to take it: neither does.
	must_do("iface.set", "{'name': 'gw', 'addresses': ['fd00::7/64']}");
	fx_punt(PUNT_ND, gw, frame, solicitation("::", "ff02::1:ff00:7", "fd00::7", NULL));
	a = fx_addr("fd00::7");
	assert_int_equal(own_state(gw, &a), OWN_DUPLICATE);
}

static unsigned int adverts(void)
{
	unsigned int n = 0;
	const uint8_t *f;
	uint32_t len;

	while ((f = fx_take(&len)))
		n += len > 54 && f[54] == ND_RA;
	fx_forget();
	return n;
}

static void routers_are_advertised_if_asked_for(void **state)
{
	uint8_t body[4] = {0};
	uint32_t len, solicit = fx_icmp6(frame, "33:33:00:00:00:02", "fe80::42", "ff02::2", 255, ND_RS, body, 4);
	const uint8_t *f;

	fx_punt(PUNT_ND, gw, frame, solicit);
	fx_wait(2000);
	assert_int_equal(adverts(), 0);
	must_do("iface.set", "{'name': 'gw', 'router_advert': true}");
	fx_wait(OWN_DAD_MS + 200);
	f = fx_take(&len);
	assert_non_null(f);
	assert_int_equal(f[54], ND_RA);
	assert_true(fx_icmp6_right(f + 14));
	assert_memory_equal(f + 14 + 8, "\xfe\x80", 2);
	assert_int_equal(len, 54 + 16 + 8 + 8 + 32);
	assert_memory_equal(f + 54 + 32, "\x03\x04\x40\xc0", 4);        // one prefix, on the link and autonomous
	assert_memory_equal(f + 54 + 48, "\xfd\0\0\0\0\0\0\0\0\0", 10); // without our host's part
	assert_int_equal(adverts(), 0);
	fx_wait(4 * RA_INITIAL_MS);
	assert_int_equal(adverts(), 2);
	for (unsigned int k = 0; k < 100; k++) // a flood of solicitations
		fx_punt(PUNT_ND, gw, frame, solicit);
	fx_wait(RA_APART_MS - 200);
	assert_int_equal(adverts(), 1);
	must_do("iface.set", "{'name': 'gw', 'router_advert': false}");
	fx_wait(2 * RA_MAX_MS);
	assert_int_equal(adverts(), 0);
}

// A frame of a bridge's domain without interface.
static void punt_bridge(enum punt_class class, const struct bridge *b, uint16_t in_port, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	fx.punt[fx.npunts++] =
		(struct punt){.m = m, .class = class, .in_port = in_port, .domain = b->rest->id, .l3 = 14};
	slow_poll();
}

static void bridge_answers_for_known_hosts_and_floods_the_rest(void **state)
{
	struct rte_ether_addr mac;
	struct bridge *b;
	struct fault f;
	uint16_t p1, p2;
	uint32_t len;
	const uint8_t *sent;

	must_do("bridge.add", "{'name': 'br', 'arp_suppress': true}");
	must_do("port.add", "{'name': 'p1', 'type': 'fake'}");
	must_do("port.add", "{'name': 'p2', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p1'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p2'}");
	assert_int_equal(bridge_get("", "br", &b, &f), 0);
	assert_true(publish_current()->domain[b->rest->id]->suppress);
	p1 = port_obj_find("p1")->id;
	p2 = port_obj_find("p2")->id;
	fx_forget();

	// The first question teaches who asks, and is flooded.
	punt_bridge(PUNT_ARP, b, p1, fx_arp(frame, true, HOST_MAC, "10.0.0.42", NULL, "10.0.0.43"));
	assert_int_equal(fx_waiting(), 1);
	assert_int_equal(fx.sent[0].but_port, p1);
	assert_int_equal(suppress_stats()->flooded, 1);
	fx_forget();
	// Answered for only while the FDB has it.
	punt_bridge(PUNT_ARP, b, p2, fx_arp(frame, true, "02:00:00:00:00:43", "10.0.0.43", NULL, "10.0.0.42"));
	assert_int_equal(suppress_stats()->answered, 0);
	fx_forget();
	fx_mac(HOST_MAC, mac.addr_bytes);
	fdb_learn(fake.fdb, fdb_key(mac.addr_bytes, b->rest->id), p1, fdb_ctl_now(), NULL);
	b->macs++;
	b->rest->macs++;
	port_obj_find("p1")->macs++;
	punt_bridge(PUNT_ARP, b, p2, fx_arp(frame, true, "02:00:00:00:00:43", "10.0.0.43", NULL, "10.0.0.42"));
	assert_int_equal(suppress_stats()->answered, 1);
	sent = fx_take(&len);
	assert_memory_equal(sent, "\x02\0\0\0\0\x43\x02\0\0\0\0\x42", 12);
	assert_memory_equal(sent + 20, "\0\x02\x02\0\0\0\0\x42\x0a\0\0\x2a", 12);
	fx_forget();
	// A probe, and one from behind the same port, are flooded.
	punt_bridge(PUNT_ARP, b, p2, fx_arp(frame, true, "02:00:00:00:00:44", "0.0.0.0", NULL, "10.0.0.42"));
	punt_bridge(PUNT_ARP, b, p1, fx_arp(frame, true, "02:00:00:00:00:44", "10.0.0.44", NULL, "10.0.0.42"));
	assert_int_equal(suppress_stats()->answered, 1);
	assert_int_equal(fx_waiting(), 2);
	fx_forget();
	// IPv6 alike.
	punt_bridge(PUNT_ND, b, p1, solicitation("fd00::42", "ff02::1:ff00:43", "fd00::43", HOST_MAC));
	punt_bridge(PUNT_ND, b, p2, solicitation("fd00::43", "ff02::1:ff00:42", "fd00::42", "02:00:00:00:00:43"));
	assert_int_equal(suppress_stats()->answered, 2);
	fx_take(&len);
	sent = fx_take(&len);
	assert_int_equal(sent[54], ND_NA);
	assert_int_equal(sent[58], ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE);
	assert_true(fx_icmp6_right(sent + 14));
	fx_forget();
	// A message that makes no sense is a frame like others.
	len = fx_arp(frame, true, HOST_MAC, "10.0.0.42", NULL, "10.0.0.43");
	frame[15] = 7;
	punt_bridge(PUNT_ARP, b, p1, len);
	assert_int_equal(fx_waiting(), 1);
	// Known for a time.
	fx_forget();
	fx_wait(SUPPRESS_AGE_MS + 2000);
	assert_int_equal(suppress_stats()->entries, 0);
}

static void what_a_bridge_knows_is_bounded(void **state)
{
	struct bridge *b;
	struct fault f;

	must_do("bridge.add", "{'name': 'br', 'arp_suppress': true}");
	assert_int_equal(bridge_get("", "br", &b, &f), 0);
	for (uint32_t k = 0; k < SUPPRESS_DOMAIN_MAX + 1000; k++) {
		char address[32];

		snprintf(address, sizeof(address), "10.1.%u.%u", k / 250, 1 + k % 250);
		punt_bridge(PUNT_ARP, b, 1, fx_arp(frame, true, HOST_MAC, address, NULL, "10.0.0.43"));
		fx_forget();
	}
	assert_int_equal(suppress_stats()->entries, SUPPRESS_DOMAIN_MAX);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(solicitation_is_answered_and_the_asker_known),
		T(neighbour_is_resolved),
		T(every_check_of_the_rfc_is_made),
		T(address_that_somebody_has_is_not_used),
		T(routers_are_advertised_if_asked_for),
		T(bridge_answers_for_known_hosts_and_floods_the_rest),
		T(what_a_bridge_knows_is_bounded),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
