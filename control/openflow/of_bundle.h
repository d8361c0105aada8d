/* SPDX-License-Identifier: BSD-3-Clause */
// Bundles: changes that a controller collects, and that happen together or not at all.
//
// Purpose: OpenFlow 1.4's bundles as the extension to 1.3 that Open vSwitch and its tools speak (experimenter ONF,
// types 2300 and 2301).
//
// Design: messages are checked as they come, so what cannot be is refused at once, and kept as they are. A commit hands
// them to the switch one by one, within one transaction: in order, and atomic, whatever the flags ask for. A bundle in
// which something was inconsistent is gone. Flow, group and meter-mods can be in a bundle. Bundles are the session's,
// and end with it; their number and bytes are bounded.
//
// Threads: control only.
// Source: ONF extension EXT-230, OpenFlow Switch Specification 1.4, 7.3.9.
#ifndef OF_BUNDLE_H
#define OF_BUNDLE_H

#include <sys/queue.h>

#include "of_switch.h"

#define OF_BUNDLES_MAX 16               // of a session
#define OF_BUNDLE_BYTES_MAX (64u << 20) // of messages, in all bundles of a session

struct of_session;

struct of_bundles {
	STAILQ_HEAD(, of_bundle) list;
	unsigned int n;
	size_t bytes;
};

void of_bundles_init(struct of_bundles *b);
void of_bundles_clear(struct of_bundles *b);

// Runs the experimenter message of `len` bytes, 16 at least. 0, or -errno and the error that is to be sent.
int of_bundle_run(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e);

#endif
