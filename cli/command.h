/* SPDX-License-Identifier: BSD-3-Clause */
// Commands: a table of the friendly forms, and any method beside them.
//
// Purpose: one way to run a command's words, be they from the shell, a script or a prompt.
//
// Threads: one.
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>

#include "session.h"

struct command {
	const char *name;
	const char *usage;                                                   // the words after the name
	const char *help;                                                    // one sentence
	enum status (*run)(struct session *s, char *const *words, size_t n); // words[0] is the name
};

// Runs one command: a friendly form, or METHOD key=value ...; a word "-j" among them prints its result as JSON.
enum status command_run(struct session *s, char *const *words, size_t n);

// The i-th friendly form, or NULL past the end.
const struct command *command_at(size_t i);

// Prints a result as the session wants it. `v` is borrowed.
void command_print(const struct session *s, const json_t *v);

// The friendly forms.
enum status show_run(struct session *s, char *const *words, size_t n);
enum status top_run(struct session *s, char *const *words, size_t n);
enum status events_run(struct session *s, char *const *words, size_t n);
enum status wait_run(struct session *s, char *const *words, size_t n);
enum status pktgen_run(struct session *s, char *const *words, size_t n);
enum status help_run(struct session *s, char *const *words, size_t n);
enum status load_run(struct session *s, char *const *words, size_t n);
enum status quit_run(struct session *s, char *const *words, size_t n);

// What can be shown, for help and completion: the i-th topic of `show`, or NULL past the end.
const char *show_topic(size_t i);

// The method behind a topic of `show` that lists, or NULL.
const char *show_method(const char *topic);

#endif
