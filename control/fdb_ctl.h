/* SPDX-License-Identifier: BSD-3-Clause */
// The FDB's upkeep: learning from the workers' events, moves, ageing, limits, flushing.
//
// Design: workers ask by events, control alone writes the table. An event counts only if its port is now a member of
// its domain and the bridge learns, so an event from before a change does no harm. A bridge at its MAC limit, and a
// full table, learn nothing new: frames to such stations are flooded. Flushes are collected and done in one walk, by
// fdb_ctl_flush_run(), before the state that made them necessary is published.
//
// Threads: control only.
#ifndef FDB_CTL_H
#define FDB_CTL_H

#include <rte_ether.h>

#include "bridge.h"

struct fdb;
struct fdb_entry;

// What the table did since start.
struct fdb_ctl_stats {
	uint64_t learned, moved, aged, flushed, evicted;
	uint64_t refused_limit; // events of new MACs at a bridge's mac_limit
	uint64_t refused_full;  // events of new MACs while the table was full
	uint64_t stale;         // events that no longer fit the configuration
};

void fdb_ctl_create(struct fdb *fdb);
void fdb_ctl_destroy(void);
struct fdb *fdb_ctl_table(void);
void fdb_ctl_stats(struct fdb_ctl_stats *out);

// Handles at most a few thousand events; returns how many it found.
unsigned int fdb_ctl_poll(void);
// Handles all events that wait: after a grace period, none that names what is gone is left.
void fdb_ctl_drain(void);
// Every FDB_CTL_TICK_MS: sets the coarse clock by `now`, seconds that only grow, and scans a part of the table for
// entries that are too old.
#define FDB_CTL_TICK_MS 250
void fdb_ctl_tick(uint64_t now);
uint16_t fdb_ctl_now(void); // the coarse clock, seconds, never 0

// Marks learned entries for the next fdb_ctl_flush_run(): of a domain, of a port, of a port in a domain, or all.
void fdb_ctl_flush_domain(uint16_t domain);
void fdb_ctl_flush_port(uint16_t port_id);
void fdb_ctl_flush_match(uint16_t domain, uint16_t port_id);
void fdb_ctl_flush_all(void);
void fdb_ctl_flush_run(void);

// Removes a learned entry, if it is there. Whether it was.
bool fdb_ctl_forget(uint64_t key);
// Makes room: removes learned entries, the oldest of a part of the table. false: there are none.
bool fdb_ctl_evict(void);

// "aa:bb:cc:dd:ee:ff", and a check that a text of that form is a unicast address that is not zero.
void fdb_mac_text(const struct rte_ether_addr *mac, char text[RTE_ETHER_ADDR_FMT_SIZE]);
int fdb_mac_check(const char *mac, struct fault *f);

// VLAN of a domain as the interface shows it: 0 for the rest domain.
static inline uint16_t fdb_vlan(const struct domain *d)
{
	return d->vid == VLAN_NONE ? 0 : d->vid;
}

#endif
