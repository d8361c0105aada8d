/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"
#include "store.h"

// What is to be done with the objects of one kind: maps by key.
struct part {
	const struct kind *kind;
	json_t *wanted;  // the document's objects, decoded
	json_t *place;   // their index in the document
	json_t *deleted; // to delete: true, those that are made anew included
	json_t *added;   // to add: the object
	json_t *set;     // to set: the parameters
	json_t *stored;  // what is there before
};

struct plan {
	struct rpc_call *call;
	unsigned int nparts;
	struct part *parts;
	json_t *difference;
};

static int key_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The objects of a kind by their keys, so that equal states give equal documents whatever led there.
static json_t *kind_array(const struct kind *k)
{
	json_t *map = kind_objects(k), *array = json_array(), *object;
	const char **keys = malloc((json_object_size(map) + 1) * sizeof(*keys));
	const char *key;
	size_t n = 0;

	if (map == NULL || keys == NULL || array == NULL) {
		free(keys);
		json_decref(map);
		json_decref(array);
		return NULL;
	}
	json_object_foreach (map, key, object)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), key_compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(array, json_object_get(map, keys[i]));
	free(keys);
	json_decref(map);
	return array;
}

json_t *config_document(void)
{
	json_t *document = json_object();
	const struct kind *k;

	for (unsigned int i = 0; (k = kind_at(i)) != NULL && document != NULL; i++) {
		if (json_object_set_new(document, k->plural, kind_array(k)) == 0)
			continue;
		json_decref(document);
		document = NULL;
	}
	return document;
}

static void plan_clear(struct plan *plan)
{
	for (unsigned int i = 0; i < plan->nparts; i++) {
		struct part *part = &plan->parts[i];

		json_decref(part->wanted);
		json_decref(part->place);
		json_decref(part->deleted);
		json_decref(part->added);
		json_decref(part->set);
		json_decref(part->stored);
	}
	free(plan->parts);
	json_decref(plan->difference);
}

static int plan_create(struct plan *plan, struct rpc_call *call, struct fault *f)
{
	unsigned int n = 0;

	while (kind_at(n) != NULL)
		n++;
	*plan = (struct plan){.call = call, .nparts = n, .parts = calloc(n + 1, sizeof(*plan->parts))};
	plan->difference = json_pack("{s:[], s:[], s:[], s:[]}", "added", "changed", "replaced", "deleted");
	if (plan->parts == NULL || plan->difference == NULL) {
		plan->nparts = 0;
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to compare configurations");
	}
	for (unsigned int i = 0; i < n; i++)
		plan->parts[i] = (struct part){
			.kind = kind_at(i),
			.wanted = json_object(),
			.place = json_object(),
			.deleted = json_object(),
			.added = json_object(),
			.set = json_object(),
			.stored = kind_objects(kind_at(i)),
		};
	return 0;
}

static struct part *part_of(const struct plan *plan, const char *kind)
{
	for (unsigned int i = 0; i < plan->nparts; i++)
		if (strcmp(plan->parts[i].kind->name, kind) == 0)
			return &plan->parts[i];
	return NULL;
}

static json_t *difference_add(struct plan *plan, const char *list, const struct kind *k, const char *key)
{
	json_t *entry = json_pack("{s:s, s:s}", "kind", k->name, "key", key);

	json_array_append_new(json_object_get(plan->difference, list), entry);
	return entry;
}

// Decodes one object of the document.
static int want(struct part *part, size_t i, const json_t *object, struct fault *f)
{
	const struct kind *k = part->kind;
	char path[64], key[KIND_KEY_LEN];
	json_t *decoded;
	int rc;

	snprintf(path, sizeof(path), "document.%s[%zu].", k->plural, i);
	rc = rpc_decode_params(rpc_method_find(k->add), object, path, &decoded, f);
	if (rc < 0)
		return rc;
	path[strlen(path) - 1] = '\0'; // the full stop
	if (kind_key(k, decoded, key) < 0) {
		rc = rpc_fault_value(f, -EINVAL, path, object, NULL, "it has no key, or one that is too long");
	} else if (json_object_get(part->wanted, key) != NULL) {
		rc = rpc_fault_value(f, -EEXIST, path, object, NULL, "%s %s is in the document twice", k->name, key);
	} else {
		json_object_set(part->wanted, key, decoded);
		json_object_set_new(part->place, key, json_integer((json_int_t)i));
	}
	json_decref(decoded);
	return rc;
}

static int want_all(struct part *part, const json_t *array, struct fault *f)
{
	char field[64];
	const json_t *object;
	size_t i;

	if (array == NULL)
		return 0;
	snprintf(field, sizeof(field), "document.%s", part->kind->plural);
	if (!json_is_array(array))
		return rpc_fault_value(f, -EINVAL, field, array, "an array of objects", "%s has the wrong type",
				       part->kind->plural);
	json_array_foreach (array, i, object) {
		int rc = want(part, i, object, f);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int refuse_unknown(const struct plan *plan, const json_t *document, struct fault *f)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)document, name, value) {
		char field[sizeof(f->field)], allowed[sizeof(f->allowed)] = "";
		size_t len = 0;
		bool known = false;

		for (unsigned int i = 0; i < plan->nparts && len < sizeof(allowed); i++) {
			const char *plural = plan->parts[i].kind->plural;

			known |= strcmp(name, plural) == 0;
			len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", i > 0 ? ", " : "",
						plural);
		}
		if (known)
			continue;
		snprintf(field, sizeof(field), "document.%s", name);
		return rpc_fault_value(f, -EINVAL, field, value, allowed, "there is no such kind of object");
	}
	return 0;
}

static bool is_deleted(const struct part *part, const json_t *name)
{
	return json_is_string(name) && json_object_get(part->deleted, json_string_value(name)) != NULL;
}

// Whether an object refers to one that goes, if only to be made anew.
static bool refers_to_deleted(const struct plan *plan, const struct kind *k, const json_t *object)
{
	for (const struct kind_ref *ref = k->refs; ref != NULL && ref->kind != NULL; ref++) {
		const struct part *part = part_of(plan, ref->kind);
		const json_t *element;
		char key[KIND_KEY_LEN];
		size_t i;

		if (part == NULL)
			continue;
		if (ref->field == NULL && kind_key(part->kind, object, key) == 0 &&
		    json_object_get(part->deleted, key) != NULL)
			return true;
		if (ref->field != NULL && ref->list == NULL && is_deleted(part, json_object_get(object, ref->field)))
			return true;
		json_array_foreach (ref->list != NULL ? json_object_get(object, ref->list) : NULL, i, element) {
			if (is_deleted(part, json_object_get(element, ref->field)))
				return true;
		}
	}
	return false;
}

static bool takes(const struct rpc_method *m, const char *field)
{
	for (const struct param *p = m->params; p != NULL && p->name != NULL; p++)
		if (strcmp(p->name, field) == 0)
			return true;
	return false;
}

// The parameters of the set method that make `old` into `object`, or NULL if it cannot.
static json_t *set_params(const struct kind *k, const json_t *old, const json_t *object)
{
	const struct rpc_method *m = k->set != NULL ? rpc_method_find(k->set) : NULL;
	json_t *params, *value;
	const char *field;

	if (m == NULL)
		return NULL;
	json_object_foreach ((json_t *)(uintptr_t)old, field, value)
		if (json_object_get(object, field) == NULL)
			return NULL;
	params = json_object();
	for (const char *const *key = k->key; *key != NULL; key++)
		json_object_set(params, *key, json_object_get(object, *key));
	json_object_foreach ((json_t *)(uintptr_t)object, field, value) {
		if (json_equal(value, json_object_get(old, field)))
			continue;
		if (!takes(m, field)) {
			json_decref(params);
			return NULL;
		}
		json_object_set(params, field, value);
	}
	return params;
}

static void plan_set(struct plan *plan, struct part *part, const char *key, json_t *params)
{
	json_t *entry = difference_add(plan, "changed", part->kind, key), *fields = json_array(), *value;
	const char *field;

	json_object_foreach (params, field, value) {
		bool in_key = false;

		for (const char *const *k = part->kind->key; *k != NULL; k++)
			in_key |= strcmp(*k, field) == 0;
		if (!in_key)
			json_array_append_new(fields, json_string(field));
	}
	json_object_set_new(entry, "fields", fields);
	json_object_set_new(part->set, key, params);
}

static void plan_object(struct plan *plan, struct part *part, const char *key, json_t *old, bool prune)
{
	json_t *object = json_object_get(part->wanted, key), *params;
	bool dragged = refers_to_deleted(plan, part->kind, old);

	if (object == NULL && prune) {
		difference_add(plan, "deleted", part->kind, key);
		json_object_set_new(part->deleted, key, json_true());
		return;
	}
	if (object == NULL)
		object = old;
	if (!dragged && json_equal(object, old))
		return;
	params = dragged ? NULL : set_params(part->kind, old, object);
	if (params != NULL) {
		plan_set(plan, part, key, params);
		return;
	}
	difference_add(plan, "replaced", part->kind, key);
	json_object_set_new(part->deleted, key, json_true());
	json_object_set(part->added, key, object);
}

static void plan_part(struct plan *plan, struct part *part, bool prune)
{
	json_t *object;
	const char *key;

	json_object_foreach (part->stored, key, object)
		plan_object(plan, part, key, object, prune);
	json_object_foreach (part->wanted, key, object) {
		if (json_object_get(part->stored, key) != NULL)
			continue;
		difference_add(plan, "added", part->kind, key);
		json_object_set(part->added, key, object);
	}
}

static int run(struct plan *plan, const struct part *part, const char *method, const char *key, const json_t *params,
	       struct fault *f)
{
	const json_t *place = json_object_get(part->place, key);
	json_t *result;
	int rc = rpc_run(method, params, plan->call, &result, f);

	json_decref(result);
	if (rc == 0)
		return 0;
	if (place != NULL)
		rpc_fault_prefix(f, "document.%s[%d]", part->kind->plural, (int)json_integer_value(place));
	else
		rpc_fault_prefix(f, "%s %.60s", part->kind->name, key);
	return rc;
}

static int run_deletions(struct plan *plan, const struct part *part, struct fault *f)
{
	const struct kind *k = part->kind;
	const char *key;
	json_t *unused;

	json_object_foreach (part->deleted, key, unused) {
		const json_t *object = json_object_get(part->stored, key);
		json_t *params = json_object();
		int rc;

		for (const char *const *field = k->key; *field != NULL; field++)
			json_object_set(params, *field, json_object_get(object, *field));
		rc = run(plan, part, k->del, key, params, f);
		json_decref(params);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int run_changes(struct plan *plan, const struct part *part, struct fault *f)
{
	const char *key;
	json_t *params;
	int rc;

	json_object_foreach (part->set, key, params) {
		rc = run(plan, part, part->kind->set, key, params, f);
		if (rc < 0)
			return rc;
	}
	json_object_foreach (part->added, key, params) {
		rc = run(plan, part, part->kind->add, key, params, f);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int plan_run(struct plan *plan, struct fault *f)
{
	int rc = 0;

	for (unsigned int i = plan->nparts; i > 0 && rc == 0; i--)
		rc = run_deletions(plan, &plan->parts[i - 1], f);
	for (unsigned int i = 0; i < plan->nparts && rc == 0; i++)
		rc = run_changes(plan, &plan->parts[i], f);
	return rc;
}

int config_apply(struct rpc_call *c, const json_t *document, bool prune, json_t **difference, struct fault *f)
{
	struct plan plan;
	int rc;

	rc = plan_create(&plan, c, f);
	if (rc == 0)
		rc = refuse_unknown(&plan, document, f);
	for (unsigned int i = 0; i < plan.nparts && rc == 0; i++)
		rc = want_all(&plan.parts[i], json_object_get(document, plan.parts[i].kind->plural), f);
	// What refers to an object has a higher order than it, so it is known by then whether that one goes.
	for (unsigned int i = 0; i < plan.nparts && rc == 0; i++)
		plan_part(&plan, &plan.parts[i], prune);
	if (rc == 0)
		rc = plan_run(&plan, f);
	if (rc == 0)
		*difference = json_incref(plan.difference);
	plan_clear(&plan);
	return rc;
}
