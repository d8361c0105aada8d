/* SPDX-License-Identifier: BSD-3-Clause */
// Finds where JSON texts end in a stream of bytes.
//
// Purpose: jansson parses whole texts only. A client may send them in any pieces, concatenated, deeply nested, endless
// or broken; whoever reads from it must know when there is something to parse without looking at a byte twice.
//
// Design: a state machine over the punctuation of JSON. It does not check numbers, literals, escapes or UTF-8, jansson
// does; but it notices what could not go on to be JSON at the first wrong byte, so that a text with a forgotten bracket
// does not swallow all that follows. After an error it is in step again at the next newline, or at once if the wrong
// byte was the first of its line. A text that is no object or array ends with its line.
//
// Threads: a scanner belongs to its caller.
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH 64 // levels of nesting

enum json_scan_result {
	JSON_SCAN_MORE, // no text has ended; if bytes are left, a text begins with the next one
	JSON_SCAN_TEXT, // a text ended with the bytes used
	JSON_SCAN_BAD,  // no JSON: `bad` is the byte
	JSON_SCAN_DEEP, // nested too deeply
};

struct json_scan {
	uint8_t state;
	bool escape;        // in a string, after a backslash
	bool key;           // the string is a key
	bool line_start;    // nothing but white space since the last newline
	unsigned char bad;  // after JSON_SCAN_BAD
	unsigned int depth; // levels open
	uint64_t objects;   // bit i: level i is an object, not an array
	size_t memory;      // about how many bytes the text takes when parsed, its own included
};

// Goes on with `size` bytes; *used is how many were looked at. A zeroed scanner is a new one. Cost: some ns a byte.
enum json_scan_result json_scan(struct json_scan *s, const char *bytes, size_t size, size_t *used);

// Whether a text has begun. If not, all bytes used so far can be forgotten.
bool json_scan_inside(const struct json_scan *s);
// Whether that text is complete should no byte follow.
bool json_scan_complete(const struct json_scan *s);

// Forgets the text, and goes on behind the next newline.
void json_scan_skip(struct json_scan *s);

#endif
