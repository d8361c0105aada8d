/* SPDX-License-Identifier: BSD-3-Clause */
#include "prompt.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "rpc.h"

#define CHILD_FD 3 // the command line's end of the socket pair, there

static struct {
	pid_t pid; // 0: none
	struct event_base *base;
	struct event *ended;
	struct termios terminal;
	bool has_terminal;
} prompt;

static void on_ended(evutil_socket_t number, short what, void *arg)
{
	int status;

	if (waitpid(prompt.pid, &status, WNOHANG) != prompt.pid)
		return;
	prompt.pid = 0;
	LOG(NOTICE, "ending with its command line");
	event_base_loopexit(prompt.base, NULL);
}

// The path of sluicectl beside this program, or its name alone.
static void program(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof("/sluicectl"));

	path[n > 0 ? n : 0] = '\0';
	if (n > 0) {
		dirname(path);
		strcat(path, "/sluicectl");
	}
	if (n <= 0 || access(path, X_OK) != 0)
		strcpy(path, "sluicectl");
}

// Runs sluicectl with `fd` as its descriptor CHILD_FD, and signals as they were before the daemon set its own.
static int spawn(int fd, const char *socket)
{
	char path[PATH_MAX], number[16];
	char *argv[] = {path, "--fd", number, "--socket", (char *)(uintptr_t)socket, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	int rc;

	program(path);
	snprintf(number, sizeof(number), "%d", CHILD_FD);
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawnp(&prompt.pid, path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

int prompt_start(struct event_base *base, const char *socket, struct fault *f)
{
	int fd[2], rc;

	prompt.base = base;
	prompt.has_terminal = tcgetattr(STDIN_FILENO, &prompt.terminal) == 0;
	prompt.ended = evsignal_new(base, SIGCHLD, on_ended, NULL);
	if (prompt.ended == NULL || event_add(prompt.ended, NULL) != 0)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "cannot watch the command line");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return fault_set(f, -errno, NULL, NULL, NULL, "no socket pair for the command line");
	rc = spawn(fd[1], socket);
	close(fd[1]);
	if (rc != 0) {
		prompt.pid = 0;
		close(fd[0]);
		return fault_set(f, rc, "--interactive", NULL, NULL, "sluicectl cannot be run");
	}
	rpc_server_adopt(fd[0]);
	return 0;
}

void prompt_stop(void)
{
	if (prompt.pid != 0) {
		kill(prompt.pid, SIGTERM);
		waitpid(prompt.pid, NULL, 0);
		prompt.pid = 0;
	}
	if (prompt.ended != NULL)
		event_free(prompt.ended);
	prompt.ended = NULL;
	if (prompt.has_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &prompt.terminal);
	prompt.has_terminal = false;
}
