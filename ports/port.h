/* SPDX-License-Identifier: BSD-3-Clause */
// A port, and what every kind of port must be able to do.
//
// Purpose: the datapath moves mbufs through `struct rxq` and `struct txq` and knows nothing of devices; each file in
// ports/ implements one kind and registers it. ethdev.c is the common part of all kinds that a DPDK driver serves.
//
// Design: the hot fields of a queue are in the queue itself, one cache line each, so that a poll touches one line. A
// queue with an `idle_word` is known to be empty while that word holds `idle_value`: the worker then spends one load
// and no call (vhost: the avail index). The functions of port_ops are slow and run on the control thread only.
// Life: create (all memory and the device; stopped) -> start -> rx/tx by workers -> the control thread takes the port
// out of the published state and waits for a grace period -> stop -> destroy. rx and tx are never called before start
// nor after stop, so a kind needs no lock against its own destruction.
//
// Threads: rxq: one worker at a time (the control thread moves queues between workers only across a grace period).
// txq: one worker, or any of them under `lock` where `shared`. The rest: control thread, but for fields marked.
#ifndef PORT_H
#define PORT_H

#include <jansson.h>
#include <rte_ether.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_spinlock.h>

#include "fault.h"
#include "param.h"

#define PORT_NAME_LEN 32   // with the closing NUL
#define PORT_MAX 16384     // ids are 1..PORT_MAX-1; 0 is no port
#define PORT_QUEUES_MAX 64 // queues of one direction
#define PORT_MTU_MIN 68    // RFC 791
#define PORT_MTU_MAX 9702
#define PORT_MBUF_DATA 2048 // data room of an mbuf past its headroom

struct port;
struct rxq;
struct txq;

// Takes up to n (<= 64) packets into pkts and returns how many; they are the caller's then. Worker. Never blocks.
typedef uint16_t (*port_rx_fn)(struct rxq *q, struct rte_mbuf **pkts, uint16_t n);

// Sends pkts[0..n-1] in order and returns how many were taken; those are freed by the port when done, the rest stay
// the caller's. Worker (under q->lock where q->shared). Never blocks.
typedef uint16_t (*port_tx_fn)(struct txq *q, struct rte_mbuf **pkts, uint16_t n);

struct rxq {
	port_rx_fn rx;
	const uint16_t *idle_word; // NULL: always call rx. Published and withdrawn by the port kind (atomic, RCU), read
				   // by the worker
	uint16_t idle_value;       // worker, from within rx
	uint16_t queue;            // index in the port
	uint16_t port_id;
	uint16_t dev; // the kind's own: ethdev port id, or vhost vid
	struct port *port;
	void *priv;              // the kind's own
	uint64_t packets, bytes; // written by the polling worker, read by control
} __rte_cache_aligned;

struct txq {
	port_tx_fn tx;
	rte_spinlock_t lock; // taken by the datapath around tx if shared
	bool shared;
	uint16_t queue, port_id, dev;
	struct port *port;
	void *priv;
	uint64_t packets, bytes; // written by whoever sends, read by control
} __rte_cache_aligned;

// What an egress queue still does to a packet itself (else the egress stage does it in software).
enum port_offload {
	PORT_OFFLOAD_CSUM = 1 << 0, // fills the L4 checksum asked for by RTE_MBUF_F_TX_{TCP,UDP}_CKSUM
	PORT_OFFLOAD_TSO4 = 1 << 1, // accepts RTE_MBUF_F_TX_TCP_SEG frames over IPv4
	PORT_OFFLOAD_TSO6 = 1 << 2, // the same over IPv6
};

struct port {
	char name[PORT_NAME_LEN];
	uint16_t id;
	const struct port_ops *ops;
	struct rxq *rxq; // [nrxq]; a kind calls port_queues_alloc()
	struct txq *txq; // [ntxq]
	uint16_t nrxq, ntxq;
	uint16_t mtu, max_mtu; // bytes of L3; set by control through ops->set_mtu
	struct rte_ether_addr mac;
	uint8_t link_up;   // atomic: written by the kind (any thread, port_link_set), read by workers and control
	uint32_t offloads; // atomic: enum port_offload now in force; a guest may negotiate anew at any time
	void *priv;        // the kind's own
};

// What only the kind knows: errors and for vhost the notifications. All are counts since creation.
struct port_dev_stats {
	uint64_t rx_errors, tx_errors, rx_missed;
	uint64_t rx_nombuf;                      // of rx_missed: for lack of a buffer
	uint64_t notify_sent, notify_suppressed; // guest kicks, vhost-user only
};

enum port_flow { PORT_FLOW_VALIDATE, PORT_FLOW_CREATE, PORT_FLOW_DESTROY, PORT_FLOW_FLUSH, PORT_FLOW_LIST };

struct port_ops {
	const char *name;           // the value of port.add's "type"
	const char *help;           // one sentence for rpc.describe
	const struct param *params; // this kind's own parameters (name, type, mtu, mac, admin are the caller's)

	// Refuses the decoded params that create would refuse already for what they say or what is there, and does
	// nothing else: what a dry run can tell. NULL: params alone tell nothing.
	int (*check)(const json_t *params, struct fault *f);
	// Creates the device, stopped, from decoded params. p->name, id, mtu, mac (zero: choose one) and ops are set;
	// fills queues (port_queues_alloc), max_mtu, mac, priv. `workers`: how many lcores may send at once; with fewer
	// tx queues than that, sets txq.shared. Errors: -errno with a fault; nothing is left behind.
	int (*create)(struct port *p, const json_t *params, unsigned int workers, struct fault *f);
	int (*start)(struct port *p, struct fault *f);
	void (*stop)(struct port *p);
	void (*destroy)(struct port *p); // stopped before; frees queues (port_queues_free) and priv
	int (*set_mtu)(struct port *p, uint16_t mtu, struct fault *f);                     // NULL: not supported
	int (*set_mac)(struct port *p, const struct rte_ether_addr *mac, struct fault *f); // NULL: not supported
	void (*stats)(const struct port *p, struct port_dev_stats *out);
	void (*info)(const struct port *p, json_t *out); // adds kind-specific status fields to port.list's object
	int (*driver)(const struct port *p, json_t *out, struct fault *f); // NULL: no driver that tells anything
	int (*xstats)(const struct port *p, json_t *out, struct fault *f); // its own counters by name; NULL: has none
	// rte_flow rules for the driver: validates or creates `rule` (testpmd's words; sets *id), destroys that of *id,
	// all, or lists them in the array `out`. What an operation does not use may be NULL. NULL: no driver.
	int (*flow)(struct port *p, enum port_flow op, const char *rule, uint32_t *id, json_t *out, struct fault *f);
};

// A registered kind by name, or NULL. port_kind_at(i): the i-th by name order, NULL past the end.
const struct port_ops *port_kind(const char *name);
const struct port_ops *port_kind_at(unsigned int i);
void port_kind_register(const struct port_ops *ops);

#define PORT_KIND(ops)                                                                                                 \
	__attribute__((constructor)) static void port_kind_register_##ops(void)                                        \
	{                                                                                                              \
		port_kind_register(&(ops));                                                                            \
	}

// Allocates and zeroes the queue arrays; sets port, port_id, queue and, for workers > ntxq, shared. 0 or -ENOMEM.
int port_queues_alloc(struct port *p, uint16_t nrxq, uint16_t ntxq, unsigned int workers);
void port_queues_free(struct port *p);

// The pool that all received packets come from: created once by control before any port. port_pool() never fails.
int port_pool_create(unsigned int mbufs, struct fault *f);
struct rte_mempool *port_pool(void);
void port_pool_destroy(void);

// Tells the control thread that something about a port changed. Any non-worker thread; returns at once. The function
// set by port_notify_set() is called in the caller's thread and must hand over.
enum port_event { PORT_EVENT_LINK, PORT_EVENT_REMOVED };
typedef void (*port_notify_fn)(struct port *p, enum port_event ev);
void port_notify_set(port_notify_fn fn);
void port_notify(struct port *p, enum port_event ev);
void port_link_set(struct port *p, bool up); // stores link_up and notifies on change

extern int port_logtype;
#define PORT_LOG(level, p, fmt, ...)                                                                                   \
	rte_log(RTE_LOG_##level, port_logtype, "port %s: " fmt "\n", (p)->name, ##__VA_ARGS__)

// Waits until no worker can still hold what it read of shared memory before the call; set by the datapath, and returns
// at once where no worker runs. Any thread but a worker's.
extern void (*port_synchronize)(void);

#endif
