/* SPDX-License-Identifier: BSD-3-Clause */
// A profile in the words of other tools.
//
// Purpose: the same traffic from a pcap file (any tool, or net_pcap), TRex or Pktgen-DPDK.
//
// Design: the pcap file holds the frames themselves, made by the generator's own code. The two texts are made from its
// fields; what the other tool cannot do is refused, or where it comes near (random draws), said in a comment.
//
// Threads: control.
#ifndef PKTGEN_EXPORT_H
#define PKTGEN_EXPORT_H

#include <stdio.h>

#include "pktgen_profile.h"

#define PKTGEN_EXPORT_BYTES_MAX (32U * 1024 * 1024)

enum pktgen_format { PKTGEN_PCAP, PKTGEN_PKTGEN_DPDK, PKTGEN_TREX };
extern const char *const pktgen_formats[]; // by enum pktgen_format, ends with NULL

// Frames until all begins again: all flows in all sizes of the mix.
uint64_t pktgen_period(const struct pktgen_profile *p);

// Writes to `out`; `count` frames (pcap only). 0, or -ENOTSUP with a fault naming the layer that the tool has not.
int pktgen_export(const struct pktgen_profile *p, enum pktgen_format format, uint32_t count, FILE *out,
		  struct fault *f);

// pktgen_export_pktgen.c and pktgen_export_trex.c.
int pktgen_export_pktgen_dpdk(const struct pktgen_profile *p, FILE *out, struct fault *f);
void pktgen_export_trex(const struct pktgen_profile *p, FILE *out);

// Packets per second that the profile asks for; 0: as fast as it goes.
double pktgen_profile_pps(const struct pktgen_profile *p);

// The first and last value that a field may have, of its first prefix where it has several.
void pktgen_field_range(const struct pktgen_profile *p, const struct pktgen_field *field, struct pktgen_value *min,
			struct pktgen_value *max);

#endif
