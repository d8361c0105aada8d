/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "script.h"
#include "words.h"

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

	s->file = name;
	for (s->line = 1; getline(&line, &cap, f) >= 0; s->line++) {
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
	s->file = NULL;
	free(line);
	return first;
}
