/* SPDX-License-Identifier: BSD-3-Clause */
#include "linux_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>

#include "host_tap.h"

#define BUCKETS_MIN 1024
#define NH_BUCKETS 4096

// One of Linux' routes of a prefix.
struct variant {
	LIST_ENTRY(variant) link; // lowest metric first
	uint32_t metric, nexthop;
	enum linux_kind kind;
	uint32_t round;
	unsigned int nhops;
	struct linux_hop hop[];
};

struct entry {
	LIST_ENTRY(entry) link;
	struct ip_prefix prefix;
	LIST_HEAD(, variant) variants;
	bool installed;
	uint16_t nvia;
	struct route_via *via; // as handed to route.c
};

struct nh_object {
	LIST_ENTRY(nh_object) link;
	uint32_t round;
	struct linux_nexthop_msg msg; // members cut to what there is
};

LIST_HEAD(entries, entry);
LIST_HEAD(nh_objects, nh_object);

struct linux_table {
	struct vrf *vrf;
	char netns[HOST_NETNS_LEN];
	uint32_t round, nbuckets;
	struct entries *bucket; // [nbuckets]
	struct nh_objects nh[NH_BUCKETS];
	bool unsettled;
	struct linux_table_stats stats;
};

int linux_table_create(struct linux_table **out, struct vrf *v, const char *netns)
{
	struct linux_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->vrf = v;
	snprintf(t->netns, sizeof(t->netns), "%s", netns);
	t->nbuckets = BUCKETS_MIN;
	t->bucket = calloc(t->nbuckets, sizeof(*t->bucket));
	if (!t->bucket) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

static uint32_t slot_of(const struct ip_prefix *p, uint32_t nbuckets)
{
	return rte_jhash(p->addr.bytes, sizeof(p->addr.bytes), p->depth) & (nbuckets - 1);
}

static struct entry *find(const struct linux_table *t, const struct ip_prefix *p)
{
	struct entry *e;

	LIST_FOREACH (e, &t->bucket[slot_of(p, t->nbuckets)], link)
		if (e->prefix.depth == p->depth && ip_equal(&e->prefix.addr, &p->addr))
			return e;
	return NULL;
}

// Without memory the chains just get longer.
static void grow(struct linux_table *t)
{
	uint32_t n = 2 * t->nbuckets;
	struct entries *bucket = calloc(n, sizeof(*bucket));
	struct entry *e;

	if (!bucket)
		return;
	for (uint32_t b = 0; b < t->nbuckets; b++) {
		while ((e = LIST_FIRST(&t->bucket[b]))) {
			LIST_REMOVE(e, link);
			LIST_INSERT_HEAD(&bucket[slot_of(&e->prefix, n)], e, link);
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->nbuckets = n;
}

// Next hop objects.

static struct nh_object *object_find(const struct linux_table *t, uint32_t id)
{
	struct nh_object *o;

	LIST_FOREACH (o, &t->nh[id % NH_BUCKETS], link)
		if (o->msg.id == id)
			return o;
	return NULL;
}

static void object_free(struct linux_table *t, struct nh_object *o)
{
	LIST_REMOVE(o, link);
	free(o);
	t->stats.nexthops--;
	t->unsettled = true;
}

static size_t object_size(const struct linux_nexthop_msg *m)
{
	return offsetof(struct nh_object, msg.member) + m->nmembers * sizeof(m->member[0]);
}

void linux_table_nexthop(struct linux_table *t, const struct linux_nexthop_msg *m)
{
	const size_t used = object_size(m) - offsetof(struct nh_object, msg);
	struct nh_object *o = object_find(t, m->id);

	if (o && m->add && o->msg.nmembers == m->nmembers && memcmp(&o->msg, m, used) == 0) {
		o->round = t->round;
		return;
	}
	if (o)
		object_free(t, o);
	if (!m->add)
		return;
	o = calloc(1, object_size(m));
	if (!o)
		return; // routes by it go where their own messages said
	memcpy(&o->msg, m, used);
	o->round = t->round;
	LIST_INSERT_HEAD(&t->nh[m->id % NH_BUCKETS], o, link);
	t->stats.nexthops++;
	t->unsettled = true;
}

// Where routes go.

static void via_add(const struct linux_table *t, const struct linux_hop *hop, uint16_t weight, struct route_via *via,
		    unsigned int *n)
{
	struct iface *i = host_iface_of(t->netns, hop->ifindex);

	if (!i || i->vrf != t->vrf || i->deleted || *n == LINUX_HOPS_MAX)
		return;
	memset(&via[*n], 0, sizeof(via[*n])); // compared by memcmp()
	via[*n].iface = i;
	via[*n].gateway = hop->gateway;
	via[*n].weight = weight;
	++*n;
}

// The ways of a next hop object. Whether there is one, with *nowhere if it leads there.
static bool via_object(const struct linux_table *t, uint32_t id, struct route_via *via, unsigned int *n, bool *nowhere)
{
	const struct nh_object *o = id ? object_find(t, id) : NULL, *member;

	if (!o)
		return false;
	*nowhere = o->msg.blackhole;
	if (o->msg.nmembers == 0 && !o->msg.blackhole)
		via_add(t, &o->msg.hop, 1, via, n);
	for (unsigned int k = 0; k < o->msg.nmembers; k++) {
		member = object_find(t, o->msg.member[k].id);
		if (member && !member->msg.blackhole)
			via_add(t, &member->msg.hop, o->msg.member[k].weight, via, n);
	}
	return true;
}

static void uninstall(struct linux_table *t, struct entry *e)
{
	if (!e->installed)
		return;
	route_linux_del(t->vrf, &e->prefix);
	free(e->via);
	e->via = NULL;
	e->nvia = 0;
	e->installed = false;
	t->stats.installed--;
}

static void install(struct linux_table *t, struct entry *e, const struct route_via *via, unsigned int n)
{
	struct route_via *copy;

	if (e->installed && e->nvia == n && (n == 0 || memcmp(e->via, via, n * sizeof(*via)) == 0))
		return;
	copy = malloc(RTE_MAX(n, 1u) * sizeof(*copy));
	if (!copy || route_linux_set(t->vrf, &e->prefix, via, n) < 0) {
		free(copy);
		uninstall(t, e);
		t->stats.refused++;
		return;
	}
	memcpy(copy, via, n * sizeof(*copy));
	free(e->via);
	e->via = copy;
	e->nvia = (uint16_t)n;
	t->stats.installed += !e->installed;
	e->installed = true;
}

// Makes route.c have what the entry's best route says.
static void apply(struct linux_table *t, struct entry *e)
{
	const struct variant *best = LIST_FIRST(&e->variants);
	struct route_via via[LINUX_HOPS_MAX];
	bool nowhere = false;
	unsigned int n = 0;

	if (best && !via_object(t, best->nexthop, via, &n, &nowhere)) {
		nowhere = best->kind == LINUX_NOWHERE;
		for (unsigned int k = 0; k < best->nhops; k++)
			via_add(t, &best->hop[k], best->hop[k].weight, via, &n);
	}
	if (n > 0 || nowhere)
		install(t, e, via, nowhere ? 0 : n);
	else
		uninstall(t, e);
}

static void variant_free(struct linux_table *t, struct variant *v)
{
	LIST_REMOVE(v, link);
	free(v);
	t->stats.routes--;
}

static void entry_free(struct linux_table *t, struct entry *e)
{
	uninstall(t, e);
	LIST_REMOVE(e, link);
	free(e);
}

static struct entry *entry_make(struct linux_table *t, const struct ip_prefix *p)
{
	struct entry *e = find(t, p);

	if (e)
		return e;
	if (t->stats.routes > t->nbuckets)
		grow(t);
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->prefix = *p;
	LIST_INSERT_HEAD(&t->bucket[slot_of(p, t->nbuckets)], e, link);
	return e;
}

static struct variant *variant_find(const struct entry *e, uint32_t metric)
{
	struct variant *v;

	LIST_FOREACH (v, &e->variants, link)
		if (v->metric == metric)
			return v;
	return NULL;
}

static bool variant_same(const struct variant *v, const struct linux_route_msg *m)
{
	return v->kind == m->kind && v->nexthop == m->nexthop && v->nhops == m->nhops &&
	       memcmp(v->hop, m->hop, m->nhops * sizeof(m->hop[0])) == 0;
}

static void variant_insert(struct entry *e, struct variant *v)
{
	struct variant *after = NULL, *at;

	LIST_FOREACH (at, &e->variants, link)
		if (at->metric < v->metric)
			after = at;
	if (after)
		LIST_INSERT_AFTER(after, v, link);
	else
		LIST_INSERT_HEAD(&e->variants, v, link);
}

static void route_add(struct linux_table *t, const struct linux_route_msg *m)
{
	struct entry *e = entry_make(t, &m->prefix);
	struct variant *v = e ? variant_find(e, m->metric) : NULL;

	if (v && variant_same(v, m)) {
		v->round = t->round;
		return;
	}
	if (v)
		variant_free(t, v);
	v = e ? calloc(1, sizeof(*v) + m->nhops * sizeof(m->hop[0])) : NULL;
	if (!v) {
		t->stats.refused++;
		if (e && LIST_EMPTY(&e->variants))
			entry_free(t, e);
		return;
	}
	v->metric = m->metric;
	v->nexthop = m->nexthop;
	v->kind = m->kind;
	v->round = t->round;
	v->nhops = m->nhops;
	memcpy(v->hop, m->hop, m->nhops * sizeof(m->hop[0]));
	variant_insert(e, v);
	t->stats.routes++;
	apply(t, e);
}

int linux_table_route(struct linux_table *t, const struct linux_route_msg *m)
{
	struct variant *v;
	struct entry *e;

	if (m->add) {
		route_add(t, m);
		return 0;
	}
	e = find(t, &m->prefix);
	v = e ? variant_find(e, m->metric) : NULL;
	if (!v)
		return 0;
	// Of an IPv6 route of several hops, one may go with a message of its own.
	if (m->prefix.addr.family == 6 && m->nexthop == 0 && m->nhops < v->nhops)
		return -EAGAIN;
	variant_free(t, v);
	if (LIST_EMPTY(&e->variants))
		entry_free(t, e);
	else
		apply(t, e);
	return 0;
}

void linux_table_round(struct linux_table *t)
{
	t->round++;
}

// For each entry: forgets variants of earlier rounds (sweep), and applies what is left.
static void walk(struct linux_table *t, bool sweep, bool only_objects)
{
	struct entry *e, *next;
	struct variant *v, *next_v;

	for (uint32_t b = 0; b < t->nbuckets; b++) {
		for (e = LIST_FIRST(&t->bucket[b]); e; e = next) {
			next = LIST_NEXT(e, link);
			for (v = LIST_FIRST(&e->variants); sweep && v; v = next_v) {
				next_v = LIST_NEXT(v, link);
				if (v->round != t->round)
					variant_free(t, v);
			}
			v = LIST_FIRST(&e->variants);
			if (!v)
				entry_free(t, e);
			else if (!only_objects || v->nexthop)
				apply(t, e);
		}
	}
}

void linux_table_sweep(struct linux_table *t)
{
	struct nh_object *o, *next;

	for (uint32_t b = 0; b < NH_BUCKETS; b++) {
		for (o = LIST_FIRST(&t->nh[b]); o; o = next) {
			next = LIST_NEXT(o, link);
			if (o->round != t->round)
				object_free(t, o);
		}
	}
	t->unsettled = false;
	walk(t, true, false);
}

void linux_table_settle(struct linux_table *t)
{
	if (!t->unsettled)
		return;
	t->unsettled = false;
	walk(t, false, true);
}

void linux_table_refresh(struct linux_table *t)
{
	walk(t, false, false);
}

void linux_table_destroy(struct linux_table *t)
{
	if (!t)
		return;
	t->round++;
	linux_table_sweep(t);
	free(t->bucket);
	free(t);
}

void linux_table_stats(const struct linux_table *t, struct linux_table_stats *out)
{
	*out = t->stats;
}
