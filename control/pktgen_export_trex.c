/* SPDX-License-Identifier: BSD-3-Clause */
// A stream profile of TRex in stateless mode, for its Python API: one stream per frame size, whose packet is the first
// frame and whose field engine does the walks.
#include <inttypes.h>

#include "pktgen_export.h"

#define LIST_MAX 1024 // values of a walk that TRex has no operation for

static void hex(FILE *out, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%02x", data[i]);
}

// The values of a write for the first flows, as the generator makes them: read back from its frames.
static void values(const struct pktgen_frame *f, unsigned int which, unsigned int at, unsigned int bytes, FILE *out)
{
	static struct pktgen_frame walk;
	static uint8_t data[PKTGEN_HEADER_MAX];
	const struct pktgen_size *const size = &walk.size[0];
	uint8_t *const frame = data;
	const struct pktgen_write *w = &f->write[which];
	uint32_t n = f->flows < LIST_MAX ? f->flows : LIST_MAX;

	walk = *f;
	pktgen_frame_rewind(&walk);
	for (uint32_t k = 0; k < n; k++) {
		uint64_t v = 0;

		pktgen_frame_headers(&walk, &size, &frame, 1);
		for (unsigned int i = 0; i < bytes; i++)
			v = v << 8 | data[at + i];
		fprintf(out, "%s%" PRIu64, k ? ", " : "", (v & ~w->base) >> w->shift);
	}
}

// One variable of `bytes` bytes at `at`; `bits` of a field that does not fill them.
static void variable(const struct pktgen_frame *f, unsigned int which, const char *suffix, unsigned int at,
		     unsigned int bytes, unsigned int bits, FILE *out)
{
	const struct pktgen_write *w = &f->write[which];
	uint64_t mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;

	fprintf(out, "            STLVmFlowVar(name=\"v%u%s\", size=%u, ", which, suffix, bytes);
	if (w->nprefixes || w->each > 1) {
		fprintf(out, "op=\"inc\", value_list=[");
		values(f, which, at, bytes, out);
		fprintf(out, "]),\n");
	} else if (w->walk == PKTGEN_INC) {
		fprintf(out, "op=\"inc\", step=%" PRIu64 ", min_value=%" PRIu64 ", max_value=%" PRIu64 "),\n", w->step,
			w->from.lo & mask, (w->from.lo + w->step * (w->count - 1)) & mask);
	} else {
		fprintf(out, "op=\"random\", min_value=%" PRIu64 ", max_value=%" PRIu64 "),\n", w->from.lo & mask,
			(w->from.lo + w->span - 1) & mask);
	}
	if (w->base || w->shift || bits < 8 * bytes)
		fprintf(out,
			"            STLVmWrMaskFlowVar(fv_name=\"v%u%s\", pkt_offset=%u, pkt_cast_size=%u, "
			"mask=%#" PRIx64 ", shift=%u),\n",
			which, suffix, at, bytes, ((UINT64_C(1) << bits) - 1) << w->shift, w->shift);
	else
		fprintf(out, "            STLVmWrFlowVar(fv_name=\"v%u%s\", pkt_offset=%u),\n", which, suffix, at);
}

static void write_vars(const struct pktgen_frame *f, unsigned int which, unsigned int bits, FILE *out)
{
	const struct pktgen_write *w = &f->write[which];
	static const uint8_t bytes[] = {[PKTGEN_W16] = 2, [PKTGEN_W32] = 4};

	switch (w->width) {
	case PKTGEN_W48:
		fprintf(out, "            # the lower four bytes of the address\n");
		variable(f, which, "", w->offset + 2u, 4, 32, out);
		break;
	case PKTGEN_W128:
		if (w->nprefixes)
			variable(f, which, "h", w->offset, 8, 64, out);
		variable(f, which, "", w->offset + 8u, 8, 64, out);
		break;
	default:
		variable(f, which, "", w->offset, bytes[w->width], bits, out);
		break;
	}
}

static void field_engine(const struct pktgen_profile *p, const struct pktgen_frame *f, FILE *out)
{
	const struct pktgen_layer *last = &p->layer[p->nlayers - 1];
	unsigned int n = 0, sums = 0;

	for (unsigned int i = 0; i < p->nlayers; i++) {
		const struct pktgen_field_decl *d = pktgen_layers[p->layer[i].type].field;

		for (unsigned int k = 0; d[k].name; k++) {
			if (p->layer[i].field[k].walk == PKTGEN_CONST)
				continue;
			fprintf(out, "            # layers[%u].%s\n", i, d[k].name);
			sums |= f->write[n].sums;
			write_vars(f, n++, d[k].bits, out);
		}
	}
	for (unsigned int i = 0, s = 0; i < p->nlayers; i++)
		if (p->layer[i].type == PKTGEN_IPV4 && sums >> s++ & 1)
			fprintf(out, "            STLVmFixIpv4(offset=%u),\n", p->layer[i].offset);
	if ((last->type == PKTGEN_UDP || last->type == PKTGEN_TCP) && sums >> (f->nsums - 1) & 1)
		fprintf(out,
			"            STLVmFixChecksumHw(l3_offset=%u, l4_offset=%u, "
			"l4_type=CTRexVmInsFixHwCs.L4_TYPE_%s),\n",
			last[-1].offset, last->offset, last->type == PKTGEN_UDP ? "UDP" : "TCP");
}

static void mode(const struct pktgen_profile *p, double share, FILE *out)
{
	double pps = pktgen_profile_pps(p);

	if (pps <= 0) // relative, for `start -m`
		pps = 1000;
	if (p->on_s > 0 && pps * share * p->on_s >= 1)
		fprintf(out, "STLTXMultiBurst(pps=%.3f, pkts_per_burst=%.0f, ibg=%.3f, count=0xffffffff)", pps * share,
			pps * share * p->on_s, p->off_s * 1e6);
	else
		fprintf(out, "STLTXCont(pps=%.3f)", pps * share);
}

void pktgen_export_trex(const struct pktgen_profile *p, FILE *out)
{
	static struct pktgen_frame f;
	static uint8_t data[PKTGEN_FRAME_MAX + 64];
	double weights = 0;

	pktgen_compile(p, &f);
	for (unsigned int i = 0; i < p->nsizes; i++)
		weights += p->size[i].weight;
	fprintf(out,
		"# TRex stateless profile: %s\n"
		"# %u flows. Walks in steps of their own and draws from prefixes are lists of their first %u values;\n"
		"# other random draws are TRex's own, in the same range.\n"
		"from trex_stl_lib.api import *\n\n\n"
		"class Profile(object):\n"
		"    def field_engine(self):\n"
		"        return STLScVmRaw([\n",
		p->name, p->flows, LIST_MAX);
	field_engine(p, &f, out);
	fprintf(out, "        ])\n\n"
		     "    def get_streams(self, direction=0, **kwargs):\n"
		     "        return [\n");
	for (unsigned int i = 0; i < p->nsizes; i++) {
		pktgen_frame_rewind(&f);
		pktgen_frame_whole(&f, &f.size[i], data);
		fprintf(out, "            STLStream(packet=STLPktBuilder(pkt_buffer=bytes.fromhex(\"");
		hex(out, data, f.size[i].bytes);
		fprintf(out, "\"), vm=self.field_engine()),\n                      mode=");
		mode(p, p->size[i].weight / weights, out);
		fprintf(out, "),\n");
	}
	fprintf(out, "        ]\n\n\ndef register():\n    return Profile()\n");
}
