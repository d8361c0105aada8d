/* SPDX-License-Identifier: BSD-3-Clause */
// What leaves by the interface that it came in by is forwarded, and control has a copy if that interface asks for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "router.h"

#define PACKETS 200

static struct packet packet(int family, uint8_t number)
{
	return family == 4 ? packet4(number) : packet6(number);
}

static void redirecting(uint16_t iface, bool on)
{
	((struct fwd_iface *)harness_state.iface[iface])->redirects = on;
	harness_state.redirects = true;
}

// Packet p is forwarded by a port; with a copy for control, if there is to be one.
static void forwarded(struct packet *p, uint16_t port, uint8_t number, int vid, bool copied)
{
	struct packet routed;
	struct punt punt;

	packet_send(p);
	routed = *p;
	packet_routed(&routed, router_nexthop_at(number)->rewrite, vid);
	assert_int_equal(harness_punt(PUNT_REDIRECT, &punt), copied);
	if (copied) {
		assert_int_equal(punt.iface, p->iface);
		assert_int_equal(punt.nexthop, number);
		assert_int_equal(punt.l3, 14);
		assert_int_equal(punt.m->pkt_len, routed.len);
		assert_memory_equal(rte_pktmbuf_mtod_offset(punt.m, uint8_t *, 14), routed.bytes + 14, routed.len - 14);
		rte_pktmbuf_free(punt.m);
	}
	packet_expect(port, &routed);
	harness_audit();
}

static void a_copy_goes_to_control_where_it_is_asked_for(void)
{
	router_build();
	for (int family = 4; family <= 6; family += 2) {
		struct packet p = packet(family, NH_PORT1), other = packet(family, NH_PORT2);

		forwarded(&p, 1, NH_PORT1, -1, false);
		redirecting(2, true); // another's wish
		forwarded(&p, 1, NH_PORT1, -1, false);
		redirecting(1, true);
		forwarded(&p, 1, NH_PORT1, -1, true);
		forwarded(&other, 2, NH_PORT2, -1, false); // leaves elsewhere
		redirecting(1, false);
		redirecting(2, false);
		forwarded(&p, 1, NH_PORT1, -1, false);
	}
}

static void a_flood_makes_no_more_copies_than_its_rate(void)
{
	struct packet p = packet4(NH_PORT1);
	unsigned int copies = 0;
	struct punt punt;

	router_build();
	redirecting(1, true);
	packet_make(&p);
	for (unsigned int k = 0; k < PACKETS; k++)
		packet_in(&p);
	harness_run();
	while (harness_punt(PUNT_REDIRECT, &punt)) {
		rte_pktmbuf_free(punt.m);
		copies++;
	}
	assert_int_equal(copies, 32); // half of the burst: the rest is other ports'
	assert_int_equal(harness_drops(1, DROP_PUNT_RATE), PACKETS - 32);
	harness_audit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_copy_goes_to_control_where_it_is_asked_for),
		TEST(a_flood_makes_no_more_copies_than_its_rate),
	};
	int rc;

	harness_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	router_forget();
	return rc;
}
