/* SPDX-License-Identifier: BSD-3-Clause */
// What all ports that a DPDK poll-mode driver serves have in common.
//
// Purpose: a kind of port in dpdk.c, tap.c, ... only says which device it wants (DPDK's "devargs") and how many queues;
// everything else, from probing the device to taking it away again, is here.
//
// Design: the device is probed when the port is created and removed when it is destroyed, whoever probed it first (a
// device named on the EAL's command line is adopted). What fails half-way is undone. A change that a driver only takes
// while it is stopped (MTU, for most PCI drivers) is made with the port's queues parked behind functions that move
// nothing, so no other port notices.
//
// Threads: control thread; rx and tx by workers. Link and removal events come from the EAL's interrupt thread.
#ifndef ETHDEV_H
#define ETHDEV_H

#include "port.h"

struct ethdev_conf {
	const char *devargs; // "net_null1,no-rx=1", "0000:00:05.0", ...
	const char *field;   // the parameter that is at fault if the device cannot be had, and what it held
	const char *value;
	const char *path;            // the socket behind it, or NULL
	uint16_t rxq, txq;           // 0: one rx queue; one tx queue for each worker, as far as the device has them
	uint16_t rx_descs, tx_descs; // 0: what the driver prefers
};

// Probes, configures and fills `p`, stopped; see port_ops.create for `workers`. Returns 0, or with a fault: -EINVAL bad
// devargs or counts beyond the device's, -EEXIST another port has the device, -ENOSPC DPDK's table of devices is full,
// -ENOMEM, -ENOTSUP, or what the driver said. Control thread; milliseconds to seconds.
int ethdev_create(struct port *p, const struct ethdev_conf *conf, unsigned int workers, struct fault *f);

// The rest of port_ops, for kinds to put into theirs.
int ethdev_start(struct port *p, struct fault *f);
void ethdev_stop(struct port *p);
void ethdev_destroy(struct port *p);
int ethdev_set_mtu(struct port *p, uint16_t mtu, struct fault *f);
int ethdev_set_mac(struct port *p, const struct rte_ether_addr *mac, struct fault *f);
void ethdev_stats(const struct port *p, struct port_dev_stats *out);
void ethdev_info(const struct port *p, json_t *out);
int ethdev_driver(const struct port *p, json_t *out, struct fault *f); // microseconds to milliseconds
int ethdev_xstats(const struct port *p, json_t *out, struct fault *f);
int ethdev_flow(struct port *p, enum port_flow op, const char *text, uint32_t *id, json_t *out, struct fault *f);

const char *ethdev_path(const struct port *p); // as in conf; "" if none

// An integer parameter, or `def` if it was not given.
uint16_t ethdev_param_u16(const json_t *params, const char *name, uint16_t def);

#endif
