/* SPDX-License-Identifier: BSD-3-Clause */
#include "txn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "store.h"

struct txn_action {
	struct txn_action *next;
	void (*fn)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

struct txn_check {
	struct txn_check *next;
	int (*fn)(void *arg, struct fault *f);
	void *arg;
	bool in_dry_run;
};

// What (kind, key) was before a change; object NULL: it was not there.
struct restore {
	json_t *object;
	const char *key;
	char kind[];
};

// Programs without datapath objects (unit tests, fuzzers) link no publish().
#pragma weak publish

static const struct txn *current;

// A transaction that cannot note how to take itself back cannot go on either way. What was acknowledged is on disk, so
// ending here loses nothing, while going on could.
static void *must(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "transaction: out of memory\n");
		abort();
	}
	return memory;
}

static struct txn_action *action_new(void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct txn_action *a = must(malloc(sizeof(*a)));

	*a = (struct txn_action){.fn = fn, .drop = drop, .arg = arg};
	return a;
}

void txn_begin(struct txn *t, bool dry_run)
{
	assert(current == NULL);
	*t = (struct txn){.dry_run = dry_run, .changes = must(json_array())};
	current = t;
}

void txn_undo(struct txn *t, void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct txn_action *a = action_new(fn, drop, arg);

	a->next = t->undo;
	t->undo = a;
}

// The list of commit actions is a ring that t->done holds by its last element.
void txn_done(struct txn *t, void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct txn_action *a = action_new(fn, drop, arg);

	a->next = a;
	if (t->done != NULL) {
		a->next = t->done->next;
		t->done->next = a;
	}
	t->done = a;
}

// Runs all actions in the order of the list (forward) or only drops what they hold.
static void actions_run(struct txn_action *a, bool forward)
{
	while (a != NULL) {
		struct txn_action *next = a->next;
		void (*fn)(void *arg) = forward ? a->fn : a->drop;

		if (fn != NULL)
			fn(a->arg);
		free(a);
		a = next;
	}
}

// Actions may register no further ones, but may read the transaction: it ends only after the last.
static void txn_end(struct txn *t, bool committed)
{
	struct txn_action *undo = t->undo, *done = NULL;

	if (t->done != NULL) {
		done = t->done->next;
		t->done->next = NULL;
	}
	t->undo = NULL;
	t->done = NULL;
	while (t->check != NULL) {
		struct txn_check *c = t->check;

		t->check = c->next;
		free(c);
	}
	actions_run(undo, !committed);
	actions_run(done, committed);
	json_decref(t->changes);
	t->changes = NULL;
	current = NULL;
}

void txn_rollback(struct txn *t)
{
	txn_end(t, false);
}

int txn_commit(struct txn *t, struct fault *f)
{
	int rc = 0;

	for (struct txn_check *c = t->check; c != NULL && rc == 0; c = c->next)
		if (!t->dry_run || c->in_dry_run)
			rc = c->fn(c->arg, f);
	if (rc < 0 || t->dry_run) {
		txn_rollback(t);
		return rc;
	}
	// The changes of a replay came out of the store.
	if (!t->replay && json_array_size(t->changes) > 0)
		rc = store_append(t->changes, f);
	if (rc < 0) {
		txn_rollback(t);
		return rc;
	}
	if (t->publish && publish != NULL)
		publish();
	txn_end(t, true);
	return 0;
}

static void check_add(struct txn *t, int (*fn)(void *arg, struct fault *f), void *arg, bool in_dry_run)
{
	struct txn_check **end = &t->check, *c = must(malloc(sizeof(*c)));

	while (*end != NULL)
		end = &(*end)->next;
	*c = (struct txn_check){.fn = fn, .arg = arg, .in_dry_run = in_dry_run};
	*end = c;
}

void txn_check(struct txn *t, int (*fn)(void *arg, struct fault *f), void *arg)
{
	check_add(t, fn, arg, false);
}

void txn_verify(struct txn *t, int (*fn)(void *arg, struct fault *f), void *arg)
{
	check_add(t, fn, arg, true);
}

void txn_note(struct txn *t, const char *op, const char *kind, const char *key, json_t *object)
{
	json_t *change = must(json_pack("{s:s, s:s, s:s}", "op", op, "kind", kind, "key", key));

	if (object != NULL)
		json_object_set_new(change, "object", object);
	json_array_append_new(t->changes, change);
}

static void restore_free(void *arg)
{
	struct restore *r = arg;

	json_decref(r->object);
	free(r);
}

static void restore_run(void *arg)
{
	struct restore *r = arg;

	if (r->object != NULL)
		store_put(r->kind, r->key, json_incref(r->object));
	else
		store_del(r->kind, r->key);
	restore_free(r);
}

static void restore_register(struct txn *t, const char *kind, const char *key)
{
	size_t kind_size = strlen(kind) + 1, key_size = strlen(key) + 1;
	struct restore *r = must(malloc(sizeof(*r) + kind_size + key_size));

	r->object = json_incref(store_get(kind, key));
	r->key = memcpy(r->kind + kind_size, key, key_size);
	memcpy(r->kind, kind, kind_size);
	txn_undo(t, restore_run, restore_free, r);
}

void txn_put(struct txn *t, const char *kind, const char *key, json_t *object)
{
	restore_register(t, kind, key);
	must(object);
	txn_note(t, "put", kind, key, json_incref(object));
	store_put(kind, key, object);
}

void txn_del(struct txn *t, const char *kind, const char *key)
{
	restore_register(t, kind, key);
	txn_note(t, "del", kind, key, NULL);
	store_del(kind, key);
}
