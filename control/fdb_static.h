/* SPDX-License-Identifier: BSD-3-Clause */
// Static FDB entries: desired objects, put into the table by publish().
//
// Design: an entry's VLAN is one that some port of the bridge names, or 0: untagged frames and, where nobody names VLAN
// 0, all of the rest domain. Entries that a transaction touched wait in a list until fdb_static_sync(), which takes
// away what is to go and then adds what is new, so that del and add of one MAC in one transaction work. At most half of
// the table may be static; where a static entry finds no slot, learned ones give way.
//
// Threads: control only.
#ifndef FDB_STATIC_H
#define FDB_STATIC_H

#include "bridge.h"

struct fdb;

#define FDB_STATIC_NAME_LEN 64 // "bridge/vlan/mac" with its NUL

void fdb_static_create(struct fdb *fdb);
void fdb_static_destroy(void);

// `conf`: {bridge, mac, vlan, port}. 0, -ENOENT, -EEXIST, -EINVAL, -ENOSPC.
int fdb_static_add(struct txn *t, const json_t *conf, struct fault *f);
// -ENOENT if there is no such static entry.
int fdb_static_del(struct txn *t, struct bridge *b, uint16_t vlan, const char *mac, struct fault *f);
// Whether an entry needs the port where it is: because it is behind it, or because only this port names its VLAN.
bool fdb_static_needs(const struct bridge_port *bp, char name[FDB_STATIC_NAME_LEN]);

// Whether there is an entry of a MAC in a VLAN.
bool fdb_static_has(struct bridge *b, uint16_t vlan, const struct rte_ether_addr *mac);
// Puts an entry into the table that is no desired object; learned entries give way.
void fdb_static_put(uint64_t key, uint16_t port_id);

uint32_t fdb_static_count(void);
// VLAN 0 of the bridge got or lost a domain of its own: its entries move.
void fdb_static_vlan0_changed(const struct bridge *b);
void fdb_static_sync(void);

#endif
