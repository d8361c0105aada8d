/* SPDX-License-Identifier: BSD-3-Clause */
// JSON as people read it.
//
// Purpose: an array of objects as aligned columns, an object as "key: value" lines, anything else as one word.
//
// Design: pure text (text.h), so that it is tested without a terminal. With a width, columns that do not fit are cut
// with '~' from the widest on; where even that is not enough, each row becomes a block of lines.
//
// Threads: any.
#ifndef TABLE_H
#define TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "text.h"

struct column {
	const char *title; // NULL ends a list of columns
	const char *path;  // of the row's member, for text_member()
	enum text_format format;
};

// Prints a table. `columns` NULL: the keys of the objects, in order of appearance. A column that no row has is left
// out. `width` in characters, 0: unlimited.
void table_rows(FILE *f, const json_t *rows, const struct column *columns, unsigned int width);

// Prints any value in the way that suits it.
void table_value(FILE *f, const json_t *v, unsigned int width);

// How wide standard output is: 0 unless it is a terminal.
unsigned int table_width(void);

#endif
