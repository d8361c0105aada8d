/* SPDX-License-Identifier: BSD-3-Clause */
// Notifications from devices, handed over from whatever thread they come in; and the timer that retries failed ports.
//
// Design: a notification is a bit of the port's id in a set per kind of event, so that a device that notifies without
// end costs one bit, and an eventfd wakes the control thread. A link notification says "look": the state is read then.
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "fdb_ctl.h"
#include "flow_switch.h"
#include "iface.h"
#include "port.h"
#include "rpc.h"

#define WORDS (PORT_MAX / 64)

static uint64_t link_changed[WORDS], removed[WORDS]; // set by any thread, taken by control (atomic)
static int wake_fd = -1;
static struct event *wake, *retry;

// Any non-worker thread.
static void on_notify(struct port *p, enum port_event ev)
{
	uint64_t *set = ev == PORT_EVENT_REMOVED ? removed : link_changed, one = 1;

	__atomic_fetch_or(&set[p->id / 64], 1ULL << (p->id % 64), __ATOMIC_RELEASE);
	// Fails only when the counter is full, and then control is awake already.
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

void port_watch_forget(uint16_t id)
{
	__atomic_fetch_and(&link_changed[id / 64], ~(1ULL << (id % 64)), __ATOMIC_RELAXED);
	__atomic_fetch_and(&removed[id / 64], ~(1ULL << (id % 64)), __ATOMIC_RELAXED);
}

void port_event_send(const char *what, const struct port_obj *p)
{
	if (event_wanted("port"))
		event_send("port", what,
			   json_pack("{s:s,s:s,s:i,s:s,s:s?}", "name", p->name, "type", p->ops->name, "id", p->id,
				     "admin", p->admin_up ? "up" : "down", "error",
				     p->state == PORT_OBJ_FAILED ? p->error.message : NULL));
	if (p->bp)
		flow_switch_port_tell(p->bp, FLOW_PORT_CHANGED);
}

static void handle_link(struct port_obj *p)
{
	bool up;

	if (p->state != PORT_OBJ_LIVE || p->deleted)
		return;
	up = __atomic_load_n(&p->dev->link_up, __ATOMIC_ACQUIRE);
	if (up == p->link_seen)
		return;
	p->link_seen = up;
	// Stations behind a port that lost its link may come back elsewhere.
	if (!up)
		fdb_ctl_flush_port(p->id);
	if (event_wanted("link"))
		event_send("link", up ? "up" : "down", json_pack("{s:s,s:i}", "name", p->name, "id", p->id));
	port_event_send(up ? "link_up" : "link_down", p);
	iface_port_link(p);
}

static void handle_removed(struct port_obj *p)
{
	struct fault why;

	fault_set(&why, -ENODEV, NULL, NULL, NULL, "the device of port %s went away", p->name);
	port_obj_fail(p, &why);
}

static void for_each_taken(uint64_t *set, void (*fn)(struct port_obj *p))
{
	for (unsigned int w = 0; w < WORDS; w++) {
		uint64_t bits = __atomic_load_n(&set[w], __ATOMIC_RELAXED);

		if (!bits)
			continue;
		bits = __atomic_exchange_n(&set[w], 0, __ATOMIC_ACQUIRE);
		for (; bits; bits &= bits - 1) {
			struct port_obj *p = port_obj_by_id(w * 64 + __builtin_ctzll(bits));

			if (p)
				fn(p);
		}
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	for_each_taken(link_changed, handle_link);
	fdb_ctl_flush_run();
	for_each_taken(removed, handle_removed);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	port_obj_retry_failed();
}

int port_watch_create(struct event_base *base)
{
	const struct timeval period = {.tv_sec = PORT_RETRY_S};

	wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake_fd < 0)
		return -errno;
	wake = event_new(base, wake_fd, EV_READ | EV_PERSIST, on_wake, NULL);
	retry = event_new(base, -1, EV_PERSIST, on_retry, NULL);
	if (!wake || !retry || event_add(wake, NULL) < 0 || event_add(retry, &period) < 0) {
		port_watch_destroy();
		return -ENOMEM;
	}
	port_notify_set(on_notify);
	return 0;
}

void port_watch_destroy(void)
{
	port_notify_set(NULL);
	if (wake)
		event_free(wake);
	if (retry)
		event_free(retry);
	wake = retry = NULL;
	// The descriptor stays open: a thread may be in on_notify() at this moment, and the program is about to end.
}
