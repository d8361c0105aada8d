/* SPDX-License-Identifier: BSD-3-Clause */
// What was installed is read back as it was installed; and every multipart reply, byte for byte.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../control/openflow/oxm.h"
#include "flow_samples.h"
#include "of_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ALL_FLOWS "0001 0000 00000000 ff000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000 "
#define ANY_MATCH "0001 0004 00000000"
// Of a reply: length, table, duration, priority, no timeouts, no flags, cookie, counters.
#define ENTRY(length, table, priority)                                                                                 \
	length table "00 00000001 1dcd6500 " priority " 0000 0000 0000 00000000 0000000000000000 0000000000000007 "    \
		     "00000000000001c0 "
#define FLOWS_REPLY "0001 0000 00000000 "

static void add_flow(uint8_t table, uint16_t priority, const char *oxm, const char *instructions)
{
	size_t size;
	const uint8_t *body = peer_flow_mod(FLOW_ADD, table, priority, oxm, instructions, &size);

	peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
	peer_expect_nothing(&peer);
}

// An entry of this match and these instructions is read back so: the match in digits, padded, and the instructions.
static void expect_readback(const char *oxm, const char *instructions, const char *match_back,
			    const char *instructions_back)
{
	static char text[8192];
	static uint8_t bytes[4096];
	const size_t match = peer_hex(match_back, bytes, sizeof(bytes));
	const size_t more = peer_hex(instructions_back, bytes, sizeof(bytes));
	const struct flow_mod all = {.command = FLOW_DELETE,
				     .table = FLOW_TABLE_ALL,
				     .out_port = FLOW_PORT_ANY,
				     .out_group = FLOW_GROUP_ANY};

	add_flow(1, 0x100, oxm, instructions);
	snprintf(text, sizeof(text), FLOWS_REPLY ENTRY("%04zx", "01", "0100") "%s %s", 48 + match + more, match_back,
		 instructions_back);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, ALL_FLOWS ANY_MATCH);
	peer_expect(&peer, OFPT_MULTIPART_REPLY, text);
	assert_int_equal(model_ops.flow_mod(&peer.model, &all, NULL), 0);
}

static void digits(char *to, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", bytes[i]);
	to[2 * n] = '\0';
}

static void each_field_is_read_back(void **state)
{
	static struct wire w;

	for (enum flow_field f = 0; f < FLOW_FIELD_COUNT; f++) {
		for (unsigned int masked = 0; masked <= flow_field_info[f].maskable; masked++) {
			char sent[1024], back[1024];
			const struct flow_value mask = {.hi = 0xff00, .lo = 0x1006};
			struct flow_value v = sample_value(f);
			struct flow_match m = {.given = 0};

			v.lo &= masked ? mask.lo : UINT64_MAX;
			v.hi &= masked ? mask.hi : UINT64_MAX;
			if (masked && flow_field_info[f].bits <= 16) // only those bits that the field has
				v.lo &= flow_field_ones(f).lo;
			sample_prereqs(&m, f);
			const struct flow_value ones = flow_field_ones(f);
			const struct flow_value used = {.hi = mask.hi & ones.hi, .lo = mask.lo & ones.lo};
			assert_int_equal(flow_match_add(&m, f, v, masked ? &used : NULL, NULL), 0);
			w.len = 0;
			oxm_match_encode(&w, &m);
			digits(sent, w.data + 4, wire_u16(w.data + 2) - 4u);
			digits(back, w.data, w.len);
			print_message("%s: %s\n", flow_field_info[f].name, back);
			expect_readback(sent, "", back, "");
		}
	}
}

// These bytes are the specification's, and not made by what is tested.
static void order_and_masks_are_normalised(void **state)
{
	expect_readback("80000a02 0800", "", "0001 000a 80000a02 0800 000000000000", "");
	expect_readback("80000c02 1005", "", "0001 000a 80000c02 1005 000000000000", "");
	expect_readback("80000d04 1005 1fff", "", "0001 000a 80000c02 1005 000000000000", "");
	expect_readback("80000d04 1000 1000", "", "0001 000c 80000d04 1000 1000 00000000", "");
	expect_readback("80000c02 0000", "", "0001 000a 80000c02 0000 000000000000", "");
	expect_readback("80000510 0000000000000000 0000000000000000", "", "0001 0004 00000000", "");
	expect_readback("80000a02 0800 80001708 0a000000 ff000000 80000004 00000003", "",
			"0001 001e 80000004 00000003 80000a02 0800 80001708 0a000000 ff000000 0000", "");
	expect_readback("80000a02 0800 80001708 0a000001 ffffffff", "",
			"0001 0012 80000a02 0800 80001604 0a000001 000000000000", "");
}

static void each_instruction_is_read_back_in_the_order_of_execution(void **state)
{
	static const char goto_table[] = "0001 0008 07000000", clear[] = "0005 0008 00000000",
			  metadata[] = "0002 0018 00000000 0102030405060708 ff00ff00ff00ff00",
			  write[] = "0003 0018 00000000 0000 0010 00000001 0000 000000000000",
			  apply[] = "0004 0018 00000000 0000 0010 00000002 0080 000000000000",
			  meter[] = "0006 0008 00000001";
	char sent[512], back[512];

	peer_send(&peer, OFPT_METER_MOD, "0000 0001 00000001");
	snprintf(sent, sizeof(sent), "%s%s%s%s%s%s", goto_table, metadata, write, apply, clear, meter);
	snprintf(back, sizeof(back), "%s%s%s%s%s%s", meter, apply, clear, write, metadata, goto_table);
	expect_readback("", sent, ANY_MATCH, back);
	expect_readback("", "0004 0008 00000000", ANY_MATCH, "0004 0008 00000000"); // nothing is not no list
	expect_readback("", "", ANY_MATCH, "");
}

static void each_action_is_read_back_where_it_was(void **state)
{
	static const struct {
		const char *oxm, *match_back, *actions;
	} cases[] = {
		{"", ANY_MATCH, "0000 0010 00000001 0000 000000000000"},
		{"", ANY_MATCH, "0000 0010 fffffffd 0080 000000000000"},
		{"", ANY_MATCH, "0000 0010 fffffffd ffff 000000000000"},
		{"", ANY_MATCH,
		 "0000 0010 fffffff8 0000 000000000000 0000 0010 fffffffa 0000 000000000000"
		 "0000 0010 fffffffb 0000 000000000000 0000 0010 fffffffc 0000 000000000000"
		 "0000 0010 fffffffe 0000 000000000000"},
		{"", ANY_MATCH, "000b 0008 00000000 000c 0008 00000000"},
		{"80000a02 8847", "0001 000a 80000a02 8847 000000000000",
		 "000f 0008 40000000 0010 0008 00000000 0014 0008 08000000 0018 0008 00000000"},
		{"", ANY_MATCH, "0011 0008 81000000 0019 0010 80000c02 1005 000000000000 0012 0008 00000000"},
		{"", ANY_MATCH, "0011 0008 88a80000 0013 0008 88470000 0013 0008 88480000"},
		{"", ANY_MATCH, "0015 0008 00000003 0016 0008 00000001"},
		{"80000a02 86dd", "0001 000a 80000a02 86dd 000000000000",
		 "0017 0008 20000000 0019 0018 80003410 20010db8000000000000000000000001"},
		{"80000a02 88e7", "0001 000a 80000a02 88e7 000000000000",
		 "0019 0010 80004a03 000102 0000000000 001b 0008 00000000"},
		{"", ANY_MATCH, "001a 0008 88e70000"},
		{"80000a02 0806", "0001 000a 80000a02 0806 000000000000",
		 "0019 0010 80003006 020000000001 0000 0019 0010 80002a02 0002 000000000000"},
		{"", ANY_MATCH, "0019 0010 80004c08 0000000000000009"},
	};

	peer_send(&peer, OFPT_GROUP_MOD, "0000 00 00 00000001");
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t bytes[512];
		char list[1100];
		const size_t n = 8 + peer_hex(cases[i].actions, bytes, sizeof(bytes));

		print_message("%zu: %s\n", i, cases[i].actions);
		snprintf(list, sizeof(list), "0004 %04zx 00000000 %s", n, cases[i].actions);
		expect_readback(cases[i].oxm, list, cases[i].match_back, list);
		snprintf(list, sizeof(list), "0003 %04zx 00000000 %s", n, cases[i].actions);
		expect_readback(cases[i].oxm, list, cases[i].match_back, list);
	}
}

static void groups_are_read_back(void **state)
{
	static const char body[] =
		"01 00 00000007"
		"0020 0005 00000002 ffffffff 00000000 0000 0010 00000001 0000 000000000000"
		"0028 0032 ffffffff 00000001 00000000 0011 0008 81000000 0000 0010 00000002 0000 000000000000"
		"0010 0001 ffffffff ffffffff 00000000";
	char text[512];

	snprintf(text, sizeof(text), "0000 %s", body);
	peer_send(&peer, OFPT_GROUP_MOD, text);
	peer_send(&peer, OFPT_GROUP_MOD, "0000 00 00 00000008");
	snprintf(text, sizeof(text), "0007 0000 00000000 0060 %s 0008 00 00 00000008", body);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0007 0000 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, text);
#define COUNTS "0000000000000bb8 000000000002ee00 00000002 00000001"
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0006 0000 00000000 fffffffc 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY,
		    "0006 0000 00000000"
		    "0058 0000 00000007 00000001 00000000 " COUNTS "00000000000003e8 000000000000fa00"
		    "00000000000007d0 000000000001f400 0000000000000000 0000000000000000"
		    "0028 0000 00000008 00000001 00000000 " COUNTS);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0006 0000 00000000 00000008 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, "0006 0000 00000000 0028 0000 00000008 00000001 00000000 " COUNTS);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0006 0000 00000000 00000009 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, "0006 0000 00000000");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0008 0000 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY,
		    "0008 0000 00000000 0000000f 00000005 00000064 000000c8 0000012c 00000190"
		    "0fff9801 0fff9801 0fff9801 0fff9801");
	peer_send(&peer, OFPT_GROUP_MOD, "0002 00 00 fffffffc");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0007 0000 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, "0007 0000 00000000");
}

static void meters_are_read_back(void **state)
{
	static const char body[] =
		"000d 00000005 0001 0010 000003e8 00000064 00000000 0002 0010 000007d0 000000c8 02000000";
	char text[512];

	snprintf(text, sizeof(text), "0000 %s", body);
	peer_send(&peer, OFPT_METER_MOD, text);
	snprintf(text, sizeof(text), "000a 0000 00000000 0028 %s", body);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000a 0000 00000000 ffffffff 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, text);
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0009 0000 00000000 00000005 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY,
		    "0009 0000 00000000 00000005 0048 000000000000 00000001 " COUNTS
		    "00000000000003e8 000000000000fa00 00000000000007d0 000000000001f400");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000b 0000 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, "000b 0000 00000000 000003e8 00000006 0000000f 10 00 0000");
	peer_send(&peer, OFPT_METER_MOD, "0002 0000 ffffffff");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000a 0000 00000000 ffffffff 00000000");
	peer_expect(&peer, OFPT_MULTIPART_REPLY, "000a 0000 00000000");
}

static void ports_queues_and_tables_are_described(void **state)
{
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0000 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.len, 16 + 1056);
	assert_string_equal((const char *)peer.in + 16, "Sluice");
	assert_string_equal((const char *)peer.in + 16 + 256, "model");
	assert_string_equal((const char *)peer.in + 16 + 512, "1");
	assert_string_equal((const char *)peer.in + 16 + 768, "none");
	assert_string_equal((const char *)peer.in + 16 + 800, "a switch without packets");

	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000d 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.len, 16 + 4 * 64);
	assert_int_equal(wire_u32(peer.in + 16 + 3 * 64), FLOW_PORT_LOCAL);
	assert_string_equal((const char *)peer.in + 16 + 16, "port0");

	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0004 0000 00000000 00000002 00000000");
	peer_expect(
		&peer, OFPT_MULTIPART_REPLY,
		"0004 0000 00000000 00000002 00000000"
		"0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005 0000000000000006"
		"0000000000000007 0000000000000008 0000000000000009 000000000000000a 000000000000000b 000000000000000c"
		"00000003 00000001");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0004 0000 00000000 ffffffff 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.len, 16 + 4 * 112);

	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0005 0000 00000000 00000001 00000001");
	peer_expect(&peer, OFPT_MULTIPART_REPLY,
		    "0005 0000 00000000 00000001 00000001 000000000000000b 000000000000000c 000000000000000d 00000004 "
		    "00000002");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0005 0000 00000000 ffffffff ffffffff");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.len, 16 + 2 * 40);

	add_flow(1, 5, "", "");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "0003 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_int_equal(peer.len, 16 + MODEL_TABLES * 24);
	assert_int_equal(peer.in[16 + 24], 1);
	assert_int_equal(wire_u32(peer.in + 16 + 24 + 4), 1);
}

static void flows_are_found_by_what_is_asked(void **state)
{
	static const struct {
		const char *request;
		uint32_t flows;
	} cases[] = {
#define ASK(table, port, group, cookie, mask) "0002 0000 00000000 " table "000000 " port group " 00000000 " cookie mask
#define NO_PORT "ffffffff"
#define NO_GROUP "ffffffff"
#define NO_COOKIE "0000000000000000"
		{ASK("ff", NO_PORT, NO_GROUP, NO_COOKIE, NO_COOKIE) ANY_MATCH, 3},
		{ASK("01", NO_PORT, NO_GROUP, NO_COOKIE, NO_COOKIE) ANY_MATCH, 2},
		{ASK("ff", "00000002", NO_GROUP, NO_COOKIE, NO_COOKIE) ANY_MATCH, 1},
		{ASK("ff", NO_PORT, "00000001", NO_COOKIE, NO_COOKIE) ANY_MATCH, 1},
		{ASK("ff", "00000002", "00000001", NO_COOKIE, NO_COOKIE) ANY_MATCH, 0},
		{ASK("ff", NO_PORT, NO_GROUP, "0000000000000001", "ffffffffffffffff") ANY_MATCH, 0},
		{ASK("ff", NO_PORT, NO_GROUP, NO_COOKIE, NO_COOKIE) "0001 000a 80000a02 0800 000000000000", 1},
		{ASK("ff", NO_PORT, NO_GROUP, NO_COOKIE, NO_COOKIE) "0001 000a 80000a02 0806 000000000000", 0},
	};

	peer_send(&peer, OFPT_GROUP_MOD, "0000 00 00 00000001");
	add_flow(0, 1, "", "0004 0018 00000000 0000 0010 00000002 0000 000000000000");
	add_flow(1, 2, "80000a02 0800", "0003 0010 00000000 0016 0008 00000001");
	add_flow(1, 3, "", "");
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[128];

		peer_send(&peer, OFPT_MULTIPART_REQUEST, cases[i].request);
		snprintf(text, sizeof(text), "0002 0000 00000000 %016x %016x %08x 00000000", 7 * cases[i].flows,
			 448 * cases[i].flows, cases[i].flows);
		peer_expect(&peer, OFPT_MULTIPART_REPLY, text);
	}
}

static void long_reply_comes_in_parts_as_fast_as_it_is_read(void **state)
{
	const unsigned int flows = MODEL_FLOWS_MAX;
	static bool seen[MODEL_FLOWS_MAX];
	unsigned int parts = 0, n = 0;
	bool more = true;

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < flows; i++) {
		struct flow_mod m = {.out_port = FLOW_PORT_ANY, .out_group = FLOW_GROUP_ANY};

		flow_match_add(&m.match, FLOW_FIELD_METADATA, (struct flow_value){.lo = i}, NULL, NULL);
		assert_int_equal(model_ops.flow_mod(&peer.model, &m, NULL), 0);
	}
	peer.model.dirty = false;
	peer_send(&peer, OFPT_MULTIPART_REQUEST, ALL_FLOWS ANY_MATCH);
	// It rests where the reader has enough to read.
	assert_true(peer.session->reply.active);
	assert_in_range(evbuffer_get_length(peer.session->out), OF_OUT_HIGH, OF_OUT_HIGH + OFP_MESSAGE_MAX);
	for (; more; parts++) {
		assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
		assert_int_equal(wire_u32(peer.in + 4), peer.xid);
		more = wire_u16(peer.in + 10) == OFPMPF_MORE;
		for (size_t at = 16; at < peer.len; at += wire_u16(peer.in + at), n++) {
			const uint64_t metadata = wire_u64(peer.in + at + 48 + 8);

			assert_true(metadata < flows && !seen[metadata]);
			seen[metadata] = true;
		}
	}
	peer_expect_nothing(&peer);
	assert_int_equal(n, flows);
	assert_true(parts > 5);
	assert_false(of_session_waits(peer.session));
}

static void table_features_come_for_every_table(void **state)
{
	unsigned int tables = 0;
	bool more = true;

	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000c 0000 00000000");
	while (more) {
		assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
		more = wire_u16(peer.in + 10) == OFPMPF_MORE;
		for (size_t at = 16; at < peer.len; at += wire_u16(peer.in + at))
			assert_int_equal(peer.in[at + 2], tables++);
	}
	assert_int_equal(tables, MODEL_TABLES);
	assert_int_equal(peer.model.changes, 0);
	peer_expect_nothing(&peer);
}

// A request of all tables as they are, in so many parts, with other names.
static void table_features_request(unsigned int parts, bool bad)
{
	static uint8_t tables[MODEL_TABLES][4096], body[OFP_MESSAGE_MAX];
	unsigned int n = 0;

	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000c 0000 00000000");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	for (size_t at = 16; at < peer.len; at += wire_u16(peer.in + at)) {
		memcpy(tables[n], peer.in + at, wire_u16(peer.in + at));
		snprintf((char *)tables[n] + 8, 32, "table %u", n);
		n++;
	}
	assert_int_equal(n, MODEL_TABLES);
	if (bad)
		tables[3][2] = 0; // table 0 once more
	const uint32_t xid = peer.xid;
	for (unsigned int i = 0; i < parts; i++) {
		size_t size = 8;

		memset(body, 0, size);
		wire_set16(body, OFPMP_TABLE_FEATURES);
		wire_set16(body + 2, i + 1 < parts ? OFPMPF_MORE : 0);
		for (unsigned int k = i * MODEL_TABLES / parts; k < (i + 1) * MODEL_TABLES / parts; k++) {
			memcpy(body + size, tables[k], wire_u16(tables[k]));
			size += wire_u16(tables[k]);
		}
		peer.xid = xid;
		peer_send_bytes(&peer, OFPT_MULTIPART_REQUEST, body, size);
		if (i + 1 < parts)
			assert_int_equal(peer.model.changes, 0);
	}
}

static void table_features_request_may_come_in_parts(void **state)
{
	table_features_request(4, false);
	assert_int_equal(peer.model.changes, 1);
	assert_string_equal(peer.model.table_names[7], "table 7");
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	assert_string_equal((const char *)peer.in + 16 + 8, "table 0");
	peer_expect_nothing(&peer);
}

static void table_features_request_is_taken_whole_or_not_at_all(void **state)
{
	table_features_request(4, true);
	peer_expect_error(&peer, OFPTFFC_BAD_TABLE);
	assert_int_equal(peer.model.changes, 0);
	assert_string_equal(peer.model.table_names[0], "");
	// The next one begins anew.
	table_features_request(1, false);
	assert_int_equal(peer.model.changes, 1);
	assert_int_equal(peer_receive(&peer), OFPT_MULTIPART_REPLY);
	// While one is under way, there is no other.
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000c 0001 00000000");
	peer_send(&peer, OFPT_MULTIPART_REQUEST, "000c 0000 00000000");
	peer_expect_error(&peer, OFPBRC_MULTIPART_BUFFER_OVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_field_is_read_back),
		TEST(order_and_masks_are_normalised),
		TEST(each_instruction_is_read_back_in_the_order_of_execution),
		TEST(each_action_is_read_back_where_it_was),
		TEST(groups_are_read_back),
		TEST(meters_are_read_back),
		TEST(ports_queues_and_tables_are_described),
		TEST(flows_are_found_by_what_is_asked),
		TEST(long_reply_comes_in_parts_as_fast_as_it_is_read),
		TEST(table_features_come_for_every_table),
		TEST(table_features_request_may_come_in_parts),
		TEST(table_features_request_is_taken_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
