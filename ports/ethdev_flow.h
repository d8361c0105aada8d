/* SPDX-License-Identifier: BSD-3-Clause */
// rte_flow rules of a port, in testpmd's words.
//
// Purpose: an operator hands a rule to the driver of a port as he knows it from testpmd: "ingress pattern eth / ipv4
// src is 10.0.0.1 / end actions queue index 1 / end". What the rule then does is the driver's.
//
// Design: a rule is text, parsed into what rte_flow takes; the text is kept to be shown. Rules live as long as the
// device: they are no part of the desired state, and a port that stops loses them, as rte_flow allows drivers to.
//
// Threads: control only. Cost: what the driver takes.
#ifndef ETHDEV_FLOW_H
#define ETHDEV_FLOW_H

#include <rte_flow.h>

#include "fault.h"

#define FLOW_RULE_LEN 1024
#define FLOW_ITEMS_MAX 16
#define FLOW_ACTIONS_MAX 8
#define FLOW_PART_BYTES 64 // of the largest item

struct flow_rule {
	struct rte_flow_attr attr;
	struct rte_flow_item item[FLOW_ITEMS_MAX + 1];
	struct rte_flow_action action[FLOW_ACTIONS_MAX + 1];
	_Alignas(8) uint8_t spec[FLOW_ITEMS_MAX][FLOW_PART_BYTES];
	_Alignas(8) uint8_t mask[FLOW_ITEMS_MAX][FLOW_PART_BYTES];
	_Alignas(8) uint8_t conf[FLOW_ACTIONS_MAX][16];
	char shown[256]; // "ETH IPV4 => QUEUE", as testpmd lists it
};

// Reads a rule, whose items and actions point into *r then. 0, or -EINVAL with a fault whose field is "rule" and whose
// value is the word at fault.
int flow_rule_parse(struct flow_rule *r, const char *text, struct fault *f);

#endif
