/* SPDX-License-Identifier: BSD-3-Clause */
// Inside of ports/ethdev*.c: what such a port is, and its link and removal.
//
// Threads: ethdev_link_update() by control and by the EAL's interrupt thread, which also calls what is registered here.
#ifndef ETHDEV_PRIV_H
#define ETHDEV_PRIV_H

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "port.h"

#define ETHDEV_PATH_LEN 108 // as in sockaddr_un

struct ethdev {
	struct port *port;
	uint16_t id;
	uint16_t rx_descs, tx_descs; // as asked for, 0: the driver's choice
	uint16_t rx_ring, tx_ring;   // what came of it
	bool lsc, rmv;               // the driver tells of link changes, of removal
	bool bus_events;             // the bus tells of removal
	bool gone;                   // the other side of `path` is; written and read by the EAL's interrupt thread
	bool scatter;                // receives frames longer than a buffer
	bool multi_segs;             // sends them
	uint64_t tx_offloads;        // of the driver, in force
	uint64_t tx_refused;         // atomic: frames that rte_eth_tx_prepare() or a missing ability refused
	struct ethdev_rule *rules;   // given to the driver, in the order of their ids
	char path[ETHDEV_PATH_LEN];
	char device[RTE_DEV_NAME_MAX_LEN];
};

// Whether the device is of the vdev bus.
bool ethdev_is_virtual(const struct rte_eth_dev_info *info);

// Takes the link's state from the driver.
void ethdev_link_update(struct ethdev *e);

// Polls the link, where the driver does not tell of changes, until the opposite. Between start and stop.
void ethdev_link_watch(struct ethdev *e);
void ethdev_link_unwatch(struct ethdev *e);

// Asks driver and bus for news of link and removal, as far as they have such. The opposite waits for calls in hand.
void ethdev_events_register(struct ethdev *e, const struct rte_eth_dev_info *info);
void ethdev_events_unregister(struct ethdev *e);

// Takes all rules back from the driver: a device that stops keeps none.
void ethdev_rules_forget(struct ethdev *e);

#endif
