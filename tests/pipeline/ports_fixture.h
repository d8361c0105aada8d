/* SPDX-License-Identifier: BSD-3-Clause */
// Ports of any kind, made from JSON as port.add does, for the tests of the kinds.
#ifndef PORTS_FIXTURE_H
#define PORTS_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../ports/port.h"

// Makes a port of `type` from JSON parameters with the next free id. 0 or what create said, with the fault in *f. Fails
// the test if a refusal leaves queues or private data behind.
int fixture_create(struct port *p, const char *type, const char *params, unsigned int workers, struct fault *f);

// The same and starts it; fails the test if that is refused.
void fixture_start(struct port *p, const char *type, const char *params, unsigned int workers);
void fixture_stop(struct port *p); // stops and destroys it

// A frame of `len` bytes in an mbuf.
struct rte_mbuf *fixture_mbuf(const void *data, uint16_t len);

// Polls p's first queue as a worker does, idle word and all, until a packet comes; NULL after timeout_ms.
struct rte_mbuf *fixture_rx(struct port *p, unsigned int timeout_ms);

// Sends one packet through p's first queue; fails the test if it is not taken.
void fixture_tx(struct port *p, struct rte_mbuf *m);

// Waits until the link is as wanted; false after two seconds.
bool fixture_link(const struct port *p, bool up);

// All buffers are back, those aside that a library keeps.
void fixture_no_mbuf_lost(void);

// Root of an own network namespace: unprivileged where the system lets us be. False if not; tests skip then.
bool fixture_netns(void);

// Runs a shell command, which must succeed.
void fixture_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
