/* SPDX-License-Identifier: BSD-3-Clause */
// VRFs and interfaces: what workers get of them, refusals, state, and that a change that fails leaves no trace.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/iface.h"

static void add_port(const char *name)
{
	must_do("port.add", "{'name': '%s', 'type': 'fake'}", name);
}

static const struct fwd_iface *fwd_of(const char *name)
{
	const struct fwd_state *s = publish_current();
	struct fault f;
	struct iface *i;

	assert_int_equal(iface_get("name", name, &i, &f), 0);
	return i->id < s->nifaces ? s->iface[i->id] : NULL;
}

static const struct fwd_port *port_of(const char *name)
{
	return publish_current()->port[port_obj_find(name)->id];
}

// Which port the FDB has for an interface's MAC in its domain; 0: none.
static uint16_t fdb_port(const struct fwd_iface *fi)
{
	struct fdb_entry e;

	return fdb_get(fake.fdb, fdb_key(fi->mac.addr_bytes, fi->domain), 1, &e) == 0 && e.is_static ? e.port_id : 0;
}

static char *state_of(const char *name)
{
	json_t *list = must_call("iface.list", "{'name': '%s'}", name);
	const json_t *why = json_object_get(json_array_get(list, 0), "why");
	char *text = strdup(json_is_null(why) ? "up" : json_string_value(why));

	json_decref(list);
	return text;
}

static void assert_state(const char *name, const char *want)
{
	char *text = state_of(name);

	assert_string_equal(text, want);
	free(text);
}

static void interface_on_a_port_has_a_domain_of_its_own(void **state)
{
	const struct fwd_domain *d;
	const struct fwd_iface *fi;

	add_port("p");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'addresses': ['10.0.0.1/24']}");
	fi = fwd_of("i");
	assert_non_null(fi);
	assert_int_equal(fi->vrf, 1);
	assert_true(fi->up);
	assert_int_equal(fi->mtu, 1500);
	assert_int_equal(port_of("p")->untagged_domain, fi->domain);
	d = publish_current()->domain[fi->domain];
	assert_int_equal(d->iface, fi->id);
	assert_int_equal(d->bridge, 0);
	assert_int_equal(d->nmembers, 1);
	assert_int_equal(d->member[0].port_id, port_of("p")->port->id);
	assert_false(d->learning);
	assert_int_equal(fdb_port(fi), PORT_ROUTER);
	must_do("iface.del", "{'name': 'i'}");
	assert_int_equal(port_of("p")->untagged_domain, 0);
	settle();
	assert_int_equal(fdb_count(fake.fdb), 0);
	must_do("port.del", "{'name': 'p'}");
}

static void interfaces_on_vlans_of_a_port_stand_beside_each_other(void **state)
{
	add_port("p");
	must_do("iface.add", "{'name': 'a', 'port': 'p', 'vlan': 10}");
	assert_int_equal(port_of("p")->untagged_domain, 0);
	must_do("iface.add", "{'name': 'b', 'port': 'p', 'vlan': 20}");
	must_do("iface.add", "{'name': 'c', 'port': 'p'}");
	assert_int_equal(port_of("p")->vid_domain[10], fwd_of("a")->domain);
	assert_int_equal(port_of("p")->vid_domain[20], fwd_of("b")->domain);
	assert_int_equal(port_of("p")->vid_domain[0], fwd_of("c")->domain);
	assert_int_equal(port_of("p")->vid_domain[30], 0);
	assert_int_equal(publish_current()->domain[fwd_of("a")->domain]->vid, 10);
	assert_int_equal(publish_current()->domain[fwd_of("c")->domain]->vid, VLAN_NONE);
	must_refuse(-EEXIST, NULL, "iface.add", "{'name': 'd', 'port': 'p', 'vlan': 10}");
	must_do("iface.del", "{'name': 'a'}");
	assert_int_equal(port_of("p")->vid_domain[10], 0);
	assert_int_not_equal(port_of("p")->vid_domain[20], 0);
}

static void interface_on_a_bridge_is_where_its_vlan_is(void **state)
{
	struct fault f;
	struct bridge *b;

	add_port("p");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("iface.add", "{'name': 'u', 'bridge': 'br'}");
	must_do("iface.add", "{'name': 't', 'bridge': 'br', 'vlan': 7}");
	assert_int_equal(bridge_get("bridge", "br", &b, &f), 0);
	assert_int_equal(fwd_of("u")->domain, b->rest->id);
	assert_int_equal(fwd_of("t")->domain, vlan_domain(b, 7)->id);
	assert_state("u", "no port of the bridge is up");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p'}");
	assert_state("u", "up");
	assert_state("t", "up");
	assert_true(fwd_of("t")->up);
	assert_int_equal(port_of("p")->vid_domain[7], fwd_of("t")->domain);
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p'}");
	assert_state("t", "no port of the bridge is up");
	must_refuse(-EBUSY, &f, "bridge.del", "{'name': 'br'}");
	assert_string_not_equal(strstr(f.message, "interface"), "");
	must_do("iface.del", "{'name': 't'}");
	assert_null(vlan_domain(b, 7));
	must_do("iface.del", "{'name': 'u'}");
	must_do("bridge.del", "{'name': 'br'}");
	settle();
	assert_int_equal(fdb_count(fake.fdb), 0);
}

static void interface_of_untagged_frames_follows_them(void **state)
{
	struct fault f;
	struct bridge *b;
	uint16_t rest;

	add_port("p");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("iface.add", "{'name': 'u', 'bridge': 'br'}");
	rest = fwd_of("u")->domain;
	// A native port of all VLANs makes VLAN 0 one of its own.
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p', 'vlan_mode': 'native', 'tag': 5}");
	assert_int_equal(bridge_get("bridge", "br", &b, &f), 0);
	assert_int_not_equal(fwd_of("u")->domain, rest);
	assert_int_equal(fwd_of("u")->domain, vlan_domain(b, 0)->id);
	assert_int_equal(publish_current()->domain[rest]->iface, 0);
	assert_int_equal(publish_current()->domain[fwd_of("u")->domain]->iface, fwd_of("u")->id);
	assert_int_equal(fdb_port(fwd_of("u")), PORT_ROUTER);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p'}");
	assert_int_equal(fwd_of("u")->domain, rest);
	assert_int_equal(fdb_port(fwd_of("u")), PORT_ROUTER);
	assert_int_equal(fdb_count(fake.fdb), 1);
}

static void state_says_why_it_is_down(void **state)
{
	struct port_obj *p;

	add_port("p");
	p = port_obj_find("p");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'mtu': 9000}");
	must_do("iface.add", "{'name': 'lo'}");
	assert_state("lo", "up");
	assert_state("i", "up");
	assert_int_equal(fwd_of("i")->mtu, 1500);
	must_do("port.set", "{'name': 'p', 'mtu': 8000}");
	assert_int_equal(fwd_of("i")->mtu, 8000);
	must_do("port.set", "{'name': 'p', 'admin': 'down'}");
	assert_state("i", "port down");
	assert_false(fwd_of("i")->up);
	assert_int_equal(publish_current()->domain[fwd_of("i")->domain]->nmembers, 0);
	must_do("port.set", "{'name': 'p', 'admin': 'up'}");
	assert_state("i", "up");
	must_do("iface.set", "{'name': 'i', 'admin': 'down'}");
	assert_state("i", "admin");
	must_do("iface.set", "{'name': 'i', 'admin': 'up'}");
	p->dev->link_up = 0;
	port_notify(p->dev, PORT_EVENT_LINK);
	settle();
	assert_state("i", "link");
	assert_false(fwd_of("i")->up);
	assert_string_equal(fake.last_topic, "iface");
	assert_string_equal(fake.last_what, "down");
	p->dev->link_up = 1;
	port_notify(p->dev, PORT_EVENT_LINK);
	settle();
	assert_state("i", "up");
	port_notify(p->dev, PORT_EVENT_REMOVED);
	settle();
	assert_state("i", "port failed");
	assert_null(fwd_of("lo"));
}

static void refusals_name_field_and_value(void **state)
{
	static const char *const bad[] = {"10.0.0.0/24",
					  "10.0.0.255/24",
					  "127.0.0.1/8",
					  "224.0.0.1/24",
					  "0.0.0.1/8",
					  "255.255.255.255/32",
					  "::1/128",
					  "::/64",
					  "ff02::1/64",
					  "::ffff:10.0.0.1/96",
					  "2001:db8::1/0",
					  "10.0.0.1",
					  "x"};
	struct fault f;

	add_port("p");
	add_port("q");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q'}");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'addresses': ['10.0.0.1/24', '2001:db8::1/64']}");
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'i'}");
	assert_string_equal(f.field, "name");
	must_refuse(-ENOENT, &f, "iface.add", "{'name': 'j', 'vrf': 'no'}");
	assert_string_equal(f.field, "vrf");
	must_refuse(-ENOENT, &f, "iface.add", "{'name': 'j', 'port': 'no'}");
	must_refuse(-ENOENT, &f, "iface.add", "{'name': 'j', 'bridge': 'no'}");
	must_refuse(-EINVAL, &f, "iface.add", "{'name': 'j', 'bridge': 'br', 'port': 'p'}");
	must_refuse(-EINVAL, &f, "iface.add", "{'name': 'j', 'vlan': 5}");
	assert_string_equal(f.field, "vlan");
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'j', 'port': 'p'}");
	must_refuse(-EINVAL, &f, "iface.add", "{'name': 'j', 'mac': 'ff:ff:ff:ff:ff:ff'}");
	must_refuse(-EBUSY, &f, "iface.add", "{'name': 'j', 'port': 'q'}");
	assert_non_null(strstr(f.message, "in bridge br"));
	must_refuse(-EBUSY, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'p'}");
	assert_non_null(strstr(f.message, "L3 interface i"));
	must_refuse(-EBUSY, &f, "port.del", "{'name': 'p'}");
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'j', 'addresses': ['192.0.2.1/24', '10.0.0.129/25']}");
	assert_string_equal(f.field, "addresses[1]");
	assert_non_null(strstr(f.message, "interface i"));
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'j', 'addresses': ['10.1.0.1/8']}");
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'j', 'addresses': ['2001:db8::2/48']}");
	must_refuse(-EINVAL, &f, "iface.add", "{'name': 'j', 'addresses': ['192.0.2.1/24', '192.0.2.1/25']}");
	assert_string_equal(f.field, "addresses[1]");
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		must_refuse(-EINVAL, &f, "iface.add", "{'name': 'j', 'addresses': ['%s']}", bad[i]);
		assert_string_equal(f.field, "addresses[0]");
	}
	must_do("vrf.add", "{'name': 'blue'}");
	must_do("iface.add", "{'name': 'j', 'vrf': 'blue', 'addresses': ['10.0.0.1/24', '2001:db8::1/64']}");
	must_refuse(-EBUSY, &f, "vrf.del", "{'name': 'blue'}");
	assert_non_null(strstr(f.message, "j"));
	must_refuse(-EBUSY, &f, "vrf.del", "{'name': 'default'}");
	must_refuse(-EEXIST, &f, "vrf.add", "{'name': 'default'}");
	must_do("iface.add", "{'name': 'k', 'addresses': ['10.0.1.1/31', '10.0.2.1/32', '10.0.3.6/30']}");
	must_do("fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:01', 'port': 'q'}");
	must_refuse(-EEXIST, &f, "iface.add", "{'name': 'l', 'bridge': 'br', 'mac': '02:00:00:00:00:01'}");
	assert_string_equal(f.field, "mac");
	must_do("iface.add", "{'name': 'l', 'bridge': 'br', 'mac': '02:00:00:00:00:02'}");
	must_refuse(-EEXIST, &f, "fdb.add", "{'bridge': 'br', 'mac': '02:00:00:00:00:02', 'port': 'q'}");
}

static void there_are_4096_vrfs(void **state)
{
	struct fault f;

	for (unsigned int i = 1; i < 4096; i++)
		must_do("vrf.add", "{'name': 'v%u'}", i);
	must_refuse(-ENOSPC, &f, "vrf.add", "{'name': 'one-more'}");
	must_do("vrf.del", "{'name': 'v77'}");
	settle();
	must_do("vrf.add", "{'name': 'one-more'}");
	assert_int_equal(publish_current()->nvrfs, 4097);
}

static void a_link_local_address_is_made_of_the_mac(void **state)
{
	json_t *list;

	add_port("p");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'mac': '02:11:22:33:44:55', 'addresses': ['10.0.0.1/24']}");
	list = must_call("iface.list", "{}");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(list, 0), "addresses"), 1)),
			    "fe80::11:22ff:fe33:4455/64");
	json_decref(list);
	must_do("iface.set", "{'name': 'i', 'addresses': ['fe80::1/64']}");
	list = must_call("iface.list", "{}");
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "addresses")), 1);
	json_decref(list);
}

static void default_macs_are_stable_and_differ(void **state)
{
	struct rte_ether_addr a, b, again;

	iface_default_mac("gw0", &a);
	iface_default_mac("gw1", &b);
	iface_default_mac("gw0", &again);
	assert_memory_equal(&a, &again, sizeof(a));
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_true(rte_is_valid_assigned_ether_addr(&a));
	assert_true(rte_is_local_admin_ether_addr(&a));
}

static void sources_are_of_the_same_link_or_scope(void **state)
{
	static const struct {
		const char *to, *from;
	} want[] = {
		{"10.0.0.9", "10.0.0.1"},       {"10.1.0.9", "10.1.0.1"},       {"8.8.8.8", "10.0.0.1"},
		{"2001:db8::9", "2001:db8::1"}, {"2001:db9::9", "2001:db8::1"}, {"fe80::9", "fe80::5"},
		{"ff02::1:ff00:9", "fe80::5"},
	};
	char text[IP_TEXT_LEN];
	struct ip_addr to;
	struct iface *i;
	struct fault f;

	must_do("iface.add",
		"{'name': 'i', 'addresses': ['10.0.0.1/24', '10.1.0.1/24', 'fe80::5/64', '2001:db8::1/64']}");
	assert_int_equal(iface_get("name", "i", &i, &f), 0);
	for (size_t k = 0; k < RTE_DIM(want); k++) {
		assert_int_equal(ip_parse(want[k].to, "x", &to, &f), 0);
		assert_string_equal(ip_text(&iface_source(i, &to)->addr, text), want[k].from);
	}
	assert_int_equal(ip_parse("10.1.0.1", "x", &to, &f), 0);
	assert_true(iface_owns(i, &to));
	assert_ptr_equal(iface_owner(vrf_by_id(1), &to), i);
}

static void what_fails_or_is_only_tried_leaves_nothing(void **state)
{
	static const char *const ops[][2] = {
		{"iface.add", "{'name': 'n', 'port': 'q', 'vlan': 9, 'addresses': ['10.9.0.1/24']%s}"},
		{"iface.add", "{'name': 'n', 'bridge': 'br', 'vlan': 9%s}"},
		{"iface.del", "{'name': 'i'%s}"},
		{"iface.del", "{'name': 't'%s}"},
		{"iface.set",
		 "{'name': 'i', 'addresses': ['10.7.0.1/24'], 'mac': '02:00:00:00:00:09', 'admin': 'down'%s}"},
		{"vrf.add", "{'name': 'w'%s}"},
		{"vrf.del", "{'name': 'v'%s}"},
	};
	char *before, *after;

	add_port("p");
	add_port("q");
	must_do("bridge.add", "{'name': 'br'}");
	must_do("vrf.add", "{'name': 'v'}");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'addresses': ['10.0.0.1/24']}");
	must_do("iface.add", "{'name': 't', 'bridge': 'br', 'vlan': 7}");
	before = everything();
	for (size_t i = 0; i < RTE_DIM(ops); i++) {
		must_do(ops[i][0], ops[i][1], ", 'dry_run': true");
		after = everything();
		must_be_same(before, after);
		free(after);
	}
	must_refuse(-EINVAL, NULL, "iface.set", "{'name': 'i', 'admin': 'down', 'addresses': ['10.0.0.0/24']}");
	after = everything();
	must_be_same(before, after);
	free(after);
	free(before);
	must_do("port.set", "{'name': 'p', 'mtu': 1400}"); // publishes: what was taken back must not show
	assert_true(fwd_of("i")->up);
	assert_int_equal(publish_current()->domain[fwd_of("t")->domain]->vid, 7);
	assert_int_equal(fdb_port(fwd_of("i")), PORT_ROUTER);
}

static void one_takes_the_place_of_another_in_one_change(void **state)
{
	add_port("p");
	must_do("iface.add", "{'name': 'i', 'port': 'p', 'mac': '02:00:00:00:00:01', 'addresses': ['10.0.0.1/24']}");
	must_txn("[['iface.del', {'name': 'i'}], ['iface.add', {'name': 'j', 'port': 'p', 'mac': '02:00:00:00:00:01', "
		 "'addresses': ['10.0.0.1/24']}]]");
	assert_int_equal(fdb_port(fwd_of("j")), PORT_ROUTER);
	must_txn("[['iface.del', {'name': 'j'}], ['bridge.add', {'name': 'br'}], "
		 "['bridge.port_add', {'bridge': 'br', 'port': 'p'}], "
		 "['iface.add', {'name': 'j', 'bridge': 'br', 'mac': '02:00:00:00:00:01', 'addresses': "
		 "['10.0.0.1/24']}]]");
	settle();
	assert_int_equal(fdb_port(fwd_of("j")), PORT_ROUTER);
	assert_int_equal(fdb_count(fake.fdb), 1);
	assert_true(fwd_of("j")->up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
		T(interface_on_a_port_has_a_domain_of_its_own),
		T(interfaces_on_vlans_of_a_port_stand_beside_each_other),
		T(interface_on_a_bridge_is_where_its_vlan_is),
		T(interface_of_untagged_frames_follows_them),
		T(state_says_why_it_is_down),
		T(refusals_name_field_and_value),
		T(there_are_4096_vrfs),
		T(a_link_local_address_is_made_of_the_mac),
		T(default_macs_are_stable_and_differ),
		T(sources_are_of_the_same_link_or_scope),
		T(what_fails_or_is_only_tried_leaves_nothing),
		T(one_takes_the_place_of_another_in_one_change),
#undef T
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
