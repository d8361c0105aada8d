/* SPDX-License-Identifier: BSD-3-Clause */
// Where gateways are to be found, by the routes as they are now.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "route.h"
#include "rpc.h"

#define STEPS_MAX 4096 // of one check: groups of groups of groups

static const char too_many[] = "the address is found through too many other routes";
static const char endless[] = "the route leads to itself, or through more than 8 others";

static bool on_link(const struct iface *i, const struct ip_addr *a)
{
	if (a->family == 6 && ip_is_link_local(a))
		return i->port || i->bridge;
	for (uint16_t k = 0; k < i->naddrs; k++)
		if (ip_in(a, &i->addr[k]))
			return true;
	return false;
}

static void find_named(const struct vrf *v, const struct hop *hop, struct place *out)
{
	struct iface *i = names_find(iface_names(), hop->iface);

	out->missing = i == NULL;
	if (!i)
		out->why = "there is no such interface";
	else if (i->vrf != v)
		out->why = "the interface is in another VRF";
	else if (!i->port && !i->bridge)
		out->why = "nothing is behind a loopback interface";
	else if (hop->addr.family && !on_link(i, &hop->addr))
		out->why = "the address is in no prefix of the interface";
	else if (hop->addr.family && iface_owns(i, &hop->addr))
		out->why = "the address is our own";
	else
		out->iface = i;
}

// The longest prefix that is not a neighbour's own route decides. A default route leads to no gateway: whatever address
// would be right then.
static void find_any(const struct vrf *v, const struct ip_addr *a, struct place *out)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};
	struct rib_entry key = rib_key(&p, RIB_OWN);
	const struct rib_entry *e = rib_match(&v->routes->rib, &key, p.depth);

	while (e && e->source == RIB_HOST && e->depth > 0)
		e = rib_match(&v->routes->rib, &key, (uint8_t)(e->depth - 1));
	if (a->family == 6 && ip_is_link_local(a))
		out->why = "a link-local address needs an interface";
	else if (!e || e->depth == 0)
		out->why = "the address is in no connected prefix and no route leads to it";
	else if (e->source != RIB_OWN)
		out->hops = hops_at(e->value);
	else if (route_own_kind(e->value) != NEXTHOP_CONNECTED)
		out->why = "the address is our own, or a broadcast address";
	else
		out->iface = route_own_iface(e->value);
}

struct place route_find(const struct vrf *v, const struct hop *hop)
{
	struct place p = {0};

	if (hop->iface[0])
		find_named(v, hop, &p);
	else
		find_any(v, &hop->addr, &p);
	return p;
}

const char *route_dead_end(const struct hops *h, const struct vrf *v, unsigned int depth, unsigned int *steps,
			   uint32_t *k, bool *missing)
{
	uint32_t deeper;

	for (*k = 0; *k < h->n; (*k)++) {
		struct place p = route_find(v, &h->hop[*k]);
		const char *why = p.why;

		*missing = p.missing;
		if (++*steps > STEPS_MAX)
			return too_many;
		if (!p.iface && !why && depth == RECURSION_MAX)
			return endless;
		if (!p.iface && !why)
			why = route_dead_end(p.hops, v, depth + 1, steps, &deeper, missing);
		if (why)
			return why;
	}
	return NULL;
}

bool route_ends(const char *why)
{
	return why != too_many && why != endless;
}

int via_check(const struct hops *h, struct vrf *v, size_t i, struct fault *f)
{
	char field[64], text[IP_TEXT_LEN];
	unsigned int steps = 0;
	bool missing = false;
	uint32_t k;
	const char *why = route_dead_end(h, v, 0, &steps, &k, &missing);

	if (!why)
		return 0;
	snprintf(field, sizeof(field), "routes[%zu].via[%u].%s", i, k,
		 missing || !h->hop[k].addr.family ? "iface" : "address");
	return fault_str(f, missing ? -ENOENT : -EINVAL, field,
			 missing || !h->hop[k].addr.family ? h->hop[k].iface : ip_text(&h->hop[k].addr, text),
			 "a neighbour on a connected prefix, or an address that another route leads to", "%s", why);
}
