/* SPDX-License-Identifier: BSD-3-Clause */
// One error, as its reader needs it.
//
// Purpose: whoever refuses an input says which field was at fault, what it held and what would have been allowed. The
// RPC layer turns a fault into a JSON-RPC error object (docs/control-api.md), a start-up path prints it.
//
// Design: functions that can refuse take a `struct fault *` and return 0 or -errno; fault_set() fills the first and
// returns the second, so a refusal is one statement: `return fault_set(f, -EEXIST, "name", name, NULL, "...")`.
//
// Threads: a fault belongs to its caller; any thread.
#ifndef FAULT_H
#define FAULT_H

#include <stdarg.h>

struct fault {
	int err;           // -errno; 0 while nothing is wrong
	char message[256]; // a sentence without a full stop
	char field[96];    // the parameter at fault, "flows[3].match" style; empty if none is
	char value[160];   // what it held, as JSON text; empty if there is none to show
	char allowed[192]; // what would have been accepted; may be empty
};

// Fills `f` and returns `err`. `field`, `value` (JSON text: quote strings) and `allowed` may be NULL. Long texts are
// cut. err: -EINVAL wrong value, -ENOENT not found, -EEXIST exists, -EBUSY in use, -ENOSPC or -ENOMEM no resource,
// -ENOTSUP not supported by this port or build; any other -errno means that a device or the system failed, and its
// strerror() text is appended to the message.
int fault_set(struct fault *f, int err, const char *field, const char *value, const char *allowed, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

// As fault_set() for a string value, which is quoted and escaped here.
int fault_str(struct fault *f, int err, const char *field, const char *value, const char *allowed, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

#endif
