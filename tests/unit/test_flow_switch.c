/* SPDX-License-Identifier: BSD-3-Clause */
// Bridges in mode flow: datapath ids, OpenFlow port numbers and who is told.
#include "objects_harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/flow_switch.h"
#include "../../control/openflow/ofp.h"

static struct {
	unsigned int created, removed, freed, told;
	uint32_t no;
	enum flow_port_reason reason;
} seen;

static void on_created(struct flow_bridge *fb)
{
	seen.created++;
}

static void on_removed(struct flow_bridge *fb)
{
	seen.removed++;
}

static void on_freed(struct flow_bridge *fb)
{
	seen.freed++;
}

static void on_port(struct flow_bridge *fb, const struct bridge_port *bp, enum flow_port_reason reason)
{
	seen.told++;
	seen.no = bp->of_no;
	seen.reason = reason;
}

static struct flow_listener listener = {
	.created = on_created, .removed = on_removed, .freed = on_freed, .port = on_port};

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	return harness_setup(state);
}

static struct flow_bridge *get(const char *name)
{
	struct flow_bridge *fb;
	struct fault f;

	assert_int_equal(flow_switch_get("bridge", name, &fb, &f), 0);
	return fb;
}

static void ports(unsigned int n)
{
	must_do("bridge.add", "{'name': 'br', 'mode': 'flow'}");
	for (unsigned int i = 1; i <= n; i++) {
		must_do("port.add", "{'name': 'p%u', 'type': 'fake'}", i);
		must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p%u'}", i);
	}
}

static uint32_t number(const char *port)
{
	return port_obj_find(port)->bp->of_no;
}

static void ports_are_numbered_as_they_come(void **state)
{
	ports(3);
	assert_int_equal(number("p1"), 1);
	assert_int_equal(number("p3"), 3);
	assert_ptr_equal(flow_switch_port(get("br"), 2), port_obj_find("p2")->bp);
	assert_null(flow_switch_port(get("br"), 4));
	assert_null(flow_switch_port(get("br"), UINT32_MAX));
	assert_ptr_equal(flow_switch_port_after(get("br"), 0), port_obj_find("p1")->bp);
	assert_null(flow_switch_port_after(get("br"), 4));
	assert_int_equal(seen.told, 3);
	assert_int_equal(seen.no, 3);
	assert_int_equal(seen.reason, FLOW_PORT_ADDED);
}

static void a_port_that_comes_back_has_its_number(void **state)
{
	ports(3);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p1'}");
	assert_int_equal(seen.reason, FLOW_PORT_REMOVED);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p2'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p2', 'vlan_mode': 'access', 'tag': 5}");
	assert_int_equal(number("p2"), 2);
	must_do("port.add", "{'name': 'q', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q'}");
	assert_int_equal(number("q"), 1);
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'p1'}");
	assert_int_equal(number("p1"), 4);
}

static void numbers_outlive_the_daemon(void **state)
{
	struct fault f;

	ports(3);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p1'}");
	objects_destroy();
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	assert_int_equal(objects_restore(&f), 0);
	assert_int_equal(number("p2"), 2);
	assert_int_equal(number("p3"), 3);
}

static void a_number_can_be_asked_for(void **state)
{
	char *before, *after;
	struct fault f;

	ports(1);
	must_do("port.add", "{'name': 'q', 'type': 'fake'}");
	before = everything();
	must_refuse(-EEXIST, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'q', 'of_port': 1}");
	assert_string_equal(f.field, "of_port");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'q', 'of_port': 16384}");
	after = everything();
	must_be_same(before, after);
	free(before);
	free(after);
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q', 'of_port': 16383}");
	assert_int_equal(number("q"), 16383);
	must_do("bridge.add", "{'name': 'other'}");
	must_do("port.add", "{'name': 'r', 'type': 'fake'}");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'other', 'port': 'r', 'of_port': 1}");
	must_do("bridge.port_add", "{'bridge': 'other', 'port': 'r'}");
	assert_int_equal(number("r"), 0);
}

static void the_local_port_has_a_number_of_its_own(void **state)
{
	struct fault f;

	ports(1);
	must_do("port.add", "{'name': 'q', 'type': 'fake'}");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'q', 'local': true, 'of_port': 2}");
	assert_string_equal(f.field, "of_port");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q', 'local': true, 'dry_run': true}");
	assert_null(flow_switch_port(get("br"), FLOW_PORT_LOCAL));
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q', 'local': true}");
	assert_int_equal(number("q"), FLOW_PORT_LOCAL);
	assert_ptr_equal(flow_switch_port(get("br"), FLOW_PORT_LOCAL), port_obj_find("q")->bp);
	assert_ptr_equal(flow_switch_port_after(get("br"), 2), port_obj_find("q")->bp);
	assert_null(flow_switch_port_after(get("br"), UINT32_MAX));
	must_do("port.add", "{'name': 'r', 'type': 'fake'}");
	must_refuse(-EEXIST, &f, "bridge.port_add", "{'bridge': 'br', 'port': 'r', 'local': true}");
	assert_string_equal(f.field, "local");
	objects_destroy();
	assert_int_equal(objects_create(fake.base, fake.fdb, FAKE_FIB_BYTES), 0);
	assert_int_equal(objects_restore(&f), 0);
	assert_int_equal(number("q"), FLOW_PORT_LOCAL);
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'q'}");
	assert_null(flow_switch_port(get("br"), FLOW_PORT_LOCAL));
	must_do("bridge.add", "{'name': 'other'}");
	must_refuse(-EINVAL, &f, "bridge.port_add", "{'bridge': 'other', 'port': 'q', 'local': true}");
	assert_string_equal(f.field, "local");
}

static void a_rollback_leaves_no_number(void **state)
{
	ports(1);
	must_do("port.add", "{'name': 'q', 'type': 'fake'}");
	must_do("bridge.port_add", "{'bridge': 'br', 'port': 'q', 'dry_run': true}");
	assert_null(flow_switch_port(get("br"), 2));
	must_do("bridge.port_del", "{'bridge': 'br', 'port': 'p1', 'dry_run': true}");
	assert_ptr_equal(flow_switch_port(get("br"), 1), port_obj_find("p1")->bp);
}

static void a_switch_comes_and_goes(void **state)
{
	struct flow_bridge *fb;
	struct fault f;
	uint64_t id;

	must_do("bridge.add", "{'name': 'br', 'mode': 'flow', 'dry_run': true}");
	assert_int_equal(seen.created, 0);
	assert_int_equal(seen.freed, 1);
	must_do("bridge.add", "{'name': 'br', 'mode': 'flow'}");
	must_do("bridge.add", "{'name': 'b2', 'mode': 'flow'}");
	must_do("bridge.add", "{'name': 'l2'}");
	assert_int_equal(seen.created, 2);
	assert_int_equal(flow_switch_get("bridge", "l2", &fb, &f), -EINVAL);
	assert_int_equal(flow_switch_get("bridge", "no", &fb, &f), -ENOENT);
	id = get("br")->datapath_id;
	assert_int_equal(id >> 40, 2 | (id >> 40 & 0xfc));
	assert_int_not_equal(id, get("b2")->datapath_id);
	flow_switch_set_datapath_id(get("br"), 42);
	assert_int_equal(get("br")->datapath_id, 42);
	flow_switch_set_datapath_id(get("br"), 0);
	assert_int_equal(get("br")->datapath_id, id);
	must_do("bridge.del", "{'name': 'br'}");
	assert_int_equal(seen.removed, 1);
	settle();
	assert_int_equal(seen.freed, 2);
}

static void ports_are_configured(void **state)
{
	struct bridge_port *bp;
	struct flow_error e;

	ports(1);
	bp = flow_switch_port(get("br"), 1);
	assert_int_equal(flow_switch_port_config_get(bp), 0);
	assert_int_equal(flow_switch_port_config(get("br"), bp, OFPPC_NO_FWD | OFPPC_NO_RECV,
						 OFPPC_NO_FWD | OFPPC_NO_PACKET_IN, &e),
			 0);
	assert_int_equal(flow_switch_port_config_get(bp), OFPPC_NO_FWD);
	assert_int_equal(seen.reason, FLOW_PORT_CHANGED);
	assert_int_equal(flow_switch_port_config(get("br"), bp, OFPPC_PORT_DOWN, OFPPC_PORT_DOWN, &e), 0);
	assert_int_equal(flow_switch_port_config_get(bp), OFPPC_NO_FWD | OFPPC_PORT_DOWN);
	assert_false(port_obj_find("p1")->admin_up);
	assert_int_equal(flow_switch_port_config(get("br"), bp, 2, 2, &e), -EINVAL);
	assert_int_equal(e.type, 7);
	assert_int_equal(e.code, 2);
	must_do("port.set", "{'name': 'p1', 'admin': 'up'}");
	assert_int_equal(flow_switch_port_config_get(bp), OFPPC_NO_FWD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ports_are_numbered_as_they_come, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_port_that_comes_back_has_its_number, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(numbers_outlive_the_daemon, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_number_can_be_asked_for, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(the_local_port_has_a_number_of_its_own, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_rollback_leaves_no_number, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(a_switch_comes_and_goes, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(ports_are_configured, setup, harness_teardown),
	};

	harness_start();
	flow_switch_listen(&listener);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
