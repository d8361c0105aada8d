/* SPDX-License-Identifier: BSD-3-Clause */
// The real objects, transactions and methods over devices and workers that exist only in the test.
//
// Design: port kind "fake" counts what is done to its devices and fails on request; the workers have rings and counters
// that the test fills, and never run, so that every grace period is over at once.
#ifndef OBJECTS_HARNESS_H
#define OBJECTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>

#include "../../control/bridge.h"
#include "../../control/objects.h"
#include "../../control/port.h"
#include "../../control/publish.h"
#include "../../control/rpc.h"
#include "../../control/store.h"
#include "../../datapath/rcu.h"
#include "../../datapath/worker.h"
#include "../../tables/fdb.h"

#define FAKE_WORKERS 3
#define FAKE_FDB_CAPACITY 4096
#define FAKE_FIB_BYTES (UINT64_C(64) << 20)

// What the test may look at and set.
extern struct fake {
	unsigned int created, started, stopped, destroyed; // devices of kind "fake"
	bool fail_create;                                  // the next ones fail, with -EIO
	struct worker_event event[8192];                   // what workers_events() will give
	unsigned int nevents;
	struct worker_stats stats[FAKE_WORKERS]; // what workers_snapshot() will give
	bool silent;                             // workers do not answer
	unsigned int sent;                       // notifications, of whatever topic
	char last_topic[16], last_what[16];
	struct event_base *base;
	struct fdb *fdb;
} fake;

void harness_start(void);           // once per program
int harness_setup(void **state);    // empty objects and an empty store
int harness_teardown(void **state); // all devices must be gone afterwards

// Calls a method with params written as JSON, with ' for ". Answers the result (a new reference) or fails the test.
json_t *must_call(const char *method, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void must_do(const char *method, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The call must be refused with `err`; the fault is left in *f (may be NULL).
void must_refuse(int err, struct fault *f, const char *method, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int try_call(const char *method, json_t **result, struct fault *f, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// Several calls in one transaction: "[[method, params], ...]".
void must_txn(const char *ops);
// All of the desired state and all that the lists show, as text, to compare.
char *everything(void);
void must_be_same(const char *before, const char *after);
// Lets deferred work and notifications happen.
void settle(void);

#endif
