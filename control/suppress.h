/* SPDX-License-Identifier: BSD-3-Clause */
// ARP and neighbour solicitations on bridges with "arp_suppress": who is known is answered for, others are asked for as
// ever.
//
// Design: on such a bridge workers punt what is for all stations or for solicited-node groups instead of flooding it.
// The addresses seen in passing messages are kept per broadcast domain, at most SUPPRESS_DOMAIN_MAX (the one not heard
// of for the longest gives way) and SUPPRESS_AGE_MS. An answer is given only while the FDB has the station's MAC in
// that domain, and behind another port than the one who asks; probes for addresses about to be used are always flooded,
// since a stale entry would call them taken. Tagged frames of a rest domain are flooded without being looked at: they
// are of many VLANs, in which an address may be several stations'.
//
// Threads: control only.
#ifndef SUPPRESS_H
#define SUPPRESS_H

#include "../datapath/punt.h"
#include "arp.h"
#include "nd.h"

#define SUPPRESS_DOMAIN_MAX 4096
#define SUPPRESS_AGE_MS 600000

struct suppress_stats {
	uint64_t answered, flooded;
	uint32_t entries;
};

// A frame of a domain that no interface is in; takes it.
void suppress_input(const struct punt *p);
// A frame that an interface had no answer to. m: the frame, which p->m was. Whether it was taken: not if the domain's
// bridge floods such frames itself.
bool suppress_arp(const struct punt *p, struct rte_mbuf *m, const struct arp_message *a);
bool suppress_nd(const struct punt *p, struct rte_mbuf *m, const struct nd_message *n);
void suppress_tick(void); // forgets what is old
void suppress_destroy(void);
const struct suppress_stats *suppress_stats(void);

#endif
