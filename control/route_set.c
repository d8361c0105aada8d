/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define SLICE 512 // routes

static struct names sets;

// Where a snapshot is: the next entry is the one behind `at` of the set that is called `name`.
static struct {
	char name[HOP_NAME_LEN];
	struct rib_entry at;
	bool inside; // `at` holds; else the set's first
	bool done;
} cursor;

const struct names *route_sets(void)
{
	return &sets;
}

struct route_set *route_set_get(const char *vrf, bool make)
{
	struct route_set *s = names_find(&sets, vrf);

	if (s || !make)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s || names_reserve(&sets) < 0) {
		free(s);
		return NULL;
	}
	memcpy(s->name, vrf, strlen(vrf) + 1);
	names_add(&sets, s);
	return s;
}

void route_set_drop(struct route_set *s)
{
	if (s->rib.count || s->vrf)
		return;
	names_del(&sets, s);
	rib_clear(&s->rib);
	free(s);
}

static void count(struct hops *h, const struct rib_entry *key, int n)
{
	if (!h || key->source != RIB_STATIC)
		return;
	h->statics += n;
	h->set->nstatic += n;
}

int route_set_put(struct route_set *s, const struct rib_entry *key, struct hops *h, struct hops **old)
{
	struct rib_entry e = *key;
	uint32_t before;
	int rc;

	e.value = h->id;
	*old = NULL;
	rc = rib_put(&s->rib, &e, &before);
	if (rc < 0)
		return rc;
	if (before)
		*old = hops_at(before);
	hops_hold(h);
	count(h, key, 1);
	count(*old, key, -1);
	return rc;
}

void route_set_del(struct route_set *s, const struct rib_entry *key, struct hops **old)
{
	uint32_t before = rib_del(&s->rib, key);

	*old = before ? hops_at(before) : NULL;
	count(*old, key, -1);
}

// Loading.

static int load_one(struct route_set *s, const json_t *prefix, struct hops *h, struct fault *f)
{
	struct rib_entry key;
	struct ip_prefix p;
	struct hops *old = NULL;
	int rc;

	if (!json_is_string(prefix))
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "a route of the state file has no prefix");
	// As its bits were cleared when it was taken in with "strict": false.
	rc = ip_prefix_parse(json_string_value(prefix), "prefix", false, &p, f);
	if (rc < 0)
		return rc;
	key = rib_key(&p, RIB_STATIC);
	if (!h)
		route_set_del(s, &key, &old);
	else if (route_set_put(s, &key, h, &old) < 0)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the routes of VRF %s", s->name);
	hops_release(old);
	return 0;
}

// via NULL: they are deleted.
static int load_prefixes(struct route_set *s, const json_t *prefixes, const json_t *via, struct fault *f)
{
	static struct hops_spec spec;
	struct hops *h = NULL;
	const json_t *prefix;
	size_t i;
	int rc = via ? hops_parse(via, 0, &spec, f) : 0;

	if (rc < 0)
		return rc;
	if (via)
		h = hops_get(s, &spec);
	if (via && !h)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the routes of VRF %s", s->name);
	json_array_foreach (prefixes, i, prefix) {
		rc = load_one(s, prefix, h, f);
		if (rc < 0)
			break;
	}
	hops_release(h);
	return rc;
}

static int load_routes(struct route_set *s, const json_t *routes, struct fault *f)
{
	static struct hops_spec spec;
	const json_t *route, *last = NULL;
	struct hops *h = NULL;
	size_t i;
	int rc = 0;

	json_array_foreach (routes, i, route) {
		const json_t *via = json_object_get(route, "via");

		if (!last || !json_equal(via, last)) {
			rc = hops_parse(via, i, &spec, f);
			if (rc < 0)
				break;
			hops_release(h);
			h = hops_get(s, &spec);
			last = via;
		}
		rc = h ? load_one(s, json_object_get(route, "prefix"), h, f)
		       : fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the routes of VRF %s", s->name);
		if (rc < 0)
			break;
	}
	hops_release(h);
	return rc;
}

static void del_all(struct route_set *s)
{
	const struct rib_entry *e = rib_after(&s->rib, NULL);

	while (e) {
		struct rib_entry key = *e;
		struct hops *old = NULL;

		if (key.source == RIB_STATIC)
			route_set_del(s, &key, &old);
		hops_release(old);
		e = rib_after(&s->rib, &key);
	}
}

static int load(bool put, const char *key, const json_t *object, struct fault *f)
{
	const json_t *routes = json_object_get(object, "routes"), *prefixes = json_object_get(object, "prefixes");
	struct route_set *s = strlen(key) < HOP_NAME_LEN ? route_set_get(key, true) : NULL;
	int rc;

	if (!s)
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "the state file has routes of a VRF %.40s", key);
	if (put && routes)
		rc = load_routes(s, routes, f);
	else if (!put && json_is_true(json_object_get(object, "all")))
		rc = (del_all(s), 0);
	else if (json_is_array(prefixes) && !put == !json_object_get(object, "via"))
		rc = load_prefixes(s, prefixes, json_object_get(object, "via"), f);
	else
		rc = fault_set(f, -EINVAL, NULL, NULL, NULL, "the state file has an unknown change of routes");
	return rc;
}

// Snapshots.

static void begin(void)
{
	memset(&cursor, 0, sizeof(cursor));
}

// The part of a slice that goes one way, as one object.
static int write_way(const struct route_set *s, struct rib_entry *e, size_t n, store_write_fn write, void *arg)
{
	json_t *prefixes = json_array(), *object;
	char text[IP_TEXT_LEN];
	struct ip_prefix p;
	int rc;

	for (size_t i = 0; i < n; i++) {
		rib_prefix(&e[i], &p);
		json_array_append_new(prefixes, json_string(ip_prefix_text(&p, text)));
	}
	object = json_pack("{s:O, s:o}", "via", hops_json(hops_at(e[0].value)), "prefixes", prefixes);
	rc = object ? write(s->name, object, arg) : -ENOMEM;
	json_decref(object);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = ((const struct rib_entry *)a)->value, y = ((const struct rib_entry *)b)->value;

	return x < y ? -1 : x > y;
}

static int slice(store_write_fn write, void *arg)
{
	struct rib_entry part[SLICE];
	const struct rib_entry *e = NULL;
	const struct route_set *s;
	uint32_t i = names_after(&sets, cursor.name);
	size_t n = 0, from;
	int rc = 0;

	// The set that the cursor is in is the one before, if it is still there.
	s = cursor.inside ? names_find(&sets, cursor.name) : NULL;
	if (!s) {
		if (i == sets.n)
			return 0;
		s = sets.at[i];
		memcpy(cursor.name, s->name, sizeof(cursor.name));
		cursor.inside = true;
		e = rib_after(&s->rib, NULL);
	} else {
		e = rib_after(&s->rib, &cursor.at);
	}
	for (; e && n < SLICE; e = rib_after(&s->rib, &cursor.at)) {
		cursor.at = *e;
		if (e->source == RIB_STATIC)
			part[n++] = *e;
	}
	if (!e)
		cursor.inside = false;
	qsort(part, n, sizeof(part[0]), by_value);
	for (from = 0, i = 1; from < n && rc == 0; i++)
		if (i == n || part[i].value != part[from].value) {
			rc = write_way(s, &part[from], i - from, write, arg);
			from = i;
		}
	return rc < 0 ? rc : 1;
}

static json_t *set_object(const struct route_set *s)
{
	json_t *routes = json_array();
	char text[IP_TEXT_LEN];
	struct ip_prefix p;

	for (const struct rib_entry *e = rib_after(&s->rib, NULL); e; e = rib_after(&s->rib, e)) {
		if (e->source != RIB_STATIC)
			continue;
		rib_prefix(e, &p);
		json_array_append_new(routes, json_pack("{s:s, s:O}", "prefix", ip_prefix_text(&p, text), "via",
							hops_json(hops_at(e->value))));
	}
	return json_pack("{s:s, s:o}", "vrf", s->name, "routes", routes);
}

json_t *route_set_objects(void)
{
	json_t *map = json_object();

	for (uint32_t i = 0; i < sets.n && map; i++) {
		const struct route_set *s = sets.at[i];

		if (s->nstatic)
			json_object_set_new(map, s->name, set_object(s));
	}
	return map;
}

static void clear(void)
{
	while (sets.n) {
		struct route_set *s = sets.at[sets.n - 1];
		const struct rib_entry *e;
		struct rib_entry key;
		struct hops *old;

		while ((e = rib_after(&s->rib, NULL))) {
			key = *e;
			route_set_del(s, &key, &old);
			hops_release(old);
		}
		s->vrf = NULL;
		route_set_drop(s);
	}
	names_free(&sets);
}

static const struct store_table table = {"route", load, begin, slice, clear};

__attribute__((constructor)) static void table_register(void)
{
	store_table_register(&table);
}
