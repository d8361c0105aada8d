/* SPDX-License-Identifier: BSD-3-Clause */
// What workers would see of flow tables (datapath/flow.h), where the workers exist only in the test.
#ifndef FLOW_FAKE_H
#define FLOW_FAKE_H

#include "../../datapath/flow.h"

extern struct flow_fake {
	const struct flow_switch *sw[FLOW_SWITCHES_MAX];
	const struct flow_entry *entry[FLOW_ENTRIES_MAX];
	const struct flow_group *group[FLOW_GROUPS_MAX];
	struct flow_meter *meter[FLOW_METERS_MAX];
	struct flow_count count[FLOW_ENTRIES_MAX];            // of entries, what the test lets them have counted
	struct flow_count group_count[FLOW_GROUP_COUNTS_MAX]; // likewise
	struct flow_count meter_count[FLOW_METERS_MAX * (FLOW_BANDS_MAX + 1)];
	unsigned int packet_outs;    // calls
	unsigned int changed, asked; // calls
	bool busy;                   // workers do not answer
} flow_fake;

// The entry that a packet's key meets in a table of a switch, as a worker would find it; NULL: none.
const struct flow_entry *flow_fake_lookup(uint16_t number, uint8_t table, const struct flow_key *key);

#endif
