/* SPDX-License-Identifier: BSD-3-Clause */
// A naive model of a flow bridge whose entries, groups and meter change while packets go through it, and the ports that
// send those and compare.
//
// Design: each change of control, be it one flow-mod, a transaction of several in several tables, or a run of them,
// makes one version of the model, begun before it is committed and done afterwards. A packet that came when version v
// was done, and was gone when w was begun, met the entries of one version from v to w, whole; groups and meters, each
// time that it met one, were as of some version of these. Ports are of kind "race"; p1 makes packets, tells them apart
// by their number, and compares: all of that on the worker, which alone calls what is in flow_race_port.c.
#ifndef FLOW_RACE_H
#define FLOW_RACE_H

#include <stdbool.h>
#include <stdint.h>

#define TABLES 3
#define RULES_MAX 200000 // in all
#define VERSIONS_MAX 100000
#define GROUPS 3
#define FOREVER UINT32_MAX

struct race_fields {
	uint8_t src, dst, port; // three bits each
};

struct race_output {
	uint8_t dscp, port; // set before, 0: not; 0: none
};

struct race_rule {
	uint32_t from, until; // versions
	uint8_t table;
	uint16_t priority;
	struct race_fields key, mask;
	uint8_t metadata, metadata_mask;
	struct race_output out[2];
	uint8_t group, write_port; // 0: none
	bool meter;
	uint8_t write_metadata, go; // 0xff, 0: none
};

struct race_group {
	uint8_t type; // GROUP_ALL, GROUP_SELECT, GROUP_INDIRECT
	uint8_t n;
	struct race_output out[3];
};

struct race_version {
	uint32_t first, end; // rules that may be alive
	struct race_group group[GROUPS];
	bool closed; // the meter lets next to nothing pass
};

// Written by control before `begun` is, but for rule.until: atomic.
extern struct race_rule race_rule[RULES_MAX];
extern struct race_version race_version[VERSIONS_MAX];
extern uint32_t race_begun, race_done; // versions; written by control, read by the worker

bool race_covers(const struct race_rule *r, struct race_fields f, uint8_t metadata);
// One packet that left by a port: what is added up of all that one packet became.
uint64_t race_sent(uint32_t port, uint32_t dscp);
// Whether what left of a packet may be what some of the versions from..to says.
bool race_may_be(struct race_fields f, uint64_t got, uint32_t from, uint32_t to);

extern struct race_result {
	bool giving;                                   // written by control: whether packets come
	uint64_t given, overlapped, settled, mismatch; // written by the worker, read by control when it has stopped
	char first_mismatch[256];
} race_result;

#endif
