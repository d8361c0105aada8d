/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "complete.h"
#include "interactive.h"
#include "script.h"

#define DEFAULT_SOCKET "/run/sluice/control.sock"
#define DEFAULT_TIMEOUT 60 // seconds

struct options {
	const char *script;
	bool keep_going, complete;
};

static void usage(FILE *f)
{
	fputs("Usage: sluicectl [OPTION ...] [METHOD key=value ... | COMMAND ...]\n"
	      "Drives a running sluiced by its JSON-RPC socket. Without METHOD or COMMAND it is interactive,\n"
	      "or reads commands from standard input when that is not a terminal.\n"
	      "\n"
	      "Options:\n"
	      "  -s, --socket PATH      the daemon's socket (default: $SLUICE_SOCKET, else " DEFAULT_SOCKET ")\n"
	      "  --fd N                 talk over this open socket; what `sluiced -i` runs it with\n"
	      "  -j, --json             print results, and errors, as JSON\n"
	      "  -t, --timeout SECONDS  how long to wait for an answer (default: 60; 0: for ever)\n"
	      "  -f, --file FILE        run the commands in FILE, one a line (-: standard input)\n"
	      "  -k, --keep-going       in a script, go on after a command that fails\n"
	      "  -h, --help             print this\n"
	      "  -V, --version          print the version\n"
	      "\n"
	      "Commands:\n",
	      f);
	for (size_t i = 0; command_at(i) != NULL; i++)
		fprintf(f, "  %s %s\n      %s\n", command_at(i)->name, command_at(i)->usage, command_at(i)->help);
	fputs("\n"
	      "Exit status: 0 done, 1 the daemon refused, 2 usage, 3 no daemon at the socket.\n",
	      f);
}

static int parse_timeout(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end == text || *end != '\0' || !isfinite(*out) || *out < 0 || *out > 1e9 ? -EINVAL : 0;
}

static int parse_fd(const char *text, int *out)
{
	struct stat st;
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < 0 || n > INT_MAX || fstat((int)n, &st) != 0 || !S_ISSOCK(st.st_mode))
		return -EINVAL;
	*out = (int)n;
	return 0;
}

// -1 to go on, else the exit status.
static int parse_options(struct session *s, struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"socket", required_argument, NULL, 's'}, {"fd", required_argument, NULL, 'F'},
		{"json", no_argument, NULL, 'j'},         {"timeout", required_argument, NULL, 't'},
		{"file", required_argument, NULL, 'f'},   {"keep-going", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, 'V'},
		{"complete", no_argument, NULL, 'C'},     {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "+s:jt:f:khV", longs, NULL)) >= 0) {
		switch (c) {
		case 's':
			s->socket = optarg;
			break;
		case 'F':
			if (parse_fd(optarg, &s->fd) != 0)
				return session_fail(s, STATUS_USAGE, "--fd: '%s' is not an open socket", optarg);
			break;
		case 'j':
			s->json = true;
			break;
		case 't':
			if (parse_timeout(optarg, &s->timeout) != 0)
				return session_fail(s, STATUS_USAGE, "--timeout: '%s' is not a number of seconds",
						    optarg);
			break;
		case 'f':
			o->script = optarg;
			break;
		case 'k':
			o->keep_going = true;
			break;
		case 'C':
			o->complete = true;
			break;
		case 'h':
			usage(stdout);
			return STATUS_DONE;
		case 'V':
			puts("sluicectl " SLUICE_VERSION);
			return STATUS_DONE;
		default:
			fputs("Try: sluicectl --help\n", stderr);
			return STATUS_USAGE;
		}
	}
	return -1;
}

static enum status run_file(struct session *s, const struct options *o)
{
	FILE *f;
	enum status st;

	if (strcmp(o->script, "-") == 0)
		return script_run(s, stdin, "standard input", o->keep_going);
	f = fopen(o->script, "re");
	if (f == NULL)
		return session_fail(s, STATUS_USAGE, "cannot open %s: %s", o->script, strerror(errno));
	st = script_run(s, f, o->script, o->keep_going);
	fclose(f);
	return st;
}

static enum status run(struct session *s, struct options *o, char **words, size_t n)
{
	if (o->complete)
		return complete_print(s, words, n);
	if (o->script != NULL && n > 0)
		return session_fail(s, STATUS_USAGE, "--file and a command exclude each other");
	s->lone = n > 0;
	if (o->script == NULL && n > 0)
		return command_run(s, words, n);
	if (o->script == NULL && isatty(STDIN_FILENO))
		return interactive_run(s);
	if (o->script == NULL)
		o->script = "-";
	return run_file(s, o);
}

int main(int argc, char **argv)
{
	const char *env = getenv("SLUICE_SOCKET");
	struct session s = {.socket = env != NULL && *env != '\0' ? env : DEFAULT_SOCKET,
			    .fd = SESSION_FD_NONE,
			    .timeout = DEFAULT_TIMEOUT};
	struct options o = {.script = NULL};
	int st;

	setlocale(LC_CTYPE, "");
	st = parse_options(&s, &o, argc, argv);
	if (st < 0)
		st = run(&s, &o, argv + optind, (size_t)(argc - optind));
	session_close(&s);
	if ((fflush(stdout) != 0 || ferror(stdout)) && st == STATUS_DONE)
		st = session_fail(&s, STATUS_USAGE, "cannot write the output: %s", strerror(errno));
	return st;
}
