/* SPDX-License-Identifier: BSD-3-Clause */
// Host TAPs: what is for the host on an interface goes to Linux, and what Linux sends on it leaves by the interface.
//
// Purpose: a routing daemon, DHCP server or sshd of the host's speaks on our interface as if it were its own, while we
// forward the rest.
//
// Design: the TAP has the interface's MAC, MTU and addresses, so Linux speaks for the interface in every protocol but
// those that we answer: ARP requests, neighbour and router solicitations and echo requests do not reach it. It asks for
// its own neighbours over the TAP, and gets copies of the answers. Everything else to our addresses, link-local
// multicast and broadcast is given to the TAP of the interface that it came in by, or else of the interface that has
// the address. Linux' frames are injected as they are. Checksums that a guest left to us are left to Linux in turn.
// Setting it up may fail, and the TAP may go away with its network namespace; it is tried again every HOST_RETRY_MS.
// A turn of the loop takes at most HOST_QUOTA frames from each TAP; what it writes to one is bounded by the workers'
// rates, and by the kernel, which counts what it has no room for.
//
// Threads: control only.
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <event2/event.h>
#include <jansson.h>

#include "../datapath/punt.h"
#include "iface.h"

#define HOST_RETRY_MS 3000
#define HOST_QUOTA 64
#define HOST_NETNS_LEN 256

void host_tap_create(struct event_base *base);
void host_tap_tick(void);
void host_tap_iface_changed(struct iface *i); // makes the TAP that its conf asks for, or brings it up to date
void host_tap_iface_gone(struct iface *i);

// Checks that the interface may have the TAP that its conf asks for: a name that Linux takes and no other interface's
// TAP in that namespace has. 0, -EINVAL, -EEXIST.
int host_tap_check(const struct iface *i, const json_t *conf, struct fault *f);
// Adds "host" to an interface's listing, if it has a TAP: an object of ifname, netns, state, error, counts.
void host_tap_json(const struct iface *i, json_t *o);

// Gives Linux a packet that is for us. m: a frame whose network header is at l3. false: there is no TAP that works; m
// is the caller's then. Else it is taken, and its outcome counted.
bool host_input(struct iface *in, const struct ip_addr *dst, struct rte_mbuf *m, uint16_t l3);
// The same of a frame to a group of the link, of whatever protocol.
bool host_input_link(struct iface *in, struct rte_mbuf *m, uint16_t l3);
// A copy for the TAP of the interface, if it has one.
void host_copy(struct iface *in, const struct rte_mbuf *m, uint16_t l3);

// The interface whose TAP is that link of a network namespace; NULL: none.
struct iface *host_iface_of(const char *netns, int ifindex);
// Called whenever a TAP comes or goes.
void host_tap_listen(void (*changed)(void));

#endif
