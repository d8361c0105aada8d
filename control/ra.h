/* SPDX-License-Identifier: BSD-3-Clause */
// Router advertisements (RFC 4861, 6.2) of interfaces that have "router_advert" on.
//
// Design: one soon after the interface comes up, two more RA_INITIAL_MS apart, then one every RA_MIN_MS to RA_MAX_MS,
// and one for solicitations, to all nodes, at most every RA_APART_MS. It names the interface's MAC, its MTU, and its
// prefixes but the link-local one; those of 64 bits are for autoconfiguration.
//
// Threads: control only.
#ifndef RA_H
#define RA_H

#include "l3.h"

#define RA_INITIAL_MS 16000
#define RA_MIN_MS 200000
#define RA_MAX_MS 600000
#define RA_APART_MS 3000
#define RA_LIFETIME_S 1800

void ra_iface_changed(struct iface *i);
bool ra_solicited(struct iface *i); // whether there will be an answer
void ra_due(struct iface *i);

#endif
