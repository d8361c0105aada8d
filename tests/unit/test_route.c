/* SPDX-License-Identifier: BSD-3-Clause */
// Routes: refusals, recursion, groups under loss, sources of different rank, and transactions, by what workers would
// find in the FIBs. Neighbours are the test's own.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/route.h"
#include "../../tables/fib4.h"
#include "../../tables/fib6.h"
#include "../../tables/fib_pool.h"
#include "fake_neighs.h"

// What a worker finds for an address in a VRF: the number of the next hop, 0 for no route.
static uint32_t found(const char *vrf, const char *address)
{
	struct ip_prefix p = {.depth = 0};
	struct rib_entry key;
	struct fault f;
	struct vrf *v;
	const struct fwd_vrf *fv;

	assert_int_equal(vrf_get("vrf", vrf, &v, &f), 0);
	assert_int_equal(ip_parse(address, "x", &p.addr, &f), 0);
	fv = &publish_current()->vrf[v->id];
	key = rib_key(&p, RIB_OWN);
	if (p.addr.family == 4)
		return fv->fib4 ? fib4_lookup(fv->fib4, (uint32_t)(key.hi >> 32)) : 0;
	return fv->fib6 ? fib6_lookup(fv->fib6, (struct fib6_addr){key.hi, key.lo}) : 0;
}

static int kind_found(const char *address)
{
	uint32_t number = found("default", address);

	return number && nexthop_at(number) ? nexthop_at(number)->kind : -1;
}

// Two links and what is on them.
static void links(void)
{
	must_do("port.add", "{'name': 'p', 'type': 'fake'}");
	must_do("port.add", "{'name': 'q', 'type': 'fake'}");
	must_do("iface.add", "{'name': 'a', 'port': 'p', 'addresses': ['10.0.0.1/24', '2001:db8::1/64']}");
	must_do("iface.add", "{'name': 'b', 'port': 'q', 'addresses': ['10.0.1.1/24', '2001:db8:1::1/64']}");
}

static int setup(void **state)
{
	neighs = NULL;
	return harness_setup(state);
}

static int teardown(void **state)
{
	harness_teardown(state);
	assert_null(neighs);
	assert_int_equal(hops_count(), 0);
	return 0;
}

static void addresses_have_routes(void **state)
{
	links();
	assert_int_equal(kind_found("10.0.0.1"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("10.0.0.255"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("10.0.0.7"), NEXTHOP_CONNECTED);
	assert_int_equal(nexthop_at(found("default", "10.0.0.7"))->iface, 1);
	assert_int_equal(nexthop_at(found("default", "2001:db8:1::7"))->iface, 2);
	assert_int_equal(kind_found("2001:db8::1"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("fe80::1"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("10.0.2.1"), -1);
	must_do("iface.set", "{'name': 'a', 'addresses': ['10.0.2.1/31', '10.0.0.5/24', '10.0.3.3/32']}");
	assert_int_equal(kind_found("10.0.2.1"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("10.0.2.0"), NEXTHOP_CONNECTED);
	assert_int_equal(kind_found("10.0.0.1"), NEXTHOP_CONNECTED);
	assert_int_equal(kind_found("10.0.0.5"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("10.0.3.3"), NEXTHOP_LOCAL);
	assert_int_equal(kind_found("2001:db8::1"), -1);
	must_do("iface.del", "{'name': 'a'}");
	assert_int_equal(kind_found("10.0.0.5"), -1);
	assert_int_equal(kind_found("fe80::1"), NEXTHOP_LOCAL);
	must_do("iface.del", "{'name': 'b'}");
	assert_int_equal(kind_found("fe80::1"), -1);
}

static void a_route_has_the_neighbours_own_number(void **state)
{
	links();
	must_do("route.add", "{'routes': [{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9'}]},"
			     "{'prefix': '2001:db8:f::/48', 'via': [{'address': 'fe80::9', 'iface': 'b'}]},"
			     "{'prefix': '21.0.0.0/8', 'via': 'drop'}, {'prefix': '22.0.0.0/8', 'via': 'reject'},"
			     "{'prefix': '23.0.0.0/8', 'via': [{'iface': 'b'}]}]}");
	assert_int_equal(found("default", "20.1.2.3"), neigh_of("10.0.0.9")->number);
	assert_int_equal(found("default", "2001:db8:f::1"), neigh_of("fe80::9")->number);
	assert_int_equal(kind_found("20.1.2.3"), NEXTHOP_UNRESOLVED);
	contents(neigh_of("10.0.0.9"), true);
	assert_int_equal(kind_found("20.1.2.3"), NEXTHOP_FORWARD);
	assert_int_equal(kind_found("21.0.0.1"), NEXTHOP_DROP);
	assert_int_equal(kind_found("22.0.0.1"), NEXTHOP_REJECT);
	assert_int_equal(kind_found("23.0.0.1"), NEXTHOP_CONNECTED);
	must_do("route.del", "{'prefixes': ['20.0.0.0/8']}");
	assert_int_equal(kind_found("20.1.2.3"), -1);
	must_do("route.flush", "{'vrf': 'default'}");
	assert_null(neighs);
	assert_int_equal(kind_found("21.0.0.1"), -1);
}

static void refusals_name_the_element(void **state)
{
	static const struct {
		int err;
		const char *route, *field;
	} bad[] = {
		{-EINVAL, "{'prefix': '20.0.0.1/8', 'via': 'drop'}", "routes[1].prefix"},
		{-EINVAL, "{'prefix': '224.1.0.0/16', 'via': 'drop'}", "routes[1].prefix"},
		{-EINVAL, "{'prefix': 'x', 'via': 'drop'}", "routes[1].prefix"},
		{-EEXIST, "{'prefix': '30.0.0.0/8', 'via': 'drop'}", "routes[1].prefix"},
		{-EEXIST, "{'prefix': '29.0.0.0/8', 'via': 'reject'}", "routes[1].prefix"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': 'dorp'}", "routes[1].via"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': []}", "routes[1].via"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{}]}", "routes[1].via[0].address"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9', 'wight': 1}]}", "routes[1].via[0]"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9', 'weight': 0}]}",
		 "routes[1].via[0].weight"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9'}, {'address': '10.0.0.9'}]}",
		 "routes[1].via[1]"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9'}, {'address': '10.9.0.9'}]}",
		 "routes[1].via[1].address"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.1'}]}", "routes[1].via[0].address"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.255'}]}", "routes[1].via[0].address"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': 'fe80::9'}]}", "routes[1].via[0].address"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.1.9', 'iface': 'a'}]}",
		 "routes[1].via[0].address"},
		{-ENOENT, "{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9', 'iface': 'c'}]}",
		 "routes[1].via[0].iface"},
		{-EINVAL, "{'prefix': '20.0.0.0/8', 'via': [{'address': '20.0.0.9'}]}", "routes[1].via[0].address"},
	};
	char *before, *after;
	struct fault f;

	links();
	must_do("route.add", "{'routes': [{'prefix': '30.0.0.0/8', 'via': [{'address': '10.0.0.8'}]}]}");
	before = everything();
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		must_refuse(bad[i].err, &f, "route.add", "{'routes': [{'prefix': '29.0.0.0/8', 'via': 'drop'}, %s]}",
			    bad[i].route);
		assert_string_equal(f.field, bad[i].field);
		after = everything();
		must_be_same(before, after);
		free(after);
		assert_int_equal(kind_found("29.0.0.1"), -1);
	}
	must_refuse(-ENOENT, &f, "route.add", "{'vrf': 'no', 'routes': []}");
	must_refuse(-ENOENT, &f, "route.del", "{'prefixes': ['30.0.0.0/8', '31.0.0.0/8']}");
	assert_string_equal(f.field, "prefixes[1]");
	assert_int_equal(kind_found("30.0.0.1"), NEXTHOP_UNRESOLVED);
	after = everything();
	must_be_same(before, after);
	free(after);
	free(before);
}

static void host_bits_are_cleared_if_asked(void **state)
{
	links();
	must_do("route.add", "{'routes': [{'prefix': '20.1.2.3/8', 'via': 'drop'}], 'strict': false}");
	assert_int_equal(kind_found("20.0.0.1"), NEXTHOP_DROP);
	must_do("route.del", "{'prefixes': ['20.9.9.9/8'], 'strict': false}");
	assert_int_equal(kind_found("20.0.0.1"), -1);
}

static void gateways_are_found_through_other_routes(void **state)
{
	uint32_t group;

	links();
	must_do("route.add", "{'routes': [{'prefix': '50.0.0.0/8', 'via': [{'address': '40.0.0.1'}]},"
			     "{'prefix': '40.0.0.0/8', 'via': [{'address': '10.0.0.9'}]}]}");
	group = found("default", "50.0.0.1");
	assert_int_equal(nexthop_at(group)->kind, NEXTHOP_GROUP);
	assert_int_equal(nexthop_at(group)->nslots, 1);
	assert_int_equal(nexthop_at(group)->slot[0], neigh_of("10.0.0.9")->number);
	// The way to the gateway changes: those behind it follow, without being touched.
	must_do("route.add", "{'routes': [{'prefix': '40.0.0.0/24', 'via': [{'address': '10.0.1.9'}]}]}");
	assert_int_equal(found("default", "50.0.0.1"), group);
	assert_int_equal(nexthop_at(group)->slot[0], neigh_of("10.0.1.9")->number);
	must_do("route.del", "{'prefixes': ['40.0.0.0/24']}");
	assert_int_equal(nexthop_at(group)->slot[0], neigh_of("10.0.0.9")->number);
	// Nothing leads there any more: as no route.
	must_do("route.del", "{'prefixes': ['40.0.0.0/8']}");
	assert_int_equal(found("default", "50.0.0.1"), group);
	assert_null(nexthop_at(group));
	// It becomes a neighbour: the routes get its number.
	must_do("iface.set", "{'name': 'b', 'addresses': ['40.0.0.2/24']}");
	assert_int_equal(found("default", "50.0.0.1"), neigh_of("40.0.0.1")->number);
	assert_ptr_equal(neigh_of("40.0.0.1")->iface, iface_by_id(2));
}

static void a_way_that_was_closed_further_on_opens_again(void **state)
{
	struct fault f;

	links();
	must_do("route.add", "{'routes': [{'prefix': '40.0.0.0/8', 'via': [{'address': '10.0.0.9'}]},"
			     "{'prefix': '50.0.0.0/8', 'via': [{'address': '40.0.0.1'}]}]}");
	must_do("iface.set", "{'name': 'a', 'addresses': ['10.7.0.1/24']}");
	assert_null(nexthop_at(found("default", "50.0.0.1")));
	// The gateway is looked for anew while the route to it leads nowhere, as after a restart.
	must_do("route.add", "{'routes': [{'prefix': '40.0.0.0/24', 'via': 'drop'}]}");
	must_do("route.del", "{'prefixes': ['40.0.0.0/24']}");
	assert_null(nexthop_at(found("default", "50.0.0.1")));
	must_refuse(-EINVAL, &f, "route.add",
		    "{'routes': [{'prefix': '60.0.0.0/8', 'via': [{'address': '50.0.0.1'}]}]}");
	must_do("iface.set", "{'name': 'a', 'addresses': ['10.0.0.1/24']}");
	assert_int_equal(nexthop_at(found("default", "50.0.0.1"))->slot[0], neigh_of("10.0.0.9")->number);
}

static void loops_are_refused(void **state)
{
	struct fault f;

	links();
	must_do("route.add", "{'routes': [{'prefix': '40.0.0.0/8', 'via': [{'address': '10.0.0.9'}]},"
			     "{'prefix': '50.0.0.0/8', 'via': [{'address': '40.0.0.1'}]}]}");
	must_refuse(-EINVAL, &f, "route.add",
		    "{'routes': [{'prefix': '40.0.0.0/8', 'via': [{'address': '50.0.0.1'}]}], 'replace': true}");
	assert_string_equal(f.field, "routes[0].via[0].address");
	assert_non_null(strstr(f.message, "itself"));
	must_refuse(-EINVAL, &f, "route.add",
		    "{'routes': [{'prefix': '60.0.0.0/8', 'via': [{'address': '70.0.0.1'}]},"
		    "{'prefix': '70.0.0.0/8', 'via': [{'address': '60.0.0.1'}]}]}");
	assert_int_equal(nexthop_at(found("default", "50.0.0.1"))->slot[0], neigh_of("10.0.0.9")->number);
}

static uint32_t slots_of(uint32_t group, uint32_t number)
{
	const struct nexthop *nh = nexthop_at(group);
	uint32_t n = 0;

	for (uint32_t s = 0; s < nh->nslots; s++)
		n += nh->slot[s] == number;
	return n;
}

static void a_dead_member_loses_its_slots_and_gets_them_back(void **state)
{
	uint32_t group, n, before[4096], w[3];
	struct neigh *m[3];
	char text[16];

	links();
	must_do("route.add", "{'routes': [{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.11', 'weight': 2},"
			     "{'address': '10.0.0.12'}, {'address': '10.0.1.13'}]}]}");
	group = found("default", "20.0.0.1");
	n = nexthop_at(group)->nslots;
	assert_int_equal(nexthop_at(group)->kind, NEXTHOP_GROUP);
	assert_int_equal(n & (n - 1), 0);
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i == 2, 11 + i);
		m[i] = neigh_of(text);
		w[i] = slots_of(group, m[i]->number); // nobody is alive: all have their own
	}
	assert_int_equal(w[0], n / 2);
	assert_int_equal(w[1] + w[2], n / 2);
	assert_int_equal(w[1], n / 4);
	contents(m[0], true);
	assert_int_equal(slots_of(group, m[0]->number), n);
	contents(m[1], true);
	contents(m[2], true);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(slots_of(group, m[i]->number), w[i]);
	memcpy(before, nexthop_at(group)->slot, n * sizeof(before[0]));
	contents(m[1], false);
	for (uint32_t s = 0; s < n; s++) {
		if (before[s] != m[1]->number)
			assert_int_equal(nexthop_at(group)->slot[s], before[s]);
		else
			assert_int_not_equal(nexthop_at(group)->slot[s], m[1]->number);
	}
	assert_true(slots_of(group, m[2]->number) > w[2]); // not all went to one
	assert_true(slots_of(group, m[0]->number) > w[0]);
	contents(m[0], false);
	assert_int_equal(slots_of(group, m[2]->number), n);
	contents(m[1], true);
	contents(m[0], true);
	assert_memory_equal(nexthop_at(group)->slot, before, n * sizeof(before[0]));
	assert_int_equal(found("default", "20.0.0.1"), group);
}

static void the_better_source_counts(void **state)
{
	struct ip_prefix p;
	struct ip_addr a;
	struct fault f;
	struct vrf *v = vrf_by_id(1);
	struct route_via via = {.weight = 1};

	links();
	assert_int_equal(ip_parse("10.0.0.20", "x", &a, &f), 0);
	assert_int_equal(route_host_set(v, &a, NEXTHOP_NUMBER_REJECT), 0);
	assert_int_equal(kind_found("10.0.0.20"), NEXTHOP_REJECT);
	must_do("route.add", "{'routes': [{'prefix': '10.0.0.20/32', 'via': 'drop'},"
			     "{'prefix': '10.0.0.0/24', 'via': 'drop'}]}");
	assert_int_equal(kind_found("10.0.0.20"), NEXTHOP_DROP);
	assert_int_equal(kind_found("10.0.0.21"), NEXTHOP_CONNECTED);
	must_do("route.del", "{'prefixes': ['10.0.0.20/32']}");
	assert_int_equal(kind_found("10.0.0.20"), NEXTHOP_REJECT);
	route_host_del(v, &a);
	assert_int_equal(kind_found("10.0.0.20"), NEXTHOP_CONNECTED);
	via.iface = iface_by_id(1);
	assert_int_equal(ip_parse("10.0.0.9", "x", &via.gateway, &f), 0);
	assert_int_equal(ip_prefix_parse("60.0.0.0/8", "x", true, &p, &f), 0);
	assert_int_equal(route_linux_set(v, &p, &via, 1), 0);
	assert_int_equal(found("default", "60.0.0.1"), neigh_of("10.0.0.9")->number);
	assert_int_equal(route_linux_set(v, &p, NULL, 0), 0);
	assert_int_equal(kind_found("60.0.0.1"), NEXTHOP_DROP);
	assert_null(neighs);
	assert_int_equal(route_linux_set(v, &p, &via, 1), 0);
	must_do("route.add", "{'routes': [{'prefix': '60.0.0.0/8', 'via': 'reject'}]}");
	assert_int_equal(kind_found("60.0.0.1"), NEXTHOP_REJECT);
	route_linux_del(v, &p);
	route_linux_del(v, &p);
	assert_int_equal(kind_found("60.0.0.1"), NEXTHOP_REJECT);
	must_do("route.flush", "{'vrf': 'default'}");
	assert_int_equal(kind_found("60.0.0.1"), -1);
	assert_int_equal(kind_found("10.0.0.21"), NEXTHOP_CONNECTED);
	// Whichever comes first in a transaction.
	must_txn("[['route.add', {'routes': [{'prefix': '10.0.5.0/24', 'via': 'drop'}]}],"
		 "['iface.set', {'name': 'a', 'addresses': ['10.0.5.1/24', '10.0.6.1/24']}],"
		 "['route.add', {'routes': [{'prefix': '10.0.6.0/24', 'via': 'drop'}]}]]");
	assert_int_equal(kind_found("10.0.5.21"), NEXTHOP_CONNECTED);
	assert_int_equal(kind_found("10.0.6.21"), NEXTHOP_CONNECTED);
	must_do("iface.del", "{'name': 'a'}");
	assert_int_equal(kind_found("10.0.5.21"), NEXTHOP_DROP);
	assert_int_equal(kind_found("10.0.6.21"), NEXTHOP_DROP);
}

static void vrfs_are_apart(void **state)
{
	struct fault f;

	links();
	must_do("vrf.add", "{'name': 'blue'}");
	must_do("port.add", "{'name': 'r', 'type': 'fake'}");
	must_do("iface.add", "{'name': 'c', 'vrf': 'blue', 'port': 'r', 'addresses': ['10.0.0.1/24']}");
	must_do("route.add", "{'vrf': 'blue', 'routes': [{'prefix': '0.0.0.0/0', 'via': [{'address': '10.0.0.9'}]}]}");
	assert_ptr_equal(neigh_of("10.0.0.9")->iface, iface_by_id(3));
	assert_int_equal(found("blue", "9.9.9.9"), neigh_of("10.0.0.9")->number);
	assert_int_equal(kind_found("9.9.9.9"), -1);
	must_refuse(-EINVAL, &f, "route.add",
		    "{'routes': [{'prefix': '9.0.0.0/8', 'via': [{'address': '10.0.0.9', 'iface': 'c'}]}]}");
	assert_non_null(strstr(f.message, "another VRF"));
	must_do("iface.del", "{'name': 'c'}");
	assert_null(neighs);
	must_refuse(-EBUSY, &f, "vrf.del", "{'name': 'blue'}");
	must_do("route.flush", "{'vrf': 'blue'}");
	must_do("vrf.del", "{'name': 'blue'}");
	must_do("vrf.add", "{'name': 'blue'}");
	assert_int_equal(found("blue", "9.9.9.9"), 0);
}

static void an_interface_that_routes_name_stays(void **state)
{
	struct fault f;

	links();
	must_do("route.add", "{'routes': [{'prefix': '9.0.0.0/8', 'via': [{'address': '10.0.0.9', 'iface': 'a'}]}]}");
	must_refuse(-EBUSY, &f, "iface.del", "{'name': 'a'}");
	must_do("iface.set", "{'name': 'a', 'addresses': []}");
	assert_int_equal(kind_found("9.0.0.1"), -1);
	must_do("iface.set", "{'name': 'a', 'addresses': ['10.0.0.2/24']}");
	assert_int_equal(kind_found("9.0.0.1"), NEXTHOP_UNRESOLVED);
	must_do("route.del", "{'prefixes': ['9.0.0.0/8']}");
	must_do("iface.del", "{'name': 'a'}");
}

static void set_makes_exactly_these(void **state)
{
	json_t *o;

	links();
	must_do("route.add",
		"{'routes': [{'prefix': '20.0.0.0/8', 'via': 'drop'}, {'prefix': '21.0.0.0/8', 'via': 'drop'},"
		"{'prefix': '22.0.0.0/8', 'via': 'drop'}]}");
	o = must_call("route.set",
		      "{'routes': [{'prefix': '21.0.0.0/8', 'via': 'reject'},"
		      "{'prefix': '22.0.0.0/8', 'via': 'drop'}, {'prefix': '23.0.0.0/8', 'via': 'drop'}]}");
	assert_int_equal(json_integer_value(json_object_get(o, "added")), 1);
	assert_int_equal(json_integer_value(json_object_get(o, "replaced")), 1);
	assert_int_equal(json_integer_value(json_object_get(o, "removed")), 1);
	json_decref(o);
	assert_int_equal(kind_found("20.0.0.1"), -1);
	assert_int_equal(kind_found("21.0.0.1"), NEXTHOP_REJECT);
	assert_int_equal(kind_found("22.0.0.1"), NEXTHOP_DROP);
	assert_int_equal(kind_found("23.0.0.1"), NEXTHOP_DROP);
}

static void full_memory_refuses_and_takes_all_back(void **state)
{
	json_t *routes = json_array(), *params;
	char text[IP_TEXT_LEN];
	json_t *result;
	struct fault f = {0};
	uint64_t used;

	links();
	must_do("route.add", "{'routes': [{'prefix': '1.0.0.0/8', 'via': 'reject'}]}");
	used = fib_pool_used(route_pool());
	for (unsigned int i = 0; i < 1200000; i++) {
		uint32_t a = (uint32_t)(UINT64_C(0x9e3779b1) * i); // all differ

		snprintf(text, sizeof(text), "%u.%u.%u.%u/32", 1 + (a >> 24) % 100, a >> 16 & 255, a >> 8 & 255,
			 a & 255);
		if (a >> 24 < 100)
			json_array_append_new(routes, json_pack("{s:s, s:s}", "prefix", text, "via", "drop"));
	}
	params = json_pack("{s:o}", "routes", routes);
	assert_int_equal(rpc_do("route.add", params, NULL, &result, &f), -ENOSPC);
	json_decref(params);
	assert_non_null(strstr(f.message, "memory of the FIBs"));
	settle();
	fib_pool_reclaim(route_pool());
	assert_true(fib_pool_used(route_pool()) <= used + (1 << 20));
	assert_int_equal(kind_found("1.0.0.1"), NEXTHOP_REJECT);
	assert_int_equal(vrf_by_id(1)->routes->nstatic, 1);
	must_do("route.add", "{'routes': [{'prefix': '2.0.0.0/8', 'via': 'drop'}]}");
	assert_int_equal(kind_found("2.0.0.1"), NEXTHOP_DROP);
}

static void what_is_only_tried_leaves_nothing(void **state)
{
	char *before, *after;

	links();
	must_do("route.add", "{'routes': [{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.9'}]},"
			     "{'prefix': '30.0.0.0/8', 'via': [{'address': '20.0.0.9'}]}]}");
	before = everything();
	must_do("route.add",
		"{'routes': [{'prefix': '21.0.0.0/8', 'via': [{'address': '10.0.0.7'}]}], 'dry_run': true}");
	must_do("route.add", "{'routes': [{'prefix': '20.0.0.0/8', 'via': [{'address': '10.0.0.7'}]}], 'replace': "
			     "true, 'dry_run': true}");
	must_do("route.flush", "{'vrf': 'default', 'dry_run': true}");
	must_do("route.set", "{'routes': [{'prefix': '7.0.0.0/8', 'via': 'drop'}], 'dry_run': true}");
	must_do("iface.set", "{'name': 'a', 'addresses': ['10.9.0.1/24'], 'dry_run': true}");
	after = everything();
	must_be_same(before, after);
	assert_int_equal(kind_found("20.0.0.1"), NEXTHOP_UNRESOLVED);
	assert_int_equal(kind_found("30.0.0.1"), NEXTHOP_GROUP);
	free(before);
	free(after);
}

// When the FIBs have it already, as when the journal fails.
static int refuse_last(void *arg, struct fault *f)
{
	return fault_set(f, -EIO, NULL, NULL, NULL, "not this time");
}

static void a_vrf_with_all_in_it_can_be_taken_back(void **state)
{
	static const char *const ops[][2] = {
		{"route.add", "{\"routes\": [{\"prefix\": \"20.0.0.0/8\", \"via\": \"drop\"}]}"},
		{"vrf.add", "{\"name\": \"blue\"}"},
		{"iface.add",
		 "{\"name\": \"c\", \"vrf\": \"blue\", \"port\": \"r\", \"addresses\": [\"10.0.0.1/24\"]}"},
		{"route.add", "{\"vrf\": \"blue\", \"routes\": [{\"prefix\": \"0.0.0.0/0\", \"via\": [{\"address\": "
			      "\"10.0.0.9\"}]}]}"},
	};
	char *before, *after;
	struct fault f = {0};
	struct txn t;
	struct rpc_call call = {.txn = &t};

	links();
	must_do("port.add", "{'name': 'r', 'type': 'fake'}");
	before = everything();
	txn_begin(&t, false);
	for (size_t i = 0; i < RTE_DIM(ops); i++) {
		json_t *params = json_loads(ops[i][1], 0, NULL), *result;

		assert_int_equal(rpc_run(ops[i][0], params, &call, &result, &f), 0);
		json_decref(params);
		json_decref(result);
	}
	txn_check(&t, refuse_last, NULL);
	assert_int_equal(txn_commit(&t, &f), -EIO);
	settle();
	after = everything();
	must_be_same(before, after);
	assert_int_equal(kind_found("20.0.0.1"), -1);
	assert_null(neighs);
	free(before);
	free(after);
}

static void lists_page_in_order(void **state)
{
	json_t *list, *e;
	const char *key = NULL;
	char after[96] = "";
	size_t n = 0, i;

	links();
	must_do("route.add",
		"{'routes': [{'prefix': '20.0.0.0/8', 'via': 'drop'}, {'prefix': '10.0.0.0/24', 'via': 'drop'},"
		"{'prefix': '10.0.0.0/8', 'via': 'drop'}, {'prefix': '::/0', 'via': 'drop'}]}");
	do {
		list = must_call("route.list", "{'limit': 3%s}", after);
		json_array_foreach (list, i, e) {
			key = json_string_value(json_object_get(e, "key"));
			snprintf(after, sizeof(after), ", 'after': '%s'", key);
			n++;
		}
		i = json_array_size(list);
		json_decref(list);
	} while (i);
	assert_int_equal(n, 4 + 2 * 3 + 2 * 2 + 1);
	list = must_call("route.list", "{'prefix': '10.0.0.0/16'}");
	assert_int_equal(json_array_size(list), 7);
	e = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(e, "source")), "static");
	assert_true(json_is_false(json_object_get(e, "active")));
	json_decref(list);
	must_refuse(-EINVAL, NULL, "route.list", "{'after': 'x'}");
}

static void lookup_tells_the_whole_chain(void **state)
{
	json_t *o, *way;

	links();
	must_do("route.add",
		"{'routes': [{'prefix': '40.0.0.0/8', 'via': [{'address': '10.0.0.9'}, {'address': '10.0.1.9'}]},"
		"{'prefix': '50.0.0.0/8', 'via': [{'address': '40.0.0.1'}]}]}");
	contents(neigh_of("10.0.0.9"), true);
	contents(neigh_of("10.0.1.9"), true);
	o = must_call("route.lookup", "{'address': '50.1.2.3'}");
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "route"), "prefix")), "50.0.0.0/8");
	assert_non_null(json_object_get(json_array_get(json_object_get(o, "gateways"), 0), "through"));
	assert_int_equal(json_array_size(json_object_get(o, "ways")), 2);
	way = json_array_get(json_object_get(o, "ways"), 0);
	assert_int_equal(json_integer_value(json_object_get(way, "slots")) * 2,
			 json_integer_value(json_object_get(o, "slots")));
	assert_non_null(json_object_get(way, "dst_mac"));
	json_decref(o);
	o = must_call("route.lookup", "{'address': '9.9.9.9'}");
	assert_true(json_is_null(json_object_get(o, "route")));
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(addresses_have_routes),
		T(a_route_has_the_neighbours_own_number),
		T(refusals_name_the_element),
		T(host_bits_are_cleared_if_asked),
		T(gateways_are_found_through_other_routes),
		T(a_way_that_was_closed_further_on_opens_again),
		T(loops_are_refused),
		T(a_dead_member_loses_its_slots_and_gets_them_back),
		T(the_better_source_counts),
		T(vrfs_are_apart),
		T(an_interface_that_routes_name_stays),
		T(set_makes_exactly_these),
		T(full_memory_refuses_and_takes_all_back),
		T(what_is_only_tried_leaves_nothing),
		T(a_vrf_with_all_in_it_can_be_taken_back),
		T(lists_page_in_order),
		T(lookup_tells_the_whole_chain),
#undef T
	};

	harness_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
