/* SPDX-License-Identifier: BSD-3-Clause */
// A connection that carries a session.
//
// Purpose: feeds a session from a socket, plain or TLS, writes what it says, and sees to it that a peer that is gone,
// stalls or floods costs little and disturbs nobody.
//
// Design: input is read to one message's length at most before it is run, and run in turns of so many messages, so
// that others have theirs. A peer from which no whole message came for a while is asked by an echo request, and cut off
// if it stays silent; half a message is silence. What it does not read is bounded by the session.
//
// Threads: control only.
#ifndef OF_STREAM_H
#define OF_STREAM_H

#include <event2/bufferevent.h>

#include "of_session.h"

#define OF_ECHO_S 5 // seconds of silence until an echo request, three times of which end the connection

struct of_stream;

// Takes `bev`, also if it fails. `ended` is called when the connection is over, after which there is no stream any
// more; not by of_stream_destroy(). `echo_s`: 0 for OF_ECHO_S. 0 or -ENOMEM.
int of_stream_create(struct of_stream **out, struct of_agent *a, struct event_base *base, struct bufferevent *bev,
		     bool controls, unsigned int echo_s, void (*ended)(void *arg, bool said_hello), void *arg);
void of_stream_destroy(struct of_stream *s);

const struct of_session *of_stream_session(const struct of_stream *s);

#endif
