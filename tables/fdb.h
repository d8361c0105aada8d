/* SPDX-License-Identifier: BSD-3-Clause */
// L2 forwarding database: which port a MAC address of a broadcast domain is behind.
//
// Purpose: one look-up of the destination and one check of the source for every bridged packet, at a million entries.
//
// Design: a hash64 from key (MAC << 16 | domain, the MAC as loaded little-endian from the frame) to a 32-bit value:
// port id in the upper half, coarse second of the last sight in the lower, 0 there for a static entry. Workers refresh
// the lower half in place, at most once a second per entry; all else is written by control. A refresh that races with a
// move or removal may be lost or land on the slot's next entry, which then ages a little later: harmless, and the
// ageing scan restores the 0 of a static entry. Full seconds are kept beside the table by the scan, so that ageing
// times may be longer than 16 bits of seconds. For this, every entry has to be visited by fdb_walk() at least every 18
// hours.
//
// Threads: look-ups in fdb_hash(), fdb_touch and fdb_generation: any thread. The rest: control.
#ifndef FDB_H
#define FDB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hash64.h"

#define FDB_CAPACITY_MIN 1024
#define FDB_CAPACITY_MAX (1u << 26)

struct fdb;

struct fdb_entry {
	uint64_t key;
	uint16_t port_id;
	bool is_static;
	uint32_t age_s; // since last seen; 0 for static entries
};

// The key of a MAC (6 bytes in network order) in a domain.
static inline uint64_t fdb_key(const uint8_t mac[6], uint16_t domain)
{
	uint64_t key = 0;

	memcpy(&key, mac, 6);
	return key << 16 | domain;
}

static inline uint16_t fdb_key_domain(uint64_t key)
{
	return (uint16_t)key;
}

static inline void fdb_key_mac(uint64_t key, uint8_t mac[6])
{
	key >>= 16;
	memcpy(mac, &key, 6);
}

// Creates an empty table of at least `capacity` entries (FDB_CAPACITY_MIN..MAX), allocated at once. 0, -EINVAL or
// -ENOMEM. An entry of capacity takes 20 to 45 bytes, as sizes are rounded up.
int fdb_create(struct fdb **out, uint32_t capacity);
void fdb_destroy(struct fdb *f);

// Port ids are not 0. now_s is a clock of 1 s steps that goes from 65535 to 1, never 0, the same for all callers; a
// worker's may be behind or ahead by some seconds.

// The hash that workers look up in, to be passed to hash64_lookup_bulk(). Constant for the life of the fdb.
struct hash64 *fdb_hash(struct fdb *f);
#define FDB_PORT(value) ((uint16_t)((value) >> 16))
#define FDB_SEEN(value) ((uint16_t)(value))

// A number that changes whenever an entry was removed, moved to another port or made static: what a worker found out
// about a key before may not hold any more. Any thread.
uint32_t fdb_generation(const struct fdb *f);

// Sets the last sight of a dynamic entry to now_s (not 0). No effect if the key is absent or static. Any thread.
void fdb_touch(struct fdb *f, uint64_t key, uint16_t now_s);

enum fdb_learned { FDB_SAME, FDB_NEW, FDB_MOVED, FDB_IS_STATIC };

// Learns or refreshes key behind port_id. Returns enum fdb_learned (FDB_IS_STATIC: nothing changed), or -ENOSPC when
// the table is full. old_port (may be NULL) receives the former port if FDB_MOVED.
int fdb_learn(struct fdb *f, uint64_t key, uint16_t port_id, uint16_t now_s, uint16_t *old_port);

// Adds a static entry, replacing a dynamic one (returns 1 then). 0, -EEXIST (static already), -ENOSPC.
int fdb_add_static(struct fdb *f, uint64_t key, uint16_t port_id);

// Removes an entry. 0 or -ENOENT. *was (may be NULL) receives what was removed.
int fdb_del(struct fdb *f, uint64_t key, struct fdb_entry *was);
int fdb_get(const struct fdb *f, uint64_t key, uint16_t now_s, struct fdb_entry *out);

uint32_t fdb_count(const struct fdb *f);
uint32_t fdb_capacity(const struct fdb *f);
uint64_t fdb_memory_bytes(const struct fdb *f);

// Visits entries, from slot *cursor on, at most max_slots slots (0: all); *cursor is then the slot to go on from, or 0
// at the end. visit returns true to have the entry removed. An insertion between calls may move entries, so that one
// is visited twice or not at all in a walk of several calls. Returns the number of removed entries.
typedef bool (*fdb_visit_fn)(void *arg, const struct fdb_entry *e);
uint32_t fdb_walk(struct fdb *f, uint64_t *cursor, uint32_t max_slots, uint16_t now_s, fdb_visit_fn visit, void *arg);

#endif
