/* SPDX-License-Identifier: BSD-3-Clause */
// The requests of a controller, one by one.
//
// Threads: control only.
#ifndef OF_REQUEST_H
#define OF_REQUEST_H

#include "of_session.h"

// Runs one message of our version. 0, or -errno and the error that is to be sent.
int of_request_run(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e);

// of_session.c: it holds up the messages behind it.
int of_request_barrier(struct of_session *s, const uint8_t *p, size_t len, struct flow_error *e);

#endif
