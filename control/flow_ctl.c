/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_change.h"
#include "flow_compile.h"

#define SYNC_MS 5000 // for workers to say what they counted: mostly less than one

// What an operation works with.
struct job {
	struct flow_bridge *fb;
	const struct flow_mod *m;
	struct flow_done *done;
	struct flow_error *e;
	// Entries that a walk has found, as numbers: an index must not change under its walk.
	uint32_t *found;
	size_t nfound, room;
	bool no_memory;
	bool synced; // the counters are of now
};

// --- which entries ---------------------------------------------------------------------------------------------------

static bool mod_takes(const struct flow_mod *m, const struct flow *x)
{
	const bool is_delete = m->command == FLOW_DELETE || m->command == FLOW_DELETE_STRICT;

	if (((x->cookie ^ m->cookie) & m->cookie_mask) != 0)
		return false;
	return !is_delete || flow_instructions_output_to(&x->instructions, m->out_port, m->out_group);
}

static void found_add(struct job *j, uint32_t number)
{
	if (j->nfound == j->room) {
		const size_t room = j->room > 0 ? 2 * j->room : 64;
		uint32_t *grown = realloc(j->found, room * sizeof(*grown));

		if (grown == NULL) {
			j->no_memory = true;
			return;
		}
		j->found = grown;
		j->room = room;
	}
	j->found[j->nfound++] = number;
}

static enum classifier_verdict visit(void *arg, const struct classifier_entry *c)
{
	struct job *j = arg;

	if (mod_takes(j->m, flow_by_number(c->value)))
		found_add(j, c->value);
	return j->no_memory ? CLASSIFIER_STOP : CLASSIFIER_GO_ON;
}

int flow_ctl_count(struct fault *f)
{
	if (flow_counts_sync(SYNC_MS) < 0)
		return fault_set(f, -ETIMEDOUT, NULL, NULL, NULL, "the workers do not answer");
	return 0;
}

static int find_all(struct job *j)
{
	const struct flow_mod *m = j->m;
	const bool strict = m->command == FLOW_MODIFY_STRICT || m->command == FLOW_DELETE_STRICT;
	const uint8_t first = m->table == FLOW_TABLE_ALL ? 0 : m->table;
	const uint8_t end = m->table == FLOW_TABLE_ALL ? FLOW_TABLES : (uint8_t)(m->table + 1);

	for (uint8_t i = first; i < end; i++) {
		struct classifier *index = j->fb->flows->table[i].index;
		const struct flow *x;

		if (index == NULL)
			continue;
		if (!strict) {
			classifier_walk(index, &m->match.key, &m->match.mask, visit, j);
			continue;
		}
		x = flow_index_find(j->fb, i, &m->match, m->priority);
		if (x != NULL && mod_takes(m, x))
			found_add(j, x->number);
	}
	return j->no_memory ? flow_error_set(j->e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for the walk") : 0;
}

// --- add -------------------------------------------------------------------------------------------------------------

static int refuse_full(const struct job *j)
{
	const struct flow_table *t = &j->fb->flows->table[j->m->table];

	return flow_error_int(j->e, OFPFMFC_TABLE_FULL, "table", j->m->table, NULL,
			      t->max < FLOW_ENTRIES_MAX - 1 ? "the table has as many entries as it may"
							    : "there are as many flow entries as there can be");
}

struct victim {
	const struct flow *x;
};

static enum classifier_verdict visit_victim(void *arg, const struct classifier_entry *c)
{
	struct victim *v = arg;
	const struct flow *x = flow_by_number(c->value);

	if (x->persist)
		return CLASSIFIER_GO_ON;
	if (v->x == NULL || x->importance < v->x->importance ||
	    (x->importance == v->x->importance && x->created_ns < v->x->created_ns))
		v->x = x;
	return CLASSIFIER_GO_ON;
}

// Makes room in a full table, if it may: the least important entry goes, of these the oldest.
static int make_room(struct job *j)
{
	struct flow_table *t = &j->fb->flows->table[j->m->table];
	struct victim v = {NULL};
	int rc;

	if (classifier_rules(t->index) < t->max)
		return 0;
	if (t->eviction)
		classifier_walk(t->index, &(struct flow_key){0}, &(struct flow_key){0}, visit_victim, &v);
	if (v.x == NULL || v.x->importance > j->m->importance)
		return refuse_full(j);
	rc = flow_change_del((struct flow *)(uintptr_t)v.x, FLOW_REMOVED_EVICTION, j->e);
	j->done->evicted += rc == 0;
	return rc;
}

// From where the entry that takes another's place counts. What went through before the request and is not added up yet
// would else count afterwards.
static int base_set(struct job *j, struct flow *x, const struct flow *old)
{
	x->base = old->base;
	if ((j->m->flags & FLOW_RESET_COUNTS) == 0)
		return 0;
	if (!j->synced && flow_counts_sync(SYNC_MS) < 0)
		return flow_error_set(j->e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "the workers do not answer");
	j->synced = true;
	x->base = flow_count_get(FLOW_COUNT_ENTRY, old->number);
	return 0;
}

// Of an entry that was to replace another one.
static int given_up(struct flow *x, int rc)
{
	flow_compile_entry_release(x->fb, &x->instructions);
	flow_free(x);
	return rc;
}

static int add(struct job *j, bool persist)
{
	const struct flow_mod *m = j->m;
	struct flow *old, *x;
	int rc;

	if (persist && (m->idle_timeout || m->hard_timeout))
		return flow_error_set(j->e, OFPFMFC_BAD_TIMEOUT, "persist", "true", "false, or no timeouts",
				      "an entry with timeouts is not kept over restarts");
	if (flow_table_open(j->fb, m->table) < 0)
		return flow_error_set(j->e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "no memory for table %u", m->table);
	if ((m->flags & FLOW_CHECK_OVERLAP) &&
	    classifier_overlap(j->fb->flows->table[m->table].index, &m->match.key, &m->match.mask, m->priority) != 0)
		return flow_error_set(j->e, OFPFMFC_OVERLAP, "match", NULL, "no overlap with flag check_overlap",
				      "an entry of the same priority overlaps");
	old = flow_index_find(j->fb, m->table, &m->match, m->priority);
	rc = old == NULL ? make_room(j) : 0;
	if (rc == 0)
		rc = flow_new(&x, j->fb, m, old != NULL ? old->number : 0, j->e);
	if (rc < 0)
		return rc;
	if (old != NULL)
		rc = base_set(j, x, old);
	if (rc < 0)
		return given_up(x, rc);
	x->persist = persist;
	rc = flow_change_put(x, old, j->e);
	if (rc == 0 && old != NULL)
		j->done->replaced++;
	else if (rc == 0)
		j->done->added++;
	return rc;
}

// --- modify and delete -----------------------------------------------------------------------------------------------

static int modify_one(struct job *j, struct flow *old)
{
	struct flow_mod as;
	struct flow *x;
	int rc;

	flow_as_mod(old, &as);
	as.instructions = j->m->instructions;
	rc = flow_new(&x, j->fb, &as, old->number, j->e);
	if (rc < 0)
		return rc;
	x->persist = old->persist;
	x->created_ns = old->created_ns;
	rc = base_set(j, x, old);
	if (rc < 0)
		return given_up(x, rc);
	rc = flow_change_put(x, old, j->e);
	j->done->modified += rc == 0;
	return rc;
}

static int modify(struct job *j)
{
	int rc = find_all(j);

	// Prerequisites of set-field were checked by the request's match: an entry's own is at least as specific.
	for (size_t i = 0; i < j->nfound && rc == 0; i++)
		rc = modify_one(j, flow_by_number(j->found[i]));
	return rc;
}

static int del(struct job *j)
{
	int rc = find_all(j);

	for (size_t i = 0; i < j->nfound && rc == 0; i++) {
		rc = flow_change_del(flow_by_number(j->found[i]), FLOW_REMOVED_DELETE, j->e);
		j->done->removed += rc == 0;
	}
	return rc;
}

// A goto to a table that the switch does not have was let pass by flow_mod_check(), which knows 255 of them.
static int tables_check(const struct flow_mod *m, bool is_delete, struct flow_error *e)
{
	if (m->table >= FLOW_TABLES && !(is_delete && m->table == FLOW_TABLE_ALL))
		return flow_error_int(e, OFPFMFC_BAD_TABLE_ID, "table", m->table, "0..253", "there is no such table");
	if (!is_delete && (m->instructions.has & FLOW_INST_GOTO) && m->instructions.goto_table >= FLOW_TABLES)
		return flow_error_int(e, OFPBIC_BAD_TABLE_ID, "instructions.goto_table", m->instructions.goto_table,
				      "0..253", "there is no such table");
	return 0;
}

int flow_ctl_mod(struct txn *t, struct flow_bridge *fb, const struct flow_mod *m, bool persist, struct flow_done *done,
		 struct flow_error *e)
{
	const bool is_delete = m->command == FLOW_DELETE || m->command == FLOW_DELETE_STRICT;
	struct flow_done mine = {.added = 0};
	struct job j = {.fb = fb, .m = m, .done = &mine, .e = e};
	int rc = tables_check(m, is_delete, e);

	if (rc < 0)
		return rc;
	flow_change_begin(t, fb);
	if (is_delete)
		rc = del(&j);
	else
		rc = m->command == FLOW_ADD ? add(&j, persist) : modify(&j);
	if (rc < 0)
		flow_change_back(t);
	else
		flow_change_end(t);
	free(j.found);
	if (rc < 0 || done == NULL)
		return rc;
	done->added += mine.added;
	done->replaced += mine.replaced;
	done->modified += mine.modified;
	done->removed += mine.removed;
	done->evicted += mine.evicted;
	return 0;
}

int flow_ctl_mod_now(struct flow_bridge *fb, const struct flow_mod *m, struct flow_error *e)
{
	struct fault f = {.err = 0};
	struct txn t;
	int rc;

	txn_begin(&t, false);
	flow_change_defer(true);
	rc = flow_ctl_mod(&t, fb, m, false, NULL, e);
	if (rc < 0) {
		txn_rollback(&t);
		flow_change_defer(false);
		return rc;
	}
	rc = txn_commit(&t, &f);
	flow_change_defer(false);
	return rc < 0 ? flow_error_set(e, OFPFMFC_UNKNOWN, NULL, NULL, NULL, "%s", f.message) : 0;
}

void flow_ctl_flush(void)
{
	flow_change_flush();
}

// --- what refers to something that goes ------------------------------------------------------------------------------

static bool goes_to_any_group(const struct flow_actions *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].type == FLOW_ACTION_GROUP)
			return true;
	return false;
}

static bool uses_group(const struct flow *x, uint32_t group)
{
	if (group == FLOW_GROUP_ALL)
		return goes_to_any_group(&x->instructions.apply) || goes_to_any_group(&x->instructions.write);
	return flow_instructions_output_to(&x->instructions, FLOW_PORT_ANY, group);
}

static bool uses_meter(const struct flow *x, uint32_t meter)
{
	return (x->instructions.has & FLOW_INST_METER) && (meter == FLOW_METER_ALL || x->instructions.meter == meter);
}

static int drop_in(struct txn *t, struct flow_bridge *fb, bool (*uses)(const struct flow *x, uint32_t id), uint32_t id,
		   enum flow_removed_reason reason, struct fault *f)
{
	struct flow_error e = {.fault = {.err = 0}};
	int rc = 0;

	flow_change_begin(t, fb);
	for (uint32_t n = 1; n < flow_number_end() && rc == 0; n++)
		if (flow_number_in(n, fb, FLOW_TABLE_ALL) && uses(flow_by_number(n), id))
			rc = flow_change_del(flow_by_number(n), reason, &e);
	if (rc < 0)
		flow_change_back(t);
	else
		flow_change_end(t);
	if (rc < 0 && f != NULL)
		*f = e.fault;
	return rc;
}

static int drop(struct txn *t, struct flow_bridge *fb, bool (*uses)(const struct flow *x, uint32_t id), uint32_t id,
		enum flow_removed_reason reason, struct fault *f)
{
	struct txn own;
	int rc;

	if (t != NULL)
		return drop_in(t, fb, uses, id, reason, f);
	txn_begin(&own, false);
	rc = drop_in(&own, fb, uses, id, reason, f);
	if (rc == 0)
		return txn_commit(&own, f);
	txn_rollback(&own);
	return rc;
}

int flow_ctl_drop_group(struct txn *t, struct flow_bridge *fb, uint32_t group, struct fault *f)
{
	return drop(t, fb, uses_group, group, FLOW_REMOVED_GROUP, f);
}

int flow_ctl_drop_meter(struct txn *t, struct flow_bridge *fb, uint32_t meter, struct fault *f)
{
	return drop(t, fb, uses_meter, meter, FLOW_REMOVED_METER, f);
}

static bool uses_bridge(const struct flow *x, uint32_t id)
{
	return true;
}

int flow_ctl_del_all(struct txn *t, struct flow_bridge *fb, struct fault *f)
{
	const char *name = fb->bridge->name;

	if (fb->flows->persisted > 0)
		return fault_str(f, -EBUSY, "name", name, "a bridge without persisted flow entries (flow.flush)",
				 "bridge %s has %u flow entries that are persisted", name, fb->flows->persisted);
	if (fb->flows->configured > 0)
		return fault_str(f, -EBUSY, "name", name, "a bridge without settings of flow tables (flow.table_reset)",
				 "bridge %s has %u flow tables with settings", name, fb->flows->configured);
	return fb->flows->count > 0 ? drop(t, fb, uses_bridge, 0, FLOW_REMOVED_SILENT, f) : 0;
}
