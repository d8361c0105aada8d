/* SPDX-License-Identifier: BSD-3-Clause */
// The store against a model: what was acknowledged is there again, whatever a crash, a full disk or rot did.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../control/crc32c.h"
#include "../../control/store.h"
#include "../../control/txn.h"
#include "store_faults.h"

#define KINDS 3
#define KEYS 12

static char dir[64], path[96], journal_path[112];

static int setup(void **state)
{
	store_faults_reset();
	// A file system in memory, if there is one: thousands of starts are made here.
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/store.XXXXXX" : "/tmp/store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state.json", dir);
	snprintf(journal_path, sizeof(journal_path), "%s.journal", path);
	return 0;
}

static void folder_empty(void)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(d), entry->d_name, 0), 0);
	closedir(d);
}

static int teardown(void **state)
{
	store_close();
	store_faults_reset();
	folder_empty();
	rmdir(dir);
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

static int apply(unsigned int seed, unsigned int n, struct fault *f)
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

static bool store_is_at(unsigned int seed, unsigned int n)
{
	json_t *model = model_at(seed, n);
	bool same = store_is(model);

	json_decref(model);
	return same;
}

static void open_ok(void)
{
	struct fault f = {0};

	if (store_open(path, &f) < 0)
		fail_msg("store_open: %s %s", f.message, f.value);
}

static void change_ok(unsigned int seed, unsigned int n)
{
	struct fault f = {0};

	assert_int_equal(apply(seed, n, &f), 0);
	assert_true(store_dirty());
	assert_int_equal(store_sync(&f), 0);
	assert_false(store_dirty());
}

static size_t file_read(const char *name, char **bytes)
{
	FILE *in = fopen(name, "r");
	struct stat st;

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	*bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(fread(*bytes, 1, (size_t)st.st_size, in), st.st_size);
	fclose(in);
	return (size_t)st.st_size;
}

static void file_write_all(const char *name, const char *bytes, size_t size)
{
	FILE *out = fopen(name, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void crc_is_the_standards(void **state)
{
	// RFC 3720, appendix B.4, and the usual check value.
	unsigned char bytes[32] = {0};

	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void state_survives_a_restart(void **state)
{
	open_ok();
	for (unsigned int n = 1; n <= 60; n++)
		change_ok(1, n);
	assert_true(store_is_at(1, 60));
	for (unsigned int round = 0; round < 3; round++) {
		store_close();
		open_ok();
		assert_true(store_is_at(1, 60 + round));
		change_ok(1, 61 + round);
	}
}

static void in_memory_it_needs_no_file(void **state)
{
	struct fault f = {0};

	assert_int_equal(store_open(NULL, &f), 0);
	for (unsigned int n = 1; n <= 20; n++)
		change_ok(1, n);
	assert_true(store_is_at(1, 20));
	assert_int_equal(store_compact_step(&f), 0);
	store_close();
	assert_int_equal(store_open(NULL, &f), 0);
	assert_true(store_is_at(1, 0));
}

// The ends of the records in a journal.
static unsigned int record_ends(const char *bytes, size_t size, size_t *ends)
{
	unsigned int n = 0;

	ends[n++] = 0;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] == '\n')
			ends[n++] = i + 1;
	return n - 1;
}

static size_t journal_of(unsigned int n, bool sync, char **bytes, size_t *ends)
{
	struct fault f = {0};

	open_ok();
	for (unsigned int i = 1; i <= n; i++) {
		assert_int_equal(apply(2, i, &f), 0);
		if (sync || i == 1)
			assert_int_equal(store_sync(&f), 0);
	}
	store_close();
	size_t size = file_read(journal_path, bytes);
	assert_int_equal(record_ends(*bytes, size, ends), n);
	return size;
}

static void journal_cut_anywhere_keeps_all_whole_records(void **state)
{
	size_t ends[31];
	char *bytes;

	journal_of(30, true, &bytes, ends);
	for (size_t cut = 0; cut <= ends[30] + 2; cut++) {
		unsigned int whole = 0;
		struct stat st;

		while (whole < 30 && ends[whole + 1] <= cut)
			whole++;
		file_write_all(journal_path, bytes, cut);
		open_ok();
		assert_true(store_is_at(2, whole));
		// A second crash, right after the cut was made good, finds the same; and life goes on.
		store_close();
		open_ok();
		assert_true(store_is_at(2, whole));
		change_ok(2, whole + 1);
		store_close();
		open_ok();
		assert_true(store_is_at(2, whole + 1));
		store_close();
		char torn[128];
		snprintf(torn, sizeof(torn), "%s.torn", journal_path);
		assert_int_equal(stat(torn, &st), cut == ends[whole] || cut > ends[30] ? -1 : 0);
		folder_empty();
	}
	free(bytes);
}

static void changed_byte_is_noticed_and_nothing_acknowledged_is_dropped(void **state)
{
	static const char flips[] = {0x01, 0x20, (char)0x80};
	size_t ends[13];
	char *bytes;
	size_t size = journal_of(12, true, &bytes, ends);

	for (size_t at = 0; at < ends[12]; at++)
		for (unsigned int flip = 0; flip <= sizeof(flips); flip++) {
			struct fault f = {0};
			char was = bytes[at];
			unsigned int record = 1;

			while (ends[record] <= at)
				record++;
			bytes[at] = flip < sizeof(flips) ? was ^ flips[flip] : '\0';
			file_write_all(journal_path, bytes, size);
			int rc = store_open(path, &f);
			// Damage to the last record cannot be told from a torn one, nor if it joins the last two.
			if (record == 12 || (record == 11 && was == '\n')) {
				assert_int_equal(rc, 0);
				assert_true(store_is_at(2, record - 1));
			} else {
				char *after;

				assert_int_equal(rc, -EINVAL);
				assert_true(f.message[0] != '\0');
				assert_int_equal(file_read(journal_path, &after), size);
				assert_memory_equal(after, bytes, size);
				free(after);
			}
			store_close();
			bytes[at] = was;
		}
	free(bytes);
}

static void records_that_were_not_synced_may_be_lost_in_any_order(void **state)
{
	size_t ends[9];
	char *bytes;
	size_t size = journal_of(8, false, &bytes, ends); // the first is synced

	for (unsigned int lost = 2; lost <= 8; lost++) {
		char *copy = malloc(size);

		memcpy(copy, bytes, size);
		memset(copy + ends[lost - 1], 0, ends[lost] - ends[lost - 1]);
		file_write_all(journal_path, copy, size);
		open_ok();
		assert_true(store_is_at(2, lost - 1));
		store_close();
		free(copy);
	}
	free(bytes);
}

static void missing_records_are_noticed(void **state)
{
	struct fault f = {0};
	size_t ends[6];
	char *bytes;
	size_t size = journal_of(5, true, &bytes, ends);

	// The second record is taken out whole.
	memmove(bytes + ends[1], bytes + ends[2], size - ends[2]);
	file_write_all(journal_path, bytes, size - (ends[2] - ends[1]));
	assert_int_equal(store_open(path, &f), -EINVAL);
	// The first is gone: then there must have been a snapshot.
	file_write_all(journal_path, bytes + ends[1], size - ends[2]);
	assert_int_equal(store_open(path, &f), -EINVAL);
	free(bytes);
}

static void what_is_no_state_file_is_refused_and_kept(void **state)
{
	static const char *const files[] = {"garbage", "{}",
					    "{\"format\":\"sluice-state\",\"version\":1,\"seq\":1,"
					    "\"objects\":[\nnull],\"until\":1,\"crc32c\":\"00000000\"}\n"};
	struct fault f = {0};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *after;

		file_write_all(path, files[i], strlen(files[i]));
		assert_int_equal(store_open(path, &f), -EINVAL);
		assert_int_equal(file_read(path, &after), strlen(files[i]));
		assert_memory_equal(after, files[i], strlen(files[i]));
		free(after);
	}
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(store_open(path, &f) < 0);
	rmdir(path);
	open_ok();
}

static void second_daemon_is_refused(void **state)
{
	struct fault f = {0};
	int status;

	open_ok();
	if (fork() == 0) {
		store_close(); // of the copy: the lock stays the parent's
		_exit(-store_open(path, &f));
	}
	wait(&status);
	assert_int_equal(WEXITSTATUS(status), EBUSY);
	store_close();
	open_ok();
}

static void compact_all(void)
{
	struct fault f = {0};
	int rc;

	store_compact_soon();
	while ((rc = store_compact_step(&f)) == 1)
		;
	if (rc != 0)
		fail_msg("%s", f.message);
}

static void compaction_keeps_everything_and_empties_the_journal(void **state)
{
	struct stat st;

	open_ok();
	for (unsigned int n = 1; n <= 40; n++)
		change_ok(3, n);
	compact_all();
	assert_int_equal(stat(journal_path, &st), 0);
	assert_int_equal(st.st_size, 0);
	store_close();
	open_ok();
	assert_true(store_is_at(3, 40));
	for (unsigned int n = 41; n <= 60; n++)
		change_ok(3, n);
	store_close();
	open_ok();
	assert_true(store_is_at(3, 60));
	// The snapshot is one JSON document that other tools can read.
	json_error_t error;
	json_t *snapshot = json_load_file(path, 0, &error);
	if (snapshot == NULL)
		fail_msg("line %d: %s", error.line, error.text);
	assert_int_equal(json_integer_value(json_object_get(snapshot, "seq")), 40);
	json_decref(snapshot);
}

static void any_changed_byte_of_the_snapshot_is_noticed(void **state)
{
	char *bytes;

	open_ok();
	for (unsigned int n = 1; n <= 20; n++)
		change_ok(3, n);
	compact_all();
	store_close();
	size_t size = file_read(path, &bytes);
	for (size_t at = 0; at < size; at++) {
		struct fault f = {0};

		bytes[at] ^= 0x01;
		file_write_all(path, bytes, size);
		assert_int_equal(store_open(path, &f), -EINVAL);
		bytes[at] ^= 0x01;
		file_write_all(path, bytes, at); // cut
		assert_int_equal(store_open(path, &f), -EINVAL);
	}
	file_write_all(path, bytes, size);
	open_ok();
	assert_true(store_is_at(3, 20));
	free(bytes);
}

// Changes go on between the slices of a compaction, on objects that are written and that are not yet.
static void changes_during_a_compaction_are_kept(void **state)
{
	struct fault f = {0};
	unsigned int n = 0;
	char key[16];

	open_ok();
	for (unsigned int i = 0; i < 3000; i++) {
		struct txn t;

		snprintf(key, sizeof(key), "x%u", i);
		txn_begin(&t, false);
		txn_put(&t, "many", key, json_pack("{s:i}", "i", (int)i));
		assert_int_equal(txn_commit(&t, &f), 0);
	}
	store_compact_soon();
	for (unsigned int step = 0; store_compact_step(&f) == 1; step++) {
		struct txn t;

		change_ok(4, ++n);
		txn_begin(&t, false);
		// The objects around the place where the compaction is, that one included.
		for (unsigned int i = 510; i < 515; i++) {
			snprintf(key, sizeof(key), "x%u", i + 512 * step);
			txn_del(&t, "many", key);
		}
		snprintf(key, sizeof(key), "new%u", step);
		txn_put(&t, "many", key, json_object());
		assert_int_equal(txn_commit(&t, &f), 0);
		assert_int_equal(store_sync(&f), 0);
	}
	assert_true(n > 5);
	assert_int_equal(f.err, 0);
	json_t *before = json_deep_copy(store_kind("many"));
	store_close();
	open_ok();
	assert_true(store_is_at(4, n));
	assert_true(json_equal(store_kind("many"), before));
	json_decref(before);
}

// What the parent must know of a child that ends at any call.
struct progress {
	volatile unsigned int acknowledged, begun;
};

static void crash_child(struct progress *p, unsigned int seed, unsigned int crash_at, bool lose)
{
	struct fault f = {0};

	store_faults.crash_at = crash_at;
	store_faults.lose = lose;
	store_faults.seed = crash_at;
	if (store_open(path, &f) < 0)
		_exit(1);
	for (unsigned int n = 1; n <= 30; n++) {
		p->begun = n;
		if (apply(seed, n, &f) < 0)
			_exit(2);
		if (n % 3 != 0) { // some share a sync
			if (store_sync(&f) < 0)
				_exit(3);
			p->acknowledged = n;
		}
		if (n % 10 == 5)
			store_compact_soon();
		if (store_compact_step(&f) < 0)
			_exit(4);
	}
	_exit(0);
}

// Ends the process before each system call in turn, and sees what a start then finds.
static void crash_everywhere(bool lose)
{
	struct progress *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int crash_at = 0, crashes = 0;
	int status;

	do {
		p->acknowledged = p->begun = 0;
		crash_at++;
		if (fork() == 0)
			crash_child(p, 5, crash_at, lose);
		wait(&status);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 42)
			fail_msg("crash %u: the child ended with %d", crash_at, WEXITSTATUS(status));
		crashes += WEXITSTATUS(status) == 42;
		open_ok();
		bool found = false;
		for (unsigned int n = p->acknowledged; n <= p->begun && !found; n++)
			found = store_is_at(5, n);
		if (!found)
			fail_msg("crash %u: nothing between %u (acknowledged) and %u", crash_at, p->acknowledged,
				 p->begun);
		store_close();
		folder_empty();
	} while (WEXITSTATUS(status) == 42);
	assert_true(crashes > 100);
	munmap(p, sizeof(*p));
}

static void kill_between_any_two_system_calls_loses_nothing(void **state)
{
	crash_everywhere(false);
}

static void power_cut_between_any_two_system_calls_loses_nothing(void **state)
{
	crash_everywhere(true);
}

static void full_disk_refuses_the_change_and_nothing_else(void **state)
{
	struct fault f = {0};

	open_ok();
	for (unsigned int n = 1; n <= 10; n++)
		change_ok(6, n);
	store_close();
	// Nothing is allocated ahead now.
	assert_int_equal(truncate(journal_path, 0), 0);
	folder_empty();
	open_ok();
	store_faults.no_space = true;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(apply(6, 1, &f), -ENOSPC);
		assert_true(store_is_at(6, 0));
		assert_false(store_dirty());
	}
	store_faults.no_space = false;
	change_ok(6, 1);
	store_close();
	open_ok();
	assert_true(store_is_at(6, 1));
	// The same in the middle of a compaction: it is given up, and the state is as before.
	change_ok(6, 2);
	store_compact_soon();
	store_faults.no_space = true;
	int rc;
	while ((rc = store_compact_step(&f)) == 1)
		;
	assert_int_equal(rc, -ENOSPC);
	store_faults.no_space = false;
	change_ok(6, 3);
	store_close();
	open_ok();
	assert_true(store_is_at(6, 3));
}

static void after_a_failed_sync_nothing_changes_any_more(void **state)
{
	struct fault f = {0};

	open_ok();
	change_ok(7, 1);
	assert_int_equal(apply(7, 2, &f), 0);
	store_faults.no_sync = true;
	assert_int_equal(store_sync(&f), -EIO);
	store_faults.no_sync = false;
	// The kernel would say yes now, without having written what it dropped.
	assert_int_equal(store_sync(&f), -EIO);
	assert_int_equal(apply(7, 3, &f), -EIO);
	assert_true(store_is_at(7, 2));
	store_close();
	open_ok();
	assert_true(store_is_at(7, 2) || store_is_at(7, 1));
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Seconds that a change takes on average, compaction included, with `objects` there; *longest: of one step of it.
static double cost_of_changes(unsigned int objects, double *longest)
{
	struct fault f = {0};
	const unsigned int changes = 100000;
	struct txn t;
	char key[16];

	folder_empty();
	open_ok();
	store_faults.skip_sync = true;
	txn_begin(&t, false);
	for (unsigned int i = 0; i < objects; i++) {
		snprintf(key, sizeof(key), "o%u", i);
		txn_put(&t, "many", key, json_pack("{s:i, s:s}", "i", (int)i, "text", "some text as objects have it"));
	}
	assert_int_equal(txn_commit(&t, &f), 0);
	compact_all();
	double begin = now_s();
	*longest = 0;
	for (unsigned int n = 0; n < changes; n++) {
		snprintf(key, sizeof(key), "o%u", n * 7 % objects);
		txn_begin(&t, false);
		txn_put(&t, "many", key, json_pack("{s:i, s:s}", "i", (int)n, "text", "some other text"));
		assert_int_equal(txn_commit(&t, &f), 0);
		assert_int_equal(store_sync(&f), 0);
		double step = now_s();
		assert_true(store_compact_step(&f) >= 0);
		if (now_s() - step > *longest)
			*longest = now_s() - step;
	}
	double spent = now_s() - begin;
	store_close();
	return spent / changes;
}

static void change_costs_the_same_however_much_there_is(void **state)
{
	double longest_few, longest_many;
	double few = cost_of_changes(1000, &longest_few);
	double many = cost_of_changes(100000, &longest_many);

	printf("a change: %.2f us with 1000 objects, %.2f us with 100000 (longest compaction step: %.2f ms, %.2f ms)\n",
	       few * 1e6, many * 1e6, longest_few * 1e3, longest_many * 1e3);
	// Caches tell the two apart; a cost that grew with the state would differ by a hundred.
	assert_true(many < 10 * few);
	assert_true(longest_many < 0.2);
	open_ok();
	assert_int_equal(json_object_size(store_kind("many")), 100000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(crc_is_the_standards),
		TEST(state_survives_a_restart),
		TEST(in_memory_it_needs_no_file),
		TEST(journal_cut_anywhere_keeps_all_whole_records),
		TEST(changed_byte_is_noticed_and_nothing_acknowledged_is_dropped),
		TEST(records_that_were_not_synced_may_be_lost_in_any_order),
		TEST(missing_records_are_noticed),
		TEST(what_is_no_state_file_is_refused_and_kept),
		TEST(second_daemon_is_refused),
		TEST(compaction_keeps_everything_and_empties_the_journal),
		TEST(any_changed_byte_of_the_snapshot_is_noticed),
		TEST(changes_during_a_compaction_are_kept),
		TEST(kill_between_any_two_system_calls_loses_nothing),
		TEST(power_cut_between_any_two_system_calls_loses_nothing),
		TEST(full_disk_refuses_the_change_and_nothing_else),
		TEST(after_a_failed_sync_nothing_changes_any_more),
		TEST(change_costs_the_same_however_much_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
