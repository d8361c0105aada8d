/* SPDX-License-Identifier: BSD-3-Clause */
// The configured routes: route.add, route.del, route.set, route.flush, and what is restored at start.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "route.h"
#include "rpc.h"

#define EVENT_PREFIXES 16

// What one method does to the routes of one VRF.
struct job {
	struct txn *t;
	struct vrf *vrf;
	struct route_set *set;
	bool lenient;       // host bits are cleared
	bool replace;       // routes that are there are replaced
	const json_t *last; // via of the route before, which came to...
	struct hops *hops;  // ...this, held
	json_t *event;      // prefixes for the notification
	bool distinct;      // no prefix is given twice, so the journal may have them in any order
	struct hops *noted; // ways that routes were added for, held
	struct hops **noted_end;
	size_t nnoted;
	uint32_t number;
	size_t added, replaced, removed;
};

static int job_begin(struct job *j, struct txn *t, const json_t *params, struct fault *f)
{
	const json_t *strict = json_object_get(params, "strict");
	static uint32_t number;
	int rc;

	*j = (struct job){
		.t = t, .lenient = json_is_false(strict), .replace = json_is_true(json_object_get(params, "replace"))};
	j->noted_end = &j->noted;
	j->number = ++number;
	rc = vrf_get("vrf", json_string_value(json_object_get(params, "vrf")), &j->vrf, f);
	if (rc == 0 && event_wanted("route"))
		j->event = json_array();
	if (rc == 0)
		j->set = j->vrf->routes;
	return rc;
}

static void event_done(void *arg)
{
	event_send("route", "changed", arg);
}

static void event_drop(void *arg)
{
	json_decref(arg);
}

// A way that element i goes, and for the journal the prefixes of each: a third of the text that a list of routes is.
static void note_route(struct job *j, const json_t *prefix, size_t i)
{
	struct hops *h = j->hops;

	if (h->job != j->number) {
		hops_hold(h);
		h->job = j->number;
		h->first = (uint32_t)i;
		h->noted = j->distinct ? json_array() : NULL;
		h->next_noted = NULL;
		*j->noted_end = h;
		j->noted_end = &h->next_noted;
		j->nnoted++;
	}
	if (h->noted)
		json_array_append(h->noted, (json_t *)(uintptr_t)prefix);
}

// Leaves to the journal what was added and replaced. `routes` NULL: nothing, there was a fault.
static void notes_end(struct job *j, json_t *routes)
{
	bool by_way = j->distinct && 2 * j->nnoted <= j->added + j->replaced;
	struct hops *h;

	if (routes && j->added + j->replaced && !by_way)
		txn_note(j->t, "put", "route", j->set->name, json_pack("{s:O}", "routes", routes));
	while ((h = j->noted)) {
		j->noted = h->next_noted;
		if (routes && by_way)
			txn_note(j->t, "put", "route", j->set->name,
				 json_pack("{s:O, s:O}", "via", hops_json(h), "prefixes", h->noted));
		json_decref(h->noted);
		h->noted = NULL;
		hops_release(h);
	}
}

static void job_end(struct job *j, int rc)
{
	json_t *data;

	hops_release(j->hops);
	if (rc == 0 && j->event && j->added + j->replaced + j->removed) {
		data = json_pack("{s:s, s:I, s:I, s:I, s:O}", "vrf", j->vrf->name, "added", (json_int_t)j->added,
				 "replaced", (json_int_t)j->replaced, "removed", (json_int_t)j->removed, "prefixes",
				 j->event);
		txn_done(j->t, event_done, event_drop, data);
	}
	json_decref(j->event);
}

static void event_prefix(struct job *j, const json_t *prefix)
{
	if (j->event && json_array_size(j->event) < EVENT_PREFIXES)
		json_array_append(j->event, (json_t *)(uintptr_t)prefix);
}

// The prefix of element i, as a key. `field` is formatted only when there is a fault: a hundred thousand come at once.
static int prefix_key(const struct job *j, const json_t *text, const char *list, size_t i, struct rib_entry *key,
		      struct fault *f)
{
	struct ip_prefix p;
	int rc = ip_prefix_parse(json_string_value(text), list[0] == 'r' ? "prefix" : "", !j->lenient, &p, f);

	if (rc == 0 && ip_is_multicast(&p.addr) && p.depth >= (p.addr.family == 4 ? 4 : 8))
		rc = fault_str(f, -EINVAL, list[0] == 'r' ? "prefix" : "", json_string_value(text), "a unicast prefix",
			       "multicast is not routed");
	if (rc < 0)
		rpc_fault_prefix(f, "%s[%zu]", list, i);
	else
		*key = rib_key(&p, RIB_STATIC);
	return rc;
}

// The way of element i; most are that of the element before.
static int job_hops(struct job *j, const json_t *via, size_t i, struct fault *f)
{
	static struct hops_spec spec;
	int rc;

	if (j->last && json_equal(via, j->last))
		return 0;
	rc = hops_parse(via, i, &spec, f);
	if (rc < 0)
		return rc;
	hops_release(j->hops);
	j->last = via;
	j->hops = hops_get(j->set, &spec);
	if (!j->hops)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for another next hop");
	if (j->hops->refs == 1 && hops_count() + nexthop_count() >= NEXTHOP_MAX)
		return fault_set(f, -ENOSPC, NULL, NULL, NULL, "all %u next hops are in use", NEXTHOP_MAX - 1);
	return 0;
}

static int add_one(struct job *j, const json_t *route, size_t i, struct fault *f)
{
	const json_t *prefix = json_object_get(route, "prefix");
	struct rib_entry key;
	uint32_t was;
	int rc = prefix_key(j, prefix, "routes", i, &key, f);

	if (rc == 0)
		rc = job_hops(j, json_object_get(route, "via"), i, f);
	if (rc == 0)
		rc = route_change(j->t, j->set, &key, j->hops, 0, &was, f);
	if (rc < 0)
		return rc;
	if (was && !j->replace) {
		fault_str(f, -EEXIST, "prefix", json_string_value(prefix),
			  "a prefix that the VRF has no route of, or \"replace\": true",
			  "VRF %s has a route of this prefix", j->vrf->name);
		rpc_fault_prefix(f, "routes[%zu]", i);
		return -EEXIST;
	}
	if (was == j->hops->id)
		return 0;
	if (was)
		j->replaced++;
	else
		j->added++;
	event_prefix(j, prefix);
	note_route(j, prefix, i);
	return 0;
}

// All ways of what was added must lead somewhere, by the routes as they are after all of it.
static int check_ways(struct job *j, struct fault *f)
{
	int rc = 0;

	// What a restart finds gone is kept, and shown as leading nowhere.
	if (j->t->replay)
		return 0;
	for (const struct hops *h = j->noted; h && rc == 0; h = h->next_noted)
		rc = via_check(h, j->vrf, h->first, f);
	return rc;
}

static int add_all(struct job *j, const json_t *routes, struct fault *f)
{
	const json_t *route;
	size_t i;
	int rc = 0;

	json_array_foreach (routes, i, route) {
		rc = add_one(j, route, i, f);
		if (rc < 0)
			return rc;
	}
	return check_ways(j, f);
}

int route_add(struct txn *t, const json_t *params, json_t **result, struct fault *f)
{
	json_t *routes = json_object_get(params, "routes");
	struct job j;
	int rc = job_begin(&j, t, params, f);

	if (rc < 0)
		return rc;
	j.distinct = !j.replace;
	rc = add_all(&j, routes, f);
	notes_end(&j, rc == 0 ? routes : NULL);
	if (rc == 0)
		*result = json_pack("{s:I, s:I}", "added", (json_int_t)j.added, "replaced", (json_int_t)j.replaced);
	job_end(&j, rc);
	return rc;
}

static int del_one(struct job *j, const json_t *prefix, size_t i, struct fault *f)
{
	struct rib_entry key;
	uint32_t was;
	int rc = prefix_key(j, prefix, "prefixes", i, &key, f);

	if (rc == 0)
		rc = route_change(j->t, j->set, &key, NULL, 0, &was, f);
	if (rc < 0)
		return rc;
	if (!was) {
		fault_str(f, -ENOENT, "", json_string_value(prefix), "the prefix of a configured route",
			  "VRF %s has no configured route of this prefix", j->vrf->name);
		rpc_fault_prefix(f, "prefixes[%zu]", i);
		return -ENOENT;
	}
	j->removed++;
	event_prefix(j, prefix);
	return 0;
}

int route_del(struct txn *t, const json_t *params, json_t **result, struct fault *f)
{
	json_t *prefixes = json_object_get(params, "prefixes");
	const json_t *prefix;
	struct job j;
	size_t i;
	int rc = job_begin(&j, t, params, f);

	if (rc < 0)
		return rc;
	json_array_foreach (prefixes, i, prefix) {
		rc = del_one(&j, prefix, i, f);
		if (rc < 0)
			break;
	}
	if (rc == 0 && j.removed)
		txn_note(t, "del", "route", j.set->name, json_pack("{s:O}", "prefixes", prefixes));
	if (rc == 0)
		*result = json_pack("{s:I}", "removed", (json_int_t)j.removed);
	job_end(&j, rc);
	return rc;
}

// Takes away the configured routes that `keep` does not have; their prefixes, as texts.
static int del_others(struct job *j, const struct rib *keep, json_t **prefixes, struct fault *f)
{
	const struct rib_entry *e = rib_after(&j->set->rib, NULL);
	char text[IP_TEXT_LEN];
	struct ip_prefix p;
	uint32_t was;
	int rc = 0;

	*prefixes = json_array();
	while (e && rc == 0) {
		struct rib_entry key = *e;

		if (key.source == RIB_STATIC && !rib_get(keep, &key)) {
			rib_prefix(&key, &p);
			json_array_append_new(*prefixes, json_string(ip_prefix_text(&p, text)));
			event_prefix(j, json_array_get(*prefixes, j->removed++));
			rc = route_change(j->t, j->set, &key, NULL, 0, &was, f);
		}
		e = rib_after(&j->set->rib, &key);
	}
	return rc;
}

// The prefixes that are wanted, each once.
static int collect(const struct job *j, const json_t *routes, struct rib *keep, struct fault *f)
{
	const json_t *route;
	size_t i;

	json_array_foreach (routes, i, route) {
		struct rib_entry key;
		uint32_t old;
		int rc = prefix_key(j, json_object_get(route, "prefix"), "routes", i, &key, f);

		if (rc < 0)
			return rc;
		key.value = 1;
		if (rib_put(keep, &key, &old) < 0)
			return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the routes");
		if (old) {
			fault_str(f, -EEXIST, "prefix", json_string_value(json_object_get(route, "prefix")),
				  "each prefix once", "the prefix is given twice");
			rpc_fault_prefix(f, "routes[%zu]", i);
			return -EEXIST;
		}
	}
	return 0;
}

int route_set_all(struct txn *t, const json_t *params, json_t **result, struct fault *f)
{
	json_t *routes = json_object_get(params, "routes"), *gone = NULL;
	struct rib keep = {0};
	struct job j;
	int rc = job_begin(&j, t, params, f);

	if (rc < 0)
		return rc;
	j.replace = j.distinct = true;
	rc = collect(&j, routes, &keep, f);
	if (rc == 0)
		rc = del_others(&j, &keep, &gone, f);
	if (rc == 0)
		rc = add_all(&j, routes, f);
	rib_clear(&keep);
	if (rc == 0 && j.removed)
		txn_note(t, "del", "route", j.set->name, json_pack("{s:O}", "prefixes", gone));
	notes_end(&j, rc == 0 ? routes : NULL);
	if (rc == 0)
		*result = json_pack("{s:I, s:I, s:I}", "added", (json_int_t)j.added, "replaced", (json_int_t)j.replaced,
				    "removed", (json_int_t)j.removed);
	json_decref(gone);
	job_end(&j, rc);
	return rc;
}

int route_flush(struct txn *t, struct vrf *v, struct fault *f)
{
	struct job j = {.t = t, .vrf = v, .set = v->routes, .event = event_wanted("route") ? json_array() : NULL};
	const struct rib keep = {0};
	json_t *gone;
	int rc = del_others(&j, &keep, &gone, f);

	if (rc == 0 && j.removed)
		txn_note(t, "del", "route", v->name, json_pack("{s:b}", "all", 1));
	json_decref(gone);
	job_end(&j, rc);
	return rc;
}

static void restore_set(struct txn *t, struct route_set *s)
{
	const struct rib_entry *e;
	struct rib_entry key;
	struct fault f;
	uint32_t was;

	if (!s->vrf) {
		LOG(ERR, "cannot restore %u routes: there is no VRF %s", s->nstatic, s->name);
		return;
	}
	// Putting each in its own place has the transaction bring it into the FIBs.
	for (e = rib_after(&s->rib, NULL); e; e = rib_after(&s->rib, &key)) {
		key = *e;
		if (key.source == RIB_STATIC && route_change(t, s, &key, hops_at(key.value), 0, &was, &f) < 0) {
			LOG(ERR, "cannot restore the routes of VRF %s: %s", s->name, f.message);
			return;
		}
	}
}

void route_restore(struct txn *t)
{
	for (uint32_t i = 0; i < route_sets()->n; i++) {
		struct route_set *s = route_sets()->at[i];

		if (s->nstatic)
			restore_set(t, s);
	}
}
