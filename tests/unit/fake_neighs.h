/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbours that are there when the test says so, in place of control/neigh.c.
#ifndef FAKE_NEIGHS_H
#define FAKE_NEIGHS_H

#include <stdlib.h>

#include "../../control/garbage.h"
#include "../../control/l3.h"
#include "objects_harness.h"

struct neigh {
	struct iface *iface;
	struct ip_addr addr;
	uint32_t number, refs;
	bool alive;
	struct neigh *next;
};

static struct neigh *neighs;

static inline void contents(struct neigh *n, bool alive)
{
	struct nexthop *nh = garbage_alloc(sizeof(*nh));

	*nh = (struct nexthop){.kind = alive ? NEXTHOP_FORWARD : NEXTHOP_UNRESOLVED, .iface = n->iface->id};
	n->alive = alive;
	nexthop_set(n->number, nh);
}

static inline struct neigh *neigh_of(const char *address)
{
	struct ip_addr a;
	struct fault f;

	assert_int_equal(ip_parse(address, "x", &a, &f), 0);
	for (struct neigh *n = neighs; n; n = n->next)
		if (ip_equal(&n->addr, &a))
			return n;
	fail_msg("nobody holds neighbour %s", address);
	return NULL;
}

int neigh_hold(struct iface *i, const struct ip_addr *a, struct neigh **out)
{
	for (struct neigh *n = neighs; n; n = n->next)
		if (n->iface == i && ip_equal(&n->addr, a)) {
			n->refs++;
			*out = n;
			return 0;
		}
	*out = calloc(1, sizeof(**out));
	**out = (struct neigh){.iface = i, .addr = *a, .refs = 1, .next = neighs};
	assert_int_equal(nexthop_alloc(&(*out)->number), 0);
	contents(*out, false);
	neighs = *out;
	return 0;
}

void neigh_release(struct neigh *n)
{
	struct neigh **at = &neighs;

	if (--n->refs)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	nexthop_free(n->number);
	free(n);
}

uint32_t neigh_nexthop(const struct neigh *n)
{
	return n->number;
}

#endif
