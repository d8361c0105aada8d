/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "../datapath/rcu.h"
#include "flow_compile.h"
#include "flow_ctl.h"
#include "flow_publish.h"
#include "flow_store.h"
#include "flow_timeout.h"

#define RETIRE_SLICE 8192 // entries at once
#define SPIN_US 50        // a loop of the workers
#define NAP_US 20         // where one of them has been put off

// What became of an entry. Both set: `after` took the place and the number of `before`.
struct record {
	struct flow *before, *after;
	enum flow_removed_reason reason;
};

static struct {
	struct record *record;
	size_t n, room;
	size_t op; // the first one of the operation under way
	struct flow_bridge *fb;
	bool active;      // hooked into the transaction
	bool deferred;    // a run of transactions is published together
	bool wanted;      // something is to be published
	uint64_t version; // published last
} change;

// What was done to the classifiers that became the workers', for those that were until then.
struct step {
	struct flow *flow;
	enum { STEP_PUT, STEP_DEL, STEP_FREE } what; // FREE: it was replaced, and earlier steps may name it
};

static struct {
	struct step *step;
	size_t n, room;
	size_t published; // steps; they are to be caught up with
	uint64_t token;   // of the grace period after which they can be
} steps;

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

// --- what has gone ---------------------------------------------------------------------------------------------------

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

// --- what workers see ------------------------------------------------------------------------------------------------

static void step_add(struct flow *x, int what)
{
	if (steps.n == steps.room) {
		steps.room = steps.room > 0 ? 2 * steps.room : 64;
		steps.step = must(realloc(steps.step, steps.room * sizeof(*steps.step)));
	}
	steps.step[steps.n++] = (struct step){.flow = x, .what = what};
}

static void step_run(const struct step *s)
{
	struct flow *x = s->flow;
	struct flow_match m;

	if (s->what == STEP_FREE) {
		flow_free(x);
		return;
	}
	flow_match_get(x, &m);
	if (s->what == STEP_DEL)
		classifier_remove(x->fb->flows->table[x->table].spare, &m.key, &m.mask, x->priority);
	else if (classifier_insert(x->fb->flows->table[x->table].spare, &m.key, &m.mask, x->priority, x->number) < 0)
		must(NULL);
}

static bool steps_may_run(void)
{
	return steps.published == 0 || rte_rcu_qsbr_check(rcu_var(), steps.token, false) == 1;
}

// Does to the classifiers that were the workers' what was done to those that are it now.
static void steps_run(void)
{
	if (steps.published == 0)
		return;
	for (size_t i = 0; i < steps.published; i++)
		step_run(&steps.step[i]);
	steps.n -= steps.published;
	memmove(steps.step, steps.step + steps.published, steps.n * sizeof(*steps.step));
	steps.published = 0;
	if (steps.n == 0 && steps.room > 65536) {
		free(steps.step);
		steps.step = NULL;
		steps.room = 0;
	}
}

// The same, once workers have left them: mostly they have.
static void steps_catch_up(void)
{
	const uint64_t begun = rte_get_tsc_cycles();
	const struct timespec nap = {.tv_nsec = NAP_US * 1000};

	while (!steps_may_run())
		if (rte_get_tsc_cycles() - begun > SPIN_US * (rte_get_tsc_hz() / 1000000))
			nanosleep(&nap, NULL);
	steps_run();
}

static void publish_all(void)
{
	struct batch *b = retire.open;
	struct flow_bridge *fb;

	change.wanted = false;
	flow_publish_tables(++change.version);
	steps.token = rte_rcu_qsbr_start(rcu_var());
	steps.published = steps.n;
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

// --- what workers may still use --------------------------------------------------------------------------------------

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
	if (!steps_may_run())
		return retire.n + 1;
	steps_run();
	retired_free_some(RETIRE_SLICE, false);
	return retire.n;
}

void flow_change_drain(void)
{
	flow_change_flush();
	steps_catch_up();
	retired_free_some(UINT32_MAX, true);
}

void flow_change_forget(const struct flow_bridge *fb)
{
	flow_change_flush();
	steps_catch_up();
	for (struct batch *b = retire.first; b != NULL; b = b->next)
		for (uint32_t i = b->at; i < b->n; i++)
			if (b->retired[i].flow != NULL && b->retired[i].flow->fb == fb)
				b->retired[i].flow->fb = NULL;
	for (uint32_t i = 0; retire.open != NULL && i < retire.open->n; i++)
		if (retire.open->retired[i].flow != NULL && retire.open->retired[i].flow->fb == fb)
			retire.open->retired[i].flow->fb = NULL;
}

// --- the way back ----------------------------------------------------------------------------------------------------

static void undo_to(size_t from)
{
	while (change.n > from) {
		struct record *r = &change.record[--change.n];
		struct flow_error e;

		if (r->after != NULL && r->before == NULL)
			flow_index_del(r->after);
		else if (flow_index_put(r->before, &e) < 0)
			must(NULL);
		if (r->after != NULL)
			flow_compile_entry_release(r->after->fb, &r->after->instructions);
		if (r->before != NULL)
			flow_compile_entry_hold(r->before->fb, &r->before->instructions);
		else
			flow_number_free(r->after->number);
		flow_free(r->after);
	}
}

// --- the way on ------------------------------------------------------------------------------------------------------

static void records_end(void)
{
	change.n = change.op = 0;
	change.active = false;
	if (change.room > 65536) {
		free(change.record);
		change.record = NULL;
		change.room = 0;
	}
	if (change.wanted && !change.deferred)
		publish_all();
}

static void removed(struct flow *x, enum flow_removed_reason reason)
{
	flow_timeout_clear(x->number);
	x->fb->flows->rules_gone = true;
	x->fb->flows->gone_ticket = 0;
	step_add(x, STEP_DEL);
	retire_add(x, NULL, reason);
}

static void replaced(struct flow *before, struct flow *after)
{
	after->entry->since = change.version + 1;
	after->entry->older = before->entry;
	retire_add(NULL, before->entry, FLOW_REMOVED_SILENT);
	before->entry = NULL;
	step_add(before, STEP_FREE);
}

static void record_done(const struct record *r)
{
	struct flow *x = r->after;

	(x != NULL ? x : r->before)->fb->flows->changed = true;
	if (x == NULL) {
		removed(r->before, r->reason);
		return;
	}
	if (r->before != NULL) {
		replaced(r->before, x);
	} else {
		flow_publish_want(x);
		step_add(x, STEP_PUT);
	}
	flow_timeout_set(x);
	flow_entry_set(x->number, x->entry);
}

void flow_change_commit(void)
{
	for (size_t i = 0; i < change.n; i++)
		record_done(&change.record[i]);
	change.wanted |= change.n > 0;
	records_end();
}

static void done(void *arg)
{
	flow_change_commit();
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
	steps_catch_up();
	txn_undo(t, undo, NULL, (void *)(uintptr_t)change.n);
	if (!change.active) {
		change.active = true;
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
	if (change.wanted && !change.active)
		publish_all();
}
