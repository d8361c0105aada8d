/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void put_safe(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		// 0xc2 0x80..0x9f are the C1 controls, which terminals obey too.
		if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
			fprintf(f, "\\x%02x", (unsigned char)*++s);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			putc(c, f);
	}
}

char *text_safe(const char *s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	put_safe(f, s);
	fclose(f);
	return text;
}

size_t text_cells(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void put_scaled(FILE *f, double v)
{
	static const char units[] = " kMGTP";
	size_t i = 0;

	while ((v >= 999.5 || v <= -999.5) && units[i + 1] != '\0') {
		v /= 1000;
		i++;
	}
	if (i == 0)
		fprintf(f, "%.4g", v);
	else
		fprintf(f, "%.3g%c", v, units[i]);
}

static void put_ranges(FILE *f, const json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n;) {
		json_int_t a = json_integer_value(json_array_get(list, i));
		size_t j = i + 1;

		while (j < n && json_integer_value(json_array_get(list, j)) == a + (json_int_t)(j - i))
			j++;
		fprintf(f, "%s%" JSON_INTEGER_FORMAT, i > 0 ? "," : "", a);
		if (j - i > 2)
			fprintf(f, "-%" JSON_INTEGER_FORMAT, a + (json_int_t)(j - i) - 1);
		else if (j - i == 2)
			fprintf(f, ",%" JSON_INTEGER_FORMAT, a + 1);
		i = j;
	}
}

static void put_value(FILE *f, const json_t *v, bool inner)
{
	const char *key;
	const json_t *e;
	size_t i;

	switch (v != NULL ? json_typeof(v) : JSON_NULL) {
	case JSON_NULL:
		fputs("-", f);
		break;
	case JSON_TRUE:
		fputs("yes", f);
		break;
	case JSON_FALSE:
		fputs("no", f);
		break;
	case JSON_INTEGER:
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		fprintf(f, "%.6g", json_real_value(v));
		break;
	case JSON_STRING:
		if (*json_string_value(v) == '\0')
			fputs("-", f);
		put_safe(f, json_string_value(v));
		break;
	case JSON_ARRAY:
		if (json_array_size(v) == 0)
			fputs("-", f);
		json_array_foreach (v, i, e) {
			if (i > 0)
				putc(',', f);
			put_value(f, e, true);
		}
		break;
	case JSON_OBJECT:
		if (json_object_size(v) == 0)
			fputs("-", f);
		else if (inner)
			putc('{', f);
		i = 0;
		json_object_foreach ((json_t *)v, key, e) {
			if (i++ > 0)
				putc(' ', f);
			put_safe(f, key);
			putc('=', f);
			put_value(f, e, true);
		}
		if (inner && i > 0)
			putc('}', f);
		break;
	}
}

static void put_sum(FILE *f, const json_t *object)
{
	json_int_t sum = 0;
	const char *key;
	const json_t *v;

	json_object_foreach ((json_t *)object, key, v)
		sum += json_integer_value(v);
	fprintf(f, "%" JSON_INTEGER_FORMAT, sum);
}

static void put_firsts(FILE *f, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (i > 0)
			putc(',', f);
		put_value(f, json_is_object(o) ? json_object_iter_value(json_object_iter((json_t *)o)) : o, true);
	}
}

char *text_value(const json_t *v, enum text_format format)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (format == TEXT_RANGES && json_array_size(v) > 0)
		put_ranges(f, v);
	else if (format == TEXT_COUNT && json_is_array(v))
		fprintf(f, "%zu", json_array_size(v));
	else if (format == TEXT_FIRSTS && json_array_size(v) > 0)
		put_firsts(f, v);
	else if (format == TEXT_SUM && json_is_object(v))
		put_sum(f, v);
	else if (format == TEXT_SCALED && json_is_number(v))
		put_scaled(f, json_number_value(v));
	else if (format == TEXT_PERCENT && json_is_number(v))
		fprintf(f, "%.1f%%", json_number_value(v) * 100);
	else
		put_value(f, v, false);
	fclose(f);
	return text;
}

static const json_t *follow(const json_t *o, const char *path, size_t len)
{
	while (o != NULL && len > 0) {
		const char *dot = memchr(path, '.', len);
		size_t n = dot != NULL ? (size_t)(dot - path) : len;
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		o = json_object_get(o, key);
		n += dot != NULL;
		path += n;
		len -= n;
	}
	return o;
}

const json_t *text_member(const json_t *o, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "|");
		const json_t *v = follow(o, path, n);

		if (v != NULL)
			return v;
		path += n + (path[n] == '|');
	}
	return NULL;
}
