/* SPDX-License-Identifier: BSD-3-Clause */
// The registry of port kinds, queues, the pool, link changes, and faults.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "../../ports/port.h"

static const struct port_ops middle = {.name = "middle"};
static const struct port_ops first = {.name = "first"};
static const struct port_ops second = {.name = "second"};
PORT_KIND(middle)
PORT_KIND(second)
PORT_KIND(first)

static void kinds_are_found_and_listed_by_name(void **state)
{
	assert_ptr_equal(port_kind("middle"), &middle);
	assert_ptr_equal(port_kind("second"), &second);
	assert_null(port_kind("midd"));
	assert_null(port_kind(""));
	assert_ptr_equal(port_kind_at(0), &first);
	assert_ptr_equal(port_kind_at(1), &middle);
	assert_ptr_equal(port_kind_at(2), &second);
	assert_null(port_kind_at(3));
}

static void queues_know_their_port_and_whether_they_are_shared(void **state)
{
	struct port p = {.id = 77};

	assert_int_equal(port_queues_alloc(&p, 3, 2, 2), 0);
	assert_int_equal(p.nrxq, 3);
	assert_int_equal(p.ntxq, 2);
	for (uint16_t i = 0; i < 3; i++) {
		assert_int_equal((uintptr_t)&p.rxq[i] % RTE_CACHE_LINE_SIZE, 0);
		assert_ptr_equal(p.rxq[i].port, &p);
		assert_int_equal(p.rxq[i].port_id, 77);
		assert_int_equal(p.rxq[i].queue, i);
		assert_null(p.rxq[i].idle_word);
		assert_int_equal(p.rxq[i].packets, 0);
	}
	for (uint16_t i = 0; i < 2; i++) {
		assert_ptr_equal(p.txq[i].port, &p);
		assert_int_equal(p.txq[i].queue, i);
		assert_false(p.txq[i].shared);
		assert_int_equal(rte_spinlock_trylock(&p.txq[i].lock), 1);
	}
	port_queues_free(&p);
	assert_null(p.rxq);
	assert_int_equal(p.nrxq, 0);

	assert_int_equal(port_queues_alloc(&p, 0, 2, 3), 0);
	assert_true(p.txq[0].shared && p.txq[1].shared);
	port_queues_free(&p);
	port_queues_free(&p);
}

static unsigned int notified;
static enum port_event last_event;

static void count_event(struct port *p, enum port_event ev)
{
	notified++;
	last_event = ev;
}

static void link_changes_notify_once(void **state)
{
	struct port p = {.id = 1};

	port_link_set(&p, true); // nobody listens yet
	port_notify_set(count_event);
	port_link_set(&p, true);
	assert_int_equal(notified, 0);
	port_link_set(&p, false);
	port_link_set(&p, false);
	assert_int_equal(notified, 1);
	assert_int_equal(last_event, PORT_EVENT_LINK);
	assert_int_equal(p.link_up, 0);
	port_notify(&p, PORT_EVENT_REMOVED);
	assert_int_equal(last_event, PORT_EVENT_REMOVED);
	port_notify_set(NULL);
}

static void pool_is_made_once_of_at_least_a_burst_per_cache(void **state)
{
	struct fault f;

	assert_int_equal(port_pool_create(1023, &f), -EINVAL);
	assert_string_equal(f.field, "mbufs");
	assert_string_equal(f.value, "1023");
	assert_null(port_pool());
	assert_int_equal(port_pool_create(1 << 30, &f), -ENOMEM);
	assert_string_equal(f.field, "mbufs");
	assert_int_equal(port_pool_create(2048, &f), 0);
	assert_int_equal(port_pool()->size, 2048);
	assert_int_equal(port_pool()->cache_size, 512);
	assert_int_equal(port_pool_create(2048, &f), -EEXIST);
	struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());
	assert_int_equal(rte_pktmbuf_tailroom(m), PORT_MBUF_DATA);
	rte_pktmbuf_free(m);
	port_pool_destroy();
	assert_null(port_pool());
	assert_int_equal(port_pool_create(1024, &f), 0);
	port_pool_destroy();
}

static void faults_carry_what_is_wrong_and_what_is_allowed(void **state)
{
	struct fault f;

	assert_int_equal(fault_set(&f, -EINVAL, "mtu", "12", "68 to 9702", "MTU %d is too small", 12), -EINVAL);
	assert_int_equal(f.err, -EINVAL);
	assert_string_equal(f.message, "MTU 12 is too small");
	assert_string_equal(f.field, "mtu");
	assert_string_equal(f.value, "12");
	assert_string_equal(f.allowed, "68 to 9702");

	fault_set(&f, -EIO, NULL, NULL, NULL, "cannot");
	assert_string_equal(f.message, "cannot: Input/output error");
	assert_string_equal(f.field, "");
	assert_string_equal(f.value, "");

	fault_str(&f, -EEXIST, "name", "a\"b\\\n", NULL, "exists");
	assert_string_equal(f.value, "\"a\\\"b\\\\\\n\"");
	assert_string_equal(f.message, "exists");
}

// Whatever is put in, the value is JSON text and all texts are UTF-8, or jansson would refuse the answer.
static void faults_stay_valid_however_long_and_strange_the_value(void **state)
{
	static const char *const units[] = {"a", "\"", "\x01", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	char text[600];
	struct fault f;

	for (size_t u = 0; u < RTE_DIM(units); u++) {
		for (size_t shift = 0; shift < 4; shift++) {
			size_t len = shift;

			memset(text, 'x', shift);
			while (len + strlen(units[u]) < sizeof(text)) {
				memcpy(text + len, units[u], strlen(units[u]));
				len += strlen(units[u]);
			}
			text[len] = '\0';
			fault_str(&f, -EINVAL, text, text, text, "%s", text);
			json_t *all = json_pack("[sss]", f.message, f.field, f.allowed);
			assert_non_null(all);
			json_decref(all);
			assert_true(strlen(f.message) > 200);
			json_t *value = json_loads(f.value, JSON_DECODE_ANY, NULL);
			assert_true(json_is_string(value));
			assert_true(json_string_length(value) > 10);
			assert_non_null(strstr(json_string_value(value), "..."));
			json_decref(value);
		}
	}
	fault_str(&f, -EINVAL, "f", "\xff\xfe", NULL, "not text");
	assert_string_equal(f.value, "");
	fault_set(&f, -EINVAL, "f", text, NULL, "JSON text that does not fit is left out, not cut");
	assert_string_equal(f.value, "");
}

static int setup(void **state)
{
	char *argv[] = {"test", "--no-huge", "--no-pci",    "--no-shconf", "--no-telemetry", "-m", "64",
			"-l",   "0",         "--log-level", "*:4"};

	return rte_eal_init(RTE_DIM(argv), argv) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_found_and_listed_by_name),
		cmocka_unit_test(queues_know_their_port_and_whether_they_are_shared),
		cmocka_unit_test(link_changes_notify_once),
		cmocka_unit_test(pool_is_made_once_of_at_least_a_burst_per_cache),
		cmocka_unit_test(faults_carry_what_is_wrong_and_what_is_allowed),
		cmocka_unit_test(faults_stay_valid_however_long_and_strange_the_value),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
