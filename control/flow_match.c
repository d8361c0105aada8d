/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VALUE_TEXT 48  // "0x" and 32 digits, quoted
#define FIELD_TEXT 32  // "match." and a name
#define VID_BITS 0xfff // of vlan_vid

static const char *value_text(char text[VALUE_TEXT], struct flow_value v)
{
	if (v.hi != 0)
		snprintf(text, VALUE_TEXT, "\"0x%" PRIx64 "%016" PRIx64 "\"", v.hi, v.lo);
	else
		snprintf(text, VALUE_TEXT, "\"0x%" PRIx64 "\"", v.lo);
	return text;
}

static int refuse(struct flow_error *e, enum flow_errno what, enum flow_field field, struct flow_value value,
		  const char *allowed, const char *message)
{
	char name[FIELD_TEXT], text[VALUE_TEXT];

	snprintf(name, sizeof(name), "match.%s", flow_field_info[field].name);
	return flow_error_set(e, what, name, value_text(text, value), allowed, "%s: %s", flow_field_info[field].name,
			      message);
}

const char *flow_match_prereq_text(enum flow_prereq pre)
{
	static const char *const texts[] = {
		[FLOW_PRE_NONE] = "nothing",
		[FLOW_PRE_IN_PORT] = "in_port",
		[FLOW_PRE_VLAN] = "vlan_vid with a tag present",
		[FLOW_PRE_IP] = "eth_type 0x0800 or 0x86dd",
		[FLOW_PRE_IP4] = "eth_type 0x0800",
		[FLOW_PRE_IP6] = "eth_type 0x86dd",
		[FLOW_PRE_ARP] = "eth_type 0x0806",
		[FLOW_PRE_MPLS] = "eth_type 0x8847 or 0x8848",
		[FLOW_PRE_PBB] = "eth_type 0x88e7",
		[FLOW_PRE_TCP] = "eth_type 0x0800 or 0x86dd, and ip_proto 6",
		[FLOW_PRE_UDP] = "eth_type 0x0800 or 0x86dd, and ip_proto 17",
		[FLOW_PRE_SCTP] = "eth_type 0x0800 or 0x86dd, and ip_proto 132",
		[FLOW_PRE_ICMP4] = "eth_type 0x0800 and ip_proto 1",
		[FLOW_PRE_ICMP6] = "eth_type 0x86dd and ip_proto 58",
		[FLOW_PRE_ND] = "icmpv6_type 135 or 136",
		[FLOW_PRE_ND_SLL] = "icmpv6_type 135",
		[FLOW_PRE_ND_TLL] = "icmpv6_type 136",
	};

	return texts[pre];
}

int flow_match_field(const char *name)
{
	for (int i = 0; i < FLOW_FIELD_COUNT; i++)
		if (strcmp(flow_field_info[i].name, name) == 0)
			return i;
	return -1;
}

bool flow_match_exact(enum flow_field field, struct flow_value mask)
{
	const struct flow_value ones = flow_field_ones(field);

	return mask.lo == ones.lo && mask.hi == ones.hi;
}

bool flow_match_in_port_ok(uint32_t port)
{
	return (port >= 1 && port <= FLOW_PORT_MAX) || port == FLOW_PORT_LOCAL || port == FLOW_PORT_CONTROLLER;
}

int flow_match_value(enum flow_field field, struct flow_value value, struct flow_error *e)
{
	const struct flow_value ones = flow_field_ones(field);

	if ((value.lo & ~ones.lo) != 0 || (value.hi & ~ones.hi) != 0) {
		char allowed[32];

		snprintf(allowed, sizeof(allowed), "a value of %u bits", flow_field_info[field].bits);
		return refuse(e, OFPBMC_BAD_VALUE, field, value, allowed, "the value does not fit the field");
	}
	return 0;
}

static int exact_value(enum flow_field field, struct flow_value value, struct flow_error *e)
{
	const bool port = field == FLOW_FIELD_IN_PORT || field == FLOW_FIELD_IN_PHY_PORT;

	if (port && !flow_match_in_port_ok((uint32_t)value.lo))
		return refuse(e, OFPBMC_BAD_VALUE, field, value, "1..0xffffff00, LOCAL or CONTROLLER",
			      "packets cannot come from this port");
	if (field == FLOW_FIELD_VLAN_VID && (value.lo & FLOW_VLAN_PRESENT) == 0 && (value.lo & VID_BITS) != 0)
		return refuse(e, OFPBMC_BAD_VALUE, field, value, "0 for no tag, or a VLAN ID plus 0x1000",
			      "a VLAN ID asks for the bit OFPVID_PRESENT");
	return 0;
}

static int mask_check(enum flow_field field, struct flow_value value, struct flow_value mask, struct flow_error *e)
{
	const struct flow_value ones = flow_field_ones(field);

	if ((mask.lo & ~ones.lo) != 0 || (mask.hi & ~ones.hi) != 0)
		return refuse(e, OFPBMC_BAD_MASK, field, mask, NULL, "the mask does not fit the field");
	if (!flow_field_info[field].maskable && (mask.lo | mask.hi) != 0 && !flow_match_exact(field, mask))
		return refuse(e, OFPBMC_BAD_MASK, field, mask, "no mask", "the field cannot be masked");
	if ((value.lo & ~mask.lo) != 0 || (value.hi & ~mask.hi) != 0)
		return refuse(e, OFPBMC_BAD_WILDCARDS, field, value, NULL,
			      "the value has bits that the mask leaves out");
	return 0;
}

int flow_match_add(struct flow_match *m, enum flow_field field, struct flow_value value, const struct flow_value *mask,
		   struct flow_error *e)
{
	const uint64_t bit = UINT64_C(1) << field;
	const struct flow_value used = mask != NULL ? *mask : flow_field_ones(field);
	int rc;

	if (m->given & bit)
		return refuse(e, OFPBMC_DUP_FIELD, field, value, NULL, "the field is there twice");
	rc = flow_match_value(field, value, e);
	if (rc == 0 && mask != NULL)
		rc = mask_check(field, value, used, e);
	if (rc == 0 && flow_match_exact(field, used))
		rc = exact_value(field, value, e);
	if (rc < 0)
		return rc;
	if (!flow_key_prereq_ok(&m->key, &m->mask, field))
		return refuse(e, OFPBMC_BAD_PREREQ, field, value, flow_match_prereq_text(flow_field_info[field].pre),
			      "what the field asks for is not matched");
	m->given |= bit;
	if ((used.lo | used.hi) != 0)
		flow_key_set(&m->key, &m->mask, field, value, used);
	return 0;
}

bool flow_match_equal(const struct flow_match *a, const struct flow_match *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key)) == 0 && memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0;
}
