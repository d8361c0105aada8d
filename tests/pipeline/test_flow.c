/* SPDX-License-Identifier: BSD-3-Clause */
// A bridge in mode flow: packets in, packets out, on every instruction set level that this CPU has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "flow_fixture.h"

#define UDP "02000000000202000000000108004500002312340000401153940a0000010a00010203e80035000f29817061796c6f6164"
// The same with TTL 63, and its checksum.
#define UDP_63                                                                                                         \
	"02000000000202000000000108004500002312340000"                                                                 \
	"3f1154940a0000010a00010203e80035000f29817061796c6f6164"
// The same with DSCP 10 (AF11), and its checksum.
#define AF11 "020000000002020000000001080045280023123400004011536c0a0000010a00010203e80035000f29817061796c6f6164"
#define UDP_TAG5                                                                                                       \
	"0200000000020200000000018100000508004500002312340000401153940a0000010a00010203e80035000f29817061796c6f6164"
#define UDP_TTL1                                                                                                       \
	"02000000000202000000000108004500002312340000"                                                                 \
	"011192940a0000010a00010203e80035000f29817061796c6f6164"
#define ARP "ffffffffffff0200000000010806000108000604000102000000000a0000010000000000000a000002"

static void run_in(uint16_t port, const char *hex, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++)
		fixture_in(port, hex);
	harness_run();
}

static void assert_out(uint16_t port, uint32_t k, const char *hex)
{
	assert_non_null(fixture_out(port, k));
	assert_string_equal(fixture_out(port, k), hex);
}

static void an_entry_sends_to_its_port_and_counts(void)
{
	uint32_t n;

	fixture_begin(3, 1024);
	n = fixture_flow("in_port=1,udp,tp_dst=53,actions=output:2");
	run_in(1, UDP, 200);
	assert_int_equal(harness_ports[2].nout, 200);
	assert_out(2, 199, UDP);
	assert_int_equal(fixture_count(n).packets, 200);
	assert_int_equal(fixture_count(n).bytes, 200 * strlen(UDP) / 2);
	assert_true(fixture_count(n).used > 0);
	assert_int_equal(flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(FLOW_FIXTURE_SWITCH, 0)).packets, 200);
	run_in(2, UDP, 3);
	assert_int_equal(harness_drops(2, DROP_FLOW_NO_MATCH), 3);
	assert_int_equal(flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(FLOW_FIXTURE_SWITCH, 0)).bytes, 200);
	harness_audit();
}

static void a_change_is_seen_by_the_next_packet(void)
{
	uint32_t n;

	fixture_begin(4, 1024);
	n = fixture_flow("priority=5,actions=output:2");
	run_in(1, UDP, 100);
	fixture_mod(n, "actions=output:3");
	run_in(1, UDP, 100);
	assert_int_equal(harness_ports[2].nout, 100);
	assert_int_equal(harness_ports[3].nout, 100);
	assert_int_equal(fixture_count(n).packets, 200);
	fixture_flow("priority=6,udp,actions=output:4");
	run_in(1, UDP, 100);
	assert_int_equal(harness_ports[4].nout, 100);
	fixture_del(n);
	run_in(1, ARP, 10);
	assert_int_equal(harness_drops(1, DROP_FLOW_NO_MATCH), 10);
	harness_audit();
}

static void goto_metadata_and_action_sets(void)
{
	uint32_t n[4];

	fixture_begin(4, 1024);
	n[0] = fixture_flow("table=0,in_port=1,actions=write_metadata:0x10/0xf0,write_actions(output:2),goto_table:3");
	n[1] = fixture_flow("table=3,metadata=0x10/0xf0,actions=write_actions(dec_ttl),goto_table:200");
	n[2] = fixture_flow("table=3,priority=1,actions=output:4");
	n[3] = fixture_flow("table=200,udp,actions=output:3");
	run_in(1, UDP, 100);
	for (uint32_t k = 0; k < 100; k++) {
		assert_out(3, k, UDP);
		assert_out(2, k, UDP_63);
	}
	assert_int_equal(fixture_count(n[0]).packets, 100);
	assert_int_equal(fixture_count(n[1]).packets, 100);
	assert_int_equal(fixture_count(n[2]).packets, 0);
	assert_int_equal(fixture_count(n[3]).packets, 100);
	assert_int_equal(harness_worker->count[1].copies, 100);
	// What is not met in a later table is lost with its action set.
	run_in(1, ARP, 5);
	assert_int_equal(harness_drops(1, DROP_FLOW_NO_MATCH), 5);
	harness_audit();
}

static void outputs_get_the_packet_as_it_is_then(void)
{
	fixture_begin(5, 1024);
	fixture_flow(
		"ip,actions=output:2,dec_ttl,output:3,push_vlan:0x8100,set_field:4101->vlan_vid,output:4,output:5");
	run_in(1, UDP, 70);
	for (uint32_t k = 0; k < 70; k++) {
		const char *const tagged = "0200000000020200000000018100000508004500002312340000"
					   "3f1154940a0000010a00010203e80035000f29817061796c6f6164";

		assert_out(2, k, UDP);
		assert_out(3, k, UDP_63);
		assert_out(4, k, tagged);
		assert_out(5, k, tagged);
	}
	harness_audit();
}

static void reserved_ports(void)
{
	fixture_begin(4, 1024);
	fixture_flow("in_port=1,actions=in_port");
	fixture_flow("in_port=2,actions=flood");
	fixture_flow("in_port=3,actions=all");
	fixture_flow("in_port=4,actions=output:4,local");
	run_in(1, UDP, 1);
	assert_int_equal(harness_ports[1].nout, 1);
	run_in(2, UDP, 1);
	assert_int_equal(harness_ports[1].nout, 2);
	assert_int_equal(harness_ports[2].nout, 0);
	assert_int_equal(harness_ports[3].nout, 1);
	assert_int_equal(harness_ports[4].nout, 1);
	harness_ports[4].port.link_up = 0;
	run_in(3, UDP, 1);
	assert_int_equal(harness_ports[1].nout, 3);
	assert_int_equal(harness_ports[2].nout, 1);
	assert_int_equal(harness_ports[4].nout, 1);
	run_in(4, UDP, 1);
	assert_int_equal(harness_drops(4, DROP_FLOW_NO_PORT), 2);
	fixture_switch->local = 3;
	flow_changed();
	run_in(4, UDP, 1);
	assert_int_equal(harness_ports[3].nout, 2);
	harness_audit();
}

static void normal_goes_through_the_bridge(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};

	fixture_begin(4, 1024);
	fixture_flow("in_port=1,actions=normal");
	fixture_flow("in_port=2,actions=normal,push_vlan:0x8100,set_field:4101->vlan_vid,output:4");
	run_in(1, UDP, 70);
	assert_int_equal(harness_ports[2].nout, 70);
	assert_int_equal(harness_ports[4].nout, 70);
	fdb_learn(harness_fdb, fdb_key(mac, FLOW_FIXTURE_DOMAIN), 3, 100, NULL);
	run_in(1, UDP, 70);
	assert_int_equal(harness_ports[2].nout, 70);
	assert_int_equal(harness_ports[3].nout, 140);
	run_in(2, UDP, 70);
	assert_int_equal(harness_ports[3].nout, 210);
	assert_int_equal(harness_ports[4].nout, 140);
	assert_out(3, 209, UDP);
	assert_out(4, 139, UDP_TAG5);
	harness_audit();
}

static void a_switch_without_controller_is_a_bridge(void)
{
	fixture_begin(3, 1024);
	fixture_switch->standalone = true;
	run_in(1, UDP, 5);
	assert_int_equal(harness_ports[2].nout, 5);
	assert_int_equal(harness_ports[3].nout, 5);
	harness_audit();
}

static void the_controller_gets_packets_with_what_is_known_of_them(void)
{
	struct punt p;

	fixture_begin(3, 1024);
	fixture_miss("priority=0,cookie=0x77,actions=controller:128");
	fixture_flow("table=0,udp,cookie=0x5,actions=write_metadata:0x99,goto_table:1");
	fixture_flow("table=1,ip,cookie=0x6,actions=output:2,controller:65535,dec_ttl,output:3");
	for (int round = 0; round < 2; round++) {
		run_in(1, ARP, 1);
		run_in(1, UDP, 1);
		assert_true(harness_punt(PUNT_FLOW_MISS, &p));
		assert_string_equal(fixture_hex(p.m), ARP);
		assert_int_equal(p.flow.reason, FLOW_REASON_NO_MATCH);
		assert_int_equal(p.flow.cookie, 0x77);
		assert_int_equal(p.flow.max_len, 128);
		assert_int_equal(p.flow.in_port, 1);
		assert_int_equal(p.flow.number, FLOW_FIXTURE_SWITCH);
		rte_pktmbuf_free(p.m);
		assert_true(harness_punt(PUNT_FLOW_ACTION, &p));
		assert_string_equal(fixture_hex(p.m), UDP);
		assert_int_equal(p.flow.reason, FLOW_REASON_ACTION);
		assert_int_equal(p.flow.cookie, 6);
		assert_int_equal(p.flow.table, 1);
		assert_int_equal(p.flow.metadata, 0x99);
		rte_pktmbuf_free(p.m);
		assert_out(2, round, UDP);
		assert_out(3, round, UDP_63);
	}
	harness_ports[1].fwd.flow_no_packet_in = true;
	harness_state.generation++;
	run_in(1, ARP, 1);
	assert_false(harness_punt(PUNT_FLOW_MISS, &p));
	assert_int_equal(harness_drops(1, DROP_FLOW_NO_ACTION), 1);
	harness_audit();
}

static void a_time_to_live_that_is_over_ends_the_path(void)
{
	struct punt p;
	uint32_t n[2];

	fixture_begin(3, 1024);
	n[0] = fixture_flow("ip,actions=output:2,dec_ttl,goto_table:1");
	n[1] = fixture_flow("table=1,actions=output:3");
	for (int round = 0; round < 3; round++) {
		run_in(1, UDP_TTL1, 1);
		run_in(1, UDP, 1);
		assert_out(2, 2 * (uint32_t)round, UDP_TTL1);
		assert_true(harness_punt(PUNT_FLOW_TTL, &p));
		assert_string_equal(fixture_hex(p.m), UDP_TTL1);
		assert_int_equal(p.flow.reason, FLOW_REASON_TTL);
		rte_pktmbuf_free(p.m);
		assert_int_equal(harness_ports[3].nout, round + 1);
	}
	assert_int_equal(fixture_count(n[0]).packets, 6);
	assert_int_equal(fixture_count(n[1]).packets, 3);
	harness_audit();
}

static void ports_do_as_they_are_told(void)
{
	fixture_begin(3, 1024);
	fixture_flow("actions=output:2,output:3");
	harness_ports[1].fwd.flow_no_recv = true;
	run_in(1, UDP, 2);
	assert_int_equal(harness_drops(1, DROP_FLOW_NO_RECV), 2);
	harness_ports[1].fwd.flow_no_recv = false;
	harness_ports[2].fwd.flow_no_fwd = true;
	harness_state.generation++;
	run_in(1, UDP, 2);
	assert_int_equal(harness_ports[2].nout, 0);
	assert_int_equal(harness_ports[3].nout, 2);
	assert_int_equal(harness_drops(1, DROP_FLOW_NO_PORT), 2);
	harness_audit();
}

static void groups(void)
{
	fixture_begin(6, 1024);
	fixture_group("group_id=1,type=all,bucket=output:2,bucket=dec_ttl,output:3,bucket=group:2");
	fixture_group("group_id=2,type=indirect,bucket=output:4");
	fixture_group("group_id=3,type=ff,bucket=watch_port:5,output:5,bucket=watch_port:6,output:6");
	fixture_flow("in_port=1,actions=group:1");
	fixture_flow("in_port=2,actions=group:1,output:5");
	fixture_flow("in_port=3,actions=write_actions(output:2,group:3)");
	for (uint32_t k = 0; k < 3; k++) {
		run_in(1, UDP, 1);
		assert_out(2, k, UDP);
		assert_out(3, k, UDP_63);
		assert_out(4, k, UDP);
	}
	assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS).packets, 3);
	assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS + 2).packets, 3);
	run_in(2, UDP, 2);
	// Port 2 is where these came from.
	assert_int_equal(harness_drops(2, DROP_FLOW_NO_PORT), 2);
	assert_int_equal(harness_ports[5].nout, 2);
	run_in(3, UDP, 2);
	assert_int_equal(harness_ports[5].nout, 4);
	harness_ports[5].port.link_up = 0;
	run_in(3, UDP, 2);
	assert_int_equal(harness_ports[6].nout, 2);
	harness_ports[6].port.link_up = 0;
	run_in(3, UDP, 2);
	assert_int_equal(harness_drops(3, DROP_FLOW_NO_ACTION), 2);
	harness_audit();
}

// 1000 UDP packets into port 1, each of its own source port.
static void run_1000_flows(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		char hex[sizeof(UDP)] = UDP;

		snprintf(hex + 2 * 34, 5, "%04x", i);
		hex[2 * 34 + 4] = '0';
		fixture_in(1, hex);
	}
	harness_run();
}

static void select_groups_spread_flows_by_weight(void)
{
	fixture_begin(3, 1024);
	fixture_group("group_id=1,type=select,bucket=weight:3,watch_port:2,output:2,bucket=weight:1,output:3");
	fixture_flow("udp,actions=group:1");
	run_1000_flows();
	assert_in_range(harness_ports[2].nout, 680, 820);
	assert_int_equal(harness_ports[2].nout + harness_ports[3].nout, 1000);
	harness_ports[2].port.link_up = 0;
	run_in(1, UDP, 10);
	assert_int_equal(harness_ports[2].nout + harness_ports[3].nout, 1010);
	assert_in_range(harness_ports[3].nout, 10 + 180, 10 + 320);
	assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS).packets, 1010);
	for (uint32_t i = 1; i <= 2; i++)
		assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS + i).packets,
				 harness_ports[1 + i].nout);
	harness_audit();
}

// Packets of one burst whose buckets say one port, more than that, the port that they came in by, and nothing.
static void buckets_of_one_select_group_differ(void)
{
	uint32_t n;

	fixture_begin(4, 1024);
	fixture_group("group_id=1,type=select,bucket=weight:1,output:2,bucket=weight:1,dec_ttl,output:3,"
		      "bucket=weight:1,output:1,bucket=weight:1,actions=drop");
	n = fixture_flow("udp,actions=group:1");
	run_1000_flows();
	for (uint32_t i = 2; i <= 3; i++)
		assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS + i - 1).packets,
				 harness_ports[i].nout);
	assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS + 3).packets,
			 harness_drops(1, DROP_FLOW_NO_PORT));
	assert_int_equal(flow_count_get(FLOW_COUNT_GROUP, FLOW_FIXTURE_GROUP_COUNTERS + 4).packets,
			 harness_drops(1, DROP_FLOW_NO_ACTION));
	assert_in_range(harness_drops(1, DROP_FLOW_NO_ACTION), 180, 320);
	assert_int_equal(harness_ports[2].nout + harness_ports[3].nout + harness_drops(1, DROP_FLOW_NO_PORT) +
				 harness_drops(1, DROP_FLOW_NO_ACTION),
			 1000);
	assert_int_equal(fixture_count(n).packets, 1000);
	harness_audit();
}

static void meters_drop_what_is_too_much(void)
{
	uint32_t n[2];

	fixture_begin(3, 1024);
	fixture_meter("meter=1,pktps,burst,stats,band=type=drop,rate=1000,burst_size=40");
	n[0] = fixture_flow("in_port=1,actions=meter:1,output:2");
	n[1] = fixture_flow("in_port=2,actions=meter:1,goto_table:1");
	fixture_flow("table=1,actions=output:3");
	run_in(1, UDP, 100);
	assert_int_equal(harness_ports[2].nout, 40);
	assert_int_equal(harness_drops(1, DROP_FLOW_METER), 60);
	assert_int_equal(fixture_count(n[0]).packets, 100);
	harness_worker->tsc += rte_get_tsc_hz() / 50; // 20 packets more
	run_in(2, UDP, 30);
	run_in(2, UDP, 30);
	assert_int_equal(harness_ports[3].nout, 20);
	assert_int_equal(fixture_count(n[1]).packets, 60);
	assert_int_equal(flow_count_get(FLOW_COUNT_METER, flow_meter_counter(1, 0)).packets, 160);
	assert_int_equal(flow_count_get(FLOW_COUNT_METER, flow_meter_counter(1, 1)).packets, 100);
	assert_int_equal(flow_count_get(FLOW_COUNT_TABLE, flow_table_counter(FLOW_FIXTURE_SWITCH, 1)).packets, 20);
	harness_audit();
}

static void assert_share(uint64_t n, uint64_t of, uint64_t percent)
{
	assert_in_range(100 * n + of, percent * of, percent * of + 2 * of);
}

// Packets of 49 bytes, at an even pace, twice as many as a band lets pass; the clock is the test's. What passes, and
// what the meter and its bands count, is right to 1 % at any rate.
static void meter_at(const char *text, uint64_t pps, const uint32_t share[4])
{
	const uint32_t packets = 10000, slice = 20;
	const uint64_t hz = rte_get_tsc_hz();
	uint64_t counted[3], remarked = 0, left = 0, start;

	// From a fresh start: another meter of the same number.
	fixture_end();
	harness_reset(datapath_isa());
	fixture_begin(2, 1024);
	start = harness_worker->tsc;
	fixture_meter(text);
	fixture_flow("actions=meter:1,output:2");
	for (uint32_t sent = 0; sent < packets; sent += slice) {
		harness_worker->tsc = start + (uint64_t)((double)hz * sent / pps);
		for (uint32_t i = 0; i < slice; i++)
			fixture_in(1, AF11);
		harness_run();
		for (uint32_t i = 0; i < harness_ports[2].nout; i++)
			remarked += rte_pktmbuf_mtod(harness_ports[2].out[i], const uint8_t *)[15] != 10 << 2;
		left += harness_ports[2].nout;
		harness_ports[2].room = HARNESS_OUT;
		for (uint32_t i = 0; i < 3; i++)
			counted[i] = flow_count_get(FLOW_COUNT_METER, flow_meter_counter(1, i)).packets;
		harness_audit();
	}
	assert_int_equal(counted[0], packets);
	assert_int_equal(flow_count_get(FLOW_COUNT_METER, flow_meter_counter(1, 0)).bytes, 49 * packets);
	assert_share(counted[1], packets, share[0]);
	assert_share(counted[2], packets, share[1]);
	assert_share(left, packets, share[2]);
	assert_share(remarked, packets, share[3]);
}

static void meters_are_exact(void)
{
	static const uint64_t rates[] = {10000, 100000, 1000000, 10000000};
	char text[256];

	for (uint32_t i = 0; i < RTE_DIM(rates); i++) {
		const unsigned int r = (unsigned int)rates[i];

		sprintf(text, "meter=1,pktps,burst,stats,band=type=drop,rate=%u,burst_size=40", r);
		meter_at(text, 2 * rates[i], (const uint32_t[]){50, 0, 50, 0});
		// 392 bits a packet.
		sprintf(text, "meter=1,kbps,burst,stats,band=type=drop,rate=%u,burst_size=20", r / 1000 * 392);
		meter_at(text, 2 * rates[i], (const uint32_t[]){50, 0, 50, 0});
		sprintf(text, "meter=1,pktps,burst,stats,band=type=dscp_remark,prec_level=1,rate=%u,burst_size=40", r);
		meter_at(text, 2 * rates[i], (const uint32_t[]){50, 0, 100, 50});
		// The band of the higher rate has its way where both are exceeded.
		sprintf(text,
			"meter=1,pktps,burst,stats,band=type=drop,rate=%u,burst_size=40,"
			"band=type=dscp_remark,prec_level=1,rate=%u,burst_size=40",
			r, r / 2);
		meter_at(text, 2 * rates[i], (const uint32_t[]){50, 25, 50, 25});
	}
}

static void packet_out(uint32_t in_port, const char *hex, const char *actions)
{
	fixture_packet_out(in_port, hex, actions);
	datapath_ops()->inject_run(harness_worker);
	datapath_ops()->tx_flush(harness_worker);
}

static void the_controller_sends_packets(void)
{
	uint32_t n;

	fixture_begin(4, 1024);
	n = fixture_flow("in_port=1,ip,actions=dec_ttl,output:3");
	fixture_flow("in_port=controller,actions=output:4");
	packet_out(FLOW_OUT_CONTROLLER, UDP, "output:1,output:2");
	assert_out(1, 0, UDP);
	assert_out(2, 0, UDP);
	packet_out(1, UDP, "table");
	assert_out(3, 0, UDP_63);
	assert_int_equal(fixture_count(n).packets, 1);
	packet_out(FLOW_OUT_CONTROLLER, UDP, "table");
	assert_out(4, 0, UDP);
	packet_out(FLOW_OUT_CONTROLLER, UDP, "flood");
	packet_out(2, UDP, "all");
	packet_out(2, UDP, "in_port");
	packet_out(2, UDP, "output:2");
	assert_int_equal(harness_drops(2, DROP_FLOW_NO_PORT), 1);
	assert_int_equal(harness_ports[1].nout, 3);
	assert_int_equal(harness_ports[2].nout, 3);
	packet_out(FLOW_OUT_CONTROLLER, UDP, "normal");
	packet_out(1, UDP, "normal");
	assert_int_equal(harness_ports[1].nout, 4);
	assert_int_equal(harness_ports[2].nout, 5);
	packet_out(FLOW_OUT_CONTROLLER, UDP, "drop");
	packet_out(FLOW_OUT_CONTROLLER, "020000000002", "output:1");
	assert_int_equal(harness_drops(0, DROP_RX_RUNT), 1);
	assert_int_equal(harness_drops(0, DROP_FLOW_NO_ACTION), 1);
	harness_audit();
}

// What a guest left to be segmented leaves as segments, each with what was pushed before it.
static void packets_to_be_segmented(void)
{
	uint32_t n;

	fixture_begin(3, 1024);
	n = fixture_flow("tcp,in_port=1,actions=output:3,push_mpls:0x8847,set_field:77->mpls_label,output:2");
	for (int round = 0; round < 3; round++) {
		static const char headers[] = "0200000000020200000000010800"
					      "45000bd000014000400600000a0000010a000002"
					      "03e8005000000001000000005018200000000000";
		struct rte_mbuf *const m = fixture_mbuf(headers);

		m->ol_flags =
			RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
		m->l2_len = 14;
		m->l3_len = m->l4_len = 20;
		m->tso_segsz = 1000;
		for (int more = 0; more < 2; more++) {
			struct rte_mbuf *const payload = rte_pktmbuf_alloc(port_pool());

			assert_non_null(payload);
			memset(rte_pktmbuf_append(payload, 1492), more, 1492);
			assert_int_equal(rte_pktmbuf_chain(m, payload), 0);
		}
		fixture_settle();
		harness_in(1, m);
		harness_run();
		assert_int_equal(harness_ports[2].nout, 3 * (round + 1));
		assert_int_equal(harness_ports[3].nout, 3 * (round + 1));
		for (uint32_t k = 0; k < 3; k++) {
			const uint32_t payload = k < 2 ? 1000 : 984;
			const struct rte_mbuf *const to[] = {harness_ports[2].out[3 * (uint32_t)round + k],
							     harness_ports[3].out[3 * (uint32_t)round + k]};

			assert_int_equal(to[0]->pkt_len, 14 + 4 + 40 + payload);
			assert_int_equal(*rte_pktmbuf_mtod_offset(to[0], const rte_be32_t *, 14),
					 RTE_BE32(77 << 12 | 1 << 8 | 64));
			assert_int_equal(*rte_pktmbuf_mtod_offset(to[0], const rte_be16_t *, 14 + 4 + 2),
					 rte_cpu_to_be_16((uint16_t)(40 + payload)));
			assert_int_equal(to[1]->pkt_len, 14 + 40 + payload);
		}
		assert_int_equal(fixture_count(n).packets, round + 1);
	}
	harness_audit();
}

static void what_has_no_header_is_dropped_by_name(void)
{
	fixture_begin(2, 1024);
	fixture_flow("actions=output:2");
	run_in(1, "0200000000020200000000", 1);
	assert_int_equal(harness_drops(1, DROP_RX_RUNT), 1);
	// Group and reserved addresses are the tables' affair.
	run_in(1, "0180c200000003000000000188cc", 1);
	assert_int_equal(harness_ports[2].nout, 1);
	harness_audit();
}

// More verdicts than there is room for: they come and go, and no count is lost.
static void counts_are_exact_however_small_the_memory(void)
{
	enum { RULES = 3000 };
	static uint32_t n[RULES];
	char text[64];

	fixture_begin(2, 64);
	for (unsigned int i = 0; i < RULES; i++) {
		snprintf(text, sizeof(text), "udp,tp_src=%u,actions=output:2", i);
		n[i] = fixture_flow(text);
	}
	for (unsigned int i = 0; i < RULES; i++) {
		char hex[sizeof(UDP)] = UDP;

		snprintf(hex + 2 * 34, 5, "%04x", i);
		hex[2 * 34 + 4] = '0';
		fixture_in(1, hex);
		if (i % 3 == 0)
			fixture_in(1, hex);
	}
	harness_run();
	for (unsigned int i = 0; i < RULES; i++)
		assert_int_equal(fixture_count(n[i]).packets, i % 3 == 0 ? 2 : 1);
	assert_int_equal(harness_ports[2].nout, RULES + RULES / 3);
	harness_audit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_sends_to_its_port_and_counts),
		TEST(a_change_is_seen_by_the_next_packet),
		TEST(goto_metadata_and_action_sets),
		TEST(outputs_get_the_packet_as_it_is_then),
		TEST(reserved_ports),
		TEST(normal_goes_through_the_bridge),
		TEST(a_switch_without_controller_is_a_bridge),
		TEST(the_controller_gets_packets_with_what_is_known_of_them),
		TEST(a_time_to_live_that_is_over_ends_the_path),
		TEST(ports_do_as_they_are_told),
		TEST(groups),
		TEST(select_groups_spread_flows_by_weight),
		TEST(buckets_of_one_select_group_differ),
		TEST(meters_drop_what_is_too_much),
		TEST(meters_are_exact),
		TEST(the_controller_sends_packets),
		TEST(packets_to_be_segmented),
		TEST(what_has_no_header_is_dropped_by_name),
		TEST(counts_are_exact_however_small_the_memory),
	};
	int failed;

	harness_init();
	failed = cmocka_run_group_tests_name("flow", tests, NULL, NULL);
	fixture_end();
	return failed;
}
