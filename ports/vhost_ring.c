/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DESC_F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define DESC_F_USED (1u << VRING_PACKED_DESC_F_USED)

static const uint16_t never = 0;
const struct vhost_ring vhost_ring_closed = {.vid = -1, .avail = &never};

static struct vhost_ring *retired; // atomic: a stack that only the helper thread empties

// The guest's memory that holds [at, at + len) of the library's mapping, mapped once more for ourselves.
static int ring_map(struct vhost_ring *r, int vid, const void *at, size_t len, const void **mine)
{
	const uintptr_t first = (uintptr_t)at;
	struct rte_vhost_memory *mem;
	int rc = -1;

	if (rte_vhost_get_mem_table(vid, &mem) < 0)
		return -1;
	for (uint32_t i = 0; i < mem->nregions && rc < 0; i++) {
		const struct rte_vhost_mem_region *m = &mem->regions[i];
		const uintptr_t base = (uintptr_t)m->mmap_addr;
		struct stat st;
		uint64_t start, end;

		if (first < base || first + len > base + m->mmap_size || fstat(m->fd, &st) < 0)
			continue;
		// The library maps each region's file from its beginning; huge pages want their own alignment.
		start = RTE_ALIGN_FLOOR(first - base, (uint64_t)st.st_blksize);
		end = RTE_ALIGN_CEIL(first - base + len, (uint64_t)st.st_blksize);
		r->map = mmap(NULL, end - start, PROT_READ, MAP_SHARED, m->fd, (off_t)start);
		if (r->map == MAP_FAILED) {
			r->map = NULL;
			break;
		}
		r->map_len = end - start;
		*mine = RTE_PTR_ADD(r->map, first - base - start);
		rc = 0;
	}
	free(mem);
	return rc;
}

struct vhost_ring *vhost_ring_create(int vid, uint16_t vring, uint64_t features)
{
	struct vhost_ring *r = calloc(1, sizeof(*r));
	struct rte_vhost_vring vr;
	const void *mine;

	if (r == NULL)
		return NULL;
	r->vid = vid;
	r->vring = vring;
	r->packed = (features >> VIRTIO_F_RING_PACKED) & 1;
	if (rte_vhost_get_vhost_vring(vid, vring, &vr) < 0)
		return r;
	r->size = vr.size;
	if (r->packed) {
		if (vr.desc_packed != NULL && vr.size > 0 &&
		    ring_map(r, vid, vr.desc_packed, vr.size * sizeof(*vr.desc_packed), &mine) == 0)
			r->desc = mine;
	} else if (vr.avail != NULL) {
		if (ring_map(r, vid, &vr.avail->idx, sizeof(vr.avail->idx), &mine) == 0)
			r->avail = mine;
	}
	return r;
}

static void ring_retire(struct vhost_ring *r)
{
	r->next = __atomic_load_n(&retired, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&retired, &r->next, r, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	vhost_watch_wake();
}

void vhost_ring_swap(struct vhost_rxq *v, struct rxq *q, const struct vhost_ring *ring)
{
	const struct vhost_ring *old = __atomic_exchange_n(&v->ring, ring, __ATOMIC_ACQ_REL);

	// Against vhost_ring_idle(): either the worker sees the new ring there, or its word is overwritten here.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&q->idle_word, NULL, __ATOMIC_RELAXED);
	if (old != &vhost_ring_closed)
		ring_retire((struct vhost_ring *)(uintptr_t)old);
}

// The word that changes when the guest adds to an empty packed ring: the flags of the next descriptor.
static const uint16_t *packed_word(const struct vhost_ring *r, uint16_t base, uint16_t *value)
{
	const uint16_t at = base & 0x7fff;
	const bool wrap = base >> 15;
	const uint16_t *flags;

	if (r->desc == NULL || at >= r->size)
		return NULL;
	flags = (const uint16_t *)&r->desc[at].flags;
	*value = __atomic_load_n(flags, __ATOMIC_RELAXED);
	return !!(*value & DESC_F_AVAIL) == wrap && !!(*value & DESC_F_USED) != wrap ? NULL : flags;
}

void vhost_ring_idle(struct vhost_rxq *v, struct rxq *q, const struct vhost_ring *r)
{
	const uint16_t *word = r->avail;
	uint16_t base = 0, used;

	if (r->vid >= 0) {
		// What the library has taken, not what the guest offers: a packet it left, for want of an mbuf or of
		// its lock, keeps the two apart and so brings the worker back.
		if (rte_vhost_get_vring_base(r->vid, r->vring, &base, &used) < 0)
			word = NULL;
		else if (r->packed)
			word = packed_word(r, base, &base);
	}
	q->idle_value = base;
	if (__atomic_load_n(&q->idle_word, __ATOMIC_RELAXED) == word)
		return;
	__atomic_store_n(&q->idle_word, word, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&v->ring, __ATOMIC_RELAXED) != r)
		__atomic_store_n(&q->idle_word, NULL, __ATOMIC_RELAXED);
}

void vhost_rings_reap(void)
{
	struct vhost_ring *r = __atomic_exchange_n(&retired, NULL, __ATOMIC_ACQUIRE), *next;

	if (r == NULL)
		return;
	port_synchronize();
	for (; r != NULL; r = next) {
		next = r->next;
		if (r->map != NULL)
			munmap(r->map, r->map_len);
		free(r);
	}
}
