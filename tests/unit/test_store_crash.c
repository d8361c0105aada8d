/* SPDX-License-Identifier: BSD-3-Clause */
// The store when the system fails it: the process ends before each system call in turn, the disk is full, a sync fails.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../control/store.h"
#include "store_faults.h"
#include "store_model.h"

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
	if (store_open(store_model_path, &f) < 0)
		_exit(1);
	for (unsigned int n = 1; n <= 30; n++) {
		p->begun = n;
		if (store_model_apply(seed, n, &f) < 0)
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
		store_model_open();
		bool found = false;
		for (unsigned int n = p->acknowledged; n <= p->begun && !found; n++)
			found = store_model_is_at(5, n);
		if (!found)
			fail_msg("crash %u: nothing between %u (acknowledged) and %u", crash_at, p->acknowledged,
				 p->begun);
		store_close();
		store_model_clean();
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

	store_model_open();
	for (unsigned int n = 1; n <= 10; n++)
		store_model_change(6, n);
	store_close();
	// Nothing is allocated ahead now.
	assert_int_equal(truncate(store_model_journal, 0), 0);
	store_model_clean();
	store_model_open();
	store_faults.no_space = true;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(store_model_apply(6, 1, &f), -ENOSPC);
		assert_true(store_model_is_at(6, 0));
		assert_false(store_dirty());
	}
	store_faults.no_space = false;
	store_model_change(6, 1);
	store_close();
	store_model_open();
	assert_true(store_model_is_at(6, 1));
	// The same in the middle of a compaction: it is given up, and the state is as before.
	store_model_change(6, 2);
	store_compact_soon();
	store_faults.no_space = true;
	int rc;
	while ((rc = store_compact_step(&f)) == 1)
		;
	assert_int_equal(rc, -ENOSPC);
	store_faults.no_space = false;
	store_model_change(6, 3);
	store_close();
	store_model_open();
	assert_true(store_model_is_at(6, 3));
}

static void after_a_failed_sync_nothing_changes_any_more(void **state)
{
	struct fault f = {0};

	store_model_open();
	store_model_change(7, 1);
	assert_int_equal(store_model_apply(7, 2, &f), 0);
	store_faults.no_sync = true;
	assert_int_equal(store_sync(&f), -EIO);
	store_faults.no_sync = false;
	// The kernel would say yes now, without having written what it dropped.
	assert_int_equal(store_sync(&f), -EIO);
	assert_int_equal(store_model_apply(7, 3, &f), -EIO);
	assert_true(store_model_is_at(7, 2));
	store_close();
	store_model_open();
	assert_true(store_model_is_at(7, 2) || store_model_is_at(7, 1));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, store_model_setup, store_model_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kill_between_any_two_system_calls_loses_nothing),
		TEST(power_cut_between_any_two_system_calls_loses_nothing),
		TEST(full_disk_refuses_the_change_and_nothing_else),
		TEST(after_a_failed_sync_nothing_changes_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
