/* SPDX-License-Identifier: BSD-3-Clause */
// The slow path: what workers punt, and what control sends by itself.
//
// Purpose: ARP, neighbour discovery, ICMP, resolution of neighbours and the host's own TAPs stand on what is here: the
// dispatcher that takes punted packets in turn by class, the accounts of what became of them, the clock, token buckets
// and the buffers' handling.
//
// Design: a punted packet is taken once and ends once, by slow_end() with the outcome's name: so the packets taken, by
// class, are those ended, by outcome, and those held for a neighbour or the rest of a datagram (slow_stats()). A round
// takes at most SLOW_QUOTA packets of each class, so no class waits for another's flood, and the loop comes to its
// other work in between. Packet data is hostile: slow_pull() makes the bytes that a parser reads lie in a row and be
// ours to change, or fails.
//
// Threads: control only.
#ifndef SLOW_H
#define SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <jansson.h>
#include <rte_mbuf.h>

#include "../datapath/punt.h"
#include "../ports/fault.h"

#define SLOW_QUOTA 64

// What became of a punted packet. X(id, name, help)
#define SLOW_OUTCOMES(X)                                                                                               \
	X(HANDLED, "handled", "a message of ARP, ICMP or neighbour discovery, used and answered as it asks")           \
	X(FORWARDED, "forwarded", "sent on to a neighbour whose MAC had to be asked for")                              \
	X(TOLD, "told", "could not be forwarded, and its sender was told by ICMP")                                     \
	X(HOST, "host", "given to the interface's host TAP")                                                           \
	X(CONTROLLER, "controller", "sent to the OpenFlow controllers of its bridge that want such packets")           \
	X(NO_CONTROLLER, "no_controller", "for OpenFlow controllers, and its bridge has none (openflow.set)")          \
	X(FLOODED, "flooded", "ARP or a solicitation that nobody could be answered for, flooded on the bridge")        \
	X(UNTOLD, "untold", "could not be forwarded; no error is sent about such a packet, or too many were")          \
	X(MALFORMED, "malformed", "lengths, checksums, options or addresses that the protocol forbids")                \
	X(IGNORED, "ignored", "well-formed, and not meant for us: another's address, an unknown message")              \
	X(NO_IFACE, "no_iface", "the interface is gone or down")                                                       \
	X(NO_HOST, "no_host", "for one of our addresses, and the interface has no host TAP: lost silently")            \
	X(HOST_FULL, "host_full", "the host TAP takes no more")                                                        \
	X(REASSEMBLED, "reassembled", "a fragment that became part of a whole datagram for us")                        \
	X(REASS_OVERLAP, "reass_overlap", "a fragment whose datagram has some that overlap or contradict each other")  \
	X(REASS_AGAIN, "reass_again", "a fragment that was there already")                                             \
	X(REASS_FULL, "reass_full", "a fragment that gave way to newer ones, as too many wait for the rest")           \
	X(REASS_TIMEOUT, "reass_timeout", "a fragment whose datagram's rest did not come in time")                     \
	X(HELD_FULL, "held_full", "waited for a neighbour's MAC, and gave way to a newer packet")                      \
	X(NEIGH_FULL, "neigh_full", "the interface's neighbour table is full of neighbours in use")                    \
	X(NEIGH_RATE, "neigh_rate", "too many neighbours are asked for at once")                                       \
	X(LIMITED, "limited", "an answer or error that would have exceeded its rate")                                  \
	X(NO_ROUTE, "no_route", "an answer that no route leads to")                                                    \
	X(NO_BUFFER, "no_buffer", "no packet buffer, or no memory")                                                    \
	X(INJECT_FULL, "inject_full", "the ring back to the workers is full")

enum slow_outcome {
#define X(id, name, help) SLOW_##id,
	SLOW_OUTCOMES(X)
#undef X
		SLOW_OUTCOME_COUNT,
};

// What control sent by itself. X(id, name, help)
#define SLOW_SENT(X)                                                                                                   \
	X(ARP_REQUEST, "arp_request", "ARP requests and probes")                                                       \
	X(ARP_REPLY, "arp_reply", "ARP replies")                                                                       \
	X(NS, "nd_solicit", "neighbour solicitations")                                                                 \
	X(NA, "nd_advert", "neighbour advertisements")                                                                 \
	X(RA, "router_advert", "router advertisements")                                                                \
	X(ECHO, "echo_reply", "ICMP and ICMPv6 echo replies")                                                          \
	X(ERROR, "icmp_error", "ICMP and ICMPv6 errors")                                                               \
	X(REDIRECT, "redirect", "ICMP and ICMPv6 redirects")                                                           \
	X(HOST, "host", "frames from host TAPs")                                                                       \
	X(LOST, "lost", "what could not be sent: no buffer, no route, no neighbour, or the ring to the workers full")

enum slow_sent {
#define X(id, name, help) SLOW_SENT_##id,
	SLOW_SENT(X)
#undef X
		SLOW_SENT_COUNT,
};

struct slow_stats {
	uint64_t taken[PUNT_CLASS_COUNT];
	uint64_t outcome[SLOW_OUTCOME_COUNT];
	uint64_t sent[SLOW_SENT_COUNT];
};

// The dispatcher and its timers on `base`. 0 or -errno.
int slow_create(struct event_base *base);
void slow_destroy(void);
// Takes and handles what workers punted, at most SLOW_QUOTA packets of each class. Returns how many.
unsigned int slow_poll(void);
// Who takes the packets for controllers (PUNT_FLOW_*), and ends them by slow_end(); NULL: nobody, they are ignored.
void slow_flow_set(void (*input)(const struct punt *p));
// Time goes on: timers of neighbours, duplicate address detection, advertisements.
void slow_tick(uint64_t now_ms);

// Milliseconds of CLOCK_MONOTONIC, as of the last slow_poll() or slow_tick().
uint64_t slow_now_ms(void);
void slow_clock_set(uint64_t now_ms);

const struct slow_stats *slow_stats(void);
json_t *slow_stats_json(void); // a new reference

// A punted packet's end: frees it (NULL: already gone) and counts the outcome. slow_count(): counts it alone.
void slow_end(struct rte_mbuf *m, enum slow_outcome why);
// The end of a packet that may be our own: in_iface 0, which is counted as sent and lost.
void slow_lose(struct rte_mbuf *m, uint16_t in_iface, enum slow_outcome why);
void slow_count(enum slow_outcome why);
void slow_count_sent(enum slow_sent what);
void slow_forget_stats(void); // all counts are zero again

// Makes the first `len` bytes of *m lie in one segment, and the packet be ours alone. May replace *m, whose reference
// is the caller's before and after. false: shorter than that, or no buffer; *m is as it was.
bool slow_pull(struct rte_mbuf **m, uint32_t len);

// Takes away what is before the IP packet of a punted one, whose header then lies in *m in a row. false: it has none;
// the packet is gone then, as malformed.
bool slow_strip(const struct punt *p, struct rte_mbuf **m);

// A token bucket of `rate` tokens per second and at most `burst`. Begins full when zeroed. false: empty.
struct slow_bucket {
	uint64_t at_ms;
	uint64_t spent_milli; // what is missing to the full bucket, in thousandths of a token
};
bool slow_bucket_take(struct slow_bucket *b, uint32_t rate, uint32_t burst);

// Events of topic "neigh", no more than some hundred per second (the rest is counted in "suppressed"). Steals `data`.
bool slow_event_wanted(void);
void slow_event(const char *what, json_t *data);

#endif
