/* SPDX-License-Identifier: BSD-3-Clause */
// TAPs and packet sockets against the kernel of this machine, in a network namespace of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../datapath/offload.h"
#include "harness.h"
#include "ports_fixture.h"

#define PEER_MAC "02:00:00:00:00:99"

static bool have_netns;
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 0x99};

static int leave_nothing_behind(void **state)
{
	return rte_mempool_in_use_count(port_pool()) == 0 ? 0 : -1;
}

// A packet socket on an interface.
static int wire_open(const char *ifname)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = (int)if_nametoindex(ifname)};
	const int fd = socket(AF_PACKET, SOCK_RAW, htons(3));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void frame_fill(uint8_t *frame, size_t len, uint16_t type)
{
	memset(frame, 0x77, len);
	memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x99", 12);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
}

// The next frame with that EtherType: the kernel has words of its own.
static struct rte_mbuf *rx_type(struct port *p, uint16_t type)
{
	for (int i = 0; i < 100; i++) {
		struct rte_mbuf *m = fixture_rx(p, 1000);
		const uint8_t *data;

		if (m == NULL)
			return NULL;
		data = rte_pktmbuf_mtod(m, const uint8_t *);
		if (data[12] == type >> 8 && data[13] == (uint8_t)type)
			return m;
		rte_pktmbuf_free(m);
	}
	return NULL;
}

// The same of a packet socket, which has what was sent by it as well. Its length.
static ssize_t wire_rx(int fd, uint8_t *got, size_t size, uint16_t type)
{
	ssize_t len;

	do
		len = recv(fd, got, size, 0);
	while (len >= 14 && (got[12] != type >> 8 || got[13] != (uint8_t)type));
	return len;
}

static void tap_start_up(struct port *p, const char *ifname)
{
	char params[64];

	snprintf(params, sizeof(params), "{\"ifname\": \"%s\", \"queues\": 1}", ifname);
	fixture_start(p, "tap", params, 2);
	assert_false(p->link_up);
	fixture_run("ip link set %s addrgenmode none up", ifname);
	assert_true(fixture_link(p, true));
}

static void veth_make(void)
{
	fixture_run("ip link add v0 type veth peer name v1 && ip link set v0 addrgenmode none up && "
		    "ip link set v1 addrgenmode none up");
}

static void tap_passes_frames_both_ways(void **state)
{
	uint8_t frame[1514], got[2000];
	struct port p;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	const int wire = wire_open("t0");
	for (size_t len = 14; len <= sizeof(frame); len += 100) {
		frame_fill(frame, len, 0x88b5);
		assert_int_equal(send(wire, frame, len, 0), len);
		struct rte_mbuf *m = rx_type(&p, 0x88b5);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, len);
		assert_int_equal(m->ol_flags, 0);
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, len);
		frame_fill(frame, len, 0x88b6);
		memcpy(rte_pktmbuf_mtod(m, void *), frame, len);
		fixture_tx(&p, m);
		assert_int_equal(wire_rx(wire, got, sizeof(got), 0x88b6), len);
		assert_memory_equal(got, frame, len);
	}
	close(wire);
	fixture_stop(&p);
}

static void tap_link_is_the_interface_being_up(void **state)
{
	struct port p;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	fixture_run("ip link set t0 down");
	assert_true(fixture_link(&p, false));
	fixture_run("ip link set t0 up");
	assert_true(fixture_link(&p, true));
	fixture_stop(&p);
	assert_false(p.link_up);
	assert_int_equal(if_nametoindex("t0"), 0);
}

static unsigned int removals;

static void count_removals(struct port *p, enum port_event ev)
{
	removals += ev == PORT_EVENT_REMOVED;
}

static void interface_that_is_deleted_is_told_once(void **state)
{
	struct port_dev_stats stats;
	struct port tap, packet;

	if (!have_netns)
		skip();
	removals = 0;
	port_notify_set(count_removals);
	tap_start_up(&tap, "t0");
	veth_make();
	fixture_start(&packet, "af_packet", "{\"ifname\": \"v0\"}", 1);
	assert_true(fixture_link(&packet, true));
	fixture_run("ip link del t0 && ip link del v0");
	assert_true(fixture_link(&tap, false));
	assert_true(fixture_link(&packet, false));
	assert_null(fixture_rx(&tap, 300));
	assert_null(fixture_rx(&packet, 300));
	assert_int_equal(removals, 2);
	tap.ops->stats(&tap, &stats);
	packet.ops->stats(&packet, &stats);
	fixture_stop(&tap);
	fixture_stop(&packet);
	port_notify_set(NULL);
}

static void idle_queue_is_polled_again_when_a_frame_comes(void **state)
{
	uint8_t frame[60];
	struct port p;
	struct rxq *q;
	struct rte_mbuf *m;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	const int wire = wire_open("t0");
	q = &p.rxq[0];
	for (int i = 0; i < 20; i++) {
		while ((m = fixture_rx(&p, 20)) != NULL)
			rte_pktmbuf_free(m);
		assert_int_equal(__atomic_load_n(q->idle_word, __ATOMIC_ACQUIRE), q->idle_value);
		frame_fill(frame, sizeof(frame), 0x88b5);
		assert_int_equal(send(wire, frame, sizeof(frame), 0), sizeof(frame));
		m = fixture_rx(&p, 2000);
		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
	close(wire);
	fixture_stop(&p);
}

// A real socket of the kernel's on the other side: 10.77.0.1 is its address, 10.77.0.2 ours.
static int udp_open(void)
{
	const struct sockaddr_in here = {
		.sin_family = AF_INET, .sin_port = htons(7000), .sin_addr.s_addr = htonl(0x0a4d0001)};
	const struct timeval wait = {.tv_sec = 2};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

// The kernel leaves checksums to us and takes ours from us: what comes in, turned round, is what its socket takes.
static void checksums_are_left_to_whoever_is_last(void **state)
{
	const struct sockaddr_in there = {
		.sin_family = AF_INET, .sin_port = htons(7001), .sin_addr.s_addr = htonl(0x0a4d0002)};
	char data[1400], got[1500];
	struct port p;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	fixture_run("ip addr add 10.77.0.1/24 dev t0 && ip neigh add 10.77.0.2 lladdr " PEER_MAC " dev t0");
	const int fd = udp_open();
	for (size_t len = 1; len <= sizeof(data); len += 99) {
		memset(data, (int)len, sizeof(data));
		assert_int_equal(sendto(fd, data, len, 0, (const struct sockaddr *)&there, sizeof(there)), len);
		struct rte_mbuf *m = rx_type(&p, 0x0800);
		assert_non_null(m);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM);
		assert_true(m->ol_flags & RTE_MBUF_F_TX_IPV4);
		assert_int_equal(m->l2_len, 14);
		assert_int_equal(m->l3_len, 20);
		uint8_t *d = rte_pktmbuf_mtod(m, uint8_t *);
		// Addresses and ports change places, which no checksum minds.
		memmove(d, d + 6, 6);
		memcpy(d + 6, peer_mac, 6);
		for (int i = 0; i < 4; i++) {
			const uint8_t byte = d[26 + i];
			d[26 + i] = d[30 + i];
			d[30 + i] = byte;
		}
		for (int i = 0; i < 2; i++) {
			const uint8_t byte = d[34 + i];
			d[34 + i] = d[36 + i];
			d[36 + i] = byte;
		}
		// Once as it is, with a wrong checksum that the flags make irrelevant; once completed by us.
		d[40] ^= 0xff;
		struct rte_mbuf *done = rte_pktmbuf_copy(m, port_pool(), 0, UINT32_MAX);
		assert_int_equal(offload_checksum(done), 0);
		fixture_tx(&p, m);
		assert_int_equal(recv(fd, got, sizeof(got), 0), len);
		assert_memory_equal(got, data, len);
		fixture_tx(&p, done);
		assert_int_equal(recv(fd, got, sizeof(got), 0), len);
		assert_memory_equal(got, data, len);
	}
	close(fd);
	fixture_stop(&p);
}

static void frame_with_lying_lengths_is_counted_not_sent(void **state)
{
	struct port_dev_stats stats;
	uint8_t frame[60];
	struct port p;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	frame_fill(frame, sizeof(frame), 0x0800);
	for (int i = 0; i < 4; i++) {
		struct rte_mbuf *m = fixture_mbuf(frame, sizeof(frame));

		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
		m->l2_len = i == 0 ? 0 : 14;
		m->l3_len = i == 1 ? 500 : 20;
		if (i == 2)
			m->ol_flags |= RTE_MBUF_F_TX_SCTP_CKSUM;
		// i == 3: the IP header says more than there is.
		fixture_tx(&p, m);
	}
	p.ops->stats(&p, &stats);
	assert_int_equal(stats.tx_errors, 4);
	fixture_stop(&p);
}

static void mtu_and_mac_reach_an_interface_that_was_moved_and_renamed(void **state)
{
	const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 0x42}};
	json_t *info = json_object();
	struct fault f;
	struct port p;

	if (!have_netns || getuid() != 0)
		skip();
	tap_start_up(&p, "t0");
	fixture_run("ip netns add netfd$PPID && ip link set t0 netns netfd$PPID name inside");
	assert_true(fixture_link(&p, false));
	fixture_run("ip -n netfd$PPID link set inside up");
	assert_true(fixture_link(&p, true));
	if (p.ops->set_mtu(&p, 9000, &f) != 0)
		fail_msg("%s", f.message);
	assert_int_equal(p.mtu, 9000);
	assert_int_equal(p.ops->set_mac(&p, &mac, &f), 0);
	fixture_run("ip -n netfd$PPID link show inside | grep -q 'mtu 9000'");
	fixture_run("ip -n netfd$PPID link show inside | grep -q 02:00:00:00:00:42");
	p.ops->info(&p, info);
	assert_string_equal(json_string_value(json_object_get(info, "ifname")), "inside");
	json_decref(info);
	fixture_stop(&p);
	fixture_run("! ip -n netfd$PPID link show inside 2>/dev/null; ip netns del netfd$PPID");
}

// Jumbo frames take several buffers.
static void long_frames_come_and_go_as_chains(void **state)
{
	uint8_t frame[9014], got[9100];
	struct fault f;
	struct port p;

	if (!have_netns)
		skip();
	tap_start_up(&p, "t0");
	assert_int_equal(p.ops->set_mtu(&p, 9000, &f), 0);
	const int wire = wire_open("t0");
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x99\x88\xb5", 14);
	assert_int_equal(send(wire, frame, sizeof(frame), 0), sizeof(frame));
	struct rte_mbuf *m = rx_type(&p, 0x88b5);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, sizeof(frame));
	assert_true(m->nb_segs > 1);
	rte_mbuf_sanity_check(m, 1);
	assert_memory_equal(rte_pktmbuf_read(m, 0, sizeof(frame), got), frame, sizeof(frame));
	rte_pktmbuf_mtod(m, uint8_t *)[13] = 0xb6;
	fixture_tx(&p, m);
	assert_int_equal(wire_rx(wire, got, sizeof(got), 0x88b6), sizeof(frame));
	assert_memory_equal(got + 14, frame + 14, sizeof(frame) - 14);
	close(wire);
	fixture_stop(&p);
}

static void packet_socket_puts_tags_back_in(void **state)
{
	static const uint8_t tags[][8] = {{0x81, 0, 0x60, 7, 0x88, 0xb5}, {0x88, 0xa8, 0, 9, 0x81, 0, 0, 8}};
	uint8_t frame[100], got[200];
	struct port p;

	if (!have_netns)
		skip();
	veth_make();
	fixture_start(&p, "af_packet", "{\"ifname\": \"v0\"}", 1);
	assert_true(fixture_link(&p, true));
	const int wire = wire_open("v1");
	const int on = 1;
	setsockopt(wire, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	for (size_t t = 0; t < RTE_DIM(tags); t++) {
		const uint16_t type = (uint16_t)(tags[t][0] << 8 | tags[t][1]);

		frame_fill(frame, sizeof(frame), type);
		memcpy(frame + 12, tags[t], sizeof(tags[t]));
		assert_int_equal(send(wire, frame, sizeof(frame), 0), sizeof(frame));
		struct rte_mbuf *m = rx_type(&p, type);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, sizeof(frame));
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, sizeof(frame));
		fixture_tx(&p, m);
		// Without PACKET_AUXDATA this socket is not told the outer tag, which is the rest of the frame's proof.
		assert_int_equal(recv(wire, got, sizeof(got), 0), sizeof(frame) - 4);
		assert_memory_equal(got + 12, frame + 16, sizeof(frame) - 16);
	}
	close(wire);
	fixture_stop(&p);
	assert_int_not_equal(if_nametoindex("v0"), 0);
	fixture_run("ip link del v0");
}

static void packet_socket_hears_nothing_while_stopped(void **state)
{
	uint8_t frame[60];
	struct fault f;
	struct port p;

	if (!have_netns)
		skip();
	veth_make();
	fixture_start(&p, "af_packet", "{\"ifname\": \"v0\"}", 1);
	p.ops->stop(&p);
	const int wire = wire_open("v1");
	frame_fill(frame, sizeof(frame), 0x88b5);
	send(wire, frame, sizeof(frame), 0);
	assert_int_equal(p.ops->start(&p, &f), 0);
	frame_fill(frame, sizeof(frame), 0x88b6);
	send(wire, frame, sizeof(frame), 0);
	struct rte_mbuf *m = fixture_rx(&p, 1000);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[13], 0xb6);
	rte_pktmbuf_free(m);
	// What the kernel itself sends on the interface is not for us.
	const int own = wire_open("v0");
	send(own, frame, sizeof(frame), 0);
	assert_null(fixture_rx(&p, 100));
	close(own);
	close(wire);
	fixture_stop(&p);
	fixture_run("ip link del v0");
}

static const struct {
	const char *type, *params;
	int err;
	const char *field, *message;
} bad[] = {
	{"tap", "{\"ifname\": \"lo\"}", -EEXIST, "ifname", "lo exists"},
	{"tap", "{\"ifname\": \"sixteencharacter\"}", -EINVAL, "ifname", "1 to 15"},
	{"tap", "{\"ifname\": \"a/b\"}", -EINVAL, "ifname", "called this"},
	{"tap", "{\"ifname\": \"tap%d\"}", -EINVAL, "ifname", "called this"},
	{"tap", "{\"ifname\": \"..\"}", -EINVAL, "ifname", "called this"},
	{"tap", "{\"ifname\": \"\"}", -EINVAL, "ifname", "1 to 15"},
	{"af_packet", "{\"ifname\": \"nosuch0\"}", -EINVAL, "ifname", "no interface nosuch0"},
	{"af_packet", "{\"ifname\": \"lo\"}", -EINVAL, "ifname", "an Ethernet interface"},
	{"af_packet", "{\"ifname\": \"a b\"}", -EINVAL, "ifname", "called this"},
};

static void bad_input_names_its_field(void **state)
{
	struct port p;
	struct fault f;

	if (!have_netns)
		skip();
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		const int ret = fixture_create(&p, bad[i].type, bad[i].params, 1, &f);

		if (ret != bad[i].err || strcmp(f.field, bad[i].field) != 0 ||
		    (strstr(f.message, bad[i].message) == NULL && strstr(f.allowed, bad[i].message) == NULL))
			fail_msg("%s: %d, field %s, %s (allowed: %s)", bad[i].params, ret, f.field, f.message,
				 f.allowed);
	}
}

static void two_taps_of_one_name_are_refused(void **state)
{
	struct port p, q;
	struct fault f;

	if (!have_netns)
		skip();
	fixture_start(&p, "tap", "{\"ifname\": \"t0\", \"queues\": 4}", 2);
	assert_int_equal(p.nrxq, 4);
	assert_int_equal(p.ntxq, 2);
	assert_int_equal(fixture_create(&q, "tap", "{\"ifname\": \"t0\"}", 1, &f), -EEXIST);
	assert_int_equal(fixture_create(&q, "tap", "{\"ifname\": \"t0\", \"queues\": 4}", 1, &f), -EEXIST);
	fixture_stop(&p);
	fixture_start(&p, "tap", "{\"ifname\": \"t0\"}", 1);
	fixture_stop(&p);
}

static void an_interface_limits_the_mtu(void **state)
{
	struct fault f;
	struct port p;

	if (!have_netns)
		skip();
	fixture_run("ip link add v0 mtu 1400 type veth peer name v1");
	fixture_start(&p, "af_packet", "{\"ifname\": \"v0\"}", 1);
	assert_int_equal(p.mtu, 1400);
	assert_int_equal(p.ops->set_mtu(&p, 1401, &f), -EINVAL);
	assert_string_equal(f.field, "mtu");
	assert_string_equal(f.allowed, "68 to 1400");
	assert_int_equal(p.ops->set_mtu(&p, 1300, &f), 0);
	fixture_stop(&p);
	fixture_run("ip link del v0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(tap_passes_frames_both_ways, leave_nothing_behind),
		cmocka_unit_test_teardown(tap_link_is_the_interface_being_up, leave_nothing_behind),
		cmocka_unit_test_teardown(interface_that_is_deleted_is_told_once, leave_nothing_behind),
		cmocka_unit_test_teardown(idle_queue_is_polled_again_when_a_frame_comes, leave_nothing_behind),
		cmocka_unit_test_teardown(checksums_are_left_to_whoever_is_last, leave_nothing_behind),
		cmocka_unit_test_teardown(frame_with_lying_lengths_is_counted_not_sent, leave_nothing_behind),
		cmocka_unit_test_teardown(mtu_and_mac_reach_an_interface_that_was_moved_and_renamed,
					  leave_nothing_behind),
		cmocka_unit_test_teardown(long_frames_come_and_go_as_chains, leave_nothing_behind),
		cmocka_unit_test_teardown(packet_socket_puts_tags_back_in, leave_nothing_behind),
		cmocka_unit_test_teardown(packet_socket_hears_nothing_while_stopped, leave_nothing_behind),
		cmocka_unit_test_teardown(bad_input_names_its_field, leave_nothing_behind),
		cmocka_unit_test_teardown(two_taps_of_one_name_are_refused, leave_nothing_behind),
		cmocka_unit_test_teardown(an_interface_limits_the_mtu, leave_nothing_behind),
	};

	// Before any thread exists: a user namespace takes only the process that is alone.
	have_netns = fixture_netns();
	if (!have_netns)
		fprintf(stderr, "no network namespace to be had: all tests are skipped\n");
	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
