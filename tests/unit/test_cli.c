/* SPDX-License-Identifier: BSD-3-Clause */
// The parts of sluicectl that need no daemon: words, arguments, text and tables.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../cli/args.h"
#include "../../cli/budget.h"
#include "../../cli/describe.h"
#include "../../cli/table.h"
#include "../../cli/words.h"

static const char schema_text[] =
	"{'methods': ["
	" {'name': 'port.add', 'changes': true, 'params': [{'name': 'name', 'type': 'name'}, {'name': 'type', 'type': "
	"'string'}]},"
	" {'name': 'port.set', 'changes': true, 'params': [{'name': 'name', 'type': 'name'}, {'name': 'mtu', 'type': "
	"'int'},"
	"  {'name': 'on', 'type': 'bool'}, {'name': 'rate', 'type': 'number'}, {'name': 'vlans', 'type': 'ints'},"
	"  {'name': 'words', 'type': 'strings'}, {'name': 'o', 'type': 'object'}, {'name': 'list', 'type': "
	"'objects'}]},"
	" {'name': 'port.list', 'params': [{'name': 'name', 'type': 'name'}]},"
	" {'name': 'fdb.add', 'changes': true, 'params': [{'name': 'port', 'type': 'name'}]}],"
	"'port_types': [{'name': 'tap', 'params': [{'name': 'ifname', 'type': 'string'}]},"
	" {'name': 'dpdk', 'params': [{'name': 'rxq', 'type': 'int'}]}]}";

// JSON in C strings is easier to read with single quotes.
static json_t *json(const char *text)
{
	char *copy = strdup(text);
	json_t *v;

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(v);
	free(copy);
	return v;
}

static void assert_json(const json_t *got, const char *want)
{
	json_t *w = json(want);
	char *text = json_dumps(got, JSON_ENCODE_ANY);

	if (!json_equal(got, w))
		fail_msg("got %s, wanted %s", text, want);
	free(text);
	json_decref(w);
}

static void assert_value(const char *type, const char *text, const char *want)
{
	char why[256] = "";
	json_t *v = args_value(type, text, why, sizeof(why));

	if (want == NULL) {
		assert_null(v);
		assert_string_not_equal(why, "");
		return;
	}
	if (v == NULL)
		fail_msg("%s '%s': %s", type, text, why);
	assert_json(v, want);
	json_decref(v);
}

static void integers_take_suffixes_and_refuse_the_rest(void **state)
{
	assert_value("int", "0", "0");
	assert_value("int", "-17", "-17");
	assert_value("int", "10k", "10000");
	assert_value("int", "10K", "10000");
	assert_value("int", "2M", "2000000");
	assert_value("int", "3G", "3000000000");
	assert_value("int", "4Ki", "4096");
	assert_value("int", "1Gi", "1073741824");
	assert_value("int", "0x1F", "31");
	assert_value("int", "-0x10", "-16");
	assert_value("int", "010", "10");
	assert_value("int", "9223372036854775807", "9223372036854775807");
	assert_value("int", "9223372036854775808", NULL);
	assert_value("int", "9223372036854775807k", NULL);
	assert_value("int", "1e3", NULL);
	assert_value("int", "1.5", NULL);
	assert_value("int", "", NULL);
	assert_value("int", "-", NULL);
	assert_value("int", " 1", NULL);
	assert_value("int", "1 ", NULL);
	assert_value("int", "1kB", NULL);
	assert_value("int", "1kk", NULL);
}

static void numbers_are_reals_or_integers(void **state)
{
	assert_value("number", "2", "2");
	assert_value("number", "0.25", "0.25");
	assert_value("number", "1.5k", "1500.0");
	assert_value("number", "1e3", "1000.0");
	assert_value("number", "nan", NULL);
	assert_value("number", "inf", NULL);
	assert_value("number", "x", NULL);
	assert_value("number", "", NULL);
	assert_value("number", " 1.5", NULL);
}

static void truth_has_four_spellings(void **state)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "YES"}, *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < 5; i++)
		assert_value("bool", yes[i], "true");
	for (size_t i = 0; i < 4; i++)
		assert_value("bool", no[i], "false");
	assert_value("bool", "maybe", NULL);
	assert_value("bool", "", NULL);
}

static void lists_take_commas_ranges_and_json(void **state)
{
	assert_value("ints", "10,20,30-33", "[10, 20, 30, 31, 32, 33]");
	assert_value("ints", "7", "[7]");
	assert_value("ints", "", "[]");
	assert_value("ints", "[1, 2]", "[1, 2]");
	assert_value("ints", "-3--1", "[-3, -2, -1]");
	assert_value("ints", "9-3", NULL);
	assert_value("ints", "1-9999999", NULL);
	assert_value("ints", "-9223372036854775807-9223372036854775807", NULL);
	assert_value("ints", "1,,2", NULL);
	assert_value("ints", "1,a", NULL);
	assert_value("ints", "[1", NULL);
	assert_value("strings", "a,b,c d", "['a', 'b', 'c d']");
	assert_value("strings", "", "[]");
	assert_value("strings", "[\"a,b\"]", "['a,b']");
}

static void structures_are_json_or_a_file(void **state)
{
	char path[] = "/tmp/test_cli.XXXXXX", word[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"a\": [1]}", 10), 10);
	close(fd);
	snprintf(word, sizeof(word), "@%s", path);
	assert_value("object", word, "{'a': [1]}");
	assert_value("object", "{\"x\": null}", "{'x': null}");
	assert_value("objects", "{\"x\": 1}", "[{'x': 1}]");
	assert_value("objects", "[{\"x\": 1}, {}]", "[{'x': 1}, {}]");
	assert_value("object", "{x}", NULL);
	assert_value("object", "@/nonexistent", NULL);
	unlink(path);
}

static void strings_stay_as_they_are(void **state)
{
	assert_value("string", "10k", "'10k'");
	assert_value("string", "", "''");
	assert_value("string", "@file", "'@file'");
	assert_value("name", "vm1", "'vm1'");
	assert_value("enum", "yes", "'yes'");
	assert_value("mac", "aa:bb:cc:dd:ee:ff", "'aa:bb:cc:dd:ee:ff'");
	assert_value("string", "\xff", NULL);
}

// `line`: the words of the command, as a script would have them. `want` NULL: refused, with `why` in the message.
static void assert_params(const char *line, const char *want, const char *why)
{
	json_t *schema = json(schema_text), *params = NULL;
	char text[1024] = "";
	const char *bad;
	struct words w;
	int err;

	assert_int_equal(words_split(&w, line, false, &bad), 0);
	err = args_params(schema, describe_method(schema, w.word[0]), w.word + 1, w.n - 1, &params, text, sizeof(text));
	if (want != NULL) {
		if (err != 0)
			fail_msg("%s: %s", line, text);
		assert_json(params, want);
	} else {
		assert_int_not_equal(err, 0);
		if (strstr(text, why) == NULL)
			fail_msg("%s: '%s' lacks '%s'", line, text, why);
	}
	json_decref(params);
	json_decref(schema);
	words_free(&w);
}

static void params_follow_their_declaration(void **state)
{
	assert_params("port.set", "{}", NULL);
	assert_params("port.set name=5 mtu=9k on=off rate=2.5 vlans=1-3 words=a,b",
		      "{'name': '5', 'mtu': 9000, 'on': false, 'rate': 2.5, 'vlans': [1, 2, 3], 'words': ['a', 'b']}",
		      NULL);
	assert_params("port.set words=a=b", "{'words': ['a=b']}", NULL);
	assert_params("port.set name=a dry_run=true", "{'name': 'a', 'dry_run': true}", NULL);
	assert_params("port.set {\"unknown\": [1]} name=a", "{'unknown': [1], 'name': 'a'}", NULL);
	assert_params("port.list dry_run=yes", NULL, "no parameter 'dry_run' (has: name)");
	assert_params("port.set bogus=1", NULL, "no parameter 'bogus' (has: name, mtu,");
	assert_params("port.set mtu=1 mtu=2", NULL, "'mtu' is given twice");
	assert_params("port.set mtu", NULL, "'mtu' is not key=value");
	assert_params("port.set =1", NULL, "'=1' is not key=value");
	assert_params("port.set mtu=big", NULL, "mtu: 'big' is not an integer");
	assert_params("port.set {broken}", NULL, "not JSON");
}

static void a_port_type_brings_its_own_params(void **state)
{
	assert_params("port.add name=a type=tap ifname=t0", "{'name': 'a', 'type': 'tap', 'ifname': 't0'}", NULL);
	assert_params("port.add rxq=2 type=dpdk", "{'rxq': 2, 'type': 'dpdk'}", NULL);
	assert_params("port.add name=a type=tap rxq=2", NULL, "no parameter 'rxq' (has: name, type, ifname, dry_run)");
	// Without a type it is the daemon that says that the type is missing.
	assert_params("port.add name=a rxq=2", "{'name': 'a', 'rxq': 2}", NULL);
}

static void a_name_is_looked_up_where_such_objects_are_listed(void **state)
{
	json_t *schema = json(schema_text);
	const json_t *list = describe_method(schema, "port.list");

	assert_ptr_equal(describe_lister(schema, describe_method(schema, "port.set"), "name"), list);
	assert_ptr_equal(describe_lister(schema, describe_method(schema, "fdb.add"), "port"), list);
	assert_null(describe_lister(schema, describe_method(schema, "port.add"), "name"));
	assert_null(describe_lister(schema, describe_method(schema, "port.set"), "mtu"));
	json_decref(schema);
}

// `want`: the words joined by '|'.
static void assert_words(const char *line, const char *want, bool open)
{
	struct words w;
	const char *why;
	char got[512] = "";

	assert_int_equal(words_split(&w, line, true, &why), 0);
	for (size_t i = 0; i < w.n; i++) {
		strcat(got, i > 0 ? "|" : "");
		strcat(got, w.word[i]);
	}
	assert_string_equal(got, want);
	assert_int_equal(w.open, open);
	words_free(&w);
}

static void a_line_falls_into_words(void **state)
{
	struct words w;
	const char *why;

	assert_words("", "", false);
	assert_words("  # nothing", "", false);
	assert_words("a b\tc \n", "a|b|c", false);
	assert_words("a b", "a|b", true);
	assert_words("a#b # c", "a#b", false);
	assert_words("a='x y' \"p \\\" q\" r\\ s", "a=x y|p \" q|r s", true);
	assert_words("a='' ''", "a=|", true);
	assert_words("txn ops=[{\"m\": \"] x\", \"p\": {\"a\": \"\\\"\"}}] dry_run=yes",
		     "txn|ops=[{\"m\": \"] x\", \"p\": {\"a\": \"\\\"\"}}]|dry_run=yes", true);
	assert_words("m {\"a\": 1} # end", "m|{\"a\": 1}", false);
	assert_words("x[1] a]b", "x[1]|a]b", true);
	assert_int_equal(words_split(&w, "a='b", false, &why), -EINVAL);
	assert_int_equal(words_split(&w, "a={\"b\": 1", false, &why), -EINVAL);
}

static void assert_text(const char *value, enum text_format format, const char *want)
{
	json_t *v = json(value);
	char *text = text_value(v, format);

	assert_string_equal(text, want);
	free(text);
	json_decref(v);
}

static void values_become_text(void **state)
{
	assert_text("null", TEXT_PLAIN, "-");
	assert_text("true", TEXT_PLAIN, "yes");
	assert_text("false", TEXT_PLAIN, "no");
	assert_text("-3", TEXT_PLAIN, "-3");
	assert_text("0.5", TEXT_PLAIN, "0.5");
	assert_text("''", TEXT_PLAIN, "-");
	assert_text("[1, 'a', {'x': [2]}]", TEXT_PLAIN, "1,a,{x=2}");
	assert_text("{'a': 1, 'b': {'c': []}}", TEXT_PLAIN, "a=1 b={c=-}");
	assert_text("[10, 20, 30, 31, 32, 40, 41]", TEXT_RANGES, "10,20,30-32,40,41");
	assert_text("[]", TEXT_RANGES, "-");
	assert_text("[1, 1]", TEXT_COUNT, "2");
	assert_text("[{'port': 'a', 'tag': 1}, {'port': 'b'}]", TEXT_FIRSTS, "a,b");
	assert_text("{'a': 1, 'b': 41}", TEXT_SUM, "42");
	assert_text("{}", TEXT_SUM, "0");
	assert_text("999", TEXT_SCALED, "999");
	assert_text("1234567", TEXT_SCALED, "1.23M");
	assert_text("999999", TEXT_SCALED, "1M");
	assert_text("0.256", TEXT_PERCENT, "25.6%");
}

static void terminals_get_no_control_characters(void **state)
{
	assert_text("'\\u001b[2J\\u0007a\\u009b\\u007f\\n'", TEXT_PLAIN, "\\x1b[2J\\x07a\\x9b\\x7f\\x0a");
	assert_text("'gr\xc3\xbc\xc3\x9f'", TEXT_PLAIN, "gr\xc3\xbc\xc3\x9f");
	assert_text("{'\\u001b': 1}", TEXT_PLAIN, "\\x1b=1");
}

// The table of `rows`; free() it.
static char *table(const char *rows, const struct column *columns, unsigned int width)
{
	json_t *v = json(rows);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (columns != NULL)
		table_rows(f, v, columns, width);
	else
		table_value(f, v, width);
	fclose(f);
	json_decref(v);
	return text;
}

static void assert_table(const char *rows, const struct column *columns, unsigned int width, const char *want)
{
	char *text = table(rows, columns, width);

	assert_string_equal(text, want);
	free(text);
}

static void rows_become_aligned_columns(void **state)
{
	static const struct column columns[] = {{.title = "NAME", .path = "name"},
						{.title = "NEVER", .path = "never"},
						{.title = "DEEP", .path = "no|a.b"},
						{.title = NULL}};

	assert_table("[{'name': 'a', 'n': 5}, {'name': 'long', 'n': 1000, 'late': true}]", NULL, 0,
		     "name     n  late\n"
		     "a        5  -\n"
		     "long  1000  yes\n");
	assert_table("[{'name': 'a', 'a': {'b': 7}, 'z': 1}, {'name': 'b'}]", columns, 0,
		     "NAME  DEEP\n"
		     "a        7\n"
		     "b        -\n");
	assert_table("[]", columns, 0, "");
	assert_table("[{'k': 'gr\xc3\xbc\xc3\x9f'}, {'k': 'x'}]", NULL, 0, "k\ngr\xc3\xbc\xc3\x9f\nx\n");
}

static void a_narrow_terminal_gets_cut_words_but_whole_numbers(void **state)
{
	const char *rows = "[{'path': '/run/some/very/long/path', 'n': 1234567890, 'b': 'x'}]";

	assert_table(rows, NULL, 30,
		     "path                      n  b\n"
		     "/run/some/very~  1234567890  x\n");
	// Where even that is too wide, each row is a block.
	assert_table(rows, NULL, 15,
		     "path: /run/some/very/long/path\n"
		     "n:    1234567890\n"
		     "b:    x\n");
}

static void an_object_becomes_lines(void **state)
{
	assert_table("{'a': 1, 'long': 'x', 'o': {'p': 2}, 'rows': [{'c': 1}, {'c': 22}]}", NULL, 0,
		     "a:    1\n"
		     "long: x\n"
		     "o:    p=2\n"
		     "rows:\n"
		     "   c\n"
		     "   1\n"
		     "  22\n");
	assert_table("true", NULL, 0, "");
	assert_table("'pong'", NULL, 0, "pong\n");
	assert_table("[1, 2]", NULL, 0, "1\n2\n");
}

static struct budget_result budget(const char *line)
{
	struct budget b = {.gbps = 10, .size = 64, .ghz = 2};
	struct budget_result r;
	struct words w;
	char why[160];
	const char *open;

	assert_int_equal(words_split(&w, line, false, &open), 0);
	assert_int_equal(budget_parse(&b, w.word, w.n, why, sizeof(why)), 0);
	words_free(&w);
	budget_compute(&b, &r);
	return r;
}

static void budget_refuses(const char *line, const char *want)
{
	struct budget b = {.gbps = 10, .size = 64, .ghz = 2};
	struct words w;
	char why[160] = "";
	const char *open;

	assert_int_equal(words_split(&w, line, false, &open), 0);
	assert_int_equal(budget_parse(&b, w.word, w.n, why, sizeof(why)), -EINVAL);
	words_free(&w);
	if (strstr(why, want) == NULL)
		fail_msg("'%s' is not in: %s", want, why);
}

static void a_budget_is_what_the_line_rate_leaves(void **state)
{
	// The figures that everybody knows: 14.88 million frames of 64 bytes at 10 Gbit/s, one each 67.2 ns.
	struct budget_result r = budget("--gbps 10 --size 64 --ghz 2.0");

	assert_int_equal((long)r.pps, 14880952);
	assert_float_equal(r.ns, 67.2, 1e-6);
	assert_float_equal(r.cycles, 134.4, 1e-6);
	assert_float_equal(budget("").ns, 67.2, 1e-6);
	assert_int_equal((long)budget("--gbps=100 --size=1518").pps, 8127438);
	assert_float_equal(budget("--ghz=4").cycles, 268.8, 1e-6);
}

static void a_budget_out_of_range_is_refused(void **state)
{
	budget_refuses("--size 63", "--size: '63' is not 64 to 16383");
	budget_refuses("--size 16384", "--size");
	budget_refuses("--size 64.5", "--size");
	budget_refuses("--gbps 0", "--gbps: '0' is not 0.001 to 10000");
	budget_refuses("--gbps -1", "--gbps");
	budget_refuses("--gbps 1e9", "--gbps");
	budget_refuses("--gbps nan", "--gbps");
	budget_refuses("--gbps 1.2.3", "--gbps");
	budget_refuses("--ghz 10.1", "--ghz");
	budget_refuses("--ghz", "--ghz: ''");
	budget_refuses("--ghz=", "--ghz: ''");
	budget_refuses("10", "'10' is not --gbps, --size or --ghz");
	budget_refuses("--gb 10", "'--gb' is not");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_take_suffixes_and_refuse_the_rest),
		cmocka_unit_test(numbers_are_reals_or_integers),
		cmocka_unit_test(truth_has_four_spellings),
		cmocka_unit_test(lists_take_commas_ranges_and_json),
		cmocka_unit_test(structures_are_json_or_a_file),
		cmocka_unit_test(strings_stay_as_they_are),
		cmocka_unit_test(params_follow_their_declaration),
		cmocka_unit_test(a_port_type_brings_its_own_params),
		cmocka_unit_test(a_name_is_looked_up_where_such_objects_are_listed),
		cmocka_unit_test(a_line_falls_into_words),
		cmocka_unit_test(values_become_text),
		cmocka_unit_test(terminals_get_no_control_characters),
		cmocka_unit_test(rows_become_aligned_columns),
		cmocka_unit_test(a_narrow_terminal_gets_cut_words_but_whole_numbers),
		cmocka_unit_test(an_object_becomes_lines),
		cmocka_unit_test(a_budget_is_what_the_line_rate_leaves),
		cmocka_unit_test(a_budget_out_of_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
