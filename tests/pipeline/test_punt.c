/* SPDX-License-Identifier: BSD-3-Clause */
// What is for the host reaches control, and what control makes reaches the wire.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "harness.h"

#define DOMAIN 7
#define REST 8

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb}, mac_us[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};

// The bytes that decide, from the EtherType on.
static const uint8_t arp_request[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, arp_reply[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
static const uint8_t ipv4_udp[] = {8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17};
static const uint8_t solicitation[] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255, [42] = 135};
static const uint8_t advertisement[] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255, [42] = 136};

static uint32_t frame_make(uint8_t f[128], const uint8_t *dst, int vid, const uint8_t *body, size_t len)
{
	uint32_t at = 12;

	memset(f, 0, 128);
	memcpy(f, dst, 6);
	memcpy(f + 6, mac_a, 6);
	if (vid >= 0) {
		f[at++] = 0x81;
		f[at++] = 0;
		f[at++] = (uint8_t)(vid >> 8);
		f[at++] = (uint8_t)vid;
	}
	memcpy(f + at, body, len);
	return at + 62;
}

#define IN(port, dst, vid, body) in(port, dst, vid, body, sizeof(body))
static void in(uint16_t port, const uint8_t *dst, int vid, const uint8_t *body, size_t len)
{
	uint8_t f[128];

	harness_in(port, harness_mbuf(f, frame_make(f, dst, vid, body, len)));
}

static struct rte_mbuf *made(const uint8_t *dst)
{
	uint8_t f[128];

	return harness_mbuf(f, frame_make(f, dst, -1, arp_reply, sizeof(arp_reply)));
}

// An interface on a bridge of n ports, which its VLAN 5 leaves tagged by trunks; port 1 is an access port.
static struct fwd_iface *bridge_with_iface(uint16_t n)
{
	struct fwd_iface *iface;

	for (uint16_t id = 1; id <= n; id++) {
		harness_port(id);
		if (id == 1)
			harness_access(id, DOMAIN, 5);
		else
			harness_trunk(id, DOMAIN, 5);
	}
	iface = harness_iface(3, DOMAIN, 1, mac_us);
	harness_build();
	return iface;
}

static void expect_punt(enum punt_class class, uint16_t in_port, uint16_t l3)
{
	struct punt punt;

	assert_true(harness_punt(class, &punt));
	assert_int_equal(punt.class, class);
	assert_int_equal(punt.in_port, in_port);
	assert_int_equal(punt.domain, DOMAIN);
	assert_int_equal(punt.iface, 3);
	assert_int_equal(punt.l3, l3);
	assert_int_equal(rte_mbuf_refcnt_read(punt.m), 1);
	rte_pktmbuf_free(punt.m);
}

static void expect_no_punt(void)
{
	struct punt punt;

	for (unsigned int c = 0; c < PUNT_CLASS_COUNT; c++)
		assert_false(harness_punt((enum punt_class)c, &punt));
}

static void discovery_is_flooded_and_a_copy_punted(void)
{
	bridge_with_iface(3);
	IN(1, broadcast, -1, arp_request);
	IN(2, all_nodes, 5, advertisement);
	IN(1, broadcast, -1, ipv4_udp); // nobody in here listens for that
	harness_run();
	assert_int_equal(harness_ports[1].nout, 1);
	assert_int_equal(harness_ports[2].nout, 2);
	assert_int_equal(harness_ports[3].nout, 3);
	expect_punt(PUNT_ARP, 1, 14);
	expect_punt(PUNT_ND, 2, 18);
	expect_no_punt();
	harness_audit();
}

static void an_interface_that_listens_gets_all_group_frames(void)
{
	bridge_with_iface(2)->listens = true;
	IN(1, broadcast, -1, ipv4_udp);
	IN(1, mac_b, -1, ipv4_udp); // unknown, but for one station
	harness_run();
	assert_int_equal(harness_ports[2].nout, 2);
	expect_punt(PUNT_LOCAL, 1, 14);
	expect_no_punt();
	harness_audit();
}

static void on_a_link_of_one_port_the_frame_itself_is_punted(void)
{
	bridge_with_iface(1);
	IN(1, broadcast, -1, arp_request);
	IN(1, broadcast, -1, ipv4_udp);
	harness_run();
	expect_punt(PUNT_ARP, 1, 14);
	assert_int_equal(harness_worker->count[1].copies, 0);
	assert_int_equal(harness_drops(1, DROP_BRIDGE_NO_MEMBER), 1);
	harness_audit();
}

static void a_suppressing_domain_punts_questions_instead(void)
{
	bridge_with_iface(2);
	harness_domain(DOMAIN)->suppress = true;
	IN(1, broadcast, -1, arp_request);
	IN(1, all_nodes, -1, solicitation);
	IN(1, broadcast, -1, arp_reply); // gratuitous: both must hear of it
	harness_run();
	assert_int_equal(harness_ports[2].nout, 1);
	for (int i = 0; i < 2; i++)
		expect_punt(PUNT_ARP, 1, 14);
	expect_punt(PUNT_ND, 1, 14);
	expect_no_punt();
	harness_audit();
}

static void a_bridge_alone_suppresses_too(void)
{
	struct punt punt;

	for (uint16_t id = 1; id <= 2; id++) {
		harness_port(id);
		harness_rest(id, REST);
	}
	harness_domain(REST)->suppress = true;
	harness_build();
	IN(1, broadcast, -1, arp_request);
	IN(1, broadcast, 9, arp_request); // of a VLAN that shares the domain: not untagged stations' question
	IN(1, broadcast, 0, arp_request); // priority-tagged: untagged
	harness_run();
	assert_int_equal(harness_ports[2].nout, 1);
	for (int i = 0; i < 2; i++) {
		assert_true(harness_punt(PUNT_ARP, &punt));
		assert_int_equal(punt.iface, 0);
		assert_int_equal(punt.l3, i ? 18 : 14);
		rte_pktmbuf_free(punt.m);
	}
	expect_no_punt();
	harness_audit();
}

static void short_frames_are_no_discovery(void)
{
	uint8_t f[128];
	struct punt punt;

	bridge_with_iface(2)->listens = true;
	for (uint32_t len = 14; len < 60; len++) {
		frame_make(f, all_nodes, -1, solicitation, sizeof(solicitation));
		harness_in(1, harness_mbuf(f, len));
	}
	harness_run();
	for (uint32_t len = 14; len < 60; len++) {
		assert_true(harness_punt(len <= 14 + 40 ? PUNT_LOCAL : PUNT_ND, &punt));
		assert_int_equal(punt.m->pkt_len, len);
		rte_pktmbuf_free(punt.m);
	}
	harness_audit();
}

// A flood of one class is held to its rate, and takes nothing from another.
static void a_flood_of_one_class_starves_no_other(void)
{
	const uint64_t hz = rte_get_tsc_hz();
	unsigned int arp = 0, nd = 0, seconds = 2, steps = 20000;
	struct punt punt;

	bridge_with_iface(1);
	// 400 000 ARP requests a second among which are 1000 solicitations.
	for (unsigned int step = 0; step < seconds * steps; step++) {
		harness_worker->tsc += hz / steps;
		for (unsigned int i = 0; i < 20; i++)
			IN(1, broadcast, -1, arp_request);
		if (step % (steps / 1000) == 0)
			IN(1, all_nodes, -1, solicitation);
		harness_run();
		for (; harness_punt(PUNT_ARP, &punt); arp++)
			rte_pktmbuf_free(punt.m);
		for (; harness_punt(PUNT_ND, &punt); nd++)
			rte_pktmbuf_free(punt.m);
	}
	assert_int_equal(nd, seconds * 1000);
	assert_in_range(arp, seconds * 20000, seconds * 20000 + 1024 + 1);
	assert_int_equal(harness_drops(1, DROP_PUNT_RATE), seconds * steps * 20 - arp);
	assert_int_equal(harness_worker->self.punts[PUNT_ARP], arp);
	assert_int_equal(harness_worker->self.punts_lost[PUNT_ARP], seconds * steps * 20 - arp);
	harness_audit();
}

// A flood from one port leaves another its share of the class, and has the rest.
static void a_flood_from_one_port_starves_no_other(void)
{
	const uint64_t hz = rte_get_tsc_hz();
	unsigned int got[3] = {0}, seconds = 2, steps = 20000;
	struct punt punt;

	bridge_with_iface(2);
	// 400 000 ARP requests a second by port 1, 2000 by port 2.
	for (unsigned int step = 0; step < seconds * steps; step++) {
		harness_worker->tsc += hz / steps;
		for (unsigned int i = 0; i < 20; i++)
			IN(1, broadcast, -1, arp_request);
		if (step % (steps / 2000) == 0)
			IN(2, broadcast, 5, arp_request);
		harness_run();
		while (harness_punt(PUNT_ARP, &punt)) {
			got[punt.in_port]++;
			rte_pktmbuf_free(punt.m);
		}
		harness_audit(); // frees what went out
	}
	assert_int_equal(got[2], seconds * 2000);
	assert_in_range(got[1], seconds * 18000 - 1, seconds * 18000 + 1024 + 1);
}

static void a_full_ring_loses_by_name(void)
{
	struct punt punt;
	unsigned int n = 0;

	bridge_with_iface(1);
	for (int i = 0; i < PUNT_RING + 100; i++) {
		harness_worker->tsc += rte_get_tsc_hz() / 1000;
		IN(1, broadcast, -1, arp_request);
		harness_run();
	}
	assert_int_equal(harness_drops(1, DROP_PUNT_FULL), 100);
	for (; harness_punt(PUNT_ARP, &punt); n++)
		rte_pktmbuf_free(punt.m);
	assert_int_equal(n, PUNT_RING);
	harness_audit();
}

static void inject_run(void)
{
	datapath_ops()->inject_run(harness_worker);
	harness_run();
}

static void an_injected_frame_leaves_by_its_port_with_its_tag(void)
{
	uint8_t want[128];
	uint32_t len = frame_make(want, mac_b, 5, arp_reply, sizeof(arp_reply));

	bridge_with_iface(2);
	worker_inject_to(harness_worker, made(mac_b), 1, DOMAIN, 0);
	worker_inject_to(harness_worker, made(mac_b), 2, DOMAIN, 0);
	inject_run();
	assert_int_equal(harness_ports[1].nout, 1);
	assert_int_equal(harness_ports[1].out[0]->pkt_len, len - 4);
	assert_int_equal(harness_ports[2].nout, 1);
	assert_int_equal(harness_ports[2].out[0]->pkt_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(harness_ports[2].out[0], void *), want, len);
	assert_int_equal(harness_worker->count[2].generated, 1);
	harness_audit();
}

static void an_injected_frame_goes_where_the_fdb_says(void)
{
	bridge_with_iface(3);
	fdb_learn(harness_fdb, fdb_key(mac_b, DOMAIN), 3, 100, NULL);
	worker_inject_to(harness_worker, made(mac_b), 0, DOMAIN, 0);
	worker_inject_to(harness_worker, made(mac_b), 0, DOMAIN, 3); // but not there
	worker_inject_to(harness_worker, made(broadcast), 0, DOMAIN, 0);
	worker_inject_to(harness_worker, made(broadcast), 0, DOMAIN, 2);
	inject_run();
	assert_int_equal(harness_ports[1].nout, 2);
	assert_int_equal(harness_ports[2].nout, 1);
	assert_int_equal(harness_ports[3].nout, 3);
	assert_int_equal(harness_drops(3, DROP_BRIDGE_HAIRPIN), 1);
	expect_no_punt(); // what control says it need not be told
	harness_audit();
}

static void an_injected_frame_without_a_way_is_lost_by_name(void)
{
	bridge_with_iface(1);
	worker_inject_to(harness_worker, made(mac_b), 9, DOMAIN, 0);     // no such port
	worker_inject_to(harness_worker, made(mac_b), 0, DOMAIN + 1, 0); // no such domain
	worker_inject_to(harness_worker, made(mac_b), 1, DOMAIN_MAX - 1, 0);
	worker_inject_to(harness_worker, made(mac_us), 0, DOMAIN, 0); // to ourselves
	worker_inject_to(harness_worker, harness_mbuf(mac_b, 6), 1, DOMAIN, 0);
	harness_ports[1].fwd.up = false;
	worker_inject_to(harness_worker, made(mac_b), 1, DOMAIN, 0);
	inject_run();
	assert_int_equal(harness_drops(0, DROP_TX_DOWN), 1);
	assert_int_equal(harness_drops(0, DROP_BRIDGE_NO_MEMBER), 2);
	assert_int_equal(harness_drops(0, DROP_BRIDGE_HAIRPIN), 1);
	assert_int_equal(harness_drops(0, DROP_RX_RUNT), 1);
	assert_int_equal(harness_drops(1, DROP_TX_DOWN), 1);
	harness_audit();
}

static void more_than_a_burst_is_injected_in_order_and_a_full_ring_refuses(void)
{
	unsigned int taken = 0;

	bridge_with_iface(2);
	while (!worker_inject_to(harness_worker, made(mac_b), 2, DOMAIN, 0))
		taken++;
	assert_true(workers_inject_lost() > 0);
	while (!rte_ring_empty(harness_worker->injects))
		inject_run();
	assert_int_equal(harness_ports[2].nout, taken);
	harness_audit();
}

static bool bell_rings(void)
{
	struct pollfd p = {.fd = workers_punts_fd(), .events = POLLIN};
	uint64_t n;

	return poll(&p, 1, 0) == 1 && read(p.fd, &n, sizeof(n)) == sizeof(n);
}

static void the_bell_rings_once_for_a_sleeper(void **state)
{
	const struct worker_conf conf = {.idle = WORKER_IDLE_POLL};
	struct fdb *fdb;
	struct punt p = {.class = PUNT_ND};
	struct worker *w;

	harness_reset("v2"); // its worker has the same name
	worker_free(harness_worker);
	harness_worker = NULL;
	assert_int_equal(fdb_create(&fdb, 1024), 0);
	assert_int_equal(workers_create(&conf, 1, fdb), 0);
	w = worker_at(0);
	worker_punt_bell(w);
	assert_false(bell_rings()); // nobody sleeps
	assert_true(workers_punts_arm());
	p.m = harness_mbuf(mac_a, 6);
	assert_int_equal(rte_ring_sp_enqueue_elem(w->punt[PUNT_ND].ring, &p, sizeof(p)), 0);
	worker_punt_bell(w);
	worker_punt_bell(w);
	assert_true(bell_rings());
	assert_false(bell_rings());
	assert_false(workers_punts_arm()); // something is there
	worker_punt_bell(w);
	assert_false(bell_rings());
	assert_int_equal(workers_punts(PUNT_ARP, &p, 1), 0);
	assert_int_equal(workers_punts(PUNT_ND, &p, 1), 1);
	rte_pktmbuf_free(p.m);
	assert_true(workers_punts_arm());
	workers_destroy();
	fdb_destroy(fdb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(discovery_is_flooded_and_a_copy_punted),
		TEST(an_interface_that_listens_gets_all_group_frames),
		TEST(on_a_link_of_one_port_the_frame_itself_is_punted),
		TEST(a_suppressing_domain_punts_questions_instead),
		TEST(a_bridge_alone_suppresses_too),
		TEST(short_frames_are_no_discovery),
		TEST(a_flood_of_one_class_starves_no_other),
		TEST(a_flood_from_one_port_starves_no_other),
		TEST(a_full_ring_loses_by_name),
		TEST(an_injected_frame_leaves_by_its_port_with_its_tag),
		TEST(an_injected_frame_goes_where_the_fdb_says),
		TEST(an_injected_frame_without_a_way_is_lost_by_name),
		TEST(more_than_a_burst_is_injected_in_order_and_a_full_ring_refuses),
		cmocka_unit_test(the_bell_rings_once_for_a_sleeper),
	};

	harness_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
