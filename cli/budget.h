/* SPDX-License-Identifier: BSD-3-Clause */
// What a line rate leaves for each packet.
//
// Purpose: the yardstick for cycles per packet: at 10 Gbit/s a frame of 64 bytes comes every 67.2 ns.
//
// Design: pure. Each frame takes 20 bytes more on the wire than its size (preamble, delimiter and gap; IEEE
// 802.3, 4.4.2).
//
// Threads: any.
#ifndef BUDGET_H
#define BUDGET_H

#include <stddef.h>

#define BUDGET_WIRE_BYTES 20

struct budget {
	double gbps; // of the link, 0.001 to 10000
	double size; // bytes of a frame with its FCS, 64 to 16383
	double ghz;  // of the CPU, 0.1 to 10
};

struct budget_result {
	double pps, ns, cycles; // packets in a second; of each packet
};

// Reads "--gbps 10", "--gbps=10" and so on; what is not given stays as in *b. 0, or -EINVAL with `why`.
int budget_parse(struct budget *b, char *const *words, size_t n, char *why, size_t size);

void budget_compute(const struct budget *b, struct budget_result *out);

#endif
