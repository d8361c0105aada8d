/* SPDX-License-Identifier: BSD-3-Clause */
#include "store_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/store.h"
#include "../../control/txn.h"
#include "store_faults.h"

#define KINDS 3
#define KEYS 12

char store_model_dir[64], store_model_path[96], store_model_journal[112];

int store_model_setup(void **state)
{
	store_faults_reset();
	// A file system in memory, if there is one: thousands of starts are made here.
	strcpy(store_model_dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/store.XXXXXX" : "/tmp/store.XXXXXX");
	assert_non_null(mkdtemp(store_model_dir));
	snprintf(store_model_path, sizeof(store_model_path), "%s/state.json", store_model_dir);
	snprintf(store_model_journal, sizeof(store_model_journal), "%s.journal", store_model_path);
	return 0;
}

void store_model_clean(void)
{
	DIR *d = opendir(store_model_dir);
	const struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(d), entry->d_name, 0), 0);
	closedir(d);
}

int store_model_teardown(void **state)
{
	store_close();
	store_faults_reset();
	store_model_clean();
	rmdir(store_model_dir);
	return 0;
}

// A change that depends on nothing but its number, made both to the store and to a model.
struct change {
	const char *kind;
	char key[16];
	json_t *object; // NULL: delete
};

static struct change change_at(unsigned int seed, unsigned int n, unsigned int part)
{
	static const char *const kinds[KINDS] = {"port", "bridge", "a kind, with \"signs\""};
	unsigned int r = (seed * 7919 + n * 104729 + part * 1299709) * 2654435761U >> 8;
	struct change c = {.kind = kinds[r % KINDS]};

	snprintf(c.key, sizeof(c.key), "k%u", r / KINDS % KEYS);
	if (r / (KINDS * KEYS) % 4 != 0)
		c.object = json_pack("{s:i, s:s}", "n", (int)n, "text", "line\nbreak \xc3\xa9");
	return c;
}

static unsigned int parts_of(unsigned int n)
{
	return n % 5 == 0 ? 4 : 1;
}

static json_t *model_at(unsigned int seed, unsigned int n)
{
	json_t *model = json_object();

	for (unsigned int i = 1; i <= n; i++)
		for (unsigned int p = 0; p < parts_of(i); p++) {
			struct change c = change_at(seed, i, p);

			if (json_object_get(model, c.kind) == NULL)
				json_object_set_new(model, c.kind, json_object());
			if (c.object != NULL)
				json_object_set_new(json_object_get(model, c.kind), c.key, c.object);
			else
				json_object_del(json_object_get(model, c.kind), c.key);
		}
	return model;
}

int store_model_apply(unsigned int seed, unsigned int n, struct fault *f)
{
	struct txn t;

	txn_begin(&t, false);
	for (unsigned int p = 0; p < parts_of(n); p++) {
		struct change c = change_at(seed, n, p);

		if (c.object != NULL)
			txn_put(&t, c.kind, c.key, c.object);
		else
			txn_del(&t, c.kind, c.key);
	}
	return txn_commit(&t, f);
}

static bool store_is(const json_t *model)
{
	for (unsigned int k = 0; k < 200; k++) {
		struct change c = change_at(0, k, 0);
		json_t *empty = json_object(), *wanted = json_object_get(model, c.kind);
		bool same = json_equal(store_kind(c.kind), wanted != NULL ? wanted : empty);

		json_decref(empty);
		json_decref(c.object);
		if (!same)
			return false;
	}
	return true;
}

bool store_model_is_at(unsigned int seed, unsigned int n)
{
	json_t *model = model_at(seed, n);
	bool same = store_is(model);

	json_decref(model);
	return same;
}

void store_model_open(void)
{
	struct fault f = {0};

	if (store_open(store_model_path, &f) < 0)
		fail_msg("store_open: %s %s", f.message, f.value);
}

void store_model_change(unsigned int seed, unsigned int n)
{
	struct fault f = {0};

	assert_int_equal(store_model_apply(seed, n, &f), 0);
	assert_true(store_dirty());
	assert_int_equal(store_sync(&f), 0);
	assert_false(store_dirty());
}
