/* SPDX-License-Identifier: BSD-3-Clause */
// What packets become on the bridge of flow_fixture.h, by a naive interpreter: it scans all rules of each table for
// each packet, and keeps nothing. Of groups it knows all, indirect, and fast failover among ports that are all up.
#ifndef FLOW_INTERPRETER_H
#define FLOW_INTERPRETER_H

#include "flow_fixture.h"

#define INTERPRETER_PORTS 5
#define INTERPRETER_RULES 4000
#define INTERPRETER_SENT 4096

struct interpreter {
	uint32_t ports;                    // in use, 1..INTERPRETER_PORTS
	uint64_t count[INTERPRETER_RULES]; // packets that met the entry of a number
	uint64_t controller;               // packets for the controller
	uint32_t n[INTERPRETER_PORTS + 1]; // what leaves by each port, as text
	char *sent[INTERPRETER_PORTS + 1][INTERPRETER_SENT];
};

// A packet that the worker gets, too. nrules: the highest number of a rule.
void interpreter_run(struct interpreter *x, struct flow_packet *p, uint32_t nrules);
// What left by a port is what was to, in whatever order; both are forgotten.
void interpreter_compare(struct interpreter *x, uint32_t port);

#endif
