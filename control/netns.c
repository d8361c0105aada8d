/* SPDX-License-Identifier: BSD-3-Clause */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct visit {
	int netns;
	int (*fn)(void *arg);
	void *arg;
	int rc;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	v->rc = setns(v->netns, CLONE_NEWNET) < 0 ? -errno : v->fn(v->arg);
	return NULL;
}

int netns_run(const char *netns, int (*fn)(void *arg), void *arg)
{
	struct visit v = {.fn = fn, .arg = arg};
	char path[PATH_MAX];
	pthread_t thread;
	int rc;

	if (!netns || !netns[0])
		return fn(arg);
	snprintf(path, sizeof(path), "%s%s", strchr(netns, '/') ? "" : "/run/netns/", netns);
	v.netns = open(path, O_RDONLY | O_CLOEXEC);
	if (v.netns < 0)
		return -errno;
	rc = -pthread_create(&thread, NULL, visit, &v);
	if (rc == 0) {
		pthread_join(thread, NULL);
		rc = v.rc;
	}
	close(v.netns);
	return rc;
}
