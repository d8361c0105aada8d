/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_ctl.h"
#include "flow_text.h"
#include "log.h"
#include "rpc.h"
#include "store.h"

#define SLICE 512 // entries

static json_t *loaded; // bridge -> what identifies an entry -> its text
static struct {
	uint64_t number; // the next one to write
	json_t *rest;    // what is not restored, as the snapshot began; NULL: written, or none
} cursor;

// --- texts -----------------------------------------------------------------------------------------------------------

static json_t *must(json_t *memory)
{
	// As in txn.c: without a note of a change, the journal would be wrong.
	if (memory == NULL) {
		fprintf(stderr, "flows: out of memory\n");
		abort();
	}
	return memory;
}

static json_t *text_of(const struct flow *x, const char *sign)
{
	struct flow_mod m;
	json_t *json;
	char *text;

	flow_as_mod(x, &m);
	// It was asked of the add alone.
	m.flags &= (uint16_t) ~(FLOW_CHECK_OVERLAP | FLOW_RESET_COUNTS);
	text = flow_text_format(&m);
	json = must(text != NULL ? json_sprintf("%s%s", sign, text) : NULL);
	free(text);
	return json;
}

static json_t *change_add(json_t *changes, const struct flow *x, const char *sign)
{
	changes = changes != NULL ? changes : must(json_array());
	json_array_append_new(changes, text_of(x, sign));
	return changes;
}

json_t *flow_store_put(json_t *changes, const struct flow *x)
{
	return change_add(changes, x, "+");
}

json_t *flow_store_del(json_t *changes, const struct flow *x)
{
	return change_add(changes, x, "-");
}

// --- loading ---------------------------------------------------------------------------------------------------------

// Table, priority and match, as text.
static int identify(const char *text, char **id, struct fault *f)
{
	struct flow_mod m, bare;
	struct flow_error e;
	int rc = flow_text_parse(text, FLOW_ADD, &m, &e);

	if (rc < 0) {
		*f = e.fault;
		return rc;
	}
	bare = (struct flow_mod){.table = m.table, .priority = m.priority, .match = m.match};
	*id = flow_text_format(&bare);
	flow_mod_clear(&m);
	return *id != NULL ? 0 : -ENOMEM;
}

static json_t *loaded_of(const char *bridge)
{
	json_t *map;

	if (loaded == NULL)
		loaded = must(json_object());
	map = json_object_get(loaded, bridge);
	if (map == NULL) {
		map = must(json_object());
		json_object_set_new(loaded, bridge, map);
	}
	return map;
}

static int load(bool put, const char *bridge, const json_t *object, struct fault *f)
{
	const json_t *changes = json_object_get(object, "changes"), *change;
	json_t *map = loaded_of(bridge);
	size_t i;

	json_array_foreach (changes, i, change) {
		const char *text = json_string_value(change);
		char *id;
		int rc;

		if (text == NULL || (text[0] != '+' && text[0] != '-'))
			return fault_set(f, -EINVAL, NULL, NULL, NULL,
					 "the state file has an unknown change of a flow entry");
		rc = identify(text + 1, &id, f);
		if (rc < 0)
			return rc;
		if (text[0] == '+')
			json_object_set_new(map, id, must(json_string(text + 1)));
		else
			json_object_del(map, id);
		free(id);
	}
	return 0;
}

static int restore_one(struct txn *t, struct flow_bridge *fb, const char *text)
{
	struct flow_error e;
	struct flow_mod m;
	int rc = flow_text_parse(text, FLOW_ADD, &m, &e);

	if (rc == 0) {
		rc = flow_ctl_mod(t, fb, &m, true, NULL, &e);
		flow_mod_clear(&m);
	}
	if (rc < 0)
		LOG(ERR, "cannot restore flow entry %s of bridge %s: %s", text, fb->bridge->name, e.fault.message);
	return rc;
}

void flow_store_restore(struct txn *t)
{
	const char *bridge, *id;
	json_t *map, *text;
	void *next, *tmp;

	json_object_foreach_safe (loaded, tmp, bridge, map) {
		struct flow_bridge *fb;
		struct fault f;

		if (flow_switch_get("bridge", bridge, &fb, &f) < 0) {
			if (json_object_size(map) > 0)
				LOG(ERR, "cannot restore %zu flow entries of bridge %s: %s", json_object_size(map),
				    bridge, f.message);
			continue;
		}
		json_object_foreach_safe (map, next, id, text)
			if (restore_one(t, fb, json_string_value(text)) == 0)
				json_object_del(map, id);
		if (json_object_size(map) == 0)
			json_object_del(loaded, bridge);
	}
}

// --- snapshots -------------------------------------------------------------------------------------------------------

static void begin(void)
{
	cursor.number = 0;
	json_decref(cursor.rest);
	cursor.rest = loaded != NULL ? json_deep_copy(loaded) : NULL;
}

static int write_rest(store_write_fn write, void *arg)
{
	const char *bridge, *id;
	json_t *map, *text;
	int rc = 0;

	json_object_foreach (cursor.rest, bridge, map)
		json_object_foreach (map, id, text) {
			json_t *object = json_pack("{s:[o]}", "changes", json_sprintf("+%s", json_string_value(text)));

			rc = object != NULL && rc == 0 ? write(bridge, object, arg) : rc;
			json_decref(object);
		}
	json_decref(cursor.rest);
	cursor.rest = NULL;
	return rc;
}

static int write_changes(const struct flow_bridge *fb, json_t *changes, store_write_fn write, void *arg)
{
	json_t *object = must(json_pack("{s:o}", "changes", changes));
	int rc = write(fb->bridge->name, object, arg);

	json_decref(object);
	return rc;
}

static int slice(store_write_fn write, void *arg)
{
	const uint32_t end = flow_number_end();
	const struct flow_bridge *fb = NULL;
	json_t *changes = NULL;
	unsigned int n = 0;
	int rc = cursor.rest != NULL ? write_rest(write, arg) : 0;

	for (; cursor.number < end && n < SLICE && rc == 0; cursor.number++) {
		const struct flow *x = flow_by_number((uint32_t)cursor.number);

		if (x == NULL || !x->persist)
			continue;
		if (fb != x->fb && changes != NULL) {
			rc = write_changes(fb, changes, write, arg);
			changes = NULL;
		}
		fb = x->fb;
		changes = flow_store_put(changes, x);
		n++;
	}
	if (changes != NULL && rc == 0)
		rc = write_changes(fb, changes, write, arg);
	else
		json_decref(changes);
	return rc < 0 ? rc : cursor.number < end;
}

static void clear(void)
{
	json_decref(loaded);
	json_decref(cursor.rest);
	loaded = cursor.rest = NULL;
}

static const struct store_table table = {"flow", load, begin, slice, clear};

__attribute__((constructor)) static void table_register(void)
{
	store_table_register(&table);
}

// --- documents -------------------------------------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

// In the order of their texts, so that the same entries make the same document.
static json_t *bridge_object(const struct flow_bridge *fb)
{
	json_t **text = calloc(fb->flows->persisted, sizeof(*text)), *flows = json_array();
	const struct of_flow_query q = flow_ctl_all();
	struct of_cursor c = {.at = {0}};
	const struct flow *x;
	size_t n = 0;

	while (text != NULL && (x = flow_ctl_walk(fb, &q, &c, true)) != NULL)
		text[n++] = text_of(x, "");
	if (text != NULL)
		qsort(text, n, sizeof(*text), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(flows, json_pack("{s:o}", "text", text[i]));
	free(text);
	return json_pack("{s:s, s:o}", "bridge", fb->bridge->name, "flows", flows);
}

json_t *flow_store_objects(void)
{
	const struct flow_bridge *fb;
	json_t *map = json_object();

	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->flows->persisted > 0 && !fb->bridge->deleted)
			json_object_set_new(map, fb->bridge->name, bridge_object(fb));
	return map;
}
