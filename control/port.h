/* SPDX-License-Identifier: BSD-3-Clause */
// Port objects: what the operator asked for, and the device that serves it.
//
// Purpose: a port has a name, a kind and parameters in the desired state, and as long as things go well a device
// (struct port of ports/port.h). When the device cannot be made after a restart, or goes away, the object stays,
// failed, and is tried again.
//
// Design: life of a device: create -> start -> publish -> ... -> publish without it -> grace period -> stop -> destroy.
// Ids are 1..PORT_MAX-1, lowest free first; an id is free again only when no worker, event ring or notification can
// still name it. Operations come in transactions and register how to be taken back.
//
// Threads: control only, but for the function given to port_notify_set() (port_watch.c).
#ifndef CONTROL_PORT_H
#define CONTROL_PORT_H

#include <sys/queue.h>

#include "../datapath/drop.h"
#include "../datapath/worker.h"
#include "../ports/port.h"
#include "names.h"
#include "txn.h"

#define PORT_RETRY_S 3
#define WORKER_NONE 0xff

struct bridge_port;
struct iface;

enum port_obj_state {
	PORT_OBJ_PLANNED, // of a dry run: has no device and gets none
	PORT_OBJ_LIVE,
	PORT_OBJ_FAILED, // `error` says why; tried again every PORT_RETRY_S
};

// Counters at the last clear (or at birth, where the id had an owner before).
struct port_baseline {
	struct port_counters total;
	struct port_dev_stats dev;
	struct {
		uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	} queue[PORT_QUEUES_MAX];
};

// Who polls a receive queue.
struct queue_poller {
	uint8_t worker;    // chosen (assign.c), WORKER_NONE before the device is there
	uint8_t published; // who polls it in the published state, WORKER_NONE if nobody
	uint8_t last;      // who polled it last: another may only begin after a grace period
	bool pinned;       // by worker.assign: not moved by worker.rebalance
	bool counted;      // in the worker's load
};

struct port_obj {
	char name[PORT_NAME_LEN]; // first: names.h
	uint16_t id;
	enum port_obj_state state;
	bool admin_up;
	bool link_seen; // as last told to subscribers
	bool deleted;   // no longer in the table; waits for the commit and a grace period
	bool retiring;  // the old device waits for its grace period
	bool dirty;     // in the list of publish.c
	TAILQ_ENTRY(port_obj) dirty_link;
	const struct port_ops *ops;
	json_t *conf; // as port.add would take it; replaced, never changed
	uint16_t mtu;
	struct port *dev;   // PORT_OBJ_LIVE only
	struct fault error; // PORT_OBJ_FAILED only
	struct bridge_port *bp;
	LIST_HEAD(, iface) ifaces;  // L3 interfaces on it; none while it is in a bridge
	uint16_t *l3_domain;        // as published: [VLAN_COUNT], of the interfaces on its VLANs; NULL: none
	uint8_t fwd_mode;           // enum fwd_mode, and...
	uint16_t fwd_peer;          // ...the id of the port that packets leave by then; 0 in mode switch (fwd.c)
	struct pktgen_port *pktgen; // while the generator has the port (pktgen.c)
	uint32_t fwd_round;         // fwd.c has seen it in that round
	uint32_t nstatic;           // static FDB entries behind it
	uint32_t macs;              // learned FDB entries behind it
	const struct fwd_port *fwd; // as published
	uint64_t fwd_serial;        // bp->serial as published, 0 without bridge
	struct queue_poller rxq[PORT_QUEUES_MAX];
	struct port_baseline *base; // NULL: all zero
};

int port_obj_create_table(void);
void port_obj_destroy_table(void); // stops and destroys all; after the workers have stopped

// Adds a port as `conf` (decoded, defaults filled in; the reference is the caller's) asks. In a replay a device that
// fails leaves a failed object. 0, -EEXIST, -ENOSPC no id left, or what the kind said.
int port_obj_add(struct txn *t, const struct port_ops *ops, const json_t *conf, struct port_obj **out, struct fault *f);

// -ENOENT; -EBUSY while a bridge has it.
int port_obj_del(struct txn *t, struct port_obj *p, struct fault *f);

// Applies those of admin, mtu and mac that `set` holds. 0, -ENOTSUP, -EINVAL, or what the kind said.
int port_obj_set(struct txn *t, struct port_obj *p, const json_t *set, struct fault *f);

struct port_obj *port_obj_find(const char *name); // NULL: none
// As port_obj_find(), with the fault for parameter `field`.
int port_obj_get(const char *field, const char *name, struct port_obj **out, struct fault *f);
struct port_obj *port_obj_by_id(uint16_t id); // also one that is deleted and not yet gone
const struct names *port_obj_names(void);
uint16_t port_obj_max_id(void); // highest id ever in use

// Makes the device and starts it. 0, or -errno with a fault and the object as before.
int port_obj_device_create(struct port_obj *p, struct fault *f);
// The device went away, or failed: unpublishes and destroys it, keeps the object for port_obj_retry().
void port_obj_fail(struct port_obj *p, const struct fault *why);
void port_obj_retry_failed(void);
static inline bool port_obj_forwards(const struct port_obj *p)
{
	return p->admin_up && p->state == PORT_OBJ_LIVE;
}

// Notifications from devices, handed over from whatever thread, and the timer that retries failed ports (port_watch.c).
void rpc_port_init(void); // before the first call of port.add (rpc_port.c)
struct event_base;
int port_watch_create(struct event_base *base);
void port_watch_destroy(void);
void port_watch_forget(uint16_t id);
void port_event_send(const char *what, const struct port_obj *p);

#endif
