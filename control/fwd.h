/* SPDX-License-Identifier: BSD-3-Clause */
// Forwarding modes: which port is in which, and with which peer.
//
// Purpose: what fwd.set asks for, turned into mode and peer of each port in the published state.
//
// Design: one object in the desired state. Either all ports are in its mode, paired in the order of their ids as
// testpmd does it (first and second, third and fourth; an odd one out with itself), anew whenever ports come and go; or
// only the pairs that it names are, and all other ports are in mode switch. While forwarding is stopped no queue is
// polled.
//
// Threads: control only.
#ifndef FWD_H
#define FWD_H

#include "../datapath/fwd_mode.h"
#include "port.h"

extern const char *const fwd_mode_names[]; // by enum fwd_mode, ends with NULL

// Makes `conf`, decoded parameters of fwd.set, the configuration; NULL: that of the start (mode switch, started). 0,
// -ENOENT a port that is not there, -EINVAL a port named twice, -ENOMEM.
int fwd_set(struct txn *t, const json_t *conf, struct fault *f);
int fwd_start_stop(struct txn *t, bool started, struct fault *f);

bool fwd_started(void);
uint16_t fwd_burst(void);        // packets that workers take from a queue at once
uint16_t fwd_txonly_bytes(void); // of a frame that mode txonly makes
json_t *fwd_json(void);          // mode, started, burst, txonly_bytes, pairs where given
bool fwd_names_port(const struct port_obj *p);

// Gives every port its mode and peer, and marks those where they changed. Called by publish().
void fwd_apply(void);
void fwd_destroy(void);

#endif
