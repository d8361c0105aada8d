/* SPDX-License-Identifier: BSD-3-Clause */
#include "own.h"

#include <stdlib.h>
#include <string.h>

#include "arp.h"
#include "log.h"
#include "nd.h"
#include "neigh.h"
#include "ra.h"
#include "route.h"

struct own_addr {
	struct ip_addr addr;
	enum own_state state;
	uint64_t due_ms; // 0: nothing is to be done
};

struct own_iface {
	struct iface *iface;
	bool up;
	struct rte_ether_addr mac;
	uint16_t n;
	struct own_addr *addr;
	struct ra_timer ra;
	LIST_ENTRY(own_iface) link;
};

static LIST_HEAD(, own_iface) all = LIST_HEAD_INITIALIZER(all);
static uint64_t next_due_ms = UINT64_MAX;

void own_wake(uint64_t due_ms)
{
	next_due_ms = RTE_MIN(next_due_ms, due_ms);
}

static struct own_iface *own_of(const struct iface *i)
{
	const struct neigh_table *t = i->neighs;

	return t ? t->own : NULL;
}

struct ra_timer *own_ra_timer(struct iface *i)
{
	struct own_iface *o = own_of(i);

	return o ? &o->ra : NULL;
}

static struct own_addr *find(const struct own_iface *o, const struct ip_addr *a)
{
	for (uint16_t k = 0; o && k < o->n; k++)
		if (ip_equal(&o->addr[k].addr, a))
			return &o->addr[k];
	return NULL;
}

enum own_state own_state(const struct iface *i, const struct ip_addr *a)
{
	const struct own_addr *own = find(own_of(i), a);

	return own ? own->state : OWN_PREFERRED;
}

static void schedule(struct own_addr *a, uint32_t in_ms)
{
	a->due_ms = slow_now_ms() + in_ms;
	own_wake(a->due_ms);
}

static void announce(struct iface *i, const struct ip_addr *a)
{
	if (a->family == 4)
		arp_announce(i, a);
	else
		nd_announce(i, a);
}

// The address is new on its link.
static void begin(struct iface *i, struct own_addr *a)
{
	if (!i->domain || !i->up) {
		a->state = a->addr.family == 6 && i->domain ? OWN_TENTATIVE : OWN_PREFERRED;
		a->due_ms = 0;
		return;
	}
	if (a->addr.family == 6) {
		a->state = OWN_TENTATIVE;
		nd_ask_duplicate(i, &a->addr);
		schedule(a, OWN_DAD_MS);
	} else {
		a->state = OWN_PREFERRED;
		announce(i, &a->addr);
		schedule(a, OWN_AGAIN_MS);
	}
}

static void due(struct iface *i, struct own_addr *a)
{
	a->due_ms = 0;
	if (a->state == OWN_TENTATIVE)
		a->state = OWN_PREFERRED;
	announce(i, &a->addr);
}

void own_is_duplicate(struct iface *i, const struct ip_addr *a)
{
	struct own_addr *own = find(own_of(i), a);
	char text[IP_TEXT_LEN];

	if (!own || own->state != OWN_TENTATIVE)
		return;
	own->state = OWN_DUPLICATE;
	own->due_ms = 0;
	route_own_use(i, a, false);
	ip_text(a, text);
	LOG(ERR, "interface %s: somebody on the link has our address %s already: it is not used", i->name, text);
	if (slow_event_wanted())
		slow_event("duplicate", json_pack("{s:s,s:s}", "iface", i->name, "address", text));
}

static struct own_iface *own_make(struct iface *i)
{
	struct neigh_table *t = neigh_table_of(i);

	if (!t)
		return NULL;
	if (t->own)
		return t->own;
	t->own = calloc(1, sizeof(*t->own));
	if (!t->own)
		return NULL;
	t->own->iface = i;
	LIST_INSERT_HEAD(&all, t->own, link);
	return t->own;
}

void own_iface_changed(struct iface *i)
{
	struct own_iface *o = own_make(i);
	struct own_addr *addr = o ? calloc(RTE_MAX(i->naddrs, 1), sizeof(*addr)) : NULL;
	bool anew;

	if (!addr)
		return; // it is used without being asked for: the daemon has other worries
	anew = o->up != i->up || !rte_is_same_ether_addr(&o->mac, &i->mac);
	for (uint16_t k = 0; k < i->naddrs; k++) {
		const struct own_addr *old = find(o, &i->addr[k].addr);

		addr[k].addr = i->addr[k].addr;
		if (old && !anew) {
			addr[k] = *old;
			continue;
		}
		if (old && old->state == OWN_DUPLICATE)
			route_own_use(i, &old->addr, true);
		begin(i, &addr[k]);
	}
	free(o->addr);
	o->addr = addr;
	o->n = i->naddrs;
	o->up = i->up;
	o->mac = i->mac;
	ra_iface_changed(i);
}

void own_iface_gone(struct iface *i)
{
	struct own_iface *o = own_of(i);

	if (!o)
		return;
	LIST_REMOVE(o, link);
	free(o->addr);
	free(o);
	((struct neigh_table *)i->neighs)->own = NULL;
}

void own_tick(void)
{
	const uint64_t now = slow_now_ms();
	struct own_iface *o;

	if (now < next_due_ms)
		return;
	next_due_ms = UINT64_MAX;
	LIST_FOREACH (o, &all, link) {
		for (uint16_t k = 0; k < o->n; k++) {
			struct own_addr *a = &o->addr[k];

			if (a->due_ms && a->due_ms <= now)
				due(o->iface, a);
			else if (a->due_ms)
				own_wake(a->due_ms);
		}
		if (o->ra.due_ms && o->ra.due_ms <= now)
			ra_due(o->iface);
		if (o->ra.due_ms)
			own_wake(o->ra.due_ms);
	}
}
