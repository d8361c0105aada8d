/* SPDX-License-Identifier: BSD-3-Clause */
// From a profile to templates and writes.
#include <string.h>

#include "pktgen_profile.h"

static const uint8_t width_bytes[] = {[PKTGEN_W16] = 2, [PKTGEN_W32] = 4, [PKTGEN_W48] = 6, [PKTGEN_W128] = 16};

static uint64_t get_be(const uint8_t *at, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v = v << 8 | at[i];
	return v;
}

static void put_be(uint8_t *at, unsigned int bytes, uint64_t v)
{
	while (bytes--) {
		at[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

// ORs a value into the word of a field.
static void put_field(uint8_t *layer, const struct pktgen_field_decl *d, struct pktgen_value v)
{
	uint8_t *at = layer + d->offset;

	if (d->width == PKTGEN_W128) {
		put_be(at, 8, v.hi);
		put_be(at + 8, 8, v.lo);
		return;
	}
	put_be(at, width_bytes[d->width], get_be(at, width_bytes[d->width]) | v.lo << d->shift);
}

static const struct pktgen_layer *last_layer(const struct pktgen_profile *p)
{
	return &p->layer[p->nlayers - 1];
}

static bool has_l4_sum(const struct pktgen_profile *p)
{
	return last_layer(p)->type == PKTGEN_UDP || last_layer(p)->type == PKTGEN_TCP;
}

// Fields, versions and lengths of one layer in a frame of `bytes` (without FCS). Words of walks hold their constant
// part.
static void layer_bytes(const struct pktgen_layer *l, uint8_t *frame, uint16_t bytes)
{
	const struct pktgen_layer_decl *d = &pktgen_layers[l->type];
	uint8_t *at = frame + l->offset;
	uint16_t rest = bytes - l->offset;

	switch (l->type) {
	case PKTGEN_IPV4:
		put_be(at, 2, 0x4500);
		put_be(at + 2, 2, rest);
		break;
	case PKTGEN_IPV6:
		put_be(at, 4, 0x60000000);
		put_be(at + 4, 2, rest - 40u);
		break;
	case PKTGEN_UDP:
		put_be(at + 4, 2, rest);
		break;
	case PKTGEN_TCP:
		put_be(at + 12, 2, 0x5000);
		break;
	case PKTGEN_GRE:
		put_be(at, 2, l->bytes > 4 ? 0x2000 : 0);
		break;
	case PKTGEN_VXLAN:
		put_be(at, 4, 0x08000000);
		break;
	default:
		break;
	}
	for (int i = 0; d->field[i].name; i++)
		if (l->field[i].walk == PKTGEN_CONST && d->field[i].offset < l->bytes)
			put_field(at, &d->field[i], l->field[i].from);
}

// What the layer before says of the kind of this one, where that is no field.
static void link_layers(const struct pktgen_profile *p, uint8_t *frame)
{
	for (unsigned int i = 0; i + 1 < p->nlayers; i++) {
		const struct pktgen_layer *l = &p->layer[i], *next = l + 1;
		uint8_t *at = frame + l->offset;

		if (l->type == PKTGEN_GRE)
			put_be(at + 2, 2, pktgen_layers[next->type].ethertype);
		else if (l->type == PKTGEN_MPLS && next->type != PKTGEN_MPLS)
			at[2] |= 1; // bottom of stack
	}
}

static uint32_t sum_words(const uint8_t *at, unsigned int bytes)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < bytes; i += 2)
		sum += get_be(at + i, 2);
	return sum;
}

// The sum of all that a checksum covers and no write changes, folded.
static uint32_t base_sum(const struct pktgen_profile *p, const struct pktgen_layer *l, const uint8_t *frame,
			 const struct pktgen_frame *out, unsigned int which, const struct pktgen_size *s)
{
	const struct pktgen_layer *ip = l - 1;
	const uint8_t *at = frame + l->offset;
	uint32_t sum = sum_words(at, l->bytes);

	if (l->type != PKTGEN_IPV4) {
		uint16_t len = (uint16_t)(s->bytes - l->offset);

		sum += len + pktgen_layers[l->type].proto;
		sum += ip->type == PKTGEN_IPV4 ? sum_words(frame + ip->offset + 12, 8)
					       : sum_words(frame + ip->offset + 8, 32);
		if (p->stamp)
			sum += 0xffff;
	}
	for (unsigned int i = 0; i < out->nwrites; i++) {
		const struct pktgen_write *w = &out->write[i];

		if (w->sums >> which & 1 && w->width != PKTGEN_W128)
			sum -= sum_words(frame + w->offset, width_bytes[w->width]); // the write adds them
	}
	return pktgen_fold(sum);
}

// Which sums a field's word counts in: bit i for sum i.
static uint8_t sums_of(const struct pktgen_profile *p, unsigned int layer, const struct pktgen_field_decl *d)
{
	const struct pktgen_layer *l = &p->layer[layer];
	uint8_t sums = 0;
	unsigned int n = 0;

	for (unsigned int i = 0; i < p->nlayers; i++) {
		if (p->layer[i].type != PKTGEN_IPV4)
			continue;
		if (i == layer)
			sums |= (uint8_t)(1U << n);
		n++;
	}
	// The pseudo-header of the last layer has the addresses of the IP layer before it.
	if (has_l4_sum(p) && (l == last_layer(p) || (l + 1 == last_layer(p) && strcmp(d->name, "id") != 0 &&
						     strcmp(d->name, "flow_label") != 0)))
		sums |= (uint8_t)(1U << n);
	return sums;
}

static void add_write(const struct pktgen_profile *p, unsigned int layer, unsigned int field, struct pktgen_frame *out)
{
	const struct pktgen_layer *l = &p->layer[layer];
	const struct pktgen_field *in = &l->field[field];
	const struct pktgen_field_decl *d = &pktgen_layers[l->type].field[field];

	out->written_sums |= sums_of(p, layer, d);
	out->write[out->nwrites++] = (struct pktgen_write){
		.offset = (uint16_t)(l->offset + d->offset),
		.width = d->width,
		.walk = in->walk,
		.shift = d->shift,
		.first_prefix = in->first_prefix,
		.nprefixes = in->nprefixes,
		.sums = sums_of(p, layer, d),
		.from = in->from,
		.span = in->span,
		.seed = pktgen_draw(in->seed, layer * PKTGEN_FIELDS_MAX + field), // no two fields walk in step
		.step = in->step,
		.count = in->count,
		.each = in->each,
	};
}

static void add_writes(const struct pktgen_profile *p, struct pktgen_frame *out)
{
	for (unsigned int i = 0; i < p->nlayers; i++)
		for (unsigned int k = 0; pktgen_layers[p->layer[i].type].field[k].name; k++)
			if (p->layer[i].field[k].walk != PKTGEN_CONST)
				add_write(p, i, k, out);
}

static void add_sums(const struct pktgen_profile *p, struct pktgen_frame *out)
{
	for (unsigned int i = 0; i < p->nlayers; i++)
		if (p->layer[i].type == PKTGEN_IPV4)
			out->sum[out->nsums++].offset = p->layer[i].offset + 10;
	if (has_l4_sum(p)) {
		bool udp = last_layer(p)->type == PKTGEN_UDP;

		out->sum[out->nsums].offset = last_layer(p)->offset + (udp ? 6 : 16);
		out->sum[out->nsums++].nonzero = udp;
	}
}

static void size_compile(const struct pktgen_profile *p, struct pktgen_frame *out, struct pktgen_size *s)
{
	unsigned int which = 0;

	for (unsigned int i = 0; i < p->nlayers; i++)
		layer_bytes(&p->layer[i], s->header, s->bytes);
	link_layers(p, s->header);
	for (unsigned int i = 0; i < out->nwrites; i++) {
		struct pktgen_write *w = &out->write[i];

		if (w->width != PKTGEN_W128)
			w->base = get_be(s->header + w->offset, width_bytes[w->width]);
	}
	for (unsigned int i = 0; i < p->nlayers; i++)
		if (p->layer[i].type == PKTGEN_IPV4 || (i + 1 == p->nlayers && has_l4_sum(p))) {
			s->sum[which] = base_sum(p, &p->layer[i], s->header, out, which, s);
			which++;
		}
	for (unsigned int i = 0; i < out->nsums; i++) {
		uint16_t check = (uint16_t)~s->sum[i]; // folded

		if (!(out->written_sums >> i & 1))
			put_be(s->header + out->sum[i].offset, 2, check || !out->sum[i].nonzero ? check : 0xffff);
	}
}

// Spreads the sizes over the schedule as evenly as their weights allow: each time the one that is most behind.
static void schedule(const struct pktgen_profile *p, struct pktgen_frame *out)
{
	int32_t due[PKTGEN_SIZES_MAX] = {0}, total = 0;

	for (unsigned int i = 0; i < p->nsizes; i++)
		total += p->size[i].weight;
	for (out->nschedule = 0; out->nschedule < (uint32_t)total; out->nschedule++) {
		unsigned int best = 0;

		for (unsigned int i = 0; i < p->nsizes; i++) {
			due[i] += p->size[i].weight;
			if (due[i] > due[best])
				best = i;
		}
		due[best] -= total;
		out->schedule[out->nschedule] = (uint8_t)best;
	}
}

void pktgen_compile(const struct pktgen_profile *p, struct pktgen_frame *out)
{
	memset(out, 0, sizeof(*out));
	out->header_len = p->header_len;
	out->header_lines = (uint16_t)((p->header_len + 63) / 64);
	out->stamp = p->stamp;
	out->flows = p->flows;
	out->nprefixes = (uint8_t)p->nprefixes;
	memcpy(out->prefix, p->prefix, sizeof(out->prefix));
	add_writes(p, out);
	add_sums(p, out);
	for (unsigned int i = 0; i < p->nsizes; i++) {
		out->size[i].bytes = p->size[i].bytes - PKTGEN_FCS;
		size_compile(p, out, &out->size[i]);
	}
	out->nsizes = (uint8_t)p->nsizes;
	schedule(p, out);
	pktgen_frame_rewind(out);
}
