/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "script.h"
#include "words.h"

#define LOAD_DEPTH 8

enum status script_line(struct session *s, const char *line)
{
	struct words w;
	const char *why;
	enum status st = STATUS_DONE;

	if (words_split(&w, line, false, &why) != 0)
		return session_fail(s, STATUS_USAGE, "%s", why);
	if (w.n > 0)
		st = command_run(s, w.word, w.n);
	words_free(&w);
	return st;
}

enum status script_run(struct session *s, FILE *f, const char *name, bool keep_going)
{
	enum status first = STATUS_DONE;
	char *line = NULL;
	size_t cap = 0;

	const char *outer = s->file;
	unsigned int outer_line = s->line;

	s->file = name;
	for (s->line = 1; !s->over && getline(&line, &cap, f) >= 0; s->line++) {
		enum status st = script_line(s, line);

		// What reads our output is to see each command's before the next one acts.
		fflush(stdout);
		if (first == STATUS_DONE)
			first = st;
		if (st != STATUS_DONE && !keep_going)
			break;
	}
	if (ferror(f) != 0 && first == STATUS_DONE)
		first = session_fail(s, STATUS_USAGE, "cannot read: %s", strerror(errno));
	s->file = outer;
	s->line = outer_line;
	free(line);
	return first;
}

// As testpmd's load does, goes on after a command that fails.
enum status load_run(struct session *s, char *const *words, size_t n)
{
	enum status st;
	FILE *f;

	if (n != 2)
		return session_fail(s, STATUS_USAGE, "load: Bad arguments (usage: load FILE)");
	if (s->depth == LOAD_DEPTH)
		return session_fail(s, STATUS_USAGE, "load: files load one another, %d deep", LOAD_DEPTH);
	f = fopen(words[1], "re");
	if (f == NULL)
		return session_fail(s, STATUS_USAGE, "cannot open %s: %s", words[1], strerror(errno));
	s->depth++;
	st = script_run(s, f, words[1], true);
	s->depth--;
	fclose(f);
	printf("Read CLI commands from %s\n", words[1]);
	return st;
}

enum status quit_run(struct session *s, char *const *words, size_t n)
{
	if (n != 1)
		return session_fail(s, STATUS_USAGE, "%s: Bad arguments (none)", words[0]);
	s->over = true;
	puts("\nBye...");
	return STATUS_DONE;
}
