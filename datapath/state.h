/* SPDX-License-Identifier: BSD-3-Clause */
// What workers know of the configuration: one read-only snapshot.
//
// Purpose: the control thread turns its objects into a `struct fwd_state` and publishes it by one pointer store, so a
// packet sees all of a transaction or nothing of it. Workers take the pointer once per loop.
//
// Design: arrays of pointers to immutable parts found by small ids. A change copies the arrays (a few KiB) and builds
// anew only the parts that changed; the old ones are freed after a grace period (rcu.h).
// Broadcast domains: one for each VLAN that some port of the bridge names ("in use"), and one per bridge, the rest
// domain, that carries every other VLAN and untagged frames between the ports that take any VLAN. In the rest domain
// frames pass as they are, tags untouched (so QinQ passes), and MACs are learned once for all its VLANs (shared
// learning, IEEE 802.1Q); name a VLAN to have it learn on its own. A native port of all VLANs makes VLAN 0 one in use,
// of which it is no member: untagged frames of others must not enter its native VLAN.
//
// Threads: built by control, constant once published. Fields of `struct port` that change are atomic by themselves.
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "../ports/port.h"
#include "fwd_mode.h"

struct fib4;
struct fib6;
struct nexthop_table;

#define WORKERS_MAX 64
#define DOMAIN_MAX 65536 // ids are 1..65535; 0 is no domain
#define VLAN_COUNT 4096
#define VLAN_NONE 0xffff

// One port, as the datapath sees it.
struct fwd_port {
	struct port *port;
	uint32_t max_frame; // bytes without FCS and without tags: MTU + 14; one tag of 4 more is always allowed for
	bool up;            // admin state; a port that is down is not polled and not flooded to
	uint16_t untagged_domain; // of untagged and priority-tagged frames; 0: they are dropped
	uint16_t untagged_vid;    // the VLAN that leaves this port untagged (access: its tag, native: the native one,
				  // trunk: 0)
	bool access;              // tagged frames (VID other than 0) are dropped
	const uint16_t *
		vid_domain; // [VLAN_COUNT] domain of each VID, 0 denied; NULL for access ports and those without bridge
	uint16_t bridge;    // index of the bridge, 0 none
	uint16_t peer;      // in modes other than switch: the port that its packets leave by, maybe itself
	uint8_t mode;       // enum fwd_mode
	uint16_t flow;      // the switch (flow.h) that its packets go through first; 0: none
	bool flow_no_recv, flow_no_fwd, flow_no_packet_in; // OFPPC_*
	uint32_t flow_port;                                // its OpenFlow number
	struct pktgen_port *pktgen;                        // FWD_MODE_PKTGEN
	struct rte_ether_addr mac;
};

// One member of a broadcast domain.
struct fwd_member {
	uint16_t port_id;
};

// One L3 interface. Frames to its MAC in its domain are routed: the FDB has the static entry (mac, domain) ->
// PORT_ROUTER, put there by control.
struct fwd_iface {
	uint16_t id;
	uint16_t vrf;
	uint16_t domain; // never 0
	uint16_t mtu;    // bytes of an IP packet
	bool up;         // routes; else what comes for it is lost by name
	bool redirects;  // control gets a copy of what leaves by it having come in by it
	bool listens; // control gets a copy of every frame to a group address, not of ARP and neighbour discovery alone
	struct rte_ether_addr mac;
};

// The routes of one VRF. The FIBs change under the workers (fib4.h); a VRF's pointers do not while it is published.
struct fwd_vrf {
	const struct fib4 *fib4;
	const struct fib6 *fib6;
};

// The FDB's port of frames that go to the router of their domain.
#define PORT_ROUTER 0xffff

// One broadcast domain: a VLAN of a bridge, a bridge's rest domain, or the link of an interface on a port (which has no
// bridge and one member).
struct fwd_domain {
	uint16_t iface; // id of the L3 interface in it, 0 none: gets a copy of what is for all stations or its groups
	bool suppress;  // ARP and neighbour solicitations are punted rather than flooded: control answers or floods
	uint16_t bridge;
	uint16_t vid;      // 0xffff (VLAN_NONE): the rest domain, where tags are passed as they are
	bool learning;     // of the bridge
	uint16_t nmembers; // ports in it that are administratively up
	struct fwd_member member[];
};

// The queues one worker polls: first those whose packets go through the pipeline.
struct poll_list {
	uint32_t n;     // all
	uint32_t nmode; // the last ones of q: of ports in a mode other than switch, each visited by its mode's function
	struct rxq *q[];
};

struct fwd_state {
	uint64_t generation;              // one more per publication
	uint16_t nports, ndomains;        // array sizes: highest id in use plus one
	uint16_t burst;                   // packets that are taken from a queue, or generated, at once; 1 to BURST_MAX
	uint16_t txonly_bytes;            // of a frame that mode txonly makes
	const struct fwd_port **port;     // [nports], NULL where no port
	const struct fwd_domain **domain; // [ndomains], NULL where no domain
	uint16_t nifaces, nvrfs;
	const struct fwd_iface **iface; // [nifaces], NULL where none
	const struct fwd_vrf *vrf;      // [nvrfs]
	const struct nexthop_table *nexthops;
	bool redirects; // some interface's
	uint16_t nworkers;
	const struct poll_list *poll[WORKERS_MAX]; // never NULL for i < nworkers
};

// Publishes `s` to all workers. The caller frees what the former state held by rcu_defer() after this returns.
// Returns the former state (NULL at first). Control thread.
const struct fwd_state *fwd_state_publish(const struct fwd_state *s);

#endif
