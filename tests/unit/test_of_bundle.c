/* SPDX-License-Identifier: BSD-3-Clause */
// Bundles: what is kept until a commit, in what order it is done, and what a bundle cannot be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "of_peer.h"

#define CONTROL "4f4e4600 000008fc "
#define ADD "4f4e4600 000008fd "

static void control(const char *body)
{
	char text[128] = CONTROL;

	strcat(text, body);
	peer_send(&peer, OFPT_EXPERIMENTER, text);
}

// A message of this type and body, to be added; version and xid as they should be.
static void add(const char *head, uint8_t type, const char *body)
{
	uint8_t bytes[512], at[16];
	size_t n;

	assert_int_equal(peer_hex(ADD, bytes, 8), 8);
	assert_int_equal(peer_hex(head, at, sizeof(at)), 8);
	memcpy(bytes + 8, at, 8);
	n = peer_hex(body, bytes + 24, sizeof(bytes) - 24);
	bytes[16] = OFP_VERSION;
	bytes[17] = type;
	wire_set16(bytes + 18, (uint16_t)(OFP_HEADER + n));
	wire_set32(bytes + 20, peer.xid + 1);
	peer_send_bytes(&peer, OFPT_EXPERIMENTER, bytes, 24 + n);
}

// A flow-mod that adds an entry of this priority to table 0 (four digits), without instructions.
#define FLOW(priority)                                                                                                 \
	"0000000000000000 0000000000000000 00 00 0000 0000 " priority " ffffffff ffffffff ffffffff 0000 0000 "         \
	"0001 0004 00000000"

static unsigned int flows(void)
{
	unsigned int n = 0;

	for (const struct model_flow *f = peer.model.flows; f != NULL; f = f->next)
		n++;
	return n;
}

static void expect_refusal(enum flow_errno what)
{
	assert_int_equal(peer_receive(&peer), OFPT_ERROR);
	assert_string_equal(flow_error_name(wire_u16(peer.in + 8), wire_u16(peer.in + 10)),
			    flow_error_name((uint16_t)(what >> 16), (uint16_t)what));
	assert_int_equal(wire_u32(peer.in + 4), peer.xid);
	peer_expect_nothing(&peer);
}

static void a_bundle_happens_when_it_is_committed(void **state)
{
	control("00000007 0000 0003");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000007 0001 0003");
	add("00000007 0000 0003", OFPT_FLOW_MOD, FLOW("0001"));
	add("00000007 0000 0003", OFPT_FLOW_MOD, FLOW("0002"));
	add("00000007 0000 0003", OFPT_METER_MOD, "0000 0004 00000009 0001 0010 00000064 00000000 00000000");
	peer_expect_nothing(&peer);
	assert_int_equal(peer.model.changes, 0);
	control("00000007 0002 0003");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000007 0003 0003");
	control("00000007 0004 0003");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000007 0005 0003");
	assert_int_equal(flows(), 2);
	assert_int_equal(peer.model.flows->flow.priority, 1);
	assert_int_equal(peer.model.meters->mod.meter, 9);
	control("00000007 0004 0003");
	expect_refusal(OFPBFC_BAD_ID);
}

static void it_need_not_be_opened_or_closed(void **state)
{
	add("00000001 0000 0001", OFPT_FLOW_MOD, FLOW("0001"));
	control("00000001 0004 0001");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000001 0005 0001");
	assert_int_equal(flows(), 1);
}

static void what_is_discarded_does_not_happen(void **state)
{
	add("00000001 0000 0000", OFPT_FLOW_MOD, FLOW("0001"));
	control("00000001 0006 0000");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000001 0007 0000");
	assert_int_equal(peer.model.changes, 0);
	assert_int_equal(peer.session->bundles.bytes, 0);
}

static void the_message_that_fails_is_told_of(void **state)
{
	uint32_t xid;

	add("00000001 0000 0003", OFPT_FLOW_MOD, FLOW("0001"));
	// To a group that is not there.
	add("00000001 0000 0003", OFPT_FLOW_MOD, FLOW("0002") "0004 0010 00000000 0016 0008 00000005");
	xid = peer.xid;
	add("00000001 0000 0003", OFPT_FLOW_MOD, FLOW("0003"));
	control("00000001 0004 0003");
	assert_int_equal(peer_receive(&peer), OFPT_ERROR);
	assert_int_equal(wire_u32(peer.in + 4), xid);
	assert_int_equal(wire_u16(peer.in + 8) << 16 | wire_u16(peer.in + 10), OFPBAC_BAD_OUT_GROUP);
	assert_int_equal(peer_receive(&peer), OFPT_ERROR);
	assert_int_equal(wire_u32(peer.in + 4), peer.xid);
	assert_int_equal(wire_u16(peer.in + 8), 0xffff);
	assert_int_equal(wire_u16(peer.in + 10), OFPBFC_MSG_FAILED & 0xffff);
	assert_int_equal(wire_u32(peer.in + 12), 0x4f4e4600);
	peer_expect_nothing(&peer);
	assert_int_equal(peer.session->bundles.n, 0);
}

static void what_a_bundle_cannot_be_is_refused(void **state)
{
	control("00000001 0004 0000");
	expect_refusal(OFPBFC_BAD_ID);
	control("00000001 0001 0000");
	expect_refusal(OFPBFC_BAD_TYPE);
	control("00000001 0000 0004");
	expect_refusal(OFPBFC_BAD_FLAGS);
	peer_send(&peer, OFPT_EXPERIMENTER, CONTROL "00000001");
	expect_refusal(OFPBRC_BAD_LEN);
	peer_send(&peer, OFPT_EXPERIMENTER, "4f4e4600 00000001 00000000 00000000");
	expect_refusal(OFPBRC_BAD_EXP_TYPE);
	peer_send(&peer, OFPT_EXPERIMENTER, ADD "00000001 0000 0000 04 0e 0100 00000001");
	expect_refusal(OFPBFC_MSG_BAD_LEN);
	peer_send(&peer, OFPT_EXPERIMENTER, ADD "00000001 0000 0000 04 02 0008 ffffffff");
	expect_refusal(OFPBFC_MSG_BAD_XID);
	add("00000001 0000 0000", OFPT_ECHO_REQUEST, "");
	expect_refusal(OFPBFC_MSG_UNSUP);
	add("00000001 0000 0000", OFPT_FLOW_MOD, "00");
	expect_refusal(OFPBRC_BAD_LEN);
	assert_int_equal(peer.session->bundles.n, 0);
	// What does not fit ends the bundle.
	add("00000001 0000 0001", OFPT_FLOW_MOD, FLOW("0001"));
	add("00000001 0000 0000", OFPT_FLOW_MOD, FLOW("0001"));
	expect_refusal(OFPBFC_BAD_FLAGS);
	assert_int_equal(peer.session->bundles.n, 0);
	control("00000001 0000 0000");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000001 0001 0000");
	control("00000001 0002 0000");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000001 0003 0000");
	add("00000001 0000 0000", OFPT_FLOW_MOD, FLOW("0001"));
	expect_refusal(OFPBFC_BUNDLE_CLOSED);
	control("00000001 0000 0000");
	peer_expect(&peer, OFPT_EXPERIMENTER, CONTROL "00000001 0001 0000");
	control("00000001 0000 0000");
	expect_refusal(OFPBFC_BAD_ID);
	assert_int_equal(peer.session->bundles.n, 0);
	peer_send(&peer, OFPT_ROLE_REQUEST, "00000003 00000000 0000000000000001");
	assert_int_equal(peer_receive(&peer), OFPT_ROLE_REPLY);
	control("00000001 0000 0000");
	expect_refusal(OFPBRC_IS_SLAVE);
	assert_int_equal(peer.model.changes, 0);
}

static void bundles_are_bounded(void **state)
{
	char text[32];

	for (unsigned int i = 0; i < OF_BUNDLES_MAX; i++) {
		snprintf(text, sizeof(text), "%08x 0000 0000", i);
		add(text, OFPT_FLOW_MOD, FLOW("0001"));
	}
	peer_expect_nothing(&peer);
	add("000000ff 0000 0000", OFPT_FLOW_MOD, FLOW("0001"));
	expect_refusal(OFPBFC_OUT_OF_BUNDLES);
	peer.session->bundles.bytes = OF_BUNDLE_BYTES_MAX;
	add("00000001 0000 0000", OFPT_FLOW_MOD, FLOW("0001"));
	expect_refusal(OFPBFC_MSG_TOO_MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bundle_happens_when_it_is_committed), TEST(it_need_not_be_opened_or_closed),
		TEST(what_is_discarded_does_not_happen),     TEST(the_message_that_fails_is_told_of),
		TEST(what_a_bundle_cannot_be_is_refused),    TEST(bundles_are_bounded),
	};

	return cmocka_run_group_tests_name("of_bundle", tests, NULL, NULL);
}
