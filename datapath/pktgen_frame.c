/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_frame.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>

// The frames of one call: what is computed for all of them in one loop, which compilers make vectors of.
struct batch {
	uint32_t n;
	uint32_t flow[PKTGEN_FRAMES_MAX];
	uint64_t hi[PKTGEN_FRAMES_MAX], lo[PKTGEN_FRAMES_MAX]; // one field's values
	uint32_t words[PKTGEN_FRAMES_MAX];                     // sum of the words that hold them
	uint32_t sum[PKTGEN_SUMS_MAX][PKTGEN_FRAMES_MAX];
};

static inline uint64_t scale(uint64_t draw, uint64_t n)
{
	return (uint64_t)((unsigned __int128)draw * n >> 64);
}

// The same for n below 2^32, by products that vectors have.
static inline uint64_t scale32(uint64_t draw, uint32_t n)
{
	return ((draw >> 32) * n + ((uint64_t)(uint32_t)draw * n >> 32)) >> 32;
}

static void walk_rewind(struct pktgen_write *w)
{
	w->value = w->from.lo;
	w->left = w->count;
	w->each_left = w->each;
}

// Values of an incremented field for the frames begin..end-1, of consecutive flows.
static void walk_inc(struct pktgen_write *w, uint64_t *lo, uint32_t begin, uint32_t end)
{
	while (begin < end) {
		// Either each value differs from the one before, or all are the same.
		uint64_t step = w->each == 1 ? w->step : 0, value = w->value;
		uint32_t run = RTE_MIN(end - begin, w->each == 1 ? w->left : w->each_left);

		for (uint32_t i = 0; i < run; i++)
			lo[begin + i] = value + step * i;
		begin += run;
		if (w->each == 1) {
			w->value += step * run;
			w->left -= run;
		} else {
			w->each_left -= run;
			if (w->each_left)
				continue;
			w->each_left = w->each;
			w->value += w->step;
			w->left--;
		}
		if (!w->left)
			walk_rewind(w);
	}
}

static void inc_values(const struct pktgen_frame *f, struct pktgen_write *w, struct batch *b)
{
	const uint32_t n = b->n;
	for (uint32_t begin = 0; begin < b->n;) {
		uint32_t left = f->flows - b->flow[begin], end = RTE_MIN(b->n, begin + left);

		walk_inc(w, b->lo, begin, end);
		if (end - begin == left)
			walk_rewind(w);
		begin = end;
	}
	if (w->width == PKTGEN_W128) {
		for (uint32_t i = 0; i < n; i++)
			b->hi[i] = w->from.hi;
	}
}

static void random_in_prefixes(const struct pktgen_frame *f, const struct pktgen_write *w, struct batch *b)
{
	const uint32_t n = b->n;
	const struct pktgen_prefix *p = &f->prefix[w->first_prefix];

	if (w->nprefixes == 1) {
		struct pktgen_value net = p->net, host = p->host;

		for (uint32_t i = 0; i < n; i++) {
			uint64_t draw = b->lo[i];

			b->lo[i] = net.lo | (pktgen_draw(draw, 0) & host.lo);
		}
		for (uint32_t i = 0; host.hi && i < n; i++)
			b->hi[i] = net.hi | (pktgen_draw(pktgen_draw(w->seed, b->flow[i]), 1) & host.hi);
		for (uint32_t i = 0; !host.hi && i < n; i++)
			b->hi[i] = net.hi;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t draw = b->lo[i];
		const struct pktgen_prefix *q = &p[scale32(draw, w->nprefixes)];

		b->hi[i] = q->net.hi | (pktgen_draw(draw, 1) & q->host.hi);
		b->lo[i] = q->net.lo | (pktgen_draw(draw, 0) & q->host.lo);
	}
}

static void random_values(const struct pktgen_frame *f, const struct pktgen_write *w, struct batch *b)
{
	const uint32_t n = b->n;
	uint64_t seed = w->seed, span = w->span, from = w->from.lo;

	for (uint32_t i = 0; i < n; i++)
		b->lo[i] = pktgen_draw(seed, b->flow[i]);
	if (w->nprefixes) {
		random_in_prefixes(f, w, b);
		return;
	}
	if (w->width == PKTGEN_W128) {
		for (uint32_t i = 0; i < n; i++)
			b->hi[i] = w->from.hi;
	}
	if (span <= UINT32_MAX) {
		for (uint32_t i = 0; i < n; i++)
			b->lo[i] = from + scale32(b->lo[i], (uint32_t)span);
	} else {
		for (uint32_t i = 0; i < n; i++)
			b->lo[i] = from + scale(b->lo[i], span);
	}
}

// Stores a field's words, whose sums are in b->words afterwards.
static void store_words(const struct pktgen_write *w, struct batch *b, uint8_t *const data[])
{
	const uint32_t n = b->n, shift = w->shift, at = w->offset;
	const uint64_t base = w->base;

	for (uint32_t i = 0; i < n; i++)
		b->lo[i] = base | b->lo[i] << shift;
	switch (w->width) {
	case PKTGEN_W16:
		for (uint32_t i = 0; i < n; i++)
			b->words[i] = (uint16_t)b->lo[i];
		for (uint32_t i = 0; i < n; i++)
			*(unaligned_uint16_t *)(data[i] + at) = rte_cpu_to_be_16((uint16_t)b->lo[i]);
		break;
	case PKTGEN_W32:
		for (uint32_t i = 0; i < n; i++)
			b->words[i] = (uint16_t)b->lo[i] + ((uint32_t)b->lo[i] >> 16);
		for (uint32_t i = 0; i < n; i++)
			*(unaligned_uint32_t *)(data[i] + at) = rte_cpu_to_be_32((uint32_t)b->lo[i]);
		break;
	case PKTGEN_W48:
		for (uint32_t i = 0; i < n; i++) {
			b->words[i] = pktgen_sum64(b->lo[i]);
			*(unaligned_uint32_t *)(data[i] + at) = rte_cpu_to_be_32((uint32_t)(b->lo[i] >> 16));
			*(unaligned_uint16_t *)(data[i] + at + 4) = rte_cpu_to_be_16((uint16_t)b->lo[i]);
		}
		break;
	default:
		for (uint32_t i = 0; i < n; i++)
			b->words[i] = pktgen_sum64(b->lo[i]) + pktgen_sum64(b->hi[i]);
		for (uint32_t i = 0; i < n; i++) {
			*(unaligned_uint64_t *)(data[i] + at) = rte_cpu_to_be_64(b->hi[i]);
			*(unaligned_uint64_t *)(data[i] + at + 8) = rte_cpu_to_be_64(b->lo[i]);
		}
	}
}

static void write_field(struct pktgen_frame *f, struct pktgen_write *w, struct batch *b, uint8_t *const data[])
{
	const uint32_t n = b->n;
	if (w->walk == PKTGEN_INC)
		inc_values(f, w, b);
	else
		random_values(f, w, b);
	store_words(w, b, data);
	for (unsigned int sums = w->sums; sums; sums &= sums - 1) {
		uint32_t *sum = b->sum[__builtin_ctz(sums)];

		for (uint32_t i = 0; i < n; i++)
			sum[i] += b->words[i];
	}
}

static void write_checksum(const struct pktgen_sum *s, const struct batch *b, const uint32_t *sum,
			   uint8_t *const data[])
{
	const uint32_t n = b->n;
	const uint32_t zero = s->nonzero ? 0xffff : 0;
	uint32_t check[PKTGEN_FRAMES_MAX];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t folded = (sum[i] & 0xffff) + (sum[i] >> 16);
		uint32_t c = ~(folded + (folded >> 16)) & 0xffff;

		c = c ? c : zero;
		check[i] = c >> 8 | c << 8;
	}
	for (uint32_t i = 0; i < n; i++)
		*(unaligned_uint16_t *)(data[i] + s->offset) = (uint16_t)check[i];
}

// The numbers of the frames' flows.
static void take_flows(struct pktgen_frame *f, struct batch *b)
{
	const uint32_t n = b->n, first = f->flow;

	if (likely(n < f->flows - first)) {
		for (uint32_t i = 0; i < n; i++)
			b->flow[i] = first + i;
		f->flow = first + n;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		b->flow[i] = f->flow;
		if (++f->flow == f->flows)
			f->flow = 0;
	}
}

// Copies templates, and takes the sums of what no write changes along.
static void take_templates(const struct pktgen_frame *f, const struct pktgen_size *const size[], uint8_t *const data[],
			   struct batch *b)
{
	const uint32_t n = b->n;

	if (likely(f->header_lines == 1)) {
		for (uint32_t i = 0; i < n; i++)
			memcpy(data[i], size[i]->header, 64);
	} else {
		for (uint32_t i = 0; i < n; i++)
			for (unsigned int k = 0; k < f->header_lines; k++)
				memcpy(data[i] + k * 64, size[i]->header + k * 64, 64);
	}
	for (unsigned int sums = f->written_sums; sums; sums &= sums - 1) {
		unsigned int k = (unsigned int)__builtin_ctz(sums);

		if (likely(f->nsizes == 1)) {
			for (uint32_t i = 0; i < n; i++)
				b->sum[k][i] = f->size[0].sum[k];
		} else {
			for (uint32_t i = 0; i < n; i++)
				b->sum[k][i] = size[i]->sum[k];
		}
	}
}

void pktgen_frame_headers(struct pktgen_frame *f, const struct pktgen_size *const size[], uint8_t *const data[],
			  uint32_t n)
{
	struct batch b;

	b.n = n;
	take_flows(f, &b);
	take_templates(f, size, data, &b);
	for (unsigned int i = 0; i < f->nwrites; i++)
		write_field(f, &f->write[i], &b, data);
	for (unsigned int sums = f->written_sums; sums; sums &= sums - 1) {
		unsigned int k = (unsigned int)__builtin_ctz(sums);

		write_checksum(&f->sum[k], &b, b.sum[k], data);
	}
}

void pktgen_frame_whole(struct pktgen_frame *f, const struct pktgen_size *s, uint8_t *data)
{
	size_t lines = f->header_lines * 64u;

	pktgen_frame_headers(f, &s, &data, 1);
	if (s->bytes > lines)
		memset(data + lines, 0, s->bytes - lines);
}

void pktgen_frame_rewind(struct pktgen_frame *f)
{
	f->scheduled = 0;
	f->flow = 0;
	for (unsigned int i = 0; i < f->nwrites; i++)
		walk_rewind(&f->write[i]);
}
