/* SPDX-License-Identifier: BSD-3-Clause */
// Streams of the traffic generator: which port sends which profile, and where it is to arrive.
//
// Purpose: pktgen.start, stop and stats; the work is done by the workers that poll the ports (datapath/pktgen.h).
//
// Design: a port that sends or receives for the generator belongs to it, and no bridge has it. A port sends one stream
// at a time; many may arrive at one. A stream that has ended keeps its figures and its receiving port, for what is
// still on the way, until the same port sends another or it is forgotten. Nothing of it is in the desired state.
//
// Threads: control only.
#ifndef CONTROL_PKTGEN_H
#define CONTROL_PKTGEN_H

#include "port.h"

// Starts a stream as decoded parameters of pktgen.start say. 0, -ENOENT no such port, -EBUSY a bridge has it or it
// sends already, -EINVAL, -ENOSPC too many streams, -ENOMEM.
int pktgen_start(const json_t *params, struct fault *f);

// Ends the stream of a port, or all (NULL); with `forget`, its figures too, and gives the ports back. 0 or -ENOENT.
int pktgen_stop(const json_t *port, bool forget, struct fault *f);

// Figures of all streams, or of the one that `port` sends (-ENOENT).
int pktgen_stats(const json_t *port, json_t **out, struct fault *f);

// The port's device is no longer in the state about to be published: its streams end, with an event.
void pktgen_port_gone(struct port_obj *p);

// Notices streams that have ended. Every few milliseconds.
void pktgen_poll(void);
void pktgen_destroy(void); // after the workers have stopped

#endif
