/* SPDX-License-Identifier: BSD-3-Clause */
// A reader beside a writer, store by store: the writer is a coroutine that may stop after any of its stores, and the
// reader lets it go on for some stores before any of its loads. The same in every run, so what fails can be looked at.
//
// Include this before the sources under test: all that either side does to shared memory goes by the two macros.
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "../rng.h"

#define STEPS_STACK_BYTES (256 << 10)

static ucontext_t steps_reader, steps_writer;
static uint8_t steps_stack[STEPS_STACK_BYTES];
static bool steps_in_writer;
static unsigned int steps_now;      // stores until the writer stops
static unsigned int steps_left;     // stores that the writer may make during this look-up
static unsigned int steps_each = 1; // loads for each time that the writer gets on
static uint64_t steps_schedule;

static void steps_after_store(void)
{
	if (!steps_in_writer || --steps_now > 0)
		return;
	steps_in_writer = false;
	swapcontext(&steps_writer, &steps_reader);
}

static void steps_let_store(unsigned int stores)
{
	steps_now = stores;
	steps_in_writer = true;
	swapcontext(&steps_reader, &steps_writer);
}

static void steps_before_load(void)
{
	const uint64_t r = rng_next(&steps_schedule) >> 16;
	const unsigned int stores = 1 + (unsigned int)(r >> 16) % 8;

	if (steps_in_writer || r % steps_each != 0 || steps_left < stores)
		return;
	steps_left -= stores;
	steps_let_store(stores);
}

#define __atomic_load_n(ptr, order) (steps_before_load(), __atomic_load_n(ptr, order))
#define __atomic_store_n(ptr, value, order) (__atomic_store_n(ptr, value, order), steps_after_store())

// Lets the writer make up to so many stores during the next look-up: a few before each load, or more before some loads,
// so that it stands still for long in between.
static void steps_allow(unsigned int stores)
{
	steps_left = stores;
	steps_each = 1u << rng_next(&steps_schedule) % 5;
}

// Makes the writer, which never returns. It begins with its first store.
static void steps_begin(void (*writer)(void))
{
	steps_left = 0;
	steps_in_writer = false;
	steps_schedule = 7;
	getcontext(&steps_writer);
	steps_writer.uc_stack.ss_sp = steps_stack;
	steps_writer.uc_stack.ss_size = sizeof(steps_stack);
	makecontext(&steps_writer, writer, 0);
}

#endif
