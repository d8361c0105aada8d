/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

static const char *const names[SAMPLE_COUNT] = {
#define X(id, stage) [LANE_##id] = #stage,
	BURST_LANES(X)
#undef X
		[SAMPLE_RECEIVE] = "receive",
	[SAMPLE_MODE] = "mode",
	[SAMPLE_FLUSH] = "flush",
};

const char *sample_name(unsigned int step)
{
	return names[step];
}
