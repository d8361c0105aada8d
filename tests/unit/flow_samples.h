/* SPDX-License-Identifier: BSD-3-Clause */
// A value for each field of a match, and the fields that have to come before it.
#ifndef FLOW_SAMPLES_H
#define FLOW_SAMPLES_H

#include <stdlib.h>

#include "../../control/flow_match.h"

// A value that the field may have; not 0.
static inline struct flow_value sample_value(enum flow_field f)
{
	struct flow_value v = flow_field_ones(f);

	switch (f) {
	case FLOW_FIELD_IN_PORT:
	case FLOW_FIELD_IN_PHY_PORT:
		return (struct flow_value){.lo = 0x01020304};
	case FLOW_FIELD_VLAN_VID:
		return (struct flow_value){.lo = FLOW_VLAN_PRESENT | 0x123};
	default:
		v.hi &= 0x20010db800010002;
		v.lo &= f == FLOW_FIELD_MPLS_BOS ? 1 : 0x0123456789abcdee;
		return v;
	}
}

static inline void sample_add(struct flow_match *m, enum flow_field f, uint64_t value)
{
	if (!(m->given >> f & 1) && flow_match_add(m, f, (struct flow_value){.lo = value}, NULL, NULL) < 0)
		abort();
}

// Adds to `m` what a field asks for, if it is not there yet.
static inline void sample_prereqs(struct flow_match *m, enum flow_field f)
{
	static const struct {
		uint16_t eth_type;
		uint8_t ip_proto, icmpv6_type;
	} needs[] = {
		[FLOW_PRE_IP] = {0x86dd, 0, 0},        [FLOW_PRE_IP4] = {0x0800, 0, 0},
		[FLOW_PRE_IP6] = {0x86dd, 0, 0},       [FLOW_PRE_ARP] = {0x0806, 0, 0},
		[FLOW_PRE_MPLS] = {0x8847, 0, 0},      [FLOW_PRE_PBB] = {0x88e7, 0, 0},
		[FLOW_PRE_TCP] = {0x0800, 6, 0},       [FLOW_PRE_UDP] = {0x0800, 17, 0},
		[FLOW_PRE_SCTP] = {0x86dd, 132, 0},    [FLOW_PRE_ICMP4] = {0x0800, 1, 0},
		[FLOW_PRE_ICMP6] = {0x86dd, 58, 0},    [FLOW_PRE_ND] = {0x86dd, 58, 135},
		[FLOW_PRE_ND_SLL] = {0x86dd, 58, 135}, [FLOW_PRE_ND_TLL] = {0x86dd, 58, 136},
	};
	const enum flow_prereq pre = flow_field_info[f].pre;

	if (pre == FLOW_PRE_IN_PORT)
		sample_add(m, FLOW_FIELD_IN_PORT, 1);
	if (pre == FLOW_PRE_VLAN)
		sample_add(m, FLOW_FIELD_VLAN_VID, FLOW_VLAN_PRESENT | 5);
	if (needs[pre].eth_type != 0)
		sample_add(m, FLOW_FIELD_ETH_TYPE, needs[pre].eth_type);
	if (needs[pre].ip_proto != 0)
		sample_add(m, FLOW_FIELD_IP_PROTO, needs[pre].ip_proto);
	if (needs[pre].icmpv6_type != 0)
		sample_add(m, FLOW_FIELD_ICMPV6_TYPE, needs[pre].icmpv6_type);
}

#endif
