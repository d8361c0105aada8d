/* SPDX-License-Identifier: BSD-3-Clause */
// A controller's session: hello, roles, asynchronous configuration, barriers, buffers, and who is told of what.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "../../control/openflow/ofp_stats.h"
#include "of_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FRAME "020000000001 020000000002 0800"

static size_t input_hex(const char *text)
{
	static uint8_t bytes[2048];
	const size_t n = peer_hex(text, bytes, sizeof(bytes));

	return n - of_session_input(peer.session, bytes, n, 100);
}

static void hello_agrees_on_our_version_or_says_why_not(void **state)
{
	static const struct {
		const char *hello;
		bool agreed;
	} cases[] = {
		{"04 00 0008 00000001", true},
		{"06 00 0008 00000001", true},
		{"06 00 0010 00000001 0001 0008 00000052", true},
		{"06 00 0010 00000001 0001 0008 00000042", false}, // 1.0 and 1.5
		{"04 00 0010 00000001 0001 0008 00000012", true},
		{"01 00 0010 00000001 0001 0008 00000012", true}, // the bitmap counts
		{"06 00 0018 00000001 0009 0006 00000000 0001 0008 00000010", true},
		{"06 00 0018 00000001 0009 0006 00000000 0001 0008 00000020", false},
		{"04 00 000c 00000001 0001 0003", true}, // what cannot be read is not there
		{"01 00 0008 00000001", false},
		{"03 00 0008 00000001", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		peer_stop(&peer);
		peer_start(&peer, false);
		assert_int_equal(peer_receive(&peer), OFPT_HELLO);
		assert_int_equal(peer.in[0], 4);
		assert_int_equal(wire_u32(peer.in + 12), 1 << 4);
		assert_int_equal(input_hex(cases[i].hello), 0);
		assert_int_equal(peer.session->open, cases[i].agreed);
		assert_int_equal(peer.session->closed, !cases[i].agreed);
		assert_int_equal(peer.model.connected, cases[i].agreed);
		if (cases[i].agreed) {
			peer_expect_nothing(&peer);
			continue;
		}
		assert_int_equal(peer_receive(&peer), OFPT_ERROR);
		assert_int_equal(wire_u32(peer.in + 8), OFPHFC_INCOMPATIBLE);
		assert_true(peer.in[0] <= 4);
		// Nothing is read any more.
		assert_int_equal(input_hex("04 02 0008 00000001"), 8);
	}
}

static void another_hello_has_to_agree_as_well(void **state)
{
	static const char *const others[] = {"00 00 0008 00000002", "03 00 0008 00000002",
					     "06 00 0010 00000002 0001 0008 00000042"};

	assert_int_equal(input_hex("06 00 0008 00000002"), 0);
	peer_expect_nothing(&peer);
	for (size_t i = 0; i < COUNT(others); i++) {
		peer_stop(&peer);
		peer_start(&peer, true);
		assert_int_equal(input_hex(others[i]), 0);
		assert_int_equal(peer_receive(&peer), OFPT_ERROR);
		assert_int_equal(wire_u32(peer.in + 8), OFPHFC_INCOMPATIBLE);
		assert_true(peer.session->closed);
	}
}

static void packet_outs_of_nothing_do_nothing(void **state)
{
	static const char *const ports[] = {"00000000", "00000009", "fffffffd", "ffffffff"};
	char body[128];

	for (size_t i = 0; i < COUNT(ports); i++) {
		snprintf(body, sizeof(body), "ffffffff %s 0000 000000000000", ports[i]);
		peer_send(&peer, OFPT_PACKET_OUT, body);
		peer_expect_nothing(&peer);
	}
	assert_int_equal(peer.model.packet_outs, 0);
}

static void message_before_hello_ends_the_session(void **state)
{
	peer_stop(&peer);
	peer_start(&peer, false);
	assert_int_equal(peer_receive(&peer), OFPT_HELLO);
	input_hex("04 05 0008 00000001");
	assert_int_equal(peer_receive(&peer), OFPT_ERROR);
	assert_true(peer.session->closed);
	assert_false(peer.session->open);
}

static void plain_requests_are_answered(void **state)
{
	peer_send(&peer, OFPT_ECHO_REQUEST, "0102030405");
	peer_expect(&peer, OFPT_ECHO_REPLY, "0102030405");
	peer_send(&peer, OFPT_FEATURES_REQUEST, "");
	peer_expect(&peer, OFPT_FEATURES_REPLY, "0000123456789abc 00000100 08 00 0000 0000004f 00000000");
	peer_send(&peer, OFPT_GET_CONFIG_REQUEST, "");
	peer_expect(&peer, OFPT_GET_CONFIG_REPLY, "0000 0080");
	peer_send(&peer, OFPT_SET_CONFIG, "0001 ffff");
	peer_send(&peer, OFPT_GET_CONFIG_REQUEST, "");
	peer_expect(&peer, OFPT_GET_CONFIG_REPLY, "0001 ffff");
	peer_send(&peer, OFPT_QUEUE_GET_CONFIG_REQUEST, "ffffffff 00000000");
	peer_expect(&peer, OFPT_QUEUE_GET_CONFIG_REPLY,
		    "ffffffff 00000000"
		    "00000000 00000001 0020 000000000000 0002 0010 00000000 01f4 000000000000"
		    "00000001 00000001 0030 000000000000 0001 0010 00000000 0064 000000000000"
		    "0002 0010 00000000 01f4 000000000000");
	peer_send(&peer, OFPT_QUEUE_GET_CONFIG_REQUEST, "00000002 00000000");
	peer_expect(&peer, OFPT_QUEUE_GET_CONFIG_REPLY, "00000002 00000000");
	// What needs no answer gets none.
	peer_send(&peer, OFPT_HELLO, "");
	peer_send(&peer, OFPT_ECHO_REPLY, "00");
	peer_send(&peer, OFPT_ERROR, "0001 0001 00000000");
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.changes, 0);
}

static void changes_reach_the_switch(void **state)
{
	struct of_cursor c = {.at = {0}};
	struct of_port port;

	peer_send(&peer, OFPT_PORT_MOD, "00000001 00000000 020000000000 0000 00000021 00000021 00000000 00000000");
	peer_send(&peer, OFPT_TABLE_MOD, "ff000000 00000003");
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.changes, 2);
	assert_int_equal(peer.model.flushes, 2);
	assert_int_equal(model_ops.port_next(&peer.model, &c, &port), 1);
	assert_int_equal(port.config, 0x21);
}

static void barrier_holds_up_what_is_behind_it(void **state)
{
	static const char text[] = "04 14 0008 00000011 04 02 0008 00000012";

	peer.model.hold_barriers = true;
	assert_int_equal(input_hex(text), 8); // the echo request waits
	assert_true(of_session_waits(peer.session));
	peer_expect_nothing(&peer);
	assert_int_equal(peer.wakes, 0);
	model_barrier_release(&peer.model);
	assert_int_equal(peer.wakes, 1);
	assert_int_equal(peer_receive(&peer), OFPT_BARRIER_REPLY);
	assert_int_equal(wire_u32(peer.in + 4), 0x11);
	assert_false(of_session_waits(peer.session));
	assert_int_equal(input_hex("04 02 0008 00000012"), 0);
	assert_int_equal(peer_receive(&peer), OFPT_ECHO_REPLY);
}

static void statistics_wait_for_the_counters(void **state)
{
	static const char flows[] = "04 12 0038 00000021 0001 0000 00000000 ff 000000 ffffffff ffffffff 00000000"
				    "0000000000000000 0000000000000000 0001 0004 00000000";

	peer.model.hold_barriers = true;
	assert_int_equal(input_hex(flows), 0);
	assert_int_equal(peer.model.counted, 1);
	assert_true(of_session_waits(peer.session));
	peer_expect_nothing(&peer);
	assert_int_equal(input_hex("04 02 0008 00000012"), 8);
	model_barrier_release(&peer.model);
	assert_int_equal(peer.wakes, 1);
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(wire_u32(peer.in + 4), 0x21);
	assert_false(of_session_waits(peer.session));
	// What is refused need not wait, nor what counts nothing.
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0009 0000 00000000 00000007 00000000");
	peer_expect_error(&peer, OFPMMFC_UNKNOWN_METER);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000d 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.model.counted, 1);
}

static void barrier_may_outlive_its_session(void **state)
{
	struct of_session *s = peer_session(&peer);

	peer.model.hold_barriers = true;
	peer_send_to(&peer, s, OFPT_BARRIER_REQUEST, "", 0);
	peer_session_end(s);
	model_barrier_release(&peer.model);
	assert_int_equal(peer.model.barriers, 1);
	assert_int_equal(peer.wakes, 0);
}

static void roles_follow_the_generation_id(void **state)
{
	struct of_session *other = peer_session(&peer);

	peer_send(&peer, OFPT_ROLE_REQUEST, "00000000 00000000 0000000000000000");
	peer_expect(&peer, OFPT_ROLE_REPLY, "00000001 00000000 ffffffffffffffff");
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000002 00000000 fffffffffffffffe");
	peer_expect(&peer, OFPT_ROLE_REPLY, "00000002 00000000 fffffffffffffffe");
	// A newer master makes the old one a slave; ids go round.
	peer_send_to(&peer, other, OFPT_ROLE_REQUEST, "\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(peer_receive_from(&peer, other), OFPT_ROLE_REPLY);
	assert_int_equal(peer.session->role, OFPCR_ROLE_SLAVE);
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000002 00000000 fffffffffffffffe");
	peer_expect_error(&peer, OFPRRFC_STALE);
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000003 00000000 0000000000000000");
	peer_expect_error(&peer, OFPRRFC_STALE);
	// Equals need no id.
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000001 00000000 0000000000000000");
	peer_expect(&peer, OFPT_ROLE_REPLY, "00000001 00000000 0000000000000001");
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000003 00000000 0000000000000001");
	peer_expect(&peer, OFPT_ROLE_REPLY, "00000003 00000000 0000000000000001");
	assert_int_equal(other->role, OFPCR_ROLE_MASTER);
	peer_session_end(other);
}

static void slave_changes_nothing(void **state)
{
	static const uint8_t changing[] = {OFPT_PACKET_OUT, OFPT_FLOW_MOD, OFPT_GROUP_MOD, OFPT_PORT_MOD,
					   OFPT_METER_MOD};
	uint8_t features[8 + 64] = {0, OFPMP_TABLE_FEATURES};

	peer_send(&peer, OFPT_ROLE_REQUEST, "00000003 00000000 0000000000000001");
	assert_int_equal(peer_receive(&peer), OFPT_ROLE_REPLY);
	for (size_t i = 0; i < COUNT(changing); i++) {
		peer_send(&peer, changing[i], "00000000 00000000 00000000 00000000");
		peer_expect_error(&peer, OFPBRC_IS_SLAVE);
	}
	peer_send(&peer, OFPT_TABLE_MOD, "00000000 00000000");
	peer_expect_error(&peer, OFPBRC_IS_SLAVE);
	wire_set16(features + 8, 64);
	peer_send_bytes(&peer, OFPT_MULTIPART_REQUEST, features, sizeof(features));
	peer_expect_error(&peer, OFPBRC_IS_SLAVE);
	peer_send(&peer, OFPT_SET_CONFIG, "0001 0010");
	peer_expect_error(&peer, OFPSCFC_EPERM);
	assert_int_equal(peer.model.changes + peer.model.packet_outs, 0);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000d 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
}

// --- events ----------------------------------------------------------------------------------------------------------

static const uint8_t frame[100] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};

static void packet_in_of(uint8_t reason, uint16_t max_len)
{
	struct of_packet_in in = {.reason = reason,
				  .table = 3,
				  .cookie = 0x1122334455667788,
				  .total_size = sizeof(frame),
				  .max_len = max_len,
				  .data = frame,
				  .size = sizeof(frame)};

	flow_match_add(&in.match, FLOW_FIELD_IN_PORT, (struct flow_value){.lo = 2}, NULL, NULL);
	of_agent_packet_in(peer.agent, &in);
}

#define PACKET_IN_HEAD "1122334455667788 0001 000c 80000004 00000002 00000000 0000 "

static void packet_in_brings_the_packet_or_its_beginning(void **state)
{
	uint8_t body[64];
	uint32_t id;

	peer.xid = 0;
	packet_in_of(OFPR_ACTION, FLOW_MAX_LEN_NO_BUFFER);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	assert_int_equal(peer.len, 8 + 16 + 16 + 2 + 100);
	peer_hex("ffffffff 0064 01 03 " PACKET_IN_HEAD, body, sizeof(body));
	assert_memory_equal(peer.in + 8, body, 34);
	assert_memory_equal(peer.in + 42, frame, sizeof(frame));
	assert_int_equal(peer.wakes, 1);

	packet_in_of(OFPR_NO_MATCH, 20);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	assert_int_equal(peer.len, 8 + 16 + 16 + 2 + 20);
	id = wire_u32(peer.in + 8);
	assert_int_not_equal(id, FLOW_NO_BUFFER);
	assert_int_equal(wire_u16(peer.in + 12), sizeof(frame));

	// The buffer's packet goes out once.
	peer_hex("00000000 00000002 0010 000000000000 0000 0010 00000003 0000 000000000000", body, sizeof(body));
	wire_set32(body, id);
	peer_send_bytes(&peer, OFPT_PACKET_OUT, body, 32);
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.last_out.size, sizeof(frame));
	assert_memory_equal(peer.model.last_data, frame, sizeof(frame));
	assert_int_equal(peer.model.last_out.actions.v[0].arg, 3);
	peer_send_bytes(&peer, OFPT_PACKET_OUT, body, 32);
	peer_expect_error(&peer, OFPBRC_BUFFER_EMPTY);
}

static void flow_mod_sends_the_buffered_packet_through_the_tables(void **state)
{
	uint8_t body[48];
	size_t size;

	packet_in_of(OFPR_NO_MATCH, 0);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	memcpy(body, peer_flow_mod(FLOW_ADD, 0, 1, "", "", &size), sizeof(body));
	memcpy(body + 24, peer.in + 8, 4);
	peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.packet_outs, 1);
	assert_int_equal(peer.model.last_out.in_port, 2);
	assert_int_equal(peer.model.last_out.actions.v[0].arg, FLOW_PORT_TABLE);
	assert_int_equal(peer.model.last_out.size, sizeof(frame));
}

static void old_buffers_make_room(void **state)
{
	uint8_t body[16];

	packet_in_of(OFPR_NO_MATCH, 0);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	peer_hex("00000000 00000002 0000 000000000000", body, sizeof(body));
	memcpy(body, peer.in + 8, 4);
	for (unsigned int i = 0; i < OF_BUFFERS; i++) {
		packet_in_of(OFPR_NO_MATCH, 0);
		assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	}
	peer_send_bytes(&peer, OFPT_PACKET_OUT, body, 16);
	peer_expect_error(&peer, OFPBRC_BUFFER_UNKNOWN);
}

static unsigned int told(uint8_t type)
{
	unsigned int n = 0;

	for (int got; (got = peer_receive(&peer)) >= 0; n++)
		assert_int_equal(got, type);
	return n;
}

static void events_go_to_who_asked_for_them(void **state)
{
	static const struct of_port port = {.no = 1, .name = "p"};
	struct of_flow_removed removed = {.flow = {.priority = 5}, .reason = OFPRR_HARD_TIMEOUT};

	peer_send(&peer, OFPT_GET_ASYNC_REQUEST, "");
	peer_expect(&peer, OFPT_GET_ASYNC_REPLY, "00000003 00000000 00000007 00000007 0000000f 00000000");
	packet_in_of(OFPR_INVALID_TTL, 0xffff);
	assert_int_equal(told(OFPT_PACKET_IN), 0);
	packet_in_of(OFPR_ACTION, 0xffff);
	assert_int_equal(told(OFPT_PACKET_IN), 1);
	of_agent_port_status(peer.agent, &port, OFPPR_DELETE);
	assert_int_equal(told(OFPT_PORT_STATUS), 1);
	of_agent_flow_removed(peer.agent, &removed);
	assert_int_equal(told(OFPT_FLOW_REMOVED), 1);

	peer_send(&peer, OFPT_SET_ASYNC, "00000004 00000001 00000001 00000000 00000001 00000002");
	peer_send(&peer, OFPT_GET_ASYNC_REQUEST, "");
	peer_expect(&peer, OFPT_GET_ASYNC_REPLY, "00000004 00000001 00000001 00000000 00000001 00000002");
	packet_in_of(OFPR_ACTION, 0xffff);
	of_agent_port_status(peer.agent, &port, OFPPR_DELETE);
	of_agent_flow_removed(peer.agent, &removed);
	peer_expect_nothing(&peer);
	// Of a packet that no action asked for, the configuration says how much is wanted.
	packet_in_of(OFPR_INVALID_TTL, 0xffff);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	assert_int_equal(peer.len, 8 + 16 + 16 + 2 + 100);
	peer_send(&peer, OFPT_SET_CONFIG, "0000 0010");
	packet_in_of(OFPR_INVALID_TTL, 0xffff);
	assert_int_equal(peer_receive(&peer), OFPT_PACKET_IN);
	assert_int_equal(peer.len, 8 + 16 + 16 + 2 + 16);

	peer_send(&peer, OFPT_ROLE_REQUEST, "00000003 00000000 0000000000000001");
	assert_int_equal(peer_receive(&peer), OFPT_ROLE_REPLY);
	packet_in_of(OFPR_NO_MATCH, 0xffff);
	assert_int_equal(told(OFPT_PACKET_IN), 1);
	packet_in_of(OFPR_INVALID_TTL, 0xffff);
	removed.reason = OFPRR_IDLE_TIMEOUT;
	of_agent_flow_removed(peer.agent, &removed);
	of_agent_port_status(peer.agent, &port, OFPPR_ADD);
	peer_expect_nothing(&peer);
	removed.reason = OFPRR_HARD_TIMEOUT;
	peer_send(&peer, OFPT_SET_ASYNC, "00000000 00000000 00000000 00000004 00000000 00000002");
	of_agent_flow_removed(peer.agent, &removed);
	assert_int_equal(told(OFPT_FLOW_REMOVED), 1);
	of_agent_port_status(peer.agent, &port, OFPPR_MODIFY);
	assert_int_equal(told(OFPT_PORT_STATUS), 1);
}

static void removed_entry_and_changed_port_are_told_in_full(void **state)
{
	struct of_flow_removed r = {.flow = {.table = 4,
					     .priority = 0x1234,
					     .idle_timeout = 10,
					     .hard_timeout = 20,
					     .cookie = 0x0102030405060708,
					     .duration_ns = 3000000007,
					     .packets = 5,
					     .bytes = 500},
				    .reason = OFPRR_IDLE_TIMEOUT};
	const struct of_port port = {2, {1, 2, 3, 4, 5, 6}, "name-of-15-byte", 1, 4, 0x2000, 1, 2, 3, 100, 200};

	peer.xid = 0;
	flow_match_add(&r.flow.match, FLOW_FIELD_ETH_TYPE, (struct flow_value){.lo = 0x0806}, NULL, NULL);
	of_agent_flow_removed(peer.agent, &r);
	peer_expect(&peer, OFPT_FLOW_REMOVED,
		    "0102030405060708 1234 00 04 00000003 00000007 000a 0014 0000000000000005 00000000000001f4"
		    "0001 000a 80000a02 0806 000000000000");
	of_agent_port_status(peer.agent, &port, OFPPR_MODIFY);
	peer_expect(&peer, OFPT_PORT_STATUS,
		    "02 00000000000000 00000002 00000000 010203040506 0000 6e616d652d6f662d31352d6279746500"
		    "00000001 00000004 00002000 00000001 00000002 00000003 00000064 000000c8");
}

static void packet_ins_are_limited_by_reason_and_by_what_is_unread(void **state)
{
	struct of_agent_stats stats;

	of_agent_limit(peer.agent, 5);
	// Some more, should a second begin while they are sent.
	for (unsigned int i = 0; i < 40; i++)
		packet_in_of(OFPR_ACTION, 0xffff);
	assert_in_range(told(OFPT_PACKET_IN), 5, 10);
	of_agent_stats(peer.agent, &stats);
	assert_int_equal(stats.packet_ins + stats.packet_ins_limited, 40);
	packet_in_of(OFPR_NO_MATCH, 0xffff);
	assert_int_equal(told(OFPT_PACKET_IN), 1);

	of_agent_limit(peer.agent, 1000000);
	for (unsigned int i = 0; i < 20000; i++)
		packet_in_of(OFPR_NO_MATCH, 0xffff);
	assert_in_range(evbuffer_get_length(peer.session->out), OF_OUT_HIGH, OF_OUT_HIGH + 200);
	assert_false(peer.session->broken);
	of_agent_stats(peer.agent, &stats);
	assert_true(stats.packet_ins_unread > 10000);
	assert_int_equal(stats.sessions, 1);
}

static void controller_that_never_reads_is_cut_off(void **state)
{
	const struct of_flow_removed r = {.reason = OFPRR_IDLE_TIMEOUT};
	unsigned int i;

	for (i = 0; i < 1000000 && !peer.session->broken; i++)
		of_agent_flow_removed(peer.agent, &r);
	assert_true(peer.session->broken);
	assert_in_range(evbuffer_get_length(peer.session->out), OF_OUT_MAX, OF_OUT_MAX + 100);
	evbuffer_drain(peer.session->out, evbuffer_get_length(peer.session->out));
}

static void controller_that_does_not_read_has_to_wait(void **state)
{
	static uint8_t big[OFP_MESSAGE_MAX - OFP_HEADER];
	unsigned int n = 0;

	while (!of_session_waits(peer.session)) {
		peer_send_bytes(&peer, OFPT_ECHO_REQUEST, big, sizeof(big));
		assert_true(++n < 100);
	}
	assert_int_equal(input_hex("04 02 0008 00000012"), 8);
	while (n-- > 0)
		assert_int_equal(peer_receive(&peer), OFPT_ECHO_REPLY);
	assert_int_equal(input_hex("04 02 0008 00000012"), 0);
	assert_int_equal(peer_receive(&peer), OFPT_ECHO_REPLY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_agrees_on_our_version_or_says_why_not),
		TEST(another_hello_has_to_agree_as_well),
		TEST(packet_outs_of_nothing_do_nothing),
		TEST(message_before_hello_ends_the_session),
		TEST(plain_requests_are_answered),
		TEST(changes_reach_the_switch),
		TEST(barrier_holds_up_what_is_behind_it),
		TEST(statistics_wait_for_the_counters),
		TEST(barrier_may_outlive_its_session),
		TEST(roles_follow_the_generation_id),
		TEST(slave_changes_nothing),
		TEST(packet_in_brings_the_packet_or_its_beginning),
		TEST(flow_mod_sends_the_buffered_packet_through_the_tables),
		TEST(old_buffers_make_room),
		TEST(events_go_to_who_asked_for_them),
		TEST(removed_entry_and_changed_port_are_told_in_full),
		TEST(packet_ins_are_limited_by_reason_and_by_what_is_unread),
		TEST(controller_that_never_reads_is_cut_off),
		TEST(controller_that_does_not_read_has_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
