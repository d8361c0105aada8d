/* SPDX-License-Identifier: BSD-3-Clause */
// What workers may still count by, until they have said that they do not.
//
// Threads: control only.
#ifndef FLOW_RETIRE_H
#define FLOW_RETIRE_H

// fn(arg) once every worker has seen what is published now and has counted all packets that met what was there before.
// In the order of the calls, from flow_retire_poll() or flow_retire_drain().
void flow_retire(void (*fn)(void *arg), void *arg);
void flow_retire_poll(void);
// Waits for the workers, if they run, and does all of it.
void flow_retire_drain(void);

#endif
