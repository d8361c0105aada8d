/* SPDX-License-Identifier: BSD-3-Clause */
// The look-ups of classifier and flow cache as compiled for one instruction set level, for bench_classifier.c and
// bench_flow_cache.c to call.
#ifndef BENCH_CLASSIFIER_ISA_H
#define BENCH_CLASSIFIER_ISA_H

#include <stdint.h>

struct classifier;
struct flow_cache;
struct flow_key;
struct flow_window_masks;

// What the workers' way of a packet through the cache takes; arrays of whole bursts.
struct bench_packets {
	struct flow_cache *cache;
	const struct flow_window_masks *masks;
	const struct classifier *table;
	const uint8_t *const *data;
	const uint16_t *len, *context;
};

struct bench_isa {
	const char *name;
	// Looks up n bursts of keys, of which `lanes` count in each; returns the number of hits.
	uint64_t (*classify)(const struct classifier *c, const struct flow_key *const *keys, uint64_t n,
			     uint64_t lanes);
	uint64_t (*classify_scalar)(const struct classifier *c, const struct flow_key *const *keys, uint64_t n,
				    uint64_t lanes);
	// Looks up n bursts of packets, from the first-th on; returns the hits of the cache.
	uint64_t (*cached)(const struct bench_packets *p, uint64_t first, uint64_t n);
	uint64_t (*cached_scalar)(const struct bench_packets *p, uint64_t first, uint64_t n);
	// The same, and what is missed is parsed, classified and kept.
	uint64_t (*whole)(const struct bench_packets *p, uint64_t first, uint64_t n);
	// Parsing alone; returns packets.
	uint64_t (*parse)(const struct bench_packets *p, uint64_t first, uint64_t n);
};

extern const struct bench_isa bench_classifier_v3, bench_classifier_v4;

#endif
