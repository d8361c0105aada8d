/* SPDX-License-Identifier: BSD-3-Clause */
// Completion: what may stand in place of the last word.
//
// Design: from rpc.describe, and for names of objects from the daemon's *.list methods. Without a daemon only the
// friendly forms are known; nothing here prints an error.
//
// Threads: one.
#ifndef COMPLETE_H
#define COMPLETE_H

#include <jansson.h>
#include <stddef.h>

#include "session.h"

// All words that begin as words[n-1] does and may stand in its place, as a new array of strings; one that ends with '='
// or ',' wants to be gone on with. n >= 1.
json_t *complete_words(struct session *s, char *const *words, size_t n);

// Prints them, one a line, for the shell.
enum status complete_print(struct session *s, char *const *words, size_t n);

#endif
