/* SPDX-License-Identifier: BSD-3-Clause */
// Which bucket of a group a packet goes to.
//
// Purpose: select groups that keep to their weights and disturb few flows when buckets come, go or fail, and
// fast-failover groups.
//
// Design: a select group has a table of slots, a power of two of them and many more than buckets, each given to a
// bucket in proportion to its weight. A packet's flow hash names a slot. When weights or buckets change, only the slots
// that must change their owner do. A bucket that is not alive keeps its slots: its packets draw another slot by a
// further hash, so that the others' stay where they are, and its own come back with it.
//
// Threads: flow_group_assign() control, flow_group_select() any.
// Source: OpenFlow Switch Specification 1.3.5, 5.6.1.
#ifndef FLOW_GROUP_H
#define FLOW_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "../tables/flow_key.h"

#define FLOW_NO_BUCKET UINT16_MAX
#define FLOW_BUCKETS_MAX 1024

// Gives slots to buckets. slot[nslots]: who has them until now, by the numbers that the buckets have now;
// FLOW_NO_BUCKET: nobody, or a bucket that is gone. nslots: a power of two, 65536 at most. weight[n]: 0 takes none; not
// all are 0. n: up to FLOW_BUCKETS_MAX. A bucket's share is off by less than one slot. Cost: linear.
void flow_group_assign(uint16_t *slot, uint32_t nslots, const uint16_t *weight, uint32_t n);

// Whether a bucket is alive.
typedef bool (*flow_group_alive_fn)(const void *arg, uint32_t bucket);

// The bucket of a flow, of n. FLOW_NO_BUCKET: none is alive. Cost: some ns, and as much for each bucket drawn that is
// not alive; with few alive, linear in n.
uint16_t flow_group_select(const uint16_t *slot, uint32_t nslots, flow_group_alive_fn alive, const void *arg,
			   uint32_t n, uint64_t hash);

// A hash of what makes a flow: MAC addresses, EtherType, VLAN, the addresses of IP or ARP, the IP protocol, ports. Not
// of the port it came in by, metadata, DSCP and ECN. A later fragment has no ports, and may hash otherwise than the
// first. seed: the same for all workers.
uint64_t flow_group_hash(const struct flow_key *key, uint64_t seed);

#endif
