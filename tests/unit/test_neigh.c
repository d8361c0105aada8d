/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbours: packets wait and are sent or told of, what is known is kept fresh, and a flood takes nobody's place who
// is in use.
#include "slow_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "../../control/garbage.h"
#include "../../control/l3.h"
#include "../rng.h"

#define HOST_MAC "02:00:00:00:00:42"
#define OTHER_MAC "02:00:00:00:00:43"

static struct iface *gw, *up;
static uint32_t connected; // next hop of gw's link

static int setup(void **state)
{
	struct nexthop *nh;

	fx_setup(state);
	gw = fx_iface("gw", "red", "'10.0.0.1/24', 'fd00::1/64'");
	up = fx_iface("up", "red", "'10.9.0.1/24'");
	assert_int_equal(nexthop_alloc(&connected), 0);
	nh = garbage_alloc(sizeof(*nh));
	*nh = (struct nexthop){.kind = NEXTHOP_CONNECTED, .iface = gw->id};
	nexthop_set(connected, nh);
	return 0;
}

static int teardown(void **state)
{
	nexthop_free(connected);
	return fx_teardown(state);
}

// A packet from `up` to a host behind gw, which nobody knows yet.
static void packet_to(const char *dst)
{
	uint8_t frame[256];
	uint32_t len = fx_udp4(frame, up, "10.9.0.9", dst, 64, 100);

	fx_punt_nexthop(PUNT_RESOLVE, up, connected, frame, len);
}

static void arp_from(const char *mac, const char *src, const char *dst, bool request)
{
	uint8_t frame[64], us[6];
	char text[18];
	uint32_t len;

	memcpy(us, &gw->mac, 6);
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", us[0], us[1], us[2], us[3], us[4], us[5]);
	len = fx_arp(frame, request, mac, src, request ? NULL : text, dst);
	fx_punt(PUNT_ARP, gw, frame, len);
}

static void answer(const char *src)
{
	arp_from(HOST_MAC, src, "10.0.0.1", false);
}

static struct neigh *neighbour(const char *text)
{
	struct ip_addr a = fx_addr(text);

	return neigh_find(gw, &a);
}

static void assert_state(const char *text, enum neigh_state state)
{
	assert_non_null(neighbour(text));
	assert_string_equal(neigh_state_name((enum neigh_state)neighbour(text)->state), neigh_state_name(state));
}

// The next frame is a question for an address, to all or to one.
static void assert_question(const char *address, const char *to)
{
	uint32_t len, target = inet_addr(address);
	const uint8_t *f = fx_take(&len);
	uint8_t mac[6];

	assert_non_null(f);
	fx_mac(to, mac);
	assert_memory_equal(f, mac, 6);
	assert_memory_equal(f + 12, "\x08\x06", 2);
	assert_int_equal(f[21], 1);
	assert_memory_equal(f + 38, &target, 4);
}

static uint64_t outcome(enum slow_outcome o)
{
	return slow_stats()->outcome[o];
}

static void first_packet_waits_and_is_sent_with_the_answer(void **state)
{
	const struct nexthop *nh;
	const uint8_t *f;
	uint8_t mac[6];
	uint32_t len;

	packet_to("10.0.0.42");
	assert_question("10.0.0.42", "ff:ff:ff:ff:ff:ff");
	assert_null(fx_take(&len));
	assert_state("10.0.0.42", NEIGH_INCOMPLETE);
	assert_int_equal(nexthop_at(neighbour("10.0.0.42")->number)->kind, NEXTHOP_UNRESOLVED);

	answer("10.0.0.42");
	assert_state("10.0.0.42", NEIGH_REACHABLE);
	f = fx_take(&len);
	assert_non_null(f);
	assert_int_equal(len, 14 + 20 + 8 + 100);
	fx_mac(HOST_MAC, mac);
	assert_memory_equal(f, mac, 6);
	assert_memory_equal(f + 6, &gw->mac, 6);
	assert_int_equal(f[14 + 8], 63);
	assert_true(fx_ip4_right(f + 14));
	assert_int_equal(fx.sent[fx.ntaken - 1].port_id, gw->port->id);

	nh = nexthop_at(neighbour("10.0.0.42")->number);
	assert_int_equal(nh->kind, NEXTHOP_FORWARD);
	assert_memory_equal(nh->rewrite, mac, 6);
	assert_memory_equal(nh->rewrite + 6, &gw->mac, 6);
	assert_int_equal(nh->port_id, gw->port->id);
	assert_int_equal(nh->domain, gw->domain->id);
	assert_int_equal(nh->mtu, gw->mtu);
	assert_int_equal(outcome(SLOW_FORWARDED), 1);
}

static void sender_is_told_when_nobody_answers(void **state)
{
	struct ip_addr sender = fx_addr("10.9.0.9");
	const uint8_t *f;
	uint32_t len;

	packet_to("10.0.0.42");
	assert_question("10.0.0.42", "ff:ff:ff:ff:ff:ff");
	for (unsigned int k = 1; k < NEIGH_TRIES; k++) {
		fx_wait(NEIGH_RETRANS_MS + 100);
		assert_question("10.0.0.42", "ff:ff:ff:ff:ff:ff");
		assert_null(fx_take(&len));
	}
	// The sender's own MAC is known, so that the error can be sent.
	neigh_heard(up, &sender, &(struct rte_ether_addr){{2, 0, 0, 0, 0, 9}}, NEIGH_HEARD_CREATE);
	assert_int_equal(route_host_set(up->vrf, &sender, neigh_find(up, &sender)->number), 0);
	fx_wait(NEIGH_RETRANS_MS + 100);
	f = fx_take(&len);
	assert_non_null(f);
	assert_int_equal(f[14 + 20], 3);
	assert_int_equal(f[14 + 21], 1);
	assert_int_equal(outcome(SLOW_TOLD), 1);
	assert_null(neighbour("10.0.0.42"));
}

static void newest_packets_wait_when_many_come(void **state)
{
	uint32_t len;

	for (unsigned int k = 0; k < NEIGH_HELD_MAX + 4; k++)
		packet_to("10.0.0.42");
	fx_forget();
	assert_int_equal(outcome(SLOW_HELD_FULL), 4);
	assert_int_equal(neigh_counts.held, NEIGH_HELD_MAX);
	answer("10.0.0.42");
	assert_int_equal(fx_waiting(), NEIGH_HELD_MAX);
	assert_int_equal(neigh_counts.held, 0);
	assert_non_null(fx_take(&len));
}

static void what_waits_in_all_is_bounded(void **state)
{
	char address[32];

	for (unsigned int k = 0; k < NEIGH_HELD_ALL / NEIGH_HELD_MAX + 8; k++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", k / 200, 2 + k % 200);
		for (unsigned int p = 0; p < NEIGH_HELD_MAX; p++)
			packet_to(address);
		fx_forget();
	}
	assert_int_equal(neigh_counts.held, NEIGH_HELD_ALL);
	assert_int_equal(outcome(SLOW_HELD_FULL), 8 * NEIGH_HELD_MAX);
}

static void known_neighbour_is_asked_before_it_expires(void **state)
{
	uint32_t asked = 0;

	packet_to("10.0.0.42");
	answer("10.0.0.42");
	fx_forget();
	// Ten reachable times, in which every question is answered: it never ceases to be reachable.
	for (unsigned int k = 0; k < 10 * NEIGH_REACHABLE_S * 10; k++) {
		fx_wait(100);
		if (fx_waiting()) {
			assert_question("10.0.0.42", HOST_MAC);
			answer("10.0.0.42");
			asked++;
		}
		assert_state("10.0.0.42", NEIGH_REACHABLE);
	}
	assert_true(asked >= 9 && asked <= 30);
}

static void silent_neighbour_goes_through_the_states_and_is_forgotten(void **state)
{
	static const enum neigh_state order[] = {NEIGH_REACHABLE, NEIGH_STALE, NEIGH_DELAY, NEIGH_PROBE};
	uint32_t number;
	unsigned int at = 0;

	packet_to("10.0.0.42");
	answer("10.0.0.42");
	number = neighbour("10.0.0.42")->number;
	for (unsigned int k = 0; k < 3 * NEIGH_REACHABLE_S * 10 && neighbour("10.0.0.42"); k++) {
		enum neigh_state now = (enum neigh_state)neighbour("10.0.0.42")->state;

		if (now != order[at])
			assert_int_equal(now, order[++at]);
		assert_int_equal(nexthop_at(number)->kind, NEXTHOP_FORWARD);
		fx_wait(100);
	}
	assert_null(neighbour("10.0.0.42"));
	assert_int_equal(at, 3);
	assert_int_equal(neigh_counts.failed, 1);
}

static unsigned int begins, ceases;

static void watch(void *arg, bool alive)
{
	alive ? begins++ : ceases++;
}

static void gateway_is_resolved_without_traffic_and_asked_again_when_it_dies(void **state)
{
	struct ip_addr a = fx_addr("10.0.0.42");
	struct nexthop_watch *w;
	struct neigh *n;

	begins = ceases = 0;
	assert_int_equal(neigh_hold(gw, &a, &n), 0);
	w = nexthop_watch(neigh_nexthop(n), watch, NULL);
	assert_question("10.0.0.42", "ff:ff:ff:ff:ff:ff");
	answer("10.0.0.42");
	assert_int_equal(begins, 1);
	fx_wait(2 * NEIGH_REACHABLE_S * 1000 + 10 * NEIGH_RETRANS_MS);
	assert_int_equal(ceases, 1);
	assert_int_equal(n->state, NEIGH_FAILED);
	fx_forget();
	fx_wait(NEIGH_RETRY_MS + 100);
	assert_question("10.0.0.42", "ff:ff:ff:ff:ff:ff");
	answer("10.0.0.42");
	assert_int_equal(begins, 2);
	nexthop_unwatch(w);
	neigh_release(n);
	assert_non_null(neighbour("10.0.0.42"));
}

static void interface_that_goes_down_takes_its_neighbours_along(void **state)
{
	struct ip_addr a = fx_addr("10.0.0.42");
	struct neigh *n;

	assert_int_equal(neigh_hold(gw, &a, &n), 0);
	answer("10.0.0.42");
	packet_to("10.0.0.43");
	must_do("iface.set", "{'name': 'gw', 'admin': 'down'}");
	assert_null(neighbour("10.0.0.43"));
	assert_int_equal(outcome(SLOW_NO_IFACE), 1);
	assert_int_equal(nexthop_at(neigh_nexthop(n))->kind, NEXTHOP_UNRESOLVED);
	fx_forget();
	must_do("iface.set", "{'name': 'gw', 'admin': 'up'}");
	assert_int_equal(n->state, NEIGH_INCOMPLETE);
	answer("10.0.0.42");
	assert_int_equal(nexthop_at(neigh_nexthop(n))->kind, NEXTHOP_FORWARD);
	must_do("iface.set", "{'name': 'gw', 'mac': '02:00:00:00:0a:0a'}");
	assert_memory_equal(nexthop_at(neigh_nexthop(n))->rewrite + 6, "\x02\0\0\0\x0a\x0a", 6);
	neigh_release(n);
}

static void gratuitous_arp_moves_known_neighbours_and_makes_none(void **state)
{
	uint8_t mac[6];

	arp_from(OTHER_MAC, "10.0.0.42", "10.0.0.42", true);
	assert_null(neighbour("10.0.0.42"));
	packet_to("10.0.0.42");
	answer("10.0.0.42");
	arp_from(OTHER_MAC, "10.0.0.42", "10.0.0.42", true);
	assert_state("10.0.0.42", NEIGH_STALE);
	assert_string_equal(fake.last_what, "moved");
	fx_mac(OTHER_MAC, mac);
	assert_memory_equal(nexthop_at(neighbour("10.0.0.42")->number)->rewrite, mac, 6);
	assert_int_equal(neigh_counts.moved, 1);
}

static void who_asks_us_is_known_and_answered(void **state)
{
	uint32_t len;
	const uint8_t *f;
	uint8_t mac[6];

	arp_from(HOST_MAC, "10.0.0.42", "10.0.0.1", true);
	f = fx_take(&len);
	assert_non_null(f);
	fx_mac(HOST_MAC, mac);
	assert_memory_equal(f, mac, 6);
	assert_int_equal(f[21], 2);
	assert_memory_equal(f + 22, &gw->mac, 6);
	assert_memory_equal(f + 28, "\x0a\0\0\x01", 4);
	assert_state("10.0.0.42", NEIGH_STALE);
	// Not for another's address, nor one that is not of the link.
	arp_from(HOST_MAC, "10.0.0.42", "10.0.0.77", true);
	arp_from(HOST_MAC, "192.0.2.1", "10.0.0.1", true);
	assert_null(neighbour("192.0.2.1"));
	assert_int_equal(fx_waiting(), 1);
}

static void static_neighbour_stays_as_it_is(void **state)
{
	uint8_t mac[6];

	must_refuse(-EINVAL, NULL, "neigh.add", "{'iface': 'gw', 'address': '10.1.0.7', 'mac': '" OTHER_MAC "'}");
	must_refuse(-EINVAL, NULL, "neigh.add", "{'iface': 'gw', 'address': '10.0.0.1', 'mac': '" OTHER_MAC "'}");
	must_refuse(-EINVAL, NULL, "neigh.add", "{'iface': 'gw', 'address': 'fd00::0:7', 'mac': '" OTHER_MAC "'}");
	must_do("neigh.add", "{'iface': 'gw', 'address': '10.0.0.7', 'mac': '" OTHER_MAC "', 'dry_run': true}");
	assert_null(neighbour("10.0.0.7"));
	must_do("neigh.add", "{'iface': 'gw', 'address': '10.0.0.7', 'mac': '" OTHER_MAC "'}");
	must_refuse(-EEXIST, NULL, "neigh.add", "{'iface': 'gw', 'address': '10.0.0.7', 'mac': '" OTHER_MAC "'}");
	assert_state("10.0.0.7", NEIGH_STATIC);
	arp_from(HOST_MAC, "10.0.0.7", "10.0.0.1", true);
	fx_wait(5 * 60 * 1000);
	fx_mac(OTHER_MAC, mac);
	assert_memory_equal(nexthop_at(neighbour("10.0.0.7")->number)->rewrite, mac, 6);
	must_refuse(-EBUSY, NULL, "iface.del", "{'name': 'gw'}");
	// It could not be restored then.
	must_refuse(-EBUSY, NULL, "iface.set", "{'name': 'gw', 'addresses': ['10.1.0.1/24']}");
	must_refuse(-EBUSY, NULL, "iface.set", "{'name': 'gw', 'addresses': ['10.0.0.7/24']}");
	must_refuse(-EBUSY, NULL, "iface.set", "{'name': 'gw', 'addresses': ['10.0.0.1/29']}");
	must_do("iface.set", "{'name': 'gw', 'addresses': ['10.0.0.2/28'], 'dry_run': true}");
	must_do("neigh.del", "{'iface': 'gw', 'address': '10.0.0.7'}");
	assert_null(neighbour("10.0.0.7"));
	must_refuse(-ENOENT, NULL, "neigh.del", "{'iface': 'gw', 'address': '10.0.0.7'}");
}

static void flood_takes_nobodys_place_who_is_in_use(void **state)
{
	struct ip_addr gateway = fx_addr("10.0.0.2");
	struct neigh *n;

	must_do("iface.set", "{'name': 'gw', 'addresses': ['10.0.0.1/16']}");
	fx_wait(3000);
	assert_int_equal(neigh_hold(gw, &gateway, &n), 0);
	must_do("neigh.add", "{'iface': 'gw', 'address': '10.0.0.3', 'mac': '" OTHER_MAC "'}");
	packet_to("10.0.0.4");
	answer("10.0.0.4");
	for (uint32_t k = 0; k < NEIGH_IFACE_MAX + 5000; k++) {
		char address[32];

		snprintf(address, sizeof(address), "10.0.%u.%u", 1 + k / 250, 1 + k % 250);
		arp_from(HOST_MAC, address, "10.0.0.1", true);
		fx_forget();
		if (k % 1000 == 0)
			slow_clock_set(slow_now_ms() + 200); // answers have a rate, too
	}
	assert_int_equal(neigh_count(gw), NEIGH_IFACE_MAX);
	assert_int_equal(neigh_counts.evicted, 5003);
	assert_ptr_equal(neighbour("10.0.0.2"), n);
	assert_state("10.0.0.3", NEIGH_STATIC);
	assert_state("10.0.0.4", NEIGH_REACHABLE);
	neigh_release(n);
}

static void packets_longer_than_the_link_are_split_or_told_of(void **state)
{
	uint8_t frame[2048];
	uint32_t len, sum = 0, offset = 0;
	const uint8_t *f;

	must_do("iface.set", "{'name': 'gw', 'mtu': 600}");
	len = fx_udp4(frame, up, "10.9.0.9", "10.0.0.42", 64, 1400);
	fx_punt_nexthop(PUNT_RESOLVE, up, connected, frame, len);
	fx_forget();
	answer("10.0.0.42");
	while ((f = fx_take(&len))) {
		uint32_t size = (uint32_t)(f[16] << 8 | f[17]), field = (uint32_t)(f[20] << 8 | f[21]);

		assert_true(size <= 600 && size == len - 14);
		assert_true(fx_ip4_right(f + 14));
		assert_int_equal((field & 0x1fff) * 8, offset);
		assert_int_equal(field >> 13, offset + size - 20 == 1408 ? 0 : 1);
		for (uint32_t k = 0; k < size - 20; k++)
			sum += f[34 + k] != frame[34 + offset + k];
		offset += size - 20;
	}
	assert_int_equal(offset, 1408);
	assert_int_equal(sum, 0);
	assert_int_equal(outcome(SLOW_FORWARDED), 1);

	len = fx_udp4(frame, up, "10.9.0.9", "10.0.0.42", 64, 1400);
	frame[14 + 6] = 0x40; // do not fragment
	fx_punt_nexthop(PUNT_RESOLVE, up, connected, frame, len);
	assert_int_equal(outcome(SLOW_TOLD), 1);
}

static void random_messages_and_time_leave_every_account_right(void **state)
{
	static const char *const address[] = {"10.0.0.40", "10.0.0.41", "10.0.0.42", "10.0.0.43"};
	static const char *const mac[] = {HOST_MAC, OTHER_MAC};
	uint64_t rng = RNG_SEED;
	struct neigh *held[4] = {0};

	for (unsigned int k = 0; k < 20000; k++) {
		uint32_t r = (uint32_t)rng_next(&rng), who = r >> 8 & 3;
		struct ip_addr a = fx_addr(address[who]);

		switch (r % 9) {
		case 0:
		case 1:
		case 2:
			packet_to(address[who]);
			break;
		case 3:
			arp_from(mac[r >> 10 & 1], address[who], "10.0.0.1", r >> 11 & 1);
			break;
		case 4:
			arp_from(mac[r >> 10 & 1], address[who], address[who], true);
			break;
		case 5:
			if (held[who])
				neigh_release(held[who]);
			if (held[who])
				held[who] = NULL;
			else
				neigh_hold(gw, &a, &held[who]);
			break;
		case 6:
			if (r >> 16 < 400)
				must_do("iface.set", "{'name': 'gw', 'admin': '%s'}", r & 0x2000 ? "up" : "down");
			break;
		default:
			fx_wait((r >> 12) % 3000);
		}
		fx_forget();
		for (unsigned int w = 0; w < 4; w++) {
			const struct neigh *n = neighbour(address[w]);
			bool forward = n && nexthop_at(n->number)->kind == NEXTHOP_FORWARD;

			assert_true(!held[w] || held[w] == n);
			assert_int_equal(forward,
					 n && gw->up && n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED);
			assert_true(!forward || n->nheld == 0);
		}
	}
	for (unsigned int w = 0; w < 4; w++)
		if (held[w])
			neigh_release(held[w]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(first_packet_waits_and_is_sent_with_the_answer),
		T(sender_is_told_when_nobody_answers),
		T(newest_packets_wait_when_many_come),
		T(what_waits_in_all_is_bounded),
		T(known_neighbour_is_asked_before_it_expires),
		T(silent_neighbour_goes_through_the_states_and_is_forgotten),
		T(gateway_is_resolved_without_traffic_and_asked_again_when_it_dies),
		T(interface_that_goes_down_takes_its_neighbours_along),
		T(gratuitous_arp_moves_known_neighbours_and_makes_none),
		T(who_asks_us_is_known_and_answered),
		T(static_neighbour_stays_as_it_is),
		T(flood_takes_nobodys_place_who_is_in_use),
		T(packets_longer_than_the_link_are_split_or_told_of),
		T(random_messages_and_time_leave_every_account_right),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
