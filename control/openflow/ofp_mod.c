/* SPDX-License-Identifier: BSD-3-Clause */
#include "ofp_mod.h"

#include "ofp_action.h"
#include "oxm.h"

#define FLOW_MOD_LEN 48 // up to the match
#define GROUP_MOD_LEN 16
#define METER_MOD_LEN 16
#define PORT_MOD_LEN 40
#define PACKET_OUT_LEN 24

static int too_short(struct flow_error *e, uint64_t len)
{
	return flow_error_int(e, OFPBRC_BAD_LEN, "length", len, NULL, "the message is of a length that cannot be");
}

int ofp_flow_mod_decode(const uint8_t *p, size_t len, struct flow_mod *m, struct flow_error *e)
{
	size_t used;
	int rc;

	if (len < FLOW_MOD_LEN + 8)
		return too_short(e, len);
	*m = (struct flow_mod){.cookie = wire_u64(p + 8),
			       .cookie_mask = wire_u64(p + 16),
			       .table = p[24],
			       .command = p[25],
			       .idle_timeout = wire_u16(p + 26),
			       .hard_timeout = wire_u16(p + 28),
			       .priority = wire_u16(p + 30),
			       .buffer_id = wire_u32(p + 32),
			       .out_port = wire_u32(p + 36),
			       .out_group = wire_u32(p + 40),
			       .flags = wire_u16(p + 44)};
	// The filters mean something for deletes alone; other commands have whatever the controller left there.
	if (m->command != FLOW_DELETE && m->command != FLOW_DELETE_STRICT) {
		m->out_port = FLOW_PORT_ANY;
		m->out_group = FLOW_GROUP_ANY;
	}
	rc = oxm_match_decode(p + FLOW_MOD_LEN, len - FLOW_MOD_LEN, &m->match, &used, e);
	if (rc < 0)
		return rc;
	rc = ofp_instructions_decode(p + FLOW_MOD_LEN + used, len - FLOW_MOD_LEN - used, &m->instructions, e);
	if (rc == 0)
		rc = flow_mod_check(m, e);
	if (rc < 0)
		flow_mod_clear(m);
	return rc;
}

int ofp_group_mod_decode(const uint8_t *p, size_t len, struct group_mod *m, struct flow_error *e)
{
	int rc;

	if (len < GROUP_MOD_LEN)
		return too_short(e, len);
	*m = (struct group_mod){.command = wire_u16(p + 8), .type = p[10], .group = wire_u32(p + 12)};
	rc = ofp_buckets_decode(p + GROUP_MOD_LEN, len - GROUP_MOD_LEN, m, e);
	if (rc == 0)
		rc = group_mod_check(m, e);
	if (rc < 0)
		group_mod_clear(m);
	return rc;
}

int ofp_meter_mod_decode(const uint8_t *p, size_t len, struct meter_mod *m, struct flow_error *e)
{
	int rc = 0;

	if (len < METER_MOD_LEN)
		return too_short(e, len);
	*m = (struct meter_mod){.command = wire_u16(p + 8), .flags = wire_u16(p + 10), .meter = wire_u32(p + 12)};
	// A delete names its meter; bands that come with it, as some controllers send them, say nothing.
	if (m->command != METER_DELETE)
		rc = ofp_bands_decode(p + METER_MOD_LEN, len - METER_MOD_LEN, m, e);
	return rc < 0 ? rc : meter_mod_check(m, e);
}

int ofp_port_mod_decode(const uint8_t *p, size_t len, struct of_port_mod *m, struct flow_error *e)
{
	if (len != PORT_MOD_LEN)
		return too_short(e, len);
	*m = (struct of_port_mod){.port = wire_u32(p + 8),
				  .config = wire_u32(p + 24),
				  .mask = wire_u32(p + 28),
				  .advertise = wire_u32(p + 32)};
	memcpy(m->mac, p + 16, sizeof(m->mac));
	if ((m->config | m->mask) & ~(uint32_t)OFPPC_ALL)
		return flow_error_int(e, OFPPMFC_BAD_CONFIG, "config", m->config | m->mask, "0x01, 0x04, 0x20, 0x40",
				      "unknown bits of a port's configuration");
	if (m->advertise & ~(uint32_t)OFPPF_ALL)
		return flow_error_int(e, OFPPMFC_BAD_ADVERTISE, "advertise", m->advertise, NULL,
				      "unknown features of a port");
	return 0;
}

int ofp_packet_out_decode(const uint8_t *p, size_t len, struct of_packet_out *out, uint32_t *buffer_id,
			  struct flow_error *e)
{
	bool nothing;
	size_t actions;
	int rc;

	if (len < PACKET_OUT_LEN)
		return too_short(e, len);
	*buffer_id = wire_u32(p + 8);
	*out = (struct of_packet_out){.in_port = wire_u32(p + 12)};
	actions = wire_u16(p + 16);
	if (actions > len - PACKET_OUT_LEN)
		return flow_error_int(e, OFPBRC_BAD_LEN, "actions_len", actions, NULL,
				      "the actions go beyond the message");
	nothing = *buffer_id == FLOW_NO_BUFFER && len == PACKET_OUT_LEN;
	// Some controllers say by ANY that the packet is their own. Where there is none and nothing is to be done with
	// it, the port says nothing.
	if (out->in_port == FLOW_PORT_ANY)
		out->in_port = FLOW_PORT_CONTROLLER;
	if (!nothing && !flow_match_in_port_ok(out->in_port))
		return flow_error_int(e, OFPBRC_BAD_PORT, "in_port", out->in_port, "a port, LOCAL or CONTROLLER",
				      "packets cannot come from this port");
	rc = ofp_actions_decode(p + PACKET_OUT_LEN, actions, &out->actions, e);
	if (rc == 0)
		rc = flow_actions_check(&out->actions, FLOW_USE_PACKET_OUT, NULL, e);
	out->data = p + PACKET_OUT_LEN + actions;
	out->size = (uint32_t)(len - PACKET_OUT_LEN - actions);
	// An Ethernet header at least, or the buffer's packet.
	if (rc == 0 && *buffer_id == FLOW_NO_BUFFER && out->size < 14 && !nothing)
		rc = flow_error_int(e, OFPBRC_BAD_PACKET, "data", out->size, "14 bytes at least",
				    "the packet has no Ethernet header");
	if (rc < 0)
		flow_actions_clear(&out->actions);
	return rc;
}
