/* SPDX-License-Identifier: BSD-3-Clause */
// The driver's side of a vhost-user socket: to a switch or program that is the device's.
//
// The driver waits for each answer of the other side for as long as that takes, and would wait for a first client
// within the probe if it was to be the socket's server. Hence a guard beside each call of it, which after a while shuts
// the connection down, so that the call fails; and hence no server mode. Nor does the driver connect a second time:
// when the other side goes, the port counts as removed, and whoever wants it back makes it anew.
#include "ethdev.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define ANSWER_S 3 // rte_vhost as the other side may take one to accept
#define PATH_MAX_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static const struct param virtio_user_params[] = {
	{.name = "path",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = PATH_MAX_LEN,
	 .help = "the vhost-user socket, which the other side serves"},
	{.name = "queues", .type = PARAM_INT, .min = 1, .max = 8, .def = "1", .help = "queue pairs"},
	{0},
};

struct guard {
	char path[PATH_MAX_LEN + 1];
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool running, done, fired;
	pthread_t thread;
};

// Shuts down every connection of ours to the path. It is not told which one the driver has.
static void connections_shut(const char *path)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *d;

	while (fds != NULL && (d = readdir(fds)) != NULL) {
		struct sockaddr_un peer = {0};
		socklen_t len = sizeof(peer) - 1;
		const int fd = atoi(d->d_name);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
		    strcmp(peer.sun_path, path) == 0)
			shutdown(fd, SHUT_RDWR);
	}
	if (fds != NULL)
		closedir(fds);
}

static void *guard_wait(void *arg)
{
	struct guard *g = arg;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_S;
	pthread_mutex_lock(&g->lock);
	while (!g->done) {
		ret = pthread_cond_timedwait(&g->ended, &g->lock, &until);
		if (ret != ETIMEDOUT)
			continue;
		g->fired = true;
		connections_shut(g->path);
		// The driver may try anew.
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static void guard_start(struct guard *g, const char *path)
{
	*g = (struct guard){.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	snprintf(g->path, sizeof(g->path), "%s", path);
	// Without a thread to be had there are other troubles; go on unguarded.
	g->running = pthread_create(&g->thread, NULL, guard_wait, g) == 0;
}

// True if the other side took too long.
static bool guard_stop(struct guard *g)
{
	if (!g->running)
		return false;
	pthread_mutex_lock(&g->lock);
	g->done = true;
	pthread_cond_signal(&g->ended);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	return g->fired;
}

static int virtio_user_check(const json_t *params, struct fault *f)
{
	const char *path = json_string_value(json_object_get(params, "path"));

	return strpbrk(path, ",=[]") == NULL ? 0
					     : fault_str(f, -EINVAL, "path", path, "a path without any of ,=[]",
							 "DPDK's devargs cannot carry this path");
}

static int virtio_user_create(struct port *p, const json_t *params, unsigned int workers, struct fault *f)
{
	const char *path = json_string_value(json_object_get(params, "path"));
	const uint16_t queues = ethdev_param_u16(params, "queues", 1);
	char devargs[256];
	struct guard g;
	int ret = virtio_user_check(params, f);

	if (ret != 0)
		return ret;
	snprintf(devargs, sizeof(devargs), "net_virtio_user_p%u,path=%s,queues=%u", p->id, path, queues);
	const struct ethdev_conf conf = {
		.devargs = devargs,
		.field = "path",
		.value = path,
		.path = path,
		.rxq = queues,
		.txq = queues,
	};
	guard_start(&g, path);
	ret = ethdev_create(p, &conf, workers, f);
	if (guard_stop(&g) && ret != 0)
		ret = fault_str(f, -ETIMEDOUT, "path", path, "a socket where a vhost-user device answers",
				"nothing answers at %s within %u s", path, ANSWER_S);
	return ret;
}

static int virtio_user_start(struct port *p, struct fault *f)
{
	struct guard g;

	guard_start(&g, ethdev_path(p));
	const int ret = ethdev_start(p, f);
	guard_stop(&g);
	return ret;
}

static void virtio_user_stop(struct port *p)
{
	struct guard g;

	guard_start(&g, ethdev_path(p));
	ethdev_stop(p);
	guard_stop(&g);
}

static void virtio_user_destroy(struct port *p)
{
	struct guard g;

	guard_start(&g, ethdev_path(p));
	ethdev_destroy(p);
	guard_stop(&g);
}

static int virtio_user_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	struct guard g;

	guard_start(&g, ethdev_path(p));
	const int ret = ethdev_set_mtu(p, mtu, f);
	guard_stop(&g);
	return ret;
}

static const struct port_ops virtio_user_ops = {
	.name = "virtio-user",
	.help = "the driver's side of a vhost-user socket that the other side serves",
	.params = virtio_user_params,
	.check = virtio_user_check,
	.create = virtio_user_create,
	.start = virtio_user_start,
	.stop = virtio_user_stop,
	.destroy = virtio_user_destroy,
	.set_mtu = virtio_user_set_mtu,
	.set_mac = ethdev_set_mac,
	.stats = ethdev_stats,
	.info = ethdev_info,
	.driver = ethdev_driver,
	.xstats = ethdev_xstats,
	.flow = ethdev_flow,
};
PORT_KIND(virtio_user_ops)
