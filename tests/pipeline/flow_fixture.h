/* SPDX-License-Identifier: BSD-3-Clause */
// One flow bridge on the harness's worker, programmed in the syntax of ovs-ofctl.
//
// Design: ports 1..n have OpenFlow numbers 1..n and are members of one rest domain, so that NORMAL has a bridge to go
// through. Numbers of groups and meters are those that actions name.
#ifndef FLOW_FIXTURE_H
#define FLOW_FIXTURE_H

#include "../../control/flow_mod.h"
#include "../../datapath/flow_worker.h"
#include "harness.h"

#define FLOW_FIXTURE_SWITCH 3
#define FLOW_FIXTURE_DOMAIN 7
#define FLOW_FIXTURE_GROUP_COUNTERS 64 // of each group

struct fixture_rule {
	struct flow_entry *entry; // NULL: it is gone
	struct flow_match match;
	uint16_t priority;
};

extern struct flow_switch *fixture_switch; // to be changed before flow_changed()

// A fresh switch with these ports. cache_entries: of the worker's flow cache.
void fixture_begin(uint16_t nports, uint32_t cache_entries);
void fixture_end(void);

// Adds a flow; returns the number of its entry. miss: as in struct flow_entry.
uint32_t fixture_flow(const char *text);
uint32_t fixture_miss(const char *text);
// Removes the flow of this entry.
void fixture_del(uint32_t number);
// Gives it other instructions, under the same number.
void fixture_mod(uint32_t number, const char *text);
void fixture_group(const char *text);
// The same, of what was parsed: into a table whose masks are fewer than 1024; a group below 256, of 64 buckets.
uint32_t fixture_flow_mod(const struct flow_mod *m, bool miss);
void fixture_group_mod(const struct group_mod *m);
// Removes all groups and meters; no flow may lead to them.
void fixture_groups_end(void);
void fixture_meter(const char *text);

// What was added under a number.
const struct fixture_rule *fixture_rule(uint32_t number);

// The counters of an entry, exact.
struct flow_count fixture_count(uint32_t number);

// Sends a packet by actions; inject_run() executes it.
void fixture_packet_out(uint32_t in_port, const char *hex, const char *actions);

// Makes what was added count, for packets that do not come by fixture_in().
void fixture_settle(void);

// Puts frames given in hexadecimal into a port, or tells what came out of one: the k-th packet, or NULL.
void fixture_in(uint16_t port, const char *hex);
const char *fixture_out(uint16_t port, uint32_t k);
const char *fixture_hex(struct rte_mbuf *m);
struct rte_mbuf *fixture_mbuf(const char *hex);

#endif
