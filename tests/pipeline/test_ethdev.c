/* SPDX-License-Identifier: BSD-3-Clause */
// Ports that DPDK's drivers serve: made, used and unmade through port_ops, and refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "harness.h"
#include "ports_fixture.h"

static char pcap_path[] = "/tmp/test_ethdev.XXXXXX";

static int leave_nothing_behind(void **state)
{
	return rte_eth_dev_count_total() == 0 && rte_mempool_in_use_count(port_pool()) == 0 ? 0 : -1;
}

static void null_takes_frames_and_gives_some(void **state)
{
	struct rte_mbuf *m[64];
	struct port p;

	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null1\", \"rxq\": 1}", 1);
	assert_int_equal(p.link_up, 1);
	assert_int_equal(p.rxq[0].rx(&p.rxq[0], m, 64), 64);
	assert_int_equal(p.txq[0].tx(&p.txq[0], m, 64), 64);
	assert_false(rte_is_zero_ether_addr(&p.mac));
	fixture_stop(&p);
}

static void queue_counts_follow_workers_and_parameters(void **state)
{
	struct port p;

	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null1,no-rx=1\", \"rxq\": 4}", 3);
	assert_int_equal(p.nrxq, 4);
	assert_int_equal(p.ntxq, 3);
	assert_false(p.txq[0].shared);
	fixture_stop(&p);
	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null1,no-rx=1\", \"txq\": 2}", 3);
	assert_int_equal(p.nrxq, 1);
	assert_int_equal(p.ntxq, 2);
	assert_true(p.txq[1].shared);
	fixture_stop(&p);
}

static void ring_gives_back_what_it_took(void **state)
{
	uint8_t frame[200];
	struct port p;

	memset(frame, 0x5a, sizeof(frame));
	fixture_start(&p, "dpdk", "{\"devargs\": \"net_ring0\"}", 1);
	fixture_tx(&p, fixture_mbuf(frame, sizeof(frame)));
	struct rte_mbuf *m = fixture_rx(&p, 100);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, sizeof(frame));
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, sizeof(frame));
	rte_pktmbuf_free(m);
	fixture_stop(&p);
}

// Two packets of 60 and 90 bytes.
static void pcap_write(const char *path)
{
	const uint32_t header[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};
	uint8_t data[90];
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t len = 60; len <= 90; len += 30) {
		const uint32_t record[] = {0, 0, len, len};

		memset(data, (int)len, sizeof(data));
		fwrite(record, sizeof(record), 1, file);
		fwrite(data, len, 1, file);
	}
	assert_int_equal(fclose(file), 0);
}

static void pcap_file_is_replayed(void **state)
{
	char params[128];
	struct rte_mbuf *m;
	struct port p;

	pcap_write(pcap_path);
	snprintf(params, sizeof(params), "{\"devargs\": \"net_pcap0,rx_pcap=%s\"}", pcap_path);
	fixture_start(&p, "dpdk", params, 1);
	for (uint32_t len = 60; len <= 90; len += 30) {
		m = fixture_rx(&p, 100);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, len);
		assert_int_equal(*rte_pktmbuf_mtod(m, uint8_t *), len);
		rte_pktmbuf_free(m);
	}
	assert_null(fixture_rx(&p, 10));
	fixture_stop(&p);

	snprintf(params, sizeof(params), "{\"devargs\": \"net_pcap0,rx_pcap=%s,infinite_rx=1\"}", pcap_path);
	fixture_start(&p, "dpdk", params, 1);
	for (int i = 0; i < 1000; i++) {
		m = fixture_rx(&p, 100);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, i % 2 ? 90 : 60);
		rte_pktmbuf_free(m);
	}
	fixture_stop(&p);
}

static void device_that_is_there_already_is_adopted_once(void **state)
{
	struct port p, q;
	struct fault f;

	assert_int_equal(rte_dev_probe("net_null7,no-rx=1"), 0);
	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null7\"}", 1);
	assert_int_equal(fixture_create(&q, "dpdk", "{\"devargs\": \"net_null7\"}", 1, &f), -EEXIST);
	assert_string_equal(f.field, "devargs");
	assert_non_null(strstr(f.message, "net_null7"));
	fixture_stop(&p);
	assert_int_equal(rte_eth_dev_count_total(), 0);
	// The name is free again, and now it is a device of our own.
	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null7,no-rx=1\"}", 1);
	fixture_stop(&p);
}

static void a_full_table_of_devices_says_so(void **state)
{
	static struct port p[RTE_MAX_ETHPORTS + 1];
	char params[64];
	struct fault f;

	for (int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		snprintf(params, sizeof(params), "{\"devargs\": \"net_null%d,no-rx=1\"}", i);
		fixture_start(&p[i], "dpdk", params, 1);
	}
	assert_int_equal(fixture_create(&p[RTE_MAX_ETHPORTS], "dpdk", "{\"devargs\": \"net_null99\"}", 1, &f), -ENOSPC);
	assert_string_equal(f.field, "devargs");
	for (int i = 0; i < RTE_MAX_ETHPORTS; i++)
		fixture_stop(&p[i]);
}

static void mtu_and_mac_are_set_or_refused(void **state)
{
	const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 9}}, group = {{3, 0, 0, 0, 0, 9}};
	struct fault f;
	struct port p;

	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null1,no-rx=1\"}", 1);
	assert_int_equal(p.mtu, 1500);
	assert_int_equal(p.ops->set_mtu(&p, 1200, &f), 0);
	assert_int_equal(p.mtu, 1200);
	assert_int_equal(p.ops->set_mtu(&p, (uint16_t)(p.max_mtu + 1), &f), -EINVAL);
	assert_string_equal(f.field, "mtu");
	assert_int_equal(p.ops->set_mtu(&p, 67, &f), -EINVAL);
	assert_int_equal(p.mtu, 1200);
	assert_int_equal(p.ops->set_mac(&p, &mac, &f), 0);
	assert_true(rte_is_same_ether_addr(&p.mac, &mac));
	assert_int_equal(p.ops->set_mac(&p, &group, &f), -EINVAL);
	assert_string_equal(f.field, "mac");
	assert_true(rte_is_same_ether_addr(&p.mac, &mac));
	fixture_stop(&p);
}

static void what_is_reported_is_flat_and_named(void **state)
{
	struct port_dev_stats stats;
	json_t *info = json_object();
	struct port p;

	fixture_start(&p, "dpdk", "{\"devargs\": \"net_ring0\"}", 1);
	p.ops->info(&p, info);
	assert_string_equal(json_string_value(json_object_get(info, "driver")), "net_ring");
	assert_string_equal(json_string_value(json_object_get(info, "device")), "net_ring0");
	assert_int_equal(json_integer_value(json_object_get(info, "link_speed_bps")), 10000000000);
	assert_true(json_is_array(json_object_get(info, "tx_offloads")));
	json_decref(info);
	p.ops->stats(&p, &stats);
	assert_int_equal(stats.rx_errors + stats.tx_errors + stats.rx_missed, 0);
	fixture_stop(&p);
}

static void a_driver_tells_what_it_is_and_what_it_counts(void **state)
{
	json_t *driver = json_object(), *xstats = json_object();
	const json_t *rx;
	struct fault f;
	struct port p;

	fixture_start(&p, "dpdk", "{\"devargs\": \"net_null0,no-rx=1\", \"rx_descs\": 256}", 1);
	assert_int_equal(p.ops->driver(&p, driver, &f), 0);
	assert_string_equal(json_string_value(json_object_get(driver, "driver")), "net_null");
	assert_string_equal(json_string_value(json_object_get(driver, "device")), "net_null0");
	assert_string_equal(json_string_value(json_object_get(driver, "link_speed")), "10 Gbps");
	assert_true(json_is_true(json_object_get(driver, "promiscuous")));
	assert_true(json_is_false(json_object_get(driver, "vlan_strip")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(driver, "rss_types"), 0)), "ipv4");
	rx = json_object_get(driver, "rx_queue");
	assert_int_equal(json_integer_value(json_object_get(rx, "descs")), 256);
	assert_int_equal(p.ops->xstats(&p, xstats, &f), 0);
	assert_true(json_is_integer(json_object_get(xstats, "rx_good_packets")));
	assert_true(json_is_integer(json_object_get(xstats, "tx_q0_bytes")));
	json_decref(driver);
	json_decref(xstats);
	fixture_stop(&p);
}

static unsigned int removals;

static void count_removals(struct port *p, enum port_event ev)
{
	if (ev == PORT_EVENT_REMOVED)
		__atomic_fetch_add(&removals, 1, __ATOMIC_RELEASE);
}

// virtio-user against our own vhost-user port, whose library answers from threads of its own.
static void virtio_user_talks_to_vhost_user(void **state)
{
	char path[] = "/tmp/test_ethdev_vhost.XXXXXX", params[128];
	uint8_t frame[300];
	struct port guest, host;

	if (port_kind("vhost-user") == NULL)
		skip();
	assert_non_null(mkdtemp(path));
	memset(frame, 0x33, sizeof(frame));
	snprintf(params, sizeof(params), "{\"path\": \"%s/s\", \"mode\": \"server\", \"queues\": 1}", path);
	fixture_start(&host, "vhost-user", params, 1);
	snprintf(params, sizeof(params), "{\"path\": \"%s/s\", \"queues\": 1}", path);
	fixture_start(&guest, "virtio-user", params, 1);
	assert_true(fixture_link(&host, true));
	assert_true(fixture_link(&guest, true));

	// The host's side sees the queue some time after the link.
	struct rte_mbuf *m = NULL;
	for (int i = 0; i < 100 && m == NULL; i++) {
		fixture_tx(&guest, fixture_mbuf(frame, sizeof(frame)));
		m = fixture_rx(&host, 20);
	}
	assert_non_null(m);
	assert_int_equal(m->pkt_len, sizeof(frame));
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, sizeof(frame));
	fixture_tx(&host, m);
	m = fixture_rx(&guest, 1000);
	assert_non_null(m);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, sizeof(frame));
	rte_pktmbuf_free(m);
	while ((m = fixture_rx(&host, 5)) != NULL)
		rte_pktmbuf_free(m);

	// The other side goes: the port is told to be removed, once.
	removals = 0;
	port_notify_set(count_removals);
	fixture_stop(&host);
	assert_true(fixture_link(&guest, false));
	for (int i = 0; i < 100 && __atomic_load_n(&removals, __ATOMIC_ACQUIRE) == 0; i++)
		usleep(1000);
	usleep(1200000); // two more looks at the link
	assert_int_equal(removals, 1);
	port_notify_set(NULL);
	fixture_stop(&guest);
	rmdir(path);
}

static void virtio_user_does_not_wait_for_a_silent_socket(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/test_ethdev_silent.XXXXXX", params[160];
	struct fault f;
	struct port p;

	assert_non_null(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(params, sizeof(params), "{\"path\": \"%s\", \"queues\": 1}", addr.sun_path);
	const time_t begin = time(NULL);
	assert_int_equal(fixture_create(&p, "virtio-user", params, 1, &f), -ETIMEDOUT);
	assert_string_equal(f.field, "path");
	assert_in_range(time(NULL) - begin, 0, 6);
	close(fd);
	unlink(addr.sun_path);
	rmdir(dir);
}

static const struct {
	const char *type, *params;
	int err;
	const char *field, *message;
} bad[] = {
	{"dpdk", "{\"devargs\": \"net_nosuch0\"}", -EINVAL, "devargs", "no bus or driver"},
	{"dpdk", "{\"devargs\": \",\"}", -EINVAL, "devargs", "no bus or driver"},
	{"dpdk", "{\"devargs\": \"0000:ff:1f.7\"}", -ENODEV, "devargs", "0000:ff:1f.7"},
	{"dpdk", "{\"devargs\": \"net_null1,nonsense=1\"}", -EINVAL, "devargs", "net_null1"},
	{"dpdk", "{\"devargs\": \"net_pcap0,rx_pcap=/nonexistent/file\"}", -EINVAL, "devargs", "No such file"},
	{"dpdk", "{\"devargs\": \"net_pcap0,rx_pcap=/dev/null,infinite_rx=1\"}", -EINVAL, "devargs", "/dev/null"},
	{"dpdk", "{\"devargs\": \"net_tap0,iface=a-name-too-long-for-linux\"}", -EINVAL, "devargs", "net_tap0"},
	{"dpdk", "{\"devargs\": \"net_null1\", \"rxq\": 65}", -EINVAL, "rxq", "at most 64"},
	{"dpdk", "{\"devargs\": \"net_ring0\", \"txq\": 17}", -EINVAL, "txq", "at most 16"},
	{"dpdk", "{\"devargs\": \"crypto_null0\"}", -EINVAL, "devargs", "not an Ethernet device"},
	{"virtio-user", "{\"path\": \"/nonexistent/socket\", \"queues\": 1}", -EINVAL, "path", "No such file"},
	{"virtio-user", "{\"path\": \"/tmp/a,b\", \"queues\": 1}", -EINVAL, "path", "cannot carry"},
};

static void bad_input_names_its_field_and_leaves_nothing(void **state)
{
	struct port p;
	struct fault f;

	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		// Twice: the first refusal must not be the reason of the second.
		for (int round = 0; round < 2; round++) {
			const int ret = fixture_create(&p, bad[i].type, bad[i].params, 1, &f);

			if (ret != bad[i].err || strcmp(f.field, bad[i].field) != 0 ||
			    (strstr(f.message, bad[i].message) == NULL && strstr(f.allowed, bad[i].message) == NULL))
				fail_msg("%s: %d, field %s, %s (allowed: %s)", bad[i].params, ret, f.field, f.message,
					 f.allowed);
			assert_int_equal(rte_eth_dev_count_total(), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(null_takes_frames_and_gives_some, leave_nothing_behind),
		cmocka_unit_test_teardown(queue_counts_follow_workers_and_parameters, leave_nothing_behind),
		cmocka_unit_test_teardown(ring_gives_back_what_it_took, leave_nothing_behind),
		cmocka_unit_test_teardown(pcap_file_is_replayed, leave_nothing_behind),
		cmocka_unit_test_teardown(device_that_is_there_already_is_adopted_once, leave_nothing_behind),
		cmocka_unit_test_teardown(a_full_table_of_devices_says_so, leave_nothing_behind),
		cmocka_unit_test_teardown(mtu_and_mac_are_set_or_refused, leave_nothing_behind),
		cmocka_unit_test_teardown(what_is_reported_is_flat_and_named, leave_nothing_behind),
		cmocka_unit_test_teardown(a_driver_tells_what_it_is_and_what_it_counts, leave_nothing_behind),
		cmocka_unit_test_teardown(virtio_user_talks_to_vhost_user, leave_nothing_behind),
		cmocka_unit_test_teardown(virtio_user_does_not_wait_for_a_silent_socket, leave_nothing_behind),
		cmocka_unit_test_teardown(bad_input_names_its_field_and_leaves_nothing, leave_nothing_behind),
	};

	signal(SIGPIPE, SIG_IGN); // as the daemon does: drivers write to sockets whose other end is gone
	harness_init();
	if (mkstemp(pcap_path) < 0)
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(pcap_path);
	return failed;
}
