/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complete.h"
#include "describe.h"
#include "testpmd.h"

// The candidates found so far for a word; `prefix` of the word stays as it is (a key and '=', elements of a list).
struct found {
	json_t *list;
	const char *word;
	size_t prefix;
};

static void add(struct found *f, const char *text, const char *tail)
{
	const char *typed = f->word + f->prefix;
	json_t *v;

	if (*text == '\0' || strncmp(text, typed, strlen(typed)) != 0)
		return;
	v = json_sprintf("%.*s%s%s", (int)f->prefix, f->word, text, tail);
	for (size_t i = 0; i < json_array_size(f->list); i++) {
		if (json_equal(json_array_get(f->list, i), v)) {
			json_decref(v);
			return;
		}
	}
	json_array_append_new(f->list, v);
}

// The names of the objects that the method `lister` answers.
static void add_objects(struct session *s, struct found *f, const json_t *lister)
{
	json_t *result = NULL;
	const json_t *o;
	size_t i;

	if (lister != NULL && session_call(s, describe_text(lister, "name"), NULL, &result) == STATUS_DONE) {
		json_array_foreach (result, i, o)
			add(f, describe_text(o, "name"), "");
	}
	json_decref(result);
}

static void add_commands(struct session *s, struct found *f)
{
	const json_t *m;
	size_t i;

	for (i = 0; command_at(i) != NULL; i++)
		add(f, command_at(i)->name, "");
	json_array_foreach (json_object_get(s->schema, "methods"), i, m)
		add(f, describe_text(m, "name"), "");
}

// The topics whose objects can be listed.
static void add_listed_topics(struct session *s, struct found *f)
{
	const json_t *m;
	size_t i;

	json_array_foreach (json_object_get(s->schema, "methods"), i, m) {
		const char *name = describe_text(m, "name"), *dot = strchr(name, '.');
		char topic[64];

		if (dot == NULL || strcmp(dot, ".list") != 0)
			continue;
		snprintf(topic, sizeof(topic), "%.*s", (int)(dot - name), name);
		add(f, topic, "");
	}
}

static void add_choices(struct found *f, const json_t *param)
{
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(param, "choices"), i, v)
		add(f, json_string_value(v) != NULL ? json_string_value(v) : "", "");
}

// Values of `param`. For a list the elements before the last comma stay.
static void add_values(struct session *s, struct found *f, const json_t *method, const json_t *param)
{
	const char *type = describe_text(param, "type"), *name = describe_text(param, "name"), *comma;
	const json_t *t;
	size_t i;

	comma = strcmp(type, "strings") == 0 ? strrchr(f->word + f->prefix, ',') : NULL;
	if (comma != NULL)
		f->prefix = (size_t)(comma + 1 - f->word);
	if (strcmp(type, "bool") == 0) {
		add(f, "yes", "");
		add(f, "no", "");
	}
	add_choices(f, param);
	if (describe_takes_port_type(method) && strcmp(name, "type") == 0) {
		json_array_foreach (json_object_get(s->schema, "port_types"), i, t)
			add(f, describe_text(t, "name"), "");
	}
	if (strcmp(type, "name") == 0 || (strcmp(type, "string") == 0 && strcmp(name, "name") == 0))
		add_objects(s, f, describe_lister(s->schema, method, name));
}

struct keys {
	struct found *f;
	char *const *words;
	size_t n;
};

static void add_key(const json_t *param, void *arg)
{
	struct keys *k = arg;
	const char *name = describe_text(param, "name");
	size_t len = strlen(name);

	for (size_t i = 1; i + 1 < k->n; i++) {
		if (strncmp(k->words[i], name, len) == 0 && k->words[i][len] == '=')
			return; // given already
	}
	add(k->f, name, "=");
}

static void add_params(struct session *s, struct found *f, const json_t *method, char *const *words, size_t n)
{
	const char *eq = strchr(f->word, '='), *type = NULL;
	struct keys k = {.f = f, .words = words, .n = n};
	char key[64];

	for (size_t i = 1; i + 1 < n; i++) {
		if (strncmp(words[i], "type=", 5) == 0)
			type = words[i] + 5;
	}
	if (eq == NULL) {
		describe_each_param(s->schema, method, type, add_key, &k);
		return;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(eq - f->word), f->word);
	f->prefix = (size_t)(eq + 1 - f->word);
	add_values(s, f, method, describe_param(s->schema, method, type, key));
}

// The second and third words of testpmd's commands, modes and ports among them.
static void add_testpmd(struct session *s, struct found *f, char *const *words, size_t n)
{
	const char *word;

	for (size_t i = 0; n == 2 && (word = testpmd_second(words[0], i)) != NULL; i++)
		add(f, word, "");
	for (size_t i = 0; n == 3 && (word = testpmd_third(words[0], words[1], i)) != NULL; i++)
		add(f, word, "");
	if (n == 3 && strcmp(words[0], "set") == 0 && strcmp(words[1], "fwd") == 0)
		add_choices(f, describe_param(s->schema, describe_method(s->schema, "fwd.set"), NULL, "mode"));
	if ((n == 3 && strcmp(words[0], "port") == 0 && strcmp(words[1], "attach") != 0) ||
	    (n == 4 && strcmp(words[0], "show") == 0 && strcmp(words[1], "port") == 0) ||
	    (n == 4 && strcmp(words[0], "clear") == 0 && strcmp(words[1], "port") == 0)) {
		add(f, "all", "");
		add_objects(s, f, describe_method(s->schema, "port.list"));
	}
}

static const json_t *lister_of(struct session *s, const char *topic)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.list", topic);
	return describe_method(s->schema, name);
}

static void add_show(struct session *s, struct found *f, char *const *words, size_t n)
{
	const char *method = n > 2 ? show_method(words[1]) : NULL;

	if (n == 2) {
		for (size_t i = 0; show_topic(i) != NULL; i++)
			add(f, show_topic(i), "");
	} else if (n == 3 && lister_of(s, words[1]) != NULL) {
		add_objects(s, f, lister_of(s, words[1]));
	} else if (method != NULL) {
		add_params(s, f, describe_method(s->schema, method), words + 1, n - 1);
	}
	if (n > 2)
		add_testpmd(s, f, words, n);
}

static void add_wait(struct session *s, struct found *f, char *const *words, size_t n)
{
	json_t *result = NULL, *v;
	const json_t *lister = n > 2 ? lister_of(s, words[1]) : NULL;
	const char *key;

	if (n == 2) {
		add(f, "daemon", "");
		add_listed_topics(s, f);
	}
	if (n == 3)
		add_objects(s, f, lister);
	if (n < 3)
		return;
	add(f, "gone", "");
	add(f, "timeout", "=");
	if (lister != NULL && session_call(s, describe_text(lister, "name"), NULL, &result) == STATUS_DONE) {
		json_object_foreach (json_array_get(result, 0), key, v)
			add(f, key, "=");
	}
	json_decref(result);
}

static void add_words(struct session *s, struct found *f, char *const *words, size_t n)
{
	const json_t *method = describe_method(s->schema, words[0]);

	if (n == 1) {
		add_commands(s, f);
	} else if (strcmp(words[0], "show") == 0) {
		add_show(s, f, words, n);
	} else if (strcmp(words[0], "help") == 0 && n == 2) {
		add_commands(s, f);
	} else if (strcmp(words[0], "events") == 0) {
		add_choices(f,
			    describe_param(s->schema, describe_method(s->schema, "events.subscribe"), NULL, "topics"));
		add(f, "count", "=");
		add(f, "timeout", "=");
	} else if (strcmp(words[0], "wait") == 0) {
		add_wait(s, f, words, n);
	} else if (strcmp(words[0], "top") == 0) {
		add(f, "-n", "");
		add(f, "-d", "");
	} else if (testpmd_second(words[0], 0) != NULL) {
		add_testpmd(s, f, words, n);
	} else if (method != NULL) {
		add_params(s, f, method, words, n);
	}
}

json_t *complete_words(struct session *s, char *const *words, size_t n)
{
	struct found f = {.list = json_array(), .word = words[n - 1]};
	bool quiet = s->quiet;

	s->quiet = true;
	session_describe(s);
	add_words(s, &f, words, n);
	s->quiet = quiet;
	return f.list;
}

enum status complete_print(struct session *s, char *const *words, size_t n)
{
	static char empty[] = "", *const nothing[] = {empty, NULL};
	json_t *list;
	const json_t *v;
	size_t i;

	// A shell that waits for a hanging daemon at every Tab would be worse than no completion.
	if (s->timeout == 0 || s->timeout > 2)
		s->timeout = 2;
	list = complete_words(s, n > 0 ? words : nothing, n > 0 ? n : 1);
	json_array_foreach (list, i, v)
		puts(json_string_value(v));
	json_decref(list);
	return STATUS_DONE;
}
