/* SPDX-License-Identifier: BSD-3-Clause */
#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../datapath/rcu.h"
#include "../tables/fib_pool.h"
#include "bridge.h"
#include "fdb_ctl.h"
#include "flow_change.h"
#include "flow_publish.h"
#include "flow_retire.h"
#include "flow_timeout.h"
#include "fwd.h"
#include "garbage.h"
#include "iface.h"
#include "kinds.h"
#include "log.h"
#include "nexthop.h"
#include "openflow.h"
#include "pktgen.h"
#include "port.h"
#include "publish.h"
#include "route.h"
#include "rpc.h"
#include "slow.h"
#include "stats.h"
#include "store.h"

#define POLL_MIN_US 1000
#define POLL_MAX_US 20000

static struct event *poll_timer, *tick_timer;
static unsigned int poll_us = POLL_MAX_US;

// Events of the workers and deferred calls: every millisecond while there are any, less and less often while not.
static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	unsigned int events = fdb_ctl_poll(), waiting;
	struct timeval next = {0};

	pktgen_poll();
	flow_timeout_poll();
	waiting = flow_change_poll();
	flow_retire_poll();
	garbage_collect();
	waiting += rcu_poll();
	poll_us = events || waiting ? POLL_MIN_US : RTE_MIN(2 * poll_us, (unsigned int)POLL_MAX_US);
	next.tv_usec = poll_us;
	event_add(poll_timer, &next);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fdb_ctl_tick(now.tv_sec);
	fib_pool_reclaim(route_pool());
	flow_publish_shrink();
}

int objects_create(struct event_base *base, struct fdb *fdb, uint64_t fib_bytes)
{
	const struct timeval first = {.tv_usec = POLL_MIN_US}, tick = {.tv_usec = FDB_CTL_TICK_MS * 1000};
	int rc = stats_create();

	if (rc < 0)
		return rc;
	port_obj_create_table();
	iface_create_table();
	rc = nexthop_create();
	if (rc == 0)
		rc = route_create(fib_bytes);
	if (rc == 0)
		rc = vrf_create_table();
	if (rc < 0)
		goto objects;
	rpc_port_init();
	fdb_ctl_create(fdb);
	on_tick(-1, 0, NULL);
	rc = port_watch_create(base);
	if (rc < 0)
		goto objects;
	rc = slow_create(base);
	if (rc == 0)
		rc = openflow_create(base);
	if (rc < 0)
		goto objects;
	rc = -ENOMEM;
	poll_timer = event_new(base, -1, 0, on_poll, NULL);
	tick_timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	if (!poll_timer || !tick_timer || event_add(poll_timer, &first) < 0 || event_add(tick_timer, &tick) < 0)
		goto objects;
	// Workers start with an empty state, not with none.
	publish_mark_polls();
	publish();
	return 0;

objects:
	objects_destroy();
	return rc;
}

// One object of the store. What cannot be is left out with a line in the log, and stays in the store: it may be for
// want of a device, a CPU or memory that are there the next time.
static void restore_one(struct txn *t, const struct kind *k, const char *key, const json_t *object)
{
	struct rpc_call call = {.txn = t};
	struct fault f = {0};
	json_t *result;
	int rc;

	rc = rpc_run(k->add, object, &call, &result, &f);
	json_decref(result);
	if (rc < 0)
		LOG(ERR, "cannot restore %s %s: %s (%s)", k->name, key, f.message, f.field);
}

int objects_restore(struct fault *f)
{
	const struct kind *k;
	struct txn t;

	txn_begin(&t, false);
	t.replay = true;
	for (unsigned int i = 0; (k = kind_at(i)); i++) {
		if (k->restore) {
			k->restore(&t);
			continue;
		}
		// The map changes under txn_put(), so a copy is walked.
		json_t *objects = json_copy(store_kind(k->name)), *object;
		const char *key;

		json_object_foreach (objects, key, object)
			restore_one(&t, k, key, object);
		json_decref(objects);
	}
	return txn_commit(&t, f);
}

void objects_destroy(void)
{
	if (poll_timer)
		event_free(poll_timer);
	if (tick_timer)
		event_free(tick_timer);
	poll_timer = tick_timer = NULL;
	port_watch_destroy();
	pktgen_destroy();
	flow_change_drain();
	flow_timeout_destroy();
	openflow_destroy();
	garbage_collect();
	rcu_drain();
	publish_destroy();
	rcu_drain();
	fdb_ctl_destroy();
	fwd_destroy();
	via_destroy();
	iface_destroy_table();
	slow_destroy();
	vrf_destroy_table();
	route_destroy();
	bridge_destroy_table();
	flow_retire_drain();
	port_obj_destroy_table();
	garbage_collect();
	rcu_drain();
	nexthop_destroy();
	stats_destroy();
}
