/* SPDX-License-Identifier: BSD-3-Clause */
// The FDB's upkeep: learning, moves, limits, static entries, flushes, ageing; and what a change of VLANs does to it.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/fdb_ctl.h"

static struct domain *domain_of(const char *bridge, unsigned int vlan)
{
	struct bridge *b;
	struct fault f;

	assert_int_equal(bridge_get("name", bridge, &b, &f), 0);
	return vlan_domain(b, vlan);
}

static uint64_t mac_key(unsigned int mac, uint16_t domain)
{
	const uint8_t bytes[6] = {2, 0, mac >> 24, mac >> 16, mac >> 8, mac};

	return fdb_key(bytes, domain);
}

// A worker saw station `mac` in a domain.
static void see_in(unsigned int mac, uint16_t domain, uint16_t port_id)
{
	fake.event[fake.nevents++] = (struct worker_event){.key = mac_key(mac, domain), .port_id = port_id};
	if (fake.nevents == RTE_DIM(fake.event))
		fdb_ctl_drain();
}

static void see(unsigned int mac, const char *bridge, unsigned int vlan, const char *port)
{
	see_in(mac, domain_of(bridge, vlan)->id, port_obj_find(port)->id);
	fdb_ctl_drain();
}

// The port that a station is behind, as fdb.list shows it; "" if unknown.
static const char *where(unsigned int mac, const char *bridge, unsigned int vlan)
{
	static char port[PORT_NAME_LEN];
	json_t *list = must_call("fdb.list", "{'bridge': '%s', 'vlan': %u, 'mac': '02:00:%02x:%02x:%02x:%02x'}", bridge,
				 vlan, mac >> 24, mac >> 16 & 255, mac >> 8 & 255, mac & 255);
	json_t *e = json_array_get(list, 0);

	assert_in_range(json_array_size(list), 0, 1);
	snprintf(port, sizeof(port), "%s", e ? json_string_value(json_object_get(e, "port")) : "");
	json_decref(list);
	return port;
}

static json_int_t macs_of(const char *bridge)
{
	json_t *list = must_call("bridge.list", "{'name': '%s'}", bridge);
	json_int_t n = json_integer_value(json_object_get(json_array_get(list, 0), "macs"));

	json_decref(list);
	return n;
}

// Two all-VLAN trunks a and b and an access port c (VLAN 10) in bridge br.
static void three_ports(void)
{
	must_do("bridge.add", "{'name': 'br'}");
	for (const char *name = "abc"; *name; name++)
		must_do("port.add", "{'name': '%c', 'type': 'fake'}", *name);
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'a'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'c', 'vlan_mode': 'access', 'tag': 10}");
}

static void stations_are_learned_and_move(void **state)
{
	three_ports();
	see(1, "br", 0, "a");
	assert_string_equal(where(1, "br", 0), "a");
	assert_string_equal(fake.last_what, "learned");
	see(1, "br", 0, "b");
	assert_string_equal(where(1, "br", 0), "b");
	assert_string_equal(fake.last_what, "moved");
	see(1, "br", 10, "c");
	assert_string_equal(where(1, "br", 10), "c");
	assert_string_equal(where(1, "br", 0), "b");
	assert_int_equal(macs_of("br"), 2);
	assert_int_equal(port_obj_find("a")->macs, 0);
	assert_int_equal(port_obj_find("b")->macs, 1);
}

static void events_that_no_longer_fit_are_ignored(void **state)
{
	uint16_t domain, b_id;

	three_ports();
	domain = domain_of("br", 0)->id;
	b_id = port_obj_find("b")->id;
	see_in(1, domain, port_obj_find("c")->id); // not a member
	see_in(2, domain, 99);                     // no such port
	see_in(3, 999, b_id);                      // no such domain
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
	see_in(4, domain, b_id); // not any more
	must_do("port.del", "{'name': 'b'}");
	see_in(5, domain, b_id);
	settle();
	must_do("bridge.set", "{'name': 'br', 'learning': false}");
	see_in(6, domain, port_obj_find("a")->id);
	settle();
	assert_int_equal(fdb_count(fake.fdb), 0);
	assert_int_equal(publish_current()->domain[domain]->learning, false);
}

static void a_bridge_at_its_limit_learns_nobody_new(void **state)
{
	three_ports();
	must_do("bridge.set", "{'name': 'br', 'mac_limit': 3}");
	for (unsigned int i = 1; i <= 5; i++)
		see(i, "br", 0, "a");
	assert_int_equal(macs_of("br"), 3);
	see(2, "br", 0, "b"); // who is known may move
	assert_string_equal(where(2, "br", 0), "b");
	must_do("fdb.del", "{'bridge': 'br', 'mac': '02:00:00:00:00:01'}");
	see(5, "br", 0, "a");
	assert_string_equal(where(5, "br", 0), "a");
	assert_int_equal(macs_of("br"), 3);
}

static void static_entries_neither_move_nor_flush(void **state)
{
	three_ports();
	see(1, "br", 0, "a");
	must_do("fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'b'}");
	assert_string_equal(where(1, "br", 0), "b");
	assert_int_equal(macs_of("br"), 0);
	see(1, "br", 0, "a");
	assert_string_equal(where(1, "br", 0), "b");
	must_do("fdb.flush", "{}");
	assert_string_equal(where(1, "br", 0), "b");
	must_refuse(-EEXIST, NULL, "fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'a'}");
	must_txn("[['fdb.del', {'bridge': 'br', 'mac': '02:00:00:00:00:01'}],"
		 " ['fdb.add', {'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'a'}]]");
	assert_string_equal(where(1, "br", 0), "a");
	must_do("fdb.del", "{'bridge': 'br', 'mac': '02:00:00:00:00:01'}");
	assert_string_equal(where(1, "br", 0), "");
	must_refuse(-ENOENT, NULL, "fdb.del", "{'bridge': 'br', 'mac': '02:00:00:00:00:01'}");
}

static void static_entries_are_refused_where_they_make_no_sense(void **state)
{
	struct fault f;

	three_ports();
	must_refuse(-EINVAL, &f, "fdb.add", "{'bridge': 'br', 'mac': '01:00:00:00:00:01', 'port': 'b'}");
	assert_string_equal(f.field, "mac");
	must_refuse(-EINVAL, &f, "fdb.add", "{'bridge': 'br', 'mac': '00:00:00:00:00:00', 'port': 'b'}");
	assert_string_equal(f.field, "mac");
	must_refuse(-EINVAL, &f, "fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'b', 'vlan': 11}");
	assert_string_equal(f.field, "vlan");
	must_refuse(-EINVAL, &f, "fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'c'}");
	assert_string_equal(f.field, "vlan");
	must_do("port.add", "{'name': 'x', 'type': 'fake'}");
	must_refuse(-EINVAL, &f, "fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'x'}");
	assert_string_equal(f.field, "port");
	must_refuse(-EINVAL, &f, "fdb.flush", "{'vlan': 10}");
	must_refuse(-EINVAL, &f, "fdb.flush", "{'bridge': 'br', 'vlan': 11}");
	must_refuse(-EINVAL, &f, "fdb.flush", "{'bridge': 'br', 'port': 'x'}");
	must_refuse(-EINVAL, &f, "fdb.list", "{'after': 'br/x/02:00:00:00:00:01'}");
	must_refuse(-EINVAL, &f, "fdb.list", "{'after': 'hello'}");
}

static void what_a_static_entry_needs_cannot_go(void **state)
{
	struct fault f;

	three_ports();
	must_do("fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'a', 'vlan': 10}");
	must_refuse(-EBUSY, &f, "bridge.port_del", "{'bridge': 'br', 'port': 'a'}");
	assert_non_null(strstr(f.message, "br/10/02:00:00:00:00:01"));
	must_refuse(-EBUSY, &f, "bridge.port_del", "{'bridge': 'br', 'port': 'c'}"); // alone names VLAN 10
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b', 'trunks': [10]}");
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'c'}");
	assert_string_equal(where(1, "br", 10), "a");
}

static void naming_vlan_0_moves_its_static_entries(void **state)
{
	three_ports();
	must_do("fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'a'}");
	assert_int_equal(domain_of("br", 0)->vid, VLAN_NONE);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b', 'trunks': [0]}");
	assert_int_equal(domain_of("br", 0)->vid, 0);
	assert_string_equal(where(1, "br", 0), "a");
	assert_int_equal(fdb_count(fake.fdb), 1);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
	assert_int_equal(domain_of("br", 0)->vid, VLAN_NONE);
	assert_string_equal(where(1, "br", 0), "a");
	assert_int_equal(fdb_count(fake.fdb), 1);
}

static void naming_a_vlan_forgets_what_the_rest_domain_knew(void **state)
{
	three_ports();
	see(1, "br", 0, "a");
	must_do("port.add", "{'name': 'd', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'd', 'trunks': [20]}");
	assert_string_equal(where(1, "br", 0), "");
	see(2, "br", 20, "d");
	see(3, "br", 20, "a");
	see(4, "br", 10, "a");
	see(5, "br", 0, "a");
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'd'}");
	assert_int_equal(fdb_count(fake.fdb), 2);
	assert_string_equal(where(4, "br", 10), "a");
	assert_string_equal(where(5, "br", 0), "a");
}

static void ports_that_leave_go_down_or_lose_link_are_forgotten(void **state)
{
	three_ports();
	see(1, "br", 0, "a");
	see(2, "br", 0, "b");
	must_do("port.set", "{'name': 'a', 'admin': 'down'}");
	assert_string_equal(where(1, "br", 0), "");
	assert_string_equal(where(2, "br", 0), "b");
	port_link_set(port_obj_find("b")->dev, false);
	settle();
	assert_string_equal(where(2, "br", 0), "");
	see(2, "br", 0, "b");
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
	assert_int_equal(fdb_count(fake.fdb), 0);
	assert_int_equal(macs_of("br"), 0);
}

static void flush_takes_what_fits_everything_given(void **state)
{
	static const struct {
		const char *params;
		unsigned int left;
	} flush[] = {
		{"{'bridge': 'br', 'vlan': 10, 'port': 'a'}", 4},
		{"{'bridge': 'br', 'vlan': 10}", 3},
		{"{'port': 'a'}", 3},
		{"{'bridge': 'br'}", 1},
		{"{}", 0},
		{"{'dry_run': true}", 5},
	};

	three_ports();
	must_do("bridge.add", "{'name': 'br2'}");
	must_do("port.add", "{'name': 'd', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br2', 'port': 'd'}");
	for (unsigned int i = 0; i < RTE_DIM(flush); i++) {
		see(1, "br", 10, "a");
		see(2, "br", 10, "c");
		see(3, "br", 0, "a");
		see(4, "br", 0, "b");
		see(5, "br2", 0, "d");
		assert_int_equal(fdb_count(fake.fdb), 5);
		must_do("fdb.flush", "%s", flush[i].params);
		assert_int_equal(fdb_count(fake.fdb), flush[i].left);
	}
}

static void pages_show_every_entry_once_and_in_order(void **state)
{
	char after[80] = "", last[80] = "";
	unsigned int seen = 0;
	json_t *page, *e;
	size_t i;

	three_ports();
	for (unsigned int m = 0; m < 1000; m++)
		see(m * 7919 % 1000, "br", m % 2 ? 0 : 10, "a");
	do {
		page = must_call("fdb.list", "{'limit': 77%s}", after);
		json_array_foreach (page, i, e) {
			const char *key = json_string_value(json_object_get(e, "key"));

			// VLAN 0 is the rest domain here, listed before VLAN 10; within each, by MAC.
			if (seen != 500 && seen > 0)
				assert_true(strcmp(last, key) < 0);
			snprintf(last, sizeof(last), "%s", key);
			seen++;
		}
		snprintf(after, sizeof(after), ", 'after': '%s'", last);
		i = json_array_size(page);
		json_decref(page);
	} while (i == 77);
	assert_int_equal(seen, 1000);
}

static void a_full_table_still_takes_static_entries(void **state)
{
	uint32_t capacity = fdb_capacity(fake.fdb), n = 0;
	struct fault f;
	json_t *result;
	int rc;

	three_ports();
	for (unsigned int m = 1000000; m < 1000000 + 2 * capacity; m++)
		see_in(m, domain_of("br", 0)->id, port_obj_find("a")->id);
	fdb_ctl_drain();
	assert_true(fdb_count(fake.fdb) > capacity / 2);
	do {
		rc = try_call("fdb.add", &result, &f, "{'bridge': 'br', 'mac': '02:00:00:00:%02x:%02x', 'port': 'b'}",
			      n >> 8, n & 255);
		if (rc == 0) {
			assert_string_equal(where(n, "br", 0), "b");
			json_decref(result);
			n++;
		}
	} while (rc == 0);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(n, capacity / 2);
}

// Counts kept beside the table must be what a walk finds.
static void counts_agree_with_the_table_after_random_events(void **state)
{
	uint32_t ports = 0;
	json_t *list;

	three_ports();
	srand(99);
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int r = rand() % 1000;

		if (r == 0)
			must_do("fdb.flush", "{'port': 'a'}");
		else if (r == 1)
			must_do("bridge.port_del", "{'bridge': 'br', 'port': 'b'}");
		else if (r < 20 && !port_obj_find("b")->bp)
			must_do("bridge.port_add", "{'bridge': 'br', 'port': 'b'}");
		else if (r < 30)
			see(r, "br", 10, "c");
		else
			see_in(rand() % 3000, domain_of("br", rand() % 2 * 10)->id, 1 + rand() % 3);
	}
	fdb_ctl_drain();
	list = must_call("fdb.list", "{}");
	assert_int_equal(json_array_size(list), fdb_count(fake.fdb));
	assert_int_equal(macs_of("br"), fdb_count(fake.fdb));
	for (const char *name = "abc"; *name; name++) {
		char text[2] = {*name};

		ports += port_obj_find(text)->macs;
	}
	assert_int_equal(ports, fdb_count(fake.fdb));
	assert_true(ports > 100);
	json_decref(list);
}

// Time passes, and the scan comes round.
static void pass_s(unsigned int s)
{
	static uint64_t now = 1000000000; // beyond what the machine's clock said at objects_create()

	now += s;
	for (unsigned int i = 0; i < 25; i++)
		fdb_ctl_tick(now);
}

static void stations_not_heard_of_are_forgotten_in_time(void **state)
{
	pass_s(0);
	three_ports();
	for (unsigned int m = 1; m <= 3; m++)
		see(m, "br", 0, "a");
	must_do("fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:09', 'port': 'b'}");
	pass_s(200);
	see(2, "br", 0, "a");
	fdb_touch(fake.fdb, mac_key(3, domain_of("br", 0)->id), fdb_ctl_now());
	pass_s(200);
	assert_string_equal(where(1, "br", 0), "");
	assert_string_equal(where(2, "br", 0), "a");
	assert_string_equal(where(3, "br", 0), "a");
	assert_string_equal(where(9, "br", 0), "b");
	must_do("bridge.set", "{'name': 'br', 'aging_time': 0}");
	for (unsigned int i = 0; i < 5; i++)
		pass_s(30000); // longer than the 16-bit clock goes
	assert_string_equal(where(2, "br", 0), "a");
	must_do("bridge.set", "{'name': 'br', 'aging_time': 150100}");
	pass_s(0);
	assert_string_equal(where(2, "br", 0), "");
	assert_string_equal(where(3, "br", 0), "");
	see(2, "br", 0, "a");
	assert_int_equal(macs_of("br"), 1);
}

static void a_busy_station_outlives_the_shortest_aging_time(void **state)
{
	three_ports();
	must_do("bridge.set", "{'name': 'br', 'aging_time': 1}");
	pass_s(1);
	see(1, "br", 0, "a");
	see(2, "br", 0, "a");
	for (unsigned int i = 0; i < 5; i++) {
		pass_s(1);
		fdb_touch(fake.fdb, mac_key(1, domain_of("br", 0)->id), fdb_ctl_now());
	}
	assert_string_equal(where(1, "br", 0), "a");
	assert_string_equal(where(2, "br", 0), "");
}

static void fdb_events_are_bounded_in_rate(void **state)
{
	three_ports();
	fdb_ctl_tick(1); // a second in which nothing was told
	fake.sent = 0;
	for (unsigned int m = 0; m < 3000; m++)
		see(m, "br", 0, "a");
	assert_int_equal(fake.sent, 1000);
	fdb_ctl_tick(2);
	assert_string_equal(fake.last_what, "suppressed");
	see(1, "br", 0, "b");
	assert_string_equal(fake.last_what, "moved");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(stations_are_learned_and_move),
		TEST(events_that_no_longer_fit_are_ignored),
		TEST(a_bridge_at_its_limit_learns_nobody_new),
		TEST(static_entries_neither_move_nor_flush),
		TEST(static_entries_are_refused_where_they_make_no_sense),
		TEST(what_a_static_entry_needs_cannot_go),
		TEST(naming_vlan_0_moves_its_static_entries),
		TEST(naming_a_vlan_forgets_what_the_rest_domain_knew),
		TEST(ports_that_leave_go_down_or_lose_link_are_forgotten),
		TEST(flush_takes_what_fits_everything_given),
		TEST(pages_show_every_entry_once_and_in_order),
		TEST(a_full_table_still_takes_static_entries),
		TEST(counts_agree_with_the_table_after_random_events),
		TEST(stations_not_heard_of_are_forgotten_in_time),
		TEST(a_busy_station_outlives_the_shortest_aging_time),
		TEST(fdb_events_are_bounded_in_rate),
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
