/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_via.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "garbage.h"
#include "route.h"
#include "route_group.h"

static struct gateway **gateways; // by id, 0 unused
static uint32_t ngateways, gateways_cap;
static TAILQ_HEAD(gateway_list, gateway) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static bool any_moved;
uint32_t via_round = 1;

static void wait_add(struct gateway *g)
{
	if (!g->waiting)
		TAILQ_INSERT_TAIL(&waiting, g, wait_link);
	g->waiting = true;
}

// Gateways.

static uint32_t seed_of(const struct gateway *g)
{
	uint32_t h = 2166136261u;

	for (unsigned int i = 0; i < sizeof(g->addr.bytes); i++)
		h = (h ^ g->addr.bytes[i]) * 16777619u;
	for (const char *c = g->iface ? g->iface->name : ""; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	return h;
}

static void via_update(struct via *v);

static struct rib_entry index_key(const struct ip_addr *a)
{
	struct ip_prefix p = {*a, a->family == 4 ? 32 : 128};

	return rib_key(&p, RIB_OWN);
}

static struct gateway *gateway_find(const struct vrf *v, const struct hop *hop)
{
	struct rib_entry key = index_key(&hop->addr);
	const struct rib_entry *e;
	struct gateway *g;

	if (!hop->iface[0]) {
		e = rib_get(&v->gateways, &key);
		return e ? gateways[e->value] : NULL;
	}
	LIST_FOREACH (g, &v->named, named_link) {
		if (ip_equal(&g->addr, &hop->addr) && strcmp(g->name, hop->iface) == 0)
			return g;
	}
	return NULL;
}

static int id_alloc(struct gateway *g)
{
	uint32_t cap = gateways_cap ? 2 * gateways_cap : 64;
	struct gateway **grown;

	if (ngateways + 1 >= gateways_cap) {
		grown = realloc(gateways, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		gateways = grown;
		gateways_cap = cap;
	}
	g->id = ++ngateways;
	gateways[g->id] = g;
	return 0;
}

// Its id goes to the last one, so that the array stays dense.
static void id_free(struct gateway *g)
{
	struct gateway *last = gateways[ngateways--];

	if (last != g) {
		last->id = g->id;
		gateways[last->id] = last;
		if (!last->name[0]) {
			struct rib_entry e = index_key(&last->addr);
			uint32_t old;

			e.value = last->id;
			rib_put(&last->vrf->gateways, &e, &old); // is there: needs no memory
		}
	}
	if (ngateways)
		return;
	free(gateways);
	gateways = NULL;
	gateways_cap = 0;
}

static struct gateway *gateway_get(struct vrf *v, const struct hop *hop)
{
	struct gateway *g = gateway_find(v, hop);
	struct rib_entry e;
	uint32_t old;

	if (g) {
		g->refs++;
		return g;
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct gateway){.vrf = v, .addr = hop->addr, .refs = 1, .why = "not looked up yet"};
	memcpy(g->name, hop->iface, sizeof(g->name));
	if (id_alloc(g) < 0) {
		free(g);
		return NULL;
	}
	if (g->name[0]) {
		LIST_INSERT_HEAD(&v->named, g, named_link);
	} else {
		e = index_key(&g->addr);
		e.value = g->id;
		if (rib_put(&v->gateways, &e, &old) < 0) {
			id_free(g);
			free(g);
			return NULL;
		}
	}
	wait_add(g);
	return g;
}

// What it was found to be is given back.
static void gateway_leave(struct gateway *g)
{
	struct hops *through = g->through;

	if (g->neigh)
		neigh_release(g->neigh);
	if (through)
		LIST_REMOVE(g, through_link);
	g->neigh = NULL;
	g->iface = NULL;
	g->through = NULL;
	hops_release(through);
}

// `to` takes its place; what it was is given back when nobody watches it any more.
static void gateway_move(struct gateway *g, const struct gateway *to)
{
	struct gateway before = *g;
	struct via_hop *user;

	if (g->through)
		LIST_REMOVE(g, through_link);
	g->iface = to->iface;
	g->neigh = to->neigh;
	g->through = to->through;
	g->why = to->why;
	if (g->through)
		LIST_INSERT_HEAD(&g->through->via->dependents, g, through_link);
	LIST_FOREACH (user, &g->users, user_link)
		via_update(user->via);
	if (before.neigh)
		neigh_release(before.neigh);
	hops_release(before.through);
}

static void gateway_put(struct gateway *g)
{
	struct rib_entry key;

	if (--g->refs)
		return;
	gateway_leave(g);
	if (g->waiting)
		TAILQ_REMOVE(&waiting, g, wait_link);
	if (g->name[0]) {
		LIST_REMOVE(g, named_link);
	} else {
		key = index_key(&g->addr);
		rib_del(&g->vrf->gateways, &key);
	}
	id_free(g);
	free(g);
}

// Leaves.

static void on_alive(void *arg, bool alive);

static void leaves_free(struct leaf *leaf, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		nexthop_unwatch(leaf[i].watch);
	free(leaf);
}

// Adds a leaf, or to the share of the same one.
static void leaf_add(struct via *v, uint32_t number, uint32_t seed, double share)
{
	for (uint32_t i = 0; i < v->nleaves; i++)
		if (v->leaf[i].number == number) {
			v->leaf[i].share += share;
			return;
		}
	if (v->nleaves == LEAVES_MAX) {
		v->why = "there are more than 1024 neighbours behind it";
		return;
	}
	v->leaf[v->nleaves++] = (struct leaf){.number = number, .seed = seed, .share = share, .via = v};
}

static void leaves_of(struct via *v, const struct gateway *g, double share)
{
	const struct via *other = g->through ? g->through->via : NULL;

	if (g->neigh)
		leaf_add(v, neigh_nexthop(g->neigh), seed_of(g), share);
	else if (g->iface)
		leaf_add(v, g->iface->connected, seed_of(g), share);
	else
		v->why = !other ? g->why : other->nleaves == 0 ? other->why : v->why;
	for (uint32_t i = 0; other && i < other->nleaves; i++)
		leaf_add(v, other->leaf[i].number, other->leaf[i].seed, share * other->leaf[i].share);
}

static uint32_t word_number(enum hops_kind kind)
{
	return kind == HOPS_DROP     ? NEXTHOP_NUMBER_DROP
	       : kind == HOPS_REJECT ? NEXTHOP_NUMBER_REJECT
				     : NEXTHOP_NUMBER_LOCAL;
}

static void leaves_build(struct via *v)
{
	uint64_t weights = 0;
	double sum = 0;

	v->why = NULL;
	for (uint32_t k = 0; k < v->hops->n; k++)
		weights += v->hops->hop[k].weight;
	if (v->hops->kind != HOPS_VIA)
		leaf_add(v, word_number(v->hops->kind), 0, 1);
	for (uint32_t k = 0; k < v->hops->n; k++)
		leaves_of(v, v->hop[k].gateway, (double)v->hops->hop[k].weight / (double)weights);
	// What leads nowhere leaves its share to the others.
	for (uint32_t i = 0; i < v->nleaves; i++)
		sum += v->leaf[i].share;
	for (uint32_t i = 0; i < v->nleaves; i++)
		v->leaf[i].share /= sum;
}

static bool leaves_same(const struct leaf *a, uint32_t na, const struct leaf *b, uint32_t nb)
{
	if (na != nb)
		return false;
	for (uint32_t i = 0; i < na; i++)
		if (a[i].number != b[i].number || a[i].share != b[i].share)
			return false;
	return true;
}

static bool is_alive(uint32_t number)
{
	const struct nexthop *nh = nexthop_at(number);

	return nh && nh->kind != NEXTHOP_UNRESOLVED;
}

static void group_publish(struct via *v)
{
	struct nexthop *nh = garbage_alloc(sizeof(*nh) + v->nslots * sizeof(nh->slot[0]));
	bool alive[LEAVES_MAX];
	double share[LEAVES_MAX];
	uint32_t seed[LEAVES_MAX];

	for (uint32_t i = 0; i < v->nleaves; i++) {
		alive[i] = v->leaf[i].alive;
		share[i] = v->leaf[i].share;
		seed[i] = v->leaf[i].seed;
	}
	*nh = (struct nexthop){.kind = NEXTHOP_GROUP, .nslots = v->nslots};
	for (uint32_t s = 0; s < v->nslots; s++)
		nh->slot[s] = v->leaf[group_owner(s, v->home[s], v->nleaves, alive, share, seed)].number;
	nexthop_set(v->own, nh);
}

static void on_alive(void *arg, bool alive)
{
	struct leaf *l = arg;
	struct via *v = l->via;

	l->alive = alive;
	if (v->number == v->own && v->nslots > 1)
		group_publish(v);
}

static void number_set(struct via *v, uint32_t number)
{
	if (v->number && v->number != number) {
		v->moved = v->vrf->moved = via_round;
		any_moved = true;
	}
	v->number = number;
}

static void group_make(struct via *v)
{
	double share[LEAVES_MAX];
	uint32_t seed[LEAVES_MAX];

	v->nslots = group_slots(v->nleaves);
	free(v->home);
	v->home = garbage_alloc(v->nslots * sizeof(*v->home));
	for (uint32_t i = 0; i < v->nleaves; i++) {
		share[i] = v->leaf[i].share;
		seed[i] = v->leaf[i].seed;
	}
	group_homes(v->nleaves, share, seed, v->nslots, v->home);
	group_publish(v);
}

static void contents_make(struct via *v)
{
	bool plain = v->hops->kind != HOPS_VIA || (v->hops->n == 1 && v->hop[0].gateway->iface);

	if (plain) {
		number_set(v, v->leaf[0].number);
		return;
	}
	if (!v->own && nexthop_alloc(&v->own) < 0) {
		v->why = "no next hop number is left";
		number_set(v, NEXTHOP_NUMBER_DROP);
		return;
	}
	if (v->nleaves)
		group_make(v);
	else
		nexthop_set(v->own, NULL);
	number_set(v, v->own);
}

// What is behind its gateways changed, or may have.
static void via_update(struct via *v)
{
	struct leaf *before = v->leaf;
	uint32_t nbefore = v->nleaves;
	struct gateway *g;
	struct via_hop *user;

	if (v->updating)
		return;
	v->leaf = garbage_alloc(LEAVES_MAX * sizeof(*v->leaf));
	v->nleaves = 0;
	leaves_build(v);
	if (v->number && leaves_same(before, nbefore, v->leaf, v->nleaves)) {
		free(v->leaf);
		v->leaf = before;
		return;
	}
	v->leaf = realloc(v->leaf, (v->nleaves + 1) * sizeof(*v->leaf)) ?: v->leaf;
	for (uint32_t i = 0; i < v->nleaves; i++) {
		v->leaf[i].alive = is_alive(v->leaf[i].number);
		v->leaf[i].watch = nexthop_watch(v->leaf[i].number, on_alive, &v->leaf[i]);
	}
	contents_make(v);
	leaves_free(before, nbefore);
	v->updating = true;
	LIST_FOREACH (g, &v->dependents, through_link)
		LIST_FOREACH (user, &g->users, user_link)
			via_update(user->via);
	v->updating = false;
}

static void gateway_find_anew(struct gateway *g)
{
	struct hop hop = {.addr = g->addr};
	struct gateway to = {0};
	unsigned int steps = 0;
	struct place p;
	bool missing;
	uint32_t k;

	memcpy(hop.iface, g->name, sizeof(hop.iface));
	p = route_find(g->vrf, &hop);
	if (p.hops)
		p.why = route_dead_end(p.hops, g->vrf, 1, &steps, &k, &missing);
	// A way that ends further on is watched: it may be opened there.
	if (p.hops && route_ends(p.why))
		p.why = NULL;
	if (p.why)
		p.hops = NULL;
	if (!p.why && p.iface == g->iface && p.hops == g->through)
		return;
	if (p.hops)
		hops_hold(p.hops);
	if (p.hops && via_make(p.hops) < 0) {
		hops_release(p.hops);
		p = (struct place){.why = "no memory"};
	}
	if (p.iface && g->addr.family && neigh_hold(p.iface, &g->addr, &to.neigh) < 0)
		p = (struct place){.why = "the interface has no room for another neighbour"};
	to.iface = p.iface;
	to.through = p.hops;
	to.why = p.why;
	gateway_move(g, &to);
}

// Vias.

static void via_free(struct via *v)
{
	leaves_free(v->leaf, v->nleaves);
	for (uint32_t k = 0; k < v->hops->n && v->hop[k].gateway; k++) {
		LIST_REMOVE(&v->hop[k], user_link);
		gateway_put(v->hop[k].gateway);
	}
	if (v->own)
		nexthop_free(v->own);
	free(v->home);
	free(v);
}

int via_make(struct hops *h)
{
	struct via *v;

	if (h->via)
		return 0;
	v = calloc(1, sizeof(*v) + h->n * sizeof(v->hop[0]));
	if (!v)
		return -ENOMEM;
	hops_via_free = via_free;
	v->hops = h;
	v->vrf = h->set->vrf;
	for (uint32_t k = 0; k < h->n; k++) {
		v->hop[k].via = v;
		v->hop[k].gateway = gateway_get(v->vrf, &h->hop[k]);
		if (!v->hop[k].gateway) {
			via_free(v);
			return -ENOMEM;
		}
		LIST_INSERT_HEAD(&v->hop[k].gateway->users, &v->hop[k], user_link);
	}
	h->via = v;
	// Those that are new are looked up at once: nobody sees them yet.
	for (uint32_t k = 0; k < h->n; k++)
		if (v->hop[k].gateway->waiting && v->hop[k].gateway->refs == 1) {
			TAILQ_REMOVE(&waiting, v->hop[k].gateway, wait_link);
			v->hop[k].gateway->waiting = false;
			gateway_find_anew(v->hop[k].gateway);
		}
	via_update(v);
	return 0;
}

uint32_t via_number(const struct hops *h)
{
	return h->via->number;
}

const struct gateway *via_gateway(const struct hops *h, uint32_t k)
{
	return h->via ? h->via->hop[k].gateway : NULL;
}

void via_mark(struct vrf *v, const struct rib_entry *key)
{
	struct rib_entry at = *key;
	const struct rib_entry *e;

	if (!v->gateways.count)
		return;
	at.depth = 0; // before every address from the prefix's first on
	for (e = rib_after(&v->gateways, &at); e && rib_covers(key, e); e = rib_after(&v->gateways, e))
		wait_add(gateways[e->value]);
}

void via_mark_named(struct vrf *v)
{
	struct gateway *g;

	LIST_FOREACH (g, &v->named, named_link)
		wait_add(g);
}

bool via_names_iface(const struct iface *i)
{
	const struct gateway *g;
	const struct via_hop *user;

	LIST_FOREACH (g, &i->vrf->named, named_link) {
		if (strcmp(g->name, i->name) != 0)
			continue;
		LIST_FOREACH (user, &g->users, user_link) {
			if (user->via->hops->statics)
				return true;
		}
	}
	return false;
}

void via_settle(void)
{
	struct gateway *g;

	while ((g = TAILQ_FIRST(&waiting))) {
		TAILQ_REMOVE(&waiting, g, wait_link);
		g->waiting = false;
		gateway_find_anew(g);
	}
	if (any_moved)
		route_reinstall();
	any_moved = false;
	via_round++;
}

static void destroy_leaves(struct hops *h)
{
	if (!h->via)
		return;
	leaves_free(h->via->leaf, h->via->nleaves);
	h->via->leaf = NULL;
	h->via->nleaves = 0;
}

static void destroy_via(struct hops *h)
{
	if (h->via)
		via_free(h->via);
	h->via = NULL;
}

// Nobody watches a neighbour, then nobody holds it, then nobody names it.
void via_destroy(void)
{
	hops_each(destroy_leaves);
	for (uint32_t id = 1; id <= ngateways; id++)
		gateway_leave(gateways[id]);
	hops_each(destroy_via);
}
