/* SPDX-License-Identifier: BSD-3-Clause */
// Our own addresses on links: is each ours alone, and do the others know where it is.
//
// Design: when an address appears, or its interface comes up, an IPv6 address is tentative for OWN_DAD_MS, during which
// a solicitation asks whether anybody has it (RFC 4862, 5.4); then it is announced. If somebody has it, it is a
// duplicate and not used until the interface or the address is made anew. An IPv4 address is used and announced at
// once, and again after OWN_AGAIN_MS, as the first announcement may come before the other side of the link listens.
//
// Threads: control only.
#ifndef OWN_H
#define OWN_H

#include "l3.h"

#define OWN_DAD_MS 1000
#define OWN_AGAIN_MS 2000

enum own_state { OWN_TENTATIVE, OWN_PREFERRED, OWN_DUPLICATE };

void own_iface_changed(struct iface *i); // after any change of the interface
void own_iface_gone(struct iface *i);
void own_tick(void);

// What is known of an address of the interface; OWN_PREFERRED if nothing is.
enum own_state own_state(const struct iface *i, const struct ip_addr *a);
static inline bool own_usable(const struct iface *i, const struct ip_addr *a)
{
	return own_state(i, a) == OWN_PREFERRED;
}
// Somebody else said that our tentative address is his, or is about to take it too.
void own_is_duplicate(struct iface *i, const struct ip_addr *a);

// Router advertisements of an interface: when the next one is due (ra.c keeps it).
struct ra_timer {
	uint64_t due_ms; // 0: none
	uint64_t last_ms;
	uint8_t initial; // of the first ones, which come sooner, how many were sent
};
struct ra_timer *own_ra_timer(struct iface *i); // NULL: none
void own_wake(uint64_t due_ms);                 // own_tick() has something to do by then

#endif
