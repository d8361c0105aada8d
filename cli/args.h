/* SPDX-License-Identifier: BSD-3-Clause */
// From words on a command line to the params of a method.
//
// Purpose: `mtu=9000 trunks=10,20,30-35` becomes {"mtu": 9000, "trunks": [10, 20, 30, ...]} by the declared types of
// the method's parameters.
//
// Design: the client converts and the daemon judges: ranges, choices and what is missing are left to the daemon, so
// that there is one place which says what is allowed.
//
// Threads: any.
#ifndef ARGS_H
#define ARGS_H

#include <jansson.h>
#include <stddef.h>

// Converts words[0..n-1], each "key=value", "@file" or a JSON object (both of which give several params at once), for
// `method` of `schema`. On success 0 and *params is a new object; otherwise -EINVAL and `why` a sentence.
int args_params(const json_t *schema, const json_t *method, char *const *words, size_t n, json_t **params, char *why,
		size_t why_size);

// Converts one value for a parameter of the declared type ("int", "ints", ...; unknown ones: JSON if it is, else a
// string). A new reference, or NULL with `why`.
json_t *args_value(const char *type, const char *text, char *why, size_t why_size);

// JSON from a file ("-": standard input). A new reference, or NULL with `why`.
json_t *args_file(const char *path, char *why, size_t why_size);

#endif
