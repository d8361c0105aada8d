/* SPDX-License-Identifier: BSD-3-Clause */
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "complete.h"
#include "interactive.h"
#include "script.h"
#include "table.h"
#include "words.h"

#define HISTORY_LINES 1000
#define CTRL_D 4

static char *prompt(EditLine *el)
{
	static char text[] = "sluice> ";

	return text;
}

// The terminal hands out as a NUL the ^D that was typed while it still made lines of the input, before the prompt.
static char key_of(EditLine *el, char byte)
{
	const LineInfo *info = el_line(el);

	return byte == '\0' && info->lastchar == info->buffer ? CTRL_D : byte;
}

// Instead of libedit's own, which goes on reading after the first interrupt.
static int read_char(EditLine *el, wchar_t *out)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	mbstate_t state = {0};
	char byte;

	for (;;) {
		ssize_t n = client_poll(&p, 1, NULL);

		if (n >= 0)
			n = read(STDIN_FILENO, &byte, 1);
		if (n <= 0)
			return n == 0 ? 0 : -1;
		byte = key_of(el, byte);
		switch (mbrtowc(out, &byte, 1, &state)) {
		case (size_t)-2:
			break;
		case (size_t)-1: // not a character of this locale: as if it had not been typed
			memset(&state, 0, sizeof(state));
			break;
		default:
			return 1;
		}
	}
}

// How much of all candidates is the same.
static size_t common_length(const json_t *list)
{
	const char *first = json_string_value(json_array_get(list, 0));
	size_t len = strlen(first), i;
	const json_t *v;

	json_array_foreach (list, i, v) {
		size_t same = 0;

		while (same < len && json_string_value(v)[same] == first[same])
			same++;
		len = same;
	}
	return len;
}

// Lists the candidates below the line; of key=value only what comes after the '='.
static void list_candidates(const json_t *list)
{
	unsigned int width = table_width() > 0 ? table_width() : 80, used = 0;
	size_t i, cell = 0;
	const json_t *v;

	json_array_foreach (list, i, v) {
		if (json_string_length(v) + 2 > cell)
			cell = json_string_length(v) + 2;
	}
	putchar('\n');
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v), *eq = strchr(text, '=');

		if (used > 0 && used + cell > width) {
			putchar('\n');
			used = 0;
		}
		printf("%-*s", (int)cell, eq != NULL && eq[1] != '\0' ? eq + 1 : text);
		used += (unsigned int)cell;
	}
	putchar('\n');
	fflush(stdout);
}

// Inserts what the candidates have in common; lists them if that is nothing new.
static unsigned char offer(EditLine *el, const json_t *list, const char *typed)
{
	const char *first;
	char rest[512];
	size_t len, have = strlen(typed);

	if (json_array_size(list) == 0)
		return CC_REFRESH_BEEP;
	first = json_string_value(json_array_get(list, 0));
	len = common_length(list);
	snprintf(rest, sizeof(rest), "%.*s", len > have ? (int)(len - have) : 0, first + (len > have ? have : len));
	if (json_array_size(list) == 1 && strchr("=,", first[len - 1]) == NULL)
		strncat(rest, " ", sizeof(rest) - strlen(rest) - 1);
	if (*rest != '\0') {
		el_insertstr(el, rest);
		return CC_REFRESH;
	}
	list_candidates(list);
	return CC_REDISPLAY;
}

static unsigned char on_tab(EditLine *el, int ch)
{
	const LineInfo *info = el_line(el);
	char *line = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
	static char empty[] = "";
	struct session *s = NULL;
	struct words w;
	const char *why;
	char **words;
	json_t *list;
	unsigned char rc;

	words_split(&w, line, true, &why);
	words = calloc(w.n + 1, sizeof(char *));
	if (w.n > 0)
		memcpy(words, w.word, w.n * sizeof(char *));
	if (!w.open)
		words[w.n] = empty;
	el_get(el, EL_CLIENTDATA, &s);
	list = complete_words(s, words, w.n + !w.open);
	rc = offer(el, list, words[w.n - w.open]);
	json_decref(list);
	free(words);
	words_free(&w);
	free(line);
	return rc;
}

static char *history_path(void)
{
	const char *home = getenv("HOME");
	char *path;

	return home != NULL && *home == '/' && asprintf(&path, "%s/.sluicectl_history", home) > 0 ? path : NULL;
}

// Runs lines until one ends the session.
static void read_lines(struct session *s, EditLine *el, History *h, const char *path)
{
	HistEvent ev;

	for (;;) {
		const char *line;
		char *text;
		int n;

		client_interrupted = 0;
		el_resize(el);
		line = el_gets(el, &n);
		if (line == NULL) {
			putchar('\n');
			if (client_interrupted)
				continue;
			return;
		}
		text = strndup(line, strcspn(line, "\r\n"));
		if (strcmp(text, "quit") == 0 || strcmp(text, "exit") == 0) {
			free(text);
			return;
		}
		if (text[strspn(text, " \t")] != '\0') {
			history(h, &ev, H_ENTER, text);
			if (path != NULL)
				history(h, &ev, H_SAVE, path);
		}
		if (!client_interrupted)
			script_line(s, text);
		free(text);
		fflush(stdout);
		if (s->over)
			return;
	}
}

enum status interactive_run(struct session *s)
{
	struct sigaction old;
	char *path = history_path();
	History *h = history_init();
	EditLine *el;
	HistEvent ev;
	enum status st = session_describe(s);

	if (st != STATUS_DONE)
		goto free_history;
	el = el_init("sluicectl", stdin, stdout, stderr);
	if (el == NULL) {
		st = session_fail(s, STATUS_USAGE, "this terminal cannot be used");
		goto free_history;
	}
	session_catch_interrupt(&old);
	el_set(el, EL_CLIENTDATA, s);
	history(h, &ev, H_SETSIZE, HISTORY_LINES);
	history(h, &ev, H_SETUNIQUE, 1);
	if (path != NULL)
		history(h, &ev, H_LOAD, path);
	el_set(el, EL_PROMPT, prompt);
	el_set(el, EL_GETCFN, read_char);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_HIST, history, h);
	el_wset(el, EL_ADDFN, L"sluice-complete", L"Complete the word", on_tab); // el_set() would leak the names
	el_set(el, EL_BIND, "^I", "sluice-complete", NULL);
	el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(el, NULL);
	printf("sluicectl " SLUICE_VERSION " at %s; help lists the commands, Tab completes, quit ends\n", s->socket);

	read_lines(s, el, h, path);

	sigaction(SIGINT, &old, NULL);
	el_end(el);
free_history:
	history_end(h);
	free(path);
	return st;
}
