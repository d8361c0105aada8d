/* SPDX-License-Identifier: BSD-3-Clause */
// A parameter, declared once.
//
// Purpose: decoding, range checks, error texts, rpc.describe, the generated reference, man pages and the command
// line's completion all come from tables of `struct param`. RPC methods declare theirs in control/rpc_*.c, a port kind
// declares its own in ports/*.c.
//
// Design: plain constant data; a table ends with an entry whose name is NULL. Defaults are JSON text, so a default
// needs no code. After decoding, a handler finds every parameter that was given or has a default in its json_t, of the
// right type and in range, and nothing else.
//
// Threads: constant data.
#ifndef PARAM_H
#define PARAM_H

#include <stdbool.h>
#include <stdint.h>

enum param_type {
	PARAM_BOOL,
	PARAM_INT,     // range min..max
	PARAM_NUMBER,  // range min..max, a real number is accepted
	PARAM_STRING,  // length min..max in bytes, no NUL inside
	PARAM_NAME,    // an object's name: 1-31 of [A-Za-z0-9_.:-]
	PARAM_MAC,     // "aa:bb:cc:dd:ee:ff", stored in lower case
	PARAM_ENUM,    // one of `choices`
	PARAM_INTS,    // array of integers, each in range min..max
	PARAM_STRINGS, // array of strings; with `choices`, each one of them
	PARAM_OBJECT,  // any JSON object (checked by the method)
	PARAM_VALUE,   // any JSON value (checked by the method)
	PARAM_OBJECTS, // array of objects, each decoded by `items`; length min..max
};

enum param_flag {
	PARAM_REQUIRED = 1 << 0,
};

struct param {
	const char *name;
	enum param_type type;
	unsigned int flags;
	int64_t min, max;           // both 0: no limit beyond the type's own
	const char *unit;           // "bytes", "s", "packets/s"; NULL if none
	const char *def;            // JSON text; NULL: absent unless given
	const char *const *choices; // PARAM_ENUM and PARAM_STRINGS: ends with NULL
	const struct param *items;  // PARAM_OBJECTS: the fields of an element
	const char *help;           // one sentence
};

#endif
