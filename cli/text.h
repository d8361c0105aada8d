/* SPDX-License-Identifier: BSD-3-Clause */
// Values as one line of text.
//
// Purpose: what the printers, `wait` and `events` all show of a JSON value.
//
// Design: pure. Control characters are shown as \xNN, so that nothing which a guest, a file name or another client
// chose reaches the terminal raw.
//
// Threads: any.
#ifndef TEXT_H
#define TEXT_H

#include <jansson.h>
#include <stddef.h>

enum text_format {
	TEXT_PLAIN,
	TEXT_RANGES,  // ascending integers as 10,20,30-35
	TEXT_COUNT,   // how many elements
	TEXT_SUM,     // of the numbers in an object
	TEXT_FIRSTS,  // of each object of a list its first member
	TEXT_SCALED,  // 1234567 as 1.23M
	TEXT_PERCENT, // 0.256 as 25.6%
};

// A value on one line: numbers and words as they are, yes and no, lists with commas, objects as k=v; "-" for nothing.
// free() it.
char *text_value(const json_t *v, enum text_format format);

// A string with its control characters escaped. free() it.
char *text_safe(const char *s);

// The member of `o` that `path` leads to, borrowed, or NULL: a key, or several joined by dots; '|' separates
// alternatives, of which the first present counts.
const json_t *text_member(const json_t *o, const char *path);

// How many terminal cells `s` takes: its UTF-8 characters.
size_t text_cells(const char *s);

#endif
