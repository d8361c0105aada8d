/* SPDX-License-Identifier: BSD-3-Clause */
// Frames made many at a time are those that a model makes one by one, from each flow's number alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_common.h>

#include "../../datapath/pktgen_frame.h"
#include "../rng.h"
#include "isa.h"

static const uint8_t width_bytes[] = {[PKTGEN_W16] = 2, [PKTGEN_W32] = 4, [PKTGEN_W48] = 6, [PKTGEN_W128] = 16};

static uint64_t rng_state = RNG_SEED;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rng_next(&rng_state) % n);
}

static uint64_t scaled(uint64_t draw, uint64_t n)
{
	return (uint64_t)((unsigned __int128)draw * n >> 64);
}

static struct pktgen_value model_value(const struct pktgen_frame *f, const struct pktgen_write *w, uint32_t flow)
{
	uint64_t draw = pktgen_draw(w->seed, flow);
	const struct pktgen_prefix *p;

	if (w->walk == PKTGEN_INC)
		return (struct pktgen_value){w->from.hi, w->from.lo + w->step * (flow / w->each % w->count)};
	if (!w->nprefixes)
		return (struct pktgen_value){w->from.hi, w->from.lo + scaled(draw, w->span)};
	p = &f->prefix[w->first_prefix + scaled(draw, w->nprefixes)];
	return (struct pktgen_value){p->net.hi | (pktgen_draw(draw, 1) & p->host.hi),
				     p->net.lo | (pktgen_draw(draw, 0) & p->host.lo)};
}

static void put(uint8_t *at, unsigned int bytes, uint64_t v)
{
	while (bytes--) {
		at[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static void model_frame(const struct pktgen_frame *f, const struct pktgen_size *s, uint32_t flow, uint8_t *data)
{
	uint32_t sum[PKTGEN_SUMS_MAX];

	memcpy(data, s->header, f->header_lines * 64u);
	memcpy(sum, s->sum, sizeof(sum));
	for (unsigned int i = 0; i < f->nwrites; i++) {
		const struct pktgen_write *w = &f->write[i];
		struct pktgen_value v = model_value(f, w, flow);
		unsigned int bytes = width_bytes[w->width];
		uint8_t *at = data + w->offset;

		put(at + (bytes == 16 ? 8 : 0), bytes == 16 ? 8 : bytes, w->base | v.lo << w->shift);
		if (bytes == 16)
			put(at, 8, v.hi);
		for (unsigned int k = 0; k < f->nsums; k++)
			for (unsigned int j = 0; w->sums >> k & 1 && j < bytes; j += 2)
				sum[k] += (uint32_t)at[j] << 8 | at[j + 1];
	}
	for (unsigned int k = 0; k < f->nsums; k++) {
		uint16_t check = (uint16_t)~pktgen_fold(sum[k]);

		if (f->written_sums >> k & 1)
			put(data + f->sum[k].offset, 2, !check && f->sum[k].nonzero ? 0xffff : check);
	}
}

// A field at 16 bytes of its own.
static struct pktgen_write random_write(unsigned int place, unsigned int nprefixes)
{
	struct pktgen_write w = {
		.offset = (uint16_t)(place * 16),
		.width = (uint8_t)below(4),
		.walk = below(2) ? PKTGEN_INC : PKTGEN_RANDOM,
		.sums = (uint8_t)below(8),
		.seed = rng_next(&rng_state),
		.step = below(3),
		.count = 1 + below(below(2) ? 5 : 1000),
		.each = 1 + (below(2) ? below(100) : 0),
	};
	unsigned int bits = width_bytes[w.width] * 8u;

	if (bits == 16) {
		w.shift = (uint8_t)below(4);
		w.base = below(1U << w.shift);
	}
	bits = RTE_MIN(bits - w.shift, 62U);
	w.from = (struct pktgen_value){rng_next(&rng_state), rng_next(&rng_state) >> (66 - bits)};
	w.span = 1 + (rng_next(&rng_state) >> (66 - bits));
	if (bits < 14) {
		w.step = 0;
		w.from.lo = 0;
	}
	if (w.walk == PKTGEN_RANDOM && bits > 30 && below(2)) {
		w.nprefixes = (uint8_t)(1 + below(2) * below(nprefixes));
		w.first_prefix = (uint8_t)below(nprefixes - w.nprefixes + 1U);
	}
	return w;
}

static void random_frame(struct pktgen_frame *f)
{
	memset(f, 0, sizeof(*f));
	f->header_lines = 3;
	f->flows = 1 + below(below(2) ? 100 : 100000);
	f->nprefixes = 1 + below(8);
	for (unsigned int i = 0; i < f->nprefixes; i++)
		f->prefix[i] = (struct pktgen_prefix){.net = {rng_next(&rng_state), below(1U << 16) << 16},
						      .host = {below(2) ? UINT64_MAX >> 32 : 0, 0xffff >> below(17)}};
	f->nwrites = (uint8_t)below(9);
	f->nsums = 3;
	for (unsigned int i = 0; i < f->nwrites; i++) {
		f->write[i] = random_write(i, f->nprefixes);
		f->written_sums |= f->write[i].sums;
	}
	for (unsigned int k = 0; k < f->nsums; k++)
		f->sum[k] = (struct pktgen_sum){.offset = (uint16_t)(160 + k * 2), .nonzero = k == 1};
	f->nsizes = (uint8_t)(1 + below(2));
	for (unsigned int k = 0; k < f->nsizes; k++) {
		for (unsigned int i = 0; i < sizeof(f->size[k].header); i++)
			f->size[k].header[i] = (uint8_t)below(256);
		for (unsigned int i = 0; i < f->nsums; i++)
			f->size[k].sum[i] = below(0x10000);
	}
	pktgen_frame_rewind(f);
}

static void frames_are_those_of_the_model(void **state)
{
	static uint8_t made[PKTGEN_FRAMES_MAX][192], wanted[192];
	static struct pktgen_frame f;

	for (unsigned int round = 0; round < 400; round++) {
		const struct pktgen_size *size[PKTGEN_FRAMES_MAX];
		uint8_t *data[PKTGEN_FRAMES_MAX];
		uint32_t flow = 0;

		random_frame(&f);
		for (unsigned int burst = 0; burst < 20; burst++) {
			uint32_t n = below(4) ? PKTGEN_FRAMES_MAX : 1 + below(PKTGEN_FRAMES_MAX);

			for (uint32_t i = 0; i < n; i++) {
				size[i] = &f.size[below(f.nsizes)];
				data[i] = made[i];
			}
			pktgen_frame_headers(&f, size, data, n);
			for (uint32_t i = 0; i < n; i++) {
				model_frame(&f, size[i], flow, wanted);
				assert_memory_equal(made[i], wanted, sizeof(wanted));
				flow = (flow + 1) % f.flows;
			}
		}
	}
}

int main(void)
{
	if (isa_missing())
		return ISA_SKIP;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_those_of_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
