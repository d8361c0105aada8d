/* SPDX-License-Identifier: BSD-3-Clause */
// Scripts: one command a line.
//
// Threads: one.
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdio.h>

#include "session.h"

// Runs the lines of `f`; `name` is what errors call it. Stops at the first command that fails, unless `keep_going`.
// The status of the first failure, or STATUS_DONE.
enum status script_run(struct session *s, FILE *f, const char *name, bool keep_going);

// Runs one line.
enum status script_line(struct session *s, const char *line);

#endif
