/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "describe.h"
#include "table.h"

// "int 68..9702 bytes" for a parameter.
static void put_type(FILE *f, const json_t *p)
{
	const json_t *min = json_object_get(p, "min"), *max = json_object_get(p, "max");
	char *choices = text_value(json_object_get(p, "choices"), TEXT_PLAIN), *lo = text_value(min, TEXT_PLAIN),
	     *hi = text_value(max, TEXT_PLAIN);

	fputs(describe_text(p, "type"), f);
	if (min != NULL || max != NULL)
		fprintf(f, " %s..%s", min != NULL ? lo : "", max != NULL ? hi : "");
	if (*describe_text(p, "unit") != '\0')
		fprintf(f, " %s", describe_text(p, "unit"));
	if (json_array_size(json_object_get(p, "choices")) > 0)
		fprintf(f, " %s", choices);
	free(choices);
	free(lo);
	free(hi);
}

struct list {
	json_t *rows;
	const char *indent;
};

static void add_param(const json_t *p, void *arg)
{
	struct list *l = arg;
	const json_t *def = json_object_get(p, "default"), *item;
	char *type = NULL, *text = def != NULL ? json_dumps(def, JSON_ENCODE_ANY) : NULL;
	size_t len, i;
	FILE *f = open_memstream(&type, &len);
	struct list inner = {.rows = l->rows, .indent = "    "};

	put_type(f, p);
	fclose(f);
	json_array_append_new(l->rows,
			      json_pack("{s:o, s:s, s:s, s:s}", "p",
					json_sprintf("%s%s", l->indent, describe_text(p, "name")), "t", type, "d",
					json_is_true(json_object_get(p, "required")) ? "required"
					: text != NULL                               ? text
										     : "",
					"h", describe_text(p, "help")));
	free(type);
	free(text);
	json_array_foreach (json_object_get(p, "items"), i, item)
		add_param(item, &inner);
}

static void put_params(const json_t *rows)
{
	static const struct column columns[] = {{.title = "PARAMETER", .path = "p"},
						{.title = "TYPE", .path = "t"},
						{.title = "DEFAULT", .path = "d"},
						{.title = "MEANING", .path = "h"},
						{.title = NULL}};

	if (json_array_size(rows) > 0) {
		putchar('\n');
		table_rows(stdout, rows, columns, table_width());
	}
}

static void put_example(const json_t *method)
{
	const json_t *example = json_object_get(method, "example");
	char *text;

	if (example == NULL)
		return;
	text = json_dumps(example, JSON_ENCODE_ANY);
	printf("\nExample: sluicectl %s '%s'\n", describe_text(method, "name"), text);
	free(text);
}

static enum status help_method(struct session *s, const json_t *method)
{
	struct list l = {.rows = json_array(), .indent = ""};
	const json_t *types = json_object_get(s->schema, "port_types"), *t, *p;
	size_t i, j;

	printf("%s\n%s\n", describe_text(method, "name"), describe_text(method, "help"));
	describe_each_param(s->schema, method, "", add_param, &l);
	put_params(l.rows);
	for (i = 0; describe_takes_port_type(method) && i < json_array_size(types); i++) {
		t = json_array_get(types, i);
		printf("\ntype=%s: %s\n", describe_text(t, "name"), describe_text(t, "help"));
		json_array_clear(l.rows);
		json_array_foreach (json_object_get(t, "params"), j, p)
			add_param(p, &l);
		put_params(l.rows);
	}
	if (*describe_text(method, "result") != '\0')
		printf("\nAnswer: %s\n", describe_text(method, "result"));
	put_example(method);
	json_decref(l.rows);
	return STATUS_DONE;
}

static enum status help_all(struct session *s)
{
	static const struct column columns[] = {
		{.title = "METHOD", .path = "name"}, {.title = "MEANING", .path = "help"}, {.title = NULL}};
	enum status st;

	for (size_t i = 0; command_at(i) != NULL; i++)
		printf("%s %s\n    %s\n", command_at(i)->name, command_at(i)->usage, command_at(i)->help);
	puts("\nAnd any method, with its parameters as key=value words (help METHOD explains them):\n");
	st = session_describe(s);
	if (st == STATUS_DONE)
		table_rows(stdout, json_object_get(s->schema, "methods"), columns, table_width());
	return st;
}

enum status help_run(struct session *s, char *const *words, size_t n)
{
	const json_t *method;
	enum status st;

	if (n == 1)
		return help_all(s);
	if (n > 2)
		return session_fail(s, STATUS_USAGE, "help takes one word, the name of a method or command");
	for (size_t i = 0; command_at(i) != NULL; i++) {
		if (strcmp(words[1], command_at(i)->name) == 0) {
			printf("%s %s\n%s\n", words[1], command_at(i)->usage, command_at(i)->help);
			return STATUS_DONE;
		}
	}
	st = session_describe(s);
	if (st != STATUS_DONE)
		return st;
	method = describe_method(s->schema, words[1]);
	if (method == NULL)
		return session_fail(s, STATUS_USAGE, "no command or method '%s' (try: sluicectl help)", words[1]);
	return help_method(s, method);
}
