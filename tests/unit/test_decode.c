/* SPDX-License-Identifier: BSD-3-Clause */
// Parameters against their declaration: what is accepted, what is filled in, and how a refusal reads.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/rpc.h"

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct param item_params[] = {
	{.name = "n", .type = PARAM_INT, .flags = PARAM_REQUIRED, .min = 1, .max = 9},
	{.name = "deep", .type = PARAM_STRING, .def = "\"d\""},
	{.name = NULL},
};

static const struct param all_params[] = {
	{.name = "bool", .type = PARAM_BOOL},
	{.name = "int", .type = PARAM_INT, .min = 68, .max = 9702, .unit = "bytes"},
	{.name = "any_int", .type = PARAM_INT},
	{.name = "number", .type = PARAM_NUMBER, .min = 0, .max = 10, .unit = "s"},
	{.name = "string", .type = PARAM_STRING, .min = 1, .max = 5},
	{.name = "name", .type = PARAM_NAME},
	{.name = "mac", .type = PARAM_MAC},
	{.name = "enum", .type = PARAM_ENUM, .choices = colours},
	{.name = "ints", .type = PARAM_INTS, .min = 1, .max = 4094},
	{.name = "strings", .type = PARAM_STRINGS, .choices = colours},
	{.name = "any_strings", .type = PARAM_STRINGS},
	{.name = "object", .type = PARAM_OBJECT},
	{.name = "objects", .type = PARAM_OBJECTS, .min = 1, .max = 3, .items = item_params},
	{.name = "int_default", .type = PARAM_INT, .def = "300"},
	{.name = "list_default", .type = PARAM_STRINGS, .def = "[\"a\"]"},
	{.name = NULL},
};

static const struct param required_params[] = {
	{.name = "name", .type = PARAM_NAME, .flags = PARAM_REQUIRED},
	{.name = NULL},
};

static void accepts(const char *in, const char *out)
{
	json_t *params = json_loads(in, JSON_ALLOW_NUL, NULL), *wanted = json_loads(out, 0, NULL), *decoded = NULL;
	struct fault f = {0};

	assert_non_null(params);
	assert_non_null(wanted);
	if (rpc_decode(all_params, params, "", &decoded, &f) != 0)
		fail_msg("%s: %s", in, f.message);
	json_object_del(decoded, "int_default");
	json_object_del(decoded, "list_default");
	if (!json_equal(decoded, wanted))
		fail_msg("%s became %s", in, json_dumps(decoded, 0));
	json_decref(params);
	json_decref(wanted);
	json_decref(decoded);
}

static void refuses(const char *in, const char *field, const char *value, const char *allowed)
{
	json_t *params = json_loads(in, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL), *decoded = NULL;
	struct fault f = {0};

	assert_non_null(params);
	assert_int_equal(rpc_decode(all_params, params, "", &decoded, &f), -EINVAL);
	assert_null(decoded);
	assert_int_equal(f.err, -EINVAL);
	assert_string_equal(f.field, field);
	assert_string_equal(f.value, value);
	assert_string_equal(f.allowed, allowed);
	assert_true(f.message[0] != '\0');
	json_decref(params);
}

static void every_type_is_accepted(void **state)
{
	accepts("{}", "{}");
	accepts("{\"bool\":true}", "{\"bool\":true}");
	accepts("{\"int\":68}", "{\"int\":68}");
	accepts("{\"int\":9702}", "{\"int\":9702}");
	accepts("{\"any_int\":-9223372036854775808}", "{\"any_int\":-9223372036854775808}");
	accepts("{\"int\":68.0,\"ints\":[7.0,1e1]}", "{\"int\":68,\"ints\":[7,10]}");
	accepts("{\"number\":10}", "{\"number\":10}");
	accepts("{\"number\":0.5}", "{\"number\":0.5}");
	accepts("{\"string\":\"x\"}", "{\"string\":\"x\"}");
	accepts("{\"name\":\"a.B_c:d-1\"}", "{\"name\":\"a.B_c:d-1\"}");
	accepts("{\"name\":\"1234567890123456789012345678901\"}", "{\"name\":\"1234567890123456789012345678901\"}");
	accepts("{\"mac\":\"AA:bb:0C:dd:eE:ff\"}", "{\"mac\":\"aa:bb:0c:dd:ee:ff\"}");
	accepts("{\"enum\":\"blue\"}", "{\"enum\":\"blue\"}");
	accepts("{\"ints\":[]}", "{\"ints\":[]}");
	accepts("{\"ints\":[1,4094]}", "{\"ints\":[1,4094]}");
	accepts("{\"strings\":[\"red\",\"red\"]}", "{\"strings\":[\"red\",\"red\"]}");
	accepts("{\"any_strings\":[\"\",\"x\"]}", "{\"any_strings\":[\"\",\"x\"]}");
	accepts("{\"object\":{\"x\":[1,{}]}}", "{\"object\":{\"x\":[1,{}]}}");
	accepts("{\"objects\":[{\"n\":1},{\"n\":9,\"deep\":\"e\"}]}",
		"{\"objects\":[{\"n\":1,\"deep\":\"d\"},{\"n\":9,\"deep\":\"e\"}]}");
}

static void wrong_types_are_refused(void **state)
{
	refuses("{\"bool\":1}", "bool", "1", "true or false");
	refuses("{\"int\":\"68\"}", "int", "\"68\"", "an integer 68..9702 bytes");
	refuses("{\"int\":68.5}", "int", "68.5", "an integer 68..9702 bytes");
	refuses("{\"any_int\":null}", "any_int", "null", "an integer");
	refuses("{\"number\":\"1\"}", "number", "\"1\"", "a number 0..10 s");
	refuses("{\"string\":1}", "string", "1", "a string of 1..5 bytes");
	refuses("{\"name\":[]}", "name", "[]", "a name: 1-31 of [A-Za-z0-9_.:-]");
	refuses("{\"mac\":{}}", "mac", "{}", "a MAC address: aa:bb:cc:dd:ee:ff");
	refuses("{\"enum\":false}", "enum", "false", "one of: red, green, blue");
	refuses("{\"ints\":1}", "ints", "1", "an array of integers 1..4094");
	refuses("{\"ints\":[1,\"2\"]}", "ints[1]", "\"2\"", "an array of integers 1..4094");
	refuses("{\"strings\":\"red\"}", "strings", "\"red\"", "an array of: red, green, blue");
	refuses("{\"any_strings\":[\"a\",1]}", "any_strings[1]", "1", "an array of strings");
	refuses("{\"object\":[]}", "object", "[]", "an object");
	refuses("{\"objects\":{}}", "objects", "{}", "an array of 1..3 objects");
	refuses("{\"objects\":[1]}", "objects[0]", "1", "an object");
	refuses("[1]", "params", "[1]", "an object");
	refuses("7", "params", "7", "an object");
}

static void values_out_of_range_are_refused(void **state)
{
	refuses("{\"int\":67}", "int", "67", "an integer 68..9702 bytes");
	refuses("{\"int\":67.0}", "int", "67.0", "an integer 68..9702 bytes");
	refuses("{\"any_int\":1e30}", "any_int", "1e30", "an integer");
	refuses("{\"int\":9703}", "int", "9703", "an integer 68..9702 bytes");
	refuses("{\"number\":10.01}", "number", "10.01", "a number 0..10 s");
	refuses("{\"number\":-0.5}", "number", "-0.5", "a number 0..10 s");
	refuses("{\"string\":\"\"}", "string", "\"\"", "a string of 1..5 bytes");
	refuses("{\"string\":\"123456\"}", "string", "\"123456\"", "a string of 1..5 bytes");
	refuses("{\"string\":\"a\\u0000b\"}", "string", "\"a\"", "a string of 1..5 bytes");
	refuses("{\"name\":\"\"}", "name", "\"\"", "a name: 1-31 of [A-Za-z0-9_.:-]");
	refuses("{\"name\":\"a b\"}", "name", "\"a b\"", "a name: 1-31 of [A-Za-z0-9_.:-]");
	refuses("{\"name\":\"12345678901234567890123456789012\"}", "name", "\"12345678901234567890123456789012\"",
		"a name: 1-31 of [A-Za-z0-9_.:-]");
	refuses("{\"mac\":\"aa:bb:cc:dd:ee\"}", "mac", "\"aa:bb:cc:dd:ee\"", "a MAC address: aa:bb:cc:dd:ee:ff");
	refuses("{\"mac\":\"aa:bb:cc:dd:ee:fg\"}", "mac", "\"aa:bb:cc:dd:ee:fg\"", "a MAC address: aa:bb:cc:dd:ee:ff");
	refuses("{\"mac\":\"aa:bb:cc:dd:ee:ff:\"}", "mac", "\"aa:bb:cc:dd:ee:ff:\"",
		"a MAC address: aa:bb:cc:dd:ee:ff");
	refuses("{\"mac\":\"\"}", "mac", "\"\"", "a MAC address: aa:bb:cc:dd:ee:ff");
	refuses("{\"enum\":\"pink\"}", "enum", "\"pink\"", "one of: red, green, blue");
	refuses("{\"ints\":[1,4095]}", "ints[1]", "4095", "an array of integers 1..4094");
	refuses("{\"strings\":[\"red\",\"pink\"]}", "strings[1]", "\"pink\"", "an array of: red, green, blue");
	refuses("{\"objects\":[]}", "objects", "", "an array of 1..3 objects");
	refuses("{\"objects\":[{\"n\":1},{\"n\":0}]}", "objects[1].n", "0", "an integer 1..9");
	refuses("{\"objects\":[{\"n\":1},{}]}", "objects[1].n", "", "an integer 1..9");
	refuses("{\"objects\":[{\"n\":1,\"x\":2}]}", "objects[0].x", "2", "n, deep");
}

static void unknown_parameter_is_refused_with_the_known_ones(void **state)
{
	json_t *params = json_loads("{\"name\":\"a\",\"nmae\":\"b\"}", 0, NULL), *decoded;
	struct fault f = {0};

	assert_int_equal(rpc_decode(required_params, params, "flows[3].", &decoded, &f), -EINVAL);
	assert_string_equal(f.field, "flows[3].nmae");
	assert_string_equal(f.value, "\"b\"");
	assert_string_equal(f.allowed, "name");
	assert_int_equal(rpc_decode(NULL, params, "", &decoded, &f), -EINVAL);
	assert_string_equal(f.allowed, "no parameters");
	json_decref(params);
}

static void missing_parameter_is_named(void **state)
{
	json_t *decoded = NULL;
	struct fault f = {0};

	assert_int_equal(rpc_decode(required_params, NULL, "", &decoded, &f), -EINVAL);
	assert_string_equal(f.field, "name");
	assert_string_equal(f.value, "");
	assert_string_equal(f.message, "name is missing");
	assert_int_equal(rpc_decode(required_params, NULL, "ops[3].params.", &decoded, &f), -EINVAL);
	assert_string_equal(f.field, "ops[3].params.name");
}

static void defaults_are_filled_in_and_each_time_anew(void **state)
{
	json_t *decoded, *again;
	struct fault f = {0};

	assert_int_equal(rpc_decode(all_params, NULL, "", &decoded, &f), 0);
	assert_int_equal(json_object_size(decoded), 2);
	assert_int_equal(json_integer_value(json_object_get(decoded, "int_default")), 300);
	json_array_append_new(json_object_get(decoded, "list_default"), json_true());
	assert_int_equal(rpc_decode(all_params, NULL, "", &again, &f), 0);
	assert_int_equal(json_array_size(json_object_get(again, "list_default")), 1);
	json_decref(decoded);
	json_decref(again);
}

static void long_values_and_names_are_cut_to_what_is_still_json_and_utf8(void **state)
{
	for (size_t size = 1; size < 400; size += 1) {
		json_t *params = json_object(), *decoded, *error;
		struct fault f = {0};
		char text[1300] = "", *p = text;

		for (size_t i = 0; i < size; i++)
			p = stpcpy(p, i % 3 == 0 ? "\xe2\x82\xac" : i % 3 == 1 ? "\\" : "x");
		json_object_set_new(params, text, json_pack("{s:s}", "v", text));
		json_object_set_new(params, "int", size % 2 ? json_string(text) : json_pack("[s]", text));
		assert_int_equal(rpc_decode(all_params, params, "", &decoded, &f), -EINVAL);
		assert_string_equal(f.field, "int");
		error = rpc_error(-32602, &f);
		char *dump = json_dumps(error, 0);
		assert_non_null(dump);
		assert_true(json_is_string(json_object_get(error, "message")));
		if (size % 2)
			assert_true(json_is_string(json_object_get(json_object_get(error, "data"), "value")));
		free(dump);
		json_decref(error);
		json_object_del(params, "int");
		assert_int_equal(rpc_decode(all_params, params, "", &decoded, &f), -EINVAL);
		error = rpc_error(-32602, &f);
		dump = json_dumps(error, 0);
		assert_non_null(dump);
		assert_true(json_is_string(json_object_get(error, "message")));
		assert_true(json_is_string(json_object_get(json_object_get(error, "data"), "field")));
		free(dump);
		json_decref(error);
		json_decref(params);
	}
}

static const struct param cat_params[] = {{.name = "lives", .type = PARAM_INT, .def = "9"}, {.name = NULL}};
static const struct param dog_params[] = {{.name = "tricks", .type = PARAM_STRINGS, .flags = PARAM_REQUIRED},
					  {.name = NULL}};

static const struct param *animal_more(const json_t *in)
{
	const char *type = json_string_value(json_object_get(in, "type"));

	if (type == NULL)
		return NULL;
	return strcmp(type, "cat") == 0 ? cat_params : strcmp(type, "dog") == 0 ? dog_params : NULL;
}

static void parameters_that_depend_on_others_are_decoded_with_them(void **state)
{
	static const char *const types[] = {"cat", "dog", NULL};
	static const struct param params[] = {
		{.name = "type", .type = PARAM_ENUM, .flags = PARAM_REQUIRED, .choices = types}, {.name = NULL}};
	const struct rpc_method m = {.name = "animal.add", .params = params, .more = animal_more};
	json_t *in = json_pack("{s:s}", "type", "cat"), *decoded, *again;
	struct fault f = {0};

	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), 0);
	assert_int_equal(json_integer_value(json_object_get(decoded, "lives")), 9);
	assert_int_equal(rpc_decode_params(&m, decoded, "", &again, &f), 0);
	assert_true(json_equal(decoded, again));
	json_decref(decoded);
	json_decref(again);
	json_object_set_new(in, "tricks", json_array());
	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), -EINVAL);
	assert_string_equal(f.field, "tricks");
	assert_string_equal(f.allowed, "type, lives");
	json_object_set_new(in, "type", json_string("dog"));
	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), 0);
	json_decref(decoded);
	json_object_set_new(in, "type", json_string("cow"));
	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), -EINVAL);
	assert_string_equal(f.field, "type");
	json_decref(in);
}

static void open_method_gets_what_it_does_not_declare(void **state)
{
	const struct rpc_method m = {.name = "x", .params = required_params, .flags = RPC_OPEN};
	json_t *in = json_pack("{s:s, s:i}", "name", "a", "extra", 5), *decoded;
	struct fault f = {0};

	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), 0);
	assert_true(json_equal(in, decoded));
	json_decref(decoded);
	json_object_set_new(in, "name", json_integer(1));
	assert_int_equal(rpc_decode_params(&m, in, "", &decoded, &f), -EINVAL);
	json_decref(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_accepted),
		cmocka_unit_test(wrong_types_are_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(unknown_parameter_is_refused_with_the_known_ones),
		cmocka_unit_test(missing_parameter_is_named),
		cmocka_unit_test(defaults_are_filled_in_and_each_time_anew),
		cmocka_unit_test(long_values_and_names_are_cut_to_what_is_still_json_and_utf8),
		cmocka_unit_test(parameters_that_depend_on_others_are_decoded_with_them),
		cmocka_unit_test(open_method_gets_what_it_does_not_declare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
