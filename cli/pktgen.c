/* SPDX-License-Identifier: BSD-3-Clause */
// pktgen export: a traffic profile as a file for another tool.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "describe.h"

// A file, or the name of a profile that the daemon has.
static json_t *profile(const char *word, char *why, size_t size)
{
	return strchr(word, '/') || access(word, R_OK) == 0 ? args_file(word, why, size) : json_string(word);
}

static int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static void write_base64(const char *text, FILE *out)
{
	unsigned int v = 0, bits = 0;

	for (; digit(*text) >= 0; text++) {
		v = v << 6 | (unsigned int)digit(*text);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			fputc((int)(v >> bits & 0xff), out);
		}
	}
}

static enum status write_result(struct session *s, const json_t *result, const char *path)
{
	bool binary = strcmp(describe_text(result, "encoding"), "base64") == 0;
	FILE *out = path != NULL ? fopen(path, "we") : stdout;
	bool failed;

	if (out == NULL)
		return session_fail(s, STATUS_USAGE, "cannot open %s: %s", path, strerror(errno));
	if (binary)
		write_base64(describe_text(result, "data"), out);
	else
		fputs(describe_text(result, "data"), out);
	failed = fflush(out) != 0 || ferror(out);
	if (out != stdout)
		failed |= fclose(out) != 0;
	return failed ? session_fail(s, STATUS_USAGE, "cannot write %s: %s", path != NULL ? path : "the output",
				     strerror(errno))
		      : STATUS_DONE;
}

// sluiced, where it lies beside this program: in a build's folder, or as installed.
static bool program(char *path, size_t size)
{
	static const char *const places[] = {"/sluiced", "/../sbin/sluiced"};
	char exe[3900];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	*(strrchr(exe, '/') ?: exe) = '\0';
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, size, "%s%s", exe, places[i]);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

// Runs it with `in` as standard input; its standard output as JSON, or NULL.
static json_t *ask(char *path, int in)
{
	char option[] = "--export", *const argv[] = {path, option, NULL};
	posix_spawn_file_actions_t actions;
	json_t *answer = NULL;
	FILE *out;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	if (posix_spawn(&pid, path, &actions, NULL, argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	answer = json_loadf(out, 0, NULL);
	fclose(out);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return answer;
}

// Without a daemon: sluiced computes it and starts nothing.
static enum status export_alone(struct session *s, const json_t *params, json_t **result)
{
	int in = memfd_create("params", MFD_CLOEXEC);
	json_t *answer = NULL;
	enum status st;
	char path[4096];

	if (in >= 0 && program(path, sizeof(path)) && json_dumpfd(params, in, 0) == 0 && lseek(in, 0, SEEK_SET) == 0)
		answer = ask(path, in);
	if (in >= 0)
		close(in);
	*result = json_incref(json_object_get(answer, "result"));
	if (*result != NULL) {
		st = STATUS_DONE;
	} else if (json_object_get(answer, "error") != NULL) {
		session_report(s, "pktgen.export", json_object_get(answer, "error"));
		st = STATUS_REFUSED;
	} else {
		st = session_describe(s); // says that there is no daemon
	}
	json_decref(answer);
	return st;
}

static enum status export_call(struct session *s, const json_t *params, json_t **result)
{
	bool quiet = s->quiet;
	enum status st;

	s->quiet = true;
	st = session_describe(s);
	s->quiet = quiet;
	return st == STATUS_NO_DAEMON ? export_alone(s, params, result)
				      : session_call(s, "pktgen.export", params, result);
}

// The words behind "export": FORMAT PROFILE [FILE] [count=N].
static enum status take_words(struct session *s, char *const *words, size_t n, json_t *params, const char **path)
{
	static const char usage[] = "usage: pktgen export pcap|pktgen-dpdk|trex PROFILE [FILE] [count=N]";
	char why[256];
	size_t plain = 0;
	json_t *v;

	for (size_t i = 0; i < n; i++) {
		if (strncmp(words[i], "count=", 6) == 0)
			v = args_value("int", words[i] + 6, why, sizeof(why));
		else if (plain == 1)
			v = profile(words[i], why, sizeof(why));
		else
			v = json_string(words[i]);
		if (v == NULL)
			return session_fail(s, STATUS_USAGE, "%s: %s", words[i], why);
		if (strncmp(words[i], "count=", 6) == 0) {
			json_object_set_new(params, "count", v);
			continue;
		}
		if (plain == 2) {
			*path = words[i];
			json_decref(v);
		} else {
			json_object_set_new(params, plain == 0 ? "format" : "profile", v);
		}
		if (++plain > 3)
			return session_fail(s, STATUS_USAGE, "%s", usage);
	}
	return plain >= 2 ? STATUS_DONE : session_fail(s, STATUS_USAGE, "%s", usage);
}

static enum status export_profile(struct session *s, char *const *words, size_t n)
{
	json_t *params = json_object(), *result = NULL;
	const char *path = NULL;
	enum status st = take_words(s, words, n, params, &path);

	if (st == STATUS_DONE && path == NULL && !s->json && isatty(STDOUT_FILENO) &&
	    strcmp(describe_text(params, "format"), "pcap") == 0)
		st = session_fail(s, STATUS_USAGE, "a pcap file is nothing for a terminal: name a FILE, or redirect");
	if (st == STATUS_DONE)
		st = export_call(s, params, &result);
	json_decref(params);
	if (st == STATUS_DONE) {
		if (s->json)
			command_print(s, result);
		else
			st = write_result(s, result, path);
	}
	json_decref(result);
	return st;
}

enum status pktgen_run(struct session *s, char *const *words, size_t n)
{
	if (n >= 2 && strcmp(words[1], "export") == 0)
		return export_profile(s, words + 2, n - 2);
	return session_fail(s, STATUS_USAGE, "usage: pktgen export FORMAT PROFILE [FILE] [count=N]");
}
