/* SPDX-License-Identifier: BSD-3-Clause */
// The port kind "vhost-user": virtual machines and containers, on rte_vhost directly. See vhost.h.
#include "vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))

// The library would accept these, but nobody here segments UDP or keeps the ECN rules of segmentation
// (RFC 3168, 6.1.2), and VIRTIO_NET_F_GSO stands for all of them at once.
#define FEATURES_NEVER                                                                                                 \
	(BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_HOST_ECN) |                       \
	 BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GSO))
#define FEATURES_TSO                                                                                                   \
	(BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                    \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))
#define FEATURES_CSUM (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM))

__thread unsigned int vhost_notified;

// After a call of the library that moved n packets: it notified the guest, or the guest had said that it need not.
static inline void count_notify(uint64_t *sent, uint64_t *suppressed, uint16_t n)
{
	if (vhost_notified > 0) {
		*sent += vhost_notified;
		vhost_notified = 0;
	} else if (n > 0) {
		(*suppressed)++;
	}
}

static uint16_t vhost_rx(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct vhost_rxq *v = q->priv;
	const struct vhost_ring *r = __atomic_load_n(&v->ring, __ATOMIC_ACQUIRE);
	uint16_t got = 0, more;

	if (likely(r->vid >= 0)) {
		do {
			more = rte_vhost_dequeue_burst(r->vid, r->vring, vhost_pool(), pkts + got, n - got);
			count_notify(&v->notify_sent, &v->notify_suppressed, more);
			got += more;
		} while (more == VHOST_BURST && got < n);
	}
	vhost_ring_idle(v, q, r);
	return got;
}

static uint16_t vhost_tx(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct vhost_txq *v = q->priv;
	const uint32_t target = __atomic_load_n(&v->target, __ATOMIC_ACQUIRE);
	uint16_t sent = 0, more;

	if (unlikely(target == VHOST_CLOSED))
		return 0;
	do {
		more = rte_vhost_enqueue_burst(target >> 16, target & 0xffff, pkts + sent, n - sent);
		count_notify(&v->notify_sent, &v->notify_suppressed, more);
		sent += more;
	} while (more == VHOST_BURST && sent < n);
	rte_pktmbuf_free_bulk(pkts, sent);
	return sent;
}

static const char *const modes[] = {"client", "server", NULL};

static const struct param params[] = {
	{.name = "path",
	 .type = PARAM_STRING,
	 .flags = PARAM_REQUIRED,
	 .min = 1,
	 .max = VHOST_PATH_MAX,
	 .help = "Absolute path of the unix socket."},
	{.name = "mode",
	 .type = PARAM_ENUM,
	 .def = "\"client\"",
	 .choices = modes,
	 .help = "client: connects to the front end's socket, whenever that appears; server: listens."},
	{.name = "queues",
	 .type = PARAM_INT,
	 .min = 1,
	 .max = VHOST_QUEUES_MAX,
	 .def = "1",
	 .help = "Queue pairs that a guest may use."},
	{.name = "csum", .type = PARAM_BOOL, .def = "true", .help = "Offer checksum offload to the guest."},
	{.name = "tso", .type = PARAM_BOOL, .def = "true", .help = "Offer TCP segmentation offload, which needs csum."},
	{0},
};

static int queues_alloc(struct port *p, struct vhost_port *v, unsigned int workers)
{
	const int rc = port_queues_alloc(p, v->queues, v->queues, workers);

	if (rc < 0)
		return rc;
	for (uint16_t i = 0; i < v->queues; i++) {
		p->rxq[i].rx = vhost_rx;
		p->rxq[i].priv = &v->rxq[i];
		p->rxq[i].dev = UINT16_MAX;
		p->txq[i].tx = vhost_tx;
		p->txq[i].priv = &v->txq[i];
		p->txq[i].dev = UINT16_MAX;
	}
	return 0;
}

static bool is_server(const json_t *conf)
{
	return strcmp(json_string_value(json_object_get(conf, "mode")), "server") == 0;
}

static struct vhost_port *vhost_port_create(struct port *p, const json_t *conf)
{
	struct vhost_port *v = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*v));

	if (v == NULL)
		return NULL;
	memset(v, 0, sizeof(*v));
	strcpy(v->path, json_string_value(json_object_get(conf, "path")));
	v->base = strrchr(v->path, '/') + 1;
	v->server = is_server(conf);
	v->queues = json_integer_value(json_object_get(conf, "queues"));
	v->features_off = FEATURES_NEVER;
	if (json_is_false(json_object_get(conf, "csum")))
		v->features_off |= FEATURES_CSUM | FEATURES_TSO;
	if (json_is_false(json_object_get(conf, "tso")))
		v->features_off |= FEATURES_TSO;
	pthread_mutex_init(&v->lock, NULL);
	v->port = p;
	v->vid = -1;
	for (uint16_t i = 0; i < VHOST_QUEUES_MAX; i++) {
		v->rxq[i].ring = &vhost_ring_closed;
		v->txq[i].target = VHOST_CLOSED;
	}
	return v;
}

static int vhost_check(const json_t *conf, struct fault *f)
{
	char *canon;
	int rc = vhost_path_check(json_string_value(json_object_get(conf, "path")), is_server(conf), &canon, f);

	if (rc == 0)
		free(canon);
	return rc;
}

static int vhost_create(struct port *p, const json_t *conf, unsigned int workers, struct fault *f)
{
	const char *path = json_string_value(json_object_get(conf, "path"));
	char *canon, other[PORT_NAME_LEN];
	struct vhost_port *v;
	int rc;

	rc = vhost_path_check(path, is_server(conf), &canon, f);
	if (rc < 0)
		return rc;
	rc = is_server(conf) ? vhost_path_clear(path, f) : 0;
	if (rc < 0) {
		free(canon);
		return rc;
	}
	v = vhost_port_create(p, conf);
	if (v == NULL || vhost_pool_create() < 0 || queues_alloc(p, v, workers) < 0) {
		rc = fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a vhost-user port");
		free(canon);
		goto free;
	}
	v->canon = canon;
	if (vhost_conn_add(v, other) < 0) {
		rc = fault_str(f, -EEXIST, "path", path, "a path that no other port uses", "port %s uses it already",
			       other);
		goto free;
	}
	rc = vhost_watch_add(v, f);
	if (rc < 0)
		goto del;
	if (rte_is_zero_ether_addr(&p->mac))
		rte_eth_random_addr(p->mac.addr_bytes);
	p->max_mtu = PORT_MTU_MAX;
	p->priv = v;
	return 0;
del:
	vhost_conn_del(v);
free:
	port_queues_free(p);
	if (v != NULL)
		vhost_port_free(v);
	return rc;
}

static int vhost_start(struct port *p, struct fault *f)
{
	struct vhost_port *v = p->priv;

	if (v->started)
		return 0;
	if (v->server) {
		if (vhost_conn_register(v) < 0)
			return fault_str(f, -ENOSPC, "path", v->path, NULL,
					 "the vhost library takes no further socket");
		if (vhost_conn_start(v) < 0) {
			rte_vhost_driver_unregister(v->path);
			return fault_str(f, -EADDRNOTAVAIL, "path", v->path, NULL, "cannot listen there");
		}
	}
	v->started = true;
	vhost_watch_start(v, v->server ? VHOST_WATCH_NONE : VHOST_WATCH_WAIT);
	return 0;
}

// The connection stays: a guest whose port is stopped sees its rings not being served, as with a cable to a dead
// switch.
static void vhost_stop(struct port *p)
{
}

static void vhost_destroy(struct port *p)
{
	struct vhost_port *v = p->priv;

	vhost_conn_detach(v);
	port_queues_free(p);
	p->priv = NULL;
	vhost_watch_destroy(v);
}

static int vhost_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	p->mtu = mtu; // buffers are mergeable or chained in both directions, so no size of theirs limits it
	return 0;
}

static int vhost_set_mac(struct port *p, const struct rte_ether_addr *mac, struct fault *f)
{
	p->mac = *mac; // the guest's own address is its front end's business
	return 0;
}

static void vhost_stats(const struct port *p, struct port_dev_stats *out)
{
	const struct vhost_port *v = p->priv;

	memset(out, 0, sizeof(*out));
	for (uint16_t i = 0; i < v->queues; i++) {
		out->notify_sent += __atomic_load_n(&v->rxq[i].notify_sent, __ATOMIC_RELAXED) +
				    __atomic_load_n(&v->txq[i].notify_sent, __ATOMIC_RELAXED);
		out->notify_suppressed += __atomic_load_n(&v->rxq[i].notify_suppressed, __ATOMIC_RELAXED) +
					  __atomic_load_n(&v->txq[i].notify_suppressed, __ATOMIC_RELAXED);
	}
}

static void vhost_info(const struct port *p, json_t *out)
{
	struct vhost_port *v = p->priv;
	uint64_t features, us;
	uint16_t mtu;
	int vid;

	pthread_mutex_lock(&v->lock);
	vid = v->vid;
	features = v->features;
	mtu = v->guest_mtu;
	pthread_mutex_unlock(&v->lock);
	json_object_set_new(out, "connected", json_boolean(vid >= 0));
	if (vid < 0)
		return;
	json_object_set_new(out, "ring", json_string(features & BIT(VIRTIO_F_RING_PACKED) ? "packed" : "split"));
	json_object_set_new(out, "features", json_sprintf("0x%" PRIx64, features));
	if (mtu > 0)
		json_object_set_new(out, "guest_mtu", json_integer(mtu));
	us = __atomic_load_n(&v->ready_us, __ATOMIC_RELAXED);
	if (!v->server)
		json_object_set_new(out, "connect_us", json_integer((json_int_t)us));
}

static const struct port_ops vhost_user_ops = {
	.name = "vhost-user",
	.help = "A virtual machine's network device, over a vhost-user socket.",
	.params = params,
	.check = vhost_check,
	.create = vhost_create,
	.start = vhost_start,
	.stop = vhost_stop,
	.destroy = vhost_destroy,
	.set_mtu = vhost_set_mtu,
	.set_mac = vhost_set_mac,
	.stats = vhost_stats,
	.info = vhost_info,
};

PORT_KIND(vhost_user_ops)
