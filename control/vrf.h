/* SPDX-License-Identifier: BSD-3-Clause */
// VRFs: routing tables of their own, so that tenants' addresses may overlap.
//
// Design: ids are 1..VRF_MAX-1. The VRF "default" always exists, has id 1, and is no part of the desired state.
//
// Threads: control only.
#ifndef VRF_H
#define VRF_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "names.h"
#include "port.h"
#include "rib.h"
#include "txn.h"

#define VRF_MAX 4097 // ids are 1..4096; 0 is none
#define VRF_DEFAULT "default"

struct fib4;
struct fib6;
struct gateway;
struct iface;
struct route_set;

struct vrf {
	char name[PORT_NAME_LEN]; // first: names.h
	uint16_t id;
	bool deleted;
	json_t *conf; // as vrf.add would take it
	struct fib4 *fib4;
	struct fib6 *fib6;
	struct route_set *routes;
	uint32_t moved;             // route_via.c: in that round routes got other numbers
	struct rib gateways;        // those that routes name without interface: address -> route_via.c's
	LIST_HEAD(, gateway) named; // and those with one
	uint32_t nifaces;
	LIST_HEAD(, iface) ifaces;
};

int vrf_create_table(void); // with "default" in it. 0 or -ENOMEM
void vrf_destroy_table(void);

// 0, -EEXIST, -ENOSPC no id left, -ENOMEM.
int vrf_add(struct txn *t, const json_t *conf, struct fault *f);
int vrf_del(struct txn *t, struct vrf *v, struct fault *f); // -EBUSY while something is in it, or it is "default"

const struct names *vrf_names(void);
int vrf_get(const char *field, const char *name, struct vrf **out, struct fault *f); // -ENOENT
struct vrf *vrf_by_id(uint16_t id);                                                  // NULL: none
uint16_t vrf_max_id(void);                                                           // highest id ever in use

#endif
