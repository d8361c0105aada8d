/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

// Copies JSON text from its opening bracket to the one that closes it, and returns where it ended.
static const char *copy_json(FILE *out, const char *p, const char **why)
{
	int depth = 0;
	bool quoted = false;

	for (; *p != '\0'; p++) {
		putc(*p, out);
		if (quoted && *p == '\\' && p[1] != '\0') {
			putc(*++p, out);
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (!quoted && (*p == '[' || *p == '{')) {
			depth++;
		} else if (!quoted && (*p == ']' || *p == '}') && --depth == 0) {
			return p + 1;
		}
	}
	*why = "a bracket is not closed";
	return p;
}

static const char *copy_quoted(FILE *out, const char *p, const char **why)
{
	char q = *p++;

	for (; *p != '\0' && *p != q; p++) {
		if (q == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		putc(*p, out);
	}
	if (*p == q)
		return p + 1;
	*why = "a quote is not closed";
	return p;
}

// Copies one word from *p on.
static char *copy_word(const char **at, const char **why)
{
	const char *p = *at, *begin = p;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	while (*p != '\0' && strchr(" \t\r\n", *p) == NULL) {
		if ((*p == '[' || *p == '{') && (p == begin || p[-1] == '=')) {
			p = copy_json(out, p, why);
		} else if (*p == '\'' || *p == '"') {
			p = copy_quoted(out, p, why);
		} else {
			if (*p == '\\' && p[1] != '\0')
				p++;
			putc(*p++, out);
		}
	}
	fclose(out);
	*at = p;
	return text;
}

int words_split(struct words *w, const char *line, bool partial, const char **why)
{
	const char *open_end = NULL;

	*w = (struct words){.word = calloc(strlen(line) / 2 + 2, sizeof(char *))};
	for (;;) {
		line += strspn(line, " \t\r\n");
		if (*line == '\0' || *line == '#')
			break;
		w->word[w->n++] = copy_word(&line, &open_end);
		w->open = *line == '\0';
	}
	if (open_end == NULL || partial)
		return 0;
	*why = open_end;
	words_free(w);
	return -EINVAL;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	free(w->word);
	*w = (struct words){.word = NULL};
}
