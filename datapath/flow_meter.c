/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_meter.h"

#define UNITS 8                  // a bucket's time: 2^-8 cycles
#define COST 32                  // a band's cost: 2^-32 cycles
#define SKEW (UINT64_C(1) << 58) // more than the largest packet costs at the lowest rate

static uint64_t band_time(const struct flow_band *b, uint64_t tokens)
{
	const __uint128_t t = ((__uint128_t)tokens * b->cost) >> (COST - UNITS);
	const __uint128_t most = UINT64_MAX / 4; // years

	return (uint64_t)RTE_MIN(t, most);
}

void flow_meter_init(struct flow_meter *m, uint64_t hz, uint64_t now)
{
	for (uint32_t i = 0; i < m->nbands; i++) {
		struct flow_band *const b = &m->band[i];

		b->cost = (uint64_t)(((__uint128_t)hz << COST) / b->rate);
		b->depth = band_time(b, b->burst);
		m->bucket[i].spent = (now << UNITS) - b->depth;
	}
}

// The packets that exceed a band whose tokens are spent up to *spent.
static uint64_t band_take(const struct flow_band *b, bool bits, uint64_t now, uint64_t lanes, const uint32_t *bytes,
			  uint64_t *spent)
{
	const uint64_t packet = band_time(b, 1);
	uint64_t t = *spent, exceed = 0;
	uint32_t i;

	// A full bucket overflows. One that seems to be spent far into the future was last used half a turn of the
	// clock ago: no worker's time is ahead of another's by more than SKEW.
	if (now - t > b->depth && t - now > SKEW)
		t = now - b->depth;
	lane_foreach (i, lanes) {
		const uint64_t cost = bits ? band_time(b, (uint64_t)bytes[i] * 8) : packet;

		// A packet that is larger than the bucket passes when that is full, and those behind it wait for
		// longer.
		if ((int64_t)(now - t) >= (int64_t)RTE_MIN(cost, b->depth))
			t += cost;
		else
			exceed |= UINT64_C(1) << i;
	}
	*spent = t;
	return exceed;
}

void flow_meter_run(struct flow_meter *m, uint64_t now, uint64_t lanes, const uint32_t bytes[BURST_MAX],
		    struct flow_meter_hits *hits)
{
	uint64_t hit = 0;

	now <<= UNITS;
	for (uint32_t i = 0; i < m->nbands; i++) {
		uint64_t *const spent = &m->bucket[i].spent;
		uint64_t was = __atomic_load_n(spent, __ATOMIC_RELAXED), exceed, is;

		do {
			is = was;
			exceed = band_take(&m->band[i], m->bits, now, lanes, bytes, &is);
		} while (is != was &&
			 !__atomic_compare_exchange_n(spent, &was, is, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
		hits->band[i] = exceed & ~hit;
		hit |= exceed;
	}
}

uint8_t flow_meter_remark(uint8_t dscp, uint8_t level)
{
	const uint8_t class = dscp >> 3, precedence = dscp >> 1 & 3;

	if ((dscp & 7) == 0)
		return (uint8_t)(class - RTE_MIN(class, level)) << 3;
	if (class < 1 || class > 4 || precedence == 0 || (dscp & 1))
		return dscp;
	return (uint8_t)(class << 3 | RTE_MIN(precedence + level, 3) << 1);
}
