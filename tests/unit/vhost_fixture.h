/* SPDX-License-Identifier: BSD-3-Clause */
// What the tests of the vhost-user kind share: an EAL, ports made from JSON text, and a worker that polls them as the
// datapath would, with grace periods of its own.
//
// Threads: the test's main thread plays control; the worker is one thread.
#ifndef VHOST_FIXTURE_H
#define VHOST_FIXTURE_H

#include <setjmp.h> // cmocka.h wants these four before it
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "../../ports/port.h"

extern char fixture_dir[64]; // an empty folder for sockets

// cmocka group set-up and tear-down: EAL without privileges, the packet pool, the folder.
int fixture_setup(void **state);
int fixture_teardown(void **state);

// A port of kind vhost-user, created and started; `conf` without "path" is a format for json_pack-like text, e.g.
// {"mode":"server"}. Fails the test on a fault.
struct port *fixture_port(const char *file, const char *conf);
// The same, but must be refused; fills the fault.
void fixture_refused(const char *path, const char *conf, struct fault *f);
void fixture_port_free(struct port *p);

// Starts a worker that polls all rx queues of p as the datapath does (idle words included). It answers each packet by
// sending it back out of the same queue if `echo`, else it frees it. fixture_worker_stop() takes p from it.
void fixture_worker_start(struct port *p, bool echo);
void fixture_worker_stop(void);

struct fixture_counts {
	uint64_t loops, calls, packets, echoed;
};
struct fixture_counts fixture_counts(void); // of the running worker

// Waits, at most 5 s, until the expression is true; fails the test if it does not become so.
#define wait_until(expr)                                                                                               \
	do {                                                                                                           \
		const uint64_t end_ = fixture_now_ms() + 5000;                                                         \
		while (!(expr)) {                                                                                      \
			if (fixture_now_ms() > end_)                                                                   \
				fail_msg("not within 5 s: %s", #expr);                                                 \
			fixture_nap();                                                                                 \
		}                                                                                                      \
	} while (0)

uint64_t fixture_now_ms(void);
void fixture_nap(void); // a tenth of a millisecond
bool fixture_link(const struct port *p);

#endif
