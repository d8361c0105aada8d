/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "ethdev_priv.h"
#include "ethdev_probe.h"

#define TAGS_BYTES (2 * RTE_VLAN_HLEN) // two tags are let through on top of the MTU
#define DESCS_DEFAULT 1024
#define OFFLOADS_CSUM (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)

static uint16_t ethdev_rx(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return rte_eth_rx_burst(q->dev, q->queue, pkts, n);
}

static uint16_t ethdev_tx(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return rte_eth_tx_burst(q->dev, q->queue, pkts, n);
}

// The driver writes into the frame and its mbuf, which other ports may be sending too. NULL: no memory.
static struct rte_mbuf *own(struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m))
		return m;
	copy = rte_pktmbuf_copy(m, port_pool(), 0, UINT32_MAX);
	if (copy != NULL)
		rte_pktmbuf_free(m);
	return copy;
}

// Makes what a frame asks for something that this driver does. False if that cannot be.
static bool prepare(const struct ethdev *e, struct txq *q, struct rte_mbuf **m)
{
	const uint64_t tso4 = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
	struct rte_mbuf *mine;

	if ((*m)->nb_segs > 1 && !e->multi_segs)
		return false;
	mine = own(*m);
	if (mine == NULL)
		return false;
	*m = mine;
	// What drivers with that offload want to be told, and others, which then leave the IP header alone, must not
	// be.
	if ((e->tx_offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0 && (mine->ol_flags & tso4) == tso4)
		mine->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	return rte_eth_tx_prepare(q->dev, q->queue, m, 1) == 1;
}

// Frames that ask for something go one by one, so that one bad frame of a guest costs its neighbours nothing: it is
// taken and counted as an error, as a NIC would.
static uint16_t ethdev_tx_prepared(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct ethdev *e = q->priv;

	for (uint16_t i = 0; i < n; i++) {
		if (!prepare(e, q, &pkts[i])) {
			rte_pktmbuf_free(pkts[i]);
			__atomic_fetch_add(&e->tx_refused, 1, __ATOMIC_RELAXED);
		} else if (rte_eth_tx_burst(q->dev, q->queue, &pkts[i], 1) != 1) {
			return i;
		}
	}
	return n;
}

static uint16_t ethdev_tx_checked(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	uint64_t flags = 0;
	uint32_t segs = 0;

	for (uint16_t i = 0; i < n; i++) {
		flags |= pkts[i]->ol_flags;
		segs |= pkts[i]->nb_segs;
	}
	if (likely((flags & RTE_MBUF_F_TX_OFFLOAD_MASK) == 0 && segs == 1))
		return rte_eth_tx_burst(q->dev, q->queue, pkts, n);
	return ethdev_tx_prepared(q, pkts, n);
}

static uint16_t parked_rx(struct rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return 0;
}

static uint16_t parked_tx(struct txq *q, struct rte_mbuf **pkts, uint16_t n)
{
	return 0;
}

// Points the queues at functions that move nothing; after it no worker is inside the driver.
static void queues_park(struct port *p)
{
	for (uint16_t i = 0; i < p->nrxq; i++)
		__atomic_store_n(&p->rxq[i].rx, parked_rx, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < p->ntxq; i++)
		__atomic_store_n(&p->txq[i].tx, parked_tx, __ATOMIC_RELEASE);
	port_synchronize();
}

static void queues_open(struct port *p)
{
	const struct ethdev *e = p->priv;
	const port_tx_fn tx = e->tx_offloads != 0 || !e->multi_segs ? ethdev_tx_checked : ethdev_tx;

	for (uint16_t i = 0; i < p->nrxq; i++)
		__atomic_store_n(&p->rxq[i].rx, ethdev_rx, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < p->ntxq; i++)
		__atomic_store_n(&p->txq[i].tx, tx, __ATOMIC_RELEASE);
}

// Some drivers return -1 for whatever went wrong, which would read as EPERM.
static int driver_errno(int ret)
{
	return ret == -1 ? -EIO : ret;
}

static uint32_t frame_bytes(uint16_t mtu)
{
	return mtu + RTE_ETHER_HDR_LEN + TAGS_BYTES;
}

// What the driver says, less what would not fit our buffers.
static uint16_t max_mtu(const struct rte_eth_dev_info *info)
{
	uint32_t max = RTE_MIN((uint32_t)PORT_MTU_MAX, info->max_mtu == 0 ? RTE_ETHER_MTU : (uint32_t)info->max_mtu);

	if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0 ||
	    (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0)
		max = RTE_MIN(max, PORT_MBUF_DATA - frame_bytes(0));
	return (uint16_t)max;
}

static uint32_t offloads_of_port(uint64_t tx)
{
	uint32_t offloads = 0;

	if ((tx & OFFLOADS_CSUM) != OFFLOADS_CSUM)
		return 0;
	offloads |= PORT_OFFLOAD_CSUM;
	if ((tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0)
		offloads |= PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	return offloads;
}

// Segmentation and checksums are of use only together, and long frames need chains of buffers.
static uint64_t offloads_choose(uint64_t capa)
{
	uint64_t tx = capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if ((capa & OFFLOADS_CSUM) != OFFLOADS_CSUM)
		return tx;
	tx |= OFFLOADS_CSUM | (capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM);
	if ((tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0)
		tx |= capa & RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return tx;
}

static int queues_setup(struct port *p, const struct rte_eth_dev_info *info, struct fault *f)
{
	struct ethdev *e = p->priv;
	uint16_t rx_descs = e->rx_descs, tx_descs = e->tx_descs;
	int ret;

	if (rx_descs == 0)
		rx_descs = info->default_rxportconf.ring_size ? info->default_rxportconf.ring_size : DESCS_DEFAULT;
	if (tx_descs == 0)
		tx_descs = info->default_txportconf.ring_size ? info->default_txportconf.ring_size : DESCS_DEFAULT;
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(e->id, &rx_descs, &tx_descs);
	if (ret != 0)
		return fault_set(f, driver_errno(ret), NULL, NULL, NULL, "device %s has no ring sizes to offer",
				 e->device);
	e->rx_ring = rx_descs;
	e->tx_ring = tx_descs;
	for (uint16_t i = 0; i < p->nrxq; i++) {
		ret = rte_eth_rx_queue_setup(e->id, i, rx_descs, SOCKET_ID_ANY, NULL, port_pool());
		if (ret != 0)
			return fault_set(f, driver_errno(ret), NULL, NULL, NULL,
					 "device %s: receive queue %u of %u descriptors failed", e->device, i,
					 rx_descs);
	}
	for (uint16_t i = 0; i < p->ntxq; i++) {
		ret = rte_eth_tx_queue_setup(e->id, i, tx_descs, SOCKET_ID_ANY, NULL);
		if (ret != 0)
			return fault_set(f, driver_errno(ret), NULL, NULL, NULL,
					 "device %s: transmit queue %u of %u descriptors failed", e->device, i,
					 tx_descs);
	}
	return 0;
}

// Configures the stopped device for `mtu` and the queues that `p` has.
static int device_configure(struct port *p, uint16_t mtu, struct fault *f)
{
	struct ethdev *e = p->priv;
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int ret;

	ret = rte_eth_dev_info_get(e->id, &info);
	if (ret != 0)
		return fault_set(f, driver_errno(ret), NULL, NULL, NULL, "device %s does not tell what it can do",
				 e->device);
	// The virtual devices send chains, also those that do not tell; and telling spares a look at each frame.
	e->multi_segs = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0 || ethdev_is_virtual(&info);
	e->scatter = frame_bytes(mtu) > PORT_MBUF_DATA;
	e->tx_offloads = offloads_choose(info.tx_offload_capa);
	conf.rxmode.mtu = mtu;
	conf.rxmode.offloads = e->scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0;
	conf.txmode.offloads = e->tx_offloads;
	conf.intr_conf.lsc = (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	conf.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	if (p->nrxq > 1) {
		conf.rx_adv_conf.rss_conf.rss_hf =
			info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
		if (conf.rx_adv_conf.rss_conf.rss_hf != 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	}
	ret = rte_eth_dev_configure(e->id, p->nrxq, p->ntxq, &conf);
	if (ret != 0)
		return fault_set(f, driver_errno(ret), NULL, NULL, NULL,
				 "device %s refuses %u receive and %u transmit queues at MTU %u", e->device, p->nrxq,
				 p->ntxq, mtu);
	ret = queues_setup(p, &info, f);
	if (ret != 0)
		return ret;
	// Drivers without the call have nothing to set: the datapath checks every frame's length anyway.
	ret = rte_eth_dev_set_mtu(e->id, mtu);
	if (ret != 0 && ret != -ENOTSUP)
		return fault_set(f, driver_errno(ret), "mtu", NULL, NULL, "device %s refuses MTU %u", e->device, mtu);
	return 0;
}

static int count_check(const char *field, uint16_t want, uint16_t max, const char *device, struct fault *f)
{
	char value[8], allowed[32];

	max = RTE_MIN(max, PORT_QUEUES_MAX);
	if (want <= max)
		return 0;
	snprintf(value, sizeof(value), "%u", want);
	snprintf(allowed, sizeof(allowed), "at most %u", max);
	return fault_set(f, -EINVAL, field, value, allowed, "device %s has %u queues in this direction", device, max);
}

static int mtu_check(const struct port *p, uint16_t mtu, struct fault *f)
{
	char value[8], allowed[32];

	if (mtu >= PORT_MTU_MIN && mtu <= p->max_mtu)
		return 0;
	snprintf(value, sizeof(value), "%u", mtu);
	snprintf(allowed, sizeof(allowed), "%u to %u", PORT_MTU_MIN, p->max_mtu);
	return fault_set(f, -EINVAL, "mtu", value, allowed, "MTU %u is out of this port's range", mtu);
}

static int mac_setup(struct port *p, struct fault *f)
{
	const struct ethdev *e = p->priv;

	if (!rte_is_zero_ether_addr(&p->mac))
		return ethdev_set_mac(p, &p->mac, f);
	const int ret = rte_eth_macaddr_get(e->id, &p->mac);
	if (ret != 0)
		return fault_set(f, driver_errno(ret), NULL, NULL, NULL, "device %s does not tell its MAC address",
				 e->device);
	return 0;
}

static uint16_t txq_choose(const struct rte_eth_dev_info *info, unsigned int workers)
{
	const unsigned int max = RTE_MIN((unsigned int)info->max_tx_queues, (unsigned int)PORT_QUEUES_MAX);

	return (uint16_t)RTE_MAX(1U, RTE_MIN(workers, max));
}

// The part of create between probing and success.
static int port_setup(struct port *p, const struct ethdev_conf *conf, unsigned int workers, struct fault *f)
{
	struct ethdev *e = p->priv;
	struct rte_eth_dev_info info;
	int ret;

	ret = rte_eth_dev_info_get(e->id, &info);
	if (ret != 0)
		return fault_set(f, driver_errno(ret), conf->field, NULL, NULL,
				 "device %s does not tell what it can do", conf->value);
	snprintf(e->device, sizeof(e->device), "%s", rte_dev_name(info.device));
	if (count_check("rxq", conf->rxq, info.max_rx_queues, e->device, f) != 0 ||
	    count_check("txq", conf->txq, info.max_tx_queues, e->device, f) != 0)
		return f->err;
	p->max_mtu = max_mtu(&info);
	if (p->mtu == 0)
		p->mtu = RTE_MIN(RTE_ETHER_MTU, p->max_mtu);
	if (mtu_check(p, p->mtu, f) != 0)
		return f->err;
	if (port_queues_alloc(p, conf->rxq ? conf->rxq : 1, conf->txq ? conf->txq : txq_choose(&info, workers),
			      workers) != 0)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for the port's queues");
	for (uint16_t i = 0; i < p->nrxq; i++)
		p->rxq[i].dev = e->id;
	for (uint16_t i = 0; i < p->ntxq; i++) {
		p->txq[i].dev = e->id;
		p->txq[i].priv = e;
	}
	if (device_configure(p, p->mtu, f) != 0 || mac_setup(p, f) != 0)
		return f->err;
	p->offloads = offloads_of_port(e->tx_offloads);
	rte_eth_stats_reset(e->id); // an adopted device may have counted before
	ethdev_events_register(e, &info);
	queues_open(p);
	return 0;
}

int ethdev_create(struct port *p, const struct ethdev_conf *conf, unsigned int workers, struct fault *f)
{
	struct ethdev *e = calloc(1, sizeof(*e));
	int ret;

	if (e == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for a port");
	e->port = p;
	e->rx_descs = conf->rx_descs;
	e->tx_descs = conf->tx_descs;
	if (conf->path != NULL)
		snprintf(e->path, sizeof(e->path), "%s", conf->path);
	ret = ethdev_probe(conf->devargs, conf->field, conf->value, &e->id, f);
	if (ret != 0)
		goto free_ethdev;
	p->priv = e;
	ret = port_setup(p, conf, workers, f);
	if (ret == 0)
		return 0;
	port_queues_free(p);
	p->priv = NULL;
	ethdev_remove(e->id);
free_ethdev:
	free(e);
	return ret;
}

static int device_start(struct port *p, struct fault *f)
{
	const struct ethdev *e = p->priv;
	int ret = rte_eth_dev_start(e->id);

	if (ret != 0)
		return fault_set(f, driver_errno(ret), NULL, NULL, NULL, "device %s does not start", e->device);
	// A switch port takes frames for everybody. Drivers that cannot filter have no such call.
	ret = rte_eth_promiscuous_enable(e->id);
	if (ret != 0 && ret != -ENOTSUP)
		PORT_LOG(WARNING, p, "device %s stays deaf to frames for others: %s", e->device, rte_strerror(-ret));
	return 0;
}

int ethdev_start(struct port *p, struct fault *f)
{
	struct ethdev *e = p->priv;
	const int ret = device_start(p, f);

	if (ret != 0)
		return ret;
	ethdev_link_update(e);
	ethdev_link_watch(e);
	return 0;
}

void ethdev_stop(struct port *p)
{
	struct ethdev *e = p->priv;

	ethdev_link_unwatch(e);
	ethdev_rules_forget(e);
	const int ret = rte_eth_dev_stop(e->id);
	if (ret != 0)
		PORT_LOG(ERR, p, "device %s does not stop: %s", e->device, rte_strerror(-ret));
	port_link_set(p, false);
}

void ethdev_destroy(struct port *p)
{
	struct ethdev *e = p->priv;

	ethdev_events_unregister(e);
	ethdev_remove(e->id);
	port_queues_free(p);
	p->priv = NULL;
	free(e);
}

// Stops the device under the workers' feet, configures it for `mtu` and starts it again; tens of milliseconds.
static int mtu_reconfigure(struct port *p, uint16_t mtu, struct fault *f)
{
	struct ethdev *e = p->priv;
	struct fault again;
	int ret;

	queues_park(p);
	ethdev_rules_forget(e);
	ret = rte_eth_dev_stop(e->id);
	if (ret != 0) {
		ret = fault_set(f, driver_errno(ret), "mtu", NULL, NULL, "device %s does not stop for a new MTU",
				e->device);
		goto open;
	}
	ret = device_configure(p, mtu, f);
	if (ret != 0 && device_configure(p, p->mtu, &again) != 0)
		PORT_LOG(ERR, p, "after a failed change of the MTU: %s", again.message);
	if (device_start(p, &again) != 0) {
		PORT_LOG(ERR, p, "after a change of the MTU: %s", again.message);
		port_link_set(p, false);
	}
open:
	queues_open(p);
	return ret;
}

int ethdev_set_mtu(struct port *p, uint16_t mtu, struct fault *f)
{
	struct ethdev *e = p->priv;
	int ret = mtu_check(p, mtu, f);

	if (ret != 0)
		return ret;
	ret = -EBUSY;
	if (e->scatter == (frame_bytes(mtu) > PORT_MBUF_DATA))
		ret = rte_eth_dev_set_mtu(e->id, mtu);
	if (ret == -EBUSY)
		ret = mtu_reconfigure(p, mtu, f);
	else if (ret != 0 && ret != -ENOTSUP)
		ret = fault_set(f, driver_errno(ret), "mtu", NULL, NULL, "device %s refuses MTU %u", e->device, mtu);
	else
		ret = 0;
	if (ret == 0)
		p->mtu = mtu;
	return ret;
}

int ethdev_set_mac(struct port *p, const struct rte_ether_addr *mac, struct fault *f)
{
	const struct ethdev *e = p->priv;
	char value[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr addr = *mac;

	rte_ether_format_addr(value, sizeof(value), mac);
	if (!rte_is_valid_assigned_ether_addr(mac))
		return fault_str(f, -EINVAL, "mac", value, "an address of one station",
				 "MAC address %s is zero or a group's", value);
	const int ret = rte_eth_dev_default_mac_addr_set(e->id, &addr);
	if (ret != 0)
		return fault_str(f, driver_errno(ret), "mac", value, NULL, "device %s does not take MAC address %s",
				 e->device, value);
	p->mac = addr;
	return 0;
}

void ethdev_stats(const struct port *p, struct port_dev_stats *out)
{
	const struct ethdev *e = p->priv;
	struct rte_eth_stats s;

	memset(out, 0, sizeof(*out));
	out->tx_errors = __atomic_load_n(&e->tx_refused, __ATOMIC_RELAXED);
	if (rte_eth_stats_get(e->id, &s) != 0)
		return;
	out->rx_errors = s.ierrors;
	out->tx_errors += s.oerrors;
	out->rx_missed = s.imissed + s.rx_nombuf;
	out->rx_nombuf = s.rx_nombuf;
}

static json_t *offload_names(uint64_t offloads, const char *(*name)(uint64_t))
{
	json_t *names = json_array();

	for (; offloads != 0; offloads &= offloads - 1)
		json_array_append_new(names, json_string(name(offloads & -offloads)));
	return names;
}

void ethdev_info(const struct port *p, json_t *out)
{
	const struct ethdev *e = p->priv;
	struct rte_eth_dev_info info;
	struct rte_eth_link link;

	json_object_set_new(out, "device", json_string(e->device));
	if (rte_eth_dev_info_get(e->id, &info) != 0)
		return;
	json_object_set_new(out, "driver", json_string(info.driver_name));
	if (info.if_index != 0)
		json_object_set_new(out, "ifindex", json_integer(info.if_index));
	// virtio-user answers a look at a dead link by an alarm of its own, which the device must outlive.
	if (e->path[0] == '\0' && rte_eth_link_get_nowait(e->id, &link) == 0 &&
	    link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		json_object_set_new(out, "link_speed_bps", json_integer((json_int_t)link.link_speed * 1000000));
	json_object_set_new(out, "rx_offloads",
			    offload_names(e->scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0, rte_eth_dev_rx_offload_name));
	json_object_set_new(out, "tx_offloads", offload_names(e->tx_offloads, rte_eth_dev_tx_offload_name));
}

const char *ethdev_path(const struct port *p)
{
	const struct ethdev *e = p->priv;

	return e->path;
}

uint16_t ethdev_param_u16(const json_t *params, const char *name, uint16_t def)
{
	const json_t *v = json_object_get(params, name);

	return json_is_integer(v) ? (uint16_t)json_integer_value(v) : def;
}
