/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish_l3.h"

#include <string.h>

#include "../tables/fdb.h"
#include "fdb_ctl.h"
#include "fdb_static.h"
#include "garbage.h"
#include "nexthop.h"
#include "publish.h"

static TAILQ_HEAD(, iface) dirty = TAILQ_HEAD_INITIALIZER(dirty);
static SLIST_HEAD(, iface_listener) listeners = SLIST_HEAD_INITIALIZER(listeners);
static bool dirty_vrfs;
static uint32_t nredirecting; // interfaces whose "redirects" is on, as published

void iface_listen(struct iface_listener *l)
{
	SLIST_INSERT_HEAD(&listeners, l, link);
}

void publish_mark_iface(struct iface *i)
{
	if (!i->dirty)
		TAILQ_INSERT_TAIL(&dirty, i, dirty_link);
	i->dirty = true;
}

void publish_forget_iface(struct iface *i)
{
	if (i->dirty)
		TAILQ_REMOVE(&dirty, i, dirty_link);
	i->dirty = false;
}

void publish_mark_vrfs(void)
{
	dirty_vrfs = true;
}

bool publish_l3_dirty(void)
{
	return dirty_vrfs || !TAILQ_EMPTY(&dirty);
}

void publish_l3_mark_domain(const struct domain *d)
{
	struct iface *i = d->bridge ? LIST_FIRST(&d->bridge->ifaces) : NULL;

	for (; i; i = LIST_NEXT(i, on_link))
		if (i->vid == 0 || i->domain == d)
			publish_mark_iface(i);
}

void publish_l3_refresh(void)
{
	struct iface *i;

	// What goes makes room first.
	TAILQ_FOREACH (i, &dirty, dirty_link)
		if (i->deleted)
			iface_leave(i);
	TAILQ_FOREACH (i, &dirty, dirty_link)
		if (!i->deleted)
			i->changed |= iface_refresh(i);
}

static const struct fwd_iface *iface_build(const struct iface *i)
{
	struct fwd_iface *fi = garbage_alloc(sizeof(*fi));

	*fi = (struct fwd_iface){.id = i->id,
				 .vrf = i->vrf->id,
				 .domain = i->domain->id,
				 .mtu = i->mtu,
				 .up = i->up,
				 .mac = i->mac,
				 .redirects = json_is_true(json_object_get(i->conf, "redirects")),
				 .listens = json_is_true(json_object_get(i->conf, "host_tap"))};
	return fi;
}

static void ifaces_build(struct fwd_state *s)
{
	size_t n = iface_max_id() + 1u;
	const struct fwd_iface **array = garbage_alloc(n * sizeof(*array));
	struct iface *i;

	memset(array, 0, n * sizeof(*array));
	if (s->iface)
		memcpy(array, s->iface, s->nifaces * sizeof(*array));
	garbage_free_later(s->iface);
	TAILQ_FOREACH (i, &dirty, dirty_link) {
		nredirecting -= i->fwd && i->fwd->redirects;
		garbage_free_later((void *)(uintptr_t)i->fwd);
		i->fwd = i->deleted || !i->domain ? NULL : iface_build(i);
		nredirecting += i->fwd && i->fwd->redirects;
		array[i->id] = i->fwd;
	}
	s->iface = array;
	s->nifaces = (uint16_t)n;
}

static void vrfs_build(struct fwd_state *s)
{
	size_t n = vrf_max_id() + 1u;
	struct fwd_vrf *array = garbage_alloc(n * sizeof(*array));

	for (size_t id = 0; id < n; id++) {
		const struct vrf *v = vrf_by_id((uint16_t)id);

		array[id] = v && !v->deleted ? (struct fwd_vrf){v->fib4, v->fib6} : (struct fwd_vrf){0};
	}
	garbage_free_later((void *)(uintptr_t)s->vrf);
	s->vrf = array;
	s->nvrfs = (uint16_t)n;
}

void publish_l3_build(struct fwd_state *s, const struct fwd_state *old)
{
	if (old) {
		s->iface = old->iface;
		s->nifaces = old->nifaces;
		s->vrf = old->vrf;
		s->nvrfs = old->nvrfs;
	}
	s->nexthops = nexthop_table();
	if (!TAILQ_EMPTY(&dirty))
		ifaces_build(s);
	if (dirty_vrfs)
		vrfs_build(s);
	dirty_vrfs = false;
	s->redirects = nredirecting > 0;
}

static bool wants_entry(const struct iface *i)
{
	return !i->deleted && i->domain;
}

// Entries go before others come: the MAC of one may be that which another had.
void publish_l3_fdb(void)
{
	struct iface *i;

	TAILQ_FOREACH (i, &dirty, dirty_link) {
		if (!i->in_fdb || (wants_entry(i) && i->fdb_key == fdb_key(i->mac.addr_bytes, i->domain->id)))
			continue;
		fdb_del(fdb_ctl_table(), i->fdb_key, NULL);
		i->in_fdb = false;
	}
	TAILQ_FOREACH (i, &dirty, dirty_link) {
		if (i->in_fdb || !wants_entry(i))
			continue;
		i->fdb_key = fdb_key(i->mac.addr_bytes, i->domain->id);
		fdb_static_put(i->fdb_key, PORT_ROUTER);
		i->in_fdb = true;
	}
}

void publish_iface_gone(struct iface *i)
{
	const struct iface_listener *l;

	SLIST_FOREACH (l, &listeners, link)
		l->gone(i);
}

static void tell_changed(struct iface *i)
{
	const struct iface_listener *l;
	bool was_up = i->was_up;

	i->was_up = i->up;
	SLIST_FOREACH (l, &listeners, link)
		l->changed(i);
	if (was_up != i->up)
		iface_event(i->up ? "up" : "down", i);
}

// A listener may mark an interface anew; that waits for the next publication.
void publish_l3_tell(void)
{
	TAILQ_HEAD(, iface) told = TAILQ_HEAD_INITIALIZER(told);
	struct iface *i;

	TAILQ_CONCAT(&told, &dirty, dirty_link);
	while ((i = TAILQ_FIRST(&told))) {
		TAILQ_REMOVE(&told, i, dirty_link);
		i->dirty = false;
		if (i->changed && !i->deleted)
			tell_changed(i);
		i->changed = false;
	}
}

void publish_l3_destroy(const struct fwd_state *s)
{
	for (unsigned int id = 0; id < s->nifaces; id++)
		garbage_free_later((void *)(uintptr_t)s->iface[id]);
	garbage_free_later(s->iface);
	garbage_free_later((void *)(uintptr_t)s->vrf);
	nredirecting = 0;
}
