/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "describe.h"

#define RANGE_MAX 65536 // integers that one "a-b" may stand for

static json_t *refuse(char *why, size_t size, const char *text, const char *wanted)
{
	snprintf(why, size, "'%.*s' is not %s", 80, text, wanted);
	return NULL;
}

json_t *args_file(const char *path, char *why, size_t size)
{
	bool in = strcmp(path, "-") == 0;
	FILE *f = in ? stdin : fopen(path, "re");
	json_error_t e;
	json_t *v;

	if (f == NULL) {
		snprintf(why, size, "cannot open %s: %s", path, strerror(errno));
		return NULL;
	}
	v = json_loadf(f, JSON_DECODE_ANY, &e);
	if (v == NULL)
		snprintf(why, size, "%s: line %d, column %d: %s", in ? "standard input" : path, e.line, e.column,
			 e.text);
	if (!in)
		fclose(f);
	return v;
}

static json_t *parse_json(const char *text, char *why, size_t size)
{
	json_error_t e;
	json_t *v = json_loads(text, JSON_DECODE_ANY, &e);

	if (v == NULL)
		snprintf(why, size, "not JSON (column %d: %s)", e.column, e.text);
	return v;
}

static json_t *parse_bool(const char *text, char *why, size_t size)
{
	static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return json_true();
		if (strcasecmp(text, no[i]) == 0)
			return json_false();
	}
	return refuse(why, size, text, "yes or no (also true, false, on, off)");
}

// What a suffix multiplies by: k, M, G, T by powers of 1000, Ki, Mi, Gi, Ti of 1024; 0 if it is none of these.
static uint64_t suffix_factor(const char *s)
{
	static const char letters[] = "kMGT";
	const char *at;
	uint64_t base, f = 1;

	if (*s == '\0')
		return 1;
	at = strchr(letters, *s == 'K' ? 'k' : *s);
	if (at == NULL || (s[1] != '\0' && strcmp(s + 1, "i") != 0))
		return 0;
	base = s[1] == 'i' ? 1024 : 1000;
	for (long i = 0; i <= at - letters; i++)
		f *= base;
	return f;
}

static int parse_ll(const char *text, long long *out)
{
	bool hex = strncasecmp(text + (*text == '-'), "0x", 2) == 0;
	uint64_t factor;
	char *end;

	if (!isdigit((unsigned char)text[*text == '-']))
		return -EINVAL;
	errno = 0;
	*out = strtoll(text, &end, hex ? 16 : 10); // never octal: 010 is ten
	if (errno != 0)
		return -ERANGE;
	factor = suffix_factor(end);
	if (factor == 0)
		return -EINVAL;
	return __builtin_mul_overflow(*out, (long long)factor, out) ? -ERANGE : 0;
}

static json_t *parse_int(const char *text, char *why, size_t size)
{
	long long v;
	int err = parse_ll(text, &v);

	if (err == -ERANGE)
		return refuse(why, size, text, "within 64 bits");
	if (err != 0)
		return refuse(why, size, text, "an integer (suffixes k, M, G, T, Ki, Mi, Gi, Ti; 0x for hexadecimal)");
	return json_integer(v);
}

static json_t *parse_number(const char *text, char *why, size_t size)
{
	long long i;
	uint64_t factor;
	char *end;
	double v;

	if (parse_ll(text, &i) == 0)
		return json_integer(i);
	v = strtod(text, &end);
	factor = suffix_factor(end);
	if (end == text || factor == 0 || !isfinite(v) || isspace((unsigned char)*text))
		return refuse(why, size, text, "a number (suffixes k, M, G, T, Ki, Mi, Gi, Ti)");
	return json_real(v * (double)factor);
}

// One element of a list of integers: "7" or "3-9".
static int append_ints(json_t *list, char *word, char *why, size_t size)
{
	char *dash = *word != '\0' ? strchr(word + 1, '-') : NULL;
	long long a, b;

	if (dash != NULL)
		*dash = '\0';
	if (parse_ll(word, &a) != 0 || (dash != NULL && parse_ll(dash + 1, &b) != 0)) {
		if (dash != NULL)
			*dash = '-';
		refuse(why, size, word, "an integer or a range like 30-35");
		return -EINVAL;
	}
	if (dash == NULL)
		b = a;
	if (b < a || (unsigned long long)b - (unsigned long long)a >= RANGE_MAX) {
		snprintf(why, size, "the range %lld-%lld is empty or too long", a, b);
		return -EINVAL;
	}
	for (; a <= b; a++)
		json_array_append_new(list, json_integer(a));
	return 0;
}

// "a,b,c" or a JSON array; "" is the empty list.
static json_t *parse_list(const char *text, bool ints, char *why, size_t size)
{
	json_t *list;
	char *copy, *rest;

	if (*text == '[')
		return parse_json(text, why, size);
	list = json_array();
	copy = rest = *text != '\0' ? strdup(text) : NULL;
	while (rest != NULL) {
		char *word = strsep(&rest, ",");

		if (!ints) {
			json_array_append_new(list, json_string(word));
		} else if (append_ints(list, word, why, size) != 0) {
			json_decref(list);
			list = NULL;
			break;
		}
	}
	free(copy);
	return list;
}

static json_t *parse_string(const char *text, char *why, size_t size)
{
	json_t *s = json_string(text);

	return s != NULL ? s : refuse(why, size, "the value", "valid UTF-8");
}

// A list of objects may be given as its only element.
static json_t *parse_objects(const char *text, char *why, size_t size)
{
	json_t *v = parse_json(text, why, size);

	return json_is_object(v) ? json_pack("[o]", v) : v;
}

json_t *args_value(const char *type, const char *text, char *why, size_t size)
{
	bool plural = strcmp(type, "ints") == 0 || strcmp(type, "strings") == 0 || strcmp(type, "objects") == 0;
	bool any = strcmp(type, "value") == 0; // JSON where it looks like it, else a string

	if (*text == '@' && (plural || any || strcmp(type, "object") == 0))
		return args_file(text + 1, why, size);
	if (strcmp(type, "bool") == 0)
		return parse_bool(text, why, size);
	if (strcmp(type, "int") == 0)
		return parse_int(text, why, size);
	if (strcmp(type, "number") == 0)
		return parse_number(text, why, size);
	if (strcmp(type, "objects") == 0)
		return parse_objects(text, why, size);
	if (plural)
		return parse_list(text, strcmp(type, "ints") == 0, why, size);
	if (strcmp(type, "object") == 0 || (any && (*text == '{' || *text == '[')))
		return parse_json(text, why, size);
	return parse_string(text, why, size);
}

// The names that would have been right, for a message.
struct names {
	char text[512];
	size_t len;
};

static void add_name(const json_t *param, void *arg)
{
	struct names *n = arg;
	const char *name = describe_text(param, "name");

	if (n->len < sizeof(n->text))
		n->len += (size_t)snprintf(n->text + n->len, sizeof(n->text) - n->len, "%s%s", n->len > 0 ? ", " : "",
					   name);
}

static int unknown_param(const json_t *schema, const json_t *method, const char *type, const char *key, char *why,
			 size_t size)
{
	struct names n = {.len = 0};

	describe_each_param(schema, method, type != NULL ? type : "", add_name, &n);
	snprintf(why, size, "%s has no parameter '%s' (has: %s)", describe_text(method, "name"), key,
		 n.len > 0 ? n.text : "none");
	return -EINVAL;
}

static int add_object(json_t *params, const char *word, char *why, size_t size)
{
	json_t *v = *word == '@' ? args_file(word + 1, why, size) : parse_json(word, why, size);
	int err = -EINVAL;

	if (json_is_object(v))
		err = json_object_update(params, v);
	else if (v != NULL)
		snprintf(why, size, "'%s' does not hold a JSON object", word);
	json_decref(v);
	return err;
}

// The value of "type=" among the words, which for port.add tells what the other parameters are.
static const char *port_type(char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(words[i], "type=", 5) == 0)
			return words[i] + 5;
	}
	return NULL;
}

int args_params(const json_t *schema, const json_t *method, char *const *words, size_t n, json_t **out, char *why,
		size_t size)
{
	const char *type = port_type(words, n);
	json_t *params = json_object();

	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(words[i], '=');
		const json_t *p, *v;
		char key[64], reason[256] = "";

		if (*words[i] == '@' || *words[i] == '{') {
			if (add_object(params, words[i], why, size) != 0)
				goto fail;
			continue;
		}
		if (eq == NULL || eq == words[i] || (size_t)(eq - words[i]) >= sizeof(key)) {
			snprintf(why, size, "'%.80s' is not key=value", words[i]);
			goto fail;
		}
		snprintf(key, sizeof(key), "%.*s", (int)(eq - words[i]), words[i]);
		if (json_object_get(params, key) != NULL) {
			snprintf(why, size, "'%s' is given twice", key);
			goto fail;
		}
		p = describe_param(schema, method, type, key);
		if (p == NULL) {
			unknown_param(schema, method, type, key, why, size);
			goto fail;
		}
		v = args_value(describe_text(p, "type"), eq + 1, reason, sizeof(reason));
		if (v == NULL) {
			snprintf(why, size, "%s: %s", key, reason);
			goto fail;
		}
		json_object_set_new(params, key, (json_t *)v);
	}
	*out = params;
	return 0;

fail:
	json_decref(params);
	return -EINVAL;
}
