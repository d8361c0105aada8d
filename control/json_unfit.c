/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_unfit.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_MAX 0x1p53 // up to here every integer is a double

static bool has_nul(const json_t *v)
{
	return json_is_string(v) && strlen(json_string_value(v)) != json_string_length(v);
}

static bool too_big(const json_t *v)
{
	return json_is_real(v) && fabs(json_real_value(v)) >= 0x1p63;
}

// The first value in `v` that `unfit` is true of, and where it is.
static const json_t *find(const json_t *v, bool (*unfit)(const json_t *), char *field, size_t size)
{
	const json_t *found = NULL;
	const char *name;
	json_t *inner;
	size_t i;

	field[0] = '\0';
	if (unfit(v))
		return v;
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner) {
		int n = snprintf(field, size, "%.40s%s", name, json_is_object(inner) ? "." : "");
		size_t len = (size_t)n < size ? (size_t)n : size - 1;

		found = find(inner, unfit, field + len, size - len);
		if (found != NULL)
			return found;
	}
	json_array_foreach (v, i, inner) {
		int n = snprintf(field, size, "[%zu]%s", i, json_is_object(inner) ? "." : "");
		size_t len = (size_t)n < size ? (size_t)n : size - 1;

		found = find(inner, unfit, field + len, size - len);
		if (found != NULL)
			return found;
	}
	return NULL;
}

// All integers were read as reals.
static json_t *id_whole(json_t *id)
{
	double number = json_number_value(id);

	if (json_is_real(id) && number == floor(number) && fabs(number) <= WHOLE_MAX)
		return json_integer((json_int_t)number);
	return json_incref(id);
}

int json_unfit_find(const char *text, size_t size, const json_error_t *error, struct json_unfit *out)
{
	bool nul = json_error_code(error) == json_error_null_character;
	bool (*unfit)(const json_t *) = nul ? has_nul : too_big;
	const json_t *params;

	*out = (struct json_unfit){
		.allowed = nul ? "a string without NUL" : "an integer of 64 bits",
		.problem = nul ? "a string has a NUL inside" : "a number is out of range",
	};
	if (!nul && json_error_code(error) != json_error_numeric_overflow)
		return -ENOENT;
	out->request = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	params = json_object_get(out->request, "params");
	if (params != NULL)
		out->value = find(params, unfit, out->field, sizeof(out->field));
	out->in_params = out->value != NULL;
	if (out->value == NULL)
		out->value = find(out->request, unfit, out->field, sizeof(out->field));
	if (out->value == NULL) {
		json_decref(out->request);
		return -ENOENT;
	}
	if (out->in_params)
		out->id = id_whole(json_object_get(out->request, "id"));
	return 0;
}

void json_unfit_free(struct json_unfit *u)
{
	json_decref(u->id);
	json_decref(u->request);
}
