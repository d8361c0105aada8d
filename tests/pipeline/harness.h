/* SPDX-License-Identifier: BSD-3-Clause */
// Packets in, packets out: real mbufs through the real stages on a worker without a thread.
//
// Design: a test describes ports and their VLANs, puts frames in, runs the pipeline and takes what the ports got. Ports
// are of a kind that keeps what it is sent. State of the last description lasts until harness_reset().
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../datapath/worker_priv.h"

#define HARNESS_PORTS 16 // ids 1..15
#define HARNESS_OUT 4096
#define HARNESS_IFACES 16 // ids 1..15

struct harness_port {
	struct port port;
	struct fwd_port fwd;
	uint16_t vid_domain[VLAN_COUNT];
	struct rte_mbuf *out[HARNESS_OUT];
	uint32_t nout;
	uint32_t room; // takes this many more packets
};

extern struct worker *harness_worker;
extern struct fdb *harness_fdb;
extern struct fwd_state harness_state; // made by harness_build()
extern struct harness_port harness_ports[HARNESS_PORTS];

// EAL without privileges, pool, tables; once per program. Exits on failure.
void harness_init(void);

// Forgets ports, domains, FDB, counters; frees what ports still hold. Runs on the given level ("v2"...), or false if
// this CPU lacks it.
bool harness_reset(const char *isa);

// A port that is up, in bridge 1, MTU 1500, member of nothing.
struct harness_port *harness_port(uint16_t id);
// Makes port a member of domain (created at need with that vid). Untagged frames into it if `untagged`.
void harness_access(uint16_t id, uint16_t domain, uint16_t vid);
void harness_trunk(uint16_t id, uint16_t domain, uint16_t vid);
void harness_native(uint16_t id, uint16_t domain, uint16_t vid);
// All-VLAN member of a rest domain: what no entry of vid_domain says already goes there.
void harness_rest(uint16_t id, uint16_t domain);
void harness_build(void); // to be called after the description

// A frame of `len` bytes from `data`; NULL m->buf is never returned.
struct rte_mbuf *harness_mbuf(const void *data, uint32_t len);
void harness_in(uint16_t port_id, struct rte_mbuf *m); // runs the pipeline by itself whenever 64 are in
void harness_run(void);                                // and sends what is buffered

// An L3 interface that is up, in a domain that is there, with a MAC of its own in the FDB. Before harness_build().
struct fwd_iface *harness_iface(uint16_t id, uint16_t domain, uint16_t vrf, const uint8_t mac[6]);
struct fwd_domain *harness_domain(uint16_t domain);
// The next packet of a class that was punted; false: none. The caller frees it.
bool harness_punt(enum punt_class class, struct punt *punt);

uint64_t harness_drops(uint16_t port_id, enum drop_reason reason);
// rx + copies + generated == tx + drops + punted, and no mbuf is lost: all of the pool's are free but those that ports
// hold. Fails the test.
void harness_audit(void);

// Runs a test on every level that this CPU has, each from a fresh start: an entry of the array that cmocka takes.
void harness_on_all_levels(void **state);
#define TEST(name)                                                                                                     \
	(struct CMUnitTest)                                                                                            \
	{                                                                                                              \
#name, harness_on_all_levels, NULL, NULL, &(struct { void (*fn)(void); })                              \
		{                                                                                                      \
			name                                                                                           \
		}                                                                                                      \
	}

#endif
