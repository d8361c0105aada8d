/* SPDX-License-Identifier: BSD-3-Clause */
// The store against a model: restarts, torn and rotten files, compaction, and what a change costs.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../control/crc32c.h"
#include "../../control/store.h"
#include "../../control/txn.h"
#include "store_faults.h"
#include "store_model.h"

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
	store_model_open();
	for (unsigned int n = 1; n <= 60; n++)
		store_model_change(1, n);
	assert_true(store_model_is_at(1, 60));
	for (unsigned int round = 0; round < 3; round++) {
		store_close();
		store_model_open();
		assert_true(store_model_is_at(1, 60 + round));
		store_model_change(1, 61 + round);
	}
}

static void in_memory_it_needs_no_file(void **state)
{
	struct fault f = {0};

	assert_int_equal(store_open(NULL, &f), 0);
	for (unsigned int n = 1; n <= 20; n++)
		store_model_change(1, n);
	assert_true(store_model_is_at(1, 20));
	assert_int_equal(store_compact_step(&f), 0);
	store_close();
	assert_int_equal(store_open(NULL, &f), 0);
	assert_true(store_model_is_at(1, 0));
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

	store_model_open();
	for (unsigned int i = 1; i <= n; i++) {
		assert_int_equal(store_model_apply(2, i, &f), 0);
		if (sync || i == 1)
			assert_int_equal(store_sync(&f), 0);
	}
	store_close();
	size_t size = file_read(store_model_journal, bytes);
	assert_int_equal(record_ends(*bytes, size, ends), n);
	return size;
}

static void journal_cut_anywhere_keeps_all_whole_records(void **state)
{
	size_t ends[13];
	char *bytes;

	journal_of(12, true, &bytes, ends);
	for (size_t cut = 0; cut <= ends[12] + 2; cut++) {
		unsigned int whole = 0;
		struct stat st;

		while (whole < 12 && ends[whole + 1] <= cut)
			whole++;
		file_write_all(store_model_journal, bytes, cut);
		store_model_open();
		assert_true(store_model_is_at(2, whole));
		// A second crash, right after the cut was made good, finds the same; and life goes on.
		store_close();
		for (unsigned int again = 0; again < 2 && cut % 7 == 0; again++) {
			store_model_open();
			assert_true(store_model_is_at(2, whole + again));
			store_model_change(2, whole + again + 1);
			store_close();
		}
		char torn[128];
		snprintf(torn, sizeof(torn), "%s.torn", store_model_journal);
		assert_int_equal(stat(torn, &st), cut == ends[whole] || cut > ends[12] ? -1 : 0);
		store_model_clean();
	}
	free(bytes);
}

static void changed_byte_is_noticed_and_nothing_acknowledged_is_dropped(void **state)
{
	size_t ends[9];
	char *bytes;
	size_t size = journal_of(8, true, &bytes, ends);

	for (size_t at = 0; at < ends[8]; at++)
		for (unsigned int zero = 0; zero < 2; zero++) {
			struct fault f = {0};
			char was = bytes[at];
			unsigned int record = 1;

			while (ends[record] <= at)
				record++;
			bytes[at] = zero ? '\0' : was ^ 0x01;
			file_write_all(store_model_journal, bytes, size);
			int rc = store_open(store_model_path, &f);
			// Damage to the last record cannot be told from a torn one, nor if it joins the last two.
			if (record == 8 || (record == 7 && was == '\n')) {
				assert_int_equal(rc, 0);
				assert_true(store_model_is_at(2, record - 1));
			} else {
				char *after;

				assert_int_equal(rc, -EINVAL);
				assert_true(f.message[0] != '\0');
				assert_int_equal(file_read(store_model_journal, &after), size);
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
		file_write_all(store_model_journal, copy, size);
		store_model_open();
		assert_true(store_model_is_at(2, lost - 1));
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
	file_write_all(store_model_journal, bytes, size - (ends[2] - ends[1]));
	assert_int_equal(store_open(store_model_path, &f), -EINVAL);
	// The first is gone: then there must have been a snapshot.
	file_write_all(store_model_journal, bytes + ends[1], size - ends[2]);
	assert_int_equal(store_open(store_model_path, &f), -EINVAL);
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

		file_write_all(store_model_path, files[i], strlen(files[i]));
		assert_int_equal(store_open(store_model_path, &f), -EINVAL);
		assert_int_equal(file_read(store_model_path, &after), strlen(files[i]));
		assert_memory_equal(after, files[i], strlen(files[i]));
		free(after);
	}
	unlink(store_model_path);
	assert_int_equal(mkdir(store_model_path, 0700), 0);
	assert_true(store_open(store_model_path, &f) < 0);
	rmdir(store_model_path);
	store_model_open();
}

static void second_daemon_is_refused(void **state)
{
	struct fault f = {0};
	int status;

	store_model_open();
	if (fork() == 0) {
		store_close(); // of the copy: the lock stays the parent's
		_exit(-store_open(store_model_path, &f));
	}
	wait(&status);
	assert_int_equal(WEXITSTATUS(status), EBUSY);
	store_close();
	store_model_open();
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

	store_model_open();
	for (unsigned int n = 1; n <= 40; n++)
		store_model_change(3, n);
	compact_all();
	assert_int_equal(stat(store_model_journal, &st), 0);
	assert_int_equal(st.st_size, 0);
	store_close();
	store_model_open();
	assert_true(store_model_is_at(3, 40));
	for (unsigned int n = 41; n <= 60; n++)
		store_model_change(3, n);
	store_close();
	store_model_open();
	assert_true(store_model_is_at(3, 60));
	// The snapshot is one JSON document that other tools can read.
	json_error_t error;
	json_t *snapshot = json_load_file(store_model_path, 0, &error);
	if (snapshot == NULL)
		fail_msg("line %d: %s", error.line, error.text);
	assert_int_equal(json_integer_value(json_object_get(snapshot, "seq")), 40);
	json_decref(snapshot);
}

static void any_changed_byte_of_the_snapshot_is_noticed(void **state)
{
	char *bytes;

	store_model_open();
	for (unsigned int n = 1; n <= 10; n++)
		store_model_change(3, n);
	compact_all();
	store_close();
	size_t size = file_read(store_model_path, &bytes);
	for (size_t at = 0; at < size; at++) {
		struct fault f = {0};

		bytes[at] ^= 0x01;
		file_write_all(store_model_path, bytes, size);
		assert_int_equal(store_open(store_model_path, &f), -EINVAL);
		bytes[at] ^= 0x01;
		file_write_all(store_model_path, bytes, at); // cut
		assert_int_equal(store_open(store_model_path, &f), -EINVAL);
	}
	file_write_all(store_model_path, bytes, size);
	store_model_open();
	assert_true(store_model_is_at(3, 10));
	free(bytes);
}

// Changes go on between the slices of a compaction, on objects that are written and that are not yet.
static void changes_during_a_compaction_are_kept(void **state)
{
	struct fault f = {0};
	unsigned int n = 0;
	char key[16];

	store_model_open();
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

		store_model_change(4, ++n);
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
	store_model_open();
	assert_true(store_model_is_at(4, n));
	assert_true(json_equal(store_kind("many"), before));
	json_decref(before);
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
	const unsigned int changes = 30000;
	struct txn t;
	char key[16];

	store_model_clean();
	store_model_open();
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
		// One compaction falls into the changes, as many of them as it takes to make it due.
		if (n == 1000)
			store_compact_soon();
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
	store_model_open();
	assert_int_equal(json_object_size(store_kind("many")), 100000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, store_model_setup, store_model_teardown)

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
		TEST(change_costs_the_same_however_much_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
