/* SPDX-License-Identifier: BSD-3-Clause */
// A set of numbered objects, kept in the order of their numbers.
//
// Purpose: look-up of groups and meters by the number that a controller gave them, and walks that go on where they
// stopped, whatever came and went meanwhile.
//
// Design: as names.h: a sorted array of pointers to objects whose first member is their uint32_t number. Numbers mostly
// come in rising order, and then an insertion moves nothing.
//
// Threads: control only.
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stdint.h>

struct numbers {
	void **at; // [n], rising
	uint32_t n, cap;
};

// Makes room for one more object, so that the next numbers_add() cannot fail. 0 or -ENOMEM.
int numbers_reserve(struct numbers *s);
void numbers_add(struct numbers *s, void *object); // after numbers_reserve() or numbers_del(); the number must be new
void numbers_del(struct numbers *s, const void *object);
void *numbers_find(const struct numbers *s, uint32_t number); // NULL: none
// The object with the least number that is not below `number`; NULL: none.
void *numbers_from(const struct numbers *s, uint64_t number);
void numbers_free(struct numbers *s); // the array, not the objects

// Small numbers that are handed out, 1 to max, the least that is free first.
struct ids {
	uint64_t *used;     // bit i: the number i is
	uint32_t max, from; // no number below `from` is free
};

// 0: none is left, or no memory.
uint32_t ids_take(struct ids *s);
void ids_give(struct ids *s, uint32_t id);

#endif
