/* SPDX-License-Identifier: BSD-3-Clause */
// What is JSON, and yet no request can hold.
//
// Purpose: jansson refuses a whole text for an integer beyond 64 bits or a NUL in a string, both of which are good
// JSON. Whoever sent them is owed more than "not JSON": the id of the request, the field and what is allowed.
//
// Design: the text is parsed once more, tolerantly, and searched for the value at fault. That costs a second parse of
// texts that are refused, and the others nothing.
//
// Threads: any; no state.
#ifndef JSON_UNFIT_H
#define JSON_UNFIT_H

#include <jansson.h>
#include <stdbool.h>

struct json_unfit {
	json_t *request;     // holds what `value` points to
	json_t *id;          // of a request that is one, NULL if it has none
	bool in_params;      // the value is a parameter, and `field` is relative to the parameters
	char field[128];     // a.b[3]; cut where it is longer
	const json_t *value; // as far as it can be shown
	const char *allowed, *problem;
};

// Finds why jansson refused the `size` bytes at `text` with *error. 0, or -ENOENT: for another reason. After 0 the
// caller ends with json_unfit_free().
int json_unfit_find(const char *text, size_t size, const json_error_t *error, struct json_unfit *out);
void json_unfit_free(struct json_unfit *u);

#endif
