/* SPDX-License-Identifier: BSD-3-Clause */
#include "pktgen_export.h"

const char *const pktgen_formats[] = {
	[PKTGEN_PCAP] = "pcap",
	[PKTGEN_PKTGEN_DPDK] = "pktgen-dpdk",
	[PKTGEN_TREX] = "trex",
	NULL,
};

#define WIRE_EXTRA 20 // preamble and gap, bytes

double pktgen_profile_pps(const struct pktgen_profile *p)
{
	if (p->bps)
		return (double)p->bps / 8 / (pktgen_profile_mean_size(p) + WIRE_EXTRA);
	return (double)p->pps;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

uint64_t pktgen_period(const struct pktgen_profile *p)
{
	uint32_t weights = 0;

	for (unsigned int i = 0; i < p->nsizes; i++)
		weights += p->size[i].weight;
	return (uint64_t)p->flows / gcd(p->flows, weights) * weights;
}

void pktgen_field_range(const struct pktgen_profile *p, const struct pktgen_field *field, struct pktgen_value *min,
			struct pktgen_value *max)
{
	*min = *max = field->from;
	if (field->walk == PKTGEN_INC) {
		max->lo += field->step * (field->count - 1);
	} else if (field->walk == PKTGEN_RANDOM && field->nprefixes) {
		const struct pktgen_prefix *prefix = &p->prefix[field->first_prefix];

		*min = prefix->net;
		*max = (struct pktgen_value){prefix->net.hi | prefix->host.hi, prefix->net.lo | prefix->host.lo};
	} else if (field->walk == PKTGEN_RANDOM) {
		max->lo += field->span - 1;
	}
}

static void put32(FILE *out, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, out);
}

// When frame k leaves, in nanoseconds from the first.
static uint64_t leaves_ns(const struct pktgen_profile *p, uint32_t k)
{
	double pps = pktgen_profile_pps(p);
	uint32_t per_burst;

	if (pps <= 0)
		pps = 1e6; // a replay has its own rate
	if (p->on_s <= 0)
		return (uint64_t)(k * 1e9 / pps);
	per_burst = p->on_s * pps < UINT32_MAX ? (uint32_t)(p->on_s * pps) : UINT32_MAX;
	if (per_burst < 1)
		per_burst = 1;
	return (uint64_t)((k / per_burst * (p->on_s + p->off_s) + k % per_burst / pps) * 1e9);
}

// The format of libpcap with nanoseconds: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.html
static void export_pcap(const struct pktgen_profile *p, uint32_t count, FILE *out)
{
	static struct pktgen_frame frame;
	static uint8_t data[PKTGEN_FRAME_MAX + 64];

	pktgen_compile(p, &frame);
	put32(out, 0xa1b23c4d);
	put32(out, 4U << 16 | 2);
	put32(out, 0);
	put32(out, 0);
	put32(out, 65535);
	put32(out, 1); // Ethernet
	for (uint32_t k = 0; k < count; k++) {
		const struct pktgen_size *s = pktgen_frame_size(&frame);
		uint64_t ns = leaves_ns(p, k);

		pktgen_frame_whole(&frame, s, data);
		if (p->stamp)
			pktgen_stamp_write(data + s->bytes - PKTGEN_STAMP, &(struct pktgen_stamp){.sequence = k});
		put32(out, (uint32_t)(ns / 1000000000));
		put32(out, (uint32_t)(ns % 1000000000));
		put32(out, s->bytes);
		put32(out, s->bytes);
		fwrite(data, 1, s->bytes, out);
	}
}

int pktgen_export(const struct pktgen_profile *p, enum pktgen_format format, uint32_t count, FILE *out, struct fault *f)
{
	switch (format) {
	case PKTGEN_PKTGEN_DPDK:
		return pktgen_export_pktgen_dpdk(p, out, f);
	case PKTGEN_TREX:
		pktgen_export_trex(p, out);
		return 0;
	default:
		export_pcap(p, count, out);
		return 0;
	}
}
