/* SPDX-License-Identifier: BSD-3-Clause */
// Parameters that every `.list` of named objects has: name, limit, after.
//
// Threads: control only.
#ifndef LIST_H
#define LIST_H

#include <jansson.h>

#include "../ports/param.h"
#include "names.h"

extern const struct param list_params[];

struct list_page {
	const char *name;    // NULL: not given
	uint32_t first, end; // indices into the set
};

// The part of `set` that decoded `params` ask for. With a name: that object alone, or nothing.
void list_page(const json_t *params, const struct names *set, struct list_page *page);

#endif
