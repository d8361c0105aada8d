/* SPDX-License-Identifier: BSD-3-Clause */
// Flows, groups and meters in the syntax of ovs-ofctl: "priority=100,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2".
//
// Purpose: what people know from Open vSwitch is taken and given by JSON beside the structured form.
//
// Design: a text is cut at commas and blanks into key=value; fields may come in any order and by the names of Open
// vSwitch or of OpenFlow ("nw_dst", "ipv4_dst"). What is written can be read again as the same. Reserved ports go by
// name, all others by number. Beside ovs-ofctl's, there are words for what it lacks: copy_ttl_in, copy_ttl_out,
// push_pbb, pop_pbb, pbb_isid, ipv6_exthdr, in_phy_port. Counters and durations, as in what ovs-ofctl dumps, are read
// over.
//
// Threads: control only: results are allocated.
// Source: ovs-ofctl(8), ovs-fields(7), ovs-actions(7).
#ifndef FLOW_TEXT_H
#define FLOW_TEXT_H

#include <stdio.h>

#include "flow_mod.h"

#define FLOW_TEXT_MAX (64 << 10) // bytes of a text
#define FLOW_PRIORITY_DEFAULT 0x8000

// Reads a flow. `command`: what is to be done with it; only deletes go without actions. What it makes has passed
// flow_mod_check(). 0, or -errno and the refusal, of the field "text"; then nothing is to be cleared.
int flow_text_parse(const char *text, enum flow_command command, struct flow_mod *m, struct flow_error *e);

// Reads a group or a meter, as for flow_text_parse().
int group_text_parse(const char *text, enum group_command command, struct group_mod *m, struct flow_error *e);
int meter_text_parse(const char *text, enum meter_command command, struct meter_mod *m, struct flow_error *e);

// The text of each, to be freed by the caller; NULL: no memory. Of a flow, table, cookie, timeouts and flags that are
// not 0, then the match and the actions.
char *flow_text_format(const struct flow_mod *m);
char *group_text_format(const struct group_mod *m);
char *meter_text_format(const struct meter_mod *m);

#endif
