/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_priv.h"

static const struct fwd_state *current; // written by control, read by workers (RCU)
static uint16_t clock_s = 1;            // written by control, read by workers

const struct fwd_state *fwd_state_publish(const struct fwd_state *s)
{
	const struct fwd_state *former = current;

	__atomic_store_n(&current, s, __ATOMIC_RELEASE);
	return former;
}

const struct fwd_state *fwd_state_current(void)
{
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE);
}

void datapath_clock_set(uint16_t now_s)
{
	__atomic_store_n(&clock_s, now_s ? now_s : 1, __ATOMIC_RELAXED);
}

uint16_t datapath_clock(void)
{
	return __atomic_load_n(&clock_s, __ATOMIC_RELAXED);
}
