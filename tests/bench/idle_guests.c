/* SPDX-License-Identifier: BSD-3-Clause */
// idle_guests FOLDER N: N vhost-user front ends whose guests have nothing to say.
//
// Listens on FOLDER/0.sock to N-1.sock, prints "listening", lets the switch connect to all, shares a guest's memory and
// starts a pair of rings on each, prints "ready" and stays until its standard input ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../unit/vhost_frontend.h"

#define GUESTS_MAX 1000

static int guests_run(const char *folder, unsigned int n)
{
	static struct frontend guest[GUESTS_MAX];
	static int listener[GUESTS_MAX];
	char path[108], end;

	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%u.sock", folder, i);
		listener[i] = frontend_listen(path);
	}
	puts("listening");
	fflush(stdout);
	for (unsigned int i = 0; i < n; i++) {
		frontend_accept(&guest[i], listener[i]);
		frontend_start(&guest[i], 1, 0);
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int n = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;
	struct rlimit files = {.rlim_cur = 16 * GUESTS_MAX, .rlim_max = 16 * GUESTS_MAX};

	if (n < 1 || n > GUESTS_MAX) {
		fprintf(stderr, "usage: idle_guests FOLDER N, N in 1..%d\n", GUESTS_MAX);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	return guests_run(argv[1], n);
}
