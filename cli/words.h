/* SPDX-License-Identifier: BSD-3-Clause */
// A line of a script or a prompt, taken apart into words.
//
// Design: blanks separate; '...', "..." and \ quote as in a shell; # at the start of a word begins a comment. A word or
// a value after = that begins with [ or { runs to the bracket that closes it, so that JSON needs no quoting:
//   txn ops=[{"method": "port.del", "params": {"name": "a"}}]
//
// Threads: any.
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **word; // [n], and a NULL after
	size_t n;
	bool open; // the last word goes on to the end of the line: what completion is about. Else it would begin a new
		   // one
};

// Splits `line`. 0, or -EINVAL with `why` a sentence (a static string). With `partial`, a quote or bracket left open is
// no error.
int words_split(struct words *w, const char *line, bool partial, const char **why);
void words_free(struct words *w);

#endif
