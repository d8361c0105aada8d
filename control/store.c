/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "snapshot.h"

#define COMPACT_MIN (1 << 20) // bytes of journal below which compaction is not worth its syncs
#define COMPACT_SLICE 512     // objects a call

// A compaction goes through the maps a slice at a time while they change. `kind` and `key` are the next object to
// write; store_del() steps over it when it goes.
struct compaction {
	bool running;
	struct file_new file;
	off_t journal_from; // the journal's records before this are in the snapshot
	const char *kind;   // key of store.kinds, from which nothing is ever deleted; NULL: all is written
	char *key;          // NULL: the kind has no more
	bool failed;        // no memory for the key: the place is lost
	unsigned int table; // the next of `tables`, when the maps are written
};

#define TABLES_MAX 8

static const struct store_table *tables[TABLES_MAX];
static unsigned int ntables;

static struct {
	json_t *kinds; // kind -> key -> object
	bool on_disk;
	uint64_t seq, synced; // in memory only
	int lock;
	struct journal journal;
	off_t snapshot_size;
	off_t compact_at; // journal bytes from which on compaction is due
	struct compaction compaction;
	char path[FILE_PATH_LEN], journal_path[FILE_PATH_LEN], lock_path[FILE_PATH_LEN];
} store = {.lock = -1};

void store_table_register(const struct store_table *t)
{
	// A registration happens before main(): there is nobody to return an error to.
	if (ntables == TABLES_MAX)
		abort();
	tables[ntables++] = t;
}

static const struct store_table *table_of(const char *kind)
{
	for (unsigned int i = 0; i < ntables; i++)
		if (strcmp(tables[i]->kind, kind) == 0)
			return tables[i];
	return NULL;
}

json_t *store_kind(const char *kind)
{
	json_t *map = json_object_get(store.kinds, kind);

	if (map != NULL)
		return map;
	if (store.kinds == NULL)
		store.kinds = json_object();
	map = json_object();
	json_object_set_new(store.kinds, kind, map);
	return map;
}

json_t *store_get(const char *kind, const char *key)
{
	return json_object_get(json_object_get(store.kinds, kind), key);
}

void store_put(const char *kind, const char *key, json_t *object)
{
	json_object_set_new(store_kind(kind), key, object);
}

static void cursor_key(struct compaction *c, void *iter)
{
	free(c->key);
	c->key = iter != NULL ? strdup(json_object_iter_key(iter)) : NULL;
	c->failed |= iter != NULL && c->key == NULL;
}

static void cursor_kind(struct compaction *c, void *iter)
{
	c->kind = iter != NULL ? json_object_iter_key(iter) : NULL;
	cursor_key(c, iter != NULL ? json_object_iter(json_object_iter_value(iter)) : NULL);
}

void store_del(const char *kind, const char *key)
{
	struct compaction *c = &store.compaction;
	json_t *map = store_kind(kind);

	if (c->running && c->key != NULL && strcmp(c->kind, kind) == 0 && strcmp(c->key, key) == 0)
		cursor_key(c, json_object_iter_next(map, json_object_iter_at(map, key)));
	json_object_del(map, key);
}

static int load_object(const char *kind, const char *key, json_t *object, void *arg, struct fault *f)
{
	const struct store_table *t = table_of(kind);
	int rc = 0;

	if (!t) {
		store_put(kind, key, object);
		return 0;
	}
	rc = t->load(true, key, object, f);
	json_decref(object);
	return rc;
}

static int load_change(const char *op, const char *kind, const char *key, json_t *object, struct fault *f)
{
	const struct store_table *t = kind != NULL ? table_of(kind) : NULL;
	bool put = op != NULL && strcmp(op, "put") == 0;

	if (op == NULL || kind == NULL || key == NULL || (put && !json_is_object(object)) ||
	    (!put && strcmp(op, "del") != 0))
		return fault_set(f, -EINVAL, NULL, NULL, NULL, "the journal holds an unknown change");
	if (t != NULL)
		return t->load(put, key, object, f);
	if (put)
		store_put(kind, key, json_incref(object));
	else
		store_del(kind, key);
	return 0;
}

static int load_changes(json_t *changes, void *arg, struct fault *f)
{
	size_t i;
	const json_t *change;

	json_array_foreach (changes, i, change) {
		const char *op = json_string_value(json_object_get(change, "op"));
		const char *kind = json_string_value(json_object_get(change, "kind"));
		const char *key = json_string_value(json_object_get(change, "key"));
		int rc = load_change(op, kind, key, json_object_get(change, "object"), f);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int lock_take(const char *path, struct fault *f)
{
	store.lock = open(store.lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (store.lock < 0)
		return fault_str(f, -errno, "state", store.lock_path, NULL, "the lock file cannot be opened");
	if (flock(store.lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return fault_str(f, -EBUSY, "state", path, NULL, "another daemon uses this state file");
	return fault_str(f, -errno, "state", store.lock_path, NULL, "the lock file cannot be locked");
}

static int load(struct fault *f)
{
	uint64_t seq, until;
	int rc;

	rc = snapshot_load(store.path, load_object, NULL, &seq, &until, f);
	if (rc < 0)
		return rc;
	rc = journal_open(&store.journal, store.journal_path, seq, load_changes, NULL, f);
	if (rc < 0)
		return rc;
	// The snapshot was put in place when all records up to `until` were on disk.
	if (store.journal.seq < until)
		return fault_str(f, -EINVAL, "state", store.journal_path, NULL,
				 "the journal ends at record %" PRIu64 ", but the state file needs it up to %" PRIu64,
				 store.journal.seq, until);
	return 0;
}

static void compact_at_set(void)
{
	off_t base = store.snapshot_size > COMPACT_MIN ? store.snapshot_size : COMPACT_MIN;

	store.compact_at = store.journal.end + base;
}

int store_open(const char *path, struct fault *f)
{
	struct stat st;
	int rc;

	store_kind("port"); // the map of kinds is there from now on
	if (path == NULL)
		return 0;
	if (snprintf(store.path, sizeof(store.path) - 16, "%s", path) >= (int)sizeof(store.path) - 16)
		return fault_str(f, -ENAMETOOLONG, "state", path, NULL, "the path is too long");
	snprintf(store.journal_path, sizeof(store.journal_path), "%.*s.journal", FILE_PATH_LEN - 16, store.path);
	snprintf(store.lock_path, sizeof(store.lock_path), "%.*s.lock", FILE_PATH_LEN - 16, store.path);
	store.journal.fd = -1;
	rc = lock_take(path, f);
	if (rc == 0)
		rc = load(f);
	if (rc < 0) {
		store_close();
		return rc;
	}
	store.on_disk = true;
	store.snapshot_size = stat(store.path, &st) == 0 ? st.st_size : 0;
	store.compact_at = store.snapshot_size > COMPACT_MIN ? store.snapshot_size : COMPACT_MIN;
	return 0;
}

static void compact_stop(void)
{
	file_abort(&store.compaction.file);
	free(store.compaction.key);
	store.compaction = (struct compaction){.file = {.fd = -1}};
}

void store_close(void)
{
	if (store.compaction.running)
		compact_stop();
	if (store.lock >= 0) {
		journal_close(&store.journal);
		close(store.lock);
	}
	for (unsigned int i = 0; i < ntables; i++)
		tables[i]->clear();
	json_decref(store.kinds);
	memset(&store, 0, sizeof(store));
	store.lock = -1;
}

int store_append(const json_t *changes, struct fault *f)
{
	if (store.on_disk)
		return journal_append(&store.journal, changes, f);
	store.seq++;
	return 0;
}

bool store_dirty(void)
{
	return store.on_disk ? store.journal.seq != store.journal.synced : store.seq != store.synced;
}

int store_sync(struct fault *f)
{
	store.synced = store.seq;
	return store.on_disk && store_dirty() ? journal_sync(&store.journal, f) : 0;
}

static int compact_start(struct fault *f)
{
	struct compaction *c = &store.compaction;
	int rc;

	*c = (struct compaction){.running = true, .journal_from = store.journal.end};
	cursor_kind(c, json_object_iter(store.kinds));
	for (unsigned int i = 0; i < ntables; i++)
		tables[i]->begin();
	rc = snapshot_begin(&c->file, store.path, store.journal.seq);
	return rc < 0 ? fault_str(f, rc, "state", c->file.tmp, NULL, "the new state file cannot be made") : 0;
}

static int compact_slice(struct fault *f)
{
	struct compaction *c = &store.compaction;
	off_t from = c->file.size;
	json_t *map = store_kind(c->kind);
	void *iter = c->key != NULL ? json_object_iter_at(map, c->key) : NULL;
	int rc = 0;

	for (unsigned int i = 0; i < COMPACT_SLICE && iter != NULL && rc == 0; i++) {
		rc = snapshot_write(&c->file, c->kind, json_object_iter_key(iter), json_object_iter_value(iter));
		iter = json_object_iter_next(map, iter);
	}
	if (rc < 0)
		return fault_str(f, rc, "state", c->file.tmp, NULL, "the new state file cannot be written");
	// Writing goes on in the background, so that the sync at the end has little left to wait for.
	sync_file_range(c->file.fd, from, c->file.size - from, SYNC_FILE_RANGE_WRITE);
	if (iter != NULL)
		cursor_key(c, iter);
	else
		cursor_kind(c, json_object_iter_next(store.kinds, json_object_iter_at(store.kinds, c->kind)));
	return 0;
}

static int write_part(const char *key, const json_t *object, void *arg)
{
	return snapshot_write(&store.compaction.file, arg, key, object);
}

static int compact_table(struct fault *f)
{
	struct compaction *c = &store.compaction;
	const struct store_table *t = tables[c->table];
	off_t from = c->file.size;
	int rc = t->slice(write_part, (void *)(uintptr_t)t->kind);

	if (rc < 0)
		return fault_str(f, rc, "state", c->file.tmp, NULL, "the new state file cannot be written");
	sync_file_range(c->file.fd, from, c->file.size - from, SYNC_FILE_RANGE_WRITE);
	c->table += rc == 0;
	return 0;
}

static int compact_finish(struct fault *f)
{
	struct compaction *c = &store.compaction;
	int rc;

	rc = store_sync(f);
	if (rc < 0)
		return rc;
	rc = snapshot_end(&c->file, store.journal.seq);
	if (rc < 0)
		return fault_str(f, rc, "state", store.path, NULL, "the new state file cannot be put in place");
	store.snapshot_size = c->file.size;
	return journal_trim(&store.journal, c->journal_from, f);
}

void store_compact_soon(void)
{
	store.compact_at = 0;
}

int store_compact_step(struct fault *f)
{
	struct compaction *c = &store.compaction;
	int rc;

	if (!store.on_disk || store.journal.broken || (!c->running && store.journal.end < store.compact_at))
		return 0;
	if (c->failed)
		rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory to compact the journal");
	else if (!c->running)
		rc = compact_start(f);
	else if (c->kind != NULL)
		rc = compact_slice(f);
	else if (c->table < ntables)
		rc = compact_table(f);
	else
		rc = compact_finish(f);
	if (rc == 0 && c->running && c->file.renamed) {
		close(c->file.fd);
		c->file.fd = -1;
	}
	if (rc < 0 || c->file.fd < 0) {
		compact_stop();
		compact_at_set();
		return rc;
	}
	return 1;
}
