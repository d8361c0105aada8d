/* SPDX-License-Identifier: BSD-3-Clause */
// One OpenFlow switch as its controllers see it: what they share, and the events that go to them.
//
// Purpose: roles and generation ids, the packets that wait for a controller's decision, and who is told of what.
//
// Design: an agent belongs to a bridge, and knows no socket: of_session.h is one controller's side of it, of_stream.h
// what carries the bytes. An event is written once and copied to those sessions whose role and asynchronous
// configuration ask for it. Packet-ins are limited per reason by a bucket of one second, and dropped for a controller
// that does not read; other events are few, and a controller that lets them pile up is cut off.
//
// Threads: control only.
// Source: OpenFlow Switch Specification 1.3.5, 6.3, 7.3.9, 7.3.10, 7.4.
#ifndef OF_AGENT_H
#define OF_AGENT_H

#include "of_switch.h"

struct of_agent;

#define OF_BUFFERS 256          // packets that wait
#define OF_PACKET_IN_RATE 10000 // per second and reason, unless of_agent_limit() says otherwise
#define OF_OUT_HIGH (256 << 10) // bytes unread, with which packet-ins are dropped and requests wait
#define OF_OUT_MAX (16 << 20)   // bytes unread, with which a controller is cut off

struct of_agent_stats {
	uint64_t packet_ins, packet_ins_limited,
		packet_ins_unread;  // sent to some controller; dropped by rate; by buffers
	uint32_t sessions, masters; // that have said hello
};

// 0 or -ENOMEM. `ops` and `sw` live as long as the agent.
int of_agent_create(struct of_agent **out, const struct of_switch_ops *ops, void *sw);
// Its sessions must be gone.
void of_agent_destroy(struct of_agent *a);

// Packet-ins per second and reason; 0: none.
void of_agent_limit(struct of_agent *a, uint32_t rate);

void of_agent_packet_in(struct of_agent *a, const struct of_packet_in *p);
void of_agent_flow_removed(struct of_agent *a, const struct of_flow_removed *r);
void of_agent_port_status(struct of_agent *a, const struct of_port *port, uint8_t reason);

void of_agent_stats(const struct of_agent *a, struct of_agent_stats *out);

#endif
