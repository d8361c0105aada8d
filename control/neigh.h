/* SPDX-License-Identifier: BSD-3-Clause */
// Neighbours: which MAC an IP address has on an interface's link, for both families.
//
// Purpose: a packet to an address that nobody knows yet waits here until its MAC is known or known not to be there;
// what is known is kept fresh, and what ceases to answer takes its next hop back.
//
// Design: the states are those of RFC 4861, 7.3, and ARP goes through the same ones. Workers send to a neighbour
// without telling, so every one that has a MAC counts as in use: its MAC is confirmed (a unicast question) when three
// quarters of its reachable time are over. Without an answer it becomes STALE, soon DELAY, then PROBE, and after three
// more questions FAILED: the next hop is UNRESOLVED, the host route is gone, what waited is told of by ICMP. A gateway
// of a route (neigh_hold()) goes from REACHABLE to PROBE at once, stays in the table when it fails, and is asked for
// again every NEIGH_RETRY_MS. A table holds at most NEIGH_IFACE_MAX of an interface. When it is full, a newcomer takes
// the place of the oldest one that has no MAC, else of the oldest one whose MAC is not confirmed; static ones, gateways
// and confirmed ones stay, and when there are only these the newcomer is refused. At most NEIGH_HELD_MAX packets wait
// for a neighbour (the oldest gives way to the newest, RFC 4861, 7.2.2), and NEIGH_HELD_ALL in all.
//
// Threads: control only. neigh.c has the tables, neigh_state.c the states, neigh_static.c what is configured.
#ifndef NEIGH_H
#define NEIGH_H

#include <sys/queue.h>

#include <rte_mbuf.h>

#include "l3.h"
#include "slow.h"
#include "txn.h"

#define NEIGH_IFACE_MAX 16384
#define NEIGH_ALL_MAX (NEXTHOP_MAX / 2)
#define NEIGH_HELD_MAX 16
#define NEIGH_HELD_ALL 4096

#define NEIGH_RETRANS_MS 1000 // between two questions
#define NEIGH_TRIES 3
#define NEIGH_REACHABLE_S 30 // unless the interface's conf says otherwise ("reachable_time")
#define NEIGH_STALE_MS 1000
#define NEIGH_DELAY_MS 5000
#define NEIGH_RETRY_MS 2000
#define NEIGH_SOLICIT_RATE 2000 // questions per second and interface
#define NEIGH_SOLICIT_BURST 2000

enum neigh_state {
	NEIGH_INCOMPLETE,
	NEIGH_REACHABLE,
	NEIGH_STALE,
	NEIGH_DELAY,
	NEIGH_PROBE,
	NEIGH_FAILED,
	NEIGH_STATIC,
};

// A packet that waits: begins with its IP header.
struct neigh_held {
	struct rte_mbuf *m;
	uint16_t in_iface; // where it came in; 0: our own, which no account of punted packets knows
};

struct neigh {
	struct iface *iface;
	struct ip_addr addr;
	struct rte_ether_addr mac; // valid unless INCOMPLETE or FAILED
	uint8_t state;             // enum neigh_state
	uint8_t tries;             // questions asked in this state
	bool refreshing;           // REACHABLE, and asked whether it still is
	bool router;               // says so of itself (IPv6)
	bool in_fib;               // its host route is there
	bool wanted_static;        // configured: desired (neigh_static.c)...
	bool is_static;            // ...and in force
	uint8_t timed;             // in which list of timers (neigh_state.c)
	uint8_t nheld;
	uint32_t refs;           // neigh_hold()
	uint32_t number;         // next hop
	uint64_t confirmed_ms;   // the MAC was last confirmed
	uint64_t due_ms;         // when the state's time is over
	struct neigh_held *held; // [NEIGH_HELD_MAX], NULL before the first
	json_t *conf;            // of the static entry, as neigh.add would take it
	uint8_t rank;            // which of the table's lists has it
	TAILQ_ENTRY(neigh) link; // of the table, oldest first
	TAILQ_ENTRY(neigh) wheel_link;
	LIST_ENTRY(neigh) hash_link;
};

TAILQ_HEAD(neigh_list, neigh);

enum neigh_rank { NEIGH_RANK_NO_MAC, NEIGH_RANK_UNSURE, NEIGH_RANK_STAYS, NEIGH_RANKS };

// What i->neighs points to.
struct neigh_table {
	struct neigh_list list[NEIGH_RANKS];
	uint32_t n;
	bool was_up;
	struct slow_bucket solicit, errors, answers, redirects;
	uint64_t defended_ms;  // an address of ours was last announced against another's claim
	struct own_iface *own; // own.c's
};

// The table of an interface, made if need be; NULL: no memory.
struct neigh_table *neigh_table_of(struct iface *i);

struct neigh_stats {
	uint32_t entries, held;
	uint64_t evicted, refused, moved, failed, resolved;
};

extern struct neigh_stats neigh_counts; // written by neigh.c and neigh_state.c
const char *neigh_state_name(enum neigh_state state);

struct neigh *neigh_find(const struct iface *i, const struct ip_addr *a); // NULL: none
// Finds or makes it. 0, -ENETDOWN, -ENOSPC the table is full of neighbours in use, -ENOMEM.
int neigh_get(struct iface *i, const struct ip_addr *a, struct neigh **out);
// Makes one that is not there, whether the interface is up or not. 0, -ENOSPC, -ENOMEM.
int neigh_make(struct iface *i, const struct ip_addr *a, struct neigh **out);
struct neigh *neigh_by_number(uint32_t number); // of a next hop; NULL: none

// Sends an IP packet (m begins with its header; taken in any case) to a neighbour, now or when its MAC is known.
// in_iface: where a punted packet came in, which is accounted for (slow_end()); 0: our own.
void neigh_output(struct neigh *n, struct rte_mbuf *m, uint16_t in_iface);

// A message told the MAC of an address: mac NULL if it named none.
#define NEIGH_HEARD_CREATE 1u    // whoever asks us will want an answer: make an entry
#define NEIGH_HEARD_SOLICITED 2u // an answer to our question
#define NEIGH_HEARD_OVERRIDE 4u  // a new MAC replaces a known one
#define NEIGH_HEARD_ROUTER 8u
void neigh_heard(struct iface *i, const struct ip_addr *a, const struct rte_ether_addr *mac, unsigned int flags);

// Runs the states whose time is over at slow_now_ms().
void neigh_tick(void);
// Up, down, MAC, MTU, addresses: contents are made anew, or neighbours forgotten.
void neigh_iface_changed(struct iface *i);
void neigh_iface_gone(struct iface *i);
// Forgets everything, next hops included; after the interfaces are gone.
void neigh_destroy(void);
// Every neighbour of an interface, oldest first; fn may destroy the one it is given.
void neigh_each(struct iface *i, void (*fn)(struct neigh *n, void *arg), void *arg);
uint32_t neigh_count(const struct iface *i);
// Whether an address is in a prefix of the interface.
bool neigh_on_link(const struct iface *i, const struct ip_addr *a);

// neigh_state.c, called by neigh.c and neigh_static.c.
void neigh_state_set(struct neigh *n, enum neigh_state state);
void neigh_resolve(struct neigh *n);      // asks, if nobody does yet
void neigh_contents_set(struct neigh *n); // the next hop says what the state says
void neigh_mac_set(struct neigh *n, const struct rte_ether_addr *mac);
void neigh_timer(struct neigh *n, uint64_t due_ms); // 0: none
void neigh_timers_reset(void);
// neigh.c: what waits is taken out (how many, oldest first), sent, or lost.
unsigned int neigh_unhold(struct neigh *n, struct neigh_held out[NEIGH_HELD_MAX]);
void neigh_send_held(struct neigh *n); // n may be gone afterwards
void neigh_lose_held(struct neigh *n, enum slow_outcome why);
void neigh_relist(struct neigh *n);
void neigh_drop(struct neigh *n); // destroys an entry that nobody holds
void neigh_event(const char *what, const struct neigh *n);

// neigh_static.c
int neigh_static_add(struct txn *t, const json_t *conf, struct fault *f);
// Removes a static entry, or forgets a learned one. -ENOENT.
int neigh_static_del(struct txn *t, struct iface *i, const struct ip_addr *a, struct fault *f);
// Whether an interface has static entries: with the first one's address for the error text.
bool neigh_static_needs(struct iface *i, char text[IP_TEXT_LEN]);
// Whether it has some that its addresses, as they are now, do not allow: the first one's address.
bool neigh_static_unfit(struct iface *i, char text[IP_TEXT_LEN]);

#endif
