/* SPDX-License-Identifier: BSD-3-Clause */
// A set of named objects, kept in the order of their names.
//
// Purpose: look-up by name, listing in a stable order and paging (`after`) of ports and bridges.
//
// Design: a sorted array of pointers to objects whose first member is `char name[]`. Look-up is a binary search; an
// insertion moves pointers, which for 16384 of them is a microsecond.
//
// Threads: control only.
#ifndef NAMES_H
#define NAMES_H

#include <stdint.h>

struct names {
	void **at; // [n], in the order of strcmp()
	uint32_t n, cap;
};

// Makes room for one more object, so that the next names_add() cannot fail. 0 or -ENOMEM.
int names_reserve(struct names *s);
void names_add(struct names *s, void *object); // after names_reserve() or names_del(); the name must be new
void names_del(struct names *s, const void *object);
void *names_find(const struct names *s, const char *name); // NULL: none
// Index of the first object whose name comes after `after` (NULL: of the first of all); n at the end.
uint32_t names_after(const struct names *s, const char *after);
void names_free(struct names *s); // the array, not the objects

#endif
