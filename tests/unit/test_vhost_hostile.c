/* SPDX-License-Identifier: BSD-3-Clause */
// The vhost-user port kind against guests that write what they like, and front ends that die at the wrong moment.
#include "vhost_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_frontend.h"

static const uint8_t frame[100] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xb5};

static const char *path_of(const char *file)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", fixture_dir, file);
	return path;
}

static void guest_start(struct frontend *g, struct port *p, unsigned int pairs)
{
	const int listener = frontend_listen(path_of(p->name));

	frontend_accept(g, listener);
	close(listener);
	frontend_start(g, pairs, 0);
	wait_until(fixture_link(p));
}

static void guest_end(struct frontend *g, struct port *p)
{
	frontend_close(g);
	wait_until(!fixture_link(p));
}

// A guest that keeps the rules is served: all that it sends to the echoing port comes back.
static void assert_served(struct port *p)
{
	unsigned int sent = 0, back = 0;
	struct frontend g;

	guest_start(&g, p, 1);
	while (sent < 200) {
		wait_until(frontend_send(&g, 1, frame, sizeof(frame)));
		sent++;
		wait_until((back += frontend_receive(&g, 0)) == sent);
	}
	guest_end(&g, p);
}

// Offers what descriptor 0 of the transmit ring now leads to.
static void offer(struct frontend *g, uint16_t head)
{
	const uint16_t at = g->avail[1]->idx;

	g->avail[1]->ring[at % FRONTEND_RING] = head;
	__atomic_store_n(&g->avail[1]->idx, at + 1, __ATOMIC_RELEASE);
}

static void let_it_look(void)
{
	const uint64_t loops = fixture_counts().loops;

	wait_until(fixture_counts().loops > loops + 20);
}

static void bad_descriptors_harm_nobody(void **state)
{
	static const struct vring_desc bad[] = {
		{.addr = 0x100000, .len = 0},
		{.addr = 0x100000, .len = FRONTEND_HDR},
		{.addr = 0x100000, .len = 0xffffffff},
		{.addr = 0x100000, .len = FRONTEND_MEM},
		{.addr = FRONTEND_MEM - 20, .len = 100},
		{.addr = FRONTEND_MEM, .len = 100},
		{.addr = 0xfffffffffffff000, .len = 0x2000},
		{.addr = 0x100000, .len = 100, .flags = VRING_DESC_F_WRITE},
		{.addr = 0x100000, .len = 100, .flags = VRING_DESC_F_NEXT, .next = 0}, // for ever
		{.addr = 0x100000, .len = 100, .flags = VRING_DESC_F_NEXT, .next = 0xffff},
		{.addr = 0x100000, .len = 100, .flags = VRING_DESC_F_INDIRECT},
		{.addr = 0, .len = 16, .flags = VRING_DESC_F_INDIRECT},
		{.addr = 0, .len = 1 << 20, .flags = VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, .next = 1},
	};
	struct port *p = fixture_port("bad", "{}");
	struct frontend g;

	fixture_worker_start(p, true);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		guest_start(&g, p, 1);
		g.desc[1][0] = bad[i];
		offer(&g, 0);
		offer(&g, FRONTEND_RING);
		offer(&g, 0xffff);
		let_it_look();
		memset(g.desc[0], 0xff,
		       sizeof(struct vring_desc) * FRONTEND_RING); // what is sent to it has nowhere to go
		frontend_send(&g, 1, frame, sizeof(frame));
		let_it_look();
		guest_end(&g, p);
	}
	assert_served(p);
	fixture_worker_stop();
	fixture_port_free(p);
}

static void random_rings_harm_nobody(void **state)
{
	struct port *p = fixture_port("random", "{\"queues\":2}");
	struct frontend g;

	srandom(20240211);
	fixture_worker_start(p, true);
	for (int round = 0; round < 20; round++) {
		guest_start(&g, p, 2);
		for (int i = 0; i < 300; i++) {
			// Mostly the heads of the rings, sometimes the headers of packets.
			uint8_t *at = g.mem + random() % FRONTEND_RINGS * 0x4000 + random() % 0x3000;

			if (random() % 4 == 0)
				at = g.mem + (1 << 20) + random() % (FRONTEND_RINGS * FRONTEND_RING) * FRONTEND_BUF +
				     random() % 64;
			*at = (uint8_t)random();
			g.avail[random() % 2 * 2 + 1]->idx += random() % 70;
			if (i % 50 == 0)
				let_it_look();
		}
		guest_end(&g, p);
	}
	assert_served(p);
	fixture_worker_stop();
	fixture_port_free(p);
}

// One packet as large as sixteen times all of its memory, which is more than there are buffers.
static void a_giant_packet_does_not_take_all_buffers(void **state)
{
	struct port *p = fixture_port("giant", "{}");
	struct rte_mbuf *m[6000];
	struct frontend g;

	fixture_worker_start(p, true);
	guest_start(&g, p, 1);
	for (int i = 0; i < 16; i++)
		g.desc[1][i] = (struct vring_desc){
			.len = FRONTEND_MEM, .flags = i < 15 ? VRING_DESC_F_NEXT : 0, .next = (uint16_t)(i + 1)};
	for (int i = 0; i < 200; i++) {
		offer(&g, 0);
		assert_int_equal(rte_pktmbuf_alloc_bulk(port_pool(), m, 6000), 0);
		rte_pktmbuf_free_bulk(m, 6000);
	}
	wait_until(g.used[1]->idx == 200);
	assert_int_equal(fixture_counts().packets, 0);
	guest_end(&g, p);
	assert_served(p);
	fixture_worker_stop();
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
	fixture_port_free(p);
}

static void a_guest_that_never_reads_fills_its_own_ring_only(void **state)
{
	struct port *p = fixture_port("full", "{}");
	struct rte_mbuf *m[32];
	unsigned int taken = 0;
	struct frontend g;

	guest_start(&g, p, 1);
	for (int i = 0; i < 10; i++) {
		uint16_t n;

		assert_int_equal(rte_pktmbuf_alloc_bulk(port_pool(), m, 32), 0);
		for (int k = 0; k < 32; k++)
			rte_pktmbuf_append(m[k], 100);
		n = p->txq[0].tx(&p->txq[0], m, 32);
		rte_pktmbuf_free_bulk(m + n, 32 - n);
		taken += n;
	}
	assert_int_equal(taken, FRONTEND_RING);
	assert_int_equal(frontend_receive(&g, 0), FRONTEND_RING);
	guest_end(&g, p);
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
	fixture_port_free(p);
}

static void a_front_end_may_die_with_rings_half_full(void **state)
{
	struct port *p = fixture_port("dies", "{\"queues\":2}");
	struct frontend g;

	fixture_worker_start(p, true);
	for (int i = 0; i < 100; i++) {
		guest_start(&g, p, 2);
		for (int k = 0; k < 40; k++) {
			frontend_send(&g, 1, frame, sizeof(frame));
			frontend_send(&g, 3, frame, sizeof(frame));
		}
		guest_end(&g, p);
	}
	assert_served(p);
	fixture_worker_stop();
	fixture_port_free(p);
}

// Memory is plugged and unplugged while frames pass: none is lost for good, and the idle words follow.
static void memory_may_change_under_traffic(void **state)
{
	struct port *p = fixture_port("memory", "{}");
	unsigned int sent = 0, back = 0;
	struct frontend g;

	fixture_worker_start(p, true);
	guest_start(&g, p, 1);
	for (int i = 0; i < 300; i++) {
		frontend_mem_table(&g, FRONTEND_MEM - (i % 2) * 0x10000);
		for (int k = 0; k < 20; k++)
			sent += frontend_send(&g, 1, frame, sizeof(frame));
		wait_until(fixture_counts().packets == sent);
		back += frontend_receive(&g, 0);
	}
	// All were taken, though what came back while the memory was away was dropped, as for a ring that is full.
	frontend_ask(&g, 17 /* GET_QUEUE_NUM: the last table has been handled */);
	back += frontend_receive(&g, 0);
	assert_in_range(back, sent / 2, sent);
	assert_true(frontend_send(&g, 1, frame, sizeof(frame)));
	wait_until(frontend_receive(&g, 0) == 1);
	guest_end(&g, p);
	fixture_worker_stop();
	fixture_port_free(p);
}

static void rings_may_stop_and_start_under_traffic(void **state)
{
	struct port *p = fixture_port("reset", "{}");
	struct frontend g;

	fixture_worker_start(p, true);
	guest_start(&g, p, 1);
	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 20; k++)
			frontend_send(&g, 1, frame, sizeof(frame));
		frontend_stop_ring(&g, 0);
		frontend_stop_ring(&g, 1);
		assert_false(fixture_link(p));
		frontend_start(&g, 1, 0);
		wait_until(fixture_link(p));
	}
	assert_true(frontend_send(&g, 1, frame, sizeof(frame)));
	wait_until(frontend_receive(&g, 0) > 0);
	guest_end(&g, p);
	fixture_worker_stop();
	fixture_port_free(p);
}

static bool closed_by_peer(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, 0) == 1 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

static void a_newer_connection_takes_over_and_more_are_refused(void **state)
{
	struct port *p = fixture_port("second", "{\"mode\":\"server\"}");
	struct frontend old, young, third;

	frontend_connect(&old, path_of(p->name));
	frontend_start(&old, 1, 0);
	wait_until(fixture_link(p));
	frontend_connect(&young, path_of(p->name));
	frontend_start(&young, 1, 0);
	frontend_ask(&young, 17);
	frontend_connect(&third, path_of(p->name));
	wait_until(closed_by_peer(third.fd));
	frontend_close(&third);
	frontend_close(&old);
	fixture_worker_start(p, true);
	assert_true(frontend_send(&young, 1, frame, sizeof(frame)));
	wait_until(frontend_receive(&young, 0) == 1);
	assert_true(fixture_link(p));
	guest_end(&young, p);
	fixture_worker_stop();
	fixture_port_free(p);
}

static void a_port_may_be_destroyed_while_its_guest_sends(void **state)
{
	struct frontend g;

	for (int i = 0; i < 50; i++) {
		struct port *p = fixture_port("leaves", "{}");

		fixture_worker_start(p, true);
		guest_start(&g, p, 1);
		for (int k = 0; k < 50; k++)
			frontend_send(&g, 1, frame, sizeof(frame));
		fixture_worker_stop();
		fixture_port_free(p);
		wait_until(closed_by_peer(g.fd));
		frontend_close(&g);
	}
	assert_int_equal(rte_mempool_in_use_count(port_pool()), 0);
}

// The library's thread then waits for the rest of the message, which never comes.
static void half_a_message_does_not_hold_up_the_removal_of_a_port(void **state)
{
	struct port *p = fixture_port("half", "{}");
	struct port *other = fixture_port("other", "{}");
	struct frontend g;
	uint64_t start;

	guest_start(&g, p, 1);
	frontend_half_message(&g, 8);
	start = fixture_now_ms();
	fixture_port_free(p);
	assert_in_range(fixture_now_ms() - start, 0, 1000);
	frontend_close(&g);
	fixture_worker_start(other, true);
	assert_served(other);
	fixture_worker_stop();
	fixture_port_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_descriptors_harm_nobody),
		cmocka_unit_test(random_rings_harm_nobody),
		cmocka_unit_test(a_giant_packet_does_not_take_all_buffers),
		cmocka_unit_test(a_guest_that_never_reads_fills_its_own_ring_only),
		cmocka_unit_test(a_front_end_may_die_with_rings_half_full),
		cmocka_unit_test(memory_may_change_under_traffic),
		cmocka_unit_test(rings_may_stop_and_start_under_traffic),
		cmocka_unit_test(a_newer_connection_takes_over_and_more_are_refused),
		cmocka_unit_test(a_port_may_be_destroyed_while_its_guest_sends),
		cmocka_unit_test(half_a_message_does_not_hold_up_the_removal_of_a_port),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
