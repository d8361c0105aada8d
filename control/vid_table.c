/* SPDX-License-Identifier: BSD-3-Clause */
#include "vid_table.h"

#include <string.h>

#include <rte_hash_crc.h>

#include "garbage.h"

void vid_table_drop(struct bridge_port *bp, void (*free_later)(void *))
{
	struct vid_table *t = bp->table;

	bp->table = NULL;
	if (!t || --t->refs)
		return;
	LIST_REMOVE(t, link);
	free_later(t);
}

static struct vid_table *find_same(struct bridge *b, const uint16_t *domain, uint32_t hash)
{
	struct vid_table *t;

	LIST_FOREACH (t, &b->tables, link)
		if (t->hash == hash && memcmp(t->domain, domain, sizeof(t->domain)) == 0)
			return t;
	return NULL;
}

const uint16_t *vid_table_get(struct bridge_port *bp, void (*free_later)(void *))
{
	struct bridge *b = bp->bridge;
	uint16_t domain[VLAN_COUNT];
	struct vid_table *t;
	uint32_t hash;

	if (bp->table && bp->table_generation == b->map_generation)
		return bp->table->domain;
	vlan_map(bp, domain);
	hash = rte_hash_crc(domain, sizeof(domain), 0);
	t = find_same(b, domain, hash);
	if (!t) {
		t = garbage_alloc(sizeof(*t));
		t->refs = 0;
		t->hash = hash;
		memcpy(t->domain, domain, sizeof(domain));
		LIST_INSERT_HEAD(&b->tables, t, link);
	}
	t->refs++;
	vid_table_drop(bp, free_later);
	bp->table = t;
	bp->table_generation = b->map_generation;
	return t->domain;
}
