/* SPDX-License-Identifier: BSD-3-Clause */
// The callbacks of rte_vhost: a connection comes, its rings become ready, its device starts, stops, goes.
#include "vhost.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// Requests of the vhost-user protocol that change rings or memory under a running device, or that ask what we know
// better than the library. Source: QEMU's docs/interop/vhost-user.rst.
enum vhost_request {
	REQUEST_RESET_OWNER = 4,
	REQUEST_SET_MEM_TABLE = 5,
	REQUEST_SET_VRING_NUM = 8,
	REQUEST_SET_VRING_ADDR = 9,
	REQUEST_SET_VRING_BASE = 10,
	REQUEST_SET_VRING_KICK = 12,
	REQUEST_GET_QUEUE_NUM = 17,
	REQUEST_SEND_RARP = 19,
};

// The beginning of a message as the library hands it over.
struct vhost_message {
	uint32_t request, flags, size;
	uint64_t u64;
} __rte_packed;

// A connection by its vid. `vrings` and `mapped` are used by the callbacks, which the library calls one at a time.
static struct vhost_conn {
	struct vhost_port *owner; // atomic
	uint32_t vrings;          // bit i: ring i is ready
	bool mapped;              // the library has a memory table
} conns[RTE_MAX_VHOST_DEVICE];

static TAILQ_HEAD(, vhost_port) ports = TAILQ_HEAD_INITIALIZER(ports);
static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;

static struct vhost_conn *conn_get(int vid, struct vhost_port **v)
{
	if (vid < 0 || vid >= RTE_MAX_VHOST_DEVICE)
		return NULL;
	*v = __atomic_load_n(&conns[vid].owner, __ATOMIC_ACQUIRE);
	return *v != NULL ? &conns[vid] : NULL;
}

// --- queues: all under v->lock ---------------------------------------------------------------------------------------

static uint32_t vrings_used(const struct vhost_port *v)
{
	// Without VIRTIO_NET_F_MQ the library may free the rings past the first pair at any SET_FEATURES.
	const uint32_t pairs = v->features >> VIRTIO_NET_F_MQ & 1 ? v->queues : 1;

	return pairs == VHOST_QUEUES_MAX ? UINT32_MAX : (1u << 2 * pairs) - 1;
}

// Where each transmit queue sends: to its own ring, or, if the guest uses fewer, to one that is ready.
static void tx_aim(struct vhost_port *v, uint32_t ready)
{
	uint16_t rings[VHOST_QUEUES_MAX], n = 0;

	for (uint16_t i = 0; i < v->queues; i++)
		if (ready & 1u << 2 * i)
			rings[n++] = 2 * i;
	for (uint16_t i = 0; i < v->queues; i++) {
		uint32_t target = VHOST_CLOSED;

		if (n > 0)
			target = (uint32_t)v->vid << 16 | (ready & 1u << 2 * i ? 2 * i : rings[i % n]);
		__atomic_store_n(&v->txq[i].target, target, __ATOMIC_RELEASE);
	}
}

static void rx_aim(struct vhost_port *v, uint16_t queue, bool ready)
{
	const struct vhost_ring *ring = NULL;

	if (ready)
		ring = vhost_ring_create(v->vid, 2 * queue + 1, v->features);
	vhost_ring_swap(&v->rxq[queue], &v->port->rxq[queue], ring != NULL ? ring : &vhost_ring_closed);
}

static void queues_close(struct vhost_port *v)
{
	if (v->port == NULL)
		return;
	tx_aim(v, 0);
	for (uint16_t i = 0; i < v->queues; i++)
		rx_aim(v, i, false);
}

static void queues_open(struct vhost_port *v, uint32_t vrings)
{
	if (v->port == NULL)
		return;
	vrings &= vrings_used(v);
	for (uint16_t i = 0; i < v->queues; i++)
		rx_aim(v, i, vrings & 2u << 2 * i);
	tx_aim(v, vrings);
}

void vhost_conn_detach(struct vhost_port *v)
{
	pthread_mutex_lock(&v->lock);
	queues_close(v);
	v->port = NULL;
	pthread_mutex_unlock(&v->lock);
}

// --- the library's callbacks -----------------------------------------------------------------------------------------

// Tells the guest not to kick: its rings are polled. What rte_vhost_enable_guest_notification() does, which would take
// the ring's lock that the caller of the callback holds. With event indices, not moving them says the same.
static void kicks_suppress(int vid, uint16_t vring, uint64_t features)
{
	struct rte_vhost_vring vr;

	if (rte_vhost_get_vhost_vring(vid, vring, &vr) < 0)
		return;
	if (features >> VIRTIO_F_RING_PACKED & 1) {
		if (vr.device_event != NULL)
			vr.device_event->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	} else if (!(features >> VIRTIO_RING_F_EVENT_IDX & 1) && vr.used != NULL) {
		vr.used->flags |= VRING_USED_F_NO_NOTIFY;
	}
}

static int vring_state_changed(int vid, uint16_t vring, int enable)
{
	struct vhost_port *v;
	struct vhost_conn *c = conn_get(vid, &v);
	uint64_t features;

	if (c == NULL || vring >= 2 * v->queues)
		return 0;
	if (enable)
		c->vrings |= 1u << vring;
	else
		c->vrings &= ~(1u << vring);
	if (enable && c->mapped && rte_vhost_get_negotiated_features(vid, &features) == 0)
		kicks_suppress(vid, vring, features);
	pthread_mutex_lock(&v->lock);
	if (v->vid == vid && v->port != NULL && c->mapped) {
		const uint32_t vrings = c->vrings & vrings_used(v);

		if (vring & 1)
			rx_aim(v, vring / 2, vrings & 1u << vring);
		else
			tx_aim(v, vrings);
	}
	pthread_mutex_unlock(&v->lock);
	return 0;
}

static uint32_t offloads_of(uint64_t features)
{
	uint32_t offloads = 0;

	if (features >> VIRTIO_NET_F_GUEST_CSUM & 1)
		offloads |= PORT_OFFLOAD_CSUM;
	if (features >> VIRTIO_NET_F_GUEST_TSO4 & 1)
		offloads |= PORT_OFFLOAD_TSO4;
	if (features >> VIRTIO_NET_F_GUEST_TSO6 & 1)
		offloads |= PORT_OFFLOAD_TSO6;
	return offloads;
}

static int new_device(int vid)
{
	struct vhost_port *v;
	struct vhost_conn *c = conn_get(vid, &v);
	uint64_t features, seen;
	uint16_t mtu;

	if (c == NULL || rte_vhost_get_negotiated_features(vid, &features) < 0)
		return -1;
	if (rte_vhost_get_mtu(vid, &mtu) != 0)
		mtu = 0;
	pthread_mutex_lock(&v->lock);
	if (v->port == NULL) {
		pthread_mutex_unlock(&v->lock);
		return -1;
	}
	// A device that is still there is the one of a front end whose end we have not read yet: the newer one serves.
	queues_close(v);
	v->vid = vid;
	v->features = features;
	v->guest_mtu = mtu;
	__atomic_store_n(&v->port->offloads, offloads_of(features), __ATOMIC_RELEASE);
	if (c->mapped)
		queues_open(v, c->vrings);
	seen = __atomic_exchange_n(&v->seen_ns, 0, __ATOMIC_RELAXED);
	if (seen > 0)
		__atomic_store_n(&v->ready_us, (vhost_now_ns() - seen) / 1000, __ATOMIC_RELAXED);
	__atomic_store_n(&v->was_ready, true, __ATOMIC_RELAXED);
	if (mtu > 0 && mtu < v->port->mtu)
		PORT_LOG(WARNING, v->port, "the guest's MTU of %u is below the port's %u", mtu, v->port->mtu);
	port_link_set(v->port, true);
	pthread_mutex_unlock(&v->lock);
	return 0;
}

static void destroy_device(int vid)
{
	struct vhost_port *v;
	struct vhost_conn *c = conn_get(vid, &v);

	if (c == NULL)
		return;
	pthread_mutex_lock(&v->lock);
	if (v->vid == vid) {
		queues_close(v);
		v->vid = -1;
		if (v->port != NULL)
			port_link_set(v->port, false);
	}
	pthread_mutex_unlock(&v->lock);
	// No ring lock is held here, and after the return the library frees what workers may be using.
	port_synchronize();
}

static enum rte_vhost_msg_result before_message(int vid, void *msg)
{
	struct vhost_message *m = msg;
	struct vhost_port *v;
	struct vhost_conn *c = conn_get(vid, &v);

	if (c == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	if (m->request == REQUEST_GET_QUEUE_NUM) {
		m->u64 = v->queues; // the library would say 128
		m->size = sizeof(m->u64);
		return RTE_VHOST_MSG_RESULT_REPLY;
	}
	if (m->request == REQUEST_SET_MEM_TABLE || m->request == REQUEST_RESET_OWNER) {
		// Unmapping may take long, and nobody is to spin on the ring locks meanwhile; should it fail, the
		// queues stay closed, since the library then goes on with rings in memory that is gone.
		c->mapped = false;
		pthread_mutex_lock(&v->lock);
		if (v->vid == vid)
			queues_close(v);
		pthread_mutex_unlock(&v->lock);
	}
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static enum rte_vhost_msg_result after_message(int vid, void *msg)
{
	const struct vhost_message *m = msg;
	struct vhost_port *v;
	struct vhost_conn *c = conn_get(vid, &v);

	if (c == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	switch (m->request) {
	case REQUEST_SET_MEM_TABLE:
		c->mapped = true;
		// fall through
	case REQUEST_SET_VRING_NUM:
	case REQUEST_SET_VRING_ADDR:
	case REQUEST_SET_VRING_BASE:
	case REQUEST_SET_VRING_KICK:
	case REQUEST_SEND_RARP: // which the library injects at the next dequeue, so one has to come
		pthread_mutex_lock(&v->lock);
		if (v->vid == vid && c->mapped)
			queues_open(v, c->vrings);
		pthread_mutex_unlock(&v->lock);
		break;
	default:
		break;
	}
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static const struct rte_vhost_user_extern_ops message_ops = {
	.pre_msg_handle = before_message,
	.post_msg_handle = after_message,
};

// One connection serves; a second may wait for the end of the first to be read; more are a nuisance.
static int new_connection(int vid)
{
	char path[VHOST_PATH_MAX + 2];
	struct vhost_port *v;

	if (vid < 0 || vid >= RTE_MAX_VHOST_DEVICE || rte_vhost_get_ifname(vid, path, sizeof(path)) < 0)
		return -1;
	pthread_mutex_lock(&ports_lock);
	TAILQ_FOREACH (v, &ports, all)
		if (strcmp(v->path, path) == 0)
			break;
	pthread_mutex_unlock(&ports_lock);
	// The port outlives this call: it is freed only after the library has unregistered its path, which waits for
	// us.
	if (v == NULL || __atomic_load_n(&v->connections, __ATOMIC_RELAXED) >= 2)
		return -1;
	if (rte_vhost_extern_callback_register(vid, &message_ops, NULL) < 0)
		return -1;
	conns[vid].vrings = 0;
	conns[vid].mapped = false;
	__atomic_add_fetch(&v->connections, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&conns[vid].owner, v, __ATOMIC_RELEASE);
	return 0;
}

static void destroy_connection(int vid)
{
	struct vhost_port *v;

	if (conn_get(vid, &v) == NULL)
		return;
	__atomic_store_n(&conns[vid].owner, NULL, __ATOMIC_RELEASE);
	__atomic_sub_fetch(&v->connections, 1, __ATOMIC_RELEASE);
	vhost_watch_wake();
}

static void guest_notified(int vid)
{
	vhost_notified++;
}

static const struct rte_vhost_device_ops device_ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
	.guest_notified = guest_notified,
};

// --- ports -----------------------------------------------------------------------------------------------------------

int vhost_conn_add(struct vhost_port *v, char *other)
{
	struct vhost_port *o;
	int rc = 0;

	pthread_mutex_lock(&ports_lock);
	TAILQ_FOREACH (o, &ports, all)
		if (strcmp(o->canon, v->canon) == 0)
			break;
	if (o == NULL) {
		TAILQ_INSERT_TAIL(&ports, v, all);
	} else {
		pthread_mutex_lock(&o->lock);
		snprintf(other, PORT_NAME_LEN, "%s", o->port != NULL ? o->port->name : "(being deleted)");
		pthread_mutex_unlock(&o->lock);
		rc = -EEXIST;
	}
	pthread_mutex_unlock(&ports_lock);
	return rc;
}

void vhost_conn_del(struct vhost_port *v)
{
	pthread_mutex_lock(&ports_lock);
	TAILQ_REMOVE(&ports, v, all);
	pthread_mutex_unlock(&ports_lock);
	// The library does not announce the end of connections that end by unregistering.
	for (int i = 0; i < RTE_MAX_VHOST_DEVICE; i++) {
		struct vhost_port *mine = v;

		__atomic_compare_exchange_n(&conns[i].owner, &mine, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

int vhost_conn_register(struct vhost_port *v)
{
	uint64_t flags = 0;

	if (!v->server)
		flags = RTE_VHOST_USER_CLIENT | RTE_VHOST_USER_NO_RECONNECT;
	if (rte_vhost_driver_register(v->path, flags) < 0)
		return -1;
	if (rte_vhost_driver_disable_features(v->path, v->features_off) == 0 &&
	    rte_vhost_driver_callback_register(v->path, &device_ops) == 0)
		return 0;
	rte_vhost_driver_unregister(v->path);
	return -1;
}

int vhost_conn_start(struct vhost_port *v)
{
	static pthread_mutex_t lock =
		PTHREAD_MUTEX_INITIALIZER; // the library's first start makes its thread, unguarded
	int rc;

	pthread_mutex_lock(&lock);
	rc = rte_vhost_driver_start(v->path);
	pthread_mutex_unlock(&lock);
	if (v->server)
		vhost_poke();
	return rc;
}
