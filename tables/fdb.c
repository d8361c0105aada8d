/* SPDX-License-Identifier: BSD-3-Clause */
#include "fdb.h"

#include <errno.h>
#include <stdlib.h>

#define CLOCK_PERIOD 65535u // seconds until the 16-bit clock, which leaves out 0, shows the same again

// A last sight that seems this little short of a whole period ago was noted by a clock that is a little ahead.
#define CLOCK_AHEAD_MAX 600u

// Beside each slot: whether it is static, and for the others when it was last seen as far as control knows.
#define AUX_STATIC (1u << 31)
#define AUX_SECONDS (AUX_STATIC - 1)

struct fdb {
	struct hash64 *hash;
	uint32_t now; // full seconds; now % CLOCK_PERIOD + 1 is the 16-bit clock
	bool clock_set;
	uint32_t generation; // written by control, read by workers
};

int fdb_create(struct fdb **out, uint32_t capacity)
{
	const struct hash64_conf conf = {.capacity = capacity, .aux = true};
	struct fdb *f;
	int ret;

	if (capacity < FDB_CAPACITY_MIN || capacity > FDB_CAPACITY_MAX)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	ret = hash64_create(&f->hash, &conf);
	if (ret < 0) {
		free(f);
		return ret;
	}
	*out = f;
	return 0;
}

void fdb_destroy(struct fdb *f)
{
	if (f == NULL)
		return;
	hash64_destroy(f->hash);
	free(f);
}

struct hash64 *fdb_hash(struct fdb *f)
{
	return f->hash;
}

uint32_t fdb_generation(const struct fdb *f)
{
	return __atomic_load_n(&f->generation, __ATOMIC_ACQUIRE);
}

// After the change: who sees the new number sees what it stands for.
static void generation_next(struct fdb *f)
{
	__atomic_store_n(&f->generation, f->generation + 1, __ATOMIC_RELEASE);
}

uint32_t fdb_count(const struct fdb *f)
{
	return hash64_count(f->hash);
}

uint32_t fdb_capacity(const struct fdb *f)
{
	return hash64_capacity(f->hash);
}

uint64_t fdb_memory_bytes(const struct fdb *f)
{
	return sizeof(*f) + hash64_memory_bytes(f->hash);
}

static uint32_t value_of(uint16_t port_id, uint16_t seen)
{
	return (uint32_t)port_id << 16 | seen;
}

static uint16_t clock16(uint32_t full)
{
	return (uint16_t)(full % CLOCK_PERIOD + 1);
}

// The full seconds when the 16-bit clock shows now_s, as of the last time that the fdb was told.
static uint32_t clock_full(const struct fdb *f, uint16_t now_s)
{
	if (now_s == 0)
		return f->now;
	if (!f->clock_set)
		return now_s - 1u;
	const uint32_t ahead = (now_s + CLOCK_PERIOD - clock16(f->now)) % CLOCK_PERIOD;

	return ahead > CLOCK_PERIOD - CLOCK_AHEAD_MAX ? f->now : f->now + ahead;
}

static void clock_advance(struct fdb *f, uint16_t now_s)
{
	f->now = clock_full(f, now_s);
	f->clock_set = f->clock_set || now_s != 0;
}

// When a dynamic entry was last seen, in full seconds: `known` as long as its 16 bits still say the same, otherwise
// what they say of the last period.
static uint32_t last_seen(uint32_t now, uint32_t known, uint16_t seen)
{
	const uint32_t behind = (clock16(now) + CLOCK_PERIOD - seen) % CLOCK_PERIOD;

	if (seen == clock16(known))
		return known;
	if (behind > CLOCK_PERIOD - CLOCK_AHEAD_MAX)
		return now;
	return now - known > behind ? now - behind : known;
}

static struct fdb_entry entry_of(uint64_t key, uint32_t value, uint32_t aux, uint32_t now)
{
	struct fdb_entry e = {.key = key, .port_id = FDB_PORT(value), .is_static = (aux & AUX_STATIC) != 0};

	if (!e.is_static)
		e.age_s = now - last_seen(now, aux & AUX_SECONDS, FDB_SEEN(value));
	return e;
}

static struct fdb_entry entry_at(const struct fdb *f, uint32_t slot, uint32_t now)
{
	const uint32_t value = __atomic_load_n(hash64_slot_value_ptr(f->hash, slot), __ATOMIC_RELAXED);

	return entry_of(hash64_slot_key(f->hash, slot), value, *hash64_aux(f->hash, slot), now);
}

// A store of two bytes into the lower half, so that the port, which control may be changing, stays as it is.
static void seen_set(uint32_t *value, uint16_t seen)
{
	uint16_t __rte_may_alias *const half = (void *)value;

	__atomic_store_n(&half[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 1], seen, __ATOMIC_RELAXED);
}

void fdb_touch(struct fdb *f, uint64_t key, uint16_t now_s)
{
	uint32_t *const value = hash64_value_ptr(f->hash, key);

	if (now_s == 0 || value == NULL)
		return;
	if (FDB_SEEN(__atomic_load_n(value, __ATOMIC_RELAXED)) != 0)
		seen_set(value, now_s);
}

int fdb_learn(struct fdb *f, uint64_t key, uint16_t port_id, uint16_t now_s, uint16_t *old_port)
{
	const int64_t found = hash64_slot_of(f->hash, key);
	uint32_t slot;
	uint16_t port;
	int ret;

	clock_advance(f, now_s);
	const uint32_t value = value_of(port_id, clock16(f->now));

	if (found < 0) {
		ret = hash64_put(f->hash, key, value, &slot);
		if (ret < 0)
			return ret;
		*hash64_aux(f->hash, slot) = f->now;
		return FDB_NEW;
	}
	slot = (uint32_t)found;
	if ((*hash64_aux(f->hash, slot) & AUX_STATIC) != 0)
		return FDB_IS_STATIC;
	port = FDB_PORT(__atomic_load_n(hash64_slot_value_ptr(f->hash, slot), __ATOMIC_RELAXED));
	__atomic_store_n(hash64_slot_value_ptr(f->hash, slot), value, __ATOMIC_RELAXED);
	*hash64_aux(f->hash, slot) = f->now;
	if (port == port_id)
		return FDB_SAME;
	generation_next(f);
	if (old_port != NULL)
		*old_port = port;
	return FDB_MOVED;
}

int fdb_add_static(struct fdb *f, uint64_t key, uint16_t port_id)
{
	const int64_t found = hash64_slot_of(f->hash, key);
	uint32_t slot;
	int ret;

	if (found >= 0 && (*hash64_aux(f->hash, (uint32_t)found) & AUX_STATIC) != 0)
		return -EEXIST;
	ret = hash64_put(f->hash, key, value_of(port_id, 0), &slot);
	if (ret < 0)
		return ret;
	*hash64_aux(f->hash, slot) = AUX_STATIC;
	generation_next(f);
	return ret;
}

int fdb_del(struct fdb *f, uint64_t key, struct fdb_entry *was)
{
	const int64_t slot = hash64_slot_of(f->hash, key);

	if (slot < 0)
		return -ENOENT;
	if (was != NULL)
		*was = entry_at(f, (uint32_t)slot, f->now);
	hash64_slot_delete(f->hash, (uint32_t)slot);
	generation_next(f);
	return 0;
}

int fdb_get(const struct fdb *f, uint64_t key, uint16_t now_s, struct fdb_entry *out)
{
	const int64_t slot = hash64_slot_of(f->hash, key);

	if (slot < 0)
		return -ENOENT;
	*out = entry_at(f, (uint32_t)slot, clock_full(f, now_s));
	return 0;
}

// Brings what is kept beside the slot up to date, and a static entry back to 0 if a worker's late refresh of a former
// entry of the slot has hit it.
static void refresh(struct fdb *f, uint32_t *value, uint32_t *aux, const struct fdb_entry *e)
{
	if (!e->is_static)
		*aux = f->now - e->age_s;
	else if (FDB_SEEN(__atomic_load_n(value, __ATOMIC_RELAXED)) != 0)
		seen_set(value, 0);
}

uint32_t fdb_walk(struct fdb *f, uint64_t *cursor, uint32_t max_slots, uint16_t now_s, fdb_visit_fn visit, void *arg)
{
	const uint64_t slots = hash64_slots(f->hash);
	const uint64_t end = max_slots != 0 ? RTE_MIN(*cursor + max_slots, slots) : slots;
	struct hash64_bucket *b = &f->hash->bucket[RTE_MIN(*cursor, slots) / HASH64_WAYS];
	unsigned int way = (unsigned int)(*cursor % HASH64_WAYS);
	uint32_t removed = 0;

	clock_advance(f, now_s);
	for (uint64_t slot = *cursor; slot < end; slot++) {
		uint32_t *const value = &b->value[way], *const aux = hash64_aux(f->hash, (uint32_t)slot);
		const uint64_t key = b->key[way];

		// Counted rather than divided out of the slot: it is half the time of a walk.
		if (++way == HASH64_WAYS) {
			way = 0;
			b++;
		}
		if (key == 0)
			continue;
		const struct fdb_entry e = entry_of(key, __atomic_load_n(value, __ATOMIC_RELAXED), *aux, f->now);

		refresh(f, value, aux, &e);
		if (visit(arg, &e)) {
			hash64_slot_delete(f->hash, (uint32_t)slot);
			removed++;
		}
	}
	if (removed != 0)
		generation_next(f);
	*cursor = end < slots ? end : 0;
	return removed;
}
