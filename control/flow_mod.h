/* SPDX-License-Identifier: BSD-3-Clause */
// What changes flow entries, groups and meters: the calls that JSON and OpenFlow make alike.
//
// Purpose: the front ends decode into these, check what can be told without the tables (*_check), and hand them to the
// flow objects, which keep enough to read back what was installed.
//
// Design: names and numbers are OpenFlow's, so that there is nothing to translate.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 6.4, 6.5, 7.3.4.
#ifndef FLOW_MOD_H
#define FLOW_MOD_H

#include "flow_action.h"

enum flow_command { // OFPFC_*
	FLOW_ADD,
	FLOW_MODIFY,
	FLOW_MODIFY_STRICT,
	FLOW_DELETE,
	FLOW_DELETE_STRICT,
};

enum flow_flags { // OFPFF_*
	FLOW_SEND_FLOW_REM = 0x01,
	FLOW_CHECK_OVERLAP = 0x02,
	FLOW_RESET_COUNTS = 0x04,
	FLOW_NO_PKT_COUNTS = 0x08,
	FLOW_NO_BYT_COUNTS = 0x10,
	FLOW_FLAGS_ALL = 0x1f,
};

struct flow_mod {
	struct flow_match match;
	uint64_t cookie, cookie_mask;                  // the mask is for all commands but FLOW_ADD
	uint8_t command;                               // enum flow_command
	uint8_t table;                                 // FLOW_TABLE_ALL: for deletes only
	uint16_t priority, idle_timeout, hard_timeout; // seconds
	uint16_t flags;                                // enum flow_flags
	uint16_t importance;                           // which entries are evicted first: the least; JSON only
	uint32_t buffer_id;                            // FLOW_NO_BUFFER: none
	uint32_t out_port, out_group;                  // filters of deletes; FLOW_PORT_ANY, FLOW_GROUP_ANY: none
	struct flow_instructions instructions;
};

// Everything of a flow-mod that needs no table: commands, flags, table ids, actions. For deletes instructions are not
// looked at. 0, or -EINVAL and OFPFMFC_*, OFPBIC_* or OFPBAC_*.
int flow_mod_check(const struct flow_mod *m, struct flow_error *e);
void flow_mod_clear(struct flow_mod *m);

enum group_command { // OFPGC_*
	GROUP_ADD,
	GROUP_MODIFY,
	GROUP_DELETE,
};

enum group_type { // OFPGT_*
	GROUP_ALL,
	GROUP_SELECT,
	GROUP_INDIRECT,
	GROUP_FF,
};

struct group_bucket {
	uint16_t weight;      // of select groups
	uint32_t watch_port;  // FLOW_PORT_ANY: none; see group_bucket_watches()
	uint32_t watch_group; // FLOW_GROUP_ANY: none
	struct flow_actions actions;
};

struct group_mod {
	uint16_t command; // enum group_command
	uint8_t type;     // enum group_type
	uint32_t group;   // FLOW_GROUP_ALL: for deletes only
	struct group_bucket *buckets;
	uint32_t nbuckets;
};

#define GROUP_BYTES_MAX 65000 // of a group's buckets as OpenFlow reads them back in one message, at 24 bytes an action

// Whether a bucket watches a port or a group. One of zeros, as controllers leave it that fill in nothing, watches none:
// no port has the number 0.
static inline bool group_bucket_watches(const struct group_bucket *b)
{
	return (b->watch_port != FLOW_PORT_ANY || b->watch_group != FLOW_GROUP_ANY) &&
	       (b->watch_port != 0 || b->watch_group != 0);
}

// Everything that needs no table of groups. 0, or -errno and OFPGMFC_* or OFPBAC_*.
int group_mod_check(const struct group_mod *m, struct flow_error *e);
void group_mod_clear(struct group_mod *m);
// 0 or -ENOMEM; what `to` held is lost.
int group_mod_copy(struct group_mod *to, const struct group_mod *from);
bool group_mod_equal(const struct group_mod *a, const struct group_mod *b);
// Makes room for one more bucket, without weight and watches; NULL: no memory.
struct group_bucket *group_mod_add(struct group_mod *m);

enum meter_command { // OFPMC_*
	METER_ADD,
	METER_MODIFY,
	METER_DELETE,
};

enum meter_flags { // OFPMF_*
	METER_KBPS = 0x1,
	METER_PKTPS = 0x2,
	METER_BURST = 0x4,
	METER_STATS = 0x8,
	METER_FLAGS_ALL = 0xf,
};

enum meter_band_type { // OFPMBT_*
	METER_DROP = 1,
	METER_DSCP_REMARK = 2,
};

#define METER_BANDS_MAX 16

struct meter_band {
	uint16_t type;      // enum meter_band_type
	uint8_t prec_level; // of remark bands: by how much the drop precedence goes up
	uint32_t rate;      // kbit/s or packets/s
	uint32_t burst;     // kbit or packets, with METER_BURST
};

struct meter_mod {
	uint16_t command; // enum meter_command
	uint16_t flags;   // enum meter_flags
	uint32_t meter;   // FLOW_METER_ALL: for deletes only
	uint32_t nbands;
	struct meter_band bands[METER_BANDS_MAX];
};

// Everything that needs no table of meters. 0, or -errno and OFPMMFC_*.
int meter_mod_check(const struct meter_mod *m, struct flow_error *e);
bool meter_mod_equal(const struct meter_mod *a, const struct meter_mod *b);

#endif
