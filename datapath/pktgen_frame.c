/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_frame.h"

static inline uint64_t scale(uint64_t draw, uint64_t n)
{
	return (uint64_t)((unsigned __int128)draw * n >> 64);
}

// The next value of an incremented field.
static inline uint64_t walk_inc(struct pktgen_write *w)
{
	uint64_t value = w->value;

	if (--w->each_left == 0) {
		w->each_left = w->each;
		w->value += w->step;
		if (--w->left == 0) {
			w->left = w->count;
			w->value = w->from.lo;
		}
	}
	return value;
}

static inline struct pktgen_value walk_random(const struct pktgen_frame *f, const struct pktgen_write *w)
{
	uint64_t draw = pktgen_draw(w->seed, f->flow);
	const struct pktgen_prefix *p;

	if (!w->nprefixes)
		return (struct pktgen_value){w->from.hi, w->from.lo + scale(draw, w->span)};
	p = &f->prefix[w->first_prefix + scale(draw, w->nprefixes)];
	return (struct pktgen_value){
		.hi = p->net.hi | (p->host.hi ? pktgen_draw(draw, 1) & p->host.hi : 0),
		.lo = p->net.lo | (pktgen_draw(draw, 0) & p->host.lo),
	};
}

// Stores a value and returns the sum of its words.
static inline uint32_t write_value(const struct pktgen_write *w, struct pktgen_value v, uint8_t *data)
{
	uint64_t word = w->base | v.lo << w->shift;
	uint8_t *at = data + w->offset;
	uint16_t be16 = rte_cpu_to_be_16((uint16_t)word);
	uint32_t be32 = rte_cpu_to_be_32((uint32_t)word);
	uint64_t be64;

	switch (w->width) {
	case PKTGEN_W16:
		memcpy(at, &be16, sizeof(be16));
		break;
	case PKTGEN_W32:
		memcpy(at, &be32, sizeof(be32));
		break;
	case PKTGEN_W48:
		be64 = rte_cpu_to_be_64(word << 16);
		memcpy(at, &be64, 6);
		break;
	default:
		be64 = rte_cpu_to_be_64(v.hi);
		memcpy(at, &be64, sizeof(be64));
		be64 = rte_cpu_to_be_64(word);
		memcpy(at + 8, &be64, sizeof(be64));
		return pktgen_sum64(v.hi) + pktgen_sum64(word);
	}
	return pktgen_sum64(word);
}

static inline void next_flow(struct pktgen_frame *f)
{
	if (++f->flow < f->flows)
		return;
	f->flow = 0;
	for (unsigned int i = 0; i < f->nwrites; i++) {
		struct pktgen_write *w = &f->write[i];

		w->value = w->from.lo;
		w->left = w->count;
		w->each_left = w->each;
	}
}

void pktgen_frame_headers(struct pktgen_frame *f, const struct pktgen_size *s, uint8_t *data)
{
	uint32_t sum[PKTGEN_SUMS_MAX];

	for (unsigned int i = 0; i < f->header_lines; i++)
		memcpy(data + i * 64, s->header + i * 64, 64);
	memcpy(sum, s->sum, sizeof(sum));
	for (unsigned int i = 0; i < f->nwrites; i++) {
		struct pktgen_write *w = &f->write[i];
		struct pktgen_value v;
		uint32_t words;

		if (w->walk == PKTGEN_INC)
			v = (struct pktgen_value){w->from.hi, walk_inc(w)};
		else
			v = walk_random(f, w);
		words = write_value(w, v, data);
		for (unsigned int sums = w->sums; sums; sums &= sums - 1)
			sum[__builtin_ctz(sums)] += words;
	}
	for (unsigned int i = 0; i < f->nsums; i++) {
		uint16_t check = (uint16_t)~pktgen_fold(sum[i]);

		if (!check && f->sum[i].nonzero)
			check = 0xffff;
		check = rte_cpu_to_be_16(check);
		memcpy(data + f->sum[i].offset, &check, sizeof(check));
	}
	next_flow(f);
}

void pktgen_frame_whole(struct pktgen_frame *f, const struct pktgen_size *s, uint8_t *data)
{
	size_t lines = f->header_lines * 64u;

	pktgen_frame_headers(f, s, data);
	if (s->bytes > lines)
		memset(data + lines, 0, s->bytes - lines);
}

void pktgen_frame_rewind(struct pktgen_frame *f)
{
	f->scheduled = 0;
	f->flow = f->flows - 1;
	next_flow(f);
}
