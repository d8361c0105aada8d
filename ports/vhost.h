/* SPDX-License-Identifier: BSD-3-Clause */
// What the parts of the vhost-user port kind share: vhost_user.c (the kind and its queues), vhost_conn.c (the
// library's callbacks), vhost_ring.c (what a worker knows of a guest's ring), vhost_watch.c (the helper thread),
// vhost_path.c (checks of a socket path), vhost_poke.c and vhost_pool.c. Nobody else includes this.
//
// Purpose: rte_vhost serves the rings; these files decide when a worker may call it, connect quickly, and survive
// front ends that come, go and misbehave.
//
// Design: all that a worker reads of a guest is one pointer per receive queue (struct vhost_ring, immutable, RCU) and
// one word per transmit queue. The library's control messages run on its own thread ("vhost-events"), many of them with
// all ring locks held. A worker's enqueue may spin on such a lock, so under them nothing may wait for a grace period:
//  - opening and closing a queue is a pointer or word store, allowed anywhere;
//  - destroy_device is called with no ring lock held and before the library frees or unmaps anything: it closes the
//    queues and waits there for a grace period, so no worker is inside the library when the device goes;
//  - a change of memory or rings while the guest runs is guarded by the library's ring locks (its dequeue gives up on a
//    locked ring); the queues are closed meanwhile so that workers do not spin behind a long unmapping;
//  - the one access that no lock guards, a worker's look at the avail index of an idle ring, goes through a mapping
//    of our own, which the helper thread unmaps a grace period after it was replaced.
//
// Threads: as said at each; v->lock is a leaf: nothing is waited for and no library function is called that locks while
// it is held.
#ifndef VHOST_H
#define VHOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include <rte_vhost.h>

#include "port.h"

#define VHOST_QUEUES_MAX 16 // pairs; a device's rings then fit a 32-bit map
#define VHOST_PATH_MAX 107  // sun_path without its NUL
#define VHOST_CLOSED UINT32_MAX
#define VHOST_BURST 32 // packets that the library moves in one call, at most

// One guest ring, as the polling worker sees it. Immutable; freed a grace period after it was replaced.
struct vhost_ring {
	int vid; // -1: closed, do not call the library
	uint16_t vring;
	bool packed;
	uint16_t size;                        // descriptors, packed only
	const uint16_t *avail;                // split: the avail index; NULL if it could not be mapped
	const struct vring_packed_desc *desc; // packed: the descriptor ring; NULL if it could not be mapped
	void *map;                            // our own mapping, map_len bytes
	size_t map_len;
	struct vhost_ring *next; // list of the retired
};

struct vhost_rxq {
	const struct vhost_ring *ring; // atomic, RCU: written by callbacks, read by the worker
	uint64_t notify_sent, notify_suppressed;
} __rte_cache_aligned;

struct vhost_txq {
	uint32_t target; // atomic: vid << 16 | ring, or VHOST_CLOSED; written by callbacks, read by workers
	uint64_t notify_sent, notify_suppressed;
} __rte_cache_aligned;

enum vhost_watch_state {
	VHOST_WATCH_NONE,      // server mode, or not started
	VHOST_WATCH_WAIT,      // client mode, no front end
	VHOST_WATCH_CONNECTED, // client mode, registered with the library
};

struct vhost_port {
	char path[VHOST_PATH_MAX + 1];
	char *canon;      // the same with its folder resolved, for the search for duplicates
	const char *base; // in path: the file's name
	bool server;
	uint16_t queues; // pairs
	uint64_t features_off;
	bool started; // control thread

	pthread_mutex_t lock;
	struct port *port;  // under lock; NULL once the port is being destroyed
	int vid;            // under lock; the device that serves the queues, -1 none
	uint64_t features;  // under lock; of that device
	uint16_t guest_mtu; // under lock; 0 not told
	struct vhost_rxq rxq[VHOST_QUEUES_MAX];
	struct vhost_txq txq[VHOST_QUEUES_MAX];

	uint32_t connections; // atomic; of the library, of any state
	uint64_t seen_ns;     // atomic; when the front end's socket was noticed, 0 once it was served
	uint64_t ready_us;    // atomic; from then to its device being ready, the last time
	bool was_ready;       // atomic; that there was a device since the helper thread last asked

	TAILQ_ENTRY(vhost_port) all; // under the list's own lock, vhost_conn.c

	TAILQ_ENTRY(vhost_port) watch; // this and the following under the watch lock
	enum vhost_watch_state state;  // written by the helper thread
	bool registered, dying;
	bool *gone;        // set when the helper thread has finished with a dying port
	int wd;            // of the socket's folder, -1 not watched
	uint64_t due_ns;   // next attempt to connect
	uint64_t delay_ns; // and how long after that the following one
	uint64_t eager_ns; // until when a socket that was announced may yet appear
};

static inline uint64_t vhost_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// vhost_user.c
extern __thread unsigned int vhost_notified; // guest notifications that the library sent in this thread

// vhost_pool.c
// Makes the pool. 0 or -errno. Control thread, before the first port.
int vhost_pool_create(void);

// The pool for one call of the library, which takes no more from it than a burst of honest packets needs. Worker.
struct rte_mempool *vhost_pool(void);

// vhost_ring.c. `slot` is the queue's pointer to its ring.
extern const struct vhost_ring vhost_ring_closed;

// Makes a ring for the library's ring `vring` of `vid` with a mapping of what an idle queue is known by; without one,
// if memory cannot be mapped, the queue is just never known to be idle. NULL on no memory. Callbacks, ring locks held.
struct vhost_ring *vhost_ring_create(int vid, uint16_t vring, uint64_t features);

// Replaces a queue's ring and withdraws its idle word; the former is freed later. Callbacks, under the port's lock.
void vhost_ring_swap(struct vhost_rxq *v, struct rxq *q, const struct vhost_ring *ring);

// Publishes by which word the worker knows that there is nothing new. Worker, at the end of rx.
void vhost_ring_idle(struct vhost_rxq *v, struct rxq *q, const struct vhost_ring *ring);

// Waits for a grace period if rings were retired, and frees them. Helper thread.
void vhost_rings_reap(void);

// vhost_conn.c
// Enters a port into the list by which callbacks find it. -EEXIST if one with the same path is there, whose name is
// then copied into `other` [PORT_NAME_LEN]. Control thread.
int vhost_conn_add(struct vhost_port *v, char *other);
void vhost_conn_del(struct vhost_port *v);

// Registers the path with the library, with features and callbacks. 0 or -1. Helper or control thread.
int vhost_conn_register(struct vhost_port *v);

// Begins to listen, or connects. 0 or -1. Helper or control thread.
int vhost_conn_start(struct vhost_port *v);

// Takes the port away from the callbacks: queues closed, link untouched. Control thread.
void vhost_conn_detach(struct vhost_port *v);

// vhost_watch.c
// Hands a port to the helper thread, which starts with the first. 0 or -errno with a fault. Control thread.
int vhost_watch_add(struct vhost_port *v, struct fault *f);

// VHOST_WATCH_WAIT: from now on tries to connect. VHOST_WATCH_NONE: it is registered and listens. Control thread.
void vhost_watch_start(struct vhost_port *v, enum vhost_watch_state state);

// Unregisters and frees the port, by the helper thread. Control thread; waits for it, but never as long as a second.
void vhost_watch_destroy(struct vhost_port *v);
void vhost_port_free(struct vhost_port *v); // of one that was not added

// Has the helper thread look at its ports and rings. Any thread but a worker's.
void vhost_watch_wake(void);

// vhost_poke.c
// Prepares vhost_poke(); without what it needs (a folder for temporary files) that has no effect. Before any other
// port.
void vhost_poke_create(void);

// Makes the library look at once at sockets that were added or closed. Any thread but a worker's.
void vhost_poke(void);

// vhost_path.c
// Checks what a socket path may be in either role; in server mode nobody may listen there. *canon (to be freed) gets
// the path with its folder resolved. 0 or -errno with a fault.
int vhost_path_check(const char *path, bool server, char **canon, struct fault *f);

// Removes the socket file of a dead process. 0 or -errno with a fault.
int vhost_path_clear(const char *path, struct fault *f);

// Whether a socket is alive at the path, without touching its queue of connections: 1 yes, 0 no or -errno.
int vhost_path_probe(const char *path);

// Shuts down the process's connected sockets of that path, so that a read of the library that waits for the rest of a
// message ends. Cost: two system calls for each open file.
void vhost_path_shutdown(const char *path);

#endif
