/* SPDX-License-Identifier: BSD-3-Clause */
// Grace periods: what control takes away is freed only when no worker can still see it.
//
// Design: one rte_rcu_qsbr variable; each worker reports a quiescent state once per loop and goes offline while it
// sleeps, so waiting for it never waits for a sleeper. Source: rte_rcu_qsbr.h.
#ifndef RCU_H
#define RCU_H

#include <rte_rcu_qsbr.h>

// Creates the variable for up to `threads` workers. 0 or -errno. Control thread, once.
int rcu_create(unsigned int threads);
struct rte_rcu_qsbr *rcu_var(void);

// Calls fn(ptr) on the control thread some time after all workers passed a quiescent state. Control thread. Allocates a
// queue element; on no memory waits for the grace period and calls fn at once.
void rcu_defer(void *ptr, void (*fn)(void *ptr));

// Runs the deferred calls whose grace period is over; returns how many still wait. Control thread, from a timer.
unsigned int rcu_poll(void);

// Waits for a grace period (micro- to milliseconds), without running deferred calls. Any thread but a worker's.
void rcu_synchronize(void);

// Waits for and runs everything deferred. Control thread, at the end.
void rcu_drain(void);

// Drains, then frees the variable. Control thread, after the workers are gone.
void rcu_destroy(void);

#endif
