/* SPDX-License-Identifier: BSD-3-Clause */
// The helper thread of the vhost-user ports. It connects to front ends as soon as their sockets appear (inotify), tries
// slowly besides in case that is not told, unregisters ports, which may have to wait for the library's thread, and
// frees the rings that workers no longer see.
//
// The library's own reconnecting is not used: it tries once a second. It has no way to connect again a path that is
// registered, so every attempt is a registration, made only if somebody is alive at the path.
#include "vhost.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#define MS UINT64_C(1000000) // in ns
#define DELAY_MIN (1 * MS)   // between bind() and listen() of a front end
#define DELAY_MAX (1000 * MS)
#define UNREGISTER_MS 200 // after which a destroyed port's connection is shut down by force

static TAILQ_HEAD(watch_list, vhost_port) list = TAILQ_HEAD_INITIALIZER(list);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static int wake_fd = -1, notify_fd = -1; // constant once the thread runs
static bool running;                     // under lock

void vhost_watch_wake(void)
{
	if (wake_fd >= 0)
		eventfd_write(wake_fd, 1);
}

void vhost_port_free(struct vhost_port *v)
{
	pthread_mutex_destroy(&v->lock);
	free(v->canon);
	free(v);
}

// --- work on one port, without the lock: only this thread changes a port's state and frees it ------------------------

static void later(struct vhost_port *v)
{
	v->due_ns = vhost_now_ns() + v->delay_ns;
	v->delay_ns = RTE_MIN(v->delay_ns * 2, DELAY_MAX);
}

static void try_connect(struct vhost_port *v)
{
	if (vhost_path_probe(v->path) != 1) {
		// Nobody there: the folder's watch tells when that changes, a little before the socket can be found.
		later(v);
		if (vhost_now_ns() > v->eager_ns) {
			v->due_ns = vhost_now_ns() + DELAY_MAX;
			v->delay_ns = DELAY_MIN;
			__atomic_store_n(&v->seen_ns, 0, __ATOMIC_RELAXED);
		}
		return;
	}
	if (__atomic_load_n(&v->seen_ns, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&v->seen_ns, vhost_now_ns(), __ATOMIC_RELAXED);
	later(v);
	if (vhost_conn_register(v) < 0)
		return;
	// Connects, which calls new_connection in this thread; the library reports 0 also where it had no device left.
	if (vhost_conn_start(v) == 0) {
		v->registered = true;
		v->state = VHOST_WATCH_CONNECTED;
		return;
	}
	rte_vhost_driver_unregister(v->path);
}

static void disconnected(struct vhost_port *v)
{
	// Returns only after the library's thread has left the callback that told us of the end.
	rte_vhost_driver_unregister(v->path);
	v->registered = false;
	v->state = VHOST_WATCH_WAIT;
	if (__atomic_exchange_n(&v->was_ready, false, __ATOMIC_RELAXED))
		v->delay_ns = DELAY_MIN;
	later(v);
}

// Takes whatever the folder's watch says, which several ports may share.
static void watch_folder(struct vhost_port *v)
{
	char folder[VHOST_PATH_MAX + 1];
	const size_t len = v->base - v->path;

	memcpy(folder, v->path, len);
	folder[len] = '\0';
	v->wd = inotify_add_watch(notify_fd, folder, IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR);
}

static void unwatch_folder(struct vhost_port *v)
{
	struct vhost_port *o;

	TAILQ_FOREACH (o, &list, watch)
		if (o->wd == v->wd)
			return;
	inotify_rm_watch(notify_fd, v->wd);
}

static void reap(struct vhost_port *v)
{
	if (v->registered) {
		rte_vhost_driver_unregister(v->path);
		vhost_poke(); // else the front end learns of the end of its connection up to a second later
	}
	vhost_conn_del(v);
	vhost_rings_reap();
	pthread_mutex_lock(&lock);
	if (v->wd >= 0)
		unwatch_folder(v);
	if (v->gone != NULL)
		*v->gone = true;
	pthread_cond_broadcast(&gone);
	pthread_mutex_unlock(&lock);
	vhost_port_free(v);
}

static void work(struct vhost_port *v)
{
	if (v->state == VHOST_WATCH_CONNECTED) {
		disconnected(v);
		return;
	}
	if (v->wd < 0)
		watch_folder(v);
	try_connect(v);
}

// --- the thread ------------------------------------------------------------------------------------------------------

// The next port that needs something, dying ones taken off the list; or NULL and the time of the next attempt.
static struct vhost_port *next_work(uint64_t now, uint64_t *due, bool *dying)
{
	struct vhost_port *v;

	*due = UINT64_MAX;
	*dying = false;
	TAILQ_FOREACH (v, &list, watch) {
		if (v->dying) {
			TAILQ_REMOVE(&list, v, watch);
			*dying = true;
			return v;
		}
		if (v->state == VHOST_WATCH_CONNECTED && __atomic_load_n(&v->connections, __ATOMIC_ACQUIRE) == 0)
			return v;
		if (v->state == VHOST_WATCH_WAIT && v->due_ns <= now)
			return v;
		if (v->state == VHOST_WATCH_WAIT)
			*due = RTE_MIN(*due, v->due_ns);
	}
	return NULL;
}

static void seen(const struct inotify_event *e)
{
	const uint64_t now = vhost_now_ns();
	struct vhost_port *v;

	TAILQ_FOREACH (v, &list, watch) {
		if (v->wd != e->wd)
			continue;
		if (e->mask & IN_IGNORED)
			v->wd = -1; // the folder went; the slow attempts look for a new one
		if (v->state != VHOST_WATCH_WAIT || e->len == 0 || strcmp(e->name, v->base) != 0)
			continue;
		if (__atomic_load_n(&v->seen_ns, __ATOMIC_RELAXED) == 0)
			__atomic_store_n(&v->seen_ns, now, __ATOMIC_RELAXED);
		v->due_ns = now;
		v->delay_ns = DELAY_MIN;
		v->eager_ns = now + DELAY_MAX;
	}
}

static void read_events(void)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(notify_fd, buf, sizeof(buf))) > 0) {
		pthread_mutex_lock(&lock);
		for (char *p = buf; p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len)
			seen((struct inotify_event *)p);
		pthread_mutex_unlock(&lock);
	}
}

static void *watch_thread(void *arg)
{
	struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = notify_fd, .events = POLLIN}};
	struct vhost_port *v;
	eventfd_t count;
	uint64_t due, now;
	bool dying;

	for (;;) {
		vhost_rings_reap();
		now = vhost_now_ns();
		pthread_mutex_lock(&lock);
		v = next_work(now, &due, &dying);
		pthread_mutex_unlock(&lock);
		if (v != NULL) {
			if (dying)
				reap(v);
			else
				work(v);
			continue;
		}
		poll(fds, 2, due == UINT64_MAX ? -1 : (int)((due - now + MS - 1) / MS));
		eventfd_read(wake_fd, &count);
		read_events();
	}
	return NULL;
}

// Under lock.
static int thread_start(struct fault *f)
{
	struct rlimit files;
	sigset_t all, old;
	pthread_t thread;
	int rc;

	if (running)
		return 0;
	// A port takes some 8 files (sockets, memory, one eventfd for each direction of each ring).
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	// A connection that is refused is tried again, and is no news. What a guest can provoke must not make a worker
	// write to a log.
	rte_log_set_level_pattern("lib.vhost.config", RTE_LOG_ERR);
	rte_log_set_level_pattern("lib.vhost.data", RTE_LOG_EMERG);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (wake_fd < 0 || notify_fd < 0) {
		rc = fault_set(f, -errno, NULL, NULL, NULL, "cannot watch for vhost-user front ends");
		goto close;
	}
	vhost_poke_create();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = -pthread_create(&thread, NULL, watch_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc < 0) {
		rc = fault_set(f, rc, NULL, NULL, NULL,
			       "cannot start the thread that watches for vhost-user front ends");
		goto close;
	}
	pthread_setname_np(thread, "vhost-watch");
	pthread_detach(thread);
	running = true;
	return 0;
close:
	if (wake_fd >= 0)
		close(wake_fd);
	if (notify_fd >= 0)
		close(notify_fd);
	wake_fd = notify_fd = -1;
	return rc;
}

int vhost_watch_add(struct vhost_port *v, struct fault *f)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = thread_start(f);
	if (rc == 0) {
		v->wd = -1;
		v->delay_ns = DELAY_MIN;
		TAILQ_INSERT_TAIL(&list, v, watch);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

void vhost_watch_start(struct vhost_port *v, enum vhost_watch_state state)
{
	pthread_mutex_lock(&lock);
	v->state = state;
	v->registered = state == VHOST_WATCH_NONE;
	pthread_mutex_unlock(&lock);
	vhost_watch_wake();
}

// Until *done or for UNREGISTER_MS. Under lock.
static void wait_gone(const bool *done)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += UNREGISTER_MS * MS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!*done && pthread_cond_timedwait(&gone, &lock, &until) == 0)
		;
}

void vhost_watch_destroy(struct vhost_port *v)
{
	char path[VHOST_PATH_MAX + 1];
	bool done = false;

	strcpy(path, v->path);
	pthread_mutex_lock(&lock);
	v->gone = &done;
	v->dying = true;
	vhost_watch_wake();
	wait_gone(&done);
	if (!done) {
		// The library's thread is in a callback of this port, most likely reading a message whose sender
		// stopped in the middle of it.
		vhost_path_shutdown(path);
		wait_gone(&done);
	}
	if (!done)
		v->gone = NULL;
	pthread_mutex_unlock(&lock);
}
