/* SPDX-License-Identifier: BSD-3-Clause */
// Next hops as control keeps them: numbers, contents, and who wants to know whether they work.
//
// Design: tables/nexthop.h says what workers see. A number's contents are replaced by one pointer store. Contents and
// numbers that nobody names any more are free after a grace period.
//
// Threads: control only.
#ifndef CONTROL_NEXTHOP_H
#define CONTROL_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "../tables/nexthop.h"

// Numbers that always stand for the same.
enum { NEXTHOP_NUMBER_DROP = 1, NEXTHOP_NUMBER_REJECT, NEXTHOP_NUMBER_LOCAL, NEXTHOP_NUMBER_FIRST };

int nexthop_create(void);   // 0 or -ENOMEM
void nexthop_destroy(void); // after the workers have stopped

// A number without contents; workers take it as no route. 0, or -ENOSPC: all are in use.
int nexthop_alloc(uint32_t *number);
// Takes contents (of garbage_alloc()); NULL: none. What was there is freed after a grace period.
void nexthop_set(uint32_t number, struct nexthop *contents);
// Contents and number are free after a grace period. Nobody may watch it.
void nexthop_free(uint32_t number);
const struct nexthop *nexthop_at(uint32_t number); // NULL: without contents
const struct nexthop_table *nexthop_table(void);
uint32_t nexthop_count(void); // numbers in use
const char *nexthop_kind_name(enum nexthop_kind kind);

// fn(arg, alive) whenever the next hop begins or ceases to be FORWARD. It may not unwatch any of the same next hop.
struct nexthop_watch;
struct nexthop_watch *nexthop_watch(uint32_t number, void (*fn)(void *arg, bool alive), void *arg); // NULL: no memory
void nexthop_unwatch(struct nexthop_watch *w);                                                      // w may be NULL
bool nexthop_alive(uint32_t number);

#endif
