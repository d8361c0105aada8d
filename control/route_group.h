/* SPDX-License-Identifier: BSD-3-Clause */
// Groups with resilient hashing: which leaf has which slot.
//
// Design: every slot has a home, so that each leaf is home to its share of them. A slot whose home is alive is the
// home's. A slot whose home is dead goes to one of those alive, which depends on the slot and who is alive only: so a
// leaf that dies loses only its own slots, one that returns takes back its own, and a restart gives the same. Both
// choices are by highest random weight (rendezvous hashing: Thaler and Ravishankar 1998), for homes within exact
// quotas, so that another set of leaves moves few slots. With all dead every slot is its home's: packets then ask for
// neighbours.
//
// Threads: pure functions.
#ifndef ROUTE_GROUP_H
#define ROUTE_GROUP_H

#include <stdbool.h>
#include <stdint.h>

// Slots for n leaves: a power of two, 1 for one.
uint32_t group_slots(uint32_t nleaves);
// Fills home[nslots] for leaves of share[] (sum 1) and seed[]. No leaf of a share above zero goes without a slot.
void group_homes(uint32_t nleaves, const double *share, const uint32_t *seed, uint32_t nslots, uint16_t *home);
// The leaf that has slot s now.
uint16_t group_owner(uint32_t s, uint16_t home, uint32_t nleaves, const bool *alive, const double *share,
		     const uint32_t *seed);

#endif
