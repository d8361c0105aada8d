/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>
#include <rte_log.h>

#include "../../control/options.h"

static struct options o;
static struct fault f;

// Parses a command line that ends with NULL.
static int parse(const char *first, ...)
{
	char *argv[16] = {(char *)(uintptr_t) "sluiced"};
	int argc = 1;
	va_list ap;

	va_start(ap, first);
	for (const char *arg = first; arg != NULL; arg = va_arg(ap, const char *))
		argv[argc++] = (char *)(uintptr_t)arg;
	va_end(ap);
	memset(&f, 0, sizeof(f));
	return options_parse(&o, argc, argv, &f);
}

static void defaults_are_filled_in(void **state)
{
	assert_int_equal(parse(NULL), 0);
	assert_string_equal(o.socket, "/run/sluice/control.sock");
	assert_string_equal(o.state, "/var/lib/sluice/state.json");
	assert_null(o.config);
	assert_null(o.isa);
	assert_int_equal(o.idle, WORKER_IDLE_SLEEP);
	assert_int_equal(o.log_level, RTE_LOG_INFO);
	assert_false(o.no_huge || o.worker_cpus_given || o.control_cpus_given);
}

static void values_are_taken(void **state)
{
	assert_int_equal(parse("--socket", "/tmp/s", "--no-state", "--mbufs=2048", "--idle", "poll", "--isa", "v3",
			       "--worker-cpus", "1,3-4", "--log-level", "error", "--no-huge", NULL),
			 0);
	assert_string_equal(o.socket, "/tmp/s");
	assert_null(o.state);
	assert_int_equal(o.mbufs, 2048);
	assert_int_equal(o.idle, WORKER_IDLE_POLL);
	assert_string_equal(o.isa, "v3");
	assert_int_equal(o.log_level, RTE_LOG_ERR);
	assert_true(o.no_huge && o.worker_cpus_given);
	assert_int_equal(CPU_COUNT(&o.worker_cpus), 3);
	assert_true(CPU_ISSET(1, &o.worker_cpus) && CPU_ISSET(3, &o.worker_cpus) && CPU_ISSET(4, &o.worker_cpus));
}

static void errors_name_option_value_and_range(void **state)
{
	static const char *const bad[][3] = {
		{"--mbufs", "1023", "1024 to 16777216"},
		{"--mbufs", "x", "1024"},
		{"--mbufs", "2048x", "1024"},
		{"--mbufs", "-5", "1024"},
		{"--mbufs", "", "1024"},
		{"--mbufs", "99999999999999999999", "1024"},
		{"--idle", "doze", "poll|sleep"},
		{"--isa", "v5", "v2|v3|v4"},
		{"--worker-cpus", "3-1", "ranges"},
		{"--worker-cpus", "1,", "ranges"},
		{"--socket", "", "1 to 107 bytes"},
		{"--worker-cpus", "99999", "ranges"},
		{"--file-prefix", "a/b", "file name"},
		{"--log-level", "loud", "error|warning"},
	};

	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		char quoted[64];

		assert_int_equal(parse(bad[i][0], bad[i][1], NULL), -EINVAL);
		assert_string_equal(f.field, bad[i][0]);
		snprintf(quoted, sizeof(quoted), "\"%s\"", bad[i][1]);
		assert_string_equal(f.value, quoted);
		assert_non_null(strstr(f.allowed, bad[i][2]));
	}
}

static void what_is_no_option_is_refused(void **state)
{
	assert_int_equal(parse("--nonsense", NULL), -EINVAL);
	assert_non_null(strstr(f.message, "--nonsense"));
	assert_int_equal(parse("--no-huge", "word", NULL), -EINVAL);
	assert_non_null(strstr(f.value, "word"));
	assert_int_equal(parse("--mbufs", NULL), -EINVAL);
	assert_non_null(strstr(f.message, "--mbufs needs a value"));
}

static void file_prefix_follows_the_socket(void **state)
{
	char first[64];

	assert_int_equal(parse("--socket", "/tmp/a", NULL), 0);
	snprintf(first, sizeof(first), "%s", o.file_prefix);
	assert_int_equal(parse("--socket", "/tmp/b", NULL), 0);
	assert_string_not_equal(first, o.file_prefix);
	assert_int_equal(parse("--socket", "/tmp/a", NULL), 0);
	assert_string_equal(first, o.file_prefix);
}

static void check_cpus(const char *allowed, const char *worker, const char *control)
{
	char text[64];
	cpu_set_t set;

	assert_int_equal(cpus_parse(allowed, &set), 0);
	assert_int_equal(options_cpus(&o, &set, &f), 0);
	cpus_print(&o.worker_cpus, text, sizeof(text));
	assert_string_equal(text, worker);
	cpus_print(&o.control_cpus, text, sizeof(text));
	assert_string_equal(text, control);
}

static void cpus_are_shared_out(void **state)
{
	assert_int_equal(parse(NULL), 0);
	check_cpus("0-3", "3", "0-2");
	assert_int_equal(parse(NULL), 0);
	check_cpus("5", "5", "5");
	assert_int_equal(parse("--worker-cpus", "0,2", NULL), 0);
	check_cpus("0-3", "0,2", "1,3");
	assert_int_equal(parse("--control-cpus", "3", NULL), 0);
	check_cpus("0-3", "2", "3");
	assert_int_equal(parse("--control-cpus", "0-1", NULL), 0);
	check_cpus("0-1", "1", "0-1");
	assert_int_equal(parse("--worker-cpus", "0-1", NULL), 0);
	check_cpus("0-1", "0-1", "0-1");
}

static void cpus_not_allowed_are_refused(void **state)
{
	cpu_set_t set;

	assert_int_equal(cpus_parse("0-1", &set), 0);
	assert_int_equal(parse("--worker-cpus", "1-2", NULL), 0);
	assert_int_equal(options_cpus(&o, &set, &f), -EINVAL);
	assert_string_equal(f.field, "--worker-cpus");
	assert_string_equal(f.allowed, "0-1");
	assert_int_equal(parse("--control-cpus", "7", NULL), 0);
	assert_int_equal(options_cpus(&o, &set, &f), -EINVAL);
	assert_string_equal(f.field, "--control-cpus");
}

static void cpu_lists_go_there_and_back(void **state)
{
	static const char *const lists[] = {"0", "0-1", "0,2", "1-3,5,7-1023"};
	char text[64], small[4];
	cpu_set_t set;

	for (unsigned int i = 0; i < RTE_DIM(lists); i++) {
		assert_int_equal(cpus_parse(lists[i], &set), 0);
		cpus_print(&set, text, sizeof(text));
		assert_string_equal(text, lists[i]);
	}
	cpus_print(&set, small, sizeof(small));
	assert_int_equal(strlen(small), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(errors_name_option_value_and_range),
		cmocka_unit_test(what_is_no_option_is_refused),
		cmocka_unit_test(file_prefix_follows_the_socket),
		cmocka_unit_test(cpus_are_shared_out),
		cmocka_unit_test(cpus_not_allowed_are_refused),
		cmocka_unit_test(cpu_lists_go_there_and_back),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
