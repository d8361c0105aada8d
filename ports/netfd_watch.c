/* SPDX-License-Identifier: BSD-3-Clause */
#include "netfd_watch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>

#define LOOK_MS 250
#define EVENTS_MAX 64
#define QUEUE_LINK 0xffff // in a key: the interface, not a queue
#define KEY_STOP 0        // no port has id 0

struct watched {
	struct port *port;
	netfd_link_fn link;
	bool removed; // the kernel's interface is gone
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched watched[PORT_MAX]; // by port id, under lock
static unsigned int nwatched;
static uint32_t highest;                // port id that was ever watched, under lock
static int epoll_fd = -1, stop_fd = -1; // written by control while nothing is watched
static pthread_t thread;

static void link_look(struct watched *w)
{
	if (w->port == NULL || w->removed)
		return;
	const int up = w->link(w->port);
	port_link_set(w->port, up > 0);
	if (up == -ENODEV) {
		w->removed = true;
		port_notify(w->port, PORT_EVENT_REMOVED);
	}
}

static void event_handle(uint32_t key)
{
	struct watched *w = &watched[key >> 16];
	const uint16_t queue = (uint16_t)key;
	struct netfd_rxq *t;

	if (w->port == NULL)
		return;
	if (queue == QUEUE_LINK) {
		link_look(w);
	} else if (queue < w->port->nrxq && !w->removed) {
		t = w->port->rxq[queue].priv;
		__atomic_fetch_add(&t->word, 1, __ATOMIC_RELEASE);
	}
}

static void *watch(void *arg)
{
	const uint64_t look_tsc = rte_get_tsc_hz() * LOOK_MS / 1000;
	struct epoll_event ev[EVENTS_MAX];
	uint64_t looked = 0;

	while (true) {
		const int n = epoll_wait(epoll_fd, ev, EVENTS_MAX, LOOK_MS);

		pthread_mutex_lock(&lock);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.u32 == KEY_STOP) {
				pthread_mutex_unlock(&lock);
				return NULL;
			}
			event_handle(ev[i].data.u32);
		}
		if (rte_rdtsc() - looked > look_tsc) {
			for (uint32_t i = 1; i <= highest; i++)
				link_look(&watched[i]);
			looked = rte_rdtsc();
		}
		pthread_mutex_unlock(&lock);
	}
}

static int watch_start(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = KEY_STOP};
	int ret;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	if (epoll_fd < 0 || stop_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &ev) < 0) {
		ret = -errno;
		goto close_fds;
	}
	// It runs where control runs: a thread inherits the CPUs of its maker.
	ret = -pthread_create(&thread, NULL, watch, NULL);
	if (ret == 0) {
		pthread_setname_np(thread, "netfd-watch");
		return 0;
	}
close_fds:
	if (stop_fd >= 0)
		close(stop_fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	return ret;
}

static void watch_stop(void)
{
	const uint64_t one = 1;

	if (write(stop_fd, &one, sizeof(one)) != sizeof(one))
		return; // cannot be: the counter is at zero
	pthread_join(thread, NULL);
	close(stop_fd);
	close(epoll_fd);
}

uint32_t netfd_watch_key(const struct port *p, uint16_t queue)
{
	return (uint32_t)p->id << 16 | queue;
}

int netfd_watch_add(struct port *p, int fd, uint32_t events, netfd_link_fn link)
{
	struct epoll_event ev = {.events = events | EPOLLET, .data.u32 = netfd_watch_key(p, QUEUE_LINK)};
	int ret = 0;

	if (nwatched == 0)
		ret = watch_start();
	if (ret != 0)
		return ret;
	nwatched++;
	pthread_mutex_lock(&lock);
	highest = RTE_MAX(highest, (uint32_t)p->id);
	watched[p->id] = (struct watched){.port = p, .link = link};
	pthread_mutex_unlock(&lock);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		goto del;
	for (uint16_t i = 0; i < p->nrxq; i++) {
		const struct netfd_rxq *t = p->rxq[i].priv;

		// Disarmed: only errors would be reported, once.
		ev = (struct epoll_event){.events = EPOLLONESHOT, .data.u32 = t->key};
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, t->fd, &ev) < 0)
			goto del;
	}
	return 0;
del:
	ret = -errno;
	netfd_watch_del(p, fd);
	return ret;
}

void netfd_watch_del(struct port *p, int fd)
{
	pthread_mutex_lock(&lock);
	// A descriptor that was never added only makes the call fail.
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	for (uint16_t i = 0; i < p->nrxq; i++) {
		const struct netfd_rxq *t = p->rxq[i].priv;

		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, t->fd, NULL);
	}
	watched[p->id] = (struct watched){0};
	pthread_mutex_unlock(&lock);
	if (--nwatched == 0)
		watch_stop();
}

bool netfd_watch_arm(int fd, uint32_t key)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = key};

	return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0;
}
