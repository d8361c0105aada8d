/* SPDX-License-Identifier: BSD-3-Clause */
// Controllers of bridges in mode flow: what openflow.set asks for.
//
// Purpose: binds the OpenFlow agent (openflow/of_agent.h) to a bridge: its calls are those that JSON makes, its events
// those of the bridge.
//
// Design: openflow.c has the object and its addresses, openflow_switch.c the calls on flows, groups and meters,
// openflow_port.c those on ports, openflow_packet.c packets from and to controllers. An address where nobody can listen
// refuses the change; at a restart it is tried again every few seconds instead, as the rest of the configuration must
// not be lost with it.
//
// Threads: control only.
#ifndef OPENFLOW_H
#define OPENFLOW_H

#include <event2/event.h>
#include <jansson.h>

#include "flow_switch.h"
#include "openflow/of_agent.h"
#include "openflow/of_channel.h"
#include "txn.h"

enum openflow_fail { OPENFLOW_SECURE, OPENFLOW_STANDALONE };

struct openflow {
	struct flow_bridge *fb;
	json_t *conf; // as openflow.set would take it; NULL: nothing is configured
	struct of_agent *agent;
	struct of_channels *channels;
	enum openflow_fail fail;
	bool connected; // some controller is there
	bool retry;     // not all of its addresses are in use
};

int openflow_create(struct event_base *base);
void openflow_destroy(void);

// `conf`: decoded parameters of openflow.set. 0, -EINVAL an address, a file or a datapath id that cannot be, -ENOSPC
// too many addresses; what cannot be listened at is refused when the transaction commits.
int openflow_set(struct txn *t, struct flow_bridge *fb, const json_t *conf, struct fault *f);
int openflow_del(struct txn *t, struct flow_bridge *fb, struct fault *f); // -ENOENT
// A new reference: the configuration and what has become of it; NULL: nothing is configured.
json_t *openflow_json(const struct flow_bridge *fb);

// For its parts: ------------------------------------------------------------------------------------------------------

extern const struct of_switch_ops openflow_switch_ops; // of a struct flow_bridge

// A controller is there, or the last one is gone.
void openflow_connected(struct flow_bridge *fb, bool any);

// openflow_barrier.c: done(arg) once all workers see what is published and have executed what was sent out.
void openflow_barrier(void (*done)(void *arg), void *arg);
// done(arg) once counters hold all that workers have processed by now.
void openflow_counts(void (*done)(void *arg), void *arg);
int openflow_barrier_create(struct event_base *base); // 0 or -ENOMEM
void openflow_barrier_destroy(void);

// openflow_port.c
void openflow_port_describe(const struct bridge_port *bp, struct of_port *out);
int openflow_port_next(void *sw, struct of_cursor *c, struct of_port *out);
int openflow_port_stats_next(void *sw, uint32_t port, struct of_cursor *c, struct of_port_stats *out,
			     struct flow_error *e);
int openflow_queue_next(void *sw, uint32_t port, struct of_cursor *c, struct of_queue *out, struct flow_error *e);
int openflow_queue_stats_next(void *sw, uint32_t port, uint32_t queue, struct of_cursor *c, struct of_queue_stats *out,
			      struct flow_error *e);
int openflow_port_mod(void *sw, const struct of_port_mod *m, struct flow_error *e);

// openflow_packet.c
void openflow_packet_init(void);
int openflow_packet_out(void *sw, const struct of_packet_out *p, struct flow_error *e);

#endif
