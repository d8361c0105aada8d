/* SPDX-License-Identifier: BSD-3-Clause */
// Values of match fields as people write them: "10.0.0.0/8", "02:00:00:00:00:01", "0x800", "LOCAL".
//
// Purpose: one reading and one writing of each kind of value, for the text syntax and for JSON.
//
// Threads: control only, for the names of ports; the rest are pure functions.
#ifndef FLOW_VALUE_H
#define FLOW_VALUE_H

#include <stdbool.h>
#include <stdio.h>

#include "flow_match.h"

// Reads a value with an optional mask behind a slash (for IP addresses a length will do), in numbers with or without
// 0x; ports also by their reserved names. *mask is all ones if none was given. False: it is no value of this kind, or
// has more bits than fit.
bool flow_value_parse(enum flow_field field, const char *text, struct flow_value *value, struct flow_value *mask);

// Writes a value and, unless all its bits are set, its mask.
void flow_value_print(FILE *out, enum flow_field field, struct flow_value value, struct flow_value mask);

// A number of at most `max`, in decimal or with 0x; the whole text. False: it is none.
bool flow_number_parse(const char *text, uint64_t max, uint64_t *out);

// A port by number or reserved name, whatever the case of its letters, or by a name that flow_port_names() knows, with
// or without quotes; and back, reserved ones by name.
bool flow_port_parse(const char *text, uint32_t *port);
void flow_port_print(FILE *out, uint32_t port);

// Gives ports names, until it is called with NULL: fn(arg, name, &number) says whether there is one of that name.
typedef bool (*flow_port_name_fn)(const void *arg, const char *name, uint32_t *port);
void flow_port_names(flow_port_name_fn fn, const void *arg);

#endif
