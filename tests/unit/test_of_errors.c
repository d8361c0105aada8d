/* SPDX-License-Identifier: BSD-3-Clause */
// Messages that are wrong in one way each: the answer is the error that the specification names, and nothing changes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "of_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void unchanged(void)
{
	assert_int_equal(peer.model.changes, 0);
	assert_int_equal(peer.model.packet_outs, 0);
}

// Whole messages.
static void message_gets_its_error(void **state)
{
	static const struct {
		uint8_t type;
		enum flow_errno what;
		const char *body;
	} cases[] = {
		{OFPT_FEATURES_REPLY, OFPBRC_BAD_TYPE, ""},
		{OFPT_PACKET_IN, OFPBRC_BAD_TYPE, ""},
		{OFPT_BARRIER_REPLY, OFPBRC_BAD_TYPE, ""},
		{30, OFPBRC_BAD_TYPE, ""},
		{255, OFPBRC_BAD_TYPE, ""},
		{OFPT_EXPERIMENTER, OFPBRC_BAD_EXPERIMENTER, "00002320 00000001"},
		{OFPT_EXPERIMENTER, OFPBRC_BAD_LEN, "00002320"},
		{OFPT_FEATURES_REQUEST, OFPBRC_BAD_LEN, "00"},
		{OFPT_GET_CONFIG_REQUEST, OFPBRC_BAD_LEN, "00000000"},
		{OFPT_SET_CONFIG, OFPSCFC_BAD_LEN, "0000"},
		{OFPT_SET_CONFIG, OFPSCFC_BAD_FLAGS, "0003 0080"},
		{OFPT_SET_CONFIG, OFPSCFC_BAD_FLAGS, "0002 0080"},
		{OFPT_BARRIER_REQUEST, OFPBRC_BAD_LEN, "00"},
		{OFPT_ROLE_REQUEST, OFPBRC_BAD_LEN, "00000001 00000000"},
		{OFPT_ROLE_REQUEST, OFPRRFC_BAD_ROLE, "00000004 00000000 0000000000000000"},
		{OFPT_GET_ASYNC_REQUEST, OFPBRC_BAD_LEN, "0000"},
		{OFPT_SET_ASYNC, OFPBRC_BAD_LEN, "00000000"},
		{OFPT_QUEUE_GET_CONFIG_REQUEST, OFPBRC_BAD_LEN, "00000001"},
		{OFPT_QUEUE_GET_CONFIG_REQUEST, OFPQOFC_BAD_PORT, "00000009 00000000"},
		{OFPT_TABLE_MOD, OFPBRC_BAD_LEN, "00000000"},
		{OFPT_TABLE_MOD, OFPTMFC_BAD_TABLE, "08000000 00000000"},
		{OFPT_TABLE_MOD, OFPTMFC_BAD_CONFIG, "00000000 00000004"},
		{OFPT_PORT_MOD, OFPBRC_BAD_LEN, "00000001"},
		{OFPT_PORT_MOD, OFPPMFC_BAD_PORT,
		 "00000009 00000000 020000000000 0000 00000000 00000000 00000000 00000000"},
		{OFPT_PORT_MOD, OFPPMFC_BAD_HW_ADDR,
		 "00000001 00000000 020000000009 0000 00000000 00000000 00000000 00000000"},
		{OFPT_PORT_MOD, OFPPMFC_BAD_CONFIG,
		 "00000001 00000000 020000000000 0000 00000002 00000002 00000000 00000000"},
		{OFPT_PORT_MOD, OFPPMFC_BAD_ADVERTISE,
		 "00000001 00000000 020000000000 0000 00000000 00000000 00010000 00000000"},
		{OFPT_PACKET_OUT, OFPBRC_BAD_LEN, "ffffffff"},
		{OFPT_PACKET_OUT, OFPBRC_BAD_LEN, "ffffffff fffffffd 0010 000000000000"},
		{OFPT_PACKET_OUT, OFPBRC_BAD_PORT, "ffffffff 00000000 0000 000000000000 0000000000000000000000000000"},
		{OFPT_PACKET_OUT, OFPBRC_BAD_PACKET, "ffffffff fffffffd 0000 000000000000 00000000000000000000000000"},
		{OFPT_PACKET_OUT, OFPBRC_BAD_PACKET,
		 "ffffffff fffffffd 0010 000000000000 0000 0010 00000001 0000 000000000000"},
		{OFPT_PACKET_OUT, OFPBRC_BUFFER_UNKNOWN, "00000007 fffffffd 0000 000000000000"},
		{OFPT_PACKET_OUT, OFPBRC_BUFFER_UNKNOWN, "00000000 fffffffd 0000 000000000000"},
		{OFPT_PACKET_OUT, OFPBAC_BAD_OUT_PORT,
		 "ffffffff fffffffd 0010 000000000000 0000 0010 00000000 0000 000000000000"
		 "0000000000000000000000000000"},
		{OFPT_FLOW_MOD, OFPBRC_BAD_LEN, "00"},
		{OFPT_GROUP_MOD, OFPBRC_BAD_LEN, "0000 00 00"},
		{OFPT_GROUP_MOD, OFPGMFC_BAD_COMMAND, "0003 00 00 00000001"},
		{OFPT_GROUP_MOD, OFPGMFC_BAD_TYPE, "0000 04 00 00000001"},
		{OFPT_GROUP_MOD, OFPGMFC_INVALID_GROUP, "0000 00 00 ffffff01"},
		{OFPT_GROUP_MOD, OFPGMFC_UNKNOWN_GROUP, "0001 00 00 00000001"},
		{OFPT_GROUP_MOD, OFPGMFC_BAD_BUCKET, "0000 00 00 00000001 0008 0000 ffffffff"},
		{OFPT_GROUP_MOD, OFPGMFC_BAD_BUCKET, "0000 00 00 00000001 0018 0000 ffffffff ffffffff 00000000"},
		{OFPT_GROUP_MOD, OFPBAC_BAD_TYPE,
		 "0000 00 00 00000001 0018 0000 ffffffff ffffffff 00000000 0001 0008 00000000"},
		{OFPT_GROUP_MOD, OFPBAC_BAD_OUT_GROUP,
		 "0000 00 00 00000001 0018 0000 ffffffff ffffffff 00000000 0016 0008 00000002"},
		{OFPT_GROUP_MOD, OFPGMFC_WATCH_UNSUPPORTED, "0000 00 00 00000001 0010 0000 00000001 ffffffff 00000000"},
		{OFPT_GROUP_MOD, OFPGMFC_INVALID_GROUP, "0000 02 00 00000001"},
		{OFPT_METER_MOD, OFPBRC_BAD_LEN, "0000 0001"},
		{OFPT_METER_MOD, OFPMMFC_BAD_COMMAND, "0003 0001 00000001"},
		{OFPT_METER_MOD, OFPMMFC_BAD_FLAGS, "0000 0003 00000001"},
		{OFPT_METER_MOD, OFPMMFC_INVALID_METER, "0000 0001 00000000"},
		{OFPT_METER_MOD, OFPMMFC_UNKNOWN_METER, "0001 0001 00000001"},
		{OFPT_METER_MOD, OFPBRC_BAD_LEN, "0000 0001 00000001 0001 0010 00000001"},
		{OFPT_METER_MOD, OFPBRC_BAD_LEN, "0000 0001 00000001 0001 0008 00000001 0000000000000000"},
		{OFPT_METER_MOD, OFPMMFC_BAD_BAND, "0000 0001 00000001 0003 0010 00000001 00000000 00000000"},
		{OFPT_METER_MOD, OFPMMFC_BAD_BAND, "0000 0001 00000001 ffff 0010 00000001 00000000 00000000"},
		{OFPT_METER_MOD, OFPMMFC_BAD_RATE, "0000 0001 00000001 0001 0010 00000000 00000000 00000000"},
		{OFPT_METER_MOD, OFPMMFC_BAD_BAND_VALUE, "0000 0001 00000001 0002 0010 00000001 00000000 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_LEN, "0000 0000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_MULTIPART, "000e 0000 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_MULTIPART, "0000 0001 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_LEN, "0000 0000 00000000 00"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_EXPERIMENTER, "ffff 0000 00000000 00002320 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_LEN, "ffff 0000 00000000 00002320"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_LEN, "0001 0000 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_TABLE_ID,
		 "0001 0000 00000000 08000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000 0001 0004 "
		 "00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBMC_BAD_TYPE,
		 "0002 0000 00000000 00000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000 0000 0004 "
		 "00000000"},
		{OFPT_MULTIPART_REQUEST, OFPBRC_BAD_PORT, "0004 0000 00000000 00000009 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPQOFC_BAD_PORT, "0005 0000 00000000 00000009 ffffffff"},
		{OFPT_MULTIPART_REQUEST, OFPQOFC_BAD_QUEUE, "0005 0000 00000000 00000001 00000007"},
		{OFPT_MULTIPART_REQUEST, OFPMMFC_UNKNOWN_METER, "0009 0000 00000000 00000007 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPMMFC_UNKNOWN_METER, "000a 0000 00000000 00000007 00000000"},
		{OFPT_MULTIPART_REQUEST, OFPTFFC_BAD_LEN, "000c 0000 00000000 0040"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("%zu: type %u\n", i, cases[i].type);
		peer_send(&peer, cases[i].type, cases[i].body);
		peer_expect_error(&peer, cases[i].what);
		unchanged();
	}
}

// Of a flow-mod, the match and the instructions.
static void flow_mod_gets_its_error(void **state)
{
#define TYPE_IP "80000a02 0800 "
	static const struct {
		enum flow_errno what;
		const char *oxm, *instructions;
	} cases[] = {
		{OFPBMC_BAD_LEN, "800000", ""},
		{OFPBMC_BAD_LEN, "80000004 000000", ""},
		{OFPBMC_BAD_LEN, "80000002 0001", ""},
		{OFPBMC_BAD_LEN, "80000108 00000001 ffffff", ""},
		{OFPBMC_BAD_LEN, "80000506 000000000001", ""},
		{OFPBMC_BAD_FIELD, "80005001 00", ""},
		{OFPBMC_BAD_FIELD, "00010004 00000001", ""},
		{OFPBMC_BAD_FIELD, "ffff0008 00002320 00000001", ""},
		{OFPBMC_BAD_VALUE, "80000004 00000000", ""},
		{OFPBMC_BAD_MASK, "80000108 00000001 0000ffff", ""},
		{OFPBMC_BAD_WILDCARDS, "80000510 00000000000000ff 000000000000000f", ""},
		{OFPBMC_BAD_PREREQ, "80001604 0a000001", ""},
		{OFPBMC_BAD_PREREQ, "80001604 0a000001 " TYPE_IP, ""},
		{OFPBMC_DUP_FIELD, TYPE_IP TYPE_IP, ""},

		{OFPBIC_BAD_LEN, "", "0001"},
		{OFPBIC_BAD_LEN, "", "0001 0004"},
		{OFPBIC_BAD_LEN, "", "0001 0010 01000000"},
		{OFPBIC_BAD_LEN, "", "0001 0010 01000000 0000000000000000"},
		{OFPBIC_BAD_LEN, "", "0002 0010 00000000 0000000000000001"},
		{OFPBIC_BAD_LEN, "", "0005 0010 00000000 0000000000000000"},
		{OFPBIC_BAD_LEN, "", "0004 000c 00000000 00000000"},
		{OFPBIC_UNKNOWN_INST, "", "0000 0008 00000000"},
		{OFPBIC_UNKNOWN_INST, "", "0007 0008 00000000"},
		{OFPBIC_BAD_EXPERIMENTER, "", "ffff 0008 00002320"},
		{OFPBIC_UNSUP_INST, "", "0005 0008 00000000 0005 0008 00000000"},
		{OFPBIC_BAD_TABLE_ID, "", "0001 0008 00000000"},
		{OFPBIC_BAD_TABLE_ID, "", "0001 0008 08000000"},
		{OFPBIC_BAD_TABLE_ID, "", "0001 0008 ff000000"},
		{OFPMMFC_INVALID_METER, "", "0006 0008 00000000"},
		{OFPMMFC_INVALID_METER, "", "0006 0008 00000001"},

#define APPLY(length, actions) "0004 " length " 00000000 " actions
		{OFPBAC_BAD_LEN, "", APPLY("0010", "0000 0008 00000001")},
		{OFPBAC_BAD_LEN, "", APPLY("0010", "0000 0010 00000001")},
		{OFPBAC_BAD_LEN, "", APPLY("0010", "0012 0004 00000000")},
		{OFPBAC_BAD_LEN, "", APPLY("0018", "0012 0010 00000000 0000000000000000")},
		{OFPBAC_BAD_TYPE, "", APPLY("0010", "0001 0008 00000000")},
		{OFPBAC_BAD_TYPE, "", APPLY("0010", "001c 0008 00000000")},
		{OFPBAC_BAD_TYPE, "", APPLY("0010", "0100 0008 00000000")},
		{OFPBAC_BAD_EXPERIMENTER, "", APPLY("0010", "ffff 0008 00002320")},
		{OFPBAC_BAD_OUT_PORT, "", APPLY("0018", "0000 0010 00000009 0000 000000000000")},
		{OFPBAC_BAD_OUT_PORT, "", APPLY("0018", "0000 0010 ffffffff 0000 000000000000")},
		{OFPBAC_BAD_OUT_GROUP, "", APPLY("0010", "0016 0008 00000007")},
		{OFPBAC_BAD_OUT_GROUP, "", APPLY("0010", "0016 0008 fffffffc")},
		{OFPBAC_BAD_QUEUE, "", APPLY("0010", "0015 0008 ffffffff")},
		{OFPBAC_BAD_ARGUMENT, "", APPLY("0010", "0011 0008 08000000")},
		{OFPBAC_BAD_ARGUMENT, "", APPLY("0010", "0013 0008 08000000")},
		{OFPBAC_BAD_ARGUMENT, "", APPLY("0010", "001a 0008 81000000")},
		{OFPBAC_MATCH_INCONSISTENT, "", APPLY("0010", "0018 0008 00000000")},
		{OFPBAC_BAD_SET_TYPE, "", APPLY("0018", "0019 0010 80000004 00000001 00000000")},
		{OFPBAC_BAD_SET_TYPE, "", APPLY("0018", "0019 0010 80005004 00000001 00000000")},
		{OFPBAC_BAD_SET_TYPE, "", APPLY("0018", "0019 0010 00010004 00000001 00000000")},
		{OFPBAC_BAD_SET_LEN, TYPE_IP, APPLY("0018", "0019 0010 80001602 00000001 00000000")},
		{OFPBAC_BAD_SET_LEN, TYPE_IP, APPLY("0020", "0019 0018 80001604 00000001 00000000 0000000000000000")},
		{OFPBAC_BAD_SET_LEN, TYPE_IP, APPLY("0010", "0019 0008 80001604")},
		{OFPBAC_BAD_SET_ARGUMENT, TYPE_IP, APPLY("0018", "0019 0010 80001708 00000001 ffffffff")},
		{OFPBAC_BAD_SET_ARGUMENT, TYPE_IP, APPLY("0018", "0019 0010 80001001 40000000 00000000")},
		{OFPBAC_MATCH_INCONSISTENT, "", APPLY("0018", "0019 0010 80001604 00000001 00000000")},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t size;
		const uint8_t *body = peer_flow_mod(FLOW_ADD, 0, 1, cases[i].oxm, cases[i].instructions, &size);

		print_message("%zu: %s / %s\n", i, cases[i].oxm, cases[i].instructions);
		peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
		peer_expect_error(&peer, cases[i].what);
		unchanged();
	}
}

static void flow_mod_of_a_bad_head_gets_its_error(void **state)
{
	static const struct {
		uint8_t at, value; // of the body
		enum flow_errno what;
	} cases[] = {
		{17, 5, OFPFMFC_BAD_COMMAND},  {16, 8, OFPFMFC_BAD_TABLE_ID},  {16, 0xff, OFPFMFC_BAD_TABLE_ID},
		{37, 0x20, OFPFMFC_BAD_FLAGS}, {41, 0, OFPBMC_BAD_TYPE},       {43, 3, OFPBMC_BAD_LEN},
		{42, 1, OFPBMC_BAD_LEN},       {24, 1, OFPBRC_BUFFER_UNKNOWN}, // of 0xffffffff
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t body[48];
		size_t size;

		memcpy(body, peer_flow_mod(FLOW_ADD, 0, 1, "", "", &size), sizeof(body));
		assert_int_equal(size, sizeof(body));
		body[cases[i].at] = cases[i].value;
		peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
		peer_expect_error(&peer, cases[i].what);
		unchanged();
	}
}

static void entries_that_cannot_be_added_get_their_errors(void **state)
{
	static const char group[] = "0000 00 00 00000001", meter[] = "0000 0001 00000001";
	size_t size;
	uint8_t body[48];

	peer_send(&peer, OFPT_GROUP_MOD, group);
	peer_send(&peer, OFPT_METER_MOD, meter);
	memcpy(body, peer_flow_mod(FLOW_ADD, 0, 1, "", "", &size), sizeof(body));
	peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.changes, 3);
	peer_send(&peer, OFPT_GROUP_MOD, group);
	peer_expect_error(&peer, OFPGMFC_GROUP_EXISTS);
	peer_send(&peer, OFPT_METER_MOD, meter);
	peer_expect_error(&peer, OFPMMFC_METER_EXISTS);
	body[37] = FLOW_CHECK_OVERLAP;
	peer_send_bytes(&peer, OFPT_FLOW_MOD, body, size);
	peer_expect_error(&peer, OFPFMFC_OVERLAP);
}

static void table_features_that_cannot_be_get_their_errors(void **state)
{
	static const struct {
		enum flow_errno what;
		uint8_t table, metadata;
		const char *properties;
	} cases[] = {
		{OFPTFFC_BAD_TABLE, 8, 0xff, ""},
		{OFPTFFC_BAD_METADATA, 0, 0x0f, ""},
		{OFPTFFC_BAD_TYPE, 0, 0xff, "0009 0004 00000000"},
		{OFPTFFC_BAD_TYPE, 0, 0xff, "fffe 000c 00002320 00000000 00000000"},
		{OFPTFFC_BAD_LEN, 0, 0xff, "0000 0003 00000000"},
		{OFPTFFC_BAD_LEN, 0, 0xff, "0000 0010 00010004"},
		{OFPTFFC_BAD_LEN, 0, 0xff, "0008 0006 80000000"},
		{OFPTFFC_BAD_LEN, 0, 0xff, "0000 0008 00010003"},
		{OFPTFFC_BAD_ARGUMENT, 0, 0xff, "0000 0008 00070004"},
		{OFPTFFC_BAD_ARGUMENT, 0, 0xff, "0004 0008 00010004"},
		{OFPTFFC_BAD_ARGUMENT, 3, 0xff, "0002 0005 03000000"},
		{OFPTFFC_BAD_ARGUMENT, 3, 0xff, "0002 0005 08000000"},
		{OFPTFFC_BAD_ARGUMENT, 0, 0xff, "0008 0008 80005004"},
		{OFPTFFC_BAD_ARGUMENT, 0, 0xff, "0008 0008 80000108"},
		{OFPTFFC_BAD_ARGUMENT, 0, 0xff, "000e 0008 80000004"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t body[8 + 64 + 64] = {0, OFPMP_TABLE_FEATURES};
		const size_t size = 64 + peer_hex(cases[i].properties, body + 8 + 64, 64);

		print_message("%zu: %s\n", i, cases[i].properties);
		wire_set16(body + 8, (uint16_t)size);
		body[8 + 2] = cases[i].table;
		memset(body + 8 + 40, cases[i].metadata, 16);
		peer_send_bytes(&peer, OFPT_MULTIPART_REQUEST, body, 8 + size);
		peer_expect_error(&peer, cases[i].what);
		unchanged();
	}
}

static void another_version_is_refused_and_the_next_message_is_not(void **state)
{
	static const uint8_t message[] = {5, OFPT_ECHO_REQUEST, 0, 8, 0, 0, 0, 1};

	peer.xid = 1;
	assert_int_equal(of_session_input(peer.session, message, sizeof(message), 1), sizeof(message));
	peer_expect_error(&peer, OFPBRC_BAD_VERSION);
	peer_send(&peer, OFPT_ECHO_REQUEST, "01 02");
	peer_expect(&peer, OFPT_ECHO_REPLY, "01 02");
}

static void lost_framing_ends_the_session(void **state)
{
	static const uint8_t message[] = {4, OFPT_ECHO_REQUEST, 0, 7, 0, 0, 0, 1, 4, 2, 0, 8, 0, 0, 0, 2};

	of_session_input(peer.session, message, sizeof(message), 10);
	assert_int_equal(peer_receive(&peer), OFPT_ERROR);
	assert_int_equal(wire_u32(peer.in + 8), OFPBRC_BAD_LEN);
	peer_expect_nothing(&peer);
	assert_true(peer.session->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_gets_its_error),
		TEST(flow_mod_gets_its_error),
		TEST(flow_mod_of_a_bad_head_gets_its_error),
		TEST(entries_that_cannot_be_added_get_their_errors),
		TEST(table_features_that_cannot_be_get_their_errors),
		TEST(another_version_is_refused_and_the_next_message_is_not),
		TEST(lost_framing_ends_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
