/* SPDX-License-Identifier: BSD-3-Clause */
// The vhost-user port kind against a front end that keeps the rules, first of DPDK's virtio-user, then our own.
#include "vhost_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_net.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "vhost_frontend.h"

static const char *path_of(const char *file)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", fixture_dir, file);
	return path;
}

static uint16_t virtio_user_start(const char *file, uint16_t queues, const char *more)
{
	const struct rte_eth_conf conf = {0};
	char args[256];
	uint16_t id;

	snprintf(args, sizeof(args), "path=%s,queues=%u%s", path_of(file), queues, more);
	assert_int_equal(rte_eal_hotplug_add("vdev", "net_virtio_user0", args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_virtio_user0", &id), 0);
	assert_int_equal(rte_eth_dev_configure(id, queues, queues, &conf), 0);
	for (uint16_t i = 0; i < queues; i++) {
		assert_int_equal(rte_eth_rx_queue_setup(id, i, 256, SOCKET_ID_ANY, NULL, port_pool()), 0);
		assert_int_equal(rte_eth_tx_queue_setup(id, i, 256, SOCKET_ID_ANY, NULL), 0);
	}
	assert_int_equal(rte_eth_dev_start(id), 0);
	return id;
}

static void virtio_user_stop(uint16_t id)
{
	rte_eth_dev_stop(id);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "net_virtio_user0"), 0);
}

static void frame_fill(uint8_t *frame, uint16_t len, uint8_t seed)
{
	for (uint16_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(seed + i * 7);
	frame[12] = 0x88; // an EtherType for experiments (IEEE 802, 9.2)
	frame[13] = 0xb5;
}

// n frames of the guest's queue come back from the echoing port with the same bytes, in order.
static void echo_frames(uint16_t id, uint16_t queue, unsigned int n)
{
	unsigned int got = 0;

	for (unsigned int i = 0; i < n; i++) {
		const uint16_t len = 60 + (i * 37) % 1400;
		struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

		frame_fill((uint8_t *)rte_pktmbuf_append(m, len), len, i);
		wait_until(rte_eth_tx_burst(id, queue, &m, 1) == 1);
		for (struct rte_mbuf *back = NULL; got <= i; got++) {
			uint8_t want[1500];

			wait_until(rte_eth_rx_burst(id, queue, &back, 1) == 1);
			frame_fill(want, 60 + (got * 37) % 1400, got);
			assert_int_equal(rte_pktmbuf_pkt_len(back), 60 + (got * 37) % 1400);
			assert_memory_equal(rte_pktmbuf_mtod(back, void *), want, rte_pktmbuf_data_len(back));
			rte_pktmbuf_free(back);
		}
	}
}

static bool known_idle(const struct rxq *q)
{
	const uint16_t *word = __atomic_load_n(&q->idle_word, __ATOMIC_ACQUIRE);

	// Of the worker's own; it may be just writing it.
	return word != NULL && *word == __atomic_load_n(&q->idle_value, __ATOMIC_RELAXED);
}

// While nothing comes, the worker does not enter the library at all.
static void assert_not_called(const struct port *p)
{
	struct fixture_counts before;

	for (uint16_t i = 0; i < p->nrxq; i++)
		wait_until(known_idle(&p->rxq[i]));
	before = fixture_counts();
	wait_until(fixture_counts().loops > before.loops + 1000);
	assert_int_equal(fixture_counts().calls, before.calls);
}

static void virtio_user_frames(const char *conf, const char *more, uint16_t queues)
{
	struct port *p = fixture_port("a", conf);
	uint16_t id;

	fixture_worker_start(p, true);
	assert_not_called(p); // nobody is connected
	id = virtio_user_start("a", queues, more);
	wait_until(fixture_link(p));
	for (uint16_t i = 0; i < queues; i++)
		echo_frames(id, i, 300);
	assert_not_called(p);
	for (uint16_t i = 0; i < queues; i++)
		echo_frames(id, i, 3);
	virtio_user_stop(id);
	wait_until(!fixture_link(p));
	assert_not_called(p);
	fixture_worker_stop();
	fixture_port_free(p);
}

static void passes_frames_in_client_mode(void **state)
{
	virtio_user_frames("{}", ",server=1", 1);
}

static void passes_frames_in_server_mode(void **state)
{
	virtio_user_frames("{\"mode\":\"server\"}", "", 1);
}

static void passes_frames_on_packed_rings(void **state)
{
	virtio_user_frames("{\"mode\":\"server\"}", ",packed_vq=1,mrg_rxbuf=1,in_order=0", 1);
}

static void passes_frames_on_two_queue_pairs(void **state)
{
	virtio_user_frames("{\"mode\":\"server\",\"queues\":2}", "", 2);
}

static void removes_a_dead_socket_and_its_own(void **state)
{
	const int dead = frontend_listen(path_of("dead"));
	struct port *p;

	close(dead);
	assert_int_equal(access(path_of("dead"), F_OK), 0);
	p = fixture_port("dead", "{\"mode\":\"server\"}");
	assert_int_equal(access(path_of("dead"), F_OK), 0);
	fixture_port_free(p);
	assert_int_equal(access(path_of("dead"), F_OK), -1);
}

static void refuses_bad_paths(void **state)
{
	const int alive = frontend_listen(path_of("alive"));
	const int file = open(path_of("file"), O_CREAT | O_WRONLY, 0600);
	char longest[200] = "/";
	struct stat before, after;
	struct port *p;
	struct fault f;

	memset(longest + 1, 'x', 107);
	fixture_refused(longest, "{}", &f);
	fixture_refused("relative", "{}", &f);
	fixture_refused("/no-such-folder/socket", "{}", &f);
	assert_int_equal(f.err, -ENOENT);
	fixture_refused("/tmp/", "{}", &f);
	fixture_refused(path_of("file"), "{}", &f);
	assert_int_equal(f.err, -EEXIST);
	fixture_refused(path_of("file"), "{\"mode\":\"server\"}", &f);
	assert_int_equal(f.err, -EEXIST);
	assert_int_equal(stat(path_of("alive"), &before), 0);
	fixture_refused(path_of("alive"), "{\"mode\":\"server\"}", &f);
	assert_int_equal(f.err, -EBUSY);
	assert_int_equal(stat(path_of("alive"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	p = fixture_port("one", "{}");
	fixture_refused(path_of("./one"), "{\"mode\":\"server\"}", &f);
	assert_int_equal(f.err, -EEXIST);
	assert_string_equal(f.message, "port one uses it already");
	fixture_port_free(p);
	close(alive);
	close(file);
}

static bool readable(int fd, int ms)
{
	struct timeval t = {.tv_usec = ms * 1000};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &t) == 1;
}

static void connects_within_milliseconds_of_a_socket(void **state)
{
	struct port *p = fixture_port("quick", "{}");
	uint64_t sum = 0;

	for (int i = 0; i < 10; i++) {
		const uint64_t start = fixture_now_ms();
		const int l = frontend_listen(path_of("quick"));
		struct frontend g;

		// Far less than the library's second.
		assert_true(readable(l, 400));
		sum += fixture_now_ms() - start;
		frontend_accept(&g, l);
		frontend_start(&g, 1, 0);
		wait_until(fixture_link(p));
		frontend_close(&g);
		close(l);
		wait_until(!fixture_link(p));
	}
	print_message("connected %.1f ms after the socket appeared, on average of 10\n", sum / 10.0);
	fixture_port_free(p);
}

// Left alone, the library would take up to a second for either.
static void a_listening_port_serves_and_ends_at_once(void **state)
{
	uint64_t served = 0, ended = 0;

	for (int i = 0; i < 5; i++) {
		struct port *p = fixture_port("listens", "{\"mode\":\"server\"}");
		uint64_t start = fixture_now_ms();
		struct frontend g;

		frontend_connect(&g, path_of("listens"));
		frontend_start(&g, 1, 0);
		wait_until(fixture_link(p));
		served += fixture_now_ms() - start;
		start = fixture_now_ms();
		fixture_port_free(p);
		wait_until(readable(g.fd, 0));
		ended += fixture_now_ms() - start;
		frontend_close(&g);
	}
	assert_in_range(served / 5, 0, 100);
	assert_in_range(ended / 5, 0, 100);
}

static void a_socket_moved_into_place_is_noticed(void **state)
{
	struct port *p = fixture_port("moved", "{}");
	char from[160];
	int l;

	strcpy(from, path_of("elsewhere"));
	l = frontend_listen(from);
	assert_int_equal(rename(from, path_of("moved")), 0);
	assert_true(readable(l, 400));
	close(l);
	fixture_port_free(p);
}

static void offloads_are_what_the_guest_negotiated(void **state)
{
	const uint64_t tso6 = 1ull << VIRTIO_NET_F_GUEST_TSO6, never = 1ull << VIRTIO_NET_F_HOST_UFO;
	struct port *p = fixture_port("off", "{\"mode\":\"server\"}");
	struct port *plain = fixture_port("plain", "{\"mode\":\"server\",\"csum\":false}");
	struct frontend g;

	frontend_connect(&g, path_of("off"));
	frontend_start(&g, 1, tso6);
	wait_until(fixture_link(p));
	assert_int_equal(p->offloads, PORT_OFFLOAD_CSUM | PORT_OFFLOAD_TSO4);
	assert_int_equal(g.features & never, 0);
	frontend_close(&g);
	frontend_connect(&g, path_of("plain"));
	frontend_start(&g, 1, 0);
	wait_until(fixture_link(plain));
	assert_int_equal(plain->offloads, 0);
	assert_int_equal(g.features & (1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4), 0);
	frontend_close(&g);
	fixture_port_free(p);
	fixture_port_free(plain);
}

// A guest that uses one pair of two is sent everything through it; the front end is told how many there are.
static void unused_queue_pairs_lose_nothing(void **state)
{
	struct port *p = fixture_port("two", "{\"mode\":\"server\",\"queues\":2}");
	struct port_dev_stats stats;
	struct frontend g;
	struct rte_mbuf *m;

	frontend_connect(&g, path_of("two"));
	assert_int_equal(frontend_ask(&g, 17 /* GET_QUEUE_NUM */), 2);
	frontend_start(&g, 1, 0);
	wait_until(fixture_link(p));
	for (int i = 0; i < 20; i++) {
		m = rte_pktmbuf_alloc(port_pool());
		frame_fill((uint8_t *)rte_pktmbuf_append(m, 100), 100, i);
		assert_int_equal(p->txq[i % 2].tx(&p->txq[i % 2], &m, 1), 1);
	}
	assert_int_equal(frontend_receive(&g, 0), 20);
	assert_true(g.used[1]->flags & VRING_USED_F_NO_NOTIFY);
	p->ops->stats(p, &stats);
	assert_int_equal(stats.notify_sent, 20);
	assert_int_equal(stats.notify_suppressed, 0);
	g.avail[0]->flags = VRING_AVAIL_F_NO_INTERRUPT;
	m = rte_pktmbuf_alloc(port_pool());
	rte_pktmbuf_append(m, 100);
	assert_int_equal(p->txq[1].tx(&p->txq[1], &m, 1), 1);
	p->ops->stats(p, &stats);
	assert_int_equal(stats.notify_sent, 20);
	assert_int_equal(stats.notify_suppressed, 1);
	frontend_close(&g);
	fixture_port_free(p);
}

static void hundreds_of_ports_come_and_go(void **state)
{
	struct port *p[500];
	const uint64_t start = fixture_now_ms();
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		p[i] = fixture_port(name, i % 2 ? "{}" : "{\"mode\":\"server\"}");
	}
	for (int i = 0; i < 500; i += 50) {
		struct frontend g;

		snprintf(name, sizeof(name), "many%d", i);
		frontend_connect(&g, path_of(name));
		frontend_start(&g, 1, 0);
		wait_until(fixture_link(p[i]));
		frontend_close(&g);
	}
	for (int i = 0; i < 500; i++)
		fixture_port_free(p[i]);
	print_message("500 ports added and removed in %lu ms\n", (unsigned long)(fixture_now_ms() - start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_paths),
		cmocka_unit_test(removes_a_dead_socket_and_its_own),
		cmocka_unit_test(connects_within_milliseconds_of_a_socket),
		cmocka_unit_test(a_listening_port_serves_and_ends_at_once),
		cmocka_unit_test(a_socket_moved_into_place_is_noticed),
		cmocka_unit_test(offloads_are_what_the_guest_negotiated),
		cmocka_unit_test(unused_queue_pairs_lose_nothing),
		cmocka_unit_test(passes_frames_in_client_mode),
		cmocka_unit_test(passes_frames_in_server_mode),
		cmocka_unit_test(passes_frames_on_packed_rings),
		cmocka_unit_test(passes_frames_on_two_queue_pairs),
		cmocka_unit_test(hundreds_of_ports_come_and_go),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
