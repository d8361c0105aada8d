/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_compile.h"
#include "flow_ctl.h"
#include "flow_publish.h"
#include "flow_store.h"
#include "flow_timeout.h"

#define RETIRE_SLICE 8192 // entries at once

// What became of an entry. Both set: `after` took the place and the number of `before`.
struct record {
	struct flow *before, *after;
	enum flow_removed_reason reason;
	bool seen; // workers' tables have followed
};

static struct {
	struct record *record;
	size_t n, room;
	size_t op; // the first one of the operation under way
	struct flow_bridge *fb;
	bool active; // hooked into the transaction
	bool deferred, void_wanted;
} change;

// What workers may still use. `flow` has the number; `entry` alone was replaced.
struct retired {
	struct flow *flow;
	struct flow_entry *entry;
	enum flow_removed_reason reason;
};

struct batch {
	struct batch *next;
	uint64_t ticket;
	uint32_t n, at, room;
	struct retired *retired;
};

static struct {
	struct batch *first, **last;
	struct batch *open; // takes what is retired until the caches are voided
	uint32_t n;
	uint32_t tells; // of them, those whose end somebody wants to know
} retire = {.last = &retire.first};

// As in txn.c: what cannot be taken back would leave control beside its own journal.
static void *must(void *memory)
{
	if (memory != NULL)
		return memory;
	fprintf(stderr, "flows: out of memory\n");
	abort();
}

// --- what workers may still use --------------------------------------------------------------------------------------

static bool is_told(const struct flow *x, enum flow_removed_reason reason)
{
	return reason <= FLOW_REMOVED_METER && (x->flags & FLOW_SEND_FLOW_REM);
}

bool flow_change_tells(void)
{
	return retire.tells > 0;
}

static void retire_add(struct flow *x, struct flow_entry *entry, enum flow_removed_reason reason)
{
	struct batch *b = retire.open;

	if (b == NULL)
		b = retire.open = must(calloc(1, sizeof(*b)));
	if (b->n == b->room) {
		b->room = b->room > 0 ? 2 * b->room : 16;
		b->retired = must(realloc(b->retired, b->room * sizeof(*b->retired)));
	}
	b->retired[b->n++] = (struct retired){x, entry, reason};
	retire.n++;
	retire.tells += x != NULL && is_told(x, reason);
}

static void caches_void(void)
{
	struct batch *b = retire.open;
	struct flow_bridge *fb;

	change.void_wanted = false;
	flow_changed();
	if (b == NULL)
		return;
	b->ticket = flow_counts_ask();
	LIST_FOREACH (fb, flow_switches(), link)
		if (fb->flows->rules_gone)
			fb->flows->gone_ticket = b->ticket;
	*retire.last = b;
	retire.last = &b->next;
	retire.open = NULL;
}

static void tell(struct flow *x, enum flow_removed_reason reason)
{
	struct of_flow_removed r = {.reason = (uint8_t)reason};

	if (!is_told(x, reason))
		return;
	retire.tells--;
	if (x->fb == NULL)
		return;
	if (reason == FLOW_REMOVED_METER)
		r.reason = FLOW_REMOVED_DELETE;
	flow_ctl_describe(x, &r.flow);
	flow_switch_tell_removed(x->fb, &r);
}

static void retired_free(struct retired *r)
{
	free(r->entry);
	if (r->flow == NULL)
		return;
	tell(r->flow, r->reason);
	flow_entry_set(r->flow->number, NULL);
	flow_count_clear(FLOW_COUNT_ENTRY, r->flow->number);
	flow_number_free(r->flow->number);
	flow_free(r->flow);
}

// force: whatever the workers say.
static void retired_free_some(uint32_t left, bool force)
{
	while (retire.first != NULL && left > 0 && (force || flow_counts_done(retire.first->ticket))) {
		struct batch *b = retire.first;

		for (; b->at < b->n && left > 0; b->at++, left--, retire.n--)
			retired_free(&b->retired[b->at]);
		if (b->at < b->n)
			break;
		retire.first = b->next;
		if (retire.first == NULL)
			retire.last = &retire.first;
		free(b->retired);
		free(b);
	}
}

uint32_t flow_change_poll(void)
{
	flow_change_flush();
	retired_free_some(RETIRE_SLICE, false);
	return retire.n;
}

void flow_change_drain(void)
{
	if (retire.n == 0)
		return;
	if (retire.open != NULL)
		caches_void();
	retired_free_some(UINT32_MAX, true);
}

void flow_change_forget(const struct flow_bridge *fb)
{
	for (struct batch *b = retire.first; b != NULL; b = b->next)
		for (uint32_t i = b->at; i < b->n; i++)
			if (b->retired[i].flow != NULL && b->retired[i].flow->fb == fb)
				b->retired[i].flow->fb = NULL;
	for (uint32_t i = 0; retire.open != NULL && i < retire.open->n; i++)
		if (retire.open->retired[i].flow != NULL && retire.open->retired[i].flow->fb == fb)
			retire.open->retired[i].flow->fb = NULL;
}

// --- what workers see ------------------------------------------------------------------------------------------------

static int see(struct record *r)
{
	const struct flow *x = r->after != NULL ? r->after : r->before;
	struct flow_table *t = &x->fb->flows->table[x->table];
	struct flow_match m;
	int rc = 0;

	r->seen = true;
	if (r->before != NULL && r->after != NULL) {
		flow_entry_set(x->number, x->entry);
		return 0;
	}
	flow_match_get(x, &m);
	if (r->after == NULL) {
		classifier_remove(t->seen, &m.key, &m.mask, x->priority);
		return 0;
	}
	flow_entry_set(x->number, x->entry);
	rc = classifier_insert(t->seen, &m.key, &m.mask, x->priority, x->number);
	r->seen = rc == 0;
	return rc;
}

static void unsee(struct record *r)
{
	struct record back = {.before = r->after, .after = r->before};

	if (r->seen && see(&back) < 0)
		must(NULL);
}

static void undo_to(size_t from)
{
	while (change.n > from) {
		struct record *r = &change.record[--change.n];
		struct flow_error e;
		const bool seen = r->seen;

		unsee(r);
		if (r->after != NULL && r->before == NULL)
			flow_index_del(r->after);
		else if (flow_index_put(r->before, &e) < 0)
			must(NULL);
		if (r->after != NULL)
			flow_compile_entry_release(r->after->fb, &r->after->instructions);
		if (r->before != NULL) {
			flow_compile_entry_hold(r->before->fb, &r->before->instructions);
			flow_timeout_set(r->before);
		}
		if (r->after == NULL)
			continue;
		if (seen) {
			// Workers may have met it.
			retire_add(r->before == NULL ? r->after : NULL, r->before != NULL ? r->after->entry : NULL,
				   FLOW_REMOVED_SILENT);
			change.void_wanted = true;
			if (r->before == NULL)
				continue;
			r->after->entry = NULL;
		} else if (r->before == NULL) {
			flow_number_free(r->after->number);
		}
		flow_free(r->after);
	}
}

static int check(void *arg, struct fault *f)
{
	int rc = 0;

	for (size_t i = 0; i < change.n; i++)
		if (change.record[i].after != NULL && change.record[i].before == NULL)
			flow_publish_want(change.record[i].after);
	flow_publish_tables();
	for (size_t i = 0; i < change.n && rc == 0; i++)
		rc = see(&change.record[i]);
	if (rc < 0)
		fault_set(f, rc, NULL, NULL, NULL, "no memory for the flow entries");
	return rc;
}

static void records_end(void)
{
	change.n = change.op = 0;
	change.active = false;
	if (change.room > 65536) {
		free(change.record);
		change.record = NULL;
		change.room = 0;
	}
	if (change.void_wanted && !change.deferred)
		caches_void();
}

static void done(void *arg)
{
	for (size_t i = 0; i < change.n; i++) {
		struct record *r = &change.record[i];

		if (r->after == NULL) {
			flow_timeout_clear(r->before->number);
			r->before->fb->flows->rules_gone = true;
			r->before->fb->flows->gone_ticket = 0;
			retire_add(r->before, NULL, r->reason);
			continue;
		}
		flow_timeout_set(r->after);
		if (r->before == NULL)
			continue;
		retire_add(NULL, r->before->entry, FLOW_REMOVED_SILENT);
		r->before->entry = NULL;
		flow_free(r->before);
	}
	change.void_wanted = true;
	records_end();
}

// --- operations ------------------------------------------------------------------------------------------------------

static void undo(void *arg)
{
	undo_to((size_t)(uintptr_t)arg);
	if (change.n == 0)
		records_end();
}

void flow_change_begin(struct txn *t, struct flow_bridge *fb)
{
	txn_undo(t, undo, NULL, (void *)(uintptr_t)change.n);
	if (!change.active) {
		change.active = true;
		txn_check(t, check, NULL);
		txn_done(t, done, NULL, NULL);
	}
	change.op = change.n;
	change.fb = fb;
}

void flow_change_back(struct txn *t)
{
	undo_to(change.op);
}

void flow_change_end(struct txn *t)
{
	json_t *changes = NULL;

	for (size_t i = change.op; i < change.n; i++) {
		const struct flow *before = change.record[i].before, *after = change.record[i].after;

		if (before != NULL && before->persist && (after == NULL || !after->persist))
			changes = flow_store_del(changes, before);
		if (after != NULL && after->persist)
			changes = flow_store_put(changes, after);
	}
	if (changes != NULL)
		txn_note(t, "put", "flow", change.fb->bridge->name, must(json_pack("{s:o}", "changes", changes)));
	change.op = change.n;
}

static int record_room(struct flow_error *e)
{
	const size_t room = change.room > 0 ? 2 * change.room : 64;
	struct record *grown;

	if (change.n < change.room)
		return 0;
	grown = realloc(change.record, room * sizeof(*grown));
	if (grown == NULL)
		return flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for another change");
	change.record = grown;
	change.room = room;
	return 0;
}

int flow_change_put(struct flow *x, struct flow *old, struct flow_error *e)
{
	int rc = record_room(e);

	if (rc == 0)
		rc = flow_index_put(x, e);
	if (rc < 0) {
		flow_compile_entry_release(x->fb, &x->instructions);
		if (old == NULL)
			flow_number_free(x->number);
		flow_free(x);
		return rc;
	}
	if (old != NULL)
		flow_compile_entry_release(old->fb, &old->instructions);
	change.record[change.n++] = (struct record){.before = old, .after = x};
	return 0;
}

int flow_change_del(struct flow *x, enum flow_removed_reason reason, struct flow_error *e)
{
	int rc = record_room(e);

	if (rc < 0)
		return rc;
	flow_index_del(x);
	flow_compile_entry_release(x->fb, &x->instructions);
	change.record[change.n++] = (struct record){.before = x, .reason = reason};
	return 0;
}

void flow_change_defer(bool defer)
{
	change.deferred = defer;
}

void flow_change_flush(void)
{
	if (change.void_wanted && !change.active)
		caches_void();
}
