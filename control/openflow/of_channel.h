/* SPDX-License-Identifier: BSD-3-Clause */
// The connections of one agent: controllers that are dialled, and addresses where they may come.
//
// Purpose: keeps as many connections as was asked for, through refusals and broken ones.
//
// Design: each target is a channel. One that dials tries again after 100 ms, then twice as long, at most 1 s; after a
// hello it begins anew. One that listens takes up to OF_CHANNEL_STREAMS peers. Whoever comes by a unix socket is taken
// for an operator who looks in; all others control, so that without any of them the switch is on its own.
//
// Threads: control only.
#ifndef OF_CHANNEL_H
#define OF_CHANNEL_H

#include "of_address.h"
#include "of_stream.h"
#include "of_tls.h"

#define OF_CHANNELS_MAX 16
#define OF_CHANNEL_STREAMS 16 // of one that listens
#define OF_REDIAL_MIN_MS 100
#define OF_REDIAL_MAX_MS 1000

struct of_channels;

struct of_channels_conf {
	struct event_base *base;
	struct of_agent *agent;
	unsigned int echo_s; // 0: OF_ECHO_S
};

struct of_channel_info {
	const char *target;
	unsigned int streams; // connected, those that have not yet said hello among them
	unsigned int open;    // that have
	uint8_t role;         // OFPCR_* of the last of these
	const char *error;    // why the last attempt failed, or NULL
};

// 0 or -ENOMEM.
int of_channels_create(struct of_channels **out, const struct of_channels_conf *conf);
// Ends all connections.
void of_channels_destroy(struct of_channels *c);

// The key and certificates for TLS, which become the channels' own; NULL: none. Connections that are there go on.
void of_channels_tls(struct of_channels *c, struct of_tls *tls);

// Makes these the targets: who is still among them goes on, others end, and new ones begin. All or nothing: 0, or
// -errno and a fault of `field`[i] if a target cannot be read or listened at (-ENOSPC: more than OF_CHANNELS_MAX).
int of_channels_set(struct of_channels *c, const char *field, const char *const *targets, unsigned int n,
		    struct fault *f);

// The i-th channel. False: there is none.
bool of_channels_info(const struct of_channels *c, unsigned int i, struct of_channel_info *out);

// Where the i-th channel listens, for ports that the kernel chose; 0 or -errno.
int of_channels_port(const struct of_channels *c, unsigned int i, unsigned int *port);

#endif
