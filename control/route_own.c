/* SPDX-License-Identifier: BSD-3-Clause */
// Routes that are no desired state: interfaces' own, Linux's, and those of neighbours.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "route.h"

struct own {
	struct rib_entry *e;
	size_t n;
};

struct iface *route_own_iface(uint32_t value)
{
	return iface_slot((uint16_t)value);
}

static void own_add(struct own *o, const struct ip_addr *a, uint8_t depth, uint32_t value)
{
	struct ip_prefix p = {*a, depth};

	ip_mask(&p);
	o->e[o->n] = rib_key(&p, RIB_OWN);
	o->e[o->n++].value = value;
}

// Directed broadcasts are for us and never forwarded (RFC 2644); networks of two addresses have none (RFC 3021).
static void broadcast_add(struct own *o, const struct ip_prefix *p, uint32_t value)
{
	struct ip_addr a = p->addr;

	if (a.family != 4 || p->depth >= 31)
		return;
	for (unsigned int bit = p->depth; bit < 32; bit++)
		a.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	own_add(o, &a, 32, value);
}

static int by_order(const void *x, const void *y)
{
	const struct rib_entry *a = x, *b = y;
	const int order = rib_compare_prefix(a, b);

	if (order != 0)
		return order;
	// Of the same prefix an address counts before a connected prefix, which it may be at /32 and /128.
	return a->value == b->value ? 0 : route_own_kind(a->value) == NEXTHOP_LOCAL ? -1 : 1;
}

static void own_sort(struct own *o)
{
	size_t kept = 0;

	if (o->n)
		qsort(o->e, o->n, sizeof(o->e[0]), by_order);
	for (size_t i = 0; i < o->n; i++)
		if (i == 0 || !rib_same_prefix(&o->e[kept - 1], &o->e[i]))
			o->e[kept++] = o->e[i];
	o->n = kept;
}

// Link-local addresses have no routes: fe80::/10 of the VRF leads here, and the interface tells whose it is.
static int own_list(const struct iface *i, const struct ip_prefix *addr, uint16_t n, struct own *out)
{
	uint32_t connected = route_own_value(NEXTHOP_CONNECTED, i->id), local = route_own_value(NEXTHOP_LOCAL, i->id);

	*out = (struct own){.e = calloc(3 * (size_t)n + 1, sizeof(*out->e))};
	if (!out->e)
		return -ENOMEM;
	for (uint16_t k = 0; k < n; k++) {
		const struct ip_prefix *p = &addr[k];

		if (p->addr.family == 6 && ip_is_link_local(&p->addr))
			continue;
		own_add(out, &p->addr, p->addr.family == 4 ? 32 : 128, local);
		own_add(out, &p->addr, p->depth, connected);
		broadcast_add(out, p, local);
	}
	own_sort(out);
	return 0;
}

static int link_local_update(struct txn *t, struct vrf *v, struct fault *f)
{
	static const struct ip_prefix all = {{6, {0xfe, 0x80}}, 10};
	struct rib_entry key = rib_key(&all, RIB_OWN);
	bool is = rib_get(&v->routes->rib, &key) != NULL, want = v->nifaces > 0;
	uint32_t was;

	if (is == want)
		return 0;
	return route_change(t, v->routes, &key, NULL, want ? route_own_value(NEXTHOP_LOCAL, 0) : 0, &was, f);
}

int route_iface_update(struct txn *t, struct iface *i, const struct ip_prefix *before, uint16_t nbefore,
		       struct fault *f)
{
	struct own old = {0}, new = {0};
	size_t a = 0, b = 0;
	uint32_t was;
	int rc = own_list(i, before, nbefore, &old);

	if (rc == 0)
		rc = own_list(i, i->addr, i->deleted ? 0 : i->naddrs, &new);
	if (rc < 0)
		fault_set(f, rc, NULL, NULL, NULL, "no memory for the addresses of interface %s", i->name);
	while (rc == 0 && (a < old.n || b < new.n)) {
		int order = a == old.n ? 1 : b == new.n ? -1 : by_order(&old.e[a], &new.e[b]);

		if (a < old.n && b < new.n &&rib_same_prefix(&old.e[a], &new.e[b]) && order != 0) {
			a++; // its value changes
			continue;
		}
		if (order < 0)
			rc = route_change(t, i->vrf->routes, &old.e[a], NULL, 0, &was, f);
		else if (order > 0 || i->vrf->routes == NULL)
			rc = route_change(t, i->vrf->routes, &new.e[b], NULL, new.e[b].value, &was, f);
		a += order <= 0;
		b += order >= 0;
	}
	free(old.e);
	free(new.e);
	via_mark_named(i->vrf);
	return rc < 0 ? rc : link_local_update(t, i->vrf, f);
}

void route_own_use(struct iface *i, const struct ip_addr *a, bool use)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};
	struct rib_entry key = rib_key(&p, RIB_OWN);
	uint32_t local = route_own_value(NEXTHOP_LOCAL, i->id);

	if (a->family == 6 && ip_is_link_local(a))
		return;
	if (use && route_put_now(i->vrf->routes, &key, NULL, local) < 0)
		LOG(ERR, "interface %s: no memory for the route of an address", i->name);
	else if (!use)
		route_del_now(i->vrf->routes, &key);
}

const struct iface *route_own_overlap(const struct iface *i, const struct ip_prefix *p)
{
	const struct rib *r = &i->vrf->routes->rib;
	struct ip_prefix masked = *p;
	struct rib_entry key, own;
	const struct rib_entry *e;

	ip_mask(&masked);
	key = rib_key(&masked, RIB_OWN);
	for (int d = key.depth; d >= 0; d--) {
		masked.depth = (uint8_t)d;
		ip_mask(&masked);
		own = rib_key(&masked, RIB_OWN);
		e = r->depth[key.family == 6][d] ? rib_get(r, &own) : NULL;
		if (e && (uint16_t)e->value && route_own_iface(e->value) != i)
			return route_own_iface(e->value);
	}
	for (e = rib_after(r, &key); e && rib_covers(&key, e); e = rib_after(r, e))
		if (e->source == RIB_OWN && (uint16_t)e->value && route_own_iface(e->value) != i)
			return route_own_iface(e->value);
	return NULL;
}

// Hosts.

static struct rib_entry host_key(const struct ip_addr *a)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};

	return rib_key(&p, RIB_HOST);
}

int route_host_set(struct vrf *v, const struct ip_addr *a, uint32_t number)
{
	struct rib_entry key = host_key(a);

	return route_put_now(v->routes, &key, NULL, number);
}

void route_host_del(struct vrf *v, const struct ip_addr *a)
{
	struct rib_entry key = host_key(a);

	route_del_now(v->routes, &key);
}

// Linux.

int route_linux_set(struct vrf *v, const struct ip_prefix *p, const struct route_via *via, unsigned int n)
{
	static struct hops_spec spec;
	struct rib_entry key = rib_key(p, RIB_LINUX);
	struct hops *h;
	int rc;

	spec.kind = n ? HOPS_VIA : HOPS_DROP;
	spec.n = n < HOPS_MAX ? n : HOPS_MAX;
	for (unsigned int k = 0; k < spec.n; k++) {
		memset(&spec.hop[k], 0, sizeof(spec.hop[k]));
		memcpy(spec.hop[k].iface, via[k].iface->name, sizeof(spec.hop[k].iface));
		spec.hop[k].addr = via[k].gateway;
		spec.hop[k].weight = via[k].weight;
	}
	h = hops_get(v->routes, &spec);
	if (!h)
		return -ENOMEM;
	rc = route_put_now(v->routes, &key, h, 0);
	hops_release(h);
	return rc;
}

void route_linux_del(struct vrf *v, const struct ip_prefix *p)
{
	struct rib_entry key = rib_key(p, RIB_LINUX);

	route_del_now(v->routes, &key);
}
