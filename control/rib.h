/* SPDX-License-Identifier: BSD-3-Clause */
// All routes of one VRF in order, from whatever source: what its FIBs are made of.
//
// Purpose: a million routes listed in pages, compared and taken back, and the best of several for one prefix found, in
// about 35 bytes each.
//
// Design: an array of chunks, each a sorted array of up to RIB_CHUNK entries: a search is two binary ones, an insertion
// moves half a chunk. The first entry of each chunk is kept beside the pointer to it, so that the search for the chunk
// stays in the array, which a second-level cache holds. The order is family, address, prefix length, source, so the
// entries of one prefix stand together, the best first. The place of the last access is tried first: bulks come in
// order.
//
// Threads: each rib belongs to its caller.
#ifndef RIB_H
#define RIB_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

#define RIB_CHUNK 128

// Whose route it is, the better ones first.
enum rib_source { RIB_OWN, RIB_STATIC, RIB_LINUX, RIB_HOST };

struct rib_entry {
	uint64_t hi, lo; // the prefix's first 8 bytes and the others, big-endian numbers; IPv4: the upper half of hi
	uint32_t value;  // the caller's, not 0
	uint8_t family;  // 4 or 6
	uint8_t depth;
	uint8_t source; // enum rib_source
};

struct rib_chunk;

struct rib_part {
	struct rib_entry first; // of the chunk; its value may be an older one
	struct rib_chunk *chunk;
};

struct rib {
	struct rib_part *part;
	uint32_t nchunks, cap;
	uint32_t count;         // entries
	uint32_t hint;          // chunk of the last access
	uint32_t depth[2][129]; // entries by family (4, 6) and prefix length
};

void rib_clear(struct rib *r); // frees all; an empty one is zeroed

struct rib_entry rib_key(const struct ip_prefix *p, enum rib_source source); // value 0
void rib_prefix(const struct rib_entry *e, struct ip_prefix *p);
// By family, address and depth: below, above or equal to 0.
static inline int rib_compare_prefix(const struct rib_entry *a, const struct rib_entry *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->depth == b->depth ? 0 : a->depth < b->depth ? -1 : 1;
}

bool rib_same_prefix(const struct rib_entry *a, const struct rib_entry *b);
bool rib_covers(const struct rib_entry *prefix, const struct rib_entry *e); // e's prefix is in it, or the same

// Adds `e` or replaces the value. *old: the value before, 0 if there was none. 0; 1, if there is a better entry of its
// prefix; or -ENOMEM. Any entry that was found before is no longer valid after this and rib_del(). Cost: some 100 ns.
int rib_put(struct rib *r, const struct rib_entry *e, uint32_t *old);
// Removes the entry of key's prefix and source. Its value, 0 if there was none.
uint32_t rib_del(struct rib *r, const struct rib_entry *key);
// The entry of key's prefix and source. NULL: none.
const struct rib_entry *rib_get(const struct rib *r, const struct rib_entry *key);
// The best entry of key's prefix. NULL: none.
const struct rib_entry *rib_best(const struct rib *r, const struct rib_entry *key);
// The first entry behind key, which need not exist; NULL: of all. NULL: none.
const struct rib_entry *rib_after(const struct rib *r, const struct rib_entry *key);
// The best entry of the longest prefix of at most max_depth bits that covers key's address. NULL: none.
const struct rib_entry *rib_match(const struct rib *r, const struct rib_entry *key, uint8_t max_depth);

#endif
