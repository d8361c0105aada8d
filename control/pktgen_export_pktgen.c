/* SPDX-License-Identifier: BSD-3-Clause */
// Commands of Pktgen-DPDK (its commands.rst) for port 0, in range mode: start, minimum, maximum and increment of a
// field.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>

#include "pktgen_export.h"
#include "rpc.h"

static const char *value_text(enum pktgen_notation n, struct pktgen_value v, char *buf, size_t size)
{
	uint8_t b[16];

	for (int i = 0; i < 8; i++) {
		b[i] = (uint8_t)(v.hi >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(v.lo >> (56 - 8 * i));
	}
	switch (n) {
	case PKTGEN_MAC:
		snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", b[10], b[11], b[12], b[13], b[14], b[15]);
		return buf;
	case PKTGEN_IP4:
		return inet_ntop(AF_INET, b + 12, buf, (socklen_t)size);
	case PKTGEN_IP6:
		return inet_ntop(AF_INET6, b, buf, (socklen_t)size);
	default:
		snprintf(buf, size, "%" PRIu64, v.lo);
		return buf;
	}
}

static void range(const struct pktgen_profile *p, unsigned int layer, const char *field, const char *command, FILE *out)
{
	enum pktgen_layer_type type = p->layer[layer].type;
	int i = pktgen_field_find(type, field);
	const struct pktgen_field *in = &p->layer[layer].field[i];
	enum pktgen_notation n = pktgen_layers[type].field[i].notation;
	struct pktgen_value min, max, inc = {.lo = in->walk == PKTGEN_INC ? in->step : in->walk == PKTGEN_RANDOM};
	char a[64], b[64], c[64];

	pktgen_field_range(p, in, &min, &max);
	value_text(n, min, a, sizeof(a));
	value_text(n, max, b, sizeof(b));
	value_text(n, inc, c, sizeof(c));
	if (in->walk == PKTGEN_RANDOM)
		fprintf(out, "# layers[%u].%s is drawn at random here, and counted up there%s\n", layer, field,
			in->nprefixes > 1 ? ", in its first prefix only" : "");
	if (in->walk == PKTGEN_INC && in->each > 1)
		fprintf(out, "# layers[%u].%s changes every %u flows here, and with each packet there\n", layer, field,
			in->each);
	fprintf(out, "range 0 %s start %s\nrange 0 %s min %s\nrange 0 %s max %s\nrange 0 %s inc %s\n", command, a,
		command, a, command, b, command, c);
}

static uint64_t constant(const struct pktgen_profile *p, unsigned int layer, const char *field)
{
	return p->layer[layer].field[pktgen_field_find(p->layer[layer].type, field)].from.lo;
}

static int cannot(unsigned int layer, const char *name, struct fault *f)
{
	char at[PKTGEN_PATH];

	pktgen_path(at, "profile.layers[%u]", layer);
	return fault_str(f, -ENOTSUP, at, name,
			 "eth, one of vlan, qinq and vlan, or mpls, then ipv4 or ipv6, udp or tcp",
			 "Pktgen-DPDK cannot make %s here; export pcap and replay it (-s 0:FILE)", name);
}

static void tag(const struct pktgen_profile *p, unsigned int i, FILE *out)
{
	switch (p->layer[i].type) {
	case PKTGEN_VLAN:
		if (i > 1)
			break; // of qinq
		fprintf(out, "enable 0 vlan\n");
		range(p, i, "id", "vlan", out);
		break;
	case PKTGEN_QINQ:
		fprintf(out,
			"# its tags are the same in all packets\nenable 0 qinq\nset 0 qinqids %" PRIu64 " %" PRIu64
			"\n",
			constant(p, i, "id"), constant(p, i + 1, "id"));
		break;
	default:
		fprintf(out, "# one label, the same in all packets\nenable 0 mpls\nrange 0 mpls entry %" PRIx64 "\n",
			constant(p, i, "label"));
		break;
	}
}

static int headers(const struct pktgen_profile *p, FILE *out, struct fault *f)
{
	unsigned int i = 1;
	const char *ip;

	range(p, 0, "dst", "dst mac", out);
	range(p, 0, "src", "src mac", out);
	for (; i < p->nlayers && p->layer[i].type < PKTGEN_IPV4; i++) {
		bool qinq = i == 1 && p->layer[i].type == PKTGEN_QINQ && i + 1 < p->nlayers &&
			    p->layer[i + 1].type == PKTGEN_VLAN;
		bool inner = i == 2 && p->layer[1].type == PKTGEN_QINQ && p->layer[i].type == PKTGEN_VLAN;

		// A stack of labels is more than it has.
		if (!(qinq || inner || (i == 1 && p->layer[i].type != PKTGEN_QINQ)))
			return cannot(i, pktgen_layers[p->layer[i].type].name, f);
		tag(p, i, out);
	}
	if (i == p->nlayers) {
		fprintf(out, "# it makes IPv4 and UDP behind the addresses\n");
		return 0;
	}
	ip = p->layer[i].type == PKTGEN_IPV4 ? "ipv4" : "ipv6";
	fprintf(out, "range 0 type %s\n", ip);
	range(p, i, "dst", "dst ip", out);
	range(p, i, "src", "src ip", out);
	if (++i == p->nlayers)
		return 0;
	if (p->layer[i].type != PKTGEN_UDP && p->layer[i].type != PKTGEN_TCP)
		return cannot(i, pktgen_layers[p->layer[i].type].name, f);
	fprintf(out, "range 0 proto %s\n", pktgen_layers[p->layer[i].type].name);
	range(p, i, "dst", "dst port", out);
	range(p, i, "src", "src port", out);
	if (p->layer[i].type == PKTGEN_TCP)
		fprintf(out, "# TCP flags wanted: %#" PRIx64 "\n%s", constant(p, i, "flags"),
			constant(p, i, "flags") == 2 ? "range 0 tcp flag clr ack\nrange 0 tcp flag set syn\n" : "");
	return i + 1 == p->nlayers ? 0 : cannot(i + 1, pktgen_layers[p->layer[i + 1].type].name, f);
}

int pktgen_export_pktgen_dpdk(const struct pktgen_profile *p, FILE *out, struct fault *f)
{
	uint16_t least = p->size[0].bytes, most = least;
	int rc;

	for (unsigned int i = 1; i < p->nsizes; i++) {
		least = p->size[i].bytes < least ? p->size[i].bytes : least;
		most = p->size[i].bytes > most ? p->size[i].bytes : most;
	}
	fprintf(out, "# Pktgen-DPDK, port 0: %s\n", p->name);
	rc = headers(p, out, f);
	if (rc < 0)
		return rc;
	if (p->nsizes > 1)
		fprintf(out, "# the mix of sizes becomes a walk from the smallest to the largest\n");
	fprintf(out, "range 0 size start %u\nrange 0 size min %u\nrange 0 size max %u\nrange 0 size inc %u\n", least,
		least, most, most > least ? 1 : 0);
	fprintf(out, "# rate: %.0f packets/s (0: as fast as it goes); set 0 rate takes percent of the line rate\n",
		pktgen_profile_pps(p));
	if (p->on_s > 0)
		fprintf(out, "# it has no bursts of %g s and pauses of %g s\n", p->on_s, p->off_s);
	fprintf(out, "enable 0 range\n");
	return 0;
}
